//! The removal of what may go, after one more look at what the tags mean.

use std::collections::BTreeSet;

use plimsoll_image::at_once::at_once;
use plimsoll_image::source::registry::{self, RegistryClient, RegistryError};
use plimsoll_model::digest::BlobDigest;
use plimsoll_model::reference::Reference;

use super::survey::THREADS;
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
    let mut order: Vec<&mut Held> =
        survey.images.iter_mut().filter(|image| image.fate == Fate::Goes).collect();
    // An image that an index takes along comes after the index.
    order.sort_by_key(|image| image.doomed.first() != Some(&image.digest));
    let (mut stopped, mut gone) = (false, BTreeSet::new());
    for image in order {
        if stopped {
            image.fate = Fate::Failed("not tried after that".to_owned());
            continue;
        }
        removal.begins(image)?;
        image.fate = match doomed(client, name, image, &mut gone) {
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
    let tags: Vec<(&String, &BlobDigest)> = survey.tags.iter().collect();
    let asked = at_once(THREADS, &tags, |(tag, _)| {
        registry::tagged(name, tag).and_then(|name| client.manifest(&name))
    });
    for ((tag, digest), found) in tags.into_iter().zip(asked) {
        match found {
            Some(Ok(found)) if found.digest == *digest => {}
            Some(Err(error)) if !matches!(error, RegistryError::NotFound { .. }) => return Err(error.into()),
            Some(Ok(_) | Err(_)) | None => return Err(RetireError::Changed(tag.clone())),
        }
    }
    Ok(())
}

/// Removes an image with what belongs to it, if its tags still mean it; `gone` is what was removed before.
fn doomed(
    client: &RegistryClient,
    name: &Reference,
    image: &Held,
    gone: &mut BTreeSet<BlobDigest>,
) -> Result<(), String> {
    if !gone.contains(&image.digest) {
        if image.doomed.first() != Some(&image.digest) {
            return Err("what it is a part of was not removed".to_owned());
        }
        for tag in &image.tags {
            let meant = registry::tagged(name, tag).and_then(|name| client.manifest(&name));
            match meant {
                Ok(found) if found.digest == image.digest => {}
                Ok(found) => return Err(format!("tag {tag} was moved to {} meanwhile", found.digest)),
                Err(error) => return Err(error.to_string()),
            }
        }
    }
    for digest in &image.doomed {
        one(client, name, *digest)?;
        gone.insert(*digest);
    }
    Ok(())
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
