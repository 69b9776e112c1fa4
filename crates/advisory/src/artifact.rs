//! A database as an OCI artifact, so that registries and image tools carry it: a manifest, the database compressed,
//! and its signature (<https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md#guidelines-for-artifact-usage>).
//!
//! Bytes to bytes: who reads an artifact verifies its blobs' digests, and the database and its signature on their own.

use std::collections::BTreeMap;

use plimsoll_model::digest::{BlobDigest, Digest};
use serde::{Deserialize, Serialize};

use crate::bounded;
use crate::database::{Database, OpenError};

/// The type of the artifact.
pub const ARTIFACT_TYPE: &str = "application/vnd.plimsoll.database.v1";
const DATABASE: &str = "application/vnd.plimsoll.database.v1+zstd";
const SIGNATURE: &str = "application/vnd.dsse.envelope.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
const EMPTY_CONTENT: &[u8] = b"{}";
const TITLE: &str = "org.opencontainers.image.title";
const CREATED: &str = "org.opencontainers.image.created";
/// The digest that the database's head tells of its content.
const CONTENT: &str = "dev.plimsoll.database.content";
const LEVEL: i32 = 15;
/// The largest database.
pub const LIMIT: u64 = 1 << 30;

/// An artifact, ready to be sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Artifact {
    /// The blobs that the manifest names.
    pub blobs: Vec<Vec<u8>>,
    /// The manifest.
    pub manifest: Vec<u8>,
}

/// What a manifest promises.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Contents {
    /// The compressed database.
    pub database: Blob,
    /// The signature.
    pub signature: Option<Blob>,
    /// The digest of the database's content, if the manifest tells it: a hint that saves a download.
    pub content: Option<Digest>,
}

/// One blob of an artifact.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Blob {
    /// Its digest.
    pub digest: BlobDigest,
    /// Its size in bytes.
    pub size: u64,
}

/// Why a manifest is not that of a database.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// It is no manifest.
    #[error("the manifest is malformed")]
    Malformed,
    /// It is that of something else.
    #[error("this is {found:?}, not an advisory database ({ARTIFACT_TYPE})")]
    Type {
        /// What it is.
        found: String,
    },
    /// It names no database, or several.
    #[error("the artifact has {found} layers with a database, it should have one")]
    Databases {
        /// How many.
        found: usize,
    },
    /// A blob is too large.
    #[error("the artifact's {what} has {size} bytes, more than the limit of {limit}")]
    TooLarge {
        /// Which.
        what: &'static str,
        /// How large it is.
        size: u64,
        /// How large it may be.
        limit: u64,
    },
    /// The database could not be compressed, or unpacked.
    #[error("the compressed database is damaged")]
    Compression(#[source] std::io::Error),
    /// What is to be packed is no database.
    #[error(transparent)]
    Database(#[from] OpenError),
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    schema_version: u32,
    media_type: String,
    #[serde(default)]
    artifact_type: String,
    config: Descriptor,
    layers: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: BlobDigest,
    size: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

impl Descriptor {
    fn of(media_type: &str, bytes: &[u8], title: Option<&str>) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest: BlobDigest(Digest::of(bytes)),
            size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            annotations: title.map(|title| (TITLE.to_owned(), title.to_owned())).into_iter().collect(),
        }
    }

    fn blob(&self, what: &'static str, limit: u64) -> Result<Blob, ArtifactError> {
        if self.size > limit {
            return Err(ArtifactError::TooLarge { what, size: self.size, limit });
        }
        Ok(Blob { digest: self.digest, size: self.size })
    }
}

/// Makes an artifact; the same database and signature always give the same bytes.
///
/// # Errors
/// If `database` is no sound database.
pub fn pack(database: Vec<u8>, signature: Option<Vec<u8>>) -> Result<Artifact, ArtifactError> {
    let compressed = zstd::encode_all(database.as_slice(), LEVEL).map_err(ArtifactError::Compression)?;
    let database = Database::from_bytes(database)?;
    database.verify()?;
    let mut annotations = BTreeMap::from([(CONTENT.to_owned(), database.content_digest().to_string())]);
    annotations.extend(database.info().built.map(|day| (CREATED.to_owned(), format!("{day}T00:00:00Z"))));
    let mut layers = vec![Descriptor::of(DATABASE, &compressed, Some("advisories.db.zst"))];
    layers.extend(
        signature.iter().map(|bytes| Descriptor::of(SIGNATURE, bytes, Some("advisories.db.sig.json"))),
    );
    let manifest = Manifest {
        schema_version: 2,
        media_type: MANIFEST.to_owned(),
        artifact_type: ARTIFACT_TYPE.to_owned(),
        config: Descriptor::of(EMPTY, EMPTY_CONTENT, None),
        layers,
        annotations,
    };
    let mut blobs = vec![EMPTY_CONTENT.to_vec(), compressed];
    blobs.extend(signature);
    let manifest = serde_json::to_vec(&manifest).map_err(|_| ArtifactError::Malformed)?;
    Ok(Artifact { blobs, manifest })
}

/// Reads a manifest.
///
/// # Errors
/// If it is not that of one database.
pub fn read(manifest: &[u8]) -> Result<Contents, ArtifactError> {
    let manifest: Manifest = serde_json::from_slice(manifest).map_err(|_| ArtifactError::Malformed)?;
    if manifest.artifact_type != ARTIFACT_TYPE {
        let found = [manifest.artifact_type, manifest.config.media_type];
        let found = found.iter().find(|kind| !kind.is_empty()).map(|kind| kind.chars().take(80).collect());
        return Err(ArtifactError::Type { found: found.unwrap_or_default() });
    }
    let of = |kind: &'static str| manifest.layers.iter().filter(move |layer| layer.media_type == kind);
    let [database] = of(DATABASE).collect::<Vec<_>>()[..] else {
        return Err(ArtifactError::Databases { found: of(DATABASE).count() });
    };
    let signature = of(SIGNATURE).next();
    Ok(Contents {
        database: database.blob("database", LIMIT)?,
        signature: signature.map(|layer| layer.blob("signature", crate::signature::LIMIT)).transpose()?,
        content: manifest.annotations.get(CONTENT).and_then(|text| text.parse().ok()),
    })
}

/// Unpacks the blob with the database.
///
/// # Errors
/// If it is damaged, or unpacks to more than the limit.
pub fn unpack(blob: &[u8]) -> Result<Vec<u8>, ArtifactError> {
    let plain = || bounded::read(zstd::stream::read::Decoder::with_buffer(blob)?, LIMIT);
    plain().map_err(ArtifactError::Compression)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::SNAPSHOT;

    #[test]
    fn what_is_packed_is_unpacked_and_always_the_same() {
        let artifact = pack(SNAPSHOT.to_vec(), Some(b"signature".to_vec())).unwrap();
        assert_eq!(pack(SNAPSHOT.to_vec(), Some(b"signature".to_vec())).unwrap(), artifact);
        let contents = read(&artifact.manifest).unwrap();
        assert_eq!(contents.content, Some(crate::snapshot::open().unwrap().content_digest()));
        assert_eq!(contents.database.digest, BlobDigest(Digest::of(&artifact.blobs[1])));
        assert_eq!(contents.signature.unwrap().digest, BlobDigest(Digest::of(b"signature")));
        assert!(unpack(&artifact.blobs[1]).unwrap() == SNAPSHOT);
        assert_eq!(read(&pack(SNAPSHOT.to_vec(), None).unwrap().manifest).unwrap().signature, None);
    }

    #[test]
    fn images_and_other_artifacts_are_refused() {
        let artifact = pack(SNAPSHOT.to_vec(), None).unwrap();
        let text = String::from_utf8(artifact.manifest).unwrap();
        let other = text.replacen(ARTIFACT_TYPE, "application/vnd.other", 1);
        assert!(
            matches!(read(other.as_bytes()), Err(ArtifactError::Type { found }) if found == "application/vnd.other")
        );
        let none = text.replace(DATABASE, "application/x");
        assert!(matches!(read(none.as_bytes()), Err(ArtifactError::Databases { found: 0 })));
        assert!(matches!(read(b"{}"), Err(ArtifactError::Malformed)));
        assert!(pack(b"no database".to_vec(), None).is_err());
        assert!(unpack(b"no zstd").is_err());
    }
}
