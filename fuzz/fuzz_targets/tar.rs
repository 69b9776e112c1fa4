//! A layer's tar: what the pass over it reads, and that all bytes are accounted for.
#![no_main]

use plimsoll_formats::tar::{Archive, Limits};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { entries: 10_000, ..Limits::default() };
    let mut archive = Archive::new(bytes, limits);
    while let Ok(Some(entry)) = archive.next_entry() {
        assert!(archive.offset() <= bytes.len() as u64);
        let mut body = 0;
        while let Ok(lent) = archive.fill() {
            let len = lent.len();
            if len == 0 {
                assert_eq!(body, entry.stored());
                break;
            }
            archive.consume(len);
            body += len as u64;
        }
    }
    let all: Vec<_> = plimsoll_catalog::all::EXTRACTORS.to_vec();
    let options = plimsoll_catalog::pass::PassOptions::new(std::env::temp_dir());
    let (seen, _) = plimsoll_catalog::pass::read_tar(bytes, &all, &options);
    assert!(seen.entries.is_sorted_by(|a, b| a.path <= b.path));
});
