//! The payload of simple signing (<https://github.com/containers/image/blob/main/docs/containers-signature.5.md>), which cosign's
//! older signatures sign: the digest of a manifest, and annotations.
//!
//! `docker-reference` says where the image was when it was signed. Images move between registries, so it is told but decides
//! nothing, as in cosign.

use std::collections::BTreeMap;

use plimsoll_formats::strict::{self, StrictError};
use plimsoll_model::digest::{BlobDigest, Digest};
use serde::Deserialize;
use serde_json::Value;

/// The media type of the layer that holds a payload.
pub const MEDIA_TYPE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// A larger payload is refused.
pub const PAYLOAD_LIMIT: usize = 1 << 20;

pub(crate) const TYPE: &str = "cosign container image signature";

/// A payload.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Payload {
    /// The manifest that is signed.
    pub digest: Digest,
    /// What else was signed; those that are text.
    pub annotations: BTreeMap<String, String>,
}

/// Why bytes are no payload.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// No unambiguous JSON of the form of a payload.
    #[error(transparent)]
    Json(#[from] StrictError),
    /// Signed for something else.
    #[error("its type is {0:?}")]
    Type(String),
    /// No digest, or two: readers that do not look at the case of letters would choose one.
    #[error("it does not have one digest")]
    Digest,
}

#[derive(Deserialize)]
struct Wire {
    critical: Critical,
    #[serde(default)]
    optional: Option<BTreeMap<String, Value>>,
}

#[derive(Deserialize)]
struct Critical {
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: Option<BlobDigest>,
    /// As the specification of cosign spells it, unlike its code.
    #[serde(rename = "Docker-manifest-digest")]
    digest_by_specification: Option<BlobDigest>,
}

impl Payload {
    /// Reads a payload.
    ///
    /// # Errors
    /// See [`PayloadError`].
    pub fn read(bytes: &[u8]) -> Result<Self, PayloadError> {
        let wire: Wire = strict::read(bytes, PAYLOAD_LIMIT)?;
        if wire.critical.kind != TYPE {
            return Err(PayloadError::Type(wire.critical.kind.chars().take(80).collect()));
        }
        let ((Some(digest), None) | (None, Some(digest))) =
            (wire.critical.image.digest, wire.critical.image.digest_by_specification)
        else {
            return Err(PayloadError::Digest);
        };
        let annotations = wire.optional.unwrap_or_default().into_iter();
        Ok(Self {
            digest: digest.0,
            annotations: annotations
                .filter_map(|(key, value)| Some((key, value.as_str()?.to_owned())))
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn payload(digest: &str, kind: &str, rest: &str) -> Result<Payload, PayloadError> {
        let text = format!(
            r#"{{"critical":{{"identity":{{"docker-reference":"r/x"}},"image":{{"docker-manifest-digest":"{digest}"}},"type":"{kind}"}}{rest}}}"#
        );
        Payload::read(text.as_bytes())
    }

    #[test]
    fn digest_and_annotations_are_read() {
        let read = payload(&format!("sha256:{HEX}"), TYPE, r#","optional":{"a":"b","n":1}"#).unwrap();
        assert_eq!(read.digest.hex(), HEX);
        assert_eq!(read.annotations, BTreeMap::from([("a".to_owned(), "b".to_owned())]));
        assert!(payload(&format!("sha256:{HEX}"), TYPE, r#","optional":null"#).is_ok());
    }

    #[test]
    fn n18_n34_other_digests_types_and_repeated_keys_are_refused() {
        for digest in [
            format!("md5:{HEX}"),
            HEX.to_owned(),
            format!("sha256:{}", HEX.to_uppercase()),
            "sha256:".to_owned(),
        ] {
            assert!(payload(&digest, TYPE, "").is_err(), "{digest}");
        }
        let other = payload(&format!("sha256:{HEX}"), "atomic container signature", "");
        assert!(matches!(other, Err(PayloadError::Type(_))));
        assert!(payload(&format!("sha256:{HEX}"), TYPE, r#","critical":{}"#).is_err());
        let image = |image: &str| {
            Payload::read(format!(r#"{{"critical":{{"image":{{{image}}},"type":"{TYPE}"}}}}"#).as_bytes())
        };
        let (lower, upper) = (
            format!(r#""docker-manifest-digest":"sha256:{HEX}""#),
            format!(r#""Docker-manifest-digest":"sha256:{HEX}""#),
        );
        assert!(image(&lower).is_ok() && image(&upper).is_ok());
        assert!(matches!(image(&format!("{lower},{upper}")), Err(PayloadError::Digest)));
        assert!(matches!(image(""), Err(PayloadError::Digest)));
        for text in ["", "{}", "null", "[]", r#"{"critical":null}"#, r#"{"critical":{"type":1}}"#] {
            assert!(Payload::read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
