//! A scan under a policy. The first rule that is for a finding decides; an exception lets pass what a rule fails or warns
//! of; what was not checked follows the policy's word on gaps.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use plimsoll_model::decision::{
    Decided, Decision, ExceptionResult, ExceptionState, GapResult, Known, Outcome, RuleResult,
};
use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_model::scan::Scan;

use crate::document::{Exception, GapAction, Rule};
use crate::profile::Profile;
use crate::read::Policy;
use crate::selector::Places;
use crate::subject::Subject;
use crate::time::day_of;
use crate::words::GapKey;

/// What an outcome depends on beside scan and policy.
#[derive(Clone, Debug)]
pub struct Situation {
    /// The time.
    pub now: Timestamp,
    /// What an earlier report has; those findings are left out.
    pub known: Known,
}

/// Decides what follows from `scan` under `policy`.
#[must_use]
pub fn evaluate(policy: &Policy, scan: &Scan, situation: &Situation) -> Decision {
    let judge = Judge { policy, now: situation.now };
    let today = day_of(situation.now);
    let purls = vec![OnceCell::new(); scan.inventory.packages.len()];
    let mut rules: BTreeMap<usize, Vec<Decided>> = BTreeMap::new();
    // How many findings each exception lets pass, or would.
    let mut excepted = vec![0; policy.document.exceptions.len()];
    let (mut unmatched, mut known) = (0, 0);
    for (finding, found) in scan.findings.iter().enumerate() {
        if situation.known.has(found, &scan.inventory) {
            known += 1;
            continue;
        }
        let subject = Subject::of(found, scan, &purls, today);
        let Some(judgment) = judge.judge(&subject) else {
            unmatched += 1;
            continue;
        };
        for exception in judgment.exception.iter().chain(&judgment.expired) {
            if let Some(count) = excepted.get_mut(*exception) {
                *count += 1;
            }
        }
        let Judgment { outcome, grace_until, exception, .. } = judgment;
        rules.entry(judgment.rule).or_default().push(Decided { finding, outcome, grace_until, exception });
    }
    let rules: Vec<RuleResult> = rules
        .into_iter()
        .filter_map(|(index, findings)| Some(rule_result(policy.document.rules.get(index)?, findings)))
        .collect();
    let gaps = judge.gaps(scan, today);
    let exceptions = policy.document.exceptions.iter().zip(excepted);
    let outcomes = rules.iter().map(|rule| rule.outcome).chain(gaps.iter().map(|gap| gap.outcome));
    Decision {
        outcome: outcomes.max().unwrap_or_default(),
        policy: policy.summary.clone(),
        time: situation.now,
        exceptions: exceptions.map(|(exception, count)| judge.exception_result(exception, count)).collect(),
        rules,
        gaps,
        unmatched,
        known,
    }
}

fn rule_result(rule: &Rule, findings: Vec<Decided>) -> RuleResult {
    RuleResult {
        id: rule.id.clone(),
        profile: rule.profile.map(Profile::as_str),
        reason: rule.reason.clone(),
        outcome: findings.iter().map(|decided| decided.outcome).max().unwrap_or_default(),
        findings,
    }
}

/// A policy at one time.
pub(crate) struct Judge<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) now: Timestamp,
}

/// What follows from one finding that a rule is for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Judgment {
    /// The index of the rule.
    pub(crate) rule: usize,
    pub(crate) outcome: Outcome,
    pub(crate) grace_until: Option<Date>,
    /// The index of the exception that lets it pass.
    pub(crate) exception: Option<usize>,
    /// Exceptions that would have, were they not over.
    pub(crate) expired: Vec<usize>,
}

impl Judge<'_> {
    /// What follows from a finding; none if no rule is for it.
    pub(crate) fn judge(&self, subject: &Subject<'_>) -> Option<Judgment> {
        let rules = &self.policy.document.rules;
        let (index, rule) = rules.iter().enumerate().find(|(_, rule)| {
            let is_excuse = rule.then.outcome() == Outcome::Pass;
            rule.selectors.fit(subject, if is_excuse { Places::All } else { Places::Any })
        })?;
        let grace_until = rule.after.and_then(|grace| subject.grace_until(grace));
        let outcome = if grace_until.is_some() { milder(rule.then.outcome()) } else { rule.then.outcome() };
        let outcome = self.policy.environment.of(outcome);
        let mut judgment =
            Judgment { rule: index, outcome, grace_until, exception: None, expired: Vec::new() };
        if outcome != Outcome::Pass {
            self.except(&mut judgment, subject, &rule.id);
        }
        Some(judgment)
    }

    fn except(&self, judgment: &mut Judgment, subject: &Subject<'_>, rule: &str) {
        let all = self.policy.document.exceptions.iter().enumerate();
        for (index, exception) in all.filter(|(_, exception)| exception.selectors.fit(subject, rule)) {
            if self.is_over(exception) {
                judgment.expired.push(index);
            } else {
                (judgment.outcome, judgment.exception) = (Outcome::Pass, Some(index));
                judgment.expired.clear();
                return;
            }
        }
    }

    fn is_over(&self, exception: &Exception) -> bool {
        exception.expires.as_ref().is_some_and(|expiry| expiry.is_over(self.now))
    }

    fn exception_result(&self, exception: &Exception, findings: usize) -> ExceptionResult {
        let state = match (self.is_over(exception), findings) {
            (true, _) => ExceptionState::Expired,
            (false, 0) => ExceptionState::Unused,
            (false, _) => ExceptionState::Used,
        };
        ExceptionResult {
            title: exception.selectors.title(),
            reason: exception.reason.clone(),
            owner: exception.owner.clone(),
            ticket: exception.ticket.clone(),
            expires: exception.expires.as_ref().map(|expiry| expiry.as_str().to_owned()),
            state,
            findings,
        }
    }

    /// What follows from gaps, those of the scan and that of the clock.
    fn gaps(&self, scan: &Scan, today: Date) -> Vec<GapResult> {
        let mut kinds: BTreeMap<GapKind, Vec<Gap>> = BTreeMap::new();
        for gap in scan.gaps.iter().cloned().chain(clock_gap(scan, today)) {
            kinds.entry(gap.kind).or_default().push(gap);
        }
        let result = |(kind, gaps)| {
            let rules = &self.policy.document.gaps;
            let rule = rules.get(&GapKey(Some(kind))).or_else(|| rules.get(&GapKey(None)));
            let outcome = rule.map_or(GapAction::Undecided, |rule| rule.then).outcome();
            let reason = rule.and_then(|rule| rule.reason.clone());
            GapResult { outcome: self.policy.environment.of(outcome), reason, gaps }
        };
        kinds.into_iter().map(result).collect()
    }
}

/// What a rule does within its time of grace.
const fn milder(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Fail => Outcome::Warn,
        Outcome::Pass | Outcome::Warn | Outcome::Undecided => Outcome::Pass,
    }
}

/// A clock that is behind the data of the database: exceptions and times of grace would seem to last. One day is the
/// difference of time zones.
fn clock_gap(scan: &Scan, today: Date) -> Option<Gap> {
    let newest = scan.database.as_ref()?.date?;
    let is_behind = today.checked_add(1.day()).is_ok_and(|tomorrow| tomorrow < newest);
    is_behind.then(|| {
        let reason = format!("it shows {today}, but the advisory database has data of {newest}");
        Gap::new(GapKind::ClockBehind, "the clock", reason)
    })
}

#[cfg(test)]
mod tests;
