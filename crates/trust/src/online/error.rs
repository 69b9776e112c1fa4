//! Why a service did not do what it was asked: which one, where, what it said, and what to do now.

use std::fmt;

/// The kinds of services.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Service {
    /// The authority of certificates.
    Fulcio,
    /// Who tells whose token it is.
    Issuer,
    /// The transparency log.
    Rekor,
    /// The authority of timestamps.
    Timestamps,
    /// The repository of trusted roots.
    Tuf,
}

impl Service {
    /// The words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fulcio => "the certificate authority (Fulcio)",
            Self::Issuer => "the issuer of identities (OpenID Connect)",
            Self::Rekor => "the transparency log (Rekor)",
            Self::Timestamps => "the timestamp authority",
            Self::Tuf => "the repository of trusted roots (TUF)",
        }
    }
}

/// A service did not do what it was asked.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{} at {url} {problem}", service.as_str())]
pub struct ServiceError {
    /// Which.
    pub service: Service,
    /// Its address, without anything secret.
    pub url: String,
    /// Why.
    pub problem: Problem,
}

/// What went wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Problem {
    /// The address is none that can be asked.
    Address,
    /// A setting of the connection cannot be used.
    Setting(String),
    /// No connection, or it broke.
    Unreachable(String),
    /// No answer in time.
    Slow(u64),
    /// It answered with this status and these words.
    Status(u16, String),
    /// Its answer is larger than any it may give.
    TooLarge(u64),
    /// Its answer is not what it must be.
    Answer(String),
    /// The user, or the issuer, said no.
    Denied(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("cannot be asked: that is no http(s) address"),
            Self::Setting(why) => write!(f, "cannot be asked: {why}"),
            Self::Unreachable(why) => write!(f, "cannot be reached: {why}"),
            Self::Slow(seconds) => write!(f, "did not answer within {seconds} s"),
            Self::Status(status, words) if words.is_empty() => write!(f, "answered {status}"),
            Self::Status(status, words) => write!(f, "answered {status}: {words}"),
            Self::TooLarge(limit) => write!(f, "answered with more than {limit} bytes"),
            Self::Answer(why) => write!(f, "gave an answer that cannot be used: {why}"),
            Self::Denied(why) => write!(f, "gave no token: {why}"),
        }
    }
}

impl ServiceError {
    /// What to do now.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        Some(match (self.service, &self.problem) {
            (_, Problem::Status(429, _)) => "it asks for fewer requests: wait a while, then sign again",
            (_, Problem::Status(500..=599, _)) => {
                "the service has trouble of its own: sign again later, or name another one with --signing-config"
            }
            (Service::Fulcio, Problem::Status(400 | 401 | 403, _)) => {
                "tokens end within minutes and must be for the audience that the authority expects (mostly \"sigstore\"): \
                 get a new one; its issuer must be one that this authority knows"
            }
            (Service::Rekor, Problem::Status(400, _)) => {
                "the log may know no such key or another version of its interface: see --rekor-version"
            }
            (_, Problem::Status(404 | 405, _)) => {
                "nothing of the kind is there: look at the address in --signing-config or of --fulcio-url, --rekor-url, \
                 --tsa-url, --oidc-issuer, --mirror"
            }
            (_, Problem::Unreachable(_) | Problem::Slow(_)) => {
                "is the network there, and a proxy needed (https_proxy)? Nothing was signed that is not told"
            }
            (Service::Issuer, Problem::Denied(_)) => {
                "sign in once more, or give a token with --identity-token-file"
            }
            _ => return None,
        })
    }
}
