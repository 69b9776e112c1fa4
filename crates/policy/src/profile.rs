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
    /// That it was built at SLSA build level 3, as the trust file's builders make it.
    #[serde(rename = "slsa-3")]
    Slsa3,
    /// What an image should not ship with if its makers can help it.
    Strict,
}

impl Profile {
    /// All built-in policies.
    pub const ALL: [Self; 5] = [Self::Baseline, Self::Cis, Self::Nsa, Self::Slsa3, Self::Strict];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Cis => "cis",
            Self::Nsa => "nsa",
            Self::Slsa3 => "slsa-3",
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
            Self::Slsa3 => include_str!("../profiles/slsa-3.yaml"),
            Self::Strict => include_str!("../profiles/strict.yaml"),
        }
    }
}
