//! What the two kinds of envelopes have in common: a payload, protected headers, a signature over both, and certificates.

use jiff::Timestamp;

use super::algorithm::Algorithm;
use super::chain::CHAIN_LIMIT;

pub(crate) const SCHEME: &str = "io.cncf.notary.signingScheme";
pub(crate) const SIGNING_TIME: &str = "io.cncf.notary.signingTime";
pub(crate) const AUTHENTIC_TIME: &str = "io.cncf.notary.authenticSigningTime";
pub(crate) const EXPIRY: &str = "io.cncf.notary.expiry";
pub(crate) const TIMESTAMP: &str = "io.cncf.notary.timestampSignature";
/// What names a plugin that must take part, of which there is none here.
const PLUGIN: &str = "io.cncf.notary.verificationPlugin";

/// A larger timestamp token is refused.
const TOKEN_LIMIT: usize = 1 << 20;

/// An envelope, of which nothing is verified.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// The bytes that are signed.
    pub(crate) signed: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    /// What it says it is signed with.
    pub(crate) algorithm: Algorithm,
    pub(crate) content_type: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) scheme: SigningScheme,
    pub(crate) time: Timestamp,
    pub(crate) expiry: Option<Timestamp>,
    /// The certificates, the one that signed first.
    pub(crate) certificates: Vec<Vec<u8>>,
    pub(crate) timestamp: Option<Vec<u8>>,
}

/// Whose word the time of signing is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum SigningScheme {
    /// The signer's, which is nobody's.
    X509,
    /// That of an authority that signs for others.
    SigningAuthority,
}

impl SigningScheme {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::X509 => "notary.x509",
            Self::SigningAuthority => "notary.x509.signingAuthority",
        }
    }
}

/// Why bytes are no envelope.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// It is malformed, or can be read in two ways.
    #[error("{0}")]
    Malformed(String),
    /// The specification does not allow it.
    #[error("{0}")]
    Refused(String),
}

/// What the protected headers have, in either encoding.
#[derive(Debug, Default)]
pub(crate) struct Protected {
    pub(crate) scheme: Option<String>,
    pub(crate) signing_time: Option<Timestamp>,
    pub(crate) authentic_time: Option<Timestamp>,
    pub(crate) expiry: Option<Timestamp>,
    pub(crate) critical: Vec<String>,
    /// The names of all headers beside those that the encoding itself has.
    pub(crate) names: Vec<String>,
}

/// What follows from protected headers.
#[derive(Debug)]
pub(crate) struct Claims {
    pub(crate) scheme: SigningScheme,
    pub(crate) time: Timestamp,
    pub(crate) expiry: Option<Timestamp>,
}

impl Protected {
    /// Checks what the specification demands of headers, and gives what they say.
    pub(crate) fn claims(&self) -> Result<Claims, EnvelopeError> {
        let scheme = match self.scheme.as_deref() {
            Some("notary.x509") => SigningScheme::X509,
            Some("notary.x509.signingAuthority") => SigningScheme::SigningAuthority,
            Some(other) => return refused(format!("the signing scheme {other:?} is not known")),
            None => return refused("it tells no signing scheme".to_owned()),
        };
        if let Some(plugin) = self.names.iter().find(|name| name.starts_with(PLUGIN)) {
            return refused(format!("its header {plugin} demands a plugin"));
        }
        self.check_critical(scheme)?;
        let (name, wanted, other) = match scheme {
            SigningScheme::X509 => (SIGNING_TIME, self.signing_time, self.authentic_time),
            SigningScheme::SigningAuthority => (AUTHENTIC_TIME, self.authentic_time, self.signing_time),
        };
        let (Some(time), None) = (wanted, other) else {
            let scheme = scheme.as_str();
            return refused(format!("its time, which for {scheme} is {name} and no other, is not there"));
        };
        if self.expiry.is_some_and(|expiry| expiry <= time) {
            return refused("it expires before it was made".to_owned());
        }
        Ok(Claims { scheme, time, expiry: self.expiry })
    }

    /// What is critical must be known here and be there; what must be critical is.
    fn check_critical(&self, scheme: SigningScheme) -> Result<(), EnvelopeError> {
        const KNOWN: [&str; 4] = [AUTHENTIC_TIME, EXPIRY, SCHEME, SIGNING_TIME];
        for (index, name) in self.critical.iter().enumerate() {
            if !KNOWN.contains(&name.as_str()) {
                let name: String = name.chars().take(80).collect();
                return refused(format!("its critical header {name:?} is not known"));
            }
            if !self.names.contains(name) {
                return refused(format!("its critical header {name} is not there"));
            }
            if self.critical.iter().take(index).any(|before| before == name) {
                return refused(format!("its header {name} is critical twice"));
            }
        }
        let mut needed = vec![SCHEME];
        if scheme == SigningScheme::SigningAuthority {
            needed.push(AUTHENTIC_TIME);
        }
        if self.expiry.is_some() {
            needed.push(EXPIRY);
        }
        match needed.iter().find(|name| !self.critical.iter().any(|critical| critical == *name)) {
            Some(name) => refused(format!("its header {name} is not critical")),
            None => Ok(()),
        }
    }
}

/// Limits of what is beside the protected headers.
pub(crate) fn check_unsigned(certificates: usize, token: Option<&[u8]>) -> Result<(), EnvelopeError> {
    if certificates == 0 {
        return refused("it has no certificates".to_owned());
    }
    if certificates > CHAIN_LIMIT {
        return refused(format!("it has more than {CHAIN_LIMIT} certificates"));
    }
    if token.is_some_and(|token| token.len() > TOKEN_LIMIT) {
        return refused(format!("its timestamp is larger than {TOKEN_LIMIT} bytes"));
    }
    Ok(())
}

pub(crate) fn refused<T>(words: String) -> Result<T, EnvelopeError> {
    Err(EnvelopeError::Refused(words))
}

pub(crate) fn malformed(words: impl ToString) -> EnvelopeError {
    EnvelopeError::Malformed(words.to_string())
}
