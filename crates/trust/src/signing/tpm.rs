//! Keys that a TPM 2.0 keeps (<https://trustedcomputinggroup.org/resource/tpm-library-specification/>). Its commands are written here byte
//! by byte, so that no library is needed; what they are sent to is a device of the kernel, or a socket of an emulator.
//!
//! A file holds the key, wrapped so that only this TPM can load it ("TSS2 PRIVATE KEY", as `tpm2_encodeobject` and OpenSSL's
//! providers for TPMs write it: <https://www.hansenpartnership.com/draft-bottomley-tpm2-keys.html>). A key that is bound to PCRs signs
//! only while they hold what they held; it is the TPM that sees to it, anew for each signature.

mod command;
mod key_file;
mod public;
mod uri;

use std::cell::RefCell;
use std::fmt;

use plimsoll_formats::bounded;
use zeroize::Zeroizing;

pub use command::TpmError;
pub use key_file::Wrapped;
pub use uri::{Pcrs, SCHEME, TpmUri, UriError};

use self::command::{Auth, Scheme, Tpm};
use super::encoding::{self, Hash};
use super::{SignError, Signer};
use crate::key::{Algorithm, KEY_LIMIT, PublicKey};

/// A key that a TPM has loaded.
pub struct TpmKey {
    tpm: RefCell<Tpm>,
    handle: u32,
    public: PublicKey,
    password: Zeroizing<Vec<u8>>,
    pcrs: Option<Pcrs>,
}

/// Reads the file that the URI names.
///
/// # Errors
/// If it is no such file.
pub fn read(uri: &TpmUri) -> Result<Wrapped, TpmError> {
    let bytes =
        bounded::read_file(&uri.file, KEY_LIMIT).map_err(|error| TpmError::File(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| TpmError::File("it is no text".to_owned()))?;
    Wrapped::from_pem(&text)
}

impl TpmKey {
    /// Has the TPM load the key.
    ///
    /// # Errors
    /// See [`TpmError`].
    pub fn open(uri: &TpmUri, wrapped: &Wrapped, password: &[u8]) -> Result<Self, TpmError> {
        let public = public::key(&wrapped.public)?;
        if uri.pcrs.is_none() && public::is_bound(&wrapped.public) {
            return Err(TpmError::Bound);
        }
        let mut tpm = Tpm::open(&uri.device)?;
        let parent = tpm.parent(wrapped.parent)?;
        let handle = tpm.load(parent, &wrapped.private, &wrapped.public);
        if parent != wrapped.parent {
            tpm.flush(parent);
        }
        let (handle, password) = (handle?, Zeroizing::new(password.to_vec()));
        Ok(Self { tpm: tpm.into(), handle, public, password, pcrs: uri.pcrs.clone() })
    }

    fn asked(&self, scheme: Scheme, hash: Hash, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let told = |error: TpmError| SignError::Device(error.to_string());
        let mut tpm = self.tpm.try_borrow_mut().map_err(|_| SignError::Refused)?;
        let auth = match &self.pcrs {
            Some(pcrs) => Auth::Policy(tpm.policy(pcrs).map_err(told)?),
            None => Auth::Password(&self.password),
        };
        let signature = tpm.sign(self.handle, &auth, scheme, (hash, &hash.digest(message)));
        if let (Auth::Policy(session), Err(_)) = (&auth, &signature) {
            tpm.flush(*session);
        }
        signature.map_err(told)
    }
}

impl Signer for TpmKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let hash = Hash::of(self.public.algorithm()).ok_or(SignError::Refused)?;
        match self.public.algorithm() {
            Algorithm::Rsa => self.asked(Scheme::RsaPkcs1, hash, message),
            _ => {
                let raw = self.asked(Scheme::Ecdsa, hash, message)?;
                encoding::ecdsa_signature(&raw).ok_or(SignError::Refused)
            }
        }
    }

    fn sign_pss(&self, hash: Hash, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.asked(Scheme::RsaPss, hash, message)
    }
}

impl Drop for TpmKey {
    fn drop(&mut self) {
        self.tpm.get_mut().flush(self.handle);
    }
}

impl fmt::Debug for TpmKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TpmKey").field("public", &self.public.fingerprint()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
