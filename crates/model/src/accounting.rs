//! What each regular file of an image is for: it belongs to a package, is configuration or data, or nobody knows.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::inventory::{Inventory, LayerSummary};
use crate::scan::ImageIdentity;

/// The digests of one file, by each algorithm that package managers record.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct FileDigests {
    /// MD5, which dpkg and old rpm record. It tells accidents and careless changes, not forgeries.
    pub md5: [u8; 16],
    /// SHA-1, which apk records.
    pub sha1: [u8; 20],
    /// SHA-256.
    pub sha256: Digest,
}

/// A digest as a package manager recorded it when it installed a file.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub enum RecordedDigest {
    /// MD5.
    Md5([u8; 16]),
    /// SHA-1.
    Sha1([u8; 20]),
    /// SHA-256.
    Sha256(Digest),
}

impl RecordedDigest {
    /// Tells whether it is a digest of the file with `digests`.
    #[must_use]
    pub fn is_of(&self, digests: &FileDigests) -> bool {
        match self {
            Self::Md5(recorded) => *recorded == digests.md5,
            Self::Sha1(recorded) => *recorded == digests.sha1,
            Self::Sha256(recorded) => *recorded == digests.sha256,
        }
    }
}

/// What a package manager recorded of a file that it installed.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct RecordedFile {
    /// The path in normal form.
    pub path: String,
    /// The digest of what was installed.
    pub digest: RecordedDigest,
    /// Whether the package calls it configuration, which is there to be changed.
    pub is_configuration: bool,
}

/// What a file is by its content.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// A program in machine code.
    Program,
    /// A library in machine code.
    Library,
    /// A text that names its interpreter in the first line.
    Script,
    /// Anything else.
    #[default]
    Other,
}

impl FileKind {
    /// The word in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Library => "library",
            Self::Script => "script",
            Self::Other => "other",
        }
    }
}

/// What a file is for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileClass {
    /// It belongs to a package.
    Package,
    /// It configures something.
    Configuration,
    /// It is neither run nor loaded as machine code.
    Data,
    /// It can be run or loaded, and no package is known to have brought it.
    Unknown,
}

impl FileClass {
    /// All classes, in the order of reports.
    pub const ALL: [Self; 4] = [Self::Package, Self::Configuration, Self::Data, Self::Unknown];

    /// The word in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Package => "package",
            Self::Configuration => "configuration",
            Self::Data => "data",
            Self::Unknown => "unknown",
        }
    }
}

/// Whether a package's file is what was installed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Integrity {
    /// It has the digest that the package manager recorded.
    Intact,
    /// It has another one.
    Changed,
    /// Nothing is recorded to compare with.
    Unrecorded,
}

impl Integrity {
    /// The word in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intact => "intact",
            Self::Changed => "changed",
            Self::Unrecorded => "unrecorded",
        }
    }
}

/// A regular file of an image.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AccountedFile {
    /// The path without the leading `/`.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// What it is.
    pub kind: FileKind,
    /// What it is for.
    pub class: FileClass,
    /// The index in the inventory's packages of the one that it belongs to.
    pub package: Option<u32>,
    /// Whether it is what the package brought.
    pub integrity: Integrity,
    /// The index of the layer that brought this content, lowest first.
    pub layer: u32,
    /// SHA-256 of its content; none if it could not be read.
    pub sha256: Option<Digest>,
}

/// All regular files of an image, sorted by path.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Accounting {
    /// The files.
    pub files: Vec<AccountedFile>,
    /// How many files packages are recorded to own that the image does not have: left out at installation, or deleted
    /// since.
    pub missing: u64,
}

/// What the accounting of one image (one platform) gave.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ImageAccount {
    /// Which image.
    pub image: ImageIdentity,
    /// Its layers, lowest first.
    pub layers: Vec<LayerSummary>,
    /// What it contains.
    pub inventory: Inventory,
    /// Its files.
    pub accounting: Accounting,
}
