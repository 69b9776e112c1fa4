//! The rules over Dockerfiles: what each says of itself, and the function that looks for breaches. A rule is a `const`
//! in one of these files and a line in [`crate::all::DOCKERFILE_RULES`].

pub(crate) mod advice;
pub(crate) mod base;
pub(crate) mod casing;
pub(crate) mod copy;
pub(crate) mod format;
pub(crate) mod ignores;
pub(crate) mod labels;
pub(crate) mod languages;
pub(crate) mod manager;
pub(crate) mod run;
pub(crate) mod runtime;
pub(crate) mod secret;
pub(crate) mod stages;
pub(crate) mod variables;

use std::ops::Range;

use super::view::View;
use crate::build_file::{FileRule, When};

/// A rule over a Dockerfile.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// What it says of itself.
    pub rule: FileRule,
    /// Whether it is looked at where nobody asks for it.
    pub when: When,
    /// Looks for breaches.
    pub(crate) look: fn(&View<'_>) -> Vec<Breach>,
}

/// A rule that is always looked at.
const fn always(rule: FileRule, look: fn(&View<'_>) -> Vec<Breach>) -> Rule {
    Rule { rule, when: When::Always, look }
}

/// A rule that is looked at only if it is named.
const fn on_request(rule: FileRule, look: fn(&View<'_>) -> Vec<Breach>) -> Rule {
    Rule { rule, when: When::OnRequest, look }
}

/// What breaks a rule.
#[derive(Clone, Debug, Default)]
pub(crate) struct Breach {
    /// Where it is in the file.
    pub(crate) at: usize,
    /// What was seen.
    pub(crate) evidence: String,
    /// What mends it: bytes to take out, and what to put there.
    pub(crate) edits: Vec<(Range<usize>, String)>,
}

impl Breach {
    pub(crate) fn new(at: usize, evidence: impl Into<String>) -> Self {
        Self { at, evidence: evidence.into(), edits: Vec::new() }
    }

    /// With a change that is a part of mending it.
    pub(crate) fn replacing(mut self, range: Range<usize>, replacement: impl Into<String>) -> Self {
        self.edits.push((range, replacement.into()));
        self
    }

    /// With something to put in at `at`.
    pub(crate) fn inserting(self, at: usize, text: impl Into<String>) -> Self {
        self.replacing(at..at, text)
    }
}
