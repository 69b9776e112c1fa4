//! Places where images lie. Each source is one file; [`Image`] is what all of them give.

pub mod apart;
pub mod archive;
pub mod containerd;
pub mod docker;
pub mod docker_socket;
pub mod layout;
pub mod place;
pub mod podman;
pub mod referrers;
pub mod registry;
pub mod repository;
pub mod resolved;
pub mod rootfs;
mod tar_split;
mod wanted;

use std::fmt;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use plimsoll_model::digest::{BlobDigest, DiffId};
use plimsoll_model::inventory::Origin;
use plimsoll_model::platform::Platform;

use crate::config::ImageConfig;
use crate::manifest::{Descriptor, Document, Index, Manifest, ManifestError};

/// An image of one platform.
#[derive(Clone, Debug)]
pub struct Image {
    /// The name for people: the reference or path it was asked for by.
    pub name: String,
    /// The digest of its manifest, where it has one.
    pub manifest_digest: Option<BlobDigest>,
    /// The digest of the index that its name led to, if it led to one.
    pub index_digest: Option<BlobDigest>,
    /// The digest of its configuration: the image ID.
    pub config_digest: Option<BlobDigest>,
    /// Its platform.
    pub platform: Platform,
    /// Its configuration.
    pub config: ImageConfig,
    /// Its layers, lowest first.
    pub layers: Vec<Layer>,
    /// The documents that describe it, as they were read.
    pub documents: Documents,
}

/// The bytes of the documents that describe an image; none where its place keeps no such document.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    /// The index that its name led to.
    pub index: Option<Arc<[u8]>>,
    /// Its manifest.
    pub manifest: Option<Arc<[u8]>>,
    /// Its configuration.
    pub config: Option<Arc<[u8]>>,
}

/// A layer of an image.
#[derive(Clone)]
pub struct Layer {
    /// The digest of its tar. A root filesystem's one layer has none.
    pub diff_id: Option<DiffId>,
    /// The blob, where it is kept as one.
    pub blob: Option<Descriptor>,
    /// The build step that made it.
    pub created_by: Option<String>,
    /// Whether it belongs to the base image.
    pub origin: Origin,
    /// Where its bytes are.
    pub content: LayerContent,
}

/// Where a layer's bytes are.
#[derive(Clone)]
pub enum LayerContent {
    /// A tar, perhaps compressed, that can be opened.
    Tar(Arc<dyn OpenLayer>),
    /// A directory that is the whole root filesystem.
    Directory(PathBuf),
    /// Nowhere that Plimsoll reads, and why.
    Unreadable(String),
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layer")
            .field("diff_id", &self.diff_id)
            .field("blob", &self.blob)
            .finish_non_exhaustive()
    }
}

/// Opens a layer's bytes from their start.
pub trait OpenLayer: Send + Sync {
    /// Opens them.
    ///
    /// # Errors
    /// If the source cannot give them.
    fn open(&self) -> io::Result<Box<dyn Read + Send>>;
}

/// Which platforms of an index are wanted.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum PlatformChoice {
    /// The machine's own architecture on Linux, else the only one there is.
    #[default]
    Host,
    /// This one.
    One(Platform),
    /// All of them.
    All,
}

/// Why a source gave no image.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file could not be read.
    #[error("reading {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A compressed archive found no room to be inflated in.
    #[error("inflating {archive} into {spool}")]
    Spool {
        /// The archive.
        archive: PathBuf,
        /// The folder of the temporary file.
        spool: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The place does not hold what its kind promises.
    #[error("{path} is no {kind}: {problem}")]
    NotA {
        /// Which place.
        path: PathBuf,
        /// What it should be.
        kind: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// There is no image of that name.
    #[error("no image {wanted:?} in {place}, which has {}", listed(.available))]
    NotFound {
        /// The name.
        wanted: String,
        /// Where.
        place: String,
        /// The names that are there.
        available: Vec<String>,
    },
    /// The index has no image for the platform.
    #[error("no image for {wanted}, there are {}", listed(.available))]
    NoPlatform {
        /// The platform.
        wanted: String,
        /// The platforms that are there.
        available: Vec<String>,
    },
    /// A document's bytes have another digest than the one it was asked for by.
    #[error("{what} is corrupt: its content has digest {actual}, expected {expected}")]
    Digest {
        /// What.
        what: String,
        /// By which it was asked for.
        expected: BlobDigest,
        /// What the bytes have.
        actual: BlobDigest,
    },
    /// A blob has another size than its descriptor says.
    #[error("{what} is {actual} bytes long, its descriptor says {expected}")]
    Size {
        /// What.
        what: String,
        /// By its descriptor.
        expected: u64,
        /// In truth.
        actual: u64,
    },
    /// A manifest or index could not be understood.
    #[error("manifest {digest}")]
    Manifest {
        /// Which.
        digest: BlobDigest,
        /// Why.
        source: ManifestError,
    },
    /// A configuration could not be understood.
    #[error("image configuration {digest} is malformed")]
    Config {
        /// Which.
        digest: BlobDigest,
        /// Why.
        source: serde_json::Error,
    },
    /// Manifest and configuration do not fit each other.
    #[error("manifest {manifest} has {layers} layers, but its configuration has {diff_ids} diff IDs")]
    LayerCount {
        /// The manifest.
        manifest: BlobDigest,
        /// In the manifest.
        layers: usize,
        /// In the configuration.
        diff_ids: usize,
    },
    /// The image has more layers than the limit.
    #[error("the image has {layers} layers, more than the limit of {limit}")]
    TooManyLayers {
        /// How many.
        layers: usize,
        /// The limit.
        limit: usize,
    },
    /// A registry.
    #[error(transparent)]
    Registry(#[from] registry::RegistryError),
    /// Somebody else's files.
    #[error("no permission to read {path}: {hint}")]
    Denied {
        /// Which.
        path: PathBuf,
        /// How to get access.
        hint: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// More than one image has an ID with this prefix.
    #[error("{wanted:?} may be one of several images in {place}: {}", listed(.candidates))]
    Ambiguous {
        /// What was asked for.
        wanted: String,
        /// Where.
        place: String,
        /// The IDs.
        candidates: Vec<String>,
    },
    /// A store has the image, but not all of it.
    #[error("{what} is not in {place}: {hint}")]
    Absent {
        /// What is missing.
        what: String,
        /// Where.
        place: String,
        /// Why that may be, or what helps.
        hint: &'static str,
    },
    /// A store's database could not be read.
    #[error("reading the database {path}")]
    Database {
        /// Which.
        path: PathBuf,
        /// Why.
        source: plimsoll_formats::bolt::BoltError,
    },
    /// A daemon refused, or answered what is no answer.
    #[error("{place}: {problem}")]
    Daemon {
        /// Its socket.
        place: String,
        /// What it said, or what is wrong with it.
        problem: String,
    },
    /// An index, or indexes in indexes, with more images than anybody needs.
    #[error("the index has more than {0} images")]
    TooManyImages(usize),
    /// Indexes in indexes, deeper than anybody needs.
    #[error("indexes are nested deeper than {0}")]
    TooDeep(usize),
}

impl SourceError {
    /// A failure to read `path`; where access was denied, with the way to get it.
    fn reading(path: PathBuf, hint: &'static str, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::PermissionDenied {
            Self::Denied { path, hint, source }
        } else {
            Self::Read { path, source }
        }
    }
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        names => {
            let shown = names.iter().take(20).cloned().collect::<Vec<_>>().join(", ");
            if names.len() > 20 { format!("{shown} and {} more", names.len() - 20) } else { shown }
        }
    }
}

/// As many as overlayfs can mount; builders stop at 127.
pub const LAYER_LIMIT: usize = 500;

/// More images than any index has platforms.
const IMAGE_LIMIT: usize = 256;

/// How deep indexes may nest.
const INDEX_DEPTH: usize = 4;

/// Something that has manifests, configurations and layers by digest.
pub(crate) trait Blobs {
    /// The whole of a small blob, its size not above `limit`, digest and size verified.
    fn small(&self, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, SourceError>;
    /// The layer that `descriptor` points at.
    fn layer(&self, descriptor: &Descriptor) -> Arc<dyn OpenLayer>;
}

/// As [`resolve`], for those entries of `index` that are wanted.
pub(crate) fn resolve_index(
    blobs: &dyn Blobs,
    name: &str,
    index: &Index,
    choice: &PlatformChoice,
) -> Result<Vec<Image>, SourceError> {
    let mut images = Vec::new();
    for chosen in choose(index, choice)? {
        resolve_into(blobs, name, chosen, choice, 0, &mut images)?;
    }
    Ok(images)
}

/// Follows `descriptor` through indexes to the images of the wanted platforms.
pub(crate) fn resolve(
    blobs: &dyn Blobs,
    name: &str,
    descriptor: &Descriptor,
    choice: &PlatformChoice,
) -> Result<Vec<Image>, SourceError> {
    let mut images = Vec::new();
    resolve_into(blobs, name, descriptor, choice, 0, &mut images)?;
    // An index says which platforms its entries are for; of a manifest alone only its configuration does.
    let is_alone = images.iter().all(|image| image.manifest_digest == Some(descriptor.digest));
    if !is_alone {
        let index: Arc<[u8]> = blobs.small(descriptor, crate::manifest::MANIFEST_LIMIT)?.into();
        for image in &mut images {
            image.index_digest = Some(descriptor.digest);
            image.documents.index = Some(Arc::clone(&index));
        }
    }
    if is_alone && descriptor.platform.is_none() { of_platform(images, choice) } else { Ok(images) }
}

fn resolve_into(
    blobs: &dyn Blobs,
    name: &str,
    descriptor: &Descriptor,
    choice: &PlatformChoice,
    depth: usize,
    images: &mut Vec<Image>,
) -> Result<(), SourceError> {
    if depth > INDEX_DEPTH {
        return Err(SourceError::TooDeep(INDEX_DEPTH));
    }
    if images.len() >= IMAGE_LIMIT {
        return Err(SourceError::TooManyImages(IMAGE_LIMIT));
    }
    let bytes = blobs.small(descriptor, crate::manifest::MANIFEST_LIMIT)?;
    let document = Document::parse(&bytes)
        .map_err(|source| SourceError::Manifest { digest: descriptor.digest, source })?;
    match document {
        Document::Manifest(manifest) => {
            let mut image = image(blobs, name, descriptor.digest, &manifest)?;
            image.documents.manifest = Some(bytes.into());
            images.push(image);
        }
        Document::Index(index) => {
            for chosen in choose(&index, choice)? {
                resolve_into(blobs, name, chosen, choice, depth + 1, images)?;
            }
        }
    }
    Ok(())
}

/// The index's entries that `choice` wants, attestations left out.
pub(crate) fn choose<'a>(
    index: &'a Index,
    choice: &PlatformChoice,
) -> Result<Vec<&'a Descriptor>, SourceError> {
    let images: Vec<&Descriptor> = index.manifests.iter().filter(|entry| !entry.is_attestation()).collect();
    let fitting = |wanted: &Platform| -> Option<&'a Descriptor> {
        images.iter().find(|entry| entry.platform.as_ref().is_some_and(|p| p.satisfies(wanted))).copied()
    };
    let missing = |wanted: &str| SourceError::NoPlatform {
        wanted: wanted.to_owned(),
        available: images
            .iter()
            .map(|entry| entry.platform.as_ref().map_or_else(|| "unnamed".to_owned(), ToString::to_string))
            .collect(),
    };
    match choice {
        PlatformChoice::All if images.is_empty() => Err(missing("any platform")),
        PlatformChoice::All => Ok(images),
        PlatformChoice::One(wanted) => {
            fitting(wanted).map(|d| vec![d]).ok_or_else(|| missing(&wanted.to_string()))
        }
        PlatformChoice::Host => {
            let host = host_platform();
            match (fitting(&host), images.as_slice()) {
                (Some(descriptor), _) => Ok(vec![descriptor]),
                (None, [only]) => Ok(vec![only]),
                (None, _) => Err(missing(&host.to_string())),
            }
        }
    }
}

/// The images as they are, unless one platform is wanted and theirs is another.
fn of_platform(images: Vec<Image>, choice: &PlatformChoice) -> Result<Vec<Image>, SourceError> {
    match choice {
        PlatformChoice::One(wanted) if !images.iter().all(|image| image.platform.satisfies(wanted)) => {
            Err(SourceError::NoPlatform {
                wanted: wanted.to_string(),
                available: images.iter().map(|image| image.platform.to_string()).collect(),
            })
        }
        _ => Ok(images),
    }
}

/// Linux on this machine's architecture.
#[must_use]
pub fn host_platform() -> Platform {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" => "ppc64le",
        other => other,
    };
    Platform::new("linux", architecture)
}

fn image(
    blobs: &dyn Blobs,
    name: &str,
    digest: BlobDigest,
    manifest: &Manifest,
) -> Result<Image, SourceError> {
    let bytes = blobs.small(&manifest.config, crate::config::CONFIG_LIMIT)?;
    let config: ImageConfig = serde_json::from_slice(&bytes)
        .map_err(|source| SourceError::Config { digest: manifest.config.digest, source })?;
    if manifest.layers.len() > LAYER_LIMIT {
        return Err(SourceError::TooManyLayers { layers: manifest.layers.len(), limit: LAYER_LIMIT });
    }
    if config.rootfs.diff_ids.len() != manifest.layers.len() {
        return Err(SourceError::LayerCount {
            manifest: digest,
            layers: manifest.layers.len(),
            diff_ids: config.rootfs.diff_ids.len(),
        });
    }
    let contents = manifest.layers.iter().map(|descriptor| match descriptor.unreadable() {
        Some(reason) => (
            Some(descriptor.clone()),
            LayerContent::Unreadable(format!("{reason} ({})", descriptor.media_type)),
        ),
        None => (Some(descriptor.clone()), LayerContent::Tar(blobs.layer(descriptor))),
    });
    Ok(Image {
        name: name.to_owned(),
        manifest_digest: Some(digest),
        index_digest: None,
        config_digest: Some(manifest.config.digest),
        platform: config.platform(),
        layers: layers(&config, contents.collect()),
        config,
        documents: Documents { config: Some(bytes.into()), ..Documents::default() },
    })
}

/// Joins the layers' contents with what the configuration says of them. The counts were compared before.
pub(crate) fn layers(config: &ImageConfig, contents: Vec<(Option<Descriptor>, LayerContent)>) -> Vec<Layer> {
    let count = contents.len();
    let steps = config.steps(count);
    let origins = config.origins(count);
    let facts = config.rootfs.diff_ids.iter().zip(steps).zip(origins);
    contents
        .into_iter()
        .zip(facts)
        .map(|((blob, content), ((diff_id, created_by), origin))| Layer {
            diff_id: Some(*diff_id),
            blob,
            created_by,
            origin,
            content,
        })
        .collect()
}

/// Verifies the size and digest of a blob that was read whole.
pub(crate) fn verified(what: &str, descriptor: &Descriptor, bytes: Vec<u8>) -> Result<Vec<u8>, SourceError> {
    let actual = BlobDigest(plimsoll_model::digest::Digest::of(&bytes));
    if actual != descriptor.digest {
        return Err(SourceError::Digest { what: what.to_owned(), expected: descriptor.digest, actual });
    }
    // Some writers leave the size out; a size that is there has to be true.
    if descriptor.size != 0 && descriptor.size != bytes.len() as u64 {
        return Err(SourceError::Size {
            what: what.to_owned(),
            expected: descriptor.size,
            actual: bytes.len() as u64,
        });
    }
    Ok(bytes)
}
