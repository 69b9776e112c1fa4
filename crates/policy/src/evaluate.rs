//! A scan under a policy. What a module says of a finding decides, else the first rule that is for it; every rule on the
//! image counts. An exception lets pass what a rule fails or warns of; what was not checked follows the policy's word on
//! gaps.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use plimsoll_model::decision::{
    Decided, Decision, ExceptionResult, ExceptionState, GapResult, ImageDecided, Known, Outcome, RuleResult,
};
use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_model::scan::Scan;

use crate::condition::Scene;
use crate::document::{Exception, GapAction, Rule};
use crate::facts::{ImageFacts, Surroundings};
use crate::image_rule::Seen;
use crate::read::Policy;
use crate::rego::{Input, RULE, Said, Word};
use crate::selector::{ExceptionSelectors, Places};
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
    /// What is known of the image beside the scan.
    pub surroundings: Surroundings,
    /// The day that each finding of the scan was first found, in their order; where none stands, it is found today.
    pub found: Vec<Date>,
}

/// Decides what follows from `scan` under `policy`.
#[must_use]
pub fn evaluate(policy: &Policy, scan: &Scan, situation: &Situation) -> Decision {
    let today = day_of(situation.now);
    let image = ImageFacts::of(scan, &situation.surroundings);
    let judge = Judge::new(policy, situation.now, &image);
    let purls = vec![OnceCell::new(); scan.inventory.packages.len()];
    let all = scan.findings.iter().enumerate();
    let new = all.filter(|(_, found)| !situation.known.has(found, &scan.inventory));
    let subject = |(number, finding)| {
        let found = situation.found.get(number).copied();
        (number, Subject { found, ..Subject::of(finding, scan, &purls, today) })
    };
    let subjects: Vec<(usize, Subject<'_>)> = new.map(subject).collect();
    let (said, failure) = match judge.said(&subjects) {
        Ok(said) => (said, None),
        Err(reason) => (Said::default(), Some(reason)),
    };
    let mut results =
        Results { policy, rules: BTreeMap::new(), excepted: vec![0; policy.document.exceptions.len()] };
    let mut unmatched = 0;
    for (number, subject) in &subjects {
        match judge.judge(subject, said.findings.get(number)) {
            Some(judgment) => results.add(*number, judgment),
            None => unmatched += 1,
        }
    }
    for judgment in judge.image(&said.image, failure) {
        results.add_image(judgment);
    }
    let Results { rules, excepted, .. } = results;
    let rules: Vec<RuleResult> = rules.into_values().map(with_outcome).collect();
    let gaps = judge.gaps(scan, today);
    let exceptions = policy.document.exceptions.iter().zip(excepted);
    let outcomes = rules.iter().map(|rule| rule.outcome).chain(gaps.iter().map(|gap| gap.outcome));
    Decision {
        outcome: outcomes.max().unwrap_or_default(),
        policy: policy.summary.clone(),
        time: situation.now,
        trust: situation.surroundings.trust.as_ref().and_then(|trust| trust.summary.clone()),
        exceptions: exceptions.map(|(exception, count)| judge.exception_result(exception, count)).collect(),
        rules,
        gaps,
        unmatched,
        known: scan.findings.len().saturating_sub(subjects.len()),
    }
}

/// What the rules decided so far: modules' first, then the policy's in their order.
struct Results<'a> {
    policy: &'a Policy,
    rules: BTreeMap<Decider, RuleResult>,
    /// How many findings each exception lets pass, or would.
    excepted: Vec<usize>,
}

impl Results<'_> {
    fn add(&mut self, finding: usize, judgment: Judgment) {
        self.count(judgment.exception.iter().chain(&judgment.expired));
        let Judgment { decider, outcome, grace_until, exception, note, .. } = judgment;
        let rule = rule_result(self.policy, &decider);
        let result = self.rules.entry(decider).or_insert(rule);
        result.findings.push(Decided { finding, outcome, grace_until, exception, note });
    }

    fn add_image(&mut self, judgment: ImageJudgment) {
        let ImageJudgment { decider, decided, expired } = judgment;
        self.count(decided.exception.iter().chain(&expired));
        let rule = rule_result(self.policy, &decider);
        let result = self.rules.entry(decider).or_insert(rule);
        let image = result.image.get_or_insert_default();
        image.outcome = image.outcome.max(decided.outcome);
        image.seen.extend(decided.seen);
        image.unknown.extend(decided.unknown);
        image.exception = image.exception.or(decided.exception);
    }

    fn count<'b>(&mut self, exceptions: impl Iterator<Item = &'b usize>) {
        for exception in exceptions {
            if let Some(count) = self.excepted.get_mut(*exception) {
                *count += 1;
            }
        }
    }
}

fn rule_result(policy: &Policy, decider: &Decider) -> RuleResult {
    let rule = match decider {
        Decider::Module(_) => None,
        Decider::Rule(index) => policy.document.rules.get(*index),
    };
    RuleResult {
        id: decider.id(policy).to_owned(),
        profile: rule.and_then(|rule| rule.profile.clone()),
        reason: rule.and_then(|rule| rule.reason.clone()),
        outcome: Outcome::Pass,
        findings: Vec::new(),
        image: None,
    }
}

fn with_outcome(mut rule: RuleResult) -> RuleResult {
    let findings = rule.findings.iter().map(|decided| decided.outcome);
    rule.outcome = findings.chain(rule.image.iter().map(|image| image.outcome)).max().unwrap_or_default();
    rule
}

/// A policy at one time, for one image.
pub(crate) struct Judge<'a> {
    policy: &'a Policy,
    now: Timestamp,
    image: &'a ImageFacts,
    scene: Scene<'a>,
}

/// What decides: a rule of the policy, or one that a module names.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Decider {
    /// By its name.
    Module(String),
    /// By its index.
    Rule(usize),
}

impl Decider {
    /// The rule's id.
    pub(crate) fn id<'b>(&'b self, policy: &'b Policy) -> &'b str {
        match self {
            Self::Module(name) => name,
            Self::Rule(index) => policy.document.rules.get(*index).map_or("", |rule| &rule.id),
        }
    }
}

/// What follows from one finding that a rule is for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Judgment {
    pub(crate) decider: Decider,
    pub(crate) outcome: Outcome,
    pub(crate) grace_until: Option<Date>,
    /// The index of the exception that lets it pass.
    pub(crate) exception: Option<usize>,
    /// Exceptions that would have, were they not over.
    pub(crate) expired: Vec<usize>,
    /// What a module says of it, why a condition could not be evaluated, or what its time of grace rests on.
    pub(crate) note: Option<Arc<str>>,
}

/// What decides, what follows, the end of a time of grace, and a note.
type Ruled = (Decider, Outcome, Option<Date>, Option<Arc<str>>);

/// What follows from the image as a whole by one rule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ImageJudgment {
    pub(crate) decider: Decider,
    pub(crate) decided: ImageDecided,
    /// Exceptions that would let it pass, were they not over.
    pub(crate) expired: Vec<usize>,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(policy: &'a Policy, now: Timestamp, image: &'a ImageFacts) -> Self {
        let environment = policy.summary.environment.as_deref();
        Self { policy, now, image, scene: Scene::new(image, environment, now) }
    }

    /// The id of the rule that decides.
    pub(crate) fn id(&self, decider: &Decider) -> String {
        decider.id(self.policy).to_owned()
    }

    /// What the modules say.
    pub(crate) fn said(&self, subjects: &[(usize, Subject<'_>)]) -> Result<Said, String> {
        let Some(modules) = &self.policy.modules else { return Ok(Said::default()) };
        modules.evaluate(&Input {
            findings: subjects.iter().map(|(number, subject)| (*number, subject.fields())).collect(),
            image: self.image.fields(),
            environment: self.policy.summary.environment.as_deref(),
            now: self.now,
        })
    }

    /// What follows from a finding, of which the modules say `word`; none if no rule is for it.
    pub(crate) fn judge(&self, subject: &Subject<'_>, word: Option<&Word>) -> Option<Judgment> {
        let (decider, outcome, grace_until, note) = match word {
            Some(word) => {
                (Decider::Module(word.rule.clone()), word.outcome, None, Some(Arc::from(&*word.message)))
            }
            None => self.rule(subject)?,
        };
        // Which rule it is for is not known of what a condition leaves undecided.
        let is_certain = word.is_some() || outcome != Outcome::Undecided;
        let outcome = self.policy.environment.of(outcome);
        let mut judgment =
            Judgment { decider, outcome, grace_until, exception: None, expired: Vec::new(), note };
        let rule = judgment.decider.id(self.policy).to_owned();
        if outcome != Outcome::Pass {
            let is_for = |selectors: &ExceptionSelectors| {
                (is_certain || selectors.rule.is_none()) && selectors.fit(subject, &rule)
            };
            (judgment.exception, judgment.expired) = self.excepted(is_for);
        }
        if judgment.exception.is_some() {
            judgment.outcome = Outcome::Pass;
        }
        Some(judgment)
    }

    /// The first rule that is for a finding. Where that cannot be told, the finding is undecided.
    fn rule(&self, subject: &Subject<'_>) -> Option<Ruled> {
        let fields = OnceCell::new();
        for (index, rule) in self.policy.document.rules.iter().enumerate() {
            let Some(selectors) = &rule.selectors else { continue };
            let is_excuse = rule.then.outcome() == Outcome::Pass;
            if !selectors.fit(subject, if is_excuse { Places::All } else { Places::Any }) {
                continue;
            }
            if let Some(condition) = &selectors.when {
                match self.scene.holds(&condition.0, Some(fields.get_or_init(|| subject.fields()))) {
                    Ok(true) => {}
                    Ok(false) => continue,
                    Err(reason) => {
                        let note = format!("the condition could not be evaluated: {reason}");
                        return Some((Decider::Rule(index), Outcome::Undecided, None, Some(note.into())));
                    }
                }
            }
            let grace_until = rule.after.and_then(|grace| subject.grace_until(grace));
            let outcome = rule.then.outcome();
            let outcome = if grace_until.is_some() { milder(outcome) } else { outcome };
            let note = rule.after.and_then(|grace| subject.grace_note(grace)).map(Arc::from);
            return Some((Decider::Rule(index), outcome, grace_until, note));
        }
        None
    }

    /// What follows from the image as a whole: by each rule on images that holds or may hold, and by modules.
    pub(crate) fn image(&self, words: &[Word], failure: Option<String>) -> Vec<ImageJudgment> {
        let today = day_of(self.now);
        let mut judgments = Vec::new();
        if let Some(reason) = failure {
            let seen = Seen { seen: Vec::new(), unknown: vec![reason] };
            judgments.push(self.image_judgment(Decider::Module(RULE.to_owned()), Outcome::Undecided, seen));
        }
        for word in words {
            let seen = Seen { seen: vec![word.message.clone()], unknown: Vec::new() };
            judgments.push(self.image_judgment(Decider::Module(word.rule.clone()), word.outcome, seen));
        }
        for (index, rule) in self.policy.document.rules.iter().enumerate() {
            let Some(seen) = self.seen(rule, today) else { continue };
            let outcome = if seen.unknown.is_empty() { rule.then.outcome() } else { Outcome::Undecided };
            judgments.push(self.image_judgment(Decider::Rule(index), outcome, seen));
        }
        judgments
    }

    /// What was seen of an image that a rule is for; none if it is for another one, or the image has what it requires.
    fn seen(&self, rule: &Rule, today: Date) -> Option<Seen> {
        let fits = rule.image.as_ref().map(|selectors| selectors.fit(self.image, &self.scene, today));
        let lacks =
            rule.require.as_ref().map(|required| required.missing(self.image.trust.as_ref(), &self.scene));
        match (fits, lacks) {
            (Some(fits), None) => fits,
            (None, Some(lacks)) => lacks,
            (Some(fits), Some(lacks)) => {
                let (mut fits, lacks) = (fits?, lacks?);
                fits.seen.extend(lacks.seen);
                fits.unknown.extend(lacks.unknown);
                Some(fits)
            }
            (None, None) => None,
        }
    }

    fn image_judgment(&self, decider: Decider, outcome: Outcome, seen: Seen) -> ImageJudgment {
        let outcome = self.policy.environment.of(outcome);
        let rule = decider.id(self.policy);
        let is_for = |selectors: &ExceptionSelectors| selectors.fit_image(&self.image.digests, rule);
        let (exception, expired) =
            if outcome == Outcome::Pass { (None, Vec::new()) } else { self.excepted(is_for) };
        let outcome = if exception.is_some() { Outcome::Pass } else { outcome };
        let decided = ImageDecided { outcome, seen: seen.seen, unknown: seen.unknown, exception };
        ImageJudgment { decider, decided, expired }
    }

    /// The exception that lets pass what `is_for` is true of; else those that would, were they not over.
    fn excepted(&self, is_for: impl Fn(&ExceptionSelectors) -> bool) -> (Option<usize>, Vec<usize>) {
        let all = self.policy.document.exceptions.iter().enumerate();
        let mut expired = Vec::new();
        for (index, exception) in all.filter(|(_, exception)| is_for(&exception.selectors)) {
            if !self.is_over(exception) {
                return (Some(index), Vec::new());
            }
            expired.push(index);
        }
        (None, expired)
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
        for gap in scan.gaps.iter().cloned().chain(clock_gap(scan, self.image, today)) {
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

/// A clock that is behind the data of the database, or behind the image: exceptions and times of grace would seem to
/// last. One day is the difference of time zones.
fn clock_gap(scan: &Scan, image: &ImageFacts, today: Date) -> Option<Gap> {
    let made = image.created.map(|created| (day_of(created), "the image was made on"));
    let newest = scan.database.as_ref().and_then(|database| database.date);
    let newest = newest.map(|day| (day, "the advisory database has data of"));
    let tomorrow = today.checked_add(1.day()).ok()?;
    let (day, what) = newest.into_iter().chain(made).find(|(day, _)| tomorrow < *day)?;
    Some(Gap::new(GapKind::ClockBehind, "the clock", format!("it shows {today}, but {what} {day}")))
}

#[cfg(test)]
pub(crate) mod tests;
