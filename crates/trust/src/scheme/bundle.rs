//! Sigstore bundles, v0.1 to v0.3 (<https://docs.sigstore.dev/about/bundle/>): a signature with everything that supports it.

use plimsoll_formats::strict;
use plimsoll_model::signature::{Check, Signature};
use serde_json::Value;
use sigstore_types::bundle::VerificationMaterialContent;
use sigstore_types::{Bundle, MediaType, SignatureContent};

use super::{BUNDLE_MEDIA_TYPE, SIZE_LIMIT, Scheme};
use crate::bundled::Bundled;
use crate::claimed::Claimed;
use crate::claims::{judge_signature, judge_statement};
use crate::demand::Demand;
use crate::evidence;
use crate::record::{Record, Refusal, failed};

pub(crate) const BUNDLE: Scheme =
    Scheme { name: "sigstore-bundle", recognizes: |kind| kind.starts_with(BUNDLE_MEDIA_TYPE), examine };

fn examine(claimed: &Claimed<'_>, demand: &Demand) -> Signature {
    let mut record = Record::new(claimed, "Sigstore bundle");
    let result = verify(claimed, demand, &mut record);
    record.finish(result)
}

fn verify(claimed: &Claimed<'_>, demand: &Demand, record: &mut Record) -> Result<(), Refusal> {
    let bundled = read(claimed.content).map_err(failed(Check::Form))?;
    let bundle = &bundled.bundle;
    record.format(match bundle.media_type {
        MediaType::Bundle0_1 => "Sigstore bundle v0.1",
        MediaType::Bundle0_2 => "Sigstore bundle v0.2",
        MediaType::Bundle0_3 => "Sigstore bundle v0.3",
        _ => "Sigstore bundle",
    });
    record.passed(Check::Form, "one bundle, without repeated keys");
    evidence::signer(&bundled, claimed.subject, demand, record)?;
    match &bundle.content {
        SignatureContent::DsseEnvelope(envelope) => judge_statement(
            &envelope.payload_type,
            envelope.payload.as_bytes(),
            claimed.subject,
            demand,
            record,
        ),
        SignatureContent::MessageSignature(_) => {
            record.passed(Check::Subject, "it signs its bytes");
            judge_signature(demand, record)
        }
        _ => Err(Refusal::Failed(Check::Form, "its content is of a kind that is not known".to_owned())),
    }
}

/// Reads a bundle that can be read in one way only.
fn read(bytes: &[u8]) -> Result<Bundled<'static>, String> {
    let mut document: Value = strict::read(bytes, SIZE_LIMIT).map_err(|error| error.to_string())?;
    let has = |path: &str| document.pointer(path).is_some_and(|value| !value.is_null());
    if !has("/mediaType") {
        return Err("it does not tell its media type".to_owned());
    }
    if has("/messageSignature") && has("/dsseEnvelope") {
        return Err("it has a signature of a message and an envelope".to_owned());
    }
    let kinds = ["certificate", "x509CertificateChain", "publicKey"];
    if kinds.iter().filter(|kind| has(&format!("/verificationMaterial/{kind}"))).count() != 1 {
        return Err("it has not one of certificate, chain of certificates and key".to_owned());
    }
    let entries = document.pointer_mut("/verificationMaterial/tlogEntries");
    let old = entries.map(Bundled::take_old).transpose()?.unwrap_or_default();
    let text = document.to_string();
    let text =
        if old.is_empty() { std::str::from_utf8(bytes).map_err(|error| error.to_string())? } else { &text };
    let bundle = Bundle::from_json(text).map_err(|error| error.to_string())?;
    match &bundle.verification_material.content {
        VerificationMaterialContent::X509CertificateChain { certificates } if certificates.is_empty() => {
            Err("its chain of certificates is empty".to_owned())
        }
        _ => Ok(Bundled { bundle, old, written: None }),
    }
}
