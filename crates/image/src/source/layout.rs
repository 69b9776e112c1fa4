//! OCI image layouts on disk (<https://github.com/opencontainers/image-spec/blob/main/image-layout.md>).

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plimsoll_formats::bounded;
use plimsoll_model::digest::BlobDigest;

use super::{Blobs, Image, OpenLayer, PlatformChoice, SourceError, resolve, verified};
use crate::manifest::{Descriptor, Index, MANIFEST_LIMIT};

/// The annotation that names an image in a layout's index.
const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The annotation that containerd and Docker name images with.
const CONTAINERD_NAME: &str = "io.containerd.image.name";

/// Which image of a layout is wanted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Selector {
    /// The only one.
    Only,
    /// By its name in the index.
    Tag(String),
    /// By its digest.
    Digest(BlobDigest),
}

/// Finds images in the layout at `directory`.
///
/// # Errors
/// See [`SourceError`].
pub fn images(
    directory: &Path,
    selector: &Selector,
    choice: &PlatformChoice,
) -> Result<Vec<Image>, SourceError> {
    let index = index(directory)?;
    let place = directory.display().to_string();
    let (descriptor, name) = select(&index, selector, &place)?;
    let blobs = Directory { root: directory.to_owned() };
    match descriptor {
        Selected::One(descriptor) => resolve(&blobs, &name, descriptor, choice),
        Selected::Index => super::resolve_index(&blobs, &name, &index, choice),
    }
}

pub(super) fn index(directory: &Path) -> Result<Index, SourceError> {
    let index_path = directory.join("index.json");
    let not_a =
        |problem: String| SourceError::NotA { path: directory.to_owned(), kind: "OCI image layout", problem };
    let bytes = bounded::read_file(&index_path, MANIFEST_LIMIT).map_err(|source| {
        if source.kind() == std::io::ErrorKind::NotFound && directory.is_dir() {
            not_a("it has no index.json".to_owned())
        } else {
            SourceError::Read { path: index_path.clone(), source }
        }
    })?;
    serde_json::from_slice(&bytes).map_err(|error| not_a(format!("its index.json is malformed: {error}")))
}

/// A manifest in a layout that is not understood here, and the blobs beside it: an artifact.
#[derive(Debug)]
pub struct Artifact {
    /// The manifest, verified.
    pub manifest: Vec<u8>,
    blobs: Directory,
}

/// Finds an artifact in the layout at `directory`.
///
/// # Errors
/// See [`SourceError`].
pub fn artifact(directory: &Path, selector: &Selector) -> Result<Artifact, SourceError> {
    let index = index(directory)?;
    let blobs = Directory { root: directory.to_owned() };
    match select(&index, selector, &directory.display().to_string())?.0 {
        Selected::One(descriptor) => {
            Ok(Artifact { manifest: blobs.small(descriptor, MANIFEST_LIMIT)?, blobs })
        }
        Selected::Index => Err(SourceError::NotA {
            path: directory.to_owned(),
            kind: "OCI image layout of one artifact",
            problem: "it holds one image for several platforms".to_owned(),
        }),
    }
}

impl Artifact {
    /// One of its blobs whole, of at most `limit` bytes, verified.
    ///
    /// # Errors
    /// See [`SourceError`].
    pub fn blob(&self, digest: BlobDigest, limit: u64) -> Result<Vec<u8>, SourceError> {
        self.blobs.blob(digest, limit)
    }
}

/// What a selector leads to.
pub(super) enum Selected<'a> {
    One(&'a Descriptor),
    /// The top index itself, when its entries are the platforms of one image.
    Index,
}

/// Picks the entry of a layout's `index.json`.
pub(super) fn select<'a>(
    index: &'a Index,
    selector: &Selector,
    place: &str,
) -> Result<(Selected<'a>, String), SourceError> {
    let is_image =
        |entry: &&Descriptor| !entry.is_attestation() && !is_artifact(entry) && !is_signature(entry);
    let images: Vec<&Descriptor> = index.manifests.iter().filter(is_image).collect();
    let not_found = |wanted: String| SourceError::NotFound {
        wanted,
        place: place.to_owned(),
        available: images.iter().map(|entry| title(entry)).collect(),
    };
    match selector {
        Selector::Digest(digest) => images
            .iter()
            .find(|entry| entry.digest == *digest)
            .map(|entry| (Selected::One(entry), format!("{place}@{digest}")))
            .ok_or_else(|| not_found(digest.to_string())),
        Selector::Tag(tag) => images
            .iter()
            .find(|entry| is_named(entry, tag))
            .map(|entry| (Selected::One(entry), format!("{place}:{tag}")))
            .ok_or_else(|| not_found(tag.clone())),
        Selector::Only => match images.as_slice() {
            [only] => Ok((Selected::One(only), place.to_owned())),
            entries
                if !entries.is_empty()
                    && entries.iter().all(|entry| entry.platform.is_some() && names(entry).is_empty()) =>
            {
                Ok((Selected::Index, place.to_owned()))
            }
            _ => Err(not_found("one image; add :TAG or @DIGEST".to_owned())),
        },
    }
}

fn names(entry: &Descriptor) -> Vec<&str> {
    let annotation = |key| entry.annotations.as_ref().and_then(|a| a.get(key)).map(String::as_str);
    [annotation(REF_NAME), annotation(CONTAINERD_NAME)].into_iter().flatten().collect()
}

/// Some writers call images artifacts of the type of their configuration.
fn is_artifact(entry: &Descriptor) -> bool {
    entry.artifact_type.as_deref().is_some_and(|kind| kind != "application/vnd.oci.image.config.v1+json")
}

/// Tells whether an entry holds signatures or attestations of another, by the names that cosign gives such.
fn is_signature(entry: &Descriptor) -> bool {
    let is_tag = |name: &&str| {
        let tag = name.rsplit_once(':').map_or(*name, |(_, tag)| tag);
        let hex = tag.strip_prefix("sha256-").map(|rest| rest.split('.').next().unwrap_or(rest));
        hex.is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    saved_by_cosign(entry).is_some() || names(entry).iter().any(is_tag)
}

/// What an entry is that `cosign save` wrote, as the ending of the tag that it would have in a registry.
pub(super) fn saved_by_cosign(entry: &Descriptor) -> Option<&'static str> {
    match entry.annotation("kind")? {
        "dev.cosignproject.cosign/sigs" => Some(".sig"),
        "dev.cosignproject.cosign/atts" => Some(".att"),
        _ => None,
    }
}

/// A name fits as a whole or by its tag.
pub(super) fn is_named(entry: &Descriptor, wanted: &str) -> bool {
    names(entry)
        .iter()
        .any(|name| *name == wanted || name.rsplit_once(':').is_some_and(|(_, tag)| tag == wanted))
}

fn title(entry: &Descriptor) -> String {
    names(entry).first().map_or_else(|| entry.digest.to_string(), |name| (*name).to_owned())
}

#[derive(Debug)]
pub(super) struct Directory {
    pub(super) root: PathBuf,
}

impl Directory {
    /// One blob whole, of at most `limit` bytes, verified.
    pub(super) fn blob(&self, digest: BlobDigest, limit: u64) -> Result<Vec<u8>, SourceError> {
        let path = self.path(digest);
        let bytes = bounded::read_file(&path, limit).map_err(|source| SourceError::Read { path, source })?;
        let actual = BlobDigest(plimsoll_model::digest::Digest::of(&bytes));
        if actual == digest {
            Ok(bytes)
        } else {
            Err(SourceError::Digest { what: format!("blob {digest}"), expected: digest, actual })
        }
    }

    pub(super) fn path(&self, digest: BlobDigest) -> PathBuf {
        self.root.join("blobs/sha256").join(digest.0.hex())
    }
}

impl Blobs for Directory {
    fn small(&self, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, SourceError> {
        let path = self.path(descriptor.digest);
        let bytes = bounded::read_file(&path, limit).map_err(|source| SourceError::Read { path, source })?;
        verified(&format!("blob {}", descriptor.digest), descriptor, bytes)
    }

    fn layer(&self, descriptor: &Descriptor) -> Arc<dyn OpenLayer> {
        Arc::new(BlobFile(self.path(descriptor.digest)))
    }
}

/// A layer's blob in a file of its own.
pub(crate) struct BlobFile(pub(crate) PathBuf);

impl OpenLayer for BlobFile {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        bounded::open_file(&self.0)
            .map(|file| Box::new(file) as Box<dyn Read + Send>)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", self.0.display())))
    }
}
