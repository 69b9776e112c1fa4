//! Rules over variables: those that nobody has defined, and those that look at themselves.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::severity::Severity;

use super::super::syntax::{Instruction, Kind};
use super::super::view::View;
use super::super::words::{self, Reference};
use super::{Breach, Rule, always};
use crate::build_file::FileRule;

pub(crate) const SELF: Rule = always(
    FileRule {
        id: "env-refers-to-itself",
        aliases: &["DL3044"],
        title: "A variable is used in the instruction that sets it, and has its old value there",
        severity: Severity::Medium,
        remedy: "Set the variable in an ENV of its own, before",
    },
    refers_to_itself,
);

pub(crate) const UNDEFINED: Rule = always(
    FileRule {
        id: "undefined-variable",
        aliases: &["UndefinedVar"],
        title: "No ARG or ENV of the stage defines the variable",
        severity: Severity::Low,
        remedy: "Declare the variable with ARG or ENV in this stage, before it is used",
    },
    undefined,
);

pub(crate) const UNDEFINED_IN_FROM: Rule = always(
    FileRule {
        id: "undefined-arg-in-from",
        aliases: &["UndefinedArgInFrom"],
        title: "FROM uses a variable that no ARG before the first FROM declares",
        severity: Severity::Medium,
        remedy: "Declare the argument before the first FROM",
    },
    undefined_in_from,
);

pub(crate) const INVALID_DEFAULT: Rule = always(
    FileRule {
        id: "invalid-default-arg-in-from",
        aliases: &["InvalidDefaultArgInFrom"],
        title: "Without build arguments FROM names no image",
        severity: Severity::Low,
        remedy: "Give the argument a default with which FROM names an image",
    },
    invalid_default,
);

/// What the builder defines for `FROM`.
const GLOBAL: [&str; 8] = [
    "BUILDARCH",
    "BUILDOS",
    "BUILDPLATFORM",
    "BUILDVARIANT",
    "TARGETARCH",
    "TARGETOS",
    "TARGETPLATFORM",
    "TARGETVARIANT",
];

/// What is defined in each stage without being declared.
const PREDEFINED: [&str; 11] = [
    "PATH",
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "FTP_PROXY",
    "ftp_proxy",
    "NO_PROXY",
    "no_proxy",
    "ALL_PROXY",
    "all_proxy",
];

fn refers_to_itself(view: &View<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for number in 0..view.stages.len() {
        let mut defined: BTreeSet<String> = BTreeSet::new();
        let parents = view.lineage(number).into_iter().skip(1);
        let inherited = parents.flat_map(|stage| stage.instructions.iter());
        defined.extend(inherited.flat_map(names));
        let Some(stage) = view.stages.get(number) else { continue };
        for instruction in stage.instructions {
            if instruction.kind == Kind::Env {
                found.extend(first_of_itself(instruction, &defined));
            }
            defined.extend(names(instruction));
        }
    }
    found
}

/// The names that `ENV` or `ARG` defines.
fn names(instruction: &Instruction) -> Vec<String> {
    match instruction.kind {
        Kind::Arg | Kind::Env => instruction.pairs().into_iter().map(|pair| pair.name).collect(),
        _ => Vec::new(),
    }
}

/// The use of a variable that the same `ENV` sets, and nothing before.
fn first_of_itself(instruction: &Instruction, defined: &BTreeSet<String>) -> Option<Breach> {
    let text = instruction.logical.text();
    let pairs = instruction.pairs();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for pair in &pairs {
        *counts.entry(&pair.name).or_default() += 1;
    }
    for pair in &pairs {
        let value = text.get(pair.value_range.clone()).unwrap_or_default();
        for reference in words::references(value) {
            // A variable that looks at its own old value is appended to.
            let times = counts.get(reference.name.as_str()).copied().unwrap_or_default();
            let is_other = pair.name != reference.name && times > 0;
            let is_twice = pair.name == reference.name && times > 1;
            if (is_other && !defined.contains(&reference.name)) || is_twice {
                let at = instruction.logical.source(pair.value_range.start + reference.range.start);
                return Some(Breach::new(at, reference.name));
            }
        }
    }
    None
}

/// Whether what follows the name makes it well defined.
fn has_default(reference: &Reference) -> bool {
    reference.modifier.trim_start_matches(':').starts_with(['-', '+', '?'])
}

/// Whether the builder replaces variables in this instruction.
const fn is_expanded(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Add
            | Kind::Copy
            | Kind::Env
            | Kind::Expose
            | Kind::Label
            | Kind::Stopsignal
            | Kind::User
            | Kind::Volume
            | Kind::Workdir
            | Kind::Arg
    )
}

fn undefined(view: &View<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for number in 0..view.stages.len() {
        let lineage = view.lineage(number);
        let Some(stage) = view.stages.get(number).filter(|stage| stage.from.is_some()) else { continue };
        let is_scratch = lineage.last().is_some_and(|stage| stage.base.text == "scratch");
        let inherited = lineage.iter().skip(1).flat_map(|stage| stage.instructions.iter());
        let mut defined: BTreeSet<String> =
            inherited.filter(|found| found.kind == Kind::Env).flat_map(names).collect();
        for instruction in stage.instructions.iter().filter(|found| !found.is_trigger) {
            if is_expanded(instruction.kind) {
                found.extend(undefined_in(view, instruction, &defined, is_scratch));
            }
            defined.extend(names(instruction));
        }
    }
    found
}

fn undefined_in(
    view: &View<'_>,
    instruction: &Instruction,
    defined: &BTreeSet<String>,
    is_scratch: bool,
) -> Vec<Breach> {
    let mut found = Vec::new();
    let text = instruction.logical.after(instruction.arguments);
    for reference in words::references(text) {
        // What a base image sets nobody can tell here, but its names are mostly in upper case.
        // An argument from before the first FROM is gone unless it is declared again.
        let is_gone = view.global_args.iter().any(|arg| arg.name == reference.name);
        let may_be_inherited = !is_gone && !is_scratch && reference.name.chars().all(|c| !c.is_lowercase());
        let is_known = defined.contains(&reference.name)
            || PREDEFINED.contains(&reference.name.as_str())
            || GLOBAL.contains(&reference.name.as_str());
        if !is_known && !may_be_inherited && !has_default(&reference) {
            let at = instruction.logical.source(instruction.arguments + reference.range.start);
            found.push(Breach::new(at, reference.name));
        }
    }
    found
}

fn undefined_in_from(view: &View<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for from in view.stages.iter().filter_map(|stage| stage.from) {
        for reference in words::references(from.logical.text()) {
            let is_known = view.global_args.iter().any(|arg| arg.name == reference.name)
                || GLOBAL.contains(&reference.name.as_str());
            if !is_known && !has_default(&reference) {
                found.push(Breach::new(from.logical.source(reference.range.start), reference.name));
            }
        }
    }
    found
}

fn invalid_default(view: &View<'_>) -> Vec<Breach> {
    let value_of = |name: &str| {
        let arg = view.global_args.iter().rev().find(|arg| arg.name == name);
        Some(arg.and_then(|arg| arg.value.clone()).unwrap_or_default())
    };
    let mut found = Vec::new();
    for stage in &view.stages {
        let Some(from) = stage.from else { continue };
        let references = words::references(&stage.base.text);
        // What is not declared at all is another rule's affair.
        let all_declared = references.iter().all(|reference| {
            view.global_args.iter().any(|arg| arg.name == reference.name) || has_default(reference)
        });
        let Some(name) = words::expanded(&stage.base.text, &value_of) else { continue };
        if !references.is_empty() && all_declared && !is_reference(&name) {
            found
                .push(Breach::new(from.source(&stage.base), format!("{} becomes {name:?}", stage.base.text)));
        }
    }
    found
}

/// Whether `name` can be an image's: no part of it is empty.
fn is_reference(name: &str) -> bool {
    let (path, digest) = name.split_once('@').map_or((name, None), |(path, digest)| (path, Some(digest)));
    let tagged =
        path.rsplit('/').next().unwrap_or(path).split_once(':').is_none_or(|(_, tag)| !tag.is_empty());
    !path.is_empty()
        && tagged
        && path.split('/').all(|part| !part.is_empty() && !part.starts_with([':', '-', '.']))
        && !path.contains(char::is_whitespace)
        && digest.is_none_or(|digest| digest.contains(':'))
}
