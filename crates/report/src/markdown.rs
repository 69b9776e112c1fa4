//! Markdown for job summaries, merge requests and tickets (<https://github.github.com/gfm/>): what follows and what was not
//! checked first, then the worst findings, as many as GitHub's job summary takes.

use std::io::{self, Write};

use crate::case::{Case, Row, Standing, cases, without_fix};
use crate::summary::by_severity;
use crate::table::{clean, plural};
use crate::upgrade::upgrades;
use crate::{Format, Report, Writer};

/// Writes Markdown.
pub const MARKDOWN: Format = Format {
    name: "markdown",
    summary: "for job summaries and merge requests, at most 1 MiB",
    needs_details: false,
    writer: Writer::Report(write),
};

/// GitHub takes no larger job summary.
const LIMIT: usize = 1 << 20;
/// Room that the lines have which tell what was cut.
const RESERVE: usize = 1 << 10;
/// The longest text of one cell.
const CELL: usize = 300;
/// How many upgrades and gaps are named.
const NAMED: usize = 10;

/// What is written, under the limit.
struct Page<'w> {
    out: &'w mut dyn Write,
    left: usize,
}

impl Page<'_> {
    /// Writes a line, if there is room for it.
    fn line(&mut self, text: &str) -> io::Result<bool> {
        let Some(left) = self.left.checked_sub(text.len().saturating_add(1)) else { return Ok(false) };
        self.left = left;
        writeln!(self.out, "{text}")?;
        Ok(true)
    }

    /// Writes a table or a list below a heading, and tells how much of it has no room.
    fn list(
        &mut self,
        heading: &[&str],
        lines: impl Iterator<Item = String>,
        count: usize,
        what: &str,
    ) -> io::Result<()> {
        if count == 0 {
            return Ok(());
        }
        for line in heading {
            self.line(line)?;
        }
        let mut written = 0_usize;
        for line in lines {
            if !self.line(&line)? {
                break;
            }
            written = written.saturating_add(1);
        }
        let more = count.saturating_sub(written);
        if more > 0 {
            // There is room for it in the reserve, whatever was written.
            let plural = plural(more);
            writeln!(
                self.out,
                "\n**{more} more {what}{plural} not shown here**; the report in JSON has all."
            )?;
        }
        writeln!(self.out)
    }
}

fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let cases = cases(report);
    let reserve = RESERVE.saturating_mul(cases.len().min(LIMIT / RESERVE / 2));
    let mut page = Page { out, left: LIMIT.saturating_sub(reserve) };
    // What follows must be there for every image, so that it comes before all findings.
    for case in &cases {
        summary(case, &mut page)?;
    }
    cases.iter().try_for_each(|case| details(case, &mut page))
}

fn summary(case: &Case<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let scan = case.scan;
    let outcome = case.outcome().map_or_else(String::new, |outcome| format!("{}: ", outcome.to_uppercase()));
    page.line(&format!("## {outcome}{} ({})\n", escaped(&scan.image.name), scan.image.platform))?;
    if let Some(digest) = case.digest() {
        page.line(&format!("{}\n", code(&digest)))?;
    }
    for reason in case.reasons().iter().take(NAMED) {
        page.line(&format!("- {}", cut(reason)))?;
    }
    let gaps = case.gaps();
    let heading = format!("\n**Not checked: {}**\n", gaps.len());
    let named = gaps.iter().take(NAMED).map(|gap| format!("- {}: {}", cut(&gap.subject), cut(&gap.reason)));
    page.list(&[&heading], named, gaps.len(), "thing")?;
    if scan.findings.is_empty() {
        let but = if gaps.is_empty() { "" } else { ", but not everything could be checked" };
        page.line(&format!("No findings{but}.\n"))?;
        return Ok(());
    }
    page.line("| Severity | Findings | Can be fixed |\n| --- | ---: | ---: |")?;
    for count in by_severity(&scan.findings).into_iter().filter(|count| count.total > 0) {
        page.line(&format!("| {} | {} | {} |", count.severity, count.total, count.fixable))?;
    }
    page.line("")?;
    let upgrades = upgrades(scan);
    let steps = upgrades.iter().take(NAMED).map(|upgrade| {
        let package = &upgrade.installed.package;
        let exploited = if upgrade.exploited { ", exploited" } else { "" };
        let (from, to) = (code(&package.version), code(upgrade.to));
        let (mends, worst) = (upgrade.mends, upgrade.worst);
        format!(
            "1. upgrade {} {from} to {to}: mends {mends}, the worst {worst}{exploited}",
            code(&package.name)
        )
    });
    page.list(&["**Do first**\n"], steps, upgrades.len(), "upgrade")
}

fn details(case: &Case<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let name = escaped(&case.scan.image.name);
    let open = || case.findings().filter(|row| row.standing != Standing::Excepted);
    let heading = format!("### Findings of {name}\n");
    let columns = "| Severity | Finding | Where | Fixed in | Brought by |\n| --- | --- | --- | --- | --- |";
    page.list(&[&heading, columns], open().map(|row| finding(&row)), open().count(), "finding")?;
    let suppressed = || case.rows().filter(|row| row.standing.is_suppressed());
    let heading = format!("### Set aside and excepted in {name}\n");
    let columns = "| Severity | Finding | Where | Why |\n| --- | --- | --- | --- |";
    page.list(&[&heading, columns], suppressed().map(|row| set_aside(&row)), suppressed().count(), "finding")
}

fn finding(row: &Row<'_>) -> String {
    let severity = row.finding.severity;
    let fixed = match (row.fixed_version(), row.vulnerability()) {
        (Some(version), _) => code(&version),
        (None, Some(vulnerability)) => without_fix(vulnerability).to_owned(),
        (None, None) => String::new(),
    };
    let layer = row.layer().map_or_else(String::new, |layer| format!("layer {}", u64::from(layer) + 1));
    let step = row.step().map_or_else(String::new, |step| format!(": {}", code(&step)));
    let place =
        row.finding.position.as_ref().map_or_else(String::new, |place| {
            format!("{}, ", code(&format!("{}:{}", place.file, place.line)))
        });
    let standing = match row.standing {
        Standing::Open | Standing::Fail => String::new(),
        Standing::Warn | Standing::Pass | Standing::Excepted | Standing::SetAside => {
            format!(" ({})", row.standing.as_str())
        }
    };
    format!("| {severity}{standing} | {} | {place}{} | {fixed} | {layer}{step} |", title(row), subject(row))
}

fn set_aside(row: &Row<'_>) -> String {
    let note = row.note().unwrap_or_default();
    format!("| {} | {} | {} | {} |", row.finding.severity, title(row), subject(row), cut(&note))
}

fn title(row: &Row<'_>) -> String {
    let id = escaped(&row.id());
    let id = row.links().next().map_or_else(|| id.clone(), |link| format!("[{id}](<{link}>)"));
    let exploited = if row.vulnerability().is_some_and(|found| found.known_exploited.is_some()) {
        " **exploited**"
    } else {
        ""
    };
    format!("{id}{exploited} {}", cut(&row.short_title())).trim_end().to_owned()
}

fn subject(row: &Row<'_>) -> String {
    row.place().map_or_else(String::new, |place| code(&place))
}

/// Text as Markdown, cut to what a cell holds.
fn cut(text: &str) -> String {
    match text.char_indices().nth(CELL) {
        Some((end, _)) => format!("{}…", escaped(text.get(..end).unwrap_or_default())),
        None => escaped(text),
    }
}

/// Text in which nothing is markup, a link, or the mention of somebody.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in clean(text).chars() {
        match character {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '#' | '|' | '~' | '$' | '!' | '^'
            | '=' => {
                safe.extend(['\\', character]);
            }
            // Addresses are links without any markup.
            '/' if safe.ends_with(':') => {
                safe.pop();
                safe.push_str("\\:/");
            }
            '.' if safe.ends_with("www") => safe.push_str("\\."),
            // Mentions are looked for in what was rendered: a comment goes between.
            '@' => safe.push_str("@<!-- -->"),
            plain => safe.push(plain),
        }
    }
    safe
}

/// Text as code, in a table.
fn code(text: &str) -> String {
    let text = match text.char_indices().nth(CELL) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    };
    let text = clean(&text);
    if text.trim().is_empty() {
        return String::new();
    }
    if !text.contains(['`', '|', '\\']) && text.trim() == text {
        return format!("`{text}`");
    }
    // A table's cells end at bars in code, too: here each character is a number.
    let mut safe = String::from("<code>");
    for character in text.chars() {
        match character {
            plain if plain.is_alphanumeric() || plain == ' ' => safe.push(plain),
            other => safe.push_str(&format!("&#{};", u32::from(other))),
        }
    }
    safe.push_str("</code>");
    safe
}

#[cfg(test)]
mod tests;
