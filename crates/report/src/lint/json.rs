//! The findings of build files as JSON: a documented, stable schema.

use std::io::{self, Write};

use plimsoll_model::verdict::Verdict;
use schemars::JsonSchema;
use serde::Serialize;

use super::{BaseComparison, ComparedImage, Lint, LintFinding, LintFormat, LintedFile};
use crate::Style;
use crate::json::GapDocument;

/// The version of the JSON document's schema, `docs/schema/lint-1.json`.
pub const SCHEMA_VERSION: &str = "1.0";

pub(super) const JSON: LintFormat =
    LintFormat { name: "json", summary: "for programs; the schema is docs/schema/lint-1.json", write };

/// What is wrong with build files.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    /// The version of this schema.
    schema_version: &'static str,
    /// The files in order.
    files: Vec<FileDocument<'a>>,
    /// What was not checked.
    gaps: Vec<GapDocument<'a>>,
    /// What follows: `pass`, `fail`, `undecided`.
    verdict: &'static str,
    /// Why it fails, or is undecided.
    reasons: Vec<&'a str>,
}

/// One file.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct FileDocument<'a> {
    /// Its path as it was named.
    path: &'a str,
    /// What it is: `dockerfile`.
    kind: &'static str,
    /// What is wrong, in the order of the file.
    findings: Vec<FindingDocument<'a>>,
    /// What a comment sets aside.
    ignored: Vec<IgnoredDocument<'a>>,
    /// What another base image would change; only with `--compare-base`.
    #[serde(skip_serializing_if = "Option::is_none")]
    comparison: Option<ComparisonDocument<'a>>,
}

/// What another base image would change.
#[derive(JsonSchema, Serialize)]
struct ComparisonDocument<'a> {
    /// The image that the final stage begins from.
    base: ComparedDocument<'a>,
    /// The other one.
    proposed: ComparedDocument<'a>,
    /// How much of both could not be read or checked.
    gaps: usize,
}

/// One of the two images.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct ComparedDocument<'a> {
    /// Its name.
    name: &'a str,
    /// The stored size of its layers in bytes, where all tell it.
    bytes: Option<u64>,
    /// How many findings a scan for vulnerabilities and ends of life makes.
    findings: usize,
    /// How many versions of packages it has that the other one has not.
    own_packages: usize,
}

/// A finding that a comment sets aside.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct IgnoredDocument<'a> {
    /// The finding.
    finding: FindingDocument<'a>,
    /// Why, as the comment says; empty if it does not.
    reason: &'a str,
}

/// A finding.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct FindingDocument<'a> {
    /// The rule: ours, or ShellCheck's `SC2086`.
    rule: &'a str,
    /// What other linters call it: `DL3008`, `StageNameCasing`.
    aliases: &'a [&'a str],
    /// One line for a person.
    title: &'a str,
    /// `critical`, `high`, `medium`, `low`, `negligible`.
    severity: &'static str,
    /// Who says so: `plimsoll`, `ShellCheck`.
    severity_source: &'a str,
    /// What was seen; secrets are cut to their heads.
    evidence: &'a str,
    /// The line, counted from one.
    line: u32,
    /// The column in characters, counted from one.
    column: u32,
    /// What to do.
    remedy: Option<&'a str>,
    /// Whether `--fix` does it.
    fixable: bool,
    /// Links for reading on.
    references: &'a [String],
}

fn write(lint: &Lint<'_>, _: Style, out: &mut dyn Write) -> io::Result<()> {
    let document = Document {
        schema_version: SCHEMA_VERSION,
        files: lint.files.iter().map(FileDocument::new).collect(),
        gaps: lint.gaps.iter().map(GapDocument::new).collect(),
        verdict: match lint.verdict {
            Verdict::Pass => "pass",
            Verdict::Fail { .. } => "fail",
            Verdict::Undecided { .. } => "undecided",
        },
        reasons: match lint.verdict {
            Verdict::Pass => Vec::new(),
            Verdict::Fail { reasons } | Verdict::Undecided { reasons } => {
                reasons.iter().map(String::as_str).collect()
            }
        },
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

impl<'a> FileDocument<'a> {
    fn new(file: &'a LintedFile) -> Self {
        let ignored = |(finding, reason): &'a (LintFinding, String)| IgnoredDocument {
            finding: FindingDocument::new(finding),
            reason,
        };
        Self {
            path: &file.path,
            kind: file.kind,
            findings: file.findings.iter().map(FindingDocument::new).collect(),
            ignored: file.ignored.iter().map(ignored).collect(),
            comparison: file.comparison.as_ref().map(ComparisonDocument::new),
        }
    }
}

impl<'a> ComparisonDocument<'a> {
    fn new(comparison: &'a BaseComparison) -> Self {
        let image = |image: &'a ComparedImage| ComparedDocument {
            name: &image.name,
            bytes: image.bytes,
            findings: image.findings,
            own_packages: image.own_packages,
        };
        Self { base: image(&comparison.base), proposed: image(&comparison.proposed), gaps: comparison.gaps }
    }
}

impl<'a> FindingDocument<'a> {
    fn new(finding: &'a LintFinding) -> Self {
        let (line, column) = finding.place();
        Self {
            rule: &finding.finding.id,
            aliases: finding.aliases,
            title: &finding.finding.title,
            severity: finding.finding.severity.as_str(),
            severity_source: &finding.finding.severity_source,
            evidence: finding.evidence(),
            line,
            column,
            remedy: finding.finding.remedy.as_deref(),
            fixable: finding.mendable,
            references: &finding.finding.references,
        }
    }
}

/// The JSON schema of the document.
#[must_use]
pub fn schema() -> String {
    crate::schema_of::<Document<'_>>()
}
