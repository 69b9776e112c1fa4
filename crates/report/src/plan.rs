//! What to do about an image, in words and as JSON: the actions that take away most risk first, with commands to copy.

mod applied;
mod document;
mod raised;

use std::io::{self, Write};

use comfy_table::Cell;
use plimsoll_model::decision::{Decision, Outcome};
use plimsoll_model::ecosystem::Ecosystem;
use plimsoll_model::patch::{Patch, Raised};
use plimsoll_model::plan::{Action, Plan};
use plimsoll_model::scan::Scan;

use crate::Style;
use crate::table::{bold, clean, new_table, plural, section};

pub use document::{SCHEMA_VERSION, schema, write_json};

/// How many lines of each kind a person gets.
const SHOWN: usize = 20;

/// A plan, and what it is for.
pub struct PlanReport<'a> {
    /// The image.
    pub scan: &'a Scan,
    /// What follows for it.
    pub decision: &'a Decision,
    /// What to do.
    pub plan: &'a Plan,
    /// What was done, if something was.
    pub applied: Option<&'a AppliedReport<'a>>,
    /// What was raised in files, if something was to be.
    pub raised: Option<&'a RaisedReport<'a>>,
}

/// What was put into an image, and what it is now.
pub struct AppliedReport<'a> {
    /// What was put in.
    pub patch: &'a Patch,
    /// The new image, and what follows for it; none if nothing changed.
    pub after: Option<(&'a Scan, &'a Decision)>,
}

/// What was raised in files, and what they say now.
pub struct RaisedReport<'a> {
    /// What was raised.
    pub raised: &'a Raised,
    /// The files with that, and what follows for them; none of a Dockerfile, whose image has to be built again.
    pub after: Option<(&'a Scan, &'a Decision)>,
}

/// Writes a plan for a person.
///
/// # Errors
/// If `out` fails.
pub fn write_text(report: &PlanReport<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let PlanReport { scan, decision, plan, applied, raised } = report;
    let word = bold(&decision.outcome.as_str().to_uppercase(), style);
    writeln!(out, "{word}  {}  {}", bold(&clean(&scan.image.name), style), scan.image.platform)?;
    let count = scan.findings.len();
    let mended: usize = plan.actions.iter().map(|action| action.mends.len()).sum();
    writeln!(
        out,
        "{count} finding{} with a risk of {}; {} action{} mend {mended} of them\n",
        plural(count),
        plan.risk(),
        plan.actions.len(),
        plural(plan.actions.len())
    )?;
    actions(plan, style, out)?;
    how(plan, style, out)?;
    unmended(scan, plan, style, out)?;
    for note in &plan.notes {
        writeln!(out, "{}", clean(note))?;
    }
    match (applied, raised) {
        (_, Some(raised)) => raised::write(raised, decision, style, out),
        (Some(applied), None) => applied::write(applied, decision, style, out),
        (None, None) => hint(scan, plan, decision, out),
    }
}

fn actions(plan: &Plan, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if plan.actions.is_empty() {
        return Ok(());
    }
    let mut table = new_table(style, &["", "Do", "Mends", "Risk", "Effort", "Due"]);
    for (number, action) in plan.actions.iter().take(SHOWN).enumerate() {
        table.add_row(vec![
            Cell::new((number + 1).to_string()),
            Cell::new(clean(&action.title)),
            Cell::new(action.mends.len().to_string()),
            Cell::new(format!("-{}", action.risk)),
            Cell::new(action.effort.as_str()),
            Cell::new(action.due.map_or_else(|| "-".to_owned(), |day| day.to_string())),
        ]);
    }
    writeln!(out, "{table}")?;
    let more = plan.actions.len().saturating_sub(SHOWN);
    if more > 0 {
        writeln!(out, "and {more} more; --format json lists all")?;
    }
    writeln!(out)
}

fn how(plan: &Plan, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let has_more =
        |action: &Action| !action.commands.is_empty() || action.patch.is_some() || !action.notes.is_empty();
    if !plan.actions.iter().any(has_more) {
        return Ok(());
    }
    section("How", style, out)?;
    for (number, action) in plan.actions.iter().take(SHOWN).enumerate().filter(|(_, action)| has_more(action))
    {
        writeln!(out, "{:>3}  {}", number + 1, clean(&action.title))?;
        for command in &action.commands {
            writeln!(out, "     $ {}", clean(command))?;
        }
        for line in action.patch.iter().flat_map(|patch| patch.lines()) {
            writeln!(out, "     | {}", clean(line))?;
        }
        for note in &action.notes {
            writeln!(out, "     {}", clean(note))?;
        }
    }
    writeln!(out)
}

fn unmended(scan: &Scan, plan: &Plan, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if plan.unmended.is_empty() {
        return Ok(());
    }
    section("What cannot be mended", style, out)?;
    let mut table = new_table(style, &["Risk", "Finding", "What", "Why not"]);
    for (index, reason) in plan.unmended.iter().take(SHOWN) {
        let Some(finding) = scan.findings.get(*index) else { continue };
        let risk = plan.judged.get(*index).map_or(0, |judged| judged.risk.score);
        table.add_row(vec![
            Cell::new(risk.to_string()),
            Cell::new(clean(&finding.id)),
            Cell::new(clean(&finding.title)),
            Cell::new(clean(reason)),
        ]);
    }
    writeln!(out, "{table}")?;
    let more = plan.unmended.len().saturating_sub(SHOWN);
    if more > 0 {
        writeln!(out, "and {more} more; --format json lists all")?;
    }
    writeln!(out)
}

/// What to type next, where something can be applied.
fn hint(scan: &Scan, plan: &Plan, decision: &Decision, out: &mut dyn Write) -> io::Result<()> {
    let is_applied = |action: &Action| {
        let mut ecosystems = action.packages.iter().map(|fix| fix.ecosystem);
        ecosystems.any(|ecosystem| matches!(ecosystem, Ecosystem::Apk | Ecosystem::Deb | Ecosystem::Rpm))
    };
    if decision.outcome != Outcome::Pass && plan.actions.iter().any(is_applied) {
        let name = clean(&scan.image.name);
        writeln!(out, "`plimsoll plan {name} --apply --to DEST` puts the fixed packages into a new image")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
