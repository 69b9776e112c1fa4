//! The images that a Dockerfile names: its syntax, bases, sources of `COPY` and of mounts.

use std::ops::Range;

use super::Names;
use crate::build_file::Settings;
use crate::dockerfile::parse;
use crate::dockerfile::syntax::{Instruction, Kind};
use crate::dockerfile::view::{Stage, View};

pub(super) fn names(text: &str) -> Names {
    let (file, settings) = (parse(text), Settings::default());
    let view = View::new(text, &file, &settings);
    let mut names = Names::default();
    for directive in file.directives.iter().filter(|directive| directive.name.eq_ignore_ascii_case("syntax"))
    {
        place(text, directive.span.clone(), &directive.value)
            .into_iter()
            .for_each(|at| names.image(text, at));
    }
    for stage in &view.stages {
        base(text, &view, stage, &mut names);
    }
    for (number, instruction) in view.instructions() {
        for flag in &instruction.flags {
            let source = match (instruction.kind, flag.name.as_str()) {
                (Kind::Copy, "from") => Some(flag.value.as_str()),
                (Kind::Run, "mount") => flag.value.split(',').find_map(|part| part.strip_prefix("from=")),
                _ => None,
            };
            let Some(source) = source.filter(|source| is_image(&view, source, number)) else { continue };
            let written = format!("from={source}");
            if let Some(found) = place(text, instruction.span.clone(), &written) {
                names.image(text, found.start + "from=".len()..found.end);
            }
        }
    }
    if view.limited {
        names.unknown.push((0, "the file has more instructions than are looked at".to_owned()));
    }
    names
}

/// Whether `source` is no stage up to stage `number`.
fn is_image(view: &View<'_>, source: &str, number: usize) -> bool {
    !source.is_empty()
        && source.parse::<usize>().is_err()
        && !source.eq_ignore_ascii_case("scratch")
        && view.stage_called(source, number + 1).is_none()
}

fn base(text: &str, view: &View<'_>, stage: &Stage<'_>, names: &mut Names) {
    let base = stage.base.text.as_str();
    let Some(from) = stage.from else { return };
    if stage.parent.is_some() || base.is_empty() || base.eq_ignore_ascii_case("scratch") {
        return;
    }
    let Some(range) = place(text, from.span.clone(), base) else {
        names.unknown.push((from.span.start, format!("{base} is not written in one piece")));
        return;
    };
    // A base that is an argument as a whole is pinned where the argument has its default.
    let argument = base.strip_prefix('$').map(|name| name.trim_start_matches('{').trim_end_matches('}'));
    let default = argument.and_then(|name| default_of(text, view, name));
    match default {
        Some(default) => names.image(text, default),
        None => names.image(text, range),
    }
}

/// Where the default of a global argument is written.
fn default_of(text: &str, view: &View<'_>, name: &str) -> Option<Range<usize>> {
    let pair = view.global_args.iter().rev().find(|arg| arg.name == name)?;
    let value = pair.value.as_deref().filter(|value| !value.is_empty())?;
    let of_arg = |instruction: &&Instruction| {
        instruction.kind == Kind::Arg && instruction.pairs().iter().any(|own| own == pair)
    };
    let instruction = view.file.instructions.iter().rev().find(of_arg)?;
    ["", "\"", "'"].iter().find_map(|quote| {
        let before = format!("{name}={quote}");
        let found = place(text, instruction.span.clone(), &format!("{before}{value}"))?;
        Some(found.start + before.len()..found.end)
    })
}

/// Where `written` stands as a word, or at the end of one, within `span`.
fn place(text: &str, span: Range<usize>, written: &str) -> Option<Range<usize>> {
    let within = text.get(span.clone())?;
    let ends =
        |rest: &str| rest.chars().next().is_none_or(|c| c.is_whitespace() || matches!(c, ',' | '"' | '\''));
    let mut places = within.match_indices(written);
    let at = places.find(|(at, _)| within.get(at + written.len()..).is_some_and(ends))?.0;
    Some(span.start + at..span.start + at + written.len())
}
