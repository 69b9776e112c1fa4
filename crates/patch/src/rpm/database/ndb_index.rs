//! The indexes beside an NDB, `Index.db`: pages of slots, each leading to the index of a tag; an index is a table of hashes over keys.
//!
//! It is written whole, with the generation of the `Packages.db` that it is of: rpm drops indexes of another one, and without the right
//! to write, as in a container of an ordinary user, it finds nothing by them. Formats: `rpmxdb.c` and `rpmidx.c` in
//! <https://github.com/rpm-software-management/rpm/tree/master/lib/backend/ndb>.

use std::collections::{HashMap, HashSet};

use super::Installed;
use super::keys::{FOUND_BY, keys};

const MAGIC: &[u8] = b"RpmX";
const SLOT: &[u8] = b"Slo\0";
const INDEX_MAGIC: &[u8] = b"RpmI";
const VERSION: u32 = 0;
const PAGE: usize = 4096;
/// The file's header takes the place of two slots, as all slots lie in the first page.
const HEADER_BYTES: usize = 32;
/// An index's header.
const INDEX_HEADER: usize = 64;
/// The fewest hashes that an index has room for, before it is made wider.
const FEWEST: usize = 256;
/// Room for further keys.
const KEY_ROOM: usize = 4096;
/// The bits of a hash that do not stand with an offset, at least.
const OFFSET_BITS: u32 = 16;
const MULTIPLIER: u32 = 0x5bd1_e995;

/// The bytes of a file with the indexes of these packages; none if they are too large for it.
pub(super) fn written(packages: &[Installed], generation: u32) -> Option<Vec<u8>> {
    let (mut slots, mut indexes) = (Vec::new(), Vec::new());
    for tag in FOUND_BY {
        let index = Index::of(packages, tag)?.bytes()?;
        let start = indexes.len().checked_div(PAGE)?.checked_add(1)?;
        slots.extend(SLOT);
        for value in [tag, u32::try_from(start).ok()?, u32::try_from(index.len().checked_div(PAGE)?).ok()?] {
            slots.extend(value.to_le_bytes());
        }
        indexes.extend(index);
    }
    let mut file = MAGIC.to_vec();
    for value in [VERSION, 1, 1, u32::try_from(PAGE).ok()?, generation] {
        file.extend(value.to_le_bytes());
    }
    file.resize(HEADER_BYTES, 0);
    file.extend(slots);
    while file.len() < PAGE {
        file.extend([SLOT, &[0; 12]].concat());
    }
    file.extend(indexes);
    Some(file)
}

/// The index of one tag.
struct Index {
    /// Every key once, each behind its length; none at the beginning, as that offset is the mark of a free place.
    keys: Vec<u8>,
    entries: Vec<Entry>,
}

/// That a package has a key.
struct Entry {
    hash: u32,
    /// Where its key begins.
    offset: u32,
    /// Which package, and at which place among its values; what has no room in the first stands in the second.
    data: (u32, u32),
}

impl Index {
    fn of(packages: &[Installed], tag: u32) -> Option<Self> {
        let (mut offsets, mut seen) = (HashMap::new(), HashSet::new());
        let mut index = Self { keys: vec![0], entries: Vec::new() };
        for package in packages {
            for (key, place) in keys(&package.header, tag) {
                let offset = match offsets.get(key.bytes()) {
                    Some(offset) => *offset,
                    None => {
                        let offset = u32::try_from(index.keys.len()).ok()?;
                        index.keys.extend(length_of(key.bytes())?);
                        index.keys.extend(key.bytes());
                        offsets.insert(key.bytes().to_vec(), offset);
                        offset
                    }
                };
                let data = data(package.number, place);
                if seen.insert((offset, data)) {
                    index.entries.push(Entry { hash: hash(key.bytes())?, offset, data });
                }
            }
        }
        Some(index)
    }

    /// The index as it lies in the file, of whole pages.
    fn bytes(&self) -> Option<Vec<u8>> {
        // Between a quarter and a half of the places are taken; from a half on, rpm would make it wider.
        let places = 1_usize.checked_shl(self.entries.len().max(FEWEST).ilog2())?.checked_mul(4)?;
        let table = places.checked_mul(12)?.checked_add(INDEX_HEADER)?;
        let room = self.keys.len().checked_add(KEY_ROOM)?.max(KEY_ROOM);
        let length = table.checked_add(room)?.checked_next_multiple_of(PAGE)?;
        // The bits that no offset needs hold those of the hash, so that few keys have to be looked at.
        let offsets = length.checked_sub(table)?.checked_add(2 * KEY_ROOM)?.checked_next_power_of_two()?;
        let mask = !u32::try_from(offsets.max(1 << OFFSET_BITS)).ok()?.checked_sub(1)?;
        let (mut first, mut second) = (vec![[0_u32; 2]; places], vec![0_u32; places]);
        let mut reached = HashMap::new();
        for entry in &self.entries {
            let place = free(&first, entry.hash, &mut reached)?;
            *first.get_mut(place)? = [entry.offset | entry.hash & mask, entry.data.0];
            *second.get_mut(place)? = entry.data.1;
        }
        let mut bytes = INDEX_MAGIC.to_vec();
        let used = u32::try_from(self.entries.len()).ok()?;
        let end = u32::try_from(self.keys.len()).ok()?;
        // The generation, and after the places in use those that were used, and bytes of keys that are no longer any.
        for value in [VERSION, 1, u32::try_from(places).ok()?, used, 0, mask, end, 0] {
            bytes.extend(value.to_le_bytes());
        }
        bytes.resize(INDEX_HEADER, 0);
        bytes.extend(first.into_iter().flatten().chain(second).flat_map(u32::to_le_bytes));
        bytes.extend(&self.keys);
        bytes.resize(length, 0);
        Some(bytes)
    }
}

/// The place that a hash leads to, or the next free one: each step is one longer than that before. Where the last search from the same
/// place ended is remembered, for thousands of files may have one name.
fn free(table: &[[u32; 2]], hash: u32, reached: &mut HashMap<usize, (usize, usize)>) -> Option<usize> {
    let last = table.len().checked_sub(1)?;
    let start = usize::try_from(hash).ok()? & last;
    let (place, step) = reached.entry(start).or_insert((start, 7));
    while table.get(*place)?[0] != 0 {
        *place = place.checked_add(*step)? & last;
        *step = step.checked_add(1)?;
    }
    Some(*place)
}

/// A key's length, in as few bytes as hold it. That of an empty key takes three, for a zero is a gap between keys.
fn length_of(key: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(key.len()).ok()?;
    let [low, high, ..] = length.to_le_bytes();
    Some(match length {
        1..=254 => vec![low],
        0..=65534 => vec![255, low, high],
        _ => [[255; 3].as_slice(), &length.to_le_bytes()].concat(),
    })
}

/// A package and a place among its values, as small as they fit.
const fn data(package: u32, place: u32) -> (u32, u32) {
    if package < 1 << 20 && place < 1 << 10 {
        (package | place << 20, 0)
    } else if package < 1 << 24 && place < 1 << 6 {
        (package | place << 24 | 1 << 30, 0)
    } else {
        (place | 1 << 31, package)
    }
}

/// The hash of a key, a kind of MurmurHash.
fn hash(key: &[u8]) -> Option<u32> {
    let mix = |hash: u32, shift: u32| {
        let hash = hash.wrapping_mul(MULTIPLIER);
        hash ^ hash >> shift
    };
    let mut hash = u32::try_from(key.len()).ok()?.wrapping_mul(MULTIPLIER);
    for part in key.chunks(4) {
        let word = part.iter().rev().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        hash = mix(hash.wrapping_add(word), 16);
    }
    Some(mix(mix(hash, 10), 17))
}
