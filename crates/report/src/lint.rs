//! What is wrong with build files (Dockerfiles and their like), in the forms that people, programs and code hosts read.
//! A format is one file and one line in [`FORMATS`].

mod github;
mod json;
mod sarif;
mod text;

use std::io::{self, Write};

use plimsoll_model::finding::{Finding, FindingKind};
use plimsoll_model::gap::Gap;
use plimsoll_model::severity::Severity;
use plimsoll_model::verdict::Verdict;

use crate::Style;
pub use json::{SCHEMA_VERSION, schema};

/// Everything that a report on build files may show.
#[derive(Clone, Debug)]
pub struct Lint<'a> {
    /// The files in order.
    pub files: Vec<LintedFile>,
    /// What was not checked.
    pub gaps: &'a [Gap],
    /// What follows.
    pub verdict: &'a Verdict,
    /// All rules.
    pub rules: &'a [LintRule],
    /// Plimsoll's version.
    pub version: &'a str,
}

/// A rule as reports tell it.
#[derive(Clone, Copy, Debug)]
pub struct LintRule {
    /// Its id.
    pub id: &'static str,
    /// What other linters call it.
    pub aliases: &'static [&'static str],
    /// One line for a person.
    pub title: &'static str,
    /// How bad a breach is.
    pub severity: Severity,
    /// What to do.
    pub remedy: &'static str,
    /// Whether it is looked at only if it is named.
    pub on_request: bool,
}

/// One file.
#[derive(Clone, Debug)]
pub struct LintedFile {
    /// Its path as it was named.
    pub path: String,
    /// What it is: `dockerfile`.
    pub kind: &'static str,
    /// What is wrong, in the order of the file.
    pub findings: Vec<LintFinding>,
    /// What a comment sets aside, with its reason.
    pub ignored: Vec<(LintFinding, String)>,
    /// What another base image would change, if that was asked for.
    pub comparison: Option<BaseComparison>,
}

/// What another base image would change.
#[derive(Clone, Debug)]
pub struct BaseComparison {
    /// The image that the final stage begins from.
    pub base: ComparedImage,
    /// The other one.
    pub proposed: ComparedImage,
    /// How much of both could not be read or checked.
    pub gaps: usize,
}

/// One of two images that are compared.
#[derive(Clone, Debug)]
pub struct ComparedImage {
    /// Its name.
    pub name: String,
    /// The stored size of its layers, where all tell it.
    pub bytes: Option<u64>,
    /// How many findings a scan for vulnerabilities and ends of life makes.
    pub findings: usize,
    /// How many versions of packages it has that the other one has not.
    pub own_packages: usize,
}

/// A finding with what a report shows beside it.
#[derive(Clone, Debug)]
pub struct LintFinding {
    /// The finding.
    pub finding: Finding,
    /// What other linters call its rule.
    pub aliases: &'static [&'static str],
    /// The line of the file as it may be shown.
    pub line: String,
    /// Whether `--fix` mends it.
    pub mendable: bool,
}

impl LintFinding {
    /// What was seen.
    fn evidence(&self) -> &str {
        match &self.finding.kind {
            FindingKind::Misconfiguration { evidence } => evidence,
            FindingKind::Secret { redacted, .. } => redacted,
            FindingKind::Vulnerability(_) | FindingKind::EndOfLife { .. } | FindingKind::License { .. } => "",
        }
    }

    /// Line and column.
    fn place(&self) -> (u32, u32) {
        self.finding.position.as_ref().map_or((1, 1), |position| (position.line, position.column))
    }
}

/// A way to write a report on build files.
#[derive(Clone, Copy, Debug)]
pub struct LintFormat {
    /// The name in options.
    pub name: &'static str,
    /// What it is for, in one line.
    pub summary: &'static str,
    /// Writes it.
    pub write: fn(&Lint<'_>, Style, &mut dyn Write) -> io::Result<()>,
}

/// All formats, sorted by name.
pub const FORMATS: &[LintFormat] = &[github::GITHUB, json::JSON, sarif::SARIF, text::TABLE];

/// The format called `name`.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static LintFormat> {
    FORMATS.iter().find(|format| format.name == name)
}

#[cfg(test)]
mod tests;
