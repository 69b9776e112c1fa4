//! VEX documents that lie beside an image, in its registry or its layout: as documents, or in attestations. Their
//! signatures are not verified: whoever may write there can have put them there.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use plimsoll_advisory::vex::{self, VexError};
use plimsoll_image::Image;
use plimsoll_image::manifest::Descriptor;
use plimsoll_image::source::referrers::{Artifact, COSIGN_ATTESTATIONS, Referrer, ReferrerError, Referrers};
use plimsoll_model::digest::BlobDigest;
use plimsoll_model::vex::{Product, Statement};

/// The most documents of one image that are read.
const DOCUMENT_LIMIT: usize = 1_000;
/// The most bytes of all documents of one image.
const BYTE_LIMIT: u64 = 256 << 20;

/// Parts of media types that may hold VEX documents.
const KINDS: [&str; 7] = ["openvex", "csaf", "cyclonedx", "vex+json", "in-toto", "dsse", "sigstore.bundle"];
/// Annotations that tell of what an attestation is, as cosign writes them.
const PREDICATE_ANNOTATIONS: [&str; 2] = ["predicateType", "dev.sigstore.bundle.predicateType"];

/// What lies beside some images.
#[derive(Debug, Default)]
pub struct Beside {
    /// The statements, by the digest of the image's manifest.
    pub statements: BTreeMap<BlobDigest, Vec<Statement>>,
    /// What could not be read: where it is, and why.
    pub unread: Vec<(String, String)>,
}

/// Reads the VEX documents that refer to `images`, or to the index that led to them.
///
/// # Errors
/// If it cannot be told what refers to them. A document that cannot be read is told in its place.
pub fn beside(images: &[Image], place: &dyn Referrers) -> Result<Beside, ReferrerError> {
    let mut found = Beside::default();
    let mut known: BTreeMap<BlobDigest, Vec<Statement>> = BTreeMap::new();
    for image in images {
        let Some(manifest) = image.manifest_digest else { continue };
        let mut statements = Vec::new();
        for subject in image.index_digest.into_iter().chain([manifest]) {
            let own = match known.entry(subject) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(free) => {
                    let mut reading =
                        Reading { place, subject, statements: Vec::new(), documents: 0, bytes: 0 };
                    reading.all(&mut found.unread)?;
                    free.insert(reading.statements)
                }
            };
            statements.extend_from_slice(own);
        }
        found.statements.insert(manifest, statements);
    }
    Ok(found)
}

/// The reading of what refers to one manifest or index.
struct Reading<'p> {
    place: &'p dyn Referrers,
    subject: BlobDigest,
    statements: Vec<Statement>,
    documents: usize,
    bytes: u64,
}

impl Reading<'_> {
    fn all(&mut self, unread: &mut Vec<(String, String)>) -> Result<(), ReferrerError> {
        let listing = self.place.list(self.subject, &[COSIGN_ATTESTATIONS])?;
        let of_subject = format!("what refers to {}", self.place.title(self.subject));
        unread.extend(listing.unread.into_iter().map(|reason| (of_subject.clone(), reason)));
        for referrer in listing.referrers.iter().filter(|referrer| may_be_vex(&referrer.manifest)) {
            let title = self.place.title(referrer.manifest.digest);
            match self.place.artifact(referrer) {
                Ok(artifact) => self.artifact(referrer, &artifact, &title, unread),
                Err(error) => unread.push((title, error.to_string())),
            }
        }
        Ok(())
    }

    fn artifact(
        &mut self,
        referrer: &Referrer,
        artifact: &Artifact,
        title: &str,
        unread: &mut Vec<(String, String)>,
    ) {
        let own = artifact.artifact_type.as_deref().or(referrer.manifest.artifact_type.as_deref());
        let own = own.or(artifact.config.as_ref().map(|config| config.media_type.as_str()));
        let is_vex = own.is_some_and(is_kind) && !is_other_predicate(artifact.annotations.as_ref());
        for layer in &artifact.layers {
            let generic = ["", "application/json", "application/octet-stream", "text/json"];
            let is_document = is_kind(&layer.media_type)
                || (is_vex && generic.contains(&layer.media_type.split(';').next().unwrap_or_default()));
            if is_document && !is_other_predicate(layer.annotations.as_ref()) {
                let result = self.document(layer, title);
                unread.extend(result.err().map(|reason| (title.to_owned(), reason)));
            }
        }
    }

    fn document(&mut self, layer: &Descriptor, title: &str) -> Result<(), String> {
        self.documents = self.documents.saturating_add(1);
        if self.documents > DOCUMENT_LIMIT {
            return Err(format!("more than {DOCUMENT_LIMIT} documents refer to the image"));
        }
        let limit = vex::LIMIT.min(BYTE_LIMIT.saturating_sub(self.bytes));
        let bytes = self.place.bytes(layer, limit).map_err(|error| error.to_string())?;
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        let image = Product::of(vex::image_purl("image", None, self.subject));
        match vex::parse_about(&bytes, title, &[image]) {
            Ok(statements) => self.statements.extend(statements),
            // An attestation of something else.
            Err(VexError::Predicate(_)) => {}
            Err(error) => return Err(vex::reason(&error)),
        }
        Ok(())
    }
}

/// Whether it is worth a look. What tells no type is looked at, and what some registries tell instead of it: the type of
/// the configuration.
fn may_be_vex(manifest: &Descriptor) -> bool {
    let says_nothing = |kind: &str| kind.is_empty() || kind.starts_with("application/vnd.oci.");
    manifest.artifact_type.as_deref().is_none_or(|kind| says_nothing(kind) || is_kind(kind))
        && !is_other_predicate(manifest.annotations.as_ref())
}

fn is_kind(media_type: &str) -> bool {
    KINDS.iter().any(|kind| media_type.contains(kind))
}

/// Whether annotations say that it is an attestation of something else.
fn is_other_predicate(annotations: Option<&BTreeMap<String, String>>) -> bool {
    let told = annotations.and_then(|all| PREDICATE_ANNOTATIONS.iter().find_map(|key| all.get(*key)));
    told.is_some_and(|kind| !["openvex", "cyclonedx", "vex"].iter().any(|known| kind.contains(known)))
}
