//! Adds a layer to the manifest under one of cosign's tags. What is there stays: the layers of others, and what the manifest
//! says of itself. Two who do it at once can undo each other's work, so it is looked whether it lasted.

use plimsoll_image::manifest::{Descriptor, MANIFEST_LIMIT};
use plimsoll_image::source::referrers::attach::Tagged;
use plimsoll_image::source::referrers::{Referrer, Referrers, Tie};
use plimsoll_model::digest::{BlobDigest, Digest};
use plimsoll_trust::signing::legacy::Layer;
use serde_json::{Value, json};

use super::SignImageError;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// The most layers that one manifest may get: nobody looks at more.
const LAYER_LIMIT: usize = 128;
/// How often it is tried to come between others.
const TRIES: usize = 4;

/// Adds `layer`, and gives the digest of the new manifest.
pub(super) fn add(
    place: &dyn Referrers,
    subject: BlobDigest,
    ending: &'static str,
    layer: Layer,
) -> Result<BlobDigest, SignImageError> {
    let digest = BlobDigest(Digest::of(&layer.bytes)).to_string();
    for _ in 0..TRIES {
        let old = current(place, subject, ending)?;
        let new = match &old {
            Some(old) => extended(place, old, &layer)?,
            None => fresh(&layer),
        };
        let manifest = BlobDigest(Digest::of(&new.manifest));
        let old = old.map(|old| old.digest);
        place.tag(Tagged { subject, ending, old, blobs: new.blobs, manifest: new.manifest })?;
        let now = current(place, subject, ending)?;
        let lasted = now.is_some_and(|now| {
            now.digest == manifest
                || read(place, &now)
                    .is_ok_and(|now| layers(&now).iter().any(|layer| layer["digest"] == *digest))
        });
        if lasted {
            return Ok(manifest);
        }
    }
    Err(SignImageError::Tag {
        place: format!("what has the tag of {subject}{ending}"),
        problem: "others change it all the time",
    })
}

/// A manifest to be sent, with the blobs that are new.
struct New {
    manifest: Vec<u8>,
    blobs: Vec<Vec<u8>>,
}

/// What has the tag now.
fn current(
    place: &dyn Referrers,
    subject: BlobDigest,
    ending: &str,
) -> Result<Option<Descriptor>, SignImageError> {
    let listing = place.list(subject, &[ending])?;
    let tagged = |referrer: Referrer| (referrer.tie == Tie::Tag).then_some(referrer.manifest);
    Ok(listing.referrers.into_iter().find_map(tagged))
}

fn fresh(layer: &Layer) -> New {
    let config = json!({
        "architecture": "", "os": "", "config": {}, "created": "0001-01-01T00:00:00Z",
        "history": [history()],
        "rootfs": { "type": "layers", "diff_ids": [Digest::of(&layer.bytes).to_string()] },
    });
    let config = config.to_string().into_bytes();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": described(CONFIG, &config),
        "layers": [descriptor(layer)],
    });
    New { manifest: manifest.to_string().into_bytes(), blobs: vec![config, layer.bytes.clone()] }
}

/// Manifest and configuration `old` with one layer more, everything else in them kept.
fn extended(place: &dyn Referrers, old: &Descriptor, layer: &Layer) -> Result<New, SignImageError> {
    let wrong = |problem| SignImageError::Tag { place: place.title(old.digest), problem };
    let mut manifest = read(place, old)?;
    let count = layers(&manifest).len();
    if count >= LAYER_LIMIT {
        return Err(wrong("it has as many signatures as anybody looks at"));
    }
    let config: Option<Descriptor> =
        manifest.get("config").and_then(|config| serde_json::from_value(config.clone()).ok());
    let config = config.ok_or_else(|| wrong("it has no configuration"))?;
    let mut content = document(&place.bytes(&config, MANIFEST_LIMIT)?)
        .ok_or_else(|| wrong("its configuration is no JSON"))?;
    let listed = content.pointer_mut("/rootfs/diff_ids").and_then(Value::as_array_mut);
    let listed = listed.ok_or_else(|| wrong("its configuration does not list its layers"))?;
    if listed.len() != count {
        return Err(wrong("its configuration lists other layers"));
    }
    listed.push(Digest::of(&layer.bytes).to_string().into());
    if let Some(known) = content.get_mut("history").and_then(Value::as_array_mut) {
        known.push(history());
    }
    let content = content.to_string().into_bytes();
    let layers = manifest.get_mut("layers").and_then(Value::as_array_mut);
    layers.ok_or_else(|| wrong("it has no layers"))?.push(descriptor(layer));
    if let Some(manifest) = manifest.as_object_mut() {
        manifest.insert("config".to_owned(), described(&config.media_type, &content));
    }
    let manifest = manifest.to_string().into_bytes();
    if manifest.len() as u64 > MANIFEST_LIMIT {
        return Err(wrong("it is full"));
    }
    Ok(New { manifest, blobs: vec![content, layer.bytes.clone()] })
}

fn read(place: &dyn Referrers, manifest: &Descriptor) -> Result<Value, SignImageError> {
    let bytes = place.bytes(manifest, MANIFEST_LIMIT)?;
    let wrong =
        || SignImageError::Tag { place: place.title(manifest.digest), problem: "it is no JSON object" };
    document(&bytes).ok_or_else(wrong)
}

fn document(bytes: &[u8]) -> Option<Value> {
    serde_json::from_slice::<Value>(bytes).ok().filter(Value::is_object)
}

fn layers(manifest: &Value) -> &[Value] {
    manifest.get("layers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn history() -> Value {
    json!({ "created": "0001-01-01T00:00:00Z" })
}

fn descriptor(layer: &Layer) -> Value {
    let mut descriptor = described(layer.media_type, &layer.bytes);
    if let Some(descriptor) = descriptor.as_object_mut() {
        descriptor.insert("annotations".to_owned(), json!(layer.annotations));
    }
    descriptor
}

fn described(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": Digest::of(bytes).to_string(), "size": bytes.len() })
}

#[cfg(test)]
mod tests;
