//! An advisory in each format there is: the first byte chooses the document's name.
#![no_main]

use plimsoll_advisory::feed::all::FEEDS;
use plimsoll_advisory::feed::{Document, Harvest};

const NAMES: [&str; 8] = [
    "GHSA-1.json",
    "PYSEC-1.yaml",
    "debian.json",
    "alpine-v3.20-main.json",
    "jsrepository.json",
    "Sources",
    "security-support-ended",
    "changelog",
];

libfuzzer_sys::fuzz_target!(|input: (u8, &str)| {
    let (choice, text) = input;
    let document = Document::new(NAMES[usize::from(choice) % NAMES.len()], text);
    let mut harvest = Harvest::default();
    for feed in FEEDS {
        if (feed.recognizes)(&document) {
            drop((feed.read)(&document, &mut harvest));
        }
    }
});
