//! Hashes of RFC 6962 in tiles of 256, as C2SP's tlog-tiles names and fills them.

use sigstore_merkle::{hash_children, hash_leaf};
use sigstore_types::Sha256Hash;

use super::{LogError, Store};

/// A hash of the tree.
pub type Hash = Sha256Hash;

/// How many hashes or entries a tile holds.
pub(super) const WIDTH: u64 = 256;
const HEIGHT: u32 = 8;
/// The size of a hash.
const HASH: usize = 32;
/// No object of a log is larger: 256 entries of 65535 bytes, and their lengths.
pub const TILE_LIMIT: u64 = WIDTH * (2 + 65_535);

/// What a tile holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// Hashes, of this level.
    Hashes(u32),
    /// Entries.
    Entries,
}

/// The name of tile `index`, with `width` of its 256 places filled.
pub(super) fn name(kind: Kind, index: u64, width: u64) -> String {
    let folder = match kind {
        Kind::Hashes(level) => level.to_string(),
        Kind::Entries => "entries".to_owned(),
    };
    let mut path = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    let partial = if width < WIDTH { format!(".p/{width}") } else { String::new() };
    format!("tile/{folder}/{path}{partial}")
}

/// How many tiles of `level` a log of `size` entries has: full ones, and the width of the last, which may be 0.
pub(super) fn extent(level: u32, size: u64) -> (u64, u64) {
    let hashes = size.checked_shr(HEIGHT * level).unwrap_or(0);
    (hashes / WIDTH, hashes % WIDTH)
}

/// How many places of tile `index` of `level` are filled.
pub(super) fn width(level: u32, index: u64, size: u64) -> u64 {
    let (full, last) = extent(level, size);
    if index < full { WIDTH } else { last }
}

/// The levels that a log of `size` entries has.
pub(super) fn levels(size: u64) -> u32 {
    (0..).take_while(|level| extent(*level, size) != (0, 0)).map(|level| level + 1).last().unwrap_or(0)
}

pub(super) fn read(
    store: &dyn Store,
    kind: Kind,
    index: u64,
    width: u64,
) -> Result<(String, Vec<u8>), LogError> {
    let name = name(kind, index, width);
    match store.read(&name, TILE_LIMIT) {
        Ok(Some(bytes)) => Ok((name, bytes)),
        Ok(None) => Err(LogError::Gone(name)),
        Err(error) => Err(LogError::Store(name, error)),
    }
}

/// Reads the hashes of a tile.
pub(super) fn hashes(store: &dyn Store, level: u32, index: u64, width: u64) -> Result<Vec<Hash>, LogError> {
    let (name, bytes) = read(store, Kind::Hashes(level), index, width)?;
    let (parts, rest) = bytes.as_chunks::<HASH>();
    if !rest.is_empty() || parts.len() as u64 != width {
        return Err(LogError::Damaged(name));
    }
    Ok(parts.iter().copied().map(Hash::new).collect())
}

/// Reads the entries of a tile.
pub(super) fn entries(store: &dyn Store, index: u64, width: u64) -> Result<Vec<Vec<u8>>, LogError> {
    let (name, bytes) = read(store, Kind::Entries, index, width)?;
    parse_entries(&bytes).filter(|entries| entries.len() as u64 == width).ok_or(LogError::Damaged(name))
}

/// Entries, each behind its length in two bytes.
pub(super) fn parse_entries(mut bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut entries = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        entries.push(entry.to_vec());
        bytes = rest;
    }
    bytes.is_empty().then_some(entries)
}

/// Entries as their tile has them.
pub(super) fn pack_entries(entries: &[Vec<u8>]) -> Result<Vec<u8>, LogError> {
    let mut bytes = Vec::new();
    for entry in entries {
        let length = u16::try_from(entry.len()).map_err(|_| LogError::TooLarge(entry.len()))?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    Ok(bytes)
}

/// Hashes as their tile has them.
pub(super) fn pack_hashes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.as_bytes().iter().copied()).collect()
}

/// The last tile of each level, as far as it is filled: all that is needed to go on, and to tell the root.
#[derive(Clone, Debug, Default)]
pub(super) struct Edge {
    pub(super) size: u64,
    pub(super) levels: Vec<Vec<Hash>>,
}

/// A tile that became full.
pub(super) struct Full {
    pub(super) level: u32,
    pub(super) index: u64,
    pub(super) hashes: Vec<Hash>,
}

impl Edge {
    /// The edge of a log of `size` entries.
    pub(super) fn read(store: &dyn Store, size: u64) -> Result<Self, LogError> {
        let levels = (0..levels(size)).map(|level| match extent(level, size) {
            (_, 0) => Ok(Vec::new()),
            (index, width) => hashes(store, level, index, width),
        });
        Ok(Self { size, levels: levels.collect::<Result<_, _>>()? })
    }

    /// Adds an entry; gives the tiles that it fills.
    pub(super) fn push(&mut self, entry: &[u8]) -> Vec<Full> {
        self.size += 1;
        let mut full = Vec::new();
        let mut hash = hash_leaf(entry);
        for level in 0.. {
            let place = level as usize;
            if self.levels.len() <= place {
                self.levels.push(Vec::new());
            }
            let Some(tile) = self.levels.get_mut(place) else { break };
            tile.push(hash);
            if (tile.len() as u64) < WIDTH {
                break;
            }
            let hashes = std::mem::take(tile);
            let Some(root) = perfect(&hashes) else { break };
            hash = root;
            full.push(Full { level, index: extent(level, self.size).0 - 1, hashes });
        }
        full
    }

    /// The root of all entries: the perfect trees that they make, the smallest at the right, joined from there.
    pub(super) fn root(&self) -> Hash {
        let mut root = None;
        for tile in &self.levels {
            let mut rest = tile.as_slice();
            while let Some(trailing) = rest.len().checked_sub(1).map(|_| 1 << rest.len().trailing_zeros()) {
                let (head, tree) = rest.split_at(rest.len().saturating_sub(trailing));
                let Some(left) = perfect(tree) else { break };
                root = Some(root.map_or(left, |right| hash_children(&left, &right)));
                rest = head;
            }
        }
        root.unwrap_or_else(empty)
    }
}

/// The root of a log without entries.
pub(super) fn empty() -> Hash {
    Hash::new(*plimsoll_model::digest::Digest::of(b"").as_bytes())
}

/// The root over a power of two of hashes.
pub(super) fn perfect(hashes: &[Hash]) -> Option<Hash> {
    let mut hashes = hashes.to_vec();
    while hashes.len() > 1 {
        let (pairs, rest) = hashes.as_chunks::<2>();
        if !rest.is_empty() {
            return None;
        }
        hashes = pairs.iter().map(|[left, right]| hash_children(left, right)).collect();
    }
    hashes.first().copied()
}
