//! Verification summaries: one that stands for signatures, and one that tells what was verified.

use std::path::Path;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use plimsoll_engine::verify;
use plimsoll_formats::bounded;
use plimsoll_image::source::place::Place;
use plimsoll_model::digest::{BlobDigest, Digest};
use plimsoll_model::signature::{Outcome, Role, Verification};
use plimsoll_trust::judge::Judge;
use plimsoll_trust::scheme::SIZE_LIMIT;
use plimsoll_trust::vsa::{Summary, SummaryDemand, Verifier};

use super::super::{Context, trust, vsa};
use super::order::Order;
use crate::args::verify::Verify;

/// Whether a summary is to stand for signatures.
pub(super) fn is_accepted(args: &Verify) -> anyhow::Result<bool> {
    let is_by_key = args.emit_vsa.vsa_key.is_some() && args.emit_vsa.emit_vsa.is_none();
    let is_by_others = args.trust_file.is_some()
        || !args.trust.key.is_empty()
        || !args.notary.certificate.is_empty()
        || args.notary.trust_policy.is_some()
        || args.lookaside.is_asked_for()
        || args.trust.certificate_identity.is_some()
        || args.trust.certificate_identity_regexp.is_some();
    match (is_by_key, is_by_others) {
        (true, true) => {
            bail!("--vsa-key without --emit-vsa is instead of --key, --trust and the like, not beside them")
        }
        (false, false) => {
            bail!("who is trusted is not told: --vsa-key signs the summary that --emit-vsa writes")
        }
        (is_by_key, _) => Ok(is_by_key),
    }
}

/// What is demanded of the summary.
pub(super) fn demand(
    args: &Verify,
    place: &Place,
    now: Timestamp,
    context: &Context,
) -> anyhow::Result<SummaryDemand> {
    let (Some(key), Some(id)) = (&args.emit_vsa.vsa_key, &args.emit_vsa.verifier_id) else {
        bail!("--vsa-key and --verifier-id go together");
    };
    let uri = trust::name(place)?.uri();
    if uri.is_none() && args.accept_vsa.vsa_resource.is_empty() {
        bail!("an image in a layout has no URI that a summary could be about: give --vsa-resource");
    }
    let verifier = Verifier {
        id: id.clone(),
        signers: Vec::new(),
        resources: args.accept_vsa.vsa_resource.clone(),
        max_age: args.accept_vsa.vsa_max_age,
        levels: args.accept_vsa.vsa_level.clone(),
    };
    Ok(SummaryDemand::new(super::key(Path::new(key), context)?, verifier, uri, now))
}

/// Verifies an image by the summary in a file alone.
pub(super) fn in_file(
    path: &Path,
    name: &str,
    digest: BlobDigest,
    judge: &dyn Judge,
) -> anyhow::Result<Verification> {
    let shown = path.display().to_string();
    let bundle =
        bounded::read_file(path, SIZE_LIMIT as u64).with_context(|| format!("the summary {shown}"))?;
    let mut verification = verify::file(name, (digest.0, None), (&shown, &bundle), judge);
    verification.subjects.iter_mut().for_each(|subject| subject.role = Role::Itself);
    Ok(verification)
}

/// Writes what came of it as a summary.
pub(super) fn emit(
    verification: &Verification,
    image: &str,
    order: &Order<'_>,
    context: &Context,
) -> anyhow::Result<()> {
    let args = order.args;
    if verification.outcome == Outcome::Undecided {
        bail!("nothing is decided of {}, so there is nothing to sum up", verification.name);
    }
    let child = verification.subjects.iter().find(|subject| subject.role == Role::Child);
    let child = child.filter(|_| args.platform.is_some());
    let subject = child.map_or(verification.digest, |child| child.digest);
    let place: Place = image.parse().with_context(|| format!("IMAGE {image:?}"))?;
    let resource = trust::name(&place)?.uri().or_else(|| args.accept_vsa.vsa_resource.first().cloned());
    let resource = resource.context("an image in a layout has no URI: give --vsa-resource")?;
    let policy = match &order.file {
        Some(file) => (file.title().to_owned(), file.digest()),
        None => ("plimsoll:verify".to_owned(), demanded(verification)),
    };
    let attestations: Vec<Digest> =
        verification.accepted().filter_map(|signature| signature.digest).collect();
    let summary = Summary {
        subject: subject.0,
        verifier: args.emit_vsa.verifier_id.as_deref().unwrap_or_default(),
        version: env!("CARGO_PKG_VERSION"),
        time: verification.time,
        resource: &resource,
        policy: (&policy.0, policy.1),
        attestations: &attestations,
        passed: verification.outcome == Outcome::Verified,
        level: None,
    };
    vsa::emit(&args.emit_vsa, &summary, image, context)
}

/// The digest of what was demanded by options, in words.
fn demanded(verification: &Verification) -> Digest {
    let demand = &verification.demand;
    let mut lines = demand.signers.clone();
    lines.extend(demand.predicate_type.iter().map(|kind| format!("type {kind}")));
    lines.extend(demand.annotations.iter().map(|(key, value)| format!("annotation {key}={value}")));
    lines.push(format!("threshold {}", demand.threshold));
    lines.push(format!("log {}", demand.log));
    lines.extend(demand.wanted.iter().cloned());
    Digest::of(lines.join("\n").as_bytes())
}
