//! Where signatures of a manifest lie: under the tags that cosign makes of its digest, among what refers to it, and in its index.
//!
//! The registry is not trusted. Everything is fetched by digest, under limits; a manifest must be of the media type that it was
//! listed as, readable in one way only, and name the subject that it was listed for. What is listed wrongly is refused; what
//! cannot be had is told as unread, since it may have been a signature.

use std::collections::BTreeMap;

use plimsoll_formats::strict;
use plimsoll_image::manifest::{Descriptor, MANIFEST_LIMIT};
use plimsoll_image::source::referrers::{
    Asked, COSIGN_ATTESTATIONS, COSIGN_SIGNATURES, Listing, Referrer, Referrers, Tie,
};
use plimsoll_model::digest::BlobDigest;
use plimsoll_model::signature::{Fate, Looked, Outcome, Role, Signature, Subject, Unread};
use plimsoll_trust::all::SCHEMES;
use plimsoll_trust::claimed::{self, Claimed};
use plimsoll_trust::judge::Judge;
use plimsoll_trust::notary::{ARTIFACT_TYPE as NOTARY, COSE, JWS};
use plimsoll_trust::scheme::{BUNDLE_MEDIA_TYPE, SIZE_LIMIT};
use plimsoll_trust::signing::bundle::PREDICATE_TYPE;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// The most manifests that are fetched, and signatures that are examined, for one subject.
const SIGNATURE_LIMIT: usize = 128;
const TAGS: &str = "tags sha256-….sig and sha256-….att";
const REFERRERS: &str = "referrers";
/// The most bytes of signatures that are fetched in all.
const BYTE_LIMIT: u64 = 256 << 20;

/// How many manifests are asked about at once.
const AT_ONCE: usize = 8;

/// How much of what is there is looked at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Extent {
    /// All of it.
    Everything,
    /// Until what was found is enough.
    Enough,
}

/// Finds and examines signatures, within limits.
pub(super) struct Finder<'a> {
    place: &'a dyn Referrers,
    pub(super) judge: &'a dyn Judge,
    extent: Extent,
    bytes: u64,
    /// What could not be had.
    pub(super) unread: Vec<Unread>,
}

/// A manifest that holds signatures.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default)]
    artifact_type: Option<String>,
    #[serde(default)]
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
    #[serde(default)]
    subject: Option<Descriptor>,
    #[serde(default)]
    manifests: Option<IgnoredAny>,
}

impl<'a> Finder<'a> {
    pub(super) fn new(place: &'a dyn Referrers, judge: &'a dyn Judge, extent: Extent) -> Self {
        Self { place, judge, extent, bytes: 0, unread: Vec::new() }
    }

    /// Asks for what refers to these manifests, at once, but not of too many.
    pub(super) fn ask(&self, manifests: &[&Descriptor]) -> Vec<Vec<Asked>> {
        let ask = |some: &[&Descriptor]| {
            let digests: Vec<BlobDigest> = some.iter().map(|manifest| manifest.digest).collect();
            self.place.ask(&digests, &[COSIGN_SIGNATURES, COSIGN_ATTESTATIONS])
        };
        manifests.chunks(AT_ONCE).flat_map(ask).collect()
    }

    /// Examines the signatures of one manifest, of which `asked` came. What signs `others` covers it, too.
    pub(super) fn subject(
        &mut self,
        (manifest, role): (&Descriptor, Role),
        asked: Vec<Asked>,
        others: &[&Subject],
    ) -> Subject {
        let (digest, platform) = (manifest.digest, manifest.platform.clone());
        let mut subject = Subject { digest, role, platform, looked: Vec::new(), signatures: Vec::new() };
        let (referrers, answered) = self.answers(digest, asked);
        let mut tagged = (TAGS, 0_usize, 0_usize);
        let mut referring = (REFERRERS, 0_usize, 0_usize);
        for referrer in referrers.iter().filter(|referrer| may_sign(referrer)) {
            let (_, found, left) = if referrer.tie == Tie::Tag { &mut tagged } else { &mut referring };
            if self.is_enough(&subject, others) {
                *left = left.saturating_add(1);
                continue;
            }
            if subject.signatures.len() >= SIGNATURE_LIMIT {
                let reason = format!("there are more than {SIGNATURE_LIMIT} signatures");
                self.skipped(format!("further signatures of {digest}"), reason);
                break;
            }
            let before = subject.signatures.len();
            self.manifest(referrer, manifest, &mut subject.signatures);
            *found = found.saturating_add(subject.signatures.len().saturating_sub(before));
        }
        let looked = [(Tie::Tag, tagged), (Tie::Subject, referring)].into_iter();
        let looked = looked.filter(|(tie, _)| answered.contains(tie));
        subject.looked =
            looked.map(|(_, (place, found, left))| Looked { place: place.to_owned(), found, left }).collect();
        subject
    }

    /// What was told to refer to a manifest, likely ones first if not all are looked at, and what kinds were told of at all.
    fn answers(&mut self, digest: BlobDigest, asked: Vec<Asked>) -> (Vec<Referrer>, Vec<Tie>) {
        let mut all = Listing::default();
        let mut answered = Vec::new();
        for Asked { place, tie, answer } in asked {
            match answer {
                Ok(listing) => {
                    answered.extend(tie.map_or(vec![Tie::Tag, Tie::Subject], |tie| vec![tie]));
                    listing.referrers.into_iter().for_each(|referrer| all.add(referrer));
                    all.unread.extend(listing.unread);
                }
                // What lies elsewhere may still be enough.
                Err(error) => self.skipped(format!("{place} of {digest}"), told(&error)),
            }
        }
        for reason in all.unread {
            self.skipped(format!("an entry of what refers to {digest}"), reason);
        }
        if self.extent == Extent::Enough {
            // What the list tells is believed for the order alone.
            all.referrers.sort_by_key(|referrer| {
                let annotations = referrer.manifest.annotations.as_ref();
                let told = annotations.and_then(|annotations| annotations.get(PREDICATE_TYPE));
                told.is_some_and(|told| !self.judge.is_likely(told))
            });
        }
        (all.referrers, answered)
    }

    fn is_enough(&self, subject: &Subject, others: &[&Subject]) -> bool {
        if self.extent == Extent::Everything {
            return false;
        }
        let covering: Vec<&Subject> = others.iter().copied().chain([subject]).collect();
        self.judge.decide(&covering, 0).0 == Outcome::Verified
    }

    /// Examines the signatures that one manifest holds.
    fn manifest(&mut self, referrer: &Referrer, subject: &Descriptor, signatures: &mut Vec<Signature>) {
        let place = self.place.title(referrer.manifest.digest);
        let bytes = match self.place.bytes(&referrer.manifest, MANIFEST_LIMIT) {
            Ok(bytes) => bytes,
            Err(error) => return self.skipped(place, told(&error)),
        };
        let layers = match layers(&bytes, referrer) {
            Ok(layers) => layers,
            Err(reason) => return signatures.push(refused(place, "manifest", reason)),
        };
        for (index, layer) in layers.iter().enumerate() {
            if signatures.len() >= SIGNATURE_LIMIT {
                let reason = format!("there are more than {SIGNATURE_LIMIT} signatures");
                return self.skipped(format!("{place}, from layer {index} on"), reason);
            }
            let place = if layers.len() == 1 { place.clone() } else { format!("{place}, layer {index}") };
            if let Some(signature) = self.layer(place, layer, subject) {
                signatures.push(signature);
            }
        }
    }

    /// Examines one layer; none if it could not be had.
    fn layer(&mut self, place: String, layer: &Descriptor, subject: &Descriptor) -> Option<Signature> {
        let left = BYTE_LIMIT.saturating_sub(self.bytes).min(SIZE_LIMIT as u64);
        let content = match self.place.bytes(layer, left) {
            Ok(content) => content,
            Err(error) => {
                self.skipped(place, told(&error));
                return None;
            }
        };
        self.bytes = self.bytes.saturating_add(content.len() as u64);
        let none = BTreeMap::new();
        let claimed = Claimed {
            place: &place,
            media_type: &layer.media_type,
            content: &content,
            annotations: layer.annotations.as_ref().unwrap_or(&none),
            subject: claimed::Subject {
                digest: subject.digest.0,
                bytes: None,
                described: Some((&subject.media_type, subject.size)),
            },
        };
        self.judge.examine(&claimed)
    }

    fn skipped(&mut self, place: String, reason: String) {
        self.unread.push(Unread { place, reason });
    }
}

/// What lists tell of artifacts whose type they do not know: nothing, or the type of the configuration.
const UNKNOWN_TYPES: [&str; 3] =
    ["", "application/vnd.oci.empty.v1+json", "application/vnd.oci.image.config.v1+json"];

/// Whether it is worth to be looked at. If the list tells another type, it is none of ours.
fn may_sign(referrer: &Referrer) -> bool {
    let kind = referrer.manifest.artifact_type.as_deref().unwrap_or_default();
    referrer.tie == Tie::Tag
        || UNKNOWN_TYPES.contains(&kind)
        || kind.starts_with(BUNDLE_MEDIA_TYPE)
        || kind == NOTARY
}

/// The layers of a manifest that are signatures, if it is what it was listed as.
fn layers(bytes: &[u8], referrer: &Referrer) -> Result<Vec<Descriptor>, String> {
    let manifest: Manifest = strict::read(bytes, bytes.len()).map_err(|error| error.to_string())?;
    if manifest.manifests.is_some() {
        return Err("it is an index, or both an index and a manifest".to_owned());
    }
    let listed = referrer.manifest.media_type.as_str();
    match manifest.media_type.as_deref() {
        Some(own) if !listed.is_empty() && own != listed => {
            return Err(format!("it is listed as {listed:?} but calls itself {own:?}"));
        }
        _ => {}
    }
    if referrer.tie == Tie::Subject {
        let own = manifest.subject.as_ref().map(|subject| subject.digest);
        if own != Some(referrer.subject) {
            return Err(format!("it is listed as about {} but does not name it", referrer.subject));
        }
    }
    let config = manifest.config.as_ref().map(|config| config.media_type.as_str());
    let kind = manifest.artifact_type.as_deref().or(config).unwrap_or_default();
    let known = |layer: &Descriptor| SCHEMES.iter().any(|scheme| (scheme.recognizes)(&layer.media_type));
    if (kind.starts_with(BUNDLE_MEDIA_TYPE) || kind == NOTARY) && manifest.layers.len() != 1 {
        return Err(format!("it is one signature but has {} layers", manifest.layers.len()));
    }
    // What has a general type is one of these signatures only if its manifest says so.
    let notary = |layer: &Descriptor| [JWS, COSE].contains(&layer.media_type.as_str());
    let is_ours = |layer: &Descriptor| known(layer) && (kind == NOTARY) == notary(layer);
    Ok(manifest.layers.into_iter().filter(is_ours).collect())
}

/// The attestations that `BuildKit` put into an index. Nobody signed them; what signs the index covers them.
pub(super) fn unsigned(entries: &[Descriptor], subject: &mut Subject) {
    let attestations: Vec<&Descriptor> =
        entries.iter().filter(|entry| entry.attests().is_some()).take(SIGNATURE_LIMIT).collect();
    if attestations.is_empty() {
        return;
    }
    subject.looked.push(Looked { place: "the index".to_owned(), found: attestations.len(), left: 0 });
    for entry in attestations {
        let fate = Fate::Passed("it is not signed: only what signs the index covers it".to_owned());
        let place = format!("manifest {} of the index", entry.digest);
        subject.signatures.push(Signature { fate, ..refused(place, "BuildKit attestation", String::new()) });
    }
}

fn refused(place: String, format: &'static str, reason: String) -> Signature {
    Signature {
        place,
        format,
        digest: None,
        predicate_type: None,
        annotations: BTreeMap::new(),
        signer: None,
        known_as: Vec::new(),
        payload: None,
        times: Vec::new(),
        checks: Vec::new(),
        fate: Fate::Refused(reason),
    }
}

/// An error with its causes in one line.
fn told(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !words.contains(&text) {
            words.push_str(": ");
            words.push_str(&text);
        }
        cause = error.source();
    }
    words
}
