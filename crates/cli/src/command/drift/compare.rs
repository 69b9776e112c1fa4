//! What files mean, beside what runs.

use std::collections::BTreeMap;

use plimsoll_checks::pods::{Container, Runs};
use plimsoll_model::digest::BlobDigest;
use plimsoll_model::reference::Reference;
use plimsoll_report::drift::{Drift, Image, Running};

use super::family::Families;

/// An image that files name.
pub(super) struct Meant {
    /// With its tag.
    pub(super) name: String,
    pub(super) reference: Reference,
    pub(super) files: Vec<String>,
    pub(super) pinned: Option<BlobDigest>,
    pub(super) has_tag: bool,
    /// What its tag means now.
    pub(super) now: Option<BlobDigest>,
    /// Whether a file deploys it.
    pub(super) is_deployed: bool,
}

impl Meant {
    /// What should run.
    fn digest(&self) -> Option<BlobDigest> {
        self.pinned.or(self.now)
    }

    fn is_of(&self, image: &Reference) -> bool {
        (self.reference.registry(), self.reference.repository()) == (image.registry(), image.repository())
    }

    /// Whether it has the same tag; that of a name without one is `latest`.
    fn has_tag_of(&self, image: &Reference) -> bool {
        let tag = |image: &Reference| match (image.tag(), image.digest()) {
            (None, None) => Some("latest".to_owned()),
            (tag, _) => tag.map(str::to_owned),
        };
        tag(&self.reference) == tag(image)
    }
}

/// What containers of one image ID are: meant by the images of these numbers, or by none.
struct Fate<'c> {
    runs: Runs,
    container: &'c Container,
    meant_by: Vec<usize>,
    /// By which it should have been meant.
    instead_of: Vec<usize>,
    /// By which it may be meant: it could not be told.
    perhaps_by: Vec<usize>,
}

/// Compares each image with what its tag means and with what runs, if that is known.
pub(super) fn compare(meant: &[Meant], running: Option<&[Container]>, families: &mut Families) -> Vec<Image> {
    let fates = running.map(|containers| fates(meant, containers, families));
    let mut images: Vec<Image> = meant
        .iter()
        .enumerate()
        .map(|(number, one)| {
            let moved = match (one.pinned, one.now) {
                (Some(pinned), Some(now)) => !families.has(&one.reference, now, pinned),
                _ => false,
            };
            let mut drifts: Vec<Drift> = moved.then_some(Drift::TagMoved).into_iter().collect();
            let mut runs = Vec::new();
            if let Some(fates) = fates.as_deref().filter(|_| one.is_deployed) {
                let own = |fate: &&Fate<'_>| fate.meant_by.contains(&number);
                let other = |fate: &&Fate<'_>| fate.instead_of.contains(&number);
                runs.extend(grouped(fates.iter().filter(own), true));
                let others = grouped(fates.iter().filter(other), false);
                let is_open = fates.iter().any(|fate| fate.perhaps_by.contains(&number));
                match (runs.is_empty(), others.is_empty()) {
                    (_, false) => drifts.push(Drift::RunningOther),
                    (true, true) if !is_open => drifts.push(Drift::NotRunning),
                    _ => {}
                }
                runs.extend(others);
            }
            Image {
                name: one.name.clone(),
                files: one.files.clone(),
                pinned: one.pinned.map(|digest| digest.to_string()),
                now: one.now.map(|digest| digest.to_string()),
                running: runs,
                drifts,
            }
        })
        .collect();
    images.extend(in_no_file(meant, running.unwrap_or_default()));
    images
}

fn fates<'c>(meant: &[Meant], containers: &'c [Container], families: &mut Families) -> Vec<Fate<'c>> {
    let mut fates = Vec::new();
    for container in containers {
        let Some(runs) = container.runs else { continue };
        let candidates: Vec<(usize, &Meant)> = meant
            .iter()
            .enumerate()
            .filter(|(_, one)| one.is_deployed && one.is_of(&container.image))
            .collect();
        let (mut meant_by, mut perhaps_by) = (Vec::new(), Vec::new());
        for (number, one) in &candidates {
            let answer = one.digest().map(|digest| families.runs(&one.reference, digest, runs));
            match answer {
                Some(Some(true)) => meant_by.push(*number),
                Some(Some(false)) => {}
                // Without an answer nothing is claimed; that there was none is told.
                Some(None) | None => perhaps_by.push(*number),
            }
        }
        let mut instead_of = Vec::new();
        if meant_by.is_empty() && perhaps_by.is_empty() && !container.has_ended {
            let same = candidates.iter().filter(|(_, one)| one.has_tag_of(&container.image));
            instead_of.extend(same.map(|(number, _)| *number));
            if instead_of.is_empty() {
                instead_of.extend(candidates.iter().map(|(number, _)| *number));
            }
        }
        fates.push(Fate { runs, container, meant_by, instead_of, perhaps_by });
    }
    fates
}

fn grouped<'f, 'c: 'f>(fates: impl Iterator<Item = &'f Fate<'c>>, is_meant: bool) -> Vec<Running> {
    let mut by_digest: BTreeMap<BlobDigest, Vec<String>> = BTreeMap::new();
    for fate in fates {
        by_digest.entry(fate.runs.digest()).or_default().push(fate.container.name.clone());
    }
    let running = |(digest, containers): (BlobDigest, Vec<String>)| Running {
        digest: digest.to_string(),
        is_meant,
        containers,
    };
    by_digest.into_iter().map(running).collect()
}

/// What runs without a file that deploys anything of its repository.
fn in_no_file(meant: &[Meant], containers: &[Container]) -> Vec<Image> {
    let mut by_name: BTreeMap<String, BTreeMap<BlobDigest, Vec<String>>> = BTreeMap::new();
    for container in containers.iter().filter(|container| !container.has_ended) {
        let Some(runs) = container.runs else { continue };
        if meant.iter().any(|one| one.is_deployed && one.is_of(&container.image)) {
            continue;
        }
        let name = container.image.to_string();
        let name = name.split('@').next().unwrap_or_default().to_owned();
        by_name.entry(name).or_default().entry(runs.digest()).or_default().push(container.name.clone());
    }
    let image = |(name, running): (String, BTreeMap<BlobDigest, Vec<String>>)| Image {
        name,
        files: Vec::new(),
        pinned: None,
        now: None,
        running: running
            .into_iter()
            .map(|(digest, containers)| Running { digest: digest.to_string(), is_meant: false, containers })
            .collect(),
        drifts: vec![Drift::InNoFile],
    };
    by_name.into_iter().map(image).collect()
}
