//! An issuer's addresses (OpenID Connect Discovery 1.0), and what it answers to who asks for a token.

use plimsoll_formats::strict;
use serde::Deserialize;

use super::Token;
use crate::online::error::{Problem, Service, ServiceError};
use crate::online::network::{ANSWER_LIMIT, Ask, Network, words};

/// What is asked to be known: who, and their address.
pub(super) const SCOPE: &str = "openid email";

/// An issuer that can be logged in at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Provider {
    /// Its name, which is its address.
    pub issuer: String,
    /// Where a browser goes.
    pub authorization: Option<String>,
    /// Where tokens are.
    pub token: String,
    /// Where codes for other devices are.
    pub device: Option<String>,
}

#[derive(Deserialize)]
struct Wire {
    issuer: String,
    authorization_endpoint: Option<String>,
    token_endpoint: String,
    device_authorization_endpoint: Option<String>,
}

#[derive(Deserialize)]
struct TokenWire {
    id_token: Option<String>,
    error: Option<String>,
}

impl Provider {
    /// Asks the issuer for its addresses.
    ///
    /// # Errors
    /// See [`ServiceError`].
    pub fn discover(network: &Network, issuer: &str) -> Result<Self, ServiceError> {
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let ask = Ask::get(Service::Issuer, &url);
        let answer = network.fetch(&ask)?;
        Self::read(&answer, issuer).map_err(|error| ask.unusable(error))
    }

    /// Reads what `issuer` says of itself. It speaks for nobody else, and what is secret is not sent in the clear where
    /// it itself is asked over TLS.
    ///
    /// # Errors
    /// If it is malformed, about another issuer, or leads away from TLS.
    pub fn read(answer: &[u8], issuer: &str) -> Result<Self, String> {
        let wire: Wire = strict::read(answer, limit()).map_err(|error| error.to_string())?;
        if wire.issuer.trim_end_matches('/') != issuer.trim_end_matches('/') {
            return Err("it is about another issuer".to_owned());
        }
        let scheme = if issuer.starts_with("http://") { "http" } else { "https://" };
        let all = [Some(&wire.token_endpoint), wire.authorization_endpoint.as_ref()];
        let all = all.into_iter().chain([wire.device_authorization_endpoint.as_ref()]).flatten();
        if all.into_iter().any(|url| !url.starts_with(scheme)) {
            return Err("it leads away from TLS".to_owned());
        }
        Ok(Self {
            issuer: wire.issuer,
            authorization: wire.authorization_endpoint,
            token: wire.token_endpoint,
            device: wire.device_authorization_endpoint,
        })
    }
}

/// What an issuer answered to who asked for a token.
pub(super) enum TokenAnswer {
    Token(Token),
    /// Not, for this reason.
    Error(String),
}

/// Asks for a token. Errors of the protocol are answers, too.
pub(super) fn token(network: &Network, ask: &Ask<'_>) -> Result<TokenAnswer, ServiceError> {
    let answer = network.send(ask)?;
    // An answer of success may hold a token, so that its words are not told.
    let wire: Result<TokenWire, _> = strict::read(&answer.body, limit());
    match (answer.status, wire) {
        (200..=299, Ok(TokenWire { id_token: Some(token), .. })) => {
            Token::read(&token).map(TokenAnswer::Token).map_err(|error| ask.unusable(error))
        }
        (200..=299, _) => Err(ask.unusable("there is no identity token in it")),
        (400..=499, Ok(TokenWire { error: Some(error), .. })) => Ok(TokenAnswer::Error(error)),
        (status, _) => Err(ask.failed(Problem::Status(status, words(&answer.body)))),
    }
}

fn limit() -> usize {
    usize::try_from(ANSWER_LIMIT).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_speaks_for_itself_and_over_tls() {
        let read = |text: &str, issuer: &str| Provider::read(text.as_bytes(), issuer);
        let sound = r#"{"issuer":"https://i.example","token_endpoint":"https://i.example/t"}"#;
        assert!(read(sound, "https://i.example/").is_ok());
        assert!(read(sound, "https://other.example").unwrap_err().contains("another issuer"));
        let clear = r#"{"issuer":"https://i.example","token_endpoint":"http://i.example/t"}"#;
        assert!(read(clear, "https://i.example").unwrap_err().contains("TLS"));
        let device = r#"{"issuer":"https://i.example","token_endpoint":"https://i.example/t",
            "device_authorization_endpoint":"http://i.example/d"}"#;
        assert!(read(device, "https://i.example").unwrap_err().contains("TLS"));
        assert!(read("{}", "https://i.example").is_err());
    }
}
