//! Headers of an entry made again under another name. New names and targets stand in a pax header, which every reader
//! of layers knows, and cut short in the old field; all other fields and records stay.

use super::BLOCK;
use super::header::Header;

/// As what an entry goes on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Renamed<'a> {
    /// The same file with another name.
    File(&'a str),
    /// The same hard link to another target.
    Link(&'a str),
    /// A file of no bytes with another name; of the records nothing stays.
    Empty(&'a str),
}

/// One header with its body, padding included.
struct Part<'a> {
    flag: u8,
    raw: &'a [u8],
    /// The body without padding.
    body: &'a [u8],
}

/// The headers that `raw` holds before the entry's own, and that one with whatever belongs to it.
fn parts(raw: &[u8]) -> (Vec<Part<'_>>, &[u8]) {
    let (mut parts, mut rest) = (Vec::new(), raw);
    while let Some((block, after)) = rest.split_first_chunk::<512>() {
        let header = Header(*block);
        let flag = header.type_flag();
        if !matches!(flag, b'x' | b'g' | b'L' | b'K') {
            break;
        }
        let size = usize::try_from(header.size().unwrap_or(0)).unwrap_or(usize::MAX);
        let padded = size.checked_next_multiple_of(block.len()).unwrap_or(usize::MAX).min(after.len());
        let (body, next) = after.split_at_checked(padded).unwrap_or((after, &[]));
        let length = block.len().saturating_add(padded);
        parts.push(Part {
            flag,
            raw: rest.get(..length).unwrap_or(rest),
            body: body.get(..size).unwrap_or(body),
        });
        rest = next;
    }
    (parts, rest)
}

/// The headers of `raw` that are for all entries to come, and must not go with one.
pub(super) fn global_headers(raw: &[u8]) -> Vec<u8> {
    let (parts, _) = parts(raw);
    parts.iter().filter(|part| part.flag == b'g').flat_map(|part| part.raw).copied().collect()
}

/// The headers `raw` of an entry, without those for all entries, made again.
pub(super) fn renamed(raw: &[u8], to: Renamed<'_>) -> Vec<u8> {
    let (parts, own) = parts(raw);
    let Some(own) = own.first_chunk::<512>() else { return Vec::new() };
    let mut header = Header(*own);
    let (key, long, value) = match to {
        Renamed::File(name) | Renamed::Empty(name) => ("path", b'L', name),
        Renamed::Link(target) => ("linkpath", b'K', target),
    };
    match to {
        Renamed::File(name) => header.set_name(name),
        Renamed::Link(target) => header.set_link(target),
        Renamed::Empty(name) => {
            header.set_name(name);
            header.set_empty_file();
        }
    }
    header.set_checksum();
    let keeps_records = !matches!(to, Renamed::Empty(_));
    let (mut new, mut records) = (Vec::new(), Vec::new());
    for part in parts.iter().filter(|_| keeps_records) {
        match part.flag {
            b'x' => other_records(part.body, key, &mut records),
            b'L' | b'K' if part.flag != long => new.extend_from_slice(part.raw),
            _ => {}
        }
    }
    if keeps_records || value.len() > 100 || !value.is_ascii() {
        records.extend(record(key, value));
    }
    if !records.is_empty() {
        new.extend(pax(&records));
    }
    new.extend_from_slice(&header.0);
    new
}

/// Appends the records in `body` to `records`, but for that called `key`.
fn other_records(body: &[u8], key: &str, records: &mut Vec<u8>) {
    let mut rest = body;
    while let Some((record, after)) = super::pax::split_record(rest) {
        let name = record.split(|byte| *byte == b'=').next().unwrap_or_default();
        if name != key.as_bytes() {
            let length = rest.len().saturating_sub(after.len());
            records.extend_from_slice(rest.get(..length).unwrap_or_default());
        }
        rest = after;
    }
}

/// `LENGTH KEY=VALUE\n`, the length counting itself.
fn record(key: &str, value: &str) -> Vec<u8> {
    let rest = format!(" {key}={value}\n");
    let mut length = rest.len();
    for _ in 0..3 {
        length = rest.len().saturating_add(length.to_string().len());
    }
    format!("{length}{rest}").into_bytes()
}

/// A pax header for the next entry.
fn pax(records: &[u8]) -> Vec<u8> {
    let mut header = Header::default();
    header.set_pax(records.len() as u64);
    header.set_checksum();
    let mut new = header.0.to_vec();
    new.extend_from_slice(records);
    let block = usize::try_from(BLOCK).unwrap_or(1);
    let padded = new.len().checked_next_multiple_of(block).unwrap_or(new.len());
    new.resize(padded, 0);
    new
}
