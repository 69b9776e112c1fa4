//! rpm's database of installed packages, read from bytes in memory, in its three forms: the Berkeley DB hash
//! `Packages`, the NDB `Packages.db` and the SQLite `rpmdb.sqlite`.
//!
//! [`headers`] tells the form by its first bytes and never fails as a whole: what is broken is an `Err` among the
//! others. No byte of the file is given out twice, so work and memory stay in proportion to the file. It only reads
//! the one file: changes that still stand in SQLite's write-ahead log (`rpmdb.sqlite-wal`) are not seen.
//! Formats: <https://github.com/rpm-software-management/rpm/tree/master/lib/backend>.

use std::borrow::Cow;

mod bdb;
mod bytes;
mod header;
mod ndb;
mod pages;
mod sqlite;

pub use header::{FileDigest, FileDigests, FilesError, Header, OwnedFile, OwnedFiles};

/// How much is read of one database.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Packages.
    pub records: usize,
    /// Bytes of one package's header.
    pub record_bytes: usize,
    /// Broken pages and records, after which the rest is left unread.
    pub broken: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { records: 200_000, record_bytes: 64 << 20, broken: 100 }
    }
}

/// What is wrong with a database or a part of it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RpmDbError {
    /// The first bytes are those of no form.
    #[error("not an rpm database: neither Berkeley DB hash, NDB nor SQLite")]
    UnknownForm,
    /// The database as a whole cannot be read, or ends early.
    #[error("{0}")]
    Database(&'static str),
    /// A page, and what only it leads to, cannot be read.
    #[error("page {page}: {reason}")]
    Page {
        /// The page's number, as the form counts them.
        page: u32,
        /// What is wrong.
        reason: &'static str,
    },
    /// A record cannot be read.
    #[error("record {record}: {reason}")]
    Record {
        /// The package's number in the database.
        record: u64,
        /// What is wrong.
        reason: &'static str,
    },
    /// A limit was reached; the rest is left unread.
    #[error("more than {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much is read.
        limit: usize,
    },
}

/// Iterates over the packages of the database in `bytes`, in the order of the file.
#[must_use]
pub fn headers<'a>(bytes: &'a [u8], limits: &Limits) -> Headers<'a> {
    let records = if sqlite::recognizes(bytes) {
        sqlite::Records::open(bytes, limits.record_bytes).map(Records::Sqlite)
    } else if ndb::recognizes(bytes) {
        ndb::Records::open(bytes).map(Records::Ndb)
    } else if bdb::recognizes(bytes) {
        bdb::Records::open(bytes, limits.record_bytes).map(Records::Bdb)
    } else {
        Err(RpmDbError::UnknownForm)
    };
    Headers {
        records: records.unwrap_or_else(|error| Records::Failed(Some(error))),
        limits: *limits,
        good: 0,
        broken: 0,
        unread: bytes.len(),
    }
}

/// The packages of a database.
#[derive(Debug)]
pub struct Headers<'a> {
    records: Records<'a>,
    limits: Limits,
    good: usize,
    broken: usize,
    /// Sound records do not overlap, so all together are no longer than the file. Overlapping ones could make
    /// a small file cost endless work.
    unread: usize,
}

/// A header's bytes and the number of its package.
#[derive(Debug)]
struct Record<'a> {
    number: u64,
    blob: Cow<'a, [u8]>,
}

#[derive(Debug)]
enum Records<'a> {
    Bdb(bdb::Records<'a>),
    Ndb(ndb::Records<'a>),
    Sqlite(sqlite::Records<'a>),
    Failed(Option<RpmDbError>),
}

impl<'a> Records<'a> {
    fn next(&mut self) -> Option<Result<Record<'a>, RpmDbError>> {
        match self {
            Self::Bdb(records) => records.next(),
            Self::Ndb(records) => records.next(),
            Self::Sqlite(records) => records.next(),
            Self::Failed(error) => error.take().map(Err),
        }
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = Result<Header<'a>, RpmDbError>;

    fn next(&mut self) -> Option<Self::Item> {
        let header = self.records.next()?.and_then(|record| self.header(record));
        let (count, limit, what) = match &header {
            Ok(_) => (&mut self.good, self.limits.records, "packages"),
            Err(_) => (&mut self.broken, self.limits.broken, "broken pages or records"),
        };
        if *count >= limit {
            return self.stop(RpmDbError::Limit { what, limit });
        }
        *count = count.saturating_add(1);
        Some(header)
    }
}

impl<'a> Headers<'a> {
    fn header(&mut self, record: Record<'a>) -> Result<Header<'a>, RpmDbError> {
        let Some(unread) = self.unread.checked_sub(record.blob.len()) else {
            self.records = Records::Failed(None);
            return Err(RpmDbError::Database("records overlap"));
        };
        self.unread = unread;
        if record.blob.len() > self.limits.record_bytes {
            return Err(RpmDbError::Record { record: record.number, reason: TOO_LONG });
        }
        Header::parse(record.blob).map_err(|reason| RpmDbError::Record { record: record.number, reason })
    }

    fn stop(&mut self, error: RpmDbError) -> Option<Result<Header<'a>, RpmDbError>> {
        self.records = Records::Failed(None);
        Some(Err(error))
    }
}

const TOO_LONG: &str = "the header is longer than the limit";
