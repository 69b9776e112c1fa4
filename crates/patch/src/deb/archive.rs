//! Debian packages: an `ar` archive with the package's control files and its files, deb(5).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, Read, Seek as _, SeekFrom};
use std::sync::Arc;

use md5::{Digest as _, Md5};
use plimsoll_formats::tar::{Archive, Kind};
use plimsoll_model::digest::hex;
use plimsoll_model::path::{Normalized, normalize};

use super::status::field;
use crate::package::{DataKind, Form, Limits, PackageError, Part, Payload, body, each_chunk, tar_entries};

/// A package that was read through once.
#[derive(Clone, Debug)]
pub struct Deb {
    /// Its files. The digests are MD5: of configuration, and of all files of a package that brings no list of them.
    pub payload: Payload,
    /// The paragraph of `control`.
    pub control: String,
    /// The control files by name, `control` included: permission bits and content.
    pub scripts: BTreeMap<String, (u16, Vec<u8>)>,
}

const fn form(problem: &'static str) -> PackageError {
    PackageError::Form { kind: "Debian", problem }
}

impl Deb {
    /// Reads the package in `file`.
    ///
    /// # Errors
    /// If it is none, or not a sound one.
    pub fn read(file: File, limits: Limits) -> Result<Self, PackageError> {
        let members = members(&Arc::new(file))?;
        let find = |prefix: &str| members.iter().find(|member| member.name.starts_with(prefix)).cloned();
        if members.first().is_none_or(|member| member.name != "debian-binary") {
            return Err(form("it does not begin with debian-binary"));
        }
        let control = find("control.tar").ok_or(form("it has no control.tar"))?;
        let data = find("data.tar").ok_or(form("it has no data.tar"))?;
        let scripts = control_files(control.plain()?, limits)?;
        let text =
            |name: &str| scripts.get(name).map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned());
        let control = text("control").ok_or(form("it has no control file"))?;
        let conffiles: BTreeSet<String> = conffile_paths(&text("conffiles").unwrap_or_default());
        let has_list = scripts.contains_key("md5sums");
        let mut digest = |path: &str, archive: &mut Archive<_>| {
            if has_list && !conffiles.contains(path) {
                return Ok(None);
            }
            let mut hasher = Md5::new();
            each_chunk(archive, |chunk| hasher.update(chunk))?;
            Ok(Some(hex(&hasher.finalize())))
        };
        let entries = tar_entries(data.plain()?, &conffiles, &mut digest, limits)?;
        let payload = Payload { entries, part: data, form: Form::Tar, limit: limits.data };
        Ok(Self { payload, control, scripts })
    }

    /// A field of its control file.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<String> {
        field(&self.control, name)
    }

    /// The configuration files, in the order that the package names them.
    #[must_use]
    pub fn conffiles(&self) -> Vec<String> {
        let text =
            self.scripts.get("conffiles").map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned());
        let lines = text.unwrap_or_default();
        let paths = lines.lines().map(str::trim).filter(|line| line.starts_with('/'));
        paths.map(str::to_owned).collect()
    }

    /// The list of digests that dpkg keeps of its files: its own, else one made as dpkg makes it.
    #[must_use]
    pub fn md5sums(&self) -> Vec<u8> {
        if let Some((_, bytes)) = self.scripts.get("md5sums") {
            return bytes.clone();
        }
        let digest_of =
            |path: &str| self.payload.entries.iter().find(|entry| entry.path == path)?.digest.as_deref();
        let mut text = String::new();
        for entry in &self.payload.entries {
            let digest = match &entry.kind {
                DataKind::Hardlink(target) => digest_of(target),
                DataKind::File | DataKind::Directory | DataKind::Symlink(_) => entry.digest.as_deref(),
            };
            if let Some(digest) = digest {
                text.push_str(&format!("{digest}  {}\n", entry.path));
            }
        }
        text.into_bytes()
    }
}

/// The paths in a list of configuration files, in normal form.
fn conffile_paths(text: &str) -> BTreeSet<String> {
    let paths = text.lines().filter_map(|line| match normalize(line.trim()) {
        Normalized::Path(path) => Some(path),
        _ => None,
    });
    paths.collect()
}

/// The members of the `ar` archive.
fn members(file: &Arc<File>) -> Result<Vec<Part>, PackageError> {
    let mut reader = BufReader::new(file.as_ref());
    reader.seek(SeekFrom::Start(0))?;
    let mut magic = [0; 8];
    let short = |_| form("it is too short");
    reader.read_exact(&mut magic).map_err(short)?;
    if magic != *b"!<arch>\n" {
        return Err(form("it is no ar archive"));
    }
    let length = file.metadata()?.len();
    let (mut at, mut members) = (8_u64, Vec::new());
    // A package has three members, or a few more that begin with an underscore.
    while at < length && members.len() < 16 {
        let mut head = [0; 60];
        reader.seek(SeekFrom::Start(at))?;
        reader.read_exact(&mut head).map_err(short)?;
        let text = |range: std::ops::Range<usize>| {
            head.get(range).and_then(|bytes| std::str::from_utf8(bytes).ok()).map(str::trim)
        };
        let name = text(0..16).ok_or(form("a member has no name"))?.trim_end_matches('/');
        let size: u64 =
            text(48..58).and_then(|size| size.parse().ok()).ok_or(form("a member has no size"))?;
        let from = at.saturating_add(60);
        let end = from.saturating_add(size);
        if end > length {
            return Err(form("it ends inside a member"));
        }
        members.push(Part { file: Arc::clone(file), name: name.to_owned(), from, size });
        at = end.saturating_add(size % 2);
    }
    Ok(members)
}

fn control_files(plain: impl Read, limits: Limits) -> Result<BTreeMap<String, (u16, Vec<u8>)>, PackageError> {
    let mut archive = Archive::new(BufReader::new(plain.take(limits.control)), limits.tar());
    let mut files = BTreeMap::new();
    while let Some(entry) = archive.next_entry()? {
        let Normalized::Path(name) = normalize(&entry.name) else { continue };
        if entry.kind != Kind::File || name.contains('/') || name.starts_with('.') {
            continue;
        }
        let bytes = body(&mut archive)?;
        files.insert(name, (entry.mode & 0o777, bytes));
    }
    Ok(files)
}

/// The MD5 of `bytes` in hexadecimal digits, as dpkg records it.
#[must_use]
pub fn md5_of(bytes: &[u8]) -> String {
    hex(&Md5::digest(bytes))
}

#[cfg(test)]
pub(crate) mod tests;
