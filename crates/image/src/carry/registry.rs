//! Into a repository of a registry.

use plimsoll_model::digest::BlobDigest;
use plimsoll_model::reference::Reference;

use super::{Carried, CarryError, Left, Load, Moved, OtherTags, QUESTIONS, Sent, Step, Watch, entry};
use crate::at_once::at_once;
use crate::belongings::{Part, Unlisted};
use crate::source::referrers::Artifact;
use crate::source::registry::{FetchedManifest, RegistryClient, RegistryError, tagged};

impl Load<'_> {
    /// Carries it into the repository of `to`, and gives it the tag of that. `mount` is the repository that it comes from, if that
    /// is at the same registry.
    ///
    /// # Errors
    /// See [`CarryError`].
    pub fn to_registry(
        &self,
        client: &RegistryClient,
        to: &Reference,
        mount: Option<&Reference>,
        others: OtherTags,
        watch: Watch<'_>,
    ) -> Result<Carried, CarryError> {
        let mut carried = self.into_repository(client, to, mount, others, watch)?;
        carried.before = self.name(client, to)?;
        Ok(carried)
    }

    /// The same without the tag: whoever knows the digest finds it there.
    ///
    /// # Errors
    /// See [`CarryError`].
    pub fn into_repository(
        &self,
        client: &RegistryClient,
        to: &Reference,
        mount: Option<&Reference>,
        others: OtherTags,
        watch: Watch<'_>,
    ) -> Result<Carried, CarryError> {
        let told = |bytes| watch(Step::Bytes(bytes));
        let blobs = self.move_blobs(watch, |blob| {
            Ok(client.send(to, blob, self.from.blob(blob).as_ref(), mount, &told)?)
        })?;
        let mut carried = Carried { blobs, left: self.left.clone(), ..Carried::default() };
        let parts: Vec<(usize, &Part)> = self.parts().collect();
        let asked = at_once(QUESTIONS, &parts, |(_, part)| client.has_manifest(to, part.digest));
        for ((number, part), has) in parts.into_iter().zip(asked) {
            // One that comes twice is sent twice at most, which does no harm.
            let is_there = has.transpose()?.unwrap_or(false);
            let fate = if is_there { Sent::There } else { Sent::Bytes };
            if let (true, Some(subject)) = (self.is_referrer(number), part.subject) {
                // Even if it is there it may not be listed.
                let document = (part.digest, part.bytes.as_ref(), part.media_type.as_str());
                client.put_referrer(to, subject, document, entry(part))?;
            } else if fate == Sent::Bytes {
                client.put(&to.at(part.digest), &part.bytes, &part.media_type)?;
            }
            carried.manifests.push(Moved { digest: part.digest, size: part.bytes.len() as u64, fate });
            for tag in self.tags(number) {
                let name = tagged(to, &tag)?;
                match found(client, &name)?.filter(|found| found.digest != part.digest) {
                    Some(other) if others == OtherTags::Stay && holds(&other.bytes, part) => {
                        carried.held.insert(part.digest);
                    }
                    Some(other) if others == OtherTags::Stay => {
                        carried.left.push(kept(&tag, part, other.digest));
                    }
                    _ => client.put(&name, &part.bytes, &part.media_type)?,
                }
            }
        }
        Ok(carried)
    }

    /// Gives what was carried into the repository of `to` the tag of that, and tells what the tag meant before, if it was something
    /// else.
    ///
    /// # Errors
    /// See [`CarryError`].
    pub fn name(&self, client: &RegistryClient, to: &Reference) -> Result<Option<BlobDigest>, CarryError> {
        let top = self.belongings.top().ok_or_else(|| CarryError::NotWhole("it is not there".to_owned()))?;
        let before = meaning(client, to)?;
        if before != Some(top.digest) {
            client.put(to, &top.bytes, &top.media_type)?;
        }
        Ok(before.filter(|before| *before != top.digest))
    }
}

/// Whether a manifest of signatures has all that are in `part`, so that nothing is lost if it stays.
fn holds(other: &[u8], part: &Part) -> bool {
    let other: Option<Artifact> = serde_json::from_slice(other).ok();
    let has = |layer| other.as_ref().is_some_and(|other| other.layers.contains(layer));
    !part.layers().is_empty() && part.layers().iter().all(has)
}

/// A tag that was not replaced.
pub(super) fn kept(tag: &str, part: &Part, other: BlobDigest) -> Left {
    let reason =
        format!("the destination has {other} there, which may hold other signatures: --force replaces it");
    Left { digest: part.digest, told: Unlisted { what: format!("tag {tag}"), reason } }
}

/// What a tag means.
///
/// # Errors
/// As [`RegistryError`] tells.
pub fn meaning(client: &RegistryClient, name: &Reference) -> Result<Option<BlobDigest>, RegistryError> {
    Ok(found(client, name)?.map(|found| found.digest))
}

fn found(client: &RegistryClient, name: &Reference) -> Result<Option<FetchedManifest>, RegistryError> {
    match client.manifest(name) {
        Ok(found) => Ok(Some(found)),
        Err(RegistryError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
