//! Feeds that the package repositories of an image are: `db update --from-image`.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use plimsoll_advisory::apt::{SecurityIndex, security_indexes, upgrades};
use plimsoll_advisory::fetch::{self, FetchOptions, Fetched, Source, Store};
use plimsoll_model::inventory::Inventory;

use super::{Context, scan};
use crate::args::{Scan, Scanner};
use crate::progress;

/// Fetches the security indexes that `image`'s apt configuration names, then the changelogs of what an upgrade of the
/// image would bring.
pub(super) fn fetch_for(
    image: &str,
    store: &Arc<Store>,
    options: FetchOptions,
    context: &Context,
) -> anyhow::Result<Vec<Fetched>> {
    let scans = scan::scans(&Scan::of(image, Scanner::Configuration), &[], context)?;
    let inventory = &scans.first().with_context(|| format!("{image} holds no image"))?.inventory;
    let indexes = security_indexes(inventory).with_context(|| format!("the apt configuration of {image}"))?;
    if indexes.is_empty() {
        bail!(
            "{image} names no Debian security repository in /etc/apt/sources.list or sources.list.d; \
             other repositories are not read for advisories yet"
        );
    }
    let sources: Vec<Source> = indexes.iter().map(|index| index.source.clone()).collect();
    let mut fetched = fetch::fetch(store, &sources, options.clone())?;
    let packages = packages(&indexes, &fetched, inventory);
    fetched.extend(fetch::fetch(store, &packages, options)?);
    Ok(fetched)
}

/// The packages whose changelogs tell what an upgrade would mend.
fn packages(indexes: &[SecurityIndex], fetched: &[Fetched], inventory: &Inventory) -> Vec<Source> {
    let mut packages = Vec::new();
    for (index, fetched) in indexes.iter().zip(fetched) {
        let Some(copy) = &fetched.copy else { continue };
        match upgrades(index, &copy.path, inventory) {
            Ok(sources) => packages.extend(sources),
            Err(error) => progress::warning(&format!("{}: {error}", fetched.name)),
        }
    }
    packages
}
