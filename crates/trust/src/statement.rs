//! in-toto statements (<https://github.com/in-toto/attestation/blob/v1.1.0/spec/v1/statement.md>): what is claimed of which
//! subjects. Read from bytes whose signature was verified, or to say what an unsigned attestation claims.

use std::collections::BTreeMap;

use plimsoll_model::digest::Digest;
use serde::Deserialize;

use plimsoll_formats::strict::{self, StrictError};

const TYPES: [&str; 2] = ["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"];
/// The one digest that counts. MD5, SHA-1 and git's ids say nothing of an image.
const SHA256: &str = "sha256";

/// A statement.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<StatementSubject>,
    /// What kind of claim it is.
    pub predicate_type: String,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
struct StatementSubject {
    #[serde(default)]
    name: Option<String>,
    digest: BTreeMap<String, String>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, serde_json::Value>>,
}

/// Why bytes are no statement.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    /// No unambiguous JSON of the form of a statement.
    #[error(transparent)]
    Json(#[from] StrictError),
    /// Another kind of document.
    #[error("it is no in-toto statement but {0:?}")]
    Type(String),
    /// About nothing.
    #[error("it has no subject")]
    NoSubject,
    /// A subject is told by its name alone.
    #[error("its subject {0:?} has no digest")]
    NoDigest(String),
}

/// A statement is about something else.
#[derive(Debug, thiserror::Error)]
#[error("it is not about {wanted}: its subjects are {subjects}")]
pub struct OtherSubject {
    wanted: Digest,
    subjects: String,
}

/// How many subjects an error names.
const SHOWN: usize = 3;

impl Statement {
    /// Reads a statement of at most `limit` bytes.
    ///
    /// # Errors
    /// See [`StatementError`].
    pub fn read(bytes: &[u8], limit: usize) -> Result<Self, StatementError> {
        let statement: Self = strict::read(bytes, limit)?;
        if !TYPES.contains(&statement.kind.as_str()) {
            return Err(StatementError::Type(statement.kind.chars().take(80).collect()));
        }
        if statement.subject.is_empty() {
            return Err(StatementError::NoSubject);
        }
        match statement.subject.iter().find(|subject| subject.digest.is_empty()) {
            Some(nameless) => Err(StatementError::NoDigest(nameless.name.clone().unwrap_or_default())),
            None => Ok(statement),
        }
    }

    /// Makes sure that one of its subjects has this SHA-256. Names do not matter.
    ///
    /// # Errors
    /// If none has.
    pub fn check_subject(&self, wanted: &Digest) -> Result<(), OtherSubject> {
        let hex = wanted.hex();
        // Other algorithms of the same length have other keys, so the same digits under them are another digest.
        if self.subject.iter().any(|subject| subject.digest.get(SHA256) == Some(&hex)) {
            return Ok(());
        }
        let digests = self.subject.iter().flat_map(|subject| &subject.digest);
        let mut shown: Vec<String> =
            digests.take(SHOWN).map(|(name, hex)| clipped(&format!("{name}:{hex}"))).collect();
        if self.subject.len() > SHOWN {
            shown.push("…".to_owned());
        }
        Err(OtherSubject { wanted: *wanted, subjects: shown.join(", ") })
    }

    /// The annotations of the subject with this SHA-256, as cosign signs them; those that are text.
    #[must_use]
    pub fn annotations_of(&self, digest: &Digest) -> BTreeMap<String, String> {
        let hex = digest.hex();
        let own = self.subject.iter().filter(|subject| subject.digest.get(SHA256) == Some(&hex));
        let annotations = own.filter_map(|subject| subject.annotations.as_ref()).flatten();
        annotations.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
    }
}

fn clipped(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}
