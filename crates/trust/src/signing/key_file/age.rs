//! Files of age (<https://github.com/C2SP/C2SP/blob/main/age.md>): whatever file of a private key, wrapped with a password (scrypt) or
//! for recipients: X25519, and keys of OpenSSH as `age -R key.pub` takes them. Written for X25519 only.
//!
//! It is no general reader: a file of a key is small, so that its content is one chunk. Recipients of plugins are not known.

mod header;
mod identity;

use std::fmt;

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::{hmac, rand};
use zeroize::Zeroizing;

pub use self::identity::{Identity, Recipient};
use super::KeyFileError;
use crate::key::KEY_LIMIT;
use crate::signing::private_key::PrivateKey;
use header::{Header, Stanza};

const PASSWORD: &str = "scrypt";
const PASSWORD_LABEL: &[u8] = b"age-encryption.org/v1/scrypt";
const BLOCK: u32 = 8;
const PARALLEL: u32 = 1;
/// The logarithm of the most work that a file may ask for: a GiB and some seconds. `age` itself makes 18.
const COST: u8 = 20;
const SALT: usize = 16;
const NONCE: usize = 16;
const TAG: usize = 16;
/// The nonce of a chunk that is the first and the last.
const ONLY: [u8; NONCE_LEN] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
/// The nonce of what is sealed by a key that seals nothing else.
const ZERO: [u8; NONCE_LEN] = [0; NONCE_LEN];

/// The key of a file.
type FileKey = Zeroizing<[u8; 16]>;

/// Why a file of age is not opened, or not made.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AgeError {
    /// It does not keep to the format.
    #[error("it is no file of age, version 1, or it is cut")]
    Malformed,
    /// Its work is more than is done.
    #[error("its password asks for too much work: 2^{0}, and no more than 2^{COST} is done")]
    TooMuchWork(u32),
    /// It is sealed with a password and not for identities.
    #[error("it is wrapped with a password, not for recipients")]
    NotForIdentities,
    /// It is sealed for recipients and not with a password.
    #[error("it is wrapped for recipients, not with a password")]
    NotByPassword,
    /// The password does not open it.
    #[error("the password is wrong, or the file is damaged")]
    Password,
    /// No identity opens it.
    #[error("it is wrapped for others: no identity opens it")]
    Identity,
    /// It was opened and is not what it was.
    #[error("it is damaged")]
    Damaged,
    /// A line of a file is not an identity.
    #[error("line {0} is no identity of age (AGE-SECRET-KEY-1…)")]
    NotAnIdentity(usize),
    /// The file has no identity, or too many.
    #[error("it has no identity, or more than {0}")]
    Identities(usize),
    /// A private key that cannot be an identity.
    #[error("only keys of Ed25519 and RSA are identities")]
    Kind,
    /// A text that is no recipient.
    #[error("{0:?} is no recipient: age1… is, of X25519")]
    NotARecipient(String),
    /// The cryptography provider failed, or there is nobody to seal it for.
    #[error("it could not be wrapped")]
    NotSealed,
}

/// A file of age, not opened yet.
pub struct AgeFile {
    header: Header,
    payload: Vec<u8>,
}

impl AgeFile {
    /// Tells whether a file begins as one of age.
    #[must_use]
    pub fn is(bytes: &[u8]) -> bool {
        let bytes = bytes.trim_ascii_start();
        bytes.starts_with(header::ANY_VERSION.as_bytes()) || bytes.starts_with(header::BEGIN.as_bytes())
    }

    /// Reads a file, in armor or without.
    ///
    /// # Errors
    /// If it is malformed, or too large for a key.
    pub fn parse(bytes: &[u8]) -> Result<Self, AgeError> {
        if bytes.len() as u64 > KEY_LIMIT {
            return Err(AgeError::Malformed);
        }
        let bare = match bytes.trim_ascii_start().starts_with(header::BEGIN.as_bytes()) {
            true => header::without_armor(bytes).ok_or(AgeError::Malformed)?,
            false => bytes.to_vec(),
        };
        let (header, payload) = Header::parse(&bare).ok_or(AgeError::Malformed)?;
        if payload.len() < NONCE + TAG {
            return Err(AgeError::Malformed);
        }
        // A password stands alone, so that who sends a file cannot be another than who knows it.
        let passwords = header.stanzas.iter().filter(|stanza| stanza.kind == PASSWORD).count();
        if passwords > 0 && header.stanzas.len() > 1 {
            return Err(AgeError::Malformed);
        }
        Ok(Self { payload: payload.to_vec(), header })
    }

    /// Tells whether a password opens it; otherwise, identities do.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.header.stanzas.iter().any(|stanza| stanza.kind == PASSWORD)
    }

    /// Opens it with a password.
    ///
    /// # Errors
    /// See [`AgeError`].
    pub fn open_with_password(&self, password: &[u8]) -> Result<Zeroizing<Vec<u8>>, AgeError> {
        let [stanza] = self.header.stanzas.as_slice() else { return Err(AgeError::NotByPassword) };
        if stanza.kind != PASSWORD {
            return Err(AgeError::NotByPassword);
        }
        let [salt, cost] = stanza.arguments.as_slice() else { return Err(AgeError::Malformed) };
        let salt: [u8; SALT] = header::unencoded(salt).ok_or(AgeError::Malformed)?;
        let cost = cost_of(cost)?;
        let key = stretched(password, &salt, cost).ok_or(AgeError::Password)?;
        let file_key = unwrapped(&key, &stanza.body).ok_or(AgeError::Password)?;
        self.content(&file_key)
    }

    /// Opens it with the first identity that does.
    ///
    /// # Errors
    /// See [`AgeError`].
    pub fn open(&self, identities: &[Identity]) -> Result<Zeroizing<Vec<u8>>, AgeError> {
        if self.has_password() {
            return Err(AgeError::NotForIdentities);
        }
        let mut keys = identities
            .iter()
            .flat_map(|identity| self.header.stanzas.iter().filter_map(|stanza| identity.unwrap(stanza)));
        self.content(&keys.next().ok_or(AgeError::Identity)?)
    }

    fn content(&self, file_key: &FileKey) -> Result<Zeroizing<Vec<u8>>, AgeError> {
        let key = derived(&[], &**file_key, b"header").ok_or(AgeError::Damaged)?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &*key);
        hmac::verify(&key, &self.header.signed, &self.header.mac).map_err(|_| AgeError::Damaged)?;
        let (nonce, chunk) = self.payload.split_at_checked(NONCE).ok_or(AgeError::Damaged)?;
        let key = derived(nonce, &**file_key, b"payload").ok_or(AgeError::Damaged)?;
        unsealed(&key, ONLY, chunk).ok_or(AgeError::Damaged)
    }
}

impl fmt::Debug for AgeFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgeFile").field("has_password", &self.has_password()).finish_non_exhaustive()
    }
}

/// The file of a private key in PKCS #8, wrapped for `recipients`, in armor.
///
/// # Errors
/// If the cryptography provider fails, or there is nobody to wrap it for.
pub fn write(key: &PrivateKey, recipients: &[Recipient]) -> Result<String, KeyFileError> {
    let der = key.to_pkcs8().ok_or(KeyFileError::NotSealed)?;
    let text = Zeroizing::new(super::in_pem("PRIVATE KEY", der.to_vec()));
    seal(text.as_bytes(), recipients).ok_or(KeyFileError::NotSealed)
}

fn seal(plain: &[u8], recipients: &[Recipient]) -> Option<String> {
    let mut file_key = Zeroizing::new([0; 16]);
    rand::fill(&mut *file_key).ok()?;
    let stanzas: Option<Vec<Stanza>> = recipients.iter().map(|to| to.wrap(&file_key)).collect();
    let stanzas = stanzas.filter(|stanzas| !stanzas.is_empty())?;
    let key = derived(&[], &*file_key, b"header")?;
    let mut file = header::written(&stanzas, |signed| {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &*key), signed).as_ref().to_vec()
    });
    let mut nonce = [0; NONCE];
    rand::fill(&mut nonce).ok()?;
    file.extend(nonce);
    file.extend(sealed(&*derived(&nonce, &*file_key, b"payload")?, ONLY, plain)?);
    Some(header::in_armor(&file))
}

/// A key by HKDF with SHA-256.
fn derived(salt: &[u8], secret: &[u8], label: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    let random = Salt::new(HKDF_SHA256, salt).extract(secret);
    random.expand(&[label], HKDF_SHA256).and_then(|bytes| bytes.fill(&mut *key)).ok()?;
    Some(key)
}

fn cost_of(text: &str) -> Result<u8, AgeError> {
    let canonical = !text.is_empty() && text.len() <= 9 && !text.starts_with('0');
    let number = canonical && text.bytes().all(|byte| byte.is_ascii_digit());
    let cost: u32 = number.then(|| text.parse().ok()).flatten().ok_or(AgeError::Malformed)?;
    u8::try_from(cost).ok().filter(|cost| *cost <= COST).ok_or(AgeError::TooMuchWork(cost))
}

fn stretched(password: &[u8], salt: &[u8], cost: u8) -> Option<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    let parameters = scrypt::Params::new(cost, BLOCK, PARALLEL).ok()?;
    scrypt::scrypt(password, &[PASSWORD_LABEL, salt].concat(), &parameters, &mut *key).ok()?;
    Some(key)
}

/// The key of a file out of the body of a stanza. Its length is looked at first, as the specification demands.
fn unwrapped(key: &[u8; 32], body: &[u8]) -> Option<FileKey> {
    if body.len() != 16 + TAG {
        return None;
    }
    let plain = unsealed(key, ZERO, body)?;
    plain.as_slice().try_into().ok().map(Zeroizing::new)
}

fn unsealed(key: &[u8; 32], nonce: [u8; NONCE_LEN], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(sealed.to_vec());
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).ok()?);
    let nonce = Nonce::assume_unique_for_key(nonce);
    let length = key.open_in_place(nonce, Aad::empty(), &mut bytes).ok()?.len();
    bytes.truncate(length);
    Some(bytes)
}

fn sealed(key: &[u8; 32], nonce: [u8; NONCE_LEN], plain: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(plain.len() + TAG);
    bytes.extend_from_slice(plain);
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).ok()?);
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests;
