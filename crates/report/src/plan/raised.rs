//! What was raised in files, and what they became, for a person and as JSON.

use std::io::{self, Write};

use comfy_table::Cell;
use plimsoll_model::decision::Decision;
use plimsoll_model::patch::{NotRaised, VersionChange};
use schemars::JsonSchema;
use serde::Serialize;

use super::RaisedReport;
use crate::Style;
use crate::table::{bold, clean, new_table, plural, section};

pub(super) fn write(
    report: &RaisedReport<'_>,
    before: &Decision,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let RaisedReport { raised, after } = report;
    section(if raised.is_written { "Applied" } else { "Would be applied" }, style, out)?;
    if !raised.changes.is_empty() {
        let mut table = new_table(style, &["File", "Package", "From", "To"]);
        for change in &raised.changes {
            let cells = [&change.path, &change.name, &change.from, &change.to];
            table.add_row(cells.map(|text| Cell::new(clean(text))).to_vec());
        }
        writeln!(out, "{table}")?;
    }
    for refused in &raised.refused {
        let wanted = &refused.wanted;
        let (path, name, to) = (clean(&wanted.path), clean(&wanted.name), clean(&wanted.to));
        let to = if to.is_empty() { to } else { format!(" to {to}") };
        writeln!(out, "  not raised: {name}{to} in {path}: {}", clean(&refused.reason))?;
        for command in &refused.commands {
            writeln!(out, "     $ {}", clean(command))?;
        }
    }
    if !raised.diff.is_empty() {
        writeln!(out)?;
        for line in raised.diff.lines() {
            writeln!(out, "{}", clean(line))?;
        }
    }
    if raised.changes.is_empty() {
        writeln!(out, "\nnothing was raised, and no file is written")?;
    }
    let Some((after, decision)) = after else {
        return writeln!(out, "\nbuild the image again, and plan it");
    };
    let (from, to) = (before.outcome.as_str().to_uppercase(), decision.outcome.as_str().to_uppercase());
    let policy = clean(&decision.policy.name);
    writeln!(out, "\n{} → {}  under the policy {policy}", bold(&from, style), bold(&to, style))?;
    writeln!(out, "{} finding{} left", after.findings.len(), plural(after.findings.len()))
}

/// What was raised in files.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RaisedDocument<'a> {
    /// What was raised.
    changes: Vec<ChangeDocument<'a>>,
    /// What was not.
    refused: Vec<NotRaisedDocument<'a>>,
    /// What changes in the files, as a unified diff.
    diff: &'a str,
    /// Whether the files were written.
    written: bool,
    /// What follows for the changed files under the same policy; null of a Dockerfile, whose image has to be built again.
    outcome: Option<&'static str>,
    /// How many findings are left.
    findings_left: Option<usize>,
}

/// A version that was raised.
#[derive(JsonSchema, Serialize)]
struct ChangeDocument<'a> {
    /// The file.
    path: &'a str,
    /// The package.
    name: &'a str,
    /// The version of before.
    from: &'a str,
    /// The version now.
    to: &'a str,
}

/// A version that was not raised.
#[derive(JsonSchema, Serialize)]
struct NotRaisedDocument<'a> {
    /// What was wanted.
    wanted: ChangeDocument<'a>,
    /// Why it was not done.
    reason: &'a str,
    /// The commands that do it.
    commands: &'a [String],
}

impl<'a> RaisedDocument<'a> {
    pub(super) fn new(report: &'a RaisedReport<'_>) -> Self {
        let RaisedReport { raised, after } = report;
        let change = |change: &'a VersionChange| ChangeDocument {
            path: &change.path,
            name: &change.name,
            from: &change.from,
            to: &change.to,
        };
        let refused = |refused: &'a NotRaised| NotRaisedDocument {
            wanted: change(&refused.wanted),
            reason: &refused.reason,
            commands: &refused.commands,
        };
        Self {
            changes: raised.changes.iter().map(change).collect(),
            refused: raised.refused.iter().map(refused).collect(),
            diff: &raised.diff,
            written: raised.is_written,
            outcome: after.map(|(_, decision)| decision.outcome.as_str()),
            findings_left: after.map(|(after, _)| after.findings.len()),
        }
    }
}
