//! Keys in their armored form, turned to the bytes that gpgv reads (RFC 9580, section 6).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
const END: &str = "-----END PGP PUBLIC KEY BLOCK-----";

/// The keys of a keyring file in their binary form: as they are, or the blocks of an armored one. None if it holds none.
#[must_use]
pub fn binary(bytes: &[u8]) -> Option<Vec<u8>> {
    // A packet's first bit is set; text's is not.
    if bytes.first().is_some_and(|byte| byte & 0x80 != 0) {
        return Some(bytes.to_vec());
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let mut keys = Vec::new();
    for block in text.split(BEGIN).skip(1) {
        let (block, _) = block.split_once(END)?;
        // Headers end with an empty line; the last line is a checksum.
        let body: String = block
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.contains(':') && !line.starts_with('='))
            .collect();
        keys.extend(STANDARD.decode(body).ok()?);
    }
    (!keys.is_empty()).then_some(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn armored_keys_become_bytes() {
        let armored = format!("{BEGIN}\nComment: a\n\nmQIN\nBGPL\n=abcd\n{END}\n{BEGIN}\n\nmQIN\n{END}\n");
        assert_eq!(binary(armored.as_bytes()).unwrap().len(), 9);
        assert_eq!(binary(&[0x99, 1, 2]).unwrap(), [0x99, 1, 2]);
        for wrong in [&b""[..], b"hello", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n!!!\n"] {
            assert_eq!(binary(wrong), None);
        }
    }
}
