//! Debian packages, and what repositories and images say of them.
#![no_main]

use std::io::Write as _;

use plimsoll_patch::accounts::Accounts;
use plimsoll_patch::deb::archive::Deb;
use plimsoll_patch::deb::index::Index;
use plimsoll_patch::deb::relations::relations;
use plimsoll_patch::deb::release::Release;
use plimsoll_patch::deb::settings::Settings;
use plimsoll_patch::deb::sources::{named, suites};
use plimsoll_patch::deb::status::{Database, Installed, STATUS, paragraph};
use plimsoll_patch::keyring::binary;
use plimsoll_patch::package::Limits;
use plimsoll_patch::resolve::{Wish, resolve};
use plimsoll_patch::script::doings;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(bytes).expect("it takes bytes");
    drop(Deb::read(file, Limits { control: 1 << 20, data: 8 << 20, entries: 1000 }));
    drop(binary(bytes));
    let text = String::from_utf8_lossy(bytes).into_owned();
    drop(suites("a.list", &text));
    drop(suites("a.sources", &text));
    drop(relations(&text));
    drop(doings(&text));
    drop(paragraph(&text, &[]));
    if let Ok(suite) = named("http://m/debian bookworm main") {
        drop(Release::read(&text, &suite, Default::default()));
    }
    let mut settings = Settings::default();
    settings.add_configuration(&text);
    settings.add_diversions(&text);
    drop(Accounts::read(&text, &text));
    let _ = settings.excludes(text.lines().next().unwrap_or_default());
    // One half is what an image has, the other what a repository has.
    let middle = (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let database = Database::read(&[(STATUS.to_owned(), text[..middle].to_owned())]);
    let mut index = Index::default();
    index.add("http://m", text[middle..].to_owned());
    let wish = |p: &Installed| Wish {
        name: p.name.clone(),
        architecture: p.architecture.clone(),
        version: "0".to_owned(),
    };
    let wishes: Vec<Wish> = database.packages.iter().take(5).map(wish).collect();
    drop(resolve(&database.standing(), &index, &wishes));
});
