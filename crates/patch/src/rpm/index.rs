//! The packages of verified lists, `primary.xml`, found by what they are called and by what they provide. The text is kept as it is,
//! and a package read when it is asked for.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};

use plimsoll_model::version::Scheme;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::relations::{Dependency, relations};
use super::repomd::attribute;
use crate::relation::{Compare, Relation};
use crate::stock::{Candidate, Check, Stock, is_any, stays_below};

/// What the release of a package has that belongs to a module: which stream it is of, the list does not say.
pub(super) const MODULE: &str = ".module";

/// Which text, and where in it.
type Place = (usize, usize, usize);

/// The packages of all repositories.
#[derive(Debug, Default)]
pub struct Index {
    texts: Vec<(String, String)>,
    names: HashMap<String, Vec<Place>>,
    provided: HashMap<String, Vec<Place>>,
}

impl Index {
    /// Adds the list of the repository at `uri`.
    pub fn add(&mut self, uri: &str, text: String) {
        let number = self.texts.len();
        let mut at = 0_usize;
        while let Some(start) =
            text.get(at..).and_then(|rest| rest.find("<package ")).map(|found| at.saturating_add(found))
        {
            let end = text.get(start..).and_then(|rest| rest.find("</package>"));
            let Some(end) = end.map(|end| start.saturating_add(end).saturating_add("</package>".len()))
            else {
                break;
            };
            at = end;
            let Some(package) = text.get(start..end).and_then(read) else { continue };
            let place = (number, start, end);
            for name in package.provides.iter().map(|provided| &provided.name).chain(&package.files) {
                self.provided.entry(name.clone()).or_default().push(place);
            }
            self.names.entry(package.name).or_default().push(place);
        }
        self.texts.push((uri.to_owned(), text));
    }

    fn at(&self, places: Option<&Vec<Place>>, architecture: &str) -> impl Iterator<Item = Candidate> {
        let found = places.into_iter().flatten().filter_map(|(number, start, end)| {
            let (uri, text) = self.texts.get(*number)?;
            read(text.get(*start..*end)?)?.candidate(uri)
        });
        found.filter(move |found| {
            let fits =
                found.architecture == architecture || is_any(&found.architecture) || is_any(architecture);
            fits && found.architecture != "src" && !found.version.contains(MODULE)
        })
    }
}

impl Stock for Index {
    fn newest(&self, name: &str, architecture: &str) -> Option<Candidate> {
        self.at(self.names.get(name), architecture)
            .reduce(|best, other| if order(&other, &best).is_gt() { other } else { best })
    }

    fn providing(&self, wanted: &Relation, architecture: &str) -> Vec<Candidate> {
        let mut found: Vec<Candidate> = self
            .at(self.provided.get(&wanted.name), architecture)
            .filter(|candidate| {
                candidate.relations.files.contains(&wanted.name)
                    || candidate.relations.provide(wanted, Scheme::Rpm)
            })
            .collect();
        let is_named = |candidate: &Candidate| candidate.name != wanted.name;
        found.sort_by(|one, other| {
            let by_name = is_named(one).cmp(&is_named(other)).then_with(|| one.name.cmp(&other.name));
            by_name.then_with(|| order(other, one))
        });
        found.dedup_by(|one, other| one.name == other.name);
        found
    }
}

fn order(one: &Candidate, other: &Candidate) -> Ordering {
    Scheme::Rpm.compare(&one.version, &other.version).unwrap_or(Ordering::Equal)
}

/// A package of the list.
#[derive(Default)]
struct Package {
    name: String,
    architecture: String,
    version: String,
    digest: String,
    size: u64,
    file: String,
    requires: Vec<Dependency>,
    provides: Vec<Dependency>,
    breaks: Vec<Dependency>,
    files: BTreeSet<String>,
}

impl Package {
    fn candidate(self, uri: &str) -> Option<Candidate> {
        if self.name.is_empty() || !stays_below(&self.file) {
            return None;
        }
        let mut relations = relations(self.requires, self.provides, self.breaks);
        relations.files = self.files;
        Some(Candidate {
            check: Check::Sha256(format!("sha256:{}", self.digest).parse().ok()?),
            name: self.name,
            version: self.version,
            architecture: self.architecture,
            relations,
            uri: uri.to_owned(),
            file: self.file,
            size: self.size,
        })
    }
}

fn read(text: &str) -> Option<Package> {
    let mut reader = Reader::from_str(text);
    let (mut package, mut at, mut within) = (Package::default(), String::new(), String::new());
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                at = start.local_name().as_ref().to_owned();
                if matches!(at.as_str(), "requires" | "provides" | "conflicts" | "obsoletes") {
                    within.clone_from(&at);
                }
                // Another digest than this one is none.
                if at == "checksum" && attribute(&start, "type").as_deref() != Some("sha256") {
                    at.clear();
                }
            }
            Event::Empty(start) => match start.local_name().as_ref() {
                "entry" => {
                    let list = match within.as_str() {
                        "requires" => &mut package.requires,
                        "provides" => &mut package.provides,
                        _ => &mut package.breaks,
                    };
                    list.extend(dependency(&start));
                }
                "version" => package.version = version(&start),
                "location" => package.file = attribute(&start, "href")?,
                "size" => package.size = attribute(&start, "package")?.parse().ok()?,
                _ => {}
            },
            Event::Text(text) => {
                let text = text.trim().to_owned();
                match at.as_str() {
                    "name" => package.name = text,
                    "arch" => package.architecture = text,
                    "checksum" => package.digest = text,
                    "file" => drop(package.files.insert(text)),
                    _ => {}
                }
            }
            Event::End(end) => {
                if end.local_name().as_ref() == within.as_str() {
                    within.clear();
                }
                at.clear();
            }
            Event::Eof => return Some(package),
            _ => {}
        }
    }
}

/// `EPOCH:VERSION-RELEASE` of attributes, as far as they are there.
fn version(start: &BytesStart<'_>) -> String {
    let part = |name| attribute(start, name).unwrap_or_default();
    let epoch = Some(part("epoch")).filter(|epoch| !epoch.is_empty() && epoch != "0");
    let epoch = epoch.map(|epoch| format!("{epoch}:")).unwrap_or_default();
    let release = Some(part("rel")).filter(|release| !release.is_empty());
    let release = release.map(|release| format!("-{release}")).unwrap_or_default();
    format!("{epoch}{}{release}", part("ver"))
}

fn dependency(start: &BytesStart<'_>) -> Option<Dependency> {
    let compare = match attribute(start, "flags").as_deref() {
        Some("LT") => Some(Compare::Before),
        Some("LE") => Some(Compare::AtMost),
        Some("EQ") => Some(Compare::Equal),
        Some("GE") => Some(Compare::AtLeast),
        Some("GT") => Some(Compare::After),
        _ => None,
    };
    Some(Dependency { name: attribute(start, "name")?, compare, version: version(start) })
}

#[cfg(test)]
mod tests {
    use plimsoll_model::digest::Digest;

    use super::*;

    fn package(name: &str, version: &str, file: &str, more: &str) -> String {
        format!(
            "<package type=\"rpm\"><name>{name}</name><arch>x86_64</arch><version epoch=\"0\" ver=\"{version}\" rel=\"1\"/><checksum type=\"sha256\" pkgid=\"YES\">{}</checksum><size package=\"9\" installed=\"1\"/><location href=\"{file}\"/><format><rpm:provides><rpm:entry name=\"{name}\" flags=\"EQ\" epoch=\"0\" ver=\"{version}\" rel=\"1\"/></rpm:provides>{more}</format></package>\n",
            Digest::of(b"x").hex()
        )
    }

    #[test]
    fn packages_are_found_by_name_and_by_what_they_provide() {
        let mut index = Index::default();
        let more = "<rpm:requires><rpm:entry name=\"(a or b)\"/><rpm:entry name=\"c\" flags=\"GE\" ver=\"2\"/></rpm:requires><rpm:obsoletes><rpm:entry name=\"old\" flags=\"LT\" epoch=\"1\" ver=\"2\"/></rpm:obsoletes><file>/usr/bin/x</file>";
        let list = package("x", "1.0", "x.rpm", more)
            + &package("x", "1.2", "x2.rpm", more)
            + &package("x", "9.module+el8", "m.rpm", "");
        index.add("http://a", format!("<metadata>{list}</metadata>"));
        let newest = index.newest("x", "x86_64").unwrap();
        assert_eq!((newest.version.as_str(), newest.file.as_str(), newest.size), ("1.2-1", "x2.rpm", 9));
        assert_eq!(newest.relations.needs[1][0].to_string(), "c (>= 2)");
        assert_eq!(newest.relations.breaks[0].to_string(), "old (<< 1:2)");
        assert_eq!(index.newest("x", "aarch64"), None);
        let wanted = |name: &str| Relation { name: name.into(), architecture: None, version: None };
        assert_eq!(index.providing(&wanted("/usr/bin/x"), "x86_64")[0].version, "1.2-1");
        assert!(index.providing(&wanted("/usr/bin/y"), "x86_64").is_empty());
    }

    #[test]
    fn files_outside_of_the_repository_are_none() {
        let mut index = Index::default();
        for (name, file) in [("a", "../../x.rpm"), ("b", "/x.rpm"), ("c", "http://evil/x.rpm")] {
            index.add("http://m", package(name, "1", file, ""));
            assert_eq!(index.newest(name, "x86_64"), None, "{file}");
        }
        index.add("http://m", package("d", "1", "d.rpm", "").replace("sha256", "md5"));
        assert_eq!(index.newest("d", "x86_64"), None, "its digest is none");
    }
}
