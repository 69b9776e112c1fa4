//! The controls of the baseline: what lets a container become its node's root.

use plimsoll_formats::yaml_tree::Yaml;

use super::{
    Breach, Control, FileRule, Level, Looked, Release, Severity, clipped, forbidden_profile, is_true, strings,
};

const fn control(rule: FileRule, reference: &'static str, check: fn(&Looked<'_>) -> Vec<Breach>) -> Control {
    Control { rule, level: Level::Baseline, reference, overrides: None, since: Release(0), check }
}

pub(super) const APP_ARMOR: Control = control(
    FileRule {
        id: "pod-security-baseline-app-armor",
        aliases: &["KSV002"],
        title: "An AppArmor profile is turned off",
        severity: Severity::Medium,
        remedy: "Leave the AppArmor profile to the runtime, or set RuntimeDefault or Localhost",
    },
    "appArmorProfile",
    app_armor,
);

pub(super) const CAPABILITIES: Control = control(
    FileRule {
        id: "pod-security-baseline-capabilities",
        aliases: &["KSV022"],
        title: "A container gets capabilities beyond the usual ones",
        severity: Severity::High,
        remedy: "Take the capability out of capabilities.add",
    },
    "capabilities_baseline",
    capabilities,
);

pub(super) const HOST_NAMESPACES: Control = control(
    FileRule {
        id: "pod-security-baseline-host-namespaces",
        aliases: &[
            "KSV008",
            "KSV009",
            "KSV010",
            "host-ipc",
            "host-network",
            "host-pid",
            "hostIPCSet",
            "hostNetworkSet",
            "hostPIDSet",
        ],
        title: "A pod shares a namespace of its node",
        severity: Severity::High,
        remedy: "Remove hostNetwork, hostPID and hostIPC",
    },
    "hostNamespaces",
    host_namespaces,
);

pub(super) const HOST_PATH_VOLUMES: Control = control(
    FileRule {
        id: "pod-security-baseline-host-path-volumes",
        aliases: &["KSV023"],
        title: "A pod mounts a path of its node",
        severity: Severity::High,
        remedy: "Use another type of volume: emptyDir, configMap, persistentVolumeClaim",
    },
    "hostPathVolumes",
    host_path_volumes,
);

pub(super) const HOST_PORTS: Control = control(
    FileRule {
        id: "pod-security-baseline-host-ports",
        aliases: &["KSV024", "hostPortSet"],
        title: "A container takes a port of its node",
        severity: Severity::Medium,
        remedy: "Remove hostPort and reach the pod by a Service",
    },
    "hostPorts",
    host_ports,
);

pub(super) const HOST_PROBES: Control = Control {
    since: Release(34),
    ..control(
        FileRule {
            id: "pod-security-baseline-host-probes",
            aliases: &[],
            title: "A probe or a lifecycle hook names a host",
            severity: Severity::Medium,
            remedy: "Remove host from the probe or hook: the node would call any address for the pod",
        },
        "hostProbesAndHostLifecycle",
        host_probes,
    )
};

pub(super) const PRIVILEGED: Control = control(
    FileRule {
        id: "pod-security-baseline-privileged",
        aliases: &["KSV017", "privileged-container", "runAsPrivileged"],
        title: "A container is privileged",
        severity: Severity::High,
        remedy: "Remove privileged, and add the capabilities that are needed",
    },
    "privileged",
    |looked| {
        looked.in_containers(|container| {
            container.security().and_then(|context| is_true(context, "privileged")).into_iter().collect()
        })
    },
);

pub(super) const PROC_MOUNT: Control = control(
    FileRule {
        id: "pod-security-baseline-proc-mount",
        aliases: &["KSV027", "unsafe-proc-mount"],
        title: "A container sees all of /proc",
        severity: Severity::Medium,
        remedy: "Remove procMount, or give the pod users of its own with hostUsers: false",
    },
    "procMount",
    |looked| if looked.has_own_users() { Vec::new() } else { proc_mount(looked) },
);

pub(super) const SECCOMP: Control = control(
    FileRule {
        id: "pod-security-baseline-seccomp",
        aliases: &["KSV104"],
        title: "A seccomp profile is turned off",
        severity: Severity::Medium,
        remedy: "Set seccompProfile.type to RuntimeDefault or Localhost",
    },
    "seccompProfile_baseline",
    seccomp,
);

pub(super) const SE_LINUX: Control = control(
    FileRule {
        id: "pod-security-baseline-se-linux",
        aliases: &["KSV025"],
        title: "SELinux's type, user or role is changed",
        severity: Severity::Medium,
        remedy: "Remove user and role, and set one of the types for containers",
    },
    "seLinuxOptions",
    |looked| {
        looked.in_contexts(|context| {
            let options = context.get("seLinuxOptions");
            options.map(|options| se_linux(options, looked.release)).unwrap_or_default()
        })
    },
);

pub(super) const SYSCTLS: Control = control(
    FileRule {
        id: "pod-security-baseline-sysctls",
        aliases: &["KSV026", "unsafe-sysctls"],
        title: "A kernel parameter is set that may touch other pods",
        severity: Severity::Medium,
        remedy: "Remove the sysctl: only some are of the pod alone",
    },
    "sysctls",
    sysctls,
);

pub(super) const WINDOWS_HOST_PROCESS: Control = control(
    FileRule {
        id: "pod-security-baseline-windows-host-process",
        aliases: &["KSV103"],
        title: "A container runs as a process of its Windows node",
        severity: Severity::High,
        remedy: "Remove windowsOptions.hostProcess",
    },
    "windowsHostProcess",
    |looked| {
        looked.in_contexts(|context| {
            let options = context.get("windowsOptions");
            options.and_then(|options| is_true(options, "hostProcess")).into_iter().collect()
        })
    },
);

/// What a container may be given back: the default of the usual runtimes, without NET_RAW.
const CAPABILITIES_ALLOWED: &[&str] = &[
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// The sysctls that are of a pod alone, with the release since which the standards say so.
const SYSCTLS_ALLOWED: &[(&str, u32)] = &[
    ("kernel.shm_rmid_forced", 0),
    ("net.ipv4.ip_local_port_range", 0),
    ("net.ipv4.ip_local_reserved_ports", 27),
    ("net.ipv4.ip_unprivileged_port_start", 0),
    ("net.ipv4.ping_group_range", 0),
    ("net.ipv4.tcp_fin_timeout", 29),
    ("net.ipv4.tcp_keepalive_intvl", 29),
    ("net.ipv4.tcp_keepalive_probes", 29),
    ("net.ipv4.tcp_keepalive_time", 29),
    ("net.ipv4.tcp_notsent_lowat", 37),
    ("net.ipv4.tcp_rmem", 32),
    ("net.ipv4.tcp_slow_start_after_idle", 37),
    ("net.ipv4.tcp_syncookies", 0),
    ("net.ipv4.tcp_wmem", 32),
];

/// The types of SELinux for containers, with the release since which the standards say so.
const SE_LINUX_TYPES: &[(&str, u32)] = &[
    ("", 0),
    ("container_engine_t", 31),
    ("container_init_t", 0),
    ("container_kvm_t", 0),
    ("container_t", 0),
];

fn is_allowed(list: &[(&str, u32)], name: &str, release: Release) -> bool {
    list.iter().any(|&(known, since)| known == name && Release(since) <= release)
}

fn app_armor(looked: &Looked<'_>) -> Vec<Breach> {
    let mut breaches =
        looked.in_contexts(|context| forbidden_profile(context, "appArmorProfile").into_iter().collect());
    for (key, value) in looked.pod.annotations() {
        let name = key.text().unwrap_or_default();
        let profile = value.string().unwrap_or_default();
        let allowed = profile.is_empty() || profile == "runtime/default" || profile.starts_with("localhost/");
        if name.starts_with("container.apparmor.security.beta.kubernetes.io/") && !allowed {
            let what = format!("the annotation {} is {:?}", clipped(name), clipped(profile));
            breaches.push(looked.of_pod(key.offset(), &what));
        }
    }
    breaches
}

fn capabilities(looked: &Looked<'_>) -> Vec<Breach> {
    looked.in_containers(|container| {
        let added = strings(container.node.at(&["securityContext", "capabilities", "add"]));
        let added = added.into_iter().filter(|(_, name)| !CAPABILITIES_ALLOWED.contains(name));
        added.map(|(at, name)| (at, format!("adds {}", clipped(name)))).collect()
    })
}

fn host_namespaces(looked: &Looked<'_>) -> Vec<Breach> {
    let names = ["hostNetwork", "hostPID", "hostIPC"].into_iter();
    let shared = names.filter_map(|name| is_true(looked.pod.spec, name));
    shared.map(|(at, what)| looked.of_pod(at, &what)).collect()
}

fn host_path_volumes(looked: &Looked<'_>) -> Vec<Breach> {
    let volumes = looked.pod.spec.get("volumes").into_iter().flat_map(Yaml::items);
    let on_host = volumes.filter_map(|volume| {
        let (key, source) = volume.entry("hostPath")?;
        let path = clipped(source.get("path").and_then(Yaml::string).unwrap_or_default());
        let name = clipped(volume.get("name").and_then(Yaml::string).unwrap_or_default());
        Some((key.offset(), format!("volume {name:?} is the path {path:?} of the node")))
    });
    on_host.map(|(at, what)| looked.of_pod(at, &what)).collect()
}

fn host_ports(looked: &Looked<'_>) -> Vec<Breach> {
    looked.in_containers(|container| {
        let ports = container.node.get("ports").into_iter().flat_map(Yaml::items);
        let taken = ports.filter_map(|port| {
            let (key, number) = port.entry("hostPort")?;
            let number = number.integer().filter(|&number| number != 0)?;
            Some((key.offset(), format!("takes port {number} of the node")))
        });
        taken.collect()
    })
}

const HANDLERS: &[&[&str]] = &[
    &["livenessProbe"],
    &["readinessProbe"],
    &["startupProbe"],
    &["lifecycle", "postStart"],
    &["lifecycle", "preStop"],
];

fn host_probes(looked: &Looked<'_>) -> Vec<Breach> {
    looked.in_containers(|container| {
        let handlers = HANDLERS.iter().filter_map(|path| Some((path.last()?, container.node.at(path)?)));
        let named = handlers.flat_map(|(name, handler)| {
            ["httpGet", "tcpSocket"].into_iter().filter_map(move |action| {
                let (key, host) = handler.get(action)?.entry("host")?;
                let host = host.text().filter(|host| !host.is_empty())?;
                Some((key.offset(), format!("{name} calls the host {:?}", clipped(host))))
            })
        });
        named.collect()
    })
}

pub(super) fn proc_mount(looked: &Looked<'_>) -> Vec<Breach> {
    looked.in_containers(|container| {
        let mount = container.security().and_then(|context| context.entry("procMount"));
        let other = mount.filter(|(_, value)| value.text() != Some("Default"));
        let breach = |(key, value): (Yaml<'_>, Yaml<'_>)| {
            (key.offset(), format!("procMount is {:?}", clipped(value.text().unwrap_or_default())))
        };
        other.map(breach).into_iter().collect()
    })
}

/// Before 1.19, seccomp was told by annotations.
fn seccomp(looked: &Looked<'_>) -> Vec<Breach> {
    const POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
    const CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";
    if looked.release >= Release(19) {
        return looked
            .in_contexts(|context| forbidden_profile(context, "seccompProfile").into_iter().collect());
    }
    let annotations = looked.pod.annotations().into_iter().filter_map(|(key, value)| {
        let (name, profile) = (key.text()?, value.text()?);
        let is_of = |of: &str| looked.containers.iter().any(|container| container.name() == of);
        let concerns = name == POD || name.strip_prefix(CONTAINER).is_some_and(is_of);
        let allowed =
            matches!(profile, "runtime/default" | "docker/default") || profile.starts_with("localhost/");
        let what = format!("the annotation {} is {:?}", clipped(name), clipped(profile));
        (concerns && !allowed).then(|| looked.of_pod(key.offset(), &what))
    });
    annotations.collect()
}

fn se_linux(options: Yaml<'_>, release: Release) -> Vec<(usize, String)> {
    let fields = ["type", "user", "role"].into_iter().filter_map(|name| {
        let (key, value) = options.entry(name)?;
        let value = value.text()?;
        let allowed =
            if name == "type" { is_allowed(SE_LINUX_TYPES, value, release) } else { value.is_empty() };
        (!allowed).then(|| (key.offset(), format!("SELinux's {name} is {:?}", clipped(value))))
    });
    fields.collect()
}

fn sysctls(looked: &Looked<'_>) -> Vec<Breach> {
    let context = looked.security();
    let all = context.and_then(|context| context.get("sysctls")).into_iter().flat_map(Yaml::items);
    let unsafe_ones = all.filter_map(|sysctl| {
        let name = sysctl.get("name").and_then(Yaml::string).unwrap_or_default();
        let what = format!("sets the sysctl {:?}", clipped(name));
        (!is_allowed(SYSCTLS_ALLOWED, name, looked.release)).then_some((sysctl.offset(), what))
    });
    unsafe_ones.map(|(at, what)| looked.of_pod(at, &what)).collect()
}
