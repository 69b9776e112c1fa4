//! Which images of a repository nobody needs any more, and their removal with all that belongs to them.
//!
//! Whatever could not be learnt keeps everything: what cannot be listed may be what somebody runs. Removing a manifest takes all tags
//! away that mean it, so an image goes only if all of its tags may go.

mod removal;
mod survey;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use plimsoll_image::belongings::Unlisted;
use plimsoll_image::source::registry::RegistryError;
use plimsoll_model::digest::BlobDigest;
use plimsoll_model::reference::Reference;

use crate::scrub::glob::Glob;

pub use removal::{Removal, remove};
pub use survey::survey;

/// The most tags of a repository that are looked at.
pub const TAGS: usize = 20_000;

/// What may go. Without any rule nothing may.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Only what is older.
    pub older_than: Option<SignedDuration>,
    /// Not the newest so many.
    pub keep_last: Option<usize>,
    /// Not what has such a tag: the patterns as they were written, and as they are read.
    pub keep_tags: Vec<(String, Glob)>,
}

/// What is needed by somebody.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// By digest, of a manifest, an index or a configuration: who needs it.
    pub digests: BTreeMap<BlobDigest, String>,
    /// By tag, where no digest is told: who needs it.
    pub tags: Vec<(Reference, String)>,
}

/// What becomes of an image.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fate {
    /// It stays, for this reason.
    Kept(String),
    /// It may go.
    Goes,
    /// It went.
    Gone,
    /// It was to go, and did not.
    Failed(String),
}

/// An image of a repository.
#[derive(Clone, Debug)]
pub struct Held {
    /// Its manifest or index.
    pub digest: BlobDigest,
    /// The tags that mean it.
    pub tags: Vec<String>,
    /// When it was made, as it says itself.
    pub created: Option<Timestamp>,
    /// All that is to be removed with it, in that order, itself the first; nothing of an image that stays.
    pub doomed: Vec<BlobDigest>,
    /// What becomes of it.
    pub fate: Fate,
}

/// What is known of a repository.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// Its images, the newest first.
    pub images: Vec<Held>,
    /// What all of its tags mean.
    pub tags: BTreeMap<String, BlobDigest>,
    /// What could not be learnt: nothing may be removed.
    pub unlearnt: Vec<Unlisted>,
}

/// Why a repository was not looked at, or nothing removed from it.
#[derive(Debug, thiserror::Error)]
pub enum RetireError {
    /// The registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// There are too many images to be sure.
    #[error("it has more than {TAGS} tags")]
    TooMany,
    /// A tag means something else than a moment before, is new or gone.
    #[error("the repository changed meanwhile (tag {0}): nothing was removed")]
    Changed(String),
}

impl Needs {
    /// Who needs one of these digests.
    fn of(&self, digests: &BTreeSet<BlobDigest>) -> Option<&str> {
        digests.iter().find_map(|digest| self.digests.get(digest)).map(String::as_str)
    }

    /// Who needs this tag of the repository. Under which name a registry is known elsewhere is not known, so that the same last part
    /// of the name counts.
    fn of_tag(&self, repository: &Reference, tag: &str) -> Option<&str> {
        let last = |name: &Reference| name.repository().rsplit('/').next().unwrap_or_default().to_owned();
        let wanted = last(repository);
        let is_it = |(name, _): &&(Reference, String)| {
            name.digest().is_none() && name.tag().unwrap_or("latest") == tag && last(name) == wanted
        };
        self.tags.iter().find(is_it).map(|(_, by)| by.as_str())
    }
}

/// The subject of a tag that cosign, or the scheme in place of the referrers API, makes of a digest.
fn subject_of(tag: &str) -> Option<BlobDigest> {
    let rest = tag.strip_prefix("sha256-")?;
    let (hex, ending) = rest.split_at_checked(64)?;
    let is_such = ending.is_empty() || ending.starts_with('.');
    is_such.then(|| format!("sha256:{hex}").parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_digests_are_told_from_those_of_images() {
        let hex = "a".repeat(64);
        for tag in [format!("sha256-{hex}"), format!("sha256-{hex}.sig"), format!("sha256-{hex}.att")] {
            assert!(subject_of(&tag).is_some(), "{tag}");
        }
        for tag in [
            "1.4.2",
            "sha256-abc",
            "sha256-",
            &format!("sha256-{hex}x"),
            &format!("sha256-{}", "é".repeat(32)),
        ] {
            assert_eq!(subject_of(tag), None, "{tag}");
        }
    }

    #[test]
    fn a_tag_counts_under_any_name_of_its_registry() {
        let needs = Needs {
            tags: vec![("mirror.example/hub/acme/shop:1".parse().unwrap(), "web".to_owned())],
            ..Needs::default()
        };
        let repository: Reference = "ghcr.io/acme/shop".parse().unwrap();
        assert_eq!(needs.of_tag(&repository, "1"), Some("web"));
        assert_eq!(needs.of_tag(&repository, "2"), None);
        assert_eq!(needs.of_tag(&"ghcr.io/acme/shops".parse().unwrap(), "1"), None);
    }
}
