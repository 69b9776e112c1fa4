//! Members of an archive by their names, under limits. Nothing is unpacked, so no name can lead anywhere.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use super::{INDEX, LIMIT};
use crate::{bounded, walk};

/// The most bytes that an archive may unpack to.
const ARCHIVE_LIMIT: u64 = 4 << 30;
/// The most members of an archive.
const ENTRY_LIMIT: usize = 2_000_000;
/// The most bytes of all members that are read at once.
const TOTAL_LIMIT: u64 = 256 << 20;

/// A member: its name, and its bytes or why they could not be read.
pub(super) type Member = (String, io::Result<Vec<u8>>);

/// The index of the repository that is all of the archive, or its folder `inside`, or, without one, its only top folder;
/// with that folder, ending in a slash.
pub(super) fn index(path: &Path, inside: Option<&str>) -> io::Result<Option<(String, Vec<u8>)>> {
    let wanted = inside.map(|inside| match inside.trim_matches('/') {
        "" => INDEX.to_owned(),
        inside => format!("{inside}/{INDEX}"),
    });
    let is_index = |name: &str| match &wanted {
        Some(wanted) => name == wanted,
        None => name.rsplit('/').next() == Some(INDEX) && name.matches('/').count() <= 1,
    };
    let mut found = members(path, is_index)?;
    found.sort_by_key(|(name, _)| name.matches('/').count());
    let Some((name, bytes)) = found.into_iter().next() else { return Ok(None) };
    let prefix = name.strip_suffix(INDEX).unwrap_or_default().to_owned();
    Ok(Some((prefix, bytes?)))
}

/// The members whose names are wanted; of two with one name the first.
pub(super) fn members(path: &Path, wanted: impl Fn(&str) -> bool) -> io::Result<Vec<Member>> {
    let name = path.to_string_lossy();
    let file = File::open(path)?;
    if name.ends_with(".zip") {
        return zip_members(file, wanted);
    }
    let (_, plain) = walk::decompressed(&name, BufReader::new(file))?;
    let mut tar = tar::Archive::new(plain.take(ARCHIVE_LIMIT));
    let mut found = Found::default();
    for member in tar.entries()?.take(ENTRY_LIMIT) {
        let member = member?;
        let name = String::from_utf8_lossy(&member.path_bytes()).into_owned();
        let name = name.trim_start_matches("./").to_owned();
        if member.header().entry_type().is_file() && wanted(&name) {
            found.add(name, member);
        }
    }
    Ok(found.members)
}

fn zip_members(file: File, wanted: impl Fn(&str) -> bool) -> io::Result<Vec<Member>> {
    let mut zip = zip::ZipArchive::new(BufReader::new(file)).map_err(io::Error::other)?;
    let mut found = Found::default();
    for index in 0..zip.len().min(ENTRY_LIMIT) {
        let member = zip.by_index(index).map_err(io::Error::other)?;
        let name = String::from_utf8_lossy(member.name_raw()).into_owned();
        if member.is_file() && wanted(&name) {
            found.add(name, member);
        }
    }
    Ok(found.members)
}

#[derive(Default)]
struct Found {
    members: Vec<Member>,
    total: u64,
}

impl Found {
    fn add(&mut self, name: String, member: impl Read) {
        if self.members.iter().any(|(known, _)| *known == name) {
            return;
        }
        let bytes = bounded::read(member, LIMIT.min(TOTAL_LIMIT.saturating_sub(self.total)));
        let length = bytes.as_ref().map_or(0, |bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.total = self.total.saturating_add(length);
        self.members.push((name, bytes));
    }
}
