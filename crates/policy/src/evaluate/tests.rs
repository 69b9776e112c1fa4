use plimsoll_model::digest::{BlobDigest, DiffId, Digest};
use plimsoll_model::finding::{Epss, Finding, FindingKind, Inert, Status, Vulnerability};
use plimsoll_model::inventory::{InstalledPackage, Inventory, LayerSummary, Location, Origin};
use plimsoll_model::licensing::{LicenseCategory, LicenseClass};
use plimsoll_model::package::{Ecosystem, Package};
use plimsoll_model::scan::{DatabaseSummary, ImageIdentity};
use plimsoll_model::severity::Severity;
use plimsoll_model::verdict::Verdict;

use super::*;
use crate::{Limits, Profile, run_cases};

const NOW: &str = "2026-09-01T12:00:00Z";

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn place(path: &str, layer: u32) -> Location {
    Location { path: path.into(), inside: None, layer }
}

fn finding(id: &str, severity: Severity, kind: FindingKind, locations: &[Location]) -> Finding {
    Finding {
        id: id.into(),
        title: format!("title of {id}"),
        severity,
        severity_source: "test".into(),
        kind,
        locations: locations.to_vec(),
        position: None,
        remedy: None,
        references: vec![],
    }
}

/// A vulnerability of each kind that selectors tell apart, a secret in two files, a setting and an end of life.
fn findings() -> Vec<Finding> {
    let severe = Vulnerability {
        package: 0,
        aliases: vec!["GHSA-aaaa".into()],
        fixed_versions: vec!["2".into()],
        status: Status::Fixed,
        known_exploited: Some(day("2026-08-30")),
        published: Some(day("2026-08-25")),
        epss: Some(Epss { probability: 0.5, percentile: 0.9, date: None }),
        ..Vulnerability::default()
    };
    let headers = Vulnerability {
        package: 1,
        status: Status::WillNotFix,
        inert: Some(Inert::KernelHeaders),
        malicious: true,
        ..Vulnerability::default()
    };
    let secret =
        FindingKind::Secret { redacted: "s…".into(), fingerprint: "f".into(), line: 3, shadowed: true };
    let end = FindingKind::EndOfLife {
        product: "debian".into(),
        cycle: "12".into(),
        security: Some(day("2026-10-01")),
        extended: None,
    };
    let license = FindingKind::License {
        package: 1,
        license: "GPL-3.0-only OR SSPL-1.0".into(),
        class: LicenseClass::Restricted,
        category: LicenseCategory::Forbidden,
    };
    let root = FindingKind::Misconfiguration { evidence: "User: root".into() };
    vec![
        finding("CVE-1", Severity::High, FindingKind::Vulnerability(Box::new(severe)), &[]),
        finding("CVE-2", Severity::Low, FindingKind::Vulnerability(Box::new(headers)), &[]),
        finding("private-key", Severity::High, secret, &[place("root/key", 0), place("app/test/key", 1)]),
        finding("image-runs-as-root", Severity::Medium, root, &[]),
        finding("eol-debian-12", Severity::Negligible, end, &[]),
        finding("license-forbidden", Severity::High, license, &[]),
    ]
}

pub(crate) fn scan() -> Scan {
    let installed = |package, path: &str, layer, origin| InstalledPackage {
        package,
        locations: vec![place(path, layer)],
        layer,
        origin,
        owned_by: None,
        file_count: 0,
    };
    let layer = |name: &str, origin| LayerSummary {
        diff_id: DiffId(Digest::of(name.as_bytes())),
        digest: None,
        size: None,
        created_by: None,
        origin,
    };
    let packages = vec![
        installed(
            Package::new(Ecosystem::Npm, "@acme/ui", "1.0"),
            "app/ui/package.json",
            1,
            Origin::Application,
        ),
        installed(
            Package::new(Ecosystem::PyPi, "headers", "1.0"),
            "usr/lib/headers/METADATA",
            0,
            Origin::Base,
        ),
    ];
    Scan {
        image: ImageIdentity {
            name: "shop".into(),
            manifest_digest: Some(BlobDigest(Digest::of(b"manifest"))),
            index_digest: None,
            config_digest: Some(BlobDigest(Digest::of(b"config"))),
            platform: "linux/amd64".parse().unwrap(),
            created: None,
        },
        layers: vec![layer("base", Origin::Base), layer("own", Origin::Application)],
        inventory: Inventory { packages, ..Inventory::default() },
        owned_files: vec![],
        dependencies: vec![],
        findings: findings(),
        set_aside: vec![],
        secrets_known: 0,
        gaps: vec![],
        database: None,
        verdict: Verdict::Pass,
    }
}

fn policy(text: &str) -> Policy {
    let text = format!("version: 1\n{text}");
    Policy::read("p.yaml", text.as_bytes(), Limits::default())
        .unwrap_or_else(|error| panic!("{text}\n{error}"))
}

fn at(text: &str, now: &str) -> Decision {
    let situation = Situation {
        now: now.parse().unwrap(),
        known: Known::default(),
        surroundings: Surroundings::default(),
        found: Vec::new(),
    };
    evaluate(&policy(text), &scan(), &situation)
}

fn decided(text: &str) -> Decision {
    at(text, NOW)
}

/// The indexes of the findings that one rule with these selectors is for.
fn selected(selectors: &str) -> Vec<usize> {
    let decision = decided(&format!("rules: [{{ id: r, match: {selectors}, then: warn }}]"));
    let rules = decision.rules.iter().flat_map(|rule| &rule.findings);
    rules.map(|decided| decided.finding).collect()
}

#[test]
fn selectors_are_for_what_they_say() {
    let cases: &[(&str, &[usize])] = &[
        ("{}", &[0, 1, 2, 3, 4, 5]),
        ("{ kind: vulnerability }", &[0, 1]),
        ("{ kind: [secret, end-of-life] }", &[2, 4]),
        ("{ id: CVE-1 }", &[0]),
        ("{ id: [GHSA-*, image-runs-as-*] }", &[0, 3]),
        ("{ severity: high }", &[0, 2, 5]),
        ("{ severity: \">=medium\" }", &[0, 2, 3, 5]),
        ("{ severity: \"<low\" }", &[4]),
        ("{ severity: [low, \">medium\"] }", &[0, 1, 2, 5]),
        ("{ fixable: false }", &[1]),
        ("{ running: false }", &[1]),
        ("{ reachable: false }", &[]),
        ("{ known-exploited: true }", &[0]),
        ("{ malicious: true }", &[1]),
        ("{ epss: \">=0.5\" }", &[0]),
        ("{ epss: \"<0.5\" }", &[]),
        ("{ risk: \">=70\" }", &[0]),
        ("{ kind: license, risk: \"<10\" }", &[5]),
        ("{ status: [will-not-fix, affected] }", &[1]),
        ("{ package: \"pkg:npm/%40acme/ui\" }", &[0]),
        ("{ package: \"pkg:npm/%40acme/ui@1.0\" }", &[0]),
        ("{ package: \"pkg:npm/%40acme/ui@2*\" }", &[]),
        ("{ package: \"pkg:*/headers\" }", &[1, 5]),
        ("{ ecosystem: [pypi, deb] }", &[1, 5]),
        ("{ path: \"/app/**\" }", &[0, 2]),
        ("{ path: \"/app/*\" }", &[]),
        ("{ origin: base }", &[1, 5]),
        ("{ kind: license, license: \"*SSPL*\" }", &[5]),
        ("{ license: SSPL-1.0 }", &[]),
        ("{ license-category: [unknown, forbidden] }", &[5]),
        ("{ license-category: reciprocal }", &[]),
        ("{ origin: application }", &[0, 2]),
        ("{ layer: 0 }", &[1, 2, 5]),
        ("{ layer: [1, 7] }", &[0, 2]),
        ("{ shadowed: true }", &[2]),
        ("{ shadowed: false }", &[]),
        ("{ ends-within: 30d }", &[4]),
        ("{ ends-within: 29d }", &[]),
        ("{ kind: vulnerability, severity: high, fixable: false }", &[]),
    ];
    for (selectors, expected) in cases {
        assert_eq!(selected(selectors), *expected, "{selectors}");
    }
}

#[test]
fn the_first_rule_decides_and_what_none_is_for_passes() {
    let rules = [
        "{ id: a, match: { id: CVE-1 }, then: ignore, reason: known }",
        "{ id: b, match: { kind: vulnerability }, then: warn }",
        "{ id: c, match: { kind: [vulnerability, secret] }, then: fail }",
    ];
    let decision = decided(&format!("rules: [{}]", rules.join(", ")));
    let told: Vec<_> = decision
        .rules
        .iter()
        .map(|rule| (rule.id.as_str(), rule.outcome, rule.findings[0].finding))
        .collect();
    assert_eq!(told, [("a", Outcome::Pass, 0), ("b", Outcome::Warn, 1), ("c", Outcome::Fail, 2)]);
    assert_eq!((decision.outcome, decision.unmatched), (Outcome::Fail, 3));
    let turned = decided(&format!("rules: [{}, {}, {}]", rules[2], rules[1], rules[0]));
    assert_eq!(turned.rules.len(), 1);
    assert_eq!(turned.rules[0].findings.len(), 3);
    assert_eq!(decided("").outcome, Outcome::Pass);
}

#[test]
fn what_is_in_a_second_place_is_not_excused_by_the_first() {
    let ignored = |path: &str| {
        let rules = format!(
            "[{{ id: t, match: {{ path: {path} }}, then: ignore, reason: tests }}, {{ id: s, match: {{ kind: secret }}, then: fail }}]"
        );
        decided(&format!("rules: {rules}")).outcome
    };
    assert_eq!(ignored("/app/test/**"), Outcome::Fail);
    assert_eq!(ignored("[/app/test/**, /root/*]"), Outcome::Pass);
    let excepted = |path: &str| {
        let rules = "rules: [{ id: s, match: { kind: secret }, then: fail }]";
        decided(&format!("{rules}\nexceptions: [{{ match: {{ path: {path} }}, reason: tests }}]")).outcome
    };
    assert_eq!(excepted("/app/test/**"), Outcome::Fail);
    assert_eq!(excepted("[/app/test/**, /root/*]"), Outcome::Pass);
}

#[test]
fn exceptions_count_until_their_last_second_and_are_all_reported() {
    let text = "rules: [{ id: v, match: { kind: vulnerability }, then: fail }]
exceptions:
  - { match: { id: CVE-1 }, reason: not used, owner: web, expires: 2026-12-31, ticket: T-1 }
  - { match: { package: \"pkg:pypi/headers\" }, reason: headers }
  - { match: { id: CVE-9 }, reason: long gone }";
    let states = |decision: &Decision| -> Vec<(&str, usize)> {
        decision.exceptions.iter().map(|found| (found.state.as_str(), found.findings)).collect()
    };
    let before = at(text, "2026-12-31T23:59:59Z");
    assert_eq!(before.outcome, Outcome::Pass);
    assert_eq!(states(&before), [("used", 1), ("used", 1), ("unused", 0)]);
    assert_eq!(before.rules[0].findings[0].exception, Some(0));
    let after = at(text, "2027-01-01T00:00:00Z");
    assert_eq!(after.outcome, Outcome::Fail);
    assert_eq!(states(&after), [("expired", 1), ("used", 1), ("unused", 0)]);
    assert_eq!(after.exceptions[0].title, "id CVE-1");
}

#[test]
fn an_exception_is_for_one_image_and_one_rule() {
    let rules = "rules: [{ id: v, match: { id: CVE-1 }, then: fail }]\n";
    let with = |selector: &str| {
        let decision = decided(&format!("{rules}exceptions: [{{ match: {{ {selector} }}, reason: r }}]"));
        (decision.outcome, decision.exceptions[0].state)
    };
    let used = (Outcome::Pass, ExceptionState::Used);
    let unused = (Outcome::Fail, ExceptionState::Unused);
    let digest = |bytes: &[u8]| format!("id: CVE-1, digest: \"{}\"", Digest::of(bytes));
    assert_eq!(with(&digest(b"manifest")), used);
    assert_eq!(with(&digest(b"config")), used);
    assert_eq!(with(&digest(b"another image")), unused);
    assert_eq!(with("rule: v"), used);
    assert_eq!(with("rule: w, id: CVE-1"), unused);
}

#[test]
fn grace_is_counted_from_a_known_day_and_no_other() {
    let text = "rules: [{ id: v, match: { kind: vulnerability }, after: 14d since published, then: fail }]";
    let outcomes = |now: &str| -> Vec<(Outcome, Option<Date>)> {
        let decision = at(text, now);
        decision.rules[0].findings.iter().map(|found| (found.outcome, found.grace_until)).collect()
    };
    // The second one has no day of publication.
    let unknown = (Outcome::Fail, None);
    assert_eq!(outcomes("2026-09-07T23:59:59Z"), [(Outcome::Warn, Some(day("2026-09-08"))), unknown]);
    assert_eq!(outcomes("2026-09-08T00:00:00Z"), [(Outcome::Fail, None), unknown]);
    let exploited = text.replace("published", "known-exploited");
    assert_eq!(at(&exploited, "2026-09-12T00:00:00Z").rules[0].findings[0].outcome, Outcome::Warn);
    // Published after the clock's day: no longer spared than granted from today on.
    assert_eq!(outcomes("2026-01-01T00:00:00Z")[0], (Outcome::Warn, Some(day("2026-01-15"))));
}

#[test]
fn environments_change_what_follows() {
    let text = "environments: { dev: { fail: warn, undecided: warn }, lax: { warn: pass } }
rules: [{ id: v, match: { kind: secret }, then: fail }]";
    let mut scan = scan();
    scan.gaps = vec![Gap::new(GapKind::NoFeed, "deb", "no feed")];
    let outcome = |environment: Option<&str>| {
        let policy = policy(text);
        let policy = match environment {
            Some(name) => policy.in_environment(name).unwrap(),
            None => policy,
        };
        let situation = Situation {
            now: NOW.parse().unwrap(),
            known: Known::default(),
            surroundings: Surroundings::default(),
            found: Vec::new(),
        };
        evaluate(&policy, &scan, &situation).outcome
    };
    assert_eq!(outcome(None), Outcome::Fail);
    assert_eq!(outcome(Some("dev")), Outcome::Warn);
    assert_eq!(outcome(Some("lax")), Outcome::Fail);
    let error = policy(text).in_environment("prod").unwrap_err().to_string();
    assert_eq!(error, "p.yaml: there is no environment \"prod\"; it has dev, lax");
}

#[test]
fn a_gap_leaves_undecided_unless_the_policy_says_otherwise_and_hides_no_failure() {
    let outcome = |text: &str| {
        let mut scan = scan();
        scan.gaps =
            vec![Gap::new(GapKind::NoFeed, "deb", "no feed"), Gap::new(GapKind::FileUnread, "x", "damaged")];
        let situation = Situation {
            now: NOW.parse().unwrap(),
            known: Known::default(),
            surroundings: Surroundings::default(),
            found: Vec::new(),
        };
        evaluate(&policy(text), &scan, &situation).outcome
    };
    assert_eq!(outcome(""), Outcome::Undecided);
    assert_eq!(outcome("gaps: { no-feed: warn }"), Outcome::Undecided);
    assert_eq!(
        outcome("gaps: { no-feed: warn, file-unread: { then: ignore, reason: a fixture } }"),
        Outcome::Warn
    );
    assert_eq!(outcome("gaps: { default: warn, file-unread: fail }"), Outcome::Fail);
    assert_eq!(outcome("gaps: { default: { then: ignore, reason: a toy } }"), Outcome::Pass);
    assert_eq!(outcome("rules: [{ id: s, match: { kind: secret }, then: fail }]"), Outcome::Fail);
}

#[test]
fn a_clock_behind_the_database_decides_nothing() {
    let mut scan = scan();
    scan.database = Some(DatabaseSummary {
        origin: "bundled".into(),
        date: Some(day("2026-09-01")),
        age_days: None,
        advisories: 1,
        feeds: vec![],
    });
    let outcome = |now: &str| {
        let situation = Situation {
            now: now.parse().unwrap(),
            known: Known::default(),
            surroundings: Surroundings::default(),
            found: Vec::new(),
        };
        evaluate(&policy(""), &scan, &situation).outcome
    };
    assert_eq!(outcome("2026-08-31T00:00:00Z"), Outcome::Pass);
    assert_eq!(outcome("2026-08-30T23:59:59Z"), Outcome::Undecided);
}

#[test]
fn findings_of_an_earlier_report_are_left_out() {
    let scan = scan();
    let identity = |index: usize| plimsoll_model::decision::identity(&scan.findings[index], &scan.inventory);
    assert_eq!(identity(0), ("CVE-1".to_owned(), "pkg:npm/%40acme/ui".to_owned()));
    let known = Known([identity(0), identity(2)].into());
    let situation = Situation {
        now: NOW.parse().unwrap(),
        known,
        surroundings: Surroundings::default(),
        found: Vec::new(),
    };
    let decision = evaluate(&policy("rules: [{ id: a, match: {}, then: fail }]"), &scan, &situation);
    let left: Vec<usize> = decision.rules[0].findings.iter().map(|found| found.finding).collect();
    assert_eq!((left, decision.known), (vec![1, 3, 4, 5], 2));
}

#[test]
fn own_rules_come_before_those_of_a_profile_and_replace_them_by_id() {
    let policy = policy("extends: [baseline]\nrules: [{ id: secret, match: { kind: secret }, then: warn }]");
    let ids: Vec<(&str, Option<&str>)> =
        policy.document.rules.iter().map(|rule| (rule.id.as_str(), rule.profile.as_deref())).collect();
    assert_eq!(ids[..2], [("secret", None), ("malicious-package", Some("baseline"))]);
    assert_eq!(ids.iter().filter(|(id, _)| *id == "secret").count(), 1);
    let situation = Situation {
        now: NOW.parse().unwrap(),
        known: Known::default(),
        surroundings: Surroundings::default(),
        found: Vec::new(),
    };
    let decision = evaluate(&policy, &scan(), &situation);
    assert_eq!(decision.policy.extends, ["baseline".into()]);
    assert_eq!(decision.outcome, Outcome::Fail);
    assert!(policy.explained().contains("2  malicious-package (of baseline)"), "{}", policy.explained());
}

#[test]
fn built_in_policies_hold_their_own_tests() {
    for profile in Profile::ALL {
        let policy = Policy::built_in(profile).unwrap();
        let results = run_cases(&policy).unwrap();
        assert!(results.len() >= 5, "{profile:?}");
        for result in results {
            assert_eq!(result.trouble, None, "{profile:?}: {}", result.name);
        }
    }
}

#[test]
fn the_examples_of_the_page_hold_their_own_tests() {
    let page = include_str!("../../../../docs/policy.md");
    let mut tested = 0;
    for example in page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()) {
        if !example.contains("version: 1") {
            continue;
        }
        let policy = Policy::read("page.yaml", example.as_bytes(), Limits::default())
            .unwrap_or_else(|error| panic!("{error}\n{example}"));
        for result in run_cases(&policy).unwrap() {
            assert_eq!(result.trouble, None, "{}", result.name);
            tested += 1;
        }
    }
    assert_eq!(tested, 4);
}

#[test]
fn cases_that_go_otherwise_are_told() {
    let finding = "finding: { kind: secret, id: k, severity: high, path: /a }";
    let text = format!(
        "environments: {{ dev: {{ fail: warn }} }}
rules: [{{ id: s, match: {{ kind: secret }}, then: fail }}]
exceptions: [{{ match: {{ path: /b }}, reason: r, expires: 2026-01-01 }}]
tests:
  - {{ name: a, {finding}, expect: fail, rule: s }}
  - {{ name: b, {finding}, expect: pass }}
  - {{ name: c, {finding}, expect: fail, rule: other }}
  - {{ name: d, {finding}, environment: dev, expect: warn }}
  - {{ name: e, finding: {{ kind: secret, id: k, severity: high, path: /b }}, date: 2026-01-01, expect: pass }}
  - {{ name: f, finding: {{ kind: secret, id: k, severity: high, path: /b }}, date: 2026-01-02, expect: fail }}
"
    );
    let troubles: Vec<Option<String>> =
        run_cases(&policy(&text)).unwrap().into_iter().map(|result| result.trouble).collect();
    assert_eq!(troubles[1].as_deref(), Some("pass expected, fail by rule s"));
    assert_eq!(troubles[2].as_deref(), Some("fail as expected, but by rule s, not other"));
    assert_eq!(troubles.iter().filter(|trouble| trouble.is_some()).count(), 2);
}

#[test]
fn the_same_scan_policy_and_time_give_the_same_decision() {
    let text = "extends: [strict, baseline]\nexceptions: [{ match: { id: \"CVE-*\" }, reason: r }]";
    assert_eq!(decided(text), decided(text));
}

#[test]
fn a_condition_that_cannot_be_evaluated_leaves_the_finding_undecided() {
    let text = "rules: [{ id: c, match: { when: \"finding.epss > 0.1\" }, then: ignore, reason: r }, { id: f, match: {}, then: warn }]";
    let decision = decided(text);
    assert_eq!(decision.outcome, Outcome::Undecided);
    let rule = &decision.rules[0];
    let outcomes: Vec<Outcome> = rule.findings.iter().map(|found| found.outcome).collect();
    assert_eq!((outcomes[0], outcomes[1]), (Outcome::Pass, Outcome::Undecided));
    let note = rule.findings[1].note.as_deref().unwrap();
    assert!(note.contains("could not be evaluated: No such key: epss"), "{note}");
    // An exception for the rule is not for what may be another rule's.
    let by_rule = decided(&format!("{text}\nexceptions: [{{ match: {{ rule: c }}, reason: r }}]"));
    assert_eq!(by_rule.outcome, Outcome::Undecided);
    let by_id = decided(&format!("{text}\nexceptions: [{{ match: {{ id: \"*\" }}, reason: r }}]"));
    assert_eq!(by_id.outcome, Outcome::Pass);
    let whole =
        "rules: [{ id: c, match: { when: \"has(finding.epss) && finding.epss > 0.1\" }, then: fail }]";
    assert_eq!(decided(whole).rules[0].findings.len(), 1);
}

#[test]
fn what_modules_say_comes_before_the_rules_and_is_excepted_like_theirs() {
    let text = "rego:
  - text: |
      package plimsoll
      deny contains {\"finding\": f.number, \"rule\": \"keys\", \"msg\": \"a key\"} if {
        some f in input.findings
        f.kind == \"secret\"
      }
      ignore contains {\"finding\": f.number, \"msg\": \"not used\"} if {
        some f in input.findings
        f.id == \"CVE-1\"
      }
      warn contains {\"rule\": \"deep\", \"msg\": \"two layers\"} if input.image.layers == 2
rules: [{ id: all, match: { kind: [vulnerability, secret] }, then: fail }]";
    let decision = decided(text);
    let told: Vec<(&str, Outcome, usize)> =
        decision.rules.iter().map(|rule| (rule.id.as_str(), rule.outcome, rule.findings.len())).collect();
    let expected = [
        ("deep", Outcome::Warn, 0),
        ("keys", Outcome::Fail, 1),
        ("rego", Outcome::Pass, 1),
        ("all", Outcome::Fail, 1),
    ];
    assert_eq!(told, expected);
    assert_eq!(decision.rules[0].image.as_ref().unwrap().seen, ["two layers"]);
    assert_eq!(decision.rules[1].findings[0].note.as_deref(), Some("a key"));
    let excepted = decided(&format!(
        "{text}\nexceptions: [{{ match: {{ rule: keys }}, reason: r }}, {{ match: {{ rule: deep }}, reason: r }}]"
    ));
    let outcomes: Vec<Outcome> = excepted.rules.iter().map(|rule| rule.outcome).collect();
    assert_eq!(outcomes, [Outcome::Pass, Outcome::Pass, Outcome::Pass, Outcome::Fail]);
    let broken = text.replace("f.kind == \"secret\"", "to_number(f.kind) > 1; count(7) > 0");
    let decision = decided(&broken);
    let failed = decision.rules[0].image.as_ref().unwrap();
    assert_eq!((decision.rules[0].id.as_str(), failed.outcome), ("rego", Outcome::Undecided));
    assert_eq!(failed.unknown.len(), 1, "{failed:?}");
}

#[test]
fn rules_on_the_image_hold_do_not_hold_or_are_undecided() {
    let tests = |rule: &str, cases: &str| {
        let text = format!("rules: [{{ id: r, image: {rule}, then: fail }}]\ntests: [{cases}]");
        run_cases(&policy(&text)).unwrap().into_iter().filter_map(|result| result.trouble).collect::<Vec<_>>()
    };
    let case = |image: &str, expect: &str| {
        format!("{{ name: n, image: {image}, date: 2026-01-31, expect: {expect} }}")
    };
    let digest = format!("sha256:{}", "0".repeat(64));
    for (rule, image, expect) in [
        ("{ older-than: 30d }", "{ created: 2026-01-01 }", "pass"),
        ("{ older-than: 29d }", "{ created: 2026-01-01 }", "fail"),
        ("{ older-than: 29d }", "{ }", "undecided"),
        ("{ database-older-than: 7d }", "{ database: 2026-01-23 }", "fail"),
        ("{ database-older-than: 7d }", "{ database: 2026-01-24 }", "pass"),
        ("{ database-older-than: 7d }", "{ }", "undecided"),
        ("{ tag: [latest, \"*-dev\"] }", "{ name: debian }", "fail"),
        ("{ tag: latest }", "{ name: \"debian:12\" }", "pass"),
        ("{ tag: latest }", "{ name: \"oci:latest\" }", "undecided"),
        ("{ tag: latest }", &format!("{{ name: \"debian@{digest}\" }}"), "pass"),
        ("{ pinned: false }", "{ name: \"debian:12\" }", "fail"),
        ("{ pinned: false }", &format!("{{ name: \"debian:12@{digest}\" }}"), "pass"),
        ("{ pinned: false }", "{ name: ./layout }", "undecided"),
        ("{ base: \"docker.io/library/*\" }", "{ base: [docker.io/library/debian] }", "fail"),
        ("{ base: \"docker.io/library/*\" }", "{ base: [ghcr.io/acme/base] }", "pass"),
        ("{ base: \"docker.io/library/*\" }", "{ base: [] }", "undecided"),
        ("{ base-known: false }", "{ base: [] }", "fail"),
        ("{ base-known: false }", "{ base: [debian] }", "pass"),
        ("{ base-known: false }", "{ }", "undecided"),
        ("{ base-current: false }", "{ base: [debian], base-current: false }", "fail"),
        ("{ base-current: false }", "{ base: [debian] }", "undecided"),
        ("{ sbom: false }", "{ sbom: false }", "fail"),
        ("{ sbom: false }", "{ sbom: true }", "pass"),
        ("{ sbom: false }", "{ }", "undecided"),
        ("{ size: \">500MB\" }", "{ size: 501MB }", "fail"),
        ("{ size: \">500MB\" }", "{ size: 500MB }", "pass"),
        ("{ size: \">500MB\" }", "{ }", "undecided"),
        ("{ layers: \">=10\" }", "{ layers: 10 }", "fail"),
        ("{ when: \"image.layers > 9 && environment == ''\" }", "{ layers: 10 }", "fail"),
        ("{ when: \"image.layers > 9\" }", "{ }", "undecided"),
        // One that does not hold outweighs what is not known.
        ("{ layers: \">=10\", sbom: false }", "{ layers: 9 }", "pass"),
    ] {
        assert_eq!(tests(rule, &case(image, expect)), [""; 0], "{rule} {image}");
    }
}

#[test]
fn an_exception_by_rule_and_digest_is_for_the_image() {
    let with = |selector: &str| {
        let rules = "rules: [{ id: r, image: { layers: \">1\" }, then: fail }]";
        decided(&format!("{rules}\nexceptions: [{{ match: {{ {selector} }}, reason: r }}]")).outcome
    };
    let digest = |bytes: &[u8]| format!("rule: r, digest: \"{}\"", Digest::of(bytes));
    assert_eq!(with(&digest(b"manifest")), Outcome::Pass);
    assert_eq!(with(&digest(b"another image")), Outcome::Fail);
    assert_eq!(with("rule: r"), Outcome::Pass);
    assert_eq!(with("rule: r, id: \"*\""), Outcome::Fail);
}

#[test]
fn a_clock_behind_the_image_decides_nothing() {
    let mut scan = scan();
    scan.image.created = Some("2026-09-03T00:00:00Z".into());
    let outcome = |now: &str| {
        let situation = Situation {
            now: now.parse().unwrap(),
            known: Known::default(),
            surroundings: Surroundings::default(),
            found: Vec::new(),
        };
        evaluate(&policy(""), &scan, &situation)
    };
    assert_eq!(outcome("2026-09-02T00:00:00Z").outcome, Outcome::Pass);
    let behind = outcome("2026-09-01T23:59:59Z");
    assert_eq!(behind.outcome, Outcome::Undecided);
    assert_eq!(behind.gaps[0].gaps[0].reason, "it shows 2026-09-01, but the image was made on 2026-09-03");
}

#[test]
fn grace_since_found_begins_on_the_first_day_that_is_remembered_else_today() {
    let text = "rules: [{ id: v, match: { kind: vulnerability }, after: 14d since found, then: fail }]";
    let decided = |found: &[Date]| -> Vec<(Outcome, Option<Date>, String)> {
        let situation = Situation {
            now: NOW.parse().unwrap(),
            known: Known::default(),
            surroundings: Surroundings::default(),
            found: found.to_vec(),
        };
        let decision = evaluate(&policy(text), &scan(), &situation);
        let told =
            |found: &Decided| (found.outcome, found.grace_until, found.note.clone().unwrap().to_string());
        decision.rules[0].findings.iter().map(told).collect()
    };
    let on = |text: &str| format!("first found on {text}");
    let today = "not known from an earlier day than 2026-09-01".to_owned();
    assert_eq!(
        decided(&[day("2026-08-18"), day("2026-08-19")]),
        [(Outcome::Fail, None, on("2026-08-18")), (Outcome::Warn, Some(day("2026-09-02")), on("2026-08-19"))]
    );
    // Neither what nobody remembers nor a day to come is spared for longer than granted from today on.
    let fresh = (Outcome::Warn, Some(day("2026-09-15")), today);
    assert_eq!(decided(&[day("2027-01-01")]), [fresh.clone(), fresh]);
    assert!(policy(text).asks().found && !policy("").asks().found);
    assert!(
        policy(text).explained().contains("fails from 14 days after it was first found, and is a warning")
    );
    // The note of a time of grace takes no exception by rule away.
    let excepted = format!("{text}\nexceptions: [{{ match: {{ rule: v }}, reason: r }}]");
    assert!(self::decided(&excepted).rules[0].findings.iter().all(|found| found.outcome == Outcome::Pass));
}

#[test]
fn test_cases_tell_the_day_that_a_finding_was_found() {
    let text = "rules: [{ id: v, match: {}, after: 1w since found, then: fail }]
tests:
  - { name: spared, finding: { kind: secret, id: s, severity: high }, date: 2026-01-15, expect: warn, rule: v }
  - { name: last day, finding: { kind: secret, id: s, severity: high, found: 2026-01-09 }, date: 2026-01-15, expect: warn }
  - { name: over, finding: { kind: secret, id: s, severity: high, found: 2026-01-08 }, date: 2026-01-15, expect: fail }
";
    let results = run_cases(&policy(text)).unwrap();
    assert_eq!(results.iter().filter_map(|result| result.trouble.as_ref()).collect::<Vec<_>>(), [""; 0]);
}
