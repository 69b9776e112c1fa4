//! Envelopes in COSE, `COSE_Sign1` with its tag
//! (<https://github.com/notaryproject/specifications/blob/main/specs/signature-envelope-cose.md>). What is signed holds the very
//! bytes of the protected headers. Labels that are there twice are refused by `coset`.

use coset::cbor::Value;
use coset::iana::{self, EnumI64 as _};
use coset::{
    Algorithm as Labeled, ContentType, CoseSign1, Header, Label, RegisteredLabelWithPrivate,
    TaggedCborSerializable as _,
};
use jiff::Timestamp;

use super::ENVELOPE_LIMIT;
use super::algorithm::Algorithm;
use super::envelope::{
    AUTHENTIC_TIME, EXPIRY, Envelope, EnvelopeError, Protected, SCHEME, SIGNING_TIME, TIMESTAMP,
    check_unsigned, malformed, refused,
};

/// Reads an envelope.
///
/// # Errors
/// See [`EnvelopeError`].
pub fn read(bytes: &[u8]) -> Result<Envelope, EnvelopeError> {
    if bytes.len() > ENVELOPE_LIMIT {
        return Err(malformed(format!("it is larger than {ENVELOPE_LIMIT} bytes")));
    }
    let message = CoseSign1::from_tagged_slice(bytes).map_err(malformed)?;
    let header = &message.protected.header;
    check_disjoint(header, &message.unprotected)?;
    let algorithm = algorithm(header)?;
    let claims = protected(header)?.claims()?;
    let chain = get(&message.unprotected, &CHAIN).or_else(|| get(header, &CHAIN));
    let certificates = certificates(chain)?;
    let timestamp = match get(&message.unprotected, &Label::Text(TIMESTAMP.to_owned())) {
        None => None,
        Some(Value::Bytes(token)) => Some(token.clone()).filter(|token| !token.is_empty()),
        Some(_) => return Err(malformed(format!("its {TIMESTAMP} is no byte string"))),
    };
    check_unsigned(certificates.len(), timestamp.as_deref())?;
    let content_type = match &header.content_type {
        Some(ContentType::Text(text)) => text.clone(),
        _ => String::new(),
    };
    let payload = message.payload.clone().ok_or_else(|| malformed("its payload is not in it"))?;
    Ok(Envelope {
        signed: message.tbs_data(&[]),
        signature: message.signature,
        algorithm,
        content_type,
        payload,
        scheme: claims.scheme,
        time: claims.time,
        expiry: claims.expiry,
        certificates,
        timestamp,
    })
}

/// The label of certificates, by RFC 9360.
const CHAIN: Label = Label::Int(33);

/// A header has one value.
fn check_disjoint(signed: &Header, unsigned: &Header) -> Result<(), EnvelopeError> {
    let twice = unsigned.rest.iter().any(|(label, _)| get(signed, label).is_some());
    if twice || unsigned.alg.is_some() || !unsigned.crit.is_empty() || unsigned.content_type.is_some() {
        return refused("it has headers that are signed and not signed".to_owned());
    }
    Ok(())
}

fn algorithm(header: &Header) -> Result<Algorithm, EnvelopeError> {
    match &header.alg {
        Some(Labeled::Assigned(iana::Algorithm::PS256)) => Ok(Algorithm::Ps256),
        Some(Labeled::Assigned(iana::Algorithm::PS384)) => Ok(Algorithm::Ps384),
        Some(Labeled::Assigned(iana::Algorithm::PS512)) => Ok(Algorithm::Ps512),
        Some(Labeled::Assigned(iana::Algorithm::ES256)) => Ok(Algorithm::Es256),
        Some(Labeled::Assigned(iana::Algorithm::ES384)) => Ok(Algorithm::Es384),
        Some(Labeled::Assigned(iana::Algorithm::ES512)) => Ok(Algorithm::Es512),
        Some(other) => refused(format!("the algorithm {other:?} is not accepted")),
        None => refused("it tells no algorithm".to_owned()),
    }
}

fn protected(header: &Header) -> Result<Protected, EnvelopeError> {
    let scheme = match get(header, &Label::Text(SCHEME.to_owned())) {
        None => None,
        Some(Value::Text(text)) => Some(text.clone()),
        Some(_) => return Err(malformed("its signing scheme is no text")),
    };
    Ok(Protected {
        scheme,
        signing_time: time(header, SIGNING_TIME)?,
        authentic_time: time(header, AUTHENTIC_TIME)?,
        expiry: time(header, EXPIRY)?,
        critical: header.crit.iter().map(critical).collect(),
        names: header.rest.iter().map(|(label, _)| named(label)).collect(),
    })
}

fn critical(label: &RegisteredLabelWithPrivate<iana::HeaderParameter>) -> String {
    match label {
        RegisteredLabelWithPrivate::Text(text) => text.clone(),
        RegisteredLabelWithPrivate::Assigned(label) => label.to_i64().to_string(),
        RegisteredLabelWithPrivate::PrivateUse(label) => label.to_string(),
    }
}

fn named(label: &Label) -> String {
    match label {
        Label::Int(label) => label.to_string(),
        Label::Text(text) => text.clone(),
    }
}

fn get<'a>(header: &'a Header, wanted: &Label) -> Option<&'a Value> {
    header.rest.iter().find(|(label, _)| label == wanted).map(|(_, value)| value)
}

/// Times are seconds since 1970 with the tag that says so.
fn time(header: &Header, name: &str) -> Result<Option<Timestamp>, EnvelopeError> {
    let broken = || malformed(format!("its header {name} is no time in seconds"));
    match get(header, &Label::Text(name.to_owned())) {
        None => Ok(None),
        Some(Value::Tag(1, seconds)) => {
            let seconds = seconds.as_integer().and_then(|seconds| i64::try_from(seconds).ok());
            let time = Timestamp::from_second(seconds.ok_or_else(broken)?);
            time.map(Some).map_err(|_| broken())
        }
        Some(_) => Err(broken()),
    }
}

fn certificates(chain: Option<&Value>) -> Result<Vec<Vec<u8>>, EnvelopeError> {
    let broken = || malformed("its label 33 is no list of certificates");
    match chain {
        None => Ok(Vec::new()),
        Some(Value::Bytes(one)) => Ok(vec![one.clone()]),
        Some(Value::Array(all)) => all.iter().map(|one| one.as_bytes().cloned().ok_or_else(broken)).collect(),
        Some(_) => Err(broken()),
    }
}
