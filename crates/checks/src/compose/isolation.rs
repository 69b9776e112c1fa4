//! What keeps a service apart from its host, and what takes that away.

use plimsoll_formats::yaml_tree::Yaml;

use super::rules::{
    CAPABILITY_ADDED, CONTAINER_SOCKET, DANGEROUS_CAPABILITY, HOST_NAMESPACE, HOST_NETWORK,
    MISSING_CPU_LIMIT, MISSING_MEMORY_LIMIT, MISSING_PIDS_LIMIT, PRIVILEGE_ESCALATION, PRIVILEGED,
    RUNS_AS_ROOT, SENSITIVE_HOST_PATH, UNCONFINED, WRITABLE_ROOT_FILESYSTEM,
};
use super::service::{Service, is_true};
use crate::build_file::FileRule;
use crate::image_config::clipped;
use crate::yaml_file::{Findings, Scope, inserted, is_container_socket, sensitive_path};

/// What the usual runtimes give by themselves.
const USUAL_CAPABILITIES: &[&str] = &[
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// What lets a container out.
const DANGEROUS_CAPABILITIES: &[&str] = &[
    "ALL",
    "BPF",
    "DAC_READ_SEARCH",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "PERFMON",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_MODULE",
    "SYS_PTRACE",
    "SYS_RAWIO",
];

pub(super) fn check(findings: &mut Findings<'_>, text: &str, service: &Service<'_>, scope: Scope) {
    let label = service.label();
    let mut tell = |rule: &'static FileRule, at: usize, what: &str| {
        findings.tell(rule, Some(scope), at, format!("{label}: {what}"));
    };
    if let Some((key, _)) = service.node.entry("privileged").filter(|(_, value)| is_true(*value)) {
        tell(&PRIVILEGED, key.offset(), "privileged is true");
    }
    if let Some((key, user)) = service.node.entry("user") {
        let name = user.text().unwrap_or_default().split(':').next().unwrap_or_default().trim();
        if name == "root" || name.parse() == Ok(0_u32) {
            tell(
                &RUNS_AS_ROOT,
                key.offset(),
                &format!("user is {:?}", clipped(user.text().unwrap_or_default())),
            );
        }
    }
    capabilities(service, &mut tell);
    namespaces(service, &mut tell);
    options(service, &mut tell);
    volumes(service, &mut tell);
    missing(service, &mut tell);
    escalation(findings, text, service, scope);
}

fn capabilities(service: &Service<'_>, tell: &mut impl FnMut(&'static FileRule, usize, &str)) {
    for added in service.node.get("cap_add").into_iter().flat_map(Yaml::items) {
        let upper = added.text().unwrap_or_default().to_ascii_uppercase();
        let name = upper.strip_prefix("CAP_").unwrap_or(&upper);
        let rule = if DANGEROUS_CAPABILITIES.contains(&name) {
            &DANGEROUS_CAPABILITY
        } else if USUAL_CAPABILITIES.contains(&name) {
            continue;
        } else {
            &CAPABILITY_ADDED
        };
        tell(rule, added.offset(), &format!("adds {}", clipped(name)));
    }
}

fn namespaces(service: &Service<'_>, tell: &mut impl FnMut(&'static FileRule, usize, &str)) {
    for (name, rule) in [
        ("cgroup", &HOST_NAMESPACE),
        ("ipc", &HOST_NAMESPACE),
        ("network_mode", &HOST_NETWORK),
        ("pid", &HOST_NAMESPACE),
        ("userns_mode", &HOST_NAMESPACE),
        ("uts", &HOST_NAMESPACE),
    ] {
        let entry = service.node.entry(name);
        if let Some((key, _)) = entry.filter(|(_, value)| value.text() == Some("host")) {
            tell(rule, key.offset(), &format!("{name} is host"));
        }
    }
}

/// Options are written with `:` or `=`.
fn options(service: &Service<'_>, tell: &mut impl FnMut(&'static FileRule, usize, &str)) {
    for option in service.node.get("security_opt").into_iter().flat_map(Yaml::items) {
        let text = option.text().unwrap_or_default();
        let is_off = matches!(
            text.replace('=', ":").as_str(),
            "apparmor:unconfined"
                | "label:disable"
                | "no-new-privileges:false"
                | "seccomp:unconfined"
                | "systempaths:unconfined"
        );
        if is_off {
            tell(&UNCONFINED, option.offset(), &format!("security_opt has {text}"));
        }
    }
}

fn volumes(service: &Service<'_>, tell: &mut impl FnMut(&'static FileRule, usize, &str)) {
    for volume in service.node.get("volumes").into_iter().flat_map(Yaml::items) {
        let short = volume.string().map(|text| text.split(':').next().unwrap_or_default());
        let long = || {
            let is_bind = volume.get("type").and_then(Yaml::text) == Some("bind");
            volume.get("source").filter(|_| is_bind).and_then(Yaml::string)
        };
        let Some(source) = short.or_else(long) else { continue };
        // Without a colon, it is the path in the container.
        if volume.string().is_some_and(|text| !text.contains(':')) {
            continue;
        }
        let rule = if is_container_socket(source) {
            &CONTAINER_SOCKET
        } else if sensitive_path(source).is_some() {
            &SENSITIVE_HOST_PATH
        } else {
            continue;
        };
        tell(rule, volume.offset(), &format!("mounts {:?} of the host", clipped(source)));
    }
}

/// What may be said in two ways, or in what the service extends.
fn missing(service: &Service<'_>, tell: &mut impl FnMut(&'static FileRule, usize, &str)) {
    if !service.is_known() {
        return;
    }
    let limit = |name: &str| service.at(&["deploy", "resources", "limits", name]).is_some();
    let own = |name: &str| service.at(&[name]).is_some();
    let at = service.key.offset();
    if !limit("memory") && !own("mem_limit") {
        tell(&MISSING_MEMORY_LIMIT, at, "no limit of memory is set");
    }
    if !limit("cpus") && !own("cpus") && !own("cpu_quota") && !own("cpu_count") {
        tell(&MISSING_CPU_LIMIT, at, "no limit of CPU time is set");
    }
    if !limit("pids") && !own("pids_limit") {
        tell(&MISSING_PIDS_LIMIT, at, "no limit of processes is set");
    }
    if !service.at(&["read_only"]).is_some_and(is_true) {
        tell(&WRITABLE_ROOT_FILESYSTEM, at, "read_only is not true");
    }
}

fn escalation(findings: &mut Findings<'_>, text: &str, service: &Service<'_>, scope: Scope) {
    let is_set = |option: Yaml<'_>| {
        let option = option.text().unwrap_or_default().replace('=', ":");
        option.starts_with("no-new-privileges")
    };
    let options = service.items("security_opt");
    if !service.is_known() || options.iter().any(|option| is_set(*option)) {
        return;
    }
    let is_privileged = service.at(&["privileged"]).is_some_and(is_true);
    let lines = ["security_opt:", "  - no-new-privileges:true"];
    let is_free =
        !is_privileged && !service.node.own_entries().any(|(key, _)| key.text() == Some("security_opt"));
    // Where a merge key brings a list, a list of the service's own would take its place.
    let is_free = is_free && service.node.get("security_opt").is_none();
    let edit = if is_free { inserted(&PRIVILEGE_ESCALATION, text, service.node, &lines) } else { None };
    let evidence = format!("{}: security_opt has no no-new-privileges:true", service.label());
    findings.tell_with(&PRIVILEGE_ESCALATION, Some(scope), service.key.offset(), evidence, edit);
}
