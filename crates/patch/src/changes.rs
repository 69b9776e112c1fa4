//! What becomes of an image's files, and why a package does not fit them. Each kind of packages makes its own changes; what no
//! kind may do stands here.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::patch::Kept;

use crate::package::{DataEntry, DataKind};
use crate::tree::{Node, NodeKind, PathError, Tree, above};

/// Something that the new layer has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Item {
    /// The entry of a package: which package, which entry.
    Unpacked(usize, usize),
    /// A hard link to another new file.
    Link(String),
    /// Bytes, with permission bits.
    Bytes(u16, Vec<u8>),
    /// The bytes that lower layers have at a path, which come to lie at this one with the same owner and mode.
    Moved(String, Vec<u8>),
    /// What lower layers have is hidden.
    Whiteout,
}

/// What becomes of the image.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Changes {
    /// By path.
    pub items: BTreeMap<String, Item>,
    /// Configuration that was changed in the image, and what became of it.
    pub kept: Vec<Kept>,
}

/// Why a package cannot be unpacked.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UnpackError {
    /// A path leads out.
    #[error("{package}")]
    Path {
        /// Which package.
        package: String,
        /// Why.
        source: PathError,
    },
    /// It has a file of another package.
    #[error("{package} would overwrite /{path}, which belongs to {owner}")]
    Overwrites {
        /// Which package.
        package: String,
        /// Which file.
        path: String,
        /// Whose it is.
        owner: String,
    },
    /// A directory of the image would become a file, or the other way around.
    #[error("{package} has /{path} as {what}, and the image has it as {there}")]
    Kind {
        /// Which package.
        package: String,
        /// Which file.
        path: String,
        /// What the package has.
        what: &'static str,
        /// What the image has.
        there: &'static str,
    },
    /// A file of it lies behind a link that it brings along.
    #[error("{package} has /{path} behind a link of its own")]
    BehindLink {
        /// Which package.
        package: String,
        /// Which file.
        path: String,
    },
    /// A hard link to a file that is not installed.
    #[error("{package} has /{path} as a hard link to a file that is not installed")]
    Link {
        /// Which package.
        package: String,
        /// Which file.
        path: String,
    },
}

/// Refuses a package with a file behind a link that it brings along itself.
///
/// # Errors
/// If there is one.
pub fn refuse_behind_links(package: &str, entries: &[DataEntry]) -> Result<(), UnpackError> {
    let links: BTreeSet<&str> = entries
        .iter()
        .filter(|entry| matches!(entry.kind, DataKind::Symlink(_)))
        .map(|entry| entry.path.as_str())
        .collect();
    match entries.iter().find(|entry| above(&entry.path).iter().any(|folder| links.contains(folder))) {
        Some(entry) => Err(UnpackError::BehindLink { package: package.to_owned(), path: entry.path.clone() }),
        None => Ok(()),
    }
}

/// Tells whether an entry may take the place of what the image has there.
///
/// # Errors
/// If one is a directory and the other is none.
pub fn may_replace(package: &str, entry: &DataEntry, place: &str, tree: &Tree) -> Result<(), UnpackError> {
    let there = tree.get(place).map(|node| &node.kind);
    let is_folder = entry.kind == DataKind::Directory;
    let kind = |what, there| {
        Err(UnpackError::Kind { package: package.to_owned(), path: entry.path.clone(), what, there })
    };
    match there {
        Some(NodeKind::Directory) if !is_folder => kind("a file", "a directory"),
        Some(NodeKind::File | NodeKind::Special) if is_folder => kind("a directory", "a file"),
        Some(NodeKind::Symlink(_)) if is_folder && !tree.is_directory(place) => {
            kind("a directory", "a link that leads to none")
        }
        _ => Ok(()),
    }
}

/// Whether what lies at `place` goes when no package has it any longer: a file, a link, a directory that is empty then.
#[must_use]
pub fn goes(place: &str, tree: &Tree) -> bool {
    match tree.get(place).map(|node| &node.kind) {
        None => false,
        Some(NodeKind::Directory) => tree.below(place).next().is_none(),
        // A link to a directory may stand for one that the list means.
        Some(NodeKind::Symlink(_)) => !tree.is_directory(place),
        Some(NodeKind::File | NodeKind::Special) => true,
    }
}

/// What an entry is once it lies at `place`.
#[must_use]
pub fn node(entry: &DataEntry, place: &str) -> Node {
    let kind = match &entry.kind {
        DataKind::File | DataKind::Hardlink(_) => NodeKind::File,
        DataKind::Directory => NodeKind::Directory,
        DataKind::Symlink(target) => NodeKind::Symlink(target.clone()),
    };
    Node { kind, mode: entry.mode, uid: 0, gid: 0, content: (usize::MAX, place.to_owned()) }
}
