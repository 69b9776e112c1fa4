//! Why a feed could not be had. Errors name hosts, never addresses: these may hold a token.

use std::error::Error;
use std::io;
use std::time::Duration;

use plimsoll_http::{RedirectProblem, Seconds, TlsProblem, Unusable};

/// Why a feed could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// A setting cannot be used.
    #[error(transparent)]
    Settings(#[from] Unusable),
    /// No connection came about, or it broke.
    #[error("the connection to {host} failed")]
    Unreachable {
        /// Who was asked.
        host: String,
        /// What the system or the HTTP layer said.
        source: Box<dyn Error + Send + Sync>,
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
    #[error("{host} sent nothing for {}", Seconds(*after))]
    TimedOut {
        /// Who was asked.
        host: String,
        /// How long we waited.
        after: Duration,
    },
    /// All tries together took too long.
    #[error("it did not come within {}", Seconds(*limit))]
    TooLong {
        /// The limit.
        limit: Duration,
    },
    /// The upstream answered with a status other than success.
    #[error("{host} answered {status}{}", asked(*wait))]
    Status {
        /// Who answered.
        host: String,
        /// The HTTP status.
        status: u16,
        /// How long it wants us to wait, if it said so.
        wait: Option<Duration>,
    },
    /// A redirect that is not followed.
    #[error("{host} redirected {problem}")]
    Redirect {
        /// Who redirected.
        host: String,
        /// What is wrong with the redirect.
        problem: RedirectProblem,
    },
    /// It is larger than the limit.
    #[error("it is larger than the limit of {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// All feeds of this run together are larger than the limit.
    #[error("the feeds together are larger than the limit of {limit} bytes")]
    TotalTooLarge {
        /// The limit.
        limit: u64,
    },
    /// What came is not what was asked for.
    #[error("what {host} sent is not the feed: {why}")]
    Content {
        /// Who sent it.
        host: String,
        /// What is wrong with it.
        why: String,
    },
    /// A file of the store cannot be read or written.
    #[error("{doing}")]
    File {
        /// What we were doing.
        doing: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The source names no address.
    #[error("the source has no address")]
    NoAddress,
    /// The work was ended from outside.
    #[error("the work was stopped")]
    Stopped,
}

fn asked(wait: Option<Duration>) -> String {
    wait.map_or_else(String::new, |wait| format!(" and wants a wait of {}", Seconds(wait)))
}
