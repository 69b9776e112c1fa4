//! What is claimed in an attestation: whether a document is what its type says, before anybody vouches for it.

use plimsoll_formats::strict::{self, StrictError};
use serde_json::Value;

/// A larger document is not attested: those who verify would not read it.
pub const PREDICATE_LIMIT: usize = 16 << 20;

/// SLSA provenance, version 1.
pub const SLSA_PROVENANCE: &str = "https://slsa.dev/provenance/v1";

/// What a document of a type must have: members, by their paths, that are there and not empty.
const REQUIRED: &[(&str, &[&str])] = &[
    ("https://cosign.sigstore.dev/attestation/vuln/v1", &["/invocation", "/scanner", "/metadata"]),
    ("https://cyclonedx.org/bom", &["/bomFormat", "/specVersion"]),
    ("https://in-toto.io/attestation/test-result/v0.1", &["/result", "/configuration"]),
    ("https://openvex.dev/ns", &["/@context", "/@id", "/statements"]),
    ("https://slsa.dev/provenance/v0.2", &["/builder/id", "/buildType"]),
    (
        SLSA_PROVENANCE,
        &["/buildDefinition/buildType", "/buildDefinition/externalParameters", "/runDetails/builder/id"],
    ),
    (
        "https://slsa.dev/verification_summary/v1",
        &[
            "/verifier/id",
            "/timeVerified",
            "/resourceUri",
            "/policy",
            "/verificationResult",
            "/verifiedLevels",
        ],
    ),
    ("https://spdx.dev/Document", &["/spdxVersion", "/SPDXID"]),
];

/// Why a document is not attested.
#[derive(Debug, thiserror::Error)]
pub enum PredicateError {
    /// No unambiguous JSON, or too large.
    #[error(transparent)]
    Json(#[from] StrictError),
    /// No object.
    #[error("it is no JSON object")]
    NotAnObject,
    /// It is something else than its type says.
    #[error("it is no document of type {predicate_type}: it has no {missing}")]
    Incomplete {
        /// The type.
        predicate_type: String,
        /// What is not there.
        missing: String,
    },
    /// A statement, with a subject of its own, where its predicate alone is wanted.
    #[error("it is a whole statement: its predicate alone is wanted")]
    Statement,
}

/// Reads a document that is to be attested.
///
/// # Errors
/// See [`PredicateError`].
pub fn read(bytes: &[u8], predicate_type: &str) -> Result<Value, PredicateError> {
    let document: Value = strict::read(bytes, PREDICATE_LIMIT)?;
    check(&document, predicate_type)?;
    Ok(document)
}

/// Makes sure that a document is what its type says. Of types that are not known here anything is an example.
///
/// # Errors
/// See [`PredicateError`].
pub fn check(document: &Value, predicate_type: &str) -> Result<(), PredicateError> {
    let object = document.as_object().ok_or(PredicateError::NotAnObject)?;
    if object.contains_key("_type") && object.contains_key("predicateType") {
        return Err(PredicateError::Statement);
    }
    let required = REQUIRED.iter().find(|(kind, _)| *kind == predicate_type);
    for path in required.map(|(_, paths)| *paths).unwrap_or_default() {
        if document.pointer(path).is_none_or(is_nothing) {
            return Err(PredicateError::Incomplete {
                predicate_type: predicate_type.to_owned(),
                missing: path.trim_start_matches('/').replace('/', "."),
            });
        }
    }
    Ok(())
}

/// Objects and lists may be empty: of parameters there may be none.
fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(str::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_sorted() {
        assert!(REQUIRED.is_sorted_by_key(|(kind, _)| *kind));
    }

    #[test]
    fn a_document_must_be_what_its_type_says() {
        let slsa = r#"{"buildDefinition":{"buildType":"t","externalParameters":{}},"runDetails":{"builder":{"id":"b"}}}"#;
        assert!(read(slsa.as_bytes(), SLSA_PROVENANCE).is_ok());
        let nameless = slsa.replace(r#""id":"b""#, r#""id":"""#);
        assert_eq!(
            read(nameless.as_bytes(), SLSA_PROVENANCE).unwrap_err().to_string(),
            "it is no document of type https://slsa.dev/provenance/v1: it has no runDetails.builder.id"
        );
        let bill = r#"{"bomFormat":"CycloneDX","specVersion":"1.6"}"#;
        assert!(read(bill.as_bytes(), "https://cyclonedx.org/bom").is_ok());
        assert!(read(bill.as_bytes(), "https://spdx.dev/Document").is_err());
        assert!(read(bill.as_bytes(), "https://acme.example/own").is_ok());
    }

    #[test]
    fn what_readers_would_read_differently_is_not_attested() {
        for hostile in ["", "[]", "1", r#"{"a":1,"a":2}"#, "{} {}", "{", "\u{feff}{}"] {
            assert!(read(hostile.as_bytes(), "https://acme.example/own").is_err(), "{hostile}");
        }
        let statement = r#"{"_type":"https://in-toto.io/Statement/v1","predicateType":"x","predicate":{}}"#;
        assert!(matches!(read(statement.as_bytes(), "u:x"), Err(PredicateError::Statement)));
    }
}
