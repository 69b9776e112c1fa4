//! The record of what was checked of one signature.

use std::collections::BTreeMap;

use plimsoll_model::digest::Digest;
use plimsoll_model::signature::{Check, CheckResult, Checked, Fate, Signature};

use crate::claimed::Claimed;
use crate::notary::policy::Action;

/// Why a signature does not count.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// This check failed.
    Failed(Check, String),
    /// It is not what was asked for, which says nothing against it.
    Other(String),
}

/// A record that grows check by check.
#[derive(Debug)]
pub(crate) struct Record(Signature);

impl Record {
    pub(crate) fn new(claimed: &Claimed<'_>, format: &'static str) -> Self {
        Self(Signature {
            place: claimed.place.to_owned(),
            format,
            digest: Some(Digest::of(claimed.content)),
            predicate_type: None,
            annotations: BTreeMap::new(),
            signer: None,
            known_as: Vec::new(),
            payload: None,
            times: Vec::new(),
            checks: Vec::new(),
            fate: Fate::Passed(String::new()),
        })
    }

    pub(crate) fn format(&mut self, format: &'static str) {
        self.0.format = format;
    }

    pub(crate) fn passed(&mut self, check: Check, words: impl Into<String>) {
        self.add(check, CheckResult::Passed, words.into());
    }

    pub(crate) fn not_made(&mut self, check: Check, words: impl Into<String>) {
        self.add(check, CheckResult::NotMade, words.into());
    }

    /// A check whose failure a trust policy may take. Whether it passed; if it did not but is taken, it is told as failed.
    pub(crate) fn follow(
        &mut self,
        action: Action,
        check: Check,
        result: Result<String, String>,
    ) -> Result<bool, Refusal> {
        match result {
            Ok(words) => self.passed(check, clean(&words)),
            Err(words) if action == Action::Enforce => return Err(Refusal::Failed(check, words)),
            Err(words) => {
                let words = format!("{}; the trust policy only logs that", clean(&words));
                self.add(check, CheckResult::Failed, words);
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn add(&mut self, check: Check, result: CheckResult, words: String) {
        self.0.checks.push(Checked { check, result, words });
    }

    /// What was learned so far. It is told only if the signature holds.
    pub(crate) fn learned(&mut self) -> &mut Signature {
        &mut self.0
    }

    /// The end: it counts only if nothing failed.
    pub(crate) fn finish(mut self, result: Result<(), Refusal>) -> Signature {
        match result {
            Ok(()) => self.0.fate = Fate::Accepted,
            Err(Refusal::Failed(check, words)) => {
                let words = clean(&words);
                self.add(check, CheckResult::Failed, words.clone());
                self.0.fate = Fate::Refused(format!("{}: {words}", check.as_str()));
            }
            Err(Refusal::Other(words)) => self.0.fate = Fate::Passed(clean(&words)),
        }
        self.0
    }
}

/// A check failed, for this reason.
pub(crate) fn failed(check: Check) -> impl Fn(String) -> Refusal {
    move |words| Refusal::Failed(check, words)
}

/// How long a reason may be.
const WORDS: usize = 400;

/// Reasons repeat what others wrote.
fn clean(words: &str) -> String {
    words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(WORDS).collect()
}
