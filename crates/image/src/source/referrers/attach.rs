//! A document as a referrer: a manifest with an empty configuration that names its subject
//! (<https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md#guidelines-for-artifact-usage>), and its way into an
//! OCI layout.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use plimsoll_formats::bounded;
use plimsoll_model::digest::{BlobDigest, Digest};
use serde_json::{Value, json};

use super::{OCI_INDEX, OCI_MANIFEST, REFERRER_LIMIT};
use crate::manifest::MANIFEST_LIMIT;
use crate::source::SourceError;

const EMPTY: &str = "application/vnd.oci.empty.v1+json";
const EMPTY_CONTENT: &[u8] = b"{}";
const TITLE: &str = "org.opencontainers.image.title";
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// A document to be attached.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Document {
    /// What it is.
    pub media_type: &'static str,
    /// What its file is called, for tools that write it to one again.
    pub title: Option<String>,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Annotations of its manifest.
    pub annotations: BTreeMap<String, String>,
}

/// A document with a manifest around it, ready to be sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Packed {
    /// The manifest that it refers to.
    pub subject: BlobDigest,
    /// The blobs that its manifest names.
    pub blobs: Vec<Vec<u8>>,
    /// Its manifest.
    pub manifest: Vec<u8>,
    /// The digest of that.
    pub digest: BlobDigest,
    /// The manifest in a list of referrers.
    pub(crate) entry: Value,
}

/// A manifest under one of the tags that cosign makes of a digest, ready to be sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tagged {
    /// The manifest whose digest the tag has.
    pub subject: BlobDigest,
    /// What is behind the digest in the tag.
    pub ending: &'static str,
    /// The manifest that has the tag now and loses it.
    pub old: Option<BlobDigest>,
    /// The blobs that the new manifest names and that may not be there yet.
    pub blobs: Vec<Vec<u8>>,
    /// The new manifest.
    pub manifest: Vec<u8>,
}

/// Why a document is not attached.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// A file or a registry.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The index of a layout cannot be extended.
    #[error("{path}: {problem}")]
    Index {
        /// Which.
        path: PathBuf,
        /// Why.
        problem: &'static str,
    },
    /// A file of a layout could not be written.
    #[error("writing {path}")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Puts a manifest around a document; `subject` is the manifest that it refers to. The same document gives the same bytes.
#[must_use]
pub fn pack(subject: &[u8], document: Document) -> Packed {
    let kind = document.media_type;
    pack_as(subject, document, kind, EMPTY)
}

/// The same of an artifact of the type `kind` in the shape of old, which readers tell by the type of the configuration.
#[must_use]
pub fn pack_artifact(subject: &[u8], document: Document, kind: &'static str) -> Packed {
    pack_as(subject, document, kind, kind)
}

fn pack_as(subject: &[u8], document: Document, kind: &str, configuration: &str) -> Packed {
    let own_type = serde_json::from_slice::<Value>(subject).ok();
    let own_type = own_type.as_ref().and_then(|manifest| manifest.get("mediaType")).and_then(Value::as_str);
    let subject_type = own_type.unwrap_or(OCI_MANIFEST);
    let Document { media_type, title, bytes, annotations } = document;
    let mut layer = descriptor(media_type, &bytes);
    if let (Some(title), Some(layer)) = (title, layer.as_object_mut()) {
        layer.insert("annotations".to_owned(), json!({ TITLE: title }));
    }
    let mut manifest = json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": kind,
        "config": descriptor(configuration, EMPTY_CONTENT),
        "layers": [layer],
        "subject": descriptor(subject_type, subject),
    });
    annotate(&mut manifest, &annotations);
    let manifest = manifest.to_string().into_bytes();
    let mut entry = descriptor(OCI_MANIFEST, &manifest);
    if let Some(entry) = entry.as_object_mut() {
        entry.insert("artifactType".to_owned(), kind.into());
    }
    annotate(&mut entry, &annotations);
    Packed {
        subject: BlobDigest(Digest::of(subject)),
        blobs: vec![EMPTY_CONTENT.to_vec(), bytes],
        digest: BlobDigest(Digest::of(&manifest)),
        manifest,
        entry,
    }
}

/// A list repeats the annotations of the manifests in it.
fn annotate(value: &mut Value, annotations: &BTreeMap<String, String>) {
    if let (false, Some(value)) = (annotations.is_empty(), value.as_object_mut()) {
        value.insert("annotations".to_owned(), json!(annotations));
    }
}

pub(super) fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": Digest::of(bytes).to_string(), "size": bytes.len() })
}

/// The index `old` with one entry more, everything else in it kept; none if it has the entry.
pub(crate) fn extended(
    old: Option<&[u8]>,
    entry: Value,
    digest: BlobDigest,
) -> Result<Option<Vec<u8>>, &'static str> {
    let mut index: Value = match old {
        None => json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [] }),
        Some(bytes) => serde_json::from_slice(bytes).map_err(|_| "it is no JSON")?,
    };
    let entries = index.get_mut("manifests").ok_or("it is no index")?;
    if entries.is_null() {
        *entries = json!([]);
    }
    let entries = entries.as_array_mut().ok_or("it is no index")?;
    let wanted = digest.to_string();
    if entries.iter().any(|entry| entry.get("digest").and_then(Value::as_str) == Some(&wanted)) {
        return Ok(None);
    }
    if entries.len() >= REFERRER_LIMIT {
        return Err("it is full");
    }
    entries.push(entry);
    let bytes = index.to_string().into_bytes();
    if bytes.len() as u64 > MANIFEST_LIMIT { Err("it is full") } else { Ok(Some(bytes)) }
}

/// Writes a document into the layout at `directory`: its blobs, then an entry of the index.
pub(super) fn to_layout(directory: &Path, packed: Packed) -> Result<(), AttachError> {
    let path = directory.join("index.json");
    let read = bounded::read_file(&path, MANIFEST_LIMIT);
    let old = read.map_err(|source| SourceError::Read { path: path.clone(), source })?;
    let new = extended(Some(&old), packed.entry, packed.digest);
    let new = new.map_err(|problem| AttachError::Index { path: path.clone(), problem })?;
    for blob in packed.blobs.iter().chain([&packed.manifest]) {
        write(&directory.join("blobs/sha256").join(Digest::of(blob).hex()), blob)?;
    }
    new.map_or(Ok(()), |new| write(&path, &new))
}

/// Writes blobs and a manifest into the layout at `directory`, and puts the manifest into its index in the place of that with the
/// digest `old`, keeping what the index says of it; as a new entry with the name `tag` if there is none.
pub(super) fn tag_in_layout(directory: &Path, tagged: &Tagged, tag: &str) -> Result<(), AttachError> {
    let path = directory.join("index.json");
    let read = bounded::read_file(&path, MANIFEST_LIMIT);
    let bytes = read.map_err(|source| SourceError::Read { path: path.clone(), source })?;
    let new = retagged(&bytes, tagged, tag);
    let new = new.map_err(|problem| AttachError::Index { path: path.clone(), problem })?;
    for blob in tagged.blobs.iter().chain([&tagged.manifest]) {
        write(&directory.join("blobs/sha256").join(Digest::of(blob).hex()), blob)?;
    }
    write(&path, &new)
}

fn retagged(index: &[u8], tagged: &Tagged, tag: &str) -> Result<Vec<u8>, &'static str> {
    let mut index: Value = serde_json::from_slice(index).map_err(|_| "it is no JSON")?;
    let entries = index.get_mut("manifests").and_then(Value::as_array_mut).ok_or("it is no index")?;
    let mut entry = descriptor(OCI_MANIFEST, &tagged.manifest);
    let count = entries.len();
    let old = tagged.old.map(|old| old.to_string());
    let is_old =
        |entry: &&mut Value| old.is_some() && entry.get("digest").and_then(Value::as_str) == old.as_deref();
    match (entries.iter_mut().find(is_old).and_then(Value::as_object_mut), entry.as_object_mut()) {
        (Some(known), Some(entry)) => known.append(entry),
        _ if count >= REFERRER_LIMIT => return Err("it is full"),
        _ => {
            annotate(&mut entry, &BTreeMap::from([(REF_NAME.to_owned(), tag.to_owned())]));
            entries.push(entry);
        }
    }
    let bytes = index.to_string().into_bytes();
    if bytes.len() as u64 > MANIFEST_LIMIT { Err("it is full") } else { Ok(bytes) }
}

/// Writes a whole file or none.
fn write(path: &Path, bytes: &[u8]) -> Result<(), AttachError> {
    let failed = |source| AttachError::Write { path: path.to_owned(), source };
    let folder = path.parent().unwrap_or(path);
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    let builder = builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.prefix(".attach-").tempfile_in(folder).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBJECT: &[u8] = br#"{"mediaType":"application/vnd.docker.distribution.manifest.v2+json"}"#;

    fn packed(text: &str) -> Packed {
        let bytes = text.as_bytes().to_vec();
        pack(
            SUBJECT,
            Document {
                media_type: "text/spdx",
                title: Some("x.spdx".into()),
                bytes,
                annotations: BTreeMap::new(),
            },
        )
    }

    #[test]
    fn a_manifest_names_its_subject_and_its_document() {
        let packed = packed("SPDXVersion");
        let manifest: Value = serde_json::from_slice(&packed.manifest).unwrap();
        assert_eq!(manifest["subject"]["digest"], BlobDigest(Digest::of(SUBJECT)).to_string());
        assert_eq!(manifest["subject"]["size"], SUBJECT.len());
        assert!(manifest["subject"]["mediaType"].as_str().unwrap().contains("docker"));
        assert_eq!(manifest["layers"][0]["digest"], Digest::of(b"SPDXVersion").to_string());
        assert_eq!(manifest["layers"][0]["annotations"][TITLE], "x.spdx");
        assert_eq!(manifest["config"]["digest"], Digest::of(b"{}").to_string());
        assert_eq!(packed.entry["artifactType"], "text/spdx");
        assert_eq!(packed.entry["digest"], packed.digest.to_string());
    }

    #[test]
    fn an_index_is_extended_once_and_keeps_what_it_has() {
        let (one, two) = (packed("1"), packed("2"));
        let first = extended(None, one.entry.clone(), one.digest).unwrap().unwrap();
        assert_eq!(extended(Some(&first), one.entry, one.digest).unwrap(), None);
        let mut other: Value = serde_json::from_slice(&first).unwrap();
        other["annotations"] = json!({ "theirs": "kept" });
        let second = extended(Some(other.to_string().as_bytes()), two.entry, two.digest).unwrap().unwrap();
        let second: Value = serde_json::from_slice(&second).unwrap();
        assert_eq!(second["manifests"].as_array().unwrap().len(), 2);
        assert_eq!(second["annotations"]["theirs"], "kept");
    }

    #[test]
    fn annotations_are_told_in_the_list_too() {
        let annotations = BTreeMap::from([("content".to_owned(), "dsse-envelope".to_owned())]);
        let document = Document { media_type: "text/spdx", title: None, bytes: Vec::new(), annotations };
        let packed = pack(SUBJECT, document);
        let manifest: Value = serde_json::from_slice(&packed.manifest).unwrap();
        assert_eq!(manifest["annotations"]["content"], "dsse-envelope");
        assert_eq!(packed.entry["annotations"]["content"], "dsse-envelope");
    }

    #[test]
    fn a_tag_of_a_layout_moves_and_its_entry_stays_otherwise() {
        let subject = BlobDigest(Digest::of(SUBJECT));
        let of = |manifest: &[u8], old| Tagged {
            subject,
            ending: ".sig",
            old,
            blobs: Vec::new(),
            manifest: manifest.to_vec(),
        };
        let first = retagged(br#"{"manifests":[{"digest":"x"}]}"#, &of(b"1", None), "tag.sig").unwrap();
        let mut read: Value = serde_json::from_slice(&first).unwrap();
        assert_eq!(read["manifests"][1]["annotations"][REF_NAME], "tag.sig");
        read["manifests"][1]["annotations"]["kind"] = "sigs".into();
        let old = Some(BlobDigest(Digest::of(b"1")));
        let second = retagged(read.to_string().as_bytes(), &of(b"22", old), "tag.sig").unwrap();
        let read: Value = serde_json::from_slice(&second).unwrap();
        assert_eq!(read["manifests"].as_array().unwrap().len(), 2);
        assert_eq!(read["manifests"][1]["digest"], BlobDigest(Digest::of(b"22")).to_string());
        assert_eq!(read["manifests"][1]["size"], 2);
        assert_eq!(read["manifests"][1]["annotations"]["kind"], "sigs");
        for hostile in ["", "[]", "{}", r#"{"manifests":1}"#] {
            assert!(retagged(hostile.as_bytes(), &of(b"1", None), "tag").is_err(), "{hostile}");
        }
    }

    #[test]
    fn what_is_no_index_or_full_is_left_alone() {
        let one = packed("1");
        for hostile in ["", "[]", "{\"manifests\":{}}", "{\"layers\":[]}"] {
            assert!(extended(Some(hostile.as_bytes()), one.entry.clone(), one.digest).is_err(), "{hostile}");
        }
        let full = json!({ "manifests": vec![json!({}); REFERRER_LIMIT] }).to_string();
        assert_eq!(extended(Some(full.as_bytes()), one.entry, one.digest), Err("it is full"));
    }
}
