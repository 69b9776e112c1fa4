//! What an extractor is: a plain value that says which files it wants, and a function from a file to facts.
//!
//! The pass over a layer offers each entry once to all extractors; nothing else reads layers. Because
//! [`Wants`] is data, one table over all rules picks the extractors of a path.

use std::io::{Read, Seek};

use crate::code::Code;
use crate::evidence::{Fact, Located};
use crate::gap::{Gap, GapKind};
use crate::needs::Needs;

/// One way to turn a file into facts.
#[derive(Clone, Copy, Debug)]
pub struct Extractor {
    /// The name in reports, options and the evidence cache.
    pub name: &'static str,
    /// Raised whenever the same bytes give other facts; the cache then reads only for this extractor again.
    pub revision: u32,
    /// The files it wants.
    pub wants: Wants,
    /// Reads one file.
    pub extract: fn(&mut ScanFile<'_>, &mut Facts) -> Result<(), ExtractError>,
}

/// Which regular files an extractor wants: any path rule, and the content rule, and the size must fit.
#[derive(Clone, Copy, Debug)]
pub struct Wants {
    /// Rules of which one must fit the path.
    pub paths: &'static [PathRule],
    /// What the first bytes must look like.
    pub content: ContentRule,
    /// Files larger than this many bytes are reported as a gap instead of read.
    pub max_size: u64,
}

/// A rule over the path of an entry in normal form.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PathRule {
    /// Every regular file; the content rule decides.
    Any,
    /// This path.
    Exact(&'static str),
    /// Directly inside this directory.
    In(&'static str),
    /// With this file name, in any directory.
    Name(&'static str),
    /// Ending so: `.jar`, `.dist-info/METADATA`. What follows the last `/`, if there is one, is a whole file name.
    Suffix(&'static str),
}

/// A rule over the first bytes of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ContentRule {
    /// Anything.
    Any,
    /// Starts with one of these.
    Magic(&'static [&'static [u8]]),
    /// Looks like text: no NUL among the first bytes.
    Text,
    /// Starts with one of these, or looks like text in UTF-16.
    Wide(&'static [&'static [u8]]),
    /// Starts with one of these, and no more than so many first bytes are wanted; of a larger file the extractor gets
    /// only those, unless another one wants all of it.
    Head(&'static [&'static [u8]], u64),
    /// No file but a directory, which is told by its path alone.
    Directory,
}

/// How many first bytes a [`ContentRule`] sees at most.
pub const SNIFF: usize = 512;

/// A file that an extractor asked for.
#[derive(Debug)]
pub struct ScanFile<'a> {
    /// The path in normal form.
    pub path: &'a str,
    /// Permission bits.
    pub mode: u16,
    /// Size in bytes, of which only the first may be here ([`ContentRule::Head`]).
    pub size: u64,
    content: Content<'a>,
}

/// Where a file's bytes are: in memory, or, for large ones, in an anonymous temporary file.
#[derive(Debug)]
pub enum Content<'a> {
    /// All of them, in memory.
    Memory(&'a [u8]),
    /// Spooled.
    Spool(&'a mut std::fs::File),
}

/// A source of bytes that can be read from any place.
pub trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

impl<'a> ScanFile<'a> {
    /// Wraps a file that lies in memory.
    #[must_use]
    pub fn in_memory(path: &'a str, mode: u16, bytes: &'a [u8]) -> Self {
        Self { path, mode, size: bytes.len() as u64, content: Content::Memory(bytes) }
    }

    /// Wraps a file whose bytes lie in `content`.
    #[must_use]
    pub fn new(path: &'a str, mode: u16, size: u64, content: Content<'a>) -> Self {
        Self { path, mode, size, content }
    }

    /// All bytes, if they lie in memory; those of a spooled file are read with [`ScanFile::reader`].
    #[must_use]
    pub fn bytes(&self) -> Option<&'a [u8]> {
        match &self.content {
            Content::Memory(bytes) => Some(bytes),
            Content::Spool(_) => None,
        }
    }

    /// All bytes, in memory already or read into it now.
    ///
    /// # Errors
    /// If reading the spool fails. The size was bounded by [`Wants::max_size`].
    pub fn read(&mut self) -> Result<std::borrow::Cow<'a, [u8]>, ExtractError> {
        match &mut self.content {
            Content::Memory(bytes) => Ok(std::borrow::Cow::Borrowed(bytes)),
            Content::Spool(file) => {
                let mut bytes = Vec::new();
                file.rewind().map_err(ExtractError::Spool)?;
                #[expect(clippy::disallowed_methods, reason = "bounded by take")]
                Read::take(&mut **file, self.size).read_to_end(&mut bytes).map_err(ExtractError::Spool)?;
                Ok(std::borrow::Cow::Owned(bytes))
            }
        }
    }

    /// The bytes as text, invalid UTF-8 replaced.
    ///
    /// # Errors
    /// As [`ScanFile::read`].
    pub fn text(&mut self) -> Result<std::borrow::Cow<'a, str>, ExtractError> {
        Ok(match self.read()? {
            std::borrow::Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
            std::borrow::Cow::Owned(bytes) => String::from_utf8_lossy(&bytes).into_owned().into(),
        })
    }

    /// A reader that can seek, from the start of the file.
    ///
    /// # Errors
    /// If rewinding the spool fails.
    pub fn reader(&mut self) -> Result<Box<dyn ReadSeek + '_>, ExtractError> {
        Ok(match &mut self.content {
            Content::Memory(bytes) => Box::new(std::io::Cursor::new(*bytes)),
            Content::Spool(file) => {
                file.rewind().map_err(ExtractError::Spool)?;
                Box::new(&mut **file)
            }
        })
    }
}

/// Why a file gave no facts. Becomes a [`Gap`] that names the file; never ends the scan.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// The file is not what its name promises.
    #[error("{0}")]
    Malformed(String),
    /// A limit was reached while reading it.
    #[error("{0}")]
    Limit(String),
    /// The temporary file could not be read back.
    #[error("reading a spooled file back: {0}")]
    Spool(#[source] std::io::Error),
}

/// Collects what an extractor finds in one file.
#[derive(Debug, Default)]
pub struct Facts {
    path: String,
    ordinal: usize,
    facts: Vec<(usize, Located)>,
    gaps: Vec<(usize, Gap)>,
    code: usize,
    text: usize,
}

/// The most bytes of texts that one extractor keeps of a layer: those of ten thousand packages.
pub const TEXT_LIMIT: usize = 64 << 20;

/// The most bytes of names that one extractor keeps of a layer: those of some gigabytes of programs.
pub const CODE_LIMIT: usize = 16 << 20;

impl Facts {
    /// Starts a collection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says which file the next facts are from: its path, and which entry of the layer it is.
    pub fn at(&mut self, path: &str, ordinal: usize) {
        path.clone_into(&mut self.path);
        self.ordinal = ordinal;
    }

    /// Adds a fact that the file shows.
    pub fn push(&mut self, fact: Fact) {
        self.facts.push((self.ordinal, Located { path: self.path.clone(), inside: None, fact }));
    }

    /// Adds a fact found in the member `inside` of the file.
    pub fn push_inside(&mut self, inside: &str, fact: Fact) {
        let inside = Some(inside.to_owned());
        self.facts.push((self.ordinal, Located { path: self.path.clone(), inside, fact }));
    }

    /// Adds what a package in the file needs, if it says anything.
    pub fn push_needs(&mut self, needs: Needs) {
        if !needs.is_empty() {
            self.push(Fact::Needs(needs));
        }
    }

    /// Adds what a package in the member `inside` of the file needs, if it says anything.
    pub fn push_needs_inside(&mut self, inside: &str, needs: Needs) {
        if !needs.is_empty() {
            self.push_inside(inside, Fact::Needs(needs));
        }
    }

    /// Adds the code that the file, or its member `inside`, holds. Beyond [`CODE_LIMIT`] it is left out: what is not known of
    /// code is told with each vulnerability that asks.
    pub fn push_code(&mut self, inside: Option<&str>, code: Code) {
        let size = self.code.saturating_add(code.names.size());
        if size > CODE_LIMIT {
            return;
        }
        self.code = size;
        match inside {
            Some(inside) => self.push_inside(inside, Fact::Code(code)),
            None => self.push(Fact::Code(code)),
        }
    }

    /// Adds what the file, one of licences, says.
    ///
    /// # Errors
    /// If the files before it fill [`TEXT_LIMIT`].
    pub fn push_text(&mut self, text: String) -> Result<(), ExtractError> {
        let size = self.text.saturating_add(text.len());
        if size > TEXT_LIMIT {
            return Err(ExtractError::Limit("the texts of licences fill the room for them".to_owned()));
        }
        self.text = size;
        self.push(Fact::LicenseFile(text));
        Ok(())
    }

    /// Adds a gap about the file.
    pub fn gap(&mut self, kind: GapKind, reason: impl Into<String>) {
        self.gaps.push((self.ordinal, Gap::new(kind, format!("/{}", self.path), reason)));
    }

    /// Adds a gap about the member `inside` of the file.
    pub fn gap_inside(&mut self, inside: &str, kind: GapKind, reason: impl Into<String>) {
        let subject = format!("/{}!/{inside}", self.path);
        self.gaps.push((self.ordinal, Gap::new(kind, subject, reason)));
    }

    /// What was collected, each list sorted, without repetitions, and without what `keep` refuses by path and
    /// entry: an entry that a later one of the same name replaces.
    #[must_use]
    pub fn into_parts(self, keep: impl Fn(&str, usize) -> bool) -> (Vec<Located>, Vec<Gap>) {
        let kept = |(ordinal, located): (usize, Located)| keep(&located.path, ordinal).then_some(located);
        let mut facts: Vec<Located> = self.facts.into_iter().filter_map(kept).collect();
        let kept = |(ordinal, gap): (usize, Gap)| keep(gap_path(&gap), ordinal).then_some(gap);
        let mut gaps: Vec<Gap> = self.gaps.into_iter().filter_map(kept).collect();
        facts.sort();
        facts.dedup();
        gaps.sort();
        gaps.dedup();
        (facts, gaps)
    }
}

/// The path in the layer that a file's gap is about.
#[must_use]
pub fn gap_path(gap: &Gap) -> &str {
    let subject = gap.subject.strip_prefix('/').unwrap_or(&gap.subject);
    subject.split_once("!/").map_or(subject, |(path, _)| path)
}
