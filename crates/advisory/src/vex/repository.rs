//! A VEX repository: an index of packages, each with the place of its document, in a folder or an archive
//! (<https://github.com/aquasecurity/vex-repo-spec>, version 0.1).
//!
//! Only documents of packages that an image has are read. Places that lead out of the repository are refused, and
//! archives are read as streams, never unpacked.

mod archive;
mod manifest;

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use packageurl::PackageUrl;
use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_model::inventory::Inventory;
use plimsoll_model::scan::ImageIdentity;
use plimsoll_model::vex::{Provenance, Statement};
use serde::Deserialize;

use super::library::Consulted;
use super::{LIMIT, LIST_LIMIT, subject};
use crate::bounded;
pub use manifest::{Location, Manifest, manifest_source};

const INDEX: &str = "index.json";

/// Why a repository cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// Its index or archive could not be read.
    #[error("the VEX repository {name} could not be read")]
    Read {
        /// Which repository.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// Its index or manifest is malformed.
    #[error("the {what} of the VEX repository {name} is malformed")]
    Json {
        /// `index` or `manifest`.
        what: &'static str,
        /// Which repository.
        name: String,
        /// Why.
        source: serde_json::Error,
    },
    /// It lists more than anybody needs.
    #[error("the VEX repository {0} lists more than {LIST_LIMIT} packages")]
    TooMany(String),
    /// It has no version that is understood here.
    #[error("the VEX repository {0} has no data of version 0 of the specification")]
    Version(String),
    /// An address is malformed, or leads from https to http.
    #[error("the VEX repository {name} names the place {place:?}: {problem}")]
    Place {
        /// Which repository.
        name: String,
        /// The place.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// A repository that can be read.
#[derive(Debug)]
pub struct Repository {
    name: String,
    root: Root,
    packages: Vec<Listed>,
}

#[derive(Debug)]
enum Root {
    Folder(PathBuf),
    /// With the folder in it that is the repository; empty, or ending in a slash.
    Archive(PathBuf, String),
}

#[derive(Debug, Deserialize)]
struct Index {
    packages: Vec<Listed>,
}

/// A package with the place of its document.
#[derive(Clone, Debug, Deserialize)]
struct Listed {
    id: String,
    location: String,
}

impl Repository {
    /// Tells whether a repository is at `path`.
    #[must_use]
    pub fn is_one(path: &Path) -> bool {
        let index = if path.is_dir() {
            index_folder(path).map(|folder| folder.join(INDEX)).and_then(|index| read_file(&index).ok())
        } else if Self::is_archive(path) {
            archive::index(path, None).ok().flatten().map(|(_, bytes)| bytes)
        } else {
            None
        };
        index.is_some_and(|bytes| serde_json::from_slice::<Index>(&bytes).is_ok())
    }

    /// Tells whether the name of a file is that of an archive.
    #[must_use]
    pub fn is_archive(path: &Path) -> bool {
        let name = path.to_string_lossy();
        path.is_file()
            && [".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst", ".zip"]
                .iter()
                .any(|end| name.ends_with(end))
    }

    /// Opens the folder or archive at `path`, in which `subdirectory` may be the repository. `name` is told with its
    /// statements.
    ///
    /// # Errors
    /// If it has no index that is understood.
    pub fn open(path: &Path, subdirectory: Option<&str>, name: &str) -> Result<Self, RepositoryError> {
        let read = |source| RepositoryError::Read { name: name.to_owned(), source };
        let none = || read(io::Error::new(io::ErrorKind::NotFound, "it has no index.json"));
        let (root, bytes) = if path.is_dir() {
            let folder = index_folder(path).ok_or_else(none)?;
            let bytes = read_file(&folder.join(INDEX)).map_err(read)?;
            (Root::Folder(folder), bytes)
        } else {
            let (prefix, bytes) = archive::index(path, subdirectory).map_err(read)?.ok_or_else(none)?;
            (Root::Archive(path.to_owned(), prefix), bytes)
        };
        let malformed = |source| RepositoryError::Json { what: "index", name: name.to_owned(), source };
        let Index { packages } = serde_json::from_slice(&bytes).map_err(malformed)?;
        if packages.len() > LIST_LIMIT {
            return Err(RepositoryError::TooMany(name.to_owned()));
        }
        Ok(Self { name: name.to_owned(), root, packages })
    }

    /// Adds what the repository says of the packages of an image.
    pub(super) fn consult(&self, inventory: &Inventory, image: &ImageIdentity, into: &mut Consulted) {
        let mut places = BTreeSet::new();
        for listed in self.wanted(inventory, image) {
            if is_sound(&listed.location) {
                places.insert(listed.location.as_str());
            } else {
                self.gap(&listed.id, "its place leads out of the repository", into);
            }
        }
        if places.is_empty() {
            return;
        }
        let documents = match self.read(&places) {
            Ok(documents) => documents,
            Err(error) => return self.gap(INDEX, &error.to_string(), into),
        };
        for place in places {
            match documents.iter().find(|(name, _)| name == place) {
                Some((_, Ok(bytes))) => self.document(place, bytes, into),
                Some((_, Err(error))) => self.gap(place, &error.to_string(), into),
                None => self.gap(place, "it is not there", into),
            }
        }
    }

    fn document(&self, place: &str, bytes: &[u8], into: &mut Consulted) {
        match super::parse(bytes, &format!("{}!{place}", self.name)) {
            Ok(statements) => into.statements.extend(
                statements
                    .into_iter()
                    .map(|statement| Statement { provenance: Provenance::Repository, ..statement }),
            ),
            Err(error) => self.gap(place, &super::reason(&error), into),
        }
    }

    fn gap(&self, place: &str, reason: &str, into: &mut Consulted) {
        into.gaps.push(Gap::new(GapKind::VexUnread, format!("{}!{place}", self.name), reason));
    }

    /// The entries for packages that the image has, and for the image itself.
    fn wanted(&self, inventory: &Inventory, image: &ImageIdentity) -> Vec<&Listed> {
        let distribution = inventory.distribution.as_ref();
        let ours = inventory.packages.iter().map(|installed| installed.package.purl(distribution));
        let ours: BTreeSet<String> =
            ours.filter_map(|purl| Some(key(&PackageUrl::from_str(&purl).ok()?))).collect();
        let is_ours = |listed: &&Listed| {
            PackageUrl::from_str(&listed.id)
                .is_ok_and(|purl| ours.contains(&key(&purl)) || subject::is_image(&purl, image))
        };
        self.packages.iter().filter(is_ours).collect()
    }

    fn read(&self, places: &BTreeSet<&str>) -> io::Result<Vec<archive::Member>> {
        match &self.root {
            Root::Folder(folder) => {
                Ok(places.iter().map(|place| ((*place).to_owned(), read_inside(folder, place))).collect())
            }
            Root::Archive(path, prefix) => {
                let full: BTreeSet<String> = places.iter().map(|place| format!("{prefix}{place}")).collect();
                let found = archive::members(path, |name| full.contains(name))?;
                let own =
                    |name: String| name.strip_prefix(prefix.as_str()).map(str::to_owned).unwrap_or(name);
                Ok(found.into_iter().map(|(name, bytes)| (own(name), bytes)).collect())
            }
        }
    }
}

/// A package without its version.
fn key(purl: &PackageUrl<'_>) -> String {
    format!("{}/{}/{}", purl.ty(), purl.namespace().unwrap_or_default(), purl.name())
}

/// Where the index is: at the top, or in the folder of version 0, as other tools keep their copies.
fn index_folder(path: &Path) -> Option<PathBuf> {
    [path.to_owned(), path.join("0.1"), path.join("v0")]
        .into_iter()
        .find(|folder| folder.join(INDEX).is_file())
}

/// Whether a place stays inside of the repository.
fn is_sound(place: &str) -> bool {
    let part = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains(['\\', '\0']);
    place.len() <= 1_000 && place.split('/').all(part)
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    bounded::read(File::open(path)?, LIMIT)
}

/// Reads a file of a folder; links may not lead out of it.
fn read_inside(folder: &Path, place: &str) -> io::Result<Vec<u8>> {
    let (root, path) = (folder.canonicalize()?, folder.join(place).canonicalize()?);
    if !path.starts_with(&root) || !path.is_file() {
        return Err(io::Error::other("it is no file of the repository"));
    }
    read_file(&path)
}
