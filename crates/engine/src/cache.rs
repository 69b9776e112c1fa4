//! The evidence cache: what was once read of a layer is never read again.
//!
//! One file a layer, named by its diff ID, holds its entries and, for each extractor and revision, its facts; one
//! file an image holds what its layers add up to. Both are derived and may be deleted at any time. Files are
//! written whole under another name and renamed, so any number of processes can share the cache without locks; a
//! damaged file is told by its checksum and counts as absent. When the cache grows over its limit, the files
//! least recently used go.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use plimsoll_catalog::overlay::Merged;
use plimsoll_formats::bounded;
use plimsoll_model::code::LocatedCode;
use plimsoll_model::digest::{DiffId, Digest, Hasher};
use plimsoll_model::evidence::LayerEvidence;
use plimsoll_model::extractor::Extractor;
use plimsoll_model::inventory::{Dependency, Inventory, Origin};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::stored::{self, Stored};
use crate::whole_file::WholeFile;

/// Raised when the encoding of cached values changes; files of other versions are not found.
const FORMAT: &str = "v10";
const MAGIC: &[u8; 8] = b"PLIMEV3\n";
/// No sound evidence file is larger.
const FILE_LIMIT: u64 = 1 << 30;
/// Temporary files older than this were left behind by a process that died.
const STALE: Duration = Duration::from_secs(3600);
/// A use is noted in the file's time only this often.
const TOUCH: Duration = Duration::from_secs(3600);

/// A cache directory.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
    limit: u64,
    now: SystemTime,
}

/// What a cache holds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CacheInfo {
    /// Layers.
    pub layers: u64,
    /// Images.
    pub images: u64,
    /// Bytes of all files.
    pub bytes: u64,
}

/// Names an image's merged evidence: its layers, their origins, and who looked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ImageKey(Digest);

impl ImageKey {
    /// The key of the image made of `layers`, read by `extractors`.
    #[must_use]
    pub fn new(layers: &[DiffId], origins: &[Origin], extractors: &[Extractor]) -> Self {
        let mut hasher = Hasher::default();
        for (layer, origin) in layers.iter().zip(origins) {
            hasher.update(layer.0.as_bytes());
            hasher.update(&[*origin as u8]);
        }
        for extractor in extractors {
            hasher.update(extractor.name.as_bytes());
            hasher.update(&[0]);
            hasher.update(&extractor.revision.to_le_bytes());
        }
        hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
        Self(hasher.finish())
    }
}

impl Cache {
    /// Uses the cache at `root`, at most `limit` bytes; `now` is the time that uses are noted with.
    ///
    /// # Errors
    /// If its directories cannot be made.
    pub fn open(root: &Path, limit: u64, now: SystemTime) -> io::Result<Self> {
        let root = root.join(FORMAT);
        for kind in ["layers", "images", "tmp"] {
            fs::create_dir_all(root.join(kind))?;
        }
        Ok(Self { root, limit, now })
    }

    /// The directory for anonymous temporary files.
    #[must_use]
    pub fn spool(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// The evidence of a layer, by whichever extractors have looked.
    #[must_use]
    pub fn layer(&self, diff_id: DiffId) -> Option<LayerEvidence> {
        let evidence: LayerEvidence = decode(&self.read(&self.layer_path(diff_id), Section::First)?)?;
        (evidence.diff_id == diff_id).then_some(evidence)
    }

    /// Keeps the evidence of a layer.
    ///
    /// # Errors
    /// If the file cannot be written; the cache stays as it was.
    pub fn keep_layer(&self, evidence: &LayerEvidence) -> io::Result<()> {
        self.write(
            &self.layer_path(evidence.diff_id),
            &[encode(evidence)?, Vec::new(), Vec::new(), Vec::new()],
        )
    }

    /// What an image's layers add up to, without the lists of owned files, of relations and of code.
    #[must_use]
    pub fn image(&self, key: ImageKey) -> Option<Inventory> {
        decode(&self.read(&self.image_path(key), Section::First)?)
    }

    /// The lists of owned files that belong to [`Cache::image`].
    #[must_use]
    pub fn owned_files(&self, key: ImageKey) -> Option<Vec<Vec<String>>> {
        decode(&self.read(&self.image_path(key), Section::Third)?)
    }

    /// Which packages of [`Cache::image`] need which.
    #[must_use]
    pub fn dependencies(&self, key: ImageKey) -> Option<Vec<Dependency>> {
        decode(&self.read(&self.image_path(key), Section::Fourth)?)
    }

    /// The code that belongs to [`Cache::image`].
    #[must_use]
    pub fn code(&self, key: ImageKey) -> Option<Vec<LocatedCode>> {
        decode(&self.read(&self.image_path(key), Section::Second)?)
    }

    /// Forgets what an image's layers add up to, because a part of it is damaged; the next scan adds them up again.
    pub fn forget_image(&self, key: ImageKey) {
        drop(fs::remove_file(self.image_path(key)));
    }

    /// Keeps what an image's layers add up to.
    ///
    /// # Errors
    /// If the file cannot be written; the cache stays as it was.
    pub fn keep_image(&self, key: ImageKey, merged: &Merged) -> io::Result<()> {
        let Merged { inventory, owned_files, dependencies, code } = merged;
        let sections = [encode(inventory)?, encode(code)?, encode(owned_files)?, encode(dependencies)?];
        self.write(&self.image_path(key), &sections)
    }

    /// Counts what is there.
    ///
    /// # Errors
    /// If a directory cannot be read.
    pub fn info(&self) -> io::Result<CacheInfo> {
        let mut info = CacheInfo::default();
        for (kind, count) in [("layers", &mut info.layers), ("images", &mut info.images)] {
            for file in self.files(kind)? {
                *count += 1;
                info.bytes += file.bytes;
            }
        }
        Ok(info)
    }

    /// Deletes the files least recently used until at most `bytes` are left, and what dead processes left behind.
    ///
    /// # Errors
    /// If a directory cannot be read. Files that other processes delete at the same time do not matter.
    pub fn prune(&self, bytes: u64) -> io::Result<CacheInfo> {
        let mut files = self.files("layers")?;
        files.extend(self.files("images")?);
        stored::shrink(files, bytes);
        for stale in self.files("tmp")? {
            if self.now.duration_since(stale.used).is_ok_and(|age| age > STALE) {
                drop(fs::remove_file(&stale.path));
            }
        }
        self.info()
    }

    fn layer_path(&self, diff_id: DiffId) -> PathBuf {
        self.root.join("layers").join(diff_id.0.hex())
    }

    fn image_path(&self, key: ImageKey) -> PathBuf {
        self.root.join("images").join(key.0.hex())
    }

    fn files(&self, kind: &str) -> io::Result<Vec<Stored>> {
        stored::files(&self.root.join(kind))
    }

    /// One section of a file; `None` if it is absent, damaged, or of something else.
    fn read(&self, path: &Path, section: Section) -> Option<Vec<u8>> {
        let mut file = File::open(path).ok()?;
        let modified = file.metadata().and_then(|metadata| metadata.modified()).ok();
        let mut head = [0; HEAD];
        file.read_exact(&mut head).ok()?;
        let (lengths, checksums) = head.strip_prefix(MAGIC)?.split_first_chunk::<LENGTHS>()?;
        let mut sections = lengths.as_chunks::<8>().0.iter().zip(checksums.as_chunks::<4>().0);
        let lengths_before = sections.by_ref().take(section as usize);
        let skip: u64 =
            lengths_before.map(|(len, _)| u64::from_le_bytes(*len)).try_fold(0, u64::checked_add)?;
        let (len, checksum) = sections.next()?;
        let (len, checksum) = (u64::from_le_bytes(*len), u32::from_le_bytes(*checksum));
        file.seek_relative(i64::try_from(skip).ok()?).ok()?;
        let bytes = bounded::read((&file).take(len), FILE_LIMIT).ok()?;
        // The lengths are part of what is summed, so that a damaged head is told as well.
        if bytes.len() as u64 != len || sum(lengths, &bytes) != checksum {
            return None;
        }
        if modified.is_some_and(|time| self.now.duration_since(time).is_ok_and(|age| age > TOUCH)) {
            // Only the order of deletion suffers if this fails.
            drop(file.set_modified(self.now));
        }
        Some(bytes)
    }

    fn write(&self, path: &Path, sections: &[Vec<u8>; SECTIONS]) -> io::Result<()> {
        let mut lengths = [0; LENGTHS];
        for (to, from) in lengths.chunks_exact_mut(8).zip(sections) {
            to.copy_from_slice(&(from.len() as u64).to_le_bytes());
        }
        let mut file = WholeFile::new_in(&self.spool(), 0o600)?;
        file.write_all(MAGIC)?;
        file.write_all(&lengths)?;
        for section in sections {
            file.write_all(&sum(&lengths, section).to_le_bytes())?;
        }
        for section in sections {
            file.write_all(section)?;
        }
        file.persist(path)?;
        self.prune_if_large()
    }

    fn prune_if_large(&self) -> io::Result<()> {
        if self.info()?.bytes > self.limit {
            // A little below the limit, so that not each write prunes.
            self.prune(self.limit - self.limit / 10)?;
        }
        Ok(())
    }
}

/// A file's parts: what is always read, and what is only read when it is asked for.
#[derive(Clone, Copy, Debug)]
enum Section {
    First,
    Second,
    Third,
    Fourth,
}

const SECTIONS: usize = 4;
const LENGTHS: usize = SECTIONS * 8;
/// Magic, lengths, checksums.
const HEAD: usize = MAGIC.len() + LENGTHS + SECTIONS * 4;

fn sum(lengths: &[u8], bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(lengths);
    hasher.update(bytes);
    hasher.finalize()
}

fn encode<T: Serialize + ?Sized>(value: &T) -> io::Result<Vec<u8>> {
    postcard::to_stdvec(value).map_err(io::Error::other)
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    postcard::from_bytes(bytes).ok()
}

#[cfg(test)]
mod tests;
