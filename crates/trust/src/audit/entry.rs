//! What an entry tells. It is one line of JSON: members in the order of their names, no spaces.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of an entry's schema.
pub const SCHEMA_VERSION: &str = "1.0";

/// An entry of the audit trail.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AuditEntry")]
pub struct Entry {
    /// The version of this schema.
    pub schema_version: String,
    /// When it happened, by the clock of who tells it; RFC 3339.
    #[schemars(with = "String")]
    pub time: Timestamp,
    /// What happened.
    pub kind: Kind,
    /// Who did it: a name that was given, or the user of the system.
    pub actor: String,
    /// What it happened to.
    pub subject: Named,
    /// The policy by which it was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Named>,
    /// What came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Who built the subject, as a URI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub builder: Option<String>,
    /// The commit that the subject was built from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// What else there is to tell.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
}

/// What happened.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An image was judged by a policy.
    Verdict,
    /// Something was signed or attested.
    Signature,
    /// Signatures were verified.
    Verification,
    /// An exception let something pass.
    Exception,
    /// An image was moved to a further stage.
    Promotion,
    /// An image was put into a registry.
    Push,
    /// An image was copied.
    Copy,
    /// It was told what to do about an image, or that was done.
    Plan,
    /// What a file names was pinned to a digest.
    Pin,
    /// An image was removed from a registry.
    Retirement,
    /// A cluster asked whether to make or change an object.
    Admission,
}

impl Kind {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verdict => "verdict",
            Self::Signature => "signature",
            Self::Verification => "verification",
            Self::Exception => "exception",
            Self::Promotion => "promotion",
            Self::Push => "push",
            Self::Copy => "copy",
            Self::Plan => "plan",
            Self::Pin => "pin",
            Self::Retirement => "retirement",
            Self::Admission => "admission",
        }
    }
}

/// Something with a name and, if its bytes are known, a digest.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// Its digest, as sha256:….
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// Bytes are no entry.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// They are not of the schema.
    #[error("it is no entry of an audit trail (docs/schema/audit-entry-1.json)")]
    Malformed(#[from] serde_json::Error),
    /// They are of a later schema.
    #[error("its schema is {0:?}, this version reads 1.*")]
    Version(String),
}

impl Entry {
    /// An entry with what each must have.
    #[must_use]
    pub fn new(kind: Kind, time: Timestamp, actor: &str, subject: Named) -> Self {
        Self {
            schema_version: SCHEMA_VERSION.to_owned(),
            time,
            kind,
            actor: actor.to_owned(),
            subject,
            policy: None,
            outcome: None,
            builder: None,
            commit: None,
            details: BTreeMap::new(),
        }
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// See [`EntryError`].
    pub fn read(bytes: &[u8]) -> Result<Self, EntryError> {
        let entry: Self = serde_json::from_slice(bytes)?;
        match entry.schema_version.starts_with("1.") {
            true => Ok(entry),
            false => Err(EntryError::Version(entry.schema_version)),
        }
    }

    /// The bytes that are hashed.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn to_line(&self) -> Result<Vec<u8>, EntryError> {
        let mut value: Value = serde_json::to_value(self)?;
        value.sort_all_objects();
        Ok(serde_json::to_vec(&value)?)
    }
}

/// The JSON schema of an entry.
#[must_use]
pub fn schema() -> String {
    let mut text = serde_json::to_string_pretty(&schemars::schema_for!(Entry)).unwrap_or_default();
    text.push('\n');
    text
}
