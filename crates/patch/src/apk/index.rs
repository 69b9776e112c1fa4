//! The packages of verified indexes, `APKINDEX.tar.gz`, found by what they are called and by what they provide. The text is kept
//! as it is, and a paragraph read when it is asked for.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::io;

use plimsoll_formats::apkdb::records;
use plimsoll_formats::tar::{Archive, Limits as TarLimits};
use plimsoll_model::version::Scheme;

use super::database::identity;
use super::relations::{relation, relations_of};
use crate::package::body;
use crate::relation::Relation;
use crate::stock::{Candidate, Check, Stock, stays_below};

/// Which text, and where in it.
type Place = (usize, usize, usize);

/// The packages of all repositories.
#[derive(Debug, Default)]
pub struct Index {
    texts: Vec<(String, String)>,
    names: HashMap<String, Vec<Place>>,
    provided: HashMap<String, Vec<Place>>,
}

/// The text of the packages in the plain tar of an index.
///
/// # Errors
/// If it cannot be read, or has none.
pub fn text_of(plain: &[u8]) -> io::Result<String> {
    let limits = TarLimits { extension_bytes: 4 << 10, entries: 100, name_bytes: 64 << 10 };
    let mut archive = Archive::new(plain, limits);
    while let Some(entry) = archive.next_entry().map_err(io::Error::other)? {
        if entry.name == "APKINDEX" {
            let bytes = body(&mut archive).map_err(io::Error::other)?;
            return Ok(String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    Err(io::Error::other("there is no APKINDEX in it"))
}

impl Index {
    /// Adds the text of an index of the packages at `uri`.
    pub fn add(&mut self, uri: &str, text: String) {
        let number = self.texts.len();
        let mut start = 0_usize;
        for paragraph in text.split("\n\n") {
            let place = (number, start, start.saturating_add(paragraph.len()));
            for line in paragraph.lines() {
                if let Some(name) = line.strip_prefix("P:") {
                    self.names.entry(name.to_owned()).or_default().push(place);
                } else if let Some(words) = line.strip_prefix("p:") {
                    for word in words.split_whitespace() {
                        self.provided.entry(relation(word).name).or_default().push(place);
                    }
                }
            }
            start = start.saturating_add(paragraph.len()).saturating_add(2);
        }
        self.texts.push((uri.to_owned(), text));
    }

    fn at(&self, places: Option<&Vec<Place>>) -> impl Iterator<Item = Candidate> {
        places.into_iter().flatten().filter_map(|(number, start, end)| {
            let (uri, text) = self.texts.get(*number)?;
            candidate(uri, text.get(*start..*end)?)
        })
    }
}

impl Stock for Index {
    fn newest(&self, name: &str, _architecture: &str) -> Option<Candidate> {
        // Repositories are asked for the image's architecture alone.
        self.at(self.names.get(name)).reduce(newer)
    }

    fn providing(&self, wanted: &Relation, architecture: &str) -> Vec<Candidate> {
        let named = self.newest(&wanted.name, architecture);
        let mut found: Vec<Candidate> =
            named.filter(|found| wanted.fits(Scheme::Apk, &found.version)).into_iter().collect();
        let mut others: Vec<Candidate> = Vec::new();
        for candidate in self.at(self.provided.get(&wanted.name)) {
            if candidate.relations.provide(wanted, Scheme::Apk) {
                others.push(candidate);
            }
        }
        others.sort_by(|one, other| one.name.cmp(&other.name).then_with(|| order(other, one)));
        others.dedup_by(|one, other| one.name == other.name);
        found.extend(others);
        found
    }
}

fn order(one: &Candidate, other: &Candidate) -> Ordering {
    Scheme::Apk.compare(&one.version, &other.version).unwrap_or(Ordering::Equal)
}

fn newer(best: Candidate, other: Candidate) -> Candidate {
    if order(&other, &best).is_gt() { other } else { best }
}

fn candidate(uri: &str, text: &str) -> Option<Candidate> {
    let record = records(text).next()?;
    let (name, version) = (record.name()?.to_owned(), record.version()?.to_owned());
    let file = format!("{name}-{version}.apk");
    if !stays_below(&file) || file.contains('/') {
        return None;
    }
    Some(Candidate {
        architecture: record.architecture()?.to_owned(),
        relations: relations_of(record.get(b'D').unwrap_or_default(), record.get(b'p').unwrap_or_default()),
        uri: uri.to_owned(),
        file,
        size: record.get(b'S')?.parse().ok()?,
        check: Check::Identity(identity(record.get(b'C')?)?),
        name,
        version,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "Q1AAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    fn paragraph(name: &str, version: &str, more: &str) -> String {
        format!("C:{ID}\nP:{name}\nV:{version}\nA:x86_64\nS:1\nI:1\nT:x\nU:x\nL:x\n{more}\n")
    }

    #[test]
    fn packages_are_found_by_name_and_by_what_they_provide() {
        let mut index = Index::default();
        index.add("http://a", paragraph("x", "1.0-r0", "p:so:libx.so.1=1.0 cmd:x=1.0-r0\n"));
        index.add(
            "http://b",
            paragraph("x", "1.0-r2", "p:so:libx.so.1=1.0\n") + &paragraph("y", "1-r0", "p:so:libx.so.1=2\n"),
        );
        let newest = index.newest("x", "x86_64").unwrap();
        assert_eq!((newest.version.as_str(), newest.file.as_str()), ("1.0-r2", "x-1.0-r2.apk"));
        let names = |word: &str| -> Vec<String> {
            let found = index.providing(&relation(word), "x86_64");
            found.iter().map(|found| format!("{} {}", found.name, found.version)).collect()
        };
        assert_eq!(names("so:libx.so.1"), ["x 1.0-r2", "y 1-r0"]);
        assert_eq!(names("so:libx.so.1>1.5"), ["y 1-r0"]);
        assert_eq!(names("x<1"), [""; 0]);
    }

    #[test]
    fn files_outside_of_the_repository_are_none() {
        let mut index = Index::default();
        for (name, version) in [("../../x", "1"), ("a", "1/../../x"), ("http://evil/x", "1"), ("a\tb", "1")] {
            index.add("http://m", paragraph(name, version, ""));
            assert_eq!(index.newest(name, "x86_64"), None, "{name}");
        }
        index.add("http://m", paragraph("b", "1", "").replace(ID, "Q1short="));
        assert_eq!(index.newest("b", "x86_64"), None, "its identity is none");
    }
}
