//! The 512 bytes of a header: fixed fields of octal digits, or of base-256 numbers where those do not reach.

use super::Kind;

/// A raw header block.
#[derive(Clone)]
pub(super) struct Header(pub(super) [u8; 512]);

impl Default for Header {
    fn default() -> Self {
        Self([0; 512])
    }
}

impl Header {
    fn field(&self, start: usize, len: usize) -> &[u8] {
        self.0.get(start..).and_then(|rest| rest.get(..len)).unwrap_or_default()
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }

    /// The sum of all bytes, the checksum's own taken as spaces; some old writers summed signed bytes.
    pub(super) fn checksum_is_sound(&self) -> bool {
        let Some(written) = octal(self.field(148, 8)) else { return false };
        let bytes =
            || self.0.iter().enumerate().map(|(at, b)| if (148..156).contains(&at) { b' ' } else { *b });
        let unsigned: u64 = bytes().map(u64::from).sum();
        let signed: i64 = bytes().map(|b| i64::from(b.cast_signed())).sum();
        written == unsigned || i64::try_from(written) == Ok(signed)
    }

    pub(super) fn type_flag(&self) -> u8 {
        self.field(156, 1).first().copied().unwrap_or(0)
    }

    pub(super) fn kind(&self) -> Kind {
        match self.type_flag() {
            0 | b'0' | b'7' => Kind::File,
            b'1' => Kind::Hardlink,
            b'2' => Kind::Symlink,
            b'3' | b'4' | b'6' => Kind::Special,
            b'5' => Kind::Directory,
            _ => Kind::Unknown,
        }
    }

    pub(super) fn name(&self) -> String {
        let name = text(self.field(0, 100));
        let prefix =
            if self.field(257, 6) == b"ustar\0" { text(self.field(345, 155)) } else { String::new() };
        if prefix.is_empty() { name } else { format!("{prefix}/{name}") }
    }

    pub(super) fn link(&self) -> String {
        text(self.field(157, 100))
    }

    pub(super) fn size(&self) -> Option<u64> {
        number(self.field(124, 12))
    }

    pub(super) fn mode(&self) -> u16 {
        let mode = number(self.field(100, 8)).unwrap_or(0) & 0o7777;
        u16::try_from(mode).unwrap_or(0)
    }

    pub(super) fn uid(&self) -> u32 {
        u32::try_from(number(self.field(108, 8)).unwrap_or(0)).unwrap_or(u32::MAX)
    }

    pub(super) fn gid(&self) -> u32 {
        u32::try_from(number(self.field(116, 8)).unwrap_or(0)).unwrap_or(u32::MAX)
    }

    pub(super) fn sparse_real_size(&self) -> Option<u64> {
        if self.type_flag() == b'S' { number(self.field(483, 12)) } else { None }
    }

    pub(super) fn sparse_map_continues(&self) -> bool {
        self.field(482, 1).first().is_some_and(|b| *b != 0)
    }

    fn set(&mut self, start: usize, len: usize, value: &[u8]) {
        let field = self.0.get_mut(start..).and_then(|rest| rest.get_mut(..len)).unwrap_or_default();
        field.fill(0);
        for (to, from) in field.iter_mut().zip(value) {
            *to = *from;
        }
    }

    /// As much of a name as fits. The prefix of POSIX would be read with it; in its place GNU has other fields.
    pub(super) fn set_name(&mut self, name: &str) {
        self.set(0, 100, name.as_bytes());
        if self.field(257, 6) == b"ustar\0" {
            self.set(345, 155, b"");
        }
    }

    /// As much of a target as fits.
    pub(super) fn set_link(&mut self, target: &str) {
        self.set(157, 100, target.as_bytes());
    }

    /// Makes it that of a regular file of no bytes.
    pub(super) fn set_empty_file(&mut self) {
        self.set(124, 12, b"00000000000");
        self.set(156, 1, b"0");
        self.set_link("");
    }

    /// Makes it that of a pax header for the next entry, of so many bytes.
    pub(super) fn set_pax(&mut self, size: u64) {
        self.set_name("PaxHeaders/entry");
        self.set(100, 8, b"0000644");
        self.set(108, 8, b"0000000");
        self.set(116, 8, b"0000000");
        self.set(124, 12, format!("{size:011o}").as_bytes());
        self.set(136, 12, b"00000000000");
        self.set(156, 1, b"x");
        self.set(257, 8, b"ustar\x0000");
    }

    pub(super) fn set_checksum(&mut self) {
        self.set(148, 8, b"        ");
        let sum: u64 = self.0.iter().map(|byte| u64::from(*byte)).sum();
        self.set(148, 8, format!("{sum:06o}\0 ").as_bytes());
    }

    /// Of a continuation block of an old GNU sparse map.
    pub(super) fn map_block_continues(&self) -> bool {
        self.field(504, 1).first().is_some_and(|b| *b != 0)
    }
}

/// Text up to the first NUL, bytes that are not UTF-8 replaced.
pub(super) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

/// Octal digits, or base-256 if the first byte's high bit is set. `None` for negatives and garbage.
fn number(field: &[u8]) -> Option<u64> {
    match field.split_first() {
        Some((first, rest)) if *first & 0x80 != 0 => {
            let start = u64::from(*first & 0x7f);
            if *first & 0x40 != 0 {
                return None;
            }
            rest.iter().try_fold(start, |sum, b| sum.checked_mul(256)?.checked_add(u64::from(*b)))
        }
        _ => octal(field),
    }
}

fn octal(field: &[u8]) -> Option<u64> {
    let digits = field.iter().skip_while(|b| **b == b' ').take_while(|b| !matches!(**b, 0 | b' '));
    digits.into_iter().try_fold(0_u64, |sum, b| match b {
        b'0'..=b'7' => sum.checked_mul(8)?.checked_add(u64::from(b.checked_sub(b'0')?)),
        _ => None,
    })
}
