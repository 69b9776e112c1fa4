//! Log entries of `intoto` 0.0.1, Rekor's first kind for attestations
//! (<https://github.com/sigstore/rekor/blob/main/pkg/types/intoto/v0.0.1/intoto_v0_0_1_schema.json>), which cosign made until 2022.
//!
//! An entry has the hash of the envelope's very bytes, that of the payload (since 2022), and the certificate or key; not the signature. It is of an
//! envelope only if the bytes are known: cosign keeps them, a bundle does not, so that the ways of writing an envelope that clients had are tried.
//! Without them the signature would be bound to nothing, and the entry is refused.

use plimsoll_formats::strict;
use plimsoll_model::digest::Digest;
use serde::Deserialize;
use sigstore_crypto::Keyring;
use sigstore_merkle::{hash_leaf, verify_inclusion_proof};
use sigstore_trust_root::TrustedRoot;
use sigstore_types::bundle::InclusionProof;
use sigstore_types::{
    Bundle, Checkpoint, DerCertificate, DerPublicKey, DsseEnvelope, Sha256Hash, SignatureBytes,
    TransparencyLogEntry,
};

use crate::key::PublicKey;
use crate::signing::key_file::in_pem;

pub(crate) const KIND: &str = "intoto";
pub(crate) const VERSION: &str = "0.0.1";

/// A larger entry is refused: it holds two hashes and a certificate.
const BODY_LIMIT: usize = 1 << 20;

/// What verifies the signature, in DER.
#[derive(Debug)]
pub(crate) enum Verifier<'a> {
    Certificate(&'a [u8]),
    Key(&'a [u8]),
}

impl<'a> Verifier<'a> {
    /// The certificate of the bundle, or the key that it is by.
    pub(crate) fn of(bundle: &'a Bundle, key: Option<&'a PublicKey>) -> Option<Self> {
        let certificate = bundle.signing_certificate().map(|leaf| Self::Certificate(leaf.as_bytes()));
        certificate.or_else(|| key.map(|key| Self::Key(key.as_der())))
    }

    /// The same in PEM.
    pub(crate) fn pem(&self) -> String {
        match self {
            Self::Certificate(der) => in_pem("CERTIFICATE", der.to_vec()),
            Self::Key(der) => in_pem("PUBLIC KEY", der.to_vec()),
        }
    }

    /// Whether this text is the same, in PEM.
    fn is(&self, text: &str) -> bool {
        match self {
            Self::Certificate(der) => {
                DerCertificate::from_pem(text).is_ok_and(|told| told.as_bytes() == *der)
            }
            Self::Key(der) => DerPublicKey::from_pem(text).is_ok_and(|told| told.as_bytes() == *der),
        }
    }
}

#[derive(Deserialize)]
struct Body {
    kind: String,
    #[serde(rename = "apiVersion")]
    version: String,
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    content: Content,
    public_key: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    hash: Hash,
    payload_hash: Option<Hash>,
}

#[derive(Deserialize)]
struct Hash {
    algorithm: String,
    value: String,
}

impl Hash {
    fn is_of(&self, bytes: &[u8]) -> bool {
        self.algorithm == "sha256" && self.value == Digest::of(bytes).hex()
    }
}

/// Makes sure that a trusted log has the entry, and that it is of this envelope, which was perhaps `written` so, by this
/// verifier.
pub(crate) fn verify(
    entry: &TransparencyLogEntry,
    (envelope, written): (&DsseEnvelope, Option<&[u8]>),
    verifier: &Verifier<'_>,
    root: &TrustedRoot,
) -> Result<(), String> {
    let logs = root.rekor_keys().map_err(|error| error.to_string())?;
    check_promise(entry, &logs)?;
    if let Some(proof) = &entry.inclusion_proof {
        check_proof(entry, proof, &logs)?;
    }
    let body: Body = strict::read(entry.canonicalized_body.as_bytes(), BODY_LIMIT)
        .map_err(|error| format!("the log entry: {error}"))?;
    if (body.kind.as_str(), body.version.as_str()) != (KIND, VERSION) {
        return Err("the log entry is of another kind than is told".to_owned());
    }
    let content = &body.spec.content;
    if content.payload_hash.as_ref().is_some_and(|hash| !hash.is_of(envelope.payload.as_bytes())) {
        return Err("the log entry is of another payload".to_owned());
    }
    if !verifier.is(&decoded(&body.spec.public_key)?) {
        return Err("the log entry is of another certificate or key".to_owned());
    }
    match written {
        Some(written) if content.hash.is_of(written) => Ok(()),
        Some(_) => Err("the log entry is of another envelope".to_owned()),
        None if ways_to_write(envelope).iter().any(|text| content.hash.is_of(text.as_bytes())) => Ok(()),
        None => Err("the log entry (intoto 0.0.1) is of another envelope, or of one that was written in a way that is not \
                     known, and does not hold the signature"
            .to_owned()),
    }
}

fn decoded(text: &str) -> Result<String, String> {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text);
    let text = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| "the log entry has no certificate or key in Base64".to_owned())
}

/// The texts that clients made of an envelope: of cosign and what else is in Go, of JavaScript, with a key ID and without.
fn ways_to_write(envelope: &DsseEnvelope) -> Vec<String> {
    use serde_json::Value;
    let text = |text: &str| Value::from(text).to_string();
    let payload = format!(r#""payload":{}"#, text(&envelope.payload.to_base64()));
    let kind = format!(r#""payloadType":{}"#, text(&envelope.payload_type));
    let id = format!(r#""keyid":{}"#, text(envelope.signature.keyid.as_ref()));
    let signature = format!(r#""sig":{}"#, text(&envelope.signature.sig.to_base64()));
    let heads = [format!("{kind},{payload}"), format!("{payload},{kind}")];
    let signatures = [format!("{id},{signature}"), format!("{signature},{id}"), signature];
    let all = heads.iter().flat_map(|head| {
        signatures.iter().map(move |signature| format!(r#"{{{head},"signatures":[{{{signature}}}]}}"#))
    });
    all.collect()
}

/// Makes sure that the log promised the entry, with its time. Rekor v1 always does; nothing else tells a time that this key was valid at.
fn check_promise(entry: &TransparencyLogEntry, logs: &Keyring) -> Result<(), String> {
    let broken = |why: &str| format!("the promise of the log entry: {why}");
    let (Some(promise), Some(time)) = (&entry.inclusion_promise, entry.integrated_time) else {
        return Err(broken("it is not there, or has no time"));
    };
    let id = entry.log_id.key_id.as_bytes();
    let id = Sha256Hash::try_from(id).map_err(|_| broken("its log has no ID"))?;
    let log = logs.key_at(&id, time).ok_or_else(|| broken("it is of no log that was trusted then"))?;
    let promised = promised(
        &entry.canonicalized_body.to_base64(),
        time.as_second(),
        &id.to_hex(),
        entry.log_index.get(),
    );
    let signature = SignatureBytes::new(promise.signed_entry_timestamp.as_bytes().to_vec());
    log.verify(promised.as_bytes(), &signature).map_err(|_| broken("it does not hold"))
}

/// What the promise of an entry signs: canonical JSON (RFC 8785), whose values need no escapes.
pub(crate) fn promised(body: &str, time: i64, log: &str, index: u64) -> String {
    format!(r#"{{"body":"{body}","integratedTime":{time},"logID":"{log}","logIndex":{index}}}"#)
}

/// Makes sure that the entry is in the log's tree.
fn check_proof(entry: &TransparencyLogEntry, proof: &InclusionProof, logs: &Keyring) -> Result<(), String> {
    let broken = |why: &dyn std::fmt::Display| format!("the proof of the log entry: {why}");
    let leaf = hash_leaf(entry.canonicalized_body.as_bytes());
    verify_inclusion_proof(&leaf, proof.log_index.get(), proof.tree_size, &proof.hashes, &proof.root_hash)
        .map_err(|error| broken(&error))?;
    let checkpoint = Checkpoint::from_text(proof.checkpoint.envelope()).map_err(|error| broken(&error))?;
    if checkpoint.root_hash() != &proof.root_hash || checkpoint.tree_size() != proof.tree_size {
        return Err(broken(&"its checkpoint is of another tree"));
    }
    let signed = checkpoint.signed_data();
    let id =
        Sha256Hash::try_from(entry.log_id.key_id.as_bytes()).map_err(|_| broken(&"its log has no ID"))?;
    // The log's key, which may have ended since: what it signed while it was valid counts.
    let log = logs.key(&id).ok_or_else(|| broken(&"it is of no trusted log"))?;
    let holds = checkpoint.signatures().iter().any(|line| log.verify(signed, &line.signature).is_ok());
    holds.then_some(()).ok_or_else(|| broken(&"its checkpoint is not signed by the log"))
}
