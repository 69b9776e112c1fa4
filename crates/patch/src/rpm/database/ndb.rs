//! The database in NDB's form, `Packages.db`: pages of slots, each leading to a blob of 16-byte blocks with a checksum.
//!
//! What is read is believed only where all of it fits together, as it is written anew from that: rpm would read more.
//! Format: <https://github.com/rpm-software-management/rpm/blob/master/lib/backend/ndb/rpmpkg.c>.

use std::collections::BTreeSet;

use plimsoll_formats::rpmdb::Limits;

use super::Installed;

pub(super) const MAGIC: &[u8] = b"RpmP";
const SLOT: &[u8] = b"Slot";
const HEAD: &[u8] = b"BlbS";
const TAIL: &[u8] = b"BlbE";
const VERSION: u32 = 0;
/// Bytes of a slot, and of a block.
const UNIT: usize = 16;
/// Slots, or blocks, of a page.
const PAGE: usize = 256;
/// The file's header takes the place of two slots.
const FIRST_SLOT: usize = 2;
/// A blob's checksum, length and magic.
const TAIL_BYTES: usize = 12;
/// Beyond any number that rpm has given to a package, and far from where numbers end.
const NUMBERS: u32 = u32::MAX >> 1;

/// What the file says.
#[derive(Debug)]
pub(super) struct Packages<'a> {
    /// How often the file was changed, by which indexes tell whether they are of it.
    pub(super) generation: u32,
    /// The number that the next package gets.
    pub(super) next: u32,
    /// Numbers and headers, in the order in which they lie in the file, as rpm lists them.
    pub(super) headers: Vec<(u32, &'a [u8])>,
}

/// A slot in use: whose blob lies where, in blocks.
struct Slot {
    package: u32,
    start: usize,
    count: usize,
}

/// Reads the file.
///
/// # Errors
/// If something of it is not as rpm writes it, in words.
pub(super) fn read(bytes: &[u8]) -> Result<Packages<'_>, String> {
    let field = |at| u32_le(bytes, at).ok_or("the file ends in its header");
    let (version, generation, pages, next) = (field(4)?, field(8)?, field(12)?, field(16)?);
    if !bytes.starts_with(MAGIC) || version != VERSION {
        return Err("it is an NDB of an unknown version".to_owned());
    }
    if !bytes.len().is_multiple_of(UNIT) {
        return Err("the file ends within a block".to_owned());
    }
    if next >= NUMBERS {
        return Err("the number of the next package is beyond bounds".to_owned());
    }
    let mut slots = slots(bytes, size(pages))?;
    slots.sort_by_key(|slot| slot.start);
    let (mut end, mut seen, mut headers) = (size(pages).saturating_mul(PAGE), BTreeSet::new(), Vec::new());
    for slot in slots {
        let of = |reason: &str| format!("package {}: {reason}", slot.package);
        if slot.start < end {
            return Err(of("its blob overlaps another one, or the slots"));
        }
        end = slot.start.saturating_add(slot.count);
        if !seen.insert(slot.package) {
            return Err(of("it has two slots"));
        }
        if slot.package >= next {
            return Err(of("its number is not below that of the next one"));
        }
        headers.push((slot.package, blob(bytes, &slot, generation).map_err(of)?));
    }
    Ok(Packages { generation, next, headers })
}

/// The slots in use.
fn slots(bytes: &[u8], pages: usize) -> Result<Vec<Slot>, String> {
    let count = pages.saturating_mul(PAGE);
    let all = bytes.get(..count.saturating_mul(UNIT)).filter(|_| count > 0);
    let all = all.ok_or("the file ends among its slots")?;
    let mut slots = Vec::new();
    for slot in all.chunks_exact(UNIT).skip(FIRST_SLOT) {
        let field = |at| u32_le(slot, at).unwrap_or_default();
        if !slot.starts_with(SLOT) {
            return Err("a slot is without its magic".to_owned());
        }
        if field(8) != 0 {
            slots.push(Slot { package: field(4), start: size(field(8)), count: size(field(12)) });
        }
    }
    if slots.len() > Limits::default().records {
        return Err("it has too many packages".to_owned());
    }
    Ok(slots)
}

/// The header in the blob of a slot.
fn blob<'a>(bytes: &'a [u8], slot: &Slot, generation: u32) -> Result<&'a [u8], &'static str> {
    let start = slot.start.saturating_mul(UNIT);
    let end = start.saturating_add(slot.count.saturating_mul(UNIT));
    let blob = bytes.get(start..end).ok_or("its blob lies outside of the file")?;
    let field = |at| u32_le(blob, at).ok_or("its blob is too short");
    if !blob.starts_with(HEAD) || field(4)? != slot.package || slot.package == 0 {
        return Err("its slot does not lead to its blob");
    }
    // A file whose header was not written after its last blob; the count may wrap around.
    if generation.wrapping_sub(field(8)?) > NUMBERS {
        return Err("its blob is of a later generation than the file");
    }
    let length = size(field(12)?);
    if slot.count != blocks(length) {
        return Err("its blob's length does not fit its blocks");
    }
    let tail = blob.len().checked_sub(TAIL_BYTES).ok_or("its blob is too short")?;
    let (summed, tail) = blob.split_at_checked(tail).ok_or("its blob is too short")?;
    if tail.get(8..) != Some(TAIL) || u32_le(tail, 4).map(size) != Some(length) {
        return Err("its blob has no end");
    }
    if u32_le(tail, 0) != Some(adler32(summed)) {
        return Err("its blob's checksum is wrong");
    }
    blob.get(UNIT..UNIT.saturating_add(length)).ok_or("its blob is too short")
}

/// The bytes of a file with these packages; none if they are too many or too large for it.
pub(super) fn written(packages: &[Installed], generation: u32, next: u32) -> Option<Vec<u8>> {
    // One slot stays free, so that rpm need not move a blob at once.
    let pages = packages.len().checked_add(FIRST_SLOT)?.checked_div(PAGE)?.checked_add(1)?;
    let slots = pages.checked_mul(PAGE)?;
    let (mut table, mut blobs) = (Vec::new(), Vec::new());
    for package in packages {
        let start = slots.checked_add(blobs.len().checked_div(UNIT)?)?;
        let header = package.header.bytes();
        let count = blocks(header.len());
        table.extend(SLOT);
        for value in [package.number, u32::try_from(start).ok()?, u32::try_from(count).ok()?] {
            table.extend(value.to_le_bytes());
        }
        let length = u32::try_from(header.len()).ok()?.to_le_bytes();
        let before = generation.wrapping_sub(1);
        let mut blob =
            [HEAD, &package.number.to_le_bytes(), &before.to_le_bytes(), &length, &header].concat();
        blob.resize(count.checked_mul(UNIT)?.checked_sub(TAIL_BYTES)?, 0);
        let sum = adler32(&blob);
        blobs.extend([blob.as_slice(), &sum.to_le_bytes(), &length, TAIL].concat());
    }
    let mut file = MAGIC.to_vec();
    for value in [VERSION, generation, u32::try_from(pages).ok()?, next, 0, 0, 0] {
        file.extend(value.to_le_bytes());
    }
    file.extend(table);
    while file.len() < slots.checked_mul(UNIT)? {
        file.extend([SLOT, &[0; 12]].concat());
    }
    file.extend(blobs);
    Some(file)
}

/// How many blocks a blob takes whose header has this many bytes.
const fn blocks(length: usize) -> usize {
    length.saturating_add(UNIT).saturating_add(TAIL_BYTES).div_ceil(UNIT)
}

/// The checksum of RFC 1950, section 8.2.
fn adler32(bytes: &[u8]) -> u32 {
    const BASE: u32 = 65521;
    let (mut low, mut high) = (1_u32, 0_u32);
    // As many as cannot overflow between two remainders.
    for part in bytes.chunks(5552) {
        for byte in part {
            low = low.wrapping_add(u32::from(*byte));
            high = high.wrapping_add(low);
        }
        low %= BASE;
        high %= BASE;
    }
    high << 16 | low
}

fn u32_le(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
