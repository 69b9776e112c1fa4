//! What the checks of build files have in common: a Dockerfile, a Compose file, a Kubernetes manifest.
//!
//! Each is a text that a person edits, so a finding names its line and column, may bring the edit that mends it, and
//! may be ignored by a comment with a reason.

use std::ops::Range;

use plimsoll_model::finding::{Finding, FindingKind};
use plimsoll_model::gap::Gap;
use plimsoll_model::position::Position;
use plimsoll_model::severity::Severity;

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
