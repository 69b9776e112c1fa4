//! The version resource of programs and libraries of Windows: what product they are of
//! (<https://learn.microsoft.com/en-us/windows/win32/menuproc/vs-versioninfo>). It lies in a tree of resources, by type, name
//! and language, of which the first are taken.

use std::io::{self, Read, Seek};

use super::super::fields::Fields;
use super::section_table;
use crate::source::Source;

/// What the version resource tells.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct VersionInfo {
    /// The product that the file is a part of.
    pub product_name: Option<String>,
    /// The product's version, as its maker writes it.
    pub product_version: Option<String>,
    /// The file's version, as its maker writes it.
    pub file_version: Option<String>,
    /// Who made it.
    pub company_name: Option<String>,
    /// The file's version in four numbers, `1.2.3.4`, if they are told.
    pub numbers: Option<String>,
}

/// The type of version resources.
const VERSION: u32 = 16;
/// In an offset: it is that of a directory.
const DIRECTORY: u32 = 1 << 31;
/// A directory has so many entries that are looked at; types of resources are few.
const ENTRIES: u64 = 256;
/// Version resources have a kilobyte.
const LIMIT: u64 = 256 << 10;
/// No text in it is longer.
const TEXT: usize = 1024;
/// What starts the numbers.
const SIGNATURE: u32 = 0xfeef_04bd;

/// Reads the version resource of `source`; `None` if it is no file of Windows or has none.
///
/// # Errors
/// If reading the source fails.
pub fn version_info<R: Read + Seek>(source: &mut Source<'_, R>) -> io::Result<Option<VersionInfo>> {
    let Some(resources) = resources(source)? else { return Ok(None) };
    let Some(mut at) = entry(source, &resources, 0, Some(VERSION))? else { return Ok(None) };
    // The name, and the language.
    for _ in 0..2 {
        let Some(inner) = at.checked_sub(DIRECTORY) else { return Ok(None) };
        match entry(source, &resources, inner, None)? {
            Some(next) => at = next,
            None => return Ok(None),
        }
    }
    if at & DIRECTORY != 0 {
        return Ok(None);
    }
    let place = resources.offset.saturating_add(u64::from(at));
    let bytes = source.read_at(place, 8)?;
    let data = Fields { bytes: &bytes, big_endian: false };
    let (Some(address), Some(size)) = (data.u32(0), data.u32(4)) else { return Ok(None) };
    let Some(inside) = address.checked_sub(resources.address) else { return Ok(None) };
    let size = u64::from(size).min(LIMIT);
    let bytes = source.read_at(resources.offset.saturating_add(u64::from(inside)), size)?;
    Ok(parse(&bytes))
}

/// Where the resources are: in memory, and in the file.
struct Resources {
    address: u32,
    offset: u64,
}

/// The section that all linkers put them in.
fn resources<R: Read + Seek>(source: &mut Source<'_, R>) -> io::Result<Option<Resources>> {
    let head = source.read_at(0, 64)?;
    let Some((bytes, _)) = section_table(source, &head)? else { return Ok(None) };
    let mut records = (Fields { bytes: &bytes, big_endian: false }).records(40);
    let section = records.find(|record| record.name(0, 8).as_deref() == Some(".rsrc"));
    Ok(section
        .and_then(|record| Some(Resources { address: record.u32(12)?, offset: u64::from(record.u32(20)?) })))
}

/// What the entry of a directory of resources leads to: that of this type, or the first.
fn entry<R: Read + Seek>(
    source: &mut Source<'_, R>,
    resources: &Resources,
    at: u32,
    wanted: Option<u32>,
) -> io::Result<Option<u32>> {
    let start = resources.offset.saturating_add(u64::from(at));
    let head = source.read_at(start, 16)?;
    let head = Fields { bytes: &head, big_endian: false };
    let (Some(named), Some(numbered)) = (head.u16(12), head.u16(14)) else { return Ok(None) };
    let count = u64::from(named).saturating_add(u64::from(numbered)).min(ENTRIES);
    let bytes = source.read_at(start.saturating_add(16), count.saturating_mul(8))?;
    let mut entries = (Fields { bytes: &bytes, big_endian: false }).records(8);
    let found = entries.find(|entry| wanted.is_none() || entry.u32(0) == wanted);
    Ok(found.and_then(|entry| entry.u32(4)))
}

fn parse(bytes: &[u8]) -> Option<VersionInfo> {
    let root = Node::read(bytes, 0).filter(|root| root.key == "VS_VERSION_INFO")?;
    let mut info = VersionInfo { numbers: numbers(root.value), ..VersionInfo::default() };
    for strings in root.children(bytes).filter(|node| node.key == "StringFileInfo") {
        // A table a language.
        let Some(table) = strings.children(bytes).next() else { continue };
        for entry in table.children(bytes) {
            let field = match entry.key.as_str() {
                "ProductName" => &mut info.product_name,
                "ProductVersion" => &mut info.product_version,
                "FileVersion" => &mut info.file_version,
                "CompanyName" => &mut info.company_name,
                _ => continue,
            };
            *field = field.take().or_else(|| Some(entry.text(bytes)).filter(|text| !text.is_empty()));
        }
    }
    Some(info)
}

/// Zeros tell nothing.
fn numbers(value: &[u8]) -> Option<String> {
    let fixed = Fields { bytes: value, big_endian: false };
    let (high, low) = (fixed.u32(8)?, fixed.u32(12)?);
    let is_told = fixed.u32(0) == Some(SIGNATURE) && (high, low) != (0, 0);
    is_told.then(|| format!("{}.{}.{}.{}", high >> 16, high & 0xffff, low >> 16, low & 0xffff))
}

/// A node of the resource's own tree: length, length of the value, kind, key, value, children.
struct Node<'a> {
    key: String,
    /// What the length of the value gives, in bytes.
    value: &'a [u8],
    /// Where the value starts.
    start: usize,
    /// Where the children start, and where the node ends.
    inner: (usize, usize),
}

impl<'a> Node<'a> {
    fn read(bytes: &'a [u8], at: usize) -> Option<Self> {
        let fields = Fields { bytes, big_endian: false };
        let (length, size) = (usize::from(fields.u16(at)?), usize::from(fields.u16(at.checked_add(2)?)?));
        let is_text = fields.u16(at.checked_add(4)?)? == 1;
        let end = at.checked_add(length)?.min(bytes.len());
        let key_at = at.checked_add(6)?;
        let (key, after) = text(bytes.get(key_at..end)?);
        let start = aligned(key_at.checked_add(after)?);
        let size = if is_text { size.checked_mul(2)? } else { size };
        let value_end = start.checked_add(size)?.min(end);
        let value = bytes.get(start..value_end).unwrap_or_default();
        Some(Self { key, value, start, inner: (aligned(value_end), end) })
    }

    /// The nodes inside of it; one that has no length ends them.
    fn children<'b>(&self, bytes: &'b [u8]) -> impl Iterator<Item = Node<'b>> + use<'b> {
        let (mut at, end) = self.inner;
        std::iter::from_fn(move || {
            let length = usize::from((Fields { bytes, big_endian: false }).u16(at)?);
            if length < 6 || at >= end {
                return None;
            }
            let node = Node::read(bytes, at)?;
            at = aligned(at.checked_add(length)?);
            Some(node)
        })
    }

    /// The value as text. Some linkers give its length in bytes, others in characters; it ends where the node does.
    fn text(&self, bytes: &[u8]) -> String {
        let (value, _) = text(bytes.get(self.start..self.inner.1).unwrap_or_default());
        value.trim().to_owned()
    }
}

/// The UTF-16 text up to a NUL, and how many bytes it takes with that.
fn text(bytes: &[u8]) -> (String, usize) {
    let units = bytes.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
    let units: Vec<u16> = units.take(TEXT).take_while(|unit| *unit != 0).collect();
    (String::from_utf16_lossy(&units), units.len().saturating_add(1).saturating_mul(2))
}

const fn aligned(at: usize) -> usize {
    at.saturating_add(3) & !3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(key: &str, kind: u16, value: &[u8], size: usize, children: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = vec![0, 0];
        bytes.extend(u16::try_from(size).unwrap().to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(key.encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(value);
        for child in children {
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            bytes.extend(child);
        }
        let length = u16::try_from(bytes.len()).unwrap();
        bytes[..2].copy_from_slice(&length.to_le_bytes());
        bytes
    }

    fn string(key: &str, value: &str) -> Vec<u8> {
        let units: Vec<u8> = value.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        node(key, 1, &units, units.len() / 2, &[])
    }

    fn resource() -> Vec<u8> {
        let mut fixed = SIGNATURE.to_le_bytes().to_vec();
        fixed.extend([0, 0, 1, 0, 2, 0, 1, 0, 4, 0, 3, 0]);
        fixed.resize(52, 0);
        let strings =
            [string("ProductName", "Shop ® 2"), string("Odd", ""), string("FileVersion", "1.2.3.4")];
        let table = node("040904b0", 1, &[], 0, &strings);
        let all = node("StringFileInfo", 1, &[], 0, &[table]);
        node("VS_VERSION_INFO", 0, &fixed, 52, &[all])
    }

    #[test]
    fn texts_and_numbers_are_read() {
        let info = parse(&resource()).unwrap();
        assert_eq!(info.product_name.as_deref(), Some("Shop ® 2"));
        assert_eq!(info.file_version.as_deref(), Some("1.2.3.4"));
        assert_eq!(info.numbers.as_deref(), Some("1.2.3.4"));
        assert_eq!((info.product_version, info.company_name), (None, None));
    }

    #[test]
    fn resources_that_lie_end() {
        let whole = resource();
        for at in 0..whole.len() {
            drop(parse(&whole[..at]));
            for value in [0, 1, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] = value;
                drop(parse(&bytes));
            }
        }
        assert_eq!(parse(&[]), None);
        assert_eq!(parse(&[0xff; 64]), None);
    }
}
