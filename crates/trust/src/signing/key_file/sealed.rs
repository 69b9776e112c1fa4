//! PKCS #8 sealed by PBES2 (RFC 8018), as `openssl genpkey -aes256` makes it: AES in CBC mode, with a key by PBKDF2 or scrypt
//! (RFC 7914).
//!
//! The work that a file may ask for is bounded, so that no file costs more than a few seconds.

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{AES_128, AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA1, PBKDF2_HMAC_SHA256, PBKDF2_HMAC_SHA384, PBKDF2_HMAC_SHA512};
use x509_cert::der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use x509_cert::der::{Decode as _, Reader as _, SliceReader};
use x509_cert::spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::KeyFileError;

const PBES2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.13");
const PBKDF2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.12");
const SCRYPT: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11591.4.11");
const AES_128_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.2");
const AES_256_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.42");

/// The functions that PBKDF2 is made of.
const FUNCTIONS: [(ObjectIdentifier, pbkdf2::Algorithm); 4] = [
    (ObjectIdentifier::new_unwrap("1.2.840.113549.2.7"), PBKDF2_HMAC_SHA1),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.2.9"), PBKDF2_HMAC_SHA256),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.2.10"), PBKDF2_HMAC_SHA384),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.2.11"), PBKDF2_HMAC_SHA512),
];
/// More rounds are not made.
const ROUNDS: u32 = 10_000_000;
/// The most that scrypt may ask for: the logarithm of its cost, and how many bytes it would need.
const COST: u8 = 20;
const MEMORY: u64 = 256 << 20;
/// The longest key.
const KEY: usize = 32;

/// Unseals the content of a file of PKCS #8.
pub(super) fn open(content: &[u8], password: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let malformed = || KeyFileError::Seal("it is no sealed PKCS #8".to_owned());
    let (scheme, sealed) = parts(content).ok_or_else(malformed)?;
    if scheme.oid != PBES2 {
        return Err(KeyFileError::Seal(format!("it is not by PBES2, but {}", scheme.oid)));
    }
    let parameters = scheme.parameters.ok_or_else(malformed)?;
    let (derivation, cipher) = pair(parameters).ok_or_else(malformed)?;
    let (algorithm, length) = match cipher.oid {
        AES_128_CBC => (&AES_128, 16),
        AES_256_CBC => (&AES_256, KEY),
        other => return Err(KeyFileError::Cipher(other.to_string())),
    };
    let start: OctetStringRef<'_> =
        cipher.parameters.and_then(|it| it.decode_as().ok()).ok_or_else(malformed)?;
    let start: [u8; 16] = start.as_bytes().try_into().map_err(|_| malformed())?;
    let mut key = Zeroizing::new([0; KEY]);
    let (key, _) = key.split_at_mut(length);
    derive(&derivation, password, key)?;
    let mut plain = Zeroizing::new(sealed.to_vec());
    let key = UnboundCipherKey::new(algorithm, key).and_then(PaddedBlockDecryptingKey::cbc_pkcs7);
    let key = key.map_err(|_| KeyFileError::Password)?;
    let context = DecryptionContext::Iv128(FixedLength::from(start));
    let length = key.decrypt(&mut plain, context).map_err(|_| KeyFileError::Password)?.len();
    plain.truncate(length);
    Ok(plain)
}

fn parts(content: &[u8]) -> Option<(AlgorithmIdentifierRef<'_>, &[u8])> {
    let mut reader = SliceReader::new(content).ok()?;
    let parts = reader.sequence(|fields| {
        let scheme = AlgorithmIdentifierRef::decode(fields)?;
        Ok((scheme, OctetStringRef::decode(fields)?.as_bytes()))
    });
    parts.ok().filter(|_| reader.is_finished())
}

fn pair(parameters: AnyRef<'_>) -> Option<(AlgorithmIdentifierRef<'_>, AlgorithmIdentifierRef<'_>)> {
    let both = parameters.sequence(|fields| {
        Ok((AlgorithmIdentifierRef::decode(fields)?, AlgorithmIdentifierRef::decode(fields)?))
    });
    both.ok()
}

fn derive(scheme: &AlgorithmIdentifierRef<'_>, password: &[u8], key: &mut [u8]) -> Result<(), KeyFileError> {
    let wrong = |why: &str| KeyFileError::Seal(why.to_owned());
    let parameters = scheme.parameters.ok_or_else(|| wrong("its key has no parameters"))?;
    match scheme.oid {
        PBKDF2 => {
            let (salt, rounds, function) =
                of_pbkdf2(parameters).ok_or_else(|| wrong("the parameters of its key are malformed"))?;
            let rounds = NonZeroU32::new(rounds).filter(|rounds| rounds.get() <= ROUNDS);
            let rounds = rounds.ok_or_else(|| wrong("it asks for too much work"))?;
            let function = FUNCTIONS.iter().find(|(oid, _)| *oid == function);
            let (_, function) = function.ok_or_else(|| wrong("its key is derived by an unknown function"))?;
            pbkdf2::derive(*function, rounds, salt, password, key);
            Ok(())
        }
        SCRYPT => {
            let (salt, n, r, p) =
                of_scrypt(parameters).ok_or_else(|| wrong("the parameters of its key are malformed"))?;
            let too_much = || wrong("it asks for too much work");
            let cost = u8::try_from(n.trailing_zeros()).ok().filter(|cost| 1_u64 << cost == n);
            let cost = cost.filter(|cost| (1..=COST).contains(cost)).ok_or_else(too_much)?;
            let memory = n.checked_mul(u64::from(r)).and_then(|it| it.checked_mul(128));
            if memory.is_none_or(|memory| memory > MEMORY) || p > 4 {
                return Err(too_much());
            }
            let parameters = scrypt::Params::new(cost, r, p).map_err(|_| too_much())?;
            scrypt::scrypt(password, salt, &parameters, key).map_err(|_| too_much())
        }
        other => Err(wrong(&format!("its key is derived by {other}, which is not known"))),
    }
}

fn of_pbkdf2(parameters: AnyRef<'_>) -> Option<(&[u8], u32, ObjectIdentifier)> {
    let read = parameters.sequence(|fields| {
        let salt = OctetStringRef::decode(fields)?.as_bytes();
        let rounds = u32::decode(fields)?;
        // The length of the key follows from the cipher.
        let _length: Option<u16> = Option::decode(fields)?;
        let function: Option<AlgorithmIdentifierRef<'_>> = Option::decode(fields)?;
        Ok((salt, rounds, function.map(|function| function.oid)))
    });
    let (salt, rounds, function) = read.ok()?;
    Some((salt, rounds, function.unwrap_or(FUNCTIONS.first()?.0)))
}

fn of_scrypt(parameters: AnyRef<'_>) -> Option<(&[u8], u64, u32, u32)> {
    let read = parameters.sequence(|fields| {
        let salt = OctetStringRef::decode(fields)?.as_bytes();
        let numbers = (u64::decode(fields)?, u32::decode(fields)?, u32::decode(fields)?);
        let _length: Option<u16> = Option::decode(fields)?;
        Ok((salt, numbers.0, numbers.1, numbers.2))
    });
    read.ok()
}
