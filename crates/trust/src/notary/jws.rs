//! Envelopes in JWS, JSON serialization, flattened
//! (<https://github.com/notaryproject/specifications/blob/main/specs/signature-envelope-jws.md>). What is signed are the very
//! characters of the protected headers and the payload.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use plimsoll_formats::strict;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::ENVELOPE_LIMIT;
use super::algorithm::Algorithm;
use super::envelope::{
    AUTHENTIC_TIME, EXPIRY, Envelope, EnvelopeError, Protected, SCHEME, SIGNING_TIME, TIMESTAMP,
    check_unsigned, malformed, refused,
};

/// Headers of JWS itself, which are never listed as critical.
const REGISTERED: [&str; 3] = ["alg", "cty", "crit"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    payload: String,
    protected: String,
    #[serde(default)]
    header: Map<String, Value>,
    signature: String,
}

/// Reads an envelope.
///
/// # Errors
/// See [`EnvelopeError`].
pub fn read(bytes: &[u8]) -> Result<Envelope, EnvelopeError> {
    let wire: Wire = strict::read(bytes, ENVELOPE_LIMIT).map_err(malformed)?;
    let headers = url_decoded(&wire.protected, "protected")?;
    let headers: Map<String, Value> = strict::read(&headers, ENVELOPE_LIMIT).map_err(malformed)?;
    if let Some(name) = wire.header.keys().find(|name| headers.contains_key(*name)) {
        return refused(format!("its header {name:?} is signed and not signed"));
    }
    let algorithm = text(&headers, "alg")?.unwrap_or_default();
    let Some(algorithm) = Algorithm::ALL.into_iter().find(|known| known.as_str() == algorithm) else {
        return refused(format!("the algorithm {algorithm:?} is not accepted"));
    };
    let claims = protected(&headers)?.claims()?;
    let certificates = certificates(&wire.header)?;
    let timestamp = text(&wire.header, TIMESTAMP)?.filter(|token| !token.is_empty());
    let timestamp = timestamp
        .map(|token| STANDARD.decode(token))
        .transpose()
        .map_err(|_| malformed(format!("its {TIMESTAMP} is not in Base64")))?;
    check_unsigned(certificates.len(), timestamp.as_deref())?;
    Ok(Envelope {
        signed: format!("{}.{}", wire.protected, wire.payload).into_bytes(),
        signature: url_decoded(&wire.signature, "signature")?,
        algorithm,
        content_type: text(&headers, "cty")?.unwrap_or_default().to_owned(),
        payload: url_decoded(&wire.payload, "payload")?,
        scheme: claims.scheme,
        time: claims.time,
        expiry: claims.expiry,
        certificates,
        timestamp,
    })
}

fn protected(headers: &Map<String, Value>) -> Result<Protected, EnvelopeError> {
    let critical = match headers.get("crit") {
        Some(Value::Array(names)) => names
            .iter()
            .map(|name| {
                name.as_str().map(str::to_owned).ok_or_else(|| malformed("its crit is no list of names"))
            })
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(malformed("its crit is no list of names")),
        None => Vec::new(),
    };
    Ok(Protected {
        scheme: text(headers, SCHEME)?.map(str::to_owned),
        signing_time: time(headers, SIGNING_TIME)?,
        authentic_time: time(headers, AUTHENTIC_TIME)?,
        expiry: time(headers, EXPIRY)?,
        critical,
        names: headers.keys().filter(|name| !REGISTERED.contains(&name.as_str())).cloned().collect(),
    })
}

fn certificates(header: &Map<String, Value>) -> Result<Vec<Vec<u8>>, EnvelopeError> {
    let broken = || malformed("its x5c is no list of certificates in Base64");
    match header.get("x5c") {
        None => Ok(Vec::new()),
        Some(Value::Array(certificates)) => certificates
            .iter()
            .map(|text| STANDARD.decode(text.as_str().ok_or_else(broken)?).map_err(|_| broken()))
            .collect(),
        Some(_) => Err(broken()),
    }
}

fn text<'a>(headers: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, EnvelopeError> {
    match headers.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(malformed(format!("its header {name} is no text"))),
    }
}

fn time(headers: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>, EnvelopeError> {
    let broken = |_| malformed(format!("its header {name} is no time"));
    text(headers, name)?.map(str::parse).transpose().map_err(broken)
}

fn url_decoded(text: &str, name: &str) -> Result<Vec<u8>, EnvelopeError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed(format!("its {name} is not in Base64 for URLs")))
}
