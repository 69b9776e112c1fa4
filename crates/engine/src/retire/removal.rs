//! The removal of what may go, after one more look at what the tags mean.

use plimsoll_image::source::registry::{RegistryClient, RegistryError};
use plimsoll_model::digest::BlobDigest;
use plimsoll_model::reference::Reference;

use super::survey::at_tag;
use super::{Fate, Held, RetireError, Survey};

/// Is told of each image before and after it is removed; an error stops everything.
pub trait Removal {
    /// What went wrong.
    type Error;

    /// An image is to be removed now.
    ///
    /// # Errors
    /// If it must not be.
    fn begins(&mut self, image: &Held) -> Result<(), Self::Error>;

    /// It is removed, or was not; its fate tells.
    ///
    /// # Errors
    /// If nothing more may be removed.
    fn ended(&mut self, image: &Held) -> Result<(), Self::Error>;
}

/// Removes what may go. The first failure ends it: what was to go then stays, and says so.
///
/// # Errors
/// If the repository is not what it was, or `removal` does not allow it. Nothing was removed in the first case.
pub fn remove<R: Removal>(
    client: &RegistryClient,
    name: &Reference,
    survey: &mut Survey,
    removal: &mut R,
) -> Result<(), R::Error>
where
    R::Error: From<RetireError>,
{
    unchanged(client, name, survey)?;
    let mut stopped = false;
    for image in survey.images.iter_mut().filter(|image| image.fate == Fate::Goes) {
        if stopped {
            image.fate = Fate::Failed("not tried after that".to_owned());
            continue;
        }
        removal.begins(image)?;
        image.fate = match doomed(client, name, image) {
            Ok(()) => Fate::Gone,
            Err(reason) => Fate::Failed(reason),
        };
        stopped = image.fate != Fate::Gone;
        removal.ended(image)?;
    }
    Ok(())
}

/// Makes sure that there are the same tags, and that they mean the same.
fn unchanged(client: &RegistryClient, name: &Reference, survey: &Survey) -> Result<(), RetireError> {
    let now = client.tags(name)?;
    let is_new = |tag: &&String| !survey.tags.contains_key(*tag);
    let gone = |tag: &&String| now.binary_search(tag).is_err();
    if let Some(tag) = now.iter().find(is_new).or_else(|| survey.tags.keys().find(gone)) {
        return Err(RetireError::Changed(tag.clone()));
    }
    // What stays matters as much: a tag that moved to what is to go would go, too.
    for (tag, digest) in &survey.tags {
        match client.manifest(&at_tag(name, tag)?) {
            Ok(found) if found.digest == *digest => {}
            Ok(_) | Err(RegistryError::NotFound { .. }) => return Err(RetireError::Changed(tag.clone())),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Removes an image with what belongs to it.
fn doomed(client: &RegistryClient, name: &Reference, image: &Held) -> Result<(), String> {
    // Of one that shares its manifest with another tag, nothing is removed.
    if image.doomed.first() != Some(&image.digest) {
        return Err("another tag means it, too".to_owned());
    }
    for tag in &image.tags {
        let meant = at_tag(name, tag).and_then(|name| client.manifest(&name));
        match meant {
            Ok(found) if found.digest == image.digest => {}
            Ok(found) => return Err(format!("tag {tag} was moved to {} meanwhile", found.digest)),
            Err(error) => return Err(error.to_string()),
        }
    }
    image.doomed.iter().try_for_each(|digest| one(client, name, *digest))
}

fn one(client: &RegistryClient, name: &Reference, digest: BlobDigest) -> Result<(), String> {
    match client.delete_manifest(&name.at(digest)) {
        // What is gone already is what was wanted.
        Ok(_) => Ok(()),
        Err(RegistryError::Status { status: 405, host, .. }) => {
            Err(format!("{host} removes nothing (status 405): registries have to be set up to allow it"))
        }
        Err(error) => Err(format!("{digest}: {error}")),
    }
}
