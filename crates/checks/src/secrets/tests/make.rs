//! Makes examples of secrets from templates; `fixtures/secrets.toml` tells what the braces mean.

use super::super::validate::crc32;

const ALNUM: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const WORD: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-";
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BECH32: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// Random numbers that are the same in each run.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(name: &str, seed: u64) -> Self {
        let start = name.bytes().fold(seed + 0x9e37_79b9, |sum, byte| sum.wrapping_mul(31) + u64::from(byte));
        let mut random = Self(start | 1);
        for _ in 0..20 {
            random.next();
        }
        random
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn of(&mut self, alphabet: &[u8], count: usize) -> String {
        let mut one = || char::from(alphabet[usize::try_from(self.next() >> 33).unwrap() % alphabet.len()]);
        let mut text: String = (0..count).map(|_| one()).collect();
        // A long text without a digit is so rare that rules may ask for one.
        if count >= 12 && alphabet.contains(&b'7') && !text.contains(|c: char| c.is_ascii_digit()) {
            text.replace_range(..1, "7");
        }
        text
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next().to_le_bytes()[3]).collect()
    }
}

/// Replaces `{name:argument}`; an argument may hold balanced braces. Other braces stay.
pub(super) fn fill(template: &str, random: &mut Random) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        text.push_str(&rest[..open]);
        let mut depth = 0;
        let close = rest[open..].char_indices().find(|(_, c)| {
            depth += i32::from(*c == '{') - i32::from(*c == '}');
            depth == 0
        });
        let made = close.and_then(|(close, _)| {
            let (name, argument) =
                rest[open + 1..open + close].split_once(':').unwrap_or((&rest[open + 1..open + close], ""));
            Some((make(name, argument, random)?, open + close + 1))
        });
        let (made, next) = made.unwrap_or_else(|| ("{".to_owned(), open + 1));
        text.push_str(&made);
        rest = &rest[next..];
    }
    text + rest
}

fn make(name: &str, argument: &str, random: &mut Random) -> Option<String> {
    let count = || argument.parse::<usize>().unwrap();
    Some(match name {
        "hex" => random.of(b"0123456789abcdef", count()),
        "HEX" => random.of(b"0123456789ABCDEF", count()),
        "lower" => random.of(b"0123456789abcdefghijklmnopqrstuvwxyz", count()),
        "UPNUM" => random.of(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", count()),
        "word" => {
            let ends = random.of(ALNUM, 1);
            random.of(WORD, count() - 1) + &ends
        }
        "num" => random.of(b"123456789", count()),
        "alnum" => random.of(ALNUM, count()),
        "upper" => random.of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", count()),
        "base32" => random.of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", count()),
        "base64" => random.of(BASE64, count()),
        "crc" => with_checksum(random.of(ALNUM, count())),
        "der" => lines(&der(random, count()), "\n"),
        "der1" => lines(&der(random, count()), "\\n"),
        "pgp" => lines(&[&[0x95, 0x03][..], &random.bytes(count())].concat(), "\n"),
        "ssh" => lines(&[&b"openssh-key-v1\0"[..], &random.bytes(count())].concat(), "\n"),
        "age" => age(random),
        "b64" => base64(fill(argument, random).as_bytes()),
        "url" => base64(argument.as_bytes()).trim_end_matches('=').replace('+', "-").replace('/', "_"),
        _ => return None,
    })
}

fn with_checksum(body: String) -> String {
    let mut sum = usize::try_from(crc32(body.as_bytes())).unwrap();
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = ALNUM[sum % 62];
        sum /= 62;
    }
    body + std::str::from_utf8(&digits).unwrap()
}

fn der(random: &mut Random, length: usize) -> Vec<u8> {
    let [.., high, low] = length.to_be_bytes();
    let header = match length {
        0..128 => vec![0x30, low],
        128..256 => vec![0x30, 0x81, low],
        _ => vec![0x30, 0x82, high, low],
    };
    [header, random.bytes(length)].concat()
}

fn base64(bytes: &[u8]) -> String {
    let digit = |bits: u32, shift: u32| char::from(BASE64[usize::try_from((bits >> shift) & 63).unwrap()]);
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let part = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = part(0) << 16 | part(1) << 8 | part(2);
        let digits: String = [18, 12, 6, 0].into_iter().map(|shift| digit(bits, shift)).collect();
        text.push_str(&digits[..=chunk.len()]);
        text.push_str(&"=="[..3 - chunk.len()]);
    }
    text
}

fn lines(bytes: &[u8], end: &str) -> String {
    let text = base64(bytes);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    lines.join(end)
}

/// The data and checksum of a bech32 text with age's prefix (BIP 173).
fn age(random: &mut Random) -> String {
    let prefix = b"age-secret-key-";
    let data: Vec<u32> = (0..52).map(|_| u32::try_from(random.next() >> 40 & 31).unwrap()).collect();
    let values = prefix.iter().map(|byte| u32::from(byte >> 5)).chain([0]);
    let values = values.chain(prefix.iter().map(|byte| u32::from(byte & 31))).chain(data.iter().copied());
    let sum = values.chain([0; 6]).fold(1_u32, |sum, value| {
        let generator = [0x3b6a_57b2_u32, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
        let taps = generator.into_iter().enumerate().filter(|(bit, _)| (sum >> 25 >> bit) & 1 == 1);
        taps.fold((sum & 0x01ff_ffff) << 5 ^ value, |sum, (_, tap)| sum ^ tap)
    }) ^ 1;
    let checksum = (0..6).map(|index| (sum >> (5 * (5 - index))) & 31);
    let digits = data.iter().copied().chain(checksum);
    digits.map(|digit| char::from(BECH32[usize::try_from(digit).unwrap()]).to_ascii_uppercase()).collect()
}
