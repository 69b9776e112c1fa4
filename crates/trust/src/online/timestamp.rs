//! Timestamps (RFC 3161) over the network. Whether an answer is signed by whom one trusts is seen later, with the whole bundle.

use super::error::{Service, ServiceError};
use super::network::{Ask, Body, Network};
use crate::signing::timestamp::Question;

/// No token is larger.
const TOKEN_LIMIT: u64 = 256 << 10;

/// Asks for a timestamp over `signed`; gives the whole answer, which is what bundles hold.
pub(crate) fn timestamp(network: &Network, url: &str, signed: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let ask = |body| {
        let body = Body::Bytes("application/timestamp-query", body);
        let ask = Ask::post(Service::Timestamps, url, body);
        Ask { accept: "application/timestamp-reply", limit: TOKEN_LIMIT, ..ask }
    };
    let question = Question::over(signed).map_err(|error| ask(Vec::new()).unusable(error))?;
    let ask = ask(question.der().to_vec());
    let answer = network.fetch(&ask)?;
    question.token(&answer).map_err(|error| ask.unusable(error))?;
    Ok(answer)
}
