//! Proofs that an entry is in a log (RFC 6962, section 2.1.1).

use sigstore_merkle::{hash_children, hash_leaf, verify_inclusion_proof};

use super::note::Checkpoint;
use super::tiles::{self, WIDTH};
use super::{Hash, LogError, Store};

/// An entry, and the hashes that lead from it to the root.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Inclusion {
    /// The entry, as it was hashed.
    pub entry: Vec<u8>,
    /// Its place.
    pub index: u64,
    /// The hashes, from the leaf upwards.
    pub hashes: Vec<Hash>,
}

impl Inclusion {
    /// Whether it leads to the root of `checkpoint`.
    #[must_use]
    pub fn holds(&self, checkpoint: &Checkpoint) -> bool {
        let leaf = hash_leaf(&self.entry);
        verify_inclusion_proof(&leaf, self.index, checkpoint.size, &self.hashes, &checkpoint.root).is_ok()
    }
}

/// Proves that entry `index` is in the log of `checkpoint`.
///
/// # Errors
/// If there is no such entry, or the tiles do not lead to the root.
pub fn prove(store: &dyn Store, checkpoint: &Checkpoint, index: u64) -> Result<Inclusion, LogError> {
    let size = checkpoint.size;
    let none = LogError::NoEntry { index, size };
    if index >= size {
        return Err(none);
    }
    let tile = index / WIDTH;
    let bundle = tiles::entries(store, tile, tiles::width(0, tile, size))?;
    let place = usize::try_from(index % WIDTH).unwrap_or(usize::MAX);
    let entry = bundle.get(place).cloned().ok_or(none)?;
    let mut hashes = Vec::new();
    let (mut from, mut to) = (0, size);
    while to - from > 1 {
        let middle = from + half(to - from);
        if index < middle {
            hashes.push(range(store, size, middle, to)?);
            to = middle;
        } else {
            hashes.push(range(store, size, from, middle)?);
            from = middle;
        }
    }
    hashes.reverse();
    let inclusion = Inclusion { entry, index, hashes };
    if inclusion.holds(checkpoint) {
        return Ok(inclusion);
    }
    Err(LogError::Damaged(format!("the way from entry {index} to the root")))
}

/// The largest power of two below `count`, which is 2 or more.
fn half(count: u64) -> u64 {
    1 << (63 - (count - 1).leading_zeros())
}

/// The root over the entries from `from` to before `to`.
fn range(store: &dyn Store, size: u64, from: u64, to: u64) -> Result<Hash, LogError> {
    let count = to - from;
    if count.is_power_of_two() {
        return node(store, size, count.trailing_zeros(), from / count);
    }
    let middle = from + half(count);
    Ok(hash_children(&range(store, size, from, middle)?, &range(store, size, middle, to)?))
}

/// The root over the `index`th 2^`height` entries: in the tile of the level below, the root over some of its hashes.
fn node(store: &dyn Store, size: u64, height: u32, index: u64) -> Result<Hash, LogError> {
    let (level, above) = (height / 8, height % 8);
    let (first, count) = (index << above, 1_u64 << above);
    let tile = first / WIDTH;
    let width = tiles::width(level, tile, size);
    let hashes = tiles::hashes(store, level, tile, width)?;
    let place = usize::try_from(first % WIDTH).unwrap_or(usize::MAX);
    let wanted = hashes.iter().copied().skip(place).take(1 << above).collect::<Vec<Hash>>();
    let damaged = || LogError::Damaged(tiles::name(tiles::Kind::Hashes(level), tile, width));
    if wanted.len() as u64 != count {
        return Err(damaged());
    }
    tiles::perfect(&wanted).ok_or_else(damaged)
}
