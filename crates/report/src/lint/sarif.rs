//! The findings of build files as SARIF 2.1.0, which code hosts and editors read
//! (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>).

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Lint, LintFinding, LintFormat};
use crate::Style;
use crate::sarif::{Document, Run, Tool, invocation, level, notification, plain, score, uri};

pub(super) const SARIF: LintFormat =
    LintFormat { name: "sarif", summary: "for code hosts and editors, SARIF 2.1.0", write };

fn write(lint: &Lint<'_>, _: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut rules: Vec<Value> = lint.rules.iter().map(rule).collect();
    let mut indexes: BTreeMap<String, usize> =
        lint.rules.iter().enumerate().map(|(index, rule)| (rule.id.to_owned(), index)).collect();
    let mut results = Vec::new();
    for file in &lint.files {
        let standing = file.findings.iter().map(|finding| (finding, None));
        let ignored = file.ignored.iter().map(|(finding, reason)| (finding, Some(reason.as_str())));
        for (finding, reason) in standing.chain(ignored) {
            let id = &finding.finding.id;
            let index = *indexes.entry(id.clone()).or_insert_with(|| {
                rules.push(foreign_rule(finding));
                rules.len() - 1
            });
            results.push(result(finding, index, reason));
        }
    }
    let run = Run {
        tool: Tool::new(lint.version, rules),
        automation_details: None,
        column_kind: "unicodeCodePoints",
        original_uri_base_ids: None,
        logical_locations: Vec::new(),
        invocations: invocation(lint.gaps.iter().map(notification).collect()),
        results,
    };
    crate::write_json(&Document::new([run]), out)
}

fn rule(rule: &super::LintRule) -> Value {
    json!({
        "id": rule.id,
        "shortDescription": { "text": rule.title },
        "help": { "text": rule.remedy },
        "defaultConfiguration": { "level": level(rule.severity), "enabled": !rule.on_request },
        "properties": { "security-severity": score(rule.severity), "tags": rule.aliases },
    })
}

/// A rule of another program, of which only a finding is known.
fn foreign_rule(finding: &LintFinding) -> Value {
    let finding = &finding.finding;
    let mut rule = json!({
        "id": finding.id,
        "shortDescription": { "text": finding.title },
        "defaultConfiguration": { "level": level(finding.severity) },
        "properties": { "security-severity": score(finding.severity), "tags": [finding.severity_source] },
    });
    if let (Some(link), Some(rule)) = (finding.references.first(), rule.as_object_mut()) {
        rule.insert("helpUri".to_owned(), json!(link));
    }
    rule
}

fn result(finding: &LintFinding, index: usize, ignored: Option<&str>) -> Value {
    let (line, column) = finding.place();
    let evidence = finding.evidence();
    let title = &finding.finding.title;
    let text = if evidence.is_empty() { title.clone() } else { format!("{title}: {evidence}") };
    let path = finding.finding.position.as_ref().map_or("", |position| position.file.as_str());
    let mut result = json!({
        "ruleId": finding.finding.id,
        "ruleIndex": index,
        "level": level(finding.finding.severity),
        "message": { "text": plain(&text) },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri(path) },
            "region": { "startLine": line, "startColumn": column },
        } }],
    });
    if let (Some(reason), Some(result)) = (ignored, result.as_object_mut()) {
        let mut suppression = json!({ "kind": "inSource" });
        if let Some(suppression) = suppression.as_object_mut().filter(|_| !reason.is_empty()) {
            suppression.insert("justification".to_owned(), json!(reason));
        }
        result.insert("suppressions".to_owned(), json!([suppression]));
    }
    result
}
