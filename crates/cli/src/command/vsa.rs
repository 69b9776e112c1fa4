//! Verification summaries on their way out: signed, to a file and beside the image.

use anyhow::{Context as _, bail};
use plimsoll_engine::sign;
use plimsoll_image::manifest::{Descriptor, MANIFEST_LIMIT};
use plimsoll_image::source::place::Place;
use plimsoll_model::digest::BlobDigest;
use plimsoll_trust::signing::bundle;
use plimsoll_trust::vsa::{Summary, TYPE};

use super::{Context, key, locate};
use crate::args::verify::vsa::EmitVsa;
use crate::output::to_file;

/// The media type that a manifest is asked for as.
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Refuses what cannot be meant, before anything is verified.
pub(super) fn check(args: &EmitVsa) -> anyhow::Result<()> {
    if args.emit_vsa.is_some() && args.vsa_key.is_none() && !args.unsigned_vsa {
        bail!("a summary is signed: give --vsa-key, or --unsigned-vsa for one that no verifier accepts");
    }
    Ok(())
}

/// Writes a summary as it was asked for.
pub(super) fn emit(
    args: &EmitVsa,
    summary: &Summary<'_>,
    image: &str,
    context: &Context,
) -> anyhow::Result<()> {
    let Some(path) = &args.emit_vsa else { return Ok(()) };
    let statement = summary.statement();
    let written = match &args.vsa_key {
        Some(key) => bundle::of_statement(key::signer(key, context)?.as_ref(), &statement)?,
        None => statement,
    };
    to_file(path, |out| out.write_all(&written))?;
    if args.attach_vsa { attach(written, summary, image, context) } else { Ok(()) }
}

fn attach(bundle: Vec<u8>, summary: &Summary<'_>, image: &str, context: &Context) -> anyhow::Result<()> {
    let subject = BlobDigest(summary.subject);
    // By digest: what the name leads to may have changed since.
    let pinned = match image.parse()? {
        Place::Registry(reference) | Place::Anywhere(reference) => {
            format!("registry:{}", reference.at(subject))
        }
        Place::Layout(path, _) => format!("oci:{}@{subject}", path.display()),
        _ => bail!("nothing can be attached to {image}"),
    };
    let place = locate::referrers(&pinned, context)?;
    let manifest = place.bytes(&Descriptor::bare(MANIFEST, subject), MANIFEST_LIMIT)?;
    sign::attach(&manifest, place.as_ref(), (TYPE, bundle), summary.time)
        .with_context(|| format!("attaching the summary to {image}"))?;
    Ok(())
}
