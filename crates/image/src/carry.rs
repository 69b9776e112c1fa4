//! Takes an image to another place, byte for byte, with all that belongs to it.
//!
//! Blobs go first, then what an index names before the index, a subject before its referrers, and the name of the image last: whoever
//! interrupts leaves nothing that looks whole and is not. What is there already is not sent. Digests are verified while bytes pass,
//! and once more at the destination ([`Load::missing`]).

mod archive;
mod checked;
mod layout;
mod registry;

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use plimsoll_model::digest::BlobDigest;
use serde_json::{Value, json};

use crate::at_once::at_once;
use crate::belongings::{Belongings, Bond, Link, Look, Part, Unlisted};
use crate::manifest::Descriptor;
use crate::source::referrers::{ReferrerError, tag_of};
use crate::source::registry::RegistryError;
pub use crate::source::registry::Sent;
use crate::source::repository::Repository;
pub use registry::meaning;

/// How many blobs are on their way at once.
const THREADS: usize = 3;
/// How many are asked for at once.
const QUESTIONS: usize = 8;

/// Why an image was not carried.
#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    /// Not all of the image is there.
    #[error("the image cannot be copied as a whole: {0}")]
    NotWhole(String),
    /// A registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A place could not be asked.
    #[error(transparent)]
    Place(#[from] ReferrerError),
    /// A blob could not be read.
    #[error("reading blob {digest}")]
    Read {
        /// Which.
        digest: BlobDigest,
        /// Why.
        source: io::Error,
    },
    /// A blob is not what its digest names.
    #[error("blob {expected} has digest {actual} and {length} bytes where it comes from")]
    Digest {
        /// Which.
        expected: BlobDigest,
        /// What came.
        actual: BlobDigest,
        /// How much came.
        length: u64,
    },
    /// A file or folder could not be written.
    #[error("writing {path}")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The archive could not be written.
    #[error("writing the archive")]
    Archive(#[source] io::Error),
    /// What is at the destination cannot be added to.
    #[error("{path}: {problem}")]
    InTheWay {
        /// Which.
        path: PathBuf,
        /// Why.
        problem: &'static str,
    },
}

/// How far it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// Blobs are sent from now on.
    Begun {
        /// How many.
        blobs: usize,
        /// How many bytes they have in all.
        bytes: u64,
    },
    /// So many more bytes were sent.
    Bytes(u64),
    /// A blob is there; so many of its bytes needed not be sent.
    Blob(u64),
    /// Manifests are sent from now on.
    Manifests,
}

/// Is told how far it is, from any thread.
pub type Watch<'a> = &'a (dyn Fn(Step) + Sync);

/// What became of a manifest or a blob.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Moved {
    /// Which.
    pub digest: BlobDigest,
    /// Its size in bytes.
    pub size: u64,
    /// What became of it.
    pub fate: Sent,
}

/// Something that was not carried.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Left {
    /// Its digest.
    pub digest: BlobDigest,
    /// What it is, and why it was left.
    pub told: Unlisted,
}

/// What was carried.
#[derive(Clone, Debug, Default)]
pub struct Carried {
    /// The manifests.
    pub manifests: Vec<Moved>,
    /// The blobs.
    pub blobs: Vec<Moved>,
    /// What was not.
    pub left: Vec<Left>,
    /// Manifests of signatures in whose place others stay, which hold all of the same.
    pub held: BTreeSet<BlobDigest>,
    /// What the name at the destination meant before, if it was something else.
    pub before: Option<BlobDigest>,
}

/// What happens to a tag of cosign's at the destination that holds something else.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OtherTags {
    /// It stays, and that is told.
    Stay,
    /// It is replaced.
    Replaced,
}

/// What is to be carried.
pub struct Load<'a> {
    belongings: &'a Belongings,
    from: &'a dyn Repository,
    /// The numbers of the manifests, in the order in which they go.
    order: Vec<usize>,
    blobs: Vec<&'a Descriptor>,
    left: Vec<Left>,
}

impl<'a> Load<'a> {
    /// Makes sure that the image is there as a whole.
    ///
    /// # Errors
    /// If it is not.
    pub fn new(belongings: &'a Belongings, from: &'a dyn Repository) -> Result<Self, CarryError> {
        if belongings.top().is_none_or(|top| !top.is_whole) {
            let reasons = belongings.unlisted.iter().map(|one| format!("{}: {}", one.what, one.reason));
            return Err(CarryError::NotWhole(reasons.take(3).collect::<Vec<_>>().join("; ")));
        }
        let mut load =
            Self { belongings, from, order: belongings.order(), blobs: Vec::new(), left: Vec::new() };
        let parts = &belongings.parts;
        let broken = load.order.extract_if(.., |number| parts.get(*number).is_none_or(|part| !part.is_whole));
        for part in broken.filter_map(|number| parts.get(number)).collect::<Vec<_>>() {
            load.leave(part.digest, "manifest", "not all that it names could be had");
        }
        let parts = load.order.iter().filter_map(|number| parts.get(*number));
        let wanted: BTreeSet<BlobDigest> =
            parts.flat_map(|part| &part.blobs).map(|blob| blob.digest).collect();
        for blob in belongings.blobs().into_iter().filter(|blob| wanted.contains(&blob.digest)) {
            if is_foreign(blob) && !from.has(blob)? {
                load.leave(
                    blob.digest,
                    "layer",
                    "it is foreign: it is had from elsewhere, as its descriptor says",
                );
            } else {
                load.blobs.push(blob);
            }
        }
        Ok(load)
    }

    fn leave(&mut self, digest: BlobDigest, what: &str, reason: &str) {
        let told = Unlisted { what: format!("{what} {digest}"), reason: reason.to_owned() };
        self.left.push(Left { digest, told });
    }

    fn parts(&self) -> impl Iterator<Item = (usize, &'a Part)> {
        self.order.iter().filter_map(|number| Some((*number, self.belongings.parts.get(*number)?)))
    }

    /// The links by which a part belongs to something, each with that.
    fn bonds(&self, part: usize) -> impl Iterator<Item = (&'a Bond, BlobDigest)> {
        let parts = &self.belongings.parts;
        let own = self.belongings.links.iter().filter(move |link| link.part == part);
        own.filter_map(|link| Some((&link.bond, parts.get(link.of?)?.digest)))
    }

    /// The tags of cosign's that a part has.
    fn tags(&self, part: usize) -> Vec<String> {
        let tag = |(bond, of)| match bond {
            &Bond::Tag(ending) => Some(format!("{}{ending}", tag_of(of))),
            Bond::Top | Bond::Entry | Bond::Attestation(_) | Bond::Subject => None,
        };
        self.bonds(part).filter_map(tag).collect()
    }

    fn is_referrer(&self, part: usize) -> bool {
        self.bonds(part).any(|(bond, _)| *bond == Bond::Subject)
    }

    /// Has each blob moved, several at once.
    fn move_blobs(
        &self,
        watch: Watch<'_>,
        move_one: impl Fn(&Descriptor) -> Result<Sent, CarryError> + Sync,
    ) -> Result<Vec<Moved>, CarryError> {
        let bytes = self.blobs.iter().map(|blob| blob.size).fold(0, u64::saturating_add);
        watch(Step::Begun { blobs: self.blobs.len(), bytes });
        let (next, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
        let done: Mutex<Vec<Moved>> = Mutex::default();
        let work = || -> Result<(), CarryError> {
            while !stopped.load(Ordering::Relaxed) {
                let Some(blob) = self.blobs.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                let fate = move_one(blob).inspect_err(|_| stopped.store(true, Ordering::Relaxed))?;
                watch(Step::Blob(if fate == Sent::Bytes { 0 } else { blob.size }));
                let Ok(mut done) = done.lock() else { break };
                done.push(Moved { digest: blob.digest, size: blob.size, fate });
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS.min(self.blobs.len())).map(|_| scope.spawn(work)).collect();
            let gone = || CarryError::NotWhole("a thread died".to_owned());
            threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| Err(gone())))
        })?;
        watch(Step::Manifests);
        let mut done = done.into_inner().unwrap_or_default();
        done.sort_by_key(|moved| moved.digest);
        Ok(done)
    }

    /// What of it is not at `place`, the destination, although it was carried.
    #[must_use]
    pub fn missing(&self, carried: &Carried, place: &dyn Repository, look: Look) -> Vec<Unlisted> {
        let Some(top) = self.belongings.top() else { return Vec::new() };
        let top = Descriptor::bare(&top.media_type, top.digest);
        let there = Belongings::of(place, &top, look);
        let is_left = |digest: BlobDigest| {
            carried.held.contains(&digest) || carried.left.iter().any(|left| left.digest == digest)
        };
        let found: BTreeSet<_> = there.links.iter().filter_map(|link| there.key(link)).collect();
        let expected = self.belongings.links.iter().filter_map(|link| self.belongings.key(link));
        let lost = expected.filter(|key| !found.contains(key) && !is_left(key.1));
        let mut missing: Vec<Unlisted> =
            lost.map(|(_, part, _)| absent(format!("manifest {part}"), &there.unlisted)).collect();
        let asked =
            at_once(QUESTIONS, &self.blobs, |blob| place.has(blob).map_err(|error| error.to_string()));
        for (blob, has) in self.blobs.iter().zip(asked) {
            let what = format!("blob {}", blob.digest);
            match has {
                Some(Ok(true)) => {}
                Some(Ok(false)) => missing.push(absent(what, &[])),
                Some(Err(reason)) => missing.push(Unlisted { what, reason }),
                None => missing.push(Unlisted { what, reason: "it was not asked for".to_owned() }),
            }
        }
        missing
    }
}

fn absent(what: String, unlisted: &[Unlisted]) -> Unlisted {
    let why = unlisted.first().map_or_else(String::new, |one| format!(" ({}: {})", one.what, one.reason));
    Unlisted { what, reason: format!("it was sent, but is not found at the destination{why}") }
}

impl Belongings {
    /// What a link says, in digests.
    fn key(&self, link: &Link) -> Option<(Option<BlobDigest>, BlobDigest, Bond)> {
        let of = link.of.and_then(|of| self.parts.get(of)).map(|part| part.digest);
        Some((of, self.parts.get(link.part)?.digest, link.bond.clone()))
    }
}

fn is_foreign(blob: &Descriptor) -> bool {
    !blob.urls.is_empty()
        || blob.media_type.contains(".foreign.")
        || blob.media_type.contains("nondistributable")
}

/// A part in a list of referrers or in the index of a layout.
fn entry(part: &Part) -> Value {
    let mut entry = json!({
        "mediaType": part.media_type, "digest": part.digest.to_string(), "size": part.bytes.len(),
    });
    if let Some(members) = entry.as_object_mut() {
        if let Some(kind) = &part.artifact_type {
            members.insert("artifactType".to_owned(), kind.as_str().into());
        }
        if !part.annotations.is_empty() {
            members.insert("annotations".to_owned(), json!(part.annotations));
        }
    }
    entry
}
