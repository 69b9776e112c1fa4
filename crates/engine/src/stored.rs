//! Files that are kept as long as there is room: what was used longest ago goes first.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file that may go. The order is that in which they do.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Stored {
    /// When it was written, or used.
    pub(crate) used: SystemTime,
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
}

/// The files of a folder.
///
/// # Errors
/// If the folder cannot be read.
pub(crate) fn files(folder: &Path) -> io::Result<Vec<Stored>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // Gone since the folder was read.
        let Ok(metadata) = entry.metadata() else { continue };
        let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        files.push(Stored { used, path: entry.path(), bytes: metadata.len() });
    }
    Ok(files)
}

/// Deletes files until at most `bytes` are left of them. What cannot be deleted, other processes may have deleted.
pub(crate) fn shrink(mut files: Vec<Stored>, bytes: u64) {
    files.sort();
    let mut total: u64 = files.iter().map(|file| file.bytes).sum();
    for file in files {
        if total <= bytes {
            break;
        }
        if fs::remove_file(&file.path).is_ok() {
            total = total.saturating_sub(file.bytes);
        }
    }
}
