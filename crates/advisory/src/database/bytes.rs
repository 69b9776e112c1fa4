//! Little-endian numbers and varints (LEB128), written to a vector and read under a bound.

use super::layout::Corrupt;

/// Reads forward; every read is checked against the end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    /// Starts at `offset` in `bytes`.
    pub(crate) fn at(bytes: &'a [u8], offset: usize) -> Result<Self, Corrupt> {
        bytes.get(offset..).map(Self::new).ok_or(Corrupt)
    }

    /// What is left.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Corrupt> {
        let (first, rest) = self.rest.split_first().ok_or(Corrupt)?;
        self.rest = rest;
        Ok(*first)
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Corrupt> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Corrupt)?;
        self.rest = rest;
        Ok(taken)
    }

    /// A varint of at most 32 bits.
    #[inline]
    pub(crate) fn number(&mut self) -> Result<u32, Corrupt> {
        match self.rest {
            [byte @ 0..=0x7f, rest @ ..] => {
                self.rest = rest;
                Ok(u32::from(*byte))
            }
            _ => self.long_number(),
        }
    }

    fn long_number(&mut self) -> Result<u32, Corrupt> {
        let mut value = 0_u32;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            let bits = u32::from(byte & 0x7f);
            value |= bits.checked_shl(shift).filter(|v| v >> shift == bits).ok_or(Corrupt)?;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Corrupt)
    }

    /// A varint that counts or measures things which have at least one byte each.
    pub(crate) fn length(&mut self) -> Result<usize, Corrupt> {
        let length = usize::try_from(self.number()?).map_err(|_| Corrupt)?;
        if length <= self.rest.len() { Ok(length) } else { Err(Corrupt) }
    }
}

/// The number at `index` in a table of little-endian `u32`.
pub(crate) fn u32_at(table: &[u8], index: usize) -> Result<u32, Corrupt> {
    let start = index.checked_mul(4).ok_or(Corrupt)?;
    let bytes = table.get(start..).and_then(|rest| rest.first_chunk::<4>()).ok_or(Corrupt)?;
    Ok(u32::from_le_bytes(*bytes))
}

pub(crate) fn to_usize(number: u32) -> Result<usize, Corrupt> {
    usize::try_from(number).map_err(|_| Corrupt)
}

/// Appends a varint.
pub(crate) fn put_number(to: &mut Vec<u8>, mut number: u32) {
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        if number == 0 {
            return to.push(low);
        }
        to.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_trip_and_overlong_ones_are_refused() {
        for number in [0, 1, 127, 128, 300, 65_535, 1 << 28, u32::MAX] {
            let mut bytes = Vec::new();
            put_number(&mut bytes, number);
            assert_eq!(Cursor::new(&bytes).number(), Ok(number));
        }
        assert_eq!(Cursor::new(&[0xff; 5]).number(), Err(Corrupt));
        assert_eq!(Cursor::new(&[0x80]).number(), Err(Corrupt));
        assert_eq!(Cursor::new(&[9, 1]).length(), Err(Corrupt));
    }
}
