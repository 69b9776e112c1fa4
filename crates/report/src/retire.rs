//! What `plimsoll retire` tells: which images stay and why, and which go; in words and as JSON.

use std::io::{self, Write};

use plimsoll_model::gap::Gap;
use schemars::JsonSchema;
use serde::Serialize;

use crate::Style;
use crate::json::GapDocument;
use crate::table::{bold, clean, plural};

/// The version of the JSON document's schema, `docs/schema/retire-1.json`.
pub const SCHEMA_VERSION: &str = "1.0";

/// An image of a repository.
#[derive(Clone, Debug)]
pub struct Image {
    /// Its repository.
    pub repository: String,
    /// Its digest.
    pub digest: String,
    /// The tags that mean it.
    pub tags: Vec<String>,
    /// When it was made, as it says itself.
    pub created: Option<String>,
    /// How many manifests are removed with it, itself among them.
    pub manifests: usize,
    /// `kept`, `removable`, `removed` or `failed`.
    pub fate: &'static str,
    /// Why it stays, or was not removed.
    pub reason: Option<String>,
}

/// Writes it for a person.
///
/// # Errors
/// If `out` fails.
pub fn write_text(images: &[Image], gaps: &[Gap], style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut repository = "";
    for image in images {
        if image.repository != repository {
            repository = &image.repository;
            writeln!(out, "{}", bold(&clean(repository), style))?;
        }
        let age = image.created.as_deref().and_then(|time| time.get(..10)).unwrap_or("no date");
        let reason = image.reason.as_deref().map(|reason| format!(": {}", clean(reason))).unwrap_or_default();
        let tags = clean(&image.tags.join(", "));
        writeln!(out, "  {:9} {age:10} {} {tags}{reason}", image.fate, short(&image.digest))?;
    }
    for gap in gaps {
        writeln!(out, "not known: {}: {}", clean(&gap.subject), clean(&gap.reason))?;
    }
    let count = |fate: &str| images.iter().filter(|image| image.fate == fate).count();
    let (kept, removable) = (count("kept"), count("removable"));
    writeln!(
        out,
        "{} image{}: {kept} kept, {removable} removable, {} removed, {} failed",
        images.len(),
        plural(images.len()),
        count("removed"),
        count("failed")
    )?;
    match (gaps.is_empty(), removable) {
        (false, _) => writeln!(out, "nothing more is removed: not all is known that has to be"),
        (true, 0) => Ok(()),
        (true, _) => writeln!(out, "nothing was removed: --yes does that"),
    }
}

/// The beginning of a digest.
fn short(digest: &str) -> &str {
    digest.get(..19).unwrap_or(digest)
}

/// Writes it as JSON, by the schema `docs/schema/retire-1.json`.
///
/// # Errors
/// If `out` fails.
pub fn write_json(images: &[Image], gaps: &[Gap], out: &mut dyn Write) -> io::Result<()> {
    let image = |image: &Image| ImageDocument {
        repository: image.repository.clone(),
        digest: image.digest.clone(),
        tags: image.tags.clone(),
        created: image.created.clone(),
        manifests: image.manifests,
        fate: image.fate,
        reason: image.reason.clone(),
    };
    let document = Document {
        schema_version: SCHEMA_VERSION,
        images: images.iter().map(image).collect(),
        gaps: gaps.iter().map(GapDocument::new).collect(),
    };
    crate::write_json(&document, out)
}

/// The JSON schema of the document.
#[must_use]
pub fn schema() -> String {
    crate::schema_of::<Document<'static>>()
}

/// The images of repositories, and what becomes of them.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    /// The version of this document's schema.
    schema_version: &'a str,
    /// The images, by repository, the newest first.
    images: Vec<ImageDocument>,
    /// What could not be learnt. If there is something, nothing more is removed.
    gaps: Vec<GapDocument<'a>>,
}

/// An image.
#[derive(JsonSchema, Serialize)]
struct ImageDocument {
    /// Its repository.
    repository: String,
    /// Its digest.
    digest: String,
    /// The tags that mean it.
    tags: Vec<String>,
    /// When it was made, as it says itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    /// How many manifests go with it, itself among them: what its index names, signatures and the like.
    manifests: usize,
    /// `kept`, `removable`, `removed`, or `failed`.
    fate: &'static str,
    /// Why it stays, or was not removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}
