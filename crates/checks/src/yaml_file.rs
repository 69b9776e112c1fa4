//! What the checks of YAML files have in common: findings at nodes, and what people set aside.

mod edit;
mod host;
mod ignores;
mod image;
mod lines;

use std::collections::BTreeSet;

use plimsoll_formats::yaml_tree::{Limits, Tree, Yaml};
use plimsoll_model::evidence::SecretHit;
use plimsoll_model::finding::{Finding, FindingKind};
use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_model::position::Position;
use plimsoll_model::severity::Severity;

use crate::build_file::{Checked, Edit, FileRule, Ignored};
use crate::image_config::{clipped, names};
use crate::secrets::{fingerprint, redacted, secrets_in_text};
pub(crate) use edit::{inserted, replaced};
pub(crate) use host::{is_container_socket, sensitive_path};
use ignores::Ignores;
pub(crate) use image::Pin;
use lines::Lines;

/// Findings beyond this many in one file are not told one by one.
const FINDINGS_LIMIT: usize = 5_000;

pub(crate) const DUPLICATE_KEY: FileRule = FileRule {
    id: "yaml-duplicate-key",
    aliases: &[],
    title: "A key stands twice in one mapping",
    severity: Severity::Medium,
    remedy: "Remove one of the two: only the last one counts, and some programs refuse the file",
};

pub(crate) const IGNORE_WITHOUT_REASON: FileRule = FileRule {
    id: "ignore-without-reason",
    aliases: &[],
    title: "A finding is set aside without a reason",
    severity: Severity::Low,
    remedy: "Say after the rule's name why it is set aside",
};

/// Reads a file that people edit.
pub(crate) fn read(text: &str) -> Tree {
    Tree::read(text, Limits::default())
}

/// A part of a file to which a comment or an annotation may speak: an object, a container, a service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Scope(usize);

#[derive(Debug)]
struct Part {
    parent: Option<Scope>,
    start: usize,
    /// Names of rules with the reasons why they are set aside, by annotation.
    set_aside: Vec<(String, String)>,
}

#[derive(Debug)]
struct Found {
    rule: &'static FileRule,
    finding: Finding,
    at: usize,
    scope: Option<Scope>,
    edit: Option<Edit>,
}

/// The findings of one file, while it is checked.
#[derive(Debug)]
pub(crate) struct Findings<'a> {
    path: &'a str,
    text: &'a str,
    tree: &'a Tree,
    parts: Vec<Part>,
    found: Vec<Found>,
    is_limited: bool,
    references: fn(&str) -> &'static [&'static str],
}

impl<'a> Findings<'a> {
    /// Begins with what is wrong in the YAML itself. `references` gives a rule's links by its id.
    pub(crate) fn new(
        path: &'a str,
        text: &'a str,
        tree: &'a Tree,
        references: fn(&str) -> &'static [&'static str],
    ) -> Self {
        let (parts, found) = (Vec::new(), Vec::new());
        let mut findings = Self { path, text, tree, parts, found, is_limited: false, references };
        for key in tree.repeated_keys() {
            let evidence = format!("{} stands there again", clipped(key.text().unwrap_or_default()));
            findings.tell(&DUPLICATE_KEY, None, key.offset(), evidence);
        }
        findings
    }

    /// A part of the file that starts with `node`.
    pub(crate) fn scope(&mut self, parent: Option<Scope>, node: Yaml<'_>) -> Scope {
        self.parts.push(Part { parent, start: node.offset(), set_aside: Vec::new() });
        Scope(self.parts.len().saturating_sub(1))
    }

    /// Sets a rule aside in a part, as an annotation says.
    pub(crate) fn set_aside(&mut self, scope: Scope, rule: &str, reason: &str) {
        if let Some(part) = self.parts.get_mut(scope.0) {
            part.set_aside.push((rule.to_owned(), reason.to_owned()));
        }
    }

    /// Tells that `rule` is broken at the byte `at`.
    pub(crate) fn tell(
        &mut self,
        rule: &'static FileRule,
        scope: Option<Scope>,
        at: usize,
        evidence: String,
    ) {
        self.tell_with(rule, scope, at, evidence, None);
    }

    /// The same, with the edit that mends it.
    pub(crate) fn tell_with(
        &mut self,
        rule: &'static FileRule,
        scope: Option<Scope>,
        at: usize,
        evidence: String,
        edit: Option<Edit>,
    ) {
        let finding = rule.finding(self.nowhere(), evidence);
        self.push(Found { rule, finding, at, scope, edit });
    }

    /// Tells what is secret in the value at the byte `at`: by structure, else by its name.
    pub(crate) fn tell_secrets(
        &mut self,
        rule: &'static FileRule,
        scope: Option<Scope>,
        at: usize,
        name: &str,
        value: &str,
    ) {
        let mut hits = secrets_in_text(&format!("{name}={value}"));
        if hits.is_empty() && names::is_secret(name, value) {
            hits.push(SecretHit {
                rule: "secret-by-name".to_owned(),
                title: format!("value of {}", clipped(name)),
                severity: rule.severity,
                line: 1,
                redacted: redacted(value.as_bytes()),
                fingerprint: fingerprint(value.as_bytes()),
            });
        }
        for hit in hits {
            let mut finding = rule.finding(self.nowhere(), String::new());
            finding.title = format!("{}: {} in {}", rule.title, hit.title, clipped(name));
            finding.severity = hit.severity;
            let SecretHit { redacted, fingerprint, .. } = hit;
            finding.kind = FindingKind::Secret { redacted, fingerprint, line: 1, shadowed: false };
            self.push(Found { rule, finding, at, scope, edit: None });
        }
    }

    fn push(&mut self, found: Found) {
        if self.found.len() < FINDINGS_LIMIT {
            self.found.push(found);
        } else {
            self.is_limited = true;
        }
    }

    /// Tells whether more was found than is told, so that looking on is in vain.
    pub(crate) const fn is_full(&self) -> bool {
        self.is_limited
    }

    fn nowhere(&self) -> Position {
        Position { file: self.path.to_owned(), line: 1, column: 1 }
    }

    /// The findings in the order of the file, with what is set aside kept apart.
    pub(crate) fn finish(mut self) -> Checked {
        let lines = Lines::new(self.text);
        let ignores = Ignores::read(self.text, self.tree, &lines);
        for at in ignores.without_reason() {
            self.tell(&IGNORE_WITHOUT_REASON, None, at, "the comment gives no reason".to_owned());
        }
        let mut found = std::mem::take(&mut self.found);
        found.sort_by(|a, b| (a.at, a.rule.id).cmp(&(b.at, b.rule.id)));
        let mut checked = Checked { gaps: self.gaps(), ..Checked::default() };
        let mut known = BTreeSet::new();
        let mut cursor = lines.cursor();
        let mut edits: Vec<Edit> = Vec::new();
        for Found { rule, mut finding, at, scope, edit } in found {
            let says = (finding.title.clone(), evidence_of(&finding.kind).to_owned());
            if !known.insert((at, rule.id, says)) {
                continue;
            }
            let position = cursor.position(self.path, self.text, at);
            if let FindingKind::Secret { line, .. } = &mut finding.kind {
                *line = position.line;
            }
            finding.position = Some(position);
            finding.references = (self.references)(rule.id).iter().map(|&link| link.to_owned()).collect();
            match self.reason(rule, at, scope, &ignores, &lines) {
                Some(reason) => checked.ignored.push(Ignored { finding, reason }),
                None => {
                    edits.extend(edit);
                    checked.findings.push(finding);
                }
            }
        }
        checked.edits = edit::in_order(edits);
        checked
    }

    /// Why a finding is set aside; none if it is not.
    fn reason(
        &self,
        rule: &FileRule,
        at: usize,
        scope: Option<Scope>,
        ignores: &Ignores,
        lines: &Lines,
    ) -> Option<String> {
        if let Some(reason) = ignores.reason(rule, lines.line(at)) {
            return Some(reason.to_owned());
        }
        let mut next = scope;
        while let Some(part) = next.and_then(|scope| self.parts.get(scope.0)) {
            let by_annotation = part.set_aside.iter().find(|(name, _)| ignores::names(rule, name));
            let reason = by_annotation.map(|(_, reason)| reason.as_str());
            if let Some(reason) = reason.or_else(|| ignores.reason(rule, lines.line(part.start))) {
                return Some(reason.to_owned());
            }
            next = part.parent;
        }
        None
    }

    fn gaps(&self) -> Vec<Gap> {
        let mut gaps = Vec::new();
        if let Some(error) = self.tree.error() {
            let kind = if error.is_limit() { GapKind::LimitReached } else { GapKind::FileUnread };
            let hint = if self.text.contains("{{") {
                "; it looks like a template: render it first (helm template) and check what comes out"
            } else {
                ""
            };
            gaps.push(Gap::new(kind, self.path, format!("not read to its end as YAML: {error}{hint}")));
        }
        if self.is_limited {
            let reason = format!("only the first {FINDINGS_LIMIT} findings of this file are told");
            gaps.push(Gap::new(GapKind::LimitReached, self.path, reason));
        }
        gaps
    }
}

fn evidence_of(kind: &FindingKind) -> &str {
    match kind {
        FindingKind::Misconfiguration { evidence } => evidence,
        FindingKind::Secret { fingerprint, .. } => fingerprint,
        FindingKind::Vulnerability(_) | FindingKind::EndOfLife { .. } | FindingKind::License { .. } => "",
    }
}
