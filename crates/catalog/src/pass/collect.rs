//! Gathers entries and facts during a pass, and brings them into their final order.

use std::collections::HashMap;

use plimsoll_model::evidence::{Entry, EntryKind, ExtractorFacts, Fact, Located};
use plimsoll_model::extractor::{CODE_LIMIT, ExtractError, Extractor, Facts, ScanFile};
use plimsoll_model::gap::{Gap, GapKind};

use super::Seen;
use crate::selector::Chosen;

/// The most facts that one layer repeats for the other names of a file.
const COPIES_LIMIT: usize = 100_000;
/// A hard link to a hard link to a hard link …
const LINKS_LIMIT: usize = 40;
/// The most oddities that one layer reports one by one.
const SUSPICIOUS_LIMIT: usize = 50;

pub(super) struct Collector<'a> {
    extractors: &'a [Extractor],
    entries: Vec<Entry>,
    facts: Vec<Facts>,
    suspicious: Vec<Gap>,
    more_suspicious: usize,
}

impl<'a> Collector<'a> {
    pub(super) fn new(extractors: &'a [Extractor]) -> Self {
        Self {
            extractors,
            entries: Vec::new(),
            facts: extractors.iter().map(|_| Facts::new()).collect(),
            suspicious: Vec::new(),
            more_suspicious: 0,
        }
    }

    pub(super) fn enter(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    pub(super) fn extract(&mut self, chosen: Chosen, file: &mut ScanFile<'_>) {
        let ordinal = self.entries.len();
        for index in chosen.iter() {
            let (Some(extractor), Some(facts)) = (self.extractors.get(index), self.facts.get_mut(index))
            else {
                continue;
            };
            facts.at(file.path, ordinal);
            if let Err(error) = (extractor.extract)(file, facts) {
                let kind = match error {
                    ExtractError::Malformed(_) | ExtractError::Spool(_) => GapKind::FileUnread,
                    ExtractError::Limit(_) => GapKind::LimitReached,
                };
                facts.gap(kind, format!("{}: {error}", extractor.name));
            }
        }
    }

    pub(super) fn gap(&mut self, index: usize, path: &str, kind: GapKind, reason: &str) {
        let ordinal = self.entries.len();
        if let Some(facts) = self.facts.get_mut(index) {
            facts.at(path, ordinal);
            facts.gap(kind, reason);
        }
    }

    pub(super) fn gaps(&mut self, chosen: Chosen, path: &str, kind: GapKind, reason: &str) {
        for index in chosen.iter() {
            self.gap(index, path, kind, reason);
        }
    }

    pub(super) fn suspicious(&mut self, name: &str, reason: &str) {
        if self.suspicious.len() < SUSPICIOUS_LIMIT {
            let name: String = name.chars().take(200).flat_map(char::escape_debug).collect();
            self.suspicious.push(Gap::new(GapKind::SuspiciousEntry, name, reason));
        } else {
            self.more_suspicious += 1;
        }
    }

    pub(super) fn finish(mut self) -> Seen {
        if self.more_suspicious > 0 {
            let subject = format!("{} more entries", self.more_suspicious);
            self.suspicious.push(Gap::new(
                GapKind::SuspiciousEntry,
                subject,
                "they are as odd as those before",
            ));
        }
        let last = last_of_duplicates(&self.entries);
        let links = hardlinks(&self.entries);
        let facts = std::mem::take(&mut self.facts);
        let mut room = COPIES_LIMIT;
        let facts = self.extractors.iter().zip(facts).map(|(extractor, facts)| {
            let (mut facts, mut gaps) =
                facts.into_parts(|path, ordinal| last.get(path).is_none_or(|at| *at == ordinal));
            if !copy_to_hardlinks(&mut facts, &links, &mut room) {
                let reason = "files with very many facts have very many names; not all were considered";
                gaps.push(Gap::new(GapKind::LimitReached, "hard links", reason));
            }
            ExtractorFacts { extractor: extractor.name.to_owned(), revision: extractor.revision, facts, gaps }
        });
        let facts = facts.collect();
        Seen { facts, entries: sorted(self.entries), gaps: self.suspicious }
    }
}

/// For paths that occur more than once as an entry with content: the ordinal (counted from one) of the last.
fn last_of_duplicates(entries: &[Entry]) -> HashMap<String, usize> {
    let mut seen: HashMap<&str, usize> = HashMap::with_capacity(entries.len());
    let mut last = HashMap::new();
    for (index, entry) in entries.iter().enumerate() {
        if matches!(entry.kind, EntryKind::Whiteout | EntryKind::Opaque) {
            continue;
        }
        if seen.insert(&entry.path, index).is_some() {
            last.insert(entry.path.to_string(), index + 1);
        }
    }
    last
}

/// Sorted by path; of duplicates the last, but a whiteout and what replaces it both stay.
fn sorted(mut entries: Vec<Entry>) -> Vec<Entry> {
    let class = |entry: &Entry| match entry.kind {
        EntryKind::Whiteout => 0,
        EntryKind::Opaque => 1,
        _ => 2,
    };
    entries.sort_by(|a, b| a.path.cmp(&b.path).then_with(|| class(a).cmp(&class(b))));
    // The sort is stable, so the last of equals is the last in the archive.
    entries.reverse();
    entries.dedup_by(|later, kept| later.path == kept.path && class(later) == class(kept));
    entries.reverse();
    entries
}

/// The other names of files that have several.
fn hardlinks(entries: &[Entry]) -> HashMap<&str, Vec<&str>> {
    let targets: HashMap<&str, &str> = entries.iter().filter_map(link).collect();
    let mut links: HashMap<&str, Vec<&str>> = HashMap::new();
    for (path, target) in entries.iter().filter_map(link) {
        let mut file = target;
        for _ in 0..LINKS_LIMIT {
            let Some(next) = targets.get(file) else { break };
            file = next;
        }
        if file != path {
            links.entry(file).or_default().push(path);
        }
    }
    links
}

fn link(entry: &Entry) -> Option<(&str, &str)> {
    match &entry.kind {
        EntryKind::Hardlink(target) => Some((&entry.path, target)),
        _ => None,
    }
}

/// A fact of a file holds for all its names: one of them may outlive the others. Tells whether there was room. Names of code
/// and texts of licences beyond [`CODE_LIMIT`] are not copied: of the code at the other paths nothing is known then.
fn copy_to_hardlinks(facts: &mut Vec<Located>, links: &HashMap<&str, Vec<&str>>, room: &mut usize) -> bool {
    if links.is_empty() {
        return true;
    }
    let wanted: usize =
        facts.iter().filter_map(|located| links.get(located.path.as_str())).map(Vec::len).sum();
    let mut room_for_code = CODE_LIMIT;
    let mut fits = |located: &Located| {
        let size = match &located.fact {
            Fact::Code(code) => code.names.size(),
            Fact::LicenseFile(text) => text.len(),
            _ => 0,
        };
        let left = room_for_code.checked_sub(size);
        room_for_code = left.unwrap_or(room_for_code);
        left.is_some()
    };
    let copies: Vec<Located> = facts
        .iter()
        .filter_map(|located| Some((located, links.get(located.path.as_str())?)))
        .flat_map(|(located, names)| {
            names.iter().map(|name| Located { path: (*name).to_owned(), ..located.clone() })
        })
        .filter(|copy| fits(copy))
        .take(*room)
        .collect();
    let fits = wanted <= *room;
    *room -= copies.len();
    if !copies.is_empty() {
        facts.extend(copies);
        facts.sort();
        facts.dedup();
    }
    fits
}

#[cfg(test)]
mod tests {
    use plimsoll_model::code::{Code, Name, Names};
    use plimsoll_model::package::Ecosystem;

    use super::*;

    /// A large program with a million names of its own file takes no room a million times.
    #[test]
    fn code_of_files_with_many_names_is_copied_up_to_a_limit() {
        let names = Names::from_iter((0..100_000).map(|n| Name::of(&[&n.to_string()])));
        let size = names.size();
        let code = Code { ecosystem: Ecosystem::Go, is_whole: true, names };
        let mut facts = vec![Located { path: "a".into(), inside: None, fact: Fact::Code(code) }];
        let others: Vec<String> = (0..1000).map(|n| format!("b{n}")).collect();
        let links = HashMap::from([("a", others.iter().map(String::as_str).collect())]);
        assert!(copy_to_hardlinks(&mut facts, &links, &mut 100_000));
        assert_eq!(facts.len(), 1 + CODE_LIMIT / size);
    }
}
