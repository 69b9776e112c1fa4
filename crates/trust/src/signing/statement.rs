//! The statements that are signed (<https://github.com/in-toto/attestation/blob/v1.1.0/spec/v1/statement.md>).

use std::collections::BTreeMap;

use plimsoll_model::digest::Digest;
use serde_json::{Value, json};

use crate::claims::COSIGN_SIGN;

const TYPE: &str = "https://in-toto.io/Statement/v1";

/// That the manifest `digest` is signed, as cosign 3 says it.
#[must_use]
pub fn signed(digest: &Digest, annotations: &BTreeMap<String, String>) -> Vec<u8> {
    let mut subject = json!({ "digest": { "sha256": digest.hex() } });
    if let (false, Some(subject)) = (annotations.is_empty(), subject.as_object_mut()) {
        subject.insert("annotations".to_owned(), json!(annotations));
    }
    statement(&subject, COSIGN_SIGN, &json!({}))
}

/// That `predicate` is true of what is called `name` and has this digest.
#[must_use]
pub fn attested(name: Option<&str>, digest: &Digest, predicate_type: &str, predicate: &Value) -> Vec<u8> {
    let mut subject = json!({ "digest": { "sha256": digest.hex() } });
    if let (Some(name), Some(subject)) = (name, subject.as_object_mut()) {
        subject.insert("name".to_owned(), name.into());
    }
    statement(&subject, predicate_type, predicate)
}

fn statement(subject: &Value, predicate_type: &str, predicate: &Value) -> Vec<u8> {
    let statement = json!({
        "_type": TYPE,
        "subject": [subject],
        "predicateType": predicate_type,
        "predicate": predicate,
    });
    statement.to_string().into_bytes()
}
