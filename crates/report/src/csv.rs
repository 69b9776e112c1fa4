//! Comma-separated values (RFC 4180), a line a finding, for spreadsheets and small scripts. What was not checked stands in
//! lines of its own behind the findings. No cell is a formula to a spreadsheet.

use std::io::{self, Write};

use plimsoll_model::gap::Gap;

use crate::case::{Case, Row, cases, without_fix};
use crate::table::clean;
use crate::{Format, Report, Writer};

/// Writes CSV.
pub const CSV: Format = Format {
    name: "csv",
    summary: "for spreadsheets, a line a finding",
    needs_details: false,
    writer: Writer::Report(write),
};

/// The columns; further ones are only added behind them.
const COLUMNS: [&str; 24] = [
    "image",
    "digest",
    "platform",
    "kind",
    "id",
    "severity",
    "severity_source",
    "title",
    "standing",
    "note",
    "package",
    "version",
    "ecosystem",
    "purl",
    "fixed_version",
    "score",
    "epss",
    "known_exploited",
    "path",
    "layer",
    "created_by",
    "dockerfile",
    "remedy",
    "reference",
];

fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    line(&COLUMNS.map(str::to_owned), out)?;
    for case in &cases(report) {
        for row in case.rows() {
            line(&finding(&row, case), out)?;
        }
        for gap in case.gaps() {
            line(&not_checked(gap, case), out)?;
        }
    }
    Ok(())
}

fn finding(row: &Row<'_>, case: &Case<'_>) -> [String; 24] {
    let finding = row.finding;
    let package = row.package().map(|installed| &installed.package);
    let found = row.vulnerability();
    let position = finding.position.as_ref();
    let optional = |text: Option<String>| text.unwrap_or_default();
    [
        clean(&case.scan.image.name),
        optional(case.digest()),
        case.scan.image.platform.to_string(),
        finding.kind.as_str().to_owned(),
        row.id(),
        finding.severity.as_str().to_owned(),
        clean(&finding.severity_source),
        row.title(),
        row.standing.as_str().to_owned(),
        optional(row.note()),
        optional(package.map(|package| clean(&package.name))),
        optional(package.map(|package| clean(&package.version))),
        optional(package.map(|package| package.ecosystem.as_str().to_owned())),
        optional(row.purl()),
        row.fixed_version().or_else(|| found.map(|found| without_fix(found).to_owned())).unwrap_or_default(),
        optional(row.score().map(|score| format!("{score:.1}"))),
        optional(found.and_then(|found| found.epss).map(|epss| epss.probability.to_string())),
        optional(found.and_then(|found| found.known_exploited).map(|day| day.to_string())),
        optional(row.locations().first().map(|location| clean(&location.title()))),
        optional(row.layer().map(|layer| (u64::from(layer) + 1).to_string())),
        optional(row.step()),
        optional(position.map(|place| format!("{}:{}", clean(&place.file), place.line))),
        optional(row.remedy()),
        row.links().next().unwrap_or_default().to_owned(),
    ]
}

fn not_checked(gap: &Gap, case: &Case<'_>) -> [String; 24] {
    let mut cells = [const { String::new() }; 24];
    let told = [
        clean(&case.scan.image.name),
        case.digest().unwrap_or_default(),
        case.scan.image.platform.to_string(),
        "gap".to_owned(),
        gap.kind.as_str().to_owned(),
        String::new(),
        String::new(),
        format!("{}: {}", clean(&gap.subject), clean(&gap.reason)),
        "not-checked".to_owned(),
    ];
    for (cell, text) in cells.iter_mut().zip(told) {
        *cell = text;
    }
    cells
}

fn line(cells: &[String; 24], out: &mut dyn Write) -> io::Result<()> {
    for (index, text) in cells.iter().enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        cell(text, out)?;
    }
    out.write_all(b"\r\n")
}

/// A cell. Spreadsheets take what begins with these characters for a formula, whatever quotes are around it; an
/// apostrophe makes it text (<https://owasp.org/www-community/attacks/CSV_Injection>).
fn cell(text: &str, out: &mut dyn Write) -> io::Result<()> {
    let guard =
        if text.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']) { "'" } else { "" };
    // Some spreadsheets cut at semicolons and tabs, too, unless there are quotes.
    let is_plain = guard.is_empty() && !text.contains(['"', ',', '\n', '\r', ';', '\t']);
    if is_plain {
        out.write_all(text.as_bytes())
    } else {
        write!(out, "\"{guard}{}\"", text.replace('"', "\"\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Style;
    use crate::testing::{hostile, scan, written};

    /// Reads what RFC 4180 allows.
    fn read(text: &str) -> Vec<Vec<String>> {
        let (mut lines, mut line, mut cell) = (Vec::new(), Vec::new(), String::new());
        let mut quoted = false;
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            match (quoted, character) {
                (true, '"') if characters.peek() == Some(&'"') => cell.extend(characters.next()),
                (_, '"') => quoted = !quoted,
                (false, ',') => line.push(std::mem::take(&mut cell)),
                (false, '\r') => {
                    assert_eq!(characters.next(), Some('\n'));
                    line.push(std::mem::take(&mut cell));
                    lines.push(std::mem::take(&mut line));
                }
                _ => cell.push(character),
            }
        }
        assert!(!quoted && cell.is_empty() && line.is_empty());
        lines
    }

    #[test]
    fn every_finding_and_gap_has_a_line_in_the_order_of_the_scan() {
        let scan = scan();
        let lines = read(&written(&CSV, std::slice::from_ref(&scan), Style::default()));
        assert_eq!(lines.len(), 1 + scan.findings.len() + scan.set_aside.len() + scan.gaps.len());
        assert!(lines.iter().all(|line| line.len() == COLUMNS.len()));
        let ids: Vec<&str> = lines.iter().skip(1).map(|line| line[4].as_str()).collect();
        let expected: Vec<&str> = scan.findings.iter().map(|finding| finding.id.as_str()).collect();
        assert_eq!(ids[..expected.len()], expected);
        assert_eq!(ids[expected.len()..], ["CVE-2024-0001", "no-feed"]);
        let first = &lines[1];
        assert_eq!(
            (first[10].as_str(), first[11].as_str(), first[14].as_str()),
            ("requests", "2.19.0", "2.20.0")
        );
        assert_eq!(lines[lines.len() - 2][8], "set-aside");
    }

    #[test]
    fn no_cell_is_a_formula_or_breaks_a_line() {
        let mut scan = hostile();
        for (finding, text) in
            scan.findings.iter_mut().zip(["=1+1", "+1", "-1\",\"x", "@SUM(A1)", "\t=1", "a\r\nb"])
        {
            finding.title = text.to_owned();
        }
        let lines = read(&written(&CSV, &[scan], Style::default()));
        let titles: Vec<&str> = lines.iter().skip(1).take(6).map(|line| line[7].as_str()).collect();
        assert_eq!(titles, ["'=1+1", "'+1", "'-1\",\"x", "'@SUM(A1)", "\u{fffd}=1", "a\u{fffd}\u{fffd}b"]);
        assert!(lines.iter().all(|line| line.len() == COLUMNS.len()));
    }
}
