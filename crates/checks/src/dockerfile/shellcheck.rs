//! The scripts of a Dockerfile for ShellCheck, and its report (`json1`) as findings at their places in the file. The
//! program itself is started by somebody else ([`crate::build_file::ShellChecker`]).

use plimsoll_model::finding::{Finding, FindingKind};
use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_model::severity::Severity;
use serde::Deserialize;

use super::rules::run::shell_of;
use super::syntax::Kind;
use super::view::{Run, View};
use super::words::Pair;
use crate::build_file::{ShellChecker, ShellScript};

/// What ShellCheck cannot know here: files that are sourced, and `ash` as a kind of `dash`.
const LEFT_OUT: [u32; 3] = [1090, 1091, 2187];
/// Remarks beyond this many of one file are left out.
const REMARKS: usize = 1000;
/// Scripts beyond this many of one file are not given to it.
const SCRIPTS: usize = 1000;
/// Variables beyond this many are not made known to it.
const VARIABLES: usize = 200;

/// A finding with its place in bytes.
pub(super) struct Remark {
    pub(super) at: usize,
    pub(super) finding: Finding,
}

#[derive(Debug, Deserialize)]
struct Report {
    comments: Vec<Comment>,
}

#[derive(Debug, Deserialize)]
struct Comment {
    file: String,
    line: usize,
    column: usize,
    level: String,
    code: u32,
    message: String,
}

/// A script, and where in it the text of its step begins.
struct Script<'a, 'b> {
    run: &'a Run<'b>,
    script: ShellScript,
    head: usize,
}

/// What ShellCheck finds in the scripts of `view`.
pub(super) fn remarks(path: &str, view: &View<'_>) -> (Vec<Remark>, Option<Gap>) {
    if matches!(view.settings.shell_checker, ShellChecker::Unwanted) {
        return (Vec::new(), None);
    }
    let variables = variables(view);
    let scripts: Vec<Script<'_, '_>> =
        view.runs.iter().filter_map(|run| script(view, run, &variables)).take(SCRIPTS).collect();
    if scripts.is_empty() {
        return (Vec::new(), None);
    }
    let gap = |reason: &str| Some(Gap::new(GapKind::ToolMissing, path, format!("ShellCheck: {reason}")));
    let texts: Vec<ShellScript> = scripts.iter().map(|script| script.script.clone()).collect();
    let report = match view.settings.shell_checker {
        ShellChecker::Unwanted => Ok(String::new()),
        ShellChecker::Missing(reason) => return (Vec::new(), gap(reason)),
        ShellChecker::Program(check) => check(&texts),
    };
    let report = report.and_then(|text| {
        serde_json::from_str::<Report>(&text)
            .map_err(|error| format!("its report could not be read: {error}"))
    });
    match report {
        Err(reason) => (Vec::new(), gap(&reason)),
        Ok(report) => {
            let comments = report.comments.iter().filter(|comment| !LEFT_OUT.contains(&comment.code));
            let remarks = comments.take(REMARKS).filter_map(|comment| remark(&scripts, comment));
            (remarks.collect(), None)
        }
    }
}

/// A variable that a script finds in its environment.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Variable {
    name: String,
    /// Whether its value needs no quotes, so that ShellCheck need not ask for them.
    is_plain: bool,
}

impl Variable {
    fn new(pair: &Pair) -> Self {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:+@,=%".contains(c);
        let is_plain = pair.value.as_deref().is_some_and(|value| value.chars().all(plain));
        Self { name: pair.name.clone(), is_plain }
    }

    /// Its assignment as a script would write it.
    fn shown(&self) -> String {
        if self.is_plain { format!("{}=1", self.name) } else { self.name.clone() }
    }
}

/// The variables of each stage, and where they are set.
fn variables(view: &View<'_>) -> Vec<Vec<(usize, Variable)>> {
    let is_name = |name: &String| {
        !name.is_empty() && name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
    };
    let of_stage = |stage: &super::view::Stage<'_>| {
        let setting = stage.instructions.iter().filter(|found| matches!(found.kind, Kind::Arg | Kind::Env));
        let named = setting
            .flat_map(|found| found.pairs().into_iter().map(|pair| (found.at(), Variable::new(&pair))));
        named.filter(|(_, variable)| is_name(&variable.name)).take(VARIABLES).collect()
    };
    view.stages.iter().map(of_stage).collect()
}

/// The script of `run` with a head that says its shell, and what is in its environment.
fn script<'a, 'b>(
    view: &View<'_>,
    run: &'a Run<'b>,
    variables: &[Vec<(usize, Variable)>],
) -> Option<Script<'a, 'b>> {
    let has_foreign_heredoc = !run.instruction.heredocs.is_empty() && run.start != 0;
    if run.instruction.json.is_some() || has_foreign_heredoc || run.commands.is_empty() {
        return None;
    }
    let shell = shell(view, run)?;
    let mut names: Vec<&Variable> = Vec::new();
    let mut next = Some(run.stage);
    while let Some(own) = next.and_then(|number| variables.get(number)).filter(|_| names.len() < VARIABLES) {
        let before = own.iter().take_while(|(at, _)| *at < run.instruction.at());
        names.extend(before.map(|(_, variable)| variable));
        next = next.and_then(|number| view.stages.get(number)).and_then(|stage| stage.parent);
    }
    names.sort_unstable();
    // Of one that is set twice the value that needs quotes counts, which sorts first.
    names.dedup_by_key(|variable| variable.name.as_str());
    let names: Vec<String> = names.into_iter().map(Variable::shown).collect();
    let exports = if names.is_empty() { ":".to_owned() } else { format!("export {}", names.join(" ")) };
    let head = format!("#!/bin/{shell}\n{exports}\n");
    let text = format!("{head}{}\n", run.text());
    Some(Script { run, script: ShellScript { shell, text }, head: head.len() })
}

/// The shell that reads `run`; none if it is none that ShellCheck knows.
fn shell(view: &View<'_>, run: &Run<'_>) -> Option<&'static str> {
    let is_windows = view.file.directives.iter().any(|found| found.name == "escape" && found.value == "`");
    let declared = view.file.comments.iter().find_map(|comment| comment.text.strip_prefix("hadolint shell="));
    let named = shell_of(view, run).and_then(|shell| shell.json.as_ref()?.first().cloned());
    let named = named.or_else(|| declared.map(|name| name.trim().to_owned()));
    let program = match &named {
        None if is_windows => return None,
        None => "sh",
        Some(name) => name.rsplit('/').next().unwrap_or(name),
    };
    ["sh", "bash", "dash", "ksh"]
        .into_iter()
        .find(|known| *known == program)
        .or((program == "ash").then_some("dash"))
}

fn severity(level: &str) -> Severity {
    match level {
        "error" => Severity::Medium,
        "warning" => Severity::Low,
        _ => Severity::Negligible,
    }
}

fn remark(scripts: &[Script<'_, '_>], comment: &Comment) -> Option<Remark> {
    let name = comment.file.rsplit('/').next().unwrap_or(&comment.file);
    let script = scripts.get(name.parse::<usize>().ok()?)?;
    let offset = offset(&script.script.text, comment.line, comment.column);
    let at = script.run.script.source(script.run.start + offset.saturating_sub(script.head));
    let title: String = comment.message.chars().take(300).collect();
    let kind = FindingKind::Misconfiguration { evidence: format!("ShellCheck, {}", comment.level) };
    let finding = Finding {
        id: format!("SC{}", comment.code),
        title,
        severity: severity(&comment.level),
        severity_source: "ShellCheck".to_owned(),
        kind,
        locations: Vec::new(),
        position: None,
        remedy: Some("Do what ShellCheck says, or tell it why not".to_owned()),
        references: vec![format!("https://www.shellcheck.net/wiki/SC{}", comment.code)],
    };
    Some(Remark { at, finding })
}

/// The byte at a line and column, both counted from one; a tab counts as up to eight columns.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let mut reached = 1;
    for (at, c) in text.get(start..).unwrap_or_default().char_indices() {
        if reached >= column || c == '\n' {
            return start + at;
        }
        reached += if c == '\t' { 8 - (reached - 1) % 8 } else { 1 };
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::offset;

    #[test]
    fn places_of_shellcheck_are_bytes() {
        assert_eq!(offset("a\n\tb\n", 2, 9), 3);
        assert_eq!(offset("é x\n", 1, 3), 3);
        assert_eq!(offset("a\n", 9, 9), 2);
    }
}
