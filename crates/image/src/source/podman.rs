//! Images of podman, buildah, skopeo and CRI-O, from the directories of containers/storage
//! (<https://github.com/containers/storage/blob/main/docs/containers-storage.md>), without any of these programs.
//!
//! A store has for its driver D: `D-images/images.json` with names and the layer on top; `D-images/ID/` with
//! manifests and configuration; `D-layers/layers.json` with each layer's parent; `D-layers/ID.tar-split.gz`; and the
//! unpacked files, `overlay/ID/diff` or `vfs/dir/ID`. A manifest's digests of compressed layers mean nothing here:
//! layers go by their place, and the configuration's diff IDs prove them.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use plimsoll_formats::bounded;
use plimsoll_model::digest::BlobDigest;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::wanted::Wanted;
use super::{
    Image, LAYER_LIMIT, LayerContent, PlatformChoice, SourceError, choose, of_platform, tar_split, verified,
};
use crate::config::{CONFIG_LIMIT, ImageConfig};
use crate::manifest::{Descriptor, Document, MANIFEST_LIMIT, Manifest};

/// `images.json` and `layers.json` larger than this are refused; an entry takes about a kilobyte.
const STATE_LIMIT: u64 = 256 << 20;
const HINT: &str =
    "read the store of root with sudo, and the files of other users in a store of yours with podman unshare";
const DRIVERS: [Driver; 2] = [
    Driver { name: "overlay", files: |root, id| root.join("overlay").join(id).join("diff") },
    Driver { name: "vfs", files: |root, id| root.join("vfs/dir").join(id) },
];

struct Driver {
    name: &'static str,
    /// Where a layer's files are.
    files: fn(&Path, &str) -> PathBuf,
}

/// Finds `wanted` in the store at `root` and then in each of `additional`, which may also hold layers of its images:
/// by name (a short one means `localhost/NAME`, then Docker Hub's), by digest, or by twelve digits of the ID or more.
///
/// `None` if no store is there or none has the image.
///
/// # Errors
/// See [`SourceError`].
pub fn images(
    root: &Path,
    additional: &[PathBuf],
    wanted: &str,
    choice: &PlatformChoice,
) -> Result<Option<Vec<Image>>, SourceError> {
    let mut stores = Vec::new();
    for root in std::iter::once(root).chain(additional.iter().map(PathBuf::as_path)) {
        for driver in &DRIVERS {
            stores.extend(Store::open(root, driver)?);
        }
    }
    let asked = Wanted::new(wanted, true);
    for store in &stores {
        if let Some((record, name)) = store.find(&asked, wanted)? {
            let images = Stores(&stores).images(store, record, &name, asked.digest(), choice)?;
            return of_platform(images, choice).map(Some);
        }
    }
    Ok(None)
}

/// An entry of `images.json`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct ImageRecord {
    id: String,
    #[serde(default)]
    digest: Option<BlobDigest>,
    #[serde(default)]
    names: Option<Vec<String>>,
    /// The one on top; none if the image has no layers.
    #[serde(default)]
    layer: Option<String>,
    #[serde(default)]
    big_data_digests: Option<HashMap<String, String>>,
}

/// An entry of `layers.json`.
#[derive(Deserialize)]
struct LayerRecord {
    id: String,
    #[serde(default)]
    parent: Option<String>,
}

impl ImageRecord {
    fn names(&self) -> &[String] {
        self.names.as_deref().unwrap_or_default()
    }

    /// The digests of its manifests.
    fn digests(&self) -> Vec<BlobDigest> {
        let data = self.big_data_digests.iter().flatten();
        let manifests =
            data.filter(|(key, _)| key.starts_with("manifest")).filter_map(|(_, d)| d.parse().ok());
        self.digest.into_iter().chain(manifests).collect()
    }

    /// The name of its data of that digest.
    fn key_of(&self, digest: BlobDigest) -> Option<&str> {
        let text = digest.to_string();
        let mut data = self.big_data_digests.iter().flatten();
        data.find(|(_, of)| **of == text).map(|(key, _)| key.as_str())
    }
}

/// A store's directories of one driver.
struct Store {
    root: PathBuf,
    driver: &'static Driver,
    images: Vec<ImageRecord>,
    layers: HashMap<String, LayerRecord>,
}

impl Store {
    fn open(root: &Path, driver: &'static Driver) -> Result<Option<Self>, SourceError> {
        let folder = |what: &str| root.join(format!("{}-{what}", driver.name));
        let Some(images) = state(&folder("images").join("images.json"))? else { return Ok(None) };
        let layers: Vec<LayerRecord> = state(&folder("layers").join("layers.json"))?.unwrap_or_default();
        let volatile: Vec<LayerRecord> =
            state(&folder("layers").join("volatile-layers.json"))?.unwrap_or_default();
        let layers = layers.into_iter().chain(volatile).map(|layer| (layer.id.clone(), layer)).collect();
        Ok(Some(Self { root: root.to_owned(), driver, images, layers }))
    }

    /// The image that is asked for, and the name for people.
    fn find(&self, asked: &Wanted<'_>, text: &str) -> Result<Option<(&ImageRecord, String)>, SourceError> {
        let named = self.images.iter().flat_map(|image| {
            let digests = image.digests();
            let rank =
                move |name: &String| asked.rank(name, &digests).map(|rank| (rank, image, name.clone()));
            image.names().iter().filter_map(rank)
        });
        if let Some((_, image, name)) = named.min_by_key(|(rank, ..)| *rank) {
            return Ok(Some((image, name)));
        }
        let by_id = |image: &&ImageRecord| {
            asked.is_id(&image.id) || image.digests().iter().any(|digest| asked.is_id(&digest.0.hex()))
        };
        let found: Vec<&ImageRecord> = self.images.iter().filter(by_id).collect();
        match found.as_slice() {
            [] => Ok(None),
            [image] => Ok(Some((image, image.names().first().cloned().unwrap_or_else(|| text.to_owned())))),
            several => Err(SourceError::Ambiguous {
                wanted: text.to_owned(),
                place: self.root.display().to_string(),
                candidates: several.iter().map(|image| image.id.clone()).collect(),
            }),
        }
    }

    /// An image's data of the name `key`.
    fn data(&self, image: &ImageRecord, key: &str, limit: u64) -> Result<Vec<u8>, SourceError> {
        let folder =
            self.root.join(format!("{}-images", self.driver.name)).join(plain_id(&image.id, &self.root)?);
        let path = folder.join(data_file(key));
        bounded::read_file(&path, limit).map_err(|source| SourceError::reading(path, HINT, source))
    }
}

/// Reads a list; `None` if there is no such file.
fn state<T: DeserializeOwned>(path: &Path) -> Result<Option<Vec<T>>, SourceError> {
    let bytes = match bounded::read_file(path, STATE_LIMIT) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(source) => return Err(SourceError::reading(path.to_owned(), HINT, source)),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| SourceError::NotA {
        path: path.to_owned(),
        kind: "containers/storage list",
        problem: error.to_string(),
    })
}

/// The file of an image's data: its name, if that is plain, else in base64.
fn data_file(key: &str) -> String {
    let plain =
        key.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.')) && !matches!(key, "." | "..");
    if plain { key.to_owned() } else { format!("={}", BASE64_STANDARD.encode(key)) }
}

/// IDs become parts of paths.
fn plain_id<'a>(id: &'a str, root: &Path) -> Result<&'a str, SourceError> {
    let plain = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if plain {
        return Ok(id);
    }
    Err(SourceError::NotA {
        path: root.to_owned(),
        kind: "containers/storage directory",
        problem: format!("ID {:?} is malformed", id.chars().take(80).collect::<String>()),
    })
}

/// Stores that share layers.
struct Stores<'a>(&'a [Store]);

impl Stores<'_> {
    fn images(
        &self,
        store: &Store,
        record: &ImageRecord,
        name: &str,
        wanted: Option<BlobDigest>,
        choice: &PlatformChoice,
    ) -> Result<Vec<Image>, SourceError> {
        let key = wanted.and_then(|digest| record.key_of(digest));
        let bytes = store.data(record, key.unwrap_or("manifest"), MANIFEST_LIMIT)?;
        let digest = BlobDigest(plimsoll_model::digest::Digest::of(&bytes));
        if let Some(expected) = wanted.filter(|expected| *expected != digest) {
            return Err(SourceError::Digest {
                what: format!("manifest of {name}"),
                expected,
                actual: digest,
            });
        }
        match parsed(&bytes, digest)? {
            Document::Manifest(manifest) => {
                let mut image = self.image(store, record, name, digest, &manifest)?;
                image.documents.manifest = Some(bytes.into());
                Ok(vec![image])
            }
            Document::Index(index) => choose(&index, choice)?
                .into_iter()
                .map(|descriptor| self.instance(name, descriptor))
                .collect(),
        }
    }

    /// The image of one platform in a manifest list, which is an image of its own in the store.
    fn instance(&self, name: &str, descriptor: &Descriptor) -> Result<Image, SourceError> {
        for store in self.0 {
            for record in &store.images {
                let Some(key) = record.key_of(descriptor.digest) else { continue };
                let bytes = store.data(record, key, MANIFEST_LIMIT)?;
                let bytes = verified(&format!("manifest {}", descriptor.digest), descriptor, bytes)?;
                if let Document::Manifest(manifest) = parsed(&bytes, descriptor.digest)? {
                    let mut image = self.image(store, record, name, descriptor.digest, &manifest)?;
                    image.documents.manifest = Some(bytes.into());
                    return Ok(image);
                }
            }
        }
        Err(SourceError::Absent {
            what: format!("image {} of manifest list {name}", descriptor.digest),
            place: "podman's store".to_owned(),
            hint: "pull it by its digest",
        })
    }

    fn image(
        &self,
        store: &Store,
        record: &ImageRecord,
        name: &str,
        digest: BlobDigest,
        manifest: &Manifest,
    ) -> Result<Image, SourceError> {
        let config_digest = manifest.config.digest;
        let bytes = store.data(record, &config_digest.to_string(), CONFIG_LIMIT)?;
        let bytes = verified(&format!("configuration {config_digest}"), &manifest.config, bytes)?;
        let config: ImageConfig = serde_json::from_slice(&bytes)
            .map_err(|source| SourceError::Config { digest: config_digest, source })?;
        let contents = self.layers(record)?;
        if config.rootfs.diff_ids.len() != contents.len() {
            return Err(SourceError::LayerCount {
                manifest: digest,
                layers: contents.len(),
                diff_ids: config.rootfs.diff_ids.len(),
            });
        }
        Ok(Image {
            name: name.to_owned(),
            manifest_digest: Some(digest),
            index_digest: None,
            config_digest: Some(config_digest),
            platform: config.platform(),
            layers: super::layers(&config, contents.into_iter().map(|content| (None, content)).collect()),
            config,
            documents: super::Documents { config: Some(bytes.into()), ..super::Documents::default() },
        })
    }

    /// The contents of an image's layers, lowest first.
    fn layers(&self, record: &ImageRecord) -> Result<Vec<LayerContent>, SourceError> {
        let mut contents = Vec::new();
        let mut next = record.layer.as_deref().filter(|id| !id.is_empty());
        while let Some(id) = next {
            // A loop of parents ends here as well.
            if contents.len() >= LAYER_LIMIT {
                return Err(SourceError::TooManyLayers { layers: contents.len() + 1, limit: LAYER_LIMIT });
            }
            let found = self.0.iter().find_map(|store| store.layers.get(id).map(|layer| (store, layer)));
            let (store, layer) = found.ok_or_else(|| SourceError::Absent {
                what: format!("layer {}", id.chars().take(80).collect::<String>()),
                place: "podman's store".to_owned(),
                hint: "the image is damaged, or additional image stores were not given",
            })?;
            contents.push(content(store, plain_id(id, &store.root)?));
            next = layer.parent.as_deref().filter(|id| !id.is_empty());
        }
        contents.reverse();
        Ok(contents)
    }
}

fn parsed(bytes: &[u8], digest: BlobDigest) -> Result<Document, SourceError> {
    Document::parse(bytes).map_err(|source| SourceError::Manifest { digest, source })
}

fn content(store: &Store, id: &str) -> LayerContent {
    let files = (store.driver.files)(&store.root, id);
    if files.with_file_name("composefs-data").exists() {
        return LayerContent::Unreadable("the layer is kept in composefs form, which is not read".to_owned());
    }
    let record = store.root.join(format!("{}-layers", store.driver.name)).join(format!("{id}.tar-split.gz"));
    tar_split::content(record, files, HINT)
}
