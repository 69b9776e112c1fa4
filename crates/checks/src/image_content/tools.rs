//! Rules over programs that a service seldom needs: what is not there cannot be used by an intruder, and needs no updates.

use plimsoll_model::content::{Content, ToolKind};
use plimsoll_model::severity::Severity;

use super::{ContentRule, Seen};

pub(crate) const COMPILER_PRESENT: ContentRule = ContentRule {
    id: "compiler-present",
    title: "Compilers and build tools are in the image",
    severity: Severity::Low,
    remedy: "Build in a stage of its own, and copy only what runs into the final one",
    check: |content| seen(content, &[ToolKind::Compiler, ToolKind::BuildTool]),
};

pub(crate) const DEBUG_TOOL_PRESENT: ContentRule = ContentRule {
    id: "debug-tool-present",
    title: "Debugging tools are in the image",
    severity: Severity::Low,
    remedy: "Leave them out, and attach a container of their own when something has to be looked at (kubectl debug)",
    check: |content| seen(content, &[ToolKind::Debugger]),
};

pub(crate) const DOWNLOADER_PRESENT: ContentRule = ContentRule {
    id: "downloader-present",
    title: "Programs that fetch files or connect to anything are in the image",
    severity: Severity::Negligible,
    remedy: "Download in a build stage of its own, and leave them out of the final one",
    check: |content| seen(content, &[ToolKind::Downloader]),
};

pub(crate) const PACKAGE_MANAGER_PRESENT: ContentRule = ContentRule {
    id: "package-manager-present",
    title: "Package managers are in the image",
    severity: Severity::Negligible,
    remedy: "Copy what runs onto a base without one (distroless, scratch), if nothing is installed at run time",
    check: |content| seen(content, &[ToolKind::PackageManager]),
};

pub(crate) const PRIVILEGE_TOOL_PRESENT: ContentRule = ContentRule {
    id: "privilege-tool-present",
    title: "Programs that give other users' rights are in the image",
    severity: Severity::Low,
    remedy: "Take sudo and doas out; change the user with USER in the build",
    check: |content| seen(content, &[ToolKind::PrivilegeTool]),
};

pub(crate) const SHELL_PRESENT: ContentRule = ContentRule {
    id: "shell-present",
    title: "Shells are in the image",
    severity: Severity::Negligible,
    remedy: "Start the program itself (exec form) on a base without a shell, if it starts no commands",
    check: |content| seen(content, &[ToolKind::Shell]),
};

pub(crate) const SSH_SERVER_PRESENT: ContentRule = ContentRule {
    id: "ssh-server-present",
    title: "An SSH server is in the image",
    severity: Severity::Medium,
    remedy: "Take the SSH server out of the image and enter containers with the runtime's exec",
    check: |content| seen(content, &[ToolKind::SshServer]),
};

fn seen(content: &Content, kinds: &[ToolKind]) -> Vec<Seen> {
    let tools = content.tools.iter().filter(|tool| kinds.contains(&tool.kind));
    tools
        .map(|tool| Seen { evidence: tool.location.title(), location: Some(tool.location.clone()) })
        .collect()
}
