//! Alpine's packages, and what repositories and images say of them.
#![no_main]

use std::collections::BTreeSet;
use std::io::Write as _;

use plimsoll_patch::apk::archive::Apk;
use plimsoll_patch::apk::database::{Database, identity};
use plimsoll_patch::apk::index::{Index, text_of};
use plimsoll_patch::apk::protected::Protected;
use plimsoll_patch::apk::scripts::{archive, set_off, triggers};
use plimsoll_patch::apk::signed::{Key, verified};
use plimsoll_patch::apk::sources::repositories;
use plimsoll_patch::package::Limits;
use plimsoll_patch::resolve::{Wish, resolve};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let file = || {
        let mut file = tempfile::tempfile().expect("a temporary file");
        file.write_all(bytes).expect("it takes bytes");
        file
    };
    drop(Apk::read(file(), &[0; 20], Limits { control: 1 << 20, data: 8 << 20, entries: 1000 }));
    drop(verified(file(), &[], 1 << 20));
    drop(Key::read("a", bytes));
    drop(text_of(bytes));
    drop(archive(bytes, &BTreeSet::new(), &[]));
    let text = String::from_utf8_lossy(bytes).into_owned();
    drop(repositories(&text));
    drop(identity(&text));
    drop(set_off(&triggers(&text, &BTreeSet::new(), &[]), &BTreeSet::from(["a".to_owned()])));
    let mut protected = Protected::default();
    protected.add(&text);
    let _ = protected.protects(text.lines().next().unwrap_or_default());
    // One half is what an image has, the other what a repository has.
    let middle = (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let mut database = Database::read(&text[..middle]);
    for package in &mut database.packages {
        for path in package.files().into_keys().take(5) {
            package.give_up(&path);
        }
    }
    let mut index = Index::default();
    index.add("http://m", text[middle..].to_owned());
    let wishes: Vec<Wish> = database
        .packages
        .iter()
        .take(5)
        .map(|package| Wish {
            name: package.name.clone(),
            architecture: String::new(),
            version: "0".to_owned(),
        })
        .collect();
    drop(resolve(&database.standing(&text), &index, &wishes));
});
