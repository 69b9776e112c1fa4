//! What has to go from a git repository's history, in words and as JSON, by the schema `docs/schema/scrub-repository-1.json`.

use std::io::{self, Write};

use plimsoll_model::scrub::RepositoryScrub;
use schemars::JsonSchema;
use serde::Serialize;

use super::document::RotationDocument;
use super::rotations;
use crate::Style;
use crate::json::GapDocument;
use crate::table::{clean, first_gaps, section};

/// Said where the list was written.
const HOLDS_SECRETS: &str =
    "That file holds the secrets themselves, and only you may read it: delete it when you are done.";

/// Said where secrets are in a history.
const CLONES_KEEP: &str = "Whoever could clone the repository may have these secrets, and rewriting the history takes them from nobody: \
revoke each and issue a new one first. Clones, forks and the pages of pull requests keep the old history.";

/// Writes what was found, and what was written, for a person.
///
/// # Errors
/// If `out` fails.
pub fn write_text(scrub: &RepositoryScrub, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if scrub.rotate.is_empty() {
        writeln!(out, "No secret is in the history of {}.", clean(&scrub.folder))?;
    } else {
        section("Must be rotated", style, out)?;
        rotations(&scrub.rotate, style, out)?;
        writeln!(out, "{CLONES_KEEP}\n")?;
    }
    if !scrub.gaps.is_empty() {
        section("Not searched", style, out)?;
        first_gaps(&scrub.gaps, out)?;
    }
    if let (Some(list), Some(command)) = (&scrub.list, &scrub.command) {
        writeln!(out, "The secrets are listed in {}. {HOLDS_SECRETS}", clean(list))?;
        writeln!(out, "Nothing was changed. To take them out, on a fresh clone: sh {}", clean(command))?;
    }
    Ok(())
}

/// Writes the same as JSON.
///
/// # Errors
/// If `out` fails.
pub fn write_json(scrub: &RepositoryScrub, out: &mut dyn Write) -> io::Result<()> {
    let document = Document {
        schema_version: "1.0",
        repository: &scrub.folder,
        rotate: scrub.rotate.iter().map(RotationDocument::new).collect(),
        gaps: scrub.gaps.iter().map(GapDocument::new).collect(),
        list: scrub.list.as_deref(),
        command: scrub.command.as_deref(),
    };
    crate::write_json(&document, out)
}

/// The JSON schema of the document.
#[must_use]
pub fn schema() -> String {
    crate::schema_of::<Document<'static>>()
}

/// The result of one run of `plimsoll scrub --repo`.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    /// The version of this document's schema.
    schema_version: &'a str,
    /// The repository's folder.
    repository: &'a str,
    /// The secrets in its history, each once, the worst first. Each has to be revoked and replaced.
    rotate: Vec<RotationDocument<'a>>,
    /// What could not be read.
    gaps: Vec<GapDocument<'a>>,
    /// The list for git-filter-repo, which holds the secrets; null if none was written.
    list: Option<&'a str>,
    /// The script that runs git-filter-repo; null if none was written.
    command: Option<&'a str>,
}
