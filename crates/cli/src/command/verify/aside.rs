//! Signatures of GPG that lie aside: keys from files, gpgv as a process.

use anyhow::{Context as _, bail};
use plimsoll_engine::lookaside::{Lookaside, Opened, verify};
use plimsoll_formats::bounded;
use plimsoll_image::source::place::Place;
use plimsoll_model::reference::Reference;
use plimsoll_model::signature::Verification;
use plimsoll_patch::keyring::binary;

use super::super::plan::gpgv;
use super::super::{Context, locate};
use crate::args::verify::Verify;

/// The largest keyring that is read.
const KEYRING: u64 = 16 << 20;

/// What came of the signatures at `place`.
pub(super) fn verified(
    place: &str,
    image: &str,
    args: &Verify,
    context: &Context,
) -> anyhow::Result<Verification> {
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
    let lookaside = Lookaside::new(place, context.proxies()).context("--lookaside")?;
    let (resolved, _) = locate::repository(image, context)?;
    let temporary = context.environment.temporary();
    let opens = |bytes: &[u8]| {
        let signed = gpgv::verify(bytes, &keys, &temporary)?;
        Ok(Opened { text: signed.text.into_bytes(), by: signed.by })
    };
    let now = context.environment.timestamp()?;
    Ok(verify(&resolved, &lookaside, &name, (&titles, &opens), now))
}
