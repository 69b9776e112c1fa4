//! The table of shared strings: sorted, cut into blocks of sixteen, each string told by what it shares with the
//! one before (front coding). A string's number is its place, so numbers order as the strings do.

use super::bytes::{Cursor, put_number, to_usize, u32_at};
use super::layout::Corrupt;

const BLOCK: usize = 16;
/// The most bytes of one string; none is written that has more.
pub(crate) const STRING_LIMIT: usize = 1_024;

/// Few strings are longer: a buffer of this size seldom grows.
pub(crate) const USUAL: usize = 48;

/// Writes the table: offsets of blocks, led by the number of strings; then the blocks.
pub(crate) fn encode(sorted: &[impl AsRef<[u8]>]) -> (Vec<u8>, Vec<u8>) {
    let mut offsets = Vec::new();
    let mut bytes = Vec::new();
    offsets.extend_from_slice(&u32::try_from(sorted.len()).unwrap_or(u32::MAX).to_le_bytes());
    for block in sorted.chunks(BLOCK) {
        offsets.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        let mut before: &[u8] = &[];
        for (place, text) in block.iter().enumerate() {
            let text = text.as_ref();
            let shared = text.iter().zip(before).take_while(|(a, b)| a == b).count();
            if place > 0 {
                put_number(&mut bytes, u32::try_from(shared).unwrap_or_default());
            }
            let tail = text.get(shared..).unwrap_or_default();
            put_number(&mut bytes, u32::try_from(tail.len()).unwrap_or_default());
            bytes.extend_from_slice(tail);
            before = text;
        }
    }
    (offsets, bytes)
}

/// The table as it lies in the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strings<'a> {
    pub(crate) offsets: &'a [u8],
    pub(crate) bytes: &'a [u8],
}

impl<'a> Strings<'a> {
    fn count(&self) -> Result<usize, Corrupt> {
        to_usize(u32_at(self.offsets, 0)?)
    }

    fn block(&self, block: usize) -> Result<Cursor<'a>, Corrupt> {
        let offset = u32_at(self.offsets, block.checked_add(1).ok_or(Corrupt)?)?;
        Cursor::at(self.bytes, to_usize(offset)?)
    }

    /// The string of this number.
    pub(crate) fn get(&self, number: u32) -> Result<String, Corrupt> {
        let mut text = Vec::with_capacity(USUAL);
        self.get_into(number, &mut text)?;
        String::from_utf8(text).map_err(|_| Corrupt)
    }

    /// The string of this number, in a buffer that serves several times.
    pub(crate) fn get_into<'b>(&self, number: u32, buffer: &'b mut Vec<u8>) -> Result<&'b str, Corrupt> {
        let number = to_usize(number)?;
        if number >= self.count()? {
            return Err(Corrupt);
        }
        let mut cursor = self.block(number / BLOCK)?;
        let mut parts: [(usize, &[u8]); BLOCK] = [(0, &[]); BLOCK];
        let up_to = parts.get_mut(..=number % BLOCK).ok_or(Corrupt)?;
        let mut length = 0;
        for (place, part) in up_to.iter_mut().enumerate() {
            *part = read_part(&mut cursor, place, length)?;
            length = part.0.saturating_add(part.1.len());
        }
        // Put together from its end, so that no byte is copied of which the string has nothing.
        buffer.clear();
        buffer.resize(length, 0);
        let mut wanted = length;
        for (shared, tail) in up_to.iter().rev() {
            let Some(missing) = wanted.checked_sub(*shared) else { continue };
            let (Some(place), Some(tail)) = (buffer.get_mut(*shared..wanted), tail.get(..missing)) else {
                return Err(Corrupt);
            };
            place.copy_from_slice(tail);
            wanted = *shared;
        }
        std::str::from_utf8(buffer).map_err(|_| Corrupt)
    }

    /// All strings, in their order.
    pub(crate) fn all(&self) -> Result<Vec<Vec<u8>>, Corrupt> {
        let count = self.count()?;
        let mut all = Vec::new();
        for block in 0..count.div_ceil(BLOCK) {
            let mut cursor = self.block(block)?;
            let mut text = Vec::new();
            for place in 0..BLOCK.min(count.saturating_sub(block.saturating_mul(BLOCK))) {
                next(&mut cursor, place, &mut text)?;
                all.push(text.clone());
            }
        }
        Ok(all)
    }

    /// The number of this string, if the table has it.
    pub(crate) fn find(&self, wanted: &str) -> Result<Option<u32>, Corrupt> {
        let wanted = wanted.as_bytes();
        let count = self.count()?;
        let (mut low, mut high) = (0, count.div_ceil(BLOCK));
        // The last block whose first string is not after the wanted one.
        while low < high {
            let middle = low + (high - low) / 2;
            let mut cursor = self.block(middle)?;
            let length = cursor.length()?;
            if cursor.take(length)? <= wanted { low = middle + 1 } else { high = middle }
        }
        let Some(block) = low.checked_sub(1) else { return Ok(None) };
        let start = block.saturating_mul(BLOCK);
        let mut cursor = self.block(block)?;
        let mut text = Vec::new();
        for place in 0..BLOCK.min(count.saturating_sub(start)) {
            next(&mut cursor, place, &mut text)?;
            if text == wanted {
                return Ok(Some(u32::try_from(start + place).map_err(|_| Corrupt)?));
            }
        }
        Ok(None)
    }
}

/// Turns the string before, in `text`, into the next one.
fn next(cursor: &mut Cursor<'_>, place: usize, text: &mut Vec<u8>) -> Result<(), Corrupt> {
    let (shared, tail) = read_part(cursor, place, text.len())?;
    text.truncate(shared);
    text.extend_from_slice(tail);
    Ok(())
}

/// Reads how much a string shares with the one before, which has `before` bytes, and the rest of it.
#[inline]
fn read_part<'a>(cursor: &mut Cursor<'a>, place: usize, before: usize) -> Result<(usize, &'a [u8]), Corrupt> {
    let shared = if place == 0 { 0 } else { to_usize(cursor.number()?)? };
    let length = to_usize(cursor.number()?)?;
    let tail = cursor.take(length)?;
    if shared > before || shared.saturating_add(tail.len()) > STRING_LIMIT {
        return Err(Corrupt);
    }
    Ok((shared, tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_string_is_found_and_no_other() {
        let owned: Vec<String> = (0..100).map(|n| format!("name-{n:03}")).collect();
        let sorted: Vec<&str> = owned.iter().map(String::as_str).collect();
        let (offsets, bytes) = encode(&sorted);
        let strings = Strings { offsets: &offsets, bytes: &bytes };
        for (number, text) in (0_u32..).zip(&sorted) {
            assert_eq!(strings.find(text), Ok(Some(number)));
            assert_eq!(strings.get(number).as_deref(), Ok(*text));
        }
        for absent in ["", "a", "name-0", "name-100", "zzz", "name-0155"] {
            assert_eq!(strings.find(absent), Ok(None), "{absent}");
        }
        assert_eq!(strings.all().unwrap(), sorted.iter().map(|text| text.as_bytes()).collect::<Vec<_>>());
        assert_eq!(strings.get(100), Err(Corrupt));
        let (offsets, bytes) = encode(&[""; 0]);
        assert_eq!(Strings { offsets: &offsets, bytes: &bytes }.find("x"), Ok(None));
    }
}
