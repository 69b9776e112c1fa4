//! What licences ask: the class of a licence, what a policy makes of it, and what follows for whoever passes a package on.

use serde::{Deserialize, Serialize};

use crate::gap::Gap;
use crate::inventory::{InstalledPackage, Location};
use crate::scan::ImageIdentity;

/// What kind of licence it is, from what asks least to what nobody knows.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LicenseClass {
    /// Asks for nothing.
    PublicDomain,
    /// Asks for a notice.
    Permissive,
    /// Asks that changes to the work itself be passed on under it.
    WeakCopyleft,
    /// Asks that what is made of the work be passed on under it.
    StrongCopyleft,
    /// The same for who uses it over a network.
    NetworkCopyleft,
    /// Nobody knows what it asks.
    Unknown,
    /// Forbids some use, change or sale: not free.
    Restricted,
}

impl LicenseClass {
    /// All classes, from what asks least.
    pub const ALL: [Self; 7] = [
        Self::PublicDomain,
        Self::Permissive,
        Self::WeakCopyleft,
        Self::StrongCopyleft,
        Self::NetworkCopyleft,
        Self::Unknown,
        Self::Restricted,
    ];

    /// The word as it stands in documents and settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PublicDomain => "public-domain",
            Self::Permissive => "permissive",
            Self::WeakCopyleft => "weak-copyleft",
            Self::StrongCopyleft => "strong-copyleft",
            Self::NetworkCopyleft => "network-copyleft",
            Self::Unknown => "unknown",
            Self::Restricted => "restricted",
        }
    }
}

/// What a policy makes of a licence, the best first.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LicenseCategory {
    /// It may be used.
    Allowed,
    /// It may be used by who gives back what it asks for.
    Reciprocal,
    /// Nothing is said of it, or no licence is known.
    Unknown,
    /// It may not be used.
    Forbidden,
}

impl LicenseCategory {
    /// All categories, the worst first.
    pub const WORST_FIRST: [Self; 4] = [Self::Forbidden, Self::Unknown, Self::Reciprocal, Self::Allowed];

    /// The word as it stands in documents and settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Reciprocal => "reciprocal",
            Self::Unknown => "unknown",
            Self::Forbidden => "forbidden",
        }
    }
}

/// What a licence asks of whoever passes the work on.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Obligation {
    /// To pass the copyright notice and the text of the licence on.
    Attribution,
    /// To say what was changed.
    StateChanges,
    /// To offer the source.
    DiscloseSource,
    /// To pass on what is made of it under the same licence.
    SameLicense,
    /// To offer the source to those who use it over a network.
    NetworkUse,
}

impl Obligation {
    /// All obligations.
    pub const ALL: [Self; 5] =
        [Self::Attribution, Self::StateChanges, Self::DiscloseSource, Self::SameLicense, Self::NetworkUse];

    /// The word as it stands in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Attribution => "attribution",
            Self::StateChanges => "state-changes",
            Self::DiscloseSource => "disclose-source",
            Self::SameLicense => "same-license",
            Self::NetworkUse => "network-use",
        }
    }
}

/// The licence of one package, judged.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PackageLicense {
    /// The index of the package in the inventory.
    pub package: u32,
    /// What it declares, as one expression; empty if nothing is known.
    pub license: String,
    /// The licences that are left where the expression gives a choice, each once, sorted.
    pub chosen: Vec<String>,
    /// Those of them that decide: no other is worse; or the whole expression, if the policy speaks of it.
    pub deciding: Vec<String>,
    /// The class of those that decide.
    pub class: LicenseClass,
    /// What the policy makes of it.
    pub category: LicenseCategory,
    /// What follows from all chosen ones.
    pub obligations: Vec<Obligation>,
    /// Why the policy leaves the package out, if it does.
    pub ignored: Option<String>,
}

/// The licences of one image (one platform).
#[derive(Clone, Debug, PartialEq)]
pub struct ImageLicenses {
    /// Which image.
    pub image: ImageIdentity,
    /// Its distribution, for package URLs.
    pub distribution: Option<crate::distribution::Distribution>,
    /// Its packages.
    pub packages: Vec<InstalledPackage>,
    /// Their licences, in the same order.
    pub licenses: Vec<PackageLicense>,
    /// The texts that lie in the image, sorted by package and place; empty if they were not asked for.
    pub texts: Vec<LicenseFile>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
}

/// A file with a licence, or with who holds the copyright, that belongs to a package.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct LicenseFile {
    /// The index of the package in the inventory.
    pub package: u32,
    /// Where it lies.
    pub location: Location,
    /// What it says.
    pub text: String,
}
