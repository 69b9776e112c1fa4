//! `plimsoll trust update`: what a repository of trusted roots says today, verified from the root that is believed.

use std::path::Path;

use anyhow::Context as _;
use plimsoll_formats::bounded;
use plimsoll_trust::online::services::Services;
use plimsoll_trust::online::tuf::{self, Client, FileStore, Mirror};
use plimsoll_trust::root::{ROOT_LIMIT, Roots};

use super::state::{self, Folder, State};
use crate::command::{Context, keyless};
use crate::exit::Code;
use crate::output::to_stdout;

/// Brings the trusted root and the signing configuration up to date.
pub(super) fn run(mirror: Option<&str>, root: Option<&Path>, context: &Context) -> anyhow::Result<Code> {
    let mirror = match mirror {
        Some(mirror) => mirror.trim_end_matches('/').to_owned(),
        None => state::mirror(context)?.unwrap_or_else(|| tuf::PUBLIC.to_owned()),
    };
    let folder = Folder::open(&mirror, context)?;
    let given = root.map(|path| {
        let named = || format!("reading the root {}", path.display());
        bounded::read_file(path, ROOT_LIMIT as u64).with_context(named)
    });
    let given = given.transpose()?;
    let root = match (&given, folder.pinned()?) {
        (Some(given), _) => given.clone(),
        (None, Some(pinned)) => pinned,
        (None, None) if mirror == tuf::PUBLIC => tuf::PUBLIC_ROOT.to_vec(),
        (None, None) => anyhow::bail!(
            "nothing here tells whom to believe of {mirror}: give the root that its operators handed out with --root"
        ),
    };
    let now = context.environment.timestamp()?;
    let network = keyless::network(context)?;
    let named = || format!("updating from {mirror}");
    let store = FileStore::new(folder.metadata());
    let mut client = Client::new(&network, &Mirror::at(&mirror), &root, store).with_context(named)?;
    client.refresh(now).with_context(named)?;
    let trusted_root = client.target(tuf::TRUSTED_ROOT, now).with_context(named)?;
    let signing_config = match client.target(tuf::SIGNING_CONFIG, now) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.is_missing() => None,
        Err(error) => return Err(error).with_context(named),
    };
    // What cannot be read is not kept, whoever signed it.
    let roots =
        Roots::read(&trusted_root, &mirror).with_context(|| format!("the trusted root of {mirror}"))?;
    if let Some(bytes) = &signing_config {
        Services::read(bytes, now).with_context(|| format!("the signing configuration of {mirror}"))?;
    }
    if let Some(given) = &given {
        folder.pin(given)?;
    }
    let services = if signing_config.is_some() { "" } else { ", which names no services to sign with" };
    let (version, parts) = (client.root_version(), roots.status(now).parts.len());
    folder.keep(&State { mirror: mirror.clone(), updated: now, trusted_root, signing_config })?;
    to_stdout(|out| {
        writeln!(out, "updated from {mirror} (root {version}): {parts} authorities and logs{services}")
    })?;
    Ok(Code::Pass)
}
