//! A whole new image: those of all platforms and the index above them, with all blobs, ready for a destination.

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll_model::digest::BlobDigest;
use serde::Deserialize as _;

use super::blob::Blob;
use super::{MutateError, NewLayer, Node, digest_of, parsed, point_at};
use crate::manifest::Descriptor;
use crate::source::Image;
use crate::source::referrers::{OCI_INDEX, OCI_MANIFEST};

/// What a new image is led to by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Top {
    /// The one image's manifest.
    Manifest,
    /// An index, as the old one.
    Index,
}

/// A new image of one or more platforms.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The images.
    pub images: Vec<Image>,
    /// The layers of each of them.
    pub(super) layers: Vec<Vec<NewLayer>>,
    /// The index above them.
    pub(super) index: Option<Blob>,
    /// How many manifests of attestations the old index has that the new one has not: they speak of other images.
    pub dropped_attestations: usize,
}

impl Tree {
    /// Puts together the images `new`, which stand for `old` one by one. `change` may change what the index says beside
    /// its manifests.
    ///
    /// # Errors
    /// If the old index is malformed.
    pub fn new(
        old: &[Image],
        new: Vec<(Image, Vec<NewLayer>)>,
        top: Top,
        change: impl FnOnce(&mut Node),
    ) -> Result<Self, MutateError> {
        let (mut images, layers): (Vec<Image>, Vec<Vec<NewLayer>>) = new.into_iter().unzip();
        if top == Top::Manifest {
            return Ok(Self { images, layers, index: None, dropped_attestations: 0 });
        }
        let bytes = old.first().and_then(|image| image.documents.index.clone());
        let before = match bytes.as_deref() {
            Some(bytes) => parsed("index", bytes)?,
            None => empty_index(),
        };
        let mut after = before.clone();
        let dropped_attestations = replace(&mut after, old, &images);
        change(&mut after);
        let bytes = match bytes {
            Some(bytes) if before == after => bytes,
            _ => after.to_bytes().into(),
        };
        let index = Blob::of(bytes.to_vec());
        for image in &mut images {
            image.index_digest = Some(index.digest);
            image.documents.index = Some(Arc::clone(&bytes));
        }
        Ok(Self { images, layers, index: Some(index), dropped_attestations })
    }

    /// The digest of the index, if there is one.
    #[must_use]
    pub fn index_digest(&self) -> Option<BlobDigest> {
        self.index.as_ref().map(|index| index.digest)
    }

    /// The manifests with their media types; that of the index last.
    pub(super) fn manifests(&self) -> Vec<(Blob, String)> {
        let images = self.images.iter().filter_map(|image| image.documents.manifest.as_deref());
        let images = images.map(|bytes| (Blob::of(bytes.to_vec()), media_type(bytes, OCI_MANIFEST)));
        let index = self.images.first().and_then(|image| image.documents.index.as_deref());
        let index =
            self.index.iter().zip(index).map(|(blob, bytes)| (blob.clone(), media_type(bytes, OCI_INDEX)));
        images.chain(index).collect()
    }

    /// Configurations and layers, each once, in a fixed order.
    pub(super) fn blobs(&self) -> Vec<Blob> {
        let configs = self.images.iter().filter_map(|image| image.documents.config.as_deref());
        let configs = configs.map(|bytes| Blob::of(bytes.to_vec()));
        let layers = self.layers.iter().flatten().map(|layer| layer.blob.clone());
        let all: BTreeMap<BlobDigest, Blob> = configs.chain(layers).map(|blob| (blob.digest, blob)).collect();
        all.into_values().collect()
    }
}

/// The media type that a document gives itself.
fn media_type(bytes: &[u8], otherwise: &str) -> String {
    let own = parsed("manifest", bytes).ok();
    let own = own.as_ref().and_then(|node| node.get("mediaType")).and_then(Node::text);
    own.unwrap_or(otherwise).to_owned()
}

fn empty_index() -> Node {
    Node::Map(vec![
        ("schemaVersion".to_owned(), 2.into()),
        ("mediaType".to_owned(), OCI_INDEX.into()),
        ("manifests".to_owned(), Node::List(Vec::new())),
    ])
}

/// Puts the new manifests in the places of the old ones; those that stood in indexes further down come last. Tells how
/// many attestations went.
fn replace(index: &mut Node, old: &[Image], new: &[Image]) -> usize {
    let mut left: Vec<(&Image, &Image)> = old.iter().zip(new).collect();
    let (mut entries, mut dropped) = (Vec::new(), 0);
    for mut entry in index.get("manifests").map(Node::list).unwrap_or_default().to_vec() {
        let Ok(descriptor) = descriptor(&entry) else { continue };
        dropped += usize::from(descriptor.is_attestation());
        let Some(at) = left.iter().position(|(old, _)| old.manifest_digest == Some(descriptor.digest)) else {
            continue;
        };
        let (_, image) = left.remove(at);
        if let Some(bytes) =
            image.documents.manifest.as_deref().filter(|bytes| digest_of(bytes) != descriptor.digest)
        {
            point_at(&mut entry, &Blob::of(bytes.to_vec()));
            if let Node::Map(members) = &mut entry {
                members.retain(|(key, _)| key != "data" && key != "urls");
            }
        }
        entries.push(entry);
    }
    entries.extend(left.into_iter().filter_map(|(_, image)| entry(image)));
    index.set("manifests", Node::List(entries));
    dropped
}

fn descriptor(entry: &Node) -> Result<Descriptor, serde_json::Error> {
    let value: serde_json::Value = serde_json::from_slice(&entry.to_bytes())?;
    Descriptor::deserialize(value)
}

/// An entry of an index.
fn entry(image: &Image) -> Option<Node> {
    let bytes = image.documents.manifest.as_deref()?;
    let mut platform = vec![
        ("architecture".to_owned(), image.platform.architecture.clone().into()),
        ("os".to_owned(), image.platform.os.clone().into()),
    ];
    if let Some(variant) = &image.platform.variant {
        platform.push(("variant".to_owned(), variant.clone().into()));
    }
    let mut entry = Node::Map(vec![("mediaType".to_owned(), media_type(bytes, OCI_MANIFEST).into())]);
    point_at(&mut entry, &Blob::of(bytes.to_vec()));
    entry.set("platform", Node::Map(platform));
    Some(entry)
}
