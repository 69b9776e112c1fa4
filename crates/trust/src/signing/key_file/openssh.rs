//! Keys of OpenSSH: private ones as
//! <https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key> has them, open or sealed as `ssh-keygen` does by itself
//! (bcrypt and AES-256 in counter mode), and the lines of public ones (RFC 4253, RFC 5656, RFC 8709).

mod rsa;

use aws_lc_rs::cipher::{AES_256, DecryptingKey, DecryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::KeyFileError;
use crate::key::{Algorithm, KeyError, PublicKey};
use crate::signing::Signer as _;
use crate::signing::encoding;
use crate::signing::private_key::PrivateKey;

const MAGIC: &[u8] = b"openssh-key-v1\0";
const SEAL: (&[u8], &[u8]) = (b"aes256-ctr", b"bcrypt");
const OPEN: (&[u8], &[u8]) = (b"none", b"none");
/// What a sealed file is a multiple of.
const BLOCK: usize = 16;
/// AES-256's key and the counter's start.
const KEY: usize = 32;
/// More rounds of bcrypt are not made; `ssh-keygen` makes 16 or 24, and each is some milliseconds.
const ROUNDS: u32 = 1024;
const ED25519: &[u8] = b"ssh-ed25519";
const RSA: &[u8] = b"ssh-rsa";
/// The curves by their names.
const CURVES: [(&[u8], &[u8], Algorithm); 3] = [
    (b"ecdsa-sha2-nistp256", b"nistp256", Algorithm::EcdsaP256),
    (b"ecdsa-sha2-nistp384", b"nistp384", Algorithm::EcdsaP384),
    (b"ecdsa-sha2-nistp521", b"nistp521", Algorithm::EcdsaP521),
];

/// Texts and numbers, each behind its length.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(bytes)
    }

    fn number(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.bytes(4)?.try_into().ok()?))
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.bytes(usize::try_from(length).ok()?)
    }

    /// A number that is not negative, without what only says that.
    fn positive(&mut self) -> Option<&'a [u8]> {
        let bytes = self.text()?;
        match bytes {
            [0, rest @ ..] => Some(rest),
            [first, ..] if *first >= 0x80 => None,
            _ => Some(bytes),
        }
    }
}

/// What stands before the keys.
struct Head<'a> {
    cipher: (&'a [u8], &'a [u8]),
    options: &'a [u8],
    public: &'a [u8],
    private: &'a [u8],
}

fn head(content: &[u8]) -> Option<Head<'_>> {
    let mut fields = Fields(content.strip_prefix(MAGIC)?);
    let cipher = (fields.text()?, fields.text()?);
    let options = fields.text()?;
    // Never more than one.
    let 1 = fields.number()? else { return None };
    let (public, private) = (fields.text()?, fields.text()?);
    // Ciphers that authenticate have their tag behind all.
    let is_whole = fields.0.is_empty() || (cipher != OPEN && cipher != SEAL);
    is_whole.then_some(Head { cipher, options, public, private })
}

/// Tells whether the content of a file is sealed with a password.
pub(super) fn is_sealed(content: &[u8]) -> bool {
    head(content).is_some_and(|head| head.cipher != OPEN)
}

/// Reads the private key in the content of a file.
pub(super) fn read(content: &[u8], password: Option<&[u8]>) -> Result<PrivateKey, KeyFileError> {
    let malformed = || KeyFileError::Seal("it is no file of OpenSSH".to_owned());
    let head = head(content).ok_or_else(malformed)?;
    let plain = match head.cipher {
        OPEN => Zeroizing::new(head.private.to_vec()),
        SEAL => unsealed(&head, password.ok_or(KeyFileError::NoPassword)?)?,
        (cipher, _) => {
            let name = String::from_utf8_lossy(cipher).chars().filter(|c| !c.is_control()).take(60).collect();
            return Err(KeyFileError::Cipher(name));
        }
    };
    let mut fields = Fields(&plain);
    // Both are one random number; otherwise the password was another.
    if fields.number().ok_or_else(malformed)? != fields.number().ok_or_else(malformed)? {
        return Err(KeyFileError::Password);
    }
    let key = private(&mut fields)?;
    // What signs must be what is told to others.
    if public_key(head.public).is_none_or(|public| public.ok().as_ref() != Some(key.public_key())) {
        return Err(malformed());
    }
    Ok(key)
}

fn unsealed(head: &Head<'_>, password: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let malformed = |why: &str| KeyFileError::Seal(why.to_owned());
    let mut options = Fields(head.options);
    let (salt, rounds) = (options.text(), options.number());
    let (Some(salt), Some(rounds)) = (salt, rounds) else { return Err(malformed("it has no salt")) };
    if rounds > ROUNDS {
        return Err(malformed("it asks for too much work"));
    }
    if !head.private.len().is_multiple_of(BLOCK) {
        return Err(malformed("it is cut"));
    }
    let mut derived = Zeroizing::new([0; KEY + BLOCK]);
    bcrypt_pbkdf::bcrypt_pbkdf(password, salt, rounds, derived.as_mut())
        .map_err(|_| malformed("its password cannot be used"))?;
    let (key, start) = derived.split_at(KEY);
    let start: [u8; BLOCK] = start.try_into().map_err(|_| KeyFileError::Password)?;
    let key = UnboundCipherKey::new(&AES_256, key).and_then(DecryptingKey::ctr);
    let mut plain = Zeroizing::new(head.private.to_vec());
    let context = DecryptionContext::Iv128(FixedLength::from(start));
    key.and_then(|key| key.decrypt(&mut plain, context).map(|_| ())).map_err(|_| KeyFileError::Password)?;
    Ok(plain)
}

fn private(fields: &mut Fields<'_>) -> Result<PrivateKey, KeyFileError> {
    let malformed = || KeyFileError::Seal("it is no file of OpenSSH".to_owned());
    let kind = fields.text().ok_or_else(malformed)?;
    if kind == ED25519 {
        let public = fields.text().ok_or_else(malformed)?;
        let both = fields.text().ok_or_else(malformed)?;
        let (seed, _) = both.split_at_checked(32).ok_or_else(malformed)?;
        return Ok(PrivateKey::from_seed(seed, public)?);
    }
    if kind == RSA {
        let mut number = || fields.positive().ok_or_else(malformed);
        let (modulus, public) = (number()?, number()?);
        let (private, coefficient) = (number()?, number()?);
        let (p, q) = (number()?, number()?);
        return Ok(rsa::key(&rsa::Numbers { modulus, public, private, p, q, coefficient })?);
    }
    if let Some((_, name, curve)) = CURVES.iter().find(|(name, ..)| *name == kind) {
        let (Some(own), Some(point), Some(number)) = (fields.text(), fields.text(), fields.positive()) else {
            return Err(malformed());
        };
        if own != *name {
            return Err(malformed());
        }
        return Ok(PrivateKey::from_scalar(*curve, number, point)?);
    }
    let name: String = String::from_utf8_lossy(kind).chars().filter(|c| !c.is_control()).take(60).collect();
    Err(KeyFileError::OpenSsh(name))
}

/// Reads the line of a public key, as in `id_ed25519.pub`; none if it is no such line.
pub(crate) fn public(text: &str) -> Option<Result<PublicKey, KeyError>> {
    let line = text.trim();
    if line.lines().count() != 1 {
        return None;
    }
    let mut words = line.split_ascii_whitespace();
    let (kind, content) = (words.next()?, words.next()?);
    let content = STANDARD.decode(content).ok()?;
    let mut fields = Fields(&content);
    (fields.text()? == kind.as_bytes()).then(|| public_key(&content)).flatten()
}

/// A public key in OpenSSH's encoding; none if it is of another kind.
fn public_key(content: &[u8]) -> Option<Result<PublicKey, KeyError>> {
    let mut fields = Fields(content);
    let kind = fields.text()?;
    let key = if kind == ED25519 {
        encoding::ed25519_key(fields.text()?)
    } else if kind == RSA {
        let exponent = fields.positive()?;
        encoding::rsa_key(fields.positive()?, exponent)
    } else {
        let (_, name, curve) = CURVES.iter().find(|(name, ..)| *name == kind)?;
        if fields.text()? != *name {
            return None;
        }
        let point = fields.text()?.strip_prefix(&[4])?;
        let (x, y) = point.split_at_checked(point.len() / 2)?;
        encoding::ecdsa_key(*curve, x, y)
    };
    fields.0.is_empty().then_some(key)
}

/// A public key of Ed25519 or RSA in OpenSSH's encoding.
pub(super) fn encoded(key: &PublicKey) -> Option<Vec<u8>> {
    let mut encoded = Vec::new();
    let mut text = |sign: &[u8], bytes: &[u8]| {
        encoded.extend(u32::try_from(sign.len().checked_add(bytes.len())?).ok()?.to_be_bytes());
        encoded.extend(sign);
        encoded.extend(bytes);
        Some(())
    };
    let bits = encoding::key_bits(key)?;
    match key.algorithm() {
        Algorithm::Ed25519 => {
            text(&[], ED25519)?;
            text(&[], &bits)?;
        }
        Algorithm::Rsa => {
            let (modulus, exponent) = encoding::two_numbers(&bits)?;
            text(&[], RSA)?;
            for number in [exponent, modulus] {
                // A first bit that is set would make it negative.
                let sign = number.first().is_some_and(|first| *first >= 0x80);
                text(if sign { &[0] } else { &[] }, &number)?;
            }
        }
        Algorithm::EcdsaP256 | Algorithm::EcdsaP384 | Algorithm::EcdsaP521 => return None,
    }
    Some(encoded)
}
