//! What changed from one image to another.

use serde::{Deserialize, Serialize};

use crate::accounting::{FileClass, FileKind};
use crate::digest::Digest;
use crate::finding::Finding;
use crate::gap::Gap;
use crate::inventory::LayerSummary;
use crate::package::Ecosystem;
use crate::scan::ImageIdentity;

/// What changed from one image to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The image before.
    pub before: ImageIdentity,
    /// The image after.
    pub after: ImageIdentity,
    /// How many layers both begin with.
    pub shared_layers: usize,
    /// The layers of the image before.
    pub layers_before: Vec<LayerSummary>,
    /// The layers of the image after.
    pub layers_after: Vec<LayerSummary>,
    /// Settings of the configuration, sorted by name.
    pub settings: Vec<SettingChange>,
    /// Packages, sorted by ecosystem and name.
    pub packages: Vec<PackageChange>,
    /// Regular files, sorted by path.
    pub files: Vec<FileChange>,
    /// Findings that only the image after has.
    pub came: Vec<Finding>,
    /// Findings that only the image before has.
    pub went: Vec<Finding>,
    /// How many findings both have.
    pub stayed: usize,
    /// What could not be read of either.
    pub gaps: Vec<Gap>,
}

impl Difference {
    /// Tells whether nothing changed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.settings.is_empty()
            && self.packages.is_empty()
            && self.files.is_empty()
            && self.came.is_empty()
            && self.went.is_empty()
    }
}

/// A setting with another value.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SettingChange {
    /// `User`, `Env PATH`, `Label maintainer`.
    pub name: String,
    /// The value before, secrets replaced; none if it was not set.
    pub before: Option<String>,
    /// The value after, secrets replaced; none if it is not set.
    pub after: Option<String>,
}

/// A package with other versions.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PackageChange {
    /// The ecosystem.
    pub ecosystem: Ecosystem,
    /// The name.
    pub name: String,
    /// The versions before that are gone.
    pub before: Vec<String>,
    /// The versions after that are new.
    pub after: Vec<String>,
    /// The layer of the image after that brought the new versions; where there are none, that of the image before.
    pub layer: u32,
}

/// A file with another content.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct FileChange {
    /// The path without the leading `/`.
    pub path: String,
    /// The file before; none if there was none.
    pub before: Option<FileState>,
    /// The file after; none if there is none.
    pub after: Option<FileState>,
    /// The layer of the image after that brought the content; where there is none, that of the image before.
    pub layer: u32,
}

/// A file of one of the images.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct FileState {
    /// Its size in bytes.
    pub size: u64,
    /// What it is.
    pub kind: FileKind,
    /// What it is for.
    pub class: FileClass,
    /// SHA-256 of its content; none if it could not be read.
    pub sha256: Option<Digest>,
}
