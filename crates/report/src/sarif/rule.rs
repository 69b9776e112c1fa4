//! A rule a vulnerability, or a rule of ours, with help for whoever reads of it at a code host.

use std::collections::HashMap;

use plimsoll_model::finding::FindingKind;
use plimsoll_model::severity::Severity;
use serde_json::{Value, json};

use super::level;
use crate::case::{Row, security_severity};
use crate::markdown::escaped;

/// The longest short description; GitHub cuts at 1024 characters.
const LONGEST: usize = 1000;

/// The rules of a run, in the order of their first results.
pub(super) struct Rules<'a> {
    rules: Vec<First<'a>>,
    indexes: HashMap<&'a str, usize>,
}

/// The first result of a rule, and the worst that all of them say.
struct First<'a> {
    row: Row<'a>,
    severity: Severity,
    score: Option<f64>,
}

impl<'a> Rules<'a> {
    pub(super) fn of(rows: impl Iterator<Item = Row<'a>>) -> Self {
        let mut all = Self { rules: Vec::new(), indexes: HashMap::new() };
        for row in rows {
            let (severity, score) = (row.finding.severity, row.score());
            let rules = &mut all.rules;
            let index = *all.indexes.entry(&row.finding.id).or_insert_with(|| {
                rules.push(First { row, severity, score });
                rules.len() - 1
            });
            if let Some(first) = rules.get_mut(index).filter(|first| first.severity < severity) {
                (first.severity, first.score) = (severity, score);
            }
        }
        all
    }

    pub(super) const fn len(&self) -> usize {
        self.rules.len()
    }

    pub(super) fn index(&self, id: &str) -> Option<usize> {
        self.indexes.get(id).copied()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Value> + '_ {
        self.rules.iter().map(rule)
    }
}

fn rule(first: &First<'_>) -> Value {
    let row = &first.row;
    let finding = row.finding;
    let title = shortened(&row.title());
    let (text, markdown) = help(first);
    let mut rule = json!({
        "id": row.id(),
        "name": name(&finding.kind),
        "shortDescription": { "text": title },
        "fullDescription": { "text": title },
        "help": { "text": text, "markdown": markdown },
        "defaultConfiguration": { "level": level(first.severity) },
        "properties": {
            "security-severity": security_severity(first.severity, first.score),
            "precision": "high",
            "tags": tags(first),
        },
    });
    if let (Some(link), Some(rule)) = (row.links().next(), rule.as_object_mut()) {
        rule.insert("helpUri".to_owned(), json!(link));
    }
    rule
}

pub(super) fn shortened(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST - 1).chain(['…']).collect()
}

const fn name(kind: &FindingKind) -> &'static str {
    match kind {
        FindingKind::Vulnerability(_) => "Vulnerability",
        FindingKind::Secret { .. } => "Secret",
        FindingKind::Misconfiguration { .. } => "Misconfiguration",
        FindingKind::EndOfLife { .. } => "EndOfLife",
        FindingKind::License { .. } => "License",
    }
}

fn tags(first: &First<'_>) -> Vec<&'static str> {
    let mut tags = vec!["security", first.row.finding.kind.as_str(), first.severity.as_str()];
    if first.row.vulnerability().is_some_and(|found| found.known_exploited.is_some()) {
        tags.push("known-exploited");
    }
    tags
}

/// What is known of the rule, whatever package or file breaks it: as plain text, and as Markdown.
fn help(first: &First<'_>) -> (String, String) {
    let row = &first.row;
    let mut facts: Vec<(&str, String)> = Vec::new();
    let source = crate::table::clean(&row.finding.severity_source);
    facts.push(("Severity", format!("{} ({source})", first.severity.as_str())));
    if let Some(vulnerability) = row.vulnerability() {
        let scores: Vec<String> = vulnerability
            .cvss
            .iter()
            .filter_map(|cvss| Some(format!("{:.1} ({})", cvss.score?, crate::table::clean(&cvss.vector))))
            .collect();
        let aliases: Vec<String> =
            vulnerability.aliases.iter().map(|alias| crate::table::clean(alias)).collect();
        let exploited = vulnerability.known_exploited.map(|day| format!("yes, in CISA's list since {day}"));
        let epss = vulnerability.epss.map(|epss| format!("{:.1} %", epss.probability * 100.0));
        facts.extend([("CVSS", scores.join(", ")), ("Also known as", aliases.join(", "))]);
        facts.extend(exploited.map(|exploited| ("Exploited", exploited)));
        facts.extend(epss.map(|epss| ("EPSS", epss)));
        facts.extend(vulnerability.published.map(|day| ("Published", day.to_string())));
    }
    facts.extend(row.remedy().map(|remedy| ("What to do", remedy)));
    let mut text = format!("{}\n", row.title());
    let mut markdown = format!("**{}**\n\n| | |\n| --- | --- |\n", escaped(&row.title()));
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        text.push_str(&format!("{name}: {value}\n"));
        markdown.push_str(&format!("| {name} | {} |\n", escaped(value)));
    }
    let links: Vec<&str> = row.links().take(20).collect();
    for (index, link) in links.iter().enumerate() {
        text.push_str(&format!("{link}\n"));
        let start = if index == 0 { "\n" } else { "" };
        markdown.push_str(&format!("{start}- <{link}>\n"));
    }
    (text, markdown)
}
