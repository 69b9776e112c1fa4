//! Bills of materials that lie with an image: as referrers, in the attestations that `BuildKit` puts into its index, in
//! those that cosign and others attach. They are found and fetched here, and read elsewhere. Their signatures are not
//! verified: whoever may write there can have put them there.

use plimsoll_advisory::vex::{self, VexError, attestation};
use plimsoll_image::Image;
use plimsoll_image::manifest::Descriptor;
use plimsoll_image::source::referrers::{
    Artifact, COSIGN_ATTESTATIONS, COSIGN_BILLS, Referrer, ReferrerError, Referrers, Tie,
};
use plimsoll_model::digest::BlobDigest;

/// The most documents of one image that are told.
const DOCUMENT_LIMIT: usize = 1_000;
/// The most bytes of attestations that are fetched only to tell of what they are.
const BYTE_LIMIT: u64 = 256 << 20;
/// An attestation holds the document in base64, and a little around it.
const ATTESTATION_LIMIT: u64 = 256 << 20;

/// Annotations that tell of what an attestation is, as cosign, Sigstore's bundles and `BuildKit` write them.
const PREDICATE_ANNOTATIONS: [&str; 3] =
    ["predicateType", "dev.sigstore.bundle.predicateType", "in-toto.io/predicate-type"];
/// Parts of media types of attestations.
const ATTESTATIONS: [&str; 3] = ["in-toto", "dsse", "sigstore.bundle"];
/// Parts of media types that are bills of materials.
const BILLS: [&str; 2] = ["cyclonedx", "spdx"];
/// What tells nothing of a blob's content.
const GENERIC: [&str; 4] = ["", "application/json", "application/octet-stream", "text/json"];

/// In which way a document lies with an image.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Way {
    /// As it is, in a referrer.
    Referrer,
    /// In an attestation in the image's index.
    BuildKit,
    /// In an attestation that refers to the image.
    Attestation,
}

impl Way {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Referrer => "referrer",
            Self::BuildKit => "buildkit",
            Self::Attestation => "attestation",
        }
    }
}

/// A bill of materials that lies with an image.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attached {
    /// In which way.
    pub way: Way,
    /// Its media type, or the type of predicate that it is in an attestation.
    pub kind: String,
    /// The blob that it is, or is in.
    pub document: Descriptor,
    /// To what it refers: the image's manifest, or the index that led to it.
    pub subject: BlobDigest,
    /// Where its manifest lies, for people.
    pub place: String,
}

/// What lies with an image.
#[derive(Debug, Default)]
pub struct Found {
    /// The bills of materials: those of the image itself first, documents before attestations, sorted by digest.
    pub documents: Vec<Attached>,
    /// What could not be read: where it is, and why.
    pub unread: Vec<(String, String)>,
}

/// Why a document is not had.
#[derive(Debug, thiserror::Error)]
pub enum AttachedError {
    /// A file or a registry.
    #[error(transparent)]
    Referrer(#[from] ReferrerError),
    /// The attestation is broken.
    #[error("the attestation cannot be read: {0}")]
    Attestation(String),
    /// The attestation is about something else.
    #[error("the attestation is not about {0}")]
    Subject(BlobDigest),
}

/// Finds the bills of materials that lie with `image`, or with the index that led to it.
///
/// # Errors
/// If it cannot be told what refers to it. What cannot be read is told in its place.
pub fn attached(image: &Image, place: &dyn Referrers) -> Result<Found, ReferrerError> {
    let mut found = Found::default();
    let Some(manifest) = image.manifest_digest else { return Ok(found) };
    let mut reading = Finding { place, found: &mut found, bytes: 0 };
    for subject in [manifest].into_iter().chain(image.index_digest) {
        let from = reading.found.documents.len();
        let listing = place.list(subject, &[COSIGN_ATTESTATIONS, COSIGN_BILLS])?;
        let title = format!("what refers to {}", place.title(subject));
        reading.found.unread.extend(listing.unread.into_iter().map(|reason| (title.clone(), reason)));
        let of_buildkit =
            if subject == manifest { place.of_buildkit(image.index_digest, manifest)? } else { Vec::new() };
        for referrer in listing.referrers.iter().chain(&of_buildkit) {
            reading.referrer(referrer);
        }
        let own = reading.found.documents.get_mut(from..).unwrap_or_default();
        own.sort_by_key(|attached| (attached.way, attached.document.digest));
    }
    Ok(found)
}

/// The document itself, of at most `limit` bytes: as it is, or the statement that it is the predicate of, which must be
/// about the image.
///
/// # Errors
/// See [`AttachedError`].
pub fn fetch(attached: &Attached, place: &dyn Referrers, limit: u64) -> Result<Vec<u8>, AttachedError> {
    if attached.way == Way::Referrer {
        return Ok(place.bytes(&attached.document, limit)?);
    }
    let bytes = place.bytes(&attached.document, ATTESTATION_LIMIT)?;
    let broken = |error: VexError| AttachedError::Attestation(vex::reason(&error));
    let no_statement = || AttachedError::Attestation("it is no statement".to_owned());
    let unwrapped = attestation::unwrap(&bytes).map_err(broken)?.ok_or_else(no_statement)?;
    if !is_bill(&unwrapped.predicate_type) {
        return Err(AttachedError::Attestation(format!(
            "it attests {:?}",
            clipped(&unwrapped.predicate_type)
        )));
    }
    if !unwrapped.subjects.contains(&attached.subject) {
        return Err(AttachedError::Subject(attached.subject));
    }
    Ok(unwrapped.statement.into_owned())
}

/// The search among what refers to one image.
struct Finding<'f> {
    place: &'f dyn Referrers,
    found: &'f mut Found,
    bytes: u64,
}

impl Finding<'_> {
    fn referrer(&mut self, referrer: &Referrer) {
        if !may_be_bill(&referrer.manifest) {
            return;
        }
        let title = self.place.title(referrer.manifest.digest);
        match self.place.artifact(referrer) {
            Ok(artifact) => self.artifact(referrer, &artifact, &title),
            Err(error) => self.found.unread.push((title, error.to_string())),
        }
    }

    fn artifact(&mut self, referrer: &Referrer, artifact: &Artifact, title: &str) {
        let own = artifact.artifact_type.as_deref().or(referrer.manifest.artifact_type.as_deref());
        let own =
            own.or(artifact.config.as_ref().map(|config| config.media_type.as_str())).unwrap_or_default();
        let of_all = artifact
            .annotations
            .as_ref()
            .and_then(|all| PREDICATE_ANNOTATIONS.iter().find_map(|key| all.get(*key)).map(String::as_str));
        for layer in &artifact.layers {
            let media_type = layer.media_type.split(';').next().unwrap_or_default().trim();
            let is_generic = GENERIC.contains(&media_type);
            let (way, kind) = if is_attestation(media_type) || (is_generic && is_attestation(own)) {
                let told = predicate(layer).or(of_all).map(str::to_owned);
                match told.map_or_else(|| self.predicate_of(layer), Ok) {
                    Ok(kind) => (way(referrer.tie), kind),
                    Err(reason) => {
                        self.found.unread.push((title.to_owned(), reason));
                        continue;
                    }
                }
            } else {
                (Way::Referrer, if is_generic { own } else { media_type }.to_owned())
            };
            if !is_bill(&kind) {
                continue;
            }
            if self.found.documents.len() >= DOCUMENT_LIMIT {
                let reason = format!("more than {DOCUMENT_LIMIT} documents refer to the image");
                self.found.unread.push((title.to_owned(), reason));
                return;
            }
            let (document, subject, place) = (layer.clone(), referrer.subject, title.to_owned());
            let kind = clipped(&kind);
            self.found.documents.push(Attached { way, kind, document, subject, place });
        }
    }

    /// What an attestation is of that does not tell it outside.
    fn predicate_of(&mut self, layer: &Descriptor) -> Result<String, String> {
        let limit = ATTESTATION_LIMIT.min(BYTE_LIMIT.saturating_sub(self.bytes));
        let bytes = self.place.bytes(layer, limit).map_err(|error| error.to_string())?;
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        let unwrapped = attestation::unwrap(&bytes).map_err(|error| vex::reason(&error))?;
        Ok(unwrapped.map(|unwrapped| unwrapped.predicate_type).unwrap_or_default())
    }
}

const fn way(tie: Tie) -> Way {
    match tie {
        Tie::Index => Way::BuildKit,
        Tie::Subject | Tie::Tag => Way::Attestation,
    }
}

/// Whether it is worth a look. What tells no type is looked at, and what some registries tell instead of it: the type of
/// the configuration.
fn may_be_bill(manifest: &Descriptor) -> bool {
    let says_nothing = |kind: &str| kind.is_empty() || kind.starts_with("application/vnd.oci.");
    let worth = |kind: &str| says_nothing(kind) || is_bill(kind) || is_attestation(kind);
    manifest.artifact_type.as_deref().is_none_or(worth) && predicate(manifest).is_none_or(is_bill)
}

fn predicate(descriptor: &Descriptor) -> Option<&str> {
    PREDICATE_ANNOTATIONS.iter().find_map(|key| descriptor.annotation(key))
}

fn is_attestation(media_type: &str) -> bool {
    ATTESTATIONS.iter().any(|kind| media_type.contains(kind))
}

/// Whether a media type or the type of a predicate is that of a bill of materials.
fn is_bill(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    BILLS.iter().any(|known| kind.contains(known)) && !kind.contains("/vex") && !kind.contains("+vex")
}

fn clipped(kind: &str) -> String {
    kind.chars().take(120).collect()
}
