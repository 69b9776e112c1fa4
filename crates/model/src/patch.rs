//! What became of an image that fixed packages were put into.

use crate::digest::{BlobDigest, DiffId};

/// What was put into an image.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Patch {
    /// The packages, sorted by name.
    pub packages: Vec<PatchedPackage>,
    /// Packages that a fix was wanted for and none was had: name, version wanted, why not.
    pub unfulfilled: Vec<(String, String, String)>,
    /// Configuration files that were changed in the image, and what became of them.
    pub kept: Vec<Kept>,
    /// The repositories that were asked, with the key that signed each.
    pub repositories: Vec<PatchRepository>,
    /// Repositories that gave nothing, and why.
    pub refused: Vec<(String, String)>,
    /// The new layer; none if nothing changed.
    pub layer: Option<PatchLayer>,
    /// Where the new image went.
    pub destination: Option<String>,
    /// The digest of its manifest.
    pub digest: Option<BlobDigest>,
}

/// A package that came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PatchedPackage {
    /// Its name.
    pub name: String,
    /// Its architecture.
    pub architecture: String,
    /// The version that was there; none of a package that others need now.
    pub from: Option<String>,
    /// The version that came.
    pub to: String,
    /// The repository that it is from.
    pub repository: String,
    /// The SHA-256 of the package, in hexadecimal digits.
    pub sha256: String,
    /// Maintainer scripts that do more than an upgrade of files makes needless, and their first line that does: they were
    /// not run.
    pub scripts: Vec<(String, String)>,
    /// Triggers that it would have set off.
    pub triggers: Vec<String>,
}

/// A repository that vouched for packages.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PatchRepository {
    /// Its address and suite.
    pub name: String,
    /// Who signed it, as far as the verifier tells.
    pub signed_by: String,
}

/// The layer that was put on an image.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PatchLayer {
    /// The digest of its tar.
    pub diff_id: DiffId,
    /// Its stored size in bytes.
    pub size: u64,
    /// Files that it has.
    pub files: usize,
    /// Files that it takes away.
    pub removed: usize,
}

/// What was raised in files that say what an application is built of.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Raised {
    /// What was raised, in the order of the plan.
    pub changes: Vec<VersionChange>,
    /// What was not.
    pub refused: Vec<NotRaised>,
    /// What changes in the files, as a unified diff.
    pub diff: String,
    /// Whether the files were written.
    pub is_written: bool,
}

/// A version that was raised.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct VersionChange {
    /// The file.
    pub path: String,
    /// The package.
    pub name: String,
    /// The version of before.
    pub from: String,
    /// The version now.
    pub to: String,
}

/// A version that was not raised.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct NotRaised {
    /// What was wanted.
    pub wanted: VersionChange,
    /// Why it was not done.
    pub reason: String,
    /// The commands that do it.
    pub commands: Vec<String>,
}

/// Configuration that was changed in the image.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Kept {
    /// It stays as it is.
    Stays {
        /// Its path.
        path: String,
        /// Where the new one lies.
        new: String,
    },
    /// The new one takes its place.
    Saved {
        /// Its path.
        path: String,
        /// Where it lies now.
        old: String,
    },
}
