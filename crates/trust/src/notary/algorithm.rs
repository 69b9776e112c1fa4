//! Which algorithms there are. The key of the signing certificate alone decides which one an envelope must have been signed with;
//! what the envelope says must be the same.

use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use x509_cert::der::asn1::{ObjectIdentifier, UintRef};
use x509_cert::der::{Decode as _, Encode as _, Reader as _, SliceReader};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use crate::signing::encoding::Hash;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

/// Signatures of certificates, lists and tokens: whether by RSA (PKCS #1 v1.5) or ECDSA, over which hash. SHA-1 is none of them.
const SIGNATURES: [(ObjectIdentifier, bool, Hash); 6] = [
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11"), true, Hash::Sha256),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12"), true, Hash::Sha384),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13"), true, Hash::Sha512),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"), false, Hash::Sha256),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3"), false, Hash::Sha384),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4"), false, Hash::Sha512),
];

/// How an envelope is signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Algorithm {
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    Es512,
}

impl Algorithm {
    pub(crate) const ALL: [Self; 6] =
        [Self::Ps256, Self::Ps384, Self::Ps512, Self::Es256, Self::Es384, Self::Es512];

    /// The name in JWS, by RFC 7518.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
        }
    }

    fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
            Self::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
            Self::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
            Self::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
            Self::Es384 => &signature::ECDSA_P384_SHA384_FIXED,
            Self::Es512 => &signature::ECDSA_P521_SHA512_FIXED,
        }
    }
}

/// The kinds of keys, RSA with its bits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Rsa(usize),
    P256,
    P384,
    P521,
}

/// The public key of a certificate.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    kind: Kind,
    der: Vec<u8>,
}

impl Key {
    pub(crate) fn read(info: &SubjectPublicKeyInfoOwned) -> Result<Self, String> {
        let der = info.to_der().map_err(|error| error.to_string())?;
        let kind = if info.algorithm.oid == RSA {
            let bits = info.subject_public_key.as_bytes().and_then(rsa_bits);
            match bits {
                Some(bits) if (2048..=8192).contains(&bits) => Kind::Rsa(bits),
                Some(bits) => return Err(format!("its RSA key has {bits} bits, not 2048 to 8192")),
                None => return Err("its RSA key is malformed".to_owned()),
            }
        } else if info.algorithm.oid == EC {
            let curve = info.algorithm.parameters.as_ref().and_then(|curve| curve.decode_as().ok());
            match curve {
                Some(P256) => Kind::P256,
                Some(P384) => Kind::P384,
                Some(P521) => Kind::P521,
                _ => return Err("its key is not on P-256, P-384 or P-521".to_owned()),
            }
        } else {
            return Err(format!("its key is of a kind that is not accepted ({})", info.algorithm.oid));
        };
        Ok(Self { kind, der })
    }

    /// The one algorithm that envelopes by this key are signed with.
    pub(crate) const fn algorithm(&self) -> Option<Algorithm> {
        match self.kind {
            Kind::Rsa(2048) => Some(Algorithm::Ps256),
            Kind::Rsa(3072) => Some(Algorithm::Ps384),
            Kind::Rsa(4096) => Some(Algorithm::Ps512),
            Kind::Rsa(_) => None,
            Kind::P256 => Some(Algorithm::Es256),
            Kind::P384 => Some(Algorithm::Es384),
            Kind::P521 => Some(Algorithm::Es512),
        }
    }

    /// Whether the signature of an envelope is by this key.
    pub(crate) fn signed_envelope(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(algorithm.verification(), &self.der).verify(message, signature).is_ok()
    }

    /// Whether a signature of the kind that certificates have is by this key.
    pub(crate) fn signed(
        &self,
        id: ObjectIdentifier,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), String> {
        let known = SIGNATURES.iter().find(|(known, ..)| *known == id);
        let (_, by_rsa, hash) =
            known.ok_or_else(|| format!("signatures of the kind {id} are not accepted"))?;
        if *by_rsa != matches!(self.kind, Kind::Rsa(_)) {
            return Err("the signature is of another kind than the key".to_owned());
        }
        self.signed_hash(*hash, message, signature)
    }

    /// Whether the signature of a timestamp token is by this key: there, the hash may be told apart from the kind of signature.
    pub(crate) fn signed_token(
        &self,
        (id, hash): (ObjectIdentifier, Hash),
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), String> {
        if id == RSA && matches!(self.kind, Kind::Rsa(_)) {
            return self.signed_hash(hash, message, signature);
        }
        self.signed(id, message, signature)
    }

    fn signed_hash(&self, hash: Hash, message: &[u8], signature: &[u8]) -> Result<(), String> {
        let verification: &'static dyn VerificationAlgorithm = match (self.kind, hash) {
            (Kind::Rsa(_), Hash::Sha256) => &signature::RSA_PKCS1_2048_8192_SHA256,
            (Kind::Rsa(_), Hash::Sha384) => &signature::RSA_PKCS1_2048_8192_SHA384,
            (Kind::Rsa(_), Hash::Sha512) => &signature::RSA_PKCS1_2048_8192_SHA512,
            (Kind::P256, Hash::Sha256) => &signature::ECDSA_P256_SHA256_ASN1,
            (Kind::P256, Hash::Sha384) => &signature::ECDSA_P256_SHA384_ASN1,
            (Kind::P256, Hash::Sha512) => &signature::ECDSA_P256_SHA512_ASN1,
            (Kind::P384, Hash::Sha256) => &signature::ECDSA_P384_SHA256_ASN1,
            (Kind::P384, Hash::Sha384) => &signature::ECDSA_P384_SHA384_ASN1,
            (Kind::P384, Hash::Sha512) => &signature::ECDSA_P384_SHA512_ASN1,
            (Kind::P521, Hash::Sha256) => &signature::ECDSA_P521_SHA256_ASN1,
            (Kind::P521, Hash::Sha384) => &signature::ECDSA_P521_SHA384_ASN1,
            (Kind::P521, Hash::Sha512) => &signature::ECDSA_P521_SHA512_ASN1,
        };
        UnparsedPublicKey::new(verification, &self.der)
            .verify(message, signature)
            .map_err(|_| "the signature is not that of the key".to_owned())
    }
}

/// How many bits the modulus of an RSA key has.
fn rsa_bits(key: &[u8]) -> Option<usize> {
    let mut reader = SliceReader::new(key).ok()?;
    let modulus = reader
        .sequence(|inner| {
            let modulus = UintRef::decode(inner)?;
            UintRef::decode(inner)?;
            Ok(modulus)
        })
        .ok()?;
    let first = modulus.as_bytes().first()?;
    let unused = usize::try_from(first.leading_zeros()).ok()?;
    modulus.as_bytes().len().checked_mul(8)?.checked_sub(unused)
}
