//! Whether an image or a file is signed as demanded.
//!
//! The name was resolved once; its signatures are found beside it (`find`), and each is examined by `trust`. What signs an index
//! covers the images that it names, since their digests are in it; what signs one image covers that image alone.

mod find;
pub mod kept;
pub mod ocsp;

use plimsoll_image::manifest::Descriptor;
use plimsoll_image::source::referrers::Referrers;
use plimsoll_image::source::resolved::Resolved;
use plimsoll_model::digest::{BlobDigest, Digest};
use plimsoll_model::platform::Platform;
use plimsoll_model::signature::{Looked, Outcome, Role, Subject, Unread, Verification};
use plimsoll_trust::claimed::{self, Claimed};
use plimsoll_trust::judge::Judge;

pub use find::Extent;
use find::Finder;

/// An index with more images is not looked through image by image.
const IMAGE_LIMIT: usize = 64;

/// Why it was not even tried.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The index has no such image.
    #[error("{name} has no image for {platform}")]
    NoPlatform {
        /// The index.
        name: String,
        /// The platform.
        platform: Platform,
    },
}

/// Verifies the signatures of an image, or of that image of an index that is for `platform`: all that there are.
///
/// # Errors
/// See [`VerifyError`].
pub fn image(
    resolved: &Resolved,
    place: &dyn Referrers,
    platform: Option<&Platform>,
    judge: &dyn Judge,
) -> Result<Verification, VerifyError> {
    to_extent(resolved, place, platform, judge, Extent::Everything)
}

/// The same, so far as is wanted.
///
/// # Errors
/// See [`VerifyError`].
pub fn to_extent(
    resolved: &Resolved,
    place: &dyn Referrers,
    platform: Option<&Platform>,
    judge: &dyn Judge,
    extent: Extent,
) -> Result<Verification, VerifyError> {
    let mut finder = Finder::new(place, judge, extent);
    let entries = resolved.index.as_ref().map(|index| index.manifests.as_slice()).unwrap_or_default();
    let child = platform.filter(|_| resolved.index.is_some()).map(|wanted| child(resolved, entries, wanted));
    let top = resolved.descriptor();
    let mut subjects = Vec::new();
    let wanted: Vec<(&Descriptor, Role)> = match child.transpose()? {
        Some(child) => vec![(child, Role::Child), (&top, Role::Index)],
        None => vec![(&top, Role::Itself)],
    };
    let manifests: Vec<&Descriptor> = wanted.iter().map(|(manifest, _)| *manifest).collect();
    for (manifest, asked) in wanted.into_iter().zip(finder.ask(&manifests)) {
        let subject = finder.subject(manifest, asked, &subjects.iter().collect::<Vec<_>>());
        subjects.push(subject);
    }
    let own = judge.decide(&subjects.iter().collect::<Vec<_>>(), finder.unread.len());
    let is_whole = subjects.iter().any(|subject| subject.role == Role::Itself);
    let (outcome, reason) = if own.0 == Outcome::Verified || !is_whole {
        own
    } else {
        each(entries, &mut finder, &mut subjects, own)
    };
    if let Some(top) = subjects.iter_mut().find(|subject| subject.digest == resolved.digest) {
        find::unsigned(entries, top);
    }
    Ok(Verification {
        name: resolved.name.clone(),
        digest: resolved.digest,
        demand: judge.summary(),
        time: judge.now(),
        subjects,
        unread: finder.unread,
        fetched: None,
        outcome,
        reason,
    })
}

fn child<'a>(
    resolved: &Resolved,
    entries: &'a [Descriptor],
    wanted: &Platform,
) -> Result<&'a Descriptor, VerifyError> {
    let fits =
        |entry: &&Descriptor| entry.platform.as_ref().is_some_and(|platform| platform.satisfies(wanted));
    entries
        .iter()
        .filter(|entry| !entry.is_attestation())
        .find(fits)
        .ok_or_else(|| VerifyError::NoPlatform { name: resolved.name.clone(), platform: wanted.clone() })
}

/// An index that is not signed is as good as signed if each of its images is, by itself.
fn each(
    entries: &[Descriptor],
    finder: &mut Finder<'_>,
    subjects: &mut Vec<Subject>,
    own: (Outcome, String),
) -> (Outcome, String) {
    let images: Vec<&Descriptor> = entries.iter().filter(|entry| !entry.is_attestation()).collect();
    if images.is_empty() {
        return own;
    }
    if images.len() > IMAGE_LIMIT {
        let reason = format!("the index has more than {IMAGE_LIMIT} images");
        finder.unread.push(Unread { place: "signatures of the images of the index".to_owned(), reason });
        return (Outcome::Undecided, own.1);
    }
    let mut worst = Outcome::Verified;
    let mut signed = 0_usize;
    for (entry, asked) in images.iter().zip(finder.ask(&images)) {
        let unread = finder.unread.len();
        // What signs the index covers each of its images, too.
        let mut covering: Vec<&Subject> =
            subjects.iter().filter(|other| other.role == Role::Itself).collect();
        let subject = finder.subject((entry, Role::Child), asked, &covering);
        covering.push(&subject);
        let (outcome, _) = finder.judge.decide(&covering, finder.unread.len().saturating_sub(unread));
        subjects.push(subject);
        match outcome {
            Outcome::Verified => signed = signed.saturating_add(1),
            Outcome::Refused => worst = Outcome::Refused,
            Outcome::Undecided if worst == Outcome::Verified => worst = Outcome::Undecided,
            Outcome::Undecided => {}
        }
    }
    let all = images.len();
    match (worst, own.0) {
        (Outcome::Verified, _) => (worst, format!("each of its {all} images is signed itself")),
        // What could not be read of the index may have covered all.
        (_, Outcome::Undecided) => own,
        (Outcome::Undecided, _) => (worst, own.1),
        (Outcome::Refused, _) => {
            (worst, format!("{}; {signed} of its {all} images are signed themselves", own.1))
        }
    }
}

/// Verifies the signature of a file, which lies beside it as a bundle. Without its bytes, its digest must do.
#[must_use]
pub fn file(
    name: &str,
    (digest, bytes): (Digest, Option<&[u8]>),
    (place, bundle): (&str, &[u8]),
    judge: &dyn Judge,
) -> Verification {
    let claimed = Claimed {
        place,
        media_type: plimsoll_trust::scheme::BUNDLE_MEDIA_TYPE,
        content: bundle,
        annotations: &std::collections::BTreeMap::new(),
        subject: claimed::Subject { digest, bytes, described: None },
    };
    claimed_of_file(name, &claimed, judge)
}

/// The same of any kind of signature.
#[must_use]
pub fn claimed_of_file(name: &str, claimed: &Claimed<'_>, judge: &dyn Judge) -> Verification {
    let place = claimed.place;
    let signatures: Vec<_> = judge.examine(claimed).into_iter().collect();
    let digest = BlobDigest(claimed.subject.digest);
    let looked = vec![Looked { place: place.to_owned(), found: signatures.len(), left: 0 }];
    let subject = Subject { digest, role: Role::File, platform: None, looked, signatures };
    let (outcome, reason) = judge.decide(&[&subject], 0);
    Verification {
        name: name.to_owned(),
        digest,
        demand: judge.summary(),
        time: judge.now(),
        subjects: vec![subject],
        unread: Vec::new(),
        fetched: None,
        outcome,
        reason,
    }
}

/// What follows where no domain of the trust file `title` is for the image: it is refused, and nothing is looked at.
#[must_use]
pub fn without_domain(resolved: &Resolved, title: &str, now: jiff::Timestamp) -> Verification {
    Verification {
        name: resolved.name.clone(),
        digest: resolved.digest,
        demand: plimsoll_model::signature::Demand::default(),
        time: now,
        subjects: Vec::new(),
        unread: Vec::new(),
        fetched: None,
        outcome: Outcome::Refused,
        reason: format!("no domain of {title} is for this image"),
    }
}
