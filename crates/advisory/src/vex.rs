//! VEX: what a maker of images or packages says of vulnerabilities in them. Statements come from documents in the formats of
//! OpenVEX, CycloneDX and CSAF, as they are or in an attestation; a finding that one says is none is set aside, never
//! dropped.
//!
//! Of several statements that speak of a finding the last one holds: documents in the order given, statements in
//! the order of the document. Reading order: [`library`] (where documents come from), the formats, `subject` (of what a
//! statement speaks).

pub mod attestation;
mod csaf;
mod cyclonedx;
pub mod library;
mod openvex;
pub mod repository;
mod subject;

use std::path::Path;
use std::str::FromStr;

use packageurl::PackageUrl;
use plimsoll_model::digest::BlobDigest;
use plimsoll_model::finding::Finding;
use plimsoll_model::inventory::Inventory;
use plimsoll_model::scan::ImageIdentity;
use plimsoll_model::vex::{Product, SetAside, Statement};
use serde_json::Value;

use crate::bounded;

/// The largest document that is read.
pub const LIMIT: u64 = 64 << 20;
/// The most statements of one document, and products of one statement.
const LIST_LIMIT: usize = 200_000;

/// How the context of OpenVEX begins, and its type as a predicate.
const OPENVEX: &str = "https://openvex.dev/ns";

/// Why a document is no VEX document.
#[derive(Debug, thiserror::Error)]
pub enum VexError {
    /// It could not be read.
    #[error("it could not be read")]
    Read(#[from] std::io::Error),
    /// It is no JSON, or not of its format's shape.
    #[error("it is malformed")]
    Json(#[from] serde_json::Error),
    /// It is of no known format.
    #[error("it is no OpenVEX, CycloneDX or CSAF document, and no attestation of one")]
    Format,
    /// It is an attestation of something else.
    #[error("it attests no VEX document but {0:?}")]
    Predicate(String),
    /// The attestation's envelope is broken.
    #[error("the attestation is malformed: {0}")]
    Envelope(&'static str),
    /// Nothing of what it speaks of can be told.
    #[error("none of its products has a package URL or is a package of a release that is known")]
    NoProduct,
    /// It has more of something than it may.
    #[error("it has more than {LIST_LIMIT} {0}")]
    TooMany(&'static str),
    /// One of its statements makes no sense.
    #[error("statement {number}: {problem}")]
    Statement {
        /// Which, counted from one.
        number: usize,
        /// What is wrong with it.
        problem: String,
    },
}

/// Reads the document at `path`.
///
/// # Errors
/// See [`VexError`]. A document is taken as a whole or not at all: half of it could say the opposite.
pub fn read(path: &Path) -> Result<Vec<Statement>, VexError> {
    let bytes = bounded::read(std::fs::File::open(path)?, LIMIT)?;
    parse(&bytes, &path.display().to_string())
}

/// Reads the document `bytes`, called `name`.
///
/// # Errors
/// See [`VexError`].
pub fn parse(bytes: &[u8], name: &str) -> Result<Vec<Statement>, VexError> {
    parse_about(bytes, name, &[])
}

/// Reads the document `bytes`, called `name`, whose statements are about `products` where they name none themselves: it
/// was found beside them.
///
/// # Errors
/// See [`VexError`].
pub fn parse_about(bytes: &[u8], name: &str, products: &[Product]) -> Result<Vec<Statement>, VexError> {
    let value: Value = serde_json::from_slice(bytes)?;
    if attestation::is_one(&value) {
        let attested = attestation::open(value)?;
        return document(attested.predicate, name, &attested.subjects);
    }
    document(value, name, products)
}

fn document(value: Value, name: &str, products: &[Product]) -> Result<Vec<Statement>, VexError> {
    let is_text = |key: &str, start: &str| {
        value.get(key).and_then(Value::as_str).is_some_and(|text| text.starts_with(start))
    };
    if is_text("@context", OPENVEX) {
        openvex::statements(value, name, products)
    } else if is_text("bomFormat", "CycloneDX") {
        cyclonedx::statements(value, name)
    } else if value.pointer("/document/csaf_version").is_some() {
        csaf::statements(value, name)
    } else {
        Err(VexError::Format)
    }
}

/// Sets those of `findings` aside of which `statements` say that they are none.
#[must_use]
pub fn apply(
    statements: &[Statement],
    findings: Vec<Finding>,
    inventory: &Inventory,
    image: &ImageIdentity,
) -> (Vec<Finding>, Vec<SetAside>) {
    let (mut kept, mut aside) = (Vec::new(), Vec::new());
    for finding in findings {
        let last =
            statements.iter().rev().find(|statement| subject::speaks(statement, &finding, inventory, image));
        match last.filter(|statement| statement.status.clears()) {
            Some(statement) => aside.push(SetAside { finding, statement: statement.clone() }),
            None => kept.push(finding),
        }
    }
    (kept, aside)
}

/// The package URL of the image with this digest, in the repository `url` (`registry.example/acme/shop`).
#[must_use]
pub fn image_purl(name: &str, url: Option<&str>, digest: BlobDigest) -> String {
    let lower = name.to_ascii_lowercase();
    let sound = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let name = if !lower.is_empty() && lower.chars().all(sound) { lower } else { "image".to_owned() };
    // What is in the way of a reader of the address is escaped, as the type's definition has it.
    let escaped = |text: &str| text.replace(':', "%3A").replace('/', "%2F");
    let url = url.map(|url| format!("?repository_url={}", escaped(url))).unwrap_or_default();
    format!("pkg:oci/{name}@{}{url}", escaped(&digest.to_string()))
}

/// Tells whether `text` is a package URL.
#[must_use]
pub fn is_purl(text: &str) -> bool {
    PackageUrl::from_str(text).is_ok()
}

/// The error with its causes, in one line.
#[must_use]
pub fn reason(error: &VexError) -> String {
    let source = std::error::Error::source(error).map(|source| format!(": {source}"));
    format!("{error}{}", source.unwrap_or_default())
}

/// A package URL, or the error that there is none.
fn checked(purl: &str, number: usize) -> Result<String, VexError> {
    match PackageUrl::from_str(purl) {
        Ok(_) => Ok(purl.to_owned()),
        Err(error) => {
            let shown: String = purl.chars().take(80).collect();
            Err(VexError::Statement { number, problem: format!("{shown:?} is no package URL: {error}") })
        }
    }
}

fn check_length(what: &'static str, length: usize) -> Result<(), VexError> {
    if length > LIST_LIMIT { Err(VexError::TooMany(what)) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
