//! `requirements.txt`: pinned lines (`NAME[EXTRAS] == VERSION ; MARKER --hash=…`) are raised, hashes with them
//! (<https://pip.pypa.io/en/stable/reference/requirements-file-format/>).

use std::ops::Range;

use plimsoll_model::package::python_name;
use plimsoll_model::plan::Raise;

use super::python::{self, Published, needs, takes};
use super::{Contents, Declared, Refused, Registry, Texts, replaced, text};

/// Where packages are if the file does not tell.
const INDEX: &str = "https://pypi.org/simple";
/// What a hash begins with.
const HASH: &str = "--hash=";

/// A requirement, with the places of its parts in the text.
struct Line {
    name: String,
    /// The version of `==`; none if it is not pinned so.
    version: Option<Range<usize>>,
    hashes: Vec<Range<usize>>,
}

pub(super) fn read(text: &str) -> Contents {
    let mut contents = Contents::default();
    for line in lines(text) {
        match line.version.clone().and_then(|range| text.get(range)) {
            Some(version) => {
                let version = version.to_owned();
                contents.packages.push(Declared { name: line.name, version, needs: Vec::new() });
            }
            None => contents.open.push(line.name),
        }
    }
    contents
}

pub(super) fn raise(
    path: &str,
    raise: &Raise,
    texts: &Texts,
    registry: &dyn Registry,
) -> Result<Texts, Refused> {
    let text = text(texts, path)?;
    let is_meant = |line: &Line| {
        let version = line.version.clone().and_then(|range| text.get(range));
        line.name == python_name(&raise.name) && version == Some(raise.from.as_str())
    };
    let meant: Vec<Line> = lines(text).into_iter().filter(is_meant).collect();
    if meant.is_empty() {
        return Err(Refused::Absent(raise.name.clone(), raise.from.clone()));
    }
    let has_hashes = meant.iter().any(|line| !line.hashes.is_empty());
    let mut hashes = Vec::new();
    if has_hashes || !registry.is_closed() {
        let index = index_of(text);
        let files = python::files(&index, (&raise.name, &raise.to), registry)?;
        fits(text, raise, (&index, &files), registry)?;
        hashes.extend(files.into_iter().map(|file| format!("{HASH}sha256:{}", file.digest)));
        hashes.sort();
        hashes.dedup();
    }
    let mut edits = Vec::new();
    for line in meant {
        edits.extend(line.version.map(|range| (range, raise.to.clone())));
        if let (Some(first), Some(last)) = (line.hashes.first(), line.hashes.last()) {
            let between = line.hashes.get(1).and_then(|second| text.get(first.end..second.start));
            let between = between.unwrap_or(" \\\n    ");
            edits.push((first.start..last.end, hashes.join(between)));
        }
    }
    Ok(Texts::from([(path.to_owned(), replaced(text, edits))]))
}

/// The requirements of a file; what else stands in it is passed over.
fn lines(text: &str) -> Vec<Line> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut physical = text.split_inclusive('\n').peekable();
    while let Some(first) = physical.next() {
        let start = at;
        at += first.len();
        let mut last = first;
        while last.trim_end_matches(['\r', '\n']).ends_with('\\') {
            let Some(next) = physical.next() else { break };
            at += next.len();
            last = next;
        }
        found.extend(line(text, start..at));
    }
    found
}

fn line(text: &str, whole: Range<usize>) -> Option<Line> {
    let own = text.get(whole.clone())?;
    let comment = own.char_indices().find(|(at, c)| {
        *c == '#' && own.get(..*at).is_none_or(|before| before.is_empty() || before.ends_with([' ', '\t']))
    });
    let own = own.get(..comment.map_or(own.len(), |(at, _)| at))?;
    let head = own.len() - own.trim_start().len();
    let is_name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let rest = own.get(head..)?;
    let length = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
    let name = rest.get(..length).filter(|name| name.starts_with(|c: char| c.is_ascii_alphanumeric()))?;
    // An address or a path.
    if rest.get(length..)?.trim_start().starts_with(['@', '/', ':', '\\']) {
        return None;
    }
    let hashes = own.match_indices(HASH).filter_map(|(at, _)| {
        let end = own.get(at..)?.find([' ', '\t', '\\', '\r', '\n']).map_or(own.len(), |length| at + length);
        Some(whole.start + at..whole.start + end)
    });
    let hashes: Vec<Range<usize>> = hashes.collect();
    let requirement_end = own.find([';']).or_else(|| own.find(" --")).unwrap_or(own.len());
    let asked = own.get(head + length..requirement_end)?;
    let asked_at = whole.start + head + length;
    Some(Line { name: python_name(name).into_owned(), version: pinned(asked, asked_at), hashes })
}

/// The place of the version of a requirement that is pinned: `[extras] == 1.2.3`, and nothing else.
fn pinned(asked: &str, at: usize) -> Option<Range<usize>> {
    let begin = match asked.trim_start().strip_prefix('[') {
        Some(rest) => asked.len() - rest.len() + rest.find(']')? + 1,
        None => 0,
    };
    let equals = begin + asked.get(begin..)?.find("==")?;
    let is_blank = |text: &str| text.chars().all(|c| c.is_whitespace() || "(\\".contains(c));
    if !is_blank(asked.get(begin..equals)?) {
        return None;
    }
    let rest = asked.get(equals + 2..)?;
    let from = rest.find(|c: char| !c.is_whitespace())?;
    let is_version = |c: char| c.is_ascii_alphanumeric() || "._-+!".contains(c);
    let length = rest.get(from..)?.find(|c| !is_version(c)).unwrap_or(rest.len() - from);
    let end = from + length;
    let is_end = rest.get(end..)?.chars().all(|c| c.is_whitespace() || ")\\".contains(c));
    (length > 0 && is_end).then(|| at + equals + 2 + from..at + equals + 2 + end)
}

/// Where the packages of a file are: at the index that it names, or at PyPI.
fn index_of(text: &str) -> String {
    let told = text.lines().find_map(|line| {
        let line = line.trim();
        let rest = line.strip_prefix("--index-url").or_else(|| line.strip_prefix("-i "))?;
        Some(rest.trim_start_matches(['=', ' ']).trim().trim_end_matches('/').to_owned())
    });
    told.unwrap_or_else(|| INDEX.to_owned())
}

/// Whether the new version takes what else is pinned in the file, and that the new version.
fn fits(
    text: &str,
    raise: &Raise,
    (index, files): (&str, &[Published]),
    registry: &dyn Registry,
) -> Result<(), Refused> {
    let name = python_name(&raise.name).into_owned();
    let pinned = read(text).packages;
    let version_of = |name: &str| pinned.iter().find(|other| other.name == name).map(|other| &other.version);
    for (need, range) in needs(files, registry) {
        if version_of(&need).is_some_and(|version| !takes(&range, version)) {
            return Err(Refused::Needs(raise.name.clone(), raise.to.clone(), format!("{need} {range}")));
        }
    }
    for other in pinned.iter().filter(|other| other.name != name) {
        // What the index does not know is of another one, and asks for what nobody can tell.
        let Ok(files) = python::files(index, (&other.name, &other.version), registry) else { continue };
        for (need, range) in needs(&files, registry) {
            if need == name && takes(&range, &raise.from) && !takes(&range, &raise.to) {
                return Err(Refused::Needed(other.name.clone(), name, range));
            }
        }
    }
    Ok(())
}
