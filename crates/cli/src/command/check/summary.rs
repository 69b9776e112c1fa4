//! What follows as a SLSA verification summary, for those who do not judge again. It is not signed here.

use std::path::Path;

use anyhow::{Context as _, bail};
use plimsoll_image::source::place::Place;
use plimsoll_model::decision::{Decision, Outcome};
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
    if !verifier.contains(':') {
        bail!("--verifier-id {verifier:?} is no URI");
    }
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
        verifier,
        version: env!("CARGO_PKG_VERSION"),
        time: decision.time,
        resource: &resource,
        policy: (&decision.policy.name, decision.policy.digest),
        attestations: accepted,
        // What is undecided has not passed.
        passed: matches!(decision.outcome, Outcome::Pass | Outcome::Warn),
        level: decision.trust.as_ref().and_then(|trust| trust.level),
    };
    to_file(path, |out| out.write_all(&summary.statement()))
}
