//! Keys that services keep: a signer asks the service, over its own REST API, and no private key is ever here.
//!
//! A service is a file below that says which requests these are. What signs is decided by the public key that the service tells, and
//! each signature is verified with it. Schemes that no service here has belong to programs (`plugin`).

mod aws;
mod azure;
mod gcp;
mod plugin;
mod vault;
pub(crate) mod wire;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;

use jiff::Timestamp;
use plimsoll_http::ProxySettings;
use plimsoll_trust::key::{Algorithm, KeyError, PublicKey};
use plimsoll_trust::signing::encoding::Hash;
use plimsoll_trust::signing::{SignError, Signer};

use self::wire::Wire;

/// A service that is asked over the network.
struct Remote {
    /// The scheme of its keys' URIs.
    scheme: &'static str,
    /// The variables that name a PEM file with authorities for it alone; the first that is set counts.
    authorities: &'static [&'static str],
    open: Open,
}

type Open = fn(&str, &Surroundings, Wire) -> Result<Box<dyn Service>, KmsError>;

const SERVICES: [Remote; 5] = [
    Remote { scheme: "awskms", authorities: &["AWS_CA_BUNDLE"], open: aws::open },
    Remote { scheme: "azurekms", authorities: &[], open: azure::open },
    Remote { scheme: "gcpkms", authorities: &[], open: gcp::open },
    Remote { scheme: "hashivault", authorities: &["VAULT_CACERT", "BAO_CACERT"], open: vault::open },
    Remote { scheme: "openbao", authorities: &["BAO_CACERT", "VAULT_CACERT"], open: vault::open },
];

/// What else decides how a service is asked.
#[derive(Clone)]
pub struct Surroundings {
    /// The environment: addresses, and who we are to the service.
    pub variables: BTreeMap<OsString, OsString>,
    /// The proxies to go through.
    pub proxy: ProxySettings,
    /// PEM files with authorities to trust beside the system's.
    pub ca_files: Vec<PathBuf>,
    /// The time.
    pub now: Timestamp,
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The environment holds secrets.
        f.debug_struct("Surroundings").field("now", &self.now).finish_non_exhaustive()
    }
}

impl Surroundings {
    /// The first of these variables that is text and not empty.
    fn text(&self, names: &[&str]) -> Option<String> {
        let value = |name: &&str| self.variables.get(OsStr::new(name))?.to_str().map(str::to_owned);
        names.iter().filter_map(value).find(|value| !value.is_empty())
    }

    /// A file below the user's home.
    fn at_home(&self, path: &str) -> Option<PathBuf> {
        self.text(&["HOME"]).map(|home| PathBuf::from(home).join(path))
    }
}

/// Why a service gives no key, or no signature.
#[derive(Debug, thiserror::Error)]
pub enum KmsError {
    /// No URI of a key of that service.
    #[error("{uri:?} names no key: expected {expected}")]
    Uri {
        /// What it is.
        uri: String,
        /// What it should be.
        expected: &'static str,
    },
    /// Nobody tells what is needed.
    #[error("nobody tells {what}: {how}")]
    Unknown {
        /// What.
        what: &'static str,
        /// How to tell it.
        how: &'static str,
    },
    /// An address that must not be asked.
    #[error("{0:?} is no address to send secrets to: only https is, and http on this machine")]
    Address(String),
    /// The service could not be asked.
    #[error("{host}: {why}")]
    Unreachable {
        /// Whom.
        host: String,
        /// Why.
        why: String,
    },
    /// The service refuses.
    #[error("{host} answered {status}: {words}")]
    Refused {
        /// Who.
        host: String,
        /// The status of HTTP.
        status: u16,
        /// What it says.
        words: String,
    },
    /// An answer is not what the API promises.
    #[error("{host} did not answer in the form expected: {what}")]
    Malformed {
        /// Who.
        host: String,
        /// What is wrong.
        what: &'static str,
    },
    /// A file of ours cannot be used.
    #[error("{path}: {why}")]
    File {
        /// Which.
        path: String,
        /// Why.
        why: String,
    },
    /// The public key is none that is supported.
    #[error("the public key that {host} tells")]
    Key {
        /// Who.
        host: String,
        /// Why.
        source: KeyError,
    },
    /// The key signs otherwise than is supported.
    #[error("the key signs by {0:?}, which is not supported")]
    Algorithm(String),
    /// The program of a scheme does not do as it should.
    #[error("{program}: {why}")]
    Program {
        /// Which.
        program: String,
        /// Why.
        why: String,
    },
}

impl KmsError {
    /// Nobody answers where machines are told of themselves, so that this is none of the service's machines.
    fn of_machine(self, what: &'static str, how: &'static str) -> Self {
        match self {
            Self::Unreachable { .. } => Self::Unknown { what, how },
            other => other,
        }
    }
}

/// What is to be signed: the whole message, of which most services get the hash.
#[derive(Clone, Copy)]
struct Order<'a> {
    message: &'a [u8],
    /// None if the key signs messages themselves.
    hash: Option<Hash>,
    padding: Padding,
}

/// How keys of RSA sign.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Padding {
    Pkcs1,
    Pss,
}

/// A key that a service keeps.
trait Service {
    fn public_key(&self) -> Result<PublicKey, KmsError>;

    /// A signature; that of ECDSA is in ASN.1.
    fn sign(&self, key: &PublicKey, order: &Order<'_>) -> Result<Vec<u8>, KmsError>;
}

/// A key that a service keeps, as a signer.
pub struct KmsKey {
    service: Box<dyn Service>,
    public: PublicKey,
}

impl fmt::Debug for KmsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KmsKey").field("public", &self.public.fingerprint()).finish_non_exhaustive()
    }
}

/// Tells whether `key` is a URI of a service's key and not a path: it has a scheme, and two slashes after it.
#[must_use]
pub fn is_uri(key: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "+-._".contains(c);
    key.split_once("://").is_some_and(|(scheme, _)| !scheme.is_empty() && scheme.chars().all(plain))
}

impl KmsKey {
    /// Asks the service for the public key, so that it is clear what will sign.
    ///
    /// # Errors
    /// See [`KmsError`].
    pub fn open(uri: &str, surroundings: &Surroundings) -> Result<Self, KmsError> {
        let scheme = uri.split_once("://").map(|(scheme, _)| scheme).unwrap_or_default();
        let service = match SERVICES.iter().find(|service| service.scheme == scheme) {
            Some(Remote { authorities, open, .. }) => {
                open(uri, surroundings, Wire::trusting(authorities, surroundings)?)?
            }
            None => plugin::open(uri, surroundings)?,
        };
        Ok(Self { public: service.public_key()?, service })
    }

    fn asked(&self, order: &Order<'_>) -> Result<Vec<u8>, SignError> {
        self.service
            .sign(&self.public, order)
            .map_err(|error| SignError::Device(plimsoll_http::chain(&error)))
    }
}

impl Signer for KmsKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.asked(&Order { message, hash: Hash::of(self.public.algorithm()), padding: Padding::Pkcs1 })
    }

    fn sign_pss(&self, hash: Hash, message: &[u8]) -> Result<Vec<u8>, SignError> {
        if self.public.algorithm() != Algorithm::Rsa {
            return Err(SignError::Scheme);
        }
        self.asked(&Order { message, hash: Some(hash), padding: Padding::Pss })
    }
}

impl Order<'_> {
    /// The hash of the message and how long it is; for services that sign nothing but hashes.
    fn hashed(&self) -> Result<(Hash, Vec<u8>), KmsError> {
        let hash = self.hash.ok_or_else(|| KmsError::Algorithm("Ed25519".to_owned()))?;
        Ok((hash, hash.digest(self.message)))
    }
}

#[cfg(test)]
mod tests;
