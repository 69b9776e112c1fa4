//! rpm's database, in SQLite's form and in NDB's: read, and written anew with other packages in it, its indexes as rpm makes them.
//! The image's own file is read by our readers alone. <https://github.com/rpm-software-management/rpm/tree/master/lib/backend>.

mod keys;
mod ndb;
mod ndb_index;
mod sqlite;

use std::collections::BTreeMap;

use plimsoll_formats::rpmdb::{Limits, RpmDbError, headers};
use plimsoll_model::version::Scheme;

use super::archive::version_of;
use super::files::{FileRecord, files_of};
use super::header::Header;
use super::index::MODULE;
use super::relations::relations_of;
use super::tags::{
    ARCH, DESCRIPTION, FILE_TRIGGER_NAME, INSTALL_COLOR, NAME, TRANS_FILE_TRIGGER_NAME, TRIGGER_NAME,
};
use crate::stock::{Present, Relations, Standing};

/// Where the database may be.
pub const FOLDERS: [&str; 3] = ["usr/lib/sysimage/rpm", "usr/share/rpm", "var/lib/rpm"];
/// Its name in SQLite's form.
pub const SQLITE: &str = "rpmdb.sqlite";
/// Its name in NDB's form.
pub const NDB: &str = "Packages.db";
/// The indexes of an NDB, which lie beside it.
const NDB_INDEX: &str = "Index.db";
/// Its name in Berkeley DB's form, which is not written.
pub const BERKELEY: &str = "Packages";

/// The packages that are installed.
#[derive(Clone, Debug)]
pub struct Database {
    /// In the order of the database.
    pub packages: Vec<Installed>,
    form: Form,
    /// The number of the next package.
    next: u32,
}

/// In which form it lies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    Sqlite,
    /// With the count of its changes.
    Ndb {
        generation: u32,
    },
}

/// A package that the database tells of.
#[derive(Clone, Debug)]
pub struct Installed {
    /// What the database calls it.
    pub number: u32,
    /// Its header.
    pub header: Header,
    /// Its files.
    pub files: Vec<FileRecord>,
}

/// Why the database is not used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DatabaseError {
    /// It is of another form.
    #[error("the rpm database is neither in SQLite's form nor in NDB's, and others are not written")]
    Form,
    /// Something of it cannot be read, and would be lost.
    #[error("the rpm database is damaged: {0}")]
    Damaged(String),
    /// It cannot be written.
    #[error("the rpm database cannot be written: {0}")]
    Write(String),
}

impl Installed {
    fn read(number: u32, header: &[u8]) -> Result<Self, DatabaseError> {
        let damaged = |what: &str| DatabaseError::Damaged(format!("{what} is broken"));
        let header = Header::read(header).ok_or_else(|| damaged("a header"))?;
        let files = files_of(&header).ok_or_else(|| damaged("a list of files"))?;
        Ok(Self { number, header, files })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> String {
        self.header.text(NAME).unwrap_or_default()
    }

    /// Its architecture.
    #[must_use]
    pub fn architecture(&self) -> String {
        self.header.text(ARCH).unwrap_or_default()
    }

    /// How it is told from all others.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}.{}", self.name(), self.architecture())
    }

    /// What its triggers wait for: names of packages, and what the paths of files begin with.
    #[must_use]
    pub fn triggers(&self) -> (Vec<String>, Vec<String>) {
        let folders = [FILE_TRIGGER_NAME, TRANS_FILE_TRIGGER_NAME].map(|tag| self.header.strings(tag));
        (self.header.strings(TRIGGER_NAME), folders.concat())
    }

    /// A public key, which rpm keeps among the packages.
    fn is_key(&self) -> bool {
        self.name() == "gpg-pubkey"
    }
}

impl Database {
    /// Reads the database.
    ///
    /// # Errors
    /// If it is of another form, or not wholly sound.
    pub fn read(bytes: &[u8]) -> Result<Self, DatabaseError> {
        if bytes.starts_with(b"SQLite format 3\0") {
            Self::of_sqlite(bytes)
        } else if bytes.starts_with(ndb::MAGIC) {
            Self::of_ndb(bytes)
        } else {
            Err(DatabaseError::Form)
        }
    }

    fn of_sqlite(bytes: &[u8]) -> Result<Self, DatabaseError> {
        let damaged = |error: RpmDbError| DatabaseError::Damaged(error.to_string());
        let packages = (1..).zip(headers(bytes, &Limits::default()));
        let packages =
            packages.map(|(number, header)| Installed::read(number, header.map_err(damaged)?.as_bytes()));
        let packages: Vec<Installed> = packages.collect::<Result<_, _>>()?;
        let next = packages.last().map_or(1, |last| last.number.saturating_add(1));
        Ok(Self { packages, form: Form::Sqlite, next })
    }

    fn of_ndb(bytes: &[u8]) -> Result<Self, DatabaseError> {
        let ndb::Packages { generation, next, headers } = ndb::read(bytes).map_err(DatabaseError::Damaged)?;
        let packages = headers.into_iter().map(|(number, header)| Installed::read(number, header));
        Ok(Self { packages: packages.collect::<Result<_, _>>()?, form: Form::Ndb { generation }, next })
    }

    /// What is installed, as finding a change needs it.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for package in &self.packages {
            let count = counts.entry(package.key()).or_default();
            *count = count.saturating_add(1);
        }
        let present = |package: &Installed| {
            let version = version_of(&package.header);
            let held = if counts.get(&package.key()).is_some_and(|count| *count > 1) {
                Some("it is installed in several versions".to_owned())
            } else if version.contains(MODULE) {
                Some("it belongs to a module, whose streams the repositories' lists do not tell".to_owned())
            } else {
                None
            };
            let files = package.files.iter().map(|file| file.path.clone()).collect();
            Present {
                name: package.name(),
                architecture: package.architecture(),
                version,
                held,
                relations: Relations { files, ..relations_of(&package.header) },
            }
        };
        let packages = self.packages.iter().filter(|package| !package.is_key()).map(present);
        Standing { scheme: Scheme::Rpm, packages: packages.collect() }
    }

    /// The public keys that rpm was told to trust, as text.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let keys = self.packages.iter().filter(|package| package.is_key());
        keys.filter_map(|package| package.header.text(DESCRIPTION)).collect()
    }

    /// The package of this name and architecture.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Installed> {
        self.packages.iter().find(|package| package.key() == key)
    }

    /// Takes a package away, and puts another one behind all others, as rpm does.
    pub fn replace(&mut self, old: Option<&str>, header: Header, files: Vec<FileRecord>) {
        if let Some(at) = self.packages.iter().position(|package| Some(package.key().as_str()) == old) {
            self.packages.remove(at);
        }
        self.packages.push(Installed { number: self.next, header, files });
        self.next = self.next.saturating_add(1);
    }

    /// The architectures that files count for, as rpm colors them.
    #[must_use]
    pub fn color(&self) -> u32 {
        let colors = self.packages.iter().filter_map(|package| package.header.number(INSTALL_COLOR));
        colors.max().and_then(|color| u32::try_from(color).ok()).unwrap_or(0)
    }

    /// The files of the database: their names, and what they hold.
    ///
    /// # Errors
    /// If SQLite fails, or NDB has no room for it.
    pub fn files(&self) -> Result<Vec<(&'static str, Vec<u8>)>, DatabaseError> {
        let failed = |reason: &str| DatabaseError::Write(reason.to_owned());
        match self.form {
            Form::Sqlite => {
                let bytes = sqlite::written(&self.packages).map_err(|error| failed(&error.to_string()))?;
                Ok(vec![(SQLITE, bytes)])
            }
            Form::Ndb { generation } => {
                let generation = generation.wrapping_add(1);
                let packages = ndb::written(&self.packages, generation, self.next);
                let index = ndb_index::written(&self.packages, generation);
                let all = [(NDB, packages), (NDB_INDEX, index)].map(|(name, bytes)| Some((name, bytes?)));
                all.into_iter().collect::<Option<_>>().ok_or_else(|| failed("it is too large for an NDB"))
            }
        }
    }
}

#[cfg(test)]
mod tests;
