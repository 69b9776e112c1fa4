//! The public area of a key (part 2 of the library's specification, `TPM2B_PUBLIC`).

use super::command::{Bytes, TpmError};
use crate::key::{Algorithm, PublicKey};
use crate::signing::encoding;

const RSA: u16 = 0x01;
const ECC: u16 = 0x23;
const NULL: u16 = 0x10;
/// The password of the key is enough to use it.
const USER_WITH_AUTH: u32 = 1 << 6;
/// The key signs nothing from outside.
const RESTRICTED: u32 = 1 << 16;
const SIGN: u32 = 1 << 18;
/// RSA's exponent where none is told.
const EXPONENT: u32 = 65_537;

struct Area<'a> {
    kind: u16,
    attributes: u32,
    policy: &'a [u8],
    rest: Bytes<'a>,
}

fn area(public: &[u8]) -> Option<Area<'_>> {
    let mut outer = Bytes(public);
    let mut bytes = Bytes(outer.sized()?);
    if !outer.0.is_empty() {
        return None;
    }
    let kind = bytes.u16()?;
    let _hash_of_name = bytes.u16()?;
    let attributes = bytes.u32()?;
    let policy = bytes.sized()?;
    Some(Area { kind, attributes, policy, rest: bytes })
}

/// Whether the key has a password that is enough to use it.
pub(super) fn has_password(public: &[u8]) -> bool {
    area(public).is_some_and(|area| area.attributes & USER_WITH_AUTH != 0)
}

/// Whether the key can be used by its policy only.
pub(super) fn is_bound(public: &[u8]) -> bool {
    area(public).is_some_and(|area| area.attributes & USER_WITH_AUTH == 0 && !area.policy.is_empty())
}

/// The public key.
pub(super) fn key(public: &[u8]) -> Result<PublicKey, TpmError> {
    let malformed = || TpmError::File("its public area is malformed".to_owned());
    let area = area(public).ok_or_else(malformed)?;
    if area.attributes & SIGN == 0 || area.attributes & RESTRICTED != 0 {
        return Err(TpmError::File("the key is not for signing".to_owned()));
    }
    let mut bytes = area.rest;
    let key = match area.kind {
        RSA => {
            let (bits, exponent) = rsa(&mut bytes).ok_or_else(malformed)?;
            let exponent = if exponent == 0 { EXPONENT } else { exponent };
            let modulus =
                bytes.sized().filter(|it| it.len() == usize::from(bits / 8)).ok_or_else(malformed)?;
            let exponent = exponent.to_be_bytes();
            let zeros = exponent.iter().take_while(|byte| **byte == 0).count();
            encoding::rsa_key(modulus, exponent.get(zeros..).unwrap_or_default())
        }
        ECC => {
            let curve = ecc(&mut bytes).ok_or_else(malformed)?;
            let curve = match curve {
                3 => Algorithm::EcdsaP256,
                4 => Algorithm::EcdsaP384,
                5 => Algorithm::EcdsaP521,
                _ => return Err(TpmError::File("its curve is not supported".to_owned())),
            };
            let (x, y) = (bytes.sized().ok_or_else(malformed)?, bytes.sized().ok_or_else(malformed)?);
            encoding::ecdsa_key(curve, x, y)
        }
        _ => return Err(TpmError::File("the key is neither of RSA nor of ECDSA".to_owned())),
    };
    key.map_err(|error| TpmError::File(error.to_string()))
}

/// A scheme that the key has for good, or none.
fn scheme(bytes: &mut Bytes<'_>) -> Option<()> {
    // No key that signs encrypts others.
    let NULL = bytes.u16()? else { return None };
    if bytes.u16()? != NULL {
        bytes.u16()?;
    }
    Some(())
}

fn rsa(bytes: &mut Bytes<'_>) -> Option<(u16, u32)> {
    scheme(bytes)?;
    Some((bytes.u16()?, bytes.u32()?))
}

fn ecc(bytes: &mut Bytes<'_>) -> Option<u16> {
    scheme(bytes)?;
    let curve = bytes.u16()?;
    let NULL = bytes.u16()? else { return None };
    Some(curve)
}
