//! A package's header: an index of tags over a store of values, all big-endian, as packages and the database have it.
//! The reader of the database knows few tags; here any may matter. <https://rpm.org/docs/latest/manual/format_header.html>.

use super::tags::REGION;

/// The most entries of an index, and bytes of its values, as rpm itself bounds them.
const ENTRIES: usize = 0xffff;
const BYTES: usize = 64 << 20;
const ENTRY: usize = 16;

/// The kinds of values.
const CHAR: u32 = 1;
const INT16: u32 = 3;
const INT32: u32 = 4;
const INT64: u32 = 5;
const STRING: u32 = 6;
const BIN: u32 = 7;
const STRING_ARRAY: u32 = 8;
const I18N_STRING: u32 = 9;

/// A header, whose counts were checked and whose values are read when they are asked for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Header {
    entries: Vec<Entry>,
    data: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Entry {
    tag: u32,
    kind: u32,
    offset: u32,
    count: u32,
}

/// A value to be put into a header.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Value {
    /// A number.
    Number(u32),
    /// Small numbers.
    Chars(Vec<u8>),
    /// The bytes of another header's value: kind, count, bytes.
    Raw(u32, u32, Vec<u8>),
}

pub(super) fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// How many bytes a header has whose counts are these; none if they are beyond bounds.
pub(crate) fn length(entries: u32, bytes: u32) -> Option<usize> {
    let (entries, bytes) = (usize::try_from(entries).ok()?, usize::try_from(bytes).ok()?);
    if entries == 0 || entries > ENTRIES || bytes > BYTES {
        return None;
    }
    entries.checked_mul(ENTRY)?.checked_add(bytes)?.checked_add(8)
}

impl Header {
    /// Reads a header from its counts on; none if it is cut off or too long.
    #[must_use]
    pub fn read(blob: &[u8]) -> Option<Self> {
        let (count, bytes) = (number(blob, 0)?, number(blob, 4)?);
        if blob.len() != length(count, bytes)? {
            return None;
        }
        let data = blob.len().checked_sub(usize::try_from(bytes).ok()?)?;
        let entry = |at: &[u8]| {
            Some(Entry {
                tag: number(at, 0)?,
                kind: number(at, 4)?,
                offset: number(at, 8)?,
                count: number(at, 12)?,
            })
        };
        let entries = blob.get(8..data)?.chunks_exact(ENTRY).map(entry).collect::<Option<_>>()?;
        Some(Self { entries, data: blob.get(data..)?.to_vec() })
    }

    /// The header's bytes, from its counts on.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
        let mut blob = [count(self.entries.len()), count(self.data.len())].concat();
        for entry in &self.entries {
            for value in [entry.tag, entry.kind, entry.offset, entry.count] {
                blob.extend(value.to_be_bytes());
            }
        }
        blob.extend(&self.data);
        blob
    }

    /// Whether it begins with the region that was signed, as all headers of packages do.
    pub(crate) fn has_region(&self) -> bool {
        self.entries.first().is_some_and(|entry| (62..=REGION).contains(&entry.tag) && entry.kind == BIN)
    }

    /// Of repeated ones the last, as what was added when it was installed goes before what the package brought.
    fn entry(&self, tag: u32) -> Option<Entry> {
        self.entries.iter().rev().find(|entry| entry.tag == tag).copied()
    }

    /// The bytes of a value.
    fn value(&self, entry: Entry) -> Option<&[u8]> {
        let count = usize::try_from(entry.count).ok()?;
        let rest = self.data.get(usize::try_from(entry.offset).ok()?..)?;
        let length = match entry.kind {
            CHAR | 2 | BIN => count,
            INT16 => count.checked_mul(2)?,
            INT32 => count.checked_mul(4)?,
            INT64 => count.checked_mul(8)?,
            STRING | STRING_ARRAY | I18N_STRING => {
                let count = if entry.kind == STRING { 1 } else { count };
                let mut ends = rest.iter().enumerate().filter(|(_, byte)| **byte == 0).map(|(at, _)| at);
                match count {
                    0 => 0,
                    _ => ends.nth(count.checked_sub(1)?)?.checked_add(1)?,
                }
            }
            _ => return None,
        };
        rest.get(..length)
    }

    /// The strings of a tag; none if it has others, or is broken.
    #[must_use]
    pub fn strings(&self, tag: u32) -> Vec<String> {
        let Some(entry) =
            self.entry(tag).filter(|entry| matches!(entry.kind, STRING | STRING_ARRAY | I18N_STRING))
        else {
            return Vec::new();
        };
        let Some(value) = self.value(entry).and_then(|value| value.strip_suffix(b"\0")) else {
            return Vec::new();
        };
        value.split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into_owned()).collect()
    }

    /// The first string of a tag.
    #[must_use]
    pub fn text(&self, tag: u32) -> Option<String> {
        self.strings(tag).into_iter().next().filter(|text| !text.is_empty())
    }

    /// The numbers of a tag, of 16, 32 or 64 bits.
    #[must_use]
    pub fn numbers(&self, tag: u32) -> Vec<u64> {
        let value = self.entry(tag).and_then(|entry| Some((entry.kind, self.value(entry)?)));
        let Some((kind, value)) = value else { return Vec::new() };
        let width = match kind {
            INT16 => 2,
            INT32 => 4,
            INT64 => 8,
            _ => return Vec::new(),
        };
        let fold = |bytes: &[u8]| bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        value.chunks_exact(width).map(fold).collect()
    }

    /// The first number of a tag.
    #[must_use]
    pub fn number(&self, tag: u32) -> Option<u64> {
        self.numbers(tag).first().copied()
    }

    /// The bytes of a tag.
    #[must_use]
    pub fn binary(&self, tag: u32) -> Option<&[u8]> {
        self.entry(tag).filter(|entry| entry.kind == BIN).and_then(|entry| self.value(entry))
    }

    /// Kind, count and bytes of a tag.
    pub(crate) fn raw(&self, tag: u32) -> Option<Value> {
        let entry = self.entry(tag)?;
        Some(Value::Raw(entry.kind, entry.count, self.value(entry)?.to_vec()))
    }

    /// Adds a value behind all others.
    pub(crate) fn put(&mut self, tag: u32, value: Value) {
        let (kind, count, bytes) = match value {
            Value::Number(number) => (INT32, 1, number.to_be_bytes().to_vec()),
            Value::Chars(chars) => (CHAR, u32::try_from(chars.len()).unwrap_or(u32::MAX), chars),
            Value::Raw(kind, count, bytes) => (kind, count, bytes),
        };
        let alignment = match kind {
            INT16 => 2,
            INT32 => 4,
            INT64 => 8,
            _ => 1,
        };
        while !self.data.len().is_multiple_of(alignment) {
            self.data.push(0);
        }
        let offset = u32::try_from(self.data.len()).unwrap_or(u32::MAX);
        self.entries.push(Entry { tag, kind, offset, count });
        self.data.extend(bytes);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A header with these values.
    pub(crate) fn header(values: &[(u32, Value)]) -> Header {
        let mut header = Header::default();
        for (tag, value) in values {
            header.put(*tag, value.clone());
        }
        header
    }

    /// Strings as a value.
    pub(crate) fn strings(texts: &[&str]) -> Value {
        let bytes = texts.iter().flat_map(|text| text.bytes().chain([0])).collect();
        Value::Raw(STRING_ARRAY, u32::try_from(texts.len()).unwrap(), bytes)
    }

    /// Numbers as a value.
    pub(crate) fn numbers(values: &[u32]) -> Value {
        let bytes = values.iter().flat_map(|value| value.to_be_bytes()).collect();
        Value::Raw(INT32, u32::try_from(values.len()).unwrap(), bytes)
    }

    #[test]
    fn what_is_put_is_read() {
        let made = header(&[
            (1000, strings(&["a"])),
            (1117, strings(&["x", "", "y"])),
            (1116, numbers(&[0, 1, 0])),
            (1029, Value::Chars(vec![0, 1])),
            (1000, strings(&["b"])),
        ]);
        let read = Header::read(&made.bytes()).unwrap();
        assert_eq!(read, made);
        assert_eq!(read.text(1000).as_deref(), Some("b"), "the last one counts");
        assert_eq!(read.strings(1117), ["x", "", "y"]);
        assert_eq!((read.numbers(1116), read.number(9)), (vec![0, 1, 0], None));
    }

    #[test]
    fn broken_headers_give_nothing() {
        let bytes = header(&[(1000, strings(&["a"])), (1116, numbers(&[1]))]).bytes();
        for cut in 0..bytes.len() {
            assert_eq!(Header::read(&bytes[..cut]), None, "{cut}");
        }
        for at in 0..bytes.len() {
            let mut wrong = bytes.clone();
            wrong[at] = 0xff;
            if let Some(header) = Header::read(&wrong) {
                drop((header.strings(1000), header.numbers(1116), header.raw(1116)));
            }
        }
        assert_eq!(length(u32::MAX, u32::MAX), None);
    }
}
