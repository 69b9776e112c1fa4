//! Ids of advisories, packed: most follow one of a few patterns, a prefix and two numbers or twelve letters.

use super::bytes::{Cursor, put_number};
use super::layout::Corrupt;

/// Ids of a prefix, a year, a separator, and a number of at least so many digits. A pattern's place is its code,
/// so this list only ever grows at its end.
const NUMBERED: [(&str, &str, usize); 14] = [
    ("CVE-", "-", 4),
    ("GO-", "-", 4),
    ("RUSTSEC-", "-", 4),
    ("PYSEC-", "-", 0),
    ("ALSA-", ":", 0),
    ("ALBA-", ":", 0),
    ("ALEA-", ":", 0),
    ("DSA-", "-", 0),
    ("DLA-", "-", 0),
    ("USN-", "-", 0),
    ("RHSA-", ":", 0),
    ("RLSA-", ":", 0),
    ("HSEC-", "-", 4),
    ("MAL-", "-", 0),
];
/// Ids of a prefix and three groups of four letters out of [`LETTERS`].
const LETTERED: [(&str, u8); 2] = [("GHSA-", 100), ("CGA-", 101)];
const LETTERS: &[u8; 20] = b"23456789cfghjmpqrvwx";
/// Any other id, as its text.
const PLAIN: u8 = 127;

/// Appends an id.
pub(crate) fn put(to: &mut Vec<u8>, id: &str) {
    if let Some((code, first, second)) = numbered(id) {
        to.push(code);
        put_number(to, first);
        put_number(to, second);
    } else if let Some((code, packed)) = lettered(id) {
        to.push(code);
        to.extend(packed.to_le_bytes().iter().take(7));
    } else {
        to.push(PLAIN);
        put_number(to, u32::try_from(id.len()).unwrap_or(u32::MAX));
        to.extend_from_slice(id.as_bytes());
    }
}

/// Reads an id.
pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<String, Corrupt> {
    let code = cursor.byte()?;
    if code == PLAIN {
        let length = cursor.length()?;
        return String::from_utf8(cursor.take(length)?.to_vec()).map_err(|_| Corrupt);
    }
    if let Some((prefix, _)) = LETTERED.iter().find(|(_, known)| *known == code) {
        return letters(prefix, cursor.take(7)?);
    }
    let pattern = NUMBERED.get(usize::from(code)).ok_or(Corrupt)?;
    Ok(format_numbered(pattern, cursor.number()?, cursor.number()?))
}

fn numbered(id: &str) -> Option<(u8, u32, u32)> {
    let at = NUMBERED.iter().position(|(prefix, ..)| id.starts_with(prefix))?;
    let pattern = NUMBERED.get(at)?;
    let (first, second) = id.strip_prefix(pattern.0)?.split_once(pattern.1)?;
    let (first, second) = (first.parse().ok()?, second.parse().ok()?);
    let exact = format_numbered(pattern, first, second) == id;
    Some((u8::try_from(at).ok().filter(|_| exact)?, first, second))
}

fn format_numbered((prefix, separator, width): &(&str, &str, usize), first: u32, second: u32) -> String {
    format!("{prefix}{first}{separator}{second:0width$}")
}

fn lettered(id: &str) -> Option<(u8, u64)> {
    let (prefix, code) = LETTERED.iter().find(|(prefix, _)| id.starts_with(prefix))?;
    let groups: Vec<&str> = id.strip_prefix(prefix)?.split('-').collect();
    if groups.len() != 3 || groups.iter().any(|group| group.len() != 4) {
        return None;
    }
    let mut packed = 0_u64;
    for letter in groups.concat().bytes() {
        let digit = LETTERS.iter().position(|known| *known == letter)?;
        packed = packed.checked_mul(20)?.checked_add(u64::try_from(digit).ok()?)?;
    }
    Some((*code, packed))
}

fn letters(prefix: &str, packed: &[u8]) -> Result<String, Corrupt> {
    let mut value = packed.iter().rev().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
    let mut groups = [*b"0000"; 3];
    for group in groups.iter_mut().rev() {
        for letter in group.iter_mut().rev() {
            let digit = usize::try_from(value % 20).map_err(|_| Corrupt)?;
            *letter = *LETTERS.get(digit).ok_or(Corrupt)?;
            value /= 20;
        }
    }
    if value != 0 {
        return Err(Corrupt);
    }
    let [one, two, three] = groups.map(|group| String::from_utf8_lossy(&group).into_owned());
    Ok(format!("{prefix}{one}-{two}-{three}"))
}

/// A CVE as a number that orders by year, then number; `None` if it does not fit (no such CVE exists).
pub(crate) fn cve_key(id: &str) -> Option<u32> {
    let (year, number) = id.strip_prefix("CVE-")?.split_once('-')?;
    let year: u32 = year.parse().ok()?;
    let number: u32 = number.parse().ok()?;
    let year = year.checked_sub(1990).filter(|year| *year < 256)?;
    (number < 1 << 24).then_some(year << 24 | number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_round_trip_in_few_bytes() {
        let ids = [
            ("CVE-2021-44228", 6),
            ("CVE-2021-0001", 4),
            ("GHSA-jfh8-c2jp-5v3q", 8),
            ("CGA-xfq7-jmxq-8333", 8),
            ("GO-2024-3228", 5),
            ("RUSTSEC-2020-0001", 4),
            ("PYSEC-2019-213", 5),
            ("ALSA-2023:4063", 5),
            ("DSA-5380-1", 4),
        ];
        for (id, most) in ids {
            let mut bytes = Vec::new();
            put(&mut bytes, id);
            assert!(bytes.len() <= most, "{id}: {}", bytes.len());
            assert_eq!(read(&mut Cursor::new(&bytes)).as_deref(), Ok(id));
        }
        for id in ["", "CVE-", "CVE-2021-01", "CVE-02021-1234", "GHSA-aaaa-bbbb-cccc", "GHSA-2222-2222", "x"]
        {
            let mut bytes = Vec::new();
            put(&mut bytes, id);
            assert_eq!(read(&mut Cursor::new(&bytes)).as_deref(), Ok(id));
        }
        assert!(cve_key("CVE-2021-44228") < cve_key("CVE-2022-1"));
        assert_eq!(cve_key("CVE-1-1"), None);
    }
}
