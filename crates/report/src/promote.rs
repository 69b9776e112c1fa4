//! What `plimsoll promote` tells: what was judged, copied, signed and named; in words and as JSON.

use std::io::{self, Write};

use plimsoll_model::decision::{Decision, Outcome};
use plimsoll_model::gap::Gap;
use plimsoll_model::scan::Scan;
use schemars::JsonSchema;
use serde::Serialize;

use crate::Style;
use crate::check;
use crate::json::GapDocument;
use crate::table::{bold, clean, plural};

/// The version of the JSON document's schema, `docs/schema/promote-1.json`.
pub const SCHEMA_VERSION: &str = "1.0";

/// What came of a promotion.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// The tag means the image now.
    Promoted,
    /// It would be promoted.
    WouldPromote,
    /// The policy does not let it pass.
    Refused,
    /// It could not be decided whether it passes.
    Undecided,
    /// Something was not copied, or not found again.
    Incomplete,
}

impl Fate {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Promoted => "promoted",
            Self::WouldPromote => "would-promote",
            Self::Refused => "refused",
            Self::Undecided => "undecided",
            Self::Incomplete => "incomplete",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Promoted => "promoted",
            Self::WouldPromote => "would be promoted; nothing was done",
            Self::Refused => "not promoted: the policy refuses it",
            Self::Undecided => "not promoted: it could not be decided",
            Self::Incomplete => "not promoted: not all of it is there, and the tag is as it was",
        }
    }
}

/// A promotion.
#[derive(Debug)]
pub struct Promotion<'a> {
    /// Where the image comes from.
    pub source: &'a str,
    /// Where it goes.
    pub destination: String,
    /// Its digest.
    pub digest: String,
    /// What came of it.
    pub fate: Fate,
    /// What was judged.
    pub scans: &'a [Scan],
    /// What followed, in the same order.
    pub decisions: &'a [Decision],
    /// How many manifests and blobs it has with all that belongs to it.
    pub parts: (usize, usize),
    /// How many of them were sent.
    pub sent: (usize, usize),
    /// What was signed, or is to be.
    pub signed: Vec<Signed>,
    /// What the tag meant before, if it was something else.
    pub before: Option<String>,
    /// What was not copied or not found again.
    pub gaps: Vec<Gap>,
}

/// A signature of the image in its new place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Signed {
    /// `signature` or `verdict`.
    pub what: &'static str,
    /// Its format.
    pub format: &'static str,
    /// The manifest that holds it; none if it was there already, or is not made yet.
    pub manifest: Option<String>,
    /// Whether it was there already.
    pub is_there: bool,
}

/// Writes it for a person; with all that `plimsoll check` tells if a policy refuses it.
///
/// # Errors
/// If `out` fails.
pub fn write_text(promotion: &Promotion<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let judged = || promotion.scans.iter().zip(promotion.decisions);
    if matches!(promotion.fate, Fate::Refused | Fate::Undecided) {
        for (scan, decision) in judged() {
            check::write_text(decision, scan, style, out)?;
            writeln!(out)?;
        }
    }
    writeln!(out, "{} -> {}", clean(promotion.source), bold(&clean(&promotion.destination), style))?;
    writeln!(out, "{}", promotion.digest)?;
    for (scan, decision) in judged() {
        let policy = clean(&decision.policy.name);
        writeln!(out, "{}: {} by the policy {policy}", scan.image.platform, decision.outcome.as_str())?;
    }
    let (manifests, blobs) = promotion.parts;
    if manifests > 0 {
        write!(out, "{manifests} manifest{}, {blobs} blob{}", plural(manifests), plural(blobs))?;
        match promotion.fate {
            Fate::WouldPromote => writeln!(out)?,
            _ => writeln!(out, ": {} and {} of them sent", promotion.sent.0, promotion.sent.1)?,
        }
    }
    for Signed { what, format, manifest, is_there } in &promotion.signed {
        match (manifest, is_there) {
            (Some(manifest), _) => writeln!(out, "{what} ({format}) {manifest}")?,
            (None, true) => writeln!(out, "{what} ({format}) was there")?,
            (None, false) => writeln!(out, "{what} ({format}) to be made")?,
        }
    }
    if let Some(before) = &promotion.before {
        let words = if promotion.fate == Fate::Promoted { "meant {} before" } else { "means {} now" };
        writeln!(out, "the tag {}", words.replace("{}", before))?;
    }
    for gap in &promotion.gaps {
        writeln!(out, "not copied: {}: {}", clean(&gap.subject), clean(&gap.reason))?;
    }
    writeln!(out, "{}", bold(promotion.fate.words(), style))
}

/// Writes it as JSON, by the schema `docs/schema/promote-1.json`.
///
/// # Errors
/// If `out` fails.
pub fn write_json(promotion: &Promotion<'_>, out: &mut dyn Write) -> io::Result<()> {
    let verdict = |(scan, decision): (&Scan, &Decision)| Verdict {
        platform: scan.image.platform.to_string(),
        digest: scan.image.manifest_digest.map(|digest| digest.to_string()),
        policy: decision.policy.name.clone(),
        policy_digest: decision.policy.digest.to_string(),
        outcome: decision.outcome.as_str(),
        reasons: reasons(decision),
    };
    let document = Document {
        schema_version: SCHEMA_VERSION,
        source: promotion.source,
        destination: &promotion.destination,
        digest: &promotion.digest,
        fate: promotion.fate.as_str(),
        verdicts: promotion.scans.iter().zip(promotion.decisions).map(verdict).collect(),
        manifests: Count { all: promotion.parts.0, sent: promotion.sent.0 },
        blobs: Count { all: promotion.parts.1, sent: promotion.sent.1 },
        signed: promotion.signed.iter().map(SignedDocument::new).collect(),
        before: promotion.before.as_deref(),
        gaps: promotion.gaps.iter().map(GapDocument::new).collect(),
    };
    crate::write_json(&document, out)
}

/// The rules that stand against an image.
fn reasons(decision: &Decision) -> Vec<String> {
    let against = decision.rules.iter().filter(|rule| rule.outcome >= Outcome::Undecided);
    against.map(|rule| rule.id.clone()).collect()
}

/// The JSON schema of the document.
#[must_use]
pub fn schema() -> String {
    crate::schema_of::<Document<'static>>()
}

/// A promotion.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    /// The version of this document's schema.
    schema_version: &'a str,
    /// Where the image comes from.
    source: &'a str,
    /// Where it goes.
    destination: &'a str,
    /// Its digest.
    digest: &'a str,
    /// `promoted`, `would-promote`, `refused`, `undecided`, or `incomplete`: something was not copied or not found again.
    fate: &'a str,
    /// What followed for each of its images.
    verdicts: Vec<Verdict>,
    /// The manifests that it has with all that belongs to it.
    manifests: Count,
    /// The blobs.
    blobs: Count,
    /// Signatures in its new place.
    signed: Vec<SignedDocument<'a>>,
    /// What the tag meant before, or means if it was not moved; absent if that is the image, or nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<&'a str>,
    /// What was not copied or not found again.
    gaps: Vec<GapDocument<'a>>,
}

/// What followed for an image.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Verdict {
    /// Its platform.
    platform: String,
    /// Its digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    /// The policy.
    policy: String,
    /// SHA-256 of the policy's text.
    policy_digest: String,
    /// `pass`, `warn`, `undecided` or `fail`.
    outcome: &'static str,
    /// The ids of the rules that stand against it.
    reasons: Vec<String>,
}

/// How many.
#[derive(JsonSchema, Serialize)]
struct Count {
    /// In all.
    all: usize,
    /// Those that were sent now.
    sent: usize,
}

/// A signature.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct SignedDocument<'a> {
    /// `signature` or `verdict`.
    what: &'static str,
    /// `bundle` or `legacy`.
    format: &'static str,
    /// The manifest that holds it, if it was made now.
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest: Option<&'a str>,
    /// Whether it was there already.
    is_there: bool,
}

impl<'a> SignedDocument<'a> {
    fn new(signed: &'a Signed) -> Self {
        let Signed { what, format, manifest, is_there } = signed;
        Self { what, format, manifest: manifest.as_deref(), is_there: *is_there }
    }
}
