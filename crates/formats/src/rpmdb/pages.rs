//! Which pages of a file were read already, so that a chain that loops, or two that meet, are noticed.

/// A set of page numbers.
#[derive(Debug)]
pub(super) struct PageSet {
    words: Vec<u64>,
}

impl PageSet {
    /// A set for the pages `0..pages`.
    pub(super) fn new(pages: usize) -> Self {
        Self { words: vec![0; pages.div_ceil(64)] }
    }

    /// Adds a page; false if it was there already or is out of range.
    pub(super) fn insert(&mut self, page: u32) -> bool {
        let bit = 1_u64 << (page & 63);
        let Some(word) = usize::try_from(page >> 6).ok().and_then(|word| self.words.get_mut(word)) else {
            return false;
        };
        let new = *word & bit == 0;
        *word |= bit;
        new
    }
}
