//! Text in UTF-16, with a byte order mark or without, read as UTF-8.

use std::io::{self, Read};

/// Units are read in pieces of so many bytes.
const PIECE: u64 = 32 << 10;

/// Text without a mark is told by at least so many bytes.
const SHORTEST: usize = 16;

/// Which byte of a unit comes first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Order {
    /// The low one.
    Little,
    /// The high one.
    Big,
}

/// Tells whether a file that begins with `head` is text in UTF-16: by its mark, or because nine of ten units are of
/// ASCII, the others have no NUL, and no unit is 0.
#[must_use]
pub fn order(head: &[u8]) -> Option<Order> {
    match head {
        // The mark of UTF-32.
        [0xff, 0xfe, 0, 0, ..] => return None,
        [0xff, 0xfe, ..] => return Some(Order::Little),
        [0xfe, 0xff, ..] => return Some(Order::Big),
        _ if head.len() < SHORTEST => return None,
        _ => {}
    }
    if head.chunks_exact(2).any(|unit| unit == [0, 0]) {
        return None;
    }
    let little = head.chunks_exact(2).filter(|unit| matches!(unit, [_, 0])).count();
    let big = head.chunks_exact(2).filter(|unit| matches!(unit, [0, _])).count();
    let units = head.chunks_exact(2).count();
    let most = |count: usize| count.saturating_mul(10) >= units.saturating_mul(9);
    match (little, big) {
        (_, 0) if most(little) => Some(Order::Little),
        (0, _) if most(big) => Some(Order::Big),
        _ => None,
    }
}

/// Reads UTF-16 as UTF-8; what is no character is replaced by U+FFFD.
#[derive(Debug)]
pub struct Utf8<R> {
    reader: R,
    order: Order,
    /// Bytes that are read, but not decoded yet.
    raw: Vec<u8>,
    text: Vec<u8>,
    /// How much of the text was handed out.
    given: usize,
}

impl<R: Read> Utf8<R> {
    /// Reads the text that `reader` gives.
    pub fn new(reader: R, order: Order) -> Self {
        Self { reader, order, raw: Vec::new(), text: Vec::new(), given: 0 }
    }

    /// Decodes the next piece; tells whether the text is at its end.
    fn fill(&mut self) -> io::Result<bool> {
        let held = self.raw.len();
        #[expect(clippy::disallowed_methods, reason = "bounded by take")]
        self.reader.by_ref().take(PIECE).read_to_end(&mut self.raw)?;
        let is_end = self.raw.len() == held;
        let unit = |pair: &[u8]| match (pair, self.order) {
            ([low, high], Order::Little) | ([high, low], Order::Big) => u16::from_le_bytes([*low, *high]),
            _ => u16::from(b'?'),
        };
        let mut units: Vec<u16> = self.raw.chunks_exact(2).map(unit).collect();
        // Half of a pair waits for the other half.
        if !is_end && units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit)) {
            units.pop();
        }
        self.text.clear();
        self.given = 0;
        let mut buffer = [0; 4];
        for character in char::decode_utf16(units.iter().copied()) {
            let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
            self.text.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
        }
        self.raw.drain(..units.len().saturating_mul(2));
        if is_end {
            self.raw.clear();
        }
        Ok(is_end)
    }
}

impl<R: Read> Read for Utf8<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() {
            if self.fill()? && self.text.is_empty() {
                return Ok(0);
            }
        }
        let rest = self.text.get(self.given..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        let (Some(from), Some(to)) = (rest.get(..length), buffer.get_mut(..length)) else { return Ok(0) };
        to.copy_from_slice(from);
        self.given = self.given.saturating_add(length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str, order: Order) -> Vec<u8> {
        let bytes = |unit: u16| match order {
            Order::Little => unit.to_le_bytes(),
            Order::Big => unit.to_be_bytes(),
        };
        text.encode_utf16().flat_map(bytes).collect()
    }

    fn decoded(reader: impl Read, order: Order) -> String {
        let mut text = Vec::new();
        io::copy(&mut Utf8::new(reader, order), &mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    /// Gives one byte at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = buffer.len().min(1);
            self.0.read(&mut buffer[..length])
        }
    }

    #[test]
    fn text_is_told_by_its_mark_or_its_zeros() {
        for order_ in [Order::Little, Order::Big] {
            assert_eq!(order(&encoded("\u{feff}a", order_)), Some(order_));
            assert_eq!(order(&encoded("password = 1, ä", order_)), Some(order_));
        }
        for other in [&b""[..], b"a\0", b"plain text of ASCII", &[0; 64], b"\xff\xfe\0\0a\0\0\0"] {
            assert_eq!(order(other), None, "{other:?}");
        }
        let numbers: Vec<u8> = (1_u32..100).flat_map(u32::to_le_bytes).collect();
        assert_eq!(order(&numbers), None);
    }

    #[test]
    fn what_was_encoded_is_read_wherever_pieces_end() {
        let text = format!("x{}\n", "a\u{1f511}é".repeat(20_000));
        for order in [Order::Little, Order::Big] {
            assert!(decoded(&encoded(&text, order)[..], order) == text);
            let short = "a\u{1f511}b";
            assert_eq!(decoded(Slow(&encoded(short, order)), order), short);
        }
    }

    #[test]
    fn what_is_no_character_is_replaced_and_ends() {
        assert_eq!(decoded(&b""[..], Order::Little), "");
        assert_eq!(decoded(&b"a"[..], Order::Little), "");
        assert_eq!(decoded(&b"a\0b"[..], Order::Little), "a");
        assert_eq!(decoded(&b"\x3d\xd8"[..], Order::Little), "\u{fffd}");
        assert_eq!(decoded(&b"\x3d\xd8a\0"[..], Order::Little), "\u{fffd}a");
    }
}
