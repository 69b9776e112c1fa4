//! The parts of a signature that cosign of old put into the annotations of a layer
//! (<https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md>), put together to the bundle that holds the same. The
//! names of the annotations are those of its code, not of its specification.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_formats::strict;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sigstore_types::bundle::VerificationMaterialContent;
use sigstore_types::{
    Bundle, MediaType, PublicKeyIdentifier, Rfc3161Timestamp, SignatureContent, TimestampToken,
    TimestampVerificationData, TransparencyLogEntry, VerificationMaterial, X509Certificate,
};

use crate::bundled::Bundled;
use crate::certificate::from_pem;

const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
const CHAIN: &str = "dev.sigstore.cosign/chain";
const LOG: &str = "dev.sigstore.cosign/bundle";
const TIMESTAMP: &str = "dev.sigstore.cosign/rfc3161timestamp";

/// An annotation that is larger is refused.
const ANNOTATION_LIMIT: usize = 8 << 20;
/// A chain with more certificates is refused.
const CHAIN_LIMIT: usize = 8;

/// What a log promised, as its client wrote it down.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Promise {
    signed_entry_timestamp: String,
    payload: PromisePayload,
}

#[derive(Deserialize)]
struct PromisePayload {
    body: String,
    #[serde(rename = "integratedTime")]
    integrated_time: i64,
    #[serde(rename = "logIndex")]
    log_index: u64,
    #[serde(rename = "logID")]
    log_id: String,
}

#[derive(Deserialize)]
struct Kind {
    kind: String,
    #[serde(rename = "apiVersion")]
    version: String,
}

#[derive(Deserialize)]
struct Timestamped {
    #[serde(rename = "SignedRFC3161Timestamp")]
    token: String,
}

/// The signature itself.
pub(crate) fn signature(annotations: &BTreeMap<String, String>) -> Result<Vec<u8>, String> {
    let text = annotations.get(SIGNATURE).ok_or_else(|| format!("it has no annotation {SIGNATURE}"))?;
    decoded(text, SIGNATURE)
}

/// The bundle of `content` and what the annotations have beside it.
pub(crate) fn bundle(
    annotations: &BTreeMap<String, String>,
    content: SignatureContent,
) -> Result<Bundled<'static>, String> {
    let entry = of_json::<Promise>(annotations, LOG)?.map(entry).transpose()?;
    // Only the first version of bundles has promises of a log without a proof.
    let version = if entry.is_some() { MediaType::Bundle0_1 } else { MediaType::Bundle0_2 };
    let mut entries: Value = entry.into_iter().collect();
    let unusable = |error: &dyn std::fmt::Display| format!("its {LOG}: {error}");
    let old = Bundled::take_old(&mut entries).map_err(|error| unusable(&error))?;
    let entries: Vec<TransparencyLogEntry> =
        serde_json::from_value(entries).map_err(|error| unusable(&error))?;
    let timestamp = of_json::<Timestamped>(annotations, TIMESTAMP)?;
    let timestamp = timestamp.map(|timestamp| decoded(&timestamp.token, TIMESTAMP)).transpose()?;
    let timestamps = timestamp.map(|token| Rfc3161Timestamp::new(TimestampToken::new(token)));
    let material = VerificationMaterial::new(material(annotations)?)
        .with_tlog_entries(entries)
        .with_timestamp_verification_data(TimestampVerificationData::new(timestamps.into_iter().collect()));
    Ok(Bundled { bundle: Bundle::new(version, material, content), old, written: None })
}

fn material(annotations: &BTreeMap<String, String>) -> Result<VerificationMaterialContent, String> {
    let Some(leaf) = annotations.get(CERTIFICATE).filter(|text| !text.trim().is_empty()) else {
        return Ok(VerificationMaterialContent::PublicKey(PublicKeyIdentifier::new("")));
    };
    let broken = |name: &str| format!("its {name} holds no certificates in PEM");
    let pem = |text: &str, name| from_pem(text, CHAIN_LIMIT).ok_or_else(|| broken(name));
    let leaf = pem(leaf, CERTIFICATE)?;
    let [leaf] = leaf.as_slice() else { return Err(format!("its {CERTIFICATE} is not one certificate")) };
    let chain = annotations.get(CHAIN).map(|text| pem(text, CHAIN)).transpose()?.unwrap_or_default();
    let certificates = std::iter::once(leaf.clone()).chain(chain).map(X509Certificate::new).collect();
    Ok(VerificationMaterialContent::X509CertificateChain { certificates })
}

fn entry(promise: Promise) -> Result<Value, String> {
    let Promise { signed_entry_timestamp, payload } = promise;
    let body = decoded(&payload.body, LOG)?;
    decoded(&signed_entry_timestamp, LOG)?;
    let kind: Kind = strict::read(&body, ANNOTATION_LIMIT).map_err(|error| format!("its {LOG}: {error}"))?;
    let log = from_hex(&payload.log_id).ok_or_else(|| format!("its {LOG} has no log ID"))?;
    Ok(json!({
        "logIndex": payload.log_index.to_string(),
        "logId": { "keyId": STANDARD.encode(log) },
        "kindVersion": { "kind": kind.kind, "version": kind.version },
        "integratedTime": payload.integrated_time.to_string(),
        "inclusionPromise": { "signedEntryTimestamp": signed_entry_timestamp },
        "canonicalizedBody": payload.body,
    }))
}

fn of_json<T: DeserializeOwned>(
    annotations: &BTreeMap<String, String>,
    name: &str,
) -> Result<Option<T>, String> {
    let text = annotations.get(name).filter(|text| !text.trim().is_empty() && text.trim() != "null");
    text.map(|text| {
        strict::read(text.as_bytes(), ANNOTATION_LIMIT).map_err(|error| format!("its {name}: {error}"))
    })
    .transpose()
}

fn decoded(text: &str, name: &str) -> Result<Vec<u8>, String> {
    if text.len() > ANNOTATION_LIMIT {
        return Err(format!("its {name} is too large"));
    }
    STANDARD.decode(text).map_err(|_| format!("its {name} is not in Base64"))
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let pair = |at: usize| u8::from_str_radix(text.get(at..at.saturating_add(2))?, 16).ok();
    (0..text.len()).step_by(2).map(pair).collect()
}
