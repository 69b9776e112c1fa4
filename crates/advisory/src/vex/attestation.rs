//! In-toto attestations (<https://github.com/in-toto/attestation>), above all those whose predicate is a VEX document:
//! bare, in a DSSE envelope as cosign attaches them, or in a Sigstore bundle. Signatures are *not* verified here.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use plimsoll_model::digest::BlobDigest;
use plimsoll_model::vex::Product;
use serde::Deserialize;
use serde_json::Value;

use super::{OPENVEX, VexError, image_purl};

/// Types of statements begin so.
const STATEMENT: &str = "https://in-toto.io/Statement/";
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

/// A statement without what is around it. Its signature was not verified.
#[derive(Debug)]
pub struct Unwrapped<'b> {
    /// The statement as JSON.
    pub statement: Cow<'b, [u8]>,
    /// What it says of its subjects.
    pub predicate_type: String,
    /// Those of its subjects that have a SHA-256 digest.
    pub subjects: Vec<BlobDigest>,
}

/// What is around a statement, if anything is, and its head; a predicate may be large and is not held.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outside {
    dsse_envelope: Option<Envelope>,
    payload: Option<String>,
    payload_type: Option<String>,
    #[serde(rename = "_type")]
    kind: Option<String>,
    predicate_type: Option<String>,
    #[serde(default)]
    subject: Vec<Subject>,
}

/// Takes the bundle and the envelope off an attestation of anything; none if it is no attestation.
///
/// # Errors
/// See [`VexError`].
pub fn unwrap(bytes: &[u8]) -> Result<Option<Unwrapped<'_>>, VexError> {
    let outside: Outside = serde_json::from_slice(bytes)?;
    let envelope = match outside {
        Outside { dsse_envelope: Some(envelope), .. } => envelope,
        Outside { payload: Some(payload), payload_type: Some(payload_type), .. } => {
            Envelope { payload, payload_type }
        }
        bare => return head(Cow::Borrowed(bytes), bare),
    };
    let statement = envelope.statement()?;
    let inside = serde_json::from_slice(&statement)?;
    let unwrapped = head(Cow::Owned(statement), inside)?;
    unwrapped.map(Some).ok_or(VexError::Envelope("its payload is no statement"))
}

fn head(statement: Cow<'_, [u8]>, outside: Outside) -> Result<Option<Unwrapped<'_>>, VexError> {
    let is_one = outside.kind.is_some_and(|kind| kind.starts_with(STATEMENT));
    let (true, Some(predicate_type)) = (is_one, outside.predicate_type) else { return Ok(None) };
    if outside.subject.len() > SUBJECT_LIMIT {
        return Err(VexError::Envelope("it has too many subjects"));
    }
    let subjects = outside.subject.iter().filter_map(Subject::digest).collect();
    Ok(Some(Unwrapped { statement, predicate_type, subjects }))
}

impl Envelope {
    fn statement(self) -> Result<Vec<u8>, VexError> {
        if self.payload_type != "application/vnd.in-toto+json" {
            return Err(VexError::Predicate(self.payload_type.chars().take(120).collect()));
        }
        let bytes = STANDARD.decode(&self.payload).or_else(|_| URL_SAFE.decode(&self.payload));
        bytes.map_err(|_| VexError::Envelope("its payload is no base64"))
    }
}

impl Subject {
    fn digest(&self) -> Option<BlobDigest> {
        format!("sha256:{}", self.digest.sha256.as_deref()?).parse().ok()
    }
}

/// Tells whether a document is an attestation in one of the three forms.
pub(super) fn is_one(value: &Value) -> bool {
    let is_statement =
        value.get("_type").and_then(Value::as_str).is_some_and(|kind| kind.starts_with(STATEMENT));
    is_statement || value.get("payloadType").is_some() || value.get("dsseEnvelope").is_some()
}

/// Takes off the bundle and the envelope.
pub(super) fn open(mut value: Value) -> Result<Attested, VexError> {
    if let Some(envelope) = value.get_mut("dsseEnvelope") {
        value = envelope.take();
    }
    let statement: Statement = if value.get("payloadType").is_some() {
        serde_json::from_slice(&serde_json::from_value::<Envelope>(value)?.statement()?)?
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
    Some(Product::of(image_purl("image", None, subject.digest()?)))
}

#[cfg(test)]
mod tests;
