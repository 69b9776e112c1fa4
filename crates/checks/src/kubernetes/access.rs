//! Rules over who may do what (<https://kubernetes.io/docs/concepts/security/rbac-good-practices/>).

use plimsoll_formats::yaml_tree::Yaml;
use plimsoll_model::severity::Severity;

use super::object::Object;
use crate::build_file::FileRule;
use crate::image_config::clipped;
use crate::yaml_file::{Findings, Scope};

pub(crate) const ANONYMOUS_BINDING: FileRule = FileRule {
    id: "kubernetes-anonymous-binding",
    aliases: &["KSV122"],
    title: "Rights are given to everybody who reaches the API",
    severity: Severity::High,
    remedy: "Bind the role to named users, groups or service accounts",
};

pub(crate) const CLUSTER_ADMIN_BINDING: FileRule = FileRule {
    id: "kubernetes-cluster-admin-binding",
    aliases: &["KSV111", "cluster-admin-role-binding"],
    title: "Somebody is made administrator of the whole cluster",
    severity: Severity::High,
    remedy: "Bind a role that holds only what is needed",
};

pub(crate) const CREATE_PODS: FileRule = FileRule {
    id: "kubernetes-role-creates-pods",
    aliases: &["KSV048", "access-to-create-pods"],
    title: "A role may create pods, and so use every secret and account of the namespace",
    severity: Severity::Medium,
    remedy: "Take the verb create on pods and workloads out of the role",
};

pub(crate) const ESCALATION: FileRule = FileRule {
    id: "kubernetes-role-escalates",
    aliases: &["KSV043", "KSV050"],
    title: "A role may give itself, or take, the rights of others",
    severity: Severity::High,
    remedy: "Take the verbs bind, escalate and impersonate out of the role",
};

pub(crate) const EXEC: FileRule = FileRule {
    id: "kubernetes-role-enters-pods",
    aliases: &["KSV053", "KSV054"],
    title: "A role may run commands in pods",
    severity: Severity::High,
    remedy: "Take pods/exec and pods/attach out of the role",
};

pub(crate) const NODE_PROXY: FileRule = FileRule {
    id: "kubernetes-role-reaches-nodes",
    aliases: &["KSV047"],
    title: "A role reaches the kubelet of every node, past admission and audit",
    severity: Severity::High,
    remedy: "Take nodes/proxy out of the role",
};

pub(crate) const READS_SECRETS: FileRule = FileRule {
    id: "kubernetes-role-reads-secrets",
    aliases: &["KSV041", "KSV113", "access-to-secrets"],
    title: "A role may read Secrets",
    severity: Severity::Medium,
    remedy: "Name the Secrets with resourceNames, and take list and watch out of the verbs",
};

pub(crate) const WILDCARD: FileRule = FileRule {
    id: "kubernetes-role-wildcard",
    aliases: &["KSV044", "KSV045", "KSV046", "KSV112", "wildcard-in-rules"],
    title: "A role may do everything, or to everything",
    severity: Severity::High,
    remedy: "Name the verbs and resources that are needed",
};

/// Checks a role, or the binding of one.
pub(super) fn check(findings: &mut Findings<'_>, object: Object<'_>, scope: Scope) {
    if object.group() != "rbac.authorization.k8s.io" {
        return;
    }
    match object.kind {
        "ClusterRole" | "Role" => {
            object
                .node
                .get("rules")
                .into_iter()
                .flat_map(Yaml::items)
                .for_each(|rule| role(findings, object, scope, rule));
        }
        "ClusterRoleBinding" | "RoleBinding" => binding(findings, object, scope),
        _ => {}
    }
}

/// One rule of a role.
struct Granted<'t> {
    groups: Vec<&'t str>,
    resources: Vec<&'t str>,
    verbs: Vec<&'t str>,
    names: bool,
}

impl<'t> Granted<'t> {
    fn of(rule: Yaml<'t>) -> Self {
        let list = |name| rule.get(name).into_iter().flat_map(Yaml::items).filter_map(Yaml::string).collect();
        let names: Vec<&str> = list("resourceNames");
        Self {
            groups: list("apiGroups"),
            resources: list("resources"),
            verbs: list("verbs"),
            names: !names.is_empty(),
        }
    }

    /// Tells whether one of `verbs` is granted on one of `resources` of one of `groups`, by name and not by wildcard.
    fn grants(&self, groups: &[&str], resources: &[&str], verbs: &[&str]) -> bool {
        let any = |granted: &[&str], asked: &[&str]| {
            granted.iter().any(|name| *name == "*" || asked.contains(name))
        };
        any(&self.groups, groups)
            && self.resources.iter().any(|name| resources.contains(name))
            && any(&self.verbs, verbs)
    }
}

const RBAC: &[&str] = &["rbac.authorization.k8s.io"];
const WORKLOADS: &[&str] = &[
    "cronjobs",
    "daemonsets",
    "deployments",
    "jobs",
    "pods",
    "replicasets",
    "replicationcontrollers",
    "statefulsets",
];

fn role(findings: &mut Findings<'_>, object: Object<'_>, scope: Scope, rule: Yaml<'_>) {
    let granted = Granted::of(rule);
    let label = object.label();
    let mut tell = |rule_of: &'static FileRule, what: String| {
        findings.tell(rule_of, Some(scope), rule.offset(), format!("{label}: {what}"));
    };
    let wild = |list: &[&str]| list.contains(&"*");
    if wild(&granted.verbs) && !granted.resources.is_empty() || wild(&granted.resources) {
        let what = format!("verbs {} on {}", named(&granted.verbs), named(&granted.resources));
        tell(&WILDCARD, what);
        if wild(&granted.resources) {
            return;
        }
    }
    if granted.grants(&[""], &["secrets"], &["get", "list", "watch"]) && !granted.names {
        tell(&READS_SECRETS, format!("verbs {} on secrets", named(&granted.verbs)));
    }
    if granted.grants(&["", "apps", "batch", "extensions"], WORKLOADS, &["create"]) {
        tell(&CREATE_PODS, format!("may create {}", named(&granted.resources)));
    }
    if granted.grants(
        &[""],
        &["pods/attach", "pods/exec", "pods/ephemeralcontainers"],
        &["create", "get", "patch", "update"],
    ) {
        tell(&EXEC, format!("verbs {} on {}", named(&granted.verbs), named(&granted.resources)));
    }
    if granted.grants(&[""], &["nodes/proxy"], &["create", "get"]) {
        tell(&NODE_PROXY, format!("verbs {} on nodes/proxy", named(&granted.verbs)));
    }
    let roles = ["clusterroles", "roles"];
    let accounts = ["groups", "serviceaccounts", "uids", "users"];
    if granted.grants(RBAC, &roles, &["bind", "escalate"])
        || granted.grants(&[""], &accounts, &["impersonate"])
    {
        tell(&ESCALATION, format!("verbs {} on {}", named(&granted.verbs), named(&granted.resources)));
    }
}

fn named(list: &[&str]) -> String {
    clipped(&format!("[{}]", list.join(", ")))
}

fn binding(findings: &mut Findings<'_>, object: Object<'_>, scope: Scope) {
    let label = object.label();
    if let Some(role) = object.node.get("roleRef") {
        let text = |name| role.get(name).and_then(Yaml::string).unwrap_or_default();
        if text("kind") == "ClusterRole" && text("name") == "cluster-admin" {
            findings.tell(
                &CLUSTER_ADMIN_BINDING,
                Some(scope),
                role.offset(),
                format!("{label} binds cluster-admin"),
            );
        }
    }
    for subject in object.node.get("subjects").into_iter().flat_map(Yaml::items) {
        let name = subject.get("name").and_then(Yaml::string).unwrap_or_default();
        if matches!(name, "system:anonymous" | "system:unauthenticated") {
            findings.tell(&ANONYMOUS_BINDING, Some(scope), subject.offset(), format!("{label} binds {name}"));
        }
    }
}
