//! What can be told only of all manifests of an application together: which pods no NetworkPolicy guards, which policies
//! guard none, and which service accounts withhold their token.

use std::collections::{HashMap, HashSet};

use plimsoll_formats::yaml_tree::{Tree, Yaml};
use plimsoll_model::severity::Severity;

use super::object::{Object, Pod, objects};
use super::pod::Token;
use crate::build_file::FileRule;
use crate::yaml_file::{Findings, Scope};

pub(crate) const DANGLING_NETWORK_POLICY: FileRule = FileRule {
    id: "kubernetes-dangling-network-policy",
    aliases: &["dangling-networkpolicy"],
    title: "A NetworkPolicy selects none of the pods",
    severity: Severity::Low,
    remedy: "Let podSelector name the labels of the pods that it is for",
};

pub(crate) const MISSING_NETWORK_POLICY: FileRule = FileRule {
    id: "kubernetes-missing-network-policy",
    aliases: &["missingNetworkPolicy", "non-isolated-pod", "pod-networkpolicy"],
    title: "No NetworkPolicy says who may reach a pod",
    severity: Severity::Medium,
    remedy: "Add a NetworkPolicy that selects the pod, or one for all pods of the namespace that denies by default",
};

/// What the manifests say together.
#[derive(Debug, Default)]
pub(super) struct Together<'t> {
    /// By namespace, whom policies select.
    policies: HashMap<&'t str, Vec<Selector<'t>>>,
    /// By namespace, the labels of pods.
    pods: HashMap<&'t str, Vec<Labels<'t>>>,
    /// Service accounts without a token: namespace and name.
    withheld: HashSet<(&'t str, &'t str)>,
}

type Labels<'t> = HashMap<&'t str, &'t str>;

/// Terms of selectors times pods beyond this are not compared.
const COMPARISONS: usize = 20_000_000;

impl<'t> Together<'t> {
    pub(super) fn of(trees: impl Iterator<Item = &'t Tree>) -> Self {
        let mut together = Self::default();
        for object in trees.flat_map(objects) {
            together.add(object);
        }
        together
    }

    fn add(&mut self, object: Object<'t>) {
        if let Some(pod) = object.pod() {
            self.pods.entry(object.namespace()).or_default().push(labels(pod));
        }
        if is_policy(object) {
            self.policies.entry(object.namespace()).or_default().push(Selector::of(object));
        }
        if (object.group(), object.kind) == ("", "ServiceAccount") {
            let mounts = object.node.get("automountServiceAccountToken").and_then(Yaml::boolean);
            if mounts == Some(false) {
                self.withheld.insert((object.namespace(), object.name()));
            }
        }
    }

    pub(super) fn token(&self, pod: Pod<'_>) -> Token {
        let account = (pod.object.namespace(), pod.service_account());
        if self.withheld.contains(&account) { Token::Withheld } else { Token::Mounted }
    }

    /// Tells whether all policies can be held against all pods in reasonable time.
    pub(super) fn is_comparable(&self) -> bool {
        let terms: usize = self.policies.values().flatten().map(Selector::terms).sum();
        let pods: usize = self.pods.values().map(Vec::len).sum();
        terms.saturating_mul(pods) <= COMPARISONS
    }

    /// Checks one object against all others.
    pub(super) fn check(&self, findings: &mut Findings<'_>, object: Object<'_>, scope: Scope) {
        if let Some(pod) = object.pod() {
            let policies = self.policies.get(object.namespace()).map(Vec::as_slice).unwrap_or_default();
            let labels = labels(pod);
            // Policies do not concern pods in the network of their node.
            let is_on_host = pod.spec.get("hostNetwork").and_then(Yaml::boolean) == Some(true);
            if !is_on_host && !policies.iter().any(|selector| selector.takes(&labels)) {
                let evidence = format!("{}: none of the manifests guards it", object.label());
                findings.tell(&MISSING_NETWORK_POLICY, Some(scope), object.node.offset(), evidence);
            }
        }
        if is_policy(object) {
            let pods = self.pods.get(object.namespace()).map(Vec::as_slice).unwrap_or_default();
            let selector = Selector::of(object);
            if selector.terms() > 1 && !pods.iter().any(|labels| selector.takes(labels)) {
                let at = object.node.at(&["spec", "podSelector"]).unwrap_or(object.node).offset();
                let evidence = format!("{} selects none of the manifests' pods", object.label());
                findings.tell(&DANGLING_NETWORK_POLICY, Some(scope), at, evidence);
            }
        }
    }
}

fn is_policy(object: Object<'_>) -> bool {
    object.kind == "NetworkPolicy" && matches!(object.group(), "networking.k8s.io" | "extensions")
}

fn labels(pod: Pod<'_>) -> Labels<'_> {
    pairs(pod.template.at(&["metadata", "labels"])).into_iter().collect()
}

fn pairs(mapping: Option<Yaml<'_>>) -> Vec<(&str, &str)> {
    let entries = mapping.map(Yaml::entries).unwrap_or_default();
    entries.into_iter().filter_map(|(key, value)| Some((key.text()?, value.text()?))).collect()
}

/// Whom a policy selects; without terms, all.
#[derive(Debug)]
struct Selector<'t> {
    labels: Vec<(&'t str, &'t str)>,
    expressions: Vec<Expression<'t>>,
}

#[derive(Debug)]
struct Expression<'t> {
    key: &'t str,
    operator: &'t str,
    values: HashSet<&'t str>,
}

impl<'t> Selector<'t> {
    fn of(policy: Object<'t>) -> Self {
        let selector = policy.node.at(&["spec", "podSelector"]);
        let expressions = selector.and_then(|selector| selector.get("matchExpressions"));
        let expression = |node: Yaml<'t>| Expression {
            key: node.get("key").and_then(Yaml::text).unwrap_or_default(),
            operator: node.get("operator").and_then(Yaml::text).unwrap_or_default(),
            values: node.get("values").into_iter().flat_map(Yaml::items).filter_map(Yaml::text).collect(),
        };
        Self {
            labels: pairs(selector.and_then(|selector| selector.get("matchLabels"))),
            expressions: expressions.into_iter().flat_map(Yaml::items).map(expression).collect(),
        }
    }

    /// How much is to be compared, and one.
    fn terms(&self) -> usize {
        self.labels.len().saturating_add(self.expressions.len()).saturating_add(1)
    }

    fn takes(&self, labels: &Labels<'_>) -> bool {
        let holds = |expression: &Expression<'_>| {
            let found = labels.get(expression.key);
            let is_listed = found.is_some_and(|value| expression.values.contains(value));
            match expression.operator {
                "In" => is_listed,
                "NotIn" => !is_listed,
                "Exists" => found.is_some(),
                "DoesNotExist" => found.is_none(),
                _ => false,
            }
        };
        self.labels.iter().all(|(key, value)| labels.get(key) == Some(value))
            && self.expressions.iter().all(holds)
    }
}
