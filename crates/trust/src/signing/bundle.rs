//! Sigstore bundles v0.3, as cosign 3 writes them
//! (<https://github.com/sigstore/protobuf-specs/blob/v0.5.1/protos/sigstore_bundle.proto>). Those made here are by a key alone and in
//! no log; others are made by what is a [`Sealer`], too.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_model::digest::Digest;
use serde_json::{Value, json};

use super::encoding::Hash;
use super::{SignError, Signer, sign};
use crate::dsse::IN_TOTO;
use crate::key::{Algorithm, PublicKey};
use crate::online::error::ServiceError;

/// The media type.
pub const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// Tells in a manifest what kind of content a bundle has.
pub const CONTENT: &str = "dev.sigstore.bundle.content";
/// Tells in a manifest what the bundle's statement claims.
pub const PREDICATE_TYPE: &str = "dev.sigstore.bundle.predicateType";
/// The kind of content that is a statement.
pub const ENVELOPE: &str = "dsse-envelope";

/// The member of a bundle that holds an envelope.
pub(crate) const ENVELOPE_MEMBER: &str = "dsseEnvelope";
/// The member that holds a signature of bytes.
pub(crate) const MESSAGE_MEMBER: &str = "messageSignature";

/// What makes bundles with more in them than a key can say.
pub trait Sealer {
    /// A bundle of a statement about what has this digest.
    ///
    /// # Errors
    /// See [`SealError`].
    fn statement(&self, subject: &Digest, statement: &[u8]) -> Result<Vec<u8>, SealError>;

    /// A bundle of a signature over a file.
    ///
    /// # Errors
    /// See [`SealError`].
    fn file(&self, content: &[u8]) -> Result<Vec<u8>, SealError>;
}

/// No bundle was made.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// No signature.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// A service did not confirm it.
    #[error(transparent)]
    Service(Box<ServiceError>),
    /// No service can confirm such a signature.
    #[error("it cannot be confirmed: {0}")]
    Services(String),
    /// Others would refuse it.
    #[error("the new signature does not hold for the trusted root ({0}), so nobody gets it")]
    Refused(String),
}

/// A bundle of a statement in an envelope.
///
/// # Errors
/// See [`SignError`].
pub fn of_statement(signer: &dyn Signer, statement: &[u8]) -> Result<Vec<u8>, SignError> {
    let signature = sign(signer, &sigstore_types::pae(IN_TOTO, statement))?;
    let material = key_material(signer.public_key());
    Ok(assembled(&material, ENVELOPE_MEMBER, envelope(statement, &signature)))
}

/// A bundle of a signature over a file.
///
/// # Errors
/// See [`SignError`].
pub fn of_file(signer: &dyn Signer, content: &[u8]) -> Result<Vec<u8>, SignError> {
    let signature = sign(signer, content)?;
    let key = signer.public_key();
    Ok(assembled(&key_material(key), MESSAGE_MEMBER, message(key.algorithm(), content, &signature)))
}

/// A signature of bytes, with the hash that it is over.
pub(crate) fn message(algorithm: Algorithm, content: &[u8], signature: &[u8]) -> Value {
    let hash = Hash::of(algorithm).unwrap_or(Hash::Sha256);
    let (name, digest) = (format!("SHA2_{}", hash.bits()), STANDARD.encode(hash.digest(content)));
    json!({
        "messageDigest": { "algorithm": name, "digest": digest },
        "signature": STANDARD.encode(signature),
    })
}

/// An envelope with one signature.
pub(crate) fn envelope(statement: &[u8], signature: &[u8]) -> Value {
    json!({
        "payload": STANDARD.encode(statement),
        "payloadType": IN_TOTO,
        "signatures": [{ "sig": STANDARD.encode(signature) }],
    })
}

/// That verifies what a key signed: a hint, which key.
pub(crate) fn key_material(key: &PublicKey) -> Value {
    json!({ "publicKey": { "hint": STANDARD.encode(key.fingerprint().as_bytes()) } })
}

/// The bundle.
pub(crate) fn assembled(material: &Value, kind: &str, content: Value) -> Vec<u8> {
    let mut bundle = json!({ "mediaType": MEDIA_TYPE, "verificationMaterial": material });
    if let Some(bundle) = bundle.as_object_mut() {
        bundle.insert(kind.to_owned(), content);
    }
    bundle.to_string().into_bytes()
}
