//! Timestamps (RFC 3161): what is asked, and what an answer says. Whether it is signed by whom one trusts is seen later, with the
//! whole bundle.

use aws_lc_rs::{digest, rand};
use x509_cert::der::asn1::{AnyRef, OctetStringRef, UintRef};
use x509_cert::der::{Decode as _, Encode as _, Reader as _, SliceReader, Tag, Tagged as _};

use super::error::{Service, ServiceError};
use super::network::{Ask, Body, Network};
use crate::notary::token::{Token, elements};

/// `AlgorithmIdentifier` of SHA-256, with its parameters.
const SHA256: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00];
/// How the parts of the request begin whose lengths are always the same: the whole with its version, and the imprint.
const REQUEST: [u8; 5] = [0x30, 0x43, 0x02, 0x01, 0x01];
const IMPRINT: [u8; 2] = [0x30, 0x31];
const HASH: [u8; 2] = [0x04, 0x20];
const NONCE: [u8; 2] = [0x02, 0x08];
const WITH_CERTIFICATES: [u8; 3] = [0x01, 0x01, 0xff];
/// No token is larger.
const TOKEN_LIMIT: u64 = 256 << 10;

/// Asks for a timestamp over `signed`; gives the whole answer, which is what bundles hold.
pub(crate) fn timestamp(network: &Network, url: &str, signed: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let mut nonce = [0_u8; 8];
    let hash = digest::digest(&digest::SHA256, signed);
    let ask = |body| {
        let body = Body::Bytes("application/timestamp-query", body);
        let ask = Ask::post(Service::Timestamps, url, body);
        Ask { accept: "application/timestamp-reply", limit: TOKEN_LIMIT, ..ask }
    };
    if rand::fill(&mut nonce).is_err() {
        return Err(ask(Vec::new()).unusable("no random number could be made for it"));
    }
    // Positive, and as long as it looks.
    if let Some(first) = nonce.first_mut() {
        *first = (*first & 0x7f) | 0x40;
    }
    let ask = ask(request(hash.as_ref(), &nonce));
    let answer = network.fetch(&ask)?;
    check(&answer, hash.as_ref(), &nonce).map_err(|error| ask.unusable(error))?;
    Ok(answer)
}

fn request(hash: &[u8], nonce: &[u8; 8]) -> Vec<u8> {
    [&REQUEST[..], &IMPRINT, &SHA256, &HASH, hash, &NONCE, nonce, &WITH_CERTIFICATES].concat()
}

/// Tells whether an answer grants a token over this SHA-256 for the request with this nonce. Nothing of it is believed yet.
///
/// # Errors
/// If it does not, or is none.
pub fn check(answer: &[u8], hash: &[u8], nonce: &[u8]) -> Result<(), String> {
    let malformed = |error: x509_cert::der::Error| format!("it is malformed: {error}");
    let outer = AnyRef::from_der(answer).map_err(malformed)?;
    if outer.tag() != Tag::Sequence {
        return Err("it is no answer of such an authority".to_owned());
    }
    let mut reader = SliceReader::new(outer.value()).map_err(malformed)?;
    let status = AnyRef::decode(&mut reader).map_err(malformed)?;
    let mut parts = SliceReader::new(status.value()).map_err(malformed)?;
    let status = UintRef::decode(&mut parts).map_err(malformed)?;
    // Granted, as it is or with changes.
    if !matches!(status.as_bytes(), [0 | 1]) {
        return Err("it refuses the request".to_owned());
    }
    if reader.is_finished() {
        return Err("it has no token".to_owned());
    }
    let token = AnyRef::decode(&mut reader).map_err(malformed)?;
    let token = Token::read(&token.to_der().map_err(malformed)?)?;
    let parts = elements(&token.info)?;
    let imprint = parts.get(2).map(|part| part.to_der().map_err(malformed)).transpose()?.unwrap_or_default();
    let imprint = elements(&imprint)?;
    let hashed = imprint.get(1).map(|hashed| hashed.decode_as::<OctetStringRef<'_>>());
    if !hashed.is_some_and(|hashed| hashed.is_ok_and(|hashed| hashed.as_bytes() == hash)) {
        return Err("its token is over something else".to_owned());
    }
    // Behind the time, the one whole number.
    let told = parts.iter().skip(5).find(|part| part.tag() == Tag::Integer);
    if told.is_none_or(|told| told.value() != nonce) {
        return Err("its token is for another request".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use plimsoll_testkit::tools::installed;

    use super::*;

    #[test]
    fn requests_are_well_formed() {
        let bytes = request(&[7; 32], &[0x41; 8]);
        let parts = elements(&bytes).unwrap();
        let tags: Vec<Tag> = parts.iter().map(|part| part.tag()).collect();
        assert_eq!(tags, [Tag::Integer, Tag::Sequence, Tag::Integer, Tag::Boolean]);
        assert!(AnyRef::from_der(&bytes).is_ok());
    }

    #[test]
    fn answers_that_are_none_are_refused() {
        for answer in [
            &b""[..],
            b"\x30\x00",
            b"\x30\x05\x30\x03\x02\x01\x02",
            b"\x30\x05\x30\x03\x02\x01\x00",
            &[0x30; 99],
        ] {
            assert!(check(answer, &[0; 32], &[1; 8]).is_err(), "{answer:?}");
        }
    }

    #[test]
    fn a_token_over_something_else_is_refused() {
        if !installed(&["openssl"]) {
            return;
        }
        let authority = plimsoll_testkit::timestamps::TimestampAuthority::new(&["rsa:2048"]);
        let token = authority.token(b"signed");
        let status = [0x30, 3, 2, 1, 0];
        let length = u16::try_from(token.len() + status.len()).unwrap().to_be_bytes();
        let answer = [&[0x30, 0x82][..], &length, &status, &token].concat();
        let hash = digest::digest(&digest::SHA256, b"other");
        let error = check(&answer, hash.as_ref(), &[1; 8]).unwrap_err();
        assert!(error.contains("something else"), "{error}");
        let hash = digest::digest(&digest::SHA256, b"signed");
        let error = check(&answer, hash.as_ref(), &[1; 8]).unwrap_err();
        assert!(error.contains("another request"), "{error}");
    }
}
