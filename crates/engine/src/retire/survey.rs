//! What a repository holds, what belongs together in it, and what of it nobody needs.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use plimsoll_image::at_once::at_once;
use plimsoll_image::belongings::{Belongings, Bond, Look, Part, Unlisted};
use plimsoll_image::manifest::Descriptor;
use plimsoll_image::source::registry::{
    self, FetchedManifest, RegistryClient, RegistryError, RemoteReferrers,
};
use plimsoll_model::digest::BlobDigest;
use plimsoll_model::reference::Reference;
use serde::Deserialize;

use super::{Fate, Held, Needs, RetireError, Rules, Survey, TAGS, subject_of};

/// How many tags are asked for at once.
pub(super) const THREADS: usize = 6;
/// The largest configuration that is read for an age.
const CONFIG: u64 = 4 << 20;
/// Images from before there were any say nothing of their age: who builds them to be made again sets such times.
const FIRST: &str = "2013-03-01T00:00:00Z";
const CREATED: &str = "org.opencontainers.image.created";

/// Looks at all images of the repository of `name`, and tells which may go.
///
/// # Errors
/// See [`RetireError`].
pub fn survey(
    client: &RegistryClient,
    name: &Reference,
    rules: &Rules,
    needs: &Needs,
    now: Timestamp,
) -> Result<Survey, RetireError> {
    let mut survey = Survey::default();
    let found = tagged(client, name, &mut survey)?;
    let mut of_digest: BTreeMap<BlobDigest, (FetchedManifest, Vec<String>)> = BTreeMap::new();
    for (tag, manifest) in found {
        survey.tags.insert(tag.clone(), manifest.digest);
        if subject_of(&tag).is_none() {
            of_digest.entry(manifest.digest).or_insert_with(|| (manifest, Vec::new())).1.push(tag);
        }
    }
    let place = RemoteReferrers::new(client, name);
    let mut images: Vec<Image> = of_digest
        .into_values()
        .map(|(manifest, tags)| Image::read(client, name, &place, &manifest, tags, &mut survey.unlearnt))
        .collect();
    // The newest first; what tells no age last.
    images.sort_by(|a, b| (b.held.created, a.held.digest).cmp(&(a.held.created, b.held.digest)));
    let mut kept = untagged(client, name, &place, needs, &images, &mut survey.unlearnt);
    decide(&mut images, name, rules, needs, now);
    doom(&mut images, &mut kept, &survey.tags);
    survey.images = images.into_iter().map(|image| image.held).collect();
    Ok(survey)
}

/// An image with what belongs to it.
struct Image {
    held: Held,
    /// All manifests, in the order in which they are to be removed.
    all: Vec<BlobDigest>,
    /// These, and the configurations of those that are images.
    known_as: BTreeSet<BlobDigest>,
}

/// The manifests of all tags.
fn tagged(
    client: &RegistryClient,
    name: &Reference,
    survey: &mut Survey,
) -> Result<Vec<(String, FetchedManifest)>, RetireError> {
    let tags = client.tags(name)?;
    if tags.len() > TAGS {
        return Err(RetireError::TooMany);
    }
    let all =
        at_once(THREADS, &tags, |tag| registry::tagged(name, tag).and_then(|name| client.manifest(&name)));
    let mut found = Vec::with_capacity(all.len());
    for (tag, manifest) in tags.into_iter().zip(all) {
        let reason = match manifest {
            Some(Ok(manifest)) => {
                found.push((tag, manifest));
                continue;
            }
            Some(Err(error)) => error.to_string(),
            None => "it was not asked for".to_owned(),
        };
        survey.unlearnt.push(unlisted(&format!("tag {tag}"), &reason));
    }
    Ok(found)
}

fn unlisted(what: &str, reason: &str) -> Unlisted {
    Unlisted { what: what.to_owned(), reason: reason.to_owned() }
}

impl Image {
    fn read(
        client: &RegistryClient,
        name: &Reference,
        place: &RemoteReferrers,
        manifest: &FetchedManifest,
        tags: Vec<String>,
        unlearnt: &mut Vec<Unlisted>,
    ) -> Self {
        let belongings = belongings(place, manifest.digest, &manifest.media_type, unlearnt);
        let created = created(client, name, &belongings);
        let held = Held {
            digest: manifest.digest,
            tags,
            created,
            doomed: Vec::new(),
            // Until it is decided.
            fate: Fate::Goes,
        };
        Self { held, all: in_order(&belongings), known_as: known_as(&belongings) }
    }
}

fn belongings(
    place: &RemoteReferrers,
    digest: BlobDigest,
    media_type: &str,
    unlearnt: &mut Vec<Unlisted>,
) -> Belongings {
    let found = Belongings::of(place, &Descriptor::bare(media_type, digest), Look::Everything);
    unlearnt.extend(found.unlisted.iter().cloned());
    found
}

/// All manifests: first what was asked for, then what its index names, then what refers to these. Registries remove nothing that an
/// index needs, and whoever interrupts leaves no image without its signatures.
fn in_order(belongings: &Belongings) -> Vec<BlobDigest> {
    let rank = |bond: &Bond| match bond {
        Bond::Top => 0,
        Bond::Entry | Bond::Attestation(_) => 1,
        Bond::Subject | Bond::Tag(_) => 2,
    };
    let mut links: Vec<(usize, usize, usize)> =
        belongings.links.iter().map(|link| (rank(&link.bond), link.depth, link.part)).collect();
    links.sort_unstable();
    let mut all: Vec<BlobDigest> = Vec::with_capacity(belongings.parts.len());
    for (_, _, part) in links {
        let digest = belongings.parts.get(part).map(|part| part.digest);
        all.extend(digest.filter(|digest| !all.contains(digest)));
    }
    all
}

fn known_as(belongings: &Belongings) -> BTreeSet<BlobDigest> {
    let manifests = belongings.parts.iter().map(|part| part.digest);
    manifests.chain(belongings.parts.iter().filter_map(config).map(|config| config.digest)).collect()
}

fn config(part: &Part) -> Option<&Descriptor> {
    part.blobs.first().filter(|_| part.has_config)
}

#[derive(Deserialize)]
struct Configuration {
    created: Option<String>,
}

/// When the youngest of its images was made, as these say themselves.
fn created(client: &RegistryClient, name: &Reference, belongings: &Belongings) -> Option<Timestamp> {
    let own = belongings.links.iter().filter(|link| matches!(link.bond, Bond::Top | Bond::Entry));
    let parts = own.filter_map(|link| belongings.parts.get(link.part));
    let of = |part: &Part| {
        let told = part.annotations.get(CREATED).cloned();
        let configured = || {
            let config = config(part)?;
            let bytes = client.blob_bytes(name, config.digest, CONFIG).ok()?;
            serde_json::from_slice::<Configuration>(&bytes).ok()?.created
        };
        let both = [told, configured()];
        both.into_iter().flatten().filter_map(|text| text.parse::<Timestamp>().ok()).max()
    };
    let first: Option<Timestamp> = FIRST.parse().ok();
    // Until each of them tells an age, nothing is known of the youngest.
    let ages: Vec<(bool, Option<Timestamp>)> =
        parts.map(|part| (part.is_index, of(part).filter(|age| Some(*age) >= first))).collect();
    let silent = ages.iter().any(|(is_index, age)| !is_index && age.is_none());
    ages.into_iter().filter_map(|(_, age)| age).max().filter(|_| !silent)
}

/// All that somebody needs and no tag leads to, with what belongs to it.
fn untagged(
    client: &RegistryClient,
    name: &Reference,
    place: &RemoteReferrers,
    needs: &Needs,
    images: &[Image],
    unlearnt: &mut Vec<Unlisted>,
) -> BTreeSet<BlobDigest> {
    let mut kept = BTreeSet::new();
    if images.is_empty() {
        return kept;
    }
    let is_known = |digest: &BlobDigest| images.iter().any(|image| image.known_as.contains(digest));
    let asked: Vec<BlobDigest> = needs.digests.keys().filter(|digest| !is_known(digest)).copied().collect();
    let found = at_once(THREADS, &asked, |digest| client.manifest(&name.at(*digest)));
    for (digest, found) in asked.iter().zip(found) {
        let reason = match found {
            Some(Ok(found)) => {
                kept.extend(known_as(&belongings(place, found.digest, &found.media_type, unlearnt)));
                continue;
            }
            Some(Err(RegistryError::NotFound { .. })) => continue,
            Some(Err(error)) => error.to_string(),
            None => "it was not asked for".to_owned(),
        };
        unlearnt.push(unlisted(&format!("{digest}, which is needed"), &reason));
    }
    kept
}

fn decide(images: &mut [Image], name: &Reference, rules: &Rules, needs: &Needs, now: Timestamp) {
    let mut newest = 0_usize;
    for image in images {
        let held = &mut image.held;
        let is_newest = held.created.is_some() && {
            newest = newest.saturating_add(1);
            rules.keep_last.is_some_and(|last| newest <= last)
        };
        let pattern = held.tags.iter().find_map(|tag| {
            let (pattern, _) = rules.keep_tags.iter().find(|(_, glob)| glob.covers(tag))?;
            Some(format!("tag {tag} fits {pattern}"))
        });
        let by_tag = held.tags.iter().find_map(|tag| needs.of_tag(name, tag));
        let reason = if rules.older_than.is_none() && rules.keep_last.is_none() {
            Some("no rule says what may go".to_owned())
        } else if let Some(pattern) = pattern {
            Some(pattern)
        } else if let Some(by) = needs.of(&image.known_as).or(by_tag) {
            Some(format!("needed by {by}"))
        } else if let Some(created) = held.created {
            let age = now.duration_since(created);
            match rules.older_than {
                Some(limit) if age < limit => Some(format!("it is {} days old", days(age))),
                _ if is_newest => Some("it is one of the newest".to_owned()),
                _ => None,
            }
        } else {
            Some("it does not tell how old it is".to_owned())
        };
        held.fate = reason.map_or(Fate::Goes, Fate::Kept);
    }
}

const fn days(age: SignedDuration) -> i64 {
    age.as_hours() / 24
}

/// Keeps what is needed by what is kept.
fn close(images: &mut [Image], kept: &mut BTreeSet<BlobDigest>) {
    for image in images.iter().filter(|image| image.held.fate != Fate::Goes) {
        kept.extend(&image.known_as);
    }
    // Each round keeps one more at least.
    loop {
        let needed = images
            .iter_mut()
            .find(|image| image.held.fate == Fate::Goes && kept.contains(&image.held.digest));
        let Some(image) = needed else { return };
        image.held.fate = Fate::Kept("what is kept needs it".to_owned());
        kept.extend(&image.known_as);
    }
}

/// Tells all that is to be removed with each image: nothing that is kept, or that a tag means which stays.
fn doom(images: &mut [Image], kept: &mut BTreeSet<BlobDigest>, tags: &BTreeMap<String, BlobDigest>) {
    let (all, stay) = loop {
        close(images, kept);
        let (all, stay) = going(images, kept, tags);
        let bound = |image: &&mut Image| image.held.fate == Fate::Goes && stay.contains(&image.held.digest);
        let Some(image) = images.iter_mut().find(bound) else { break (all, stay) };
        // Removing it would take that tag away. Each round keeps one more.
        image.held.fate = Fate::Kept("a tag that stays means it, too".to_owned());
    };
    let mut lists: BTreeMap<BlobDigest, Vec<BlobDigest>> = BTreeMap::new();
    for (tag, digest) in tags {
        if let Some(subject) = subject_of(tag).filter(|subject| all.contains(subject)) {
            lists.entry(subject).or_default().push(*digest);
        }
    }
    // What has most goes first: an index before its images, which may have tags of their own.
    let mut order: Vec<&mut Image> =
        images.iter_mut().filter(|image| image.held.fate == Fate::Goes).collect();
    order.sort_by_key(|image| std::cmp::Reverse(image.all.len()));
    let mut taken = BTreeSet::new();
    for image in order {
        // The lists of referrers, and what has cosign's tags, come with what they are about.
        let about = image.all.iter().filter_map(|digest| lists.get(digest)).flatten();
        let mut doomed: Vec<BlobDigest> = image.all.iter().chain(about).copied().collect();
        doomed.retain(|digest| !kept.contains(digest) && !stay.contains(digest) && taken.insert(*digest));
        image.held.doomed = doomed;
    }
}

/// The manifests of what goes, and those of tags that stay.
fn going(
    images: &[Image],
    kept: &BTreeSet<BlobDigest>,
    tags: &BTreeMap<String, BlobDigest>,
) -> (BTreeSet<BlobDigest>, BTreeSet<BlobDigest>) {
    let going = || images.iter().filter(|image| image.held.fate == Fate::Goes);
    let all: BTreeSet<BlobDigest> =
        going().flat_map(|image| &image.all).copied().filter(|digest| !kept.contains(digest)).collect();
    let own: BTreeSet<&String> = going().flat_map(|image| &image.held.tags).collect();
    let may_go = |tag: &String| match subject_of(tag) {
        Some(subject) => all.contains(&subject),
        None => own.contains(tag),
    };
    let stay = tags.iter().filter(|(tag, _)| !may_go(tag)).map(|(_, digest)| *digest).collect();
    (all, stay)
}
