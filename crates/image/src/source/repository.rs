//! A place that keeps manifests and blobs by digest, and what refers to them: a repository of a registry, an OCI layout in a
//! directory or in a tar. Here nothing is understood of images; everything goes byte for byte.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plimsoll_model::digest::BlobDigest;

use super::archive::{self, ArchiveOptions, Members};
use super::layout::{self, Selector};
use super::referrers::attach::{AttachError, Packed, Tagged};
use super::referrers::{LayoutReferrers, Listing, ReferrerError, Referrers, listed, small, tag_of};
use super::registry::RemoteReferrers;
use super::resolved::Resolved;
use super::{Blobs as _, OpenLayer, SourceError};
use crate::manifest::{Descriptor, Index};

/// A place that keeps manifests and blobs by digest.
pub trait Repository: Referrers + Sync {
    /// The manifest that has the tag which cosign makes of the digest `subject` and `ending`.
    ///
    /// # Errors
    /// See [`ReferrerError`].
    fn tagged(&self, subject: BlobDigest, ending: &str) -> Result<Option<Descriptor>, ReferrerError>;

    /// A blob, whose bytes are *not* verified: who reads them digests them anyway.
    fn blob(&self, descriptor: &Descriptor) -> Arc<dyn OpenLayer>;

    /// Whether a blob is there, of the size that the descriptor says.
    ///
    /// # Errors
    /// See [`ReferrerError`].
    fn has(&self, descriptor: &Descriptor) -> Result<bool, ReferrerError>;
}

impl Repository for RemoteReferrers {
    fn tagged(&self, subject: BlobDigest, ending: &str) -> Result<Option<Descriptor>, ReferrerError> {
        self.of_tag(subject, ending)
    }

    fn blob(&self, descriptor: &Descriptor) -> Arc<dyn OpenLayer> {
        self.layer(descriptor)
    }

    fn has(&self, descriptor: &Descriptor) -> Result<bool, ReferrerError> {
        Ok(self.has_blob(descriptor).map_err(SourceError::from)?)
    }
}

impl Repository for LayoutReferrers {
    fn tagged(&self, subject: BlobDigest, ending: &str) -> Result<Option<Descriptor>, ReferrerError> {
        Ok(tagged(&layout::index(&self.directory)?, subject, ending))
    }

    fn blob(&self, descriptor: &Descriptor) -> Arc<dyn OpenLayer> {
        self.blobs.layer(descriptor)
    }

    fn has(&self, descriptor: &Descriptor) -> Result<bool, ReferrerError> {
        let metadata = self.blobs.path(descriptor.digest).symlink_metadata();
        Ok(metadata.is_ok_and(|metadata| metadata.is_file() && metadata.len() == descriptor.size))
    }
}

/// The entry with cosign's tag. What `cosign save` wrote has no tag; it is about the image of the layout itself.
fn tagged(index: &Index, subject: BlobDigest, ending: &str) -> Option<Descriptor> {
    let tag = format!("{}{ending}", tag_of(subject));
    let named = index.manifests.iter().find(|entry| layout::is_named(entry, &tag));
    let is_top = |entry: &Descriptor| entry.digest == subject && layout::saved_by_cosign(entry).is_none();
    let saved = || {
        let saved = index.manifests.iter().find(|entry| layout::saved_by_cosign(entry) == Some(ending));
        saved.filter(|_| index.manifests.iter().any(is_top))
    };
    named.or_else(saved).cloned()
}

/// An OCI layout in a tar.
pub struct ArchiveRepository {
    path: PathBuf,
    members: Members,
    index: Index,
}

impl fmt::Debug for ArchiveRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArchiveRepository").field("path", &self.path).finish_non_exhaustive()
    }
}

impl ArchiveRepository {
    /// Opens the archive at `path`.
    ///
    /// # Errors
    /// See [`SourceError`].
    pub fn open(path: &Path, options: &ArchiveOptions) -> Result<Self, SourceError> {
        let (members, index) = archive::oci(path, options)?;
        Ok(Self { path: path.to_owned(), members, index })
    }

    /// Looks an image up in it.
    ///
    /// # Errors
    /// See [`SourceError`].
    pub fn resolve(&self, selector: &Selector) -> Result<Resolved, SourceError> {
        Resolved::among(&self.index, &self.members, &self.path, selector)
    }

    fn is_closed(&self) -> AttachError {
        AttachError::Index { path: self.path.clone(), problem: "nothing is added to an archive" }
    }
}

impl Referrers for ArchiveRepository {
    fn list(&self, subject: BlobDigest, endings: &[&str]) -> Result<Listing, ReferrerError> {
        listed(&self.index, &self.members, subject, endings)
    }

    fn title(&self, digest: BlobDigest) -> String {
        format!("{}@{digest}", self.path.display())
    }

    fn bytes(&self, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, ReferrerError> {
        small(&self.members, descriptor, limit)
    }

    fn attach(&self, _: Packed) -> Result<(), AttachError> {
        Err(self.is_closed())
    }

    fn tag(&self, _: Tagged) -> Result<(), AttachError> {
        Err(self.is_closed())
    }
}

impl Repository for ArchiveRepository {
    fn tagged(&self, subject: BlobDigest, ending: &str) -> Result<Option<Descriptor>, ReferrerError> {
        Ok(tagged(&self.index, subject, ending))
    }

    fn blob(&self, descriptor: &Descriptor) -> Arc<dyn OpenLayer> {
        self.members.layer(descriptor)
    }

    fn has(&self, descriptor: &Descriptor) -> Result<bool, ReferrerError> {
        Ok(self.members.has_blob(descriptor))
    }
}
