//! What a user means by IMAGE: a prefix names the kind of place, a bare name is tried in a documented order.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use plimsoll_model::digest::DigestError;
use plimsoll_model::reference::{Reference, ReferenceError};

use super::layout::Selector;

/// A place where an image may lie.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Place {
    /// A registry.
    Registry(Reference),
    /// An OCI layout in a directory.
    Layout(PathBuf, Selector),
    /// An archive: an OCI layout in a tar, or what `docker save` writes.
    Archive(PathBuf, Selector),
    /// A root filesystem.
    RootFs(PathBuf),
    /// podman's store, by name or ID.
    Podman(String),
    /// containerd's store, by name.
    Containerd(String),
    /// Docker's store, by name or ID.
    Docker(String),
    /// A bare name: podman's, containerd's and Docker's stores in this order, then the registry.
    Anywhere(Reference),
    /// A bare name that is no reference but may be an ID: the local stores only.
    LocalId(String),
}

/// Why a text names no place.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PlaceError {
    /// The reference is malformed.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// The digest behind `@` is malformed.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// Nothing behind the prefix.
    #[error("nothing follows {0:?}")]
    Empty(&'static str),
    /// A path that is not there.
    #[error("there is no file or folder {0}")]
    Absent(String),
    /// An address as a browser has it.
    #[error("{0:?} is an address: write HOST/REPOSITORY[:TAG] without {1}")]
    Address(String, &'static str),
    /// A directory without a prefix.
    #[error("{0} is a directory: write oci:{0} for an OCI layout, dir:{0} for a root filesystem")]
    Directory(String),
}

/// Reads what follows a prefix.
type Reading = fn(&str) -> Result<Place, PlaceError>;

const PREFIXES: [(&str, Reading); 12] = [
    ("registry:", |name| Ok(Place::Registry(name.parse()?))),
    ("docker://", |name| Ok(Place::Registry(name.parse()?))),
    ("oci-archive:", |name| located(name).map(|(path, selector)| Place::Archive(path, selector))),
    ("docker-archive:", |name| located(name).map(|(path, selector)| Place::Archive(path, selector))),
    ("archive:", |name| located(name).map(|(path, selector)| Place::Archive(path, selector))),
    ("oci-dir:", |name| located(name).map(|(path, selector)| Place::Layout(path, selector))),
    ("oci:", |name| located(name).map(|(path, selector)| Place::Layout(path, selector))),
    ("rootfs:", |name| Ok(Place::RootFs(name.into()))),
    ("dir:", |name| Ok(Place::RootFs(name.into()))),
    ("podman:", |name| Ok(Place::Podman(name.to_owned()))),
    ("containerd:", |name| Ok(Place::Containerd(name.to_owned()))),
    ("docker:", |name| Ok(Place::Docker(name.to_owned()))),
];

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        for (prefix, make) in PREFIXES {
            match text.strip_prefix(prefix) {
                Some("") => return Err(PlaceError::Empty(prefix)),
                // `docker:27` is Docker's own image on Docker Hub to nobody but a registry: the prefix wins.
                Some(rest) => return make(rest),
                None => {}
            }
        }
        bare(text)
    }
}

/// A name without a prefix: an existing file or layout, else a reference.
fn bare(text: &str) -> Result<Place, PlaceError> {
    let path = Path::new(text);
    if path.join("oci-layout").is_file() || path.join("index.json").is_file() {
        return Ok(Place::Layout(path.to_owned(), Selector::Only));
    }
    if path.is_file() {
        return Ok(Place::Archive(path.to_owned(), Selector::Only));
    }
    if path.is_dir() && (text.starts_with(['.', '/']) || text.parse::<Reference>().is_err()) {
        return Err(PlaceError::Directory(text.to_owned()));
    }
    if let Some(scheme) = ["https://", "http://"].into_iter().find(|scheme| text.starts_with(scheme)) {
        return Err(PlaceError::Address(text.chars().take(200).collect(), scheme));
    }
    // No reference begins so.
    if ["/", "./", "../", "~"].iter().any(|start| text.starts_with(start)) {
        return Err(PlaceError::Absent(text.to_owned()));
    }
    match text.parse() {
        Ok(_) if is_id(text) => Ok(Place::LocalId(text.to_owned())),
        Ok(reference) => Ok(Place::Anywhere(reference)),
        Err(error) => Err(PlaceError::Reference(error)),
    }
}

/// A full image ID; shorter ones are ambiguous with names.
fn is_id(text: &str) -> bool {
    let hex = text.strip_prefix("sha256:").unwrap_or(text);
    hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit())
}

/// `PATH`, `PATH:TAG` or `PATH@DIGEST`; a path that exists as written is a path.
fn located(text: &str) -> Result<(PathBuf, Selector), PlaceError> {
    if Path::new(text).exists() {
        return Ok((text.into(), Selector::Only));
    }
    if let Some((path, digest)) = text.rsplit_once('@') {
        return Ok((path.into(), Selector::Digest(digest.parse()?)));
    }
    // The tag may be a full name with a port of its own: the longest path that exists decides.
    let mut colons = text.rmatch_indices(':').map(|(at, _)| at);
    let split = colons.find(|at| text.get(..*at).is_some_and(|path| Path::new(path).exists()));
    Ok(match split.and_then(|at| Some((text.get(..at)?, text.get(at + 1..)?))) {
        Some((path, tag)) => (path.into(), Selector::Tag(tag.to_owned())),
        None => match text.split_once(':') {
            Some((path, tag)) => (path.into(), Selector::Tag(tag.to_owned())),
            None => (text.into(), Selector::Only),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_name_the_kind_of_place() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().display().to_string();
        let place = |text: String| text.parse::<Place>();
        assert_eq!(place(format!("oci:{root}")), Ok(Place::Layout(root.clone().into(), Selector::Only)));
        assert_eq!(
            place(format!("oci:{root}:1.2")),
            Ok(Place::Layout(root.clone().into(), Selector::Tag("1.2".into())))
        );
        let tagged = place(format!("oci:{root}:localhost:5000/x:1"));
        assert_eq!(
            tagged,
            Ok(Place::Layout(root.clone().into(), Selector::Tag("localhost:5000/x:1".into())))
        );
        assert_eq!(place(format!("dir:{root}")), Ok(Place::RootFs(root.clone().into())));
        assert_eq!(place(root.clone()), Err(PlaceError::Directory(root)));
        assert_eq!(place("dir:".into()), Err(PlaceError::Empty("dir:")));
        assert_eq!(place("registry:debian".into()), Ok(Place::Registry("debian".parse().unwrap())));
    }

    #[test]
    fn bare_names_are_looked_for() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("x.tar"), b"x").unwrap();
        std::fs::write(directory.path().join("oci-layout"), b"{}").unwrap();
        let file = directory.path().join("x.tar");
        assert_eq!(file.display().to_string().parse(), Ok(Place::Archive(file, Selector::Only)));
        let layout = directory.path().to_owned();
        assert_eq!(layout.display().to_string().parse(), Ok(Place::Layout(layout, Selector::Only)));
        assert_eq!("debian:12".parse(), Ok(Place::Anywhere("debian:12".parse().unwrap())));
        let id = "a".repeat(64);
        assert!(matches!(id.parse(), Err(_) | Ok(Place::LocalId(_))));
        assert!("UPPER/case".parse::<Place>().is_ok(), "an upper-case first part is a registry");
        assert!("a b".parse::<Place>().is_err());
        for absent in ["/nonexistent/x", "./nonexistent", "../nonexistent:1", "~/nonexistent"] {
            assert_eq!(absent.parse::<Place>(), Err(PlaceError::Absent(absent.into())));
        }
        let address = "https://hub.docker.com/_/debian".parse::<Place>();
        assert_eq!(address, Err(PlaceError::Address("https://hub.docker.com/_/debian".into(), "https://")));
    }
}
