//! Public keys out of PEM files and lines of OpenSSH, and signatures verified with them.
//!
//! The key alone decides the algorithm; nothing that a signature says of itself is believed. ECDSA signatures are in
//! ASN.1. Both values of `s` that fit are accepted, as other signers write either: the bytes of a signature are no identity.
//! What verifies is the one cryptography provider of the whole program.

use aws_lc_rs::digest::{Digest as Hash, SHA256};
use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use plimsoll_model::digest::Digest;
use sigstore_crypto::KeyAlgorithm;
use sigstore_types::DerPublicKey;

use crate::signing::key_file::openssh;

/// A larger file is no key.
pub const KEY_LIMIT: u64 = 1 << 16;

/// How the `SubjectPublicKeyInfo` of each P-521 key begins (RFC 5480); what follows is the point, uncompressed.
const P521: [u8; 26] = [
    0x30, 0x81, 0x9b, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
    0x81, 0x04, 0x00, 0x23, 0x03, 0x81, 0x86, 0x00, 0x04,
];
const P521_LENGTH: usize = 158;

/// A public key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicKey {
    der: DerPublicKey,
    algorithm: Algorithm,
}

/// The kinds of keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Algorithm {
    /// ECDSA over P-256.
    EcdsaP256,
    /// ECDSA over P-384.
    EcdsaP384,
    /// ECDSA over P-521.
    EcdsaP521,
    /// Ed25519.
    Ed25519,
    /// RSA of 2048 to 8192 bits, PKCS #1 v1.5.
    Rsa,
}

/// Why a file is no public key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It is a private key.
    #[error("it is a private key; the public one is needed")]
    Private,
    /// It is not one block of PEM.
    #[error("it is not one public key in PEM (-----BEGIN PUBLIC KEY-----)")]
    NotPem,
    /// The key is malformed, or of a kind that is not supported.
    #[error("the key is not supported: {0}")]
    Unsupported(String),
}

/// A signature is not that of the key over the bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the signature is not that of this key")]
pub struct Mismatch;

impl Algorithm {
    /// As people write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EcdsaP256 => "ECDSA P-256",
            Self::EcdsaP384 => "ECDSA P-384",
            Self::EcdsaP521 => "ECDSA P-521",
            Self::Ed25519 => "Ed25519",
            Self::Rsa => "RSA",
        }
    }

    /// What may have been used with such a key: its own hash, and SHA-256, which cosign takes for keys of all kinds where a
    /// registry's digests have it.
    fn schemes(self) -> &'static [&'static dyn VerificationAlgorithm] {
        match self {
            Self::EcdsaP256 => &[&signature::ECDSA_P256_SHA256_ASN1],
            Self::EcdsaP384 => &[&signature::ECDSA_P384_SHA384_ASN1, &signature::ECDSA_P384_SHA256_ASN1],
            Self::EcdsaP521 => &[&signature::ECDSA_P521_SHA512_ASN1, &signature::ECDSA_P521_SHA256_ASN1],
            Self::Ed25519 => &[&signature::ED25519],
            Self::Rsa => &[&signature::RSA_PKCS1_2048_8192_SHA256],
        }
    }

    /// What may have been used over a SHA-256.
    fn of_sha256(self) -> Option<&'static dyn VerificationAlgorithm> {
        match self {
            Self::EcdsaP256 => Some(&signature::ECDSA_P256_SHA256_ASN1),
            Self::EcdsaP384 => Some(&signature::ECDSA_P384_SHA256_ASN1),
            Self::EcdsaP521 => Some(&signature::ECDSA_P521_SHA256_ASN1),
            // It signs the bytes themselves.
            Self::Ed25519 => None,
            Self::Rsa => Some(&signature::RSA_PKCS1_2048_8192_SHA256),
        }
    }
}

impl PublicKey {
    /// Reads a key out of PEM, or the line of one of OpenSSH.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        if text.contains("PRIVATE KEY-----") {
            return Err(KeyError::Private);
        }
        if let Some(key) = openssh::public(text) {
            return key;
        }
        if text.matches("-----BEGIN ").count() != 1 {
            return Err(KeyError::NotPem);
        }
        let der = DerPublicKey::from_pem(text).map_err(|_| KeyError::NotPem)?;
        Self::from_der(der.as_bytes())
    }

    /// Reads a key out of a DER `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let der = DerPublicKey::from_bytes(der);
        let algorithm = algorithm(&der)?;
        let key = Self { der, algorithm };
        key.check_usable()?;
        Ok(key)
    }

    /// The kind of key.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// SHA-256 of its `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        Digest::of(self.der.as_bytes())
    }

    /// Its `SubjectPublicKeyInfo`, in DER.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        self.der.as_bytes()
    }

    pub(crate) const fn der(&self) -> &DerPublicKey {
        &self.der
    }

    /// Verifies a signature over `message`.
    ///
    /// # Errors
    /// If it is not this key's.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Mismatch> {
        let holds = |scheme: &&'static dyn VerificationAlgorithm| {
            UnparsedPublicKey::new(*scheme, self.der.as_bytes()).verify(message, signature).is_ok()
        };
        if self.algorithm.schemes().iter().any(holds) { Ok(()) } else { Err(Mismatch) }
    }

    /// Verifies a signature over bytes of which only the SHA-256 is known.
    ///
    /// # Errors
    /// If it is not this key's, or one that needs the bytes.
    pub fn verify_digest(&self, digest: &Digest, signature: &[u8]) -> Result<(), Mismatch> {
        let scheme = self.algorithm.of_sha256().ok_or(Mismatch)?;
        let hash = Hash::import_less_safe(digest.as_bytes(), &SHA256).map_err(|_| Mismatch)?;
        UnparsedPublicKey::new(scheme, self.der.as_bytes())
            .verify_digest(&hash, signature)
            .map_err(|_| Mismatch)
    }

    /// A key that can verify nothing is told when it is read, not as a signature that does not fit.
    fn check_usable(&self) -> Result<(), KeyError> {
        let unsupported = |why: &str| Err(KeyError::Unsupported(why.to_owned()));
        for scheme in self.algorithm.schemes() {
            let parsed = signature::ParsedPublicKey::new(*scheme, self.der.as_bytes());
            if parsed.is_err() {
                return unsupported(match self.algorithm {
                    Algorithm::Rsa => "RSA keys must have 2048 to 8192 bits",
                    _ => "it is not a point of its curve",
                });
            }
        }
        if self.algorithm == Algorithm::Rsa && self.der.len() < RSA_2048 {
            return unsupported("RSA keys must have 2048 to 8192 bits");
        }
        Ok(())
    }
}

/// No `SubjectPublicKeyInfo` of an RSA key of 2048 bits is shorter.
const RSA_2048: usize = 270;

fn algorithm(der: &DerPublicKey) -> Result<Algorithm, KeyError> {
    if der.len() == P521_LENGTH && der.as_bytes().starts_with(&P521) {
        return Ok(Algorithm::EcdsaP521);
    }
    let unsupported = |error: String| KeyError::Unsupported(error);
    match KeyAlgorithm::from_spki(der).map_err(|error| unsupported(error.to_string()))? {
        KeyAlgorithm::EcdsaP256 => Ok(Algorithm::EcdsaP256),
        KeyAlgorithm::EcdsaP384 => Ok(Algorithm::EcdsaP384),
        KeyAlgorithm::Ed25519 => Ok(Algorithm::Ed25519),
        KeyAlgorithm::Rsa => Ok(Algorithm::Rsa),
        other => Err(unsupported(format!("{other:?}"))),
    }
}
