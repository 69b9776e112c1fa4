//! What is wrong or notable: one type for every kind, so that one path carries all of them to report and gate.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::inventory::Location;
use crate::licensing::{LicenseCategory, LicenseClass};
use crate::position::Position;
use crate::reachability::{Reach, Reachability};
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
    /// Where in a file that people edit, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
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
            FindingKind::Secret { .. }
            | FindingKind::Misconfiguration { .. }
            | FindingKind::EndOfLife { .. }
            | FindingKind::License { .. } => true,
        }
    }

    /// Tells whether it may be in code that runs: all but vulnerabilities of packages that bring none.
    #[must_use]
    pub fn is_in_running_code(&self) -> bool {
        !matches!(&self.kind, FindingKind::Vulnerability(vulnerability) if vulnerability.inert.is_some())
    }

    /// Tells whether it may be reached: all but vulnerabilities whose code is seen to be absent.
    #[must_use]
    pub fn may_be_reachable(&self) -> bool {
        !matches!(&self.kind, FindingKind::Vulnerability(vulnerability) if vulnerability.is_absent())
    }
}

/// Kinds of finding.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
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
    /// What gets no more security fixes, or soon will not, and packages that their makers gave up.
    EndOfLife {
        /// The product as endoflife.date names it: `debian`, `nodejs`; of a package that was given up, its name.
        product: String,
        /// Its release cycle: `12`, `3.9`; of a package, its version.
        cycle: String,
        /// The last day with security fixes, if one is set.
        security: Option<Date>,
        /// The last day with fixes of a long-term or paid programme, if one is set.
        extended: Option<Date>,
    },
    /// A package's licence is forbidden, asks for something in return, or is not known.
    License {
        /// The index of the package in the inventory.
        package: u32,
        /// What it declares, as one expression; empty if nothing is known.
        license: String,
        /// The class of the licence that decides.
        class: LicenseClass,
        /// What the policy makes of it.
        category: LicenseCategory,
    },
}

impl FindingKind {
    /// What was seen that breaks a rule; nothing for other kinds.
    #[must_use]
    pub fn evidence(&self) -> Option<&str> {
        match self {
            Self::Misconfiguration { evidence } => Some(evidence),
            Self::Vulnerability(_) | Self::Secret { .. } | Self::EndOfLife { .. } | Self::License { .. } => {
                None
            }
        }
    }

    /// The kind's name in reports and options.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Vulnerability(_) => "vulnerability",
            Self::Secret { .. } => "secret",
            Self::Misconfiguration { .. } => "misconfiguration",
            Self::EndOfLife { .. } => "end-of-life",
            Self::License { .. } => "license",
        }
    }
}

/// What only a vulnerability has.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
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
    /// How likely it is to be exploited within thirty days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epss: Option<Epss>,
    /// CISA's assessment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssvc: Option<Ssvc>,
    /// Each feed's own word on how bad it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub severities: Vec<FeedSeverity>,
    /// Fixed versions of channels that the image does not draw from by itself; they do not make it fixable.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channel_fixes: Vec<ChannelFix>,
    /// Whether the package was made to do harm, rather than having a flaw.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub malicious: bool,
    /// Why the package brings no running code; none where it may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inert: Option<Inert>,
    /// Whether the vulnerable code is in the image, where the package's ecosystem lets it be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reachability: Option<Reachability>,
}

impl Vulnerability {
    /// Tells whether the package is there, but none of the vulnerable code.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        self.reachability.as_ref().is_some_and(|reachability| reachability.state == Reach::Absent)
    }
}

/// What a package brings instead of running code. Advisories speak of the source package, and so of these too.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Inert {
    /// The kernel's headers and build files; a container runs its host's kernel.
    KernelHeaders,
    /// Headers and libraries to build with.
    DevelopmentFiles,
    /// Documentation.
    Documentation,
    /// Symbols for a debugger.
    DebugSymbols,
}

impl Inert {
    /// The word as it stands in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KernelHeaders => "kernel-headers",
            Self::DevelopmentFiles => "development-files",
            Self::Documentation => "documentation",
            Self::DebugSymbols => "debug-symbols",
        }
    }
}

/// The Exploit Prediction Scoring System's estimate (<https://www.first.org/epss/>).
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Epss {
    /// The probability of exploitation within thirty days, 0 to 1.
    pub probability: f64,
    /// The share of vulnerabilities that score the same or lower, 0 to 1.
    pub percentile: f64,
    /// The day of the estimate.
    pub date: Option<Date>,
}

/// The decision points of Stakeholder-Specific Vulnerability Categorization, as CISA publishes them
/// (<https://www.cisa.gov/ssvc>).
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ssvc {
    /// Whether exploits are known.
    pub exploitation: Option<Exploitation>,
    /// Whether an attack can be automated.
    pub automatable: Option<bool>,
    /// How much an attacker gains.
    pub technical_impact: Option<TechnicalImpact>,
}

/// Whether exploits of a vulnerability are known.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Exploitation {
    /// None is known.
    None,
    /// A proof of concept is public.
    Poc,
    /// It is exploited.
    Active,
}

impl Exploitation {
    /// The lower-case word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Poc => "poc",
            Self::Active => "active",
        }
    }
}

/// How much an attacker gains by a vulnerability.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TechnicalImpact {
    /// Some control.
    Partial,
    /// Full control.
    Total,
}

impl TechnicalImpact {
    /// The lower-case word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Partial => "partial",
            Self::Total => "total",
        }
    }
}

/// One feed's own word on how bad a vulnerability is.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct FeedSeverity {
    /// The feed.
    pub feed: String,
    /// Its word.
    pub severity: Severity,
}

/// A fixed version that only a further channel has, such as Ubuntu Pro.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct ChannelFix {
    /// The channel: `esm-infra`.
    pub channel: String,
    /// The version that mends it there.
    pub version: String,
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
    /// Not affected: what a feed may say of a package, never the status of a finding.
    NotAffected,
}

impl Status {
    /// The word as it stands in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Affected => "affected",
            Self::FixDeferred => "fix-deferred",
            Self::WillNotFix => "will-not-fix",
            Self::EndOfLife => "end-of-life",
            Self::UnderInvestigation => "under-investigation",
            Self::NotAffected => "not-affected",
        }
    }
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
