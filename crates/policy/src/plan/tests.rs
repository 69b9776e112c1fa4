//! Plans for scans made by hand.

use jiff::civil::date;
use plimsoll_model::ecosystem::Ecosystem;
use plimsoll_model::finding::Vulnerability;
use plimsoll_model::inventory::{Dependency, InstalledPackage, Inventory, Location, Origin};
use plimsoll_model::package::{Package, SourcePackage};
use plimsoll_model::plan::SeenBasis;
use plimsoll_model::scan::ImageIdentity;
use plimsoll_model::severity::Severity;
use plimsoll_model::verdict::Verdict;

use super::*;
use crate::{Limits, Profile};

fn installed(package: Package) -> InstalledPackage {
    let place = Location { path: format!("app/{}", package.name), inside: None, layer: 0 };
    InstalledPackage {
        package,
        locations: vec![place],
        layer: 0,
        origin: Origin::Unknown,
        owned_by: None,
        file_count: 0,
    }
}

fn deb(name: &str, source: &str, version: &str) -> InstalledPackage {
    let source = Some(SourcePackage { name: source.into(), version: version.trim_end_matches("+b1").into() });
    let architecture = Some("amd64".into());
    installed(Package { source, architecture, ..Package::new(Ecosystem::Deb, name, version) })
}

fn finding(id: &str, severity: Severity, kind: FindingKind) -> Finding {
    Finding {
        id: id.into(),
        title: format!("title of {id}"),
        severity,
        severity_source: "test".into(),
        kind,
        locations: vec![],
        position: None,
        remedy: None,
        references: vec![],
    }
}

fn flaw(id: &str, severity: Severity, package: u32, fixed: &[&str]) -> Finding {
    let fixed_versions = fixed.iter().map(|version| (*version).to_owned()).collect();
    let found = Vulnerability { package, fixed_versions, ..Vulnerability::default() };
    finding(id, severity, FindingKind::Vulnerability(Box::new(found)))
}

fn scan(packages: Vec<InstalledPackage>, findings: Vec<Finding>) -> Scan {
    Scan {
        image: ImageIdentity {
            name: "shop:1".into(),
            manifest_digest: None,
            index_digest: None,
            config_digest: None,
            platform: plimsoll_model::platform::Platform {
                os: "linux".into(),
                architecture: "amd64".into(),
                variant: None,
            },
            created: None,
        },
        layers: vec![],
        inventory: Inventory { packages, ..Inventory::default() },
        owned_files: vec![],
        dependencies: vec![],
        findings,
        set_aside: vec![],
        secrets_known: 0,
        gaps: vec![],
        database: None,
        verdict: Verdict::Pass,
    }
}

fn planned(scan: &Scan, lineage: Option<&Lineage>) -> Plan {
    let policy = Policy::built_in(Profile::Baseline).unwrap();
    let seen = vec![
        FirstSeen { day: date(2026, 1, 1), basis: SeenBasis::History, found: date(2026, 1, 1) };
        scan.findings.len()
    ];
    plan(scan, &PlanInputs { policy: &policy, today: date(2026, 2, 1), first_seen: &seen, lineage }).unwrap()
}

fn told(plan: &Plan) -> Vec<(&str, usize)> {
    plan.actions.iter().map(|action| (action.title.as_str(), action.mends.len())).collect()
}

#[test]
fn packages_of_one_source_are_one_action_and_the_most_risk_comes_first() {
    let scan = scan(
        vec![
            deb("libssl3", "openssl", "1"),
            deb("openssl", "openssl", "1"),
            deb("zlib1g", "zlib", "1"),
            deb("old", "old", "1+b1"),
        ],
        vec![
            flaw("CVE-1", Severity::Low, 2, &["2"]),
            flaw("CVE-2", Severity::High, 0, &["1.1", "3"]),
            flaw("CVE-3", Severity::High, 1, &["1.2"]),
            flaw("CVE-4", Severity::Critical, 2, &[]),
            flaw("CVE-5", Severity::Low, 3, &["2"]),
        ],
    );
    let plan = planned(&scan, None);
    assert_eq!(told(&plan), [("Upgrade openssl to 1.1", 2), ("Upgrade old", 1), ("Upgrade zlib to 2", 1)]);
    let openssl = &plan.actions[0];
    assert_eq!(openssl.commands[1], "apt-get install -y --only-upgrade libssl3=1.1 openssl=1.2");
    assert_eq!(openssl.due, Some(date(2026, 1, 31)), "thirty days for a high one");
    assert_eq!(openssl.effort, Effort::Small);
    assert_eq!(plan.actions[1].commands[1], "apt-get install -y --only-upgrade old");
    assert_eq!(plan.unmended, [(3, "no fixed version is known".to_owned())]);
    assert_eq!(plan.risk(), plan.judged.iter().map(|judged| u64::from(judged.risk.score)).sum::<u64>());
}

#[test]
fn who_brings_a_dependency_is_named_and_breaking_versions_are_large() {
    let package = |name: &str, version: &str| installed(Package::new(Ecosystem::Npm, name, version));
    let mut scan = scan(
        vec![
            package("express", "4.0.0"),
            package("qs", "1.2.0"),
            package("left", "0.1.0"),
            package("big", "1.0.0"),
        ],
        vec![
            flaw("CVE-1", Severity::High, 1, &["1.0.9", "1.4.0"]),
            flaw("CVE-2", Severity::High, 2, &["0.2.0"]),
            flaw("CVE-3", Severity::High, 3, &["2.0.0"]),
        ],
    );
    scan.dependencies = vec![Dependency { from: 0, to: 1 }, Dependency { from: 1, to: 1 }];
    let plan = planned(&scan, None);
    let by = |name: &str| plan.actions.iter().find(|action| action.title.contains(name)).unwrap();
    let qs = by("qs");
    assert_eq!(qs.title, "Raise qs from 1.2.0 to 1.4.0, which express 4.0.0 brings");
    assert!(qs.patch.as_deref().unwrap().contains("overrides"), "{qs:?}");
    assert_eq!(
        (qs.effort, by("left").effort, by("big").effort),
        (Effort::Small, Effort::Medium, Effort::Large)
    );
    assert_eq!(by("big").commands, ["npm install big@2.0.0"]);
}

#[test]
fn a_newer_base_counts_once_and_only_for_what_is_of_the_base() {
    let mut scan = scan(
        vec![deb("libssl3", "openssl", "1"), deb("zlib1g", "zlib", "1")],
        vec![flaw("CVE-1", Severity::High, 0, &["2"]), flaw("CVE-2", Severity::High, 1, &["2"])],
    );
    scan.inventory.packages[1].layer = 5;
    let base = |created: &str| plimsoll_model::lineage::Base {
        name: "debian:12".into(),
        digest: None,
        platform: scan.image.platform.clone(),
        created: Some(created.into()),
        layers: vec![plimsoll_model::digest::DiffId(plimsoll_model::digest::Digest::of(b"a"))],
    };
    let mut lineage = Lineage {
        bases: vec![base("2025")],
        newer: vec![base("2026")],
        days_behind: Some(90),
        ..Lineage::default()
    };
    let uncompared = planned(&scan, Some(&lineage));
    assert!(uncompared.notes[0].contains("90 days newer"), "{:?}", uncompared.notes);
    lineage.changes = Some((vec!["CVE-1".into(), "CVE-2".into()], vec!["CVE-9".into()]));
    let plan = planned(&scan, Some(&lineage));
    // The easier of two that mend the same comes first, and leaves the other nothing to do.
    assert_eq!(told(&plan), [("Upgrade openssl to 2", 1), ("Upgrade zlib to 2", 1)]);
    scan.findings.push(flaw("CVE-3", Severity::High, 0, &[]));
    lineage.changes.as_mut().unwrap().0.push("CVE-3".into());
    let plan = planned(&scan, Some(&lineage));
    assert_eq!(plan.actions[0].title, "Build on debian:12 of 2026");
    assert_eq!(plan.actions[0].mends, [0, 2]);
    assert!(plan.actions[0].notes[0].contains("CVE-9"));
}

#[test]
fn secrets_tools_and_settings_have_their_own_actions() {
    let secret = || FindingKind::Secret {
        redacted: "A…".into(),
        fingerprint: "ab".repeat(32),
        line: 1,
        shadowed: false,
    };
    let mut go = installed(Package::new(Ecosystem::Go, "stdlib", "1.20.1"));
    go.locations[0].path = "usr/bin/shop".into();
    let root = FindingKind::Misconfiguration { evidence: "User: root".into() };
    let scan = scan(
        vec![go],
        vec![
            finding("aws", Severity::Critical, secret()),
            finding("aws", Severity::Critical, secret()),
            flaw("CVE-1", Severity::High, 0, &["1.20.5", "1.21.1"]),
            finding("image-runs-as-root", Severity::Medium, root),
        ],
    );
    let plan = planned(&scan, None);
    let kinds: Vec<&str> = plan.actions.iter().map(|action| action.kind.as_str()).collect();
    assert_eq!(kinds, ["rotate-secret", "rebuild", "configure"]);
    assert!(plan.actions[0].commands[0].starts_with("plimsoll scrub shop:1 --to"));
    assert_eq!(plan.actions[1].title, "Build 1 program again with Go 1.20.5 or newer");
    assert_eq!(plan.actions[1].notes, ["/usr/bin/shop"]);
    assert!(plan.unmended.is_empty());
}

#[test]
fn days_follow_the_policy_and_its_mission_reaches_the_decision() {
    let scan = scan(
        vec![deb("a", "a", "1")],
        vec![flaw("CVE-1", Severity::High, 0, &["2"]), flaw("CVE-2", Severity::Unknown, 0, &[])],
    );
    let own = "version: 1\nsla:\n  mission: high\n  rows:\n    - { match: { risk: \">=30\" }, days: 2 }\n";
    let policy = Policy::read("own", own.as_bytes(), Limits::default()).unwrap();
    let seen = [FirstSeen { day: date(2026, 1, 30), basis: SeenBasis::Today, found: date(2026, 1, 30) }; 2];
    let inputs = PlanInputs { policy: &policy, today: date(2026, 2, 1), first_seen: &seen, lineage: None };
    let plan = plan(&scan, &inputs).unwrap();
    assert_eq!(plan.judged[0].due, Some(date(2026, 2, 1)));
    assert_eq!(plan.judged[1].due, None, "no row is for it");
    assert_eq!(plan.judged[0].assessment.mission, plimsoll_model::plan::Mission::High);
    let wrong = "version: 1\nsla:\n  rows:\n    - { match: { risk: \"70\" }, days: 2 }\n";
    assert!(Policy::read("own", wrong.as_bytes(), Limits::default()).is_err());
}

#[test]
fn the_same_scan_gives_the_same_plan() {
    let packages = (0..40).map(|n| deb(&format!("p{n}"), &format!("s{}", n % 7), "1")).collect();
    let findings = (0..200).map(|n| flaw(&format!("CVE-{n}"), Severity::High, n % 40, &["2"])).collect();
    let scan = scan(packages, findings);
    let plan = planned(&scan, None);
    assert_eq!(plan, planned(&scan, None));
    assert!(plan.actions.windows(2).all(|pair| pair[0].risk >= pair[1].risk));
    let mended: usize = plan.actions.iter().map(|action| action.mends.len()).sum();
    assert_eq!(mended, 200, "each finding is counted once");
}
