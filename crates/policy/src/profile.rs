//! The policies that Plimsoll brings along.

use schemars::JsonSchema;
use serde::Deserialize;

/// A built-in policy.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Profile {
    /// What no image should ship with.
    Baseline,
    /// What the CIS Docker Benchmark asks of images.
    Cis,
    /// What NSA and CISA ask of the images of pods.
    Nsa,
    /// What an image should not ship with if its makers can help it.
    Strict,
}

impl Profile {
    /// All built-in policies.
    pub const ALL: [Self; 4] = [Self::Baseline, Self::Cis, Self::Nsa, Self::Strict];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Cis => "cis",
            Self::Nsa => "nsa",
            Self::Strict => "strict",
        }
    }

    /// Its text, a policy file as any other.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Baseline => include_str!("../profiles/baseline.yaml"),
            Self::Cis => include_str!("../profiles/cis.yaml"),
            Self::Nsa => include_str!("../profiles/nsa.yaml"),
            Self::Strict => include_str!("../profiles/strict.yaml"),
        }
    }
}
