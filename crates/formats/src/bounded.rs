//! Reading whole things, but never more than a limit.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Reads `reader` whole, or fails with [`io::ErrorKind::FileTooLarge`] once it has yielded more than `limit` bytes.
///
/// # Errors
/// If reading fails or the limit is passed.
pub fn read(reader: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    #[expect(clippy::disallowed_methods, reason = "this is the bound")]
    reader.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if limit < bytes.len() as u64 {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// Opens the file at `path` for reading if it is a regular one: a pipe would be waited for, and a device may never
/// end.
///
/// # Errors
/// If opening fails or it is something else.
pub fn open_file(path: &Path) -> io::Result<File> {
    let no_wait = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(no_wait).open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"))
    }
}

/// Reads the regular file at `path` whole, as [`read`] does.
///
/// # Errors
/// If opening or reading fails or the limit is passed.
pub fn read_file(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    read(open_file(path)?, limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_exact() {
        assert_eq!(read(&b"abc"[..], 3).unwrap(), b"abc");
        assert_eq!(read(&b"abcd"[..], 3).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(read(io::repeat(0), 1 << 10).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn pipes_devices_and_directories_are_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        for path in [pipe.as_path(), Path::new("/dev/zero"), folder.path()] {
            assert_eq!(read_file(path, 10).unwrap_err().to_string(), "it is not a regular file");
        }
    }
}
