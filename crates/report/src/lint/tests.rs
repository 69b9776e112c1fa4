use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_model::position::Position;

use super::*;

fn finding(id: &str, file: &str, line: u32, column: u32) -> LintFinding {
    let finding = Finding {
        id: id.to_owned(),
        title: "The \u{202e}title\nhas ends".to_owned(),
        severity: Severity::Medium,
        severity_source: "plimsoll".to_owned(),
        kind: FindingKind::Misconfiguration { evidence: "seen: 50%,\nx".to_owned() },
        locations: Vec::new(),
        position: Some(Position { file: file.to_owned(), line, column }),
        remedy: Some("Do it".to_owned()),
        references: vec!["https://example.org/SC1".to_owned()],
    };
    LintFinding { finding, aliases: &["DL1"], line: "RUN \u{1b}[2Jx".to_owned(), mendable: true }
}

const RULES: &[LintRule] = &[LintRule {
    id: "a-rule",
    aliases: &["DL1"],
    title: "A title",
    severity: Severity::Medium,
    remedy: "Do it",
    on_request: false,
}];

fn written(name: &str) -> String {
    let gaps = [Gap::new(GapKind::ToolMissing, "D", "ShellCheck: is not\ninstalled")];
    let file = LintedFile {
        path: "a b/Dockerfile".to_owned(),
        kind: "dockerfile",
        findings: vec![finding("a-rule", "a b/Dockerfile", 2, 5), finding("SC1", "a b/Dockerfile", 3, 1)],
        ignored: vec![(finding("a-rule", "a b/Dockerfile", 9, 1), "because".to_owned())],
        comparison: None,
    };
    let verdict = Verdict::Fail { reasons: vec!["2 medium findings".to_owned()] };
    let lint = Lint { files: vec![file], gaps: &gaps, verdict: &verdict, rules: RULES, version: "0.1.0" };
    let mut out = Vec::new();
    (by_name(name).unwrap().write)(&lint, Style::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_table_points_at_the_place_and_obeys_no_escape() {
    let text = written("table");
    assert!(
        text.starts_with("a b/Dockerfile:2:5  medium  a-rule (DL1)  The \u{fffd}title\u{fffd}has ends\n"),
        "{text}"
    );
    assert!(text.contains("\n    RUN \u{fffd}[2Jx\n        ^\n"), "{text}");
    assert!(text.contains("Do it (--fix does it)"));
    assert!(text.contains("tool-missing  D: ShellCheck: is not\u{fffd}installed"));
    assert!(
        text.ends_with("2 findings in 1 file: 2 medium; --fix mends 2; 1 set aside by comments\n"),
        "{text}"
    );
}

#[test]
fn a_long_line_is_cut_around_the_place() {
    let mut long = finding("a-rule", "D", 1, 400);
    long.line = "x".repeat(390) + "here y" + &"z".repeat(200);
    let verdict = Verdict::Pass;
    let file = LintedFile {
        path: "D".to_owned(),
        kind: "dockerfile",
        findings: vec![long],
        ignored: Vec::new(),
        comparison: None,
    };
    let lint = Lint { files: vec![file], gaps: &[], verdict: &verdict, rules: RULES, version: "0" };
    let mut out = Vec::new();
    (text::TABLE.write)(&lint, Style::default(), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[1].contains("here y") && lines[1].chars().count() < 120, "{text}");
}

#[test]
fn json_is_as_its_schema_says() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    let document: serde_json::Value = serde_json::from_str(&written("json")).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&document));
    let finding = &document["files"][0]["findings"][0];
    assert_eq!((finding["rule"].as_str(), finding["line"].as_u64()), (Some("a-rule"), Some(2)));
    assert_eq!(document["files"][0]["ignored"][0]["reason"], "because");
    assert_eq!(
        (document["verdict"].as_str(), document["gaps"][0]["kind"].as_str()),
        (Some("fail"), Some("tool-missing"))
    );
}

#[test]
fn sarif_names_rules_places_and_what_is_set_aside() {
    let document: serde_json::Value = serde_json::from_str(&written("sarif")).unwrap();
    let run = &document["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 2);
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(result["ruleId"], rules[index]["id"]);
    }
    let place = &run["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "a%20b/Dockerfile");
    assert_eq!(place["region"]["startLine"], 2);
    assert_eq!(run["results"][2]["suppressions"][0]["justification"], "because");
}

#[test]
fn annotations_are_one_line_each() {
    let text = written("github");
    assert_eq!(text.lines().count(), 3);
    assert!(
        text.starts_with("::warning file=a b/Dockerfile,line=2,col=5,title=a-rule::The \u{202e}title%0Ahas ends: seen: 50%25,%0Ax\n"),
        "{text}"
    );
}

#[test]
fn sarif_is_as_the_standard_has_it() {
    let schema = crate::testing::official_schema("specs/sarif/sarif-2.1/schema/sarif-schema-2.1.0.json");
    let Some(schema) = schema else { return };
    crate::testing::assert_valid(&schema, &written("sarif"));
}
