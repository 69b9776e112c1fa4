//! A bill of materials, whatever its format: parts, and how they relate. Formats are written from it and read into it;
//! [`make`] makes it of what images hold, [`contents`] makes that of it again.

pub mod check;
pub mod contents;
pub mod diff;
mod facts;
mod foreign;
pub mod make;
pub mod read;
pub mod truth;

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use jiff::Timestamp;
use plimsoll_model::digest::{Digest, hex};
use plimsoll_model::scan::ImageIdentity;

/// A bill of materials.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bill {
    /// The format that it was read from, with its version, for people.
    pub format: String,
    /// What it is called.
    pub name: String,
    /// When it was made, RFC 3339.
    pub made: Option<String>,
    /// The programs that made it.
    pub tools: Vec<Tool>,
    /// The people and organizations that made it.
    pub authors: Vec<String>,
    /// At which point of a product's life: `build`, `post-build` …
    pub lifecycle: Option<String>,
    /// Everything in it.
    pub parts: Vec<Part>,
    /// The index of the part that it is about.
    pub subject: Option<usize>,
    /// How the parts relate.
    pub relations: Vec<Relation>,
    /// Vulnerabilities, which only some formats hold.
    pub vulnerabilities: Vec<crate::cyclonedx::Vulnerability>,
    /// What its document says besides, that is not read: how often each kind occurs.
    pub passed_over: BTreeMap<String, u64>,
}

/// A program that made a bill of materials.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Tool {
    /// Who makes it.
    pub vendor: Option<String>,
    /// Its name.
    pub name: String,
    /// Its version; empty if it is not told.
    pub version: String,
}

/// One thing in a bill of materials.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Part {
    /// Its name in the document, which no other part has.
    pub reference: String,
    /// What it is.
    pub kind: PartKind,
    /// What its name is in: Maven's group, npm's scope.
    pub group: Option<String>,
    /// Its name.
    pub name: String,
    /// Its version; empty if it has none.
    pub version: String,
    /// Its package URL.
    pub purl: Option<String>,
    /// Its CPE names.
    pub cpes: Vec<String>,
    /// Who distributes it.
    pub supplier: Option<String>,
    /// What it is, in words.
    pub description: Option<String>,
    /// Its licences as declared.
    pub licenses: Vec<License>,
    /// Who holds its copyright, in words.
    pub copyright: Option<String>,
    /// Its digests.
    pub hashes: Vec<Hash>,
    /// Where more of it is found: kinds in the words of CycloneDX, and addresses.
    pub links: Vec<(String, String)>,
    /// Where it lies, for people.
    pub places: Vec<String>,
    /// Names and values that the format does not know.
    pub properties: Vec<(String, String)>,
    /// Whether all that it contains is named.
    pub completeness: Completeness,
}

/// What a part is.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum PartKind {
    /// A container image.
    Container,
    /// A distribution.
    OperatingSystem,
    /// A package.
    #[default]
    Library,
    /// A program of its own.
    Application,
    /// A file.
    File,
    /// Anything else.
    Other,
}

/// A digest: its algorithm as CycloneDX spells it (`SHA-256`), and hexadecimal digits.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Hash {
    /// The algorithm.
    pub algorithm: String,
    /// The digits.
    pub value: String,
}

/// Whether all that a part contains is named.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Completeness {
    /// All is.
    Complete,
    /// Something is missing.
    Incomplete,
    /// The document does not say.
    #[default]
    Unknown,
}

/// How two parts relate; by their indexes.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Relation {
    /// The one.
    pub from: usize,
    /// How.
    pub kind: RelationKind,
    /// The other.
    pub to: usize,
}

/// How a part relates to another.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum RelationKind {
    /// It contains the other.
    Contains,
    /// It needs the other to run.
    DependsOn,
    /// It is a package that brought the files of the other.
    Owns,
}

/// How a bill of materials is written in one format.
#[derive(Clone, Copy, Debug)]
pub struct BillFormat {
    /// Writes it.
    pub write: fn(&Bill, &mut dyn Write) -> io::Result<()>,
    /// Tells what of it this format cannot hold, one line a kind.
    pub cannot_hold: fn(&Bill) -> Vec<String>,
}

impl Bill {
    /// The part at an index.
    #[must_use]
    pub fn part(&self, index: usize) -> Option<&Part> {
        self.parts.get(index)
    }

    /// The part that the document is about.
    #[must_use]
    pub fn subject(&self) -> Option<&Part> {
        self.part(self.subject?)
    }

    /// How many parts are so.
    pub(crate) fn count(&self, is: impl Fn(&Part) -> bool) -> usize {
        self.parts.iter().filter(|part| is(part)).count()
    }

    /// Notes that something is not read.
    pub(crate) fn pass_over(&mut self, what: &str, count: u64) {
        if count > 0 {
            let counted = self.passed_over.entry(what.to_owned()).or_insert(0);
            *counted = counted.saturating_add(count);
        }
    }

    /// Relates two parts, unless they are one.
    pub(crate) fn relate(&mut self, from: usize, kind: RelationKind, to: usize) {
        if from != to {
            self.relations.push(Relation { from, kind, to });
        }
    }

    /// Sorts the relations and drops those that are there twice.
    pub(crate) fn settle(&mut self) {
        self.relations.sort_unstable();
        self.relations.dedup();
    }
}

impl Part {
    /// The value of a property.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Name and version, for people.
    #[must_use]
    pub fn title(&self) -> String {
        let group = self.group.as_deref().map(|group| format!("{group}/")).unwrap_or_default();
        let version = if self.version.is_empty() { String::new() } else { format!(" {}", self.version) };
        format!("{group}{}{version}", self.name)
    }
}

/// When a document says that it was made: as `SOURCE_DATE_EPOCH` says, else when the image was made, so that the same
/// image gives the same bytes; else now.
pub(crate) fn made(given: Option<Timestamp>, image: Option<&ImageIdentity>, now: Timestamp) -> Timestamp {
    let of_image = || image?.created.as_deref()?.parse().ok();
    given.or_else(of_image).unwrap_or(now)
}

/// A UUID that follows from content (RFC 9562, version 8).
pub(crate) fn uuid(content: &[u8]) -> String {
    let digest = Digest::of(content);
    let mut bytes = [0_u8; 16];
    for (byte, from) in bytes.iter_mut().zip(digest.as_bytes()) {
        *byte = *from;
    }
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex(&bytes);
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0..8), part(8..12), part(12..16), part(16..20), part(20..32))
}

/// What identifies an image: the digest of its manifest, else of its configuration.
pub(crate) fn digest(image: &ImageIdentity) -> Option<Digest> {
    image.manifest_digest.or(image.config_digest).map(|digest| digest.0)
}

/// A licence as it was declared.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum License {
    /// An identifier of the SPDX list.
    Id(String),
    /// An expression of several (<https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/>).
    Expression(String),
    /// Words that SPDX does not know.
    Name(String),
}

impl License {
    /// Tells which kind the words of a declaration are.
    #[must_use]
    pub fn of(text: &str) -> Self {
        match spdx::license_id(text) {
            Some(id) => Self::Id(id.name.to_owned()),
            // A reference to a text that is not in the document would lead nowhere.
            None if spdx::Expression::parse(text).is_ok() && !text.contains("Ref-") => {
                Self::Expression(text.to_owned())
            }
            None => Self::Name(text.to_owned()),
        }
    }

    /// The words.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Id(text) | Self::Expression(text) | Self::Name(text) => text,
        }
    }
}

/// Names of parts that are unique in a document, with a number behind one that is there before.
#[derive(Default)]
pub(crate) struct References {
    seen: HashMap<String, u32>,
}

impl References {
    pub(crate) fn unique(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        // What is made unique may be somebody else's name: `x`, `x#2`, `x`.
        while self.seen.contains_key(&name) {
            let count = self.seen.entry(wanted.to_owned()).or_insert(1);
            *count = count.saturating_add(1);
            name = format!("{wanted}#{count}");
        }
        self.seen.insert(name.clone(), 1);
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_follows_from_content_and_is_one() {
        let one = uuid(b"one");
        assert_eq!(one, uuid(b"one"));
        assert_ne!(one, uuid(b"two"));
        assert_eq!(one.len(), 36);
        assert_eq!(one.as_bytes()[14], b'8');
        assert!(matches!(one.as_bytes()[19], b'8'..=b'b'));
    }

    #[test]
    fn names_are_unique_whatever_they_are_like() {
        let mut references = References::default();
        let names: Vec<String> = ["x", "x#2", "x", "x", "x#2"].map(|name| references.unique(name)).into();
        let mut sorted = names.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), 5, "{names:?}");
    }

    #[test]
    fn licenses_are_ids_expressions_or_words() {
        let texts = ["MIT", "Apache-2.0 OR MIT", "BSD-like, see file"];
        let expected = [
            License::Id("MIT".into()),
            License::Expression("Apache-2.0 OR MIT".into()),
            License::Name("BSD-like, see file".into()),
        ];
        assert_eq!(texts.map(License::of), expected);
    }
}
