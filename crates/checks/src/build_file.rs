//! What the checks of build files have in common: a Dockerfile, a Compose file, a Kubernetes manifest.
//!
//! Each is a text that a person edits, so a finding names its line and column, may bring the edit that mends it, and
//! may be ignored by a comment with a reason.

use std::ops::Range;

use plimsoll_model::finding::{Finding, FindingKind};
use plimsoll_model::gap::Gap;
use plimsoll_model::position::Position;
use plimsoll_model::severity::Severity;

use crate::image_config::redact;

/// What the check of one build file gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checked {
    /// What is wrong, in the order of the file.
    pub findings: Vec<Finding>,
    /// What is wrong, and set aside by a comment.
    pub ignored: Vec<Ignored>,
    /// How some findings can be mended mechanically, in the order of the file and without overlaps.
    pub edits: Vec<Edit>,
    /// What could not be checked.
    pub gaps: Vec<Gap>,
}

/// A finding that a comment sets aside.
#[derive(Clone, Debug, PartialEq)]
pub struct Ignored {
    /// What was found.
    pub finding: Finding,
    /// Why it is set aside, as the comment says; empty if it does not.
    pub reason: String,
}

/// A change to a text that mends a finding and changes nothing else.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Edit {
    /// The id of the rule it satisfies.
    pub rule: &'static str,
    /// The bytes it takes out.
    pub range: Range<usize>,
    /// What it puts there.
    pub replacement: String,
}

/// What a rule over build files says of itself.
#[derive(Clone, Copy, Debug)]
pub struct FileRule {
    /// The name in reports and policies, kebab-case; a public contract.
    pub id: &'static str,
    /// The names that other linters give it (`DL3006`); comments may ignore it by them.
    pub aliases: &'static [&'static str],
    /// One line for a person.
    pub title: &'static str,
    /// How bad a breach is.
    pub severity: Severity,
    /// What to do, in one imperative sentence.
    pub remedy: &'static str,
}

/// Whether a rule is looked at where nobody asks for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum When {
    /// It is.
    Always,
    /// Only if it is named: it is a matter of taste, or contradicts another rule.
    OnRequest,
}

impl FileRule {
    /// Whether `name` is its id or one of its aliases.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.id.eq_ignore_ascii_case(name)
            || self.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
    }
}

impl FileRule {
    /// The finding that `evidence` at `position` breaks this rule.
    #[must_use]
    pub fn finding(&self, position: Position, evidence: String) -> Finding {
        Finding {
            id: self.id.to_owned(),
            title: self.title.to_owned(),
            severity: self.severity,
            severity_source: "plimsoll".to_owned(),
            kind: FindingKind::Misconfiguration { evidence },
            locations: Vec::new(),
            position: Some(position),
            remedy: Some(self.remedy.to_owned()),
            references: Vec::new(),
        }
    }
}

/// What the user wants of the checks of build files.
#[derive(Default)]
pub struct Settings<'a> {
    /// The registries that images may come from, as `ghcr.io` or `*.acme.example`; empty if all are trusted.
    pub trusted_registries: Vec<String>,
    /// The labels that an image must have, and what their values are.
    pub labels: Vec<(String, LabelKind)>,
    /// Whether it may have other labels.
    pub other_labels: OtherLabels,
    /// The `.dockerignore` beside the file.
    pub ignore_file: Option<String>,
    /// The rules to look at, by id or alias; empty for all that are on by default.
    pub only: Vec<String>,
    /// The rules not to look at, by id or alias.
    pub without: Vec<String>,
    /// Who checks shell scripts.
    pub shell_checker: ShellChecker<'a>,
}

impl std::fmt::Debug for Settings<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("only", &self.only)
            .field("without", &self.without)
            .finish_non_exhaustive()
    }
}

impl Settings<'_> {
    /// Whether `rule` is to be looked at, which is looked at `when`.
    #[must_use]
    pub fn wants(&self, rule: &FileRule, when: When) -> bool {
        let asked = self.only.iter().any(|name| rule.is_called(name));
        let usual = self.only.is_empty() && when == When::Always;
        (asked || usual) && !self.without.iter().any(|name| rule.is_called(name))
    }
}

/// What a label's value is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LabelKind {
    /// Any text.
    Text,
    /// An address, `https://…`.
    Url,
    /// A time as RFC 3339 has it.
    Time,
    /// A licence expression of SPDX.
    Spdx,
    /// A commit of git.
    GitHash,
    /// A version as Semantic Versioning has it.
    SemanticVersion,
    /// An address of e-mail.
    Email,
}

/// Whether an image may have labels that are not asked for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OtherLabels {
    /// It may.
    #[default]
    Allowed,
    /// It may not.
    Superfluous,
}

/// A shell script of a build file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ShellScript {
    /// The shell: `sh`, `bash`, `dash`, `ksh`.
    pub shell: &'static str,
    /// Its text.
    pub text: String,
}

/// Checks scripts with ShellCheck: gives its report in the form `json1`, where the file of the script at index N is
/// called `N`; or a reason why there is none.
pub type CheckShell<'a> = &'a dyn Fn(&[ShellScript]) -> Result<String, String>;

/// Who checks shell scripts.
#[derive(Clone, Copy, Default)]
pub enum ShellChecker<'a> {
    /// Nobody, as the user wants it.
    #[default]
    Unwanted,
    /// Nobody, for this reason.
    Missing(&'a str),
    /// This program.
    Program(CheckShell<'a>),
}

/// How often a text is mended and checked again: one change may ask for another.
const PASSES: usize = 8;

/// `text` with everything mended that can be mended mechanically. A text for which that does not come to an end stays
/// as it is.
#[must_use]
pub fn mended(text: &str, check: impl Fn(&str) -> Checked) -> String {
    let mut mended = text.to_owned();
    for _ in 0..PASSES {
        let next = edited(&mended, &check(&mended).edits);
        if next == mended {
            return mended;
        }
        mended = next;
    }
    text.to_owned()
}

/// How much of a line is shown at most.
const SHOWN: usize = 240;

/// A line of a file as it may be shown: without its secrets, without control characters, and not too long.
#[must_use]
pub fn shown_line(line: &str) -> String {
    let shown = redact::shown_words(&redact::shown_step(line));
    let clipped: String = shown.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clipped.len() < shown.len() && shown.chars().count() > SHOWN {
        format!("{clipped}…")
    } else {
        clipped
    }
}

/// `text` with `edits` made; an edit that overlaps an earlier one or lies outside of the text is left out.
#[must_use]
pub fn edited(text: &str, edits: &[Edit]) -> String {
    let mut made = String::with_capacity(text.len());
    let mut done = 0;
    for Edit { range, replacement, .. } in edits {
        let (Some(kept), Some(_)) = (text.get(done..range.start), text.get(range.clone())) else { continue };
        made.push_str(kept);
        made.push_str(replacement);
        done = range.end;
    }
    made.push_str(text.get(done..).unwrap_or_default());
    made
}

#[cfg(test)]
mod tests {
    use super::{Edit, edited};

    #[test]
    fn edits_change_nothing_but_their_ranges() {
        let edit = |range, replacement: &str| Edit { rule: "r", range, replacement: replacement.to_owned() };
        let text = "MAINTAINER me\nADD a b\n";
        assert_eq!(edited(text, &[edit(0..10, "LABEL m="), edit(14..17, "COPY")]), "LABEL m= me\nCOPY a b\n");
        assert_eq!(edited(text, &[edit(0..10, "X"), edit(5..12, "Y"), edit(90..91, "Z")]), "X me\nADD a b\n");
    }
}
