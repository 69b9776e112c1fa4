//! Reading a bill of materials of whichever format: told by its content, bounded in size, depth and number of things.

use std::fmt;

use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::Bill;
use crate::all::READERS;

/// No document is larger.
pub const SIZE_LIMIT: u64 = 256 << 20;
/// No document has more objects, elements or lines.
const COUNT_LIMIT: usize = 4_000_000;
/// No document has more components or packages: each takes about a kilobyte of memory, whatever it takes in the document.
pub(crate) const PART_LIMIT: usize = 250_000;
/// A graph has several elements for each.
const ELEMENT_LIMIT: usize = 1_000_000;
/// No name, version, license or other short text is longer.
const TEXT_LIMIT: usize = 64 << 10;
/// Of an error's words, which may repeat the document's.
const PROBLEM_LIMIT: usize = 200;

/// A way to read bills of materials.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    /// What the format is called.
    pub name: &'static str,
    /// What media type it has; none if others do not know it.
    pub media_type: Option<&'static str>,
    /// Whether a document is of this format.
    pub recognizes: fn(&Markers) -> bool,
    /// Reads it.
    pub read: fn(&[u8]) -> Result<Bill, ReadError>,
}

/// Why a document is not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is too large.
    #[error("it has more than {SIZE_LIMIT} bytes")]
    TooLarge,
    /// It has too many things.
    #[error("it has more than {COUNT_LIMIT} objects")]
    TooMany,
    /// It has too many components.
    #[error("it has more than {PART_LIMIT} components")]
    TooManyParts,
    /// A short text is long.
    #[error("{0} has more than {TEXT_LIMIT} bytes")]
    TooLong(&'static str),
    /// It is of no format that is read.
    #[error("it is neither CycloneDX, SPDX nor a report of Plimsoll in JSON")]
    Unknown,
    /// Its format has versions, and this one is not read.
    #[error("{format} of version {version:?} is not read")]
    Version {
        /// The format.
        format: &'static str,
        /// The version.
        version: String,
    },
    /// It breaks its format.
    #[error("it is no {format}: {problem}")]
    Malformed {
        /// The format.
        format: &'static str,
        /// How, and where.
        problem: String,
    },
}

impl ReadError {
    /// A breach of a format.
    pub(crate) fn malformed(format: &'static str, problem: &dyn fmt::Display) -> Self {
        let problem = problem.to_string();
        let mut clipped: String = problem.chars().take(PROBLEM_LIMIT).collect();
        if clipped.len() < problem.len() {
            clipped.push('…');
        }
        Self::Malformed { format, problem: clipped }
    }

    pub(crate) fn version(format: &'static str, version: &str) -> Self {
        Self::Version { format, version: version.chars().take(20).collect() }
    }
}

/// What tells the formats apart.
#[derive(Debug, Default)]
pub struct Markers {
    /// How the document starts, for those that are not JSON.
    pub head: String,
    /// `bomFormat` of CycloneDX.
    pub bom_format: Option<String>,
    /// `spdxVersion` of SPDX 2.
    pub spdx_version: Option<String>,
    /// Whether it is a graph of linked data.
    pub is_graph: bool,
    /// Whether it has the scans of Plimsoll's own report.
    pub has_scans: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct JsonMarkers {
    #[serde(rename = "bomFormat")]
    bom_format: Option<String>,
    #[serde(rename = "spdxVersion")]
    spdx_version: Option<String>,
    #[serde(rename = "@context")]
    context: Passed,
    #[serde(rename = "@graph")]
    graph: Passed,
    #[serde(rename = "schemaVersion")]
    schema_version: Passed,
    scans: Passed,
    components: PartCount,
    packages: Passed,
    #[serde(rename = "predicateType")]
    predicate_type: Option<String>,
}

/// An in-toto statement, as BuildKit and others put around a document
/// (<https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>).
#[derive(Deserialize)]
struct Statement<T> {
    predicate: T,
}

/// Tells by its first bytes whether a file may be a bill of materials; an archive never is.
#[must_use]
pub fn may_be(head: &[u8]) -> bool {
    let head = without_mark(head);
    let text = head.trim_ascii_start();
    text.starts_with(b"{")
        || text.starts_with(b"<")
        || text.starts_with(b"SPDXVersion:")
        || text.starts_with(b"##")
}

/// Reads a document.
///
/// # Errors
/// See [`ReadError`].
pub fn read(bytes: &[u8]) -> Result<Bill, ReadError> {
    if bytes.len() as u64 > SIZE_LIMIT {
        return Err(ReadError::TooLarge);
    }
    let bytes = without_mark(bytes);
    let sign = match bytes.trim_ascii_start().first() {
        Some(b'{') => b'{',
        Some(b'<') => b'<',
        _ => b'\n',
    };
    if bytes.iter().filter(|byte| **byte == sign).count() > COUNT_LIMIT {
        return Err(ReadError::TooMany);
    }
    let reader = reader(bytes)?;
    let mut bill = (reader.read)(bytes)?;
    check(&bill)?;
    bill.settle();
    Ok(bill)
}

/// Tells of which format a document is.
///
/// # Errors
/// If it is of none.
pub fn reader(bytes: &[u8]) -> Result<&'static Reader, ReadError> {
    let markers = markers(without_mark(bytes))?;
    READERS.iter().find(|reader| (reader.recognizes)(&markers)).ok_or(ReadError::Unknown)
}

/// Reads JSON that may be the predicate of a statement.
pub(crate) fn json<T: DeserializeOwned>(bytes: &[u8], format: &'static str) -> Result<T, ReadError> {
    let malformed = |error: serde_json::Error| ReadError::malformed(format, &error);
    let markers: JsonMarkers = serde_json::from_slice(bytes).map_err(malformed)?;
    if markers.predicate_type.is_some() {
        serde_json::from_slice::<Statement<JsonMarkers>>(bytes).map_err(malformed)?.predicate.check()?;
        return Ok(serde_json::from_slice::<Statement<T>>(bytes).map_err(malformed)?.predicate);
    }
    markers.check()?;
    serde_json::from_slice(bytes).map_err(malformed)
}

impl JsonMarkers {
    /// Refuses what would take too much memory, before any of it is held.
    fn check(&self) -> Result<(), ReadError> {
        let is_over = |count: u64, limit: usize| usize::try_from(count).is_ok_and(|count| count > limit);
        let is_large = is_over(self.components.0, PART_LIMIT)
            || is_over(self.packages.count, PART_LIMIT)
            || is_over(self.graph.count, ELEMENT_LIMIT);
        if is_large { Err(ReadError::TooManyParts) } else { Ok(()) }
    }
}

fn markers(bytes: &[u8]) -> Result<Markers, ReadError> {
    if !bytes.trim_ascii_start().starts_with(b"{") {
        let head = bytes.get(..bytes.len().min(4096)).unwrap_or_default();
        return Ok(Markers { head: String::from_utf8_lossy(head).into_owned(), ..Markers::default() });
    }
    let json: JsonMarkers = json(bytes, "JSON")?;
    Ok(Markers {
        head: String::new(),
        bom_format: json.bom_format,
        spdx_version: json.spdx_version,
        is_graph: json.context.seen && json.graph.seen,
        has_scans: json.schema_version.seen && json.scans.seen,
    })
}

/// Without the mark that some editors put before UTF-8.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// Refuses texts that no sound document has, before they are copied, compared and shown.
fn check(bill: &Bill) -> Result<(), ReadError> {
    let long = |text: &str| text.len() > TEXT_LIMIT;
    let maybe = |text: &Option<String>| text.as_deref().is_some_and(long);
    if long(&bill.name) || maybe(&bill.made) || bill.authors.iter().any(|author| long(author)) {
        return Err(ReadError::TooLong("a text about the document"));
    }
    for part in &bill.parts {
        let texts = [&part.reference, &part.name, &part.version];
        let others = [&part.group, &part.purl, &part.supplier, &part.description];
        let lists = part.cpes.iter().chain(&part.places).any(|text| long(text));
        if texts.into_iter().any(|text| long(text)) || others.into_iter().any(maybe) || lists {
            return Err(ReadError::TooLong("a text of a component"));
        }
        if part.licenses.iter().any(|license| long(license.text())) {
            return Err(ReadError::TooLong("a license"));
        }
    }
    Ok(())
}

/// Something that is not read: whether it is there, and how many if it is a list.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Passed {
    pub(crate) seen: bool,
    pub(crate) count: u64,
}

impl<'de> Deserialize<'de> for Passed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PassedVisitor)
    }
}

const ONE: Passed = Passed { seen: true, count: 1 };

struct PassedVisitor;

impl<'de> Visitor<'de> for PassedVisitor {
    type Value = Passed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Passed, A::Error> {
        let mut count = 0_u64;
        while list.next_element::<IgnoredAny>()?.is_some() {
            count = count.saturating_add(1);
        }
        Ok(Passed { seen: true, count })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Passed, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(ONE)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Passed, E> {
        Ok(ONE)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Passed, E> {
        Ok(ONE)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Passed, E> {
        Ok(ONE)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Passed, E> {
        Ok(ONE)
    }

    fn visit_str<E>(self, _: &str) -> Result<Passed, E> {
        Ok(ONE)
    }

    fn visit_unit<E>(self) -> Result<Passed, E> {
        Ok(Passed::default())
    }
}

/// How many components a list has, with those inside of them.
#[derive(Clone, Copy, Debug, Default)]
struct PartCount(u64);

impl<'de> Deserialize<'de> for PartCount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Part {
            components: PartCount,
        }
        struct Counting;
        impl<'de> Visitor<'de> for Counting {
            type Value = PartCount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of components")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<PartCount, A::Error> {
                let mut count = 0_u64;
                while let Some(part) = list.next_element::<Part>()? {
                    count = count.saturating_add(1).saturating_add(part.components.0);
                }
                Ok(PartCount(count))
            }
        }
        deserializer.deserialize_seq(Counting)
    }
}

#[cfg(test)]
mod tests;
