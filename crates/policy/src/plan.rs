//! What to do first: for each finding its risk, its decision and its day; then the actions that take away most risk, each
//! counted for what no earlier one mends. Greedy, and the same for the same scan.

mod commands;
mod dependencies;
mod others;
mod system;

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use jiff::civil::Date;
use plimsoll_model::finding::{Finding, FindingKind, Status};
use plimsoll_model::lineage::Lineage;
use plimsoll_model::plan::{Action, ActionKind, Effort, FirstSeen, Judged, Plan};
use plimsoll_model::risk::{Risk, by_risk};
use plimsoll_model::scan::Scan;

use crate::read::{Policy, PolicyError};
use crate::ssvc::assess;

/// What a plan rests on beside the scan.
pub struct PlanInputs<'a> {
    /// The policy, for its days and its mission.
    pub policy: &'a Policy,
    /// The day.
    pub today: Date,
    /// Since when each finding is known, in the order of the scan.
    pub first_seen: &'a [FirstSeen],
    /// What is known of the image's base, if it was looked for.
    pub lineage: Option<&'a Lineage>,
}

/// Plans what to do about `scan`, whose packages must be told with what they need.
///
/// # Errors
/// See [`Policy::days`].
pub fn plan(scan: &Scan, inputs: &PlanInputs<'_>) -> Result<Plan, PolicyError> {
    let days = inputs.policy.days(scan, inputs.today)?;
    let mission = inputs.policy.mission();
    let judged: Vec<Judged> = scan
        .findings
        .iter()
        .enumerate()
        .map(|(index, finding)| {
            let (day, basis) = (inputs.today, plimsoll_model::plan::SeenBasis::Today);
            let today = FirstSeen { day, basis, found: day };
            let first_seen = inputs.first_seen.get(index).copied().unwrap_or(today);
            let days = days.get(index).copied().flatten();
            Judged {
                risk: Risk::of(finding, scan),
                assessment: assess(finding, mission),
                first_seen,
                days,
                due: days.and_then(|days| first_seen.due(days)),
            }
        })
        .collect();
    let mut candidates = system::actions(scan);
    candidates.extend(dependencies::actions(scan));
    candidates.extend(others::actions(scan));
    candidates.extend(inputs.lineage.and_then(|lineage| others::rebase(scan, lineage)));
    let (actions, mended) = chosen(candidates, &judged);
    let unmended = by_risk(scan)
        .into_iter()
        .filter(|(index, _)| !mended.contains(index))
        .filter_map(|(index, _)| Some((index, why_not(scan.findings.get(index)?))))
        .collect();
    let notes = inputs.lineage.and_then(|lineage| others::about_base(scan, lineage)).into_iter().collect();
    Ok(Plan { judged, actions, unmended, notes })
}

/// The order of two actions that take away the same risk: the easier first.
type Rank = (u32, Reverse<(Effort, ActionKind, String)>, Reverse<usize>);

/// Takes the action that takes away most risk, again and again. What others mend already does not count; a heap whose
/// numbers can only fall finds the greatest without looking at all.
fn chosen(mut candidates: Vec<Action>, judged: &[Judged]) -> (Vec<Action>, BTreeSet<usize>) {
    let risk = |mends: &[usize]| -> u32 {
        mends.iter().filter_map(|index| judged.get(*index)).map(|judged| u32::from(judged.risk.score)).sum()
    };
    let rank = |action: &Action, index: usize| -> Rank {
        (risk(&action.mends), Reverse((action.effort, action.kind, action.title.clone())), Reverse(index))
    };
    let mut heap: BinaryHeap<Rank> =
        candidates.iter().enumerate().map(|(index, action)| rank(action, index)).collect();
    let (mut actions, mut mended) = (Vec::new(), BTreeSet::new());
    while let Some((before, _, Reverse(index))) = heap.pop() {
        let Some(action) = candidates.get_mut(index) else { continue };
        action.mends.retain(|finding| !mended.contains(finding));
        if action.mends.is_empty() {
            continue;
        }
        let now = rank(action, index);
        if now.0 < before {
            heap.push(now);
            continue;
        }
        action.risk = now.0;
        action.due = action.mends.iter().filter_map(|finding| judged.get(*finding)?.due).min();
        mended.extend(action.mends.iter().copied());
        actions.push(action.clone());
    }
    (actions, mended)
}

/// Why nothing mends a finding.
fn why_not(finding: &Finding) -> String {
    let FindingKind::Vulnerability(found) = &finding.kind else {
        return "no action is known for it".to_owned();
    };
    if let Some(fix) = found.channel_fixes.first() {
        return format!("only {} has a fix: {}", fix.channel, fix.version);
    }
    let reason = match found.status {
        Status::FixDeferred => "the distribution will fix it later",
        Status::WillNotFix => "the distribution will not fix it",
        Status::EndOfLife => "the release gets no more fixes",
        Status::UnderInvestigation => "the distribution has not decided yet",
        Status::Fixed if !found.fixed_versions.is_empty() => "its fixed version does not compare",
        Status::Fixed | Status::Affected | Status::NotAffected => "no fixed version is known",
    };
    reason.to_owned()
}

/// An action with nothing decided yet.
fn action(kind: ActionKind, title: String, effort: Effort, reason: &str) -> Action {
    Action {
        kind,
        title,
        commands: Vec::new(),
        patch: None,
        mends: Vec::new(),
        risk: 0,
        effort,
        effort_reason: reason.to_owned(),
        due: None,
        packages: Vec::new(),
        raise: None,
        rebase: None,
        notes: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
