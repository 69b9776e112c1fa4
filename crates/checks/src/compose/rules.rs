//! The rules over Compose files.

use plimsoll_model::severity::Severity;

use crate::build_file::FileRule;

pub(crate) const CAPABILITY_ADDED: FileRule = FileRule {
    id: "compose-capability-added",
    aliases: &[],
    title: "A service gets capabilities beyond the usual ones",
    severity: Severity::Medium,
    remedy: "Take the capability out of cap_add",
};

pub(crate) const CONTAINER_SOCKET: FileRule = FileRule {
    id: "compose-container-socket",
    aliases: &[],
    title: "A service is given the socket of the container runtime",
    severity: Severity::Critical,
    remedy: "Remove the volume: who may write to the socket is root on the host",
};

pub(crate) const DANGEROUS_CAPABILITY: FileRule = FileRule {
    id: "compose-dangerous-capability",
    aliases: &[],
    title: "A service gets a capability that makes it root of its host",
    severity: Severity::High,
    remedy: "Take the capability out of cap_add",
};

pub(crate) const ENV_FILE: FileRule = FileRule {
    id: "compose-env-file",
    aliases: &[],
    title: "A service gets variables from a file",
    severity: Severity::Negligible,
    remedy: "Keep secrets out of the file, and the file out of version control; use secrets",
};

pub(crate) const EXPOSED_DATABASE: FileRule = FileRule {
    id: "compose-exposed-database",
    aliases: &[],
    title: "A data store is reached from every network of the host",
    severity: Severity::Medium,
    remedy: "Bind the port to 127.0.0.1, or remove it: services of one network reach each other without",
};

pub(crate) const HOST_NAMESPACE: FileRule = FileRule {
    id: "compose-host-namespace",
    aliases: &[],
    title: "A service shares a namespace of its host",
    severity: Severity::High,
    remedy: "Remove pid, ipc, uts, cgroup and userns_mode",
};

pub(crate) const HOST_NETWORK: FileRule = FileRule {
    id: "compose-host-network",
    aliases: &[],
    title: "A service is in the network of its host",
    severity: Severity::Medium,
    remedy: "Remove network_mode and publish the ports that are needed",
};

pub(crate) const IMAGE_LATEST_TAG: FileRule = FileRule {
    id: "compose-image-latest-tag",
    aliases: &[],
    title: "An image is named by the tag latest, or by none",
    severity: Severity::Medium,
    remedy: "Name the image by a version and a digest",
};

pub(crate) const IMAGE_WITHOUT_DIGEST: FileRule = FileRule {
    id: "compose-image-without-digest",
    aliases: &[],
    title: "An image is named by a tag, which may be moved",
    severity: Severity::Low,
    remedy: "Add the digest: NAME:TAG@sha256:…",
};

pub(crate) const MISSING_CPU_LIMIT: FileRule = FileRule {
    id: "compose-missing-cpu-limit",
    aliases: &[],
    title: "A service has no limit of CPU time",
    severity: Severity::Negligible,
    remedy: "Set deploy.resources.limits.cpus",
};

pub(crate) const MISSING_MEMORY_LIMIT: FileRule = FileRule {
    id: "compose-missing-memory-limit",
    aliases: &[],
    title: "A service has no limit of memory",
    severity: Severity::Low,
    remedy: "Set deploy.resources.limits.memory",
};

pub(crate) const MISSING_PIDS_LIMIT: FileRule = FileRule {
    id: "compose-missing-pids-limit",
    aliases: &[],
    title: "A service may start processes without end",
    severity: Severity::Negligible,
    remedy: "Set deploy.resources.limits.pids",
};

pub(crate) const OBSOLETE_VERSION: FileRule = FileRule {
    id: "compose-obsolete-version",
    aliases: &[],
    title: "The key version means nothing any more",
    severity: Severity::Negligible,
    remedy: "Remove it",
};

pub(crate) const PRIVILEGED: FileRule = FileRule {
    id: "compose-privileged",
    aliases: &[],
    title: "A service is privileged",
    severity: Severity::High,
    remedy: "Remove privileged, and add the capabilities or devices that are needed",
};

pub(crate) const PRIVILEGE_ESCALATION: FileRule = FileRule {
    id: "compose-privilege-escalation",
    aliases: &[],
    title: "A process may get more privileges than its parent",
    severity: Severity::Low,
    remedy: "Add no-new-privileges:true to security_opt",
};

pub(crate) const RUNS_AS_ROOT: FileRule = FileRule {
    id: "compose-runs-as-root",
    aliases: &[],
    title: "A service is told to run as root",
    severity: Severity::Medium,
    remedy: "Set user to another number, or leave it to the image",
};

pub(crate) const SECRET_IN_BUILD_ARGUMENT: FileRule = FileRule {
    id: "compose-secret-in-build-argument",
    aliases: &[],
    title: "Secret in a build argument, which stays in the image",
    severity: Severity::High,
    remedy: "Revoke the secret, and give the new one to the build under build.secrets",
};

pub(crate) const SECRET_IN_COMMAND: FileRule = FileRule {
    id: "compose-secret-in-command",
    aliases: &[],
    title: "Secret in a service's command",
    severity: Severity::High,
    remedy: "Revoke the secret, and give the new one to the service under secrets",
};

pub(crate) const SECRET_IN_ENVIRONMENT: FileRule = FileRule {
    id: "compose-secret-in-environment",
    aliases: &[],
    title: "Secret in a service's environment",
    severity: Severity::High,
    remedy: "Revoke the secret, and give the new one to the service under secrets",
};

pub(crate) const SENSITIVE_HOST_PATH: FileRule = FileRule {
    id: "compose-sensitive-host-path",
    aliases: &[],
    title: "A service is given a directory that rules its host",
    severity: Severity::High,
    remedy: "Remove the volume, or mount only the file that is needed, for reading",
};

pub(crate) const SSH_PORT: FileRule = FileRule {
    id: "compose-ssh-port",
    aliases: &[],
    title: "A service offers an SSH server",
    severity: Severity::Medium,
    remedy: "Take the SSH server out of the image and enter containers with the runtime's exec",
};

pub(crate) const UNCONFINED: FileRule = FileRule {
    id: "compose-unconfined",
    aliases: &[],
    title: "A protection of the kernel is turned off for a service",
    severity: Severity::High,
    remedy: "Remove the option from security_opt",
};

pub(crate) const WRITABLE_ROOT_FILESYSTEM: FileRule = FileRule {
    id: "compose-writable-root-filesystem",
    aliases: &[],
    title: "A service may write to its own file system",
    severity: Severity::Low,
    remedy: "Set read_only to true, and mount a tmpfs where it has to write",
};
