//! Audit trails in folders: plain files that appear whole or not at all, one writer at a time.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use plimsoll_formats::bounded;
use plimsoll_trust::audit::Store;

use crate::whole_file::WholeFile;

/// Locked by who writes, and by who reads as far as it may.
const LOCK: &str = "lock";
/// For everybody whom the umask lets read.
const MODE: u32 = 0o666;

/// A folder with an audit trail.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: Option<File>,
}

impl Folder {
    /// Opens a folder to start a log in; it is made if it is not there.
    ///
    /// # Errors
    /// If it cannot be made or locked.
    pub fn create(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        let lock = File::options().create(true).truncate(false).write(true).open(path.join(LOCK))?;
        lock.lock()?;
        Ok(Self { path: path.to_owned(), _lock: Some(lock) })
    }

    /// Opens the folder of a log to write, when the writer before is done.
    ///
    /// # Errors
    /// If there is no such folder, or it cannot be locked.
    pub fn write(path: &Path) -> io::Result<Self> {
        path.metadata()?;
        Self::create(path)
    }

    /// Opens the folder of a log to read. Nobody writes meanwhile, unless there is no lock to take, as in a copy.
    ///
    /// # Errors
    /// If there is no such folder, or its lock cannot be taken.
    pub fn read(path: &Path) -> io::Result<Self> {
        path.metadata()?;
        let lock = bounded::open_file(&path.join(LOCK)).ok();
        if let Some(lock) = &lock {
            lock.lock_shared()?;
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }
}

impl Store for Folder {
    fn read(&self, name: &str, limit: u64) -> io::Result<Option<Vec<u8>>> {
        match bounded::read_file(&self.path.join(name), limit) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path.join(name);
        let folder = path.parent().unwrap_or(&self.path);
        fs::create_dir_all(folder)?;
        let mut file = WholeFile::new_in(folder, MODE)?;
        file.write_all(bytes)?;
        file.sync()?;
        file.persist(&path)?;
        // So that the names last, too, of the file and of folders that were made for it.
        let folders = folder.ancestors().take_while(|folder| folder.starts_with(&self.path));
        folders.into_iter().try_for_each(|folder| File::open(folder)?.sync_all())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        let path = self.path.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // Its folder `NAME.p` goes with the last of its files.
        if let Some(folder) = path.parent() {
            drop(fs::remove_dir(folder));
        }
        Ok(())
    }
}
