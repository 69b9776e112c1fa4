//! A tar copied entry by entry, some entries left out or changed. What is kept is kept byte for byte: headers, extended
//! headers, padding, and whatever follows the end mark.
//!
//! It decides nothing: an [`Editor`] is asked for each entry, in the order of the archive.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::rewrite::{self, Renamed};
use super::{Archive, BLOCK, Entry, Kind, Limits, TarError};

/// What becomes of an entry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Change {
    /// It stays as it is.
    Keep,
    /// It goes.
    Remove {
        /// The name of an empty file that stands in its place: a whiteout.
        instead: Option<String>,
        /// Its content is kept aside under this key, for a hard link to it that stays.
        hold: Option<String>,
    },
    /// [`Editor::rewrite`] changes its content, which may be this many bytes at most.
    Rewrite(u64),
    /// It is a hard link, and becomes the file that was kept aside under this key.
    Become(String),
    /// It is a hard link, and leads here instead.
    Relink(String),
}

/// Who decides what becomes of entries.
pub trait Editor {
    /// Tells what becomes of `entry`.
    fn change(&mut self, entry: &Entry) -> Change;
    /// Changes the content of `entry`, for which it asked. Its length must stay.
    fn rewrite(&mut self, entry: &Entry, content: &mut [u8]);
}

/// Why a tar could not be edited.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The archive.
    #[error(transparent)]
    Tar(#[from] TarError),
    /// The new archive cannot be written.
    #[error("writing the archive")]
    Write(#[source] io::Error),
    /// A file cannot be kept aside.
    #[error("keeping a file aside")]
    Spool(#[source] io::Error),
    /// A content is too large to be changed.
    #[error("{name:?} is larger than {limit} bytes, and cannot be changed in place")]
    TooLarge {
        /// Which.
        name: String,
        /// The limit.
        limit: u64,
    },
    /// A hard link cannot take the place of what it leads to.
    #[error("the hard link {name:?} leads to a file that goes, and cannot take its place: {problem}")]
    Link {
        /// Which.
        name: String,
        /// Why.
        problem: &'static str,
    },
}

/// Copies the tar `from` to `to` as `editor` wants. Contents that are kept aside lie in files without names in `spool`.
///
/// # Errors
/// See [`EditError`]; what was written until then is of no use.
pub fn edit(
    from: impl BufRead,
    to: &mut dyn Write,
    editor: &mut dyn Editor,
    limits: Limits,
    spool: &Path,
) -> Result<(), EditError> {
    let archive = Archive::new(Recorder { reader: from, taken: Vec::new() }, limits);
    Edit { archive, to, spool, held: HashMap::new() }.run(editor)
}

/// Remembers what is consumed of a reader.
#[derive(Debug)]
struct Recorder<R> {
    reader: R,
    taken: Vec<u8>,
}

impl<R: BufRead> Read for Recorder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let count = available.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Recorder<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        // What was lent is still there, so this reads nothing.
        if let Ok(lent) = self.reader.fill_buf() {
            self.taken.extend_from_slice(lent.get(..count).unwrap_or(lent));
        }
        self.reader.consume(count);
    }
}

/// A file kept aside: its headers, its content, and how long that is.
struct Held {
    headers: Vec<u8>,
    content: File,
    size: u64,
}

struct Edit<'a, R> {
    archive: Archive<Recorder<R>>,
    to: &'a mut dyn Write,
    spool: &'a Path,
    held: HashMap<String, Held>,
}

/// Whether the bytes at hand go into the new archive.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Copied {
    Yes,
    No,
}

impl<R: BufRead> Edit<'_, R> {
    fn run(&mut self, editor: &mut dyn Editor) -> Result<(), EditError> {
        // The padding behind an entry is consumed with the next header, and shares the fate of the entry.
        let (mut padding, mut copied) = (0, Copied::Yes);
        loop {
            let next = self.archive.next_entry()?;
            let taken = std::mem::take(&mut self.archive.reader_mut().taken);
            let (before, headers) = taken.split_at_checked(padding).unwrap_or((&taken, &[]));
            if copied == Copied::Yes {
                self.write(before)?;
            }
            let Some(entry) = next else {
                self.write(headers)?;
                return self.rest();
            };
            padding = usize::try_from(padding_of(entry.stored())).unwrap_or(0);
            copied = self.entry(&entry, headers, editor)?;
        }
    }

    fn entry(&mut self, entry: &Entry, headers: &[u8], editor: &mut dyn Editor) -> Result<Copied, EditError> {
        match editor.change(entry) {
            Change::Keep => {
                self.write(headers)?;
                self.body(Copied::Yes)?;
                return Ok(Copied::Yes);
            }
            Change::Rewrite(limit) => {
                self.write(headers)?;
                let mut content = self.content(entry, limit)?;
                editor.rewrite(entry, &mut content);
                self.write(&content)?;
                return Ok(Copied::Yes);
            }
            Change::Remove { instead, hold } => {
                self.write(&rewrite::global_headers(headers))?;
                if let Some(name) = instead {
                    self.write(&rewrite::renamed(headers, Renamed::Empty(&name)))?;
                }
                match hold {
                    Some(key) => self.hold(key, entry, headers)?,
                    None => self.body(Copied::No)?,
                }
            }
            Change::Become(key) => {
                self.write(&rewrite::global_headers(headers))?;
                self.unhold(&key, entry)?;
                self.body(Copied::No)?;
            }
            Change::Relink(target) => {
                self.write(&rewrite::global_headers(headers))?;
                self.write(&rewrite::renamed(headers, Renamed::Link(&target)))?;
                self.body(Copied::No)?;
            }
        }
        Ok(Copied::No)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), EditError> {
        self.to.write_all(bytes).map_err(EditError::Write)
    }

    /// Goes to the end of the entry's body, padding left out.
    fn body(&mut self, copied: Copied) -> Result<(), EditError> {
        while let len @ 1.. = self.archive.fill()?.len() {
            self.archive.consume(len);
            let taken = &mut self.archive.reader_mut().taken;
            if copied == Copied::Yes {
                self.to.write_all(taken).map_err(EditError::Write)?;
            }
            taken.clear();
        }
        Ok(())
    }

    fn content(&mut self, entry: &Entry, limit: u64) -> Result<Vec<u8>, EditError> {
        if entry.stored() > limit {
            return Err(EditError::TooLarge { name: entry.name.clone(), limit });
        }
        let mut content = Vec::new();
        while let len @ 1.. = self.archive.fill()?.len() {
            self.archive.consume(len);
            content.append(&mut self.archive.reader_mut().taken);
        }
        Ok(content)
    }

    fn hold(&mut self, key: String, entry: &Entry, headers: &[u8]) -> Result<(), EditError> {
        if entry.kind != Kind::File {
            return Err(link_error(entry, "it is no plain file"));
        }
        let mut content = tempfile::tempfile_in(self.spool).map_err(EditError::Spool)?;
        while let len @ 1.. = self.archive.fill()?.len() {
            self.archive.consume(len);
            let taken = &mut self.archive.reader_mut().taken;
            content.write_all(taken).map_err(EditError::Spool)?;
            taken.clear();
        }
        self.held.insert(key, Held { headers: headers.to_vec(), content, size: entry.stored() });
        Ok(())
    }

    fn unhold(&mut self, key: &str, link: &Entry) -> Result<(), EditError> {
        let Some(mut held) = self.held.remove(key) else {
            return Err(link_error(link, "it comes before the file"));
        };
        if link.name.contains('\u{fffd}') {
            return Err(link_error(link, "its name is no text"));
        }
        self.write(&rewrite::renamed(&held.headers, Renamed::File(&link.name)))?;
        held.content.seek(SeekFrom::Start(0)).map_err(EditError::Spool)?;
        let copied = io::copy(&mut held.content, self.to).map_err(EditError::Write)?;
        if copied != held.size {
            return Err(EditError::Spool(io::ErrorKind::UnexpectedEof.into()));
        }
        let padding = usize::try_from(padding_of(held.size)).unwrap_or(0);
        self.write(&vec![0; padding])
    }

    /// What follows the end mark.
    fn rest(&mut self) -> Result<(), EditError> {
        let reader = &mut self.archive.reader_mut().reader;
        loop {
            let lent = reader.fill_buf().map_err(TarError::Read)?;
            let len = lent.len();
            if len == 0 {
                return Ok(());
            }
            self.to.write_all(lent).map_err(EditError::Write)?;
            reader.consume(len);
        }
    }
}

fn link_error(entry: &Entry, problem: &'static str) -> EditError {
    EditError::Link { name: entry.name.clone(), problem }
}

fn padding_of(size: u64) -> u64 {
    match size.checked_rem(BLOCK) {
        None | Some(0) => 0,
        Some(over) => BLOCK.saturating_sub(over),
    }
}

#[cfg(test)]
mod tests;
