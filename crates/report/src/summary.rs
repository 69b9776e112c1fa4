//! Counts over findings that several formats show.

use plimsoll_model::finding::Finding;
use plimsoll_model::severity::Severity;

/// How many findings there are of one severity.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Count {
    /// The severity.
    pub severity: Severity,
    /// How many.
    pub total: usize,
    /// How many of them can be fixed now.
    pub fixable: usize,
    /// How many of them are in packages that bring no running code.
    pub inert: usize,
    /// How many of them are about code that is seen to be absent.
    pub absent: usize,
}

/// Counts `findings` by severity, worst first; severities without findings are there with zeros.
#[must_use]
pub fn by_severity(findings: &[Finding]) -> Vec<Count> {
    Severity::WORST_FIRST
        .into_iter()
        .map(|severity| {
            let of = || findings.iter().filter(|finding| finding.severity == severity);
            Count {
                severity,
                total: of().count(),
                fixable: of().filter(|finding| finding.is_fixable()).count(),
                inert: of().filter(|finding| !finding.is_in_running_code()).count(),
                absent: of().filter(|finding| !finding.may_be_reachable()).count(),
            }
        })
        .collect()
}
