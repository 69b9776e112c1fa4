//! Sends a document that refers to a manifest. A registry that knows the referrers API lists it by itself and says so;
//! for any other the list under the fallback tag is extended
//! (<https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests-with-subject>).

use plimsoll_model::reference::Reference;

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
        let answer = self.put_manifest(&reference.at(packed.digest), packed.manifest, OCI_MANIFEST).await?;
        if answer.header(LISTED).is_some() {
            return Ok(());
        }
        let old = self.fallback_list(reference, packed.subject).await?.map(|list| list.bytes);
        let new = extended(old.as_deref(), packed.entry, packed.digest).map_err(|why| {
            let what = named(reference, packed.subject);
            RegistryError::Malformed { host: reference.registry().to_owned(), what, why: why.to_owned() }
        })?;
        if let Some(new) = new {
            let fallback = tagged(reference, &tag_of(packed.subject))?;
            self.put_manifest(&fallback, new, OCI_INDEX).await?;
        }
        Ok(())
    }
}
