//! Ed25519 keys in PEM, as `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout` write them (RFC 8410).

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_model::digest::Digest;

/// What comes before the 32 bytes of a public key in its `SubjectPublicKeyInfo`.
const PUBLIC_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Why a file is no key.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyError {
    /// It is not PEM, or holds something else.
    #[error("the file holds no {0} in PEM")]
    Pem(&'static str),
    /// The key is encrypted.
    #[error("the private key is encrypted, which is not supported")]
    Encrypted,
    /// A key for another algorithm, or a damaged one.
    #[error("the key is no Ed25519 key")]
    Algorithm,
}

/// A key that signs; it is never shown.
pub struct SigningKey(Ed25519KeyPair);

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

impl SigningKey {
    /// Reads a private key, PKCS #8 in PEM.
    ///
    /// # Errors
    /// If the text holds none.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        if text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") {
            return Err(KeyError::Encrypted);
        }
        let bytes = pem(text, "PRIVATE KEY").ok_or(KeyError::Pem("private key"))?;
        // Such a file need not hold the public key, against which aws-lc-rs would check the private one.
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&bytes).map_err(|_| KeyError::Algorithm)?;
        Ok(Self(pair))
    }

    /// The public half.
    #[must_use]
    pub fn trusted(&self) -> TrustedKey {
        let mut bytes = [0; 32];
        for (to, from) in bytes.iter_mut().zip(self.0.public_key().as_ref()) {
            *to = *from;
        }
        TrustedKey(bytes)
    }

    pub(super) fn id(&self) -> String {
        Digest::of(&[PUBLIC_HEAD.as_slice(), &self.trusted().0].concat()).hex()
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).as_ref().to_vec()
    }
}

/// A key whose signatures are believed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TrustedKey([u8; 32]);

impl TrustedKey {
    /// Reads a public key, `SubjectPublicKeyInfo` in PEM.
    ///
    /// # Errors
    /// If the text holds none.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let bytes = pem(text, "PUBLIC KEY").ok_or(KeyError::Pem("public key"))?;
        let key = bytes.strip_prefix(&PUBLIC_HEAD).ok_or(KeyError::Algorithm)?;
        key.try_into().map(Self).map_err(|_| KeyError::Algorithm)
    }

    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, signature).is_ok()
    }
}

/// The bytes of the first block of this label.
fn pem(text: &str, label: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    STANDARD.decode(body.split_ascii_whitespace().collect::<String>()).ok()
}
