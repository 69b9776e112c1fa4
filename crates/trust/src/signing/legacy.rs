//! cosign's formats of old: a layer whose bytes are signed, and annotations with the signature
//! (<https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md>). Many verifiers know no other yet.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_model::digest::Digest;
use serde_json::{Value, json};

use super::{SignError, Signer, bundle, sign};
use crate::dsse::{self, IN_TOTO};
use crate::simple_signing;

/// The annotation that holds the signature.
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
/// The annotation that tells the type of an attestation.
const PREDICATE_TYPE: &str = "predicateType";

/// One signature of old.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Layer {
    /// What the bytes are.
    pub media_type: &'static str,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The annotations of the layer.
    pub annotations: BTreeMap<String, String>,
}

/// A signature of the manifest `digest`. `reference` tells in which repository it was signed.
///
/// # Errors
/// See [`SignError`].
pub fn signature(
    signer: &dyn Signer,
    digest: &Digest,
    reference: &str,
    annotations: &BTreeMap<String, String>,
) -> Result<Layer, SignError> {
    let optional = if annotations.is_empty() { Value::Null } else { json!(annotations) };
    let payload = json!({
        "critical": {
            "identity": { "docker-reference": reference },
            "image": { "docker-manifest-digest": digest.to_string() },
            "type": simple_signing::TYPE,
        },
        "optional": optional,
    });
    let bytes = payload.to_string().into_bytes();
    let signature = sign(signer, &bytes)?;
    let annotations = BTreeMap::from([(SIGNATURE.to_owned(), STANDARD.encode(signature))]);
    Ok(Layer { media_type: simple_signing::MEDIA_TYPE, bytes, annotations })
}

/// An attestation of a statement.
///
/// # Errors
/// See [`SignError`].
pub fn attestation(signer: &dyn Signer, statement: &[u8], predicate_type: &str) -> Result<Layer, SignError> {
    let signature = sign(signer, &sigstore_types::pae(IN_TOTO, statement))?;
    let bytes = bundle::envelope(statement, &signature).to_string().into_bytes();
    let annotations = BTreeMap::from([
        (SIGNATURE.to_owned(), String::new()),
        (PREDICATE_TYPE.to_owned(), predicate_type.to_owned()),
    ]);
    Ok(Layer { media_type: dsse::MEDIA_TYPE, bytes, annotations })
}
