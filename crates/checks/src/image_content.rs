//! What an image's files tell: rights, tools, accounts, what a build left behind.
//!
//! Rules are values in [`crate::all::CONTENT_RULES`]; each looks at [`Content`], which layers add up to. A tool is told by
//! its bytes and its owner, not by its name alone.

pub(crate) mod accounts;
pub(crate) mod leftovers;
pub(crate) mod rights;
pub(crate) mod tools;

use plimsoll_model::content::Content;
use plimsoll_model::finding::{Finding, FindingKind};
use plimsoll_model::inventory::{Inventory, Location};
use plimsoll_model::severity::Severity;

use crate::all::CONTENT_RULES;

/// Places beyond so many are counted, not listed.
const LOCATIONS: usize = 100;

/// Names beyond so many are counted in the evidence.
const NAMES: usize = 8;

/// A rule over what an image's files tell.
#[derive(Clone, Copy, Debug)]
pub struct ContentRule {
    /// The name in reports and policies, kebab-case; a public contract.
    pub id: &'static str,
    /// One line for a person.
    pub title: &'static str,
    /// How bad a breach is.
    pub severity: Severity,
    /// What to do, in one imperative sentence.
    pub remedy: &'static str,
    /// What breaks it; all breaches together are one finding.
    pub check: fn(&Content) -> Vec<Seen>,
}

/// One thing that breaks a rule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Seen {
    /// What, in few words.
    pub evidence: String,
    /// Where.
    pub location: Option<Location>,
}

/// Checks what an image's files tell against all rules; findings in the order of rules.
#[must_use]
pub fn check_content(inventory: &Inventory) -> Vec<Finding> {
    CONTENT_RULES.iter().filter_map(|rule| rule.finding((rule.check)(&inventory.content))).collect()
}

impl ContentRule {
    fn finding(&self, seen: Vec<Seen>) -> Option<Finding> {
        let names: Vec<&str> = seen.iter().take(NAMES).map(|seen| seen.evidence.as_str()).collect();
        let mut evidence = names.join(", ");
        if evidence.is_empty() {
            return None;
        }
        if seen.len() > NAMES {
            evidence = format!("{evidence} and {} more", seen.len() - NAMES);
        }
        Some(Finding {
            id: self.id.to_owned(),
            title: self.title.to_owned(),
            severity: self.severity,
            severity_source: "plimsoll".to_owned(),
            kind: FindingKind::Misconfiguration { evidence },
            locations: seen.into_iter().filter_map(|seen| seen.location).take(LOCATIONS).collect(),
            position: None,
            remedy: Some(self.remedy.to_owned()),
            references: Vec::new(),
        })
    }
}

/// A size for people: `12.3 MB`.
fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
}

#[cfg(test)]
mod tests;
