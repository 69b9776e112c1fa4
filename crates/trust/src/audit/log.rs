//! Appending to a log, and verifying all of it.
//!
//! Entries and tiles are written first, the checkpoint last: whoever is interrupted leaves the old checkpoint, whose objects are
//! all still there, and what is beyond it is written again by the next.

use super::note::{CHECKPOINT_LIMIT, Checkpoint};
use super::tiles::{self, Edge, Full, Kind, WIDTH};
use super::{Hash, LogError, Store};
use crate::key::PublicKey;
use crate::signing::Signer;

/// The name of the checkpoint.
pub const CHECKPOINT: &str = "checkpoint";

/// Starts a log.
///
/// # Errors
/// If there is one already, or it cannot be written.
pub fn init(store: &mut dyn Store, origin: &str, signer: &dyn Signer) -> Result<Checkpoint, LogError> {
    match note(store) {
        Err(LogError::NoLog) => {}
        Ok(_) => return Err(LogError::Exists),
        Err(error) => return Err(error),
    }
    let checkpoint = Checkpoint { origin: origin.to_owned(), size: 0, root: tiles::empty() };
    write_checkpoint(store, &checkpoint, signer)?;
    Ok(checkpoint)
}

/// The checkpoint as it lies there; nobody vouches for it.
///
/// # Errors
/// If there is none, or it cannot be read.
pub fn note(store: &dyn Store) -> Result<Vec<u8>, LogError> {
    let read = store.read(CHECKPOINT, CHECKPOINT_LIMIT);
    read.map_err(|error| LogError::Store(CHECKPOINT.to_owned(), error))?.ok_or(LogError::NoLog)
}

/// The checkpoint, signed by `key`.
///
/// # Errors
/// See [`LogError`].
pub fn checkpoint(store: &dyn Store, key: &PublicKey) -> Result<Checkpoint, LogError> {
    Checkpoint::verify(&note(store)?, key).map_err(|error| LogError::Checkpoint("log's checkpoint", error))
}

/// Appends entries. Only one may write at a time: the store's owner sees to that.
///
/// # Errors
/// If the log is not one of the signer, or its last tiles are not what was signed: nothing is built on a damaged log.
pub fn append(
    store: &mut dyn Store,
    entries: &[Vec<u8>],
    signer: &dyn Signer,
) -> Result<Checkpoint, LogError> {
    let old = checkpoint(store, signer.public_key())?;
    let mut edge = Edge::read(store, old.size)?;
    check_root(&edge, &old)?;
    let mut bundle = match tiles::extent(0, old.size) {
        (_, 0) => Vec::new(),
        (index, width) => tiles::entries(store, index, width)?,
    };
    check_leaves(&edge, &bundle, old.size)?;
    for entry in entries {
        bundle.push(entry.clone());
        for Full { level, index, hashes } in edge.push(entry) {
            if level == 0 {
                write(store, &tiles::name(Kind::Entries, index, WIDTH), &tiles::pack_entries(&bundle)?)?;
                bundle.clear();
            }
            write(store, &tiles::name(Kind::Hashes(level), index, WIDTH), &tiles::pack_hashes(&hashes))?;
        }
    }
    let (last, width) = tiles::extent(0, edge.size);
    if width > 0 {
        write(store, &tiles::name(Kind::Entries, last, width), &tiles::pack_entries(&bundle)?)?;
    }
    for (level, hashes) in (0..).zip(&edge.levels).filter(|(_, hashes)| !hashes.is_empty()) {
        let (index, width) = tiles::extent(level, edge.size);
        write(store, &tiles::name(Kind::Hashes(level), index, width), &tiles::pack_hashes(hashes))?;
    }
    let new = Checkpoint { origin: old.origin, size: edge.size, root: edge.root() };
    write_checkpoint(store, &new, signer)?;
    remove_partial(store, old.size, new.size)?;
    Ok(new)
}

/// The entries of the last tile must be those that its hashes are of.
fn check_leaves(edge: &Edge, bundle: &[Vec<u8>], size: u64) -> Result<(), LogError> {
    let leaves = edge.levels.first().map(Vec::as_slice).unwrap_or_default();
    if bundle.iter().map(|entry| sigstore_merkle::hash_leaf(entry)).eq(leaves.iter().copied()) {
        return Ok(());
    }
    let (index, width) = tiles::extent(0, size);
    Err(LogError::Damaged(tiles::name(Kind::Entries, index, width)))
}

/// The tiles that larger ones took the place of.
fn remove_partial(store: &mut dyn Store, old: u64, new: u64) -> Result<(), LogError> {
    for level in 0..tiles::levels(old) {
        let (index, width) = tiles::extent(level, old);
        if width == 0 || tiles::extent(level, new) == (index, width) {
            continue;
        }
        let kinds = [Some(Kind::Hashes(level)), (level == 0).then_some(Kind::Entries)];
        for name in kinds.into_iter().flatten().map(|kind| tiles::name(kind, index, width)) {
            store.remove(&name).map_err(|error| LogError::Store(name, error))?;
        }
    }
    Ok(())
}

fn write(store: &mut dyn Store, name: &str, bytes: &[u8]) -> Result<(), LogError> {
    store.write(name, bytes).map_err(|error| LogError::Store(name.to_owned(), error))
}

fn write_checkpoint(
    store: &mut dyn Store,
    checkpoint: &Checkpoint,
    signer: &dyn Signer,
) -> Result<(), LogError> {
    let note = checkpoint.sign(signer).map_err(LogError::Sign)?;
    write(store, CHECKPOINT, note.as_bytes())
}

/// The raw entries, one tile after the other. They are not held against the checkpoint: that is [`verify`].
///
/// # Errors
/// If a tile is gone or malformed, and what `each` gives.
pub fn entries<E: From<LogError>>(
    store: &dyn Store,
    size: u64,
    mut each: impl FnMut(u64, &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let (full, last) = tiles::extent(0, size);
    for index in 0..full + u64::from(last > 0) {
        let bundle = tiles::entries(store, index, tiles::width(0, index, size))?;
        for (place, entry) in (0..).zip(&bundle) {
            each(index * WIDTH + place, entry)?;
        }
    }
    Ok(())
}

/// Verifies all of a log: its checkpoint, that each tile is what the entries make it, and that the root over all entries is the
/// signed one. With `older`, a checkpoint that was kept elsewhere, also that the log begins with the entries it had then.
///
/// # Errors
/// See [`LogError`].
pub fn verify(store: &dyn Store, key: &PublicKey, older: Option<&[u8]>) -> Result<Checkpoint, LogError> {
    let signed = checkpoint(store, key)?;
    let older = older.map(|older| self::older(older, key, &signed)).transpose()?;
    let mut edge = Edge::default();
    let mut root_then = older.as_ref().filter(|older| older.size == 0).map(|_| tiles::empty());
    entries(store, signed.size, |_, entry| {
        for Full { level, index, hashes } in edge.push(entry) {
            check_tile(store, level, index, &hashes)?;
        }
        if older.as_ref().is_some_and(|older| older.size == edge.size) {
            root_then = Some(edge.root());
        }
        Ok::<(), LogError>(())
    })?;
    for (level, hashes) in (0..).zip(&edge.levels).filter(|(_, hashes)| !hashes.is_empty()) {
        check_tile(store, level, tiles::extent(level, signed.size).0, hashes)?;
    }
    check_root(&edge, &signed)?;
    match older {
        Some(older) if root_then != Some(older.root) => Err(LogError::Fork(older.size)),
        _ => Ok(signed),
    }
}

fn older(note: &[u8], key: &PublicKey, signed: &Checkpoint) -> Result<Checkpoint, LogError> {
    let older =
        Checkpoint::verify(note, key).map_err(|error| LogError::Checkpoint("older checkpoint", error))?;
    if older.origin != signed.origin {
        return Err(LogError::OtherLog(older.origin, signed.origin.clone()));
    }
    if older.size > signed.size {
        return Err(LogError::Shrunk { before: older.size, now: signed.size });
    }
    Ok(older)
}

fn check_tile(store: &dyn Store, level: u32, index: u64, hashes: &[Hash]) -> Result<(), LogError> {
    let width = hashes.len() as u64;
    if tiles::hashes(store, level, index, width)? == hashes {
        return Ok(());
    }
    Err(LogError::Damaged(tiles::name(Kind::Hashes(level), index, width)))
}

fn check_root(edge: &Edge, signed: &Checkpoint) -> Result<(), LogError> {
    let found = edge.root();
    if found == signed.root {
        return Ok(());
    }
    Err(LogError::Root { size: signed.size, found: found.to_base64(), signed: signed.root.to_base64() })
}
