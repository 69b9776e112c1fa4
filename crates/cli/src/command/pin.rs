//! `plimsoll pin`.

pub(super) mod resolve;

use std::path::{Path, PathBuf};

use plimsoll_checks::build_file::edited;
use plimsoll_checks::pins::{Name, Names, What, names};
use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_report::pins::{Pinned, State, write_json, write_text};

use super::files::{File, is_yaml, read, rewrite};
use super::trail::Trail;
use super::{Context, unified_diff};
use crate::args::{Pin, Words};
use crate::exit::Code;
use crate::output::to_stdout;
use resolve::Resolver;

/// A file that may name something.
pub(super) struct Source {
    pub(super) name: String,
    path: Option<PathBuf>,
    pub(super) text: String,
    pub(super) names: Names,
}

impl Source {
    /// What was not understood.
    pub(super) fn gaps(&self) -> Vec<Gap> {
        let mut lines = Lines::new(&self.text);
        let unknown = self.names.unknown.iter();
        let gap = |(at, reason): &(usize, String)| {
            let subject = format!("{}:{}", self.name, lines.of(*at));
            Gap::new(GapKind::FileUnread, subject, reason.as_str())
        };
        unknown.map(gap).collect()
    }
}

pub(super) fn run(args: &Pin, context: &Context) -> anyhow::Result<Code> {
    let trail = Trail::of(&args.auditing, context)?;
    let (sources, mut gaps) = sources(&args.paths)?;
    let mut resolver = Resolver::new(context);
    let mut pins = Vec::new();
    let mut made = Vec::with_capacity(sources.len());
    for source in &sources {
        let mut work = Work { source, args, resolver: &mut resolver, gaps: &mut gaps, pins: &mut pins };
        made.push(work.done());
    }
    if !args.check && !args.diff {
        for (source, text) in sources.iter().zip(&made).filter(|(source, text)| source.text != **text) {
            match &source.path {
                Some(path) => rewrite(path, text)?,
                None => to_stdout(|out| out.write_all(text.as_bytes()))?,
            }
        }
        if let Some(trail) = trail {
            trail.pinned(&pins)?;
        }
    }
    if args.diff {
        let changed = sources.iter().zip(&made);
        let text: String =
            changed.map(|(source, text)| unified_diff::unified(&source.name, &source.text, text)).collect();
        to_stdout(|out| out.write_all(text.as_bytes()))?;
    } else if sources.iter().all(|source| source.path.is_some()) || args.check {
        let style = context.environment.style(context.global.color);
        to_stdout(|out| match args.format {
            Words::Text => write_text(&pins, &gaps, style, out),
            Words::Json => write_json(&pins, &gaps, out),
        })?;
    }
    if !gaps.is_empty() {
        return Ok(Code::Undecided);
    }
    let fails = args.check && pins.iter().any(|pin| pin.state != State::Pinned);
    Ok(if fails { Code::Fail } else { Code::Pass })
}

/// The files among `paths` that may name something, and what could not be read.
pub(super) fn sources(paths: &[PathBuf]) -> anyhow::Result<(Vec<Source>, Vec<Gap>)> {
    let mut sources = Vec::new();
    let gaps = read(paths, "Dockerfile", may_be_meant, &mut |file| sources.extend(source(file)))?;
    if sources.is_empty() && gaps.is_empty() {
        anyhow::bail!("there is no file that names images: plimsoll pin --help says which are looked at");
    }
    Ok((sources, gaps))
}

/// Whether the name alone lets a file be one, so that only such files are read.
fn may_be_meant(name: &str) -> bool {
    is_yaml(name)
        || name.to_ascii_lowercase().ends_with(".tf")
        || plimsoll_checks::dockerfile::is_dockerfile(name, "")
}

/// Takes the file if it may name something; one that was named itself is taken as a Dockerfile else.
fn source(file: File<'_>) -> Option<Source> {
    // Bytes that are no text could not be written back as they were.
    let text = String::from_utf8(file.bytes).ok()?;
    let default = || if file.named { names("Dockerfile", &text) } else { None };
    let path = file.path.map(|path| path.display().to_string());
    let names = names(path.as_deref().unwrap_or(&file.name), &text).or_else(default)?;
    Some(Source { name: file.name, path: file.path.map(Path::to_owned), text, names })
}

/// The work on one file.
struct Work<'w> {
    source: &'w Source,
    args: &'w Pin,
    resolver: &'w mut Resolver,
    gaps: &'w mut Vec<Gap>,
    pins: &'w mut Vec<Pinned>,
}

impl Work<'_> {
    /// The text with everything pinned.
    fn done(&mut self) -> String {
        let text = &self.source.text;
        let mut edits = Vec::new();
        let mut lines = Lines::new(text);
        for name in &self.source.names.names {
            let is_action = matches!(name.what, What::Action { .. });
            if is_action && self.args.no_actions {
                continue;
            }
            let line = lines.of(name.at);
            let before = name.pin();
            let (after, state) = self.pin(name, before.as_deref(), line);
            if let Some(after) = after.as_deref().filter(|after| Some(*after) != before.as_deref()) {
                edits.extend(name.pinned_to(text, after));
            }
            let (file, name) = (self.source.name.clone(), name.title());
            self.pins.push(Pinned { file, line, is_action, name, before, after, state });
        }
        self.gaps.extend(self.source.gaps());
        edits.sort_by_key(|edit| edit.range.start);
        edited(text, &edits)
    }

    /// What a name is to be pinned to, and what that makes of it.
    fn pin(&mut self, name: &Name, before: Option<&str>, line: usize) -> (Option<String>, State) {
        let is_known = before.is_some();
        let asks = self.args.update || (!is_known && !self.args.check);
        if !asks || !name.has_tag() {
            return (before.map(str::to_owned), if is_known { State::Pinned } else { State::Unpinned });
        }
        match self.resolver.resolve(&name.what) {
            Ok(now) if Some(now.as_str()) == before => (Some(now), State::Pinned),
            Ok(now) => (Some(now), if is_known { State::Moved } else { State::New }),
            Err(reason) => {
                let subject = format!("{}:{line}", self.source.name);
                self.gaps.push(Gap::new(GapKind::FileUnread, subject, format!("{}: {reason}", name.title())));
                (before.map(str::to_owned), if is_known { State::Pinned } else { State::Unpinned })
            }
        }
    }
}

/// Counts lines up to places that come in order.
pub(super) struct Lines<'t> {
    text: &'t str,
    at: usize,
    line: usize,
}

impl<'t> Lines<'t> {
    pub(super) const fn new(text: &'t str) -> Self {
        Self { text, at: 0, line: 1 }
    }

    pub(super) fn of(&mut self, at: usize) -> usize {
        let passed = self.text.as_bytes().get(self.at..at).unwrap_or_default();
        self.line += passed.iter().filter(|byte| **byte == b'\n').count();
        self.at = self.at.max(at);
        self.line
    }
}
