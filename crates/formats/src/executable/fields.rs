//! Numbers in headers, in either byte order and word size.

/// A header or a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) big_endian: bool,
}

impl<'a> Fields<'a> {
    pub(super) fn u16(self, at: usize) -> Option<u16> {
        let chunk = self.bytes.get(at..)?.first_chunk()?;
        Some(if self.big_endian { u16::from_be_bytes(*chunk) } else { u16::from_le_bytes(*chunk) })
    }

    pub(super) fn u32(self, at: usize) -> Option<u32> {
        let chunk = self.bytes.get(at..)?.first_chunk()?;
        Some(if self.big_endian { u32::from_be_bytes(*chunk) } else { u32::from_le_bytes(*chunk) })
    }

    pub(super) fn u64(self, at: usize) -> Option<u64> {
        let chunk = self.bytes.get(at..)?.first_chunk()?;
        Some(if self.big_endian { u64::from_be_bytes(*chunk) } else { u64::from_le_bytes(*chunk) })
    }

    /// A word of 8 bytes or of 4.
    pub(super) fn word(self, is_64: bool, at: usize) -> Option<u64> {
        if is_64 { self.u64(at) } else { self.u32(at).map(u64::from) }
    }

    /// The records of `size` bytes each.
    pub(super) fn records(self, size: usize) -> impl Iterator<Item = Self> {
        self.bytes.chunks_exact(size.max(1)).map(move |bytes| Self { bytes, ..self })
    }

    /// The text at `at`, until a NUL, or `limit` bytes.
    pub(super) fn name(self, at: usize, limit: usize) -> Option<String> {
        let rest: &'a [u8] = self.bytes.get(at..)?;
        let rest = rest.get(..limit).unwrap_or(rest);
        let name = rest.split(|byte| *byte == 0).next()?;
        Some(String::from_utf8_lossy(name).into_owned())
    }
}
