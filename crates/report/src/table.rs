//! The report for a person at a terminal: what to do first on top, grouped by what one action mends, with counts,
//! gaps and how sure all of it is at the end.
//!
//! Text from an image is hostile: control characters are replaced, so that no name can move the cursor or
//! repaint the screen.

use std::io::{self, Write};

use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, presets};
use plimsoll_model::finding::{Finding, FindingKind, Status, Vulnerability};
use plimsoll_model::gap::Gap;
use plimsoll_model::inventory::{InstalledPackage, Origin};
use plimsoll_model::licensing::LicenseCategory;
use plimsoll_model::package::Ecosystem;
use plimsoll_model::reachability::Reach;
use plimsoll_model::scan::Scan;
use plimsoll_model::severity::Severity;
use plimsoll_model::verdict::Verdict;
use plimsoll_model::vex::{Provenance, SetAside, Statement};

use crate::summary::by_severity;
use crate::upgrade::{Upgrade, upgrades};
use crate::{Format, Report, Style, Writer};

/// Writes a table.
pub const TABLE: Format = Format {
    name: "table",
    summary: "for a person at a terminal",
    needs_details: false,
    writer: Writer::Report(write),
};

/// Longest text of one cell that is not a path.
const STEP_LENGTH: usize = 72;

fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for (index, scan) in report.scans.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        write_scan(scan, report, out)?;
    }
    if let Some(elapsed) = report.elapsed {
        writeln!(out, "Scanned in {}.", seconds(elapsed))?;
    }
    Ok(())
}

fn write_scan(scan: &Scan, report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    header(scan, report.style, out)?;
    vulnerabilities(scan, report.style, out)?;
    others(scan, report.style, "End of life", "end-of-life", out)?;
    others(scan, report.style, "Secrets", "secret", out)?;
    others(scan, report.style, "Image configuration", "misconfiguration", out)?;
    licenses(scan, report.style, out)?;
    set_aside(scan, report.style, out)?;
    if scan.secrets_known > 0 {
        writeln!(out, "{}\n", known_secrets(scan.secrets_known))?;
    }
    gaps(scan, report.style, out)?;
    first_steps(scan, report.style, out)?;
    counts(scan, report.style, out)?;
    database(scan, out)?;
    verdict(scan, report.style, out)
}

fn header(scan: &Scan, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let name = clean(&scan.image.name);
    writeln!(out, "{}  {}", bold(&name, style), scan.image.platform)?;
    if let Some(digest) = scan.image.manifest_digest.or(scan.image.config_digest) {
        writeln!(out, "{digest}")?;
    }
    let mut line = match &scan.inventory.distribution {
        Some(distribution) => clean(&distribution.title()),
        None => "no distribution".to_owned(),
    };
    let layers = scan.layers.len();
    if layers > 0 {
        let base = scan.layers.iter().filter(|layer| layer.origin == Origin::Base).count();
        let of_base = if base > 0 { format!(" ({base} of the base)") } else { String::new() };
        line.push_str(&format!(", {layers} layer{}{of_base}", plural(layers)));
    }
    let total = scan.inventory.packages.len();
    line.push_str(&format!(", {total} package{}", plural(total)));
    let kinds = Ecosystem::ALL.into_iter().filter_map(|ecosystem| {
        let count = scan.inventory.packages.iter().filter(|p| p.package.ecosystem == ecosystem).count();
        (count > 0).then(|| format!("{count} {ecosystem}"))
    });
    let kinds: Vec<String> = kinds.collect();
    if !kinds.is_empty() {
        line.push_str(&format!(" ({})", kinds.join(", ")));
    }
    writeln!(out, "{line}\n")
}

/// The findings of one package: one action, an upgrade, mends them.
struct Group<'a> {
    installed: &'a InstalledPackage,
    findings: Vec<(&'a Finding, &'a Vulnerability)>,
}

/// Groups in the order of their first finding; findings come worst first.
fn groups(scan: &Scan) -> Vec<Group<'_>> {
    let mut groups: Vec<(u32, Group<'_>)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for finding in &scan.findings {
        let FindingKind::Vulnerability(vulnerability) = &finding.kind else { continue };
        let Some(installed) = scan.inventory.packages.get(vulnerability.package as usize) else { continue };
        let place = *places.entry(vulnerability.package).or_insert_with(|| {
            groups.push((vulnerability.package, Group { installed, findings: Vec::new() }));
            groups.len() - 1
        });
        if let Some((_, group)) = groups.get_mut(place) {
            group.findings.push((finding, &**vulnerability));
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

fn vulnerabilities(scan: &Scan, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let groups = groups(scan);
    if groups.is_empty() {
        return Ok(());
    }
    let mut table =
        new_table(style, &["Package", "Installed", "Fixed in", "Severity", "Vulnerability", "Brought by"]);
    for group in &groups {
        for (index, (finding, vulnerability)) in group.findings.iter().enumerate() {
            let first = index == 0;
            let package = &group.installed.package;
            table.add_row(vec![
                Cell::new(if first { clean(&package.name) } else { String::new() }),
                Cell::new(if first { clean(&package.version) } else { String::new() }),
                Cell::new(fixed_in(vulnerability)),
                severity_cell(finding.severity, style),
                Cell::new(title(finding, vulnerability)),
                Cell::new(if first {
                    written_at(finding) + &brought_by(scan, group.installed)
                } else {
                    String::new()
                }),
            ]);
        }
    }
    section("Vulnerabilities", style, out)?;
    writeln!(out, "{table}\n")
}

/// The line of the Dockerfile, if it is known.
fn written_at(finding: &Finding) -> String {
    let position = finding.position.as_ref();
    position.map_or_else(String::new, |place| format!("{}:{}, ", clean(&place.file), place.line))
}

/// The first fixed version; without one, what the distribution says of it.
fn fixed_in(vulnerability: &Vulnerability) -> String {
    if let Some(version) = vulnerability.fixed_versions.first() {
        return clean(version);
    }
    if let Some(fix) = vulnerability.channel_fixes.first() {
        return format!("{} ({})", clean(&fix.version), clean(&fix.channel));
    }
    if vulnerability.malicious {
        return "malicious".to_owned();
    }
    let word = match vulnerability.status {
        Status::Fixed | Status::Affected | Status::NotAffected => "–",
        Status::FixDeferred => "deferred",
        Status::WillNotFix => "won't fix",
        Status::EndOfLife => "end of life",
        Status::UnderInvestigation => "undecided",
    };
    word.to_owned()
}

fn title(finding: &Finding, vulnerability: &Vulnerability) -> String {
    let mut title = clean(&finding.id);
    if let Some(score) = vulnerability.cvss.iter().filter_map(|cvss| cvss.score).reduce(f64::max) {
        title.push_str(&format!("  {score:.1}"));
    }
    if vulnerability.known_exploited.is_some() {
        title.push_str("  exploited");
    }
    if let Some(inert) = vulnerability.inert {
        title.push_str(&format!("  no running code: {}", inert.as_str().replace('-', " ")));
    }
    match vulnerability.reachability.as_ref().map(|reachability| reachability.state) {
        Some(Reach::Reachable) => title.push_str("  reachable"),
        Some(Reach::Absent) => title.push_str("  code absent"),
        Some(Reach::Present | Reach::Unknown) | None => {}
    }
    title
}

pub(crate) fn brought_by(scan: &Scan, installed: &InstalledPackage) -> String {
    // Only a bill of materials may not tell it.
    let place = installed.locations.first().map(plimsoll_model::inventory::Location::title);
    let place = place.unwrap_or_else(|| "not told".to_owned());
    let layer = scan.layers.get(installed.layer as usize);
    match layer.and_then(|layer| layer.created_by.as_deref()) {
        Some(step) => format!("layer {}: {}", installed.layer + 1, shortened(&clean(step))),
        None if layer.is_some() => format!("layer {}", installed.layer + 1),
        None => shortened(&clean(&place)),
    }
}

fn others(scan: &Scan, style: Style, heading: &str, kind: &str, out: &mut dyn Write) -> io::Result<()> {
    let findings: Vec<&Finding> =
        scan.findings.iter().filter(|finding| finding.kind.as_str() == kind).collect();
    if findings.is_empty() {
        return Ok(());
    }
    let mut table = new_table(style, &["Severity", "Rule", "What", "Where"]);
    for finding in findings {
        let (what, place) = what_and_where(finding);
        table.add_row(vec![
            severity_cell(finding.severity, style),
            Cell::new(clean(&finding.id)),
            Cell::new(clean(&what)),
            Cell::new(written_at(finding) + &clean(&place)),
        ]);
    }
    section(heading, style, out)?;
    writeln!(out, "{table}\n")
}

/// Licences that are a matter to decide; those that ask for something in return are counted.
fn licenses(scan: &Scan, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let category = |finding: &Finding| match &finding.kind {
        FindingKind::License { category, .. } => Some(*category),
        _ => None,
    };
    let is_reciprocal = |finding: &&Finding| category(finding) == Some(LicenseCategory::Reciprocal);
    let reciprocal = scan.findings.iter().filter(is_reciprocal).count();
    let mut table = new_table(style, &["Severity", "Rule", "What", "Where"]);
    let matters =
        scan.findings.iter().filter(|finding| category(finding).is_some() && !is_reciprocal(finding));
    for finding in matters {
        let (what, place) = what_and_where(finding);
        let rule = Cell::new(clean(&finding.id));
        table.add_row(vec![
            severity_cell(finding.severity, style),
            rule,
            Cell::new(clean(&what)),
            Cell::new(clean(&place)),
        ]);
    }
    if table.is_empty() && reciprocal == 0 {
        return Ok(());
    }
    section("Licences", style, out)?;
    if !table.is_empty() {
        writeln!(out, "{table}")?;
    }
    if reciprocal > 0 {
        let asks = if reciprocal == 1 { "asks" } else { "ask" };
        let more = format!("package{} whose licence {asks} for something in return", plural(reciprocal));
        writeln!(out, "  {reciprocal} {more}: plimsoll licenses lists what")?;
    }
    writeln!(out)
}

fn what_and_where(finding: &Finding) -> (String, String) {
    let place = finding.locations.first();
    match &finding.kind {
        FindingKind::Secret { redacted, line, shadowed, .. } => {
            let deleted = if *shadowed { ", deleted by a later layer but still in the image" } else { "" };
            let place = place.map_or_else(String::new, |p| {
                format!("{}:{line}, layer {}{deleted}", p.title(), p.layer + 1)
            });
            (format!("{} {redacted}", finding.title), place)
        }
        FindingKind::Misconfiguration { evidence } => (finding.title.clone(), evidence.clone()),
        FindingKind::EndOfLife { .. } => {
            let remedy = finding.remedy.as_ref().map_or_else(String::new, |remedy| format!(". {remedy}"));
            let more = finding.locations.len().saturating_sub(1);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let place =
                place.map_or_else(|| "the distribution".to_owned(), |p| format!("{}{more}", p.title()));
            (format!("{}{remedy}", finding.title), place)
        }
        FindingKind::License { .. } => {
            (finding.title.clone(), place.map_or_else(String::new, |place| place.title()))
        }
        FindingKind::Vulnerability(_) => (finding.title.clone(), String::new()),
    }
}

/// What VEX documents cleared, and who says so.
fn set_aside(scan: &Scan, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if scan.set_aside.is_empty() {
        return Ok(());
    }
    section("Set aside", style, out)?;
    const SHOWN: usize = 15;
    for SetAside { finding, statement } in scan.set_aside.iter().take(SHOWN) {
        writeln!(out, "  {}: {}", clean(&finding.title), said(statement))?;
    }
    if scan.set_aside.len() > SHOWN {
        writeln!(out, "  and {} more; --format json lists all", scan.set_aside.len() - SHOWN)?;
    }
    writeln!(out)
}

/// How many secrets the baseline left out.
pub(crate) fn known_secrets(count: usize) -> String {
    match count {
        1 => "1 secret is in the baseline and not told".to_owned(),
        count => format!("{count} secrets are in the baseline and not told"),
    }
}

/// What a statement says, and how far it is to be trusted.
pub(crate) fn said(statement: &Statement) -> String {
    let why = statement.justification.as_deref().or(statement.impact.as_deref());
    let why = why.map_or_else(String::new, |why| format!(" ({})", shortened(&clean(why))));
    let trust = if statement.provenance == Provenance::Image { ", signature not verified" } else { "" };
    format!("{}{why}, says {}{trust}", statement.status.as_str(), clean(&statement.document))
}

fn gaps(scan: &Scan, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if scan.gaps.is_empty() {
        return Ok(());
    }
    section("Not checked", style, out)?;
    first_gaps(&scan.gaps, out)?;
    writeln!(out)
}

/// The first of `gaps`, and how many more there are.
pub(crate) fn first_gaps(gaps: &[Gap], out: &mut dyn Write) -> io::Result<()> {
    const SHOWN: usize = 15;
    for gap in gaps.iter().take(SHOWN) {
        writeln!(out, "  {}: {}", clean(&gap.subject), clean(&gap.reason))?;
    }
    if gaps.len() > SHOWN {
        writeln!(out, "  and {} more; --format json lists all", gaps.len() - SHOWN)?;
    }
    Ok(())
}

/// The upgrades that mend most. The packages of the distribution are one step: its package manager upgrades all.
fn first_steps(scan: &Scan, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let upgrades = upgrades(scan);
    let mut steps: Vec<Vec<&Upgrade<'_>>> = Vec::new();
    for upgrade in &upgrades {
        let ecosystem = |u: &Upgrade<'_>| u.installed.package.ecosystem;
        let same = |step: &&mut Vec<&Upgrade<'_>>| {
            step.first()
                .is_some_and(|first| ecosystem(first).is_os() && ecosystem(first) == ecosystem(upgrade))
        };
        match steps.iter_mut().find(same) {
            Some(step) => step.push(upgrade),
            None => steps.push(vec![upgrade]),
        }
    }
    if steps.is_empty() {
        return Ok(());
    }
    section("Do first", style, out)?;
    const SHOWN: usize = 5;
    for step in steps.iter().take(SHOWN) {
        writeln!(out, "  {}", step_in_words(scan, step))?;
    }
    if steps.len() > SHOWN {
        let more = steps.len() - SHOWN;
        writeln!(out, "  and {more} more upgrade{}", plural(more))?;
    }
    writeln!(out)
}

fn step_in_words(scan: &Scan, step: &[&Upgrade<'_>]) -> String {
    let what = match step {
        [only] => {
            let package = &only.installed.package;
            let place = brought_by(scan, only.installed);
            let (name, version) = (clean(&package.name), clean(&package.version));
            format!("upgrade {name} {version} to {} ({place})", clean(only.to))
        }
        several => {
            const NAMED: usize = 3;
            let named = several.iter().take(NAMED);
            let named: Vec<String> =
                named.map(|u| format!("{} to {}", clean(&u.installed.package.name), clean(u.to))).collect();
            let more = if several.len() > NAMED { ", …" } else { "" };
            let kind = several.first().map_or("", |upgrade| upgrade.installed.package.ecosystem.as_str());
            format!("upgrade {} {kind} packages ({}{more})", several.len(), named.join(", "))
        }
    };
    let mends: usize = step.iter().map(|upgrade| upgrade.mends).sum();
    let leaves: usize = step.iter().map(|upgrade| upgrade.leaves).sum();
    let worst = step.iter().map(|upgrade| upgrade.worst).max().unwrap_or_default();
    let exploited = if step.iter().any(|upgrade| upgrade.exploited) { ", exploited" } else { "" };
    let left = if leaves > 0 { format!(", leaves {leaves}") } else { String::new() };
    format!("{what}: mends {mends}, the worst {}{exploited}{left}", worst.as_str())
}

fn counts(scan: &Scan, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let total = scan.findings.len();
    if total == 0 {
        let but = if scan.gaps.is_empty() { "" } else { ", but not everything could be checked" };
        return writeln!(out, "No findings{but}.");
    }
    for count in by_severity(&scan.findings).into_iter().filter(|count| count.total > 0) {
        let word = format!("{:>10}", count.severity.as_str());
        let word = painted(&word, count.severity, style);
        let inert = match count.inert {
            0 => String::new(),
            inert => format!(", {inert} in packages without running code"),
        };
        let absent = match count.absent {
            0 => String::new(),
            absent => format!(", {absent} whose code is absent"),
        };
        writeln!(out, "{word}  {:>5}, of which {} can be fixed{inert}{absent}", count.total, count.fixable)?;
    }
    Ok(())
}

fn database(scan: &Scan, out: &mut dyn Write) -> io::Result<()> {
    match &scan.database {
        Some(database) => {
            let age = match (database.date, database.age_days) {
                (Some(date), Some(days)) if days >= 0 => {
                    format!(", newest data of {date}, {days} day{} old", plural_of(days))
                }
                // The clock is behind, or the day of the scan was given.
                (Some(date), _) => format!(", newest data of {date}"),
                _ => String::new(),
            };
            writeln!(
                out,
                "Advisories: {} of {} feeds ({}){age}.",
                database.advisories,
                database.feeds.len(),
                clean(&database.origin)
            )
        }
        None => writeln!(out, "Advisories: none, so vulnerabilities were not looked for."),
    }
}

fn verdict(scan: &Scan, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let (word, severity, reasons) = match &scan.verdict {
        Verdict::Pass => return Ok(()),
        Verdict::Fail { reasons } => ("fail", Severity::Critical, reasons),
        Verdict::Undecided { reasons } => ("undecided", Severity::Medium, reasons),
    };
    writeln!(out, "Verdict: {}", painted(word, severity, style))?;
    for reason in reasons {
        writeln!(out, "  {}", clean(reason))?;
    }
    Ok(())
}

// ---- looks ----

pub(crate) fn new_table(style: Style, columns: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    match style.width {
        Some(width) => drop(table.set_width(width.max(60))),
        None => drop(table.set_content_arrangement(ContentArrangement::Disabled)),
    }
    if style.color {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table.set_header(columns.iter().map(|column| {
        let cell = Cell::new(column);
        if style.color { cell.add_attribute(Attribute::Bold) } else { cell }
    }));
    table
}

pub(crate) fn section(heading: &str, style: Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", bold(heading, style))
}

fn severity_cell(severity: Severity, style: Style) -> Cell {
    let cell = Cell::new(severity.as_str());
    if !style.color {
        return cell;
    }
    match severity {
        Severity::Critical => cell.fg(Color::Red).add_attribute(Attribute::Bold),
        Severity::High => cell.fg(Color::Red),
        Severity::Medium => cell.fg(Color::Yellow),
        Severity::Low => cell.fg(Color::Cyan),
        Severity::Negligible | Severity::Unknown => cell.fg(Color::DarkGrey),
    }
}

fn painted(text: &str, severity: Severity, style: Style) -> String {
    let code = match severity {
        Severity::Critical => "1;31",
        Severity::High => "31",
        Severity::Medium => "33",
        Severity::Low => "36",
        Severity::Negligible | Severity::Unknown => "90",
    };
    if style.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

pub(crate) fn bold(text: &str, style: Style) -> String {
    if style.color { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// Text from outside, without what a terminal would obey.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || is_bidirectional(c) { '\u{fffd}' } else { c }).collect()
}

/// Characters that turn the direction of writing, with which a text can look like another.
const fn is_bidirectional(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

/// A build step without the builder's own words, cut to what a line holds.
pub(crate) fn shortened(step: &str) -> String {
    let step = step
        .trim_start_matches("RUN ")
        .trim_start_matches("/bin/sh -c ")
        .trim_start_matches("#(nop) ")
        .trim_start();
    let step = step.strip_suffix("# buildkit").unwrap_or(step).trim();
    if step.chars().count() <= STEP_LENGTH {
        return step.to_owned();
    }
    let mut short: String = step.chars().take(STEP_LENGTH - 1).collect();
    short.push('…');
    short
}

pub(crate) const fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

const fn plural_of(count: i64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn seconds(elapsed: std::time::Duration) -> String {
    if elapsed.as_millis() < 1000 {
        format!("{} ms", elapsed.as_millis())
    } else {
        format!("{:.1} s", elapsed.as_secs_f64())
    }
}

#[cfg(test)]
mod tests;
