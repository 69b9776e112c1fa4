//! What a trusted root holds, in words and as JSON.

use std::io::{self, Write};

use plimsoll_model::trusted_root::{Part, Status};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Style;
use crate::table::{bold, clean};

/// The version of the JSON document's schema, `docs/schema/trust-status-1.json`.
pub const SCHEMA_VERSION: &str = "1.0";

/// Writes it for a person.
///
/// # Errors
/// If `out` fails.
pub fn write_text(status: &Status, style: Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", bold(&clean(&status.title), style))?;
    if let Some(updated) = status.updated {
        let days = status.now.duration_since(updated).as_hours() / 24;
        writeln!(out, "updated {days} days ago ({updated})")?;
    }
    if let Some(newest) = status.newest {
        let days = status.now.duration_since(newest).as_hours() / 24;
        writeln!(out, "the newest of what it names is {days} days old ({newest})")?;
    }
    for part in &status.parts {
        let from = part.from.map_or_else(|| "ever".to_owned(), |time| time.to_string());
        let until = part.until.map_or_else(|| "no end".to_owned(), |time| time.to_string());
        let (state, kind) = (part.state.as_str(), part.kind.as_str());
        writeln!(out, "  {state:<7} {kind:<21} {}  {from} to {until}", clean(&part.name))?;
    }
    for kind in &status.lacks {
        writeln!(out, "no {} of it is valid now: what is signed today is refused", kind.as_str())?;
    }
    Ok(())
}

/// Writes it as JSON.
///
/// # Errors
/// If `out` fails.
pub fn write_json(status: &Status, out: &mut dyn Write) -> io::Result<()> {
    let time = |time: Option<jiff::Timestamp>| time.map(|time| time.to_string());
    let document = Document {
        schema_version: SCHEMA_VERSION,
        title: &status.title,
        time: status.now.to_string(),
        updated: time(status.updated),
        newest: time(status.newest),
        parts: status
            .parts
            .iter()
            .map(|Part { kind, name, from, until, state }| PartDocument {
                kind: kind.as_str(),
                name,
                from: time(*from),
                until: time(*until),
                state: state.as_str(),
            })
            .collect(),
        lacks: status.lacks.iter().map(|kind| kind.as_str()).collect(),
    };
    crate::write_json(&document, out)
}

/// The JSON schema of [`write_json`]'s document.
#[must_use]
pub fn schema() -> String {
    crate::schema_of::<Document<'_>>()
}

/// What a trusted root holds. Members may be added in 1.x; none is removed or changes its meaning.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    /// The version of this schema.
    schema_version: &'static str,
    /// Where it is from.
    title: &'a str,
    /// The time it was looked at, RFC 3339.
    time: String,
    /// When it was last brought up to date by `plimsoll trust update`, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<String>,
    /// When the newest of what it names began to be valid; null if nothing tells.
    newest: Option<String>,
    /// What it names.
    parts: Vec<PartDocument<'a>>,
    /// The kinds of which none is valid now, `certificate-authority` or `log`.
    lacks: Vec<&'static str>,
}

/// Something that is trusted.
#[derive(JsonSchema, Serialize)]
struct PartDocument<'a> {
    /// `certificate-authority`, `certificate-log`, `log` or `timestamp-authority`.
    kind: &'static str,
    /// Its address or name.
    name: &'a str,
    /// Since when it is trusted, RFC 3339; null if ever.
    from: Option<String>,
    /// Until when; null if there is no end.
    until: Option<String>,
    /// `valid`, `ending` (within thirty days), `ended` (what was signed then still counts) or `future`.
    state: &'static str,
}
