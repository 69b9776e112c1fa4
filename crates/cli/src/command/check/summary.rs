//! What follows as a SLSA verification summary, for those who do not judge again.

use anyhow::{Context as _, bail};
use plimsoll_image::source::place::Place;
use plimsoll_model::decision::{Decision, Outcome};
use plimsoll_model::digest::{BlobDigest, Digest};
use plimsoll_model::scan::Scan;
use plimsoll_trust::vsa::Summary;
use serde_json::Value;

use super::super::{Context, trust, vsa};
use crate::args::Check;

/// Writes the summary of one image.
pub(super) fn emit(
    args: &Check,
    scans: &[Scan],
    decisions: &[Decision],
    context: &Context,
) -> anyhow::Result<()> {
    let image = args.image.as_str();
    let [scan] = scans else { bail!("a summary is of one image: add --platform") };
    let digest = scan.image.manifest_digest.or(scan.image.index_digest);
    let digest = digest.context("the image has no digest that a summary could name")?;
    let place: Place = image.parse().with_context(|| format!("IMAGE {image:?}"))?;
    let resource = trust::name(&place)?.uri().unwrap_or_else(|| format!("oci://{}", scan.image.name));
    let verifier = args.vsa.verifier_id.as_deref().unwrap_or_default();
    let accepted = accepted(decisions);
    let summary = summary(digest, (verifier, &resource), decisions, &accepted)?;
    vsa::emit(&args.vsa, &summary, image, context)
}

/// What the summary says of what was decided of `subject`: an image, or all images of an index.
pub(in super::super) fn predicate(
    subject: BlobDigest,
    verifier: &str,
    resource: &str,
    decisions: &[Decision],
) -> anyhow::Result<Value> {
    Ok(summary(subject, (verifier, resource), decisions, &accepted(decisions))?.predicate())
}

/// The attestations and signatures that counted.
fn accepted(decisions: &[Decision]) -> Vec<Digest> {
    let trust = decisions.iter().filter_map(|decision| decision.trust.as_ref());
    let mut accepted: Vec<Digest> = trust.flat_map(|trust| trust.accepted.clone()).collect();
    accepted.sort();
    accepted.dedup();
    accepted
}

fn summary<'a>(
    subject: BlobDigest,
    (verifier, resource): (&'a str, &'a str),
    decisions: &'a [Decision],
    accepted: &'a [Digest],
) -> anyhow::Result<Summary<'a>> {
    let first = decisions.first().context("nothing was decided")?;
    let level = |decision: &Decision| decision.trust.as_ref().and_then(|trust| trust.level);
    Ok(Summary {
        subject: subject.0,
        verifier,
        version: env!("CARGO_PKG_VERSION"),
        time: first.time,
        resource,
        policy: (&first.policy.name, first.policy.digest),
        attestations: accepted,
        // What is undecided has not passed.
        passed: decisions.iter().all(|one| matches!(one.outcome, Outcome::Pass | Outcome::Warn)),
        // All have a level that the least of them has.
        level: decisions.iter().map(level).min().flatten(),
    })
}
