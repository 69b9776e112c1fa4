//! A document of any feed, read by all that take it for theirs: the first byte chooses its name, as a few feeds go
//! by that too.
#![no_main]

use plimsoll_advisory::feed::all::FEEDS;
use plimsoll_advisory::feed::{Document, Harvest};

const NAMES: [&str; 14] = [
    "GHSA-1.json",
    "PYSEC-1.yaml",
    "debian.json",
    "alpine-v3.20-main.json",
    "jsrepository.json",
    "bookworm-security_main_Packages",
    "bookworm/x.changelog",
    "data/DSA/list",
    "active/CVE-2024-1111",
    "epss_scores-2026-11-20.csv",
    "products/debian.md",
    "HSEC-2024-0001.md",
    "updateinfo.xml",
    "gems/rack/CVE-2024-1111.yml",
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
