//! What a secret must be besides matching its expression: checksums, encodings, structure, entropy.
//!
//! Each validator takes the secret's bytes and is total: what it does not understand is no secret of its kind.

/// A structure by name, in the rules in kebab case.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Validator {
    /// Base64 of `name:password`, as registries' `auth` has it.
    BasicAuth,
    /// Bech32 with a right checksum (BIP 173).
    Bech32,
    /// `prefix_`, a body, and six digits: the body's CRC-32 in base 62
    /// (<https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/>).
    Crc32Base62,
    /// Ends with six digits in base 62 that a CRC-32 can have.
    Crc32Range,
    /// A JSON header that names an algorithm, and a JSON object (RFC 7519).
    Jwt,
    /// The base64 of such a token.
    JwtInBase64,
    /// The base64 of a PEM block that holds a whole private key (RFC 7468, RFC 1421, OpenSSH's PROTOCOL.key).
    Pem,
    /// The base64 of an armored PGP block that begins with a packet (RFC 9580, section 6).
    Pgp,
    /// Letters and digits that take turns as they do by chance, not as in names of things with a number, and no words in
    /// camel case.
    Random,
}

impl Validator {
    /// Tells whether `secret` has the structure.
    pub(crate) fn accepts(self, secret: &[u8]) -> bool {
        match self {
            Self::BasicAuth => basic_auth(secret),
            Self::Bech32 => bech32(secret),
            Self::Crc32Base62 => crc32_base62(secret).is_some_and(|(body, sum)| crc32(body) == sum),
            Self::Crc32Range => crc32_base62(secret).is_some(),
            Self::Jwt => jwt(secret),
            Self::JwtInBase64 => base64(secret).is_some_and(|token| jwt(&token)),
            Self::Pem => pem(secret),
            Self::Pgp => pgp(secret),
            Self::Random => random(secret),
        }
    }
}

/// Tells whether most of `text` are words in camel case: a capital letter and three small ones or more.
fn is_of_words(text: &[u8]) -> bool {
    let mut words = 0;
    let mut word = 0;
    for byte in text.iter().chain(b".") {
        if byte.is_ascii_lowercase() && word > 0 {
            word += 1;
            continue;
        }
        words += if word >= 4 { word } else { 0 };
        word = usize::from(byte.is_ascii_uppercase());
    }
    words * 2 >= text.len() && words > 0
}

fn random(secret: &[u8]) -> bool {
    let turns = |pair: &[u8]| matches!(pair, [a, b] if a.is_ascii_digit() && b.is_ascii_alphabetic() || a.is_ascii_alphabetic() && b.is_ascii_digit());
    !is_of_words(secret) && secret.windows(2).filter(|pair| turns(pair)).count() >= (secret.len() / 8).max(3)
}

/// The Shannon entropy of `bytes`, in bits a byte.
pub(crate) fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let total: f64 = counts.iter().copied().map(f64::from).sum();
    let bits = |count: &u32| {
        let share = f64::from(*count) / total;
        -share * share.log2()
    };
    counts.iter().filter(|count| **count > 0).map(bits).sum()
}

/// Decodes base64 of either alphabet, skipping white space; padding ends it.
pub(super) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in text {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            byte if byte.is_ascii_whitespace() => continue,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).ok()?);
        }
    }
    Some(bytes)
}

fn basic_auth(secret: &[u8]) -> bool {
    let Some(Ok(text)) = base64(secret).map(String::from_utf8) else { return false };
    let Some((name, password)) = text.split_once(':') else { return false };
    let printable = !text.chars().any(char::is_control);
    printable && !name.is_empty() && password.len() >= 4 && !password.starts_with('$')
}

fn bech32(secret: &[u8]) -> bool {
    const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let lower = secret.to_ascii_lowercase();
    let Some(separator) = lower.iter().rposition(|byte| *byte == b'1') else { return false };
    let (prefix, data) = lower.split_at(separator);
    let digits = data.iter().skip(1).map(|byte| ALPHABET.iter().position(|digit| digit == byte));
    let digits: Option<Vec<u32>> = digits.map(|digit| u32::try_from(digit?).ok()).collect();
    let Some(digits) = digits else { return false };
    let high = prefix.iter().map(|byte| u32::from(byte >> 5));
    let low = prefix.iter().map(|byte| u32::from(byte & 31));
    let sum = high.chain([0]).chain(low).chain(digits).fold(1_u32, |sum, value| {
        let top = sum >> 25;
        let taps = GENERATOR.iter().enumerate().filter(|(bit, _)| (top >> bit) & 1 == 1);
        taps.fold(((sum & 0x01ff_ffff) << 5) ^ value, |sum, (_, generator)| sum ^ generator)
    });
    sum == 1
}

/// The body of a token between its prefix and its checksum, and the checksum, if that fits 32 bits.
fn crc32_base62(secret: &[u8]) -> Option<(&[u8], u32)> {
    let prefix = secret.iter().position(|byte| *byte == b'_')? + 1;
    let token = secret.get(prefix..)?;
    let (body, digits) = token.split_at_checked(token.len().checked_sub(6)?)?;
    let mut sum = 0_u64;
    for digit in digits {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'A'..=b'Z' => digit - b'A' + 10,
            b'a'..=b'z' => digit - b'a' + 36,
            _ => return None,
        };
        sum = sum * 62 + u64::from(value);
    }
    Some((body, u32::try_from(sum).ok()?))
}

/// CRC-32 as in zip and Ethernet.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    let step = |sum: u32, _| if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 };
    !bytes.iter().fold(u32::MAX, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), step))
}

fn jwt(secret: &[u8]) -> bool {
    let mut parts = secret.split(|byte| *byte == b'.').map(base64);
    let mut object = || -> Option<serde_json::Map<String, serde_json::Value>> {
        serde_json::from_slice(&parts.next()??).ok()
    };
    let header = object();
    let algorithm = header.as_ref().and_then(|header| header.get("alg")?.as_str());
    algorithm.is_some_and(|algorithm| algorithm != "none") && object().is_some()
}

/// The lines of a PEM body without its headers and labels, its escaped line ends (`\n` in JSON) as real ones.
fn armor(secret: &[u8]) -> Option<(bool, Vec<u8>)> {
    let text = std::str::from_utf8(secret).ok()?;
    let text = text.replace("\\r", "\n").replace("\\n", "\n").replace('\\', "\n");
    let mut encrypted = false;
    let mut body = Vec::new();
    for line in text.lines().map(|line| line.trim_matches([' ', '\t', '\r', '"', '\'', ','])) {
        if line.starts_with("-----") {
            continue;
        }
        if line.contains(':') {
            encrypted |= line.starts_with("DEK-Info:");
            continue;
        }
        // The armor's own checksum (RFC 4880, section 6.1).
        if line.starts_with('=') {
            break;
        }
        body.extend_from_slice(line.as_bytes());
    }
    Some((encrypted, body))
}

fn pem(secret: &[u8]) -> bool {
    let Some((encrypted, body)) = armor(secret) else { return false };
    let Some(key) = base64(&body) else { return false };
    if !(32..=16 << 10).contains(&key.len()) {
        return false;
    }
    // With a DEK-Info header the bytes are a cipher's, and nothing but their length can be judged.
    encrypted || key.starts_with(b"openssh-key-v1\0") || der_sequence(&key)
}

/// Tells whether `bytes` are one DER sequence and nothing else (X.690, section 8.1): not a placeholder or a part.
fn der_sequence(bytes: &[u8]) -> bool {
    match bytes {
        [0x30, length @ 0..=0x7f, rest @ ..] => usize::from(*length) == rest.len(),
        [0x30, 0x81, length, rest @ ..] => usize::from(*length) == rest.len(),
        [0x30, 0x82, high, low, rest @ ..] => usize::from(u16::from_be_bytes([*high, *low])) == rest.len(),
        _ => false,
    }
}

fn pgp(secret: &[u8]) -> bool {
    let Some((_, body)) = armor(secret) else { return false };
    // The tag of a secret key packet is 5, in the old form or the new one.
    let tag = |first: u8| if first & 0x40 == 0 { (first >> 2) & 15 } else { first & 63 };
    let key = base64(&body).filter(|key| key.len() >= 64);
    key.and_then(|key| key.first().copied()).is_some_and(|first| first & 0x80 != 0 && tag(first) == 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_vectors_hold() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(base64(b"cGxpbXNvbGw=").unwrap(), b"plimsoll");
        // BIP 173's first vectors.
        assert!(
            bech32(b"A12UEL5L") && bech32(b"split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w")
        );
        assert!(!bech32(b"A12UEL5M") && !bech32(b"A1G7SGD8") && !bech32(b"") && !bech32(b"1"));
        // A token that its owner revoked and published together with the algorithm.
        let token = ["gh", "p_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ", "0mLq17"].concat();
        assert!(Validator::Crc32Base62.accepts(token.as_bytes()));
        assert!(!Validator::Crc32Base62.accepts(token.replace("zQ", "zR").as_bytes()));
    }

    #[test]
    fn entropy_is_zero_of_one_letter_and_eight_of_all() {
        assert!(entropy(b"").abs() < 1e-9 && entropy(b"aaaa").abs() < 1e-9);
        let all: Vec<u8> = (0..=255).collect();
        assert!((entropy(&all) - 8.0).abs() < 1e-9);
    }

    #[test]
    fn names_of_types_are_words_and_tokens_are_not() {
        for words in
            ["Qwen2_5OmniThinkerConfig", "M2M100DecoderLayer", "MistralConfigForCausalLM", "AccountToken"]
        {
            assert!(is_of_words(words.as_bytes()), "{words}");
        }
        for token in
            ["", "Zf3D0LXCM3EIMbgJpUNnkRtOfOueHznB", "7iZqsNIdZ1Qan2bsqDXCpiR3WWHESI", "5f1c7e9a3b2d4860"]
        {
            assert!(!is_of_words(token.as_bytes()), "{token}");
        }
    }

    #[test]
    fn no_bytes_panic() {
        let all = [
            Validator::BasicAuth,
            Validator::Bech32,
            Validator::Crc32Base62,
            Validator::Crc32Range,
            Validator::Jwt,
            Validator::JwtInBase64,
            Validator::Pem,
            Validator::Pgp,
            Validator::Random,
        ];
        for bytes in
            [&b""[..], b"_", b"1", b".", b"..", b"\xff\xfe", b"=", b"_\xff12345", b"e30.e30.", b"-----"]
        {
            assert!(!all.iter().any(|validator| validator.accepts(bytes)), "{bytes:?}");
        }
    }
}
