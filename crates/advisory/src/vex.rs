//! VEX: what a maker of images or packages says of vulnerabilities in them. Statements come from documents in the formats of
//! OpenVEX and CycloneDX; a finding that one says is none is set aside, never dropped.
//!
//! Of several statements that speak of a finding the last one holds: documents in the order given, statements in
//! the order of the document.

mod cyclonedx;
mod openvex;

use std::path::Path;
use std::str::FromStr;

use packageurl::PackageUrl;
use plimsoll_model::finding::{Finding, FindingKind};
use plimsoll_model::inventory::Inventory;
use plimsoll_model::scan::ImageIdentity;
use plimsoll_model::vex::{Product, SetAside, Statement};

use crate::bounded;

/// The largest document that is read.
const LIMIT: u64 = 64 << 20;
/// The most statements of one document, and products of one statement.
const LIST_LIMIT: usize = 200_000;

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
    #[error("it is neither an OpenVEX nor a CycloneDX document")]
    Format,
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
    let value: serde_json::Value = serde_json::from_slice(bytes)?;
    let is_text = |key: &str, start: &str| {
        value.get(key).and_then(serde_json::Value::as_str).is_some_and(|text| text.starts_with(start))
    };
    if is_text("@context", "https://openvex.dev/ns") {
        openvex::statements(value, name)
    } else if is_text("bomFormat", "CycloneDX") {
        cyclonedx::statements(value, name)
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
        let last = statements.iter().rev().find(|statement| speaks(statement, &finding, inventory, image));
        match last.filter(|statement| statement.status.clears()) {
            Some(statement) => aside.push(SetAside { finding, statement: statement.clone() }),
            None => kept.push(finding),
        }
    }
    (kept, aside)
}

fn speaks(statement: &Statement, finding: &Finding, inventory: &Inventory, image: &ImageIdentity) -> bool {
    let FindingKind::Vulnerability(vulnerability) = &finding.kind else { return false };
    let mut ids = vulnerability.aliases.iter().chain([&finding.id]);
    if !ids.any(|id| statement.ids.iter().any(|named| named.eq_ignore_ascii_case(id))) {
        return false;
    }
    let place = usize::try_from(vulnerability.package).unwrap_or(usize::MAX);
    let Some(installed) = inventory.packages.get(place) else { return false };
    let purl = installed.package.purl(inventory.distribution.as_ref());
    let is_meant = |product: &Product| {
        if is_image(&product.purl, image) {
            return product.subcomponents.is_empty()
                || product.subcomponents.iter().any(|part| covers(part, &purl));
        }
        product.subcomponents.is_empty() && covers(&product.purl, &purl)
    };
    statement.products.is_empty() || statement.products.iter().any(is_meant)
}

/// Whether the package URL `wide` means the package `narrow`: what `wide` leaves out may be anything.
fn covers(wide: &str, narrow: &str) -> bool {
    if wide == narrow {
        return true;
    }
    let (Ok(wide), Ok(narrow)) = (PackageUrl::from_str(wide), PackageUrl::from_str(narrow)) else {
        return false;
    };
    wide.ty() == narrow.ty()
        && wide.namespace() == narrow.namespace()
        && wide.name() == narrow.name()
        && wide.version().is_none_or(|version| narrow.version() == Some(version))
        && wide.qualifiers().iter().all(|(key, value)| narrow.qualifiers().get(key) == Some(value))
}

/// Whether a package URL of type `oci` or `docker` means this image: by its digest, or, where it has none, by the name of
/// its repository.
fn is_image(purl: &str, image: &ImageIdentity) -> bool {
    let Ok(purl) = PackageUrl::from_str(purl) else { return false };
    if !matches!(purl.ty(), "oci" | "docker") {
        return false;
    }
    if let Some(version) = purl.version().filter(|version| version.starts_with("sha256:")) {
        let ours = [image.manifest_digest, image.config_digest];
        return ours.into_iter().flatten().any(|digest| digest.to_string() == version);
    }
    let name = image.name.split('@').next().unwrap_or_default();
    let last = name.rsplit('/').next().unwrap_or_default();
    let (repository, tag) = last.split_once(':').unwrap_or((last, ""));
    let tag_is_right = purl.version().is_none_or(|version| version == tag);
    purl.name() == repository && tag_is_right
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
