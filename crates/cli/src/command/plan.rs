//! `plimsoll plan`.

mod apply;
mod files;
pub(super) mod gpgv;
pub(super) mod outside;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use jiff::civil::Date;
use plimsoll_engine::first_seen::carried;
use plimsoll_engine::scan::{ScanOptions, scan, scan_contents};
use plimsoll_image::Image;
use plimsoll_model::decision::{Decision, Known};
use plimsoll_model::lineage::Lineage;
use plimsoll_model::plan::FirstSeen;
use plimsoll_model::scan::Scan;
use plimsoll_policy::{Asks, PlanInputs, Policy, Situation, Surroundings, evaluate, plan};
use plimsoll_report::plan::{AppliedReport, PlanReport, RaisedReport, write_json, write_text};

use super::check::surroundings;
use super::history::{self, Memory};
use super::trail::Trail;
use super::{Context, check, lineage, locate, sbom, scan as scanning, vex};
use crate::args::{Plan as Args, Words};
use crate::exit::Code;
use crate::output::to_stdout;
use crate::progress;

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<Code> {
    // Whoever has a mistake in a policy or a destination learns it before the scan.
    let policy = check::policy(args.policy.as_deref(), args.environment.as_deref(), context)?;
    let (policy, trust) =
        check::signatures::read(policy, args.policy.as_deref(), args.trust.as_deref(), context)?;
    if files::are_meant(&args.image) {
        return files::run(&policy, args, context);
    }
    if args.apply && args.to.is_none() && args.dockerfile.is_none() {
        bail!("--apply wants --to DEST for a new image, or --dockerfile FILE, which it changes");
    }
    let destination = args.to.as_deref().map(|to| apply::destination(to, args, context)).transpose()?;
    let now = context.environment.moment()?;
    let trail = Trail::of(&args.auditing, context)?;
    let (images, mut options, scans) = scanned(args, context)?;
    if args.apply && scans.len() > 1 {
        bail!("{} has several images; --platform chooses one", args.image);
    }
    let (name, trust) = ((args.image.as_str(), args.platform.as_ref()), trust.as_ref());
    let surroundings = surroundings::of(&scans, name, policy.asks(), trust, context);
    let mut worst = None;
    for (index, scan) in scans.iter().enumerate() {
        let around = surroundings.get(index).cloned().unwrap_or_default();
        let (seen, trouble) = history::first_seen(scan, Memory::of(args.no_history), context)?;
        let decision = decide(&policy, scan, now, around, history::found(&seen));
        let lineage = images.get(index).map(|image| lineage_of(image, args, context)).transpose()?;
        let plan = planned(&policy, scan, lineage.as_ref(), (&seen, trouble), context)?;
        let applied = match (&destination, images.get(index)) {
            (Some(destination), Some(image)) => {
                Some(apply::run(image, &plan, destination, now, &mut options, args, context)?)
            }
            (Some(_), None) => bail!("a bill of materials holds no files that packages could be put over"),
            (None, _) => None,
        };
        let raised = args.dockerfile.as_deref().filter(|_| args.apply && destination.is_none());
        let raised = raised.map(|path| files::dockerfile(&plan, path, args)).transpose()?;
        let raised = raised.as_ref().map(|raised| RaisedReport { raised, after: None });
        let after = applied.as_ref().and_then(|(_, after)| after.as_ref());
        let decided =
            after.map(|after| decide_new(&policy, (scan, &seen), after, now, context)).transpose()?;
        worst = worst.max(Some(decided.as_ref().map_or(decision.outcome, |decision| decision.outcome)));
        let told = applied
            .as_ref()
            .map(|(patch, after)| AppliedReport { patch, after: after.as_ref().zip(decided.as_ref()) });
        if let Some(trail) = &trail {
            trail.planned(&args.image, scan, &plan, applied.as_ref().map(|(patch, _)| patch))?;
        }
        let (applied, raised) = (told.as_ref(), raised.as_ref());
        let report = PlanReport { scan, decision: &decision, plan: &plan, applied, raised };
        tell(&report, index, args, context)?;
    }
    Ok(worst.map_or(Code::Undecided, Code::of_outcome))
}

/// The images, how they are scanned, and what was found. Of a bill of materials there are no images.
fn scanned(args: &Args, context: &Context) -> anyhow::Result<(Vec<Image>, ScanOptions, Vec<Scan>)> {
    let wanted = args.scan();
    let mut options = scanning::options(&wanted, &[], context)?;
    options.evidence.details = true;
    let observer = progress::observer(!context.global.quiet);
    if let Some(contents) = sbom::instead_of_image(&wanted.image, wanted.platform.as_ref())? {
        options.vex = vex::library(&wanted, &[], context)?;
        let scans = scan_contents(contents, &options, &observer);
        return Ok((Vec::new(), options, scans));
    }
    let choice = scanning::choice(wanted.platform.as_ref(), false);
    let images = locate::images(&wanted.image, &choice, options.evidence.spool.clone(), context)?;
    options.vex = vex::library(&wanted, &images, context)?;
    let scans = scan(&images, &options, &observer).with_context(|| format!("scanning {}", args.image))?;
    Ok((images, options, scans))
}

fn decide(
    policy: &Policy,
    scan: &Scan,
    now: Timestamp,
    surroundings: Surroundings,
    found: Vec<Date>,
) -> Decision {
    evaluate(policy, scan, &Situation { now, known: Known::default(), surroundings, found })
}

/// What follows for a new image. What lies with it is not known: nothing was put there.
fn decide_new(
    policy: &Policy,
    before: (&Scan, &[FirstSeen]),
    after: &Scan,
    now: Timestamp,
    context: &Context,
) -> anyhow::Result<Decision> {
    let asks = Asks { sbom: false, ..policy.asks() };
    let around = surroundings::of(std::slice::from_ref(after), ("", None), asks, None, context).pop();
    let found = carried(before, after, context.environment.today()?);
    Ok(decide(policy, after, now, around.unwrap_or_default(), found))
}

fn lineage_of(image: &Image, args: &Args, context: &Context) -> anyhow::Result<Lineage> {
    lineage::known_of(image, args.bases.as_deref(), args.db.as_deref(), context)
}

fn planned(
    policy: &Policy,
    scan: &Scan,
    lineage: Option<&Lineage>,
    (seen, trouble): (&[FirstSeen], Option<String>),
    context: &Context,
) -> anyhow::Result<plimsoll_model::plan::Plan> {
    let today = context.environment.today()?;
    let mut planned = plan(scan, &PlanInputs { policy, today, first_seen: seen, lineage })?;
    planned.notes.extend(trouble);
    Ok(planned)
}

fn tell(report: &PlanReport<'_>, index: usize, args: &Args, context: &Context) -> anyhow::Result<()> {
    let style = context.environment.style(context.global.color);
    to_stdout(|out| match args.format {
        Words::Text if index > 0 => {
            writeln!(out)?;
            write_text(report, style, out)
        }
        Words::Text => write_text(report, style, out),
        Words::Json => write_json(report, out),
    })?;
    Ok(())
}
