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
mod view;
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
const SIZE: usize = 4 << 20;
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
    if file.limited {
        let reason = "the Dockerfile has more instructions than are read";
        checked.gaps.push(Gap::new(GapKind::LimitReached, path, reason));
    }
    let view = View::new(text, &file, settings);
    let ignores = ignore::ignores(&view);
    let mut sorter = Sorter { path, view: &view, ignores: &ignores, found: Vec::new(), ignored: Vec::new() };
    for rule in DOCKERFILE_RULES.iter().filter(|rule| settings.wants(&rule.rule, rule.when)) {
        for breach in (rule.look)(&view) {
            sorter.breach(rule, breach, &mut checked.edits);
        }
    }
    let (remarks, gap) = shellcheck::remarks(path, &view);
    remarks.into_iter().for_each(|remark| sorter.remark(remark));
    checked.gaps.extend(gap);
    sorter.finish(&mut checked);
    checked
}

/// Sorts findings into those that stand and those that a comment sets aside.
struct Sorter<'a> {
    path: &'a str,
    view: &'a View<'a>,
    ignores: &'a [Ignore],
    found: Vec<(usize, Finding)>,
    ignored: Vec<(usize, Ignored)>,
}

impl Sorter<'_> {
    fn breach(&mut self, rule: &Rule, breach: Breach, edits: &mut Vec<Edit>) {
        let position = Position::of(self.path, self.view.text, breach.at);
        let finding = rule.rule.finding(position, shown_line(&breach.evidence));
        let by =
            self.ignores.iter().find(|found| found.names(&rule.rule) && found.covers(self.view, breach.at));
        // A comment about comments would set itself aside.
        match by.filter(|_| !rule.rule.is_called("DL1001")) {
            Some(ignore) => {
                self.ignored.push((breach.at, Ignored { finding, reason: ignore.reason.clone() }))
            }
            None => {
                let edit = |(range, replacement)| Edit { rule: rule.rule.id, range, replacement };
                edits.extend(breach.edits.into_iter().map(edit));
                self.found.push((breach.at, finding));
            }
        }
    }

    fn remark(&mut self, remark: shellcheck::Remark) {
        let shellcheck::Remark { at, finding } = remark;
        let settings = self.view.settings;
        let named = |names: &[String]| names.iter().any(|name| name.eq_ignore_ascii_case(&finding.id));
        if named(&settings.without) || !(settings.only.is_empty() || named(&settings.only)) {
            return;
        }
        let by = self.ignores.iter().find(|found| found.names_id(&finding.id) && found.covers(self.view, at));
        match by {
            Some(ignore) => self.ignored.push((at, Ignored { reason: ignore.reason.clone(), finding })),
            None => self.found.push((at, finding)),
        }
    }

    fn finish(mut self, checked: &mut Checked) {
        self.found.sort_by(|(a, one), (b, other)| (a, &one.id).cmp(&(b, &other.id)));
        self.ignored.sort_by_key(|(at, _)| *at);
        if self.found.len() > FINDINGS {
            let reason = format!("only the first {FINDINGS} findings are told");
            checked.gaps.push(Gap::new(GapKind::LimitReached, self.path, reason));
            self.found.truncate(FINDINGS);
        }
        checked.findings = self.found.into_iter().map(|(_, finding)| finding).collect();
        checked.ignored = self.ignored.into_iter().map(|(_, ignored)| ignored).collect();
        checked.edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
        let mut end = 0;
        checked.edits.retain(|edit| {
            let is_apart = edit.range.start >= end;
            end = end.max(edit.range.end);
            is_apart
        });
    }
}

#[cfg(test)]
mod tests;
