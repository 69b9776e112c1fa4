//! Signing: keys, what is signed, and the bytes that carry a signature.
//!
//! Nothing here knows where a key lies or where a signature goes to: a [`Signer`] signs bytes, [`bundle`] and [`legacy`] put
//! signatures into the formats that verifiers read, [`statement`] and [`predicate`] say what is claimed.

pub mod bundle;
pub mod encoding;
pub mod key_file;
pub mod legacy;
pub mod pkcs11;
pub mod predicate;
pub mod private_key;
pub mod program;
pub mod provenance;
pub mod statement;
pub mod timestamp;
pub mod tpm;

use self::encoding::Hash;
use crate::key::PublicKey;

/// What signs: a key in memory, or one that never leaves its device.
pub trait Signer {
    /// The key that verifies its signatures. It alone decides the algorithm.
    fn public_key(&self) -> &PublicKey;

    /// Signs `message` whole, with the hash that goes with the key; ECDSA signatures are in ASN.1.
    ///
    /// # Errors
    /// See [`SignError`].
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;

    /// The same by RSASSA-PSS, whose salt is as long as the hash; only of keys of RSA, and not of all that hold them.
    ///
    /// # Errors
    /// See [`SignError`].
    fn sign_pss(&self, _hash: Hash, _message: &[u8]) -> Result<Vec<u8>, SignError> {
        Err(SignError::Scheme)
    }
}

/// Nothing was signed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SignError {
    /// The cryptography provider refused.
    #[error("the key could not sign")]
    Refused,
    /// What holds the key cannot sign so.
    #[error("what holds the key cannot sign by RSASSA-PSS")]
    Scheme,
    /// The device that holds the key refused.
    #[error("the key's device could not sign: {0}")]
    Device(String),
    /// What was signed does not hold for the public key, so nobody must get it.
    #[error("the signature does not hold for the public key of the signer")]
    Mismatch,
}

/// Signs, and makes sure that others will find the signature to hold: a broken device, or a public key that is not that of the
/// private one, is told here and not by those who verify.
///
/// # Errors
/// See [`SignError`].
pub fn sign(signer: &dyn Signer, message: &[u8]) -> Result<Vec<u8>, SignError> {
    let signature = signer.sign(message)?;
    signer.public_key().verify(message, &signature).map_err(|_| SignError::Mismatch)?;
    Ok(signature)
}
