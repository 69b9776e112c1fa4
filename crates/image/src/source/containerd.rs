//! Images of containerd, and of docker where it keeps them in containerd, from containerd's own directory
//! (<https://github.com/containerd/containerd/blob/main/docs/content-flow.md>), without the daemon.
//!
//! Names are in the database `io.containerd.metadata.v1.bolt/meta.db`, at `v1/NAMESPACE/images/NAME/target`
//! (<https://github.com/containerd/containerd/blob/main/core/metadata/buckets.go>); blobs are files named by digest.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use plimsoll_formats::bolt::{BoltError, Bucket, Database, Value};
use plimsoll_formats::bounded;
use plimsoll_model::digest::BlobDigest;

use super::layout::BlobFile;
use super::wanted::Wanted;
use super::{
    Blobs, Image, LayerContent, OpenLayer, PlatformChoice, SourceError, of_platform, resolve, verified,
};
use crate::manifest::Descriptor;

const DATABASE: &str = "io.containerd.metadata.v1.bolt/meta.db";
const BLOBS: &str = "io.containerd.content.v1.content/blobs/sha256";
/// The most names that are looked at.
const NAME_LIMIT: usize = 1_000_000;
/// How often reading starts again when containerd writes meanwhile.
const ATTEMPTS: u32 = 20;
/// How long to wait after the first attempt; longer after each further one.
const PAUSE: Duration = Duration::from_millis(10);
const HINT: &str = "containerd's directory belongs to root: use sudo";

/// Finds `wanted` in containerd's directory `root`, in all namespaces, `default`, `k8s.io` and `moby` first: by name
/// (a short one means Docker Hub's), by digest, or by twelve digits of it or more.
///
/// `None` if no containerd is there or it has no such image.
///
/// # Errors
/// See [`SourceError`].
pub fn images(root: &Path, wanted: &str, choice: &PlatformChoice) -> Result<Option<Vec<Image>>, SourceError> {
    let Some(names) = names(&root.join(DATABASE))? else { return Ok(None) };
    let Some(found) = find(&names, wanted, root)? else { return Ok(None) };
    let content = Content { blobs: root.join(BLOBS) };
    let descriptor = Descriptor {
        media_type: String::new(),
        digest: found.target,
        size: found.size,
        platform: None,
        annotations: None,
        urls: Vec::new(),
        artifact_type: None,
    };
    let mut images = resolve(&content, &found.name, &descriptor, choice)?;
    images.iter_mut().for_each(|image| content.mark_missing(image));
    of_platform(images, choice).map(Some)
}

/// A name in the database.
#[derive(Clone)]
struct Named {
    namespace: String,
    name: String,
    target: BlobDigest,
    size: u64,
}

fn find(names: &[Named], wanted: &str, root: &Path) -> Result<Option<Named>, SourceError> {
    let asked = Wanted::new(wanted, false);
    let is_target = |named: &&Named| asked.digest().is_none_or(|digest| digest == named.target);
    let ranked = names.iter().filter(is_target).filter_map(|named| {
        let rank = asked.rank(&named.name, &[named.target])?;
        Some(((rank, namespace_rank(&named.namespace)), named))
    });
    if let Some((_, named)) = ranked.min_by_key(|(rank, _)| *rank) {
        return Ok(Some(named.clone()));
    }
    // The image service of Kubernetes keeps an image's ID as a name.
    let by_id = |named: &&Named| {
        asked.is_id(&named.target.0.hex())
            || named.name.strip_prefix("sha256:").is_some_and(|id| asked.is_id(id))
    };
    let mut found: Vec<&Named> = names.iter().filter(by_id).collect();
    found.sort_by_key(|named| {
        (named.target, named.name.starts_with("sha256:"), namespace_rank(&named.namespace))
    });
    found.dedup_by_key(|named| named.target);
    match found.as_slice() {
        [] => Ok(None),
        [named] => Ok(Some((*named).clone())),
        several => Err(SourceError::Ambiguous {
            wanted: wanted.to_owned(),
            place: root.display().to_string(),
            candidates: several.iter().map(|named| named.target.to_string()).collect(),
        }),
    }
}

fn namespace_rank(namespace: &str) -> usize {
    ["default", "k8s.io", "moby"].iter().position(|known| *known == namespace).unwrap_or(3)
}

/// All names in the database, read from one state of it; `None` if there is no database.
fn names(path: &Path) -> Result<Option<Vec<Named>>, SourceError> {
    let file = match bounded::open_file(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(source) => return Err(SourceError::reading(path.to_owned(), HINT, source)),
    };
    let failed = |source| SourceError::Database { path: path.to_owned(), source };
    let mut attempts = 1;
    loop {
        let file = file.try_clone().map_err(|source| SourceError::Read { path: path.to_owned(), source })?;
        let database = Database::open(file).map_err(failed)?;
        let names = names_in(&database);
        if database.is_current() {
            return names.map(Some).map_err(failed);
        }
        if attempts == ATTEMPTS {
            return Err(SourceError::Read {
                path: path.to_owned(),
                source: io::Error::new(io::ErrorKind::ResourceBusy, "containerd keeps writing to it"),
            });
        }
        // Writes come in bursts.
        std::thread::sleep(PAUSE * attempts);
        attempts += 1;
    }
}

fn names_in(database: &Database<File>) -> Result<Vec<Named>, BoltError> {
    let mut names = Vec::new();
    let Some(version) = database.bucket(&database.root(), &[b"v1"])? else { return Ok(names) };
    database.each(&version, |namespace, value| {
        let Value::Bucket(bucket) = value else { return Ok(()) };
        let Some(images) = database.bucket(&bucket, &[b"images"])? else { return Ok(()) };
        let namespace = String::from_utf8_lossy(namespace).into_owned();
        database.each(&images, |name, value| {
            if let Value::Bucket(image) = value
                && names.len() < NAME_LIMIT
                && let Some((target, size)) = target(database, &image)?
            {
                let name = String::from_utf8_lossy(name).into_owned();
                names.push(Named { namespace: namespace.clone(), name, target, size });
            }
            Ok(())
        })
    })?;
    Ok(names)
}

/// What an image's bucket points at; `None` where that is no SHA-256 digest.
fn target(database: &Database<File>, image: &Bucket) -> Result<Option<(BlobDigest, u64)>, BoltError> {
    let Some(target) = database.bucket(image, &[b"target"])? else { return Ok(None) };
    let digest = database.bytes(&target, b"digest")?.unwrap_or_default();
    let size = database.bytes(&target, b"size")?.and_then(|bytes| varint(&bytes)).unwrap_or(0);
    Ok(std::str::from_utf8(&digest).ok().and_then(|text| text.parse().ok()).map(|digest| (digest, size)))
}

/// A number as Go's `binary.PutVarint` writes it; sizes are never negative.
fn varint(bytes: &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(9) {
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return (number & 1 == 0).then_some(number >> 1);
        }
    }
    None
}

/// The content store.
struct Content {
    blobs: PathBuf,
}

impl Content {
    fn path(&self, digest: BlobDigest) -> PathBuf {
        self.blobs.join(digest.0.hex())
    }

    /// Layers whose blobs are gone cannot be read: the unpacked files that are left have no digest.
    fn mark_missing(&self, image: &mut Image) {
        for layer in &mut image.layers {
            let Some(blob) = &layer.blob else { continue };
            if matches!(layer.content, LayerContent::Tar(_)) && !self.path(blob.digest).exists() {
                layer.content = LayerContent::Unreadable(format!(
                    "blob {} is not in containerd's store: it was discarded after unpacking \
                     (discard_unpacked_layers) or is fetched on use (a lazy snapshotter)",
                    blob.digest
                ));
            }
        }
    }
}

impl Blobs for Content {
    fn small(&self, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, SourceError> {
        let path = self.path(descriptor.digest);
        let bytes = bounded::read_file(&path, limit).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => SourceError::Absent {
                what: match &descriptor.platform {
                    Some(platform) => format!("the image for {platform} ({})", descriptor.digest),
                    None => format!("blob {}", descriptor.digest),
                },
                place: self.blobs.display().to_string(),
                hint: "the image was pulled for another platform, or in part",
            },
            _ => SourceError::reading(path, HINT, source),
        })?;
        verified(&format!("blob {}", descriptor.digest), descriptor, bytes)
    }

    fn layer(&self, descriptor: &Descriptor) -> Arc<dyn OpenLayer> {
        Arc::new(BlobFile(self.path(descriptor.digest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_go_writes_them() {
        assert_eq!(varint(&[0]), Some(0));
        assert_eq!(varint(&[0x80, 0x01]), Some(64));
        assert_eq!(varint(&[0xac, 0x02]), Some(150));
        for bad in [&[][..], &[0x80], &[1], &[0xff; 12]] {
            assert_eq!(varint(bad), None, "{bad:?}");
        }
    }
}
