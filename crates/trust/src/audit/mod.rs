//! The audit trail: an append-only log that tells of every later change to it.
//!
//! Its entries are the leaves of a Merkle tree (RFC 6962), kept as plain objects by the layout of C2SP's tlog-tiles, with a signed
//! checkpoint (tlog-checkpoint, signed-note) over all of them. [`log`] appends and verifies, [`proof`] proves that an entry is in it,
//! [`note`] is the checkpoint, [`entry`] what is told. Where the objects lie is a [`Store`]; no files here, no clock.

pub mod cef;
pub mod entry;
pub mod log;
pub mod note;
pub mod otlp;
pub mod proof;
mod tiles;

use std::io;

pub use tiles::{Hash, TILE_LIMIT};

/// Where the objects of a log lie. Their names are relative paths.
pub trait Store {
    /// Reads an object whole; none if there is none.
    ///
    /// # Errors
    /// If it cannot be read, or is larger than `limit`.
    fn read(&self, name: &str, limit: u64) -> io::Result<Option<Vec<u8>>>;

    /// Writes an object, which appears whole or not at all, and replaces the one that is there. It lasts when this returns.
    ///
    /// # Errors
    /// If it cannot be written.
    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;

    /// Takes an object away, if it is there.
    ///
    /// # Errors
    /// If it cannot be taken away.
    fn remove(&mut self, name: &str) -> io::Result<()>;
}

/// Why a log is not used, or not believed.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// An object cannot be read or written.
    #[error("{0}")]
    Store(String, #[source] io::Error),
    /// There is no log.
    #[error("there is no checkpoint: it is no log, or it was taken away")]
    NoLog,
    /// There is a log already.
    #[error("there is a log already")]
    Exists,
    /// The checkpoint is not signed by the key, or no checkpoint.
    #[error("the {0}")]
    Checkpoint(&'static str, #[source] note::NoteError),
    /// An object that the checkpoint covers is gone.
    #[error("{0} is gone: the log was cut off or lost a file")]
    Gone(String),
    /// An object is not of the form, or holds other hashes than the entries have.
    #[error("{0} is not what the entries below it make it: it was changed or is damaged")]
    Damaged(String),
    /// The tree is another than that which was signed.
    #[error(
        "the entries are not those that were signed: the root of {size} entries is {found}, signed is {signed}"
    )]
    Root {
        /// How many entries.
        size: u64,
        /// The root of those that are there, in base64.
        found: String,
        /// The root in the checkpoint.
        signed: String,
    },
    /// The log has fewer entries than it once had.
    #[error("the log has {now} entries, and had {before}: it was cut off")]
    Shrunk {
        /// What it had.
        before: u64,
        /// What it has.
        now: u64,
    },
    /// An older checkpoint is that of another log.
    #[error("the older checkpoint is of the log {0:?}, this one is {1:?}")]
    OtherLog(String, String),
    /// The older checkpoint is not of the first entries of this log.
    #[error("history was rewritten: the first {0} entries are not those of the older checkpoint")]
    Fork(u64),
    /// There is no such entry.
    #[error("there is no entry {index}, the log has {size}")]
    NoEntry {
        /// What was asked for.
        index: u64,
        /// How many there are.
        size: u64,
    },
    /// An entry is too large.
    #[error("an entry has {0} bytes, more than 65535")]
    TooLarge(usize),
    /// Nothing was signed.
    #[error("signing the checkpoint")]
    Sign(#[source] note::NoteError),
}
