//! The build files among what was named on the command line.

use std::path::{Path, PathBuf};

use plimsoll_checks::all::{FILE_KINDS, FileKind};
use plimsoll_formats::bounded;
use plimsoll_model::gap::Gap;

use super::super::files::{File, SIZE, is_yaml, read};
use super::kind_of;

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
    let mut sources = Vec::new();
    let gaps = read(paths, stdin_name, may_be_build_file, &mut |file| sources.extend(source(file)))?;
    if sources.is_empty() && gaps.is_empty() {
        anyhow::bail!("there is no build file; the kinds are {}", kinds());
    }
    Ok((sources, gaps))
}

fn kinds() -> String {
    FILE_KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ")
}

/// Takes the file, if it is a build file; one that was named is taken as a Dockerfile else.
fn source(file: File<'_>) -> Option<Source> {
    let text = String::from_utf8_lossy(&file.bytes).into_owned();
    let default = || FILE_KINDS.iter().find(|kind| file.named && kind.name == "dockerfile");
    let kind = kind_of(&file.name, &text).or_else(default)?;
    let ignore_file = file.path.and_then(ignore_file);
    Some(Source { name: file.name, path: file.path.map(Path::to_owned), text, kind, ignore_file })
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
