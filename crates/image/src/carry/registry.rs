//! Into a repository of a registry.

use plimsoll_model::digest::BlobDigest;
use plimsoll_model::reference::Reference;

use super::{Carried, CarryError, Left, Load, Moved, OtherTags, Sent, Step, Watch, entry};
use crate::belongings::{Part, Unlisted};
use crate::source::registry::{RegistryClient, RegistryError, tagged};

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
        let told = |bytes| watch(Step::Bytes(bytes));
        let blobs = self.move_blobs(watch, |blob| {
            Ok(client.send(to, blob, self.from.blob(blob).as_ref(), mount, &told)?)
        })?;
        let mut carried = Carried { manifests: Vec::new(), blobs, left: self.left.clone(), before: None };
        for (number, part) in self.parts() {
            let fate = if client.has_manifest(to, part.digest)? { Sent::There } else { Sent::Bytes };
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
                match meaning(client, &name)?.filter(|digest| *digest != part.digest) {
                    Some(other) if others == OtherTags::Stay => carried.left.push(kept(&tag, part, other)),
                    _ => client.put(&name, &part.bytes, &part.media_type)?,
                }
            }
        }
        let top = self.belongings.top().ok_or_else(|| CarryError::NotWhole("it is not there".to_owned()))?;
        let before = meaning(client, to)?;
        if before != Some(top.digest) {
            client.put(to, &top.bytes, &top.media_type)?;
        }
        carried.before = before.filter(|before| *before != top.digest);
        Ok(carried)
    }
}

/// A tag that was not replaced.
pub(super) fn kept(tag: &str, part: &Part, other: BlobDigest) -> Left {
    let reason =
        format!("the destination has {other} there, which may hold other signatures: --force replaces it");
    Left { digest: part.digest, told: Unlisted { what: format!("tag {tag}"), reason } }
}

/// What a tag means.
fn meaning(client: &RegistryClient, name: &Reference) -> Result<Option<BlobDigest>, RegistryError> {
    match client.manifest(name) {
        Ok(found) => Ok(Some(found.digest)),
        Err(RegistryError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
