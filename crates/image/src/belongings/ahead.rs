//! What a walk will ask for, asked ahead: several manifests and lists at once, round by round. The walk itself stays in its order, so that
//! what it finds does not depend on who answers first; and it asks for itself what was not asked ahead.

use std::collections::BTreeMap;

use plimsoll_model::digest::BlobDigest;

use super::{BYTES, DEPTH, ENDINGS, Look, MANIFESTS, Part, part, told};
use crate::at_once::at_once;
use crate::manifest::{Descriptor, MANIFEST_LIMIT};
use crate::source::referrers::Listing;
use crate::source::repository::Repository;

/// How many things are asked for at once.
const THREADS: usize = 8;

/// A manifest as it was asked for: who lists it may tell another size.
type Key = (BlobDigest, u64, String);

/// A manifest as it was understood, and what it lists.
type Answer = Result<(Part, Vec<Descriptor>), String>;

fn fetched(place: &dyn Repository, descriptor: &Descriptor) -> Result<Vec<u8>, String> {
    place.bytes(descriptor, MANIFEST_LIMIT).map_err(|error| told(&error))
}

/// Answers that came already.
#[derive(Default)]
pub(super) struct Ahead {
    manifests: BTreeMap<Key, Answer>,
    referring: BTreeMap<BlobDigest, Referring>,
}

/// What refers to a manifest, and what has the tags of its digest, by [`ENDINGS`].
pub(super) struct Referring {
    pub(super) listing: Result<Listing, String>,
    pub(super) tagged: [Result<Option<Descriptor>, String>; ENDINGS.len()],
}

impl Referring {
    pub(super) fn ask(place: &dyn Repository, digest: BlobDigest) -> Self {
        Self {
            listing: place.list(digest, &[]).map_err(|error| told(&error)),
            tagged: ENDINGS.map(|ending| place.tagged(digest, ending).map_err(|error| told(&error))),
        }
    }
}

fn key(descriptor: &Descriptor) -> Key {
    (descriptor.digest, descriptor.size, descriptor.media_type.clone())
}

/// One to ask for, and to what it must refer, if it is listed as referring to something.
type Wanted = (Descriptor, Option<BlobDigest>);

impl Ahead {
    /// Asks for what belongs to `top`.
    pub(super) fn of(place: &dyn Repository, top: &Descriptor, look: Look) -> Self {
        let mut ahead = Self::default();
        let mut round: Vec<Wanted> = vec![(top.clone(), None)];
        let mut bytes = 0_u64;
        for _ in 0..=DEPTH {
            round.retain(|(descriptor, _)| !ahead.manifests.contains_key(&key(descriptor)));
            round.sort_by_cached_key(|(descriptor, _)| key(descriptor));
            round.dedup_by(|(a, _), (b, _)| key(a) == key(b));
            round.truncate(MANIFESTS.saturating_sub(ahead.manifests.len()));
            if round.is_empty() || bytes > BYTES {
                return ahead;
            }
            bytes = bytes.saturating_add(ahead.ask(place, &mut round, look));
        }
        ahead
    }

    /// Asks for all of a round, and puts what it leads to in its place; tells how many bytes came.
    fn ask(&mut self, place: &dyn Repository, round: &mut Vec<Wanted>, look: Look) -> u64 {
        let answers = at_once(THREADS, round, |(descriptor, subject)| {
            let read = fetched(place, descriptor);
            let length = read.as_ref().map_or(0, |read| read.len() as u64);
            let answer = read.and_then(|bytes| part(descriptor, bytes));
            // What does not refer to what it is listed for is not followed.
            let entries = answer.as_ref().ok().and_then(|(part, entries)| {
                subject.is_none_or(|subject| part.subject == Some(subject)).then(|| entries.clone())
            });
            let referring = (entries.is_some() && look == Look::Everything)
                .then(|| Referring::ask(place, descriptor.digest));
            (answer, length, entries, referring)
        });
        let (asked, mut bytes) = (std::mem::take(round), 0_u64);
        for ((descriptor, _), answer) in asked.iter().zip(answers) {
            let Some((answer, length, entries, referring)) = answer else { continue };
            bytes = bytes.saturating_add(length);
            round.extend(entries.into_iter().flatten().map(|entry| (entry, None)));
            if let Some(referring) = referring {
                if let Ok(listing) = &referring.listing {
                    let about = Some(descriptor.digest);
                    round.extend(listing.referrers.iter().map(|one| (one.manifest.clone(), about)));
                }
                round.extend(referring.tagged.iter().flatten().flatten().map(|one| (one.clone(), None)));
                self.referring.insert(descriptor.digest, referring);
            }
            self.manifests.insert(key(descriptor), answer);
        }
        bytes
    }

    /// A manifest, which is given once.
    pub(super) fn part(&mut self, place: &dyn Repository, descriptor: &Descriptor) -> Answer {
        let known = self.manifests.remove(&key(descriptor));
        known.unwrap_or_else(|| part(descriptor, fetched(place, descriptor)?))
    }

    /// What refers to a manifest.
    pub(super) fn referring(&mut self, place: &dyn Repository, digest: BlobDigest) -> Referring {
        self.referring.remove(&digest).unwrap_or_else(|| Referring::ask(place, digest))
    }
}
