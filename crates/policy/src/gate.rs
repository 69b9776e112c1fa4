//! The gate of `--fail-on`: a severity from which findings fail, or only those with a fix. What was not checked makes the
//! verdict undecided, which callers treat as a failure to decide, never as a pass. Rules of one's own are a policy's.

use std::str::FromStr;

use plimsoll_model::finding::Finding;
use plimsoll_model::gap::Gap;
use plimsoll_model::severity::{Severity, SeverityError};
use plimsoll_model::verdict::Verdict;

/// `--fail-on SEVERITY[,fixable][,running][,reachable]`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Gate {
    /// Findings of this severity or worse fail.
    pub severity: Severity,
    /// Only findings that can be mended fail.
    pub only_fixable: bool,
    /// Only findings that may be in running code fail.
    pub only_running: bool,
    /// Only findings whose code is not seen to be absent fail.
    pub only_reachable: bool,
}

/// Why a text is not a gate.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum GateError {
    /// The severity.
    #[error(transparent)]
    Severity(#[from] SeverityError),
    /// An unknown word after the comma.
    #[error(
        "{0:?} is not known after the severity, only \"fixable\", \"running\" and \"reachable\" are, as in high,fixable"
    )]
    Condition(String),
}

impl FromStr for Gate {
    type Err = GateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split(',').map(str::trim);
        let severity = parts.next().unwrap_or_default().parse()?;
        let mut gate = Self { severity, only_fixable: false, only_running: false, only_reachable: false };
        for condition in parts {
            match condition {
                "fixable" => gate.only_fixable = true,
                "running" => gate.only_running = true,
                "reachable" => gate.only_reachable = true,
                unknown => return Err(GateError::Condition(unknown.to_owned())),
            }
        }
        Ok(gate)
    }
}

/// Judges `findings` and `gaps` by `gate`; without a gate everything passes.
#[must_use]
pub fn decide(gate: Option<Gate>, findings: &[Finding], gaps: &[Gap]) -> Verdict {
    let Some(gate) = gate else { return Verdict::Pass };
    let failing: Vec<&Finding> = findings.iter().filter(|finding| gate.fails(finding)).collect();
    if !failing.is_empty() {
        let reasons = Severity::WORST_FIRST.into_iter().filter_map(|severity| {
            let count = failing.iter().filter(|finding| finding.severity == severity).count();
            let fixable = if gate.only_fixable { " that can be fixed" } else { "" };
            let running = if gate.only_running { " in running code" } else { "" };
            let reachable = if gate.only_reachable { " not known to be absent" } else { "" };
            let plural = if count == 1 { "" } else { "s" };
            (count > 0).then(|| format!("{count} {severity} finding{plural}{running}{fixable}{reachable}"))
        });
        return Verdict::Fail { reasons: reasons.collect() };
    }
    if gaps.is_empty() {
        return Verdict::Pass;
    }
    let mut reasons: Vec<String> =
        gaps.iter().map(|gap| format!("{}: {}: {}", gap.kind.as_str(), gap.subject, gap.reason)).collect();
    reasons.truncate(20);
    Verdict::Undecided { reasons }
}

impl Gate {
    fn fails(self, finding: &Finding) -> bool {
        finding.severity >= self.severity
            && (!self.only_fixable || finding.is_fixable())
            && (!self.only_running || finding.is_in_running_code())
            && (!self.only_reachable || finding.may_be_reachable())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::finding::{FindingKind, Inert, Vulnerability};
    use plimsoll_model::gap::GapKind;
    use plimsoll_model::reachability::{Basis, Reachability};

    fn vulnerability(severity: Severity, fixed: &[&str]) -> Finding {
        let vulnerability = Vulnerability {
            fixed_versions: fixed.iter().map(|v| (*v).to_owned()).collect(),
            ..Vulnerability::default()
        };
        Finding {
            id: "CVE-1".into(),
            title: String::new(),
            severity,
            severity_source: String::new(),
            kind: FindingKind::Vulnerability(Box::new(vulnerability)),
            locations: vec![],
            position: None,
            remedy: None,
            references: vec![],
        }
    }

    #[test]
    fn gates_are_parsed_and_mistakes_named() {
        let gate = |severity, only_fixable, only_running, only_reachable| {
            Ok(Gate { severity, only_fixable, only_running, only_reachable })
        };
        assert_eq!("high".parse(), gate(Severity::High, false, false, false));
        assert_eq!("Low, fixable".parse(), gate(Severity::Low, true, false, false));
        assert_eq!("low,running,fixable".parse(), gate(Severity::Low, true, true, false));
        assert_eq!("low,reachable".parse(), gate(Severity::Low, false, false, true));
        assert!(matches!("bad".parse::<Gate>(), Err(GateError::Severity(_))));
        assert_eq!("high,fixed".parse::<Gate>(), Err(GateError::Condition("fixed".into())));
    }

    #[test]
    fn severity_and_fix_decide() {
        let findings = [vulnerability(Severity::High, &[]), vulnerability(Severity::Low, &["2"])];
        let verdict = |gate: &str| decide(Some(gate.parse().unwrap()), &findings, &[]);
        assert_eq!(verdict("high"), Verdict::Fail { reasons: vec!["1 high finding".into()] });
        assert_eq!(verdict("high,fixable"), Verdict::Pass);
        assert_eq!(verdict("critical"), Verdict::Pass);
        assert_eq!(decide(None, &findings, &[]), Verdict::Pass);
    }

    #[test]
    fn packages_without_running_code_can_be_left_out() {
        let mut findings = [vulnerability(Severity::High, &[])];
        let gate = || Some("high,running".parse().unwrap());
        let reasons = vec!["1 high finding in running code".into()];
        assert_eq!(decide(gate(), &findings, &[]), Verdict::Fail { reasons });
        if let FindingKind::Vulnerability(vulnerability) = &mut findings[0].kind {
            vulnerability.inert = Some(Inert::KernelHeaders);
        }
        assert_eq!(decide(gate(), &findings, &[]), Verdict::Pass);
    }

    #[test]
    fn only_what_is_seen_to_be_absent_is_left_out_as_unreachable() {
        let mut findings = [vulnerability(Severity::High, &[])];
        let gate = || Some("high,reachable".parse().unwrap());
        let reasons = vec!["1 high finding not known to be absent".into()];
        let fail = Verdict::Fail { reasons };
        assert_eq!(decide(gate(), &findings, &[]), fail);
        for (basis, expected) in [
            (Basis::FunctionLinked, &fail),
            (Basis::PackageLinked, &fail),
            (Basis::NoNames, &fail),
            (Basis::NoFunctionLinked, &Verdict::Pass),
        ] {
            let FindingKind::Vulnerability(vulnerability) = &mut findings[0].kind else { unreachable!() };
            vulnerability.reachability = Some(Reachability {
                state: basis.state(),
                basis,
                seen: vec![],
                seen_count: 0,
                sought: vec![],
                sought_count: 0,
            });
            assert_eq!(decide(gate(), &findings, &[]), *expected, "{basis:?}");
        }
    }

    #[test]
    fn a_gap_leaves_the_gate_undecided_but_never_hides_a_failure() {
        let gaps = [Gap::new(GapKind::NoFeed, "Debian:12", "no feed covers it")];
        let gate = Some("high".parse().unwrap());
        assert!(matches!(decide(gate, &[], &gaps), Verdict::Undecided { .. }));
        assert!(matches!(
            decide(gate, &[vulnerability(Severity::Critical, &[])], &gaps),
            Verdict::Fail { .. }
        ));
    }
}
