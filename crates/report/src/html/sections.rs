//! What stands around the findings: what was not checked, what to do first, what somebody decided on.

use std::io::{self, Write};

use plimsoll_model::decision::ExceptionState;

use super::{counted, text};
use crate::case::Case;
use crate::upgrade::upgrades;

/// The most gaps that are named; there may be one a file.
const GAPS: usize = 200;
/// The most upgrades.
const STEPS: usize = 8;

pub(super) fn gaps(case: &Case<'_>, out: &mut dyn Write) -> io::Result<()> {
    let gaps = case.gaps();
    if gaps.is_empty() {
        return Ok(());
    }
    writeln!(out, "<div class=\"card gaps\" role=\"note\"><h2>Not checked: {}</h2><ul>", gaps.len())?;
    for gap in gaps.iter().take(GAPS) {
        let (subject, reason) = (text(&gap.subject), text(&gap.reason));
        writeln!(
            out,
            "<li><b>{subject}</b>: {reason} <span class=\"tag\">{}</span></li>",
            gap.kind.as_str()
        )?;
    }
    if gaps.len() > GAPS {
        writeln!(out, "<li>and {} more</li>", gaps.len() - GAPS)?;
    }
    writeln!(out, "</ul></div>")
}

pub(super) fn steps(case: &Case<'_>, out: &mut dyn Write) -> io::Result<()> {
    let upgrades = upgrades(case.scan);
    if upgrades.is_empty() {
        return Ok(());
    }
    writeln!(out, "<div class=\"card\"><h2>Do first</h2><ol class=\"steps\">")?;
    for upgrade in upgrades.iter().take(STEPS) {
        let package = &upgrade.installed.package;
        let (name, version, to) = (text(&package.name), text(&package.version), text(upgrade.to));
        let worst = upgrade.worst.as_str();
        let exploited = if upgrade.exploited { " <span class=\"tag hot\">exploited</span>" } else { "" };
        let left = if upgrade.leaves > 0 { format!(", leaves {}", upgrade.leaves) } else { String::new() };
        writeln!(
            out,
            "<li>upgrade <b>{name}</b> {version} to <b>{to}</b>: mends {}, the worst <span class=\"pill sev-{worst}\">{worst}</span>{left}{exploited}</li>",
            upgrade.mends
        )?;
    }
    writeln!(out, "</ol>")?;
    if upgrades.len() > STEPS {
        writeln!(out, "<p class=\"note\">and {}</p>", counted(upgrades.len() - STEPS, "more upgrade"))?;
    }
    writeln!(out, "</div>")
}

/// What VEX set aside; what a policy excepts is among the findings.
pub(super) fn suppressed(case: &Case<'_>, room: usize, out: &mut dyn Write) -> io::Result<()> {
    let total = case.scan.set_aside.len();
    if case.scan.secrets_known > 0 {
        let words = text(&crate::table::known_secrets(case.scan.secrets_known));
        writeln!(out, "<div class=\"card\"><p>{words}.</p></div>")?;
    }
    if total == 0 {
        return Ok(());
    }
    writeln!(
        out,
        "<div class=\"card\"><h2>Set aside by VEX: {total}</h2><div class=\"scroll\"><table>\
         <thead><tr><th scope=\"col\">Severity</th><th scope=\"col\">Finding</th><th scope=\"col\">Where</th><th scope=\"col\">Why</th></tr></thead><tbody>"
    )?;
    for row in case.rows().skip(case.scan.findings.len()).take(room) {
        let severity = row.finding.severity.as_str();
        let (id, place) = (text(&row.finding.id), text(&row.place().unwrap_or_default()));
        let note = text(&row.note().unwrap_or_default());
        writeln!(
            out,
            "<tr><td><span class=\"pill sev-{severity}\">{severity}</span></td><td>{id}</td><td>{place}</td><td>{note}</td></tr>"
        )?;
    }
    writeln!(out, "</tbody></table></div>")?;
    if total > room {
        writeln!(
            out,
            "<p class=\"note\">{} are not in this page.</p>",
            counted(total - room, "more finding")
        )?;
    }
    writeln!(out, "</div>")
}

/// The policy's exceptions, those that lead nowhere, too.
pub(super) fn exceptions(case: &Case<'_>, out: &mut dyn Write) -> io::Result<()> {
    let exceptions = case.exceptions();
    if exceptions.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "<div class=\"card\"><h2>Exceptions of the policy: {}</h2><div class=\"scroll\"><table>\
         <thead><tr><th scope=\"col\">State</th><th scope=\"col\">For</th><th scope=\"col\">Findings</th><th scope=\"col\">Why</th>\
         <th scope=\"col\">Until</th><th scope=\"col\">Owner</th><th scope=\"col\">Ticket</th></tr></thead><tbody>",
        exceptions.len()
    )?;
    for exception in exceptions {
        let class = if exception.state == ExceptionState::Used { "tag" } else { "tag hot" };
        let optional = |value: &Option<String>| text(value.as_deref().unwrap_or_default());
        writeln!(
            out,
            "<tr><td><span class=\"{class}\">{}</span></td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            exception.state.as_str(),
            text(&exception.title),
            exception.findings,
            text(&exception.reason),
            optional(&exception.expires),
            optional(&exception.owner),
            optional(&exception.ticket)
        )?;
    }
    writeln!(out, "</tbody></table></div></div>")
}
