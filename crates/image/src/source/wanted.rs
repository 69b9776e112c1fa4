//! What an image is asked for by, in the stores that podman, containerd and docker keep: names, digests, IDs.

use plimsoll_model::digest::BlobDigest;
use plimsoll_model::reference::Reference;

/// Shorter prefixes of an ID are taken for names only: `podman images` and `docker images` show this many digits.
const ID_PREFIX: usize = 12;

/// An image that is asked for.
pub(super) struct Wanted<'a> {
    text: &'a str,
    /// The names that the text may mean, the first choice first.
    references: Vec<Reference>,
    id: Option<String>,
}

impl<'a> Wanted<'a> {
    /// Understands `text`. With `local`, an unqualified name means `localhost/name` before Docker Hub's image.
    pub(super) fn new(text: &'a str, local: bool) -> Self {
        let digits = text.strip_prefix("sha256:").unwrap_or(text);
        let is_id = (ID_PREFIX..=64).contains(&digits.len())
            && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let id = is_id.then(|| digits.to_owned());
        let with_digest_only = text.starts_with("sha256:");
        let mut references = Vec::new();
        if !with_digest_only && let Ok(reference) = text.parse::<Reference>() {
            let unqualified = reference.registry() == plimsoll_model::reference::DOCKER_HUB
                && !text.starts_with("docker.io/")
                && !text.starts_with("index.docker.io/");
            if local && unqualified {
                references.extend(format!("localhost/{text}").parse());
            }
            references.push(reference);
        }
        Self { text, references, id }
    }

    /// How well an image of this name and these digests fits: 0 is best.
    pub(super) fn rank(&self, name: &str, digests: &[BlobDigest]) -> Option<usize> {
        if name == self.text {
            return Some(0);
        }
        let stored: Reference = name.parse().ok()?;
        self.references.iter().position(|wanted| {
            wanted.registry() == stored.registry()
                && wanted.repository() == stored.repository()
                && match wanted.digest() {
                    Some(digest) => stored.digest() == Some(digest) || digests.contains(&digest),
                    None => has_tag(&stored, wanted.tag().unwrap_or("latest")),
                }
        })
    }

    /// The digest that a name was given with.
    pub(super) fn digest(&self) -> Option<BlobDigest> {
        self.references.iter().find_map(Reference::digest)
    }

    /// Whether the text may be an ID.
    pub(super) const fn has_id(&self) -> bool {
        self.id.is_some()
    }

    /// Whether a prefix of `hex` (64 digits), or all of it, was asked for.
    pub(super) fn is_id(&self, hex: &str) -> bool {
        self.id.as_ref().is_some_and(|id| hex.starts_with(id.as_str()))
    }
}

fn has_tag(stored: &Reference, tag: &str) -> bool {
    match stored.tag() {
        Some(stored) => stored == tag,
        None => stored.digest().is_none() && tag == "latest",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_written_short_or_in_full() {
        for text in ["alpine", "alpine:latest", "docker.io/library/alpine", "library/alpine:latest"] {
            let wanted = Wanted::new(text, true);
            assert!(wanted.rank("docker.io/library/alpine:latest", &[]).is_some(), "{text}");
            assert_eq!(wanted.rank("quay.io/library/alpine:latest", &[]), None);
            assert_eq!(wanted.rank("docker.io/library/alpine:3", &[]), None);
        }
        let wanted = Wanted::new("x/y:1", true);
        assert_eq!(wanted.rank("localhost/x/y:1", &[]), Some(0));
        assert_eq!(wanted.rank("docker.io/x/y:1", &[]), Some(1));
        assert_eq!(Wanted::new("docker.io/x/y:1", true).rank("localhost/x/y:1", &[]), None);
        assert_eq!(Wanted::new("not A reference", true).rank("not A reference", &[]), Some(0));
    }

    #[test]
    fn digests_must_be_those_of_the_image() {
        let digest: BlobDigest = format!("sha256:{}", "a".repeat(64)).parse().unwrap();
        let text = format!("x@{digest}");
        let wanted = Wanted::new(&text, false);
        assert_eq!(wanted.rank("docker.io/library/x:1", &[digest]), Some(0));
        assert_eq!(wanted.rank("docker.io/library/x:1", &[]), None);
        assert_eq!(Wanted::new("x", false).rank(&format!("docker.io/library/{text}"), &[digest]), None);
    }

    #[test]
    fn ids_are_told_from_names_by_their_length() {
        let hex = "0123456789ab".repeat(6);
        let hex = &hex[..64];
        assert!(Wanted::new(&hex[..12], true).is_id(hex));
        assert!(Wanted::new(&format!("sha256:{hex}"), true).is_id(hex));
        for text in ["0123", "cafe", "0123456789AB", &format!("{hex}0"), "sha256:"] {
            assert!(!Wanted::new(text, true).is_id(hex), "{text}");
        }
    }
}
