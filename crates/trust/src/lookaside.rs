//! What GPG signs of images where signatures lie aside, as podman and skopeo write it
//! (<https://github.com/containers/image/blob/main/docs/containers-signature.5.md>). Other than with cosign the name of the image is
//! a part of it and decides: a signature of one repository is none of another.

pub mod registries;

use plimsoll_formats::strict::{self, StrictError};
use plimsoll_model::digest::BlobDigest;
use plimsoll_model::reference::Reference;
use serde::Deserialize;

/// A larger signature is refused.
pub const SIGNATURE_LIMIT: u64 = 64 << 10;
/// The most signatures of one image that are looked at, as in podman.
pub const SIGNATURES: usize = 128;

const TYPE: &str = "atomic container signature";
const PAYLOAD_LIMIT: usize = 1 << 20;

/// What was signed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Payload {
    /// The manifest.
    pub digest: BlobDigest,
    /// What it is called.
    pub name: Reference,
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
    /// It names no image.
    #[error("it is of the name {0:?}, which is none of an image")]
    Name(String),
}

#[derive(Deserialize)]
struct Wire {
    critical: Critical,
}

// What else is critical is not understood, and so refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Critical {
    identity: Identity,
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Identity {
    docker_reference: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Image {
    docker_manifest_digest: BlobDigest,
}

impl Payload {
    /// Reads a payload.
    ///
    /// # Errors
    /// See [`PayloadError`].
    pub fn read(bytes: &[u8]) -> Result<Self, PayloadError> {
        let Wire { critical } = strict::read(bytes, PAYLOAD_LIMIT)?;
        if critical.kind != TYPE {
            return Err(PayloadError::Type(shortened(&critical.kind)));
        }
        let text = &critical.identity.docker_reference;
        let name = text.parse().map_err(|_| PayloadError::Name(shortened(text)))?;
        Ok(Self { digest: critical.image.docker_manifest_digest, name })
    }

    /// Whether it may be meant by `wanted`, by podman's rule `matchRepoDigestOrExact`: an image that is asked for by digest must be of
    /// the same repository, one that is asked for by tag must have been signed with it.
    #[must_use]
    pub fn is_of(&self, wanted: &Reference) -> bool {
        let repository = |name: &Reference| (name.registry().to_owned(), name.repository().to_owned());
        if repository(&self.name) != repository(wanted) {
            return false;
        }
        // Of a name with both the digest decides, here as elsewhere.
        wanted.digest().is_some() || (self.name.digest().is_none() && self.name.wanted() == wanted.wanted())
    }
}

fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// Where the signatures of an image lie below the root: `REPOSITORY@sha256=HEX/signature-N`, from 1 on.
#[must_use]
pub fn path(repository: &str, digest: BlobDigest, number: usize) -> String {
    format!("{repository}@sha256={}/signature-{number}", digest.0.hex())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn payload(name: &str, kind: &str, more: &str) -> Result<Payload, PayloadError> {
        let text = format!(
            r#"{{"critical":{{"identity":{{"docker-reference":"{name}"}},"image":{{"docker-manifest-digest":"sha256:{HEX}"}},"type":"{kind}"{more}}},"optional":{{"creator":"x"}}}}"#
        );
        Payload::read(text.as_bytes())
    }

    #[test]
    fn the_name_decides_by_tag_and_by_digest_as_in_podman() {
        let signed = payload("ghcr.io/acme/shop:1", TYPE, "").unwrap();
        assert_eq!(signed.digest.0.hex(), HEX);
        let by_digest = format!("ghcr.io/acme/shop@sha256:{HEX}");
        for (wanted, fits) in [
            ("ghcr.io/acme/shop:1", true),
            (by_digest.as_str(), true),
            ("ghcr.io/acme/shop:2", false),
            ("ghcr.io/acme/shop", false),
            ("ghcr.io/acme/shop2:1", false),
            ("quay.io/acme/shop:1", false),
        ] {
            assert_eq!(signed.is_of(&wanted.parse().unwrap()), fits, "{wanted}");
        }
        // Docker's short names mean the same.
        let short = payload("debian", TYPE, "").unwrap();
        assert!(short.is_of(&"docker.io/library/debian:latest".parse().unwrap()));
    }

    #[test]
    fn payloads_of_others_and_what_is_not_understood_are_refused() {
        assert!(matches!(payload("a/b", "cosign container image signature", ""), Err(PayloadError::Type(_))));
        assert!(matches!(payload("A B", TYPE, ""), Err(PayloadError::Name(_))));
        assert!(matches!(payload("a/b", TYPE, r#","more":1"#), Err(PayloadError::Json(_))));
        assert!(matches!(payload("a/b", TYPE, &format!(r#","type":"{TYPE}""#)), Err(PayloadError::Json(_))));
        for hostile in ["", "[]", "null", "{}", r#"{"critical":null}"#, r#"{"critical":{"type":"x"}}"#] {
            assert!(Payload::read(hostile.as_bytes()).is_err(), "{hostile}");
        }
    }

    #[test]
    fn signatures_lie_below_the_repository() {
        let digest = format!("sha256:{HEX}").parse().unwrap();
        assert_eq!(path("acme/shop", digest, 1), format!("acme/shop@sha256={HEX}/signature-1"));
    }
}
