//! Files of private keys: cosign's (PKCS #8 sealed with a password: scrypt and `NaCl`'s secretbox, as
//! <https://github.com/secure-systems-lab/go-securesystemslib/tree/main/encrypted> has it), plain ones in PEM, PKCS #8 sealed by
//! others (`sealed`), OpenSSH's (`openssh`), and all of these in files of age (`age`).
//!
//! The work that a file asks for to derive its key is bounded, so that no file costs more; of cosign's it is one of the three known
//! amounts.

pub mod age;
pub(crate) mod openssh;
mod sealed;

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_secretbox::aead::Aead as _;
use crypto_secretbox::{KeyInit as _, XSalsa20Poly1305};
use plimsoll_formats::strict;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::private_key::{NotAKey, PrivateKey};
use crate::key::{KEY_LIMIT, PublicKey};

const SEALED: &str = "ENCRYPTED SIGSTORE PRIVATE KEY";
const SEALED_OF_OLD: &str = "ENCRYPTED COSIGN PRIVATE KEY";

const SEALED_PKCS8: &str = "ENCRYPTED PRIVATE KEY";
const OPENSSH: &str = "OPENSSH PRIVATE KEY";

const KDF: &str = "scrypt";
const CIPHER: &str = "nacl/secretbox";
const BLOCK: u32 = 8;
const PARALLEL: u32 = 1;
/// Binary logarithms of the amounts of work that files may ask for.
const COSTS: [u8; 3] = [15, 16, 17];
/// What new files ask for, as cosign's do.
const COST: u8 = 16;
const SALT: usize = 32;
const NONCE: usize = 24;

/// Why a file gives no private key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It is a public key.
    #[error("it is a public key; the private one is needed")]
    Public,
    /// It is not one block of PEM.
    #[error("it is not one private key in PEM")]
    NotPem,
    /// A kind of file that is not read.
    #[error("a file of {0:?} is not read: convert it, as with `openssl pkcs8 -topk8`")]
    Kind(String),
    /// A kind of key that is not read out of OpenSSH's files.
    #[error(
        "a key {0:?} in OpenSSH's own format is not read: convert it with `ssh-keygen -p -m PKCS8 -f FILE`"
    )]
    OpenSsh(String),
    /// It is sealed by a cipher that is not supported.
    #[error("it is sealed by {0:?}, which is not supported")]
    Cipher(String),
    /// The key in it is not supported.
    #[error(transparent)]
    Key(#[from] NotAKey),
    /// It is sealed and there is no password.
    #[error("it is sealed with a password, and none was given")]
    NoPassword,
    /// The seal is malformed.
    #[error("its seal is malformed: {0}")]
    Seal(String),
    /// It cannot be opened.
    #[error("the password is wrong, or the file is damaged")]
    Password,
    /// It could not be sealed.
    #[error("the key could not be sealed")]
    NotSealed,
}

#[derive(Deserialize, Serialize)]
struct Seal {
    kdf: Kdf,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Deserialize, Serialize)]
struct Kdf {
    name: String,
    params: Params,
    salt: String,
}

#[derive(Deserialize, Serialize)]
struct Params {
    #[serde(rename = "N")]
    n: u64,
    r: u32,
    p: u32,
}

#[derive(Deserialize, Serialize)]
struct Cipher {
    name: String,
    nonce: String,
}

/// Tells whether a file is sealed with a password.
#[must_use]
pub fn is_sealed(text: &str) -> bool {
    let has = |label: &str| text.contains(&format!("-----BEGIN {label}-----"));
    if has(OPENSSH) && text.len() as u64 <= KEY_LIMIT {
        return pem::parse(text).is_ok_and(|block| openssh::is_sealed(block.contents()));
    }
    [SEALED, SEALED_OF_OLD, SEALED_PKCS8].into_iter().any(has)
}

/// Reads the private key in a file; `password` opens it if it is sealed.
///
/// # Errors
/// See [`KeyFileError`].
pub fn read(text: &str, password: Option<&[u8]>) -> Result<PrivateKey, KeyFileError> {
    if text.len() as u64 > KEY_LIMIT {
        return Err(KeyFileError::NotPem);
    }
    // Files of OpenSSL have the parameters of the curve before the key.
    let blocks = pem::parse_many(text).map_err(|_| KeyFileError::NotPem)?;
    let mut keys = blocks.into_iter().filter(|block| block.tag() != "EC PARAMETERS");
    let (Some(block), None) = (keys.next(), keys.next()) else { return Err(KeyFileError::NotPem) };
    let tag = block.tag().to_owned();
    let content = Zeroizing::new(block.into_contents());
    match tag.as_str() {
        "PRIVATE KEY" => Ok(PrivateKey::from_pkcs8(&content)?),
        "EC PRIVATE KEY" => Ok(PrivateKey::from_sec1(&content)?),
        "RSA PRIVATE KEY" => Ok(PrivateKey::from_pkcs1(&content)?),
        SEALED | SEALED_OF_OLD => {
            Ok(PrivateKey::from_pkcs8(&open(&content, password.ok_or(KeyFileError::NoPassword)?)?)?)
        }
        SEALED_PKCS8 => {
            let password = password.ok_or(KeyFileError::NoPassword)?;
            // Whether the padding fits is chance: what a wrong password gives is no key.
            let plain = sealed::open(&content, password)?;
            PrivateKey::from_pkcs8(&plain).map_err(|error| match plain.first() {
                Some(0x30) => error.into(),
                _ => KeyFileError::Password,
            })
        }
        OPENSSH => openssh::read(&content, password),
        "PUBLIC KEY" => Err(KeyFileError::Public),
        other => Err(KeyFileError::Kind(other.chars().filter(|c| !c.is_control()).take(60).collect())),
    }
}

/// The file of a private key, sealed with `password`.
///
/// # Errors
/// If the cryptography provider fails.
pub fn write(key: &PrivateKey, password: &[u8]) -> Result<String, KeyFileError> {
    let der = key.to_pkcs8().ok_or(KeyFileError::NotSealed)?;
    Ok(in_pem(SEALED, seal(&der, password)?))
}

/// A public key in PEM.
#[must_use]
pub fn public(key: &PublicKey) -> String {
    in_pem("PUBLIC KEY", key.as_der().to_vec())
}

pub(crate) fn in_pem(label: &str, content: Vec<u8>) -> String {
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_config(&pem::Pem::new(label, content), config)
}

fn open(content: &[u8], password: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let malformed = |why: &str| KeyFileError::Seal(why.to_owned());
    let seal: Seal = strict::read(content, usize::try_from(KEY_LIMIT).unwrap_or(usize::MAX))
        .map_err(|error| KeyFileError::Seal(error.to_string()))?;
    if seal.kdf.name != KDF || seal.cipher.name != CIPHER {
        return Err(malformed("it is not of scrypt and nacl/secretbox"));
    }
    let Params { n, r: BLOCK, p: PARALLEL } = seal.kdf.params else {
        return Err(malformed("it asks for an unknown amount of work"));
    };
    let cost = COSTS.into_iter().find(|cost| 1_u64 << cost == n);
    let cost = cost.ok_or_else(|| malformed("it asks for an unknown amount of work"))?;
    let decode = |text: &str| STANDARD.decode(text).map_err(|_| malformed("it is not in Base64"));
    let salt = decode(&seal.kdf.salt)?;
    let nonce: [u8; NONCE] =
        decode(&seal.cipher.nonce)?.try_into().map_err(|_| malformed("its nonce is not of 24 bytes"))?;
    let ciphertext = decode(&seal.ciphertext)?;
    let plain = secret_box(password, &salt, cost)?
        .decrypt(&nonce.into(), ciphertext.as_slice())
        .map_err(|_| KeyFileError::Password)?;
    Ok(Zeroizing::new(plain))
}

fn seal(plain: &[u8], password: &[u8]) -> Result<Vec<u8>, KeyFileError> {
    let (mut salt, mut nonce) = ([0; SALT], [0; NONCE]);
    for bytes in [&mut salt[..], &mut nonce[..]] {
        rand::fill(bytes).map_err(|_| KeyFileError::NotSealed)?;
    }
    let ciphertext = secret_box(password, &salt, COST)?
        .encrypt(&nonce.into(), plain)
        .map_err(|_| KeyFileError::NotSealed)?;
    let seal = Seal {
        kdf: Kdf {
            name: KDF.to_owned(),
            params: Params { n: 1 << COST, r: BLOCK, p: PARALLEL },
            salt: STANDARD.encode(salt),
        },
        cipher: Cipher { name: CIPHER.to_owned(), nonce: STANDARD.encode(nonce) },
        ciphertext: STANDARD.encode(ciphertext),
    };
    serde_json::to_vec(&seal).map_err(|_| KeyFileError::NotSealed)
}

fn secret_box(password: &[u8], salt: &[u8], cost: u8) -> Result<XSalsa20Poly1305, KeyFileError> {
    let mut key = Zeroizing::new([0; 32]);
    let params = scrypt::Params::new(cost, BLOCK, PARALLEL).map_err(|_| KeyFileError::NotSealed)?;
    scrypt::scrypt(password, salt, &params, key.as_mut()).map_err(|_| KeyFileError::NotSealed)?;
    Ok(XSalsa20Poly1305::new(key.as_ref().into()))
}

#[cfg(test)]
mod tests;
