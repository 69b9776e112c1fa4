//! The pass: each entry of a layer offered once to all extractors.
//!
//! [`read_tar`] reads a layer's tar stream, [`read_directory`] a root filesystem. Bodies that nobody wants are
//! skipped without a copy; a wanted one is lent from the stream's own buffer if it lies there whole, gathered in
//! memory if it is small, or spooled to an anonymous temporary file. What an extractor cannot read becomes a gap.

mod collect;
mod directory;

use std::io::{BufRead, Seek, SeekFrom, Write};
use std::path::PathBuf;

use plimsoll_formats::tar::{self, Archive, Kind, TarError};
use plimsoll_model::evidence::{Entry, EntryKind, ExtractorFacts};
use plimsoll_model::extractor::{Content, ContentRule, Extractor, SNIFF, ScanFile};
use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_model::path::{Normalized, file_name, normalize, parent};

use crate::selector::{Chosen, Selector, content_fits};
use collect::Collector;
pub use directory::read_directory;

/// Longer paths no Linux system can name (`PATH_MAX`).
const PATH_LIMIT: usize = 4096;
/// Deeper than any real tree.
const DEPTH_LIMIT: usize = 500;

/// Bounds of a pass, and where it may spool.
#[derive(Clone, Debug)]
pub struct PassOptions {
    /// Wanted files up to this size are gathered in memory, larger ones spooled.
    pub in_memory: u64,
    /// The directory for anonymous temporary files.
    pub spool: PathBuf,
    /// Bounds of the tar itself.
    pub tar: tar::Limits,
}

impl PassOptions {
    /// The usual bounds, spooling to `spool`.
    #[must_use]
    pub fn new(spool: PathBuf) -> Self {
        Self { in_memory: 8 << 20, spool, tar: tar::Limits::default() }
    }
}

/// What a pass saw.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The entries, sorted by path, the last of duplicates kept.
    pub entries: Vec<Entry>,
    /// The facts, one list an extractor in the order they were given.
    pub facts: Vec<ExtractorFacts>,
    /// What is odd about the layer itself.
    pub gaps: Vec<Gap>,
}

/// Reads a layer's tar. What was read before an error is returned with it.
pub fn read_tar(
    stream: impl BufRead,
    extractors: &[Extractor],
    options: &PassOptions,
) -> (Seen, Result<(), TarError>) {
    let mut pass = TarPass {
        archive: Archive::new(stream, options.tar),
        extractors,
        selector: Selector::new(extractors),
        collector: Collector::new(extractors),
        options,
        scratch: Vec::new(),
    };
    let result = pass.run();
    (pass.collector.finish(), result)
}

struct TarPass<'a, R> {
    archive: Archive<R>,
    extractors: &'a [Extractor],
    selector: Selector,
    collector: Collector<'a>,
    options: &'a PassOptions,
    scratch: Vec<u8>,
}

impl<R: BufRead> TarPass<'_, R> {
    fn run(&mut self) -> Result<(), TarError> {
        while let Some(header) = self.archive.next_entry()? {
            let path = match normalize(&header.name) {
                Normalized::Path(path) => path,
                Normalized::Root => continue,
                Normalized::Escapes => {
                    self.collector.suspicious(&header.name, "the name leads out of the root");
                    continue;
                }
            };
            if path.len() > PATH_LIMIT || path.split('/').count() > DEPTH_LIMIT {
                self.collector.suspicious(&header.name, "the name is too long or has too many parts");
                continue;
            }
            let Some(entry) = self.classified(path, &header) else { continue };
            let path = entry.path.clone();
            let is_file = entry.kind == EntryKind::File;
            let is_directory = entry.kind == EntryKind::Directory;
            self.collector.enter(entry);
            if is_directory {
                let chosen = directories(self.extractors, self.selector.by_path(&path));
                self.collector.extract(chosen, &mut ScanFile::in_memory(&path, header.mode, &[]));
            } else if header.kind == Kind::Sparse {
                self.sparse(&path);
            } else if is_file {
                self.offer(&path, &header)?;
            }
        }
        self.archive.drain()
    }

    /// The entry for a header, whiteouts told by their names
    /// (<https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts>).
    fn classified(&mut self, path: String, header: &tar::Entry) -> Option<Entry> {
        let name = file_name(&path);
        let (path, kind) = if name == ".wh..wh..opq" {
            (parent(&path).to_owned(), EntryKind::Opaque)
        } else if name.starts_with(".wh..wh.") {
            return None;
        } else if matches!(name, ".wh." | ".wh.." | ".wh...") {
            self.collector.suspicious(&header.name, "the whiteout names nothing");
            return None;
        } else if let Some(hidden) = name.strip_prefix(".wh.") {
            let directory = parent(&path);
            let hidden =
                if directory.is_empty() { hidden.to_owned() } else { format!("{directory}/{hidden}") };
            (hidden, EntryKind::Whiteout)
        } else {
            let kind = self.kind(header)?;
            (path, kind)
        };
        let (mode, uid, gid) = (header.mode, header.uid, header.gid);
        Some(Entry {
            path: path.into(),
            kind,
            mode,
            uid,
            gid,
            size: header.size,
            capabilities: header.capabilities,
        })
    }

    fn kind(&mut self, header: &tar::Entry) -> Option<EntryKind> {
        Some(match header.kind {
            Kind::File | Kind::Sparse => EntryKind::File,
            Kind::Directory => EntryKind::Directory,
            Kind::Symlink => EntryKind::Symlink(header.link.as_str().into()),
            Kind::Hardlink => match normalize(&header.link) {
                Normalized::Path(target) => EntryKind::Hardlink(target.into()),
                Normalized::Root | Normalized::Escapes => {
                    self.collector.suspicious(&header.name, "the hard link leads out of the root");
                    return None;
                }
            },
            Kind::Special => EntryKind::Special,
            Kind::Unknown => {
                self.collector.suspicious(&header.name, "the entry is of a type that POSIX does not define");
                return None;
            }
        })
    }

    fn sparse(&mut self, path: &str) {
        for index in self.selector.by_path(path).iter() {
            // Only those that name the path; a rule over all files would make every sparse file a gap.
            if self.extractors.get(index).is_some_and(names_paths) {
                self.collector.gap(index, path, GapKind::FileUnread, "the file is sparse");
            }
        }
    }

    fn offer(&mut self, path: &str, header: &tar::Entry) -> Result<(), TarError> {
        let chosen = self.selector.by_path(path);
        if chosen.is_empty() || header.size == 0 {
            return Ok(());
        }
        let size = usize::try_from(header.size).unwrap_or(usize::MAX);
        self.scratch.clear();
        let wanted_head = size.min(SNIFF);
        let lent = self.archive.fill()?;
        let chosen = if lent.len() >= wanted_head {
            choose(self.extractors, chosen, header.size, lent, &mut self.collector, path)
        } else {
            self.gather(wanted_head)?;
            choose(self.extractors, chosen, header.size, &self.scratch, &mut self.collector, path)
        };
        if chosen.is_empty() {
            return Ok(());
        }
        if let Some(head) = head_of(self.extractors, chosen).filter(|head| *head < header.size) {
            self.gather(usize::try_from(head).unwrap_or(usize::MAX))?;
            let content = Content::Memory(&self.scratch);
            self.collector.extract(chosen, &mut ScanFile::new(path, header.mode, header.size, content));
            return Ok(());
        }
        let lent = self.archive.fill()?;
        if self.scratch.is_empty() && lent.len() == size {
            let mut file = ScanFile::in_memory(path, header.mode, lent);
            self.collector.extract(chosen, &mut file);
        } else if header.size <= self.options.in_memory {
            self.gather(size)?;
            let mut file = ScanFile::in_memory(path, header.mode, &self.scratch);
            self.collector.extract(chosen, &mut file);
        } else {
            self.spool(path, header, chosen)?;
        }
        Ok(())
    }

    /// Moves bytes of the body to the scratch buffer until it holds `len`.
    fn gather(&mut self, len: usize) -> Result<(), TarError> {
        while self.scratch.len() < len {
            let lent = self.archive.fill()?;
            let take = lent.len().min(len - self.scratch.len());
            self.scratch.extend_from_slice(lent.get(..take).unwrap_or_default());
            self.archive.consume(take);
        }
        Ok(())
    }

    fn spool(&mut self, path: &str, header: &tar::Entry, chosen: Chosen) -> Result<(), TarError> {
        let mut spool = match tempfile::tempfile_in(&self.options.spool) {
            Ok(spool) => spool,
            Err(error) => {
                self.collector.gaps(
                    chosen,
                    path,
                    GapKind::FileUnread,
                    &format!("no temporary file could be made: {error}"),
                );
                return Ok(());
            }
        };
        let mut written = spool.write_all(&self.scratch);
        loop {
            let lent = self.archive.fill()?;
            let len = lent.len();
            if len == 0 {
                break;
            }
            if written.is_ok() {
                written = spool.write_all(lent);
            }
            self.archive.consume(len);
        }
        match written.and_then(|()| spool.seek(SeekFrom::Start(0))) {
            Ok(_) => {
                let mut file = ScanFile::new(path, header.mode, header.size, Content::Spool(&mut spool));
                self.collector.extract(chosen, &mut file);
            }
            Err(error) => {
                self.collector.gaps(
                    chosen,
                    path,
                    GapKind::FileUnread,
                    &format!("writing a temporary file: {error}"),
                );
            }
        }
        Ok(())
    }
}

/// Those of `chosen` whose content rule and size limit fit; a file that is too large for one that names its path is
/// a gap.
fn choose(
    extractors: &[Extractor],
    chosen: Chosen,
    size: u64,
    first_bytes: &[u8],
    collector: &mut Collector<'_>,
    path: &str,
) -> Chosen {
    let first_bytes = first_bytes.get(..SNIFF).unwrap_or(first_bytes);
    chosen.iter().fold(chosen, |kept, index| {
        let Some(extractor) = extractors.get(index) else { return kept.without(index) };
        if !content_fits(extractor.wants.content, first_bytes) {
            return kept.without(index);
        }
        if size > extractor.wants.max_size {
            let reason = format!(
                "the file is {size} bytes long, the limit of {} is {}",
                extractor.name, extractor.wants.max_size
            );
            collector.gap(index, path, GapKind::LimitReached, &reason);
            return kept.without(index);
        }
        kept
    })
}

/// Those of `chosen` that want directories.
fn directories(extractors: &[Extractor], chosen: Chosen) -> Chosen {
    let wants =
        |index: usize| extractors.get(index).is_some_and(|e| e.wants.content == ContentRule::Directory);
    chosen.iter().filter(|index| !wants(*index)).fold(chosen, Chosen::without)
}

/// How many first bytes are enough for all of `chosen`; `None` if one wants the whole file.
fn head_of(extractors: &[Extractor], chosen: Chosen) -> Option<u64> {
    chosen.iter().try_fold(0, |most, index| match extractors.get(index)?.wants.content {
        ContentRule::Head(_, head) => Some(head.max(most)),
        ContentRule::Any
        | ContentRule::Magic(_)
        | ContentRule::Text
        | ContentRule::Wide(_)
        | ContentRule::Directory => None,
    })
}

fn names_paths(extractor: &Extractor) -> bool {
    !extractor.wants.paths.contains(&plimsoll_model::extractor::PathRule::Any)
        && extractor.wants.content != ContentRule::Directory
}

#[cfg(test)]
mod tests;
