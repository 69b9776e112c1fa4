//! Packages: a lead, a header of signatures, the header that was signed, and the archive of files, for which the signed header
//! vouches. <https://rpm.org/docs/latest/manual/format_v4.html>.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_model::digest::Hasher;

use super::cpio::{Cpio, Entry};
use super::files::{FileRecord, files_of, hard_links};
use super::header::{Header, Value, length, number};
use super::tags::{
    ARCH, DSA_HEADER, EPOCH, FILE_STATES, INSTALL_COLOR, INSTALL_TID, INSTALL_TIME, MERGED, NAME, OPENPGP,
    PAYLOAD_COMPRESSOR, PAYLOAD_DIGEST, PAYLOAD_DIGEST_ALGORITHM, PAYLOAD_SHA256, RELEASE, RSA_HEADER,
    SCRIPTS, VERSION,
};
use crate::package::{
    Attributes, DataEntry, DataKind, Each, Form, Limits, PackageError, Part, Payload, sound_name,
};

/// Bytes of the lead.
const LEAD: u64 = 96;
/// What a header in a package begins with.
const MAGIC: [u8; 8] = [0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0];

/// A package that was read through once.
#[derive(Clone, Debug)]
pub struct Rpm {
    /// Its files, but for those that it owns without bringing them.
    pub payload: Payload,
    /// All files that its header tells of.
    pub files: Vec<FileRecord>,
    /// By entry of the payload, the number of its file.
    pub numbers: Vec<usize>,
    /// The header that was signed.
    pub header: Header,
    signatures: Header,
}

const fn form(problem: &'static str) -> PackageError {
    PackageError::Form { kind: "rpm", problem }
}

/// A package whose signature is still to be looked at: nothing of its files was read.
#[derive(Debug)]
pub struct Unverified {
    file: Arc<File>,
    signatures: Header,
    header: Header,
    signed: Vec<u8>,
    /// Where the archive begins.
    data: u64,
}

impl Unverified {
    /// Reads the headers of the package in `file`.
    ///
    /// # Errors
    /// If it is none.
    pub fn read(file: File, limits: Limits) -> Result<Self, PackageError> {
        let file = Arc::new(file);
        let mut lead = [0; 4];
        part(&file, 0, 4).read_exact(&mut lead).map_err(|_| form("it is too short"))?;
        if lead != [0xed, 0xab, 0xee, 0xdb] {
            return Err(form("it does not begin as one"));
        }
        let (signatures, end) = header_at(&file, LEAD, limits)?;
        let (signed, data) = header_at(&file, end.next_multiple_of(8), limits)?;
        let read = |bytes: &[u8]| bytes.get(MAGIC.len()..).and_then(Header::read);
        let signatures = read(&signatures).ok_or(form("its signatures are broken"))?;
        let header = read(&signed).filter(Header::has_region).ok_or(form("its header is broken"))?;
        Ok(Self { file, signatures, header, signed, data })
    }

    /// The bytes that a signature of it is over.
    #[must_use]
    pub fn signed(&self) -> &[u8] {
        &self.signed
    }

    /// Its OpenPGP signatures.
    #[must_use]
    pub fn signatures(&self) -> Vec<Vec<u8>> {
        let armored =
            self.signatures.strings(OPENPGP).into_iter().filter_map(|text| STANDARD.decode(text).ok());
        let binary = [RSA_HEADER, DSA_HEADER].into_iter().filter_map(|tag| self.signatures.binary(tag));
        armored.chain(binary.map(<[u8]>::to_vec)).collect()
    }

    /// Reads the files. The header must have been verified before: it vouches for them.
    ///
    /// # Errors
    /// If they are not those of the header, or not sound.
    pub fn verified(self, limits: Limits) -> Result<Rpm, PackageError> {
        let size = self.file.metadata()?.len().saturating_sub(self.data);
        let compressor = self.header.text(PAYLOAD_COMPRESSOR).unwrap_or_else(|| "gzip".to_owned());
        let ending = match compressor.as_str() {
            "gzip" => ".gz",
            "bzip2" => ".bz2",
            "xz" | "lzma" => ".xz",
            "zstd" => ".zst",
            _ => return Err(form("its files are packed in a way that is not read")),
        };
        let name = format!("payload{ending}");
        let data = Part { file: Arc::clone(&self.file), from: self.data, size, name };
        is_vouched_for(&self.header, &data)?;
        let files = files_of(&self.header).ok_or(form("its lists of files are broken"))?;
        if files.len() as u64 > limits.entries {
            return Err(PackageError::Limit { limit: limits.entries, what: "files" });
        }
        let (entries, numbers, attributes) = entries(&files, limits)?;
        let names = entries.iter().enumerate().map(|(index, entry)| (entry.path.clone(), index)).collect();
        let form = Form::Cpio(Arc::new(Archived { attributes, names, numbers: numbers.clone() }));
        let payload = Payload { entries, part: data, form, limit: limits.data };
        // Whether it can be read to its end is to be known before anything is written.
        payload.replay(&mut |_, _, _| Ok(()))?;
        let Self { signatures, header, .. } = self;
        Ok(Rpm { payload, files, numbers, header, signatures })
    }
}

fn part(file: &Arc<File>, from: u64, size: u64) -> impl Read {
    Part { file: Arc::clone(file), from, size, name: String::new() }.stored()
}

/// The bytes of the header at `from`, its magic included, and where it ends.
fn header_at(file: &Arc<File>, from: u64, limits: Limits) -> Result<(Vec<u8>, u64), PackageError> {
    let mut head = [0; 16];
    part(file, from, 16).read_exact(&mut head).map_err(|_| form("it ends before its header"))?;
    let counts = number(&head, 8).zip(number(&head, 12)).filter(|_| head.starts_with(&MAGIC));
    let (entries, bytes) = counts.ok_or(form("its header does not begin as one"))?;
    let size = length(entries, bytes).ok_or(form("its header is too long"))? as u64;
    let size = size.saturating_add(MAGIC.len() as u64);
    if size > limits.control {
        return Err(PackageError::Limit { limit: limits.control, what: "bytes of header" });
    }
    let blob = plimsoll_formats::bounded::read(part(file, from, size), size)?;
    if blob.len() as u64 != size {
        return Err(form("its header is cut off"));
    }
    Ok((blob, from.saturating_add(size)))
}

/// Whether the signed header vouches for the packed archive.
fn is_vouched_for(header: &Header, data: &Part) -> Result<(), PackageError> {
    let wanted = header.text(PAYLOAD_SHA256).or_else(|| {
        header.text(PAYLOAD_DIGEST).filter(|_| header.number(PAYLOAD_DIGEST_ALGORITHM) == Some(8))
    });
    let wanted = wanted.ok_or(PackageError::Forged("its signed header does not vouch for its files"))?;
    let mut reader = BufReader::new(data.stored());
    let mut hasher = Hasher::default();
    let mut chunk = vec![0; 64 << 10];
    loop {
        let count = reader.read(&mut chunk)?;
        if count == 0 {
            break;
        }
        hasher.update(chunk.get(..count).unwrap_or_default());
    }
    if hasher.finish().hex() == wanted {
        Ok(())
    } else {
        Err(PackageError::Forged("its files are not those that its signed header vouches for"))
    }
}

type Entries = (Vec<DataEntry>, Vec<usize>, Vec<Attributes>);

/// The entries of a package's archive, the numbers of their files, and whose each is.
fn entries(files: &[FileRecord], limits: Limits) -> Result<Entries, PackageError> {
    let links = hard_links(files);
    let (mut entries, mut numbers, mut all) = (Vec::new(), Vec::new(), Vec::new());
    let mut total = 0_u64;
    for (index, file) in files.iter().enumerate().filter(|(_, file)| !file.is_ghost()) {
        let name = file.path.strip_prefix('/').unwrap_or(&file.path);
        let Some(path) = sound_name(name)? else { continue };
        let wrong = |problem| PackageError::Entry { path: crate::clipped(&file.path), problem };
        let kind = if file.is_folder() {
            DataKind::Directory
        } else if file.is_link() {
            DataKind::Symlink(file.link.clone())
        } else if !file.is_file() {
            return Err(wrong("is a device or a pipe"));
        } else if let Some(last) = links.get(&index).and_then(|last| files.get(*last)) {
            let target = sound_name(last.path.trim_start_matches('/'))?;
            DataKind::Hardlink(
                target.filter(|_| !last.is_ghost()).ok_or_else(|| wrong("is a hard link to none"))?,
            )
        } else {
            DataKind::File
        };
        let size = if kind == DataKind::File { file.size } else { 0 };
        total = total.saturating_add(size);
        if total > limits.data {
            return Err(PackageError::Limit { limit: limits.data, what: "bytes" });
        }
        let (is_conffile, mode) = (file.is_configuration(), file.mode & 0o7777);
        entries.push(DataEntry { path, kind, mode, size, is_conffile, digest: file.sha256.clone() });
        numbers.push(index);
        all.push(Attributes {
            user: file.user.clone(),
            group: file.group.clone(),
            modified: file.modified,
            extended: super::unpack::capabilities(&file.capabilities)
                .map_err(wrong)?
                .map(|value| vec![("security.capability".to_owned(), value)])
                .unwrap_or_default(),
            ..Attributes::default()
        });
    }
    Ok((entries, numbers, all))
}

/// What an archive does not say of its entries itself.
#[derive(Debug)]
pub(crate) struct Archived {
    attributes: Vec<Attributes>,
    /// By path, the number of the entry.
    names: BTreeMap<String, usize>,
    /// The numbers of the entries' files.
    numbers: Vec<usize>,
}

/// Gives the entries of an archive in its order, each once.
pub(crate) fn replay(
    archived: &Archived,
    entries: &[DataEntry],
    plain: impl Read,
    each: &mut Each<'_>,
) -> io::Result<()> {
    let wrong = |what: &'static str| io::Error::new(io::ErrorKind::InvalidData, what);
    let mut cpio = Cpio::new(plain);
    let mut seen = vec![false; entries.len()];
    loop {
        let (index, size) = match cpio.next()? {
            Entry::End => break,
            Entry::Named(name, size) => {
                let path = sound_name(name.trim_start_matches("./").trim_start_matches('/'));
                let path = path.map_err(io::Error::other)?.unwrap_or_default();
                let index = archived.names.get(&path);
                (
                    *index
                        .ok_or_else(|| wrong("the archive has a file of which the header does not tell"))?,
                    size,
                )
            }
            Entry::Numbered(number) => {
                let index = archived.numbers.binary_search(&number).ok();
                let index =
                    index.ok_or_else(|| wrong("the archive has a file of which the header does not tell"))?;
                (index, entries.get(index).map_or(0, |entry| entry.size))
            }
        };
        let entry = entries.get(index).zip(seen.get_mut(index));
        let (entry, seen) = entry.ok_or_else(|| wrong("the archive has a file too many"))?;
        if std::mem::replace(seen, true) {
            return Err(wrong("the archive has a file twice"));
        }
        // Links have where they lead as their content.
        if entry.kind == DataKind::File && entry.size != size {
            return Err(wrong("a file has another size than the header tells"));
        }
        let mut content = cpio.content(size);
        let attributes = archived.attributes.get(index).cloned().unwrap_or_default();
        each(index, &attributes, &mut content)?;
        let left = content.limit();
        cpio.leave(left, size)?;
    }
    if entries.iter().zip(&seen).any(|(entry, seen)| entry.kind == DataKind::File && !seen) {
        return Err(wrong("the archive has not all files of which the header tells"));
    }
    Ok(())
}

impl Rpm {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> String {
        self.header.text(NAME).unwrap_or_default()
    }

    /// Its version, with an epoch unless that is none.
    #[must_use]
    pub fn version(&self) -> String {
        version_of(&self.header)
    }

    /// Its architecture.
    #[must_use]
    pub fn architecture(&self) -> String {
        self.header.text(ARCH).unwrap_or_default()
    }

    /// Its scripts: what rpm calls each, what runs it, and its text.
    #[must_use]
    pub fn scripts(&self) -> Vec<(&'static str, String, String)> {
        scripts_of(&self.header)
    }

    /// The header as the database has it of an installed package.
    #[must_use]
    pub fn installed(&self, now: u32, color: u32) -> Header {
        let mut header = self.header.clone();
        let mut added: Vec<(u32, Value)> =
            MERGED.iter().filter_map(|(from, to)| Some((*to, self.signatures.raw(*from)?))).collect();
        if !self.files.is_empty() {
            added.push((FILE_STATES, Value::Chars(vec![0; self.files.len()])));
        }
        added.push((INSTALL_TIME, Value::Number(now)));
        added.push((INSTALL_COLOR, Value::Number(color)));
        added.push((INSTALL_TID, Value::Number(now)));
        added.sort_by_key(|(tag, _)| *tag);
        for (tag, value) in added {
            header.put(tag, value);
        }
        header
    }
}

/// `EPOCH:VERSION-RELEASE` of a header, without an epoch that is none.
#[must_use]
pub fn version_of(header: &Header) -> String {
    let text = |tag| header.text(tag).unwrap_or_default();
    let epoch = header.number(EPOCH).filter(|epoch| *epoch != 0);
    let epoch = epoch.map(|epoch| format!("{epoch}:")).unwrap_or_default();
    format!("{epoch}{}-{}", text(VERSION), text(RELEASE))
}

/// The scripts of a header: what rpm calls each, what runs it, and its text.
#[must_use]
pub fn scripts_of(header: &Header) -> Vec<(&'static str, String, String)> {
    let script = |(name, text, program): &(&'static str, u32, u32)| {
        let program = header.strings(*program).join(" ");
        let text = header.text(*text).unwrap_or_default();
        (!program.is_empty() || !text.is_empty()).then_some((*name, program, text))
    };
    SCRIPTS.iter().filter_map(script).collect()
}

#[cfg(test)]
mod tests;
