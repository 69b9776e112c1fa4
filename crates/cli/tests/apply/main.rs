//! `plimsoll plan --apply` over images of apk and of rpm, against repositories of our own that are signed and able to lie; the real
//! package manager installs the same packages beside us for comparison.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its environment and its own files")]

mod apk;
mod ndb;
mod rpm;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use plimsoll_model::digest::Digest;

/// Every file below a folder with its kind, mode, owner and content, but for those that `is_left` out.
fn files(root: &Path, is_left: &dyn Fn(&str) -> bool) -> BTreeMap<String, String> {
    let format = "%P\t%y %m %U %G %l\n";
    let list = support::said(Command::new("find").arg(".").args(["-printf", format]).current_dir(root));
    let mut found = BTreeMap::new();
    for line in list.lines() {
        let (path, mut told) = line.split_once('\t').map(|(path, told)| (path, told.to_owned())).unwrap();
        if path.is_empty() || is_left(path) {
            continue;
        }
        if told.starts_with('f') {
            told.push_str(&Digest::of(&std::fs::read(root.join(path)).unwrap()).short());
        }
        found.insert(path.to_owned(), told);
    }
    found
}
