//! What `plimsoll pin` tells: names in files and what they are pinned to, in words and as JSON.

use std::io::{self, Write};

use plimsoll_model::gap::Gap;
use schemars::JsonSchema;
use serde::Serialize;

use crate::Style;
use crate::json::GapDocument;
use crate::table::{bold, clean, plural};

/// The version of the JSON document's schema, `docs/schema/pins-1.json`.
pub const SCHEMA_VERSION: &str = "1.0";

/// What became of a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// It is pinned, and was before.
    Pinned,
    /// It was not pinned, and is now, or would be.
    New,
    /// It was pinned to something else that its tag no longer means.
    Moved,
    /// It is not pinned.
    Unpinned,
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Pinned => "pinned",
            Self::New => "new",
            Self::Moved => "moved",
            Self::Unpinned => "unpinned",
        }
    }
}

/// A name in a file.
#[derive(Clone, Debug)]
pub struct Pinned {
    /// The file.
    pub file: String,
    /// The line, counted from one.
    pub line: usize,
    /// Whether it is an action, not an image.
    pub is_action: bool,
    /// What it is called, with its tag.
    pub name: String,
    /// What it was pinned to.
    pub before: Option<String>,
    /// What it is pinned to, or would be.
    pub after: Option<String>,
    /// What became of it.
    pub state: State,
}

/// Writes it for a person: what changed, or has to.
///
/// # Errors
/// If `out` fails.
pub fn write_text(pins: &[Pinned], gaps: &[Gap], style: Style, out: &mut dyn Write) -> io::Result<()> {
    for pin in pins.iter().filter(|pin| pin.state != State::Pinned) {
        let place = bold(&clean(&format!("{}:{}", pin.file, pin.line)), style);
        let name = clean(&pin.name);
        match (&pin.before, &pin.after) {
            (Some(before), Some(after)) => {
                writeln!(out, "{place}  {name}  {} -> {}", short(before), short(after))?
            }
            (None, Some(after)) => writeln!(out, "{place}  {name}  -> {}", clean(after))?,
            (_, None) => writeln!(out, "{place}  {name}  is not pinned")?,
        }
    }
    for gap in gaps {
        writeln!(out, "not pinned: {}: {}", clean(&gap.subject), clean(&gap.reason))?;
    }
    let count = |state: State| pins.iter().filter(|pin| pin.state == state).count();
    let (all, pinned) = (pins.len(), count(State::Pinned));
    let rest = [(State::New, "pinned now"), (State::Moved, "moved"), (State::Unpinned, "not pinned")]
        .into_iter()
        .filter_map(|(state, words)| Some(count(state)).filter(|n| *n > 0).map(|n| format!(", {n} {words}")));
    writeln!(out, "{all} name{}, {pinned} pinned before{}", plural(all), rest.collect::<String>())
}

fn short(pin: &str) -> String {
    let end = if pin.starts_with("sha256:") { 19 } else { 12 };
    clean(pin.get(..end).unwrap_or(pin))
}

/// Writes it as JSON, by the schema `docs/schema/pins-1.json`.
///
/// # Errors
/// If `out` fails.
pub fn write_json(pins: &[Pinned], gaps: &[Gap], out: &mut dyn Write) -> io::Result<()> {
    let pins = pins.iter().map(|pin| PinDocument {
        file: &pin.file,
        line: pin.line,
        kind: if pin.is_action { "action" } else { "image" },
        name: &pin.name,
        state: pin.state.as_str(),
        before: pin.before.as_deref(),
        after: pin.after.as_deref(),
    });
    let gaps = gaps.iter().map(GapDocument::new).collect();
    crate::write_json(&Document { schema_version: SCHEMA_VERSION, pins: pins.collect(), gaps }, out)
}

/// The JSON schema of the document.
#[must_use]
pub fn schema() -> String {
    crate::schema_of::<Document<'static>>()
}

/// The result of one run of `plimsoll pin`.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    /// The version of this document's schema.
    schema_version: &'a str,
    /// The names, in the order of the files.
    pins: Vec<PinDocument<'a>>,
    /// What could not be read, told apart or asked for.
    gaps: Vec<GapDocument<'a>>,
}

/// A name in a file.
#[derive(JsonSchema, Serialize)]
struct PinDocument<'a> {
    /// The file.
    file: &'a str,
    /// The line, counted from one.
    line: usize,
    /// `image` or `action`.
    kind: &'static str,
    /// What it is called, with its tag.
    name: &'a str,
    /// `pinned` before, `new`, `moved` to what its tag means now, `unpinned`.
    state: &'static str,
    /// The digest or commit that it was pinned to.
    before: Option<&'a str>,
    /// The digest or commit that it is pinned to, or would be.
    after: Option<&'a str>,
}
