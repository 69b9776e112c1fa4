//! The one place that maps a file into memory, and so the one place with unsafe code.

use std::fs::File;
use std::io;
use std::path::Path;

/// A file, mapped for reading.
#[derive(Debug)]
pub(crate) struct Mapping(memmap2::Mmap);

impl Mapping {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        // SAFETY: the map is private to this value and only read. That nobody shortens or rewrites the file
        // meanwhile cannot be enforced: databases are installed by renaming a finished file into place, and the
        // bytes are treated as hostile, so that a rewritten page yields wrong values but no invalid ones.
        #[expect(unsafe_code, reason = "mapping a file is unsafe by nature")]
        let map = unsafe { memmap2::Mmap::map(&file)? };
        Ok(Self(map))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}
