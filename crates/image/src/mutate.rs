//! New images of old ones: layers edited or copied, and the documents around them made again.
//!
//! [`Workshop`] makes layers, [`assemble`] puts an image around them, [`Tree`] is all of it with what is above, and goes
//! to a [`destination`]. Nothing here decides what changes.

mod addition;
mod blob;
pub mod destination;
mod docker_archive;
mod layer;
mod layout;
mod node;
mod tree;

use std::io;
use std::sync::Arc;

use plimsoll_formats::compression::Compression;
use plimsoll_formats::tar::edit::EditError;
use plimsoll_model::digest::BlobDigest;

use crate::layer::LayerError;
use crate::manifest::Descriptor;
use crate::source::referrers::OCI_MANIFEST;
use crate::source::{Documents, Image, LayerContent};

pub use addition::{Addition, on_top};
pub use blob::{Blob, BlobReader};
pub(crate) use blob::{named, nameless};
pub use layer::{NewLayer, Workshop};
pub(crate) use layout::append;
pub use node::Node;
pub use tree::{Top, Tree};

const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";
const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// Annotations of a layer's descriptor that speak of its stored bytes: indexes for lazy pulling, which do not hold for
/// other bytes.
const OF_STORED_BYTES: [&str; 4] = [
    "io.github.containers.zstd-chunked.",
    "io.containers.zstd-chunked.",
    "io.containers.estargz.",
    "containerd.io/snapshot/",
];

/// Why no new image could be made.
#[derive(Debug, thiserror::Error)]
pub enum MutateError {
    /// A layer is not what the image says, or cannot be read.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// A layer cannot be edited.
    #[error("editing the layer")]
    Edit(#[from] EditError),
    /// A root filesystem.
    #[error("a root filesystem has no layers that could be written again")]
    NoLayer,
    /// Bytes that are elsewhere.
    #[error("the layer cannot be copied: {0}")]
    Unreadable(String),
    /// Something cannot be written.
    #[error("writing the new image")]
    Write(#[source] io::Error),
    /// A document that is needed is missing or of another form.
    #[error("the image's {what} cannot be changed: {problem}")]
    Document {
        /// Which.
        what: &'static str,
        /// Why.
        problem: String,
    },
}

/// The documents of one image, to be changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Papers {
    /// The manifest; where the image's place keeps none, a new one.
    pub manifest: Node,
    /// The configuration.
    pub config: Node,
}

impl Papers {
    /// Reads those of `image`.
    ///
    /// # Errors
    /// If the image has no configuration, or one of them is malformed.
    pub fn of(image: &Image) -> Result<Self, MutateError> {
        let config = image.documents.config.as_deref().ok_or(MutateError::NoLayer)?;
        let manifest = match image.documents.manifest.as_deref() {
            Some(bytes) => parsed("manifest", bytes)?,
            None => empty_manifest(image.layers.len()),
        };
        Ok(Self { manifest, config: parsed("configuration", config)? })
    }
}

fn parsed(what: &'static str, bytes: &[u8]) -> Result<Node, MutateError> {
    serde_json::from_slice(bytes).map_err(|error| MutateError::Document { what, problem: error.to_string() })
}

fn empty_manifest(layers: usize) -> Node {
    let config = Node::Map(vec![("mediaType".to_owned(), OCI_CONFIG.into())]);
    Node::Map(vec![
        ("schemaVersion".to_owned(), 2.into()),
        ("mediaType".to_owned(), OCI_MANIFEST.into()),
        ("config".to_owned(), config),
        ("layers".to_owned(), Node::List(vec![Node::Map(Vec::new()); layers])),
    ])
}

/// Puts an image around `layers`, which stand for those of `old` one by one. `papers` are changed already but for what
/// tells of layers. Documents in which nothing changed stay byte for byte.
///
/// # Errors
/// If the papers do not fit the layers.
pub fn assemble(old: &Image, layers: &[NewLayer], papers: Papers) -> Result<Image, MutateError> {
    let before = Papers::of(old)?;
    let Papers { mut manifest, mut config } = papers;
    set_diff_ids(&mut config, layers)?;
    let config_bytes = unless_changed(old.documents.config.as_ref(), &before.config, &config);
    let config_blob = Blob::of(config_bytes.to_vec());
    let unfit = |problem: &str| MutateError::Document { what: "manifest", problem: problem.to_owned() };
    point_at(manifest.get_mut("config").ok_or_else(|| unfit("it names no configuration"))?, &config_blob);
    let descriptors = manifest.get_mut("layers").map(Node::list_mut).unwrap_or_default();
    if descriptors.len() != layers.len() {
        return Err(unfit("it has another number of layers"));
    }
    for (descriptor, layer) in descriptors.iter_mut().zip(layers) {
        describe(descriptor, layer);
    }
    let manifest_bytes = unless_changed(old.documents.manifest.as_ref(), &before.manifest, &manifest);
    let parsed_config = serde_json::from_slice(&config_bytes)
        .map_err(|error| MutateError::Document { what: "configuration", problem: error.to_string() })?;
    Ok(Image {
        name: old.name.clone(),
        manifest_digest: Some(Blob::of(manifest_bytes.to_vec()).digest),
        index_digest: None,
        config_digest: Some(config_blob.digest),
        platform: old.platform.clone(),
        config: parsed_config,
        layers: old.layers.iter().zip(layers).map(|(old, new)| stored(old, new)).collect(),
        documents: Documents { index: None, manifest: Some(manifest_bytes), config: Some(config_bytes) },
    })
}

/// The old bytes if the document is the same.
fn unless_changed(old: Option<&Arc<[u8]>>, before: &Node, after: &Node) -> Arc<[u8]> {
    match old {
        Some(bytes) if before == after => Arc::clone(bytes),
        _ => after.to_bytes().into(),
    }
}

fn set_diff_ids(config: &mut Node, layers: &[NewLayer]) -> Result<(), MutateError> {
    let ids = config.get_mut("rootfs").and_then(|rootfs| rootfs.get_mut("diff_ids"));
    let ids = ids.map(Node::list_mut).unwrap_or_default();
    if ids.len() != layers.len() {
        let problem = "it has another number of diff IDs than the image has layers".to_owned();
        return Err(MutateError::Document { what: "configuration", problem });
    }
    for (id, layer) in ids.iter_mut().zip(layers) {
        *id = layer.diff_id.to_string().into();
    }
    Ok(())
}

fn point_at(descriptor: &mut Node, blob: &Blob) {
    descriptor.set("digest", blob.digest.to_string().into());
    descriptor.set("size", blob.size.into());
}

/// Makes a layer's descriptor true of its bytes.
fn describe(descriptor: &mut Node, layer: &NewLayer) {
    let old = descriptor.get("mediaType").and_then(Node::text).unwrap_or_default();
    let fits = match layer.compression {
        Compression::None => old.ends_with("tar"),
        Compression::Gzip => old.ends_with("gzip"),
        Compression::Zstd => old.ends_with("zstd"),
    };
    let is_same = descriptor.get("digest").and_then(Node::text) == Some(&layer.blob.digest.to_string());
    if is_same {
        return;
    }
    // A media type that was wrong before (a registry's or a builder's fault) stays with an edited layer no less.
    if !fits {
        descriptor.set("mediaType", media_type(old, layer.compression).into());
    }
    point_at(descriptor, &layer.blob);
    // What was embedded is not what is described any more.
    if let Node::Map(members) = descriptor {
        members.retain(|(key, _)| key != "data" && key != "urls");
    }
    let Some(Node::Map(annotations)) = descriptor.get_mut("annotations") else { return };
    annotations.retain(|(key, _)| !OF_STORED_BYTES.iter().any(|prefix| key.starts_with(prefix)));
}

fn media_type(old: &str, compression: Compression) -> String {
    let is_docker = old.starts_with(DOCKER_LAYER);
    match (is_docker, compression) {
        (true, Compression::None) => DOCKER_LAYER.to_owned(),
        (true, Compression::Gzip) => format!("{DOCKER_LAYER}.gzip"),
        (true, Compression::Zstd) => format!("{DOCKER_LAYER}.zstd"),
        (false, Compression::None) => OCI_LAYER.to_owned(),
        (false, compression) => format!("{OCI_LAYER}+{}", compression.as_str()),
    }
}

fn stored(old: &crate::source::Layer, new: &NewLayer) -> crate::source::Layer {
    let mut blob = old.blob.clone().unwrap_or_else(|| Descriptor::bare(OCI_LAYER, new.blob.digest));
    (blob.digest, blob.size) = (new.blob.digest, new.blob.size);
    crate::source::Layer {
        diff_id: Some(new.diff_id),
        blob: Some(blob),
        created_by: old.created_by.clone(),
        origin: old.origin,
        content: LayerContent::Tar(Arc::new(new.blob.clone())),
    }
}

/// The digest of a document.
fn digest_of(bytes: &[u8]) -> BlobDigest {
    BlobDigest(plimsoll_model::digest::Digest::of(bytes))
}

#[cfg(test)]
mod tests;
