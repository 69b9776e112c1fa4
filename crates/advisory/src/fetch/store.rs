//! Copies of feeds in a folder: one folder a feed, in it the body under a name of its own content and `meta.json`,
//! which names it. Renaming `meta.json` is the one step that makes a new body count.
//!
//! Any number of processes may use a store at once: bodies are never changed, only [`Store::prune`] deletes them, and
//! only while nobody else has the store open. What is half there lies in `part`, held by a lock; who finds it held
//! works in a folder of his own.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use plimsoll_model::digest::{Digest, Hasher};
use serde::{Deserialize, Serialize};
use tempfile::{NamedTempFile, TempDir};

use super::Source;
use super::error::FetchError;
use crate::bounded;

/// The most bytes of a small JSON file of ours.
const META_LIMIT: u64 = 64 << 10;
const META: &str = "meta.json";
const PART: &str = "part";
const ABOUT_PART: &str = "part.json";
const LOCK: &str = "lock";

/// A folder of copies.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    /// Shared as long as we use the bodies.
    _lock: File,
}

/// What is known of a copy.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    /// Where it came from, without login and query.
    pub address: String,
    /// The digest of the whole address.
    pub(super) address_digest: Digest,
    /// The upstream's `ETag`.
    pub etag: Option<String>,
    /// The upstream's `Last-Modified`.
    pub last_modified: Option<String>,
    /// When it came.
    pub fetched: Timestamp,
    /// When the upstream last said that it is current.
    pub checked: Timestamp,
    /// How many bytes it has.
    pub size: u64,
    /// The digest of its bytes.
    pub sha256: Digest,
}

/// A whole copy, its bytes checked against their digest.
#[derive(Clone, Debug)]
pub struct Copy {
    /// The body.
    pub path: PathBuf,
    /// What is known of it.
    pub meta: Meta,
}

impl Copy {
    /// Reads the body.
    ///
    /// # Errors
    /// If it cannot be read, or has more bytes than `limit`.
    pub fn read(&self, limit: u64) -> io::Result<Vec<u8>> {
        crate::bounded::read(File::open(&self.path)?, limit)
    }
}

/// What tells one version of a body from another.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Version {
    pub(super) address_digest: Option<Digest>,
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
}

impl Store {
    /// Opens the store at `root`, which is made if it is not there.
    ///
    /// # Errors
    /// If it cannot be made or locked.
    pub fn open(root: &Path) -> Result<Self, FetchError> {
        let failed = |source| FetchError::File { doing: format!("opening {}", root.display()), source };
        fs::create_dir_all(root).map_err(failed)?;
        let lock = lock_file(&root.join(LOCK)).map_err(failed)?;
        // Held by others only for the moment of pruning.
        lock.lock_shared().map_err(failed)?;
        Ok(Self { root: root.to_owned(), _lock: lock })
    }

    /// Deletes what no copy needs any more, unless another process has the store open; then that one will.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn prune(self) -> io::Result<()> {
        let Self { root, _lock: ours } = self;
        drop(ours);
        let lock = lock_file(&root.join(LOCK))?;
        if lock.try_lock().is_err() {
            return Ok(());
        }
        for entry in fs::read_dir(&root)?.filter_map(Result::ok) {
            let folder = entry.path();
            if !fs::symlink_metadata(&folder)?.is_dir() {
                continue;
            }
            let needed = read_json::<Named>(&folder.join(META)).map(|named| named.file);
            for entry in fs::read_dir(&folder)?.filter_map(Result::ok) {
                let name = entry.file_name().to_string_lossy().into_owned();
                if [META, PART, ABOUT_PART, LOCK].contains(&name.as_str()) || needed.as_ref() == Some(&name) {
                    continue;
                }
                let path = entry.path();
                // What cannot be deleted now can be the next time.
                drop(if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) });
            }
        }
        Ok(())
    }

    /// How many bytes the copies have.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn size(&self) -> io::Result<u64> {
        Ok(fs::read_dir(&self.root)?.filter_map(Result::ok).map(|entry| size_of(&entry.path())).sum())
    }

    /// Deletes copies that no upstream has confirmed since `oldest`, and of the others those confirmed longest ago until at most
    /// `limit` bytes are left; unless another process has the store open. Tells how many bytes are left.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn trim(self, limit: u64, oldest: Timestamp) -> io::Result<u64> {
        let Self { root, _lock: ours } = self;
        drop(ours);
        let lock = lock_file(&root.join(LOCK))?;
        let mut copies = Vec::new();
        for entry in fs::read_dir(&root)?.filter_map(Result::ok).filter(|entry| entry.path().is_dir()) {
            let held = read_json::<Named>(&entry.path().join(META));
            let begun = || entry.metadata().and_then(|about| about.modified()).ok()?.try_into().ok();
            let used: Option<Timestamp> = held.map(|named| named.meta.checked).or_else(begun);
            copies.push((used.unwrap_or(Timestamp::UNIX_EPOCH), entry.path(), size_of(&entry.path())));
        }
        copies.sort();
        let mut total: u64 = copies.iter().map(|(_, _, size)| size).sum();
        if lock.try_lock().is_err() {
            return Ok(total);
        }
        for (used, folder, size) in copies {
            if (used < oldest || total > limit) && fs::remove_dir_all(&folder).is_ok() {
                total -= size;
            }
        }
        Ok(total)
    }

    /// The copy of `source` that is here, if it is whole; nothing is fetched.
    #[must_use]
    pub fn copy(&self, source: &Source) -> Option<Copy> {
        self.slot(source).copy()
    }

    /// The place of one feed.
    pub(super) fn slot(&self, source: &Source) -> Slot {
        let first = source.addresses.first();
        let digest = first.map_or_else(|| Digest::of(b""), super::Address::digest).hex();
        let host = first.map(super::Address::host).unwrap_or_default();
        let sound = |c: char| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '_' };
        let host: String = host.chars().take(100).map(sound).collect();
        let file = source.file.as_str().to_owned();
        let folder = self.root.join(format!("at-{host}-{}-{file}", digest.get(..16).unwrap_or_default()));
        Slot { folder, file }
    }
}

fn lock_file(path: &Path) -> io::Result<File> {
    File::options().create(true).truncate(false).write(true).open(path)
}

/// The bytes of the files of a folder.
fn size_of(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries
        .filter_map(|entry| entry.metadata().ok())
        .filter(fs::Metadata::is_file)
        .map(|about| about.len())
        .sum()
}

/// `meta.json` with the name of the body.
#[derive(Deserialize, Serialize)]
struct Named {
    file: String,
    #[serde(flatten)]
    meta: Meta,
}

/// The place of one feed.
#[derive(Debug)]
pub(super) struct Slot {
    folder: PathBuf,
    file: String,
}

impl Slot {
    /// The copy that is there, if it is whole.
    pub(super) fn copy(&self) -> Option<Copy> {
        let Named { file, meta } = read_json(&self.folder.join(META))?;
        let name: super::FileName = file.parse().ok()?;
        let path = self.folder.join(name.as_str());
        let mut body = File::open(&path).ok()?;
        let (sha256, size) = digest_of(&mut body).ok()?;
        (sha256 == meta.sha256 && size == meta.size).then_some(Copy { path, meta })
    }

    /// Notes that the upstream calls the copy current.
    pub(super) fn confirm(&self, mut copy: Copy, now: Timestamp) -> Result<Copy, FetchError> {
        copy.meta.checked = now;
        self.write_meta(&copy)?;
        Ok(copy)
    }

    /// The place for what is half there.
    pub(super) fn part(&self) -> Result<Part, FetchError> {
        self.open_part().map_err(|source| self.failed(source))
    }

    fn open_part(&self) -> io::Result<Part> {
        fs::create_dir_all(&self.folder)?;
        let lock = lock_file(&self.folder.join(LOCK))?;
        if lock.try_lock().is_ok() {
            return Ok(Part { folder: self.folder.clone(), _hold: Hold::Lock(lock) });
        }
        let own = tempfile::Builder::new().prefix("other-").tempdir_in(&self.folder)?;
        Ok(Part { folder: own.path().to_owned(), _hold: Hold::Own(own) })
    }

    /// Makes a whole part the copy.
    pub(super) fn publish(&self, part: &Part, meta: Meta) -> Result<Copy, FetchError> {
        let name = format!("{}-{}", meta.sha256.hex().get(..16).unwrap_or_default(), self.file);
        let copy = Copy { path: self.folder.join(name), meta };
        fs::rename(part.body(), &copy.path).map_err(|source| self.failed(source))?;
        self.write_meta(&copy)?;
        part.discard();
        Ok(copy)
    }

    fn write_meta(&self, copy: &Copy) -> Result<(), FetchError> {
        let file = copy.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let named = Named { file, meta: copy.meta.clone() };
        write_json(&self.folder, META, &named).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> FetchError {
        FetchError::File { doing: format!("writing to {}", self.folder.display()), source }
    }
}

/// What is half there.
#[derive(Debug)]
pub(super) struct Part {
    folder: PathBuf,
    _hold: Hold,
}

/// What keeps others from our part.
#[derive(Debug)]
enum Hold {
    Lock(#[expect(dead_code, reason = "held, not used")] File),
    Own(#[expect(dead_code, reason = "held, not used")] TempDir),
}

impl Part {
    pub(super) fn body(&self) -> PathBuf {
        self.folder.join(PART)
    }

    /// How much is there of which version; none if there is nothing that could be gone on with.
    pub(super) fn state(&self) -> Option<(u64, Version)> {
        let size = fs::metadata(self.body()).ok()?.len();
        let version = read_json::<Version>(&self.folder.join(ABOUT_PART))?;
        (size > 0).then_some((size, version))
    }

    /// Begins anew with this version.
    pub(super) fn begin(&self, version: &Version) -> io::Result<File> {
        // In this order: whenever we are stopped, no byte lies under a version that it is not of.
        drop(fs::remove_file(self.body()));
        write_json(&self.folder, ABOUT_PART, version)?;
        File::options().create(true).truncate(true).write(true).read(true).open(self.body())
    }

    /// Goes on where it ended.
    pub(super) fn go_on(&self) -> io::Result<File> {
        let mut file = File::options().write(true).read(true).open(self.body())?;
        file.seek(SeekFrom::End(0))?;
        Ok(file)
    }

    /// Forgets what is there.
    pub(super) fn discard(&self) {
        // Nothing is lost if it stays: it is of a known version.
        drop(fs::remove_file(self.body()));
        drop(fs::remove_file(self.folder.join(ABOUT_PART)));
    }
}

/// The digest of a whole file and its size.
pub(super) fn digest_of(file: &mut File) -> io::Result<(Digest, u64)> {
    file.seek(SeekFrom::Start(0))?;
    let mut hasher = Hasher::default();
    let mut size = 0_u64;
    let mut buffer = vec![0; 256 << 10];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((hasher.finish(), size));
        }
        size = size.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        hasher.update(buffer.get(..read).unwrap_or_default());
    }
}

/// What is damaged counts as absent.
fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Option<T> {
    serde_json::from_slice(&bounded::read(File::open(path).ok()?, META_LIMIT).ok()?).ok()
}

fn write_json(folder: &Path, name: &str, value: &impl Serialize) -> io::Result<()> {
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(&serde_json::to_vec(value)?)?;
    file.as_file().sync_all()?;
    file.persist(folder.join(name))?;
    Ok(())
}
