//! Log entries that were verified here ([`crate::intoto`]), stated anew for `sigstore-verify`, which does not know their kind.
//!
//! What hangs on the time of an entry is verified by that crate alone: certificate, authority, the log of certificates. So it is
//! shown a trusted root with one more log, whose key was made a moment ago and is forgotten afterwards, and in that log the same
//! entry as one of the kind `dsse`, with the same time, a promise, and a proof where there was one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_model::digest::Digest;
use serde_json::{Value, json};
use sigstore_merkle::hash_leaf;
use sigstore_trust_root::TrustedRoot;
use sigstore_types::{DsseEnvelope, TransparencyLogEntry};

use crate::intoto::{Verifier, promised};
use crate::signing::private_key::{NewKey, PrivateKey};
use crate::signing::{Signer as _, sign};

/// The name of the log, which nobody else has.
const NAME: &str = "restated.invalid";

/// A log for one verification.
pub(crate) struct Restater {
    key: PrivateKey,
    id: Digest,
}

impl Restater {
    pub(crate) fn new() -> Result<Self, String> {
        let key = PrivateKey::generate(NewKey::EcdsaP256).map_err(|error| error.to_string())?;
        let id = Digest::of(key.public_key().as_der());
        Ok(Self { key, id })
    }

    /// What verifies by `root` and this log.
    pub(crate) fn verifier(&self, root: &TrustedRoot) -> Result<sigstore_verify::Verifier, String> {
        let mut root = serde_json::to_value(root).map_err(|error| error.to_string())?;
        let log = json!({
            "baseUrl": format!("https://{NAME}"), "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": STANDARD.encode(self.key.public_key().as_der()),
                "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": { "start": "1970-01-01T00:00:00Z" },
            },
            "logId": { "keyId": STANDARD.encode(self.id.as_bytes()) },
        });
        match root.get_mut("tlogs").and_then(Value::as_array_mut) {
            Some(logs) => logs.push(log),
            None => return Err("the trusted root has no logs".to_owned()),
        }
        let root: TrustedRoot = serde_json::from_value(root).map_err(|error| error.to_string())?;
        sigstore_verify::Verifier::new(&root).map_err(|error| error.to_string())
    }

    /// Says of `envelope` and its verifier what `entry`, which was verified, says.
    pub(crate) fn entry(
        &self,
        entry: &TransparencyLogEntry,
        envelope: &DsseEnvelope,
        verifier: &Verifier<'_>,
    ) -> Result<TransparencyLogEntry, String> {
        let hash = json!({ "algorithm": "sha256", "value": Digest::of(envelope.payload.as_bytes()).hex() });
        let body = json!({
            "apiVersion": "0.0.1", "kind": "dsse",
            "spec": {
                "envelopeHash": hash, "payloadHash": hash,
                "signatures": [{
                    "signature": envelope.signature.sig.to_base64(), "verifier": STANDARD.encode(verifier.pem()),
                }],
            },
        });
        let body = body.to_string();
        let encoded = STANDARD.encode(&body);
        let time = entry.integrated_time.ok_or("the log entry has no time")?.as_second();
        let promise = self.signed(promised(&encoded, time, &self.id.hex(), 0).as_bytes())?;
        let proof = entry.inclusion_proof.as_ref().map(|_| self.proof(body.as_bytes())).transpose()?;
        let restated = json!({
            "logIndex": "0", "logId": { "keyId": STANDARD.encode(self.id.as_bytes()) },
            "kindVersion": { "kind": "dsse", "version": "0.0.1" }, "canonicalizedBody": encoded,
            "integratedTime": time.to_string(),
            "inclusionPromise": { "signedEntryTimestamp": STANDARD.encode(promise) },
            "inclusionProof": proof,
        });
        serde_json::from_value(restated).map_err(|error| error.to_string())
    }

    /// The proof of the only entry of a log.
    fn proof(&self, body: &[u8]) -> Result<Value, String> {
        let root = STANDARD.encode(hash_leaf(body).as_bytes());
        let note = format!("{NAME}\n1\n{root}\n");
        let hint: Vec<u8> = self.id.as_bytes().iter().take(4).copied().collect();
        let line = STANDARD.encode([hint, self.signed(note.as_bytes())?].concat());
        Ok(json!({
            "logIndex": "0", "treeSize": "1", "hashes": [], "rootHash": root,
            "checkpoint": { "envelope": format!("{note}\n\u{2014} {NAME} {line}\n") },
        }))
    }

    fn signed(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        sign(&self.key, message).map_err(|error| error.to_string())
    }
}
