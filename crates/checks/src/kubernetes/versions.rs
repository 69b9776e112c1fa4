//! API versions that no supported cluster serves any more (<https://kubernetes.io/docs/reference/using-api/deprecation-guide/>).

use plimsoll_formats::yaml_tree::Yaml;
use plimsoll_model::severity::Severity;

use super::object::Object;
use crate::build_file::FileRule;
use crate::yaml_file::{Findings, Scope, replaced};

pub(crate) const REMOVED_API_VERSION: FileRule = FileRule {
    id: "kubernetes-removed-api-version",
    aliases: &["KSV107", "no-extensions-v1beta"],
    title: "The API version was removed",
    severity: Severity::Medium,
    remedy: "Use the version that took its place",
};

/// What took the place of an API version.
enum Successor {
    /// A version with the same fields.
    Same(&'static str),
    /// A version with other fields, or another meaning of them.
    Other(&'static str),
    /// Nothing.
    None,
}

use Successor::{None as Nothing, Other, Same};

/// The version, the kinds (all if there are none), the minor release that removed it, and what to use.
type Row = (&'static str, &'static [&'static str], u32, Successor);

const REMOVED: &[Row] = &[
    (
        "admissionregistration.k8s.io/v1beta1",
        &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"],
        22,
        Other("admissionregistration.k8s.io/v1"),
    ),
    ("apiextensions.k8s.io/v1beta1", &[], 22, Other("apiextensions.k8s.io/v1")),
    ("apiregistration.k8s.io/v1beta1", &[], 22, Same("apiregistration.k8s.io/v1")),
    ("apps/v1beta1", &[], 16, Other("apps/v1")),
    ("apps/v1beta2", &[], 16, Other("apps/v1")),
    ("authentication.k8s.io/v1beta1", &["TokenReview"], 22, Same("authentication.k8s.io/v1")),
    ("authorization.k8s.io/v1beta1", &[], 22, Other("authorization.k8s.io/v1")),
    ("autoscaling/v2beta1", &[], 25, Other("autoscaling/v2")),
    ("autoscaling/v2beta2", &[], 26, Same("autoscaling/v2")),
    ("batch/v1beta1", &["CronJob"], 25, Same("batch/v1")),
    ("batch/v2alpha1", &[], 21, Same("batch/v1")),
    ("certificates.k8s.io/v1beta1", &["CertificateSigningRequest"], 22, Other("certificates.k8s.io/v1")),
    ("coordination.k8s.io/v1beta1", &["Lease"], 22, Same("coordination.k8s.io/v1")),
    ("discovery.k8s.io/v1beta1", &[], 25, Other("discovery.k8s.io/v1")),
    ("events.k8s.io/v1beta1", &[], 25, Other("events.k8s.io/v1")),
    ("extensions/v1beta1", &["DaemonSet", "Deployment", "ReplicaSet"], 16, Other("apps/v1")),
    ("extensions/v1beta1", &["Ingress"], 22, Other("networking.k8s.io/v1")),
    ("extensions/v1beta1", &["NetworkPolicy"], 16, Same("networking.k8s.io/v1")),
    ("extensions/v1beta1", &["PodSecurityPolicy"], 16, Nothing),
    ("flowcontrol.apiserver.k8s.io/v1beta1", &[], 26, Other("flowcontrol.apiserver.k8s.io/v1")),
    ("flowcontrol.apiserver.k8s.io/v1beta2", &[], 29, Other("flowcontrol.apiserver.k8s.io/v1")),
    ("flowcontrol.apiserver.k8s.io/v1beta3", &[], 32, Other("flowcontrol.apiserver.k8s.io/v1")),
    ("networking.k8s.io/v1beta1", &["Ingress"], 22, Other("networking.k8s.io/v1")),
    ("networking.k8s.io/v1beta1", &["IngressClass"], 22, Same("networking.k8s.io/v1")),
    ("node.k8s.io/v1beta1", &["RuntimeClass"], 25, Same("node.k8s.io/v1")),
    ("policy/v1beta1", &["PodDisruptionBudget"], 25, Other("policy/v1")),
    ("policy/v1beta1", &["PodSecurityPolicy"], 25, Nothing),
    ("rbac.authorization.k8s.io/v1alpha1", &[], 22, Other("rbac.authorization.k8s.io/v1")),
    ("rbac.authorization.k8s.io/v1beta1", &[], 22, Same("rbac.authorization.k8s.io/v1")),
    ("scheduling.k8s.io/v1beta1", &["PriorityClass"], 22, Same("scheduling.k8s.io/v1")),
    (
        "storage.k8s.io/v1beta1",
        &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"],
        22,
        Same("storage.k8s.io/v1"),
    ),
    ("storage.k8s.io/v1beta1", &["CSIStorageCapacity"], 27, Same("storage.k8s.io/v1")),
];

/// Checks the API version of an object.
pub(super) fn check(findings: &mut Findings<'_>, text: &str, object: Object<'_>, scope: Scope) {
    let is_of =
        |row: &&Row| row.0 == object.api_version && (row.1.is_empty() || row.1.contains(&object.kind));
    let Some((version, _, release, successor)) = REMOVED.iter().find(is_of) else { return };
    let Some((_, value)) = object.node.entry("apiVersion") else { return };
    let instead = match successor {
        Same(next) | Other(next) => format!("use {next}"),
        Nothing => "nothing took its place".to_owned(),
    };
    let edit = match successor {
        Same(next) => {
            unquoted(value, text).and_then(|value| replaced(&REMOVED_API_VERSION, text, value, next))
        }
        Other(_) | Nothing => None,
    };
    let evidence = format!("{}: Kubernetes 1.{release} removed {version}; {instead}", object.label());
    findings.tell_with(&REMOVED_API_VERSION, Some(scope), value.offset(), evidence, edit);
}

fn unquoted<'t>(value: Yaml<'t>, text: &str) -> Option<Yaml<'t>> {
    (text.get(value.span()) == value.text()).then_some(value)
}
