//! What programs that keep keys answer, in the protocol of cosign's plugins
//! (<https://github.com/sigstore/sigstore/blob/main/pkg/signature/kms/cliplugin/common/interface.go>). Who runs them is elsewhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::key::{KeyError, PublicKey};

/// A longer answer is refused.
pub const ANSWER_LIMIT: usize = 256 << 10;
/// So much of what a program says of its trouble is told.
const WORDS: usize = 200;

/// Why an answer is none.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// Too long.
    #[error("it answered more than {ANSWER_LIMIT} bytes")]
    TooLong,
    /// No answer.
    #[error("it did not answer in the form expected")]
    Form,
    /// The program says so.
    #[error("{0}")]
    Told(String),
    /// It told a key that is not supported.
    #[error("the public key that it tells")]
    Key(#[source] KeyError),
    /// It did not tell what was asked for.
    #[error("it told no {0}")]
    Missing(&'static str),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default)]
    error_message: String,
    public_key: Option<Public>,
    sign_message: Option<Signature>,
}

#[derive(Deserialize)]
struct Public {
    #[serde(rename = "publicKeyPEM")]
    pem: String,
}

#[derive(Deserialize)]
struct Signature {
    signature: String,
}

fn understood(bytes: &[u8]) -> Result<Answer, AnswerError> {
    if bytes.len() > ANSWER_LIMIT {
        return Err(AnswerError::TooLong);
    }
    let answer: Answer = serde_json::from_slice(bytes).map_err(|_| AnswerError::Form)?;
    if answer.error_message.is_empty() {
        return Ok(answer);
    }
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    Err(AnswerError::Told(answer.error_message.chars().take(WORDS).map(printable).collect()))
}

/// The public key in an answer.
///
/// # Errors
/// See [`AnswerError`].
pub fn public_key(bytes: &[u8]) -> Result<PublicKey, AnswerError> {
    const WHAT: AnswerError = AnswerError::Missing("public key");
    let pem = STANDARD.decode(understood(bytes)?.public_key.ok_or(WHAT)?.pem).map_err(|_| WHAT)?;
    PublicKey::from_pem(&String::from_utf8(pem).map_err(|_| WHAT)?).map_err(AnswerError::Key)
}

/// The signature in an answer.
///
/// # Errors
/// See [`AnswerError`].
pub fn signature(bytes: &[u8]) -> Result<Vec<u8>, AnswerError> {
    const WHAT: AnswerError = AnswerError::Missing("signature");
    STANDARD.decode(understood(bytes)?.sign_message.ok_or(WHAT)?.signature).map_err(|_| WHAT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_answers_are_errors() {
        for (answer, words) in [
            ("", "in the form expected"),
            ("[]", "in the form expected"),
            ("{}", "it told no public key"),
            (r#"{"publicKey":null}"#, "it told no public key"),
            (r#"{"publicKey":{"publicKeyPEM":"%"}}"#, "it told no public key"),
            (r#"{"publicKey":{"publicKeyPEM":"eA=="}}"#, "the public key that it tells"),
            (r#"{"errorMessage":"no\u001b[2Jkey","publicKey":{"publicKeyPEM":"eA=="}}"#, "no [2Jkey"),
        ] {
            assert!(public_key(answer.as_bytes()).unwrap_err().to_string().contains(words), "{answer}");
        }
        let long = vec![b' '; ANSWER_LIMIT + 1];
        assert!(matches!(signature(&long), Err(AnswerError::TooLong)));
        assert!(matches!(signature(br#"{"signMessage":{"signature":"x"}}"#), Err(AnswerError::Missing(_))));
        assert_eq!(signature(br#"{"signMessage":{"signature":"eA=="}}"#).unwrap(), b"x");
    }
}
