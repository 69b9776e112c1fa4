//! What follows as a SLSA verification summary, for those who do not judge again. It is not signed here.

use std::path::Path;

use anyhow::{Context as _, bail};
use plimsoll_image::source::place::Place;
use plimsoll_model::decision::{Decision, Outcome};
use plimsoll_model::digest::{BlobDigest, Digest};
use plimsoll_model::scan::Scan;
use plimsoll_trust::vsa::Summary;

use super::super::trust;
use crate::output::to_file;

/// Writes the summary of one image.
pub(super) fn write(
    path: &Path,
    verifier: &str,
    scans: &[Scan],
    decisions: &[Decision],
    image: &str,
) -> anyhow::Result<()> {
    let [scan] = scans else { bail!("a summary is of one image: add --platform") };
    let digest = scan.image.manifest_digest.or(scan.image.index_digest);
    let digest = digest.context("the image has no digest that a summary could name")?;
    let place: Place = image.parse().with_context(|| format!("IMAGE {image:?}"))?;
    let resource = trust::name(&place)?.uri().unwrap_or_else(|| format!("oci://{}", scan.image.name));
    let statement = statement(digest, verifier, &resource, decisions)?;
    to_file(path, |out| out.write_all(&statement))
}

/// The summary of what was decided of `subject`: an image, or all images of an index.
pub(in super::super) fn statement(
    subject: BlobDigest,
    verifier: &str,
    resource: &str,
    decisions: &[Decision],
) -> anyhow::Result<Vec<u8>> {
    if !verifier.contains(':') {
        bail!("--verifier-id {verifier:?} is no URI");
    }
    let first = decisions.first().context("nothing was decided")?;
    let trust = || decisions.iter().map(|decision| decision.trust.as_ref());
    let mut accepted: Vec<Digest> = trust().flatten().flat_map(|trust| trust.accepted.clone()).collect();
    accepted.sort();
    accepted.dedup();
    let summary = Summary {
        subject: subject.0,
        verifier,
        version: env!("CARGO_PKG_VERSION"),
        time: first.time,
        resource,
        policy: (&first.policy.name, first.policy.digest),
        attestations: &accepted,
        // What is undecided has not passed.
        passed: decisions.iter().all(|one| matches!(one.outcome, Outcome::Pass | Outcome::Warn)),
        // All have a level that the least of them has.
        level: trust().map(|trust| trust.and_then(|trust| trust.level)).min().flatten(),
    };
    Ok(summary.statement())
}
