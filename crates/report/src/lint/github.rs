//! The findings of build files as annotations of GitHub's actions
//! (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>).

use std::io::{self, Write};

use plimsoll_model::severity::Severity;

use super::{Lint, LintFormat};
use crate::Style;

pub(super) const GITHUB: LintFormat =
    LintFormat { name: "github", summary: "annotations for GitHub's actions", write };

fn write(lint: &Lint<'_>, _: Style, out: &mut dyn Write) -> io::Result<()> {
    for finding in lint.files.iter().flat_map(|file| &file.findings) {
        let level = match finding.finding.severity {
            Severity::Critical | Severity::High => "error",
            Severity::Medium | Severity::Low => "warning",
            Severity::Negligible | Severity::Unknown => "notice",
        };
        let path = finding.finding.position.as_ref().map_or("", |position| position.file.as_str());
        let (line, column) = finding.place();
        let text = format!("{}: {}", finding.finding.title, finding.evidence());
        writeln!(
            out,
            "::{level} file={},line={line},col={column},title={}::{}",
            property(path),
            property(&finding.finding.id),
            data(&text)
        )?;
    }
    for gap in lint.gaps {
        let text = format!("not checked: {}: {}", gap.subject, gap.reason);
        writeln!(out, "::warning title={}::{}", gap.kind.as_str(), data(&text))?;
    }
    Ok(())
}

/// What stands behind the command: a line end would begin another one.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
