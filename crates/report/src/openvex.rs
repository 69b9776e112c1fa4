//! OpenVEX documents, version 0.2.0 (<https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md>), new ones and further
//! versions of old ones. The same statements at the same time give the same bytes.

mod of_scan;

use std::io::{self, Write};

use jiff::Timestamp;
use plimsoll_model::digest::Digest;
use plimsoll_model::vex::{Product, VexStatus};
use serde_json::{Map, Value, json};

pub use of_scan::OPENVEX;
pub(crate) use of_scan::status;

const CONTEXT: &str = "https://openvex.dev/ns/v0.2.0";
/// Where documents are that have no address of their own, as vexctl names them, too.
const PUBLIC: &str = "https://openvex.dev/docs/public/vex-";

/// The words that tell why something is not affected.
pub const JUSTIFICATIONS: [&str; 5] = [
    "component_not_present",
    "inline_mitigations_already_exist",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_not_present",
];

/// What is said of one vulnerability.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Its id.
    pub vulnerability: String,
    /// Its other ids.
    pub aliases: Vec<String>,
    /// In what.
    pub products: Vec<Product>,
    /// What holds.
    pub status: VexStatus,
    /// Why.
    pub why: Option<Why>,
}

/// What goes with a status.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Why {
    /// Why it is not affected, one of [`JUSTIFICATIONS`].
    Justification(String),
    /// The same in a sentence.
    Impact(String),
    /// What to do about it.
    Action(String),
}

/// What makes a document of statements.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Head<'a> {
    /// Who says it.
    pub author: &'a str,
    /// The document's own address.
    pub id: Option<&'a str>,
    /// When.
    pub made: Timestamp,
    /// Plimsoll's version.
    pub version: &'a str,
}

/// Why something is no sound document.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OpenVexError {
    /// A statement lacks something.
    #[error("a statement that {0} is {1} needs {2}")]
    Needs(String, &'static str, &'static str),
    /// A statement has something that does not go with its status.
    #[error("{0} does not go with the status {1}")]
    Surplus(&'static str, &'static str),
    /// No such word.
    #[error("justification {0:?} is not one of {known}", known = JUSTIFICATIONS.join(", "))]
    Justification(String),
    /// Nothing is said.
    #[error("there is no statement")]
    Empty,
    /// The document to add to is another kind of document.
    #[error("the document to add to is no OpenVEX document of version 0.2: {0}")]
    NotOurs(&'static str),
    /// It is there.
    #[error("the document has the statement on {0} already")]
    Twice(String),
}

/// A new document.
///
/// # Errors
/// See [`OpenVexError`].
pub fn create(entries: &[Entry], head: &Head<'_>) -> Result<Value, OpenVexError> {
    if entries.is_empty() {
        return Err(OpenVexError::Empty);
    }
    let mut statements: Vec<Value> = Vec::new();
    for entry in entries {
        push(&mut statements, statement(entry)?, entry)?;
    }
    let mut document = json!({
        "@context": CONTEXT,
        "author": head.author,
        "timestamp": head.made.to_string(),
        "tooling": format!("plimsoll {}", head.version),
        "version": 1,
        "statements": statements,
    });
    let digest = || format!("{PUBLIC}{}", Digest::of(document.to_string().as_bytes()).hex());
    let id = head.id.map_or_else(digest, str::to_owned);
    if let Some(document) = document.as_object_mut() {
        document.insert("@id".to_owned(), id.into());
    }
    Ok(document)
}

/// The next version of `document`, in which `entries` have the last word.
///
/// # Errors
/// See [`OpenVexError`].
pub fn add(mut document: Value, entries: &[Entry], made: Timestamp) -> Result<Value, OpenVexError> {
    if entries.is_empty() {
        return Err(OpenVexError::Empty);
    }
    let context = document.get("@context").and_then(Value::as_str).unwrap_or_default();
    if !context.starts_with("https://openvex.dev/ns/v0.2") {
        return Err(OpenVexError::NotOurs("its @context is another"));
    }
    let version = document.get("version").and_then(Value::as_u64);
    let version = version.ok_or(OpenVexError::NotOurs("its version is no number"))?.saturating_add(1);
    let statements = document.get_mut("statements").and_then(Value::as_array_mut);
    let statements = statements.ok_or(OpenVexError::NotOurs("it has no statements"))?;
    for entry in entries {
        let mut statement = statement(entry)?;
        if let Some(statement) = statement.as_object_mut() {
            statement.insert("timestamp".to_owned(), made.to_string().into());
        }
        push(statements, statement, entry)?;
    }
    if let Some(document) = document.as_object_mut() {
        document.insert("version".to_owned(), version.into());
        document.insert("last_updated".to_owned(), made.to_string().into());
    }
    Ok(document)
}

/// Writes a document.
///
/// # Errors
/// If `out` fails.
pub fn write(document: &Value, out: &mut dyn Write) -> io::Result<()> {
    crate::write_json(document, out)
}

fn push(statements: &mut Vec<Value>, new: Value, entry: &Entry) -> Result<(), OpenVexError> {
    if statements.contains(&new) {
        return Err(OpenVexError::Twice(entry.vulnerability.clone()));
    }
    statements.push(new);
    Ok(())
}

fn statement(entry: &Entry) -> Result<Value, OpenVexError> {
    let status = word(entry.status);
    let mut map = Map::new();
    let mut vulnerability = json!({ "name": entry.vulnerability });
    if let Some(vulnerability) = vulnerability.as_object_mut().filter(|_| !entry.aliases.is_empty()) {
        vulnerability.insert("aliases".to_owned(), json!(entry.aliases));
    }
    map.insert("vulnerability".to_owned(), vulnerability);
    let mut products: Vec<Value> = Vec::new();
    for product in &entry.products {
        let product = self::product(product);
        if !products.contains(&product) {
            products.push(product);
        }
    }
    map.insert("products".to_owned(), products.into());
    map.insert("status".to_owned(), status.into());
    let needs = |what| Err(OpenVexError::Needs(entry.vulnerability.clone(), status, what));
    match (entry.status, &entry.why) {
        (VexStatus::NotAffected, Some(Why::Justification(why))) => {
            if !JUSTIFICATIONS.contains(&why.as_str()) {
                return Err(OpenVexError::Justification(why.clone()));
            }
            map.insert("justification".to_owned(), why.as_str().into());
        }
        (VexStatus::NotAffected, Some(Why::Impact(why))) => {
            map.insert("impact_statement".to_owned(), why.as_str().into());
        }
        (VexStatus::NotAffected, _) => return needs("a justification or its impact"),
        (VexStatus::Affected, Some(Why::Action(action))) => {
            map.insert("action_statement".to_owned(), action.as_str().into());
        }
        (VexStatus::Affected, _) => return needs("an action"),
        (VexStatus::Fixed | VexStatus::UnderInvestigation, None) => {}
        (VexStatus::Fixed | VexStatus::UnderInvestigation, Some(why)) => {
            return Err(OpenVexError::Surplus(why.name(), status));
        }
    }
    Ok(map.into())
}

impl Why {
    /// The word or the sentence.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Justification(text) | Self::Impact(text) | Self::Action(text) => text,
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Justification(_) => "a justification",
            Self::Impact(_) => "an impact",
            Self::Action(_) => "an action",
        }
    }
}

fn product(product: &Product) -> Value {
    let mut value = json!({ "@id": product.purl, "identifiers": { "purl": product.purl } });
    let parts =
        product.subcomponents.iter().map(|purl| json!({ "@id": purl, "identifiers": { "purl": purl } }));
    if let Some(map) = value.as_object_mut().filter(|_| !product.subcomponents.is_empty()) {
        map.insert("subcomponents".to_owned(), parts.collect());
    }
    value
}

/// The format's word.
const fn word(status: VexStatus) -> &'static str {
    match status {
        VexStatus::NotAffected => "not_affected",
        VexStatus::Fixed => "fixed",
        VexStatus::Affected => "affected",
        VexStatus::UnderInvestigation => "under_investigation",
    }
}

#[cfg(test)]
mod tests;
