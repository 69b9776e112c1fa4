//! DSSE envelopes (<https://github.com/secure-systems-lab/dsse/blob/v1.0.2/envelope.md>): a payload, its type, and
//! signatures over both.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_formats::strict::{self, StrictError};
use serde::Deserialize;

/// The type of payloads that are in-toto statements.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";
/// The media type of envelopes.
pub const MEDIA_TYPE: &str = "application/vnd.dsse.envelope.v1+json";
/// More signatures than this nobody makes.
pub const SIGNATURE_LIMIT: usize = 16;

/// An envelope. Nothing in it is verified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Envelope {
    /// What the payload is.
    pub payload_type: String,
    /// The payload as it was signed.
    pub payload: Vec<u8>,
    /// The signatures.
    pub signatures: Vec<Vec<u8>>,
}

/// Why bytes are no envelope.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// No unambiguous JSON of the form of an envelope.
    #[error(transparent)]
    Json(#[from] StrictError),
    /// Bytes in it are not in canonical Base64.
    #[error("its {0} is not in Base64")]
    Base64(&'static str),
    /// None, or too many.
    #[error("it has {0} signatures")]
    Signatures(usize),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    payload_type: String,
    payload: String,
    signatures: Vec<WireSignature>,
}

#[derive(Deserialize)]
struct WireSignature {
    sig: String,
}

impl Envelope {
    /// Reads an envelope of at most `limit` bytes.
    ///
    /// # Errors
    /// See [`EnvelopeError`].
    pub fn read(bytes: &[u8], limit: usize) -> Result<Self, EnvelopeError> {
        let wire: Wire = strict::read(bytes, limit)?;
        if wire.signatures.is_empty() || wire.signatures.len() > SIGNATURE_LIMIT {
            return Err(EnvelopeError::Signatures(wire.signatures.len()));
        }
        let decode = |text: &str, what| STANDARD.decode(text).map_err(|_| EnvelopeError::Base64(what));
        let signatures = wire.signatures.iter().map(|signature| decode(&signature.sig, "signature"));
        Ok(Self {
            payload: decode(&wire.payload, "payload")?,
            signatures: signatures.collect::<Result<_, _>>()?,
            payload_type: wire.payload_type,
        })
    }

    /// The bytes that are signed: payload and type, each with its length.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        sigstore_types::pae(&self.payload_type, &self.payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Envelope, EnvelopeError> {
        Envelope::read(text.as_bytes(), 10_000)
    }

    #[test]
    fn what_is_signed_is_that_of_the_protocol() {
        // The example of https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md
        let envelope = read(
            r#"{"payload":"aGVsbG8gd29ybGQ=","payloadType":"http://example.com/HelloWorld","signatures":[{"sig":"AA=="}]}"#,
        );
        let signed = String::from_utf8(envelope.unwrap().signed_bytes()).unwrap();
        assert_eq!(signed, "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    }

    #[test]
    fn n17_the_type_is_signed_too() {
        let of = |kind: &str| {
            read(&format!(r#"{{"payload":"e30=","payloadType":"{kind}","signatures":[{{"sig":"AA=="}}]}}"#))
                .unwrap()
                .signed_bytes()
        };
        assert_ne!(of("a"), of("b"));
        // Nor can bytes move from the type to the payload.
        assert_ne!(of("a 2"), of("a"));
    }

    #[test]
    fn n20_base64_is_canonical() {
        for (payload, sig) in
            [("e30", "AA=="), ("e30=", "AB=="), ("e30=\\n", "AA=="), ("e30=", "AA== "), ("e3_=", "AA==")]
        {
            let text =
                format!(r#"{{"payload":"{payload}","payloadType":"t","signatures":[{{"sig":"{sig}"}}]}}"#);
            assert!(matches!(read(&text), Err(EnvelopeError::Base64(_))), "{payload} {sig}");
        }
    }

    #[test]
    fn envelopes_without_signatures_or_with_thousands_are_refused() {
        assert!(matches!(
            read(r#"{"payload":"","payloadType":"","signatures":[]}"#),
            Err(EnvelopeError::Signatures(0))
        ));
        let many = vec![r#"{"sig":""}"#; 17].join(",");
        let text = format!(r#"{{"payload":"","payloadType":"","signatures":[{many}]}}"#);
        assert!(matches!(read(&text), Err(EnvelopeError::Signatures(17))));
    }
}
