//! Hostile records are refused one by one; hostile databases are refused, or read without harm.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may")]

mod support;

use plimsoll_advisory::database::{Database, OpenError};
use plimsoll_advisory::db::{BuildError, build};
use plimsoll_advisory::matching::match_inventory;
use plimsoll_model::package::Ecosystem;
use proptest::prelude::*;
use support::{compile, distribution, inventory, osv, package};

#[test]
fn bad_records_are_counted_and_located_and_end_nothing() {
    let good = osv("GO-2024-0001", &[], "Go", "x", r#"{"introduced":"0"}"#);
    let [deep, bomb, many, huge] = oversized();
    let long = osv("GO-2024-0002", &[], "Go", &"n".repeat(5_000), r#"{"introduced":"0"}"#);
    let documents = [
        ("good.json", good.as_str()),
        ("bomb.yaml", &bomb),
        ("deep.json", &deep),
        ("cycle.yaml", "id: PYSEC-1-2\nmodified: x\naffected: &a [*a]\n"),
        ("huge.json", &huge),
        ("long-name.json", &long),
        ("many.json", &many),
        ("no-id.json", r#"{"id":"","modified":"x","affected":[]}"#),
        ("truncated.json", r#"{"id":"GO-4","modified":"x","affected":[{"pack"#),
        ("types.json", r#"{"id":{"a":1},"modified":7,"affected":"none"}"#),
        ("null.json", r#"{"id":null,"modified":null,"affected":null}"#),
        ("empty.json", ""),
        ("range.json", r#"{"id":1,"module_name":"x","vulnerable_versions":"not a range at all!"}"#),
        ("a/b.zip", "PK no zip"),
        ("c.tar.gz", "no gzip"),
        ("d.tar.zst", "no zstd"),
        ("e.tar.xz", "no xz"),
        ("g.xml.bz2", "no bzip2"),
        ("f.tar", "no tar, but long enough to look like one? no."),
    ];
    let (bytes, report) = compile(&documents);
    let database = Database::from_bytes(bytes).unwrap();
    assert!(database.knows("Go", "x").unwrap());
    assert_eq!(database.advisory_count(), 1);
    let refused: Vec<&str> =
        report.problems.iter().map(|problem| problem.path.rsplit('/').next().unwrap()).collect();
    for name in [
        "bomb.yaml",
        "deep.json",
        "cycle.yaml",
        "huge.json",
        "many.json",
        "no-id.json",
        "types.json",
        "null.json",
        "range.json",
        "b.zip",
        "c.tar.gz",
        "d.tar.zst",
        "e.tar.xz",
        "g.xml.bz2",
    ] {
        assert!(refused.contains(&name), "{name} not in {refused:?}");
    }
}

/// Records that nest too deep, repeat too often, list too much, are too long.
fn oversized() -> [String; 4] {
    let deep =
        format!(r#"{{"id":"GO-1","modified":"","affected":{}{}}}"#, "[".repeat(5_000), "]".repeat(5_000));
    let bomb = {
        let mut text = String::from(
            "id: PYSEC-1-1\nmodified: x\naffected: []\nx0: &x0 [lol, lol, lol, lol, lol, lol, lol, lol]\n",
        );
        for level in 1..30 {
            let before = level - 1;
            text += &format!(
                "x{level}: &x{level} [*x{before}, *x{before}, *x{before}, *x{before}, *x{before}, *x{before}]\n"
            );
        }
        text + "aliases: [*x29]\n"
    };
    let many = format!(
        r#"{{"id":"GO-2","modified":"x","aliases":[{}"z"],"affected":[]}}"#,
        r#""a","#.repeat(60_000)
    );
    let huge =
        format!(r#"{{"id":"GO-3","modified":"x","affected":[],"details":"{}"}}"#, "x".repeat(17 << 20));
    [deep, bomb, many, huge]
}

#[test]
fn events_in_any_order_and_nonsense_versions_do_no_harm() {
    let events = r#"{"fixed":"1.0"},{"introduced":"!!"},{"introduced":"0"},{"limit":"9"},{"fixed":"abc"},{"last_affected":""},{}"#;
    let (bytes, _) = compile(&[("a.json", &osv("PYSEC-2024-1", &["", "CVE-", "x"], "PyPI", "x", events))]);
    let database = Database::from_bytes(bytes).unwrap();
    for version in ["", "1.0", "!!", "0", "\u{0}"] {
        let matches =
            match_inventory(&inventory(None, vec![package(Ecosystem::PyPi, "x", version)]), &[&database]);
        // `1.0` is after the range, and the last one, a version of old, before its `!!`.
        let is_outside = matches!(version, "1.0" | "\u{0}");
        assert!(!(matches.findings.is_empty() && matches.gaps.is_empty()) || is_outside, "{version:?}");
    }
}

#[test]
fn links_in_a_folder_are_not_followed_and_a_missing_input_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).unwrap();
    assert!(matches!(
        build(&[folder.path().to_owned()], &Default::default()),
        Err(BuildError::Nothing { .. })
    ));
    let missing = folder.path().join("missing");
    assert!(matches!(build(&[missing], &Default::default()), Err(BuildError::Input { .. })));
}

#[test]
fn what_is_no_database_is_refused() {
    let (bytes, _) = compile(&sample());
    let open = |bytes: Vec<u8>| Database::from_bytes(bytes).unwrap_err();
    assert!(matches!(open(Vec::new()), OpenError::NotADatabase));
    assert!(matches!(open(b"PLIMSADV".to_vec()), OpenError::Head));
    assert!(matches!(open([&bytes[..], b"x"].concat()), OpenError::Length { .. }));
    assert!(matches!(open(bytes[..bytes.len() - 1].to_vec()), OpenError::Length { .. }));
    let mut later = bytes.clone();
    later[8] = 200;
    assert!(matches!(open(later), OpenError::Version { found: 200 }));
    let mut moved = bytes.clone();
    moved[60] ^= 1;
    assert!(matches!(open(moved), OpenError::Head));
    let mut changed = bytes.clone();
    *changed.last_mut().unwrap() ^= 1;
    assert!(matches!(Database::from_bytes(changed).unwrap().verify(), Err(OpenError::Content)));
    Database::from_bytes(bytes).unwrap().verify().unwrap();
}

#[test]
fn the_same_feeds_give_the_same_bytes() {
    let mut documents = sample();
    let (first, _) = compile(&documents);
    documents.reverse();
    assert_eq!(first, compile(&documents).0);
    let renamed: Vec<(String, &str)> =
        documents.iter().enumerate().map(|(n, (name, text))| (format!("{n}-{name}"), *text)).collect();
    let renamed: Vec<(&str, &str)> = renamed.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    assert_eq!(first, compile(&renamed).0, "the names of documents do not matter");
}

const OSV: &str = r#"{"id":"GHSA-2222-3333-4444","modified":"2024-02-03T04:05:06Z","published":"2024-01-02T00:00:00Z",
    "aliases":["CVE-2024-1111","odd-id"],"summary":"a hole",
    "severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
    "affected":[{"package":{"ecosystem":"npm","name":"left-pad"},"ecosystem_specific":{"affects":{"functions":["a::b","a::c"]}},"versions":["1.2.0","2.0.5","3.0.0-beta"]},
      {"package":{"ecosystem":"npm","name":"right-pad"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.1.0"},{"introduced":"2.0.0"},{"last_affected":"2.3.0"}]}]}],
    "references":[{"type":"WEB","url":"https://example.org/x"}]}"#;
const WOLFI: &str = "schema-version: 2\npackage:\n  name: fd\nadvisories:\n  - id: CGA-2222-3333-4444\n    aliases: [CVE-2024-1111]\n    events:\n      - timestamp: 2025-04-14T12:23:27Z\n        type: fixed\n        data:\n          fixed-version: 10.2.0-r2\n";
const KEV: &str =
    r#"{"catalogVersion":"1","vulnerabilities":[{"cveID":"CVE-2024-1111","dateAdded":"2024-03-04"}]}"#;

const EPSS: &str =
    "#model_version:v1,score_date:2026-11-20T00:00:00Z\ncve,epss,percentile\nCVE-2024-1111,0.5,0.9\n";
const CYCLES: &str = "---\npermalink: /debian\n\nreleases:\n- releaseCycle: 12\n  releaseDate: 2023-06-10\n  eol: 2026-07-11\n---\n";

fn sample() -> Vec<(&'static str, &'static str)> {
    vec![
        ("a.json", OSV),
        ("fd.advisories.yaml", WOLFI),
        ("kev.json", KEV),
        ("epss.csv", EPSS),
        ("debian.md", CYCLES),
    ]
}

/// Reads everything that can be reached from outside.
fn read_all(database: &Database) {
    for number in 0..database.advisory_count().min(100) {
        let _ = database.advisory(number).is_ok();
    }
    for (ecosystem, name) in [("npm", "left-pad"), ("npm", "right-pad"), ("Wolfi", "fd"), ("npm", "absent")] {
        for record in database.look_up(ecosystem, name).unwrap_or_default() {
            let _ = database.symbols(&record).is_ok();
        }
    }
    let _ = database.known("CVE-2024-1111").is_ok();
    let _ = database.end_of_life("debian", "12").is_ok();
    let packages = vec![
        package(Ecosystem::Npm, "left-pad", "2.0.5"),
        package(Ecosystem::Npm, "right-pad", "1.0.0"),
        package(Ecosystem::Apk, "fd", "10.1.0-r0"),
    ];
    drop(match_inventory(&inventory(Some(distribution("wolfi", "1")), packages), &[database]));
}

#[test]
fn every_flipped_bit_is_survived() {
    let (bytes, _) = compile(&sample());
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            if let Ok(database) = Database::from_bytes(changed) {
                assert!(database.verify().is_err(), "byte {at}, bit {bit}");
                read_all(&database);
            }
        }
    }
}

proptest! {
    #[test]
    fn any_truncation_and_any_bytes_are_survived(cut in 0_usize..2_000, noise in prop::collection::vec(any::<u8>(), 0..400), at in 0_usize..3_000) {
        let (bytes, _) = compile(&sample());
        if let Ok(database) = Database::from_bytes(bytes[..cut.min(bytes.len())].to_vec()) {
            read_all(&database);
        }
        if let Ok(database) = Database::from_bytes(noise.clone()) {
            read_all(&database);
        }
        let mut changed = bytes;
        let start = at.min(changed.len());
        for (byte, new) in changed[start..].iter_mut().zip(&noise) {
            *byte = *new;
        }
        if let Ok(database) = Database::from_bytes(changed) {
            read_all(&database);
        }
    }
}
