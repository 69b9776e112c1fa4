//! The build files among what was named on the command line.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use plimsoll_checks::all::{FILE_KINDS, FileKind};
use plimsoll_formats::bounded;
use plimsoll_model::gap::{Gap, GapKind};

use super::kind_of;

/// A build file that is larger is not read.
const SIZE: u64 = 4 << 20;
/// Folders are searched until this many entries were seen.
const ENTRIES: usize = 200_000;
/// Folders are searched this deep.
const DEPTH: usize = 64;
/// Folders of tools, which hold nobody's own build files.
const PASSED_OVER: [&str; 3] = [".git", "node_modules", "target"];

/// A build file.
pub(super) struct Source {
    /// What it is called in reports.
    pub(super) name: String,
    /// Where it is; none for standard input.
    pub(super) path: Option<PathBuf>,
    /// Its text.
    pub(super) text: String,
    /// What it is.
    pub(super) kind: &'static FileKind,
    /// The `.dockerignore` beside it.
    pub(super) ignore_file: Option<String>,
}

/// The build files of `paths`, and what could not be read of them.
pub(super) fn find(paths: &[PathBuf], stdin_name: &str) -> anyhow::Result<(Vec<Source>, Vec<Gap>)> {
    let mut search = Search { sources: Vec::new(), gaps: Vec::new(), entries: 0 };
    for path in paths {
        if path.as_os_str() == "-" {
            let bytes = bounded::read(io::stdin().lock(), SIZE).context("reading standard input")?;
            search.offer(stdin_name.to_owned(), None, &bytes, true);
        } else if path.is_dir() {
            search.folder(path, DEPTH);
        } else {
            let bytes =
                bounded::read_file(path, SIZE).with_context(|| format!("reading {}", path.display()))?;
            search.offer(path.display().to_string(), Some(path), &bytes, true);
        }
    }
    if search.sources.is_empty() && search.gaps.is_empty() {
        anyhow::bail!("there is no build file; the kinds are {}", kinds());
    }
    Ok((search.sources, search.gaps))
}

fn kinds() -> String {
    FILE_KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ")
}

struct Search {
    sources: Vec<Source>,
    gaps: Vec<Gap>,
    entries: usize,
}

impl Search {
    /// Takes the file, if it is a build file; one that was `named` is taken as a Dockerfile else.
    fn offer(&mut self, name: String, path: Option<&Path>, bytes: &[u8], named: bool) {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let default = || FILE_KINDS.iter().find(|kind| named && kind.name == "dockerfile");
        if let Some(kind) = kind_of(&name, &text).or_else(default) {
            let ignore_file = path.and_then(ignore_file);
            self.sources.push(Source { name, path: path.map(Path::to_owned), text, kind, ignore_file });
        }
    }

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
            } else if kind.is_file() && may_be_build_file(&name) {
                self.file(&path);
            }
        }
    }

    fn file(&mut self, path: &Path) {
        let name = path.display().to_string();
        match bounded::read_file(path, SIZE) {
            Ok(bytes) => self.offer(name, Some(path), &bytes, false),
            Err(error) => self.gaps.push(Gap::new(GapKind::FileUnread, name, error.to_string())),
        }
    }
}

fn is_yaml(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.ends_with(".yml") || lower.ends_with(".yaml")
}

/// Whether the name alone lets a file be one, so that only such files are read.
fn may_be_build_file(name: &str) -> bool {
    is_yaml(name) || kind_of(name, "").is_some()
}

/// `NAME.dockerignore` beside the file, else `.dockerignore` in its folder.
fn ignore_file(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy();
    let own = path.with_file_name(format!("{name}.dockerignore"));
    let common = path.with_file_name(".dockerignore");
    let bytes = [own, common].iter().find_map(|path| bounded::read_file(path, SIZE).ok())?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
