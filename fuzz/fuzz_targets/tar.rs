//! A layer's tar: what the pass over it reads, and that all bytes are accounted for.
#![no_main]

use plimsoll_formats::tar::edit::{Change, Editor, edit};
use plimsoll_formats::tar::{Archive, Entry, Kind, Limits};

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
    edited(bytes, limits);
    let all: Vec<_> = plimsoll_catalog::all::EXTRACTORS.to_vec();
    let options = plimsoll_catalog::pass::PassOptions::new(std::env::temp_dir());
    let (seen, _) = plimsoll_catalog::pass::read_tar(bytes, &all, &options);
    assert!(seen.entries.is_sorted_by(|a, b| a.path <= b.path));
});

/// Keeps all entries, or changes each in the way that its name's length tells.
struct Changes(bool);

impl Editor for Changes {
    fn change(&mut self, entry: &Entry) -> Change {
        let hold = Some(entry.link.clone()).filter(|_| entry.kind == Kind::File);
        match entry.name.len() % 5 {
            _ if !self.0 => Change::Keep,
            0 => Change::Remove { instead: Some(entry.name.clone()), hold },
            1 => Change::Rewrite(1000),
            2 => Change::Become(entry.link.clone()),
            3 => Change::Relink(entry.name.clone()),
            _ => Change::Keep,
        }
    }

    fn rewrite(&mut self, _: &Entry, content: &mut [u8]) {
        content.fill(b'*');
    }
}

/// What nobody changes comes out as it was.
fn edited(bytes: &[u8], limits: Limits) {
    let spool = std::env::temp_dir();
    let mut same = Vec::new();
    if edit(bytes, &mut same, &mut Changes(false), limits, &spool).is_ok() {
        assert_eq!(same, bytes);
    }
    drop(edit(bytes, &mut Vec::new(), &mut Changes(true), limits, &spool));
}
