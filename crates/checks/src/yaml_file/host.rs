//! Paths of a host that a container should not be given.

/// Directories whose content rules the host.
const SENSITIVE: &[&str] = &[
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib64",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/sys",
    "/usr",
    "/var",
    "/var/lib",
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/docker",
    "/var/lib/etcd",
    "/var/lib/kubelet",
    "/var/run",
];

/// Those of which everything below counts too.
const WHOLLY: &[&str] = &[
    "/boot",
    "/etc/cni",
    "/etc/containerd",
    "/etc/cron.d",
    "/etc/crontab",
    "/etc/docker",
    "/etc/gshadow",
    "/etc/kubernetes",
    "/etc/ld.so.preload",
    "/etc/pam.d",
    "/etc/passwd",
    "/etc/profile.d",
    "/etc/shadow",
    "/etc/ssh",
    "/etc/ssl/private",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/systemd",
    "/proc",
    "/root",
    "/sys",
    "/var/lib/etcd",
    "/var/lib/kubelet",
];

const SOCKETS: &[&str] =
    &["containerd.sock", "cri-dockerd.sock", "crio.sock", "docker.sock", "dockershim.sock", "podman.sock"];

/// The sensitive directory that a path lies in, if it does.
pub(crate) fn sensitive_path(path: &str) -> Option<&'static str> {
    let path = normal(path)?;
    let within = |directory: &str| {
        path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let exact = SENSITIVE.iter().find(|&&directory| directory == path);
    exact.or_else(|| WHOLLY.iter().find(|&&directory| within(directory))).copied()
}

/// Tells whether a path is the socket of a container runtime.
pub(crate) fn is_container_socket(path: &str) -> bool {
    normal(path).is_some_and(|path| path.rsplit('/').next().is_some_and(|name| SOCKETS.contains(&name)))
}

/// An absolute path without `.`, `..` and doubled slashes.
fn normal(path: &str) -> Option<String> {
    let path = path.strip_prefix('/')?;
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    Some(format!("/{}", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sensitive_paths_are_told_however_they_are_written() {
        for path in [
            "/",
            "//",
            "/etc/",
            "/etc/kubernetes/pki",
            "/var/../etc",
            "/proc/1/root",
            "/var/lib/kubelet/pods",
        ] {
            assert!(sensitive_path(path).is_some(), "{path}");
        }
        for path in [
            "/data",
            "/etcetera",
            "./etc",
            "/var/log/app",
            "/usr/share/zoneinfo",
            "/etc/ssl/certs",
            "/etc/localtime",
            "",
        ] {
            assert!(sensitive_path(path).is_none(), "{path}");
        }
        assert!(is_container_socket("/var/run//docker.sock"));
        assert!(!is_container_socket("/var/run/docker.socket"));
    }
}
