//! Rules over files whose rights go beyond the usual (CIS Docker Benchmark 4.8).

use plimsoll_model::content::{Content, SpecialFile};
use plimsoll_model::severity::Severity;

use super::{ContentRule, Seen};

pub(crate) const PRIVILEGED_PROGRAMS: ContentRule = ContentRule {
    id: "privileged-programs",
    title: "Programs of packages that run with other rights than their user's",
    severity: Severity::Low,
    remedy: "Take the setuid and setgid bits and file capabilities off in the build (chmod a-s), or run containers \
             with no-new-privileges",
    check: |content| seen(content, |file| is_privileged(file) && file.owner.is_some()),
};

pub(crate) const PRIVILEGED_PROGRAM_UNOWNED: ContentRule = ContentRule {
    id: "privileged-program-unowned",
    title: "A program that no package owns runs with other rights than its user's",
    severity: Severity::High,
    remedy: "Find out which build step brings it, and take its setuid and setgid bits or its capabilities off",
    check: |content| seen(content, |file| is_privileged(file) && file.owner.is_none()),
};

pub(crate) const WORLD_WRITABLE: ContentRule = ContentRule {
    id: "world-writable",
    title: "Everybody in the container may change these files",
    severity: Severity::Medium,
    remedy: "Take the right to write from others (chmod o-w), or set the sticky bit on a shared directory (chmod +t)",
    check: |content| seen(content, SpecialFile::is_world_writable),
};

fn is_privileged(file: &SpecialFile) -> bool {
    file.is_set_id() || file.capabilities
}

fn seen(content: &Content, breaks: impl Fn(&SpecialFile) -> bool) -> Vec<Seen> {
    let files = content.special.iter().filter(|file| breaks(file));
    files.map(|file| Seen { evidence: described(file), location: Some(file.location.clone()) }).collect()
}

/// `/usr/bin/su (4755, user 0)`.
fn described(file: &SpecialFile) -> String {
    let capabilities = if file.capabilities { ", with capabilities" } else { "" };
    let owner = if file.mode & 0o4000 != 0 && !file.is_directory {
        format!(", user {}", file.uid)
    } else {
        String::new()
    };
    format!("{} ({:04o}{owner}{capabilities})", file.location.title(), file.mode)
}
