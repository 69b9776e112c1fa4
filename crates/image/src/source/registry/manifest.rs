//! What a registry's manifest is: its verified bytes and the media type that says how to read them.
//!
//! A manifest that can be read as two things is refused, since two readers would see two images
//! (<https://github.com/opencontainers/image-spec/security/advisories/GHSA-77vh-xpmg-72qh>).

use plimsoll_http::clipped;
use plimsoll_model::digest::{BlobDigest, Digest};
use plimsoll_model::reference::Reference;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::client::Document;
use super::error::RegistryError;
pub(super) use crate::source::referrers::{OCI_INDEX, OCI_MANIFEST};

const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// What is asked for.
pub(super) const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.docker.distribution.manifest.v2+json";

/// A manifest or an index as the registry gave it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FetchedManifest {
    /// The bytes, whose digest is verified.
    pub bytes: Vec<u8>,
    /// One of the four media types of manifests and indexes of OCI and docker.
    pub media_type: String,
    /// The digest of the bytes.
    pub digest: BlobDigest,
    /// The reference asked for, with the digest.
    pub reference: Reference,
}

/// The fields that tell the kind of a manifest.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    schema_version: Option<u64>,
    media_type: Option<String>,
    manifests: Option<IgnoredAny>,
    config: Option<IgnoredAny>,
    layers: Option<IgnoredAny>,
}

/// Makes sure that the bytes are what was asked for, and tells what they are.
pub(super) fn verified(reference: &Reference, document: Document) -> Result<FetchedManifest, RegistryError> {
    let Document { host, content_type, digest: told, bytes, next: _, version: _ } = document;
    let what = named(reference);
    let actual = BlobDigest(Digest::of(&bytes));
    // A registry may tell a digest of another algorithm, which is of no use here.
    let told = told.and_then(|told| told.parse().ok());
    if let Some(expected) = reference.digest().or(told).filter(|expected| *expected != actual) {
        return Err(RegistryError::Digest { what, expected, actual });
    }
    let media_type = media_type(&what, &host, &bytes, content_type.as_deref())?.to_owned();
    Ok(FetchedManifest { bytes, media_type, digest: actual, reference: reference.at(actual) })
}

/// `manifest TAG of REGISTRY/REPOSITORY`.
pub(super) fn named(reference: &Reference) -> String {
    format!("manifest {} of {}/{}", reference.wanted(), reference.registry(), reference.repository())
}

fn media_type(
    what: &str,
    host: &str,
    bytes: &[u8],
    content_type: Option<&str>,
) -> Result<&'static str, RegistryError> {
    let content_type =
        content_type.map(|text| text.split(';').next().unwrap_or(text).trim().to_ascii_lowercase());
    let strange = |found: &str| RegistryError::MediaType { what: what.to_owned(), found: clipped(found) };
    let is_schema_one = |kind: &str| kind.starts_with("application/vnd.docker.distribution.manifest.v1+");
    if content_type.as_deref().is_some_and(is_schema_one) {
        return Err(RegistryError::SchemaOne { what: what.to_owned() });
    }
    let malformed =
        |why: String| RegistryError::Malformed { host: host.to_owned(), what: what.to_owned(), why };
    let kind: Kind = serde_json::from_slice(bytes).map_err(|error| malformed(clipped(&error.to_string())))?;
    if kind.schema_version == Some(1) {
        return Err(RegistryError::SchemaOne { what: what.to_owned() });
    }
    let is_index = kind.manifests.is_some();
    if is_index && (kind.layers.is_some() || kind.config.is_some()) {
        return Err(malformed("it is both an index and a manifest".to_owned()));
    }
    let told = content_type.as_deref().filter(|kind| !is_generic(kind));
    let own = kind.media_type.as_deref();
    if let (Some(told), Some(own)) = (told, own)
        && told != own
    {
        return Err(malformed(format!(
            "it is sent as {:?} but calls itself {:?}",
            clipped(told),
            clipped(own)
        )));
    }
    let known = match told.or(own) {
        Some(kind) => known(kind).ok_or_else(|| strange(kind))?,
        None if is_index => OCI_INDEX,
        None if kind.layers.is_some() => OCI_MANIFEST,
        None => return Err(strange(content_type.as_deref().unwrap_or("none"))),
    };
    if is_index != matches!(known, OCI_INDEX | DOCKER_LIST) {
        return Err(malformed(format!("its content does not fit its media type {known:?}")));
    }
    Ok(known)
}

pub(super) fn known(media_type: &str) -> Option<&'static str> {
    [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST].into_iter().find(|known| *known == media_type)
}

/// What servers say that do not know manifests, as a folder served over http.
fn is_generic(media_type: &str) -> bool {
    matches!(
        media_type,
        "" | "application/json"
            | "application/octet-stream"
            | "binary/octet-stream"
            | "text/plain"
            | "text/json"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &str, content_type: Option<&str>) -> Result<&'static str, RegistryError> {
        media_type("m", "h", bytes.as_bytes(), content_type)
    }

    #[test]
    fn the_header_or_else_the_content_tells_the_kind() {
        assert_eq!(read(r#"{"layers":[]}"#, Some(DOCKER_MANIFEST)).unwrap(), DOCKER_MANIFEST);
        assert_eq!(read(r#"{"layers":[]}"#, Some("application/json; charset=utf-8")).unwrap(), OCI_MANIFEST);
        assert_eq!(read(r#"{"manifests":[]}"#, None).unwrap(), OCI_INDEX);
        let own = format!(r#"{{"mediaType":"{DOCKER_LIST}","manifests":[]}}"#);
        assert_eq!(read(&own, Some("text/plain")).unwrap(), DOCKER_LIST);
    }

    #[test]
    fn ambiguous_manifests_are_refused() {
        assert!(read(r#"{"manifests":[],"layers":[]}"#, Some(OCI_INDEX)).is_err());
        assert!(read(r#"{"manifests":[]}"#, Some(OCI_MANIFEST)).is_err());
        assert!(read(r#"{"layers":[]}"#, Some(OCI_INDEX)).is_err());
        let other = format!(r#"{{"mediaType":"{OCI_MANIFEST}","layers":[]}}"#);
        assert!(read(&other, Some(DOCKER_MANIFEST)).is_err());
    }

    #[test]
    fn retired_and_foreign_kinds_are_named() {
        let retired = "application/vnd.docker.distribution.manifest.v1+prettyjws";
        assert!(matches!(read("{", Some(retired)), Err(RegistryError::SchemaOne { .. })));
        assert!(matches!(read(r#"{"schemaVersion":1}"#, None), Err(RegistryError::SchemaOne { .. })));
        assert!(matches!(read("{}", Some("text/html")), Err(RegistryError::MediaType { .. })));
        assert!(matches!(read("{}", None), Err(RegistryError::MediaType { .. })));
        assert!(matches!(read("<html>", None), Err(RegistryError::Malformed { .. })));
    }
}
