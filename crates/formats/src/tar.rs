//! Tar archives as OCI layers use them: ustar, pax (POSIX.1-2001) and GNU headers, read in one pass.
//!
//! The reader goes over a [`BufRead`]; bodies are lent as slices of its buffer and skipped without a copy.
//! It does not extract, follow or judge: names come out as written. Sparse files are told apart, not expanded.
//! Format: <https://www.gnu.org/software/tar/manual/html_node/Standard.html>,
//! <https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13_03>.

use std::io::{self, BufRead};

pub mod edit;
mod header;
mod pax;
mod rewrite;

use header::Header;
use pax::Extensions;

/// Bounds of what a tar may ask for.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of pax and GNU long headers before one entry.
    pub extension_bytes: u64,
    /// Entries in one archive.
    pub entries: u64,
    /// Bytes of the names and link targets of all entries.
    pub name_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { extension_bytes: 1 << 20, entries: 4_000_000, name_bytes: 256 << 20 }
    }
}

/// Why a tar could not be read on.
#[derive(Debug, thiserror::Error)]
pub enum TarError {
    /// The bytes below failed.
    #[error("reading the archive")]
    Read(#[source] io::Error),
    /// The archive ends inside an entry.
    #[error("the archive ends inside entry {0:?}")]
    Truncated(String),
    /// A header is not a tar header.
    #[error("at byte {offset}: {problem}")]
    Header {
        /// Where, counted in plain bytes.
        offset: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// A limit was passed.
    #[error("at byte {offset}: more than {limit} {what}")]
    Limit {
        /// Where, counted in plain bytes.
        offset: u64,
        /// The limit.
        limit: u64,
        /// Of what.
        what: &'static str,
    },
}

/// What an entry is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A regular file with holes; its body is a map and the data, not the content.
    Sparse,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A hard link.
    Hardlink,
    /// A device or a pipe.
    Special,
    /// A type that POSIX does not define.
    Unknown,
}

/// One entry's header, extensions applied.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The name as written; bytes that are not UTF-8 are replaced.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Permission bits.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Size of the content; of a sparse file, with its holes.
    pub size: u64,
    /// Link target as written.
    pub link: String,
    /// Whether it has file capabilities (`security.capability`).
    pub capabilities: bool,
    /// Bytes that follow in the archive.
    stored: u64,
}

/// Reads a tar, entry by entry.
#[derive(Debug)]
pub struct Archive<R> {
    reader: R,
    limits: Limits,
    offset: u64,
    entries: u64,
    name_bytes: u64,
    /// Bytes of the current body not yet consumed, and the padding behind it.
    body: u64,
    padding: u64,
    name: String,
    global: Extensions,
    ended: bool,
}

const BLOCK: u64 = 512;

impl<R: BufRead> Archive<R> {
    /// Starts reading.
    pub fn new(reader: R, limits: Limits) -> Self {
        Self {
            reader,
            limits,
            offset: 0,
            entries: 0,
            name_bytes: 0,
            body: 0,
            padding: 0,
            name: String::new(),
            global: Extensions::default(),
            ended: false,
        }
    }

    /// Goes to the next entry, skipping what is left of the current one. `None` at the end.
    ///
    /// # Errors
    /// See [`TarError`]; after one, reading cannot go on.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, TarError> {
        self.skip_body()?;
        let mut extensions = self.global.clone();
        let mut extension_bytes: u64 = 0;
        loop {
            let Some(header) = self.header()? else { return Ok(None) };
            let kind = header.type_flag();
            if matches!(kind, b'x' | b'g' | b'L' | b'K') {
                let size = self.size_of(&header)?;
                extension_bytes = extension_bytes.saturating_add(size).saturating_add(BLOCK);
                if extension_bytes > self.limits.extension_bytes {
                    return Err(self.limit(self.limits.extension_bytes, "bytes of extended headers"));
                }
                self.start_body(size);
                let bytes = self.small_body(size)?;
                match kind {
                    b'x' => extensions.apply(&bytes),
                    b'g' => {
                        self.global.apply(&bytes);
                        extensions = self.global.clone();
                    }
                    b'L' => extensions.path = Some(header::text(&bytes)),
                    _ => extensions.link = Some(header::text(&bytes)),
                }
                continue;
            }
            return self.entry(&header, extensions).map(Some);
        }
    }

    /// Lends what is buffered of the current body: empty once the body is consumed.
    ///
    /// # Errors
    /// If the archive ends early or cannot be read.
    pub fn fill(&mut self) -> Result<&[u8], TarError> {
        if self.body == 0 {
            return Ok(&[]);
        }
        let buffered = self.reader.fill_buf().map_err(TarError::Read)?;
        if buffered.is_empty() {
            return Err(TarError::Truncated(self.name.clone()));
        }
        let len = usize::try_from(self.body).unwrap_or(usize::MAX).min(buffered.len());
        Ok(buffered.get(..len).unwrap_or_default())
    }

    /// Consumes `count` bytes of what [`Archive::fill`] lent.
    pub fn consume(&mut self, count: usize) {
        let count = count.min(usize::try_from(self.body).unwrap_or(usize::MAX));
        self.reader.consume(count);
        self.body = self.body.saturating_sub(count as u64);
        self.offset = self.offset.saturating_add(count as u64);
    }

    /// Hands the rest of the current body, padding included, over to the caller, who has to advance
    /// [`Archive::reader_mut`] by that many bytes: for readers that can seek.
    pub fn leave_body(&mut self) -> u64 {
        let left = self.body.saturating_add(self.padding);
        self.body = 0;
        self.padding = 0;
        self.offset = self.offset.saturating_add(left);
        left
    }

    /// The reader below.
    pub const fn reader_mut(&mut self) -> &mut R {
        &mut self.reader
    }

    /// How many bytes were consumed: where the current body starts, right after [`Archive::next_entry`].
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads on to the end of the stream, so that digests over it are complete.
    ///
    /// # Errors
    /// If reading fails.
    pub fn drain(&mut self) -> Result<(), TarError> {
        loop {
            let len = self.reader.fill_buf().map_err(TarError::Read)?.len();
            if len == 0 {
                return Ok(());
            }
            self.reader.consume(len);
        }
    }

    fn entry(&mut self, header: &Header, extensions: Extensions) -> Result<Entry, TarError> {
        self.entries = self.entries.saturating_add(1);
        if self.entries > self.limits.entries {
            return Err(self.limit(self.limits.entries, "entries"));
        }
        let sparse = header.type_flag() == b'S' || extensions.sparse;
        let kind = if sparse { Kind::Sparse } else { header.kind() };
        let stored = match (extensions.size, kind) {
            // Links and directories have no body, whatever size some writers give them.
            (_, Kind::Directory | Kind::Symlink | Kind::Hardlink | Kind::Special) => 0,
            (Some(size), _) => size,
            (None, _) => self.size_of(header)?,
        };
        let name = extensions.sparse_name.or(extensions.path).unwrap_or_else(|| header.name());
        let link = extensions.link.unwrap_or_else(|| header.link());
        self.name_bytes = self.name_bytes.saturating_add(name.len() as u64).saturating_add(link.len() as u64);
        if self.name_bytes > self.limits.name_bytes {
            return Err(self.limit(self.limits.name_bytes, "bytes of names"));
        }
        self.name.clone_from(&name);
        self.start_body(stored);
        if header.type_flag() == b'S' {
            self.skip_sparse_map(header)?;
        }
        Ok(Entry {
            kind: if kind == Kind::File && name.ends_with('/') { Kind::Directory } else { kind },
            name,
            mode: header.mode(),
            uid: extensions.uid.unwrap_or_else(|| header.uid()),
            gid: extensions.gid.unwrap_or_else(|| header.gid()),
            size: extensions.real_size.or_else(|| header.sparse_real_size()).unwrap_or(stored),
            link,
            capabilities: extensions.capabilities,
            stored,
        })
    }

    /// Old GNU sparse headers are followed by further blocks of their map, not counted in the size.
    fn skip_sparse_map(&mut self, header: &Header) -> Result<(), TarError> {
        let mut more = header.sparse_map_continues();
        let mut blocks: u64 = 0;
        while more {
            let block = self.block()?.ok_or_else(|| TarError::Truncated(self.name.clone()))?;
            more = block.map_block_continues();
            blocks = blocks.saturating_add(1);
            if blocks.saturating_mul(BLOCK) > self.limits.extension_bytes {
                return Err(self.limit(self.limits.extension_bytes, "bytes of a sparse map"));
            }
        }
        Ok(())
    }

    fn size_of(&self, header: &Header) -> Result<u64, TarError> {
        header.size().ok_or(TarError::Header { offset: self.offset, problem: "the size is not a number" })
    }

    const fn limit(&self, limit: u64, what: &'static str) -> TarError {
        TarError::Limit { offset: self.offset, limit, what }
    }

    fn start_body(&mut self, size: u64) {
        self.body = size;
        let over = size.checked_rem(BLOCK).unwrap_or(0);
        self.padding = if over == 0 { 0 } else { BLOCK.saturating_sub(over) };
    }

    fn small_body(&mut self, size: u64) -> Result<Vec<u8>, TarError> {
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0).min(1 << 16));
        while self.body > 0 {
            let piece = self.fill()?;
            let len = piece.len();
            bytes.extend_from_slice(piece);
            self.consume(len);
        }
        self.skip_body()?;
        Ok(bytes)
    }

    fn skip_body(&mut self) -> Result<(), TarError> {
        self.body = self.body.saturating_add(self.padding);
        self.padding = 0;
        while self.body > 0 {
            let len = self.fill()?.len();
            self.consume(len);
        }
        Ok(())
    }

    /// The next header; `None` at the end mark, or where the stream simply stops between entries.
    fn header(&mut self) -> Result<Option<Header>, TarError> {
        let offset = self.offset;
        let block = if self.ended { None } else { self.block()? };
        match block {
            // One zero block is as good as two, as GNU tar has it.
            Some(header) if !header.is_zero() => {
                if header.checksum_is_sound() {
                    Ok(Some(header))
                } else {
                    Err(TarError::Header { offset, problem: "the header's checksum is wrong" })
                }
            }
            _ => {
                self.ended = true;
                Ok(None)
            }
        }
    }

    fn block(&mut self) -> Result<Option<Header>, TarError> {
        let mut header = Header::default();
        let mut filled: usize = 0;
        while filled < header.0.len() {
            let buffered = self.reader.fill_buf().map_err(TarError::Read)?;
            if buffered.is_empty() {
                if filled == 0 {
                    return Ok(None);
                }
                return Err(TarError::Truncated("a header".to_owned()));
            }
            let room = header.0.get_mut(filled..).unwrap_or_default();
            let len = room.len().min(buffered.len());
            for (to, from) in room.iter_mut().zip(buffered) {
                *to = *from;
            }
            self.reader.consume(len);
            filled = filled.saturating_add(len);
        }
        self.offset = self.offset.saturating_add(BLOCK);
        Ok(Some(header))
    }
}

impl Entry {
    /// Bytes of the body in the archive.
    #[must_use]
    pub const fn stored(&self) -> u64 {
        self.stored
    }
}

#[cfg(test)]
mod tests;
