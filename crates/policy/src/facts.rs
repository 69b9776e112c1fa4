//! What is known of an image as a whole. What is not known is none, and leaves the rules that ask for it undecided.
//!
//! Of signatures and provenance only what verification accepted is among it.

use jiff::Timestamp;
use jiff::civil::Date;
use plimsoll_model::decision::TrustSummary;
use plimsoll_model::reference::Reference;
use plimsoll_model::scan::Scan;

use crate::fields::midnight;

/// What a scan does not tell of an image, and its caller may know.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Surroundings {
    /// The image that it is based on, if it was looked for among known images. No names: it is based on none of them.
    pub base: Option<BaseFacts>,
    /// Whether a bill of materials lies with it, if that was looked for.
    pub sbom: Option<bool>,
    /// Its signatures under a trust file, if that was looked for.
    pub trust: Option<TrustFacts>,
}

/// What verification accepted.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TrustFacts {
    /// For the report: the trust file and what came of it.
    pub summary: Option<TrustSummary>,
    /// Whether it is signed as the trust file's domain demands.
    pub verified: bool,
    /// Why, or why not, in words.
    pub reason: String,
    /// Who made the signatures.
    pub signers: Vec<SignerFacts>,
    /// The attestations.
    pub attestations: Vec<AttestationFacts>,
    /// Those of them that are provenance.
    pub provenance: Vec<ProvenanceFacts>,
    /// What could not be read, in words; it may have been a signature.
    pub unread: Vec<String>,
}

/// Who made a signature.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SignerFacts {
    /// The names that the trust file has for them.
    pub known_as: Vec<String>,
    /// Whom the certificate names, if it was not a key.
    pub identity: Option<String>,
    /// Who vouched for that name.
    pub issuer: Option<String>,
}

/// A verified attestation.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AttestationFacts {
    /// The type of its predicate.
    pub kind: String,
    /// The names that the trust file has for its signer.
    pub signers: Vec<String>,
    /// The predicate; none if it is too large to be looked at.
    pub predicate: Option<serde_json::Value>,
}

/// Verified provenance.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ProvenanceFacts {
    /// The builder's id.
    pub builder: String,
    /// The type of build.
    pub build_type: String,
    /// The repository of the sources.
    pub source: Option<String>,
    /// The commit of the sources.
    pub commit: Option<String>,
    /// Whether all materials have digests.
    pub pinned: bool,
    /// The SLSA build level, by the trust file's builders.
    pub level: u8,
}

impl TrustFacts {
    /// The length of the longest list or mapping in predicates, which conditions may go through.
    pub(crate) fn longest(&self) -> usize {
        let predicates = self.attestations.iter().filter_map(|attestation| attestation.predicate.as_ref());
        predicates.map(longest).max().unwrap_or(0).max(self.attestations.len())
    }
}

fn longest(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Array(items) => items.iter().map(longest).max().unwrap_or(0).max(items.len()),
        serde_json::Value::Object(entries) => {
            entries.values().map(longest).max().unwrap_or(0).max(entries.len())
        }
        _ => 0,
    }
}

/// The base of an image.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct BaseFacts {
    /// The names that the base goes by, without tag: `docker.io/library/debian`.
    pub names: Vec<String>,
    /// Whether no newer image of its name is known; none if that cannot be told.
    pub current: Option<bool>,
}

/// What is known of an image as a whole.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct ImageFacts {
    pub(crate) name: String,
    pub(crate) platform: String,
    pub(crate) digests: Vec<String>,
    pub(crate) created: Option<Timestamp>,
    /// The tag it was asked for by, none if by digest only; not known of what is in no registry.
    pub(crate) tag: Option<Option<String>>,
    /// Whether it was asked for by digest.
    pub(crate) pinned: Option<bool>,
    pub(crate) layers: Option<u64>,
    /// The bytes of its layers as they are stored.
    pub(crate) size: Option<u64>,
    /// The day of the advisory database's newest data.
    pub(crate) database: Option<Date>,
    pub(crate) base: Option<BaseFacts>,
    pub(crate) sbom: Option<bool>,
    pub(crate) trust: Option<TrustFacts>,
}

impl ImageFacts {
    /// What `scan` and the caller know.
    pub(crate) fn of(scan: &Scan, surroundings: &Surroundings) -> Self {
        let image = &scan.image;
        let manifest = [image.index_digest, image.manifest_digest, image.config_digest];
        let named = Named::of(&image.name);
        let sizes = scan.layers.iter().map(|layer| layer.size);
        let size = sizes.sum::<Option<u64>>().filter(|_| !scan.layers.is_empty());
        Self {
            name: image.name.clone(),
            platform: image.platform.to_string(),
            digests: manifest.iter().flatten().map(ToString::to_string).collect(),
            created: image.created.as_deref().and_then(moment),
            tag: named.as_ref().map(|named| named.tag.clone()),
            pinned: named.map(|named| named.is_pinned),
            // A bill of materials tells no layers.
            layers: u64::try_from(scan.layers.len()).ok().filter(|count| *count > 0),
            size,
            database: scan.database.as_ref().and_then(|database| database.date),
            base: surroundings.base.clone(),
            sbom: surroundings.sbom,
            trust: surroundings.trust.clone(),
        }
    }
}

/// How an image of a registry was asked for.
pub(crate) struct Named {
    pub(crate) tag: Option<String>,
    pub(crate) is_pinned: bool,
}

impl Named {
    /// None if `name` is a file, a folder or no reference.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let is_local = [
            "oci:",
            "oci-archive:",
            "docker-archive:",
            "archive:",
            "dir:",
            "rootfs:",
            "sbom:",
            "docker-daemon:",
            "podman:",
            "containerd:",
        ];
        if name.starts_with(['/', '.']) || is_local.iter().any(|prefix| name.starts_with(prefix)) {
            return None;
        }
        let reference: Reference = name.parse().ok()?;
        let is_pinned = reference.digest().is_some();
        // What is asked for without tag and digest is the tag latest.
        let tag = reference.tag().map(str::to_owned);
        Some(Self { tag: tag.or_else(|| (!is_pinned).then(|| "latest".to_owned())), is_pinned })
    }
}

/// A time as configurations write it.
fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| midnight(text.parse().ok()?))
}
