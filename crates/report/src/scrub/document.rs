//! The JSON document of a scrub, by the schema `docs/schema/scrub-1.json`.

use std::io::{self, Write};

use plimsoll_model::finding::{Finding, FindingKind};
use plimsoll_model::scan::ImageIdentity;
use plimsoll_model::scrub::{LayerIds, Rotation, Scrub, ScrubbedFile, ScrubbedImage, ScrubbedLayer};
use schemars::JsonSchema;
use serde::Serialize;

use super::OLD_DIGEST;
use crate::json::GapDocument;

/// The version of the JSON document's schema, `docs/schema/scrub-1.json`.
pub const SCHEMA_VERSION: &str = "1.0";

/// Writes what was done, or would be, as JSON.
///
/// # Errors
/// If `out` fails.
pub fn write_json(scrub: &Scrub, out: &mut dyn Write) -> io::Result<()> {
    crate::write_json(&Document::new(scrub), out)
}

/// The JSON schema of the document.
#[must_use]
pub fn schema() -> String {
    crate::schema_of::<Document<'static>>()
}

/// The result of one run of `plimsoll scrub`.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    /// The version of this document's schema.
    schema_version: &'a str,
    /// Where the new image is; null if nothing was written (`--dry-run`).
    destination: Option<&'a str>,
    /// Whether the new image was proved to be the old one but for what is listed here, and a scan of all of it finds no
    /// secret. False if nothing was written.
    verified: bool,
    /// The digest of the index that the image's name led to; null if it led to none.
    index_before: Option<String>,
    /// The digest of the new index; null if there is none.
    index_after: Option<String>,
    /// How many manifests of attestations of the index before are left out.
    dropped_attestations: usize,
    /// What does not hold for the new image, in words; null if it is the same image.
    statement: Option<&'a str>,
    /// The images, one a platform.
    images: Vec<ImageDocument<'a>>,
}

/// An image.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct ImageDocument<'a> {
    /// The name it was asked for by.
    name: &'a str,
    /// `linux/amd64`.
    platform: String,
    /// Digests before.
    before: DigestsDocument,
    /// Digests after; null if nothing was made.
    after: Option<DigestsDocument>,
    /// All layers, lowest first.
    layers: Vec<LayerDocument<'a>>,
    /// Texts of the configuration and the manifest out of which secrets were taken, sorted.
    settings: Vec<SettingDocument<'a>>,
    /// Secrets that were taken out, each once, the worst first. Each has to be revoked and replaced.
    rotate: Vec<RotationDocument<'a>>,
    /// Secrets that a scan finds in the new image.
    remaining: Vec<RemainingDocument<'a>>,
    /// What could not be searched for secrets.
    gaps: Vec<GapDocument<'a>>,
}

/// An image's digests.
#[derive(JsonSchema, Serialize)]
struct DigestsDocument {
    /// Of its manifest; null where its place keeps none.
    manifest: Option<String>,
    /// Of its configuration: the image ID.
    config: Option<String>,
}

/// A layer.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct LayerDocument<'a> {
    /// The build step that made it, secrets replaced.
    created_by: Option<&'a str>,
    /// Whether it was made again.
    changed: bool,
    /// Before.
    before: LayerIdsDocument,
    /// After; null if nothing was made.
    after: Option<LayerIdsDocument>,
    /// Files that changed, sorted by path.
    files: Vec<FileDocument<'a>>,
}

/// A layer's digests.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct LayerIdsDocument {
    /// Of its tar.
    diff_id: Option<String>,
    /// Of its blob; null where the image's place does not keep it as one.
    digest: Option<String>,
}

/// A file.
#[derive(JsonSchema, Serialize)]
struct FileDocument<'a> {
    /// The absolute path.
    path: String,
    /// `removed`, `hidden` (removed, and a whiteout hides what a lower layer has there) or `redacted`.
    change: &'static str,
    /// The rules that found a secret in it, or `path` if it was named.
    rules: &'a [String],
}

/// A text.
#[derive(JsonSchema, Serialize)]
struct SettingDocument<'a> {
    /// `config.Env DB_PASSWORD`, `history 3`.
    place: &'a str,
    /// The rules that found a secret in it.
    rules: &'a [String],
}

/// A secret that was taken out.
#[derive(JsonSchema, Serialize)]
pub(super) struct RotationDocument<'a> {
    /// The rule that found it.
    rule: &'a str,
    /// What that finds.
    title: &'a str,
    /// How bad a leak is.
    severity: &'static str,
    /// Its head.
    redacted: &'a str,
    /// SHA-256 of it.
    fingerprint: &'a str,
    /// Where it was.
    places: &'a [String],
}

/// A secret that remains.
#[derive(JsonSchema, Serialize)]
struct RemainingDocument<'a> {
    /// The rule.
    rule: &'a str,
    /// One line for a person.
    title: &'a str,
    /// How bad a leak is.
    severity: &'static str,
    /// SHA-256 of it.
    fingerprint: Option<&'a str>,
}

impl<'a> Document<'a> {
    fn new(scrub: &'a Scrub) -> Self {
        let is_clean = scrub
            .images
            .iter()
            .all(|image| image.gaps.is_empty() && image.remaining.is_empty() && image.after.is_some());
        let is_other = !scrub.is_empty() || scrub.dropped_attestations > 0;
        Self {
            schema_version: SCHEMA_VERSION,
            destination: scrub.destination.as_deref(),
            verified: scrub.destination.is_some() && is_clean,
            index_before: scrub.index_before.map(|digest| digest.to_string()),
            index_after: scrub.index_after.map(|digest| digest.to_string()),
            dropped_attestations: scrub.dropped_attestations,
            statement: is_other.then_some(OLD_DIGEST),
            images: scrub.images.iter().map(ImageDocument::new).collect(),
        }
    }
}

impl<'a> ImageDocument<'a> {
    fn new(image: &'a ScrubbedImage) -> Self {
        let settings = image.settings.iter();
        Self {
            name: &image.before.name,
            platform: image.before.platform.to_string(),
            before: DigestsDocument::new(&image.before),
            after: image.after.as_ref().map(DigestsDocument::new),
            layers: image.layers.iter().map(LayerDocument::new).collect(),
            settings: settings.map(|of| SettingDocument { place: &of.place, rules: &of.rules }).collect(),
            rotate: image.rotate.iter().map(RotationDocument::new).collect(),
            remaining: image.remaining.iter().map(RemainingDocument::new).collect(),
            gaps: image.gaps.iter().map(GapDocument::new).collect(),
        }
    }
}

impl<'a> RotationDocument<'a> {
    pub(super) fn new(rotation: &'a Rotation) -> Self {
        Self {
            rule: &rotation.rule,
            title: &rotation.title,
            severity: rotation.severity.as_str(),
            redacted: &rotation.redacted,
            fingerprint: &rotation.fingerprint,
            places: &rotation.places,
        }
    }
}

impl DigestsDocument {
    fn new(image: &ImageIdentity) -> Self {
        let text =
            |digest: Option<plimsoll_model::digest::BlobDigest>| digest.map(|digest| digest.to_string());
        Self { manifest: text(image.manifest_digest), config: text(image.config_digest) }
    }
}

impl<'a> LayerDocument<'a> {
    fn new(layer: &'a ScrubbedLayer) -> Self {
        let file = |file: &'a ScrubbedFile| FileDocument {
            path: format!("/{}", file.path),
            change: file.change.as_str(),
            rules: &file.rules,
        };
        Self {
            created_by: layer.created_by.as_deref(),
            changed: !layer.files.is_empty(),
            before: LayerIdsDocument::new(layer.before),
            after: layer.after.map(LayerIdsDocument::new),
            files: layer.files.iter().map(file).collect(),
        }
    }
}

impl LayerIdsDocument {
    fn new(ids: LayerIds) -> Self {
        Self {
            diff_id: ids.diff_id.map(|id| id.to_string()),
            digest: ids.digest.map(|digest| digest.to_string()),
        }
    }
}

impl<'a> RemainingDocument<'a> {
    fn new(finding: &'a Finding) -> Self {
        let fingerprint = match &finding.kind {
            FindingKind::Secret { fingerprint, .. } => Some(fingerprint.as_str()),
            _ => None,
        };
        Self { rule: &finding.id, title: &finding.title, severity: finding.severity.as_str(), fingerprint }
    }
}
