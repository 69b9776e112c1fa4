//! Zip archives, as far as jars, wheels and eggs use them: stored and deflated members, zip64, bytes in front of the
//! archive (self-starting jars). Neither encryption nor archives in several parts.
//! Format: <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>, sections 4.3 and 4.5.
//!
//! What the central directory says is the truth, as for the Java runtime; a member whose bytes say otherwise is an error.

use std::io::{self, Read, Seek};

use flate2::{Decompress, FlushDecompress, Status};

use crate::source::Source;

const END: &[u8] = b"PK\x05\x06";
const END_LEN: usize = 22;
const END_64: &[u8] = b"PK\x06\x06";
const LOCATOR_64: &[u8] = b"PK\x06\x07";
const CENTRAL: &[u8] = b"PK\x01\x02";
const CENTRAL_LEN: usize = 46;
const LOCAL: &[u8] = b"PK\x03\x04";
const LOCAL_LEN: u64 = 30;
/// The end record is the last thing, but for a comment of at most this length.
const COMMENT_LIMIT: u64 = 65_535;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// Compressed bytes are inflated in pieces of this size.
const PIECE: u64 = 64 << 10;

/// The members of an archive.
#[derive(Debug)]
pub struct Directory {
    bytes: Vec<u8>,
    /// What is to be added to the offsets: the length of what stands in front of the archive.
    base: u64,
}

/// A member as the central directory has it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Member {
    /// The name, invalid UTF-8 replaced.
    pub name: String,
    /// Its size.
    pub size: u64,
    compressed: u64,
    /// Of its local header in the file.
    offset: u64,
    method: u16,
    flags: u16,
    crc: u32,
}

/// Why an archive, or a member of it, cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ZipError {
    /// It is no zip archive: it has no end record.
    #[error("no zip archive")]
    NotZip,
    /// It contradicts itself or is cut off.
    #[error("{0}")]
    Malformed(&'static str),
    /// It uses what jars do not.
    #[error("{0}")]
    Unsupported(&'static str),
    /// A limit was reached.
    #[error("{0}")]
    Limit(&'static str),
    /// The file could not be read.
    #[error("reading the archive")]
    Read(#[from] io::Error),
}

impl Directory {
    /// Reads the central directory, of at most `limit` bytes.
    ///
    /// # Errors
    /// If there is none, it is larger, or it does not lie in the file.
    pub fn read<R: Read + Seek>(source: &mut Source<'_, R>, limit: u64) -> Result<Self, ZipError> {
        let tail_len = source.size().min(COMMENT_LIMIT.saturating_add(END_LEN as u64));
        let tail_start = source.size().saturating_sub(tail_len);
        let tail = source.read_at(tail_start, tail_len)?;
        let at = end_record(&tail).ok_or(ZipError::NotZip)?;
        let record = tail.get(at..).unwrap_or_default();
        let mut end = tail_start.saturating_add(at as u64);
        let (Some(size), Some(offset)) = (u32_at(record, 12), u32_at(record, 16)) else {
            return Err(ZipError::NotZip);
        };
        let (mut size, mut offset) = (u64::from(size), u64::from(offset));
        if let Some(larger) = end_record_64(source, end)? {
            (end, size, offset) = larger;
        }
        if size > limit {
            return Err(ZipError::Limit("the archive's directory is too large"));
        }
        let start =
            end.checked_sub(size).ok_or(ZipError::Malformed("the directory lies outside of the file"))?;
        let base =
            start.checked_sub(offset).ok_or(ZipError::Malformed("the directory lies outside of the file"))?;
        let bytes = source
            .exactly(start, size)?
            .ok_or(ZipError::Malformed("the directory lies outside of the file"))?
            .into_owned();
        Ok(Self { bytes, base })
    }

    /// The members, in the order of the directory. An error is the last item.
    pub fn members(&self) -> impl Iterator<Item = Result<Member, ZipError>> {
        let mut rest = &self.bytes[..];
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let Some((member, after)) = member(rest, self.base) else {
                rest = &[];
                return Some(Err(ZipError::Malformed("a record of the archive's directory is malformed")));
            };
            rest = after;
            Some(Ok(member))
        })
    }
}

/// Where the end record starts: the last one whose comment reaches the end of the file exactly, or, as `unzip` and
/// Java have it, the last one at all.
fn end_record(tail: &[u8]) -> Option<usize> {
    let starts = || {
        let last = tail.len().checked_sub(END_LEN)?;
        Some((0..=last).rev().filter(|at| tail.get(*at..).is_some_and(|rest| rest.starts_with(END))))
    };
    let fits = |at: &usize| {
        let comment = u16_at(tail, at.saturating_add(20)).map(usize::from);
        comment.and_then(|comment| at.checked_add(END_LEN)?.checked_add(comment)) == Some(tail.len())
    };
    starts()?.find(fits).or_else(|| starts()?.next())
}

/// The zip64 end record, if a locator stands before the end record at `end`: where it starts, and the directory's
/// size and offset.
fn end_record_64<R: Read + Seek>(
    source: &mut Source<'_, R>,
    end: u64,
) -> Result<Option<(u64, u64, u64)>, ZipError> {
    let Some(locator) = end.checked_sub(20) else { return Ok(None) };
    let bytes = source.read_at(locator, 20)?;
    if !bytes.starts_with(LOCATOR_64) {
        return Ok(None);
    }
    // Where the locator says, or, behind bytes put in front of the archive, right before the locator.
    let said = u64_at(&bytes, 8).unwrap_or(u64::MAX);
    for at in [said, locator.saturating_sub(56)] {
        let record = source.read_at(at, 56)?;
        if record.starts_with(END_64)
            && let (Some(size), Some(offset)) = (u64_at(&record, 40), u64_at(&record, 48))
        {
            return Ok(Some((at, size, offset)));
        }
    }
    Err(ZipError::Malformed("the zip64 end record is missing"))
}

fn member(bytes: &[u8], base: u64) -> Option<(Member, &[u8])> {
    let (header, rest) = bytes.split_at_checked(CENTRAL_LEN)?;
    if !header.starts_with(CENTRAL) {
        return None;
    }
    let length = |at| u16_at(header, at).map(usize::from);
    let (name, rest) = rest.split_at_checked(length(28)?)?;
    let (extra, rest) = rest.split_at_checked(length(30)?)?;
    let (_, rest) = rest.split_at_checked(length(32)?)?;
    let mut numbers = [u32_at(header, 24)?, u32_at(header, 20)?, u32_at(header, 42)?].map(u64::from);
    widen(&mut numbers, extra)?;
    let [size, compressed, offset] = numbers;
    let member = Member {
        name: String::from_utf8_lossy(name).into_owned(),
        size,
        compressed,
        offset: offset.checked_add(base)?,
        method: u16_at(header, 10)?,
        flags: u16_at(header, 8)?,
        crc: u32_at(header, 16)?,
    };
    Some((member, rest))
}

/// Replaces numbers that are all ones by those of the zip64 extra field, which has only these.
fn widen(numbers: &mut [u64; 3], mut extra: &[u8]) -> Option<()> {
    if numbers.iter().all(|number| *number != u64::from(u32::MAX)) {
        return Some(());
    }
    loop {
        let (id, size) = (u16_at(extra, 0)?, usize::from(u16_at(extra, 2)?));
        let (mut field, rest) = extra.get(4..)?.split_at_checked(size)?;
        if id == 1 {
            for number in numbers.iter_mut().filter(|number| **number == u64::from(u32::MAX)) {
                *number = u64_at(field, 0)?;
                field = field.get(8..)?;
            }
            return Some(());
        }
        extra = rest;
    }
}

impl Member {
    /// Where in the file the member lies: its start, and a place that its end reaches at least.
    #[must_use]
    pub fn place(&self) -> (u64, u64) {
        (self.offset, self.offset.saturating_add(LOCAL_LEN).saturating_add(self.compressed))
    }

    /// Reads the member's bytes; it is refused if they are more than `limit`.
    ///
    /// # Errors
    /// If the member is encrypted or of another method, if its bytes are not what the directory says, or too many.
    pub fn read<R: Read + Seek>(&self, source: &mut Source<'_, R>, limit: u64) -> Result<Vec<u8>, ZipError> {
        if self.flags & 1 != 0 {
            return Err(ZipError::Unsupported("the member is encrypted"));
        }
        if self.size > limit {
            return Err(ZipError::Limit("the member is too large"));
        }
        let start = self.start(source)?;
        let bytes = match self.method {
            STORED => source.read_at(start, self.size)?.into_owned(),
            DEFLATED => self.inflate(source, start)?,
            _ => {
                return Err(ZipError::Unsupported("the member is compressed by another method than deflate"));
            }
        };
        let mut crc = flate2::Crc::new();
        crc.update(&bytes);
        if bytes.len() as u64 != self.size || crc.sum() != self.crc {
            return Err(ZipError::Malformed("the member is not what the archive's directory says"));
        }
        Ok(bytes)
    }

    /// Where the member's bytes start: behind the local header, whose name and extra field may differ in length.
    fn start<R: Read + Seek>(&self, source: &mut Source<'_, R>) -> Result<u64, ZipError> {
        let header = source.read_at(self.offset, LOCAL_LEN)?;
        let (true, Some(name), Some(extra)) =
            (header.starts_with(LOCAL), u16_at(&header, 26), u16_at(&header, 28))
        else {
            return Err(ZipError::Malformed("the member does not start where the archive's directory says"));
        };
        Ok(self
            .offset
            .saturating_add(LOCAL_LEN)
            .saturating_add(u64::from(name))
            .saturating_add(u64::from(extra)))
    }

    fn inflate<R: Read + Seek>(&self, source: &mut Source<'_, R>, start: u64) -> Result<Vec<u8>, ZipError> {
        // Deflate shrinks to no less than a thousandth; what is said to be smaller is not made room for.
        let room = self.size.min(self.compressed.saturating_mul(1032));
        let room = usize::try_from(room).map_err(|_| ZipError::Limit("the member is too large"))?;
        // An inflater without any room does not even find the end.
        let mut plain = Vec::with_capacity(room.max(1));
        let mut inflater = Decompress::new(false);
        loop {
            let taken = inflater.total_in();
            let piece = PIECE.min(self.compressed.saturating_sub(taken));
            let piece = source.read_at(start.saturating_add(taken), piece)?;
            let made = inflater.total_out();
            let status = inflater
                .decompress_vec(&piece, &mut plain, FlushDecompress::None)
                .map_err(|_| ZipError::Malformed("the member is corrupt"))?;
            if status == Status::StreamEnd {
                return Ok(plain);
            }
            // Without progress, either the bytes are at their end or the room that the directory says is full.
            if inflater.total_in() == taken && inflater.total_out() == made {
                return Err(ZipError::Malformed("the member is not what the archive's directory says"));
            }
        }
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|chunk| u16::from_le_bytes(*chunk))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|chunk| u32::from_le_bytes(*chunk))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|chunk| u64::from_le_bytes(*chunk))
}

#[cfg(test)]
mod tests;
