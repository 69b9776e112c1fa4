//! What packages of all kinds have in common: files in an archive, which come from outside, are read under limits, and may be
//! none that no sound package has.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

use plimsoll_formats::bounded;
use plimsoll_formats::compression::Compression;
use plimsoll_formats::tar::{Archive, Entry, Kind, Limits as TarLimits, TarError};
use plimsoll_model::path::{Normalized, normalize};

use crate::clipped;

/// Bounds of one package.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of what tells of it.
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

impl Limits {
    pub(crate) fn tar(self) -> TarLimits {
        TarLimits { extension_bytes: 64 << 10, entries: self.entries, name_bytes: 64 << 20 }
    }
}

/// Why a package is refused.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// It cannot be read.
    #[error("reading the package")]
    Read(#[from] io::Error),
    /// A tar inside of it cannot.
    #[error("reading the package's files")]
    Tar(#[from] TarError),
    /// It is no package.
    #[error("it is no {kind} package: {problem}")]
    Form {
        /// Of which kind it should be.
        kind: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
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
    /// Its parts do not belong together.
    #[error("{0}")]
    Forged(&'static str),
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
    /// The digest of its content by which the package manager tells changes, in hexadecimal digits, where one is needed.
    pub digest: Option<String>,
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
    /// A hard link and the normal path of another file of the same package.
    Hardlink(String),
}

/// Whose a file is, and of when.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Attributes {
    /// The name of its owner, if it has one.
    pub user: String,
    /// The number of its owner.
    pub uid: u32,
    /// The name of its group, if it has one.
    pub group: String,
    /// The number of its group.
    pub gid: u32,
    /// Its date in seconds.
    pub modified: u64,
    /// Extended attributes, by name.
    pub extended: Vec<(String, Vec<u8>)>,
}

/// The files of a package that was read through once.
#[derive(Clone, Debug)]
pub struct Payload {
    /// In the order of the archive.
    pub entries: Vec<DataEntry>,
    pub(crate) part: Part,
    pub(crate) form: Form,
    pub(crate) limit: u64,
}

/// How files are archived.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// A tar.
    Tar,
    /// A cpio, which says less of its files than the package's header.
    Cpio(Arc<crate::rpm::archive::Archived>),
}

/// What is done with each entry: its number, whose it is, and its content.
pub type Each<'a> = dyn FnMut(usize, &Attributes, &mut dyn Read) -> io::Result<()> + 'a;

impl Payload {
    /// Reads the archive once more, and gives each entry in its turn.
    ///
    /// # Errors
    /// If it reads otherwise than the first time, or `each` fails.
    pub fn replay(&self, each: &mut Each<'_>) -> io::Result<()> {
        let plain = self.part.plain()?.take(self.limit);
        match &self.form {
            Form::Tar => self.replay_tar(plain, each),
            Form::Cpio(archived) => crate::rpm::archive::replay(archived, &self.entries, plain, each),
        }
    }

    fn replay_tar(&self, plain: impl Read, each: &mut Each<'_>) -> io::Result<()> {
        let mut archive = tar::Archive::new(plain);
        let mut index = 0_usize;
        for entry in archive.entries()? {
            let mut entry = entry?;
            let Normalized::Path(name) = normalize(&String::from_utf8_lossy(&entry.path_bytes())) else {
                continue;
            };
            let read = self.entries.get(index).ok_or_else(changed)?;
            if read.path != name {
                return Err(changed());
            }
            let attributes = attributes(&mut entry)?;
            let size = entry.size();
            each(index, &attributes, &mut entry.take(size))?;
            index = index.saturating_add(1);
        }
        if index == self.entries.len() { Ok(()) } else { Err(changed()) }
    }
}

fn changed() -> io::Error {
    io::Error::other("the package reads otherwise the second time")
}

fn attributes(entry: &mut tar::Entry<'_, impl Read>) -> io::Result<Attributes> {
    let mut extended = Vec::new();
    if let Some(extensions) = entry.pax_extensions()? {
        for extension in extensions.filter_map(Result::ok) {
            if let Some(name) = extension.key().ok().and_then(|key| key.strip_prefix("SCHILY.xattr.")) {
                extended.push((name.to_owned(), extension.value_bytes().to_vec()));
            }
        }
    }
    let header = entry.header();
    let number = |value: io::Result<u64>| u32::try_from(value.unwrap_or(0)).unwrap_or(0);
    let name = |value: Option<&[u8]>| value.map(String::from_utf8_lossy).unwrap_or_default().into_owned();
    Ok(Attributes {
        user: name(header.username_bytes()),
        uid: number(header.uid()),
        group: name(header.groupname_bytes()),
        gid: number(header.gid()),
        modified: header.mtime().unwrap_or(0),
        extended,
    })
}

/// A part of a file that others read, too, and how it is compressed.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) file: Arc<File>,
    pub(crate) from: u64,
    pub(crate) size: u64,
    /// Its end tells the compression.
    pub(crate) name: String,
}

impl Part {
    /// Its bytes as they stand.
    pub(crate) fn stored(&self) -> impl Read + use<> {
        Stored { file: Arc::clone(&self.file), at: self.from, end: self.from.saturating_add(self.size) }
    }

    /// Its plain bytes.
    pub(crate) fn plain(&self) -> io::Result<Box<dyn Read>> {
        decompressed(&self.name, self.stored())
    }
}

struct Stored {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Read for Stored {
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

/// Takes off the compression that the end of `name` tells.
pub(crate) fn decompressed(name: &str, reader: impl Read + 'static) -> io::Result<Box<dyn Read>> {
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

/// Reads the whole of what decompresses from `bytes`, whose name tells how they are compressed.
///
/// # Errors
/// If they are corrupt, or too many.
pub fn inflate(name: &str, bytes: File, limit: u64) -> io::Result<Vec<u8>> {
    bounded::read(decompressed(name, bytes)?, limit)
}

/// The rest of an entry, whose size a limit on the stream bounds.
pub(crate) fn body(archive: &mut Archive<impl io::BufRead>) -> Result<Vec<u8>, TarError> {
    let mut bytes = Vec::new();
    each_chunk(archive, |chunk| bytes.extend_from_slice(chunk))?;
    Ok(bytes)
}

/// Reads the rest of an entry chunk by chunk.
pub(crate) fn each_chunk(
    archive: &mut Archive<impl io::BufRead>,
    mut each: impl FnMut(&[u8]),
) -> Result<(), TarError> {
    loop {
        let lent = archive.fill()?;
        if lent.is_empty() {
            return Ok(());
        }
        each(lent);
        let count = lent.len();
        archive.consume(count);
    }
}

/// Tells the digest of a file's content, if it is to be known: its path, and how to read it.
pub(crate) type DigestOf<'a, R> = dyn FnMut(&str, &mut Archive<R>) -> Result<Option<String>, TarError> + 'a;

/// The entries of a tar of files; `conffiles` are configuration.
pub(crate) fn tar_entries<R: Read>(
    plain: R,
    conffiles: &BTreeSet<String>,
    digest: &mut DigestOf<'_, BufReader<io::Take<R>>>,
    limits: Limits,
) -> Result<Vec<DataEntry>, PackageError> {
    let mut archive = Archive::new(BufReader::new(plain.take(limits.data)), limits.tar());
    let (mut entries, mut files) = (Vec::new(), BTreeSet::new());
    let mut total = 0_u64;
    while let Some(entry) = archive.next_entry()? {
        total = total.saturating_add(entry.size);
        if total > limits.data {
            return Err(PackageError::Limit { limit: limits.data, what: "bytes" });
        }
        let Some((path, kind)) = sound(&entry, &files)? else { continue };
        let mut found = None;
        if kind == DataKind::File {
            files.insert(path.clone());
            found = digest(&path, &mut archive)?;
        }
        let is_conffile = kind == DataKind::File && conffiles.contains(&path);
        let mode = entry.mode & 0o7777;
        entries.push(DataEntry { path, kind, mode, size: entry.size, is_conffile, digest: found });
    }
    Ok(entries)
}

/// The normal form of a name, unless it is the root; an error if no sound package has it.
pub(crate) fn sound_name(name: &str) -> Result<Option<String>, PackageError> {
    let wrong = |problem| Err(PackageError::Entry { path: clipped(name), problem });
    if name.starts_with('/') {
        return wrong("has an absolute name");
    }
    if name.split('/').any(|part| part == "..") {
        return wrong("climbs with `..`");
    }
    if name.contains(['\n', '\0']) {
        return wrong("has a line end in its name");
    }
    let Normalized::Path(path) = normalize(name) else { return Ok(None) };
    if path.split('/').any(|part| part.starts_with(".wh.")) {
        return wrong("is named as a whiteout");
    }
    Ok(Some(path))
}

/// The path and kind of an entry, unless it is the root; an error if it is none that a package may have.
fn sound(entry: &Entry, files: &BTreeSet<String>) -> Result<Option<(String, DataKind)>, PackageError> {
    let Some(path) = sound_name(&entry.name)? else { return Ok(None) };
    let wrong = |problem| Err(PackageError::Entry { path: clipped(&entry.name), problem });
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
