//! Whatever the bytes: no panic, no endless work, and what is sound beside what is broken is still read.

use plimsoll_formats::rpmdb::{Limits, RpmDbError, headers};

use super::{describe, read, write};

/// A fixed sequence of numbers that look random (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16;
        usize::try_from(number % limit as u64).unwrap()
    }
}

fn databases() -> [Vec<u8>; 5] {
    let blobs: Vec<Vec<u8>> = (1..12_u32).map(|n| write::package(&format!("package-{n}"), n * n)).collect();
    [
        write::ndb(&blobs),
        write::bdb(&blobs, 512, false),
        write::bdb(&blobs, 512, true),
        write::sqlite(&blobs, 512),
        write::sqlite(&blobs, 4096),
    ]
}

/// Reads everything there is to read; checks that no more comes out than the file can hold.
fn exhaust(bytes: &[u8]) -> (usize, usize) {
    let (mut good, mut broken, mut total) = (0, 0, 0);
    for header in headers(bytes, &Limits::default()) {
        match header {
            Ok(header) => {
                good += 1;
                total += header.as_bytes().len();
                assert!(!describe(&header).is_empty());
                drop((header.license(), header.vendor(), header.modularity_label(), header.is_public_key()));
                let files =
                    header.files().map_or(0, |files| files.map(|file| file.path().len().min(1)).sum());
                assert!(files <= header.as_bytes().len());
            }
            Err(error) => {
                broken += 1;
                assert!(!error.to_string().is_empty());
            }
        }
    }
    assert!(total <= bytes.len());
    assert!(broken <= Limits::default().broken + 1);
    (good, broken)
}

#[test]
fn truncated_files_give_what_they_have_and_an_error() {
    for bytes in databases() {
        let all = exhaust(&bytes).0;
        for part in 1..50 {
            let (good, broken) = exhaust(&bytes[..bytes.len() * part / 50]);
            assert!(good < all && broken > 0, "{good} good, {broken} broken at {part}/50");
        }
    }
}

#[test]
fn flipped_bytes_are_survived() {
    let mut numbers = Numbers(42);
    for bytes in databases() {
        for _ in 0..600 {
            let mut bytes = bytes.clone();
            for _ in 0..=numbers.below(8) {
                // Half of the time in the first pages, where a change does most.
                let limit = if numbers.below(2) == 0 { bytes.len() } else { 2048 };
                let at = numbers.below(limit);
                bytes[at] =
                    [0, 1, 0x7f, 0x80, 0xff, bytes[at] ^ 1, bytes[at].wrapping_add(1)][numbers.below(7)];
            }
            exhaust(&bytes);
        }
    }
}

#[test]
fn page_loops_are_noticed() {
    let blobs = [write::package("large", 200), write::package("small", 0)];
    // Page 2 is the first overflow page of the first package, page 3 its second one.
    let mut bdb = write::bdb(&[vec![vec![0; 4]], blobs.to_vec()].concat(), 512, false);
    assert_eq!(exhaust(&bdb), (2, 0));
    bdb[3 * 512 + 16..3 * 512 + 20].copy_from_slice(&3_u32.to_le_bytes());
    assert_eq!(exhaust(&bdb), (1, 1));
    bdb[3 * 512 + 22..3 * 512 + 24].copy_from_slice(&0_u16.to_le_bytes());
    let reason = "a chain of pages that loops, or meets another";
    assert_eq!(read(&bdb).1, [RpmDbError::Page { page: 2, reason }]);

    let sqlite = write::sqlite(&blobs, 512);
    // The chain of overflow pages that starts with page 4, after the first leaf.
    let mut chain = sqlite.clone();
    chain[3 * 512..3 * 512 + 4].copy_from_slice(&4_u32.to_be_bytes());
    assert_eq!(read(&chain).1, [RpmDbError::Page { page: 3, reason }]);
    assert_eq!(exhaust(&chain), (1, 1));
    // The rightmost child of the root is the root.
    let mut tree = sqlite;
    tree[512 + 8..512 + 12].copy_from_slice(&2_u32.to_be_bytes());
    assert_eq!(read(&tree).1, [RpmDbError::Page { page: 2, reason: "the page stands twice in the tree" }]);
}

#[test]
fn many_slots_for_one_blob_end_the_reading() {
    let blob = write::package("large", 2000);
    let mut bytes = write::ndb(&[vec![blob.clone()], vec![write::package("a", 0); 200]].concat());
    let first: Vec<u8> = bytes[48..64].to_vec();
    for slot in 4..204 {
        bytes[slot * 16..slot * 16 + 16].copy_from_slice(&first);
    }
    let (good, broken) = read(&bytes);
    assert!(good.len() <= bytes.len() / blob.len());
    assert_eq!(broken, [RpmDbError::Database("records overlap")]);
}

#[test]
fn counts_beyond_the_bytes_are_refused() {
    let huge = u32::MAX;
    for counts in [[huge, 1], [1, huge], [huge, huge], [0, 0], [0x1000_0000, 0]] {
        let blob = [counts[0].to_be_bytes(), counts[1].to_be_bytes(), [0; 4], [0; 4]].concat();
        let bytes = write::ndb(&[blob, write::package("sound", 3)]);
        assert_eq!(exhaust(&bytes), (1, 1), "{counts:x?}");
    }
    let lists = |count: u32, place: u32, name_count: u32| {
        write::header(&[
            write::string(1000, "p"),
            (1116, write::INT32, count, write::numbers(&[place; 2])),
            (1117, write::STRINGS, name_count, write::strings(&["a", "b"])),
            (1118, write::STRINGS, 1, write::strings(&["/"])),
        ])
    };
    for (blob, sound) in [
        (lists(2, 0, 2), true),
        (lists(huge, 0, 2), false),
        (lists(2, 0, huge), false),
        (lists(2, 1, 2), false),
        (lists(2, huge, 2), false),
        (lists(1, 0, 2), false),
    ] {
        let bytes = write::ndb(&[blob]);
        let (good, _) = read(&bytes);
        assert_eq!((good[0].name().as_deref(), good[0].files().is_ok()), (Some("p"), sound));
    }
}

#[test]
fn broken_records_are_counted_to_a_limit() {
    let bytes = write::ndb(&vec![vec![0; 40]; 500]);
    assert_eq!(exhaust(&bytes), (0, Limits::default().broken + 1));
}
