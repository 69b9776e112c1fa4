//! Kubernetes manifests, as people write them and as kustomize and Helm render them: the Pod Security Standards, the
//! hardening that the NSA and CISA advise, and what is commonly held to be good practice.
//!
//! Objects are looked at as they stand in the files; whether the API would take them is not checked.

pub(crate) mod access;
pub(crate) mod container;
pub(crate) mod exposure;
mod mend;
pub(crate) mod object;
pub(crate) mod pod;
pub mod pod_security;
mod references;
pub(crate) mod together;
pub(crate) mod versions;

use plimsoll_formats::yaml_tree::Tree;
use plimsoll_model::gap::{Gap, GapKind};

use crate::build_file::{Checked, FileRule};
use crate::yaml_file::{self, Findings, Scope};
use object::{Container, Object, Pod, objects, read_annotations};
use pod_security::Release;
use together::Together;

pub(crate) const MERGE_KEY_ORDER: FileRule = FileRule {
    id: "yaml-merge-key-order",
    aliases: &[],
    title: "A merge key stands behind a key that it brings too",
    severity: plimsoll_model::severity::Severity::Medium,
    remedy: "Put the merge key first: kubectl lets the later of the two win, YAML the key",
};

/// Tells whether a text looks like manifests: JSON or YAML whose objects name their API version and kind.
#[must_use]
pub fn recognizes(path: &str, text: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let is_yaml = [".yaml", ".yml", ".json"].iter().any(|extension| lower.ends_with(extension));
    is_yaml && text.contains("apiVersion") && text.contains("kind")
}

/// Checks one file by itself. What only all files together tell, a missing NetworkPolicy, is not told.
#[must_use]
pub fn check(path: &str, text: &str) -> Checked {
    let tree = yaml_file::read(text);
    let together = Together::of(std::iter::once(&tree));
    File { path, text, tree: &tree, together: &together, alone: true, release: Release::LATEST }.check()
}

/// Checks the files of an application together, `(path, text)` each; the results are in the same order.
#[must_use]
pub fn check_all(files: &[(&str, &str)]) -> Vec<Checked> {
    let trees: Vec<Tree> = files.iter().map(|(_, text)| yaml_file::read(text)).collect();
    let together = Together::of(trees.iter());
    let check = |(&(path, text), tree): (&(&str, &str), &Tree)| {
        File { path, text, tree, together: &together, alone: false, release: Release::LATEST }.check()
    };
    files.iter().zip(&trees).map(check).collect()
}

struct File<'a> {
    path: &'a str,
    text: &'a str,
    tree: &'a Tree,
    together: &'a Together<'a>,
    alone: bool,
    release: Release,
}

impl File<'_> {
    fn check(&self) -> Checked {
        let mut findings = Findings::new(self.path, self.text, self.tree, references::of);
        for key in self.tree.contested_keys() {
            let evidence = format!("{} is brought by the merge key too", key.text().unwrap_or_default());
            findings.tell(&MERGE_KEY_ORDER, None, key.offset(), crate::image_config::clipped(&evidence));
        }
        let is_comparable = self.together.is_comparable();
        for object in objects(self.tree) {
            if findings.is_full() {
                break;
            }
            let scope = object.scope(&mut findings);
            versions::check(&mut findings, self.text, object, scope);
            access::check(&mut findings, object, scope);
            exposure::check(&mut findings, object, scope);
            if let Some(pod) = object.pod() {
                self.pod(&mut findings, object, pod, scope);
            }
            if !self.alone && is_comparable {
                self.together.check(&mut findings, object, scope);
            }
        }
        let mut checked = findings.finish();
        checked.gaps.extend(self.gaps(is_comparable));
        checked
    }

    fn pod(&self, findings: &mut Findings<'_>, object: Object<'_>, pod: Pod<'_>, scope: Scope) {
        let is_template = pod.template.offset() != object.node.offset();
        let scope = if is_template {
            let template = findings.scope(Some(scope), pod.template);
            read_annotations(findings, template, pod.template);
            template
        } else {
            scope
        };
        let containers = pod.containers().into_iter();
        let containers: Vec<(Container<'_>, Scope)> =
            containers.map(|container| (container, findings.scope(Some(scope), container.node))).collect();
        self.standards(findings, pod, scope, &containers);
        pod::check(findings, pod, scope, self.together.token(pod));
        for (container, scope) in containers {
            if findings.is_full() {
                break;
            }
            container::check(findings, container::Looked { pod, container, scope });
        }
    }

    fn standards(
        &self,
        findings: &mut Findings<'_>,
        pod: Pod<'_>,
        scope: Scope,
        containers: &[(Container<'_>, Scope)],
    ) {
        let mut broken = pod_security::broken(pod, self.release);
        pod_security::without_repeats(&mut broken);
        for (control, breaches) in broken {
            for breach in breaches {
                let container = breach.container.and_then(|index| containers.get(index));
                let edit =
                    mend::edit(&control.rule, self.text, pod, container.map(|(container, _)| *container));
                let scope = container.map_or(scope, |(_, scope)| *scope);
                findings.tell_with(&control.rule, Some(scope), breach.at, breach.evidence, edit);
            }
        }
    }

    fn gaps(&self, is_comparable: bool) -> Vec<Gap> {
        let mut gaps = Vec::new();
        let is_template = [".Values", ".Release", ".Chart", "include "].iter().any(|word| {
            ["{{ ", "{{- ", "{{"].iter().any(|open| self.text.contains(&format!("{open}{word}")))
        });
        if is_template && self.tree.error().is_none() {
            let reason =
                "it holds Helm's templates, and values are not known: render it first (helm template)";
            gaps.push(Gap::new(GapKind::FileUnread, self.path, reason));
        }
        if !is_comparable && !self.alone {
            let reason = "too many pods and NetworkPolicies to be held against each other";
            gaps.push(Gap::new(GapKind::LimitReached, self.path, reason));
        }
        gaps
    }
}

#[cfg(test)]
mod tests;
