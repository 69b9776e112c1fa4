//! Manifests and indexes of OCI (<https://github.com/opencontainers/image-spec>) and of Docker's schema 2, which
//! differ in media types only. Read leniently: what Plimsoll does not need may be missing or odd.

use std::collections::BTreeMap;

use plimsoll_model::digest::BlobDigest;
use plimsoll_model::platform::Platform;
use serde::Deserialize;

use crate::config::null_is_default;

/// Manifests larger than this are refused (the distribution specification asks registries for 4 MiB at least).
pub const MANIFEST_LIMIT: u64 = 4 << 20;

/// Points at a blob.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What the blob is.
    #[serde(default, deserialize_with = "null_is_default")]
    pub media_type: String,
    /// Its digest.
    pub digest: BlobDigest,
    /// Its size in bytes.
    #[serde(default, deserialize_with = "null_is_default")]
    pub size: u64,
    /// The platform, in an index.
    #[serde(default, deserialize_with = "lenient_platform")]
    pub platform: Option<Platform>,
    /// Annotations.
    #[serde(default)]
    pub annotations: Option<BTreeMap<String, String>>,
    /// Where else the blob may be had: makes a layer foreign.
    #[serde(default, deserialize_with = "null_is_default")]
    pub urls: Vec<String>,
    /// What the manifest is, if it is an artifact and no image.
    #[serde(default)]
    pub artifact_type: Option<String>,
}

/// BuildKit and others write platforms without an architecture; those are no platform.
fn lenient_platform<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Platform>, D::Error> {
    #[derive(Deserialize)]
    struct Raw {
        os: Option<String>,
        architecture: Option<String>,
        variant: Option<String>,
    }
    let raw = Option::<Raw>::deserialize(deserializer)?;
    Ok(raw.and_then(|raw| {
        Some(Platform {
            os: raw.os?,
            architecture: raw.architecture?,
            variant: raw.variant.filter(|variant| !variant.is_empty()),
        })
    }))
}

/// The manifest of one image.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The image's configuration.
    pub config: Descriptor,
    /// Its layers, lowest first.
    pub layers: Vec<Descriptor>,
    /// Annotations.
    #[serde(default)]
    pub annotations: Option<BTreeMap<String, String>>,
}

/// An index (Docker: manifest list).
#[derive(Clone, Debug, Deserialize)]
pub struct Index {
    /// Its manifests.
    pub manifests: Vec<Descriptor>,
}

/// A document that a reference led to.
#[derive(Clone, Debug)]
pub enum Document {
    /// One image.
    Manifest(Box<Manifest>),
    /// Several.
    Index(Index),
}

/// Why a document is neither manifest nor index.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It is not the JSON expected.
    #[error("the manifest is malformed")]
    Malformed(#[source] serde_json::Error),
    /// Docker's schema 1, deprecated since 2017.
    #[error(
        "the manifest has Docker's schema 1, which is not supported: pull and push the image again to convert it"
    )]
    Schema1,
    /// An artifact, not an image.
    #[error("this is no container image, its configuration is of media type {0}")]
    Artifact(String),
    /// Neither `layers` nor `manifests`.
    #[error("the document is neither an image manifest nor an index")]
    Neither,
}

impl Document {
    /// Reads a manifest or an index, told apart by its content; media types alone are not trusted.
    ///
    /// # Errors
    /// If it is neither.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Shape {
            schema_version: Option<u32>,
            layers: Option<serde::de::IgnoredAny>,
            manifests: Option<serde::de::IgnoredAny>,
        }
        let shape: Shape = serde_json::from_slice(bytes).map_err(ManifestError::Malformed)?;
        match shape {
            Shape { schema_version: Some(1), .. } => Err(ManifestError::Schema1),
            // A document that could be read both ways is an attack on digest checks (CVE-2021-41190).
            Shape { layers: Some(_), manifests: Some(_), .. } => Err(ManifestError::Neither),
            Shape { manifests: Some(_), .. } => {
                serde_json::from_slice(bytes).map(Self::Index).map_err(ManifestError::Malformed)
            }
            Shape { layers: Some(_), .. } => {
                let manifest: Manifest = serde_json::from_slice(bytes).map_err(ManifestError::Malformed)?;
                if is_config(&manifest.config.media_type) {
                    Ok(Self::Manifest(Box::new(manifest)))
                } else {
                    Err(ManifestError::Artifact(manifest.config.media_type.chars().take(120).collect()))
                }
            }
            _ => Err(ManifestError::Neither),
        }
    }
}

fn is_config(media_type: &str) -> bool {
    matches!(
        media_type,
        "" | "application/vnd.oci.image.config.v1+json"
            | "application/vnd.docker.container.image.v1+json"
            | "application/octet-stream"
    )
}

impl Descriptor {
    /// Points at a blob of which only this is known.
    #[must_use]
    pub fn bare(media_type: &str, digest: BlobDigest) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest,
            size: 0,
            platform: None,
            annotations: None,
            urls: Vec::new(),
            artifact_type: None,
        }
    }

    /// An annotation.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(key).map(String::as_str)
    }

    /// The image of whose attestations this is the manifest, as `BuildKit` writes them into an index
    /// (<https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md>).
    #[must_use]
    pub fn attests(&self) -> Option<BlobDigest> {
        let is_one = self.annotation("vnd.docker.reference.type") == Some("attestation-manifest");
        self.annotation("vnd.docker.reference.digest").filter(|_| is_one)?.parse().ok()
    }

    /// Tells whether an index's entry is no image but an attestation about one, as BuildKit writes them.
    #[must_use]
    pub fn is_attestation(&self) -> bool {
        self.annotation("vnd.docker.reference.type") == Some("attestation-manifest")
            || self.platform.as_ref().is_some_and(|p| p.os == "unknown" && p.architecture == "unknown")
    }

    /// Why a layer of this media type cannot be read, if so.
    #[must_use]
    pub fn unreadable(&self) -> Option<&'static str> {
        let media_type = self.media_type.as_str();
        if media_type.contains("+encrypted") {
            Some("the layer is encrypted")
        } else if media_type.contains(".foreign.") || media_type.contains("nondistributable") {
            Some("the layer is foreign (non-distributable)")
        } else if media_type.contains("tar")
            || media_type.is_empty()
            || media_type == "application/octet-stream"
        {
            None
        } else {
            Some("the layer's media type is unknown")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_document_that_is_both_is_neither() {
        let both = format!(r#"{{"config":{{"digest":"{DIGEST}","size":0}},"layers":[],"manifests":[]}}"#);
        assert!(matches!(Document::parse(both.as_bytes()), Err(ManifestError::Neither)));
    }

    #[test]
    fn schema_1_artifacts_and_garbage_are_told() {
        assert!(matches!(Document::parse(br#"{"schemaVersion":1}"#), Err(ManifestError::Schema1)));
        assert!(matches!(Document::parse(b"[]"), Err(ManifestError::Malformed(_))));
        assert!(matches!(Document::parse(b"{}"), Err(ManifestError::Neither)));
        let helm = format!(
            r#"{{"config":{{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":"{DIGEST}","size":2}},"layers":[]}}"#
        );
        assert!(matches!(Document::parse(helm.as_bytes()), Err(ManifestError::Artifact(_))));
    }

    #[test]
    fn encrypted_and_foreign_layers_are_unreadable() {
        let of = |media_type: &str| Descriptor {
            media_type: media_type.into(),
            digest: DIGEST.parse().unwrap(),
            size: 1,
            platform: None,
            annotations: None,
            urls: vec![],
            artifact_type: None,
        };
        assert!(of("application/vnd.oci.image.layer.v1.tar+gzip+encrypted").unreadable().is_some());
        assert!(of("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip").unreadable().is_some());
        assert!(of("application/vnd.docker.image.rootfs.diff.tar.gzip").unreadable().is_none());
        assert!(of("application/vnd.oci.image.layer.v1.tar+zstd").unreadable().is_none());
        assert!(of("application/vnd.wasm.content.layer.v1+wasm").unreadable().is_some());
    }
}
