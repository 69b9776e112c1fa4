#![expect(clippy::arithmetic_side_effects, reason = "the numbers of a test are its own")]

use super::*;
use std::io::Cursor;

/// Reads from memory and from a stream, which must agree.
fn read(bytes: &[u8]) -> Option<Executable> {
    let memory = Executable::read(&mut Source::<Cursor<&[u8]>>::Memory(bytes)).unwrap();
    let size = bytes.len() as u64;
    let stream = Executable::read(&mut Source::Stream { reader: Cursor::new(bytes), size }).unwrap();
    assert_eq!(memory, stream);
    memory
}

/// A small ELF file of 64 bits: one data segment, a section `.x`, a table of names.
fn elf() -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(64, 0);
    let mut put = |at: usize, value: &[u8]| {
        let end = bytes.len().max(at + value.len());
        bytes.resize(end, 0);
        bytes[at..at + value.len()].copy_from_slice(value);
    };
    put(16, &[2, 0]);
    put(32, &64_u64.to_le_bytes());
    put(40, &256_u64.to_le_bytes());
    put(54, &[56, 0, 1, 0, 64, 0, 2, 0, 1, 0]);
    put(64, &[1, 0, 0, 0, 6, 0, 0, 0]);
    put(64 + 8, &128_u64.to_le_bytes());
    put(64 + 16, &0x40_0000_u64.to_le_bytes());
    put(64 + 32, &16_u64.to_le_bytes());
    put(144, b"\0.x\0");
    put(256, &[1, 0, 0, 0, 1, 0, 0, 0]);
    put(256 + 24, &128_u64.to_le_bytes());
    put(256 + 32, &16_u64.to_le_bytes());
    put(320, &[0, 0, 0, 0, 3, 0, 0, 0]);
    put(320 + 24, &144_u64.to_le_bytes());
    put(320 + 32, &4_u64.to_le_bytes());
    put(383, &[0]);
    bytes
}

#[test]
fn sections_and_segments_are_found() {
    let executable = read(&elf()).unwrap();
    assert_eq!(executable.section(".x").map(|section| (section.offset, section.size)), Some((128, 16)));
    assert_eq!(executable.segments, [Segment { address: 0x40_0000, offset: 128, size: 16, is_data: true }]);
    assert_eq!(executable.at(0x40_000f), Some((143, 1)));
    assert_eq!(executable.at(0x40_0010), None);
    assert_eq!(executable.at(0x3f_ffff), None);
}

#[test]
fn a_broken_section_table_counts_as_none() {
    let mut bytes = elf();
    bytes[40..48].copy_from_slice(&u64::MAX.to_le_bytes());
    let executable = read(&bytes).unwrap();
    assert!(executable.sections.is_empty());
    assert_eq!(executable.segments.len(), 1);
}

#[test]
fn no_byte_changed_and_no_cut_ends_in_a_panic() {
    let whole = elf();
    for at in 0..whole.len() {
        read(&whole[..at]);
        for value in [0, 1, 0x7f, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            read(&bytes);
        }
    }
}

#[test]
fn class_files_and_texts_are_no_executables() {
    assert_eq!(read(b"\xca\xfe\xba\xbe\0\0\0\x34abcdefghijklmnopqrstuvwxyz"), None);
    assert_eq!(
        read(b"MZ is how this text starts, and it is long enough to hold a header of DOS......"),
        None
    );
    assert_eq!(read(b"\x7fELF"), None);
}

#[test]
fn load_commands_without_end_are_refused() {
    let mut bytes = b"\xcf\xfa\xed\xfe".to_vec();
    bytes.resize(64, 0);
    bytes[16..20].copy_from_slice(&3_u32.to_le_bytes());
    bytes[20..24].copy_from_slice(&32_u32.to_le_bytes());
    assert_eq!(read(&bytes), None, "commands of no size");
    bytes[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(read(&bytes), None, "more commands than bytes");
}
