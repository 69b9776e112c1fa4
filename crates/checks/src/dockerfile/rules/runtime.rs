//! Rules over what a container begins with: user, folder, command, ports, health.

use plimsoll_model::severity::Severity;

use super::super::syntax::{Instruction, Kind};
use super::super::view::View;
use super::super::words::Word;
use super::{Breach, Rule, always, copy, on_request};
use crate::build_file::FileRule;

pub(crate) const RELATIVE_WORKDIR: Rule = always(
    FileRule {
        id: "relative-workdir",
        aliases: &["DL3000", "WorkdirRelativePath"],
        title: "WORKDIR is relative to what the base image has set",
        severity: Severity::Low,
        remedy: "Name the folder from the root on",
    },
    relative_workdir,
);

pub(crate) const ROOT: Rule = always(
    FileRule {
        id: "last-user-root",
        aliases: &["DL3002"],
        title: "The last USER is root",
        severity: Severity::Medium,
        remedy: "Change to another user for running, by number so that orchestrators can verify it",
    },
    root,
);

pub(crate) const NO_USER: Rule = always(
    FileRule {
        id: "user-not-set",
        aliases: &[],
        title: "The final stage sets no user, so containers run as the base image's, mostly root",
        severity: Severity::Medium,
        remedy: "Set USER to a user other than root, by number so that orchestrators can verify it",
    },
    no_user,
);

pub(crate) const NAMED_USER: Rule = always(
    FileRule {
        id: "user-not-numeric",
        aliases: &["DL3066"],
        title: "The user is told by name, which orchestrators cannot verify not to be root",
        severity: Severity::Negligible,
        remedy: "Name the user by its number",
    },
    named_user,
);

pub(crate) const HEALTHCHECKS: Rule = always(
    FileRule {
        id: "multiple-healthchecks",
        aliases: &["DL3012", "MultipleInstructionsDisallowed"],
        title: "Only the last HEALTHCHECK of a stage counts",
        severity: Severity::Medium,
        remedy: "Keep one HEALTHCHECK",
    },
    |view| repeated(view, Kind::Healthcheck),
);

pub(crate) const CMDS: Rule = always(
    FileRule {
        id: "multiple-cmds",
        aliases: &["DL4003", "MultipleInstructionsDisallowed"],
        title: "Only the last CMD of a stage counts",
        severity: Severity::Low,
        remedy: "Keep one CMD",
    },
    |view| repeated(view, Kind::Cmd),
);

pub(crate) const ENTRYPOINTS: Rule = always(
    FileRule {
        id: "multiple-entrypoints",
        aliases: &["DL4004", "MultipleInstructionsDisallowed"],
        title: "Only the last ENTRYPOINT of a stage counts",
        severity: Severity::Medium,
        remedy: "Keep one ENTRYPOINT",
    },
    |view| repeated(view, Kind::Entrypoint),
);

pub(crate) const NO_HEALTHCHECK: Rule = on_request(
    FileRule {
        id: "missing-healthcheck",
        aliases: &["DL3057"],
        title: "The image has no health check",
        severity: Severity::Low,
        remedy: "Add a HEALTHCHECK, or declare probes where the image is deployed",
    },
    no_healthcheck,
);

pub(crate) const PORT_RANGE: Rule = always(
    FileRule {
        id: "port-out-of-range",
        aliases: &["DL3011"],
        title: "There is no such port",
        severity: Severity::Medium,
        remedy: "Name a port from 0 to 65535",
    },
    port_range,
);

pub(crate) const PORT_FORMAT: Rule = always(
    FileRule {
        id: "expose-invalid-format",
        aliases: &["ExposeInvalidFormat"],
        title: "EXPOSE names no port of the container",
        severity: Severity::Low,
        remedy: "Write PORT[/tcp|/udp]; addresses and ports of the host are told when a container is run",
    },
    port_format,
);

pub(crate) const PORT_CASING: Rule = always(
    FileRule {
        id: "expose-protocol-casing",
        aliases: &["ExposeProtoCasing"],
        title: "The protocol of a port is not in lower case",
        severity: Severity::Negligible,
        remedy: "Write the protocol in lower case",
    },
    port_casing,
);

fn relative_workdir(view: &View<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for (_, instruction) in view.of_kind(Kind::Workdir) {
        if let Some(folder) = instruction.words().into_iter().next()
            && !copy::is_absolute(&folder.text)
        {
            found.push(Breach::new(instruction.source(&folder), folder.text));
        }
    }
    found
}

/// The user of `USER`, without its group.
fn user(instruction: &Instruction) -> Option<Word> {
    let mut word = instruction.words().into_iter().next()?;
    // A colon may belong to a variable's default.
    if !word.text.contains('$')
        && let Some((name, _)) = word.text.split_once(':')
    {
        word.text = name.to_owned();
    }
    Some(word)
}

fn root(view: &View<'_>) -> Vec<Breach> {
    let Some(last) = view.stages.len().checked_sub(1) else { return Vec::new() };
    let set = view.lineage(last).into_iter().find_map(|stage| stage.own(Kind::User).last());
    let root = set.and_then(|instruction| Some((instruction, user(instruction)?)));
    let root = root.filter(|(_, user)| user.text == "root" || user.text.parse() == Ok(0_u64));
    root.map(|(instruction, user)| Breach::new(instruction.at(), format!("USER {}", user.text)))
        .into_iter()
        .collect()
}

fn no_user(view: &View<'_>) -> Vec<Breach> {
    let Some(last) = view.stages.len().checked_sub(1) else { return Vec::new() };
    let lineage = view.lineage(last);
    let is_set = lineage.iter().any(|stage| stage.own(Kind::User).next().is_some());
    // Some bases say by their tag that they have set one.
    let base = lineage.last().map_or("", |stage| stage.base.text.as_str());
    let is_rootless = base.contains("nonroot") || base.contains("rootless") || base.contains("unprivileged");
    match view.stages.last() {
        Some(stage) if stage.from.is_some() && !is_set && !is_rootless => {
            vec![Breach::new(stage.at(), format!("no USER after FROM {}", stage.base.text))]
        }
        _ => Vec::new(),
    }
}

fn named_user(view: &View<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for (_, instruction) in view.of_kind(Kind::User) {
        let Some(user) = user(instruction) else { continue };
        let is_numeric = user.text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_numeric && !user.is_dynamic() && user.text != "root" {
            found.push(Breach::new(instruction.at(), format!("USER {}", user.text)));
        }
    }
    found
}

fn repeated(view: &View<'_>, kind: Kind) -> Vec<Breach> {
    let mut found = Vec::new();
    for stage in &view.stages {
        let again = stage.own(kind).skip(1);
        found.extend(again.map(|instruction| {
            Breach::new(instruction.at(), format!("another {} stands before", instruction.keyword))
        }));
    }
    found
}

fn no_healthcheck(view: &View<'_>) -> Vec<Breach> {
    let has_own = |number: usize| {
        view.stages.get(number).is_some_and(|stage| stage.own(Kind::Healthcheck).next().is_some())
    };
    let covered = |number: usize| {
        view.lineage(number).iter().any(|stage| stage.own(Kind::Healthcheck).next().is_some())
    };
    // A stage that only others begin from may leave it to them.
    let leaves = |number: usize| !view.stages.iter().any(|other| other.parent == Some(number));
    let bare = |number: &usize| leaves(*number) && !has_own(*number) && !covered(*number);
    let stages = (0..view.stages.len()).filter(bare).filter_map(|number| view.stages.get(number));
    stages
        .filter(|stage| stage.from.is_some())
        .map(|stage| Breach::new(stage.at(), "no HEALTHCHECK"))
        .collect()
}

/// The ports of `EXPOSE`, each with its numbers and its protocol.
fn ports<'a>(view: &'a View<'_>) -> impl Iterator<Item = (&'a Instruction, Word)> {
    let all = view.of_kind(Kind::Expose);
    all.flat_map(|(_, instruction)| instruction.words().into_iter().map(move |word| (instruction, word)))
}

fn port_range(view: &View<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for (instruction, word) in ports(view) {
        let numbers = word.text.split('/').next().unwrap_or_default();
        let too_high = |number: &str| number.parse::<u64>().is_ok_and(|number| number > 65_535);
        if numbers.split('-').any(too_high) {
            found.push(Breach::new(instruction.source(&word), word.text.clone()));
        }
    }
    found
}

fn port_format(view: &View<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for (instruction, word) in ports(view) {
        let mut parts = word.text.splitn(2, '/');
        let numbers = parts.next().unwrap_or_default();
        let protocol = parts.next().unwrap_or("tcp");
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let known = ["tcp", "udp", "sctp"].iter().any(|known| known.eq_ignore_ascii_case(protocol));
        let is_port = known && numbers.splitn(2, '-').all(is_number);
        if !word.is_dynamic() && !is_port {
            found.push(Breach::new(instruction.source(&word), word.text.clone()));
        }
    }
    found
}

fn port_casing(view: &View<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for (instruction, word) in ports(view) {
        let Some((numbers, protocol)) = word.text.split_once('/') else { continue };
        if protocol.chars().any(char::is_uppercase) && !word.is_dynamic() {
            let range = instruction.logical.source_range(&word.range);
            let mended = format!("{numbers}/{}", protocol.to_lowercase());
            found.push(Breach::new(range.start, word.text.clone()).replacing(range, mended));
        }
    }
    found
}
