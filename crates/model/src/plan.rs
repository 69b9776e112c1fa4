//! What to do about an image: for each finding its risk, its decision and the day it is due, and the actions that mend most
//! risk first.

use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::ecosystem::Ecosystem;
use crate::risk::Risk;

/// What to do about one image.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// What each finding asks for, in the order of the scan.
    pub judged: Vec<Judged>,
    /// What to do, what takes away most risk first.
    pub actions: Vec<Action>,
    /// The findings that no action mends, by risk, and why.
    pub unmended: Vec<(usize, String)>,
    /// What could not be told.
    pub notes: Vec<String>,
}

impl Plan {
    /// The risk of all findings: the sum of their numbers.
    #[must_use]
    pub fn risk(&self) -> u64 {
        self.judged.iter().map(|judged| u64::from(judged.risk.score)).sum()
    }
}

/// What one finding asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// How much it matters.
    pub risk: Risk,
    /// What to do about it, by SSVC.
    pub assessment: Assessment,
    /// Since when it is known of this image.
    pub first_seen: FirstSeen,
    /// How many days there are to mend it; none if it is not due.
    pub days: Option<u32>,
    /// The last of them.
    pub due: Option<Date>,
}

/// Since when a finding is known, and who tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FirstSeen {
    /// The day that it is due from.
    pub day: Date,
    /// Who tells.
    pub basis: SeenBasis,
    /// The day that a look at the image first had it: today, if none had before.
    pub found: Date,
}

impl FirstSeen {
    /// The last day to mend it, if there are so many.
    #[must_use]
    pub fn due(&self, days: u32) -> Option<Date> {
        self.day.checked_add(i64::from(days).days()).ok()
    }
}

/// Who tells since when a finding is known.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeenBasis {
    /// An earlier look at the image.
    History,
    /// Its publication: nobody has looked before.
    Publication,
    /// Nobody: today.
    Today,
}

impl SeenBasis {
    /// The word as it stands in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::History => "history",
            Self::Publication => "publication",
            Self::Today => "today",
        }
    }
}

/// A decision of Stakeholder-Specific Vulnerability Categorization, with what it rests on
/// (<https://www.cisa.gov/stakeholder-specific-vulnerability-categorization-ssvc>).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Assessment {
    /// What to do.
    pub decision: SsvcDecision,
    /// Whether exploits are known, and who tells.
    pub exploitation: (crate::finding::Exploitation, InputBasis),
    /// Whether an attack can be automated, and who tells.
    pub automatable: (bool, InputBasis),
    /// How much an attacker gains, and who tells.
    pub technical_impact: (crate::finding::TechnicalImpact, InputBasis),
    /// What the image is for.
    pub mission: Mission,
}

/// What to do about a vulnerability; the more urgent the greater.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum SsvcDecision {
    /// Mend it with the usual updates.
    Track,
    /// Watch it closely.
    TrackStar,
    /// Mend it sooner than usual.
    Attend,
    /// Mend it as soon as possible.
    Act,
}

impl SsvcDecision {
    /// The word as CISA writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Track => "Track",
            Self::TrackStar => "Track*",
            Self::Attend => "Attend",
            Self::Act => "Act",
        }
    }
}

/// Who tells an input of a decision.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum InputBasis {
    /// CISA's own assessment.
    Cisa,
    /// CISA's list of what is exploited.
    KnownExploited,
    /// The CVSS vector.
    Cvss,
    /// Nobody.
    Assumed,
}

impl InputBasis {
    /// The word as it stands in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cisa => "cisa",
            Self::KnownExploited => "known-exploited",
            Self::Cvss => "cvss",
            Self::Assumed => "assumed",
        }
    }
}

/// How much depends on an image: mission prevalence and public well-being in one.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mission {
    /// Little.
    Low,
    /// Some.
    #[default]
    Medium,
    /// Much.
    High,
}

impl Mission {
    /// The word as it stands in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// Something to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// Of which kind.
    pub kind: ActionKind,
    /// What, in one imperative sentence.
    pub title: String,
    /// Commands that do it, each on one line.
    pub commands: Vec<String>,
    /// What to change in a file, as a few lines of a patch or of the file.
    pub patch: Option<String>,
    /// The findings that it mends and no earlier action does, by their index in the scan.
    pub mends: Vec<usize>,
    /// The sum of their risks.
    pub risk: u32,
    /// How much work it is.
    pub effort: Effort,
    /// Why it is that much.
    pub effort_reason: String,
    /// The earliest day that one of them is due.
    pub due: Option<Date>,
    /// Packages of the operating system that change: ecosystem, name, architecture, lowest version.
    pub packages: Vec<PackageFix>,
    /// The dependency that is raised, if one is.
    pub raise: Option<Raise>,
    /// The base to build on instead of the old one, as a Dockerfile names both, if that is what to do.
    pub rebase: Option<(String, String)>,
    /// What else is to be known.
    pub notes: Vec<String>,
}

/// A dependency of an application to raise.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Raise {
    /// Its ecosystem.
    pub ecosystem: Ecosystem,
    /// Its name.
    pub name: String,
    /// The version that is there.
    pub from: String,
    /// The lowest version that mends everything that can be mended.
    pub to: String,
}

/// A package that is to have at least this version.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct PackageFix {
    /// Its ecosystem.
    pub ecosystem: Ecosystem,
    /// Its name.
    pub name: String,
    /// Its architecture, where packages have one.
    pub architecture: String,
    /// The lowest version that mends something.
    pub least: String,
    /// The lowest version that mends everything that can be mended.
    pub version: String,
}

/// Kinds of action.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum ActionKind {
    /// Rotate a secret, and take it out.
    RotateSecret,
    /// Take a package that was made to do harm out.
    RemoveMalicious,
    /// Upgrade packages of the operating system.
    UpgradeSystem,
    /// Raise a dependency.
    UpgradeDependency,
    /// Build programs again with a newer toolchain.
    Rebuild,
    /// Build on a newer base.
    Rebase,
    /// Take out tools that are not used.
    RemoveTool,
    /// Change the configuration.
    Configure,
    /// Move to a release that is maintained.
    Migrate,
    /// Settle a licence.
    SettleLicense,
}

impl ActionKind {
    /// The word as it stands in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RotateSecret => "rotate-secret",
            Self::RemoveMalicious => "remove-malicious",
            Self::UpgradeSystem => "upgrade-system",
            Self::UpgradeDependency => "upgrade-dependency",
            Self::Rebuild => "rebuild",
            Self::Rebase => "rebase",
            Self::RemoveTool => "remove-tool",
            Self::Configure => "configure",
            Self::Migrate => "migrate",
            Self::SettleLicense => "settle-license",
        }
    }
}

/// How much work an action is; more is greater.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Effort {
    /// A line, and no other code changes its behavior.
    Small,
    /// A rebuild, a test, or a talk with one other.
    Medium,
    /// Code has to change, or people have to agree.
    Large,
}

impl Effort {
    /// The word as it stands in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        }
    }
}
