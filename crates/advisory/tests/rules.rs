//! The rules of matching that hold for all feeds, each with a small database: sources and rebuilds, backports, epochs,
//! withdrawn records, aliases, severities.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may")]

mod support;

use plimsoll_advisory::database::Database;
use plimsoll_advisory::matching::match_inventory;
use plimsoll_model::package::{Ecosystem, Package, SourcePackage};
use plimsoll_model::severity::Severity;
use support::{built_from, compile, database, distribution, inventory, osv, package, vulnerability};

/// The ids of what a package of Debian 12 has.
fn debian(database: &Database, package: Package) -> Vec<String> {
    let image = inventory(Some(distribution("debian", "12")), vec![package]);
    let matches = match_inventory(&image, &[database]);
    assert!(matches.gaps.is_empty(), "{:?}", matches.gaps);
    matches.findings.into_iter().map(|finding| finding.id).collect()
}

fn fixed_in(version: &str) -> Database {
    let events = format!(r#"{{"introduced":"0"}},{{"fixed":"{version}"}}"#);
    database(&[("a.json", &osv("CVE-2024-1", &[], "Debian:12", "curl", &events))])
}

#[test]
fn a_backport_is_a_fix_whatever_the_version_of_upstream() {
    // Upstream mended it in 8.4.0.
    let database = fixed_in("7.88.1-10+deb12u4");
    let curl = |version: &str| debian(&database, built_from(Ecosystem::Deb, "libcurl4", "curl", version));
    assert_eq!(curl("7.88.1-10+deb12u3"), ["CVE-2024-1"]);
    assert_eq!(curl("7.88.1-10"), ["CVE-2024-1"], "before the release has an update");
    assert!(curl("7.88.1-10+deb12u4").is_empty());
    assert!(curl("7.88.1-10+deb12u4~bpo11+1").len() == 1, "a build for an older release comes first");
    assert!(curl("8.4.0-2").is_empty());
}

#[test]
fn a_rebuild_without_a_change_of_its_source_has_the_version_of_its_source() {
    let rebuilt = |version: &str, source: &str| Package {
        source: Some(SourcePackage { name: "curl".into(), version: source.into() }),
        ..Package::new(Ecosystem::Deb, "libcurl4", version)
    };
    // The binary `7.88.1-10+b1` is of the source `7.88.1-10`.
    assert_eq!(debian(&fixed_in("7.88.1-10+deb12u1"), rebuilt("7.88.1-10+b1", "7.88.1-10")), ["CVE-2024-1"]);
    assert_eq!(debian(&fixed_in("7.88.1-11"), rebuilt("7.88.1-10+b2", "7.88.1-10")), ["CVE-2024-1"]);
    assert!(debian(&fixed_in("7.88.1-10"), rebuilt("7.88.1-10+b1", "7.88.1-10")).is_empty());
    // Binaries may have versions of their own, here one with an epoch.
    assert_eq!(debian(&fixed_in("7.88.1-11"), rebuilt("4:1.0", "7.88.1-10")), ["CVE-2024-1"]);
    assert!(debian(&fixed_in("7.88.1-11"), rebuilt("0.1", "7.88.1-11")).is_empty());
}

#[test]
fn a_missing_epoch_is_zero() {
    let erratum = |fix: &str| {
        let events = format!(r#"{{"introduced":"0"}},{{"fixed":"{fix}"}}"#);
        osv("ALSA-2024:1", &["CVE-2024-1"], "AlmaLinux:9", "bind", &events)
    };
    let holds = |fix: &str, version: &str| {
        let database = database(&[("a.json", &erratum(fix))]);
        let image =
            inventory(Some(distribution("almalinux", "9.4")), vec![package(Ecosystem::Rpm, "bind", version)]);
        !match_inventory(&image, &[&database]).findings.is_empty()
    };
    for (fix, version, expected) in [
        ("32:9.16.23-14.el9", "32:9.16.23-11.el9", true),
        ("32:9.16.23-14.el9", "9.18.0-1.el9", true),
        ("9.16.23-14.el9", "0:9.16.23-11.el9", true),
        ("0:9.16.23-14.el9", "9.16.23-14.el9", false),
        ("9.16.23-14.el9", "32:9.16.23-11.el9", false),
    ] {
        assert_eq!(holds(fix, version), expected, "{version}, fixed in {fix}");
    }
}

#[test]
fn a_withdrawn_record_is_ignored_and_takes_no_other_with_it() {
    let events = r#"{"introduced":"0"},{"fixed":"2.0.0"}"#;
    let withdrawn = osv("GHSA-2222-3333-4444", &["CVE-2024-1"], "npm", "x", r#"{"introduced":"0"}"#)
        .replacen('{', r#"{"withdrawn":"2024-05-01T00:00:00Z","#, 1);
    let other = osv("GHSA-5555-6666-7777", &["CVE-2024-1"], "npm", "x", events);
    let (bytes, report) = compile(&[("a.json", &withdrawn), ("b.json", &other)]);
    assert_eq!(report.feeds[0].withdrawn, 1);
    let database = Database::from_bytes(bytes).unwrap();
    let of = |version| {
        let image = inventory(None, vec![package(Ecosystem::Npm, "x", version)]);
        match_inventory(&image, &[&database]).findings
    };
    assert_eq!(vulnerability(&of("1.0.0")[0]).aliases, ["GHSA-5555-6666-7777"]);
    assert!(of("2.0.0").is_empty());
}

#[test]
fn aliases_in_chains_and_cycles_are_one_finding_that_lists_all() {
    let record = |id: &str, aliases: &[&str]| osv(id, aliases, "npm", "x", r#"{"introduced":"0"}"#);
    let documents = [
        ("a.json", record("GHSA-aaaa-aaaa-aaaa", &["CVE-2024-1", "GHSA-aaaa-aaaa-aaaa"])),
        ("b.json", record("GHSA-bbbb-bbbb-bbbb", &["GHSA-aaaa-aaaa-aaaa", "OTHER-1"])),
        ("c.json", record("OTHER-1", &["GHSA-bbbb-bbbb-bbbb", "CVE-2024-1"])),
        ("d.json", record("GHSA-dddd-dddd-dddd", &["CVE-2024-2"])),
    ];
    let documents: Vec<(&str, &str)> = documents.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let image = inventory(None, vec![package(Ecosystem::Npm, "x", "1.0.0")]);
    let matches = match_inventory(&image, &[&database(&documents)]);
    let [one, two] = matches.findings.as_slice() else { panic!("{matches:?}") };
    assert_eq!((one.id.as_str(), two.id.as_str()), ("CVE-2024-1", "CVE-2024-2"));
    assert_eq!(vulnerability(one).aliases, ["GHSA-aaaa-aaaa-aaaa", "GHSA-bbbb-bbbb-bbbb", "OTHER-1"]);
    assert_eq!(vulnerability(one).matches.len(), 3);
}

#[test]
fn each_feed_keeps_its_word_and_the_best_of_them_is_chosen() {
    let rated = |id: &str, ecosystem: &str, word: &str, vectors: &str| {
        format!(
            r#"{{"id":"{id}","modified":"2024-01-01T00:00:00Z","aliases":["CVE-2024-1"],"severity":[{vectors}],
            "database_specific":{{"severity":"{word}"}},
            "affected":[{{"package":{{"ecosystem":"{ecosystem}","name":"x"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}}]}}]}}]}}"#
        )
    };
    let two = r#"{"type":"CVSS_V2","score":"AV:N/AC:L/Au:N/C:P/I:P/A:P"}"#;
    let three = r#"{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:H/PR:L/UI:R/S:U/C:L/I:L/A:N"}"#;
    let four =
        r#"{"type":"CVSS_V4","score":"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}"#;
    let choose = |documents: &[(&str, &str)], image| {
        let matches = match_inventory(&image, &[&database(documents)]);
        let [finding] = matches.findings.as_slice() else { panic!("{matches:?}") };
        let words: Vec<_> =
            vulnerability(finding).severities.iter().map(|word| (word.feed.clone(), word.severity)).collect();
        (finding.severity, finding.severity_source.clone(), words)
    };
    let npm = || inventory(None, vec![package(Ecosystem::Npm, "x", "1.0.0")]);
    let github = |vectors: &str| rated("GHSA-2222-3333-4444", "npm", "MODERATE", vectors);
    let other = rated("MAL-2024-1", "npm", "LOW", "");
    let word = |feed: &str, severity| (feed.to_owned(), severity);
    let both = vec![word("github", Severity::Medium), word("malicious-packages", Severity::Low)];
    // A word where there is no vector, the worst of them.
    let chosen = choose(&[("a.json", &github("")), ("b.json", &other)], npm());
    assert_eq!((chosen.0, chosen.2), (Severity::Medium, both.clone()));
    // Version 2 where there is no other, and versions 3 and 4 before it, the highest of them.
    for (vectors, severity) in [
        (two.to_owned(), Severity::High),
        (format!("{two},{three}"), Severity::Low),
        (format!("{three},{four}"), Severity::Critical),
    ] {
        let chosen = choose(&[("a.json", &github(&vectors)), ("b.json", &other)], npm());
        assert_eq!(chosen, (severity, "CVSS".to_owned(), both.clone()), "{vectors}");
    }
    // The distribution's own word before any score.
    let debian = rated("DEBIAN-CVE-2024-1", "Debian:12", "LOW", four);
    let image =
        inventory(Some(distribution("debian", "12")), vec![built_from(Ecosystem::Deb, "x", "x", "1")]);
    assert_eq!(choose(&[("a.json", &debian)], image).0, Severity::Low);
}

#[test]
fn a_poisoned_feed_is_refused_record_by_record() {
    let good = osv("GO-2024-0001", &[], "Go", "x", r#"{"introduced":"0"}"#);
    let events = r#"{"introduced":"0"},{"fixed":"1"},"#.repeat(60_000);
    let long = "9".repeat(5_000);
    let poison = [
        ("ranges.json", osv("GO-2024-0002", &[], "Go", "x", events.trim_end_matches(','))),
        ("types.json", good.replace(r#""aliases":[]"#, r#""aliases":{"a":[1]}"#)),
        ("numbers.json", good.replace(r#""GO-2024-0001""#, "20240001")),
        ("name.json", osv("GO-2024-0003", &[], "Go", &"n".repeat(5_000), r#"{"introduced":"0"}"#)),
        ("version.json", osv("GO-2024-0004", &[], "Go", "x", &format!(r#"{{"introduced":"{long}"}}"#))),
    ];
    let mut documents: Vec<(&str, &str)> = poison.iter().map(|(name, text)| (*name, text.as_str())).collect();
    documents.push(("good.json", &good));
    let (bytes, report) = compile(&documents);
    let refused: Vec<&str> =
        report.problems.iter().map(|problem| problem.path.rsplit('/').next().unwrap()).collect();
    assert_eq!(report.problem_count, 5, "{refused:?}");
    assert_eq!(Database::from_bytes(bytes).unwrap().advisory_count(), 1);
}

#[test]
fn a_gigabyte_in_one_record_is_refused_without_being_read() {
    let folder = tempfile::tempdir().unwrap();
    let good = osv("GO-2024-0001", &[], "Go", "x", r#"{"introduced":"0"}"#);
    std::fs::write(folder.path().join("good.json"), good).unwrap();
    let file = std::fs::File::create(folder.path().join("huge.json")).unwrap();
    std::io::Write::write_all(&mut &file, br#"{"id":"GO-2024-0002","modified":"","details":""#).unwrap();
    file.set_len(1 << 30).unwrap();
    let (bytes, report) =
        plimsoll_advisory::db::build(&[folder.path().to_owned()], &Default::default()).unwrap();
    assert_eq!(report.problem_count, 1, "{:?}", report.problems);
    assert!(report.problems[0].path.ends_with("huge.json"));
    assert_eq!(Database::from_bytes(bytes).unwrap().advisory_count(), 1);
}
