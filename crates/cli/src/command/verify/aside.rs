//! Signatures of GPG that lie aside: keys from files, gpgv as a process.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use plimsoll_engine::lookaside::{Lookaside, Opened, verify};
use plimsoll_formats::bounded;
use plimsoll_image::source::place::Place;
use plimsoll_model::reference::Reference;
use plimsoll_model::signature::Verification;
use plimsoll_patch::keyring::binary;
use plimsoll_trust::lookaside::registries::{Choice, FILE_LIMIT, FILES, Registries};

use super::super::plan::gpgv;
use super::super::{Context, locate};
use crate::args::aside::Aside;
use crate::args::verify::Verify;

/// The largest keyring that is read.
const KEYRING: u64 = 16 << 20;

/// What came of the signatures that lie aside.
pub(super) fn verified(image: &str, args: &Verify, context: &Context) -> anyhow::Result<Verification> {
    let aside = &args.lookaside;
    let mut keys = Vec::new();
    for path in &aside.keyring {
        let named = || format!("reading the keys in {}", path.display());
        let bytes = bounded::read_file(path, KEYRING).with_context(named)?;
        keys.push(binary(&bytes).with_context(|| format!("{} holds no keys", path.display()))?);
    }
    let titles: Vec<String> = aside.keyring.iter().map(|path| path.display().to_string()).collect();
    let named: Place = image.parse().with_context(|| format!("IMAGE {image:?}"))?;
    let name: Reference = match (&aside.signed_as, named) {
        (Some(name), _) => name.parse().with_context(|| format!("--signed-as {name:?}"))?,
        (None, Place::Registry(name) | Place::Anywhere(name)) => name,
        (None, _) => bail!("an image out of a registry has no name that was signed: add --signed-as"),
    };
    let (lookaside, by) = place(aside, &name, context)?;
    let (resolved, _) = locate::repository(image, context)?;
    let temporary = context.environment.temporary();
    let opens = |bytes: &[u8]| {
        let signed = gpgv::verify(bytes, &keys, &temporary)?;
        Ok(Opened { text: signed.text.into_bytes(), by: signed.by })
    };
    let now = context.environment.timestamp()?;
    let mut verification = verify(&resolved, &lookaside, &name, (&titles, &opens), now);
    if let Some(by) = by {
        for looked in verification.subjects.iter_mut().flat_map(|subject| &mut subject.looked) {
            looked.place = format!("{} ({by})", looked.place);
        }
    }
    Ok(verification)
}

/// Where the signatures of an image lie, and what says so if it was not typed.
fn place(args: &Aside, name: &Reference, context: &Context) -> anyhow::Result<(Lookaside, Option<String>)> {
    if let Some(place) = &args.lookaside {
        return Ok((Lookaside::new(place, context.proxies()).context("--lookaside")?, None));
    }
    let (folder, registries) = match &args.registries_d {
        Some(folder) => (folder.clone(), read(folder)),
        None => {
            let folder = folder(context);
            // Who has none has said nothing.
            let registries = if folder.is_dir() { read(&folder) } else { Ok(Registries::default()) };
            (folder, registries)
        }
    };
    let shown = folder.display();
    let chosen = registries.with_context(|| format!("reading {shown}"))?.choose(name);
    let Choice { address, by } =
        chosen.with_context(|| format!("no lookaside for {name} is named in {shown}: give --lookaside"))?;
    let lookaside =
        Lookaside::new(&address, context.proxies()).with_context(|| format!("{by} of {shown}"))?;
    Ok((lookaside, Some(format!("{by} of {shown}"))))
}

/// The folder that podman reads: the user's own, if there is one, in place of that of the machine. It does not look at
/// `XDG_CONFIG_HOME`, so that both look in one place.
fn folder(context: &Context) -> PathBuf {
    let own = context.environment.home().map(|home| home.join(".config/containers/registries.d"));
    own.filter(|path| path.exists()).unwrap_or_else(|| PathBuf::from("/etc/containers/registries.d"))
}

fn read(folder: &Path) -> anyhow::Result<Registries> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "yaml") {
            anyhow::ensure!(names.len() < FILES, "it has more than {FILES} files");
            names.push(path);
        }
    }
    names.sort();
    let mut registries = Registries::default();
    for path in names {
        let title = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let bytes = bounded::read_file(&path, FILE_LIMIT).with_context(|| title.clone())?;
        registries.add(&title, &bytes).with_context(|| title.clone())?;
    }
    Ok(registries)
}
