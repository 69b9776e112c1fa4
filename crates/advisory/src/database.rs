//! The compiled database: one file, read in place. `docs/database-format.md` describes its bytes.
//!
//! Opening looks at the head only. What lies behind it is checked where it is read: each offset against the
//! file, each count against what is left; bytes that make no sense are a [`Corrupt`], never a panic.

pub mod build;
mod bytes;
mod compile;
pub mod delta;
mod ids;
mod info;
mod layout;
mod mapping;
mod read;
mod search;
mod strings;
mod versions;

use std::path::{Path, PathBuf};

pub use compile::TooLarge;
pub(crate) use compile::{END_OF_LIFE, EPSS};
pub(crate) use ids::cve_key;
pub use info::{DatabaseInfo, FeedInfo};
use layout::Layout;
pub use layout::{Corrupt, FORMAT_VERSION};
use mapping::Mapping;
pub use read::{AdvisoryRecord, AffectedRecord, Cvss, Known, SpanRecord};

/// An open database.
#[derive(Debug)]
pub struct Database {
    storage: Storage,
    layout: Layout,
    info: DatabaseInfo,
}

#[derive(Debug)]
enum Storage {
    Static(&'static [u8]),
    Owned(Vec<u8>),
    Mapped(Mapping),
}

impl Storage {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Static(bytes) => bytes,
            Self::Owned(bytes) => bytes,
            Self::Mapped(mapping) => mapping.bytes(),
        }
    }
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file could not be read.
    #[error("reading the advisory database {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The bytes are no database.
    #[error("this is no advisory database")]
    NotADatabase,
    /// A later format.
    #[error("the advisory database has format version {found}, this program reads version {FORMAT_VERSION}")]
    Version {
        /// The version found.
        found: u32,
    },
    /// The file is shorter or longer than its head says.
    #[error("the advisory database should have {expected} bytes and has {found}")]
    Length {
        /// What the head says.
        expected: u64,
        /// What there is.
        found: u64,
    },
    /// The head is damaged.
    #[error("the advisory database's head is damaged")]
    Head,
    /// The content is damaged (only [`Database::verify`] looks).
    #[error("the advisory database's content is damaged")]
    Content,
}

impl Database {
    /// Opens a file by mapping it. A database in use is replaced by renaming a new file over it, never changed in
    /// place.
    ///
    /// # Errors
    /// If the file cannot be read or is no database of this format.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let read = |source| OpenError::Read { path: path.to_owned(), source };
        Self::of(Storage::Mapped(Mapping::open(path).map_err(read)?))
    }

    /// Opens a database that is part of the program.
    ///
    /// # Errors
    /// If the bytes are no database of this format.
    pub fn from_static(bytes: &'static [u8]) -> Result<Self, OpenError> {
        Self::of(Storage::Static(bytes))
    }

    /// Opens a database in memory.
    ///
    /// # Errors
    /// If the bytes are no database of this format.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, OpenError> {
        Self::of(Storage::Owned(bytes))
    }

    fn of(storage: Storage) -> Result<Self, OpenError> {
        let layout = Layout::read(storage.bytes())?;
        let info = info::read(layout.meta(storage.bytes())).ok_or(OpenError::Head)?;
        let size = u64::try_from(storage.bytes().len()).unwrap_or(u64::MAX);
        Ok(Self { layout, info: DatabaseInfo { format_version: FORMAT_VERSION, size, ..info }, storage })
    }

    /// Checks every byte against the head's digest: done when a file is installed, not when it is used.
    ///
    /// # Errors
    /// If the content is not what was compiled.
    pub fn verify(&self) -> Result<(), OpenError> {
        if self.layout.content_is_whole(self.bytes()) { Ok(()) } else { Err(OpenError::Content) }
    }

    /// The digest that the head tells of the content: a name for this database that costs nothing to read.
    #[must_use]
    pub const fn content_digest(&self) -> plimsoll_model::digest::Digest {
        self.layout.digest()
    }

    /// The digest of the whole file, which takes a look at every byte.
    #[must_use]
    pub fn digest(&self) -> plimsoll_model::digest::Digest {
        plimsoll_model::digest::Digest::of(self.bytes())
    }

    /// What the database is made of.
    #[must_use]
    pub const fn info(&self) -> &DatabaseInfo {
        &self.info
    }

    /// Tells whether some feed in the database speaks of this ecosystem or distribution release.
    #[must_use]
    pub fn covers(&self, ecosystem: &str) -> bool {
        self.info.ecosystems.binary_search_by(|known| known.as_str().cmp(ecosystem)).is_ok()
    }

    fn bytes(&self) -> &[u8] {
        self.storage.bytes()
    }
}
