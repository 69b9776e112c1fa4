//! Asks an authority when a signature was made (RFC 3161). The token is signed, so that plain HTTP does no harm; who may sign it is
//! for verifiers to say.

use plimsoll_http::{clipped, host};
use plimsoll_trust::signing::timestamp::{self, AnswerError};
use reqwest::{Method, Url};

use crate::kms::wire::{Request, Wire};
use crate::kms::{KmsError, Surroundings};

/// An authority of timestamps.
pub struct Stamper {
    wire: Wire,
    url: Url,
}

impl std::fmt::Debug for Stamper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Stamper").field(&self.url.as_str()).finish()
    }
}

/// Why there is no timestamp.
#[derive(Debug, thiserror::Error)]
pub enum StampError {
    /// No address.
    #[error("{0:?} is no address of an authority of timestamps: expected http:// or https://")]
    Address(String),
    /// It could not be asked.
    #[error("asking the authority of timestamps")]
    Ask(#[from] KmsError),
    /// It gave none.
    #[error("the authority of timestamps at {host}: {source}")]
    Answer {
        /// Which.
        host: String,
        /// Why.
        source: AnswerError,
    },
}

impl Stamper {
    /// The authority at `address`, which is not asked yet.
    ///
    /// # Errors
    /// See [`StampError`].
    pub fn new(address: &str, surroundings: &Surroundings) -> Result<Self, StampError> {
        let wrong = || StampError::Address(clipped(address));
        let url = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        Ok(Self { wire: Wire::new(surroundings)?, url: url.ok_or_else(wrong)? })
    }

    /// A token over `message`.
    ///
    /// # Errors
    /// See [`StampError`].
    pub fn token(&self, message: &[u8]) -> Result<Vec<u8>, StampError> {
        let answered = |source| StampError::Answer { host: host(&self.url), source };
        let question = timestamp::Question::over(message).map_err(answered)?;
        let mut request = Request::get(self.url.clone()).with("content-type", "application/timestamp-query");
        (request.method, request.body) = (Method::POST, question.der().to_vec().into());
        let answer = self.wire.bytes(request)?;
        question.token(&answer).map_err(answered)
    }
}
