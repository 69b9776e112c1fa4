//! Versions in files that say what an application is built of, raised in place: `requirements.txt`, `package-lock.json`,
//! `Cargo.lock`, `go.mod`. Only the bytes that have to change do; what needs a package manager to be decided anew is refused.
//!
//! No network and no files here: whoever calls has the texts, and asks registries.

mod cargo;
mod go;
mod json;
mod npm;
mod python;
mod requirements;

use std::collections::BTreeMap;

use plimsoll_model::ecosystem::Ecosystem;
use plimsoll_model::path::file_name;
use plimsoll_model::plan::Raise;

/// Texts of files by their paths, `/` between folders.
pub type Texts = BTreeMap<String, String>;

/// The largest answer of a registry that is read.
pub const ANSWER: u64 = 64 << 20;

/// Kinds of file in which versions can be raised.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// `Cargo.lock`.
    Cargo,
    /// `go.mod`, with the `go.sum` beside it.
    Go,
    /// `package-lock.json` and `npm-shrinkwrap.json`, with the `package.json` beside it.
    Npm,
    /// `requirements.txt`, and others that are called so.
    Requirements,
}

impl Kind {
    /// The kind of the file at `path`, by its name.
    #[must_use]
    pub fn of(path: &str) -> Option<Self> {
        let name = file_name(path);
        let is_list = name.starts_with("requirements") || name.starts_with("constraints");
        match name {
            "Cargo.lock" => Some(Self::Cargo),
            "go.mod" => Some(Self::Go),
            "package-lock.json" | "npm-shrinkwrap.json" => Some(Self::Npm),
            _ if is_list && name.ends_with(".txt") => Some(Self::Requirements),
            _ => None,
        }
    }

    /// The ecosystem of its packages.
    #[must_use]
    pub const fn ecosystem(self) -> Ecosystem {
        match self {
            Self::Cargo => Ecosystem::Cargo,
            Self::Go => Ecosystem::Go,
            Self::Npm => Ecosystem::Npm,
            Self::Requirements => Ecosystem::PyPi,
        }
    }

    /// The names of files beside it that are read or changed with it.
    #[must_use]
    pub const fn companions(self) -> &'static [&'static str] {
        match self {
            Self::Cargo => &["Cargo.toml"],
            Self::Go => &["go.sum"],
            Self::Npm => &["package.json"],
            Self::Requirements => &[],
        }
    }
}

/// Tells whether a name is that of a lock file in which nothing can be raised here.
#[must_use]
pub fn is_other(name: &str) -> bool {
    const OTHERS: [&str; 12] = [
        "Gemfile.lock",
        "Pipfile.lock",
        "bun.lock",
        "composer.lock",
        "gradle.lockfile",
        "packages.lock.json",
        "pdm.lock",
        "pnpm-lock.yaml",
        "poetry.lock",
        "pylock.toml",
        "uv.lock",
        "yarn.lock",
    ];
    OTHERS.contains(&name)
}

/// A package that a file names with its version.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Declared {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its needs, by their indexes in the list.
    pub needs: Vec<usize>,
}

/// What a file says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Contents {
    /// The packages with their versions, in the order of the file.
    pub packages: Vec<Declared>,
    /// What is named without a version that could be compared.
    pub open: Vec<String>,
}

/// Where versions are published.
pub trait Registry {
    /// Gets what is at `address`.
    ///
    /// # Errors
    /// Why it cannot be had, in words.
    fn get(&self, address: &str) -> Result<Vec<u8>, String>;

    /// Whether nobody may be asked, so that what can be done without is done unchecked.
    fn is_closed(&self) -> bool {
        false
    }
}

/// Why a version is not raised.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refused {
    /// The file is none of its kind.
    #[error("{0} is malformed")]
    Malformed(String),
    /// The file does not name the package.
    #[error("the file does not name {0} {1}")]
    Absent(String, String),
    /// It is written in a way that is not edited.
    #[error("{0}")]
    Form(&'static str),
    /// The registry did not answer.
    #[error("{0}")]
    Registry(String),
    /// The registry does not know the version.
    #[error("the registry has no {0} {1}")]
    Unknown(String, String),
    /// The new version needs something else.
    #[error("{0} {1} needs {2}, which the file does not have")]
    Needs(String, String, String),
    /// What needs the package does not take the new version.
    #[error("{0} asks for {1} {2}")]
    Needed(String, String, String),
}

/// What the file at `path` says.
///
/// # Errors
/// If it is none of its kind.
pub fn read(kind: Kind, path: &str, text: &str) -> Result<Contents, Refused> {
    match kind {
        Kind::Cargo => cargo::read(path, text),
        Kind::Go => Ok(go::read(text)),
        Kind::Npm => npm::read(path, text),
        Kind::Requirements => Ok(requirements::read(text)),
    }
}

/// Raises one package in the file at `path` and what lies beside it: in all of `texts` or in none.
///
/// # Errors
/// See [`Refused`].
pub fn raise(
    kind: Kind,
    path: &str,
    raise: &Raise,
    texts: &mut Texts,
    registry: &dyn Registry,
) -> Result<(), Refused> {
    let changed = match kind {
        Kind::Cargo => cargo::raise(path, raise, texts, registry),
        Kind::Go => go::raise(path, raise, texts, registry),
        Kind::Npm => npm::raise(path, raise, texts, registry),
        Kind::Requirements => requirements::raise(path, raise, texts, registry),
    }?;
    texts.extend(changed);
    Ok(())
}

/// The path of a file beside that at `path`.
fn beside(path: &str, name: &str) -> String {
    match path.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{name}"),
        None => name.to_owned(),
    }
}

/// The text at `path`, which was read before.
fn text<'t>(texts: &'t Texts, path: &str) -> Result<&'t str, Refused> {
    texts.get(path).map(String::as_str).ok_or_else(|| Refused::Malformed(path.to_owned()))
}

/// `text` with some of its bytes replaced; the ranges must not overlap.
fn replaced(text: &str, mut edits: Vec<(std::ops::Range<usize>, String)>) -> String {
    edits.sort_by_key(|(range, _)| range.start);
    let (mut made, mut at) = (String::with_capacity(text.len() + 64), 0);
    for (range, new) in edits {
        made.push_str(text.get(at..range.start).unwrap_or_default());
        made.push_str(&new);
        at = range.end;
    }
    made.push_str(text.get(at..).unwrap_or_default());
    made
}

fn answer<T: serde::de::DeserializeOwned>(bytes: &[u8], address: &str) -> Result<T, Refused> {
    let malformed = |error| Refused::Registry(format!("{address} gives no document of its kind: {error}"));
    serde_json::from_slice(bytes).map_err(malformed)
}

#[cfg(test)]
mod tests;
