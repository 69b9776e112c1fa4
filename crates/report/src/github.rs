//! Annotations of GitHub's actions
//! (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>). A step shows ten of each level
//! and no more, so that the worst are written, and how many there are.

use std::io::{self, Write};

use plimsoll_model::severity::Severity;

use crate::case::{Case, Row, Standing, cases};
use crate::table::{clean, plural};
use crate::{Format, Report, Writer};

/// Writes annotations.
pub const GITHUB: Format = Format {
    name: "github",
    summary: "annotations for GitHub's actions, the worst findings",
    needs_details: false,
    writer: Writer::Report(write),
};

/// A step shows no more annotations of one level.
const SHOWN: usize = 10;
/// How many gaps are named in the annotation on them.
const NAMED: usize = 5;

fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let cases = cases(report);
    // Every image's own annotations, of which nothing may be cut, go first.
    let mut counts = [0_usize; 3];
    for case in &cases {
        for (level, title, text) in summary(case) {
            annotate(level, "", &title, &text, out)?;
            count(&mut counts, level);
        }
    }
    let mut left_out = 0_usize;
    for row in cases.iter().flat_map(Case::findings) {
        let Some(level) = level(&row) else { continue };
        // One notice more tells how many were left out.
        let room = if level == "notice" { SHOWN - 1 } else { SHOWN };
        if count(&mut counts, level) >= room {
            left_out = left_out.saturating_add(1);
            continue;
        }
        annotate(level, &place(&row), &row.id(), &message(&row), out)?;
    }
    if left_out > 0 {
        let text = format!(
            "{left_out} more finding{}: GitHub shows ten annotations of each level",
            plural(left_out)
        );
        annotate("notice", "", "plimsoll", &text, out)?;
    }
    Ok(())
}

/// How many there were of this level before.
fn count(counts: &mut [usize; 3], level: &str) -> usize {
    let [errors, warnings, notices] = counts;
    let count = match level {
        "error" => errors,
        "warning" => warnings,
        _ => notices,
    };
    *count = count.saturating_add(1);
    count.saturating_sub(1)
}

/// What follows, and what was not checked.
fn summary(case: &Case<'_>) -> Vec<(&'static str, String, String)> {
    let mut all = Vec::new();
    let name = clean(&case.scan.image.name);
    if let Some(outcome) = case.outcome().filter(|outcome| *outcome != "pass") {
        let level = if outcome == "warn" { "warning" } else { "error" };
        let reasons = case.reasons().join("\n");
        all.push((level, format!("plimsoll: {outcome}"), format!("{name}: {outcome}\n{reasons}")));
    }
    let gaps = case.gaps();
    if !gaps.is_empty() {
        let named: Vec<String> = gaps
            .iter()
            .take(NAMED)
            .map(|gap| format!("{}: {}", clean(&gap.subject), clean(&gap.reason)))
            .collect();
        let more = gaps.len().saturating_sub(NAMED);
        let more = if more > 0 { format!("\nand {more} more") } else { String::new() };
        let count = gaps.len();
        let text = format!("{name}: {count} thing{} not checked\n{}{more}", plural(count), named.join("\n"));
        all.push(("warning", "plimsoll: not checked".to_owned(), text));
    }
    all
}

/// The level of a finding; none for what somebody decided on.
const fn level(row: &Row<'_>) -> Option<&'static str> {
    match row.standing {
        Standing::Open => Some(of_severity(row.finding.severity)),
        Standing::Fail => Some("error"),
        Standing::Warn => Some("warning"),
        Standing::Pass | Standing::Excepted | Standing::SetAside => None,
    }
}

/// The level of a finding that no policy judges.
pub(crate) const fn of_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium | Severity::Low => "warning",
        Severity::Negligible | Severity::Unknown => "notice",
    }
}

/// Only a file of the repository can be pointed at: the Dockerfile.
fn place(row: &Row<'_>) -> String {
    let position = row.finding.position.as_ref();
    position.map_or_else(String::new, |place| {
        format!("file={},line={},col={},", property(&place.file), place.line, place.column)
    })
}

fn message(row: &Row<'_>) -> String {
    let facts = [
        Some(row.title()),
        row.package_title().map(|package| format!("package {package}")),
        row.locations().first().map(|place| clean(&place.title())),
        row.remedy().map(|remedy| format!("what to do: {remedy}")),
    ];
    facts.into_iter().flatten().collect::<Vec<String>>().join("\n")
}

/// Writes one annotation; `place` is escaped and ends with a comma if it is not empty.
pub(crate) fn annotate(
    level: &str,
    place: &str,
    title: &str,
    text: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "::{level} {place}title={}::{}", property(title), data(text))
}

/// What stands behind the command: a line end would begin another one.
pub(crate) fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

pub(crate) fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use plimsoll_model::position::Position;

    use super::*;
    use crate::Style;
    use crate::testing::{hostile, many, scan, written};

    #[test]
    fn the_dockerfile_is_pointed_at_and_the_rest_has_no_place() {
        let mut scan = scan();
        scan.findings[0].position = Some(Position { file: "a:b,c/Dockerfile".into(), line: 3, column: 5 });
        let text = written(&GITHUB, &[scan], Style::default());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "::error title=plimsoll%3A fail::registry.example.org/shop:1: fail%0A1 critical finding"
        );
        assert!(lines[1].starts_with("::warning title=plimsoll%3A not checked::"), "{text}");
        assert_eq!(
            lines[2],
            "::error file=a%3Ab%2Cc/Dockerfile,line=3,col=5,title=CVE-2018-18074::requests tells passwords%0Apackage requests 2.19.0%0A/app/requests-2.19.0.dist-info/METADATA%0Awhat to do: upgrade requests to 2.20.0"
        );
        assert!(lines[3].starts_with("::error title=aws-access-key::AWS access key%0A"), "{text}");
    }

    #[test]
    fn no_text_begins_another_command() {
        let mut scan = hostile();
        scan.findings[0].title = "x\n::set-output name=a::b\r\n100%0A".to_owned();
        let text = written(&GITHUB, &[scan], Style::default());
        assert!(
            text.lines()
                .all(|line| ["::error ", "::warning ", "::notice "].iter().any(|p| line.starts_with(p)))
        );
        assert!(text.contains("100%250A"), "{text}");
        assert!(!text.contains("\n::set-output"), "{text}");
    }

    #[test]
    fn what_a_step_does_not_show_is_told() {
        let text = written(&GITHUB, &[many(1000)], Style::default());
        assert!(text.lines().count() <= 3 * SHOWN, "{text}");
        let last = text.lines().last().unwrap();
        assert!(
            last.starts_with("::notice title=plimsoll::9") && last.contains(" more findings: "),
            "{last}"
        );
    }
}
