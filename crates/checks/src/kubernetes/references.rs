//! Where to read on about a rule.

/// The start of a rule's id, and the links of all rules that begin so; the longest start counts.
const LINKS: &[(&str, &[&str])] = &[
    ("kubernetes-anonymous", &[RBAC]),
    ("kubernetes-cluster-admin", &[RBAC, HARDENING]),
    (
        "kubernetes-control-plane",
        &["https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/"],
    ),
    ("kubernetes-dangling-network-policy", &[NETWORK]),
    ("kubernetes-default-service-account", &[ACCOUNTS, HARDENING]),
    ("kubernetes-image", &["https://kubernetes.io/docs/concepts/containers/images/"]),
    ("kubernetes-ingress", &["https://kubernetes.io/docs/concepts/services-networking/ingress/#tls"]),
    ("kubernetes-missing-cpu", &[RESOURCES]),
    ("kubernetes-missing-liveness", &[PROBES]),
    ("kubernetes-missing-memory", &[RESOURCES, HARDENING]),
    ("kubernetes-missing-network-policy", &[NETWORK, HARDENING]),
    ("kubernetes-missing-readiness", &[PROBES]),
    ("kubernetes-namespace", &["https://kubernetes.io/docs/concepts/security/pod-security-admission/"]),
    ("kubernetes-removed-api", &["https://kubernetes.io/docs/reference/using-api/deprecation-guide/"]),
    ("kubernetes-role", &[RBAC]),
    ("kubernetes-secret", &["https://kubernetes.io/docs/concepts/security/secrets-good-practices/"]),
    ("kubernetes-service-account", &[ACCOUNTS, HARDENING]),
    ("kubernetes-service-external-ips", &["https://nvd.nist.gov/vuln/detail/CVE-2020-8554"]),
    ("kubernetes-writable-root", &[HARDENING]),
    ("pod-security", &["https://kubernetes.io/docs/concepts/security/pod-security-standards/"]),
    ("yaml-merge-key", &["https://yaml.org/type/merge.html"]),
];

const ACCOUNTS: &str = "https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/";
/// Kubernetes Hardening Guide, NSA and CISA, version 1.2.
const HARDENING: &str = "https://media.defense.gov/2022/Aug/29/2003066362/-1/-1/0/CTR_KUBERNETES_HARDENING_GUIDANCE_1.2_20220829.PDF";
const NETWORK: &str = "https://kubernetes.io/docs/concepts/services-networking/network-policies/";
const PROBES: &str = "https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/";
const RBAC: &str = "https://kubernetes.io/docs/concepts/security/rbac-good-practices/";
const RESOURCES: &str = "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/";

/// The links of a rule.
pub(super) fn of(rule: &str) -> &'static [&'static str] {
    let fitting = LINKS.iter().filter(|(start, _)| rule.starts_with(start));
    fitting.max_by_key(|(start, _)| start.len()).map(|(_, links)| *links).unwrap_or_default()
}
