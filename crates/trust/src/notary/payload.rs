//! The payload: which artifact is signed, with what was signed beside it.

use std::collections::BTreeMap;

use plimsoll_formats::strict;
use plimsoll_model::digest::BlobDigest;
use serde::Deserialize;
use serde_json::Value;

use super::ENVELOPE_LIMIT;
use crate::claimed::Subject;

pub(crate) const PAYLOAD_TYPE: &str = "application/vnd.cncf.notary.payload.v1+json";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Payload {
    target_artifact: Target,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    media_type: String,
    digest: BlobDigest,
    size: u64,
    #[serde(default)]
    annotations: Option<BTreeMap<String, Value>>,
}

impl Payload {
    /// Reads what was signed, byte by byte.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        strict::read(bytes, ENVELOPE_LIMIT).map_err(|error| format!("its payload: {error}"))
    }

    /// Whether it is about `subject`: digest, media type and size must be the same.
    pub(crate) fn check_subject(&self, subject: Subject<'_>) -> Result<(), String> {
        let target = &self.target_artifact;
        if target.digest.0 != subject.digest {
            return Err(format!("it signs {}, not {}", target.digest, subject.digest));
        }
        let Some((media_type, size)) = subject.described else {
            return Err("the media type and size of what it should sign are not known".to_owned());
        };
        if target.media_type != media_type {
            return Err(format!("it signs something of type {:?}, not {media_type:?}", target.media_type));
        }
        if target.size != size {
            return Err(format!("it signs something of {} bytes, not {size}", target.size));
        }
        Ok(())
    }

    /// What the signer said beside that.
    pub(crate) fn annotations(&self) -> BTreeMap<String, String> {
        let all = self.target_artifact.annotations.iter().flatten();
        all.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
    }
}
