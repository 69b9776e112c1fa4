//! What is wrong or notable: one type for every kind, so that one path carries all of them to report and gate.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::inventory::Location;
use crate::severity::Severity;

/// Something wrong or notable in an image.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Finding {
    /// The best known id: `CVE-2023-1234`, a rule's id.
    pub id: String,
    /// One line for a person.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// Who says so: `CVSS`, `Debian`, `plimsoll`.
    pub severity_source: String,
    /// The kind with what only this kind has.
    pub kind: FindingKind,
    /// Where in the image; empty if it concerns the image as a whole.
    pub locations: Vec<Location>,
    /// What to do, in one imperative sentence.
    pub remedy: Option<String>,
    /// Links for reading on.
    pub references: Vec<String>,
}

impl Finding {
    /// Tells whether somebody can mend it now: a vulnerability needs a fixed version, all else is in the image maker's
    /// hands.
    #[must_use]
    pub fn is_fixable(&self) -> bool {
        match &self.kind {
            FindingKind::Vulnerability(vulnerability) => !vulnerability.fixed_versions.is_empty(),
            FindingKind::Secret { .. } | FindingKind::Misconfiguration { .. } => true,
        }
    }
}

/// Kinds of finding.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum FindingKind {
    /// A package has a known vulnerability.
    Vulnerability(Box<Vulnerability>),
    /// A secret lies in the image.
    Secret {
        /// The head of the secret, the rest replaced.
        redacted: String,
        /// SHA-256 of the secret.
        fingerprint: String,
        /// The line in the file, counted from one.
        line: u32,
        /// Whether an upper layer deletes the file, which does not remove the secret.
        shadowed: bool,
    },
    /// The image's configuration or content breaks a rule.
    Misconfiguration {
        /// What was seen that breaks it.
        evidence: String,
    },
}

impl FindingKind {
    /// The kind's name in reports and options.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Vulnerability(_) => "vulnerability",
            Self::Secret { .. } => "secret",
            Self::Misconfiguration { .. } => "misconfiguration",
        }
    }
}

/// What only a vulnerability has.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Vulnerability {
    /// The index of the package in the inventory.
    pub package: u32,
    /// Other ids of the same vulnerability, sorted, without [`Finding::id`].
    pub aliases: Vec<String>,
    /// Versions that mend it, lowest first; empty if none is known.
    pub fixed_versions: Vec<String>,
    /// What the advisory says of the affected package.
    pub status: Status,
    /// CVSS vectors as the advisory gives them, `CVSS:3.1/…`.
    pub cvss: Vec<CvssVector>,
    /// Listed in CISA's Known Exploited Vulnerabilities, and since when.
    pub known_exploited: Option<Date>,
    /// When the vulnerability was published.
    pub published: Option<Date>,
    /// Why it matched, one entry an advisory.
    pub matches: Vec<Match>,
}

/// A CVSS vector with the base score computed from it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct CvssVector {
    /// The vector as written.
    pub vector: String,
    /// Its base score, if the vector is valid.
    pub score: Option<f64>,
}

/// What an advisory says of a package, in the words of VEX and the distributions.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// A version exists that mends it.
    Fixed,
    /// Affected, no fixed version yet.
    #[default]
    Affected,
    /// Affected, a fix will come later.
    FixDeferred,
    /// Affected, and the distribution will not fix it.
    WillNotFix,
    /// Affected, and the release gets no more fixes.
    EndOfLife,
    /// Not yet decided.
    UnderInvestigation,
}

/// Why one advisory matched one package: all that is needed to check it by hand.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Match {
    /// The advisory's own id, `GHSA-…`, `DSA-…`.
    pub advisory: String,
    /// The feed that brought it.
    pub feed: String,
    /// The ecosystem or distribution release that the advisory speaks of, `Debian:12`.
    pub ecosystem: String,
    /// The name that was looked up: the source package's or the package's.
    pub name: String,
    /// Whether the look-up was by source package.
    pub by_source: bool,
    /// The version that was compared.
    pub version: String,
    /// The affected range that holds it, in words: `>= 1.0, < 1.2.3`.
    pub range: String,
    /// The version order used.
    pub scheme: String,
}
