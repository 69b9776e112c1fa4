//! Entries of Rekor. Version 1 answers with a promise, a time of its own and a proof
//! (<https://github.com/sigstore/rekor/blob/main/openapi.yaml>), version 2 with a proof alone
//! (<https://github.com/sigstore/rekor-tiles/blob/main/docs/openapi/rekor_service.swagger.json>), so that a timestamp has to tell
//! the time. What an answer says is verified later, with the whole bundle.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_formats::strict;
use plimsoll_model::digest::hex;
use serde_json::{Value, json};
use sigstore_rekor::LogEntry;
pub use sigstore_types::KindVersion;
use sigstore_types::{EntryUuid, TransparencyLogEntry};

use super::error::{Service, ServiceError};
use super::network::{ANSWER_LIMIT, Answer, Ask, Body, Network};
use crate::key::Algorithm;
use crate::signing::encoding::Hash;
use crate::signing::key_file::in_pem;

/// The versions of the interface.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Version {
    /// Trillian behind it: `rekor.sigstore.dev`.
    V1,
    /// Tiles behind it.
    V2,
}

/// What is logged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Logged<'a> {
    /// The bytes that were signed: of a statement those with its type in front.
    pub(crate) signed: &'a [u8],
    pub(crate) signature: &'a [u8],
    /// The whole envelope, where it is one.
    pub(crate) envelope: Option<&'a Value>,
    pub(crate) algorithm: Algorithm,
    pub(crate) verifier: Verifier<'a>,
}

/// What verifies it, in DER.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Verifier<'a> {
    Certificate(&'a [u8]),
    Key(&'a [u8]),
}

/// Why something cannot be logged there.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Unloggable {
    /// Entries of the kind are made with a digest, which Ed25519 has no part of.
    #[error("the log (Rekor v1) takes no signatures of files by Ed25519")]
    Ed25519,
    /// Version 2 is read for this kind of keys only.
    #[error("entries of logs of version 2 are verified for ECDSA P-256 only; name one of version 1")]
    Algorithm,
}

/// Puts it into the log at `url`.
pub(crate) fn enter(
    network: &Network,
    (url, version): (&str, Version),
    logged: &Logged<'_>,
) -> Result<TransparencyLogEntry, ServiceError> {
    let base = url.trim_end_matches('/');
    let (path, request, kind) = match version {
        Version::V1 => ("api/v1/log/entries", request_v1(logged), kind_v1(logged)),
        Version::V2 => ("api/v2/log/entries", request_v2(logged), KindVersion::HashedRekordV002),
    };
    let url = format!("{base}/{path}");
    let body = Body::Bytes("application/json", request.to_string().into_bytes());
    let ask = Ask::post(Service::Rekor, &url, body);
    let answer = network.send(&ask)?;
    if version == Version::V1
        && answer.status == 409
        && let Some(there) = existing(base, &answer)
    {
        let ask = Ask::get(Service::Rekor, &there);
        let answer = network.fetch(&ask)?;
        return entry_v1(&answer, kind).map_err(|error| ask.unusable(error));
    }
    let answer = answer.success(&ask)?;
    let entry = if version == Version::V1 { entry_v1(&answer, kind) } else { entry_v2(&answer) };
    entry.map_err(|error| ask.unusable(error))
}

/// Tells whether a log of this version takes it.
pub(crate) fn check(logged: &Logged<'_>, version: Version) -> Result<(), Unloggable> {
    match (version, logged.algorithm, logged.envelope) {
        (Version::V1, Algorithm::Ed25519, None) => Err(Unloggable::Ed25519),
        (Version::V1, ..) | (Version::V2, Algorithm::EcdsaP256, _) => Ok(()),
        (Version::V2, ..) => Err(Unloggable::Algorithm),
    }
}

/// Where the same entry is, that somebody made before: below the very log.
fn existing(base: &str, answer: &Answer) -> Option<String> {
    let location = answer.headers.get(reqwest::header::LOCATION)?.to_str().ok()?;
    let id = location.rsplit('/').next()?;
    let is_id = (64..=80).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| format!("{base}/api/v1/log/entries/{id}"))
}

fn kind_v1(logged: &Logged<'_>) -> KindVersion {
    if logged.envelope.is_some() { KindVersion::DsseV001 } else { KindVersion::HashedRekordV001 }
}

fn request_v1(logged: &Logged<'_>) -> Value {
    let verifier = match logged.verifier {
        Verifier::Certificate(der) => in_pem("CERTIFICATE", der.to_vec()),
        Verifier::Key(der) => in_pem("PUBLIC KEY", der.to_vec()),
    };
    let verifier = STANDARD.encode(verifier);
    if let Some(envelope) = logged.envelope {
        let content = json!({ "envelope": envelope.to_string(), "verifiers": [verifier] });
        return json!({ "apiVersion": "0.0.1", "kind": "dsse", "spec": { "proposedContent": content } });
    }
    let hash = Hash::of(logged.algorithm).unwrap_or(Hash::Sha256);
    let name = format!("sha{}", hash.bits());
    json!({
        "apiVersion": "0.0.1", "kind": "hashedrekord",
        "spec": {
            "data": { "hash": { "algorithm": name, "value": hex(&hash.digest(logged.signed)) } },
            "signature": {
                "content": STANDARD.encode(logged.signature), "publicKey": { "content": verifier },
            },
        },
    })
}

fn request_v2(logged: &Logged<'_>) -> Value {
    let mut verifier = json!({ "keyDetails": "PKIX_ECDSA_P256_SHA_256" });
    let (kind, der) = match logged.verifier {
        Verifier::Certificate(der) => ("x509Certificate", der),
        Verifier::Key(der) => ("publicKey", der),
    };
    if let Some(verifier) = verifier.as_object_mut() {
        verifier.insert(kind.to_owned(), json!({ "rawBytes": STANDARD.encode(der) }));
    }
    json!({ "hashedRekordRequestV002": {
        "digest": STANDARD.encode(digest::digest(&digest::SHA256, logged.signed)),
        "signature": { "content": STANDARD.encode(logged.signature), "verifier": verifier },
    } })
}

/// Reads what a log of version 1 answers: one entry under its name.
///
/// # Errors
/// If it is none.
pub fn entry_v1(answer: &[u8], kind: KindVersion) -> Result<TransparencyLogEntry, String> {
    let entries: std::collections::BTreeMap<String, LogEntry> = parsed(answer)?;
    let mut entries = entries.into_iter();
    let (Some((uuid, mut entry)), None) = (entries.next(), entries.next()) else {
        return Err("it has not one entry".to_owned());
    };
    entry.uuid = EntryUuid::new(uuid);
    entry.to_bundle_entry(kind).map_err(|error| error.to_string())
}

/// Reads what a log of version 2 answers.
///
/// # Errors
/// If it is no entry.
pub fn entry_v2(answer: &[u8]) -> Result<TransparencyLogEntry, String> {
    let entry: TransparencyLogEntry = parsed(answer)?;
    if entry.inclusion_proof.is_none() {
        return Err("it lacks the proof".to_owned());
    }
    Ok(entry)
}

fn parsed<T: serde::de::DeserializeOwned>(answer: &[u8]) -> Result<T, String> {
    strict::read(answer, usize::try_from(ANSWER_LIMIT).unwrap_or(usize::MAX))
        .map_err(|error| error.to_string())
}
