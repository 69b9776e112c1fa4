//! What follows as a SLSA verification summary, for those who do not judge again.

use anyhow::{Context as _, bail};
use plimsoll_image::source::place::Place;
use plimsoll_model::decision::{Decision, Outcome};
use plimsoll_model::scan::Scan;
use plimsoll_trust::vsa::Summary;

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
    let ([scan], [decision]) = (scans, decisions) else { bail!("a summary is of one image: add --platform") };
    let digest = scan.image.index_digest.or(scan.image.manifest_digest);
    let digest =
        scan.image.manifest_digest.or(digest).context("the image has no digest that a summary could name")?;
    let place: Place = image.parse().with_context(|| format!("IMAGE {image:?}"))?;
    let resource = trust::name(&place)?.uri().unwrap_or_else(|| format!("oci://{}", scan.image.name));
    let none = Vec::new();
    let accepted = decision.trust.as_ref().map_or(&none, |trust| &trust.accepted);
    let summary = Summary {
        subject: digest.0,
        verifier: args.vsa.verifier_id.as_deref().unwrap_or_default(),
        version: env!("CARGO_PKG_VERSION"),
        time: decision.time,
        resource: &resource,
        policy: (&decision.policy.name, decision.policy.digest),
        attestations: accepted,
        // What is undecided has not passed.
        passed: matches!(decision.outcome, Outcome::Pass | Outcome::Warn),
        level: decision.trust.as_ref().and_then(|trust| trust.level),
    };
    vsa::emit(&args.vsa, &summary, image, context)
}
