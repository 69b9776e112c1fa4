//! One verification summary in the place of signatures: whoever verified before is believed, and nothing else is looked at.

use std::collections::BTreeMap;

use jiff::Timestamp;
use plimsoll_model::signature::{self, Check, CheckResult, Checked, Fate, Outcome, Signature, Subject};

use super::{TYPE, Verifier, judge};
use crate::all;
use crate::claimed::Claimed;
use crate::demand::{Claim, Demand, LogRule, Told, TrustedKey};
use crate::judge::Judge;
use crate::root::Roots;

/// A summary by the holder of one key is demanded.
#[derive(Clone, Debug)]
pub struct SummaryDemand {
    demand: Demand,
    verifier: Verifier,
    uri: Option<String>,
}

impl SummaryDemand {
    /// A summary of `verifier`, whose signers are whoever has `key`, about what has this URI. Such keys are in no log.
    #[must_use]
    pub fn new(key: TrustedKey, verifier: Verifier, uri: Option<String>, now: Timestamp) -> Self {
        let demand = Demand {
            keys: vec![key],
            identities: Vec::new(),
            notary: None,
            claim: Claim::Attested(TYPE.to_owned()),
            annotations: BTreeMap::new(),
            told: Told::default(),
            log: LogRule::Ignored,
            threshold: 1,
            roots: Roots::built_in(),
            now,
        };
        let verifier = Verifier { signers: vec![verifier.id.clone()], ..verifier };
        Self { demand, verifier, uri }
    }
}

impl Judge for SummaryDemand {
    fn examine(&self, claimed: &Claimed<'_>) -> Option<Signature> {
        let mut signature = all::examine(claimed, &self.demand)?;
        if signature.fate != Fate::Accepted {
            return Some(signature);
        }
        signature.known_as = vec![self.verifier.id.clone()];
        let (result, words) = match judge(&signature, &self.verifier, self.uri.as_deref(), self.demand.now) {
            Ok(()) => (CheckResult::Passed, "it says PASSED of this image, and is not too old".to_owned()),
            Err(why) => (CheckResult::Failed, why.to_string()),
        };
        if result == CheckResult::Failed {
            signature.fate = Fate::Refused(format!("{}: {words}", Check::Summary.as_str()));
        }
        signature.checks.push(Checked { check: Check::Summary, result, words });
        Some(signature)
    }

    fn decide(&self, subjects: &[&Subject], gaps: usize) -> (Outcome, String) {
        let (outcome, reason) = self.demand.decide(subjects, gaps);
        match outcome {
            Outcome::Verified => (outcome, format!("a summary of {} says PASSED", self.verifier.id)),
            Outcome::Refused => (outcome, format!("no summary of {} counts: {reason}", self.verifier.id)),
            Outcome::Undecided => (outcome, reason),
        }
    }

    fn is_likely(&self, told: &str) -> bool {
        told == TYPE
    }

    fn summary(&self) -> signature::Demand {
        let mut summary = self.demand.summary();
        let Verifier { id, resources, max_age, levels, .. } = &self.verifier;
        let about = resources.iter().chain(self.uri.iter().filter(|_| resources.is_empty()));
        let about: Vec<&str> = about.map(String::as_str).collect();
        summary.wanted.push(format!("a verification summary of {id} about {}", about.join(" or ")));
        summary.wanted.push(format!("made within the last {} hours", max_age.as_hours()));
        summary.wanted.extend(levels.iter().map(|level| format!("the level {level}")));
        summary
    }

    fn now(&self) -> Timestamp {
        self.demand.now
    }
}
