//! The head of the file and its table of sections.

use std::ops::Range;

use plimsoll_model::digest::Digest;

use super::OpenError;

/// The format's version; readers refuse any other.
pub const FORMAT_VERSION: u32 = 4;
const MAGIC: &[u8; 8] = b"PLIMSADV";
/// Magic, version, number of sections, length of the file, digest of the content.
const FIXED: usize = 8 + 4 + 4 + 8 + 32;
/// Offset and length of each section.
const ENTRY: usize = 16;
const DIGEST: usize = 32;

/// Bytes of a database that make no sense.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the advisory database is damaged")]
pub struct Corrupt;

/// The sections, in the order of the file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Section {
    Meta,
    StringBlocks,
    Strings,
    Packages,
    Affected,
    AdvisoryOffsets,
    Advisories,
    CveKeys,
    Cves,
    Cvss,
    Products,
    Cycles,
}

pub(crate) const SECTIONS: usize = 12;

impl Section {
    /// All of them, in the order of the file.
    pub(crate) const ALL: [Self; SECTIONS] = [
        Self::Meta,
        Self::StringBlocks,
        Self::Strings,
        Self::Packages,
        Self::Affected,
        Self::AdvisoryOffsets,
        Self::Advisories,
        Self::CveKeys,
        Self::Cves,
        Self::Cvss,
        Self::Products,
        Self::Cycles,
    ];
}

/// Where the sections lie; each lies inside the file.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    sections: [Range<usize>; SECTIONS],
    content: Range<usize>,
    digest: Digest,
}

impl Layout {
    /// Reads and checks the head: magic, version, length, the bounds of each section, and the digest over all of
    /// that and the first section.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, OpenError> {
        let mut head = Head(bytes);
        if head.take(MAGIC.len()) != Some(MAGIC.as_slice()) {
            return Err(OpenError::NotADatabase);
        }
        let version = head.u32().ok_or(OpenError::Head)?;
        if version != FORMAT_VERSION {
            return Err(OpenError::Version { found: version });
        }
        let count = head.u32().ok_or(OpenError::Head)?;
        let expected = head.u64().ok_or(OpenError::Head)?;
        let found = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if expected != found {
            return Err(OpenError::Length { expected, found });
        }
        let digest = head.digest().ok_or(OpenError::Head)?;
        if usize::try_from(count) != Ok(SECTIONS) {
            return Err(OpenError::Head);
        }
        let mut sections: [Range<usize>; SECTIONS] = Default::default();
        for section in &mut sections {
            let range = head.range().ok_or(OpenError::Head)?;
            bytes.get(range.clone()).ok_or(OpenError::Head)?;
            *section = range;
        }
        let table_end = FIXED + ENTRY * SECTIONS;
        let head_digest = head.digest().ok_or(OpenError::Head)?;
        let content = table_end + DIGEST..bytes.len();
        let layout = Self { sections, content, digest };
        let covered = bytes.get(..table_end).ok_or(OpenError::Head)?;
        if digest_of(covered, layout.meta(bytes)) != head_digest {
            return Err(OpenError::Head);
        }
        Ok(layout)
    }

    pub(crate) fn section<'a>(&self, bytes: &'a [u8], section: Section) -> &'a [u8] {
        let range = self.sections.get(section as usize).cloned().unwrap_or_default();
        bytes.get(range).unwrap_or_default()
    }

    pub(crate) fn meta<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        self.section(bytes, Section::Meta)
    }

    /// The digest that the head tells of the content.
    pub(crate) const fn digest(&self) -> Digest {
        self.digest
    }

    pub(crate) fn content_is_whole(&self, bytes: &[u8]) -> bool {
        bytes.get(self.content.clone()).is_some_and(|content| Digest::of(content) == self.digest)
    }
}

fn digest_of(table: &[u8], meta: &[u8]) -> Digest {
    let mut hasher = plimsoll_model::digest::Hasher::default();
    hasher.update(table);
    hasher.update(meta);
    hasher.finish()
}

/// Reads the head's numbers, in order.
struct Head<'a>(&'a [u8]);

impl<'a> Head<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(*self.take(4)?.first_chunk()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(*self.take(8)?.first_chunk()?))
    }

    fn digest(&mut self) -> Option<Digest> {
        Some(Digest::from_bytes(*self.take(DIGEST)?.first_chunk()?))
    }

    fn range(&mut self) -> Option<Range<usize>> {
        let start = usize::try_from(self.u64()?).ok()?;
        let length = usize::try_from(self.u64()?).ok()?;
        Some(start..start.checked_add(length)?)
    }
}

/// Puts the sections behind a head.
pub(crate) fn assemble(sections: &[Vec<u8>; SECTIONS]) -> Vec<u8> {
    let start = FIXED + ENTRY * SECTIONS + DIGEST;
    let content: Vec<u8> = sections.concat();
    let length = start.saturating_add(content.len());
    let mut file = Vec::with_capacity(length);
    file.extend_from_slice(MAGIC);
    file.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    file.extend_from_slice(&u32::try_from(SECTIONS).unwrap_or_default().to_le_bytes());
    file.extend_from_slice(&wide(length).to_le_bytes());
    file.extend_from_slice(Digest::of(&content).as_bytes());
    let mut offset = start;
    for section in sections {
        file.extend_from_slice(&wide(offset).to_le_bytes());
        file.extend_from_slice(&wide(section.len()).to_le_bytes());
        offset = offset.saturating_add(section.len());
    }
    let head_digest = digest_of(&file, sections.first().map_or(&[], Vec::as_slice));
    file.extend_from_slice(head_digest.as_bytes());
    file.extend_from_slice(&content);
    file
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
