//! Conditions and modules know time zones by their names in the IANA database.
#![cfg(test)]

use plimsoll_policy::{Limits, Policy, run_cases};

/// Midnight of a day in UTC, which is 05:45 in Kathmandu, and in Berlin 01:00 in winter and 02:00 in summer.
const POLICY: &str = r#"
version: 1
rego:
  - text: |
      package plimsoll
      deny contains {"finding": f.number, "rule": "module", "msg": "it is early"} if {
        some f in input.findings
        f.id == "CVE-2026-2"
        [5, 45, 0] == time.clock([time.parse_rfc3339_ns(input.now), "Asia/Kathmandu"])
      }
rules:
  - { id: winter, match: { id: CVE-2026-1, when: "now.getHours('Europe/Berlin') == 1" }, then: warn }
  - { id: summer, match: { id: CVE-2026-1, when: "now.getHours('Europe/Berlin') == 2" }, then: fail }
tests:
  - { name: in winter, finding: { kind: vulnerability, severity: high, id: CVE-2026-1 }, date: 2026-11-26, expect: warn, rule: winter }
  - { name: in summer, finding: { kind: vulnerability, severity: high, id: CVE-2026-1 }, date: 2026-07-26, expect: fail, rule: summer }
  - { name: in a module, finding: { kind: vulnerability, severity: high, id: CVE-2026-2 }, date: 2026-11-26, expect: fail, rule: module }
"#;

#[test]
fn times_are_told_in_the_zone_that_is_named() {
    let policy = Policy::read("policy", POLICY.as_bytes(), Limits::default()).unwrap();
    for case in run_cases(&policy).unwrap() {
        assert_eq!(case.trouble, None, "{}", case.name);
    }
}
