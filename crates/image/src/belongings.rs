//! Everything that belongs to an image: what its index names, what refers to it, what has the tags that cosign makes of its
//! digests, and what belongs to all these in turn.
//!
//! Nothing here is believed: signatures are not verified, and a registry may list what it likes. Whatever is listed is fetched by
//! its digest, under limits; what cannot be had is told.

mod ahead;
mod kind;

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll_model::digest::BlobDigest;
use plimsoll_model::platform::Platform;
use serde::Deserialize;

use crate::manifest::Descriptor;
use crate::source::referrers::{
    COSIGN_ATTESTATIONS, COSIGN_BILLS, COSIGN_SIGNATURES, OCI_INDEX, OCI_MANIFEST,
};
use crate::source::repository::Repository;

use ahead::{Ahead, Referring};
pub use kind::{Claim, Kind};

/// How deep things may belong to each other: an index in an index, a signature of an attestation.
pub const DEPTH: usize = 8;
/// The most manifests of one image.
pub const MANIFESTS: usize = 4_000;
/// The most bytes of all its manifests, which are held in memory.
const BYTES: u64 = 128 << 20;
/// The endings of cosign's tags.
const ENDINGS: [&str; 3] = [COSIGN_ATTESTATIONS, COSIGN_BILLS, COSIGN_SIGNATURES];

/// How something belongs to something else.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Bond {
    /// It is what was asked for.
    Top,
    /// The index names it.
    Entry,
    /// The index names it as attestations about another of its manifests, as `BuildKit` writes them.
    Attestation(Option<BlobDigest>),
    /// Its manifest names the other as its subject.
    Subject,
    /// It has the tag of the other's digest with this ending.
    Tag(&'static str),
}

/// A manifest or an index.
#[derive(Clone, Debug)]
pub struct Part {
    /// The digest of its bytes.
    pub digest: BlobDigest,
    /// Its media type.
    pub media_type: String,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
    /// What it says that it is: its artifact type, or else the media type of its configuration.
    pub artifact_type: Option<String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// What it refers to.
    pub subject: Option<BlobDigest>,
    /// Its configuration and its layers.
    pub blobs: Vec<Descriptor>,
    /// Whether the first of `blobs` is a configuration.
    pub has_config: bool,
    /// Whether it is an index.
    pub is_index: bool,
    /// Whether all is there that it is made of: those that an index names.
    pub is_whole: bool,
}

impl Part {
    /// Its layers.
    #[must_use]
    pub fn layers(&self) -> &[Descriptor] {
        self.blobs.get(usize::from(self.has_config)..).unwrap_or_default()
    }

    /// How many bytes it has with all its blobs.
    #[must_use]
    pub fn size(&self) -> u64 {
        let blobs = self.blobs.iter().map(|blob| blob.size);
        blobs.fold(self.bytes.len() as u64, u64::saturating_add)
    }
}

/// That one part belongs to another.
#[derive(Clone, Debug)]
pub struct Link {
    /// The other; none for what was asked for.
    pub of: Option<usize>,
    /// The part.
    pub part: usize,
    /// How.
    pub bond: Bond,
    /// For which platform, by the index.
    pub platform: Option<Platform>,
    /// How many are above it.
    pub depth: usize,
    /// Whether the part was met before, so that what belongs to it is told there.
    pub again: bool,
}

/// What could not be listed or had.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unlisted {
    /// What.
    pub what: String,
    /// Why.
    pub reason: String,
}

/// Everything that belongs to an image.
#[derive(Clone, Debug, Default)]
pub struct Belongings {
    /// The manifests, each once.
    pub parts: Vec<Part>,
    /// How they belong together: each is told below what it belongs to.
    pub links: Vec<Link>,
    /// What could not be listed or had.
    pub unlisted: Vec<Unlisted>,
}

/// Whether what refers to an image is looked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Look {
    /// The image alone, with what its index names.
    Image,
    /// All that refers to it, too.
    Everything,
}

impl Belongings {
    /// Finds what belongs to the manifest `top`.
    #[must_use]
    pub fn of(place: &dyn Repository, top: &Descriptor, look: Look) -> Self {
        let mut walk = Walk {
            place,
            ahead: Ahead::of(place, top, look),
            look,
            found: Self::default(),
            known: BTreeMap::new(),
            visits: 0,
            bytes: 0,
            ended: false,
        };
        walk.visit(top, Link { of: None, part: 0, bond: Bond::Top, platform: None, depth: 0, again: false });
        walk.found
    }

    /// What was asked for, unless it could not be had.
    #[must_use]
    pub fn top(&self) -> Option<&Part> {
        self.links.first().filter(|link| link.bond == Bond::Top).and_then(|link| self.parts.get(link.part))
    }

    /// All blobs, each once, sorted by digest.
    #[must_use]
    pub fn blobs(&self) -> Vec<&Descriptor> {
        let all = self.parts.iter().flat_map(|part| &part.blobs).map(|blob| (blob.digest, blob));
        all.collect::<BTreeMap<_, _>>().into_values().collect()
    }

    /// The parts in an order in which they can be written: what an index names before it, what refers to another after it.
    #[must_use]
    pub fn order(&self) -> Vec<usize> {
        let mut below: BTreeMap<usize, Vec<&Link>> = BTreeMap::new();
        for link in &self.links {
            if let Some(of) = link.of {
                below.entry(of).or_default().push(link);
            }
        }
        let mut order = Vec::with_capacity(self.parts.len());
        let mut seen = vec![false; self.parts.len()];
        put_in_order(0, &below, &mut seen, &mut order);
        order
    }
}

/// No deeper than the links are.
fn put_in_order(part: usize, below: &BTreeMap<usize, Vec<&Link>>, seen: &mut [bool], order: &mut Vec<usize>) {
    match seen.get_mut(part) {
        Some(seen) if !*seen => *seen = true,
        _ => return,
    }
    let links = below.get(&part).map(Vec::as_slice).unwrap_or_default();
    let is_named = |link: &&&Link| matches!(link.bond, Bond::Entry | Bond::Attestation(_));
    for link in links.iter().filter(is_named) {
        put_in_order(link.part, below, seen, order);
    }
    order.push(part);
    for link in links.iter().filter(|link| !is_named(link)) {
        put_in_order(link.part, below, seen, order);
    }
}

struct Walk<'a> {
    place: &'a dyn Repository,
    ahead: Ahead,
    look: Look,
    found: Belongings,
    known: BTreeMap<BlobDigest, usize>,
    /// How many manifests were asked for.
    visits: usize,
    bytes: u64,
    ended: bool,
}

impl Walk<'_> {
    /// Takes a manifest and all that belongs to it; tells whether it is there as a whole.
    fn visit(&mut self, descriptor: &Descriptor, link: Link) -> bool {
        let digest = descriptor.digest;
        if let Some(part) = self.known.get(&digest).copied() {
            self.found.links.push(Link { part, again: true, ..link });
            return self.found.parts.get(part).is_some_and(|part| part.is_whole);
        }
        self.visits = self.visits.saturating_add(1);
        if link.depth > DEPTH {
            return self.refused(digest, &format!("it is nested deeper than {DEPTH}"));
        }
        if self.visits > MANIFESTS || self.bytes > BYTES {
            if !std::mem::replace(&mut self.ended, true) {
                let reason = format!("there are more than {MANIFESTS} manifests, or {BYTES} bytes of them");
                self.refused(digest, &reason);
            }
            return false;
        }
        let subject = link.of.and_then(|of| self.found.parts.get(of)).map(|of| of.digest);
        let part = match self.ahead.part(self.place, descriptor) {
            Ok((part, _)) if link.bond == Bond::Subject && part.subject != subject => {
                return self.refused(digest, "it is listed as a referrer of what it does not name");
            }
            Ok(part) => part,
            Err(reason) => return self.refused(digest, &reason),
        };
        self.bytes = self.bytes.saturating_add(part.0.bytes.len() as u64);
        self.take(part, link)
    }

    fn take(&mut self, (part, entries): (Part, Vec<Descriptor>), link: Link) -> bool {
        let (number, digest, depth) = (self.found.parts.len(), part.digest, link.depth.saturating_add(1));
        self.known.insert(digest, number);
        self.found.parts.push(part);
        self.found.links.push(Link { part: number, ..link });
        let below = |bond: Bond, platform: Option<Platform>| Link {
            of: Some(number),
            part: 0,
            bond,
            platform,
            depth,
            again: false,
        };
        let mut is_whole = true;
        for entry in &entries {
            let bond = if entry.is_attestation() { Bond::Attestation(entry.attests()) } else { Bond::Entry };
            let platform = entry.platform.clone().filter(|_| bond == Bond::Entry);
            is_whole &= self.visit(entry, below(bond, platform));
        }
        if let Some(part) = self.found.parts.get_mut(number) {
            part.is_whole = is_whole;
        }
        if self.look == Look::Everything && !self.ended {
            for (descriptor, bond) in self.referring(digest) {
                self.visit(&descriptor, below(bond, None));
            }
        }
        is_whole
    }

    /// What refers to a manifest, or has its tags.
    fn referring(&mut self, digest: BlobDigest) -> Vec<(Descriptor, Bond)> {
        let mut all = Vec::new();
        let Referring { listing, tagged } = self.ahead.referring(self.place, digest);
        match listing {
            Ok(listing) => {
                for reason in listing.unread {
                    self.untold(&format!("an entry of what refers to {digest}"), &reason);
                }
                all.extend(listing.referrers.into_iter().map(|one| (one.manifest, Bond::Subject)));
            }
            Err(reason) => self.untold(&format!("what refers to {digest}"), &reason),
        }
        for (ending, found) in ENDINGS.into_iter().zip(tagged) {
            match found {
                Ok(found) => all.extend(found.map(|manifest| (manifest, Bond::Tag(ending)))),
                Err(reason) => {
                    self.untold(&format!("what has the tag of {digest} with {ending}"), &reason);
                }
            }
        }
        all
    }

    fn untold(&mut self, what: &str, reason: &str) {
        self.found.unlisted.push(Unlisted { what: what.to_owned(), reason: reason.to_owned() });
    }

    /// The same for a manifest, which is not there as a whole then.
    fn refused(&mut self, digest: BlobDigest, reason: &str) -> bool {
        let what = self.place.title(digest);
        self.untold(&what, reason);
        false
    }
}

/// An error with its causes, in one line.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
}

/// What is read of a manifest or an index of any kind.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    schema_version: Option<u64>,
    media_type: Option<String>,
    artifact_type: Option<String>,
    annotations: Option<BTreeMap<String, String>>,
    subject: Option<Descriptor>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
}

/// Understands a manifest, and gives the entries of an index.
fn part(descriptor: &Descriptor, bytes: Vec<u8>) -> Result<(Part, Vec<Descriptor>), String> {
    let raw: Raw = serde_json::from_slice(&bytes).map_err(|error| format!("it is malformed: {error}"))?;
    if raw.schema_version == Some(1) {
        return Err("it has Docker's retired schema 1".to_owned());
    }
    let is_index = raw.manifests.is_some();
    match (is_index, raw.layers.is_some() || raw.config.is_some()) {
        (true, true) => return Err("it is both an index and a manifest".to_owned()),
        (false, false) => return Err("it is neither a manifest nor an index".to_owned()),
        (true, false) | (false, true) => {}
    }
    let listed = Some(descriptor.media_type.clone()).filter(|kind| !kind.is_empty());
    let otherwise = if is_index { OCI_INDEX } else { OCI_MANIFEST };
    let config_type = raw.config.as_ref().map(|config| config.media_type.clone());
    let has_config = raw.config.is_some();
    let part = Part {
        digest: descriptor.digest,
        media_type: raw.media_type.or(listed).unwrap_or_else(|| otherwise.to_owned()),
        bytes: bytes.into(),
        artifact_type: raw.artifact_type.or(config_type).filter(|kind| !kind.is_empty()),
        annotations: raw.annotations.unwrap_or_default(),
        subject: raw.subject.map(|subject| subject.digest),
        blobs: raw.config.into_iter().chain(raw.layers.unwrap_or_default()).collect(),
        has_config,
        is_index,
        is_whole: true,
    };
    Ok((part, raw.manifests.unwrap_or_default()))
}

#[cfg(test)]
mod tests;
