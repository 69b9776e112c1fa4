//! Rules over how keywords are written, and lines.

use plimsoll_model::severity::Severity;

use super::super::syntax::Instruction;
use super::super::view::View;
use super::{Breach, Rule, always};
use crate::build_file::FileRule;

pub(crate) const INSTRUCTION: Rule = always(
    FileRule {
        id: "instruction-casing",
        aliases: &["ConsistentInstructionCasing"],
        title: "Instructions are in upper and in lower case",
        severity: Severity::Negligible,
        remedy: "Write all instructions in upper case, or all in lower case",
    },
    instruction,
);

pub(crate) const FROM_AS: Rule = always(
    FileRule {
        id: "from-as-casing",
        aliases: &["FromAsCasing"],
        title: "FROM and its AS are not in the same case",
        severity: Severity::Negligible,
        remedy: "Write FROM and AS in the same case",
    },
    from_as,
);

pub(crate) const EMPTY_CONTINUATION: Rule = always(
    FileRule {
        id: "empty-continuation-line",
        aliases: &["NoEmptyContinuation"],
        title: "An empty line stands within an instruction",
        severity: Severity::Low,
        remedy: "Take the empty line out: a later version of the syntax refuses it",
    },
    |view| {
        let breach =
            |line: &std::ops::Range<usize>| Breach::new(line.start, "empty line").replacing(line.clone(), "");
        view.file.empty_continuations.iter().map(breach).collect()
    },
);

/// Whether a word is all in one case.
fn is_upper(word: &str) -> bool {
    word.chars().all(|c| !c.is_lowercase())
}

fn is_lower(word: &str) -> bool {
    word.chars().all(|c| !c.is_uppercase())
}

fn instruction(view: &View<'_>) -> Vec<Breach> {
    let all = &view.file.instructions;
    let (upper, lower) = all.iter().fold((0_usize, 0_usize), |(upper, lower), found| {
        (upper + usize::from(is_upper(&found.keyword)), lower + usize::from(is_lower(&found.keyword)))
    });
    let wants_lower = lower > upper;
    let wrong = |found: &&Instruction| {
        if wants_lower { !is_lower(&found.keyword) } else { !is_upper(&found.keyword) }
    };
    let breach = |found: &Instruction| {
        let mended = if wants_lower { found.keyword.to_lowercase() } else { found.keyword.to_uppercase() };
        let breach = Breach::new(found.at(), found.keyword.clone());
        match view.keyword(found) {
            Some(range) => breach.replacing(range, mended),
            None => breach,
        }
    };
    all.iter().filter(wrong).map(breach).collect()
}

fn from_as(view: &View<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for stage in &view.stages {
        let (Some(from), Some(keyword)) = (stage.from, &stage.keyword) else { continue };
        let agree = (is_upper(&from.keyword) && is_upper(&keyword.text))
            || (is_lower(&from.keyword) && is_lower(&keyword.text));
        if !agree {
            let mended = if is_lower(&from.keyword) { "as" } else { "AS" };
            let range = from.logical.source_range(&keyword.range);
            let evidence = format!("{} … {}", from.keyword, keyword.text);
            found.push(Breach::new(range.start, evidence).replacing(range, mended));
        }
    }
    found
}
