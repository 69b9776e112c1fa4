//! Rules over stages: their names, and what comes before the first.

use plimsoll_model::severity::Severity;

use super::super::syntax::{Instruction, Kind};
use super::super::view::View;
use super::super::words::Word;
use super::{Breach, Rule, always};
use crate::build_file::FileRule;

pub(crate) const DUPLICATE: Rule = always(
    FileRule {
        id: "duplicate-stage-name",
        aliases: &["DL3024", "DuplicateStageName"],
        title: "Two stages have the same name",
        severity: Severity::Medium,
        remedy: "Give each stage a name of its own",
    },
    |view| {
        let again = |number: usize, name: &Word| view.stage_called(&name.text, number).is_some();
        named(view, again)
    },
);

pub(crate) const RESERVED: Rule = always(
    FileRule {
        id: "reserved-stage-name",
        aliases: &["DL3063", "ReservedStageName"],
        title: "The stage's name has a meaning of its own",
        severity: Severity::Medium,
        remedy: "Name the stage otherwise than scratch or context",
    },
    |view| {
        named(view, |_, name| ["context", "scratch"].iter().any(|word| name.text.eq_ignore_ascii_case(word)))
    },
);

pub(crate) const NAME_CASING: Rule = always(
    FileRule {
        id: "stage-name-casing",
        aliases: &["StageNameCasing"],
        title: "The stage's name is not in lower case",
        severity: Severity::Negligible,
        remedy: "Write names of stages in lower case",
    },
    |view| named(view, |_, name| name.text.chars().any(char::is_uppercase)),
);

pub(crate) const BEFORE_FROM: Rule = always(
    FileRule {
        id: "instruction-before-from",
        aliases: &["DL3061"],
        title: "An instruction stands before the first FROM",
        severity: Severity::High,
        remedy: "Begin with FROM, or with ARG and then FROM",
    },
    before_from,
);

pub(crate) const ONBUILD: Rule = always(
    FileRule {
        id: "onbuild-forbidden",
        aliases: &["DL3043"],
        title: "ONBUILD cannot hold back this instruction",
        severity: Severity::High,
        remedy: "Take ONBUILD, FROM and MAINTAINER out of ONBUILD",
    },
    |view| {
        let forbidden =
            |found: &&Instruction| matches!(found.kind, Kind::Onbuild | Kind::From | Kind::Maintainer);
        let triggers = view.file.instructions.iter().filter(|found| found.is_trigger).filter(forbidden);
        triggers.map(|found| Breach::new(found.at(), format!("ONBUILD {}", found.keyword))).collect()
    },
);

fn named(view: &View<'_>, breaks: impl Fn(usize, &Word) -> bool) -> Vec<Breach> {
    let mut found = Vec::new();
    for (number, stage) in view.stages.iter().enumerate() {
        if let (Some(from), Some(name)) = (stage.from, &stage.name)
            && breaks(number, name)
        {
            found.push(Breach::new(from.source(name), name.text.clone()));
        }
    }
    found
}

fn before_from(view: &View<'_>) -> Vec<Breach> {
    let first = view.file.instructions.iter().find(|found| found.kind != Kind::Arg);
    let wrong = first.filter(|found| found.kind != Kind::From);
    wrong.map(|found| Breach::new(found.at(), found.keyword.clone())).into_iter().collect()
}
