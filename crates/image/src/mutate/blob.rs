//! The blobs of an image that is being made: in memory if they are small, else in files without names, so that a process
//! that is interrupted, even killed, leaves nothing behind.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use plimsoll_model::digest::{BlobDigest, Digest, Hasher};
use rustix::fs::{AtFlags, CWD, Mode, OFlags};

use crate::source::OpenLayer;

/// A blob.
#[derive(Clone, Debug)]
pub struct Blob {
    /// Its digest.
    pub digest: BlobDigest,
    /// Its size in bytes.
    pub size: u64,
    bytes: Bytes,
}

#[derive(Clone, Debug)]
enum Bytes {
    Memory(Arc<[u8]>),
    File(Arc<File>),
}

impl Blob {
    /// A blob in memory.
    #[must_use]
    pub fn of(bytes: Vec<u8>) -> Self {
        let digest = BlobDigest(Digest::of(&bytes));
        Self { digest, size: bytes.len() as u64, bytes: Bytes::Memory(bytes.into()) }
    }

    /// Writes it to the new file at `path`.
    ///
    /// # Errors
    /// If that fails, or there is a file.
    pub fn write_to(&self, path: &Path) -> io::Result<()> {
        if let Bytes::File(file) = &self.bytes
            && named(file, path)
        {
            return Ok(());
        }
        // Another file system, or one that knows no files without names.
        let mut file = File::create_new(path)?;
        io::copy(&mut self.reader(), &mut file)?;
        Ok(())
    }

    /// Reads it from its start.
    #[must_use]
    pub fn reader(&self) -> BlobReader {
        BlobReader { bytes: self.bytes.clone(), at: 0, size: self.size }
    }
}

impl OpenLayer for Blob {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(self.reader()))
    }
}

/// Reads a blob.
#[derive(Debug)]
pub struct BlobReader {
    bytes: Bytes,
    at: u64,
    size: u64,
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.size.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let room = buffer.len().min(left);
        let room = buffer.get_mut(..room).unwrap_or_default();
        let count = match &self.bytes {
            Bytes::File(file) => file.read_at(room, self.at)?,
            Bytes::Memory(bytes) => {
                let at = usize::try_from(self.at).unwrap_or(usize::MAX);
                bytes.get(at..).unwrap_or_default().read(room)?
            }
        };
        self.at = self.at.saturating_add(count as u64);
        Ok(count)
    }
}

/// A blob being written.
#[derive(Clone, Debug)]
pub(super) struct BlobWriter(Arc<Mutex<Writing>>);

#[derive(Debug)]
struct Writing {
    file: BufWriter<File>,
    hasher: Hasher,
    size: u64,
}

impl BlobWriter {
    /// Starts one in `folder`.
    pub(super) fn new_in(folder: &Path) -> io::Result<Self> {
        let file = BufWriter::with_capacity(256 << 10, nameless(folder)?);
        Ok(Self(Arc::new(Mutex::new(Writing { file, hasher: Hasher::default(), size: 0 }))))
    }

    /// Ends it. All other handles must be gone.
    pub(super) fn finish(self) -> io::Result<Blob> {
        let gone = || io::Error::other("the blob is still being written");
        let writing =
            Arc::into_inner(self.0).and_then(|writing| writing.into_inner().ok()).ok_or_else(gone)?;
        let file = writing.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        let digest = BlobDigest(writing.hasher.finish());
        Ok(Blob { digest, size: writing.size, bytes: Bytes::File(Arc::new(file)) })
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Ok(mut writing) = self.0.lock() else { return Err(io::Error::other("a writer died")) };
        writing.file.write_all(bytes)?;
        writing.hasher.update(bytes);
        writing.size = writing.size.saturating_add(bytes.len() as u64);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().map_err(|_| io::Error::other("a writer died"))?.file.flush()
    }
}

/// Gives a file without a name one, if that can be done and is free.
pub(crate) fn named(file: &File, path: &Path) -> bool {
    let own = format!("/proc/self/fd/{}", file.as_raw_fd());
    rustix::fs::linkat(CWD, own, CWD, path, AtFlags::SYMLINK_FOLLOW).is_ok()
}

/// A file without a name that can be given one.
pub(crate) fn nameless(folder: &Path) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
    match rustix::fs::open(folder, flags, Mode::from_raw_mode(0o666)) {
        Ok(file) => Ok(file.into()),
        Err(_) => tempfile::tempfile_in(folder),
    }
}
