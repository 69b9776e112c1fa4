use plimsoll_model::accounting::RecordedDigest;
use plimsoll_model::digest::{DiffId, Digest};
use plimsoll_model::evidence::{Entry, EntryKind, ExtractorFacts, Located};
use plimsoll_model::package::{Ecosystem, Package};

use super::*;
use crate::overlay::merge;
use crate::testing::facts_of;

const PROGRAM: &[u8] = b"\x7fELF\x02\x01\x01";

/// A layer with `files`, of each the kind that is given, and `facts` found at `at`.
fn layer(
    files: &[(&str, &[u8], FileKind)],
    more: &[(&str, EntryKind)],
    facts: &[(&str, &str, Fact)],
) -> LayerEvidence {
    let file = |path: &str, size: usize| entry(path, EntryKind::File, size as u64);
    let mut entries: Vec<Entry> = files.iter().map(|(path, content, _)| file(path, content.len())).collect();
    entries.extend(more.iter().map(|(path, kind)| entry(path, kind.clone(), 0)));
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    let mut all: Vec<(&str, Located)> = files
        .iter()
        .filter(|(_, content, _)| !content.is_empty())
        .map(|(path, content, kind)| {
            let found = facts_of(&files::FILES, path, content);
            let [Fact::File(_, digests)] = found.as_slice() else { panic!("{found:?}") };
            ("files", located(path, Fact::File(*kind, *digests)))
        })
        .collect();
    all.extend(facts.iter().map(|(extractor, at, fact)| (*extractor, located(at, fact.clone()))));
    let mut by_extractor: Vec<ExtractorFacts> = Vec::new();
    for (extractor, located) in all {
        match by_extractor.iter_mut().find(|facts| facts.extractor == extractor) {
            Some(facts) => facts.facts.push(located),
            None => by_extractor.push(ExtractorFacts {
                extractor: extractor.to_owned(),
                revision: 1,
                facts: vec![located],
                gaps: Vec::new(),
            }),
        }
    }
    by_extractor.iter_mut().for_each(|facts| facts.facts.sort());
    LayerEvidence {
        diff_id: DiffId(Digest::of(b"")),
        plain_size: 0,
        entries,
        facts: by_extractor,
        gaps: Vec::new(),
    }
}

fn entry(path: &str, kind: EntryKind, size: u64) -> Entry {
    Entry { path: path.into(), kind, mode: 0o755, uid: 0, gid: 0, size, capabilities: false }
}

fn located(path: &str, fact: Fact) -> Located {
    Located { path: path.to_owned(), inside: None, fact }
}

const STATUS: &str = "var/lib/dpkg/status";
const LIST: &str = "var/lib/dpkg/info/shop.list";
const SUMS: &str = "var/lib/dpkg/info/shop.md5sums";

/// dpkg's database with a package that has a program below `/bin`, and a file of configuration.
fn dpkg() -> Vec<(&'static str, &'static str, Fact)> {
    let md5 = |path: &str, content: &[u8], is_configuration| {
        let found = facts_of(&files::FILES, path, content);
        let [Fact::File(_, digests)] = found.as_slice() else { panic!("{found:?}") };
        let digest = RecordedDigest::Md5(digests.md5);
        RecordedFile { path: path.to_owned(), digest, is_configuration }
    };
    let files = ["bin/shop", "etc/shop.conf", "usr/share/doc/shop/README"].map(str::to_owned).to_vec();
    let owned = Fact::OwnedFiles { ecosystem: Ecosystem::Deb, owner: "shop".to_owned(), files };
    vec![
        ("dpkg", STATUS, Fact::Package(Package::new(Ecosystem::Deb, "shop", "1"))),
        ("dpkg-files", LIST, owned),
        ("dpkg-digests", SUMS, Fact::RecordedFiles(vec![md5("bin/shop", PROGRAM, false)])),
        ("dpkg-digests", STATUS, Fact::RecordedFiles(vec![md5("etc/shop.conf", b"x = 1", true)])),
    ]
}

fn base() -> LayerEvidence {
    let files: &[(&str, &[u8], FileKind)] = &[
        ("usr/bin/shop", PROGRAM, FileKind::Program),
        ("etc/shop.conf", b"x = 1", FileKind::Other),
        (STATUS, b"x", FileKind::Other),
        (LIST, b"x", FileKind::Other),
        (SUMS, b"x", FileKind::Other),
    ];
    layer(files, &[("bin", EntryKind::Symlink("usr/bin".into()))], &dpkg())
}

fn accounted(layers: &[LayerEvidence]) -> Accounting {
    account(layers, &merge(layers, &[]))
}

fn of<'a>(accounting: &'a Accounting, path: &str) -> &'a AccountedFile {
    accounting
        .files
        .iter()
        .find(|file| file.path == path)
        .unwrap_or_else(|| panic!("no {path}: {accounting:?}"))
}

#[test]
fn files_belong_to_packages_also_over_links_of_directories() {
    let accounting = accounted(&[base()]);
    let shop = of(&accounting, "usr/bin/shop");
    assert_eq!((shop.class, shop.package, shop.integrity), (FileClass::Package, Some(0), Integrity::Intact));
    assert_eq!(shop.size, PROGRAM.len() as u64);
    let configuration = of(&accounting, "etc/shop.conf");
    assert_eq!((configuration.class, configuration.package), (FileClass::Configuration, Some(0)));
    assert_eq!((of(&accounting, STATUS).class, of(&accounting, STATUS).package), (FileClass::Data, None));
    assert_eq!(of(&accounting, LIST).package, Some(0), "dpkg keeps it of the package");
    assert_eq!(accounting.missing, 1, "the documentation is not there");
    assert_eq!(accounting.files.len(), 5);
}

#[test]
fn what_a_later_layer_does_is_told() {
    let files: &[(&str, &[u8], FileKind)] = &[
        ("usr/bin/shop", b"\x7fELF, but another", FileKind::Program),
        ("etc/shop.conf", b"x = 1", FileKind::Other),
        ("etc/own.conf", b"y", FileKind::Other),
        ("opt/miner", PROGRAM, FileKind::Program),
        ("opt/run", b"#!/bin/sh", FileKind::Script),
        ("opt/empty", b"", FileKind::Other),
    ];
    let accounting =
        accounted(&[base(), layer(files, &[("opt/copy", EntryKind::Hardlink("opt/run".into()))], &[])]);
    let shop = of(&accounting, "usr/bin/shop");
    assert_eq!((shop.class, shop.integrity, shop.layer), (FileClass::Package, Integrity::Changed, 1));
    assert_eq!(
        of(&accounting, "etc/shop.conf").layer,
        0,
        "the same content is still that of the first layer"
    );
    assert_eq!(of(&accounting, "etc/own.conf").class, FileClass::Configuration);
    let miner = of(&accounting, "opt/miner");
    assert_eq!((miner.class, miner.package, miner.layer), (FileClass::Unknown, None, 1));
    assert_eq!(of(&accounting, "opt/run").class, FileClass::Unknown);
    assert_eq!(of(&accounting, "opt/copy").size, 9, "a hard link has the size of its file");
    assert_eq!(of(&accounting, "opt/empty").class, FileClass::Data);
    assert!(of(&accounting, "opt/empty").sha256.is_some());
}

#[test]
fn what_is_deleted_is_missing_and_links_in_circles_end() {
    let gone = layer(&[], &[("usr/bin/shop", EntryKind::Whiteout)], &[]);
    let accounting = accounted(&[base(), gone]);
    assert!(accounting.files.iter().all(|file| file.path != "usr/bin/shop"));
    assert_eq!(accounting.missing, 2);
    let circles: &[(&str, EntryKind)] = &[
        ("bin", EntryKind::Symlink("usr".into())),
        ("usr", EntryKind::Symlink("bin".into())),
        ("opt/a", EntryKind::Hardlink("opt/b".into())),
        ("opt/b", EntryKind::Hardlink("opt/a".into())),
    ];
    let accounting = accounted(&[layer(&[], circles, &dpkg())]);
    assert_eq!(accounting.files.iter().map(|file| file.size).sum::<u64>(), 0);
}

#[test]
fn packages_of_languages_own_their_evidence_and_folders() {
    let package = |ecosystem, name: &str| Fact::Package(Package::new(ecosystem, name, "1"));
    let outer = "srv/node_modules/a/package.json";
    let inner = "srv/node_modules/a/node_modules/b/package.json";
    let gem = "var/lib/gems/specifications/c-1.gemspec";
    let facts = [
        ("npm", outer, package(Ecosystem::Npm, "a")),
        ("npm", inner, package(Ecosystem::Npm, "b")),
        ("ruby", gem, package(Ecosystem::Gem, "c")),
        ("go", "app", package(Ecosystem::Go, "d")),
    ];
    let files: Vec<(&str, &[u8], FileKind)> = [
        (outer, FileKind::Other),
        (inner, FileKind::Other),
        (gem, FileKind::Other),
        ("app", FileKind::Program),
        ("srv/node_modules/a/x.node", FileKind::Library),
        ("srv/node_modules/a/node_modules/b/x.node", FileKind::Library),
        ("srv/node_modules/x.node", FileKind::Library),
        ("var/lib/gems/gems/c-1/ext/c.so", FileKind::Library),
    ]
    .map(|(path, kind)| (path, PROGRAM, kind))
    .to_vec();
    let layers = [layer(&files, &[], &facts)];
    let merged = merge(&layers, &[]);
    let accounting = account(&layers, &merged);
    let owner = |path: &str| {
        let package = of(&accounting, path).package? as usize;
        Some(merged.inventory.packages[package].package.name.as_str())
    };
    assert_eq!(owner("app"), Some("d"));
    assert_eq!(owner("srv/node_modules/a/x.node"), Some("a"));
    assert_eq!(owner("srv/node_modules/a/node_modules/b/x.node"), Some("b"));
    assert_eq!(owner("srv/node_modules/x.node"), None);
    assert_eq!(owner("var/lib/gems/gems/c-1/ext/c.so"), Some("c"));
}
