//! Files that appear whole or not at all.
//!
//! A file is written without a name (`O_TMPFILE`) and named when it is complete, so that a process that is
//! interrupted, even killed, leaves nothing behind. Where the file system cannot do that, it is written under
//! another name and renamed.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use tempfile::{Builder, NamedTempFile};

/// A file on its way to a directory.
#[derive(Debug)]
pub struct WholeFile {
    state: State,
    directory: PathBuf,
}

#[derive(Debug)]
enum State {
    Nameless(File),
    Named(NamedTempFile),
}

impl WholeFile {
    /// Starts a file that will be in `directory`, with the permissions `mode` less the process's umask.
    ///
    /// # Errors
    /// If nothing can be written there.
    pub fn new_in(directory: &Path, mode: u32) -> io::Result<Self> {
        let flags = OFlags::WRONLY | OFlags::TMPFILE | OFlags::CLOEXEC;
        let state = match rustix::fs::open(directory, flags, Mode::from_raw_mode(mode)) {
            // Without /proc it could not be given a name.
            Ok(file) if process_file(&file).exists() => State::Nameless(File::from(file)),
            _ => State::Named(
                Builder::new()
                    .permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))
                    .tempfile_in(directory)?,
            ),
        };
        Ok(Self { state, directory: directory.to_owned() })
    }

    /// Waits until what was written lasts, even if the machine stops.
    ///
    /// # Errors
    /// If the device fails.
    pub fn sync(&self) -> io::Result<()> {
        match &self.state {
            State::Named(file) => file.as_file().sync_all(),
            State::Nameless(file) => file.sync_all(),
        }
    }

    /// Gives the file its name, in one step; a file that is there is replaced. `path` must be on the same file system.
    ///
    /// # Errors
    /// If it cannot be named so; then nothing is left of it.
    pub fn persist(self, path: &Path) -> io::Result<()> {
        match self.state {
            State::Named(file) => {
                file.persist(path).map_err(|error| error.error)?;
            }
            State::Nameless(file) => {
                let from = process_file(&file);
                let link = |to: &Path| -> io::Result<()> {
                    Ok(rustix::fs::linkat(CWD, &from, CWD, to, AtFlags::SYMLINK_FOLLOW)?)
                };
                match link(path) {
                    // Only a rename replaces; the name between lives for a moment.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                        Builder::new().make_in(&self.directory, link)?.into_temp_path().persist(path)?;
                    }
                    result => return result,
                }
            }
        }
        Ok(())
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.state {
            State::Nameless(file) => file.write(bytes),
            State::Named(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.state {
            State::Nameless(file) => file.flush(),
            State::Named(file) => file.flush(),
        }
    }
}

fn process_file(file: &impl AsFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_fd().as_raw_fd()))
}

#[cfg(test)]
mod tests {
    use plimsoll_formats::bounded;

    use super::*;

    fn names(folder: &Path) -> Vec<std::ffi::OsString> {
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    }

    #[test]
    fn nothing_is_seen_before_the_file_is_whole_and_nothing_remains_of_half_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = WholeFile::new_in(folder.path(), 0o666).unwrap();
        file.write_all(b"half").unwrap();
        if matches!(file.state, State::Nameless(_)) {
            assert_eq!(names(folder.path()), [""; 0]);
        } else {
            println!("skipped: this file system knows no files without names");
        }
        drop(file);
        assert_eq!(names(folder.path()), [""; 0]);
    }

    #[test]
    fn a_whole_file_replaces_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report");
        for content in ["first", "second"] {
            let mut file = WholeFile::new_in(folder.path(), 0o666).unwrap();
            file.write_all(content.as_bytes()).unwrap();
            file.persist(&path).unwrap();
            assert_eq!(bounded::read_file(&path, 100).unwrap(), content.as_bytes());
            assert_eq!(names(folder.path()), ["report"]);
        }
    }

    #[test]
    fn a_folder_in_the_way_is_an_error_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report");
        std::fs::create_dir(&path).unwrap();
        let file = WholeFile::new_in(folder.path(), 0o666).unwrap();
        assert!(file.persist(&path).is_err());
        assert_eq!(names(folder.path()), ["report"]);
    }
}
