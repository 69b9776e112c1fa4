//! What an image contains once its layers lie on each other: the packages with their places and origins.

use serde::{Deserialize, Serialize};

use crate::content::Content;
use crate::digest::{BlobDigest, DiffId};
use crate::distribution::Distribution;
use crate::evidence::SecretHit;
use crate::gap::Gap;
use crate::package::{Deprecation, Package};
use crate::repository::Repository;

/// The inventory of one image (one platform).
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Inventory {
    /// The distribution, if the image has one.
    pub distribution: Option<Distribution>,
    /// All packages, sorted by ecosystem, name, version and architecture.
    pub packages: Vec<InstalledPackage>,
    /// Secrets, those of files that an upper layer deleted too.
    pub secrets: Vec<FoundSecret>,
    /// Where its package manager gets packages from, sorted.
    pub repositories: Vec<Repository>,
    /// What its files tell beside all that.
    #[serde(default)]
    pub content: Content,
    /// Packages that their makers gave up, sorted.
    #[serde(default)]
    pub deprecated: Vec<DeprecatedPackage>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
}

impl Inventory {
    /// What is said of the package with this index, if its makers gave it up.
    #[must_use]
    pub fn deprecation(&self, index: usize) -> Option<&Deprecation> {
        let index = u32::try_from(index).ok()?;
        let at = self.deprecated.binary_search_by_key(&index, |found| found.package).ok()?;
        self.deprecated.get(at).map(|found| &found.deprecation)
    }
}

/// A package that its makers gave up.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct DeprecatedPackage {
    /// The index in [`Inventory::packages`].
    pub package: u32,
    /// What is said of it.
    pub deprecation: Deprecation,
}

/// A package in an image.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct InstalledPackage {
    /// The package.
    pub package: Package,
    /// Where its evidence lies, sorted; empty only if a bill of materials does not tell it.
    pub locations: Vec<Location>,
    /// The index of the layer that brought it, lowest first.
    pub layer: u32,
    /// Whether it comes from the base image.
    pub origin: Origin,
    /// The index in [`Inventory::packages`] of the OS package that owns its evidence.
    pub owned_by: Option<u32>,
    /// How many files it owns.
    pub file_count: u32,
}

/// A package that needs another one.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Dependency {
    /// The index in [`Inventory::packages`] of the one that needs.
    pub from: u32,
    /// The index of the one that is needed.
    pub to: u32,
}

/// A place where evidence lies.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Location {
    /// The path in the image, without the leading `/`.
    pub path: String,
    /// The member of an archive at that path.
    pub inside: Option<String>,
    /// The index of the layer that holds this evidence, lowest first.
    pub layer: u32,
}

impl Location {
    /// The place for people: `/app/shop.jar!/BOOT-INF/lib/x.jar`.
    #[must_use]
    pub fn title(&self) -> String {
        match &self.inside {
            Some(inside) => format!("/{}!/{inside}", self.path),
            None => format!("/{}", self.path),
        }
    }
}

/// Whether something comes from the base image or from the layers put on it.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A layer of the base image.
    Base,
    /// A layer above the base image.
    Application,
    /// The image does not tell where its base ends.
    #[default]
    Unknown,
}

/// A secret in an image.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct FoundSecret {
    /// What was found.
    pub hit: SecretHit,
    /// Where.
    pub location: Location,
    /// Whether an upper layer deletes or replaces the file: it is still in the image for whoever pulls it.
    pub shadowed: bool,
}

/// A layer of an image, and the build step that made it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LayerSummary {
    /// The uncompressed layer's digest.
    pub diff_id: DiffId,
    /// The stored blob's digest, where there is one.
    pub digest: Option<BlobDigest>,
    /// The stored size in bytes.
    pub size: Option<u64>,
    /// `created_by` of the layer's history entry.
    pub created_by: Option<String>,
    /// Whether it belongs to the base image.
    pub origin: Origin,
}
