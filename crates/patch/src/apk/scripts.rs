//! The scripts and triggers that apk keeps of installed packages: `scripts.tar`, which apk 3 may keep packed, and `triggers`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Cursor, Read as _};

use plimsoll_formats::bounded;
use plimsoll_formats::compression::Compression;
use plimsoll_model::digest::hex;

use super::database::{identity, spelled};
use crate::glob::fits_path;

/// The most bytes of all scripts.
const LIMIT: u64 = 256 << 20;

/// A package whose scripts come.
pub struct Scripts<'a> {
    /// Name and version, with a hyphen between.
    pub title: String,
    /// Its identity.
    pub identity: [u8; 20],
    /// When it was made, in seconds.
    pub modified: u64,
    /// The scripts by name.
    pub scripts: &'a BTreeMap<String, Vec<u8>>,
}

/// The archive of scripts without those of packages that go, and with those of packages that come.
///
/// # Errors
/// If the archive cannot be read.
pub fn archive(old: &[u8], goes: &BTreeSet<[u8; 20]>, comes: &[Scripts<'_>]) -> io::Result<Vec<u8>> {
    let is_packed = Compression::of(old) == Compression::Gzip;
    let plain = if is_packed {
        bounded::read(Compression::Gzip.decode(Cursor::new(old))?, LIMIT)?
    } else {
        old.to_vec()
    };
    let mut builder = tar::Builder::new(Vec::new());
    let mut is_hexadecimal = false;
    let mut reader = tar::Archive::new(plain.as_slice());
    for entry in reader.entries()? {
        let entry = entry?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let of = whose(&name);
        is_hexadecimal |= of.is_some_and(|text| text.starts_with("X1"));
        if of.and_then(identity).is_some_and(|of| goes.contains(&of)) {
            continue;
        }
        let mut header = entry.header().clone();
        let size = entry.size();
        builder.append_data(&mut header, name, entry.take(size))?;
    }
    for package in comes {
        let of =
            if is_hexadecimal { format!("X1{}", hex(&package.identity)) } else { spelled(&package.identity) };
        for (name, text) in package.scripts {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Regular);
            header.set_mode(0o755);
            header.set_size(text.len() as u64);
            header.set_mtime(package.modified);
            builder.append_data(&mut header, format!("{}.{of}.{name}", package.title), text.as_slice())?;
        }
    }
    let plain = builder.into_inner()?;
    if !is_packed {
        return Ok(plain);
    }
    let mut encoder = Compression::Gzip.encode(Vec::new())?;
    io::Write::write_all(&mut encoder, &plain)?;
    encoder.finish()
}

/// The identity in `NAME-VERSION.IDENTITY.SCRIPT`. Base64 has slashes, but no dots.
fn whose(name: &str) -> Option<&str> {
    name.rsplit('.').nth(1)
}

/// The text of `triggers` without the lines of packages that go, and with those of packages that come.
#[must_use]
pub fn triggers(old: &str, goes: &BTreeSet<[u8; 20]>, comes: &[([u8; 20], String)]) -> String {
    let of = |line: &str| line.split_whitespace().next().and_then(identity);
    let mut text = String::new();
    for line in old.lines().filter(|line| of(line).is_none_or(|of| !goes.contains(&of))) {
        text.push_str(line);
        text.push('\n');
    }
    for (of, folders) in comes.iter().filter(|(_, folders)| !folders.is_empty()) {
        text.push_str(&format!("{} {folders}\n", spelled(of)));
    }
    text
}

/// The packages, by identity, whose triggers files in one of `folders` set off, and the pattern that fits.
#[must_use]
pub fn set_off(triggers: &str, folders: &BTreeSet<String>) -> Vec<([u8; 20], String)> {
    let mut found = Vec::new();
    for line in triggers.lines() {
        let mut words = line.split_whitespace();
        let Some(of) = words.next().and_then(identity) else { continue };
        let fits = |pattern: &&str| {
            let pattern = pattern.trim_start_matches('+');
            folders.iter().any(|folder| fits_path(pattern, &format!("/{folder}")))
        };
        if let Some(pattern) = words.find(fits) {
            found.push((of, pattern.to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(archive: &[u8]) -> Vec<String> {
        let mut archive = tar::Archive::new(archive);
        let entries = archive.entries().unwrap();
        entries.map(|entry| String::from_utf8_lossy(&entry.unwrap().path_bytes()).into_owned()).collect()
    }

    #[test]
    fn scripts_go_and_come() {
        let text = BTreeMap::from([("post-install".to_owned(), b"true\n".to_vec())]);
        let of = |title: &str, byte| Scripts {
            title: title.into(),
            identity: [byte; 20],
            modified: 1,
            scripts: &text,
        };
        let old = archive(&[], &BTreeSet::new(), &[of("a-1-r0", 0xfb), of("b-1-r0", 2)]).unwrap();
        let new = archive(&old, &BTreeSet::from([[0xfb; 20]]), &[of("a-2-r0", 3)]).unwrap();
        assert_eq!(
            names(&new),
            [
                format!("b-1-r0.{}.post-install", spelled(&[2; 20])),
                format!("a-2-r0.{}.post-install", spelled(&[3; 20]))
            ]
        );
        assert!(archive(b"no tar at all", &BTreeSet::new(), &[]).is_err());
    }

    #[test]
    fn triggers_go_and_come_and_are_set_off() {
        let old = format!("{} /usr/bin /lib/*\n{} +/etc\n", spelled(&[1; 20]), spelled(&[2; 20]));
        let new =
            triggers(&old, &BTreeSet::from([[2; 20]]), &[([3; 20], "/opt".into()), ([4; 20], String::new())]);
        assert_eq!(new, format!("{} /usr/bin /lib/*\n{} /opt\n", spelled(&[1; 20]), spelled(&[3; 20])));
        let folders = BTreeSet::from(["lib/a".to_owned(), "etc".to_owned()]);
        assert_eq!(set_off(&new, &folders), [([1; 20], "/lib/*".to_owned())]);
    }
}
