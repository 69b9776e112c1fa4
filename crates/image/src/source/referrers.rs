//! What refers to an image: signatures, attestations, bills of materials, VEX documents that lie beside it in its
//! registry ([`super::registry::RemoteReferrers`]) or its layout ([`LayoutReferrers`]).
//!
//! Everything is verified against its digest, and nothing else: whoever may write there can have put it there, and
//! whether to believe it is for signatures to say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use plimsoll_model::digest::BlobDigest;
use serde::Deserialize;
use serde_json::Value;

use super::layout::{self, Directory};
use super::{Blobs, SourceError};
use crate::manifest::{Descriptor, Index, MANIFEST_LIMIT};

pub mod attach;

use attach::{AttachError, Packed, Tagged};

/// What cosign puts behind the digest in the tag of attestations.
pub const COSIGN_ATTESTATIONS: &str = ".att";
/// What cosign puts behind the digest in the tag of signatures.
pub const COSIGN_SIGNATURES: &str = ".sig";
/// What cosign put behind the digest in the tag of bills of materials.
pub const COSIGN_BILLS: &str = ".sbom";

/// The media type of an index.
pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The media type of a manifest.
pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// The most referrers of one image that are listed.
pub const REFERRER_LIMIT: usize = 10_000;

/// Something that refers to an image.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Referrer {
    /// Its manifest, with the annotations that the list gives.
    pub manifest: Descriptor,
    /// To what it refers.
    pub subject: BlobDigest,
    /// How it is tied to that.
    pub tie: Tie,
}

/// How a referrer is tied to its subject.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tie {
    /// Its manifest names the subject.
    Subject,
    /// Its tag does, as cosign's do.
    Tag,
    /// The image's index does, as `BuildKit` writes it.
    Index,
}

/// What refers to one image.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Listing {
    /// All referrers, sorted by digest.
    pub referrers: Vec<Referrer>,
    /// Entries of the list that are not understood, each with the reason.
    pub unread: Vec<String>,
}

/// What came of asking one place for what refers to an image.
#[derive(Debug)]
pub struct Asked {
    /// The place, in words.
    pub place: String,
    /// How what is there is tied to the image; none of a place that mixes them.
    pub tie: Option<Tie>,
    /// What is there.
    pub answer: Result<Listing, ReferrerError>,
}

/// A referrer's manifest.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// What it is.
    #[serde(default)]
    pub artifact_type: Option<String>,
    /// Its configuration, whose media type says what older artifacts are.
    #[serde(default)]
    pub config: Option<Descriptor>,
    /// Its content.
    #[serde(default)]
    pub layers: Vec<Descriptor>,
    /// To what it refers.
    #[serde(default)]
    pub subject: Option<Descriptor>,
    /// Annotations.
    #[serde(default)]
    pub annotations: Option<BTreeMap<String, String>>,
}

/// Why referrers could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ReferrerError {
    /// A file or a registry.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A manifest is malformed.
    #[error("the manifest {digest} is malformed")]
    Malformed {
        /// Which.
        digest: BlobDigest,
        /// Why.
        source: serde_json::Error,
    },
    /// It refers to something else, whatever the list says.
    #[error("the manifest {digest} does not refer to {subject}")]
    Subject {
        /// Which.
        digest: BlobDigest,
        /// To what it should refer.
        subject: BlobDigest,
    },
    /// It was not kept when it was last there.
    #[error("{digest} is not in the cache")]
    Absent {
        /// Which.
        digest: BlobDigest,
    },
    /// A blob is larger than wanted.
    #[error("blob {digest} has {size} bytes, more than the limit of {limit}")]
    TooLarge {
        /// Which.
        digest: BlobDigest,
        /// By its descriptor.
        size: u64,
        /// The limit.
        limit: u64,
    },
}

/// A place where referrers lie.
pub trait Referrers {
    /// Lists what refers to the manifest `subject`, and what has one of the tags that cosign makes of its digest and
    /// one of `endings`.
    ///
    /// # Errors
    /// See [`ReferrerError`].
    fn list(&self, subject: BlobDigest, endings: &[&str]) -> Result<Listing, ReferrerError>;

    /// The same of several manifests, and so that the failure of one place hides nothing of another. What can be asked at once
    /// is.
    fn ask(&self, subjects: &[BlobDigest], endings: &[&str]) -> Vec<Vec<Asked>> {
        let asked = |subject: &BlobDigest| {
            let place = format!("what refers to {subject}");
            vec![Asked { place, tie: None, answer: self.list(*subject, endings) }]
        };
        subjects.iter().map(asked).collect()
    }

    /// Where a manifest lies, for people.
    fn title(&self, digest: BlobDigest) -> String;

    /// The bytes of a manifest or blob, of at most `limit` bytes, digest and size verified.
    ///
    /// # Errors
    /// See [`ReferrerError`].
    fn bytes(&self, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, ReferrerError>;

    /// Attaches a document to the manifest that it was packed for.
    ///
    /// # Errors
    /// See [`AttachError`].
    fn attach(&self, packed: Packed) -> Result<(), AttachError>;

    /// Gives a manifest the tag that cosign makes of its subject's digest.
    ///
    /// # Errors
    /// See [`AttachError`].
    fn tag(&self, tagged: Tagged) -> Result<(), AttachError>;

    /// The index of this digest; without one, that in which everything lies, where there is one.
    ///
    /// # Errors
    /// See [`ReferrerError`].
    fn index(&self, digest: Option<BlobDigest>) -> Result<Index, ReferrerError> {
        match digest {
            None => Ok(Index { manifests: Vec::new() }),
            Some(digest) => self.index_at(digest),
        }
    }

    /// The index of this digest.
    ///
    /// # Errors
    /// See [`ReferrerError`].
    fn index_at(&self, digest: BlobDigest) -> Result<Index, ReferrerError> {
        let bytes = self.bytes(&Descriptor::bare(OCI_INDEX, digest), MANIFEST_LIMIT)?;
        serde_json::from_slice(&bytes).map_err(|source| ReferrerError::Malformed { digest, source })
    }

    /// The attestations that `BuildKit` put beside the image `subject` into its index.
    ///
    /// # Errors
    /// See [`ReferrerError`].
    fn of_buildkit(
        &self,
        index: Option<BlobDigest>,
        subject: BlobDigest,
    ) -> Result<Vec<Referrer>, ReferrerError> {
        let mut manifests = self.index(index)?.manifests;
        manifests.truncate(REFERRER_LIMIT);
        manifests.retain(|entry| entry.attests() == Some(subject));
        Ok(manifests.into_iter().map(|manifest| Referrer { manifest, subject, tie: Tie::Index }).collect())
    }

    /// The manifest of a referrer, which must be about its subject.
    ///
    /// # Errors
    /// See [`ReferrerError`].
    fn artifact(&self, referrer: &Referrer) -> Result<Artifact, ReferrerError> {
        let digest = referrer.manifest.digest;
        let artifact = parse(&self.bytes(&referrer.manifest, MANIFEST_LIMIT)?, digest)?;
        let names_it = artifact.subject.as_ref().is_some_and(|own| own.digest == referrer.subject);
        match referrer.tie {
            Tie::Subject if !names_it => Err(ReferrerError::Subject { digest, subject: referrer.subject }),
            Tie::Subject | Tie::Tag | Tie::Index => Ok(artifact),
        }
    }
}

fn parse(bytes: &[u8], digest: BlobDigest) -> Result<Artifact, ReferrerError> {
    serde_json::from_slice(bytes).map_err(|source| ReferrerError::Malformed { digest, source })
}

/// Makes sure that a blob is not larger than wanted before it is asked for.
pub(super) fn check_size(descriptor: &Descriptor, limit: u64) -> Result<u64, ReferrerError> {
    let Descriptor { digest, size, .. } = *descriptor;
    match size {
        // Some writers leave the size out.
        0 => Ok(limit),
        size if size > limit => Err(ReferrerError::TooLarge { digest, size, limit }),
        size => Ok(size),
    }
}

impl Listing {
    /// Adds the entries of an index.
    pub(super) fn extend(&mut self, entries: Vec<Value>, subject: BlobDigest) {
        for entry in entries {
            match serde_json::from_value::<Descriptor>(entry) {
                Ok(manifest) => self.add(Referrer { manifest, subject, tie: Tie::Subject }),
                Err(error) => self.unread.push(error.to_string()),
            }
        }
    }

    /// Adds one that is not there yet.
    pub fn add(&mut self, referrer: Referrer) {
        let digest = referrer.manifest.digest;
        match self.referrers.binary_search_by_key(&digest, |known| known.manifest.digest) {
            Ok(_) => {}
            Err(place) => self.referrers.insert(place, referrer),
        }
    }

    /// How many entries there are, understood or not.
    pub(super) fn len(&self) -> usize {
        self.referrers.len().saturating_add(self.unread.len())
    }
}

/// The tag under which registries without the API list the referrers of a manifest
/// (<https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema>), and with which
/// cosign's tags begin.
pub(crate) fn tag_of(subject: BlobDigest) -> String {
    subject.to_string().replace(':', "-")
}

/// An index whose entries are looked at one by one.
#[derive(Deserialize)]
pub(super) struct Entries {
    #[serde(deserialize_with = "crate::config::null_is_default")]
    pub(super) manifests: Vec<Value>,
}

/// Referrers in an OCI layout: entries of its index that name the subject, or have the tags that registries would
/// give them.
#[derive(Debug)]
pub struct LayoutReferrers {
    pub(super) directory: PathBuf,
    pub(super) blobs: Directory,
}

impl LayoutReferrers {
    /// Those of the layout at `directory`.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), blobs: Directory { root: directory.to_owned() } }
    }
}

impl Referrers for LayoutReferrers {
    fn list(&self, subject: BlobDigest, endings: &[&str]) -> Result<Listing, ReferrerError> {
        listed(&layout::index(&self.directory)?, &self.blobs, subject, endings)
    }

    fn title(&self, digest: BlobDigest) -> String {
        format!("{}@{digest}", self.directory.display())
    }

    fn bytes(&self, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, ReferrerError> {
        small(&self.blobs, descriptor, limit)
    }

    fn attach(&self, packed: Packed) -> Result<(), AttachError> {
        attach::to_layout(&self.directory, packed)
    }

    fn tag(&self, tagged: Tagged) -> Result<(), AttachError> {
        let tag = format!("{}{}", tag_of(tagged.subject), tagged.ending);
        attach::tag_in_layout(&self.directory, &tagged, &tag)
    }

    fn index(&self, digest: Option<BlobDigest>) -> Result<Index, ReferrerError> {
        digest.map_or_else(|| Ok(layout::index(&self.directory)?), |digest| self.index_at(digest))
    }
}

/// What refers to `subject` among the entries of a layout's index.
pub(super) fn listed(
    index: &Index,
    blobs: &dyn Blobs,
    subject: BlobDigest,
    endings: &[&str],
) -> Result<Listing, ReferrerError> {
    let mut listing = Listing::default();
    let fallback = tag_of(subject);
    for entry in index.manifests.iter().take(REFERRER_LIMIT) {
        if layout::is_named(entry, &fallback) {
            let bytes = small(blobs, entry, MANIFEST_LIMIT)?;
            let entries: Entries = serde_json::from_slice(&bytes)
                .map_err(|source| ReferrerError::Malformed { digest: entry.digest, source })?;
            listing.extend(entries.manifests, subject);
            continue;
        }
        let is_tagged = |ending: &&str| {
            // Such a layout holds one image, and its signatures are about that.
            layout::saved_by_cosign(entry) == Some(*ending)
                || layout::is_named(entry, &format!("{fallback}{ending}"))
        };
        if endings.iter().any(is_tagged) {
            listing.add(Referrer { manifest: entry.clone(), subject, tie: Tie::Tag });
            continue;
        }
        if entry.digest == subject {
            continue;
        }
        let manifest = small(blobs, entry, MANIFEST_LIMIT).and_then(|bytes| parse(&bytes, entry.digest));
        match manifest {
            Ok(Artifact { subject: Some(own), .. }) if own.digest == subject => {
                listing.add(Referrer { manifest: entry.clone(), subject, tie: Tie::Subject });
            }
            Ok(_) => {}
            Err(error) => listing.unread.push(error.to_string()),
        }
    }
    Ok(listing)
}

/// A small blob of a layout, which is refused before it is read if it is larger than wanted.
pub(super) fn small(
    blobs: &dyn Blobs,
    descriptor: &Descriptor,
    limit: u64,
) -> Result<Vec<u8>, ReferrerError> {
    check_size(descriptor, limit)?;
    Ok(blobs.small(descriptor, limit)?)
}

#[cfg(test)]
mod tests;
