//! Policies in registries, by digest: an artifact with the policy as a layer. Each is fetched once, and kept with its signatures
//! in an OCI layout of the cache, so that it is there without the network; what is kept is verified as what is fetched.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use plimsoll_engine::verify;
use plimsoll_image::belongings::{Belongings, Look};
use plimsoll_image::carry::{Load, OtherTags};
use plimsoll_image::manifest::{Descriptor, MANIFEST_LIMIT};
use plimsoll_image::source::referrers::{Artifact, LayoutReferrers, Referrers};
use plimsoll_image::source::registry::RemoteReferrers;
use plimsoll_image::source::resolved::Resolved;
use plimsoll_model::digest::{BlobDigest, Digest};
use plimsoll_model::reference::Reference;
use plimsoll_model::signature::{Outcome, Verification};
use plimsoll_policy::{Limits, REGISTRY};
use plimsoll_trust::domain::Domain;

use super::super::{Context, locate};
use crate::progress;

/// What the policy's layer is.
const MEDIA_TYPE: &str = "application/vnd.plimsoll.policy.v1+yaml";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The most bytes that are kept of one policy with its signatures.
const KEPT: u64 = 16 << 20;

/// The bytes of the policy `name`: `oci://REGISTRY/REPOSITORY@sha256:…`.
pub(in super::super) fn bytes(name: &str, context: &Context) -> anyhow::Result<Vec<u8>> {
    let (reference, digest) = parse(name)?;
    if let Some(place) = kept(context)
        && let Ok((_, policy)) = read(&place, digest)
    {
        return Ok(policy);
    }
    let place = remote(&reference, context)?;
    let (_, policy) = read(&place, digest)?;
    keep(&place, digest, context);
    Ok(policy)
}

/// Who signed the policy `name`, whose bytes have the digest `judged`, as enough of those demanded must have.
pub(in super::super) fn verification(
    name: &str,
    judged: Digest,
    demanded: &Domain,
    context: &Context,
) -> anyhow::Result<Verification> {
    let (reference, digest) = parse(name)?;
    let of = |place: &dyn Referrers| {
        let (manifest, policy) = read(place, digest)?;
        if Digest::of(&policy) != judged {
            bail!("{name} was changed while it was read");
        }
        let resolved = Resolved {
            name: name.to_owned(),
            digest,
            bytes: manifest,
            media_type: MANIFEST.to_owned(),
            index: None,
        };
        Ok(verify::image(&resolved, place, None, demanded)?)
    };
    let known = kept(context).and_then(|place| of(&place).ok());
    if let Some(known) = known.filter(|known| known.outcome == Outcome::Verified) {
        return Ok(known);
    }
    // It may have been signed since it was kept.
    let place = remote(&reference, context)?;
    let found = of(&place).with_context(|| format!("looking for signatures of {name}"))?;
    if found.outcome == Outcome::Verified {
        keep(&place, digest, context);
    }
    Ok(found)
}

fn parse(name: &str) -> anyhow::Result<(Reference, BlobDigest)> {
    let text = name.strip_prefix(REGISTRY).unwrap_or(name);
    let reference: Reference = text.parse().with_context(|| format!("the policy {name:?}"))?;
    let digest = reference.digest().with_context(|| format!("{name} has no digest"))?;
    Ok((reference, digest))
}

fn remote(reference: &Reference, context: &Context) -> anyhow::Result<RemoteReferrers> {
    Ok(RemoteReferrers::new(&locate::client(context)?, reference))
}

fn folder(context: &Context) -> Option<PathBuf> {
    context.cache_directory().map(|folder| folder.join("policies"))
}

/// What is kept, if something is.
fn kept(context: &Context) -> Option<LayoutReferrers> {
    folder(context).filter(|folder| folder.is_dir()).map(|folder| LayoutReferrers::new(&folder))
}

/// The manifest and the policy, both by their digests.
fn read(place: &dyn Referrers, digest: BlobDigest) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    let manifest = place.bytes(&Descriptor::bare(MANIFEST, digest), MANIFEST_LIMIT)?;
    let artifact: Artifact = serde_json::from_slice(&manifest).context("its manifest is malformed")?;
    let mut layers = artifact.layers.iter().filter(|layer| layer.media_type == MEDIA_TYPE);
    let (Some(layer), None) = (layers.next(), layers.next()) else {
        bail!("it is no policy: it has not one layer of the media type {MEDIA_TYPE}");
    };
    let policy = place.bytes(layer, Limits::default().bytes as u64)?;
    Ok((manifest, policy))
}

/// Keeps the policy and what belongs to it, if that is little. It works without, too.
fn keep(place: &RemoteReferrers, digest: BlobDigest, context: &Context) {
    let Some(folder) = folder(context) else { return };
    let kept = || -> anyhow::Result<()> {
        let manifest = place.bytes(&Descriptor::bare(MANIFEST, digest), MANIFEST_LIMIT)?;
        let top = Descriptor { size: manifest.len() as u64, ..Descriptor::bare(MANIFEST, digest) };
        let mut belongings = Belongings::of(place, &top, Look::Everything);
        let size = belongings.blobs().iter().fold(0_u64, |sum, blob| sum.saturating_add(blob.size));
        if size > KEPT {
            belongings = Belongings::of(place, &top, Look::Image);
        }
        std::fs::create_dir_all(&folder)?;
        Load::new(&belongings, place)?.to_layout(&folder, None, OtherTags::Replaced, &|_| ())?;
        Ok(())
    };
    if let Err(error) = kept() {
        progress::warning(&format!("the policy {digest} is not kept in the cache: {error:#}"));
    }
}
