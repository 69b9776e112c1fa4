//! The registry as a source of images: manifests now, layers when they are read.

use std::io::{self, Read};
use std::sync::Arc;

use plimsoll_model::digest::BlobDigest;
use plimsoll_model::reference::Reference;

use super::RegistryClient;
use crate::manifest::Descriptor;
use crate::source::{Blobs, Image, OpenLayer, PlatformChoice, SourceError, resolve, verified};

/// Finds the images that `reference` names. A tag is resolved once; everything after goes by digest.
///
/// # Errors
/// See [`SourceError`].
pub fn images(
    client: &RegistryClient,
    reference: &Reference,
    choice: &PlatformChoice,
) -> Result<Vec<Image>, SourceError> {
    let fetched = client.manifest(reference)?;
    let top = Descriptor {
        media_type: fetched.media_type,
        digest: fetched.digest,
        size: fetched.bytes.len() as u64,
        platform: None,
        annotations: None,
        urls: Vec::new(),
        artifact_type: None,
    };
    let blobs = Remote {
        client: client.clone(),
        reference: reference.clone(),
        top: fetched.bytes,
        digest: fetched.digest,
    };
    resolve(&blobs, &reference.to_string(), &top, choice)
}

struct Remote {
    client: RegistryClient,
    reference: Reference,
    /// The document that the reference led to, fetched already.
    top: Vec<u8>,
    digest: BlobDigest,
}

impl Blobs for Remote {
    fn small(&self, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, SourceError> {
        if descriptor.digest == self.digest {
            return Ok(self.top.clone());
        }
        let bytes = if is_manifest(&descriptor.media_type) {
            self.client.manifest(&self.reference.at(descriptor.digest))?.bytes
        } else {
            self.client.blob_bytes(&self.reference, descriptor.digest, limit)?
        };
        verified(&format!("blob {}", descriptor.digest), descriptor, bytes)
    }

    fn layer(&self, descriptor: &Descriptor) -> Arc<dyn OpenLayer> {
        Arc::new(RemoteLayer {
            client: self.client.clone(),
            reference: self.reference.clone(),
            digest: descriptor.digest,
            size: descriptor.size,
        })
    }
}

fn is_manifest(media_type: &str) -> bool {
    media_type.contains("manifest") || media_type.contains("image.index")
}

/// A blob that is fetched when it is opened.
pub(super) struct RemoteLayer {
    pub(super) client: RegistryClient,
    pub(super) reference: Reference,
    pub(super) digest: BlobDigest,
    pub(super) size: u64,
}

impl OpenLayer for RemoteLayer {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(self.client.open_blob(&self.reference, self.digest, self.size)))
    }
}
