//! What can go wrong with a registry: who failed at what, and what the reader may do about it.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use plimsoll_http::{RedirectProblem, Seconds, TlsProblem, Unusable};
use plimsoll_model::digest::BlobDigest;

/// A lower error, kept for the chain of causes.
pub type Cause = Box<dyn Error + Send + Sync>;

/// Why a registry did not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A setting, or a file that it names, cannot be used.
    #[error("registry setting {what} cannot be used: {why}")]
    Settings {
        /// The setting.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// No connection came about, or it broke.
    #[error("the connection to {host} failed")]
    Unreachable {
        /// Who was asked.
        host: String,
        /// What the system or the HTTP layer said.
        source: Cause,
    },
    /// The TLS handshake failed.
    #[error("no trusted connection to {host}: {problem}")]
    Tls {
        /// Who was asked.
        host: String,
        /// The reason.
        problem: TlsProblem,
    },
    /// Nothing came in time.
    #[error("{host} did not answer within {} while {doing}", Seconds(*after))]
    TimedOut {
        /// Who was asked.
        host: String,
        /// What was going on.
        doing: String,
        /// How long we waited.
        after: Duration,
    },
    /// The registry or its token service wants other credentials.
    #[error("{host} refused access to {what} {login}{}", Note(note.as_deref()))]
    AuthRefused {
        /// Who refused.
        host: String,
        /// What was asked for.
        what: String,
        /// As whom we came.
        login: Login,
        /// Trouble met while looking for credentials, or the registry's own words.
        note: Option<String>,
    },
    /// The registry knows no such thing, or does not admit it.
    #[error("{host} has no {what}")]
    NotFound {
        /// Who was asked.
        host: String,
        /// What was asked for.
        what: String,
    },
    /// The registry wants fewer requests.
    #[error("{host} limits the rate of requests{}", Wait(*wait))]
    RateLimited {
        /// Who limits.
        host: String,
        /// How long it wants us to wait, if it said so.
        wait: Option<Duration>,
    },
    /// The registry answered with a status that has no meaning here.
    #[error("{host} answered {status} to the request for {what}{}", Note(message.as_deref()))]
    Status {
        /// Who answered.
        host: String,
        /// What was asked for.
        what: String,
        /// The HTTP status.
        status: u16,
        /// The registry's own words.
        message: Option<String>,
    },
    /// The registry answered with something malformed.
    #[error("{host} gave a malformed answer to the request for {what}: {why}")]
    Malformed {
        /// Who answered.
        host: String,
        /// What was asked for.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// A redirect that is not followed.
    #[error("{host} redirected the request for {what} {problem}")]
    Redirect {
        /// Who redirected.
        host: String,
        /// What was asked for.
        what: String,
        /// What is wrong with the redirect.
        problem: RedirectProblem,
    },
    /// The answer is larger than the limit.
    #[error("{what} is larger than the limit of {limit} bytes")]
    TooLarge {
        /// What was asked for.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// The bytes are not those that the digest names.
    #[error("{what} has digest {actual}, expected {expected}")]
    Digest {
        /// What was asked for.
        what: String,
        /// The digest asked for, or told by the registry.
        expected: BlobDigest,
        /// The digest of the bytes that came.
        actual: BlobDigest,
    },
    /// The registry's blob has another length than its descriptor tells.
    #[error("{what} has {offered} bytes or more, its descriptor says {expected}")]
    Longer {
        /// What was asked for.
        what: String,
        /// The descriptor's size.
        expected: u64,
        /// How many came or were announced.
        offered: u64,
    },
    /// The registry's blob ends before the size that its descriptor tells.
    #[error("{what} has {offered} bytes, its descriptor says {expected}")]
    Shorter {
        /// What was asked for.
        what: String,
        /// The descriptor's size.
        expected: u64,
        /// How many came or were announced.
        offered: u64,
    },
    /// The manifest is of a kind that is not read.
    #[error("{what} has media type {found:?}, which is no image manifest or index")]
    MediaType {
        /// What was asked for.
        what: String,
        /// The media type found.
        found: String,
    },
    /// The manifest is of Docker's first, retired schema.
    #[error("{what} is a manifest of Docker's retired schema 1")]
    SchemaOne {
        /// What was asked for.
        what: String,
    },
    /// What is to be sent cannot be read.
    #[error("reading {what} to send it")]
    Local {
        /// What.
        what: String,
        /// Why.
        source: std::io::Error,
    },
    /// The client was shut down while somebody waited for it.
    #[error("the registry client was shut down")]
    Stopped,
}

impl From<Unusable> for RegistryError {
    fn from(Unusable { what, why }: Unusable) -> Self {
        Self::Settings { what, why }
    }
}

impl RegistryError {
    /// What the reader may do about it.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unreachable { .. } => Some("check the name, the network and the proxy settings"),
            Self::Tls { problem, .. } => tls_hint(problem),
            Self::AuthRefused { login: Login::Anonymous, .. } => Some(
                "log in (docker login, podman login): no credentials were found for this registry; \
                 many registries answer so for an image that does not exist, too",
            ),
            Self::AuthRefused { .. } => Some(
                "check that this login may pull the image; \
                 many registries answer so for an image that does not exist, too",
            ),
            Self::NotFound { .. } => Some(
                "check the spelling of repository and tag; registries answer so for private images as well: log in",
            ),
            Self::RateLimited { .. } => {
                Some("try again later, log in (limits are higher then), or configure a mirror")
            }
            Self::Digest { .. } | Self::Longer { .. } | Self::Shorter { .. } => {
                Some("the registry, or something on the way to it, changes content: do not trust this image")
            }
            Self::SchemaOne { .. } => Some("push the image again with a current tool"),
            Self::Redirect { problem: RedirectProblem::Downgrade, .. } => {
                Some("the registry leads from https to http, where anyone may change the content")
            }
            Self::TimedOut { .. } | Self::Status { .. } => Some("try again later"),
            _ => None,
        }
    }
}

/// As whom a request was made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Login {
    /// Without credentials.
    Anonymous,
    /// With a name and a password.
    User(String),
    /// With an identity token.
    IdentityToken,
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("without login"),
            Self::User(name) => write!(f, "to user {name:?}"),
            Self::IdentityToken => f.write_str("to the stored identity token"),
        }
    }
}

/// What the reader may do about a failed handshake.
const fn tls_hint(problem: &TlsProblem) -> Option<&'static str> {
    match problem {
        TlsProblem::UnknownIssuer => {
            Some("if it is your own registry, name its authority: ca-files = [\"FILE.pem\"]")
        }
        TlsProblem::SelfSigned => Some(
            "give the registry a certificate of its own, signed by your authority, and name that in ca-files; \
             or take any certificate: skip-verification = true",
        ),
        TlsProblem::NotTls => Some("if it is your own registry, allow it: plain-http = true"),
        TlsProblem::Expired => Some("check this machine's clock, then the registry's certificate"),
        TlsProblem::ClientCertificate => Some("set client-certificate and client-key for this registry"),
        TlsProblem::WrongName | TlsProblem::Other(_) => None,
    }
}

/// `: note`, or nothing.
struct Note<'a>(Option<&'a str>);

impl fmt::Display for Note<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |note| write!(f, ": {note}"))
    }
}

/// ` and wants a wait of 30 s`, or nothing.
struct Wait(Option<Duration>);

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |wait| write!(f, " and wants a wait of {}", Seconds(wait)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_limit_tells_the_wait() {
        let error = RegistryError::RateLimited { host: "h".into(), wait: Some(Duration::from_secs(90)) };
        assert_eq!(error.to_string(), "h limits the rate of requests and wants a wait of 90 s");
    }
}
