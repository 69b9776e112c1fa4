//! How bad a finding is, in the five words that scanners share.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A severity; greater is worse. `Unknown` sorts below all: nobody has rated it yet.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nobody has rated it.
    #[default]
    Unknown,
    /// Unimportant in practice (Debian's "unimportant", Ubuntu's "negligible").
    Negligible,
    /// CVSS 0.1–3.9.
    Low,
    /// CVSS 4.0–6.9.
    Medium,
    /// CVSS 7.0–8.9.
    High,
    /// CVSS 9.0–10.0.
    Critical,
}

/// Why a text is not a severity.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("severity {0:?} is not one of critical, high, medium, low, negligible, unknown")]
pub struct SeverityError(String);

impl Severity {
    /// All severities, worst first.
    pub const WORST_FIRST: [Self; 6] =
        [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Negligible, Self::Unknown];

    /// The qualitative rating of a CVSS base score (CVSS 3.1, section 5; 4.0 keeps it).
    #[must_use]
    pub fn from_cvss_score(score: f64) -> Self {
        if score >= 9.0 {
            Self::Critical
        } else if score >= 7.0 {
            Self::High
        } else if score >= 4.0 {
            Self::Medium
        } else if score > 0.0 {
            Self::Low
        } else {
            Self::Negligible
        }
    }

    /// The lower-case word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Negligible => "negligible",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = SeverityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "critical" => Ok(Self::Critical),
            "high" | "important" => Ok(Self::High),
            "medium" | "moderate" => Ok(Self::Medium),
            "low" => Ok(Self::Low),
            "negligible" | "unimportant" | "none" => Ok(Self::Negligible),
            "unknown" => Ok(Self::Unknown),
            _ => Err(SeverityError(text.chars().take(40).collect())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worse_is_greater_and_words_round_trip() {
        assert!(Severity::WORST_FIRST.windows(2).all(|pair| pair[0] > pair[1]));
        for severity in Severity::WORST_FIRST {
            assert_eq!(severity.as_str().parse(), Ok(severity));
        }
    }

    #[test]
    fn cvss_bands_are_the_published_ones() {
        let bands = [
            (10.0, Severity::Critical),
            (9.0, Severity::Critical),
            (8.9, Severity::High),
            (7.0, Severity::High),
        ];
        for (score, severity) in bands.into_iter().chain([(6.9, Severity::Medium), (3.9, Severity::Low)]) {
            assert_eq!(Severity::from_cvss_score(score), severity, "{score}");
        }
    }
}
