//! What was taken out of an image, and what follows for whoever used it.

use crate::digest::{BlobDigest, DiffId};
use crate::finding::Finding;
use crate::gap::Gap;
use crate::scan::ImageIdentity;
use crate::severity::Severity;

/// The rule of a file that goes because it was named.
pub const BY_PATH: &str = "path";

/// What scrubbing an image did, or would do.
#[derive(Clone, Debug, PartialEq)]
pub struct Scrub {
    /// The images, one a platform.
    pub images: Vec<ScrubbedImage>,
    /// The index before, if its name led to one.
    pub index_before: Option<BlobDigest>,
    /// The index after, if there is one.
    pub index_after: Option<BlobDigest>,
    /// How many manifests of attestations the index lost: they speak of the image before.
    pub dropped_attestations: usize,
    /// Where the new image is; none if nothing was written.
    pub destination: Option<String>,
}

/// One image.
#[derive(Clone, Debug, PartialEq)]
pub struct ScrubbedImage {
    /// The image before.
    pub before: ImageIdentity,
    /// The image after; none if it was not made.
    pub after: Option<ImageIdentity>,
    /// All layers, lowest first.
    pub layers: Vec<ScrubbedLayer>,
    /// What changed in its documents beside digests and sizes.
    pub settings: Vec<ScrubbedSetting>,
    /// The secrets that were taken out: each has to be revoked and replaced.
    pub rotate: Vec<Rotation>,
    /// Secrets that are still in the image after.
    pub remaining: Vec<Finding>,
    /// What could not be searched, in either image.
    pub gaps: Vec<Gap>,
}

/// A layer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ScrubbedLayer {
    /// The build step that made it, secrets replaced.
    pub created_by: Option<String>,
    /// Before.
    pub before: LayerIds,
    /// After; none if it was not made.
    pub after: Option<LayerIds>,
    /// What changed in it, sorted by path.
    pub files: Vec<ScrubbedFile>,
}

/// The digests of a layer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LayerIds {
    /// Of its tar.
    pub diff_id: Option<DiffId>,
    /// Of its blob, where it is kept as one.
    pub digest: Option<BlobDigest>,
}

/// A file of a layer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ScrubbedFile {
    /// The path without the leading `/`.
    pub path: String,
    /// What happened to it.
    pub change: FileEdit,
    /// The rules that found a secret in it, sorted, or [`BY_PATH`].
    pub rules: Vec<String>,
}

/// What happened to a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FileEdit {
    /// It is gone.
    Removed,
    /// It is gone, and a whiteout hides that of a lower layer, which would be seen else.
    Hidden,
    /// Its secrets are overwritten.
    Redacted,
}

impl FileEdit {
    /// The word in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Hidden => "hidden",
            Self::Redacted => "redacted",
        }
    }
}

/// A text in one of the image's documents.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ScrubbedSetting {
    /// Where it is: `config.Env DB_PASSWORD`, `history 3`.
    pub place: String,
    /// The rules that found a secret in it, sorted.
    pub rules: Vec<String>,
}

/// A secret that was taken out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rotation {
    /// The rule that found it.
    pub rule: String,
    /// What that finds, for people.
    pub title: String,
    /// How bad a leak is.
    pub severity: Severity,
    /// Its head.
    pub redacted: String,
    /// SHA-256 of it.
    pub fingerprint: String,
    /// Where it was.
    pub places: Vec<String>,
}

/// What has to go from a git repository's history, or is found in it afterwards.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RepositoryScrub {
    /// The repository's folder.
    pub folder: String,
    /// The secrets: each has to be revoked and replaced.
    pub rotate: Vec<Rotation>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
    /// The list of secrets, if it was written.
    pub list: Option<String>,
    /// The command that takes them out, if it was written.
    pub command: Option<String>,
}

impl Scrub {
    /// Tells whether there was nothing to take out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let untouched = |image: &ScrubbedImage| {
            image.settings.is_empty() && image.layers.iter().all(|layer| layer.files.is_empty())
        };
        self.images.iter().all(untouched)
    }

    /// Tells whether secrets are left.
    #[must_use]
    pub fn leaves_secrets(&self) -> bool {
        self.images.iter().any(|image| !image.remaining.is_empty())
    }
}
