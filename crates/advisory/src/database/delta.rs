//! What turns the database of one day into that of the next: a small file, in proportion to what changed.
//! `docs/database-format.md` describes its bytes.
//!
//! Records name strings and advisories by their places, which move when one is added. So a delta first tells the new
//! [`tables`], from which both sides [`predict`] how the old records look under them; then the new sections are told
//! as a zstd frame that refers to the prediction. A prediction that errs costs bytes, never correctness: the result
//! has to have the digest that the head names.

mod columns;
mod predict;
mod tables;

use std::io::Write as _;

use plimsoll_model::digest::Digest;

use super::OpenError;
use super::layout::{Corrupt, Layout, SECTIONS, Section, assemble};
use crate::bounded;
use tables::Tables;

const MAGIC: &[u8; 8] = b"PLIMSDLT";
/// The version of the form of deltas; any other is refused.
pub const DELTA_VERSION: u32 = 1;
/// The largest database, and the largest tables, that a delta is made for.
const LIMIT: u64 = 1 << 30;
const LEVEL: i32 = 17;
/// The least and the most that zstd takes.
const WINDOW_LOGS: std::ops::RangeInclusive<u32> = 10..=31;

/// Why there is no delta, or why it cannot be applied.
#[derive(Debug, thiserror::Error)]
pub enum DeltaError {
    /// The bytes are no delta.
    #[error("this is no delta of an advisory database")]
    NotADelta,
    /// A later form.
    #[error("the delta has version {found}, this program reads version {DELTA_VERSION}")]
    Version {
        /// The version found.
        found: u32,
    },
    /// It is for another database.
    #[error("the delta is for the database {expected}, this one is {found}")]
    WrongBase {
        /// The database that the delta is for.
        expected: Digest,
        /// The database at hand.
        found: Digest,
    },
    /// The delta is damaged.
    #[error("the delta is damaged")]
    Damaged,
    /// It would give more than the limit.
    #[error("the delta tells of {size} bytes, more than the limit of {LIMIT}")]
    TooLarge {
        /// What it tells.
        size: u64,
    },
    /// The result is not the database that was meant.
    #[error("applying the delta gives {found}, it should give {expected}")]
    WrongResult {
        /// What the delta promises.
        expected: Digest,
        /// What came out.
        found: Digest,
    },
    /// One of the databases cannot be used.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// A database's records make no sense.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
    /// A database that this program did not compile, with gaps between its sections.
    #[error("the database's sections do not follow each other")]
    NotCompact,
    /// The compressor failed.
    #[error("compressing the delta")]
    Compress {
        /// Why.
        source: std::io::Error,
    },
}

/// Tells how to turn `old` into `new`; the same two always give the same bytes.
///
/// # Errors
/// If one of them is no sound database, or larger than 1 GiB.
pub fn diff(old: &[u8], new: &[u8]) -> Result<Vec<u8>, DeltaError> {
    let (old_layout, new_layout) = (sound(old)?, sound(new)?);
    let sections = Section::ALL.map(|section| new_layout.section(new, section).to_vec());
    if assemble(&sections) != new {
        return Err(DeltaError::NotCompact);
    }
    let old_tables = Tables::of(&old_layout, old)?;
    let new_tables = Tables::of(&new_layout, new)?;
    let prediction = columns::together(&predict::predict(&old_layout, old, &old_tables, &new_tables)?);
    let names = new_tables.encode();
    let packed_names = compress(&names, &old_tables.encode())?;
    let packed = compress(&columns::together(&sections), &prediction)?;
    let mut delta = MAGIC.to_vec();
    delta.extend_from_slice(&DELTA_VERSION.to_le_bytes());
    delta.extend_from_slice(Digest::of(old).as_bytes());
    delta.extend_from_slice(Digest::of(new).as_bytes());
    for length in [new.len(), names.len(), packed_names.len()] {
        delta.extend_from_slice(&wide(length).to_le_bytes());
    }
    delta.extend_from_slice(&packed_names);
    delta.extend_from_slice(&packed);
    Ok(delta)
}

/// Turns `old` into the database that `delta` leads to: sound, and to the byte the one it was made from.
///
/// # Errors
/// If the delta is for another database, damaged, or lies.
pub fn apply(old: &[u8], delta: &[u8]) -> Result<Vec<u8>, DeltaError> {
    let head = Head::read(delta)?;
    let found = Digest::of(old);
    if found != head.old {
        return Err(DeltaError::WrongBase { expected: head.old, found });
    }
    let old_layout = sound(old)?;
    let old_tables = Tables::of(&old_layout, old)?;
    let names = decompress(head.packed_names, &old_tables.encode(), head.names_length)?;
    let new_tables = Tables::decode(&names).map_err(|Corrupt| DeltaError::Damaged)?;
    let prediction = columns::together(&predict::predict(&old_layout, old, &old_tables, &new_tables)?);
    // Without the file's head, with a table of lengths.
    let most = head.length.saturating_add(wide(SECTIONS * 8));
    let told = decompress(head.packed, &prediction, most)?;
    let new = assemble(&columns::apart(&told).map_err(|Corrupt| DeltaError::Damaged)?);
    let found = Digest::of(&new);
    if found != head.new || wide(new.len()) != head.length {
        return Err(DeltaError::WrongResult { expected: head.new, found });
    }
    sound(&new)?;
    Ok(new)
}

struct Head<'a> {
    old: Digest,
    new: Digest,
    length: u64,
    names_length: u64,
    packed_names: &'a [u8],
    packed: &'a [u8],
}

impl<'a> Head<'a> {
    fn read(delta: &'a [u8]) -> Result<Self, DeltaError> {
        let rest = delta.strip_prefix(MAGIC).ok_or(DeltaError::NotADelta)?;
        let (version, rest) = rest.split_first_chunk().ok_or(DeltaError::Damaged)?;
        let found = u32::from_le_bytes(*version);
        if found != DELTA_VERSION {
            return Err(DeltaError::Version { found });
        }
        let (old, rest) = rest.split_first_chunk().ok_or(DeltaError::Damaged)?;
        let (new, rest) = rest.split_first_chunk().ok_or(DeltaError::Damaged)?;
        let (length, rest) = number(rest)?;
        let (names_length, rest) = number(rest)?;
        let (packed_length, rest) = number(rest)?;
        if let Some(size) = [length, names_length].into_iter().find(|size| *size > LIMIT) {
            return Err(DeltaError::TooLarge { size });
        }
        let packed_length = usize::try_from(packed_length).map_err(|_| DeltaError::Damaged)?;
        let (packed_names, packed) = rest.split_at_checked(packed_length).ok_or(DeltaError::Damaged)?;
        let (old, new) = (Digest::from_bytes(*old), Digest::from_bytes(*new));
        Ok(Self { old, new, length, names_length, packed_names, packed })
    }
}

fn number(bytes: &[u8]) -> Result<(u64, &[u8]), DeltaError> {
    let (number, rest) = bytes.split_first_chunk().ok_or(DeltaError::Damaged)?;
    Ok((u64::from_le_bytes(*number), rest))
}

/// The layout of a database that is whole.
fn sound(bytes: &[u8]) -> Result<Layout, DeltaError> {
    let size = wide(bytes.len());
    if size > LIMIT {
        return Err(DeltaError::TooLarge { size });
    }
    let layout = Layout::read(bytes)?;
    if layout.content_is_whole(bytes) { Ok(layout) } else { Err(OpenError::Content.into()) }
}

/// The window in which zstd can refer to all of `reference` from all of `length` bytes.
fn window_log(length: u64, reference: &[u8]) -> u32 {
    let span = length.saturating_add(wide(reference.len()));
    let log = u64::BITS.saturating_sub(span.leading_zeros());
    log.clamp(*WINDOW_LOGS.start(), *WINDOW_LOGS.end())
}

fn compress(bytes: &[u8], reference: &[u8]) -> Result<Vec<u8>, DeltaError> {
    let packed = || {
        let mut encoder = zstd::stream::write::Encoder::with_ref_prefix(Vec::new(), LEVEL, reference)?;
        encoder.window_log(window_log(wide(bytes.len()), reference))?;
        encoder.long_distance_matching(true)?;
        encoder.set_pledged_src_size(Some(wide(bytes.len())))?;
        encoder.write_all(bytes)?;
        encoder.finish()
    };
    packed().map_err(|source| DeltaError::Compress { source })
}

/// Unpacks at most `most` bytes; more is damage.
fn decompress(packed: &[u8], reference: &[u8], most: u64) -> Result<Vec<u8>, DeltaError> {
    let plain = || {
        let mut decoder = zstd::stream::read::Decoder::with_ref_prefix(packed, reference)?;
        decoder.window_log_max(window_log(most, reference))?;
        bounded::read(decoder, most)
    };
    plain().map_err(|_| DeltaError::Damaged)
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
