//! What an image is based on: the images that its lowest layers are.

use serde::{Deserialize, Serialize};

use crate::digest::{BlobDigest, DiffId, Hasher};
use crate::finding::Finding;
use crate::gap::Gap;
use crate::platform::Platform;
use crate::scan::ImageIdentity;

/// An image that others may be based on, as it was when somebody looked.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Base {
    /// The name it was asked for by: `debian:12`.
    pub name: String,
    /// The digest of its manifest, where it has one.
    pub digest: Option<BlobDigest>,
    /// Its platform.
    pub platform: Platform,
    /// When it was made, as its configuration says.
    pub created: Option<String>,
    /// Its layers, lowest first.
    pub layers: Vec<DiffId>,
}

impl Base {
    /// Its name without the digest: `docker.io/library/debian:12` of `docker.io/library/debian:12@sha256:…`.
    #[must_use]
    pub fn without_digest(&self) -> &str {
        self.name.split('@').next().unwrap_or_default()
    }

    /// Its name without tag and digest: `docker.io/library/debian`.
    #[must_use]
    pub fn repository(&self) -> &str {
        let name = self.without_digest();
        match name.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => repository,
            _ => name,
        }
    }

    /// Tells whether an image of these layers begins with all of this one's.
    #[must_use]
    pub fn is_below(&self, layers: &[DiffId]) -> bool {
        !self.layers.is_empty() && layers.starts_with(&self.layers)
    }
}

/// The chain ID of layers, lowest first, which names the whole stack
/// (<https://github.com/opencontainers/image-spec/blob/main/config.md#layer-chainid>); none for no layers.
#[must_use]
pub fn chain_id(layers: &[DiffId]) -> Option<DiffId> {
    let (first, rest) = layers.split_first()?;
    Some(rest.iter().fold(*first, |chain, layer| {
        let mut hasher = Hasher::default();
        hasher.update(format!("{chain} {layer}").as_bytes());
        DiffId(hasher.finish())
    }))
}

/// An image that another one was built from, as its provenance says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Material {
    /// Its name: `debian:12`.
    pub name: String,
    /// The digest of its manifest or index.
    pub digest: Option<BlobDigest>,
}

/// What is known of an image's base.
#[derive(Clone, Debug, Default)]
pub struct Lineage {
    /// The image.
    pub image: Option<ImageIdentity>,
    /// The known images with the most layers that it begins with, newest first: several names of one stack, mostly.
    pub bases: Vec<Base>,
    /// The chain ID of the base's layers.
    pub chain: Option<DiffId>,
    /// How many layers the image has on top of its base; all if none is known.
    pub own_layers: usize,
    /// What its labels say it is based on: name and digest.
    pub label: Option<(String, Option<String>)>,
    /// The images that its builder says it used, among them the base.
    pub materials: Vec<Material>,
    /// Known images of the base's name that are newer, newest first.
    pub newer: Vec<Base>,
    /// How many days lie between the base and the newest of its name.
    pub days_behind: Option<i64>,
    /// Vulnerabilities that the newest base no longer has, and such that only it has, if they were compared.
    pub changes: Option<(Vec<String>, Vec<String>)>,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What could not be looked at.
    pub gaps: Vec<Gap>,
}
