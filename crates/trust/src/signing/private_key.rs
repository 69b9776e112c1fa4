//! Private keys in memory. What signs is the one cryptography provider of the whole program.

use std::fmt;

use aws_lc_rs::encoding::{AsBigEndian as _, AsDer as _, Curve25519SeedBin, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _,
};
use zeroize::Zeroizing;

use super::encoding::{Hash, field_size};
use super::{SignError, Signer};
use crate::key::{Algorithm, PublicKey};

/// The curves that keys may be on.
static CURVES: [&EcdsaSigningAlgorithm; 3] =
    [&ECDSA_P256_SHA256_ASN1_SIGNING, &ECDSA_P384_SHA384_ASN1_SIGNING, &ECDSA_P521_SHA512_ASN1_SIGNING];

/// A private key. It is never shown.
pub struct PrivateKey {
    pair: Pair,
    public: PublicKey,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

/// The kinds of keys that are made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NewKey {
    /// ECDSA over P-256, which every verifier knows.
    EcdsaP256,
    /// ECDSA over P-384.
    EcdsaP384,
    /// Ed25519.
    Ed25519,
    /// RSA of 3072 bits.
    Rsa3072,
}

/// Bytes are no private key of a kind that is supported.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "it is no private key of a supported kind: ECDSA (P-256, P-384, P-521), Ed25519, RSA of 2048 to 8192 bits"
)]
pub struct NotAKey;

/// No key could be made.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no key could be made")]
pub struct NotMade;

impl PrivateKey {
    /// Makes a key.
    ///
    /// # Errors
    /// If the cryptography provider cannot.
    pub fn generate(kind: NewKey) -> Result<Self, NotMade> {
        let ecdsa = |curve| EcdsaKeyPair::generate(curve).map(Pair::Ecdsa);
        let pair = match kind {
            NewKey::EcdsaP256 => ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING),
            NewKey::EcdsaP384 => ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING),
            NewKey::Ed25519 => Ed25519KeyPair::generate().map(Pair::Ed25519),
            NewKey::Rsa3072 => RsaKeyPair::generate(KeySize::Rsa3072).map(Pair::Rsa),
        };
        Self::of(pair.map_err(|_| NotMade)?).map_err(|NotAKey| NotMade)
    }

    /// Reads a key out of PKCS #8.
    ///
    /// # Errors
    /// If it is none, or not supported.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, NotAKey> {
        let curve = CURVES.iter().find_map(|curve| EcdsaKeyPair::from_pkcs8(curve, der).ok());
        let pair = curve
            .map(Pair::Ecdsa)
            // Most writers leave the public key out.
            .or_else(|| Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok().map(Pair::Ed25519))
            .or_else(|| RsaKeyPair::from_pkcs8(der).ok().map(Pair::Rsa));
        Self::of(pair.ok_or(NotAKey)?)
    }

    /// Reads an ECDSA key out of SEC 1, as OpenSSL writes it.
    ///
    /// # Errors
    /// If it is none, or not supported.
    pub fn from_sec1(der: &[u8]) -> Result<Self, NotAKey> {
        let mut pairs = CURVES.iter().map(|curve| EcdsaKeyPair::from_private_key_der(curve, der));
        Self::of(pairs.find_map(Result::ok).map(Pair::Ecdsa).ok_or(NotAKey)?)
    }

    /// Reads an RSA key out of PKCS #1.
    ///
    /// # Errors
    /// If it is none, or not supported.
    pub fn from_pkcs1(der: &[u8]) -> Result<Self, NotAKey> {
        Self::of(RsaKeyPair::from_der(der).map(Pair::Rsa).map_err(|_| NotAKey)?)
    }

    /// A key of Ed25519 by its seed.
    pub(super) fn from_seed(seed: &[u8], public: &[u8]) -> Result<Self, NotAKey> {
        let pair = Ed25519KeyPair::from_seed_and_public_key(seed, public);
        Self::of(Pair::Ed25519(pair.map_err(|_| NotAKey)?))
    }

    /// A key of ECDSA by its number, without leading zeros, and its point.
    pub(super) fn from_scalar(curve: Algorithm, number: &[u8], point: &[u8]) -> Result<Self, NotAKey> {
        let size = field_size(curve).ok_or(NotAKey)?;
        let scheme = match curve {
            Algorithm::EcdsaP256 => &ECDSA_P256_SHA256_ASN1_SIGNING,
            Algorithm::EcdsaP384 => &ECDSA_P384_SHA384_ASN1_SIGNING,
            Algorithm::EcdsaP521 => &ECDSA_P521_SHA512_ASN1_SIGNING,
            Algorithm::Ed25519 | Algorithm::Rsa => return Err(NotAKey),
        };
        let mut whole = Zeroizing::new(vec![0; size.checked_sub(number.len()).ok_or(NotAKey)?]);
        whole.reserve_exact(size);
        whole.extend_from_slice(number);
        let pair = EcdsaKeyPair::from_private_key_and_public_key(scheme, &whole, point);
        Self::of(Pair::Ecdsa(pair.map_err(|_| NotAKey)?))
    }

    fn of(pair: Pair) -> Result<Self, NotAKey> {
        let der: Result<PublicKeyX509Der<'static>, _> = match &pair {
            Pair::Ecdsa(pair) => pair.public_key().as_der(),
            Pair::Ed25519(pair) => pair.public_key().as_der(),
            Pair::Rsa(pair) => pair.public_key().as_der(),
        };
        let public = PublicKey::from_der(der.map_err(|_| NotAKey)?.as_ref()).map_err(|_| NotAKey)?;
        Ok(Self { pair, public })
    }

    /// The seed of a key of Ed25519.
    pub(super) fn seed(&self) -> Option<Zeroizing<[u8; 32]>> {
        let Pair::Ed25519(pair) = &self.pair else { return None };
        let bytes: Curve25519SeedBin<'_> = pair.seed().and_then(|seed| seed.as_be_bytes()).ok()?;
        bytes.as_ref().try_into().ok().map(Zeroizing::new)
    }

    /// The key in PKCS #8; none if the cryptography provider does not tell it.
    pub(super) fn to_pkcs8(&self) -> Option<Zeroizing<Vec<u8>>> {
        match &self.pair {
            Pair::Ecdsa(pair) => pair.to_pkcs8v1().ok().map(|der| Zeroizing::new(der.as_ref().to_vec())),
            // With the public key in it many readers, Go's among them, refuse it.
            Pair::Ed25519(pair) => pair.to_pkcs8v1().ok().map(|der| Zeroizing::new(der.as_ref().to_vec())),
            Pair::Rsa(pair) => {
                let der: Pkcs8V1Der<'_> = pair.as_der().ok()?;
                Some(Zeroizing::new(der.as_ref().to_vec()))
            }
        }
    }
}

impl Signer for PrivateKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ecdsa(pair) => {
                let signature = pair.sign(&random, message).map_err(|_| SignError::Refused)?;
                Ok(signature.as_ref().to_vec())
            }
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut bytes = vec![0; pair.public_modulus_len()];
                pair.sign(&signature::RSA_PKCS1_SHA256, &random, message, &mut bytes)
                    .map_err(|_| SignError::Refused)?;
                Ok(bytes)
            }
        }
    }

    fn sign_pss(&self, hash: Hash, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let Pair::Rsa(pair) = &self.pair else { return Err(SignError::Scheme) };
        let scheme = match hash {
            Hash::Sha256 => &signature::RSA_PSS_SHA256,
            Hash::Sha384 => &signature::RSA_PSS_SHA384,
            Hash::Sha512 => &signature::RSA_PSS_SHA512,
        };
        let mut bytes = vec![0; pair.public_modulus_len()];
        pair.sign(scheme, &SystemRandom::new(), message, &mut bytes).map_err(|_| SignError::Refused)?;
        Ok(bytes)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").field("public", &self.public.fingerprint()).finish_non_exhaustive()
    }
}
