//! The words of closed sets in a policy file, and the schemas of what is written as text.

use std::borrow::Cow;

use plimsoll_model::digest::Digest;
use plimsoll_model::gap::GapKind;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::comparison::{CountTest, ProbabilityTest, RiskTest, SeverityTest, SizeTest, SizeWord};
use crate::condition::{FindingCondition, ImageCondition};
use crate::document::FileName;
use crate::glob::Glob;
use crate::time::{Days, Expiry, Grace};

/// Kinds of finding.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(crate) enum Kind {
    Vulnerability,
    Secret,
    Misconfiguration,
    EndOfLife,
    License,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Self; 5] =
        [Self::Vulnerability, Self::Secret, Self::Misconfiguration, Self::EndOfLife, Self::License];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Vulnerability => "vulnerability",
            Self::Secret => "secret",
            Self::Misconfiguration => "misconfiguration",
            Self::EndOfLife => "end-of-life",
            Self::License => "license",
        }
    }
}

/// What an advisory says of a package.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(crate) enum StatusWord {
    Fixed,
    Affected,
    FixDeferred,
    WillNotFix,
    EndOfLife,
    UnderInvestigation,
}

impl StatusWord {
    /// All of them.
    pub(crate) const ALL: [Self; 6] = [
        Self::Fixed,
        Self::Affected,
        Self::FixDeferred,
        Self::WillNotFix,
        Self::EndOfLife,
        Self::UnderInvestigation,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Affected => "affected",
            Self::FixDeferred => "fix-deferred",
            Self::WillNotFix => "will-not-fix",
            Self::EndOfLife => "end-of-life",
            Self::UnderInvestigation => "under-investigation",
        }
    }
}

/// Where something comes from.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(crate) enum OriginWord {
    Base,
    Application,
    Unknown,
}

/// What the settings make of a licence.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(crate) enum CategoryWord {
    Reciprocal,
    Unknown,
    Forbidden,
}

impl CategoryWord {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Reciprocal, Self::Unknown, Self::Forbidden];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Reciprocal => "reciprocal",
            Self::Unknown => "unknown",
            Self::Forbidden => "forbidden",
        }
    }
}

impl OriginWord {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Base, Self::Application, Self::Unknown];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Application => "application",
            Self::Unknown => "unknown",
        }
    }
}

/// `default`, or a kind of gap.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct GapKey(pub(crate) Option<GapKind>);

impl GapKey {
    fn words() -> Vec<&'static str> {
        std::iter::once("default").chain(GapKind::ALL.map(GapKind::as_str)).collect()
    }
}

impl<'de> Deserialize<'de> for GapKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        if word == "default" {
            return Ok(Self(None));
        }
        let kind = GapKind::ALL.into_iter().find(|kind| kind.as_str() == word);
        // In the words of serde, so that it is told as other unknown words are.
        let known = || Self::words().iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        kind.map(|kind| Self(Some(kind)))
            .ok_or_else(|| D::Error::custom(format!("unknown field `{word}`, expected one of {}", known())))
    }
}

impl JsonSchema for GapKey {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "GapKey".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": Self::words() })
    }
}

/// A digest of an image.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub(crate) struct ImageDigest(pub(crate) Digest);

/// Gives types that are written as text the schema of such.
macro_rules! text_schema {
    ($($name:ty, $title:literal, $pattern:literal;)*) => { $(
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                $title.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern })
            }
        }
    )* };
}

text_schema! {
    CountTest, "CountTest", "^(>=|>|<=|<|=)? *[0-9]+$";
    Days, "Days", "^[0-9]+[dw]$";
    Expiry, "Expiry", "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T.+)?$";
    FileName, "FileName", "^.{1,1024}$";
    FindingCondition, "FindingCondition", "^[\\s\\S]{1,2048}$";
    Glob, "Glob", "^.{1,512}$";
    Grace, "Grace", "^[0-9]+[dw] since (found|published|known-exploited)$";
    ImageCondition, "ImageCondition", "^[\\s\\S]{1,2048}$";
    ImageDigest, "ImageDigest", "^sha256:[0-9a-f]{64}$";
    ProbabilityTest, "ProbabilityTest", "^(>=|>|<=|<) *(0(\\.[0-9]+)?|1(\\.0+)?)$";
    RiskTest, "RiskTest", "^(>=|>|<=|<) *(100|[0-9]{1,2})$";
    SizeTest, "SizeTest", "^(>=|>|<=|<) *[0-9]+ *([kMG]?B|[KMG]iB)$";
    SizeWord, "SizeWord", "^[0-9]+ *([kMG]?B|[KMG]iB)$";
    SeverityTest, "SeverityTest", "^(>=|>|<=|<|=)? *(critical|high|medium|low|negligible|unknown)$";
}
