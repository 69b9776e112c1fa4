//! Tokens of the machine it runs on: a job of a CI system, a machine in a cloud. Where a program of theirs gives the token, it is
//! the caller who starts it.

use plimsoll_formats::strict;
use plimsoll_http::Secret;
use serde::Deserialize;

use super::AUDIENCE;
use crate::online::error::{Service, ServiceError};
use crate::online::network::{Ask, Network};

/// Where machines of Google's cloud ask.
const GOOGLE: &str = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/identity?audience=sigstore&format=full";

#[derive(Deserialize)]
struct GitHub {
    value: String,
}

/// The text of a token for a job of GitHub Actions, which has the address and the right to ask in its variables
/// `ACTIONS_ID_TOKEN_REQUEST_URL` and `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
///
/// # Errors
/// See [`ServiceError`].
pub fn github(network: &Network, url: &str, request_token: &Secret) -> Result<Secret, ServiceError> {
    let separator = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{separator}audience={AUDIENCE}");
    let ask = Ask { bearer: Some(request_token), ..Ask::get(Service::Issuer, &url) };
    let answer = network.fetch(&ask)?;
    // What is no such answer may still hold a token, so that its words are not told.
    let answer: Result<GitHub, _> = strict::read(&answer, super::TOKEN_LIMIT);
    answer.map(|answer| Secret::new(answer.value)).map_err(|_| ask.unusable("there is no token in it"))
}

/// The text of a token for a machine of Google's cloud, from its metadata server.
///
/// # Errors
/// See [`ServiceError`].
pub fn google(network: &Network) -> Result<Secret, ServiceError> {
    let ask = Ask {
        header: Some(("Metadata-Flavor", "Google")),
        accept: "text/plain",
        ..Ask::get(Service::Issuer, GOOGLE)
    };
    let answer = network.fetch(&ask)?;
    let text = String::from_utf8(answer).map_err(|_| ask.unusable("there is no token in it"))?;
    Ok(Secret::new(text))
}
