//! What `plimsoll tree` tells: everything that belongs to an image, in words and as JSON.

use std::io::{self, Write};

use plimsoll_model::gap::Gap;
use schemars::JsonSchema;
use serde::Serialize;

use crate::Style;
use crate::account::size;
use crate::json::GapDocument;
use crate::table::{bold, clean, plural};

/// The version of the JSON document's schema, `docs/schema/tree-1.json`.
pub const SCHEMA_VERSION: &str = "1.0";

/// Everything that belongs to an image.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The name that it was asked for by.
    pub name: String,
    /// The parts, each below what it belongs to.
    pub parts: Vec<Part>,
    /// What could not be listed.
    pub gaps: Vec<Gap>,
}

/// A manifest or an index.
#[derive(Clone, Debug)]
pub struct Part {
    /// How many parts are above it.
    pub depth: usize,
    /// The digest of what it belongs to.
    pub of: Option<String>,
    /// How it belongs to that: `entry`, `attestation`, `referrer`, `tag`; of the first `top`.
    pub bond: &'static str,
    /// What it says that it is: `image`, `index`, `sigstore-bundle` …
    pub kind: &'static str,
    /// Its digest.
    pub digest: String,
    /// Its media type.
    pub media_type: String,
    /// Its artifact type, or else the media type of its configuration.
    pub artifact_type: Option<String>,
    /// The tag that it belongs by.
    pub tag: Option<String>,
    /// The platform, by the index.
    pub platform: Option<String>,
    /// The digest of the image that it is about, by the index.
    pub about: Option<String>,
    /// How many layers it has.
    pub layers: usize,
    /// How many bytes it has with all its blobs.
    pub size: u64,
    /// The types of the statements in it, as annotations tell them.
    pub predicate_types: Vec<String>,
    /// Whether what it claims is signed.
    pub claim: Claim,
    /// Whether it was told above.
    pub again: bool,
}

/// Whether what a part claims is signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Claim {
    /// It claims nothing.
    None,
    /// It holds signatures, which were not verified.
    NotVerified,
    /// Nobody signed it.
    Unsigned,
}

impl Claim {
    const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::NotVerified => Some("not-verified"),
            Self::Unsigned => Some("unsigned"),
        }
    }
}

/// Writes it for a person.
///
/// # Errors
/// If `out` fails.
pub fn write_text(tree: &Tree, style: Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", bold(&clean(&tree.name), style))?;
    for part in &tree.parts {
        write_part(part, style, out)?;
    }
    for gap in &tree.gaps {
        writeln!(out, "not listed: {}: {}", clean(&gap.subject), clean(&gap.reason))?;
    }
    let own: Vec<&Part> = tree.parts.iter().filter(|part| !part.again).collect();
    writeln!(out, "{} manifest{}", own.len(), plural(own.len()))?;
    let has = |claim| own.iter().any(|part| part.claim == claim);
    if has(Claim::NotVerified) {
        writeln!(out, "no signature was verified here: plimsoll verify does that")?;
    }
    if has(Claim::Unsigned) {
        writeln!(out, "what is unsigned, anybody can have claimed who may write to the repository")?;
    }
    Ok(())
}

fn write_part(part: &Part, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let indent = "  ".repeat(part.depth.saturating_add(1));
    let kind = bold(&part.kind.replace('-', " "), style);
    let platform =
        part.platform.as_ref().map_or_else(String::new, |platform| format!(" {}", clean(platform)));
    write!(out, "{indent}{kind}{platform}  {}", part.digest)?;
    if part.again {
        return writeln!(out, "  (told above)");
    }
    if part.layers > 0 {
        write!(out, "  {} layer{},", part.layers, plural(part.layers))?;
    }
    write!(out, "  {}", size(part.size))?;
    if part.kind == "artifact" {
        write!(out, "  {}", clean(part.artifact_type.as_deref().unwrap_or("of no type")))?;
    }
    match part.claim {
        Claim::None => {}
        Claim::NotVerified => write!(out, "  not verified")?,
        Claim::Unsigned => write!(out, "  unsigned")?,
    }
    writeln!(out)?;
    let detail = |words: &str, text: &str| format!("{indent}    {words} {}", clean(text));
    let about = part.about.iter().map(|about| detail("about", about));
    let tag = part.tag.iter().map(|tag| detail("tag", tag));
    let types = part.predicate_types.iter().map(|kind| detail("type", kind));
    about.chain(tag).chain(types).try_for_each(|line| writeln!(out, "{line}"))
}

/// Writes it as JSON, by the schema `docs/schema/tree-1.json`.
///
/// # Errors
/// If `out` fails.
pub fn write_json(tree: &Tree, out: &mut dyn Write) -> io::Result<()> {
    let parts = tree.parts.iter().map(PartDocument::new).collect();
    let gaps = tree.gaps.iter().map(GapDocument::new).collect();
    crate::write_json(&Document { schema_version: SCHEMA_VERSION, name: &tree.name, parts, gaps }, out)
}

/// The JSON schema of the document.
#[must_use]
pub fn schema() -> String {
    crate::schema_of::<Document<'static>>()
}

/// Everything that belongs to an image.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    /// The version of this document's schema.
    schema_version: &'a str,
    /// The name that the image was asked for by.
    name: &'a str,
    /// The manifests, each after what it belongs to; the image itself is the first.
    parts: Vec<PartDocument<'a>>,
    /// What could not be listed.
    gaps: Vec<GapDocument<'a>>,
}

/// A manifest or an index.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct PartDocument<'a> {
    /// Its digest.
    digest: &'a str,
    /// The digest of what it belongs to; none of the first.
    of: Option<&'a str>,
    /// How it belongs to that: an `entry` of an index, an `attestation` that `BuildKit` put there, a `referrer` that names it as its subject,
    /// or a `tag` that cosign makes of its digest; `top` of the first.
    bond: &'static str,
    /// What it says that it is: `index`, `image`, `cosign-signatures`, `cosign-attestations`, `sigstore-bundle`, `notary-signature`, `envelope`,
    /// `attestations`, `bill-of-materials`, `vex`, `artifact`.
    kind: &'static str,
    /// Its media type.
    media_type: &'a str,
    /// Its artifact type, or else the media type of its configuration.
    artifact_type: Option<&'a str>,
    /// The tag that it belongs by.
    tag: Option<&'a str>,
    /// The platform, by the index.
    platform: Option<&'a str>,
    /// The digest of the image that it is about, by the index.
    about: Option<&'a str>,
    /// How many layers it has.
    layers: usize,
    /// How many bytes it has with all its blobs.
    size: u64,
    /// The types of the statements in it, as annotations tell them, which nobody signed.
    predicate_types: &'a [String],
    /// `not-verified` if it holds signatures (they are not verified here), `unsigned` if it claims something that nobody signed.
    claim: Option<&'static str>,
    /// Whether it is told above, with what belongs to it.
    again: bool,
}

impl<'a> PartDocument<'a> {
    fn new(part: &'a Part) -> Self {
        Self {
            digest: &part.digest,
            of: part.of.as_deref(),
            bond: part.bond,
            kind: part.kind,
            media_type: &part.media_type,
            artifact_type: part.artifact_type.as_deref(),
            tag: part.tag.as_deref(),
            platform: part.platform.as_deref(),
            about: part.about.as_deref(),
            layers: part.layers,
            size: part.size,
            predicate_types: &part.predicate_types,
            claim: part.claim.as_str(),
            again: part.again,
        }
    }
}
