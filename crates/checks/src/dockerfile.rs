//! Dockerfiles and Containerfiles, as BuildKit reads them: what is wrong, where, and how it is mended.
//!
//! The text becomes instructions ([`syntax`]), these become stages and commands, and rules look at them
//! ([`crate::all::DOCKERFILE_RULES`]). Nothing is built and nothing is fetched.

mod history;
mod ignore;
mod logical;
mod parse;
pub mod rules;
mod shell;
mod shellcheck;
pub mod syntax;
pub mod upgrades;
pub(crate) mod view;
mod words;

use plimsoll_model::finding::Finding;
use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_model::position::Position;

pub use history::places;
pub use logical::Logical;
pub use parse::parse;
pub use words::{Pair, Word};

use crate::all::DOCKERFILE_RULES;
use crate::build_file::{Checked, Edit, Ignored, Settings, shown_line};
use ignore::Ignore;
use rules::{Breach, Rule};
use view::View;

/// A Dockerfile that is larger is not read.
const SIZE: usize = 1 << 20;
/// Findings beyond this many of one file are left out.
const FINDINGS: usize = 5_000;

/// Tells from a path whether the file there is a Dockerfile.
#[must_use]
pub fn is_dockerfile(path: &str, _text: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    ["dockerfile", "containerfile"].iter().any(|known| {
        let before =
            name.strip_suffix(known).is_some_and(|rest| rest.is_empty() || rest.ends_with(['.', '-', '_']));
        let after = name.strip_prefix(known).is_some_and(|rest| {
            rest.starts_with(['.', '-', '_']) && !rest.ends_with(".dockerignore") && !rest.ends_with(".md")
        });
        before || after
    })
}

/// Checks the Dockerfile `text`, which is named `path`.
#[must_use]
pub fn check(path: &str, text: &str, settings: &Settings<'_>) -> Checked {
    let mut checked = Checked::default();
    if text.len() > SIZE {
        let reason = format!("the Dockerfile has more than {SIZE} bytes");
        checked.gaps.push(Gap::new(GapKind::LimitReached, path, reason));
        return checked;
    }
    let file = parse(text);
    let view = View::new(text, &file, settings);
    if view.limited {
        let reason = "the Dockerfile has more instructions or commands than are looked at";
        checked.gaps.push(Gap::new(GapKind::LimitReached, path, reason));
    }
    let mut found: Vec<Found> = Vec::new();
    for rule in DOCKERFILE_RULES.iter().filter(|rule| settings.wants(&rule.rule, rule.when)) {
        found.extend((rule.look)(&view).into_iter().map(|breach| Found::Breach(rule, breach)));
    }
    let (remarks, gap) = shellcheck::remarks(path, &view);
    checked.gaps.extend(gap);
    let wanted = remarks.into_iter().filter(|remark| wants_foreign(settings, &remark.finding.id));
    found.extend(wanted.map(Found::Remark));
    found.sort_by(|one, other| one.key().cmp(&other.key()));
    if found.len() > FINDINGS {
        let reason = format!("only the first {FINDINGS} findings are told");
        checked.gaps.push(Gap::new(GapKind::LimitReached, path, reason));
        found.truncate(FINDINGS);
    }
    sort_out(path, &view, found, &mut checked);
    checked
}

/// The image that the final stage of the Dockerfile `text` begins from, and another one that is enough to run what it
/// makes, by the languages that its commands tell; none if there is no stage.
#[must_use]
pub fn proposed_base(text: &str) -> Option<(String, &'static str)> {
    if text.len() > SIZE {
        return None;
    }
    let (file, settings) = (parse(text), Settings::default());
    rules::advice::proposal(&View::new(text, &file, &settings))
}

/// What was found, with its place in bytes.
enum Found {
    Breach(&'static Rule, Breach),
    Remark(shellcheck::Remark),
}

impl Found {
    fn key(&self) -> (usize, &str) {
        match self {
            Self::Breach(rule, breach) => (breach.at, rule.rule.id),
            Self::Remark(remark) => (remark.at, &remark.finding.id),
        }
    }

    fn is_named_by(&self, ignore: &Ignore) -> bool {
        match self {
            // A comment about comments would set itself aside.
            Self::Breach(rule, _) => ignore.names(&rule.rule) && !rule.rule.is_called("DL1001"),
            Self::Remark(remark) => ignore.names_id(&remark.finding.id),
        }
    }
}

/// Whether the rule `id` of another program is to be looked at.
fn wants_foreign(settings: &Settings<'_>, id: &str) -> bool {
    let named = |names: &[String]| names.iter().any(|name| name.eq_ignore_ascii_case(id));
    !named(&settings.without) && (settings.only.is_empty() || named(&settings.only))
}

/// Sorts what was found into findings that stand and those that a comment sets aside. `found` is in order.
fn sort_out(path: &str, view: &View<'_>, found: Vec<Found>, checked: &mut Checked) {
    let ignores = ignore::ignores(view);
    let mut places = Places { path, text: view.text, at: 0, line: 1, column: 1 };
    for found in found {
        let at = found.key().0;
        let position = places.of(at);
        let by = ignores.iter().find(|ignore| found.is_named_by(ignore) && ignore.covers(view, at));
        let (finding, edits) = match found {
            Found::Breach(rule, Breach { evidence, edits, .. }) => {
                let edit = |(range, replacement)| Edit { rule: rule.rule.id, range, replacement };
                (rule.rule.finding(position, shown_line(&evidence)), edits.into_iter().map(edit).collect())
            }
            Found::Remark(remark) => (Finding { position: Some(position), ..remark.finding }, Vec::new()),
        };
        match by {
            Some(ignore) => checked.ignored.push(Ignored { finding, reason: ignore.reason.clone() }),
            None => {
                checked.edits.extend(edits);
                checked.findings.push(finding);
            }
        }
    }
    checked.edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let mut end = 0;
    checked.edits.retain(|edit| {
        let is_apart = edit.range.start >= end;
        end = end.max(edit.range.end);
        is_apart
    });
}

/// Places in ascending order, for which the text is gone through once.
struct Places<'a> {
    path: &'a str,
    text: &'a str,
    at: usize,
    line: u32,
    column: u32,
}

impl Places<'_> {
    fn of(&mut self, at: usize) -> Position {
        let passed = self.text.as_bytes().get(self.at..at.min(self.text.len())).unwrap_or_default();
        for byte in passed {
            if *byte == b'\n' {
                (self.line, self.column) = (self.line.saturating_add(1), 1);
            } else if byte & 0xC0 != 0x80 {
                // A byte that goes on with a character is none of its own.
                self.column = self.column.saturating_add(1);
            }
        }
        self.at = self.at.max(at);
        Position { file: self.path.to_owned(), line: self.line, column: self.column }
    }
}

#[cfg(test)]
mod tests;
