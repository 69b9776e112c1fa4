//! Who vouches for a database: a statement on one file, signed with Ed25519, in a DSSE envelope beside it
//! (<https://github.com/secure-systems-lab/dsse/blob/master/protocol.md>).
//!
//! A statement that was not verified cannot be had from here: [`verify`] is the only way from bytes to a
//! [`Statement`]. It knows neither files nor the clock.

mod key;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use jiff::civil::Date;
use plimsoll_model::digest::Digest;
use serde::{Deserialize, Serialize};

use crate::database::Database;
pub use key::{KeyError, SigningKey, TrustedKey};

/// The media type of what is signed.
pub const PAYLOAD_TYPE: &str = "application/vnd.plimsoll.database.v1+json";
/// No sound envelope is larger.
pub const LIMIT: u64 = 64 << 10;
/// The most signatures that are tried.
const SIGNATURES: usize = 16;

/// What a signature says of a database.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    /// The digest of the file.
    sha256: String,
    /// Its size in bytes.
    size: u64,
    /// The day it was compiled.
    built: Option<Date>,
    /// The last day on which it may be used.
    expires: Option<Date>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<Signature>,
}

#[derive(Deserialize, Serialize)]
struct Signature {
    #[serde(default)]
    keyid: String,
    sig: String,
}

/// Why an envelope vouches for nothing.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// It is no envelope.
    #[error("the signature is malformed")]
    Malformed,
    /// It is an envelope around something else.
    #[error("the signature is on a {found:?}, not on an advisory database")]
    PayloadType {
        /// The media type found.
        found: String,
    },
    /// No trusted key has signed it.
    #[error("the signature is by none of the {keys} trusted keys")]
    NotTrusted {
        /// How many keys are trusted.
        keys: usize,
    },
}

/// Why a database is not the one that a statement vouches for, or not any more.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StatementError {
    /// Another file was signed.
    #[error("the database has digest {found}, signed was sha256:{signed}")]
    Digest {
        /// What was signed.
        signed: String,
        /// What there is.
        found: Digest,
    },
    /// Its last day is over.
    #[error("the database expired: its signature holds until {expires}, today is {today}")]
    Expired {
        /// Its last day.
        expires: Date,
        /// Today.
        today: Date,
    },
    /// What is installed is newer.
    #[error("the database of {offered} is older than the installed one of {installed}")]
    Older {
        /// The day of the one offered.
        offered: Date,
        /// The day of the one installed.
        installed: Date,
    },
}

impl Statement {
    /// Makes the statement on a database.
    #[must_use]
    pub fn of(database: &Database, expires: Option<Date>) -> Self {
        let info = database.info();
        Self { sha256: database.digest().hex(), size: info.size, built: info.built, expires }
    }

    /// The last day on which the database may be used.
    #[must_use]
    pub const fn expires(&self) -> Option<Date> {
        self.expires
    }

    /// Makes sure that the statement is on this very file.
    ///
    /// # Errors
    /// If it is on another one.
    pub fn is_on(&self, database: &Database) -> Result<(), StatementError> {
        let found = database.digest();
        if found.hex() == self.sha256 && database.info().size == self.size {
            Ok(())
        } else {
            Err(StatementError::Digest { signed: clipped(&self.sha256), found })
        }
    }

    /// Makes sure that the statement still holds on the day `today`.
    ///
    /// # Errors
    /// If its last day is over.
    pub fn holds_on(&self, today: Date) -> Result<(), StatementError> {
        match self.expires {
            Some(expires) if expires < today => Err(StatementError::Expired { expires, today }),
            _ => Ok(()),
        }
    }

    /// Signs it; the same key and statement always give the same bytes.
    ///
    /// # Errors
    /// If it makes no JSON.
    pub fn sign(&self, key: &SigningKey) -> Result<Vec<u8>, serde_json::Error> {
        let payload = serde_json::to_vec(self)?;
        let sig = key.sign(&pre_authentication(PAYLOAD_TYPE, &payload));
        let envelope = Envelope {
            payload: STANDARD.encode(&payload),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures: vec![Signature { keyid: key.id(), sig: STANDARD.encode(sig) }],
        };
        let mut bytes = serde_json::to_vec(&envelope)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// Makes sure that `offered` is not older than what is `installed`.
///
/// # Errors
/// If it is.
pub fn not_older(offered: &Database, installed: &Database) -> Result<(), StatementError> {
    match (offered.info().built, installed.info().built) {
        (offered, Some(installed)) if offered.is_none_or(|offered| offered < installed) => {
            Err(StatementError::Older { offered: offered.unwrap_or(Date::MIN), installed })
        }
        _ => Ok(()),
    }
}

/// Reads an envelope that one of `keys` has signed.
///
/// # Errors
/// If it is malformed, about something else, or signed by nobody trusted.
pub fn verify(envelope: &[u8], keys: &[TrustedKey]) -> Result<Statement, SignatureError> {
    let envelope: Envelope = serde_json::from_slice(envelope).map_err(|_| SignatureError::Malformed)?;
    if envelope.payload_type != PAYLOAD_TYPE {
        return Err(SignatureError::PayloadType { found: clipped(&envelope.payload_type) });
    }
    let payload = decode(&envelope.payload)?;
    let message = pre_authentication(&envelope.payload_type, &payload);
    if envelope.signatures.len() > SIGNATURES {
        return Err(SignatureError::Malformed);
    }
    for signature in &envelope.signatures {
        // The id of the key is a hint that anyone may write; it decides nothing.
        let sig = decode(&signature.sig)?;
        if keys.iter().any(|key| key.has_signed(&message, &sig)) {
            return serde_json::from_slice(&payload).map_err(|_| SignatureError::Malformed);
        }
    }
    Err(SignatureError::NotTrusted { keys: keys.len() })
}

/// What is signed: the type and the payload, each led by its length.
fn pre_authentication(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut message = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    message.extend_from_slice(payload);
    message
}

/// Either alphabet, as the protocol demands.
fn decode(text: &str) -> Result<Vec<u8>, SignatureError> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).map_err(|_| SignatureError::Malformed)
}

fn clipped(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests;
