//! Questions to an authority of timestamps and its answers (RFC 3161, sections 2.4.1 and 2.4.2).

use aws_lc_rs::{digest, rand};
use x509_cert::der::asn1::{Any, OctetStringRef, UintRef};
use x509_cert::der::{Decode as _, Encode as _, Header, Reader as _, SliceReader, Tag};
use x509_cert::spki::AlgorithmIdentifierOwned;

use super::encoding::SHA256;
use crate::notary::token::Token;

/// What an authority says that gives a token, as asked or with changes.
const GRANTED: [u8; 2] = [0, 1];

/// A question.
#[derive(Debug)]
pub struct Question {
    der: Vec<u8>,
    nonce: Vec<u8>,
    imprint: Vec<u8>,
}

/// Why there is no token.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AnswerError {
    /// No question could be made.
    #[error("no question could be made")]
    NotAsked,
    /// The answer is none.
    #[error("the answer is malformed")]
    Malformed,
    /// The authority refuses.
    #[error("it refuses with the status {0}")]
    Refused(u8),
    /// The token is over something else, or an answer to another question.
    #[error("the token answers another question")]
    Other,
}

impl Question {
    /// A question for a timestamp over the SHA-256 of `message`, which wants the authority's certificates, too.
    ///
    /// # Errors
    /// If the cryptography provider fails.
    pub fn over(message: &[u8]) -> Result<Self, AnswerError> {
        let mut nonce = [0; 16];
        rand::fill(&mut nonce).map_err(|_| AnswerError::NotAsked)?;
        // A number that is positive, and as long as it looks.
        nonce[0] = nonce[0] & 0x3f | 0x40;
        let imprint = digest::digest(&digest::SHA256, message).as_ref().to_vec();
        let der = encoded(&imprint, &nonce).ok_or(AnswerError::NotAsked)?;
        Ok(Self { der, nonce: nonce.to_vec(), imprint })
    }

    /// The bytes to send.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The token in an answer.
    ///
    /// # Errors
    /// See [`AnswerError`].
    pub fn token(&self, answer: &[u8]) -> Result<Vec<u8>, AnswerError> {
        let (status, token) = parts(answer).ok_or(AnswerError::Malformed)?;
        if !GRANTED.contains(&status) {
            return Err(AnswerError::Refused(status));
        }
        let token = token.ok_or(AnswerError::Malformed)?;
        let read = Token::read(token).map_err(|_| AnswerError::Malformed)?;
        let info = read.info().map_err(|_| AnswerError::Malformed)?;
        let is_ours = info.imprint == self.imprint && read.nonce().as_deref() == Some(&self.nonce);
        if is_ours { Ok(token.to_vec()) } else { Err(AnswerError::Other) }
    }
}

fn encoded(imprint: &[u8], nonce: &[u8]) -> Option<Vec<u8>> {
    let algorithm = AlgorithmIdentifierOwned { oid: SHA256, parameters: Some(Any::null()) };
    let imprint = sequence(&[algorithm.to_der().ok()?, OctetStringRef::new(imprint).ok()?.to_der().ok()?])?;
    sequence(&[1_u8.to_der().ok()?, imprint, UintRef::new(nonce).ok()?.to_der().ok()?, true.to_der().ok()?])
}

fn sequence(parts: &[Vec<u8>]) -> Option<Vec<u8>> {
    Any::new(Tag::Sequence, parts.concat()).ok()?.to_der().ok()
}

/// The status of an answer, and the token if there is one.
fn parts(answer: &[u8]) -> Option<(u8, Option<&[u8]>)> {
    let mut outer = SliceReader::new(answer).ok()?;
    let header = Header::decode(&mut outer).ok()?;
    header.tag.assert_eq(Tag::Sequence).ok()?;
    if outer.remaining_len() != header.length {
        return None;
    }
    let status = outer.tlv_bytes().ok()?;
    let mut inner = SliceReader::new(status).ok()?;
    Header::decode(&mut inner).ok()?.tag.assert_eq(Tag::Sequence).ok()?;
    let status = u8::decode(&mut inner).ok()?;
    let token = if outer.is_finished() { None } else { Some(outer.tlv_bytes().ok()?) };
    outer.is_finished().then_some((status, token))
}

#[cfg(test)]
mod tests {
    use plimsoll_testkit::tools::installed;
    use x509_cert::der::Tagged as _;

    use super::*;
    use crate::notary::token::elements;

    #[test]
    fn hostile_answers_are_errors() {
        let question = Question::over(b"x").unwrap();
        for answer in [
            &[][..],
            &[0x30, 0],
            &[0x30, 3, 2, 1, 0],
            &[0x30, 0x84, 255, 255, 255, 255],
            &[0x30, 5, 0x30, 3, 2, 1, 0],
        ] {
            assert_eq!(question.token(answer), Err(AnswerError::Malformed), "{answer:?}");
        }
        assert_eq!(question.token(&[0x30, 5, 0x30, 3, 2, 1, 2]), Err(AnswerError::Refused(2)));
        assert_eq!(question.token(&[0x30; 99]), Err(AnswerError::Malformed));
    }

    #[test]
    fn questions_are_well_formed() {
        let question = Question::over(b"x").unwrap();
        let parts = elements(question.der()).unwrap();
        let tags: Vec<Tag> = parts.iter().map(|part| part.tag()).collect();
        assert_eq!(tags, [Tag::Integer, Tag::Sequence, Tag::Integer, Tag::Boolean]);
    }

    #[test]
    fn a_token_over_something_else_is_refused() {
        if !installed(&["openssl"]) {
            return;
        }
        let authority = plimsoll_testkit::timestamps::TimestampAuthority::new(&["rsa:2048"]);
        let (ours, other) = (Question::over(b"signed").unwrap(), Question::over(b"other").unwrap());
        let again = Question::over(b"signed").unwrap();
        let answer = authority.answer(ours.der());
        assert!(ours.token(&answer).is_ok());
        assert_eq!(other.token(&answer), Err(AnswerError::Other));
        // It is over the same, and for another request.
        assert_eq!(again.token(&answer), Err(AnswerError::Other));
    }
}
