//! What the records of a database refer to: its feeds and ecosystems, its strings, its advisories' ids.

use std::collections::HashMap;

use super::super::bytes::{Cursor, put_number, to_usize, u32_at};
use super::super::info::{self, DatabaseInfo};
use super::super::layout::{Corrupt, Layout, Section};
use super::super::read::CVSS;
use super::super::strings::Strings;
use super::super::{ids, strings};

/// The most strings, and the most advisories; they bound the memory that a hostile delta can ask for.
const MOST: usize = 1 << 23;

/// The tables of one database.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) meta: Vec<u8>,
    pub(super) info: DatabaseInfo,
    /// The strings in their order, and whether each is a CVSS vector.
    pub(super) strings: Vec<(Vec<u8>, bool)>,
    /// The number of the feed, and the id in its packed form.
    pub(super) advisories: Vec<(u32, Vec<u8>)>,
}

impl Tables {
    pub(super) fn of(layout: &Layout, bytes: &[u8]) -> Result<Self, Corrupt> {
        let section = |section| layout.section(bytes, section);
        let table = Strings { offsets: section(Section::StringBlocks), bytes: section(Section::Strings) };
        let mut strings: Vec<(Vec<u8>, bool)> = table.all()?.into_iter().map(|text| (text, false)).collect();
        for vector in section(Section::Cvss).chunks_exact(CVSS) {
            let string = strings.get_mut(to_usize(u32_at(vector, 0)?)?).ok_or(Corrupt)?;
            string.1 = true;
        }
        let mut advisories = Vec::new();
        for offset in section(Section::AdvisoryOffsets).chunks_exact(4) {
            let mut cursor = Cursor::at(section(Section::Advisories), to_usize(u32_at(offset, 0)?)?)?;
            let feed = cursor.number()?;
            advisories.push((feed, id(&mut cursor)?.to_vec()));
        }
        if strings.len().max(advisories.len()) > MOST {
            return Err(Corrupt);
        }
        let meta = layout.meta(bytes).to_vec();
        let info = info::read(&meta).ok_or(Corrupt)?;
        Ok(Self { meta, info, strings, advisories })
    }

    /// In a form in which what is added moves nothing else.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_bytes(&mut bytes, &self.meta);
        put_count(&mut bytes, self.strings.len());
        for (text, is_vector) in &self.strings {
            bytes.push(u8::from(*is_vector));
            put_bytes(&mut bytes, text);
        }
        put_count(&mut bytes, self.advisories.len());
        for (feed, id) in &self.advisories {
            put_number(&mut bytes, *feed);
            bytes.extend_from_slice(id);
        }
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Corrupt> {
        let mut cursor = Cursor::new(bytes);
        let meta = take_bytes(&mut cursor)?.to_vec();
        let info = info::read(&meta).ok_or(Corrupt)?;
        let mut strings = Vec::new();
        for _ in 0..count(&mut cursor)? {
            let is_vector = cursor.byte()? == 1;
            let text = take_bytes(&mut cursor)?;
            if text.len() > strings::STRING_LIMIT {
                return Err(Corrupt);
            }
            strings.push((text.to_vec(), is_vector));
        }
        let mut advisories = Vec::new();
        for _ in 0..count(&mut cursor)? {
            let feed = cursor.number()?;
            advisories.push((feed, id(&mut cursor)?.to_vec()));
        }
        Ok(Self { meta, info, strings, advisories })
    }

    /// For each of our places the place in `new`, if it is still there.
    pub(super) fn places_in(&self, new: &Self) -> Places {
        let feeds = |tables: &Self| tables.info.feeds.iter().map(|feed| feed.name.clone()).collect();
        let feeds = moved(feeds(self), feeds(new));
        let renumbered = |(feed, id): &(u32, Vec<u8>)| (place(&feeds, *feed).unwrap_or(u32::MAX), id.clone());
        Places {
            advisories: moved(self.advisories.iter().map(renumbered).collect(), new.advisories.clone()),
            ecosystems: moved(self.info.ecosystems.clone(), new.info.ecosystems.clone()),
            strings: moved(self.texts(), new.texts()),
            vectors: moved(self.vectors(), new.vectors()),
            feeds,
        }
    }

    pub(super) fn texts(&self) -> Vec<&[u8]> {
        self.strings.iter().map(|(text, _)| text.as_slice()).collect()
    }

    fn vectors(&self) -> Vec<&[u8]> {
        self.strings.iter().filter(|(_, is_vector)| *is_vector).map(|(text, _)| text.as_slice()).collect()
    }
}

/// Where everything went.
pub(super) struct Places {
    pub(super) feeds: Vec<Option<u32>>,
    pub(super) ecosystems: Vec<Option<u32>>,
    pub(super) strings: Vec<Option<u32>>,
    pub(super) vectors: Vec<Option<u32>>,
    pub(super) advisories: Vec<Option<u32>>,
}

/// Where the thing at `number` went.
pub(super) fn place(places: &[Option<u32>], number: u32) -> Option<u32> {
    places.get(usize::try_from(number).ok()?).copied().flatten()
}

fn moved<T: Eq + std::hash::Hash>(old: Vec<T>, new: Vec<T>) -> Vec<Option<u32>> {
    let new: HashMap<T, u32> = new.into_iter().zip(0_u32..).collect();
    old.iter().map(|thing| new.get(thing).copied()).collect()
}

/// An id in its packed form.
pub(super) fn id<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], Corrupt> {
    let before = cursor.rest();
    ids::read(cursor)?;
    before.get(..before.len().saturating_sub(cursor.rest().len())).ok_or(Corrupt)
}

fn count(cursor: &mut Cursor<'_>) -> Result<usize, Corrupt> {
    let count = cursor.length()?;
    if count <= MOST { Ok(count) } else { Err(Corrupt) }
}

fn put_count(bytes: &mut Vec<u8>, count: usize) {
    put_number(bytes, u32::try_from(count).unwrap_or(u32::MAX));
}

fn put_bytes(to: &mut Vec<u8>, bytes: &[u8]) {
    put_count(to, bytes.len());
    to.extend_from_slice(bytes);
}

fn take_bytes<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], Corrupt> {
    let length = cursor.length()?;
    cursor.take(length)
}
