//! `plimsoll check`.

pub(super) mod signatures;
pub(super) mod summary;
pub(super) mod surroundings;

use std::path::Path;

use anyhow::{Context as _, ensure};
use jiff::Timestamp;
use jiff::civil::Date;
use plimsoll_formats::bounded;
use plimsoll_model::decision::{Decision, Known};
use plimsoll_model::plan::FirstSeen;
use plimsoll_model::scan::Scan;
use plimsoll_policy::{Policy, Profile, Situation, evaluate};
use plimsoll_report::check::TEXT;
use plimsoll_report::html::HTML;
use plimsoll_report::{Report, known};
use plimsoll_trust::domain::TrustFile;

use super::history::{self, Memory};
use super::trail::Trail;
use super::{Context, policy as policies, scan, vsa};
use crate::args::Check;
use crate::exit::Code;
use crate::output::{self, Output};

/// The policy of a folder.
const DEFAULT: &str = "plimsoll.yaml";
/// An earlier report that is larger is not read.
const REPORT: u64 = 1 << 30;

pub(super) fn run(args: &Check, context: &Context) -> anyhow::Result<Code> {
    vsa::check(&args.vsa)?;
    ensure!(args.vsa.emit_vsa.is_some() || args.vsa.vsa_key.is_none(), "--vsa-key needs --emit-vsa");
    let gate = Gate::of(args, context)?;
    let template = output::template(args.template.as_deref())?;
    let outputs = output::chosen(&args.output, args.format.as_ref(), args.template.as_deref(), &TEXT)?;
    let trail = Trail::of(&args.auditing, context)?;
    let Judged { scans, decisions, due } = gate.judge(args, &outputs, context)?;
    if let Some(trail) = trail {
        // Before anybody learns the verdict.
        trail.decided(&args.image, &scans, &decisions)?;
    }
    let report = Report {
        scans: &scans,
        decisions: &decisions,
        due: &due,
        version: env!("CARGO_PKG_VERSION"),
        elapsed: None,
        made: context.environment.source_date()?,
        now: context.environment.timestamp()?,
        template: template.as_ref(),
        style: context.environment.style(context.global.color),
    };
    output::write(&outputs, &report)?;
    if args.vsa.emit_vsa.is_some() {
        summary::emit(args, &scans, &decisions, context)?;
    }
    let worst = decisions.iter().map(|decision| decision.outcome).max();
    Ok(worst.map_or(Code::Undecided, Code::of_outcome))
}

/// By what images are judged: whoever has a mistake in a policy learns it before the scan.
pub(super) struct Gate {
    policy: Policy,
    trust: Option<TrustFile>,
    now: Timestamp,
    known: Known,
}

/// What followed for images.
pub(super) struct Judged {
    pub(super) scans: Vec<Scan>,
    pub(super) decisions: Vec<Decision>,
    /// Until when each finding is to be mended, if a report shows that.
    due: Vec<Vec<Option<Date>>>,
}

impl Gate {
    pub(super) fn of(args: &Check, context: &Context) -> anyhow::Result<Self> {
        let policy = self::policy(args.policy.as_deref(), args.environment.as_deref(), context)?;
        let (policy, trust) =
            signatures::read(policy, args.policy.as_deref(), args.trust.as_deref(), context)?;
        let now = context.environment.moment()?;
        let known = args.new_since.as_deref().map(earlier).transpose()?.unwrap_or_default();
        Ok(Self { policy, trust, now, known })
    }

    /// Scans and judges.
    pub(super) fn judge(
        &self,
        args: &Check,
        outputs: &[Output],
        context: &Context,
    ) -> anyhow::Result<Judged> {
        let scans = scan::scans(&args.scan(), outputs, context)?;
        let (platform, trust) = (args.platform.as_ref(), self.trust.as_ref());
        let surroundings =
            surroundings::of(&scans, (&args.image, platform), self.policy.asks(), trust, context);
        let shows_due = outputs.iter().any(|output| output.format.name == HTML.name);
        let is_asked = self.policy.asks().found || shows_due;
        let seen = if is_asked { self::seen(&scans, args, context)? } else { Vec::new() };
        let today = context.environment.today()?;
        let due = if shows_due { due(&self.policy, &scans, &seen, today)? } else { Vec::new() };
        let (now, known) = (self.now, &self.known);
        let judged = |(index, surroundings)| {
            let scan = scans.get(index)?;
            let found = seen.get(index).map(|seen: &Vec<FirstSeen>| history::found(seen)).unwrap_or_default();
            let situation = Situation { now, known: known.clone(), surroundings, found };
            Some(evaluate(&self.policy, scan, &situation))
        };
        let decisions: Vec<Decision> = surroundings.into_iter().enumerate().filter_map(judged).collect();
        Ok(Judged { scans, decisions, due })
    }
}

/// The policy that was asked for, else that of the folder, else the built-in one.
pub(super) fn policy(
    given: Option<&Path>,
    environment: Option<&str>,
    context: &Context,
) -> anyhow::Result<Policy> {
    let policy = match given {
        Some(name) => policies::read(name, context)?,
        // One that is there but cannot be read is an error, not a reason to judge by another.
        None if Path::new(DEFAULT).symlink_metadata().is_ok() => policies::read(Path::new(DEFAULT), context)?,
        None => Policy::built_in(Profile::Baseline)?,
    };
    match environment {
        Some(name) => Ok(policy.in_environment(name)?),
        None => Ok(policy),
    }
}

/// Since when the findings of each scan are known.
fn seen(scans: &[Scan], args: &Check, context: &Context) -> anyhow::Result<Vec<Vec<FirstSeen>>> {
    let memory = Memory::of(args.no_history);
    scans.iter().map(|scan| Ok(history::first_seen(scan, memory, context)?.0)).collect()
}

/// The last day to mend each finding, by the policy's table.
fn due(
    policy: &Policy,
    scans: &[Scan],
    seen: &[Vec<FirstSeen>],
    today: Date,
) -> anyhow::Result<Vec<Vec<Option<Date>>>> {
    let of = |(scan, seen): (&Scan, &Vec<FirstSeen>)| {
        let days = policy.days(scan, today)?;
        Ok(seen.iter().zip(days).map(|(seen, days)| days.and_then(|days| seen.due(days))).collect())
    };
    scans.iter().zip(seen).map(of).collect()
}

/// The findings of an earlier report.
fn earlier(path: &Path) -> anyhow::Result<Known> {
    let context = || format!("reading {}", path.display());
    let bytes = bounded::read_file(path, REPORT).with_context(context)?;
    known::read(&bytes).with_context(context)
}
