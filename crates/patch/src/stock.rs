//! What an image has and what repositories have, in the terms that finding a change needs: names, versions, and what each
//! package says of others.

use std::collections::BTreeSet;

use plimsoll_model::digest::Digest;
use plimsoll_model::version::Scheme;

use crate::relation::Relation;

/// The address of a repository, from `mirror` in the place of its scheme and host.
pub(crate) fn mirrored(address: &str, mirror: &str) -> String {
    let path = address.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    let path = path.map_or("", |(_, path)| path);
    format!("{}/{path}", mirror.trim_end_matches('/')).trim_end_matches('/').to_owned()
}

/// What a package says of others.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Relations {
    /// Whether it serves packages of all architectures.
    pub is_foreign: bool,
    /// What it needs: groups that all must hold, each of alternatives of which one must.
    pub needs: Vec<Vec<Relation>>,
    /// What it needs only where something else is.
    pub conditional: Vec<Conditional>,
    /// What may not be beside it.
    pub breaks: Vec<Relation>,
    /// What it stands for.
    pub provides: Vec<Relation>,
    /// Files by which others may need it, with their leading slash.
    pub files: BTreeSet<String>,
}

impl Relations {
    /// Whether it stands for what is wanted.
    pub(crate) fn provide(&self, wanted: &Relation, scheme: Scheme) -> bool {
        let mut named = self.provides.iter().filter(|provided| provided.name == wanted.name);
        named.any(|provided| match (&provided.version, &wanted.version) {
            (_, None) => true,
            (Some((_, version)), Some(_)) => wanted.fits(scheme, version),
            (None, Some(_)) => false,
        })
    }
}

/// What a package needs only where something else is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Conditional {
    /// Alternatives of which one must be there.
    pub needs: Vec<Relation>,
    /// Where this is.
    pub when: Relation,
}

/// A package that the image has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Present {
    /// Its name.
    pub name: String,
    /// Its architecture.
    pub architecture: String,
    /// Its version.
    pub version: String,
    /// Why it has to stay as it is.
    pub held: Option<String>,
    /// What it says of others.
    pub relations: Relations,
}

/// The packages that an image has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Standing {
    /// How versions compare.
    pub scheme: Scheme,
    /// The packages.
    pub packages: Vec<Present>,
}

/// A package that a repository has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Candidate {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its architecture.
    pub architecture: String,
    /// What it says of others.
    pub relations: Relations,
    /// The address of its repository.
    pub uri: String,
    /// Its path there.
    pub file: String,
    /// Its size in bytes.
    pub size: u64,
    /// How it is known to be the one.
    pub check: Check,
}

/// How a package is known to be the one that an index tells of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Check {
    /// The digest of its bytes.
    Sha256(Digest),
    /// The SHA-1 of the part of an apk that tells of all else.
    Identity([u8; 20]),
}

/// What repositories have.
pub trait Stock {
    /// The newest package of a name that is built for `architecture` or for all.
    fn newest(&self, name: &str, architecture: &str) -> Option<Candidate>;

    /// Packages that fulfill a need, the likeliest first.
    fn providing(&self, relation: &Relation, architecture: &str) -> Vec<Candidate>;
}

/// Whether an architecture stands for all of them.
#[must_use]
pub fn is_any(architecture: &str) -> bool {
    matches!(architecture, "all" | "noarch")
}

/// Tells whether a path below a repository's address stays there.
#[must_use]
pub fn stays_below(file: &str) -> bool {
    !file.is_empty()
        && !file.starts_with('/')
        && !file.contains("://")
        && !file.contains(char::is_control)
        && !file.split('/').any(|part| part == "..")
}
