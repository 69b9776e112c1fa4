//! Sends a document that refers to a manifest. A registry that knows the referrers API lists it by itself and says so;
//! for any other the list under the fallback tag is extended
//! (<https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests-with-subject>).

use std::time::Duration;

use plimsoll_model::digest::BlobDigest;
use plimsoll_model::reference::Reference;
use serde_json::Value;

use super::client::AsyncRegistryClient;
use super::error::RegistryError;
use super::manifest::{OCI_INDEX, OCI_MANIFEST};
use super::push::Version;
use super::referrers::{named, tagged};
use crate::source::referrers::attach::{Packed, extended};
use crate::source::referrers::tag_of;

/// Told by registries that list what was sent.
const LISTED: &str = "oci-subject";
/// How often a list is written that others write, too.
const ATTEMPTS: u32 = 8;

impl AsyncRegistryClient {
    /// Sends the blobs, the manifest, and if need be the list.
    ///
    /// # Errors
    /// As [`RegistryError`] tells.
    pub async fn push_referrer(&self, reference: &Reference, packed: Packed) -> Result<(), RegistryError> {
        for blob in packed.blobs {
            self.push_blob(reference, blob).await?;
        }
        let Packed { subject, manifest, digest, entry, .. } = packed;
        self.put_referrer(reference, subject, (digest, manifest, OCI_MANIFEST), entry).await
    }

    /// Sends the manifest of a referrer, whose blobs are there, and if need be the list with its `entry`.
    pub(super) async fn put_referrer(
        &self,
        reference: &Reference,
        subject: BlobDigest,
        (digest, manifest, media_type): (BlobDigest, Vec<u8>, &'static str),
        entry: Value,
    ) -> Result<(), RegistryError> {
        let answer = self.put_manifest(&reference.at(digest), manifest, media_type).await?;
        if answer.header(LISTED).is_some() {
            return Ok(());
        }
        self.list(reference, subject, digest, &entry).await
    }

    /// Adds an entry to the list under the fallback tag. Somebody else may do the same at the same time: where the registry tells a
    /// version of the list, it is asked to take ours for that version only; and whatever it answers, the list is read once more.
    async fn list(
        &self,
        reference: &Reference,
        subject: BlobDigest,
        digest: BlobDigest,
        entry: &Value,
    ) -> Result<(), RegistryError> {
        let malformed = |why: &str| {
            let what = named(reference, subject);
            RegistryError::Malformed { host: reference.registry().to_owned(), what, why: why.to_owned() }
        };
        for attempt in 0..ATTEMPTS {
            let old = self.fallback_list(reference, subject).await?;
            let version = old.as_ref().map_or(Version::None, |list| list.version.clone().into());
            let new = extended(old.as_ref().map(|list| list.bytes.as_slice()), entry.clone(), digest);
            let Some(new) = new.map_err(malformed)? else { return Ok(()) };
            let fallback = tagged(reference, &tag_of(subject))?;
            match self.put_version(&fallback, new, OCI_INDEX, version).await {
                // Whether it stays, the next look tells.
                Ok(_) => {}
                // Somebody else was faster.
                Err(RegistryError::Status { status: 409 | 412, .. }) => {}
                Err(error) => return Err(error),
            }
            if attempt > 0 {
                tokio::time::sleep(pause(digest, attempt)).await;
            }
        }
        Err(malformed("others changed it each time that it was written"))
    }
}

/// How long to wait after an attempt: the more the later, and not as long as another writer, who has another digest.
fn pause(digest: BlobDigest, attempt: u32) -> Duration {
    let jitter =
        digest.0.hex().bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let step = Duration::from_millis(20 + jitter % 80);
    step.saturating_mul(attempt)
}
