//! Rules over one container: its image, what it may use, what it is told.

use plimsoll_formats::yaml_tree::Yaml;
use plimsoll_model::severity::Severity;

use super::object::{Container, Pod, Role};
use crate::build_file::FileRule;
use crate::image_config::clipped;
use crate::yaml_file::{Findings, Pin, Scope};

pub(crate) const IMAGE_LATEST_TAG: FileRule = FileRule {
    id: "kubernetes-image-latest-tag",
    aliases: &["KSV013", "container-image-tag", "latest-tag", "tagNotSpecified"],
    title: "An image is named by the tag latest, or by none",
    severity: Severity::Medium,
    remedy: "Name the image by a version and a digest",
};

pub(crate) const IMAGE_WITHOUT_DIGEST: FileRule = FileRule {
    id: "kubernetes-image-without-digest",
    aliases: &[],
    title: "An image is named by a tag, which may be moved",
    severity: Severity::Low,
    remedy: "Add the digest: NAME:TAG@sha256:…",
};

pub(crate) const IMAGE_PULL_POLICY: FileRule = FileRule {
    id: "kubernetes-image-pull-policy",
    aliases: &["container-image-pull-policy", "pullPolicyNotAlways"],
    title: "An image by tag is not asked for again",
    severity: Severity::Low,
    remedy: "Set imagePullPolicy to Always, or name the image by digest",
};

pub(crate) const MISSING_CPU_LIMIT: FileRule = FileRule {
    id: "kubernetes-missing-cpu-limit",
    aliases: &["KSV011", "cpuLimitsMissing", "unset-cpu-requirements"],
    title: "A container has no limit of CPU time",
    severity: Severity::Negligible,
    remedy: "Set resources.limits.cpu, or a LimitRange in the namespace",
};

pub(crate) const MISSING_CPU_REQUEST: FileRule = FileRule {
    id: "kubernetes-missing-cpu-request",
    aliases: &["KSV015", "cpuRequestsMissing", "unset-cpu-requirements"],
    title: "A container does not say how much CPU time it needs",
    severity: Severity::Low,
    remedy: "Set resources.requests.cpu",
};

pub(crate) const MISSING_LIVENESS_PROBE: FileRule = FileRule {
    id: "kubernetes-missing-liveness-probe",
    aliases: &["livenessProbeMissing", "no-liveness-probe"],
    title: "Nobody notices when a container hangs",
    severity: Severity::Negligible,
    remedy: "Add a livenessProbe",
};

pub(crate) const MISSING_MEMORY_LIMIT: FileRule = FileRule {
    id: "kubernetes-missing-memory-limit",
    aliases: &["KSV018", "memoryLimitsMissing", "unset-memory-requirements"],
    title: "A container has no limit of memory",
    severity: Severity::Low,
    remedy: "Set resources.limits.memory: without it, one container may starve its node",
};

pub(crate) const MISSING_MEMORY_REQUEST: FileRule = FileRule {
    id: "kubernetes-missing-memory-request",
    aliases: &["KSV016", "memoryRequestsMissing", "unset-memory-requirements"],
    title: "A container does not say how much memory it needs",
    severity: Severity::Low,
    remedy: "Set resources.requests.memory",
};

pub(crate) const MISSING_READINESS_PROBE: FileRule = FileRule {
    id: "kubernetes-missing-readiness-probe",
    aliases: &["no-readiness-probe", "readinessProbeMissing"],
    title: "Requests reach a container before it is ready",
    severity: Severity::Negligible,
    remedy: "Add a readinessProbe",
};

pub(crate) const SECRET_FROM_ENVIRONMENT: FileRule = FileRule {
    id: "kubernetes-secret-from-environment",
    aliases: &["read-secret-from-env-var"],
    title: "A container gets a Secret as a variable",
    severity: Severity::Negligible,
    remedy: "Mount the Secret as a file: variables end in crash reports and child processes",
};

pub(crate) const SECRET_IN_COMMAND: FileRule = FileRule {
    id: "kubernetes-secret-in-command",
    aliases: &[],
    title: "Secret in a container's command",
    severity: Severity::High,
    remedy: "Revoke the secret, keep the new one in a Secret and mount it as a file",
};

pub(crate) const SECRET_IN_ENVIRONMENT: FileRule = FileRule {
    id: "kubernetes-secret-in-environment",
    aliases: &["env-var-secret", "sensitiveContainerEnvVar"],
    title: "Secret in a container's environment",
    severity: Severity::High,
    remedy: "Revoke the secret, keep the new one in a Secret and mount it as a file",
};

pub(crate) const SSH_PORT: FileRule = FileRule {
    id: "kubernetes-ssh-port",
    aliases: &["ssh-port"],
    title: "A container offers an SSH server",
    severity: Severity::Medium,
    remedy: "Take the SSH server out of the image and enter containers with kubectl exec",
};

pub(crate) const WRITABLE_ROOT_FILESYSTEM: FileRule = FileRule {
    id: "kubernetes-writable-root-filesystem",
    aliases: &["KSV014", "no-read-only-root-fs", "notReadOnlyRootFilesystem"],
    title: "A container may write to its own file system",
    severity: Severity::Low,
    remedy: "Set readOnlyRootFilesystem to true, and mount an emptyDir where it has to write",
};

/// A container with what surrounds it.
#[derive(Clone, Copy)]
pub(super) struct Looked<'t> {
    pub(super) pod: Pod<'t>,
    pub(super) container: Container<'t>,
    pub(super) scope: Scope,
}

impl Looked<'_> {
    fn tell(self, findings: &mut Findings<'_>, rule: &'static FileRule, at: usize, what: &str) {
        findings.tell(rule, Some(self.scope), at, format!("{}: {what}", self.container.label()));
    }
}

/// Checks one container.
pub(super) fn check(findings: &mut Findings<'_>, looked: Looked<'_>) {
    image(findings, looked);
    environment(findings, looked);
    command(findings, looked);
    ports(findings, looked);
    if looked.container.role != Role::Ephemeral {
        resources(findings, looked);
        root_filesystem(findings, looked);
    }
    if looked.container.role == Role::Main && !looked.pod.is_job() {
        probes(findings, looked);
    }
}

fn image(findings: &mut Findings<'_>, looked: Looked<'_>) {
    let node = looked.container.node;
    let Some((image_key, image)) = node.entry("image") else { return };
    let name = image.string().unwrap_or_default();
    let pin = Pin::of(name);
    if name.is_empty() || pin == Pin::Digest {
        return;
    }
    let what = format!("the image is {:?}", clipped(name));
    let rule = if pin.is_latest() { &IMAGE_LATEST_TAG } else { &IMAGE_WITHOUT_DIGEST };
    looked.tell(findings, rule, image_key.offset(), &what);
    if let Some((key, policy)) = node.entry("imagePullPolicy") {
        let policy = policy.text().unwrap_or_default();
        if policy != "Always" {
            let what = format!("imagePullPolicy is {:?}", clipped(policy));
            looked.tell(findings, &IMAGE_PULL_POLICY, key.offset(), &what);
        }
    }
}

fn environment(findings: &mut Findings<'_>, looked: Looked<'_>) {
    let node = looked.container.node;
    let scope = Some(looked.scope);
    for variable in node.get("env").into_iter().flat_map(Yaml::items) {
        let name = variable.get("name").and_then(Yaml::string).unwrap_or_default();
        if let Some(value) = variable.get("value") {
            let text = value.text().unwrap_or_default();
            findings.tell_secrets(&SECRET_IN_ENVIRONMENT, scope, value.offset(), name, text);
        }
        if let Some((key, _)) = variable.get("valueFrom").and_then(|from| from.entry("secretKeyRef")) {
            let what = format!("the variable {} is of a Secret", clipped(name));
            looked.tell(findings, &SECRET_FROM_ENVIRONMENT, key.offset(), &what);
        }
    }
    for source in node.get("envFrom").into_iter().flat_map(Yaml::items) {
        if let Some((key, _)) = source.entry("secretRef") {
            looked.tell(findings, &SECRET_FROM_ENVIRONMENT, key.offset(), "envFrom takes a whole Secret");
        }
    }
}

fn command(findings: &mut Findings<'_>, looked: Looked<'_>) {
    for name in ["command", "args"] {
        for word in looked.container.node.get(name).into_iter().flat_map(Yaml::items) {
            let text = word.text().unwrap_or_default();
            // `--password=x` and `password=x` say what they are; other words are searched as they are.
            let (option, value) = text.trim_start_matches('-').split_once('=').unwrap_or((name, text));
            let option = if option.contains(char::is_whitespace) { name } else { option };
            let value = if option == name { text } else { value };
            findings.tell_secrets(&SECRET_IN_COMMAND, Some(looked.scope), word.offset(), option, value);
        }
    }
}

fn ports(findings: &mut Findings<'_>, looked: Looked<'_>) {
    for port in looked.container.node.get("ports").into_iter().flat_map(Yaml::items) {
        let Some((key, number)) = port.entry("containerPort") else { continue };
        if number.integer() == Some(22) {
            looked.tell(findings, &SSH_PORT, key.offset(), "containerPort is 22");
        }
    }
}

fn resources(findings: &mut Findings<'_>, looked: Looked<'_>) {
    let of = |node: Yaml<'_>, kind: &str, name: &str| node.at(&["resources", kind, name]).is_some();
    let set =
        |kind: &str, name: &str| of(looked.container.node, kind, name) || of(looked.pod.spec, kind, name);
    let resources = looked.container.node.entry("resources");
    let at = resources.map_or(looked.container.node.offset(), |(key, _)| key.offset());
    // A request that is missing is the limit, if there is one.
    for (is_set, rule, what) in [
        (set("limits", "cpu"), &MISSING_CPU_LIMIT, "resources.limits.cpu is not set"),
        (set("limits", "memory"), &MISSING_MEMORY_LIMIT, "resources.limits.memory is not set"),
        (
            set("requests", "cpu") || set("limits", "cpu"),
            &MISSING_CPU_REQUEST,
            "resources.requests.cpu is not set",
        ),
        (
            set("requests", "memory") || set("limits", "memory"),
            &MISSING_MEMORY_REQUEST,
            "resources.requests.memory is not set",
        ),
    ] {
        if !is_set {
            looked.tell(findings, rule, at, what);
        }
    }
}

fn root_filesystem(findings: &mut Findings<'_>, looked: Looked<'_>) {
    let context = looked.container.security();
    let (at, what) = match context.and_then(|context| context.entry("readOnlyRootFilesystem")) {
        Some((_, value)) if value.boolean() == Some(true) => return,
        Some((key, _)) => (key.offset(), "readOnlyRootFilesystem is not true"),
        None => (looked.container.node.offset(), "readOnlyRootFilesystem is not set to true"),
    };
    if !looked.pod.is_windows() {
        looked.tell(findings, &WRITABLE_ROOT_FILESYSTEM, at, what);
    }
}

fn probes(findings: &mut Findings<'_>, looked: Looked<'_>) {
    for (name, rule) in
        [("livenessProbe", &MISSING_LIVENESS_PROBE), ("readinessProbe", &MISSING_READINESS_PROBE)]
    {
        if looked.container.node.get(name).is_none() {
            let what = format!("{name} is not set");
            looked.tell(findings, rule, looked.container.node.offset(), &what);
        }
    }
}
