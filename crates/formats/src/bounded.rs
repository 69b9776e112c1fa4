//! Reading whole things, but never more than a limit.

use std::fs::File;
use std::io::{self, Read};
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

/// Reads the file at `path` whole, as [`read`] does.
///
/// # Errors
/// If opening or reading fails or the limit is passed.
pub fn read_file(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    read(File::open(path)?, limit)
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
}
