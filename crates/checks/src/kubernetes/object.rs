//! The objects of a manifest, and the pods that they make.

use plimsoll_formats::yaml_tree::{Tree, Yaml};

use crate::image_config::clipped;
use crate::yaml_file::{Findings, Scope};

/// Lists within lists beyond this are not opened.
const LISTS: usize = 4;

/// A Kubernetes object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Object<'t> {
    pub(crate) node: Yaml<'t>,
    pub(crate) kind: &'t str,
    pub(crate) api_version: &'t str,
}

/// The objects of all documents, those of lists included.
pub(crate) fn objects(tree: &Tree) -> Vec<Object<'_>> {
    let mut objects = Vec::new();
    for document in tree.documents() {
        gather(document, LISTS, &mut objects);
    }
    objects
}

fn gather<'t>(node: Yaml<'t>, lists: usize, objects: &mut Vec<Object<'t>>) {
    let text = |name| node.get(name).and_then(Yaml::string);
    let (Some(kind), Some(api_version)) = (text("kind"), text("apiVersion")) else { return };
    match node.get("items").filter(|items| kind.ends_with("List") && items.is_sequence()) {
        Some(items) if lists > 0 => items.items().for_each(|item| gather(item, lists - 1, objects)),
        Some(_) => {}
        None => objects.push(Object { node, kind, api_version }),
    }
}

impl<'t> Object<'t> {
    pub(crate) fn name(self) -> &'t str {
        self.node.at(&["metadata", "name"]).and_then(Yaml::string).unwrap_or_default()
    }

    pub(crate) fn namespace(self) -> &'t str {
        self.node.at(&["metadata", "namespace"]).and_then(Yaml::string).unwrap_or("default")
    }

    /// The API's group, empty for the core.
    pub(crate) fn group(self) -> &'t str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// `Deployment web`.
    pub(crate) fn label(self) -> String {
        clipped(format!("{} {}", self.kind, self.name()).trim_end())
    }

    /// Opens the object's part of the file, with what its annotations set aside.
    pub(super) fn scope(self, findings: &mut Findings<'_>) -> Scope {
        let scope = findings.scope(None, self.node);
        read_annotations(findings, scope, self.node);
        scope
    }

    /// The pod that it is or makes; none if it makes none.
    pub(crate) fn pod(self) -> Option<Pod<'t>> {
        let template = match self.kind {
            "Pod" => Some(self.node),
            "PodTemplate" => self.node.get("template"),
            "CronJob" => self.node.at(&["spec", "jobTemplate", "spec", "template"]),
            _ => self.node.at(&["spec", "template"]),
        }?;
        let spec = template.get("spec").filter(|spec| spec.is_mapping())?;
        let is_known = KINDS.binary_search(&self.kind).is_ok();
        let has_containers = spec.get("containers").is_some_and(Yaml::is_sequence);
        (is_known || has_containers).then_some(Pod { object: self, template, spec })
    }
}

/// The kinds whose pods are known; of others, a template with containers is taken for one.
const KINDS: &[&str] = &[
    "CronJob",
    "DaemonSet",
    "Deployment",
    "Job",
    "Pod",
    "PodTemplate",
    "ReplicaSet",
    "ReplicationController",
    "StatefulSet",
];

/// A pod, or the template of pods.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pod<'t> {
    pub(crate) object: Object<'t>,
    /// What has the pod's metadata.
    pub(crate) template: Yaml<'t>,
    pub(crate) spec: Yaml<'t>,
}

/// What a container is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    /// It runs first, and ends.
    Init,
    /// It runs as long as the pod; a sidecar too.
    Main,
    /// It was added to a running pod.
    Ephemeral,
}

/// A container of a pod.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Container<'t> {
    pub(crate) node: Yaml<'t>,
    pub(crate) role: Role,
}

impl<'t> Pod<'t> {
    /// All containers, in the order in which Kubernetes looks at them.
    pub(crate) fn containers(self) -> Vec<Container<'t>> {
        let of = |name: &str, role: Role| {
            let items = self.spec.get(name).into_iter().flat_map(Yaml::items);
            let is_sidecar = |node: Yaml<'_>| {
                role == Role::Init && node.get("restartPolicy").and_then(Yaml::text) == Some("Always")
            };
            let container =
                move |node| Container { node, role: if is_sidecar(node) { Role::Main } else { role } };
            items.filter(|item| item.is_mapping()).map(container).collect::<Vec<_>>()
        };
        let mut containers = of("initContainers", Role::Init);
        containers.extend(of("containers", Role::Main));
        containers.extend(of("ephemeralContainers", Role::Ephemeral));
        containers
    }

    /// The annotations of the pod, names and values.
    pub(crate) fn annotations(self) -> Vec<(Yaml<'t>, Yaml<'t>)> {
        self.template.at(&["metadata", "annotations"]).map(Yaml::entries).unwrap_or_default()
    }

    pub(crate) fn is_windows(self) -> bool {
        self.spec.at(&["os", "name"]).and_then(Yaml::text) == Some("windows")
    }

    pub(crate) fn service_account(self) -> &'t str {
        let names = ["serviceAccountName", "serviceAccount"].into_iter();
        let mut named = names.filter_map(|name| self.spec.get(name).and_then(Yaml::string));
        named.find(|name| !name.is_empty()).unwrap_or("default")
    }

    /// Tells whether it ends by itself.
    pub(crate) fn is_job(self) -> bool {
        matches!(self.object.kind, "Job" | "CronJob")
    }
}

impl<'t> Container<'t> {
    pub(crate) fn name(self) -> &'t str {
        self.node.get("name").and_then(Yaml::string).unwrap_or_default()
    }

    /// `container "web"`.
    pub(crate) fn label(self) -> String {
        let role = match self.role {
            Role::Init => "init container",
            Role::Main => "container",
            Role::Ephemeral => "ephemeral container",
        };
        format!("{role} {:?}", clipped(self.name()))
    }

    pub(crate) fn security(self) -> Option<Yaml<'t>> {
        self.node.get("securityContext")
    }
}

/// Reads `plimsoll.dev/ignore.RULE: reason`, and kube-linter's word for it.
pub(super) fn read_annotations(findings: &mut Findings<'_>, scope: Scope, node: Yaml<'_>) {
    for (key, value) in node.at(&["metadata", "annotations"]).map(Yaml::entries).unwrap_or_default() {
        let name = key.text().unwrap_or_default();
        let rule = ["plimsoll.dev/ignore.", "ignore-check.kube-linter.io/"].iter();
        let Some(rule) = rule.filter_map(|prefix| name.strip_prefix(prefix)).next() else { continue };
        let reason = value.text().unwrap_or_default().trim();
        findings.set_aside(scope, rule, reason);
        if reason.is_empty() {
            let evidence = format!("the annotation {} gives no reason", clipped(name));
            findings.tell(&crate::yaml_file::IGNORE_WITHOUT_REASON, None, key.offset(), evidence);
        }
    }
}
