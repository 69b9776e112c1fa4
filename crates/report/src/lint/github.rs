//! The findings of build files as annotations of GitHub's actions
//! (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>).

use std::io::{self, Write};

use super::{Lint, LintFormat};
use crate::Style;
use crate::github::{annotate, of_severity, property};

pub(super) const GITHUB: LintFormat =
    LintFormat { name: "github", summary: "annotations for GitHub's actions", write };

fn write(lint: &Lint<'_>, _: Style, out: &mut dyn Write) -> io::Result<()> {
    for finding in lint.files.iter().flat_map(|file| &file.findings) {
        let level = of_severity(finding.finding.severity);
        let path = finding.finding.position.as_ref().map_or("", |position| position.file.as_str());
        let (line, column) = finding.place();
        let text = format!("{}: {}", finding.finding.title, finding.evidence());
        let place = format!("file={},line={line},col={column},", property(path));
        annotate(level, &place, &finding.finding.id, &text, out)?;
    }
    for gap in lint.gaps {
        let text = format!("not checked: {}: {}", gap.subject, gap.reason);
        annotate("warning", "", gap.kind.as_str(), &text, out)?;
    }
    Ok(())
}
