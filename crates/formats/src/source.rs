//! Bytes that are read from any place of a file: lent if they lie in memory, else read from a stream that can seek.

use std::borrow::Cow;
use std::io::{self, Read, Seek, SeekFrom};

use crate::bounded;

/// A file to be read here and there.
#[derive(Debug)]
pub enum Source<'a, R> {
    /// It lies in memory.
    Memory(&'a [u8]),
    /// It has to be read.
    Stream {
        /// Where from.
        reader: R,
        /// Its size in bytes.
        size: u64,
    },
}

impl<'a, R: Read + Seek> Source<'a, R> {
    /// The size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::Stream { size, .. } => *size,
        }
    }

    /// The bytes from `offset` on: `length` of them, or fewer if the file ends before.
    ///
    /// # Errors
    /// If reading the stream fails.
    pub fn read_at(&mut self, offset: u64, length: u64) -> io::Result<Cow<'a, [u8]>> {
        match self {
            Self::Memory(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                let rest = bytes.get(start..).unwrap_or_default();
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                Ok(Cow::Borrowed(rest.get(..length).unwrap_or(rest)))
            }
            Self::Stream { reader, size } => {
                let length = length.min(size.saturating_sub(offset));
                if length == 0 {
                    return Ok(Cow::Borrowed(&[]));
                }
                reader.seek(SeekFrom::Start(offset))?;
                bounded::read(reader.take(length), length).map(Cow::Owned)
            }
        }
    }

    /// As [`Source::read_at`], but `None` if there are fewer bytes.
    ///
    /// # Errors
    /// If reading the stream fails.
    pub fn exactly(&mut self, offset: u64, length: u64) -> io::Result<Option<Cow<'a, [u8]>>> {
        let bytes = self.read_at(offset, length)?;
        Ok(Some(bytes).filter(|bytes| bytes.len() as u64 == length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_stream_give_the_same() {
        let bytes = b"0123456789";
        let mut sources =
            [Source::Memory(bytes), Source::Stream { reader: io::Cursor::new(bytes), size: 10 }];
        for source in &mut sources {
            assert_eq!(source.read_at(3, 4).unwrap(), &b"3456"[..]);
            assert_eq!(source.read_at(8, u64::MAX).unwrap(), &b"89"[..]);
            assert_eq!(source.read_at(u64::MAX, 1).unwrap(), &b""[..]);
            assert_eq!(source.exactly(8, 3).unwrap(), None);
        }
    }
}
