//! Feeds that the package repositories of an image are: `db update --from-image`.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use plimsoll_advisory::apt::{SecurityIndex, security_indexes, upgrades};
use plimsoll_advisory::fetch::{self, FetchOptions, Fetched, Source, Store};
use plimsoll_advisory::rpm_repository::{self, RpmSource, RpmSourceError, rpm_sources};
use plimsoll_model::digest::Digest;
use plimsoll_model::inventory::Inventory;

use super::{Context, scan};
use crate::args::{Scan, Scanner};
use crate::progress;

/// The largest list of mirrors or table of contents.
const CONTENTS_LIMIT: u64 = 16 << 20;

/// Fetches what the repositories that `image` names tell of vulnerabilities: of apt's security suites the indexes, and
/// the changelogs of what an upgrade would bring; of rpm repositories the errata.
pub(super) fn fetch_for(
    image: &str,
    store: &Arc<Store>,
    options: FetchOptions,
    context: &Context,
) -> anyhow::Result<Vec<Fetched>> {
    let scans = scan::scans(&Scan::of(image, Scanner::Configuration), &[], context)?;
    let inventory = &scans.first().with_context(|| format!("{image} holds no image"))?.inventory;
    let indexes = security_indexes(inventory).with_context(|| format!("the apt configuration of {image}"))?;
    let repositories = rpm_sources(inventory);
    if indexes.is_empty() && repositories.is_empty() {
        bail!(
            "{image} names neither a Debian security repository (/etc/apt/sources.list, sources.list.d) nor a repository of \
             rpm packages (/etc/yum.repos.d, /etc/zypp/repos.d); Alpine's repositories tell nothing of vulnerabilities: its \
             advisories are the feed \"alpine\""
        );
    }
    let sources: Vec<Source> = indexes.iter().map(|index| index.source.clone()).collect();
    let mut fetched = fetch::fetch(store, &sources, options.clone())?;
    let packages = packages(&indexes, &fetched, inventory);
    fetched.extend(fetch::fetch(store, &packages, options.clone())?);
    for (id, source) in repositories {
        match source.map_err(Refusal::from).and_then(|source| errata(&source, store, &options)) {
            Ok(errata) => fetched.push(errata),
            Err(Refusal::Told(reason)) => progress::warning(&format!("rpm repository {id}: {reason}")),
            Err(Refusal::NotFetched(failed)) => fetched.push(*failed),
            Err(Refusal::Other(error)) => return Err(error),
        }
    }
    Ok(fetched)
}

/// Why a repository gave no errata.
enum Refusal {
    /// For this reason.
    Told(String),
    /// This could not be fetched.
    NotFetched(Box<Fetched>),
    /// Nothing can be fetched at all.
    Other(anyhow::Error),
}

impl From<RpmSourceError> for Refusal {
    fn from(error: RpmSourceError) -> Self {
        Self::Told(error.to_string())
    }
}

/// Fetches the mirrors, if they have to be asked for, the table of contents and the errata of one repository.
fn errata(source: &RpmSource, store: &Arc<Store>, options: &FetchOptions) -> Result<Fetched, Refusal> {
    let bases = match &source.list {
        Some(list) => rpm_repository::mirrors(&text_of(list.clone(), store, options)?)?,
        None => source.bases.clone(),
    };
    let contents = text_of(rpm_repository::contents(&source.id, &bases)?, store, options)?;
    let (errata, digest) = rpm_repository::errata(&source.id, &bases, &contents)?;
    let fetched = one(errata, store, options)?;
    if let (Some(copy), Some(told)) = (&fetched.copy, digest) {
        let bytes = copy.read(options.limits.feed).map_err(|error| told_of(&error))?;
        if Digest::of(&bytes).hex() != told {
            return Err(Refusal::Told("its errata have another digest than repomd.xml tells".to_owned()));
        }
    }
    Ok(fetched)
}

/// What lies at an address, as text.
fn text_of(source: Source, store: &Arc<Store>, options: &FetchOptions) -> Result<String, Refusal> {
    let fetched = one(source, store, options)?;
    let Some(copy) = &fetched.copy else { return Err(Refusal::NotFetched(Box::new(fetched))) };
    let bytes = copy.read(CONTENTS_LIMIT).map_err(|error| told_of(&error))?;
    String::from_utf8(bytes).map_err(|_| Refusal::Told(format!("{} is no text", fetched.name)))
}

fn told_of(error: &std::io::Error) -> Refusal {
    Refusal::Told(error.to_string())
}

fn one(source: Source, store: &Arc<Store>, options: &FetchOptions) -> Result<Fetched, Refusal> {
    let fetched = fetch::fetch(store, &[source], options.clone());
    let fetched = fetched.map_err(|error| Refusal::Other(error.into()))?.pop();
    fetched.ok_or_else(|| Refusal::Told("nothing was fetched".to_owned()))
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
