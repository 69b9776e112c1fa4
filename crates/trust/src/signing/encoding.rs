//! Keys and signatures as devices and services give them, in the encodings that everybody else reads: public keys as
//! `SubjectPublicKeyInfo` (RFC 5280), signatures of ECDSA in ASN.1 (RFC 3279).

use aws_lc_rs::digest;
use x509_cert::der::asn1::{Any, BitString, ObjectIdentifier, SequenceOf, UintRef};
use x509_cert::der::{Decode as _, Encode as _, Reader as _, SliceReader};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use crate::key::{Algorithm, KeyError, PublicKey};

const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
/// The identifier of SHA-256 itself.
pub(crate) const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");

/// The hashes that are signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Hash {
    /// The hash that goes with a key; none if it signs messages themselves.
    #[must_use]
    pub const fn of(algorithm: Algorithm) -> Option<Self> {
        match algorithm {
            Algorithm::EcdsaP256 | Algorithm::Rsa => Some(Self::Sha256),
            Algorithm::EcdsaP384 => Some(Self::Sha384),
            Algorithm::EcdsaP521 => Some(Self::Sha512),
            Algorithm::Ed25519 => None,
        }
    }

    /// The hash of `message`.
    #[must_use]
    pub fn digest(self, message: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, message).as_ref().to_vec()
    }

    /// By the identifier of the hash alone.
    pub(crate) fn of_digest(id: ObjectIdentifier) -> Option<Self> {
        [(SHA256, Self::Sha256), (SHA384, Self::Sha384), (SHA512, Self::Sha512)]
            .into_iter()
            .find_map(|(own, hash)| (own == id).then_some(hash))
    }

    /// How many bits it has.
    #[must_use]
    pub const fn bits(self) -> u16 {
        match self {
            Self::Sha256 => 256,
            Self::Sha384 => 384,
            Self::Sha512 => 512,
        }
    }
}

/// How many bytes a coordinate has; none of keys that are on no curve of ECDSA.
#[must_use]
pub const fn field_size(algorithm: Algorithm) -> Option<usize> {
    match algorithm {
        Algorithm::EcdsaP256 => Some(32),
        Algorithm::EcdsaP384 => Some(48),
        Algorithm::EcdsaP521 => Some(66),
        Algorithm::Ed25519 | Algorithm::Rsa => None,
    }
}

/// A key of ECDSA by the coordinates of its point.
///
/// # Errors
/// If they are none of a point of that curve.
pub fn ecdsa_key(curve: Algorithm, x: &[u8], y: &[u8]) -> Result<PublicKey, KeyError> {
    let size = field_size(curve).ok_or_else(malformed)?;
    let oid = match curve {
        Algorithm::EcdsaP256 => P256,
        Algorithm::EcdsaP384 => P384,
        Algorithm::EcdsaP521 => P521,
        Algorithm::Ed25519 | Algorithm::Rsa => return Err(malformed()),
    };
    let mut point = vec![4];
    for coordinate in [x, y] {
        let padding = size.checked_sub(coordinate.len()).ok_or_else(malformed)?;
        point.extend(std::iter::repeat_n(0, padding));
        point.extend(coordinate);
    }
    let parameters = Any::encode_from(&oid).map_err(|_| malformed())?;
    key(ec(Some(parameters), &point))
}

/// A key of Ed25519 by its bytes.
///
/// # Errors
/// If they are not 32.
pub fn ed25519_key(bytes: &[u8]) -> Result<PublicKey, KeyError> {
    key(ed25519(bytes))
}

/// A key of RSA by its numbers, the most significant byte first.
///
/// # Errors
/// If they are those of no key, or of one that is not supported.
pub fn rsa_key(modulus: &[u8], exponent: &[u8]) -> Result<PublicKey, KeyError> {
    key(rsa(modulus, exponent))
}

/// A signature of ECDSA out of its two numbers, one after the other and each as long.
#[must_use]
pub fn ecdsa_signature(raw: &[u8]) -> Option<Vec<u8>> {
    let (r, s) = raw.split_at_checked(raw.len() / 2)?;
    integers([r, s])
}

/// The two numbers of a signature of ECDSA, each as long as a coordinate of the curve.
#[must_use]
pub fn ecdsa_numbers(signature: &[u8], curve: Algorithm) -> Option<Vec<u8>> {
    let size = field_size(curve)?;
    let mut reader = SliceReader::new(signature).ok()?;
    let mut raw = Vec::new();
    reader
        .sequence(|nested| {
            while !nested.is_finished() {
                let number: UintRef<'_> = nested.decode()?;
                let bytes = number.as_bytes();
                raw.extend(std::iter::repeat_n(0, size.saturating_sub(bytes.len())));
                raw.extend(bytes);
            }
            Ok(())
        })
        .ok()?;
    (reader.is_finished() && raw.len() == size.checked_mul(2)?).then_some(raw)
}

fn malformed() -> KeyError {
    KeyError::Unsupported("its numbers are not those of a key".to_owned())
}

fn key(der: Option<Vec<u8>>) -> Result<PublicKey, KeyError> {
    PublicKey::from_der(&der.ok_or_else(malformed)?)
}

/// A key of ECDSA by its curve and its point.
pub(super) fn ec(parameters: Option<Any>, point: &[u8]) -> Option<Vec<u8>> {
    spki(EC, Some(parameters?), point)
}

pub(super) fn ed25519(bytes: &[u8]) -> Option<Vec<u8>> {
    spki(ED25519, None, bytes)
}

pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<Vec<u8>> {
    spki(RSA, Some(Any::null()), &integers([modulus, exponent])?)
}

/// The parameters of a curve, as devices tell them.
pub(super) fn parameters(der: &[u8]) -> Option<Any> {
    Any::from_der(der).ok()
}

fn spki(oid: ObjectIdentifier, parameters: Option<Any>, key: &[u8]) -> Option<Vec<u8>> {
    let info = SubjectPublicKeyInfoOwned {
        algorithm: AlgorithmIdentifierOwned { oid, parameters },
        subject_public_key: BitString::from_bytes(key).ok()?,
    };
    info.to_der().ok()
}

/// What a `SubjectPublicKeyInfo` is about.
pub(super) fn key_bits(key: &PublicKey) -> Option<Vec<u8>> {
    let info = SubjectPublicKeyInfoOwned::from_der(key.as_der()).ok()?;
    info.subject_public_key.as_bytes().map(<[u8]>::to_vec)
}

/// The numbers of a sequence of two, as a key of RSA is one.
pub(super) fn two_numbers(der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut reader = SliceReader::new(der).ok()?;
    let numbers = reader.sequence(|nested| {
        let (first, second): (UintRef<'_>, UintRef<'_>) = (nested.decode()?, nested.decode()?);
        Ok((first.as_bytes().to_vec(), second.as_bytes().to_vec()))
    });
    numbers.ok().filter(|_| reader.is_finished())
}

/// A sequence of two numbers: an ECDSA signature, or an RSA key.
fn integers(numbers: [&[u8]; 2]) -> Option<Vec<u8>> {
    let mut sequence = SequenceOf::<Any, 2>::new();
    for number in numbers {
        sequence.add(Any::encode_from(&UintRef::new(number).ok()?).ok()?).ok()?;
    }
    sequence.to_der().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::Signer as _;
    use crate::signing::private_key::{NewKey, PrivateKey};

    #[test]
    fn signatures_have_two_forms_and_one_meaning() {
        for (kind, curve) in
            [(NewKey::EcdsaP256, Algorithm::EcdsaP256), (NewKey::EcdsaP384, Algorithm::EcdsaP384)]
        {
            let key = PrivateKey::generate(kind).unwrap();
            for message in 0..50_u8 {
                let signature = key.sign(&[message]).unwrap();
                let raw = ecdsa_numbers(&signature, curve).unwrap();
                assert_eq!(raw.len(), 2 * field_size(curve).unwrap());
                let again = ecdsa_signature(&raw).unwrap();
                assert_eq!(again, signature);
                key.public_key().verify(&[message], &again).unwrap();
            }
        }
    }

    #[test]
    fn malformed_signatures_and_keys_are_none() {
        for signature in [
            &[][..],
            &[0x30, 0],
            &[0x30, 3, 2, 1, 1],
            &[0x30, 0x84, 255, 255, 255, 255],
            &[0x30, 6, 2, 1, 1, 2, 1, 1, 0],
        ] {
            assert_eq!(ecdsa_numbers(signature, Algorithm::EcdsaP256), None, "{signature:?}");
        }
        assert_eq!(ecdsa_numbers(&[0x30, 6, 2, 1, 1, 2, 1, 1], Algorithm::Rsa), None);
        assert!(ecdsa_key(Algorithm::EcdsaP256, &[1; 32], &[1; 32]).is_err(), "no point of the curve");
        assert!(ecdsa_key(Algorithm::EcdsaP256, &[1; 33], &[1; 32]).is_err());
        assert!(ecdsa_key(Algorithm::Ed25519, &[1; 32], &[1; 32]).is_err());
        assert!(ed25519_key(&[1; 31]).is_err());
        assert!(rsa_key(&[], &[]).is_err());
        assert!(rsa_key(&[0xff; 128], &[1, 0, 1]).is_err(), "1024 bits");
    }
}
