//! Files in which something does not fit; whether rpm reads what is written is told by `cli/tests/apply/`.

use super::super::tests::package;
use super::*;

fn sound() -> Vec<u8> {
    written(&[package(1, "a"), package(2, "b"), package(5, "c")], 9, 6).unwrap()
}

fn reason(bytes: &[u8]) -> String {
    read(bytes).map(|packages| packages.headers.len()).unwrap_err()
}

/// With another number at a place.
fn with(at: usize, number: u32) -> Vec<u8> {
    let mut bytes = sound();
    bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
    bytes
}

#[test]
fn numbers_and_headers_are_kept() {
    let bytes = sound();
    let packages = read(&bytes).unwrap();
    let numbers: Vec<u32> = packages.headers.iter().map(|(number, _)| *number).collect();
    assert_eq!((packages.generation, packages.next, numbers), (9, 6, vec![1, 2, 5]));
    assert_eq!(packages.headers[1].1, package(2, "b").header.bytes());
}

#[test]
fn there_are_as_many_pages_as_slots_need() {
    for (count, pages) in [(0, 1), (253, 1), (254, 2), (509, 2), (510, 3)] {
        let packages: Vec<_> = (1..=count).map(|number| package(number, "a")).collect();
        let bytes = written(&packages, 1, count + 1).unwrap();
        assert_eq!(u32_le(&bytes, 12), Some(pages), "{count}");
        assert_eq!(read(&bytes).unwrap().headers.len(), packages.len());
    }
}

#[test]
fn the_checksum_is_that_of_rfc_1950() {
    // The second from `python3 -c 'import zlib; print(zlib.adler32(b"\xff" * 100000))'`.
    assert_eq!((adler32(b""), adler32(&[0xff; 100_000])), (1, 345_649_196));
}

#[test]
fn what_does_not_fit_is_refused() {
    let slot = |number: usize| (FIRST_SLOT + number) * UNIT;
    let first = PAGE * UNIT;
    let second = u32_le(&sound(), slot(1) + 8).unwrap();
    let cases: [(&str, Vec<u8>, &str); 14] = [
        ("version", with(4, 1), "unknown version"),
        ("no-slots", with(12, 0), "ends among its slots"),
        ("endless-slots", with(12, u32::MAX), "ends among its slots"),
        ("more-slots", with(12, 2), "ends among its slots"),
        ("next-number-taken", with(16, 5), "not below that of the next one"),
        ("numbers-at-their-end", with(16, u32::MAX), "beyond bounds"),
        ("slot-without-magic", with(slot(0), 0), "a slot is without its magic"),
        ("blob-among-slots", with(slot(0) + 8, 3), "overlaps"),
        ("blob-outside", with(slot(2) + 8, u32::MAX), "outside of the file"),
        ("blob-without-blocks", with(slot(2) + 12, 0), "does not lead to its blob"),
        ("slot-of-another-blob", with(slot(0) + 4, 4), "does not lead to its blob"),
        ("number-twice", with(slot(1) + 4, 1), "two slots"),
        ("later-generation", with(first + 8, 10), "later generation"),
        ("too-long", with(first + 12, u32::MAX), "does not fit its blocks"),
    ];
    for (name, bytes, expected) in cases {
        assert!(reason(&bytes).contains(expected), "{name}: {}", reason(&bytes));
    }
    // Two slots that share a part of a blob.
    let mut bytes = sound();
    bytes[slot(0) + 12..slot(0) + 16].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(reason(&bytes).contains("outside of the file"));
    bytes[slot(0) + 12..slot(0) + 16].copy_from_slice(&(second - 256 + 1).to_le_bytes());
    assert!(reason(&bytes).contains("does not fit its blocks"), "{}", reason(&bytes));
    let bytes = with(slot(2) + 8, second + 1);
    assert!(reason(&bytes).contains("overlaps"), "{}", reason(&bytes));
}

#[test]
fn a_flipped_bit_or_a_cut_is_refused() {
    let bytes = sound();
    let used = PAGE * UNIT..bytes.len();
    for at in used.chain(FIRST_SLOT * UNIT..(FIRST_SLOT + 3) * UNIT) {
        let mut wrong = bytes.clone();
        wrong[at] ^= 0x10;
        let is_free_of = wrong[at - at % UNIT + 8..][..4] == [0; 4];
        assert!(is_free_of || read(&wrong).is_err(), "{at}");
    }
    for cut in 0..bytes.len() {
        assert!(read(&bytes[..cut]).is_err(), "{cut}");
    }
}
