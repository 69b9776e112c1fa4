//! The Pod Security Standards: one rule a control, as the reference implementation has them.
//!
//! A control is judged as a release of Kubernetes judges it, by default as the latest one does. The standards:
//! <https://kubernetes.io/docs/concepts/security/pod-security-standards/>; the reference: `k8s.io/pod-security-admission`.

mod baseline;
mod restricted;

use std::collections::HashSet;

use plimsoll_formats::yaml_tree::Yaml;
use plimsoll_model::severity::Severity;

use super::object::{Container, Pod, objects};
use crate::build_file::FileRule;
use crate::image_config::clipped;
use crate::yaml_file;

/// A minor release of Kubernetes 1: `Release(37)` is 1.37.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Release(pub u32);

impl Release {
    /// The latest release whose standards are known.
    pub const LATEST: Self = Self(37);
}

/// How strict a control is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Level {
    /// Prevents known privilege escalations.
    Baseline,
    /// Follows current practice of hardening.
    Restricted,
}

/// A control of the standards.
#[derive(Clone, Copy, Debug)]
pub struct Control {
    /// The rule.
    pub rule: FileRule,
    /// Its level.
    pub level: Level,
    /// Its name in the reference implementation.
    pub reference: &'static str,
    /// The control of the baseline in whose place it stands.
    overrides: Option<&'static str>,
    /// The first release that has it.
    since: Release,
    check: fn(&Looked<'_>) -> Vec<Breach>,
}

/// All controls, in the order of levels and names.
pub const CONTROLS: &[Control] = &[
    baseline::APP_ARMOR,
    baseline::CAPABILITIES,
    baseline::HOST_NAMESPACES,
    baseline::HOST_PATH_VOLUMES,
    baseline::HOST_PORTS,
    baseline::HOST_PROBES,
    baseline::PRIVILEGED,
    baseline::PROC_MOUNT,
    baseline::SE_LINUX,
    baseline::SECCOMP,
    baseline::SYSCTLS,
    baseline::WINDOWS_HOST_PROCESS,
    restricted::CAPABILITIES,
    restricted::PRIVILEGE_ESCALATION,
    restricted::PROC_MOUNT,
    restricted::RUN_AS_NON_ROOT,
    restricted::RUN_AS_USER,
    restricted::SECCOMP,
    restricted::VOLUMES,
];

/// What breaks a control.
#[derive(Clone, Debug)]
pub(super) struct Breach {
    /// The byte at which it stands.
    pub(super) at: usize,
    /// The container that is meant, by its place in the pod.
    pub(super) container: Option<usize>,
    pub(super) evidence: String,
}

/// A pod as controls look at it.
struct Looked<'t> {
    pod: Pod<'t>,
    containers: Vec<Container<'t>>,
    release: Release,
}

/// The controls that a pod breaks, each with where.
pub(super) fn broken(pod: Pod<'_>, release: Release) -> Vec<(&'static Control, Vec<Breach>)> {
    let looked = Looked { pod, containers: pod.containers(), release };
    let applies = CONTROLS.iter().filter(|control| control.since <= release);
    let found = applies.map(|control| (control, (control.check)(&looked)));
    found.filter(|(_, breaches)| !breaches.is_empty()).collect()
}

/// The controls that each pod of a manifest breaks, by their names in the reference implementation, in the order of
/// [`CONTROLS`].
#[must_use]
pub fn broken_controls(text: &str, release: Release) -> Vec<Vec<&'static str>> {
    let tree = yaml_file::read(text);
    let pods = objects(&tree).into_iter().filter_map(|object| object.pod());
    pods.map(|pod| broken(pod, release).iter().map(|(control, _)| control.reference).collect()).collect()
}

/// Leaves out what a control of the baseline tells at the same place as the restricted one that stands for it.
pub(super) fn without_repeats(broken: &mut [(&'static Control, Vec<Breach>)]) {
    let places: Vec<(&str, HashSet<usize>)> = broken
        .iter()
        .map(|(control, breaches)| (control.reference, breaches.iter().map(|breach| breach.at).collect()))
        .collect();
    for (control, breaches) in broken.iter_mut() {
        let overridden = places.iter().find(|(name, _)| Some(*name) == control.overrides);
        if let Some((_, told)) = overridden {
            breaches.retain(|breach| !told.contains(&breach.at));
        }
    }
}

impl<'t> Looked<'t> {
    /// The security context of the pod.
    fn security(&self) -> Option<Yaml<'t>> {
        self.pod.spec.get("securityContext")
    }

    /// Tells whether the pod has users of its own, so that root in it is none outside.
    fn has_own_users(&self) -> bool {
        self.release >= Release(35) && self.pod.spec.get("hostUsers").and_then(Yaml::boolean) == Some(false)
    }

    /// Tells whether controls that Windows does not know are waived.
    fn is_exempt_windows(&self) -> bool {
        self.release >= Release(25) && self.pod.is_windows()
    }

    /// What `check` sees in each container.
    fn in_containers(&self, check: impl Fn(Container<'t>) -> Vec<(usize, String)>) -> Vec<Breach> {
        let each = self.containers.iter().enumerate().flat_map(|(index, container)| {
            let label = container.label();
            let breach =
                move |(at, what)| Breach { at, container: Some(index), evidence: format!("{label}: {what}") };
            check(*container).into_iter().map(breach)
        });
        each.collect()
    }

    /// What `check` sees in the security contexts of the pod and of each container.
    fn in_contexts(&self, check: impl Fn(Yaml<'t>) -> Vec<(usize, String)>) -> Vec<Breach> {
        let of_pod = self.security().map(&check).unwrap_or_default();
        let of_pod = of_pod.into_iter().map(|(at, what)| self.of_pod(at, &what));
        let of_containers =
            self.in_containers(|container| container.security().map(&check).unwrap_or_default());
        of_pod.chain(of_containers).collect()
    }

    fn of_pod(&self, at: usize, what: &str) -> Breach {
        Breach { at, container: None, evidence: format!("{}: {what}", self.pod.object.label()) }
    }
}

/// `name: value`, if the value is `true`.
fn is_true(node: Yaml<'_>, name: &str) -> Option<(usize, String)> {
    let (key, value) = node.entry(name)?;
    (value.boolean() == Some(true)).then(|| (key.offset(), format!("{name} is true")))
}

/// A profile (seccomp, AppArmor) of a security context whose type is neither the runtime's nor a file's.
fn forbidden_profile(context: Yaml<'_>, name: &str) -> Option<(usize, String)> {
    let (key, profile) = context.entry(name)?;
    let kind = profile.get("type").and_then(Yaml::string).unwrap_or_default();
    let is_allowed = matches!(kind, "RuntimeDefault" | "Localhost");
    (!is_allowed).then(|| (key.offset(), format!("the type of {name} is {:?}", clipped(kind))))
}

fn strings(node: Option<Yaml<'_>>) -> Vec<(usize, &str)> {
    let items = node.into_iter().flat_map(Yaml::items);
    items.filter_map(|item| Some((item.offset(), item.string()?))).collect()
}
