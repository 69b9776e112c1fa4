//! How pieces of keywords are hashed: the same when the tables are made and when they are asked.

/// The table has 2 to this power words.
pub(super) const BITS: u32 = 12;

/// The bit that tells capital letters from small ones.
pub(super) const CASE: u64 = 0x2020_2020;

/// The first four bytes of `bytes`, as they lie in memory.
#[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
pub(super) const fn low(bytes: u64) -> u32 {
    bytes as u32
}

pub(super) const fn hash(piece: u32) -> u32 {
    piece.wrapping_mul(0x9e37_79b1)
}

/// Where a piece's slot is looked for, before it is cut to the number of slots: the high bits first.
pub(super) const fn slot(hash: u32) -> usize {
    hash.rotate_left(15) as usize
}

/// The word of a hash: its high bits, which depend on all bytes.
pub(super) const fn index(hash: u32) -> usize {
    (hash >> (32 - BITS)) as usize
}
