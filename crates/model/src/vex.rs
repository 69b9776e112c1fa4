//! What a VEX document says of one vulnerability in some products.

use serde::{Deserialize, Serialize};

use crate::finding::Finding;

/// A statement of a VEX document.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    /// The vulnerability's ids, those of its aliases too.
    pub ids: Vec<String>,
    /// The products it speaks of; none means every image that the document is given for.
    pub products: Vec<Product>,
    /// What it says.
    pub status: VexStatus,
    /// Why it is not affected, in the word of the format: `vulnerable_code_not_present`.
    pub justification: Option<String>,
    /// The same in a sentence.
    pub impact: Option<String>,
    /// The document: its path, or where it was found.
    pub document: String,
    /// How the document came to be used.
    pub provenance: Provenance,
    /// Who says it.
    pub author: Option<String>,
}

/// How a document came to be used, and so how far it is to be trusted.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provenance {
    /// The user named it.
    #[default]
    Given,
    /// It is of a VEX repository that the user named.
    Repository,
    /// It lay beside the image: whoever may push there can have put it there. Its signature was not verified.
    Image,
}

impl Provenance {
    /// The word in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Repository => "repository",
            Self::Image => "image",
        }
    }
}

/// A product of a statement: an image or a package, by its package URL.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Product {
    /// The package URL.
    pub purl: String,
    /// The packages inside of it that are meant; none means all.
    pub subcomponents: Vec<String>,
    /// The release of a distribution whose package it is, as `Red Hat:9`: of the same package of another release it
    /// says nothing.
    pub release: Option<String>,
}

impl Product {
    /// The product of this package URL, whole.
    #[must_use]
    pub fn of(purl: impl Into<String>) -> Self {
        Self { purl: purl.into(), ..Self::default() }
    }
}

/// What a statement says.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum VexStatus {
    /// The product is not affected.
    NotAffected,
    /// It was, and is mended in it.
    Fixed,
    /// It is affected.
    Affected,
    /// Nobody knows yet.
    UnderInvestigation,
}

impl VexStatus {
    /// The word in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAffected => "not-affected",
            Self::Fixed => "fixed",
            Self::Affected => "affected",
            Self::UnderInvestigation => "under-investigation",
        }
    }

    /// Whether a finding that it speaks of is none.
    #[must_use]
    pub const fn clears(self) -> bool {
        matches!(self, Self::NotAffected | Self::Fixed)
    }
}

/// A finding that a statement says is none.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct SetAside {
    /// The finding.
    pub finding: Finding,
    /// The statement.
    pub statement: Statement,
}
