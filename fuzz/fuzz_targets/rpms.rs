//! Packages of rpm, and what repositories and images say of them.
#![no_main]

use std::io::Write as _;

use plimsoll_patch::package::Limits;
use plimsoll_patch::relation::Relation;
use plimsoll_patch::resolve::{Wish, resolve};
use plimsoll_patch::rpm::archive::Unverified;
use plimsoll_patch::rpm::database::Database;
use plimsoll_patch::rpm::files::{files_of, hard_links};
use plimsoll_patch::rpm::header::Header;
use plimsoll_patch::rpm::index::Index;
use plimsoll_patch::rpm::relations::relations_of;
use plimsoll_patch::rpm::repomd::primary;
use plimsoll_patch::rpm::sources::{Variables, mirrors, repositories};
use plimsoll_patch::stock::Stock as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { control: 1 << 20, data: 8 << 20, entries: 1000 };
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(bytes).expect("it takes bytes");
    if let Ok(unverified) = Unverified::read(file, limits) {
        drop(unverified.signatures());
        if let Ok(rpm) = unverified.verified(limits) {
            drop((rpm.scripts(), rpm.installed(0, 0).bytes()));
        }
    }
    if let Some(header) = Header::read(bytes) {
        drop(relations_of(&header));
        drop(files_of(&header).map(|files| hard_links(&files)));
    }
    let text = String::from_utf8_lossy(bytes).into_owned();
    drop(primary(&text));
    drop(mirrors(&text));
    drop(repositories(&text, &Variables::from([("a".to_owned(), text.chars().take(10).collect())])));
    let mut index = Index::default();
    index.add("http://m", text.clone());
    let name = text.split(['<', '>', '"']).nth(2).unwrap_or_default().to_owned();
    drop(index.providing(&Relation { name: name.clone(), architecture: None, version: None }, "x86_64"));
    if let Ok(database) = Database::read(bytes) {
        drop((database.files(), database.keys()));
        let wish = Wish { name, architecture: "x86_64".to_owned(), version: "0".to_owned() };
        drop(resolve(&database.standing(), &index, &[wish]));
    }
});
