//! An image in one place, and what refers to it in a repository of its own, as `COSIGN_REPOSITORY` has it.

use std::sync::Arc;

use plimsoll_model::digest::BlobDigest;

use super::OpenLayer;
use super::SourceError;
use super::referrers::attach::{AttachError, Packed, Tagged};
use super::referrers::{Asked, Listing, ReferrerError, Referrers};
use super::registry::{RegistryError, RemoteReferrers};
use super::repository::Repository;
use crate::manifest::{Descriptor, Index};

/// An image, and the repository of its signatures.
pub struct Apart {
    image: Box<dyn Repository>,
    signatures: RemoteReferrers,
}

impl std::fmt::Debug for Apart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Apart").field("signatures", &self.signatures).finish_non_exhaustive()
    }
}

impl Apart {
    /// The image of `image`, with what refers to it in `signatures`; what refers to it in its own place is not looked at.
    #[must_use]
    pub fn new(image: Box<dyn Repository>, signatures: RemoteReferrers) -> Self {
        Self { image, signatures }
    }

    /// Whether a blob or a manifest is with the signatures.
    fn is_signature(&self, descriptor: &Descriptor) -> bool {
        self.signatures.has(descriptor).unwrap_or(false)
    }
}

impl Referrers for Apart {
    fn list(&self, subject: BlobDigest, endings: &[&str]) -> Result<Listing, ReferrerError> {
        self.signatures.list(subject, endings)
    }

    fn ask(&self, subjects: &[BlobDigest], endings: &[&str]) -> Vec<Vec<Asked>> {
        self.signatures.ask(subjects, endings)
    }

    fn title(&self, digest: BlobDigest) -> String {
        self.signatures.title(digest)
    }

    fn bytes(&self, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, ReferrerError> {
        match self.signatures.bytes(descriptor, limit) {
            Err(ReferrerError::Source(SourceError::Registry(RegistryError::NotFound { .. }))) => {
                self.image.bytes(descriptor, limit)
            }
            found => found,
        }
    }

    fn attach(&self, packed: Packed) -> Result<(), AttachError> {
        self.signatures.attach(packed)
    }

    fn tag(&self, tagged: Tagged) -> Result<(), AttachError> {
        self.signatures.tag(tagged)
    }

    fn index(&self, digest: Option<BlobDigest>) -> Result<Index, ReferrerError> {
        self.image.index(digest)
    }
}

impl Repository for Apart {
    fn tagged(&self, subject: BlobDigest, ending: &str) -> Result<Option<Descriptor>, ReferrerError> {
        self.signatures.tagged(subject, ending)
    }

    fn blob(&self, descriptor: &Descriptor) -> Arc<dyn OpenLayer> {
        if self.is_signature(descriptor) {
            self.signatures.blob(descriptor)
        } else {
            self.image.blob(descriptor)
        }
    }

    fn has(&self, descriptor: &Descriptor) -> Result<bool, ReferrerError> {
        if self.is_signature(descriptor) { Ok(true) } else { self.image.has(descriptor) }
    }
}
