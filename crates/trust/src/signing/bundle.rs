//! Sigstore bundles v0.3 by a key, as cosign 3 writes them
//! (<https://github.com/sigstore/protobuf-specs/blob/v0.5.1/protos/sigstore_bundle.proto>). They are in no log.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{SignError, Signer, sign};
use crate::dsse::IN_TOTO;
use crate::key::Algorithm;

/// The media type.
pub const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// Tells in a manifest what kind of content a bundle has.
pub const CONTENT: &str = "dev.sigstore.bundle.content";
/// Tells in a manifest what the bundle's statement claims.
pub const PREDICATE_TYPE: &str = "dev.sigstore.bundle.predicateType";
/// The kind of content that is a statement.
pub const ENVELOPE: &str = "dsse-envelope";

/// A bundle of a statement in an envelope.
///
/// # Errors
/// See [`SignError`].
pub fn of_statement(signer: &dyn Signer, statement: &[u8]) -> Result<Vec<u8>, SignError> {
    let signature = sign(signer, &sigstore_types::pae(IN_TOTO, statement))?;
    Ok(bundle(signer, "dsseEnvelope", envelope(statement, &signature)))
}

/// A bundle of a signature over a file.
///
/// # Errors
/// See [`SignError`].
pub fn of_file(signer: &dyn Signer, content: &[u8]) -> Result<Vec<u8>, SignError> {
    let signature = sign(signer, content)?;
    // The hash is that which the signature is over.
    let (name, algorithm) = match signer.public_key().algorithm() {
        Algorithm::EcdsaP256 | Algorithm::Ed25519 | Algorithm::Rsa => ("SHA2_256", &digest::SHA256),
        Algorithm::EcdsaP384 => ("SHA2_384", &digest::SHA384),
        Algorithm::EcdsaP521 => ("SHA2_512", &digest::SHA512),
    };
    let digest = STANDARD.encode(digest::digest(algorithm, content));
    let message = json!({
        "messageDigest": { "algorithm": name, "digest": digest },
        "signature": STANDARD.encode(signature),
    });
    Ok(bundle(signer, "messageSignature", message))
}

/// An envelope with one signature.
pub(super) fn envelope(statement: &[u8], signature: &[u8]) -> Value {
    json!({
        "payload": STANDARD.encode(statement),
        "payloadType": IN_TOTO,
        "signatures": [{ "sig": STANDARD.encode(signature) }],
    })
}

fn bundle(signer: &dyn Signer, kind: &str, content: Value) -> Vec<u8> {
    let hint = STANDARD.encode(signer.public_key().fingerprint().as_bytes());
    let mut bundle = json!({
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": { "publicKey": { "hint": hint } },
    });
    if let Some(bundle) = bundle.as_object_mut() {
        bundle.insert(kind.to_owned(), content);
    }
    bundle.to_string().into_bytes()
}
