//! Where a new image goes: a layout, an archive, or a registry.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use plimsoll_model::digest::BlobDigest;
use plimsoll_model::reference::{Reference, ReferenceError};

use super::tree::Tree;
use super::{docker_archive, layout};
use crate::source::registry::{RegistryClient, RegistryError};

/// Where a new image goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Destination {
    /// An OCI layout in a directory, and the image's name in it.
    Layout(PathBuf, Option<String>),
    /// An OCI layout in a tar, and the image's name in it.
    OciArchive(PathBuf, Option<String>),
    /// What `docker load` reads, and the image's name in it.
    DockerArchive(PathBuf, Option<Reference>),
    /// A registry.
    Registry(Reference),
}

/// Why a text is no destination.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DestinationError {
    /// The reference is malformed.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// No prefix, or one of a place that is only read.
    #[error(
        "{0:?} is no destination: write oci:DIR, oci-archive:FILE, docker-archive:FILE or registry:NAME:TAG"
    )]
    Unknown(String),
    /// A digest cannot be chosen.
    #[error("{0} names a digest, which follows from the content: name a tag")]
    Digest(Reference),
}

/// Why a new image could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A file or folder.
    #[error("writing {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something is there that may not be replaced.
    #[error("{path} is there, and no OCI layout: it is not replaced")]
    InTheWay {
        /// Which.
        path: PathBuf,
    },
    /// One image for several platforms, where there is place for one only.
    #[error("{0} holds the image of one platform only: choose one with --platform")]
    SeveralPlatforms(&'static str),
    /// A registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl FromStr for Destination {
    type Err = DestinationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || DestinationError::Unknown(text.chars().take(200).collect());
        if let Some(name) = text.strip_prefix("registry:").or_else(|| text.strip_prefix("docker://")) {
            let reference: Reference = name.parse()?;
            return match reference.digest() {
                Some(_) => Err(DestinationError::Digest(reference)),
                None => Ok(Self::Registry(reference)),
            };
        }
        let (kind, rest) = text.split_once(':').ok_or_else(unknown)?;
        let (path, name) = match rest.split_once(':') {
            Some((path, name)) => (path, Some(name).filter(|name| !name.is_empty())),
            None => (rest, None),
        };
        if path.is_empty() {
            return Err(unknown());
        }
        match kind {
            "oci" | "oci-dir" => Ok(Self::Layout(path.into(), name.map(str::to_owned))),
            "oci-archive" => Ok(Self::OciArchive(path.into(), name.map(str::to_owned))),
            "docker-archive" => Ok(Self::DockerArchive(path.into(), name.map(str::parse).transpose()?)),
            _ => Err(unknown()),
        }
    }
}

impl Destination {
    /// The file or folder, if it is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Layout(path, _) | Self::OciArchive(path, _) | Self::DockerArchive(path, _) => Some(path),
            Self::Registry(_) => None,
        }
    }

    /// Tells early whether an image fits there.
    ///
    /// # Errors
    /// If it does not.
    pub fn fits(&self, platforms: usize) -> Result<(), WriteError> {
        match self {
            Self::DockerArchive(..) if platforms > 1 => Err(WriteError::SeveralPlatforms("a docker archive")),
            Self::Layout(path, _) if path.exists() && !layout::may_be_replaced(path) => {
                Err(WriteError::InTheWay { path: path.clone() })
            }
            Self::DockerArchive(path, _) | Self::OciArchive(path, _) if path.exists() && !path.is_file() => {
                Err(WriteError::InTheWay { path: path.clone() })
            }
            _ => Ok(()),
        }
    }
}

impl Tree {
    /// Writes it as a layout at `directory`, which appears when it is whole; a layout that is there is replaced.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn to_layout(&self, directory: &Path, name: Option<&str>) -> Result<(), WriteError> {
        layout::to_directory(self, directory, name)
    }

    /// Writes it as a layout in a tar.
    ///
    /// # Errors
    /// If `out` fails.
    pub fn to_oci_archive(&self, name: Option<&str>, out: &mut dyn Write) -> io::Result<()> {
        layout::to_archive(self, name, out)
    }

    /// Writes it as `docker load` reads it.
    ///
    /// # Errors
    /// If `out` fails, or there are several platforms.
    pub fn to_docker_archive(&self, name: Option<&Reference>, out: &mut dyn Write) -> io::Result<()> {
        docker_archive::write(self, name, out)
    }

    /// Pushes it: blobs, manifests, and last what the tag leads to. Gives the digest of that.
    ///
    /// # Errors
    /// See [`RegistryError`].
    pub fn push(&self, client: &RegistryClient, reference: &Reference) -> Result<BlobDigest, RegistryError> {
        for blob in self.blobs() {
            client.push_large_blob(reference, &blob)?;
        }
        let mut manifests = self.manifests();
        let top = manifests.pop().ok_or(RegistryError::Stopped)?;
        for (manifest, media_type) in manifests {
            client.push_document(&reference.at(manifest.digest), &manifest, &media_type)?;
        }
        client.push_document(reference, &top.0, &top.1)?;
        Ok(top.0.digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_are_told_by_their_prefix() {
        let layout =
            |path: &str, name: Option<&str>| Destination::Layout(path.into(), name.map(str::to_owned));
        assert_eq!("oci:a/b".parse(), Ok(layout("a/b", None)));
        assert_eq!("oci:a/b:1.0".parse(), Ok(layout("a/b", Some("1.0"))));
        assert_eq!(
            "docker-archive:a.tar:shop:1".parse(),
            Ok(Destination::DockerArchive("a.tar".into(), Some("shop:1".parse().unwrap())))
        );
        assert!(matches!("registry:localhost:5000/a:1".parse(), Ok(Destination::Registry(_))));
        for wrong in ["", "a/b", "oci:", "shop:1.0", "dir:x", "oci-archive::x"] {
            assert!(matches!(wrong.parse::<Destination>(), Err(DestinationError::Unknown(_))), "{wrong}");
        }
        let digest = format!("registry:a/b@sha256:{}", "0".repeat(64));
        assert!(matches!(digest.parse::<Destination>(), Err(DestinationError::Digest(_))));
    }
}
