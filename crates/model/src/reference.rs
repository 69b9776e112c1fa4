//! Image references: `registry/repository:tag@digest`, by the grammar of
//! <https://github.com/distribution/reference>, with Docker Hub's abbreviations.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::digest::{BlobDigest, DigestError};

/// The registry that a name without one means.
pub const DOCKER_HUB: &str = "docker.io";

/// A reference to an image in a registry, written out in full.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<BlobDigest>,
}

/// Why a text is not a reference.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReferenceError {
    /// Nothing was given.
    #[error("an image reference must not be empty")]
    Empty,
    /// The whole is longer than the grammar allows.
    #[error("an image reference is at most 4096 characters long")]
    TooLong,
    /// The repository is malformed.
    #[error(
        "repository {0:?} is malformed: lower-case letters, digits, and single separators (. _ __ -) between them, parts joined by /"
    )]
    Repository(String),
    /// The registry is malformed.
    #[error("registry {0:?} is malformed, expected HOST or HOST:PORT")]
    Registry(String),
    /// The tag is malformed.
    #[error(
        "tag {0:?} is malformed: at most 128 letters, digits, '_', '.' and '-', not starting with '.' or '-'"
    )]
    Tag(String),
    /// The digest is malformed.
    #[error(transparent)]
    Digest(#[from] DigestError),
}

impl Reference {
    /// The registry's host, with its port: `docker.io`, `localhost:5000`.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository inside the registry: `library/debian`.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag, if one was given.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if one was given; it decides over the tag.
    #[must_use]
    pub const fn digest(&self) -> Option<BlobDigest> {
        self.digest
    }

    /// The same repository at `digest`.
    #[must_use]
    pub fn at(&self, digest: BlobDigest) -> Self {
        Self { digest: Some(digest), ..self.clone() }
    }

    /// What to ask the registry for: the digest, else the tag, else `latest`.
    #[must_use]
    pub fn wanted(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.clone(),
            (None, None) => "latest".to_owned(),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        match (&self.tag, &self.digest) {
            (None, None) => f.write_str(":latest"),
            (Some(tag), None) => write!(f, ":{tag}"),
            (None, Some(digest)) => write!(f, "@{digest}"),
            (Some(tag), Some(digest)) => write!(f, ":{tag}@{digest}"),
        }
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(ReferenceError::Empty);
        }
        if text.len() > 4096 {
            return Err(ReferenceError::TooLong);
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.parse()?)),
            None => (text, None),
        };
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(checked_tag(tag)?)),
            _ => (rest, None),
        };
        let (registry, repository) = split_registry(name);
        let registry = checked_registry(registry)?;
        let repository = if registry == DOCKER_HUB && !repository.contains('/') {
            format!("library/{repository}")
        } else {
            repository.to_owned()
        };
        Ok(Self { registry, repository: checked_repository(repository)?, tag, digest })
    }
}

/// The first part is a registry if it could be a host: it has a dot or a port, or is `localhost`, or holds an
/// upper-case letter, which no repository may.
fn split_registry(name: &str) -> (&str, &str) {
    match name.split_once('/') {
        Some((first, rest))
            if first.contains(['.', ':'])
                || first == "localhost"
                || first.bytes().any(|b| b.is_ascii_uppercase()) =>
        {
            (first, rest)
        }
        _ => (DOCKER_HUB, name),
    }
}

fn checked_registry(registry: &str) -> Result<String, ReferenceError> {
    let error = || ReferenceError::Registry(registry.chars().take(80).collect());
    if matches!(registry, "index.docker.io" | "registry-1.docker.io") {
        return Ok(DOCKER_HUB.to_owned());
    }
    let (host, port) = match registry.strip_prefix('[') {
        Some(rest) => {
            let (address, after) = rest.split_once(']').ok_or_else(error)?;
            if address.is_empty() || !address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':') {
                return Err(error());
            }
            ("", after.strip_prefix(':').or(if after.is_empty() { None } else { Some("") }))
        }
        None => registry.split_once(':').map_or((registry, None), |(host, port)| (host, Some(port))),
    };
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let host_is_sound = registry.starts_with('[') || host.split('.').all(label);
    let port_is_sound = port.is_none_or(|port| port.parse::<u16>().is_ok());
    if host_is_sound && port_is_sound { Ok(registry.to_owned()) } else { Err(error()) }
}

fn checked_repository(repository: String) -> Result<String, ReferenceError> {
    if repository.len() <= 255 && repository.split('/').all(is_component) {
        Ok(repository)
    } else {
        Err(ReferenceError::Repository(repository.chars().take(80).collect()))
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_component(part: &str) -> bool {
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = part.as_bytes();
    let ends_are_sound =
        bytes.first().is_some_and(|b| alphanumeric(*b)) && bytes.last().is_some_and(|b| alphanumeric(*b));
    ends_are_sound
        && part
            .split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            .all(|gap| matches!(gap, "" | "." | "_" | "__") || gap.bytes().all(|b| b == b'-'))
}

fn checked_tag(tag: &str) -> Result<String, ReferenceError> {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let sound = tag.len() <= 128
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|b| word(b) || b == b'.' || b == b'-');
    if sound { Ok(tag.to_owned()) } else { Err(ReferenceError::Tag(tag.chars().take(80).collect())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(text: &str) -> String {
        text.parse::<Reference>().unwrap().to_string()
    }

    #[test]
    fn abbreviations_are_written_out() {
        assert_eq!(full("debian"), "docker.io/library/debian:latest");
        assert_eq!(full("grafana/grafana:11.0"), "docker.io/grafana/grafana:11.0");
        assert_eq!(full("index.docker.io/library/debian"), "docker.io/library/debian:latest");
        assert_eq!(full("localhost/x"), "localhost/x:latest");
        assert_eq!(full("localhost:5000/x:1"), "localhost:5000/x:1");
        assert_eq!(full("[::1]:5000/x"), "[::1]:5000/x:latest");
        let digest = format!("sha256:{}", "a".repeat(64));
        assert_eq!(full(&format!("ghcr.io/o/x:1@{digest}")), format!("ghcr.io/o/x:1@{digest}"));
    }

    #[test]
    fn a_digest_decides_over_the_tag() {
        let digest = format!("sha256:{}", "b".repeat(64));
        assert_eq!(format!("x:1@{digest}").parse::<Reference>().unwrap().wanted(), digest);
        assert_eq!("x".parse::<Reference>().unwrap().wanted(), "latest");
    }

    #[test]
    fn malformed_references_are_refused() {
        let hostile = [
            "",
            ":",
            "@",
            "x:",
            "x@",
            "-x",
            "x/",
            "/x",
            "a//b",
            "X",
            "x:-1",
            "x@sha256:1",
            "../x",
            "a..b",
            "x:1:2",
            "h:99999/x",
            "[::1/x",
            "a___b",
        ];
        for text in hostile {
            assert!(text.parse::<Reference>().is_err(), "{text:?}");
        }
        assert_eq!("a".repeat(5000).parse::<Reference>(), Err(ReferenceError::TooLong));
    }
}
