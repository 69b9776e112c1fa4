//! The controls of the restricted level: what the baseline allows, and hardened pods do without.

use plimsoll_formats::yaml_tree::Yaml;

use super::baseline::proc_mount;
use super::{
    Breach, Control, FileRule, Level, Looked, Release, Severity, clipped, forbidden_profile, strings,
};

const fn control(
    rule: FileRule,
    reference: &'static str,
    since: Release,
    check: fn(&Looked<'_>) -> Vec<Breach>,
) -> Control {
    Control { rule, level: Level::Restricted, reference, overrides: None, since, check }
}

pub(super) const CAPABILITIES: Control = Control {
    overrides: Some("capabilities_baseline"),
    ..control(
        FileRule {
            id: "pod-security-restricted-capabilities",
            aliases: &["KSV003", "KSV106"],
            title: "A container keeps capabilities",
            severity: Severity::Medium,
            remedy: "Set capabilities.drop to [ALL], and add no more than NET_BIND_SERVICE",
        },
        "capabilities_restricted",
        Release(22),
        capabilities,
    )
};

pub(super) const PRIVILEGE_ESCALATION: Control = control(
    FileRule {
        id: "pod-security-restricted-privilege-escalation",
        aliases: &["KSV001", "privilege-escalation-container", "privilegeEscalationAllowed"],
        title: "A process may get more privileges than its parent",
        severity: Severity::Medium,
        remedy: "Set allowPrivilegeEscalation to false",
    },
    "allowPrivilegeEscalation",
    Release(8),
    privilege_escalation,
);

pub(super) const PROC_MOUNT: Control = Control {
    overrides: Some("procMount"),
    ..control(
        FileRule {
            id: "pod-security-restricted-proc-mount",
            aliases: &[],
            title: "A container sees all of /proc, though in users of its own",
            severity: Severity::Low,
            remedy: "Remove procMount",
        },
        "procMount_restricted",
        Release(35),
        proc_mount,
    )
};

pub(super) const RUN_AS_NON_ROOT: Control = control(
    FileRule {
        id: "pod-security-restricted-run-as-non-root",
        aliases: &["KSV012", "run-as-non-root", "runAsRootAllowed"],
        title: "A container may run as root",
        severity: Severity::Medium,
        remedy: "Set runAsNonRoot to true",
    },
    "runAsNonRoot",
    Release(0),
    run_as_non_root,
);

pub(super) const RUN_AS_USER: Control = control(
    FileRule {
        id: "pod-security-restricted-run-as-user",
        aliases: &["KSV105"],
        title: "A container runs as user 0",
        severity: Severity::Medium,
        remedy: "Set runAsUser to another number, or leave it to the image",
    },
    "runAsUser",
    Release(23),
    run_as_user,
);

pub(super) const SECCOMP: Control = Control {
    overrides: Some("seccompProfile_baseline"),
    ..control(
        FileRule {
            id: "pod-security-restricted-seccomp",
            aliases: &["KSV030"],
            title: "No seccomp profile limits the system calls",
            severity: Severity::Medium,
            remedy: "Set seccompProfile.type to RuntimeDefault or Localhost",
        },
        "seccompProfile_restricted",
        Release(19),
        seccomp,
    )
};

pub(super) const VOLUMES: Control = Control {
    overrides: Some("hostPathVolumes"),
    ..control(
        FileRule {
            id: "pod-security-restricted-volume-types",
            aliases: &["KSV028"],
            title: "A volume is of a type that pods should not name themselves",
            severity: Severity::Medium,
            remedy: "Use a persistentVolumeClaim, or an ephemeral type of volume",
        },
        "restrictedVolumes",
        Release(0),
        volumes,
    )
};

const VOLUME_TYPES: &[&str] = &[
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

fn capabilities(looked: &Looked<'_>) -> Vec<Breach> {
    if looked.is_exempt_windows() {
        return Vec::new();
    }
    looked.in_containers(|container| {
        let capabilities = container.node.at(&["securityContext", "capabilities"]);
        let list = |name| strings(capabilities.and_then(|capabilities| capabilities.get(name)));
        let mut found = Vec::new();
        if !list("drop").iter().any(|(_, name)| *name == "ALL") {
            let at = capabilities.map_or(container.node.offset(), Yaml::offset);
            found.push((at, "does not drop ALL".to_owned()));
        }
        let added = list("add").into_iter().filter(|(_, name)| *name != "NET_BIND_SERVICE");
        found.extend(added.map(|(at, name)| (at, format!("adds {}", clipped(name)))));
        found
    })
}

fn privilege_escalation(looked: &Looked<'_>) -> Vec<Breach> {
    if looked.is_exempt_windows() {
        return Vec::new();
    }
    looked.in_containers(|container| {
        let context = container.security();
        match context.and_then(|context| context.entry("allowPrivilegeEscalation")) {
            Some((_, value)) if value.boolean() == Some(false) => Vec::new(),
            Some((key, _)) => vec![(key.offset(), "allowPrivilegeEscalation is not false".to_owned())],
            None => {
                vec![(container.node.offset(), "allowPrivilegeEscalation is not set to false".to_owned())]
            }
        }
    })
}

/// What a pod or container says of a thing that it should set.
enum Said {
    Well,
    Badly(usize, String),
    Nothing,
}

/// The breaches where each container, or the pod for it, has to say it well, and nobody may say it badly.
fn said_for_each<'t>(looked: &Looked<'t>, missing: &str, said: impl Fn(Yaml<'t>) -> Said) -> Vec<Breach> {
    let of = |context: Option<Yaml<'t>>| context.map_or(Said::Nothing, &said);
    let of_pod = of(looked.security());
    let mut breaches = looked.in_containers(|container| match of(container.security()) {
        Said::Badly(at, what) => vec![(at, what)],
        Said::Nothing if !matches!(of_pod, Said::Well) => vec![(container.node.offset(), missing.to_owned())],
        Said::Well | Said::Nothing => Vec::new(),
    });
    if let Said::Badly(at, what) = of_pod {
        breaches.push(looked.of_pod(at, &what));
    }
    breaches
}

fn run_as_non_root(looked: &Looked<'_>) -> Vec<Breach> {
    if looked.has_own_users() {
        return Vec::new();
    }
    said_for_each(looked, "neither it nor the pod sets runAsNonRoot to true", |context| {
        match context.entry("runAsNonRoot") {
            Some((_, value)) if value.boolean() == Some(true) => Said::Well,
            Some((key, _)) => Said::Badly(key.offset(), "runAsNonRoot is not true".to_owned()),
            None => Said::Nothing,
        }
    })
}

fn run_as_user(looked: &Looked<'_>) -> Vec<Breach> {
    if looked.has_own_users() {
        return Vec::new();
    }
    looked.in_contexts(|context| {
        let user = context.entry("runAsUser").filter(|(_, value)| value.integer() == Some(0));
        user.map(|(key, _)| (key.offset(), "runAsUser is 0".to_owned())).into_iter().collect()
    })
}

fn seccomp(looked: &Looked<'_>) -> Vec<Breach> {
    if looked.is_exempt_windows() {
        return Vec::new();
    }
    said_for_each(looked, "neither it nor the pod sets seccompProfile", |context| {
        match (context.get("seccompProfile"), forbidden_profile(context, "seccompProfile")) {
            (None, _) => Said::Nothing,
            (Some(_), Some((at, what))) => Said::Badly(at, what),
            (Some(_), None) => Said::Well,
        }
    })
}

fn volumes(looked: &Looked<'_>) -> Vec<Breach> {
    let volumes = looked.pod.spec.get("volumes").into_iter().flat_map(Yaml::items);
    let restricted = volumes.filter(|volume| !VOLUME_TYPES.iter().any(|kind| volume.get(kind).is_some()));
    let breach = |volume: Yaml<'_>| {
        let entries = volume.entries();
        let kind = entries.iter().find(|(key, value)| key.text() != Some("name") && !value.is_null());
        let key = kind.map(|(key, _)| key);
        let at = key.map_or(volume.offset(), |key| key.offset());
        let kind = clipped(key.and_then(|key| key.text()).unwrap_or("none"));
        let name = clipped(volume.get("name").and_then(Yaml::string).unwrap_or_default());
        looked.of_pod(at, &format!("volume {name:?} is of type {kind}"))
    };
    restricted.map(breach).collect()
}
