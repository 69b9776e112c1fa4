//! Edits that mend what breaks a control of the Pod Security Standards, where there is only one thing to do.

use plimsoll_formats::yaml_tree::Yaml;

use super::object::{Container, Pod};
use crate::build_file::{Edit, FileRule};
use crate::yaml_file::{inserted, replaced};

/// The edit for a breach in `container`, or in the pod itself, if it is one of a kind that can be mended without knowing the program.
pub(super) fn edit(
    rule: &'static FileRule,
    text: &str,
    pod: Pod<'_>,
    container: Option<Container<'_>>,
) -> Option<Edit> {
    match rule.id {
        "pod-security-restricted-privilege-escalation" => privilege_escalation(rule, text, container?),
        "pod-security-restricted-seccomp" => seccomp(rule, text, pod, container),
        _ => None,
    }
}

/// Kubernetes refuses `allowPrivilegeEscalation: false` beside `privileged` and SYS_ADMIN.
fn privilege_escalation(rule: &'static FileRule, text: &str, container: Container<'_>) -> Option<Edit> {
    let Some(context) = container.security() else {
        let lines = ["securityContext:", "  allowPrivilegeEscalation: false"];
        let is_free = !has(container.node, "securityContext");
        return if is_free { inserted(rule, text, container.node, &lines) } else { None };
    };
    let mut added = context.at(&["capabilities", "add"]).into_iter().flat_map(Yaml::items);
    let needs_it = context.get("privileged").and_then(Yaml::boolean) == Some(true)
        || added.any(|name| matches!(name.text(), Some("SYS_ADMIN" | "CAP_SYS_ADMIN")));
    if needs_it {
        return None;
    }
    match context.entry("allowPrivilegeEscalation") {
        Some((_, value)) if value.boolean() == Some(true) => replaced(rule, text, value, "false"),
        Some(_) => None,
        // With null as its value, it stands there and would win over what is put before it.
        None if has(context, "allowPrivilegeEscalation") => None,
        None => inserted(rule, text, context, &["allowPrivilegeEscalation: false"]),
    }
}

/// The runtime's profile for the whole pod, where nobody says anything and the pod has a security context.
fn seccomp(
    rule: &'static FileRule,
    text: &str,
    pod: Pod<'_>,
    container: Option<Container<'_>>,
) -> Option<Edit> {
    let context = pod.spec.get("securityContext")?;
    let is_missing =
        container.is_some() && !has(context, "seccompProfile") && context.get("seccompProfile").is_none();
    let lines = ["seccompProfile:", "  type: RuntimeDefault"];
    if is_missing { inserted(rule, text, context, &lines) } else { None }
}

fn has(mapping: Yaml<'_>, name: &str) -> bool {
    mapping.own_entries().any(|(key, _)| key.text() == Some(name))
}
