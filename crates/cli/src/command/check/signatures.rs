//! Who signed the policy, and what is known of an image's signatures: verified by the domain of the trust file that is for it.

use std::path::Path;

use anyhow::{Context as _, bail};
use plimsoll_engine::verify;
use plimsoll_formats::bounded;
use plimsoll_image::source::place::Place;
use plimsoll_image::source::referrers::Referrers;
use plimsoll_image::source::resolved::Resolved;
use plimsoll_model::decision::TrustSummary;
use plimsoll_model::digest::Digest;
use plimsoll_model::scan::Scan;
use plimsoll_model::signature::{Outcome, Signature, Signer, Verification};
use plimsoll_policy::{AttestationFacts, Policy, ProvenanceFacts, REGISTRY, SignerFacts, TrustFacts};
use plimsoll_trust::claims::COSIGN_SIGN;
use plimsoll_trust::domain::{Domain, TrustFile};
use plimsoll_trust::provenance;
use plimsoll_trust::scheme::SIZE_LIMIT;
use plimsoll_trust::vsa;

use super::super::policy::registry;
use super::super::{Context, trust};
use super::DEFAULT;

/// What a policy's signature is called beside it.
const SUFFIX: &str = ".sigstore.json";

/// The trust file that was asked for, else that of the policy; and the policy, signed if the trust file demands it.
pub(in super::super) fn read(
    policy: Policy,
    named: Option<&Path>,
    trust: Option<&Path>,
    context: &Context,
) -> anyhow::Result<(Policy, Option<TrustFile>)> {
    let name = named.unwrap_or(Path::new(DEFAULT));
    let folder = name.parent().unwrap_or_else(|| Path::new("")).to_owned();
    let file = match (trust, policy.trust()) {
        (Some(path), _) => trust::read(path, context)?,
        (None, Some((own, bytes))) => trust::parsed(&folder.join(own), bytes, context)?,
        (None, None) => return Ok((policy, None)),
    };
    let Some(demanded) = file.policies(context.environment.timestamp()?)? else {
        return Ok((policy, Some(file)));
    };
    if policy.summary().is_built_in {
        bail!("{} demands that policies are signed, and nobody signed the built-in policy", file.title());
    }
    let summary = policy.summary();
    let mut signers = signers(name, summary.digest, &demanded)?;
    for (own, digest) in &summary.files {
        // What a policy draws in has its own signature: modules and exceptions are rules, too.
        signers.extend(if own.starts_with(REGISTRY) {
            accepted(own, &registry::verification(own, *digest, &demanded, context)?)?
        } else {
            self::signers(&folder.join(own), *digest, &demanded)?
        });
    }
    signers.sort();
    signers.dedup();
    Ok((policy.signed_by(signers), Some(file)))
}

/// Who signed a file, which enough must have.
fn signers(path: &Path, digest: Digest, demanded: &Domain) -> anyhow::Result<Vec<String>> {
    let shown = path.display().to_string();
    let bundle = format!("{shown}{SUFFIX}");
    let bytes = bounded::read_file(Path::new(&bundle), SIZE_LIMIT as u64)
        .with_context(|| format!("{shown} must be signed: reading {bundle}"))?;
    // The bytes that were judged by: what the file holds now may be something else.
    let content = bounded::read_file(path, 1 << 20).with_context(|| format!("reading {shown}"))?;
    if Digest::of(&content) != digest {
        bail!("{shown} was changed while it was read");
    }
    accepted(&shown, &verify::file(&shown, (digest, Some(&content)), (&bundle, &bytes), demanded))
}

/// Who signed a policy, which enough must have.
fn accepted(shown: &str, verification: &Verification) -> anyhow::Result<Vec<String>> {
    if verification.outcome != Outcome::Verified {
        let signatures = verification.subjects.iter().flat_map(|subject| &subject.signatures);
        let why: Vec<&str> = signatures.filter_map(|signature| signature.fate.reason()).collect();
        bail!("{shown} is not signed as the trust file demands: {} {}", verification.reason, why.join("; "));
    }
    Ok(verification.accepted().flat_map(|signature| signature.known_as.clone()).collect())
}

/// What is known of the signatures of each image.
pub(super) fn of(
    scans: &[Scan],
    wanted: &str,
    file: &TrustFile,
    context: &Context,
) -> anyhow::Result<Vec<TrustFacts>> {
    let image: Place = wanted.parse().with_context(|| format!("IMAGE {wanted:?}"))?;
    let domain = file.domain(&trust::name(&image)?, context.environment.timestamp()?)?;
    let (resolved, place) = super::super::locate::repository(wanted, context)?;
    let of = |scan: &Scan| {
        let platform = resolved.index.is_some().then_some(&scan.image.platform);
        // The scan looked the name up by itself: another answer would be about another image.
        let digests = [scan.image.index_digest, scan.image.manifest_digest];
        if !digests.contains(&Some(resolved.digest)) {
            bail!("the image that was scanned is not {}", resolved.digest);
        }
        let found: (&Resolved, &dyn Referrers) = (&resolved, place.as_ref());
        let verification = trust::verified(domain.as_ref(), file, found, platform, context)?;
        Ok(facts(&verification, domain.as_ref(), file))
    };
    scans.iter().map(of).collect()
}

fn facts(verification: &Verification, domain: Option<&Domain>, file: &TrustFile) -> TrustFacts {
    let accepted: Vec<&Signature> = verification.accepted().collect();
    let attestations = accepted.iter().filter_map(|signature| attestation(signature));
    let provenance: Vec<ProvenanceFacts> =
        accepted.iter().filter_map(|signature| self::provenance(signature, domain?)).collect();
    let is_signature =
        |signature: &&&Signature| signature.predicate_type.as_deref().is_none_or(|kind| kind == COSIGN_SIGN);
    let signers: Vec<SignerFacts> =
        accepted.iter().filter(is_signature).map(|signature| signer(signature)).collect();
    let mut names: Vec<String> = accepted.iter().flat_map(|signature| signature.known_as.clone()).collect();
    names.sort();
    names.dedup();
    let unread = verification.unread.iter().map(|unread| format!("{}: {}", unread.place, unread.reason));
    TrustFacts {
        summary: Some(TrustSummary {
            file: file.title().to_owned(),
            digest: file.digest(),
            domain: domain.map(|domain| domain.name().to_owned()),
            outcome: verification.outcome,
            reason: verification.reason.clone(),
            signers: names,
            accepted: accepted.iter().filter_map(|signature| signature.digest).collect(),
            level: provenance.iter().map(|provenance| provenance.level).max(),
        }),
        verified: verification.outcome == Outcome::Verified,
        reason: verification.reason.clone(),
        attestations: attestations.collect(),
        provenance,
        signers,
        unread: unread.collect(),
    }
}

fn signer(signature: &Signature) -> SignerFacts {
    let (identity, issuer) = match &signature.signer {
        Some(Signer::Certificate { identity, issuer, .. }) => (Some(identity.clone()), Some(issuer.clone())),
        _ => (None, None),
    };
    SignerFacts { known_as: signature.known_as.clone(), identity, issuer }
}

/// What an attestation says; a signature says nothing more, and a summary counts by the trust file alone.
fn attestation(signature: &Signature) -> Option<AttestationFacts> {
    let kind = signature.predicate_type.as_deref().filter(|kind| ![COSIGN_SIGN, vsa::TYPE].contains(kind))?;
    let predicate = signature.payload.as_ref().and_then(|payload| {
        let statement: serde_json::Value = serde_json::from_slice(payload).ok()?;
        statement.get("predicate").cloned()
    });
    Some(AttestationFacts { kind: kind.to_owned(), signers: signature.known_as.clone(), predicate })
}

/// Provenance, at the level of the builder that it names, if one who signs for that builder signed it.
fn provenance(signature: &Signature, domain: &Domain) -> Option<ProvenanceFacts> {
    let kind = signature.predicate_type.as_deref().filter(|kind| provenance::TYPES.contains(kind))?;
    let told = provenance::read(kind, signature.payload.as_ref()?).ok()?;
    Some(ProvenanceFacts {
        level: domain.level(&told, &signature.known_as),
        builder: told.builder,
        build_type: told.build_type,
        source: told.source,
        commit: told.commit,
        pinned: told.pinned,
    })
}
