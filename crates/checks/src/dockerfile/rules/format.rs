//! Rules over the form of instructions: what the builder refuses, and what it takes only for old times' sake.

use plimsoll_model::severity::Severity;

use super::super::syntax::{Instruction, Kind};
use super::super::view::View;
use super::super::words::Pair;
use super::{Breach, Rule, always, on_request};
use crate::build_file::FileRule;

pub(crate) const SYNTAX: Rule = always(
    FileRule {
        id: "dockerfile-syntax",
        aliases: &["DL1000"],
        title: "The builder refuses this",
        severity: Severity::High,
        remedy: "Correct the instruction",
    },
    syntax,
);

pub(crate) const MAINTAINER: Rule = always(
    FileRule {
        id: "maintainer-deprecated",
        aliases: &["DL4000", "MaintainerDeprecated"],
        title: "MAINTAINER is deprecated",
        severity: Severity::Negligible,
        remedy: "Use LABEL org.opencontainers.image.authors",
    },
    maintainer,
);

pub(crate) const LEGACY: Rule = always(
    FileRule {
        id: "legacy-key-value",
        aliases: &["LegacyKeyValueFormat"],
        title: "White space parts name and value",
        severity: Severity::Negligible,
        remedy: "Write NAME=VALUE",
    },
    legacy,
);

pub(crate) const SHELL_FORM: Rule = always(
    FileRule {
        id: "shell-form-command",
        aliases: &["DL3025", "JSONArgsRecommended"],
        title: "The program is started by a shell, which does not pass on signals",
        severity: Severity::Low,
        remedy: "Write the command as a JSON array",
    },
    shell_form,
);

pub(crate) const DESCRIPTION: Rule = on_request(
    FileRule {
        id: "definition-description",
        aliases: &["InvalidDefinitionDescription"],
        title: "The comment before a stage or an argument does not begin with its name",
        severity: Severity::Negligible,
        remedy: "Begin the comment with the name, or part it from the instruction by an empty line",
    },
    description,
);

fn syntax(view: &View<'_>) -> Vec<Breach> {
    let mut found: Vec<Breach> = view
        .file
        .open_heredocs
        .iter()
        .map(|(at, name)| Breach::new(*at, format!("nothing ends <<{name}")))
        .collect();
    for instruction in &view.file.instructions {
        if instruction.kind == Kind::Unknown {
            let keyword: String = instruction.keyword.chars().take(40).collect();
            found.push(Breach::new(instruction.at(), format!("there is no instruction {keyword}")));
        } else if let Some(trouble) = trouble(instruction) {
            found.push(Breach::new(instruction.at(), trouble));
        }
    }
    if !view.file.instructions.iter().any(|instruction| instruction.kind == Kind::From) {
        let at = view.file.instructions.first().map_or(0, Instruction::at);
        found.push(Breach::new(at, "there is no FROM"));
    }
    found
}

/// What the builder does not take.
fn trouble(instruction: &Instruction) -> Option<String> {
    let words = instruction.words();
    let keyword = &instruction.keyword;
    match instruction.kind {
        Kind::Cmd | Kind::Entrypoint | Kind::Shell => (instruction.kind == Kind::Shell
            && instruction.json.is_none())
        .then(|| "SHELL takes a JSON array".to_owned()),
        Kind::Run => (instruction.rest().is_empty()).then(|| format!("{keyword} has no arguments")),
        _ if words.is_empty() => Some(format!("{keyword} has no arguments")),
        Kind::Copy | Kind::Add => (words.len() < 2).then(|| format!("{keyword} has no destination")),
        Kind::From => {
            let has_as = words.get(1).is_some_and(|word| word.text.eq_ignore_ascii_case("AS"));
            (words.len() != 1 && !(words.len() == 3 && has_as))
                .then(|| "FROM takes IMAGE [AS NAME]".to_owned())
        }
        Kind::Env | Kind::Label => {
            let bare = instruction.pairs().into_iter().find(|pair| pair.value.is_none());
            bare.map(|pair| format!("{} has no value", pair.name))
        }
        Kind::Healthcheck => {
            let first = instruction.rest().split_whitespace().next().unwrap_or_default();
            let known = ["CMD", "NONE"].iter().any(|known| known.eq_ignore_ascii_case(first));
            (!known).then(|| "HEALTHCHECK takes CMD or NONE".to_owned())
        }
        _ => None,
    }
}

/// `text` within double quotes.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn maintainer(view: &View<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    let of_kind = view.file.instructions.iter().filter(|instruction| instruction.kind == Kind::Maintainer);
    for instruction in of_kind {
        let breach = Breach::new(instruction.at(), instruction.rest());
        let name = instruction.rest().trim().trim_matches(['"', '\'']);
        // Before the first FROM there can be no LABEL.
        let has_stage =
            view.stages.iter().any(|stage| stage.from.is_some_and(|from| from.at() < instruction.at()));
        let is_plain = has_stage && !instruction.is_trigger && !name.contains(['"', '\'', '\\', '\n']);
        let end = instruction.logical.source_end();
        let label = if instruction.keyword.starts_with('m') { "label" } else { "LABEL" };
        let label = format!("{label} org.opencontainers.image.authors={}", quoted(name));
        found.push(if is_plain { breach.replacing(instruction.at()..end, label) } else { breach });
    }
    found
}

fn legacy(view: &View<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    let all = view.of_kind(Kind::Env).chain(view.of_kind(Kind::Label));
    for (_, instruction) in all {
        let Some(pair) = instruction.pairs().into_iter().find(|pair| pair.is_legacy) else { continue };
        let at = instruction.logical.source(pair.range.start);
        let breach = Breach::new(at, format!("{} {}", instruction.keyword, pair.name));
        found.push(match modern(instruction, &pair) {
            Some(text) => breach.replacing(instruction.logical.source_range(&pair.range), text),
            None => breach,
        });
    }
    found
}

/// `NAME=VALUE` for `NAME VALUE`, where that is plain.
fn modern(instruction: &Instruction, pair: &Pair) -> Option<String> {
    let value = instruction.logical.text().get(pair.value_range.clone())?.trim();
    let is_odd = value.contains(['"', '\'', '\\', '\n']) || pair.name.contains(['"', '\'', '\\']);
    let spaced = value.contains(char::is_whitespace);
    match (is_odd, spaced) {
        (true, _) => None,
        (false, true) => Some(format!("{}=\"{value}\"", pair.name)),
        (false, false) => Some(format!("{}={value}", pair.name)),
    }
}

/// The command of `CMD`, `ENTRYPOINT` and `HEALTHCHECK CMD`: where it begins in the instruction's text.
fn command(instruction: &Instruction) -> Option<usize> {
    match instruction.kind {
        Kind::Cmd | Kind::Entrypoint => (!instruction.rest().is_empty()).then_some(instruction.arguments),
        Kind::Healthcheck => {
            let words = instruction.words();
            words.first().filter(|word| word.text.eq_ignore_ascii_case("CMD"))?;
            words.get(1).map(|word| word.range.start)
        }
        _ => None,
    }
}

fn shell_form(view: &View<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for (_, instruction) in view.instructions().filter(|(_, instruction)| instruction.json.is_none()) {
        let Some(start) = command(instruction) else { continue };
        let text = instruction.logical.after(start).trim_end();
        let breach = Breach::new(instruction.at(), format!("{} {text}", instruction.keyword));
        let range = instruction.logical.source_range(&(start..start + text.len()));
        // What comes from several lines has comments between them, perhaps.
        let is_one_line = range.len() == text.len();
        found.push(match exec_form(text).filter(|_| is_one_line) {
            Some(json) => breach.replacing(range, json),
            None => breach,
        });
    }
    found
}

/// The JSON form of a command that needs no shell.
fn exec_form(text: &str) -> Option<String> {
    let needs_shell = |c: char| "$`\"'\\|&;<>(){}*?[]~#!".contains(c) || c.is_control();
    let mut words = text.split_whitespace();
    let first = words.next()?;
    let builtins = ["cd", "exec", "eval", "export", "set", "source", ".", ":", "if", "for", "while"];
    if text.contains(needs_shell) || first.contains('=') || builtins.contains(&first) {
        return None;
    }
    let words: Vec<String> = text.split_whitespace().map(quoted).collect();
    Some(format!("[{}]", words.join(", ")))
}

/// The name of what `FROM … AS NAME` or `ARG NAME` defines.
fn defined(instruction: &Instruction) -> Option<String> {
    match instruction.kind {
        Kind::From => instruction.words().get(2).map(|word| word.text.clone()),
        Kind::Arg => instruction.pairs().first().map(|pair| pair.name.clone()),
        _ => None,
    }
}

fn description(view: &View<'_>) -> Vec<Breach> {
    let mut found = Vec::new();
    for instruction in &view.file.instructions {
        let before = view.file.comments.iter().find(|comment| comment.line + 1 == instruction.line);
        if let (Some(name), Some(comment)) = (defined(instruction), before)
            && comment.text.split_whitespace().next() != Some(name.as_str())
        {
            found.push(Breach::new(comment.span.start, format!("about {name}")));
        }
    }
    found
}
