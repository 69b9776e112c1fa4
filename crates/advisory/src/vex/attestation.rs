//! In-toto attestations (<https://github.com/in-toto/attestation>) whose predicate is a VEX document: bare, in a DSSE
//! envelope as cosign attaches them, or in a Sigstore bundle. Signatures are *not* verified here.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use plimsoll_model::digest::BlobDigest;
use plimsoll_model::vex::Product;
use serde::Deserialize;
use serde_json::Value;

use super::{OPENVEX, VexError, image_purl};

/// The most subjects of one attestation.
const SUBJECT_LIMIT: usize = 1_000;

/// Types of predicates that are VEX documents begin with one of these.
const PREDICATES: [&str; 4] = [OPENVEX, "https://cyclonedx.org/bom", "https://cyclonedx.org/vex", "text/vex"];

/// What an attestation says of its subjects.
#[derive(Debug)]
pub(super) struct Attested {
    pub(super) predicate: Value,
    pub(super) subjects: Vec<Product>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    predicate_type: String,
    #[serde(default)]
    subject: Vec<Subject>,
    predicate: Value,
}

#[derive(Deserialize)]
struct Subject {
    #[serde(default)]
    name: String,
    #[serde(default)]
    digest: DigestSet,
}

#[derive(Default, Deserialize)]
struct DigestSet {
    sha256: Option<String>,
}

/// Tells whether a document is an attestation in one of the three forms.
pub(super) fn is_one(value: &Value) -> bool {
    let is_statement = value
        .get("_type")
        .and_then(Value::as_str)
        .is_some_and(|kind| kind.starts_with("https://in-toto.io/Statement/"));
    is_statement || value.get("payloadType").is_some() || value.get("dsseEnvelope").is_some()
}

/// Takes off the bundle and the envelope.
pub(super) fn open(mut value: Value) -> Result<Attested, VexError> {
    if let Some(envelope) = value.get_mut("dsseEnvelope") {
        value = envelope.take();
    }
    let statement: Statement = if value.get("payloadType").is_some() {
        let Envelope { payload, payload_type } = serde_json::from_value(value)?;
        if payload_type != "application/vnd.in-toto+json" {
            return Err(VexError::Predicate(payload_type.chars().take(120).collect()));
        }
        let bytes = STANDARD.decode(&payload).or_else(|_| URL_SAFE.decode(&payload));
        serde_json::from_slice(&bytes.map_err(|_| VexError::Envelope("its payload is no base64"))?)?
    } else {
        serde_json::from_value(value)?
    };
    let kind = statement.predicate_type;
    if !PREDICATES.iter().any(|known| kind.starts_with(known)) {
        return Err(VexError::Predicate(kind.chars().take(120).collect()));
    }
    if statement.subject.len() > SUBJECT_LIMIT {
        return Err(VexError::Envelope("it has too many subjects"));
    }
    let subjects = statement.subject.iter().filter_map(product).collect();
    Ok(Attested { predicate: statement.predicate, subjects })
}

/// An image is known by its digest, whatever it is called; something else by its package URL.
fn product(subject: &Subject) -> Option<Product> {
    let is_package = subject.name.starts_with("pkg:")
        && !["pkg:oci/", "pkg:docker/"].iter().any(|image| subject.name.starts_with(image));
    if is_package {
        return super::checked(&subject.name, 0).ok().map(Product::of);
    }
    let digest: BlobDigest = format!("sha256:{}", subject.digest.sha256.as_deref()?).parse().ok()?;
    Some(Product::of(image_purl("image", None, digest)))
}

#[cfg(test)]
mod tests;
