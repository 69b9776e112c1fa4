//! Signatures and attestations of images: made by a signer, put beside the image.
//!
//! The name was resolved once, and the digest is what is signed. Bundles become referrers; signatures of old are added to those
//! under cosign's tags, and what others signed stays there.

pub mod notation;
mod tag;
pub mod timestamp;

use std::collections::BTreeMap;

use jiff::Timestamp;
use plimsoll_image::manifest::{Descriptor, Document, Index, MANIFEST_LIMIT, ManifestError};
use plimsoll_image::source::referrers::attach::{self, AttachError, pack};
use plimsoll_image::source::referrers::{COSIGN_ATTESTATIONS, COSIGN_SIGNATURES, ReferrerError, Referrers};
use plimsoll_image::source::resolved::Resolved;
use plimsoll_model::digest::BlobDigest;
use plimsoll_model::time::in_seconds;
use plimsoll_trust::claims::COSIGN_SIGN;
use plimsoll_trust::signing::bundle::{SealError, Sealer};
use plimsoll_trust::signing::{SignError, Signer, bundle, legacy, statement};
use serde_json::Value;

/// More images are not signed one by one.
const IMAGE_LIMIT: usize = 256;

/// What is signed, and how.
pub struct Order<'a> {
    /// What is claimed.
    pub claim: Claim<'a>,
    /// In which formats.
    pub formats: &'a [Format],
    /// The repository, as signatures of old tell it.
    pub repository: &'a str,
    /// When it is signed, by this machine's clock.
    pub created: Timestamp,
    /// What makes bundles, if they hold more than the signature of a key.
    pub sealer: Option<&'a dyn Sealer>,
}

/// What is claimed of an image.
#[derive(Clone, Copy, Debug)]
pub enum Claim<'a> {
    /// That it is signed, with these annotations.
    Signed(&'a BTreeMap<String, String>),
    /// That a predicate is true of it.
    Attested {
        /// The type of the predicate.
        kind: &'a str,
        /// The predicate.
        predicate: &'a Value,
    },
}

/// The formats.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// A Sigstore bundle as a referrer.
    Bundle,
    /// A layer under cosign's tag.
    Legacy,
}

impl Format {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bundle => "bundle",
            Self::Legacy => "legacy",
        }
    }
}

/// A signature that was put somewhere.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Written {
    /// What was signed.
    pub subject: BlobDigest,
    /// In which format.
    pub format: Format,
    /// The manifest that holds it.
    pub manifest: BlobDigest,
}

/// Why an image was not signed, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum SignImageError {
    /// No signature.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// No bundle.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// It could not be put there.
    #[error(transparent)]
    Attach(#[from] AttachError),
    /// What is there could not be read.
    #[error(transparent)]
    Read(#[from] ReferrerError),
    /// What has the tag cannot be added to.
    #[error("{place} is no manifest of signatures: {problem}")]
    Tag {
        /// What.
        place: String,
        /// Why.
        problem: &'static str,
    },
    /// An image of an index is malformed.
    #[error("the manifest {digest} is malformed")]
    Malformed {
        /// Which.
        digest: BlobDigest,
        /// Why.
        source: ManifestError,
    },
    /// More images than are signed.
    #[error("the index has more than {IMAGE_LIMIT} images")]
    TooMany,
}

/// Signs the manifest or index that was resolved; gives what was written.
///
/// # Errors
/// See [`SignImageError`].
pub fn image(
    resolved: &Resolved,
    place: &dyn Referrers,
    signer: &dyn Signer,
    order: &Order<'_>,
) -> Result<Vec<Written>, SignImageError> {
    let mut written = Vec::new();
    manifest(&resolved.bytes, place, signer, order, &mut written)?;
    Ok(written)
}

/// The same for all images of an index, too, and those of indexes in it.
///
/// # Errors
/// See [`SignImageError`].
pub fn images(
    resolved: &Resolved,
    place: &dyn Referrers,
    signer: &dyn Signer,
    order: &Order<'_>,
) -> Result<Vec<Written>, SignImageError> {
    // All are read before the first is signed.
    let mut found: BTreeMap<BlobDigest, Vec<u8>> = BTreeMap::new();
    let mut left: Vec<Descriptor> = resolved.index.iter().flat_map(entries).collect();
    while let Some(descriptor) = left.pop() {
        if found.contains_key(&descriptor.digest) || descriptor.digest == resolved.digest {
            continue;
        }
        if found.len() >= IMAGE_LIMIT {
            return Err(SignImageError::TooMany);
        }
        let bytes = place.bytes(&descriptor, MANIFEST_LIMIT)?;
        match Document::parse(&bytes) {
            Ok(Document::Index(index)) => left.extend(entries(&index)),
            Ok(Document::Manifest(_)) | Err(ManifestError::Artifact(_)) => {}
            Err(source) => return Err(SignImageError::Malformed { digest: descriptor.digest, source }),
        }
        found.insert(descriptor.digest, bytes);
    }
    let mut written = image(resolved, place, signer, order)?;
    for bytes in found.values() {
        manifest(bytes, place, signer, order, &mut written)?;
    }
    Ok(written)
}

/// What `BuildKit` says of an image is signed with the index that names it.
fn entries(index: &Index) -> Vec<Descriptor> {
    index.manifests.iter().filter(|entry| !entry.is_attestation()).cloned().collect()
}

fn manifest(
    bytes: &[u8],
    place: &dyn Referrers,
    signer: &dyn Signer,
    order: &Order<'_>,
    written: &mut Vec<Written>,
) -> Result<(), SignImageError> {
    let subject = BlobDigest(plimsoll_model::digest::Digest::of(bytes));
    for format in order.formats {
        let manifest = match format {
            Format::Bundle => referrer(bytes, subject, place, signer, order)?,
            Format::Legacy => {
                let (ending, layer) = layer(subject, signer, order)?;
                tag::add(place, subject, ending, layer)?
            }
        };
        written.push(Written { subject, format: *format, manifest });
    }
    Ok(())
}

fn referrer(
    bytes: &[u8],
    subject: BlobDigest,
    place: &dyn Referrers,
    signer: &dyn Signer,
    order: &Order<'_>,
) -> Result<BlobDigest, SignImageError> {
    let (kind, statement) = match order.claim {
        Claim::Signed(annotations) => (COSIGN_SIGN, statement::signed(&subject.0, annotations)),
        Claim::Attested { kind, predicate } => (kind, statement::attested(None, &subject.0, kind, predicate)),
    };
    let content = match order.sealer {
        Some(sealer) => sealer.statement(&subject.0, &statement)?,
        None => bundle::of_statement(signer, &statement)?,
    };
    attach(bytes, place, (kind, content), order.created)
}

/// Attaches the bundle of a statement of this type to the manifest with these bytes; gives the digest of the manifest around it.
///
/// # Errors
/// See [`SignImageError`].
pub fn attach(
    subject: &[u8],
    place: &dyn Referrers,
    (kind, content): (&str, Vec<u8>),
    created: Timestamp,
) -> Result<BlobDigest, SignImageError> {
    let annotations = BTreeMap::from([
        (bundle::CONTENT.to_owned(), bundle::ENVELOPE.to_owned()),
        (bundle::PREDICATE_TYPE.to_owned(), kind.to_owned()),
        ("org.opencontainers.image.created".to_owned(), in_seconds(created)),
    ]);
    let document =
        attach::Document { media_type: bundle::MEDIA_TYPE, title: None, bytes: content, annotations };
    let packed = pack(subject, document);
    let digest = packed.digest;
    place.attach(packed)?;
    Ok(digest)
}

fn layer(
    subject: BlobDigest,
    signer: &dyn Signer,
    order: &Order<'_>,
) -> Result<(&'static str, legacy::Layer), SignError> {
    match order.claim {
        Claim::Signed(annotations) => {
            let layer = legacy::signature(signer, &subject.0, order.repository, annotations)?;
            Ok((COSIGN_SIGNATURES, layer))
        }
        Claim::Attested { kind, predicate } => {
            let name = Some(order.repository).filter(|name| !name.is_empty());
            let statement = statement::attested(name, &subject.0, kind, predicate);
            Ok((COSIGN_ATTESTATIONS, legacy::attestation(signer, &statement, kind)?))
        }
    }
}
