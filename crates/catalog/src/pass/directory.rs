//! The pass over a directory that is a root filesystem. Symbolic links are entries, never followed, so that
//! nothing outside of the root is read.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use plimsoll_model::evidence::{Entry, EntryKind};
use plimsoll_model::extractor::{Content, Extractor, SNIFF, ScanFile};
use plimsoll_model::gap::GapKind;

use super::collect::Collector;
use super::{DEPTH_LIMIT, PassOptions, Seen, choose, directories, head_of};
use crate::selector::Selector;

/// Directories that hold the running system's state, not the image's content.
const VIRTUAL: [&str; 3] = ["proc", "sys", "dev"];

/// Reads the tree below `root`. Files that cannot be read become gaps.
#[must_use]
pub fn read_directory(root: &Path, extractors: &[Extractor], options: &PassOptions) -> Seen {
    let mut walk = Walk {
        root,
        extractors,
        selector: Selector::new(extractors),
        collector: Collector::new(extractors),
        options,
        scratch: Vec::new(),
    };
    walk.run();
    walk.collector.finish()
}

struct Walk<'a> {
    root: &'a Path,
    extractors: &'a [Extractor],
    selector: Selector,
    collector: Collector<'a>,
    options: &'a PassOptions,
    scratch: Vec<u8>,
}

impl Walk<'_> {
    fn run(&mut self) {
        let mut pending: Vec<(PathBuf, usize)> = vec![(PathBuf::new(), 0)];
        while let Some((directory, depth)) = pending.pop() {
            // A bind mount inside of itself ends here.
            if depth > DEPTH_LIMIT {
                self.collector.suspicious(&directory.to_string_lossy(), "directories are nested too deep");
                continue;
            }
            let mut names = match names(&self.root.join(&directory)) {
                Ok(names) => names,
                Err(error) => {
                    self.collector.suspicious(
                        &directory.to_string_lossy(),
                        &format!("the directory cannot be read: {error}"),
                    );
                    continue;
                }
            };
            names.sort();
            for name in names {
                let path = directory.join(name);
                if self.visit(&path) && !(depth == 0 && VIRTUAL.iter().any(|v| path == Path::new(v))) {
                    pending.push((path, depth + 1));
                }
            }
        }
    }

    /// Takes one entry; tells whether it is a directory.
    fn visit(&mut self, relative: &Path) -> bool {
        let full = self.root.join(relative);
        let path = relative.to_string_lossy().into_owned();
        let metadata = match fs::symlink_metadata(&full) {
            Ok(metadata) => metadata,
            Err(error) => {
                self.collector.suspicious(&path, &format!("the entry cannot be read: {error}"));
                return false;
            }
        };
        let file_type = metadata.file_type();
        let kind = if file_type.is_dir() {
            EntryKind::Directory
        } else if file_type.is_file() {
            EntryKind::File
        } else if file_type.is_symlink() {
            let target = fs::read_link(&full).map(|target| target.to_string_lossy().into_owned());
            EntryKind::Symlink(target.unwrap_or_default().into())
        } else {
            EntryKind::Special
        };
        let is_file = kind == EntryKind::File;
        let capabilities =
            is_file && rustix::fs::lgetxattr(&full, "security.capability", &mut [0_u8; 64]).is_ok();
        let mode = u16::try_from(metadata.mode() & 0o7777).unwrap_or(0);
        let (uid, gid, size) = (metadata.uid(), metadata.gid(), metadata.len());
        self.collector.enter(Entry { path: path.as_str().into(), kind, mode, uid, gid, size, capabilities });
        if is_file && size > 0 {
            self.offer(&path, &full, mode, size);
        } else if file_type.is_dir() {
            let chosen = directories(self.extractors, self.selector.by_path(&path));
            self.collector.extract(chosen, &mut ScanFile::in_memory(&path, mode, &[]));
        }
        file_type.is_dir()
    }

    fn offer(&mut self, path: &str, full: &Path, mode: u16, size: u64) {
        let chosen = self.selector.by_path(path);
        if chosen.is_empty() {
            return;
        }
        if let Err(error) = self.read(path, full, mode, size) {
            self.collector.gaps(chosen, path, GapKind::FileUnread, &error.to_string());
        }
    }

    fn read(&mut self, path: &str, full: &Path, mode: u16, size: u64) -> io::Result<()> {
        // The entry may have become a link or a pipe since it was looked at: neither is followed nor waited for.
        let no_follow = rustix::fs::OFlags::NOFOLLOW.union(rustix::fs::OFlags::NONBLOCK).bits();
        let mut file = fs::OpenOptions::new().read(true).custom_flags(no_follow.cast_signed()).open(full)?;
        self.scratch.clear();
        file.by_ref().take(SNIFF as u64).read_to_end_bounded(&mut self.scratch)?;
        let chosen = self.selector.by_path(path);
        let chosen = choose(self.extractors, chosen, size, &self.scratch, &mut self.collector, path);
        if chosen.is_empty() {
            return Ok(());
        }
        if let Some(head) = head_of(self.extractors, chosen).filter(|head| *head < size) {
            file.by_ref().take(head.saturating_sub(SNIFF as u64)).read_to_end_bounded(&mut self.scratch)?;
            let content = Content::Memory(&self.scratch);
            self.collector.extract(chosen, &mut ScanFile::new(path, mode, size, content));
        } else if size <= self.options.in_memory {
            file.by_ref().take(size.saturating_sub(SNIFF as u64)).read_to_end_bounded(&mut self.scratch)?;
            let mut scan = ScanFile::in_memory(path, mode, &self.scratch);
            self.collector.extract(chosen, &mut scan);
        } else {
            file.seek(SeekFrom::Start(0))?;
            let mut scan = ScanFile::new(path, mode, size, Content::Spool(&mut file));
            self.collector.extract(chosen, &mut scan);
        }
        Ok(())
    }
}

/// `read_to_end` of a reader that is bounded by its type.
trait Bounded {
    fn read_to_end_bounded(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize>;
}

impl Bounded for io::Take<&mut File> {
    fn read_to_end_bounded(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        #[expect(clippy::disallowed_methods, reason = "Take is the bound")]
        self.read_to_end(buffer)
    }
}

fn names(directory: &Path) -> io::Result<Vec<std::ffi::OsString>> {
    fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.file_name())).collect()
}
