//! Sends a document that refers to a manifest. A registry that knows the referrers API lists it by itself and says so;
//! for any other the list under the fallback tag is extended
//! (<https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests-with-subject>).

use plimsoll_model::digest::BlobDigest;
use plimsoll_model::reference::Reference;
use serde_json::Value;

use super::client::AsyncRegistryClient;
use super::error::RegistryError;
use super::manifest::{OCI_INDEX, OCI_MANIFEST};
use super::referrers::{named, tagged};
use crate::source::referrers::attach::{Packed, extended};
use crate::source::referrers::tag_of;

/// Told by registries that list what was sent.
const LISTED: &str = "oci-subject";

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
        let old = self.fallback_list(reference, subject).await?.map(|list| list.bytes);
        let new = extended(old.as_deref(), entry, digest).map_err(|why| {
            let what = named(reference, subject);
            RegistryError::Malformed { host: reference.registry().to_owned(), what, why: why.to_owned() }
        })?;
        if let Some(new) = new {
            let fallback = tagged(reference, &tag_of(subject))?;
            self.put_manifest(&fallback, new, OCI_INDEX).await?;
        }
        Ok(())
    }
}
