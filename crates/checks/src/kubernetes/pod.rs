//! Rules over a pod as a whole: what it mounts of its node, whose token it holds, where it runs.

use std::collections::HashSet;

use plimsoll_formats::yaml_tree::Yaml;
use plimsoll_model::severity::Severity;

use super::object::Pod;
use crate::build_file::FileRule;
use crate::image_config::clipped;
use crate::yaml_file::{Findings, Scope, is_container_socket, sensitive_path};

pub(crate) const CONTAINER_SOCKET: FileRule = FileRule {
    id: "kubernetes-container-socket",
    aliases: &["KSV006", "docker-sock"],
    title: "A pod mounts the socket of the container runtime",
    severity: Severity::Critical,
    remedy: "Remove the volume: who may write to the socket is root on the node",
};

pub(crate) const CONTROL_PLANE_TOLERATION: FileRule = FileRule {
    id: "kubernetes-control-plane-toleration",
    aliases: &[],
    title: "A pod may run on the nodes of the control plane",
    severity: Severity::Low,
    remedy: "Remove the toleration: a breakout there is one into the control plane",
};

pub(crate) const DEFAULT_SERVICE_ACCOUNT: FileRule = FileRule {
    id: "kubernetes-default-service-account",
    aliases: &["default-service-account"],
    title: "A pod uses the service account that all others use",
    severity: Severity::Low,
    remedy: "Set serviceAccountName to an account of its own",
};

pub(crate) const HOST_ALIASES: FileRule = FileRule {
    id: "kubernetes-host-aliases",
    aliases: &["KSV007"],
    title: "A pod changes /etc/hosts",
    severity: Severity::Low,
    remedy: "Remove hostAliases and let the cluster's DNS name the hosts",
};

pub(crate) const SENSITIVE_HOST_PATH: FileRule = FileRule {
    id: "kubernetes-sensitive-host-path",
    aliases: &["sensitive-host-mounts"],
    title: "A pod mounts a directory that rules its node",
    severity: Severity::High,
    remedy: "Remove the volume, or mount only the file that is needed, for reading",
};

pub(crate) const SERVICE_ACCOUNT_TOKEN: FileRule = FileRule {
    id: "kubernetes-service-account-token",
    aliases: &["KSV036", "automountServiceAccountToken"],
    title: "A pod holds a token for the cluster's API",
    severity: Severity::Low,
    remedy: "Set automountServiceAccountToken to false, unless the pod speaks with the API",
};

pub(crate) const SHARED_PROCESSES: FileRule = FileRule {
    id: "kubernetes-shared-process-namespace",
    aliases: &[],
    title: "The containers of a pod see each other's processes",
    severity: Severity::Low,
    remedy: "Remove shareProcessNamespace",
};

pub(crate) const WRITABLE_HOST_PATH: FileRule = FileRule {
    id: "kubernetes-writable-host-path",
    aliases: &["writable-host-mount"],
    title: "A container may write to a path of its node",
    severity: Severity::Medium,
    remedy: "Set readOnly on the mount",
};

/// Checks what is of the pod; `token` tells whether its service account gives it one by itself.
pub(super) fn check(findings: &mut Findings<'_>, pod: Pod<'_>, scope: Scope, token: Token) {
    volumes(findings, pod, scope);
    account(findings, pod, scope, token);
    let spec = pod.spec;
    if let Some((key, _)) = spec.entry("hostAliases").filter(|(_, aliases)| aliases.items().next().is_some())
    {
        findings.tell(
            &HOST_ALIASES,
            Some(scope),
            key.offset(),
            format!("{}: hostAliases is set", pod.object.label()),
        );
    }
    if let Some((key, _)) = spec.entry("shareProcessNamespace").filter(|(_, on)| on.boolean() == Some(true)) {
        let evidence = format!("{}: shareProcessNamespace is true", pod.object.label());
        findings.tell(&SHARED_PROCESSES, Some(scope), key.offset(), evidence);
    }
    tolerations(findings, pod, scope);
}

/// Whether a pod's service account gives it a token, if the pod does not say.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Token {
    /// It does, or nothing is known of it.
    Mounted,
    /// It says that it does not.
    Withheld,
}

fn volumes(findings: &mut Findings<'_>, pod: Pod<'_>, scope: Scope) {
    let mut on_host = HashSet::new();
    for volume in pod.spec.get("volumes").into_iter().flat_map(Yaml::items) {
        let Some((key, source)) = volume.entry("hostPath") else { continue };
        let name = volume.get("name").and_then(Yaml::string).unwrap_or_default();
        on_host.insert(name);
        let path = source.get("path").and_then(Yaml::string).unwrap_or_default();
        let rule = if is_container_socket(path) {
            &CONTAINER_SOCKET
        } else if sensitive_path(path).is_some() {
            &SENSITIVE_HOST_PATH
        } else {
            continue;
        };
        let evidence = format!("{}: volume {:?} is {:?}", pod.object.label(), clipped(name), clipped(path));
        findings.tell(rule, Some(scope), key.offset(), evidence);
    }
    if on_host.is_empty() {
        return;
    }
    for container in pod.containers() {
        for mount in container.node.get("volumeMounts").into_iter().flat_map(Yaml::items) {
            let name = mount.get("name").and_then(Yaml::string).unwrap_or_default();
            let is_read_only = mount.get("readOnly").and_then(Yaml::boolean) == Some(true);
            if on_host.contains(name) && !is_read_only {
                let evidence =
                    format!("{}: mounts volume {:?} for writing", container.label(), clipped(name));
                findings.tell(&WRITABLE_HOST_PATH, Some(scope), mount.offset(), evidence);
            }
        }
    }
}

fn account(findings: &mut Findings<'_>, pod: Pod<'_>, scope: Scope, token: Token) {
    let label = pod.object.label();
    let (at, what) = match pod.spec.entry("automountServiceAccountToken") {
        Some((_, value)) if value.boolean() == Some(false) => (None, ""),
        Some((key, _)) => (Some(key.offset()), "automountServiceAccountToken is not false"),
        None if token == Token::Withheld => (None, ""),
        None => (Some(pod.spec.offset()), "automountServiceAccountToken is not set to false"),
    };
    if let Some(at) = at {
        findings.tell(&SERVICE_ACCOUNT_TOKEN, Some(scope), at, format!("{label}: {what}"));
    }
    let account = pod.service_account();
    if account == "default" {
        let evidence = format!("{label}: serviceAccountName is not set, or default");
        findings.tell(&DEFAULT_SERVICE_ACCOUNT, Some(scope), pod.spec.offset(), evidence);
    }
}

fn tolerations(findings: &mut Findings<'_>, pod: Pod<'_>, scope: Scope) {
    const KEYS: [&str; 2] = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];
    for toleration in pod.spec.get("tolerations").into_iter().flat_map(Yaml::items) {
        let text = |name| toleration.get(name).and_then(Yaml::string).unwrap_or_default();
        let is_for_all = text("key").is_empty() && text("operator") == "Exists";
        let is_only_to_stay = text("effect") == "NoExecute";
        if KEYS.contains(&text("key")) || (is_for_all && !is_only_to_stay) {
            let what = if is_for_all {
                "tolerates every taint".to_owned()
            } else {
                format!("tolerates {}", text("key"))
            };
            let evidence = format!("{}: {what}", pod.object.label());
            findings.tell(&CONTROL_PLANE_TOLERATION, Some(scope), toleration.offset(), evidence);
        }
    }
}
