//! What `plimsoll copy` tells: what was sent, what was there, and what was not copied; in words and as JSON.

use std::io::{self, Write};

use plimsoll_model::gap::Gap;
use schemars::JsonSchema;
use serde::Serialize;

use crate::Style;
use crate::account::size;
use crate::json::GapDocument;
use crate::table::{bold, clean, plural};

/// The version of the JSON document's schema, `docs/schema/copy-1.json`.
pub const SCHEMA_VERSION: &str = "1.0";

/// A copy of an image.
#[derive(Clone, Debug)]
pub struct Copy {
    /// Where it comes from.
    pub source: String,
    /// Where it is now.
    pub destination: String,
    /// Its digest.
    pub digest: String,
    /// What the name at the destination meant before, if it was something else.
    pub before: Option<String>,
    /// The manifests.
    pub manifests: Vec<Item>,
    /// The blobs.
    pub blobs: Vec<Item>,
    /// What was not copied, or is not there as it should be.
    pub gaps: Vec<Gap>,
}

/// A manifest or a blob.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its digest.
    pub digest: String,
    /// Its size in bytes.
    pub size: u64,
    /// What a manifest says that it is.
    pub kind: Option<&'static str>,
    /// What became of it.
    pub fate: Fate,
}

/// What became of something.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// It was sent.
    Sent,
    /// It was there.
    There,
    /// Another repository of the same registry had it.
    Mounted,
}

impl Fate {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::There => "there",
            Self::Mounted => "mounted",
        }
    }
}

/// Writes it for a person.
///
/// # Errors
/// If `out` fails.
pub fn write_text(copy: &Copy, style: Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{} -> {}", clean(&copy.source), bold(&clean(&copy.destination), style))?;
    writeln!(out, "{}", copy.digest)?;
    if let Some(before) = &copy.before {
        writeln!(out, "the name meant {before} before")?;
    }
    for (word, items) in [("manifest", &copy.manifests), ("blob", &copy.blobs)] {
        let of = |fate: Fate| items.iter().filter(move |item| item.fate == fate);
        let sent: u64 = of(Fate::Sent).map(|item| item.size).fold(0, u64::saturating_add);
        write!(
            out,
            "{} {word}{}: {} sent ({})",
            items.len(),
            plural(items.len()),
            of(Fate::Sent).count(),
            size(sent)
        )?;
        for (fate, words) in [(Fate::There, "there already"), (Fate::Mounted, "mounted")] {
            match of(fate).count() {
                0 => {}
                count => write!(out, ", {count} {words}")?,
            }
        }
        writeln!(out)?;
    }
    let mut kinds: Vec<(&str, usize)> = Vec::new();
    for kind in copy.manifests.iter().filter_map(|item| item.kind) {
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => kinds.push((kind, 1)),
        }
    }
    for (kind, count) in kinds {
        writeln!(out, "  {count} {}", kind.replace('-', " "))?;
    }
    for gap in &copy.gaps {
        writeln!(out, "not copied: {}: {}", clean(&gap.subject), clean(&gap.reason))?;
    }
    if copy.gaps.is_empty() {
        writeln!(out, "all of it was found again at the destination")?;
    }
    Ok(())
}

/// Writes it as JSON, by the schema `docs/schema/copy-1.json`.
///
/// # Errors
/// If `out` fails.
pub fn write_json(copy: &Copy, out: &mut dyn Write) -> io::Result<()> {
    let items = |items: &'_ [Item]| -> Vec<ItemDocument> { items.iter().map(ItemDocument::new).collect() };
    let document = Document {
        schema_version: SCHEMA_VERSION,
        source: &copy.source,
        destination: &copy.destination,
        digest: &copy.digest,
        before: copy.before.as_deref(),
        manifests: items(&copy.manifests),
        blobs: items(&copy.blobs),
        gaps: copy.gaps.iter().map(GapDocument::new).collect(),
    };
    crate::write_json(&document, out)
}

/// The JSON schema of the document.
#[must_use]
pub fn schema() -> String {
    crate::schema_of::<Document<'static>>()
}

/// A copy of an image.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    /// The version of this document's schema.
    schema_version: &'a str,
    /// Where it comes from.
    source: &'a str,
    /// Where it is now.
    destination: &'a str,
    /// Its digest, the same in both places.
    digest: &'a str,
    /// What the name at the destination meant before, if it was something else.
    before: Option<&'a str>,
    /// The manifests.
    manifests: Vec<ItemDocument>,
    /// The blobs.
    blobs: Vec<ItemDocument>,
    /// What was not copied, or was not found again at the destination.
    gaps: Vec<GapDocument<'a>>,
}

/// A manifest or a blob.
#[derive(JsonSchema, Serialize)]
struct ItemDocument {
    /// Its digest.
    digest: String,
    /// Its size in bytes.
    size: u64,
    /// What a manifest says that it is, as `plimsoll tree` tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    /// `sent`, `there` before, or `mounted` from another repository of the registry.
    fate: &'static str,
}

impl ItemDocument {
    fn new(item: &Item) -> Self {
        Self { digest: item.digest.clone(), size: item.size, kind: item.kind, fate: item.fate.as_str() }
    }
}
