use super::*;
use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Facts, PathRule, Wants};
use plimsoll_model::package::{Ecosystem, Package};
use std::io::BufReader;

/// Finds the length of each file, and proves that it saw all of its bytes.
fn measure(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let bytes = file.read()?;
    let sum: u64 = bytes.iter().map(|b| u64::from(*b)).sum();
    facts.push(Fact::Package(Package::new(
        Ecosystem::Npm,
        format!("{} bytes", bytes.len()),
        sum.to_string(),
    )));
    Ok(())
}

const fn measuring(paths: &'static [PathRule], content: ContentRule, max_size: u64) -> Extractor {
    Extractor { name: "measure", revision: 1, wants: Wants { paths, content, max_size }, extract: measure }
}

fn tarball(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        // Names that the crate itself refuses are written into the raw field.
        for (to, from) in header.as_old_mut().name.iter_mut().zip(name.bytes()) {
            *to = from;
        }
        header.set_cksum();
        builder.append(&header, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

fn options() -> PassOptions {
    PassOptions { in_memory: 10_000, ..PassOptions::new(std::env::temp_dir()) }
}

fn read(tar: &[u8], extractor: Extractor, buffer: usize) -> Seen {
    let (seen, result) = read_tar(BufReader::with_capacity(buffer, tar), &[extractor], &options());
    result.unwrap();
    seen
}

fn found(seen: &Seen) -> Vec<(String, String)> {
    let facts = &seen.facts[0].facts;
    facts
        .iter()
        .map(|located| match &located.fact {
            Fact::Package(package) => (located.path.clone(), package.name.clone()),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn bodies_reach_the_extractor_lent_gathered_and_spooled() {
    let (small, middle, large) = (vec![1; 700], vec![2; 9_000], vec![3; 50_000]);
    let tar = tarball(&[("a", &small), ("b", &middle), ("c", &large)]);
    for buffer in [600, 4096, 1 << 20] {
        let seen = read(&tar, measuring(&[PathRule::Any], ContentRule::Any, 1 << 20), buffer);
        let expected = [("a", "700 bytes"), ("b", "9000 bytes"), ("c", "50000 bytes")];
        assert_eq!(found(&seen), expected.map(|(a, b)| (a.to_owned(), b.to_owned())), "buffer {buffer}");
    }
}

#[test]
fn content_rules_look_at_first_bytes() {
    let tar = tarball(&[("elf", b"\x7fELF...."), ("text", b"hello"), ("nul", b"a\0b")]);
    let magic = measuring(&[PathRule::Any], ContentRule::Magic(&[b"\x7fELF"]), 100);
    assert_eq!(found(&read(&tar, magic, 512)), [("elf".to_owned(), "8 bytes".to_owned())]);
    let text = measuring(&[PathRule::Any], ContentRule::Text, 100);
    assert_eq!(found(&read(&tar, text, 512)).len(), 2);
}

#[test]
fn files_over_the_limit_are_gaps() {
    let tar = tarball(&[("a", &[0; 200])]);
    let seen = read(&tar, measuring(&[PathRule::Exact("a")], ContentRule::Any, 100), 512);
    assert!(found(&seen).is_empty());
    assert_eq!(seen.facts[0].gaps[0].kind, GapKind::LimitReached);
}

#[test]
fn names_that_escape_are_gaps_and_absolute_ones_are_not() {
    let tar = tarball(&[("../../etc/passwd", b"x"), ("/etc/shadow", b"y"), ("a/../../b", b"z")]);
    let seen = read(&tar, measuring(&[PathRule::Any], ContentRule::Any, 100), 512);
    assert_eq!(found(&seen), [("etc/shadow".to_owned(), "1 bytes".to_owned())]);
    assert_eq!(seen.gaps.len(), 2);
    assert!(seen.gaps.iter().all(|gap| gap.kind == GapKind::SuspiciousEntry));
}

#[test]
fn of_duplicate_entries_the_last_counts() {
    let tar = tarball(&[("a", b"first"), ("b", b"x"), ("./a", b"second!")]);
    let seen = read(&tar, measuring(&[PathRule::Any], ContentRule::Any, 100), 512);
    assert_eq!(found(&seen), [("a", "7 bytes"), ("b", "1 bytes")].map(|(a, b)| (a.to_owned(), b.to_owned())));
    assert_eq!(seen.entries.len(), 2);
    assert_eq!(seen.entries[0].size, 7);
}

#[test]
fn whiteouts_are_entries_of_what_they_hide() {
    let tar = tarball(&[
        ("a/.wh.b", b""),
        ("c/.wh..wh..opq", b""),
        (".wh..wh.plnk", b""),
        (".wh.d", b""),
        ("d", b"new"),
    ]);
    let seen = read(&tar, measuring(&[PathRule::Any], ContentRule::Any, 100), 512);
    let kinds: Vec<(&str, &EntryKind)> = seen.entries.iter().map(|e| (&*e.path, &e.kind)).collect();
    assert_eq!(
        kinds,
        [
            ("a/b", &EntryKind::Whiteout),
            ("c", &EntryKind::Opaque),
            ("d", &EntryKind::Whiteout),
            ("d", &EntryKind::File)
        ]
    );
}

#[test]
fn what_was_read_before_an_error_is_kept() {
    let mut tar = tarball(&[("a", b"first"), ("b", &[1; 2000])]);
    tar.truncate(2000);
    let (seen, result) =
        read_tar(&tar[..], &[measuring(&[PathRule::Any], ContentRule::Any, 5000)], &options());
    assert!(result.is_err());
    assert_eq!(found(&seen), [("a".to_owned(), "5 bytes".to_owned())]);
}

#[test]
fn a_directory_gives_what_its_tar_gives() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("etc/deep")).unwrap();
    std::fs::write(root.path().join("etc/deep/a"), [1; 700]).unwrap();
    std::fs::write(root.path().join("big"), vec![2; 50_000]).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", root.path().join("etc/link")).unwrap();
    std::os::unix::fs::symlink("..", root.path().join("etc/loop")).unwrap();
    let seen =
        read_directory(root.path(), &[measuring(&[PathRule::Any], ContentRule::Any, 1 << 20)], &options());
    assert_eq!(
        found(&seen),
        [("big", "50000 bytes"), ("etc/deep/a", "700 bytes")].map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
    assert_eq!(seen.entries.len(), 6);
    assert!(seen.entries.iter().any(|e| e.kind == EntryKind::Symlink("/etc/passwd".into())));
}

#[test]
fn of_large_files_no_more_than_the_head_is_gathered() {
    let (small, large) = ([b'x'; 600], [b'x'; 50_000]);
    let tar = tarball(&[("small", &small), ("large", &large), ("other", b"y")]);
    let head = measuring(&[PathRule::Any], ContentRule::Head(&[b"x"], 2000), u64::MAX);
    for buffer in [512, 4096, 1 << 20] {
        let expected = [("large", "2000 bytes"), ("small", "600 bytes")];
        assert_eq!(found(&read(&tar, head, buffer)), expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }
    // Unless somebody else wants all of it.
    let whole = Extractor { name: "whole", ..measuring(&[PathRule::Any], ContentRule::Any, 1 << 20) };
    let (seen, result) = read_tar(&tar[..], &[head, whole], &options());
    result.unwrap();
    assert_eq!(found(&seen)[0], ("large".to_owned(), "50000 bytes".to_owned()));
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("large"), large).unwrap();
    let seen = read_directory(root.path(), &[head], &options());
    assert_eq!(found(&seen), [("large".to_owned(), "2000 bytes".to_owned())]);
}

#[test]
fn directories_are_offered_to_those_that_want_them() {
    let mut builder = ::tar::Builder::new(Vec::new());
    for (name, kind) in [("store/a", ::tar::EntryType::Directory), ("store/a/b", ::tar::EntryType::Directory)]
    {
        let mut header = ::tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_mode(0o755);
        builder.append_data(&mut header, name, &b""[..]).unwrap();
    }
    let tar = builder.into_inner().unwrap();
    let wanting = measuring(&[PathRule::In("store")], ContentRule::Directory, 0);
    assert_eq!(found(&read(&tar, wanting, 512)), [("store/a".to_owned(), "0 bytes".to_owned())]);
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("store/a/b")).unwrap();
    std::fs::write(root.path().join("store/file"), "x").unwrap();
    let seen = read_directory(root.path(), &[wanting], &options());
    assert_eq!(found(&seen), [("store/a".to_owned(), "0 bytes".to_owned())]);
}
