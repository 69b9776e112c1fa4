//! Files among what was named on the command line: those that are named, and those in folders that may be meant.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use plimsoll_formats::bounded;
use plimsoll_model::gap::{Gap, GapKind};

use crate::output::to_file;

/// A file that is larger is not read.
pub(super) const SIZE: u64 = 4 << 20;
/// Folders are searched until this many entries were seen.
const ENTRIES: usize = 200_000;
/// Folders are searched this deep.
const DEPTH: usize = 64;
/// Folders of tools, which hold nobody's own files.
const PASSED_OVER: [&str; 3] = [".git", "node_modules", "target"];

/// A file that was read.
pub(super) struct File<'a> {
    /// What it is called in reports.
    pub(super) name: String,
    /// Where it is; none for standard input.
    pub(super) path: Option<&'a Path>,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
    /// Whether it was named itself.
    pub(super) named: bool,
}

/// Reads the files of `paths`, of folders those whose names `may_be` meant, and tells what could not be read. `-` is standard
/// input, which is called `stdin_name`.
pub(super) fn read(
    paths: &[PathBuf],
    stdin_name: &str,
    may_be: fn(&str) -> bool,
    offer: &mut dyn FnMut(File<'_>),
) -> anyhow::Result<Vec<Gap>> {
    let mut search = Search { may_be, offer, gaps: Vec::new(), entries: 0 };
    for path in paths {
        if path.as_os_str() == "-" {
            let bytes = bounded::read(io::stdin().lock(), SIZE).context("reading standard input")?;
            (search.offer)(File { name: stdin_name.to_owned(), path: None, bytes, named: true });
        } else if path.is_dir() {
            search.folder(path, DEPTH);
        } else {
            let bytes =
                bounded::read_file(path, SIZE).with_context(|| format!("reading {}", path.display()))?;
            (search.offer)(File { name: path.display().to_string(), path: Some(path), bytes, named: true });
        }
    }
    Ok(search.gaps)
}

struct Search<'s> {
    may_be: fn(&str) -> bool,
    offer: &'s mut dyn FnMut(File<'_>),
    gaps: Vec<Gap>,
    entries: usize,
}

impl Search<'_> {
    fn folder(&mut self, folder: &Path, depth: usize) {
        let unread = |error: &io::Error| {
            Gap::new(GapKind::FileUnread, folder.display().to_string(), error.to_string())
        };
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.gaps.push(unread(&error)),
        };
        let mut paths: Vec<(PathBuf, std::fs::FileType)> = Vec::new();
        for entry in entries {
            self.entries += 1;
            if self.entries > ENTRIES || depth == 0 {
                let reason = "the folder holds more than is searched";
                return self.gaps.push(Gap::new(GapKind::LimitReached, folder.display().to_string(), reason));
            }
            match entry.and_then(|entry| Ok((entry.path(), entry.file_type()?))) {
                Ok(found) => paths.push(found),
                Err(error) => self.gaps.push(unread(&error)),
            }
        }
        paths.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (path, kind) in paths {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            // Links are not followed: what they lead to is found elsewhere, or is not in the folder.
            if kind.is_dir() && !PASSED_OVER.contains(&name.as_str()) {
                self.folder(&path, depth - 1);
            } else if kind.is_file() && (self.may_be)(&name) {
                self.file(&path);
            }
        }
    }

    fn file(&mut self, path: &Path) {
        let name = path.display().to_string();
        match bounded::read_file(path, SIZE) {
            Ok(bytes) => (self.offer)(File { name, path: Some(path), bytes, named: false }),
            Err(error) => self.gaps.push(Gap::new(GapKind::FileUnread, name, error.to_string())),
        }
    }
}

/// Whether a name is that of a YAML file.
pub(super) fn is_yaml(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.ends_with(".yml") || lower.ends_with(".yaml")
}

/// Writes `text` in the place of the file at `path`, whole or not at all. A link stays one, and the file keeps its permissions.
pub(super) fn rewrite(path: &Path, text: &str) -> anyhow::Result<()> {
    let path = path.canonicalize().with_context(|| format!("reading {}", path.display()))?;
    let permissions = path.metadata().with_context(|| format!("reading {}", path.display()))?.permissions();
    to_file(&path, |out| out.write_all(text.as_bytes()))?;
    std::fs::set_permissions(&path, permissions).with_context(|| format!("writing {}", path.display()))
}
