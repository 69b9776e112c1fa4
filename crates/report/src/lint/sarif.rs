//! The findings of build files as SARIF 2.1.0, which code hosts and editors read
//! (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>).

use std::collections::BTreeMap;
use std::io::{self, Write};

use plimsoll_model::severity::Severity;
use serde_json::{Value, json};

use super::{Lint, LintFinding, LintFormat};
use crate::Style;

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
    let notifications: Vec<Value> = lint
        .gaps
        .iter()
        .map(|gap| {
            let text = format!("{}: {}: {}", gap.kind.as_str(), gap.subject, gap.reason);
            json!({ "level": "warning", "message": { "text": text } })
        })
        .collect();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "plimsoll", "semanticVersion": lint.version, "version": lint.version, "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{ "executionSuccessful": true, "toolExecutionNotifications": notifications }],
            "results": results,
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Negligible | Severity::Unknown => "note",
    }
}

/// A number that code hosts sort by, as CVSS has it.
const fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
        Severity::Negligible | Severity::Unknown => "1.0",
    }
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
        "message": { "text": text },
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

/// A path as a relative reference (RFC 3986).
fn uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
