//! The database that comes with the program.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may")]

mod support;

use plimsoll_advisory::matching::match_inventory;
use plimsoll_advisory::snapshot;
use plimsoll_model::package::Ecosystem;
use support::{inventory, package};

#[test]
fn the_snapshot_is_whole_small_and_attributed() {
    let database = snapshot::open().unwrap();
    database.verify().unwrap();
    assert!(snapshot::SNAPSHOT.len() < 4 << 20);
    let info = database.info();
    assert!(!info.texts);
    let attribution = include_str!("../snapshot/ATTRIBUTION.md");
    for feed in &info.feeds {
        assert!(attribution.contains(&format!("| {} |", feed.name)), "{} is not attributed", feed.name);
        assert!(attribution.contains(&feed.license), "{}", feed.name);
        assert_ne!(feed.license, "not stated", "{}", feed.name);
        assert!(feed.date.is_some() && feed.records > 0, "{feed:?}");
    }
    for ecosystem in ["PyPI", "npm", "Go", "crates.io", "Maven", "AlmaLinux:9", "Wolfi"] {
        assert!(database.covers(ecosystem), "{ecosystem}");
    }
    for ecosystem in ["Debian:12", "Ubuntu:22.04", "Alpine:v3.19", "Bitnami"] {
        assert!(!database.covers(ecosystem), "{ecosystem}");
    }
}

#[test]
fn every_record_of_the_snapshot_can_be_read() {
    let database = snapshot::open().unwrap();
    for number in 0..database.advisory_count() {
        database.advisory(number).unwrap();
    }
    assert_eq!(u64::from(database.advisory_count()), database.info().advisories);
}

#[test]
fn log4shell_is_found_first() {
    let log4j = package(Ecosystem::Maven, "org.apache.logging.log4j:log4j-core", "2.14.1");
    let matches = match_inventory(&inventory(None, vec![log4j]), &[&snapshot::open().unwrap()]);
    assert_eq!(matches.findings[0].id, "CVE-2021-44228");
}
