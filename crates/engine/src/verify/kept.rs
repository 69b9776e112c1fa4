//! What was fetched to verify an image, kept on this machine, so that no registry is asked the next time.
//!
//! No judgment is kept but what it rests on: lists of what refers to an image, and the bytes of manifests and signatures, each under
//! its digest. All of it is verified anew each time, against the keys, roots and times of then. So whoever can write to the folder
//! can hide signatures, bring others (genuine ones too, that were withdrawn), give a tag another image that is signed as well, and
//! make all that look new; but nothing that is not signed as demanded is ever accepted.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use plimsoll_formats::bounded;
use plimsoll_image::manifest::Descriptor;
use plimsoll_image::source::referrers::attach::{AttachError, Packed, Tagged};
use plimsoll_image::source::referrers::{Asked, Listing, Referrer, ReferrerError, Referrers, Tie};
use plimsoll_image::source::resolved::Resolved;
use plimsoll_model::digest::{BlobDigest, Digest};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::stored::{self, Stored};
use crate::whole_file::WholeFile;

/// Raised when the form of what is kept changes.
const FORMAT: &str = "v1";
const LISTS: &str = "lists";
const NAMES: &str = "names";
const BLOBS: &str = "blobs";
/// A larger list is not kept, nor read.
const LIST_LIMIT: u64 = 8 << 20;
/// No more bytes are kept of one image.
const IMAGE_LIMIT: usize = 16 << 20;
/// When there are more bytes in all, what was not used for longest goes.
const LIMIT: u64 = 256 << 20;

/// A folder with what was fetched.
#[derive(Clone, Debug)]
pub struct Kept {
    root: PathBuf,
}

/// What a name led to.
#[derive(Deserialize, Serialize)]
struct Name {
    reference: String,
    digest: BlobDigest,
    fetched: Timestamp,
}

/// What refers to an image, and to others that had to be looked at with it.
#[derive(Clone, Deserialize, Serialize)]
struct Lists {
    repository: String,
    image: BlobDigest,
    fetched: Timestamp,
    lists: Vec<(BlobDigest, Vec<Entry>)>,
}

#[derive(Clone, Deserialize, Serialize)]
struct Entry {
    is_tagged: bool,
    media_type: String,
    digest: BlobDigest,
    size: u64,
    artifact_type: Option<String>,
    annotations: Option<BTreeMap<String, String>>,
}

impl Kept {
    /// What is kept in the folder `root`, which need not be there yet.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.join(FORMAT) }
    }

    /// What a name led to, and when.
    #[must_use]
    pub fn name(&self, reference: &str) -> Option<(BlobDigest, Timestamp)> {
        let kept: Name = self.read(NAMES, &key(&[reference]))?;
        (kept.reference == reference).then_some((kept.digest, kept.fetched))
    }

    /// What is kept of an image: itself, and the place of its signatures.
    #[must_use]
    pub fn image(&self, repository: &str, digest: BlobDigest, name: &str) -> Option<(Resolved, Replay)> {
        let kept: Lists = self.read(LISTS, &key(&[repository, &digest.to_string()]))?;
        if kept.repository != repository || kept.image != digest {
            return None;
        }
        let replay = Replay { kept: self.clone(), lists: kept };
        let bytes = replay.blob(digest, plimsoll_image::manifest::MANIFEST_LIMIT)?;
        Some((Resolved::of_bytes(name.to_owned(), digest, bytes).ok()?, replay))
    }

    /// Keeps what a name led to.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep_name(&self, reference: &str, digest: BlobDigest, now: Timestamp) -> io::Result<()> {
        let name = Name { reference: reference.to_owned(), digest, fetched: now };
        self.make_folders()?;
        self.write(NAMES, &key(&[reference]), &serde_json::to_vec(&name)?)
    }

    fn make_folders(&self) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        let builder = builder.recursive(true).mode(0o700);
        [LISTS, NAMES, BLOBS].iter().try_for_each(|kind| builder.create(self.root.join(kind)))
    }

    /// Keeps what was fetched to verify an image.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep(
        &self,
        repository: &str,
        resolved: &Resolved,
        recorder: Recorder<'_>,
        now: Timestamp,
    ) -> io::Result<()> {
        self.make_folders()?;
        let (image, mut blobs) = (resolved.digest, recorder.blobs.into_inner());
        blobs.insert(image, resolved.bytes.clone());
        let mut held = 0_usize;
        for (digest, bytes) in blobs {
            held = held.saturating_add(bytes.len());
            if held > IMAGE_LIMIT {
                break;
            }
            self.write(BLOBS, &digest.0.hex(), &bytes)?;
        }
        let lists = recorder.lists.into_inner();
        let lists = Lists { repository: repository.to_owned(), image, fetched: now, lists };
        self.write(LISTS, &key(&[repository, &image.to_string()]), &serde_json::to_vec(&lists)?)?;
        if self.bytes() > LIMIT {
            self.prune(LIMIT - LIMIT / 10);
        }
        Ok(())
    }

    /// How many bytes are kept.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files().iter().map(|file| file.bytes).sum()
    }

    /// Deletes what was kept first until at most `bytes` are left.
    pub fn prune(&self, bytes: u64) {
        stored::shrink(self.files(), bytes);
    }

    fn files(&self) -> Vec<Stored> {
        [LISTS, NAMES, BLOBS]
            .iter()
            .flat_map(|kind| stored::files(&self.root.join(kind)).unwrap_or_default())
            .collect()
    }

    /// A damaged file counts as absent.
    fn read<T: DeserializeOwned>(&self, kind: &str, name: &str) -> Option<T> {
        let bytes = bounded::read_file(&self.root.join(kind).join(name), LIST_LIMIT).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    fn write(&self, kind: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
        let folder = self.root.join(kind);
        let mut file = WholeFile::new_in(&folder, 0o600)?;
        file.write_all(bytes)?;
        file.persist(&folder.join(name))
    }
}

/// The name of a file: what it is of may hold anything.
fn key(parts: &[&str]) -> String {
    Digest::of(parts.join("\0").as_bytes()).hex()
}

/// A place that has only what was kept.
pub struct Replay {
    kept: Kept,
    lists: Lists,
}

impl std::fmt::Debug for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replay").field("image", &self.lists.image).finish_non_exhaustive()
    }
}

impl Replay {
    /// When it was fetched.
    #[must_use]
    pub const fn fetched(&self) -> Timestamp {
        self.lists.fetched
    }

    fn is_closed(&self, digest: BlobDigest) -> AttachError {
        let path = self.kept.root.join(digest.0.hex());
        AttachError::Index { path, problem: "nothing is attached to what was fetched" }
    }

    fn blob(&self, digest: BlobDigest, limit: u64) -> Option<Vec<u8>> {
        let path = self.kept.root.join(BLOBS).join(digest.0.hex());
        let bytes = bounded::read_file(&path, limit).ok()?;
        (Digest::of(&bytes) == digest.0).then_some(bytes)
    }
}

impl Referrers for Replay {
    fn list(&self, subject: BlobDigest, _: &[&str]) -> Result<Listing, ReferrerError> {
        let list = self.lists.lists.iter().find(|(about, _)| *about == subject);
        let (_, entries) = list.ok_or(ReferrerError::Absent { digest: subject })?;
        let referrer = |entry: &Entry| Referrer {
            manifest: Descriptor {
                size: entry.size,
                artifact_type: entry.artifact_type.clone(),
                annotations: entry.annotations.clone(),
                ..Descriptor::bare(&entry.media_type, entry.digest)
            },
            subject,
            tie: if entry.is_tagged { Tie::Tag } else { Tie::Subject },
        };
        Ok(Listing { referrers: entries.iter().map(referrer).collect(), unread: Vec::new() })
    }

    fn title(&self, digest: BlobDigest) -> String {
        format!("{}@{digest}", self.lists.repository)
    }

    fn bytes(&self, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, ReferrerError> {
        self.blob(descriptor.digest, limit).ok_or(ReferrerError::Absent { digest: descriptor.digest })
    }

    fn attach(&self, packed: Packed) -> Result<(), AttachError> {
        Err(self.is_closed(packed.digest))
    }

    fn tag(&self, tagged: Tagged) -> Result<(), AttachError> {
        Err(self.is_closed(tagged.subject))
    }
}

/// A place that notes what it was asked for and what it gave.
pub struct Recorder<'a> {
    place: &'a dyn Referrers,
    lists: RefCell<Vec<(BlobDigest, Vec<Entry>)>>,
    blobs: RefCell<BTreeMap<BlobDigest, Vec<u8>>>,
}

impl std::fmt::Debug for Recorder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").field("lists", &self.lists.borrow().len()).finish_non_exhaustive()
    }
}

impl<'a> Recorder<'a> {
    /// Notes what `place` is asked for.
    #[must_use]
    pub fn new(place: &'a dyn Referrers) -> Self {
        Self { place, lists: RefCell::default(), blobs: RefCell::default() }
    }
}

impl Referrers for Recorder<'_> {
    fn list(&self, subject: BlobDigest, endings: &[&str]) -> Result<Listing, ReferrerError> {
        self.place.list(subject, endings)
    }

    fn ask(&self, subjects: &[BlobDigest], endings: &[&str]) -> Vec<Vec<Asked>> {
        let answers = self.place.ask(subjects, endings);
        for (subject, asked) in subjects.iter().zip(&answers) {
            let listings = asked.iter().flat_map(|asked| &asked.answer);
            let referrers = listings.flat_map(|listing| &listing.referrers);
            self.lists.borrow_mut().push((*subject, referrers.map(entry).collect()));
        }
        answers
    }

    fn title(&self, digest: BlobDigest) -> String {
        self.place.title(digest)
    }

    fn bytes(&self, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, ReferrerError> {
        let bytes = self.place.bytes(descriptor, limit)?;
        self.blobs.borrow_mut().insert(descriptor.digest, bytes.clone());
        Ok(bytes)
    }

    fn attach(&self, packed: Packed) -> Result<(), AttachError> {
        self.place.attach(packed)
    }

    fn tag(&self, tagged: Tagged) -> Result<(), AttachError> {
        self.place.tag(tagged)
    }
}

fn entry(referrer: &Referrer) -> Entry {
    let Descriptor { media_type, digest, size, artifact_type, annotations, .. } = &referrer.manifest;
    Entry {
        is_tagged: referrer.tie == Tie::Tag,
        media_type: media_type.clone(),
        digest: *digest,
        size: *size,
        artifact_type: artifact_type.clone(),
        annotations: annotations.clone(),
    }
}
