//! Logging in on another device: a code is shown, and whoever types it at the issuer gives the token (RFC 8628).

use std::time::{Duration, Instant};

use plimsoll_formats::strict;
use serde::Deserialize;

use super::Token;
use super::provider::{Provider, SCOPE, TokenAnswer, token};
use crate::online::error::{Problem, Service, ServiceError};
use crate::online::network::{ANSWER_LIMIT, Ask, Attempts, Body, Network};

/// How long is waited between two questions if the issuer does not say, and how much longer if it was too often.
const INTERVAL: u64 = 5;
/// It is waited no longer for who logs in, whatever the issuer says.
const LONGEST: u64 = 15 * 60;

/// What is shown to who logs in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Invitation {
    /// Where to go.
    pub url: String,
    /// What to type there.
    pub code: String,
}

#[derive(Deserialize)]
struct Wire {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: Option<String>,
    expires_in: Option<u64>,
    interval: Option<u64>,
}

/// Shows a code, and waits until somebody has logged in with it.
///
/// # Errors
/// See [`ServiceError`].
pub fn login(
    network: &Network,
    provider: &Provider,
    client: &str,
    show: &mut dyn FnMut(&Invitation),
) -> Result<Token, ServiceError> {
    let missing = || {
        let problem = Problem::Denied("it does not log in on other devices".to_owned());
        ServiceError { service: Service::Issuer, url: provider.issuer.clone(), problem }
    };
    let url = provider.device.as_deref().ok_or_else(missing)?;
    let body = Body::Form(vec![("client_id", client), ("scope", SCOPE)]);
    let ask = Ask::post(Service::Issuer, url, body);
    let wire: Wire = strict::read(&network.fetch(&ask)?, usize::try_from(ANSWER_LIMIT).unwrap_or(usize::MAX))
        .map_err(|error| ask.unusable(error))?;
    show(&Invitation {
        url: wire.verification_uri_complete.unwrap_or(wire.verification_uri),
        code: wire.user_code,
    });
    let until = Duration::from_secs(wire.expires_in.unwrap_or(LONGEST).min(LONGEST));
    let begun = Instant::now();
    let mut interval = wire.interval.unwrap_or(INTERVAL).clamp(1, 60);
    while begun.elapsed() < until {
        network.wait(Duration::from_secs(interval));
        let body = Body::Form(vec![
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", &wire.device_code),
            ("client_id", client),
        ]);
        let ask = Ask { attempts: Attempts::One, ..Ask::post(Service::Issuer, &provider.token, body) };
        match token(network, &ask)? {
            TokenAnswer::Token(token) => return Ok(token),
            TokenAnswer::Error(error) if error == "authorization_pending" => {}
            TokenAnswer::Error(error) if error == "slow_down" => interval = interval.saturating_add(INTERVAL),
            TokenAnswer::Error(error) => {
                return Err(ask.failed(Problem::Denied(plimsoll_http::clipped(&error))));
            }
        }
    }
    Err(ask.failed(Problem::Denied("nobody logged in in time".to_owned())))
}
