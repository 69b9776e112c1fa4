//! One package's header: an index of tags over a store of values, all big-endian.
//!
//! Reads the tags asked for and leaves the rest. Signatures and digests over the header are not verified. Format:
//! <https://rpm.org/docs/latest/manual/format_header.html>.

use std::borrow::Cow;

use super::bytes::{part, size, u32_be};

const LEAD: usize = 8;
const ENTRY: usize = 16;

const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const EPOCH: u32 = 1003;
const VENDOR: u32 = 1011;
const LICENSE: u32 = 1014;
const ARCH: u32 = 1022;
const OLD_FILE_NAMES: u32 = 1027;
const FILE_DIGESTS: u32 = 1035;
const FILE_FLAGS: u32 = 1037;
const SOURCE_RPM: u32 = 1044;
const PROVIDE_NAMES: u32 = 1047;
const REQUIRE_NAMES: u32 = 1049;
const DIR_INDEXES: u32 = 1116;
const BASE_NAMES: u32 = 1117;
const DIR_NAMES: u32 = 1118;
const FILE_DIGEST_ALGORITHM: u32 = 5011;
const MODULARITY_LABEL: u32 = 5096;

const INT32: u32 = 4;
const STRING: u32 = 6;
const STRING_ARRAY: u32 = 8;
const I18N_STRING: u32 = 9;

/// Why a package's list of files cannot be told.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct FilesError(&'static str);

/// A package as the database records it. Text that is not UTF-8 has its wrong bytes replaced.
#[derive(Clone, Debug)]
pub struct Header<'a> {
    blob: Cow<'a, [u8]>,
    entries: usize,
    data: usize,
}

impl<'a> Header<'a> {
    /// Checks the two counts that a header starts with, and nothing else.
    pub(super) fn parse(blob: Cow<'a, [u8]>) -> Result<Self, &'static str> {
        let (Some(entries), Some(length)) = (u32_be(&blob, 0), u32_be(&blob, 4)) else {
            return Err("no header: it is too short");
        };
        let index = size(entries).checked_mul(ENTRY).filter(|_| entries > 0);
        let data = index.and_then(|index| index.checked_add(LEAD)).ok_or("no header: it has no index")?;
        part(&blob, data, size(length)).ok_or("the header is cut off")?;
        Ok(Self { blob, entries: size(entries), data })
    }

    /// The header's bytes as they stand in the database.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.blob
    }

    /// The package's name.
    #[must_use]
    pub fn name(&self) -> Option<Cow<'_, str>> {
        self.text(NAME)
    }

    /// The version without epoch and release.
    #[must_use]
    pub fn version(&self) -> Option<Cow<'_, str>> {
        self.text(VERSION)
    }

    /// The release.
    #[must_use]
    pub fn release(&self) -> Option<Cow<'_, str>> {
        self.text(RELEASE)
    }

    /// The epoch, if it has one.
    #[must_use]
    pub fn epoch(&self) -> Option<u32> {
        self.numbers(EPOCH)?.next()
    }

    /// The architecture.
    #[must_use]
    pub fn architecture(&self) -> Option<Cow<'_, str>> {
        self.text(ARCH)
    }

    /// The file name of the source package that it was built from.
    #[must_use]
    pub fn source_rpm(&self) -> Option<Cow<'_, str>> {
        self.text(SOURCE_RPM)
    }

    /// The licence as declared.
    #[must_use]
    pub fn license(&self) -> Option<Cow<'_, str>> {
        self.text(LICENSE)
    }

    /// Who distributes it.
    #[must_use]
    pub fn vendor(&self) -> Option<Cow<'_, str>> {
        self.text(VENDOR)
    }

    /// The module that it is part of, `name:stream:version:context`.
    #[must_use]
    pub fn modularity_label(&self) -> Option<Cow<'_, str>> {
        self.text(MODULARITY_LABEL)
    }

    /// Tells whether it is no package at all but a public key, which rpm keeps among the packages.
    #[must_use]
    pub fn is_public_key(&self) -> bool {
        self.name().is_some_and(|name| name == "gpg-pubkey") && self.architecture().is_none()
    }

    /// The names that it requires; none if their list is broken.
    pub fn required_names(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.strings(REQUIRE_NAMES).into_iter().flatten().map(String::from_utf8_lossy)
    }

    /// The names that it provides; none if their list is broken.
    pub fn provided_names(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.strings(PROVIDE_NAMES).into_iter().flatten().map(String::from_utf8_lossy)
    }

    /// The paths that it owns.
    ///
    /// # Errors
    /// If the lists that make up the paths do not fit together.
    pub fn files(&self) -> Result<OwnedFiles<'_>, FilesError> {
        if self.entry(BASE_NAMES).is_none() {
            let names = match self.entry(OLD_FILE_NAMES) {
                Some(_) => self.strings(OLD_FILE_NAMES).ok_or(FilesError("broken file names"))?,
                None => Strings { rest: &[], left: 0 },
            };
            return Ok(OwnedFiles { directories: Vec::new(), places: None, names });
        }
        let lists = (self.strings(BASE_NAMES), self.strings(DIR_NAMES), self.numbers(DIR_INDEXES));
        let (Some(names), Some(directories), Some(places)) = lists else {
            return Err(FilesError("broken lists of file and directory names"));
        };
        if names.left != places.0.len() {
            return Err(FilesError("not as many directory numbers as file names"));
        }
        if directories.left > names.left {
            return Err(FilesError("more directories than files"));
        }
        let directories: Vec<&[u8]> = directories.collect();
        if places.clone().any(|place| size(place) >= directories.len()) {
            return Err(FilesError("a directory number beyond the directories"));
        }
        Ok(OwnedFiles { directories, places: Some(places), names })
    }

    /// What it records of the content of its files, one for each of [`Header::files`] in their order; `None` if it records
    /// nothing, or not of all of them.
    #[must_use]
    pub fn file_digests(&self) -> Option<FileDigests<'_>> {
        let (digests, flags) = (self.strings(FILE_DIGESTS)?, self.numbers(FILE_FLAGS)?);
        (digests.left == flags.0.len()).then_some(FileDigests { digests, flags })
    }

    /// The number of the algorithm of [`Header::file_digests`], as OpenPGP numbers them
    /// (<https://www.rfc-editor.org/rfc/rfc9580#section-9.5>): 1 for MD5, which is also meant where none is told, 8 for SHA-256.
    #[must_use]
    pub fn file_digest_algorithm(&self) -> u32 {
        self.numbers(FILE_DIGEST_ALGORITHM).and_then(|mut numbers| numbers.next()).unwrap_or(1)
    }

    /// Type, offset and count of a tag. Of repeated ones the last, as rpm itself takes what was added at
    /// installation in place of what the package brought.
    fn entry(&self, tag: u32) -> Option<(u32, usize, usize)> {
        let index = self.blob.get(LEAD..self.data)?;
        let entry =
            index.chunks_exact(ENTRY).take(self.entries).rfind(|entry| u32_be(entry, 0) == Some(tag))?;
        Some((u32_be(entry, 4)?, size(u32_be(entry, 8)?), size(u32_be(entry, 12)?)))
    }

    fn data(&self) -> Option<&[u8]> {
        part(&self.blob, self.data, size(u32_be(&self.blob, 4)?))
    }

    /// The strings of a tag, if all of them are there.
    fn strings(&self, tag: u32) -> Option<Strings<'_>> {
        let (kind, offset, count) = self.entry(tag)?;
        let rest = self.data()?.get(offset..)?;
        let count = match kind {
            STRING => 1,
            STRING_ARRAY | I18N_STRING => count,
            _ => return None,
        };
        let strings = Strings { rest, left: count };
        (strings.clone().count() == count).then_some(strings)
    }

    /// The first string of a tag; an empty one counts as absent.
    fn text(&self, tag: u32) -> Option<Cow<'_, str>> {
        let (kind, offset, _) = self.entry(tag)?;
        if !matches!(kind, STRING | STRING_ARRAY | I18N_STRING) {
            return None;
        }
        let text = Strings { rest: self.data()?.get(offset..)?, left: 1 }.next()?;
        (!text.is_empty()).then(|| String::from_utf8_lossy(text))
    }

    /// The 32-bit numbers of a tag, if all of them are there.
    fn numbers(&self, tag: u32) -> Option<Numbers<'_>> {
        let (INT32, offset, count) = self.entry(tag)? else {
            return None;
        };
        let bytes = part(self.data()?, offset, count.checked_mul(4)?)?;
        Some(Numbers(bytes.as_chunks().0.iter()))
    }
}

/// Strings that end with NUL, one after the other.
#[derive(Clone, Debug)]
struct Strings<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Iterator for Strings<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.left = self.left.checked_sub(1)?;
        let end = self.rest.iter().position(|byte| *byte == 0)?;
        let (string, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest.get(1..)?;
        Some(string)
    }
}

/// Big-endian numbers, one after the other.
#[derive(Clone, Debug)]
struct Numbers<'a>(std::slice::Iter<'a, [u8; 4]>);

impl Iterator for Numbers<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        self.0.next().map(|bytes| u32::from_be_bytes(*bytes))
    }
}

/// What a package records of the content of its files.
#[derive(Debug)]
pub struct FileDigests<'a> {
    digests: Strings<'a>,
    flags: Numbers<'a>,
}

impl<'a> Iterator for FileDigests<'a> {
    type Item = FileDigest<'a>;

    fn next(&mut self) -> Option<FileDigest<'a>> {
        let flags = self.flags.next()?;
        Some(FileDigest {
            hex: self.digests.next()?,
            is_configuration: flags & 1 != 0,
            is_ghost: flags & 64 != 0,
        })
    }
}

/// What a package records of the content of one file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FileDigest<'a> {
    /// The digest in hexadecimal digits; empty for what is no regular file.
    pub hex: &'a [u8],
    /// Whether it is configuration (`%config`).
    pub is_configuration: bool,
    /// Whether the package owns it without bringing it (`%ghost`).
    pub is_ghost: bool,
}

/// The paths of a package.
#[derive(Debug)]
pub struct OwnedFiles<'a> {
    directories: Vec<&'a [u8]>,
    places: Option<Numbers<'a>>,
    names: Strings<'a>,
}

impl<'a> Iterator for OwnedFiles<'a> {
    type Item = OwnedFile<'a>;

    fn next(&mut self) -> Option<OwnedFile<'a>> {
        let name = self.names.next()?;
        let directory = match &mut self.places {
            Some(places) => self.directories.get(size(places.next()?)).copied()?,
            None => &[],
        };
        Some(OwnedFile { directory, name })
    }
}

/// A path in its two parts. Few directories stand before many names, so a path is joined only when it is wanted:
/// a small header can name a long directory very often.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OwnedFile<'a> {
    /// The directory with its slash at the end; empty in headers so old that each name is a whole path.
    pub directory: &'a [u8],
    /// The name in it.
    pub name: &'a [u8],
}

impl OwnedFile<'_> {
    /// The length of the path in bytes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.directory.len().saturating_add(self.name.len())
    }

    /// Tells whether the path is empty, which none of a sound package is.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The path as recorded: with a leading slash, and not brought to normal form.
    #[must_use]
    pub fn path(&self) -> String {
        let mut path = String::from_utf8_lossy(self.directory).into_owned();
        path.push_str(&String::from_utf8_lossy(self.name));
        path
    }
}
