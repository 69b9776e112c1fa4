//! Debian packages: an `ar` archive with the package's control files and its files, deb(5). They come from outside, and are
//! read under limits; what no sound package has is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::sync::Arc;

use md5::{Digest as _, Md5};
use plimsoll_formats::bounded;
use plimsoll_formats::tar::{Archive, Entry, Kind, Limits as TarLimits, TarError};
use plimsoll_model::path::{Normalized, normalize};

use crate::clipped;
use crate::status::field;

/// Bounds of one package.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of all control files.
    pub control: u64,
    /// Bytes that its files unpack to.
    pub data: u64,
    /// Files.
    pub entries: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { control: 16 << 20, data: 4 << 30, entries: 200_000 }
    }
}

/// Why a package is refused.
#[derive(Debug, thiserror::Error)]
pub enum DebError {
    /// It cannot be read.
    #[error("reading the package")]
    Read(#[from] io::Error),
    /// A tar inside of it cannot.
    #[error("reading the package's files")]
    Tar(#[from] TarError),
    /// It is no package.
    #[error("it is no Debian package: {0}")]
    Form(&'static str),
    /// A limit.
    #[error("it unpacks to more than {limit} {what}")]
    Limit {
        /// The limit.
        limit: u64,
        /// Of what.
        what: &'static str,
    },
    /// A file that no sound package has.
    #[error("its file {path:?} {problem}")]
    Entry {
        /// The name as written.
        path: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// A package that was read through once.
#[derive(Clone, Debug)]
pub struct Deb {
    file: Arc<File>,
    data: Member,
    limits: Limits,
    /// The paragraph of `control`.
    pub control: String,
    /// The control files by name, `control` included: permission bits and content.
    pub scripts: BTreeMap<String, (u16, Vec<u8>)>,
    /// Its files, in the order of the archive.
    pub entries: Vec<DataEntry>,
}

/// A file of a package.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DataEntry {
    /// The path in normal form.
    pub path: String,
    /// What it is.
    pub kind: DataKind,
    /// Permission bits.
    pub mode: u16,
    /// Bytes of content.
    pub size: u64,
    /// Whether the package calls it configuration.
    pub is_conffile: bool,
    /// The MD5 of its content, in hexadecimal digits: of configuration, and of all files of a package that brings no list
    /// of them.
    pub md5: Option<String>,
}

/// What a file of a package is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DataKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link and its target as written.
    Symlink(String),
    /// A hard link and the normal path of an earlier file of the same package.
    Hardlink(String),
}

#[derive(Clone, Debug)]
struct Member {
    name: String,
    from: u64,
    size: u64,
}

impl Deb {
    /// Reads the package in `file`.
    ///
    /// # Errors
    /// If it is none, or not a sound one.
    pub fn read(file: File, limits: Limits) -> Result<Self, DebError> {
        let members = members(&file)?;
        let find = |prefix: &str| members.iter().find(|member| member.name.starts_with(prefix)).cloned();
        if members.first().is_none_or(|member| member.name != "debian-binary") {
            return Err(DebError::Form("it does not begin with debian-binary"));
        }
        let file = Arc::new(file);
        let control = find("control.tar").ok_or(DebError::Form("it has no control.tar"))?;
        let data = find("data.tar").ok_or(DebError::Form("it has no data.tar"))?;
        let scripts = control_files(plain(&file, &control)?, limits)?;
        let text =
            |name: &str| scripts.get(name).map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned());
        let control = text("control").ok_or(DebError::Form("it has no control file"))?;
        let conffiles: BTreeSet<String> = conffile_paths(&text("conffiles").unwrap_or_default());
        let wanted = if scripts.contains_key("md5sums") { Digested::Conffiles } else { Digested::All };
        let entries = data_entries(plain(&file, &data)?, &conffiles, wanted, limits)?;
        Ok(Self { file, data, limits, control, scripts, entries })
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
        let digest_of = |path: &str| self.entries.iter().find(|entry| entry.path == path)?.md5.as_deref();
        let mut text = String::new();
        for entry in &self.entries {
            let digest = match &entry.kind {
                DataKind::Hardlink(target) => digest_of(target),
                DataKind::File | DataKind::Directory | DataKind::Symlink(_) => entry.md5.as_deref(),
            };
            if let Some(digest) = digest {
                text.push_str(&format!("{digest}  {}\n", entry.path));
            }
        }
        text.into_bytes()
    }

    /// The plain bytes of the tar of its files, from the start.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn data(&self) -> io::Result<impl Read> {
        Ok(plain(&self.file, &self.data)?.take(self.limits.data))
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
fn members(file: &File) -> Result<Vec<Member>, DebError> {
    let mut reader = BufReader::new(file);
    reader.seek(SeekFrom::Start(0))?;
    let mut magic = [0; 8];
    let short = |_| DebError::Form("it is too short");
    reader.read_exact(&mut magic).map_err(short)?;
    if magic != *b"!<arch>\n" {
        return Err(DebError::Form("it is no ar archive"));
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
        let name = text(0..16).ok_or(DebError::Form("a member has no name"))?.trim_end_matches('/');
        let size: u64 =
            text(48..58).and_then(|size| size.parse().ok()).ok_or(DebError::Form("a member has no size"))?;
        let from = at.saturating_add(60);
        let end = from.saturating_add(size);
        if end > length {
            return Err(DebError::Form("it ends inside a member"));
        }
        members.push(Member { name: name.to_owned(), from, size });
        at = end.saturating_add(size % 2);
    }
    Ok(members)
}

/// Reads a part of a file that others read, too.
struct Part {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let room = buffer.len().min(left);
        let count = std::os::unix::fs::FileExt::read_at(
            self.file.as_ref(),
            buffer.get_mut(..room).unwrap_or_default(),
            self.at,
        )?;
        self.at = self.at.saturating_add(count as u64);
        Ok(count)
    }
}

/// The plain bytes of a member, by the end of its name.
fn plain(file: &Arc<File>, member: &Member) -> io::Result<Box<dyn Read>> {
    let part = Part { file: Arc::clone(file), at: member.from, end: member.from.saturating_add(member.size) };
    decompressed(&member.name, part)
}

/// Takes off the compression that the end of `name` tells.
pub(crate) fn decompressed(name: &str, reader: impl Read + 'static) -> io::Result<Box<dyn Read>> {
    use plimsoll_formats::compression::Compression;
    let reader = BufReader::new(reader);
    Ok(match name.rsplit_once('.').map(|(_, end)| end) {
        Some("gz") => Compression::Gzip.decode(reader)?,
        Some("zst") => Compression::Zstd.decode(reader)?,
        Some("bz2") => Box::new(bzip2::bufread::MultiBzDecoder::new(reader)),
        Some("xz" | "lzma") => {
            let decoder =
                liblzma::stream::Stream::new_auto_decoder(256 << 20, liblzma::stream::CONCATENATED)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(reader, decoder))
        }
        _ => Box::new(reader),
    })
}

fn tar_limits(limits: Limits) -> TarLimits {
    TarLimits { extension_bytes: 64 << 10, entries: limits.entries, name_bytes: 64 << 20 }
}

fn control_files(plain: impl Read, limits: Limits) -> Result<BTreeMap<String, (u16, Vec<u8>)>, DebError> {
    let mut archive = Archive::new(BufReader::new(plain.take(limits.control)), tar_limits(limits));
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

/// The rest of an entry, whose size a limit on the stream bounds.
fn body(archive: &mut Archive<impl io::BufRead>) -> Result<Vec<u8>, DebError> {
    let mut bytes = Vec::new();
    loop {
        let lent = archive.fill()?;
        if lent.is_empty() {
            return Ok(bytes);
        }
        bytes.extend_from_slice(lent);
        let count = lent.len();
        archive.consume(count);
    }
}

/// Which files are digested.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Digested {
    Conffiles,
    All,
}

fn data_entries(
    plain: impl Read,
    conffiles: &BTreeSet<String>,
    wanted: Digested,
    limits: Limits,
) -> Result<Vec<DataEntry>, DebError> {
    let mut archive = Archive::new(BufReader::new(plain.take(limits.data)), tar_limits(limits));
    let (mut entries, mut files) = (Vec::new(), BTreeSet::new());
    let mut total = 0_u64;
    while let Some(entry) = archive.next_entry()? {
        total = total.saturating_add(entry.size);
        if total > limits.data {
            return Err(DebError::Limit { limit: limits.data, what: "bytes" });
        }
        let Some((path, kind)) = sound(&entry, &files)? else { continue };
        let mut md5 = None;
        if kind == DataKind::File {
            files.insert(path.clone());
            if wanted == Digested::All || conffiles.contains(&path) {
                md5 = Some(digested(&mut archive)?);
            }
        }
        let is_conffile = kind == DataKind::File && conffiles.contains(&path);
        let mode = entry.mode & 0o7777;
        entries.push(DataEntry { path, kind, mode, size: entry.size, is_conffile, md5 });
    }
    Ok(entries)
}

/// The path and kind of an entry, unless it is the root; an error if it is none that a package may have.
fn sound(entry: &Entry, files: &BTreeSet<String>) -> Result<Option<(String, DataKind)>, DebError> {
    let wrong = |problem| Err(DebError::Entry { path: clipped(&entry.name), problem });
    if entry.name.starts_with('/') {
        return wrong("has an absolute name");
    }
    if entry.name.split('/').any(|part| part == "..") {
        return wrong("climbs with `..`");
    }
    if entry.name.contains(['\n', '\0']) {
        return wrong("has a line end in its name");
    }
    let Normalized::Path(path) = normalize(&entry.name) else { return Ok(None) };
    if path.split('/').any(|part| part.starts_with(".wh.")) {
        return wrong("is named as a whiteout");
    }
    let kind = match entry.kind {
        Kind::File => DataKind::File,
        Kind::Directory => DataKind::Directory,
        Kind::Symlink => DataKind::Symlink(entry.link.clone()),
        Kind::Hardlink => match normalize(&entry.link) {
            Normalized::Path(target) if files.contains(&target) => DataKind::Hardlink(target),
            _ => return wrong("is a hard link to what is no earlier file of the package"),
        },
        Kind::Special => return wrong("is a device or a pipe"),
        Kind::Sparse | Kind::Unknown => return wrong("is of a kind that packages do not have"),
    };
    Ok(Some((path, kind)))
}

fn digested(archive: &mut Archive<impl io::BufRead>) -> Result<String, DebError> {
    let mut hasher = Md5::new();
    loop {
        let lent = archive.fill()?;
        if lent.is_empty() {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(lent);
        let count = lent.len();
        archive.consume(count);
    }
}

/// The MD5 of `bytes` in hexadecimal digits, as dpkg records it.
#[must_use]
pub fn md5_of(bytes: &[u8]) -> String {
    hex(&Md5::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads the whole of what decompresses from `bytes`, whose name tells how they are compressed.
///
/// # Errors
/// If they are corrupt, or too many.
pub fn inflate(name: &str, bytes: File, limit: u64) -> io::Result<Vec<u8>> {
    bounded::read(decompressed(name, bytes)?, limit)
}

#[cfg(test)]
pub(crate) mod tests;
