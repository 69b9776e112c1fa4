//! Pods put together at random from what the controls look at, written in the ways that YAML has.

use std::fmt::Write as _;

/// A generator of numbers whose sequence is always the same (Knuth's MMIX constants).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// Lines of which some go to a security context; `…` stands for nothing.
const CONTEXT: &[&[&str]] = &[
    &[
        "…",
        "runAsNonRoot: true",
        "runAsNonRoot: false",
        "runAsNonRoot: yes",
        "runAsNonRoot: null",
        "runAsNonRoot:",
    ],
    &["…", "runAsUser: 0", "runAsUser: 1000", "runAsUser: 0x0", "runAsUser: null"],
    &[
        "…",
        "seccompProfile: {type: RuntimeDefault}",
        "seccompProfile: {type: Unconfined}",
        "seccompProfile: {}",
        "seccompProfile: {type: Localhost, localhostProfile: x}",
        "seccompProfile: null",
    ],
    &[
        "…",
        "appArmorProfile: {type: RuntimeDefault}",
        "appArmorProfile: {type: Unconfined}",
        "appArmorProfile: {type: \"\"}",
    ],
    &[
        "…",
        "seLinuxOptions: {type: container_t}",
        "seLinuxOptions: {type: container_engine_t}",
        "seLinuxOptions: {type: spc_t}",
        "seLinuxOptions: {user: u}",
        "seLinuxOptions: {user: '', role: \"\"}",
        "seLinuxOptions: {role: r, type: container_kvm_t}",
    ],
    &[
        "…",
        "windowsOptions: {hostProcess: true}",
        "windowsOptions: {hostProcess: false}",
        "windowsOptions: {}",
    ],
];

/// Those of a pod alone.
const OF_POD: &[&[&str]] = &[&[
    "…",
    "sysctls: [{name: kernel.shm_rmid_forced, value: \"0\"}]",
    "sysctls: [{name: net.ipv4.tcp_rmem, value: \"1\"}, {name: net.ipv4.tcp_keepalive_time, value: \"1\"}]",
    "sysctls: [{name: kernel.msgmax, value: \"1\"}]",
    "sysctls: [{name: net.ipv4.tcp_notsent_lowat, value: \"1\"}]",
    "sysctls: []",
]];

/// Those of a container alone.
const OF_CONTAINER: &[&[&str]] = &[
    &["…", "privileged: true", "privileged: false", "privileged: on", "privileged: null"],
    &[
        "allowPrivilegeEscalation: false",
        "…",
        "allowPrivilegeEscalation: true",
        "allowPrivilegeEscalation: off",
    ],
    &["…", "procMount: Default", "procMount: Unmasked", "procMount: \"\""],
    &[
        "capabilities: {drop: [ALL]}",
        "…",
        "capabilities: {drop: [all]}",
        "capabilities: {}",
        "capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}",
        "capabilities: {add: [CHOWN, SYS_ADMIN]}",
        "capabilities: {drop: [NET_RAW, \"ALL\"], add: [KILL]}",
        "capabilities: {add: [CAP_CHOWN]}",
    ],
];

const PORTS: &[&str] = &[
    "…",
    "ports: [{containerPort: 80}]",
    "ports: [{containerPort: 80, hostPort: 0}]",
    "ports: [{containerPort: 80, hostPort: 8080}, {containerPort: 81}]",
];

const HANDLERS: &[&str] = &[
    "…",
    "livenessProbe: {httpGet: {port: 80, host: \"\"}}",
    "readinessProbe: {httpGet: {port: 80, host: 127.0.0.1}}",
    "startupProbe: {tcpSocket: {port: 80, host: example.org}}",
    "lifecycle: {postStart: {httpGet: {port: 80, host: h}}}",
    "lifecycle: {preStop: {tcpSocket: {port: 80, host: h}}}",
    "lifecycle: {preStop: {exec: {command: [ls]}}}",
];

const VOLUMES: &[&str] = &[
    "…",
    "volumes: [{name: a, emptyDir: {}}]",
    "volumes: [{name: a, hostPath: {path: /}}, {name: b, secret: {}}]",
    "volumes: [{name: a, nfs: {server: s, path: /}}]",
    "volumes: [{name: a, hostPath: null, configMap: {name: x}}]",
    "volumes: [{name: a}]",
    "volumes: [{name: a, image: {reference: x}}, {name: c, csi: {driver: d}}, {name: d, ephemeral: {}}]",
    "volumes:\n  - name: a\n    iscsi: {targetPortal: x, iqn: q, lun: 0}",
];

const SPEC: &[&[&str]] = &[
    &["…", "hostNetwork: true", "hostNetwork: false", "hostNetwork: TRUE # comment"],
    &["…", "hostPID: yes"],
    &["…", "hostIPC: True", "hostIPC: no"],
    &["…", "…", "hostUsers: false", "hostUsers: true"],
    &["…", "…", "os: {name: windows}", "os: {name: linux}"],
    VOLUMES,
];

const ANNOTATIONS: &[&str] = &[
    "container.apparmor.security.beta.kubernetes.io/main: unconfined",
    "container.apparmor.security.beta.kubernetes.io/other: localhost/x",
    "container.apparmor.security.beta.kubernetes.io/main: \"\"",
    "seccomp.security.alpha.kubernetes.io/pod: unconfined",
    "seccomp.security.alpha.kubernetes.io/pod: docker/default",
    "container.seccomp.security.alpha.kubernetes.io/main: unconfined",
    "container.seccomp.security.alpha.kubernetes.io/nobody: unconfined",
];

/// A pod as text.
pub(crate) fn pod(random: &mut Random) -> String {
    let mut text = "# made\napiVersion: v1\nkind: Pod\nmetadata:\n  name: pod\n".to_owned();
    if random.below(3) == 0 {
        writeln!(text, "  annotations:\n    {}", random.pick(ANNOTATIONS)).unwrap();
    }
    text.push_str("spec:\n");
    for row in SPEC {
        line(&mut text, "  ", random.pick(row));
    }
    if random.below(4) != 0 {
        section(&mut text, random, "  ", "securityContext", &[CONTEXT, OF_POD].concat());
    }
    let mut is_first = true;
    for (list, name) in [("initContainers", "init"), ("containers", "main"), ("ephemeralContainers", "debug")]
    {
        if name != "main" && random.below(2) == 0 {
            continue;
        }
        writeln!(text, "  {list}:").unwrap();
        let anchor = if is_first { "&first" } else { "" };
        // kubectl lets a merge key win over what stands before it, YAML does not: here it stands first.
        let merge = if !is_first && random.below(5) == 0 { "<<: *first\n    " } else { "" };
        writeln!(text, "  - {anchor}\n    {merge}name: {name}\n    image: \"x\"").unwrap();
        match random.below(6) {
            0 => {}
            _ => section(&mut text, random, "    ", "securityContext", &[CONTEXT, OF_CONTAINER].concat()),
        }
        line(&mut text, "    ", random.pick(PORTS));
        line(&mut text, "    ", random.pick(HANDLERS));
        is_first = false;
    }
    text
}

fn section(text: &mut String, random: &mut Random, indent: &str, name: &str, rows: &[&[&str]]) {
    writeln!(text, "{indent}{name}:").unwrap();
    for row in rows {
        // Most of a hardened pod is right, so that controls are passed too.
        let choice = if random.below(2) == 0 { row[0] } else { random.pick(row) };
        line(text, &format!("{indent}  "), choice);
    }
}

fn line(text: &mut String, indent: &str, line: &str) {
    if line != "…" {
        writeln!(text, "{indent}{line}").unwrap();
    }
}
