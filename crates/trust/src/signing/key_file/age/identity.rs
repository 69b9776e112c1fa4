//! Who opens a file of age, and whom it is made for: keys of X25519, and private keys of OpenSSH
//! (<https://github.com/C2SP/C2SP/blob/main/age.md#the-x25519-recipient-type>, and `agessh` of age itself).

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::agreement::{self, UnparsedPublicKey, X25519};
use aws_lc_rs::digest::{self, SHA256, SHA512};
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32, Hrp};
use zeroize::Zeroizing;

use super::header::{Stanza, encoded, unencoded};
use super::{AgeError, FileKey, derived, sealed, unwrapped};
use crate::key::Algorithm;
use crate::signing::Signer as _;
use crate::signing::key_file::openssh;
use crate::signing::private_key::PrivateKey;

const NATIVE: &str = "X25519";
const NATIVE_LABEL: &[u8] = b"age-encryption.org/v1/X25519";
const ED25519: &str = "ssh-ed25519";
const ED25519_LABEL: &[u8] = b"age-encryption.org/v1/ssh-ed25519";
const RSA: &str = "ssh-rsa";
const RSA_LABEL: &[u8] = b"age-encryption.org/v1/ssh-rsa";
const SECRET: Hrp = Hrp::parse_unchecked("age-secret-key-");
const PUBLIC: Hrp = Hrp::parse_unchecked("age");
/// More identities are not tried: each costs work.
const IDENTITIES: usize = 64;

/// A private key that opens files. It is never shown.
pub struct Identity(Kind);

enum Kind {
    Native { secret: agreement::PrivateKey, public: [u8; 32] },
    Ed25519 { secret: agreement::PrivateKey, public: [u8; 32], tweak: agreement::PrivateKey, tag: String },
    Rsa { key: OaepPrivateDecryptingKey, tag: String },
}

/// A public key that files are wrapped for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Recipient([u8; 32]);

impl Identity {
    /// Reads a file of identities, as `age-keygen` writes it.
    ///
    /// # Errors
    /// If a line is none, or there are none, or too many.
    pub fn read(text: &str) -> Result<Vec<Self>, AgeError> {
        let mut identities = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if identities.len() == IDENTITIES {
                return Err(AgeError::Identities(IDENTITIES));
            }
            identities.push(Self::native(line).ok_or(AgeError::NotAnIdentity(number))?);
        }
        if identities.is_empty() { Err(AgeError::Identities(IDENTITIES)) } else { Ok(identities) }
    }

    fn native(text: &str) -> Option<Self> {
        let secret = Zeroizing::new(of_bech32(SECRET, text)?);
        let secret = agreement::PrivateKey::from_private_key(&X25519, &*secret).ok()?;
        let public = public(&secret)?;
        Some(Self(Kind::Native { secret, public }))
    }

    /// The identity that a private key of OpenSSH is.
    ///
    /// # Errors
    /// If it is neither of Ed25519 nor of RSA.
    pub fn of_ssh(key: &PrivateKey) -> Result<Self, AgeError> {
        let line = openssh::encoded(key.public_key()).ok_or(AgeError::Kind)?;
        let tag: [u8; 4] =
            digest::digest(&SHA256, &line).as_ref().first_chunk().copied().ok_or(AgeError::Kind)?;
        let tag = encoded(&tag);
        let kind = match key.public_key().algorithm() {
            Algorithm::Ed25519 => ed25519(key, &line, tag),
            Algorithm::Rsa => rsa(key, tag),
            Algorithm::EcdsaP256 | Algorithm::EcdsaP384 | Algorithm::EcdsaP521 => None,
        };
        kind.map(Self).ok_or(AgeError::Kind)
    }

    /// The key of the file, if the stanza is for this identity.
    pub(super) fn unwrap(&self, stanza: &Stanza) -> Option<FileKey> {
        let arguments: Vec<&str> = stanza.arguments.iter().map(String::as_str).collect();
        match (&self.0, stanza.kind.as_str(), arguments.as_slice()) {
            (Kind::Native { secret, public }, NATIVE, [share]) => {
                let share: [u8; 32] = unencoded(share)?;
                let shared = agreed(secret, &share)?;
                unwrapped(&*derived(&[share, *public].concat(), &*shared, NATIVE_LABEL)?, &stanza.body)
            }
            (Kind::Ed25519 { secret, public, tweak, tag }, ED25519, [own, share]) if *own == tag => {
                let share: [u8; 32] = unencoded(share)?;
                let shared = agreed(tweak, &*agreed(secret, &share)?)?;
                unwrapped(&*derived(&[share, *public].concat(), &*shared, ED25519_LABEL)?, &stanza.body)
            }
            (Kind::Rsa { key, tag }, RSA, [own]) if *own == tag => {
                let mut plain = Zeroizing::new(vec![0; key.min_output_size()]);
                let plain =
                    key.decrypt(&OAEP_SHA256_MGF1SHA256, &stanza.body, &mut plain, Some(RSA_LABEL)).ok()?;
                <[u8; 16]>::try_from(&*plain).ok().map(Zeroizing::new)
            }
            _ => None,
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.0 {
            Kind::Native { .. } => NATIVE,
            Kind::Ed25519 { .. } => ED25519,
            Kind::Rsa { .. } => RSA,
        };
        f.debug_tuple("Identity").field(&kind).finish()
    }
}

impl Recipient {
    /// Reads a file of recipients: one a line, beside comments.
    ///
    /// # Errors
    /// If a line is none.
    pub fn read(text: &str) -> Result<Vec<Self>, AgeError> {
        let lines = text.lines().map(str::trim);
        lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::parse).collect()
    }

    pub(super) fn wrap(&self, file_key: &FileKey) -> Option<Stanza> {
        // A key of one use that has to be used twice.
        let mut secret = Zeroizing::new([0; 32]);
        aws_lc_rs::rand::fill(&mut *secret).ok()?;
        let secret = agreement::PrivateKey::from_private_key(&X25519, &*secret).ok()?;
        let share = public(&secret)?;
        let shared = agreed(&secret, &self.0)?;
        let key = derived(&[share, self.0].concat(), &*shared, NATIVE_LABEL)?;
        let body = sealed(&key, super::ZERO, &**file_key)?;
        Some(Stanza { kind: NATIVE.to_owned(), arguments: vec![encoded(&share)], body })
    }
}

impl FromStr for Recipient {
    type Err = AgeError;

    fn from_str(text: &str) -> Result<Self, AgeError> {
        // Who pastes the private key must not see it in a log.
        let shown = || text.chars().filter(|c| !c.is_control()).take(8).collect();
        of_bech32(PUBLIC, text).map(Self).ok_or_else(|| AgeError::NotARecipient(shown()))
    }
}

fn ed25519(key: &PrivateKey, line: &[u8], tag: String) -> Option<Kind> {
    let seed = key.seed()?;
    let hash = digest::digest(&SHA512, &*seed);
    let secret = agreement::PrivateKey::from_private_key(&X25519, hash.as_ref().get(..32)?).ok()?;
    let tweak = derived(line, &[], ED25519_LABEL)?;
    let tweak = agreement::PrivateKey::from_private_key(&X25519, &*tweak).ok()?;
    Some(Kind::Ed25519 { public: public(&secret)?, secret, tweak, tag })
}

fn rsa(key: &PrivateKey, tag: String) -> Option<Kind> {
    let key = PrivateDecryptingKey::from_pkcs8(&key.to_pkcs8()?).ok()?;
    Some(Kind::Rsa { key: OaepPrivateDecryptingKey::new(key).ok()?, tag })
}

fn public(secret: &agreement::PrivateKey) -> Option<[u8; 32]> {
    secret.compute_public_key().ok()?.as_ref().try_into().ok()
}

/// What both sides know; none if the share is a point that makes it known to everybody.
fn agreed(secret: &agreement::PrivateKey, share: &[u8; 32]) -> Option<Zeroizing<[u8; 32]>> {
    let share = UnparsedPublicKey::new(&X25519, share);
    agreement::agree(secret, share, (), |shared| shared.try_into().map(Zeroizing::new).map_err(|_| ())).ok()
}

fn of_bech32(prefix: Hrp, text: &str) -> Option<[u8; 32]> {
    let checked = CheckedHrpstring::new::<Bech32>(text).ok()?;
    let bytes = Zeroizing::new(checked.byte_iter().collect::<Vec<_>>());
    // What does not fill a byte must be zero: each key has one text.
    checked.validate_segwit_padding().ok()?;
    (checked.hrp() == prefix).then(|| bytes.as_slice().try_into().ok()).flatten()
}
