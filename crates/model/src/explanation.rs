//! Why a vulnerability is, or is not, a finding of an image.

use serde::Serialize;

/// What the database says of one vulnerability, held against one inventory.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The id that was asked for.
    pub id: String,
    /// The advisories that name it; none if the database does not know it.
    pub advisories: Vec<AdvisoryNote>,
    /// What they mean for packages of the image, in the order of the inventory.
    pub decisions: Vec<Decision>,
    /// Packages that the advisories speak of and the image does not contain, as `ecosystem/name`, sorted.
    pub absent: Vec<String>,
}

/// An advisory in short.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AdvisoryNote {
    /// Its id.
    pub id: String,
    /// Other ids that it gives the vulnerability.
    pub aliases: Vec<String>,
    /// The feed that brought it.
    pub feed: String,
}

/// What one advisory means for one package.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// The index of the package in the inventory.
    pub package: u32,
    /// The advisory.
    pub advisory: String,
    /// The ecosystem or distribution release that it was looked up in.
    pub ecosystem: String,
    /// The name that was looked up: the source package's or the package's.
    pub name: String,
    /// The version that was compared.
    pub version: String,
    /// The version order used.
    pub scheme: String,
    /// What came out.
    pub outcome: Outcome,
}

/// What an advisory means for a package.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Outcome {
    /// The version is in this affected range.
    Affected {
        /// The range in words.
        range: String,
    },
    /// The version is in none of the affected ranges.
    Outside {
        /// The ranges in words.
        ranges: Vec<String>,
    },
    /// The advisory says that the package is not affected.
    NotAffected,
    /// The advisory is for another module stream.
    OtherModule,
    /// The version does not compare with the advisory's.
    Unordered,
    /// The package belongs to one of the distribution's, through which it is judged.
    LeftToOwner {
        /// The owner's index in the inventory.
        owner: u32,
    },
}
