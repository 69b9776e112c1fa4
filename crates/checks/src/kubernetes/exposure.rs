//! Rules over what is reached from outside, what namespaces let in, and what ConfigMaps and Secrets hold.

use plimsoll_formats::yaml_tree::Yaml;
use plimsoll_model::severity::Severity;

use super::object::Object;
use crate::build_file::FileRule;
use crate::image_config::clipped;
use crate::yaml_file::{Findings, Scope};

pub(crate) const DEFAULT_NAMESPACE: FileRule = FileRule {
    id: "kubernetes-default-namespace",
    aliases: &["KSV110", "use-namespace"],
    title: "An object is put into the namespace default",
    severity: Severity::Low,
    remedy: "Use a namespace of its own, so that policies and rights can be told apart",
};

pub(crate) const EXTERNAL_IPS: FileRule = FileRule {
    id: "kubernetes-service-external-ips",
    aliases: &["KSV108"],
    title: "A Service takes the traffic of addresses that it names itself (CVE-2020-8554)",
    severity: Severity::High,
    remedy: "Remove externalIPs and use a load balancer or an Ingress",
};

pub(crate) const INGRESS_WITHOUT_TLS: FileRule = FileRule {
    id: "kubernetes-ingress-without-tls",
    aliases: &["tlsSettingsMissing"],
    title: "An Ingress takes unencrypted requests only",
    severity: Severity::Medium,
    remedy: "Add a certificate under tls",
};

pub(crate) const NAMESPACE_PRIVILEGED: FileRule = FileRule {
    id: "kubernetes-namespace-privileged",
    aliases: &[],
    title: "A namespace lets in pods that rule their node",
    severity: Severity::Medium,
    remedy: "Label it pod-security.kubernetes.io/enforce: baseline, or restricted",
};

pub(crate) const NAMESPACE_WITHOUT_POD_SECURITY: FileRule = FileRule {
    id: "kubernetes-namespace-without-pod-security",
    aliases: &[],
    title: "A namespace has no Pod Security Standard",
    severity: Severity::Low,
    remedy: "Label it pod-security.kubernetes.io/enforce: baseline, or restricted",
};

pub(crate) const SECRET_IN_CONFIG_MAP: FileRule = FileRule {
    id: "kubernetes-secret-in-config-map",
    aliases: &["KSV01010", "KSV109", "sensitiveConfigmapContent"],
    title: "Secret in a ConfigMap",
    severity: Severity::High,
    remedy: "Revoke the secret, and keep the new one in a Secret",
};

pub(crate) const SECRET_MANIFEST: FileRule = FileRule {
    id: "kubernetes-secret-manifest",
    aliases: &[],
    title: "The values of a Secret stand in a file",
    severity: Severity::Medium,
    remedy: "Keep the values in a secrets store or encrypt them; base64 hides nothing",
};

pub(crate) const SERVICE_EXPOSED: FileRule = FileRule {
    id: "kubernetes-service-exposed",
    aliases: &["exposed-services"],
    title: "A Service is reached from outside of the cluster",
    severity: Severity::Low,
    remedy: "Use type ClusterIP, and an Ingress with TLS if it has to be reached",
};

/// Checks objects that are no workloads, by kind.
pub(super) fn check(findings: &mut Findings<'_>, object: Object<'_>, scope: Scope) {
    let lies_in = object.node.at(&["metadata", "namespace"]);
    if let Some(named) = lies_in.filter(|named| named.text() == Some("default")) {
        let evidence = format!("{} is in the namespace default", object.label());
        findings.tell(&DEFAULT_NAMESPACE, Some(scope), named.offset(), evidence);
    }
    match (object.group(), object.kind) {
        ("", "Service") => service(findings, object, scope),
        ("" | "extensions" | "networking.k8s.io", "Ingress") => ingress(findings, object, scope),
        ("", "Namespace") => namespace(findings, object, scope),
        ("", "ConfigMap") => config_map(findings, object, scope),
        ("", "Secret") => secret(findings, object, scope),
        _ => {}
    }
}

fn service(findings: &mut Findings<'_>, object: Object<'_>, scope: Scope) {
    let Some(spec) = object.node.get("spec") else { return };
    let label = object.label();
    if let Some((key, _)) = spec.entry("externalIPs").filter(|(_, list)| list.items().next().is_some()) {
        findings.tell(&EXTERNAL_IPS, Some(scope), key.offset(), format!("{label}: externalIPs is set"));
    }
    if let Some((key, kind)) = spec.entry("type") {
        let kind = kind.text().unwrap_or_default();
        if matches!(kind, "LoadBalancer" | "NodePort") {
            findings.tell(&SERVICE_EXPOSED, Some(scope), key.offset(), format!("{label} is of type {kind}"));
        }
    }
}

fn ingress(findings: &mut Findings<'_>, object: Object<'_>, scope: Scope) {
    let spec = object.node.get("spec");
    if spec.and_then(|spec| spec.get("tls")).is_none_or(|tls| tls.items().next().is_none()) {
        let at = spec.unwrap_or(object.node).offset();
        findings.tell(&INGRESS_WITHOUT_TLS, Some(scope), at, format!("{}: tls is not set", object.label()));
    }
}

const ENFORCE: &str = "pod-security.kubernetes.io/enforce";

fn namespace(findings: &mut Findings<'_>, object: Object<'_>, scope: Scope) {
    let label = object.label();
    match object.node.at(&["metadata", "labels"]).and_then(|labels| labels.entry(ENFORCE)) {
        Some((key, level)) if level.text() == Some("privileged") => {
            let evidence = format!("{label}: {ENFORCE} is privileged");
            findings.tell(&NAMESPACE_PRIVILEGED, Some(scope), key.offset(), evidence);
        }
        Some(_) => {}
        None => {
            let evidence = format!("{label}: {ENFORCE} is not set");
            findings.tell(&NAMESPACE_WITHOUT_POD_SECURITY, Some(scope), object.node.offset(), evidence);
        }
    }
}

fn config_map(findings: &mut Findings<'_>, object: Object<'_>, scope: Scope) {
    for (key, value) in object.node.get("data").map(Yaml::entries).unwrap_or_default() {
        let (name, text) = (key.text().unwrap_or_default(), value.text().unwrap_or_default());
        findings.tell_secrets(&SECRET_IN_CONFIG_MAP, Some(scope), value.offset(), name, text);
    }
}

/// What a Secret holds, unless it is empty or a template's.
fn secret(findings: &mut Findings<'_>, object: Object<'_>, scope: Scope) {
    for name in ["data", "stringData"] {
        let Some((key, values)) = object.node.entry(name) else { continue };
        let entries = values.entries();
        let is_filled = |value: &Yaml<'_>| {
            value
                .string()
                .is_some_and(|text| !text.is_empty() && !text.starts_with("${") && !text.starts_with("{{"))
        };
        let filled: Vec<&str> =
            entries.iter().filter(|(_, value)| is_filled(value)).filter_map(|(key, _)| key.text()).collect();
        if !filled.is_empty() {
            let evidence = format!("{}: {name} holds {}", object.label(), clipped(&filled.join(", ")));
            findings.tell(&SECRET_MANIFEST, Some(scope), key.offset(), evidence);
        }
    }
}
