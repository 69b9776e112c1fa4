//! Findings of build files for a person: place, rule, title, and the line with a caret.

use std::io::{self, Write};

use plimsoll_model::severity::Severity;

use super::{BaseComparison, Lint, LintFinding, LintFormat};
use crate::Style;
use crate::account::size;
use crate::table::{bold, clean, plural};

pub(super) const TABLE: LintFormat =
    LintFormat { name: "table", summary: "for people: each finding with its line", write };

/// A line is shown up to here, the caret's surroundings at least.
const WIDTH: usize = 110;

fn write(lint: &Lint<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    for finding in lint.files.iter().flat_map(|file| &file.findings) {
        self::finding(finding, style, out)?;
    }
    for comparison in lint.files.iter().filter_map(|file| file.comparison.as_ref()) {
        self::comparison(comparison, style, out)?;
    }
    if !lint.gaps.is_empty() {
        writeln!(out, "{}", bold("Not checked", style))?;
        for gap in lint.gaps {
            writeln!(out, "  {}  {}: {}", gap.kind.as_str(), clean(&gap.subject), clean(&gap.reason))?;
        }
        writeln!(out)?;
    }
    summary(lint, out)
}

fn colored(severity: Severity, style: Style) -> String {
    let code = match severity {
        Severity::Critical | Severity::High => "31",
        Severity::Medium => "33",
        Severity::Low => "36",
        Severity::Negligible | Severity::Unknown => "2",
    };
    if style.color { format!("\u{1b}[{code}m{severity}\u{1b}[0m") } else { severity.to_string() }
}

fn finding(finding: &LintFinding, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let Some(position) = &finding.finding.position else { return Ok(()) };
    let place = clean(&position.to_string());
    let severity = colored(finding.finding.severity, style);
    let codes: Vec<&str> = finding.aliases.to_vec();
    let codes = if codes.is_empty() { String::new() } else { format!(" ({})", codes.join(", ")) };
    let id = clean(&finding.finding.id);
    writeln!(out, "{}  {severity}  {id}{codes}  {}", bold(&place, style), clean(&finding.finding.title))?;
    let (line, column) = excerpt(&finding.line, position.column);
    if !line.trim().is_empty() {
        writeln!(out, "    {line}\n    {}{}", " ".repeat(column), bold("^", style))?;
    }
    let fixable = if finding.mendable { " (--fix does it)" } else { "" };
    if !finding.evidence().is_empty() && !finding.line.contains(finding.evidence()) {
        writeln!(out, "    {}", clean(finding.evidence()))?;
    }
    if let Some(remedy) = &finding.finding.remedy {
        writeln!(out, "    {}{fixable}", clean(remedy))?;
    }
    writeln!(out)
}

/// Two base images beside each other.
fn comparison(comparison: &BaseComparison, style: Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", bold("Another base image", style))?;
    for image in [&comparison.base, &comparison.proposed] {
        let size = image.bytes.map_or_else(|| "size not told".to_owned(), size);
        let (findings, packages) = (image.findings, image.own_packages);
        writeln!(
            out,
            "  {}  {size}, {findings} finding{}, {packages} package{} of its own",
            clean(&image.name),
            plural(findings),
            plural(packages)
        )?;
    }
    if comparison.gaps > 0 {
        writeln!(
            out,
            "  not all could be checked: plimsoll diff {} {}",
            clean(&comparison.base.name),
            clean(&comparison.proposed.name)
        )?;
    }
    writeln!(out)
}

/// The part of a line around a column (counted from one), and where in it the column is.
fn excerpt(line: &str, column: u32) -> (String, usize) {
    let column = usize::try_from(column).unwrap_or(usize::MAX).saturating_sub(1);
    let start = if column < WIDTH - 10 { 0 } else { column - WIDTH / 2 };
    let part: String =
        line.chars().skip(start).take(WIDTH).map(|c| if c == '\t' { ' ' } else { c }).collect();
    let caret = (column - start).min(part.chars().count());
    (clean(part.trim_end()), caret)
}

fn summary(lint: &Lint<'_>, out: &mut dyn Write) -> io::Result<()> {
    let findings: Vec<&LintFinding> = lint.files.iter().flat_map(|file| &file.findings).collect();
    let ignored: usize = lint.files.iter().map(|file| file.ignored.len()).sum();
    let mendable = findings.iter().filter(|finding| finding.mendable).count();
    let counts = Severity::WORST_FIRST.into_iter().filter_map(|severity| {
        let count = findings.iter().filter(|finding| finding.finding.severity == severity).count();
        (count > 0).then(|| format!("{count} {severity}"))
    });
    let counts: Vec<String> = counts.collect();
    let (count, files) = (findings.len(), lint.files.len());
    write!(out, "{count} finding{} in {files} file{}", plural(count), plural(files))?;
    if !counts.is_empty() {
        write!(out, ": {}", counts.join(", "))?;
    }
    if mendable > 0 {
        write!(out, "; --fix mends {mendable}")?;
    }
    if ignored > 0 {
        write!(out, "; {ignored} set aside by comments")?;
    }
    writeln!(out)
}
