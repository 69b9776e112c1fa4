//! How the old records look under the new tables: what refers to something that is gone is left out, all else is
//! renumbered. The grammar is that of [`super::super::read`].

use std::collections::HashMap;

use super::super::bytes::{Cursor, put_number, u32_at};
use super::super::layout::{Corrupt, Layout, SECTIONS, Section};
use super::super::read::{CVSS, PACKAGE, PAIR};
use super::super::strings;
use super::super::versions::{put_difference, unzigzag};
use super::tables::{Places, Tables, id, place};

/// From offsets of old records to those of their renumbered form; none where nothing is left of them.
type Moves = HashMap<u32, u32>;

pub(super) fn predict(
    layout: &Layout,
    old: &[u8],
    old_tables: &Tables,
    new_tables: &Tables,
) -> Result<[Vec<u8>; SECTIONS], Corrupt> {
    let places = old_tables.places_in(new_tables);
    let section = |section| layout.section(old, section);
    let (string_blocks, strings) = strings::encode(&new_tables.texts());
    let (affected, moves) = each(section(Section::Affected), |cursor, out| package(cursor, out, &places))?;
    let (advisories, starts) =
        each(section(Section::Advisories), |cursor, out| advisory(cursor, out, &places))?;
    let (cves, cve_moves) = each(section(Section::Cves), |cursor, out| cve(cursor, out, &places))?;
    let (cycles, cycle_moves) = each(section(Section::Cycles), |cursor, out| product(cursor, out, &places))?;
    let mut starts: Vec<u32> = starts.into_values().collect();
    starts.sort_unstable();
    Ok([
        new_tables.meta.clone(),
        string_blocks,
        strings,
        rows(section(Section::Packages), PACKAGE, |row| {
            let [ecosystem, name, offset] = row else { return None };
            let ecosystem = place(&places.ecosystems, *ecosystem)?;
            Some(vec![ecosystem, place(&places.strings, *name)?, *moves.get(offset)?])
        }),
        affected,
        starts.into_iter().flat_map(u32::to_le_bytes).collect(),
        advisories,
        rows(section(Section::CveKeys), PAIR, |row| {
            let [key, offset] = row else { return None };
            Some(vec![*key, *cve_moves.get(offset)?])
        }),
        cves,
        cvss(section(Section::Cvss), &places)?,
        rows(section(Section::Products), PAIR, |row| {
            let [name, offset] = row else { return None };
            Some(vec![place(&places.strings, *name)?, *cycle_moves.get(offset)?])
        }),
        cycles,
    ])
}

/// Whether anything is left of a record.
#[derive(Eq, PartialEq)]
enum Left {
    Something,
    Nothing,
}

/// Renumbers the records of a section, which follow each other without gaps.
fn each<'a>(
    section: &'a [u8],
    mut renumber: impl FnMut(&mut Cursor<'a>, &mut Vec<u8>) -> Result<Left, Corrupt>,
) -> Result<(Vec<u8>, Moves), Corrupt> {
    let mut out = Vec::with_capacity(section.len());
    let mut moves = Moves::new();
    let mut cursor = Cursor::new(section);
    while !cursor.rest().is_empty() {
        let from = section.len().saturating_sub(cursor.rest().len());
        let to = out.len();
        if renumber(&mut cursor, &mut out)? == Left::Something {
            moves.insert(u32::try_from(from).map_err(|_| Corrupt)?, u32::try_from(to).map_err(|_| Corrupt)?);
        } else {
            out.truncate(to);
        }
    }
    Ok((out, moves))
}

fn rows(table: &[u8], size: usize, renumber: impl Fn(&[u32]) -> Option<Vec<u32>>) -> Vec<u8> {
    let numbers = |row: &[u8]| -> Vec<u32> {
        row.as_chunks().0.iter().map(|number| u32::from_le_bytes(*number)).collect()
    };
    let kept = table.chunks_exact(size).filter_map(|row| renumber(&numbers(row)));
    kept.flatten().flat_map(u32::to_le_bytes).collect()
}

fn cvss(table: &[u8], places: &Places) -> Result<Vec<u8>, Corrupt> {
    let mut out = Vec::new();
    for entry in table.chunks_exact(CVSS) {
        if let Some(string) = place(&places.strings, u32_at(entry, 0)?) {
            out.extend_from_slice(&string.to_le_bytes());
            out.extend(entry.last());
        }
    }
    Ok(out)
}

/// What advisories say of one package.
fn package(cursor: &mut Cursor<'_>, out: &mut Vec<u8>, places: &Places) -> Result<Left, Corrupt> {
    versions(cursor, out, places)?;
    let count = cursor.length()?;
    let (mut old, mut before, mut kept) = (0_u32, 0_u32, 0_u32);
    let mut body = Vec::new();
    for _ in 0..count {
        old = old.checked_add(cursor.number()?).ok_or(Corrupt)?;
        let start = body.len();
        let new = place(&places.advisories, old);
        put_number(&mut body, new.unwrap_or_default().saturating_sub(before));
        affected(cursor, &mut body, places)?;
        match new {
            Some(new) => {
                before = new;
                kept = kept.saturating_add(1);
            }
            None => body.truncate(start),
        }
    }
    put_number(out, kept);
    out.extend_from_slice(&body);
    Ok(if kept == 0 { Left::Nothing } else { Left::Something })
}

/// The versions of a package; ranges name them by their places, which stay where none came or went.
fn versions(cursor: &mut Cursor<'_>, out: &mut Vec<u8>, places: &Places) -> Result<(), Corrupt> {
    let count = copy_length(cursor, out)?;
    copy_numbers(cursor, out, usize::from(count > 0))?;
    let (mut old, mut before) = (0_u32, 0_u32);
    for _ in 0..count {
        old = unzigzag(cursor.number()?, old);
        let new = place(&places.strings, old).unwrap_or(before);
        put_difference(out, new, before);
        before = new;
    }
    Ok(())
}

fn affected(cursor: &mut Cursor<'_>, out: &mut Vec<u8>, places: &Places) -> Result<(), Corrupt> {
    let flags = copy_byte(cursor, out)?;
    let extra = if flags & 0x40 == 0 { 0 } else { copy_byte(cursor, out)? };
    let has = |bit: u8| extra & (1 << bit) != 0;
    for bit in [0, 1] {
        if has(bit) {
            let count = copy_length(cursor, out)?;
            copy_numbers(cursor, out, count)?;
        }
    }
    for bit in [2, 4] {
        if has(bit) {
            string(cursor, out, places)?;
        }
    }
    if has(5) {
        differences(cursor, out, places)?;
    }
    while !has(3) {
        let kind = copy_byte(cursor, out)?;
        let ends = usize::from(kind & 3 != 0) + usize::from(kind >> 2 & 3 != 0);
        copy_numbers(cursor, out, ends)?;
        if kind & 0x80 == 0 {
            break;
        }
    }
    Ok(())
}

/// Sorted strings, told by the differences of their numbers.
fn differences(cursor: &mut Cursor<'_>, out: &mut Vec<u8>, places: &Places) -> Result<(), Corrupt> {
    let (mut old, mut before) = (0_u32, 0_u32);
    for _ in 0..copy_length(cursor, out)? {
        old = old.checked_add(cursor.number()?).ok_or(Corrupt)?;
        let new = place(&places.strings, old).unwrap_or(before);
        put_number(out, new.saturating_sub(before));
        before = new;
    }
    Ok(())
}

fn advisory(cursor: &mut Cursor<'_>, out: &mut Vec<u8>, places: &Places) -> Result<Left, Corrupt> {
    let feed = place(&places.feeds, cursor.number()?);
    put_number(out, feed.unwrap_or_default());
    out.extend_from_slice(id(cursor)?);
    let flags = copy_byte(cursor, out)?;
    let has = |bit: u8| flags & (1 << bit) != 0;
    // Published, modified.
    copy_numbers(cursor, out, 2)?;
    for bit in [1, 2] {
        if has(bit) {
            for _ in 0..copy_length(cursor, out)? {
                out.extend_from_slice(id(cursor)?);
            }
        }
    }
    if has(3) {
        vectors(cursor, out, places)?;
    }
    if has(4) {
        for _ in 0..copy_length(cursor, out)? {
            string(cursor, out, places)?;
            text(cursor, out)?;
        }
    }
    if has(5) {
        text(cursor, out)?;
    }
    Ok(if feed.is_some() { Left::Something } else { Left::Nothing })
}

fn cve(cursor: &mut Cursor<'_>, out: &mut Vec<u8>, places: &Places) -> Result<Left, Corrupt> {
    let flags = copy_byte(cursor, out)?;
    let has = |bit: u8| flags & (1 << bit) != 0;
    copy_numbers(cursor, out, usize::from(has(0)) + usize::from(has(1)))?;
    if has(2) {
        vectors(cursor, out, places)?;
    }
    if has(3) {
        copy_numbers(cursor, out, 3)?;
    }
    if has(4) {
        copy_byte(cursor, out)?;
    }
    Ok(Left::Something)
}

fn product(cursor: &mut Cursor<'_>, out: &mut Vec<u8>, places: &Places) -> Result<Left, Corrupt> {
    for _ in 0..copy_length(cursor, out)? {
        string(cursor, out, places)?;
        copy_numbers(cursor, out, 4)?;
    }
    Ok(Left::Something)
}

fn vectors(cursor: &mut Cursor<'_>, out: &mut Vec<u8>, places: &Places) -> Result<(), Corrupt> {
    for _ in 0..copy_length(cursor, out)? {
        put_number(out, place(&places.vectors, cursor.number()?).unwrap_or_default());
    }
    Ok(())
}

fn string(cursor: &mut Cursor<'_>, out: &mut Vec<u8>, places: &Places) -> Result<(), Corrupt> {
    put_number(out, place(&places.strings, cursor.number()?).unwrap_or_default());
    Ok(())
}

fn text(cursor: &mut Cursor<'_>, out: &mut Vec<u8>) -> Result<(), Corrupt> {
    let length = copy_length(cursor, out)?;
    out.extend_from_slice(cursor.take(length)?);
    Ok(())
}

fn copy_byte(cursor: &mut Cursor<'_>, out: &mut Vec<u8>) -> Result<u8, Corrupt> {
    let byte = cursor.byte()?;
    out.push(byte);
    Ok(byte)
}

fn copy_length(cursor: &mut Cursor<'_>, out: &mut Vec<u8>) -> Result<usize, Corrupt> {
    let length = cursor.length()?;
    put_number(out, u32::try_from(length).map_err(|_| Corrupt)?);
    Ok(length)
}

fn copy_numbers(cursor: &mut Cursor<'_>, out: &mut Vec<u8>, count: usize) -> Result<(), Corrupt> {
    for _ in 0..count {
        put_number(out, cursor.number()?);
    }
    Ok(())
}
