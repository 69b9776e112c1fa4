//! Comments that set findings aside: `# plimsoll:ignore RULE[,RULE] reason`, hadolint's `# hadolint ignore=…` and the
//! `skip=` of BuildKit's `# check=` directive.

use super::syntax::Dockerfile;
use super::view::View;
use crate::build_file::FileRule;

/// Comments beyond this many set nothing aside.
const IGNORES: usize = 2_000;

/// A comment that sets findings aside.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Ignore {
    /// The rules, by id or alias; `all` for all.
    pub(super) rules: Vec<String>,
    /// Where.
    pub(super) scope: Scope,
    /// Why; empty if it does not say.
    pub(super) reason: String,
    /// Where the comment is.
    pub(super) at: usize,
    /// Whether it is in our own form, which asks for a reason.
    pub(super) is_ours: bool,
    /// Whether it is within the file's text, not a directive.
    pub(super) is_inline: bool,
}

/// Where findings are set aside.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Scope {
    /// In the whole file.
    File,
    /// In the stage at this index.
    Stage(usize),
    /// In the instruction that begins at this line, counted from zero.
    Line(usize),
}

/// The comments of `file` that set findings aside.
pub(super) fn ignores(view: &View<'_>) -> Vec<Ignore> {
    let file = view.file;
    let mut found: Vec<Ignore> = file
        .directives
        .iter()
        .filter(|directive| directive.name == "check")
        .filter_map(|directive| skipped(&directive.value).map(|rules| (directive, rules)))
        .map(|(directive, rules)| Ignore {
            rules,
            scope: Scope::File,
            reason: "check=skip".to_owned(),
            at: directive.span.start,
            is_ours: false,
            is_inline: false,
        })
        .collect();
    let targets = targets(file);
    for (comment, target) in file.comments.iter().zip(targets) {
        if found.len() >= IGNORES {
            break;
        }
        let at = comment.span.start;
        let read = ours(&comment.text).or_else(|| hadolint(&comment.text));
        let Some((kind, rules, reason)) = read else { continue };
        let scope = match kind {
            Reach::File => Scope::File,
            Reach::Stage => Scope::Stage(stage_at(view, at)),
            Reach::Instruction => Scope::Line(target),
        };
        let is_ours = comment.text.starts_with("plimsoll:");
        found.push(Ignore { rules, scope, reason, at, is_ours, is_inline: kind == Reach::Instruction });
    }
    found
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Reach {
    File,
    Stage,
    Instruction,
}

/// The line of the instruction that each comment is about: that within which it stands, or that below. Further comments
/// may stand between, but no empty line.
fn targets(file: &Dockerfile) -> Vec<usize> {
    let mut found = Vec::with_capacity(file.comments.len());
    let mut below: Option<(usize, usize)> = None;
    for comment in file.comments.iter().rev() {
        let before = file.instructions.partition_point(|instruction| instruction.line < comment.line);
        let around = before.checked_sub(1).and_then(|at| file.instructions.get(at));
        let target = match (around, below) {
            (Some(around), _) if around.span.contains(&comment.span.start) => around.line,
            (_, Some((line, target))) if line == comment.line + 1 => target,
            _ => comment.line + 1,
        };
        below = Some((comment.line, target));
        found.push(target);
    }
    found.reverse();
    found
}

/// The stage that begins at or after `at`.
fn stage_at(view: &View<'_>, at: usize) -> usize {
    view.stages.iter().position(|stage| stage.at() > at).unwrap_or(view.stages.len())
}

/// `skip=A,B;error=true`.
fn skipped(value: &str) -> Option<Vec<String>> {
    let skip = value.split(';').find_map(|part| part.trim().strip_prefix("skip="))?;
    Some(skip.split(',').map(|name| name.trim().to_owned()).collect())
}

/// `plimsoll:ignore RULE[,RULE] reason`, `plimsoll:ignore-file …`.
fn ours(comment: &str) -> Option<(Reach, Vec<String>, String)> {
    let rest = comment.strip_prefix("plimsoll:ignore")?;
    let (reach, rest) =
        rest.strip_prefix("-file").map_or((Reach::Instruction, rest), |rest| (Reach::File, rest));
    let rest = rest.strip_prefix([' ', '\t', '='])?.trim_start();
    let (names, reason) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let rules: Vec<String> = names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    (!rules.is_empty()).then(|| (reach, rules, reason.trim().to_owned()))
}

/// `hadolint ignore=DL3008,DL3009 # reason`, `hadolint global ignore=…`, `hadolint stage ignore=…`.
fn hadolint(comment: &str) -> Option<(Reach, Vec<String>, String)> {
    let rest = comment.strip_prefix("hadolint")?.strip_prefix(char::is_whitespace)?.trim_start();
    let (reach, rest) = if let Some(rest) = rest.strip_prefix("global") {
        (Reach::File, rest)
    } else if let Some(rest) = rest.strip_prefix("stage") {
        (Reach::Stage, rest)
    } else {
        (Reach::Instruction, rest)
    };
    let rest = rest.trim_start().strip_prefix("ignore")?.trim_start().strip_prefix('=')?;
    let (names, reason) = rest.split_once('#').unwrap_or((rest, ""));
    let rules: Vec<String> = names.split(',').map(|name| name.trim().to_owned()).collect();
    let is_code = |name: &String| {
        let digits = name.strip_prefix("DL").or_else(|| name.strip_prefix("SC"));
        digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    rules.iter().all(is_code).then(|| (reach, rules, reason.trim().to_owned()))
}

impl Ignore {
    /// Whether it names `rule`.
    pub(super) fn names(&self, rule: &FileRule) -> bool {
        self.rules.iter().any(|name| name == "all" || rule.is_called(name))
    }

    /// Whether it names the rule `id` of another program.
    pub(super) fn names_id(&self, id: &str) -> bool {
        self.rules.iter().any(|name| name == "all" || name.eq_ignore_ascii_case(id))
    }

    /// Whether it holds at `at`.
    pub(super) fn covers(&self, view: &View<'_>, at: usize) -> bool {
        match self.scope {
            Scope::File => true,
            Scope::Stage(number) => {
                let begins = |number: usize| view.stages.get(number).map(super::view::Stage::at);
                begins(number).is_some_and(|start| start <= at)
                    && begins(number + 1).is_none_or(|next| at < next)
            }
            Scope::Line(line) => {
                let number = view.file.instructions.partition_point(|instruction| instruction.line < line);
                let own = view.file.instructions.get(number).filter(|instruction| instruction.line == line);
                // What is missing at its end lies at its end.
                own.is_some_and(|own| (own.span.start..=own.span.end).contains(&at))
            }
        }
    }
}
