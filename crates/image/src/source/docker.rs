//! Images of docker's own store, the one of its graph drivers, from docker's directory without the daemon. Images
//! that docker keeps in containerd are found by [`super::containerd`].
//!
//! For the driver D there is `image/D/repositories.json` with names, `imagedb/content/sha256/ID` with
//! configurations, and `layerdb/sha256/CHAIN/` with the record of each layer's tar and its place in `D/`. CHAIN is the
//! layer's chain ID (<https://github.com/opencontainers/image-spec/blob/main/config.md#layer-chainid>).

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use plimsoll_formats::bounded;
use plimsoll_model::digest::{BlobDigest, DiffId, Digest};
use serde::Deserialize;

use super::wanted::Wanted;
use super::{Image, LAYER_LIMIT, LayerContent, PlatformChoice, SourceError, of_platform, tar_split};
use crate::config::{CONFIG_LIMIT, ImageConfig};

/// `repositories.json` larger than this is refused.
const NAMES_LIMIT: u64 = 64 << 20;
/// The files that hold an ID or a digest.
const ID_LIMIT: u64 = 256;
const HINT: &str = "docker's directory belongs to root: use sudo";
const DRIVERS: [Driver; 3] = [
    Driver { name: "overlay2", files: |root, id| root.join("overlay2").join(id).join("diff") },
    Driver { name: "fuse-overlayfs", files: |root, id| root.join("fuse-overlayfs").join(id).join("diff") },
    Driver { name: "vfs", files: |root, id| root.join("vfs/dir").join(id) },
];

struct Driver {
    name: &'static str,
    /// Where a layer's files are.
    files: fn(&Path, &str) -> PathBuf,
}

/// Finds `wanted` in docker's directory `root` (`/var/lib/docker`): by name, by digest, or by twelve digits of the ID
/// or more.
///
/// `None` if no store is there or it has no such image.
///
/// # Errors
/// See [`SourceError`].
pub fn images(root: &Path, wanted: &str, choice: &PlatformChoice) -> Result<Option<Vec<Image>>, SourceError> {
    for driver in &DRIVERS {
        let store = Store { root, driver };
        if let Some((id, name)) = store.find(wanted)? {
            return of_platform(vec![store.image(id, &name)?], choice).map(Some);
        }
    }
    Ok(None)
}

/// `repositories.json`: by repository, names in full and the IDs they mean.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Repositories {
    #[serde(default)]
    repositories: BTreeMap<String, BTreeMap<String, BlobDigest>>,
}

/// Docker's directories of one driver.
struct Store<'a> {
    root: &'a Path,
    driver: &'a Driver,
}

impl Store<'_> {
    fn path(&self, below: &str) -> PathBuf {
        self.root.join("image").join(self.driver.name).join(below)
    }

    /// The ID of the image that is asked for, and the name for people.
    fn find(&self, wanted: &str) -> Result<Option<(BlobDigest, String)>, SourceError> {
        let asked = Wanted::new(wanted, false);
        let path = self.path("repositories.json");
        let repositories: Repositories = match read(&path, NAMES_LIMIT)? {
            Some(bytes) => serde_json::from_slice(&bytes).map_err(|error| SourceError::NotA {
                path,
                kind: "docker repository list",
                problem: error.to_string(),
            })?,
            None => Repositories::default(),
        };
        let names = repositories.repositories.values().flatten();
        let ranked = names.filter_map(|(name, id)| asked.rank(name, &[*id]).map(|rank| (rank, *id, name)));
        if let Some((_, id, name)) = ranked.min_by_key(|(rank, ..)| *rank) {
            return Ok(Some((id, name.clone())));
        }
        self.find_id(&asked, wanted).map(|id| id.map(|id| (id, wanted.to_owned())))
    }

    fn find_id(&self, asked: &Wanted<'_>, wanted: &str) -> Result<Option<BlobDigest>, SourceError> {
        if !asked.has_id() {
            return Ok(None);
        }
        let folder = self.path("imagedb/content/sha256");
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(source) => return Err(SourceError::reading(folder, HINT, source)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|source| SourceError::Read { path: folder.clone(), source })?;
            if let Some(name) = entry.file_name().to_str()
                && asked.is_id(name)
                && let Ok(id) = format!("sha256:{name}").parse()
            {
                found.push(id);
            }
        }
        match found.as_slice() {
            [] => Ok(None),
            [id] => Ok(Some(*id)),
            several => Err(SourceError::Ambiguous {
                wanted: wanted.to_owned(),
                place: self.root.display().to_string(),
                candidates: several.iter().map(BlobDigest::to_string).collect(),
            }),
        }
    }

    fn image(&self, id: BlobDigest, name: &str) -> Result<Image, SourceError> {
        let path = self.path("imagedb/content/sha256").join(id.0.hex());
        let absent = || SourceError::Absent {
            what: format!("the configuration of {name} ({id})"),
            place: self.root.display().to_string(),
            hint: "the store is damaged",
        };
        let bytes = read(&path, CONFIG_LIMIT)?.ok_or_else(absent)?;
        let actual = BlobDigest(Digest::of(&bytes));
        if actual != id {
            return Err(SourceError::Digest { what: path.display().to_string(), expected: id, actual });
        }
        let config: ImageConfig =
            serde_json::from_slice(&bytes).map_err(|source| SourceError::Config { digest: id, source })?;
        let diff_ids = &config.rootfs.diff_ids;
        if diff_ids.len() > LAYER_LIMIT {
            return Err(SourceError::TooManyLayers { layers: diff_ids.len(), limit: LAYER_LIMIT });
        }
        let contents = chain_ids(diff_ids).into_iter().map(|chain| Ok((None, self.content(chain)?)));
        let contents = contents.collect::<Result<Vec<_>, SourceError>>()?;
        Ok(Image {
            name: name.to_owned(),
            manifest_digest: None,
            index_digest: None,
            config_digest: Some(id),
            platform: config.platform(),
            layers: super::layers(&config, contents),
            config,
            documents: super::Documents { config: Some(bytes.into()), ..super::Documents::default() },
        })
    }

    fn content(&self, chain: Digest) -> Result<LayerContent, SourceError> {
        let folder = self.path("layerdb/sha256").join(chain.hex());
        let Some(cache_id) = read(&folder.join("cache-id"), ID_LIMIT)? else {
            return Ok(LayerContent::Unreadable(format!("docker has no layer {chain}")));
        };
        let cache_id = String::from_utf8(cache_id).unwrap_or_default();
        let cache_id = cache_id.trim();
        let plain = !cache_id.is_empty() && cache_id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !plain {
            return Ok(LayerContent::Unreadable(format!("docker's cache ID of layer {chain} is malformed")));
        }
        let files = (self.driver.files)(self.root, cache_id);
        Ok(tar_split::content(folder.join("tar-split.json.gz"), files, HINT))
    }
}

/// The chain ID of each layer: the first one's is its diff ID, the others digest the one below and their diff ID.
fn chain_ids(diff_ids: &[DiffId]) -> Vec<Digest> {
    let chain = diff_ids.iter().scan(None, |below: &mut Option<Digest>, diff_id| {
        let id = below.map_or(diff_id.0, |below| Digest::of(format!("{below} {diff_id}").as_bytes()));
        *below = Some(id);
        Some(id)
    });
    chain.collect()
}

/// Reads a file whole; `None` if there is none.
fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, SourceError> {
    match bounded::read_file(path, limit) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(source) => Err(SourceError::reading(path.to_owned(), HINT, source)),
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
