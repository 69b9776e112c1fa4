use plimsoll_model::decision::PolicySummary;
use plimsoll_model::digest::Digest;
use serde_json::Value;

use super::*;
use crate::testing::{HOSTILE, hostile, scan};

const PLAIN: Style = Style { color: false, width: None };

fn decided(finding: usize, outcome: Outcome) -> Decided {
    Decided { finding, outcome, grace_until: None, exception: None, note: None }
}

fn rule(id: &str, outcome: Outcome, findings: Vec<Decided>) -> RuleResult {
    RuleResult {
        id: id.into(),
        profile: None,
        reason: Some(format!("reason of {id}")),
        outcome,
        findings,
        image: None,
    }
}

fn decision(scan: &Scan) -> Decision {
    let exception = ExceptionResult {
        title: "id private-key".into(),
        reason: "a test key".into(),
        owner: Some("web".into()),
        ticket: None,
        expires: Some("2026-12-31".into()),
        state: ExceptionState::Used,
        findings: 1,
    };
    let expired =
        ExceptionResult { state: ExceptionState::Expired, ticket: Some("T-1".into()), ..exception.clone() };
    let mut grace = decided(2, Outcome::Warn);
    grace.grace_until = Some(jiff::civil::date(2026, 2, 1));
    let mut excepted = decided(1, Outcome::Pass);
    excepted.exception = Some(0);
    Decision {
        outcome: Outcome::Fail,
        policy: PolicySummary {
            name: "plimsoll.yaml".into(),
            is_built_in: false,
            digest: Digest::of(b"policy"),
            extends: vec!["baseline".into()],
            files: vec![],
            environment: Some("dev".into()),
            signers: vec![],
        },
        trust: None,
        time: "2026-01-02T03:04:05Z".parse().unwrap(),
        rules: vec![
            rule("later", Outcome::Warn, vec![grace]),
            rule("severe", Outcome::Fail, vec![decided(0, Outcome::Fail), excepted]),
        ],
        exceptions: vec![exception, expired],
        gaps: vec![GapResult { outcome: Outcome::Undecided, reason: None, gaps: scan.gaps.clone() }],
        unmatched: 2,
        known: 1,
    }
}

fn text(decision: &Decision, scan: &Scan) -> String {
    let mut out = Vec::new();
    write_text(decision, scan, PLAIN, &mut out).unwrap();
    String::from_utf8(out).unwrap().lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn the_outcome_comes_first_and_the_worst_rule_before_milder_ones() {
    let scan = scan();
    let told = text(&decision(&scan), &scan);
    assert!(told.starts_with("FAIL  registry.example.org/shop:1  linux/amd64\n"), "{told}");
    let policy = "policy plimsoll.yaml with baseline, environment dev, on 2026-01-02T03:04:05Z\n";
    let order = [
        policy,
        "fail  severe: reason of severe\n",
        "undecided  not checked, no-feed\n",
        "warn  later: reason of later\n",
        "(in grace until 2026-02-01)",
        "Exceptions\n  used     id private-key (1 finding): a test key, until 2026-12-31, owner web\n",
        "  expired  id private-key (1 finding again): a test key, until 2026-12-31, owner web, ticket T-1\n",
        "findings: 1 fail, 1 warn, 1 excepted, 2 pass, 1 known from the earlier report\n",
        "1 thing could not be checked",
    ];
    let places: Vec<usize> =
        order.iter().map(|part| told.find(part).unwrap_or_else(|| panic!("{part}\n{told}"))).collect();
    assert!(places.is_sorted(), "{told}");
    assert!(told.contains("upgrade requests to "), "{told}");
}

#[test]
fn no_text_moves_the_cursor() {
    let scan = hostile();
    let mut decision = decision(&scan);
    decision.policy.name = HOSTILE.into();
    decision.policy.environment = Some(HOSTILE.into());
    decision.exceptions[0].title = HOSTILE.into();
    decision.exceptions[0].owner = Some(HOSTILE.into());
    decision.rules[0].id = HOSTILE.into();
    decision.rules[0].reason = Some(HOSTILE.into());
    let told = text(&decision, &scan);
    assert!(
        !told.chars().any(|c| (c.is_control() && c != '\n') || "\u{202e}\u{2066}".contains(c)),
        "{told:?}"
    );
}

#[test]
fn the_json_tells_all_of_it_the_same_way_each_time() {
    let scan = scan();
    let decision = decision(&scan);
    let written = || {
        let mut out = Vec::new();
        write_json(&decision, &scan, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    assert_eq!(written(), written());
    let document: Value = serde_json::from_str(&written()).unwrap();
    assert_eq!(document["outcome"], "fail");
    assert_eq!(document["rules"][1]["findings"][1]["exception"], 0);
    assert_eq!(document["rules"][0]["findings"][0]["graceUntil"], "2026-02-01");
    assert_eq!(document["exceptions"][1]["state"], "expired");
    assert_eq!(document["gaps"][0]["gaps"][0]["kind"], "no-feed");
    assert_eq!(document["policy"]["builtIn"], false);
    assert!(document["rules"][1]["findings"][0]["package"].as_str().unwrap().starts_with("pkg:"));
}
