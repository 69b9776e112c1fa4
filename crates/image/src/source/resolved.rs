//! What a name leads to, looked up once: everything after goes by digest, so that nobody can answer the second time with
//! something else.

use std::path::Path;

use plimsoll_model::digest::BlobDigest;
use plimsoll_model::reference::Reference;
use serde::Deserialize;

use super::layout::{self, Directory, Selected, Selector};
use super::referrers::{OCI_INDEX, OCI_MANIFEST};
use super::registry::RegistryClient;
use super::{Blobs, SourceError};
use crate::manifest::{Descriptor, Document, Index, MANIFEST_LIMIT, ManifestError};

/// The manifest or index that a name led to.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The name, for people.
    pub name: String,
    /// The digest of the bytes.
    pub digest: BlobDigest,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// What they call themselves, or, where they do not, what they are.
    pub media_type: String,
    /// What it names, if it is an index.
    pub index: Option<Index>,
}

#[derive(Deserialize)]
struct Typed {
    #[serde(rename = "mediaType")]
    media_type: Option<String>,
}

impl Resolved {
    fn new(name: String, digest: BlobDigest, bytes: Vec<u8>) -> Result<Self, SourceError> {
        let index = match Document::parse(&bytes) {
            Ok(Document::Index(index)) => Some(index),
            // What is no image may be signed, too.
            Ok(Document::Manifest(_)) | Err(ManifestError::Artifact(_)) => None,
            Err(source) => return Err(SourceError::Manifest { digest, source }),
        };
        let own = serde_json::from_slice::<Typed>(&bytes).ok().and_then(|typed| typed.media_type);
        let is = if index.is_some() { OCI_INDEX } else { OCI_MANIFEST };
        Ok(Self { name, digest, media_type: own.unwrap_or_else(|| is.to_owned()), bytes, index })
    }

    /// What has this digest; nothing else is taken.
    ///
    /// # Errors
    /// See [`SourceError`].
    pub fn of_bytes(name: String, digest: BlobDigest, bytes: Vec<u8>) -> Result<Self, SourceError> {
        let descriptor = Descriptor::bare(OCI_MANIFEST, digest);
        let bytes = super::verified(&format!("manifest {digest}"), &descriptor, bytes)?;
        Self::new(name, digest, bytes)
    }

    /// How something that names it describes it.
    #[must_use]
    pub fn descriptor(&self) -> Descriptor {
        Descriptor {
            media_type: self.media_type.clone(),
            digest: self.digest,
            size: self.bytes.len() as u64,
            platform: None,
            annotations: None,
            urls: Vec::new(),
            artifact_type: None,
        }
    }

    /// Looks a reference up in its registry.
    ///
    /// # Errors
    /// See [`SourceError`].
    pub fn in_registry(client: &RegistryClient, reference: &Reference) -> Result<Self, SourceError> {
        let fetched = client.manifest(reference)?;
        Self::new(reference.to_string(), fetched.digest, fetched.bytes)
    }

    /// Looks an image up in the layout at `directory`.
    ///
    /// # Errors
    /// See [`SourceError`].
    pub fn in_layout(directory: &Path, selector: &Selector) -> Result<Self, SourceError> {
        let blobs = Directory { root: directory.to_owned() };
        Self::among(&layout::index(directory)?, &blobs, directory, selector)
    }

    /// Looks an image up among the entries of a layout's index.
    pub(super) fn among(
        index: &Index,
        blobs: &dyn Blobs,
        path: &Path,
        selector: &Selector,
    ) -> Result<Self, SourceError> {
        match layout::select(index, selector, &path.display().to_string())? {
            (Selected::One(descriptor), name) => {
                Self::new(name, descriptor.digest, blobs.small(descriptor, MANIFEST_LIMIT)?)
            }
            (Selected::Index, _) => Err(SourceError::NotA {
                path: path.to_owned(),
                kind: "OCI image layout of one image",
                problem: "its images have no index of their own that could be signed: add @DIGEST".to_owned(),
            }),
        }
    }
}
