//! Plans for the scan that has everything in it.

use jiff::civil::date;
use plimsoll_model::decision::PolicySummary;
use plimsoll_model::digest::Digest;
use plimsoll_model::ecosystem::Ecosystem;
use plimsoll_model::finding::{Exploitation, TechnicalImpact};
use plimsoll_model::patch::{Kept, NotRaised, PatchLayer, PatchRepository, PatchedPackage, VersionChange};
use plimsoll_model::plan::{
    ActionKind, Assessment, Effort, FirstSeen, InputBasis, Judged, Mission, PackageFix, SeenBasis,
    SsvcDecision,
};
use plimsoll_model::risk::Risk;

use super::*;
use crate::testing::{HOSTILE, hostile, scan};

fn decision(outcome: Outcome) -> Decision {
    Decision {
        outcome,
        policy: PolicySummary {
            name: "baseline".into(),
            is_built_in: true,
            digest: Digest::of(b"policy"),
            extends: vec![],
            files: vec![],
            environment: None,
            signers: vec![],
        },
        trust: None,
        time: jiff::Timestamp::UNIX_EPOCH,
        rules: vec![],
        exceptions: vec![],
        gaps: vec![],
        unmatched: 0,
        known: 0,
    }
}

fn plan(scan: &Scan, text: &str) -> Plan {
    let judged = scan.findings.iter().map(|finding| Judged {
        risk: Risk::of(finding, scan),
        assessment: Assessment {
            decision: SsvcDecision::TrackStar,
            exploitation: (Exploitation::Poc, InputBasis::Cisa),
            automatable: (true, InputBasis::Cvss),
            technical_impact: (TechnicalImpact::Total, InputBasis::Assumed),
            mission: Mission::Medium,
        },
        first_seen: FirstSeen {
            day: date(2026, 1, 1),
            basis: SeenBasis::Publication,
            found: date(2026, 1, 1),
        },
        days: Some(30),
        due: Some(date(2026, 1, 31)),
    });
    let action = Action {
        kind: ActionKind::UpgradeSystem,
        title: format!("Upgrade zlib{text}"),
        commands: vec![format!("apt-get install zlib1g{text}")],
        patch: Some(format!("Dockerfile\n+RUN x{text}")),
        mends: vec![0, 2],
        risk: 120,
        effort: Effort::Small,
        effort_reason: "same release".into(),
        due: Some(date(2026, 1, 31)),
        packages: vec![PackageFix {
            ecosystem: Ecosystem::Deb,
            name: "zlib1g".into(),
            architecture: "amd64".into(),
            least: "2".into(),
            version: "2".into(),
        }],
        raise: None,
        rebase: None,
        notes: vec![format!("a note{text}")],
    };
    Plan {
        judged: judged.collect(),
        actions: vec![action],
        unmended: vec![(1, format!("no fix{text}"))],
        notes: vec![format!("a newer base{text}")],
    }
}

fn patch(text: &str) -> Patch {
    Patch {
        packages: vec![PatchedPackage {
            name: "zlib1g".into(),
            architecture: "amd64".into(),
            from: Some("1".into()),
            to: "2".into(),
            repository: "http://m".into(),
            sha256: "00".into(),
            scripts: vec![("postinst".into(), format!("useradd x{text}"))],
            triggers: vec!["ldconfig".into()],
        }],
        unfulfilled: vec![("a".into(), "2".into(), format!("only 1{text}"))],
        kept: vec![Kept::Stays { path: format!("/etc/a{text}"), new: format!("/etc/a.new{text}") }],
        repositories: vec![PatchRepository { name: "http://m x".into(), signed_by: format!("Debian{text}") }],
        refused: vec![("http://n y".into(), format!("not signed{text}"))],
        layer: Some(PatchLayer {
            diff_id: plimsoll_model::digest::DiffId(Digest::of(b"layer")),
            size: 10,
            files: 3,
            removed: 1,
        }),
        destination: Some("oci:new".into()),
        digest: None,
    }
}

fn text(report: &PlanReport<'_>) -> String {
    let mut out = Vec::new();
    write_text(report, Style { color: false, width: None }, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_person_reads_what_to_do_and_what_became_of_it() {
    let (scan, fail, pass) = (scan(), decision(Outcome::Fail), decision(Outcome::Pass));
    let plan = plan(&scan, "");
    let report = PlanReport { scan: &scan, decision: &fail, plan: &plan, applied: None, raised: None };
    let told = text(&report);
    for part in [
        "FAIL",
        "Upgrade zlib",
        "-120",
        "small",
        "2026-01-31",
        "$ apt-get install zlib1g",
        "no fix",
        "--apply --to DEST",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let patch = patch("");
    let applied = AppliedReport { patch: &patch, after: Some((&scan, &pass)) };
    let told = text(&PlanReport { applied: Some(&applied), ..report });
    for part in [
        "signed by Debian",
        "useradd x",
        "FAIL → PASS",
        "written to oci:new",
        "No script of a package was run",
        "kept: /etc/a",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
}

#[test]
fn the_document_says_everything() {
    let (scan, fail) = (scan(), decision(Outcome::Fail));
    let (plan, patch) = (plan(&scan, ""), patch(""));
    let applied = AppliedReport { patch: &patch, after: None };
    let mut out = Vec::new();
    write_json(
        &PlanReport { scan: &scan, decision: &fail, plan: &plan, applied: Some(&applied), raised: None },
        &mut out,
    )
    .unwrap();
    let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(value["findings"].as_array().unwrap().len(), scan.findings.len());
    assert_eq!(value["findings"][0]["ssvc"]["decision"], "Track*");
    assert_eq!(value["findings"][0]["ssvc"]["automatableBasis"], "cvss");
    assert_eq!(value["findings"][0]["firstSeenBasis"], "publication");
    assert_eq!(value["actions"][0]["mends"], serde_json::json!([0, 2]));
    assert_eq!(value["unmended"][0]["finding"], 1);
    assert_eq!(value["applied"]["packages"][0]["scripts"][0]["name"], "postinst");
    assert_eq!(value["applied"]["outcome"], serde_json::Value::Null);
}

fn raised(text: &str) -> Raised {
    let change = |to: &str| VersionChange {
        path: format!("package-lock.json{text}"),
        name: format!("lodash{text}"),
        from: "4.17.20".into(),
        to: to.into(),
    };
    Raised {
        changes: vec![change("4.17.21")],
        refused: vec![NotRaised {
            wanted: change("5.0.0"),
            reason: format!("x asks for it{text}"),
            commands: vec![format!("npm install{text}")],
        }],
        diff: format!("--- a/x\n+++ b/x\n+new{text}\n"),
        is_written: true,
    }
}

#[test]
fn what_was_raised_in_files_is_told_to_people_and_programs() {
    let (scan, fail, pass) = (scan(), decision(Outcome::Fail), decision(Outcome::Pass));
    let (plan, raised) = (plan(&scan, ""), raised(""));
    let told = RaisedReport { raised: &raised, after: Some((&scan, &pass)) };
    let report = PlanReport { scan: &scan, decision: &fail, plan: &plan, applied: None, raised: Some(&told) };
    let words = text(&report);
    for part in ["Applied", "4.17.21", "lodash to 5.0.0", "$ npm install", "+new", "FAIL → PASS"] {
        assert!(words.contains(part), "{part}\n{words}");
    }
    let mut out = Vec::new();
    write_json(&report, &mut out).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(value["raised"]["refused"][0]["wanted"]["to"], "5.0.0");
    assert_eq!(value["raised"]["outcome"], "pass");
    let unbuilt = RaisedReport { raised: &raised, after: None };
    assert!(text(&PlanReport { raised: Some(&unbuilt), ..report }).contains("build the image again"));
}

#[test]
fn hostile_text_does_nothing_to_a_terminal() {
    let (scan, fail) = (hostile(), decision(Outcome::Fail));
    let (plan, patch) = (plan(&scan, HOSTILE), patch(HOSTILE));
    let applied = AppliedReport { patch: &patch, after: Some((&scan, &fail)) };
    let told = text(&PlanReport {
        scan: &scan,
        decision: &fail,
        plan: &plan,
        applied: Some(&applied),
        raised: None,
    });
    let raised = raised(HOSTILE);
    let of_files = RaisedReport { raised: &raised, after: Some((&scan, &fail)) };
    let of_files =
        PlanReport { scan: &scan, decision: &fail, plan: &plan, applied: None, raised: Some(&of_files) };
    let told = told + &text(&of_files);
    assert!(!told.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}', '\u{2066}', '\0', '\r']), "{told:?}");
}
