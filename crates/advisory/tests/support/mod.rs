//! What the tests share: databases out of texts, inventories out of names, and the folder of real feeds.
#![allow(dead_code, reason = "each test file uses a part of this")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests may, and this is of tests"
)]
#![allow(unreachable_pub, reason = "each test file includes this as a module")]

use std::path::PathBuf;

use plimsoll_advisory::database::Database;
use plimsoll_advisory::db::{BuildOptions, BuildReport, build};
use plimsoll_model::distribution::Distribution;
use plimsoll_model::finding::{Finding, FindingKind, Vulnerability};
use plimsoll_model::inventory::{InstalledPackage, Inventory, Location, Origin};
use plimsoll_model::package::{Ecosystem, Package, SourcePackage};

/// Compiles documents given as names and texts.
pub fn compile(documents: &[(&str, &str)]) -> (Vec<u8>, BuildReport) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in documents {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let options = BuildOptions { built: Some(jiff::civil::date(2026, 11, 23)), ..BuildOptions::default() };
    build(&[folder.path().to_owned()], &options).unwrap()
}

pub fn database(documents: &[(&str, &str)]) -> Database {
    Database::from_bytes(compile(documents).0).unwrap()
}

/// The text of an OSV record about one package, with one range.
pub fn osv(id: &str, aliases: &[&str], ecosystem: &str, name: &str, events: &str) -> String {
    format!(
        r#"{{"id":"{id}","modified":"2024-02-03T00:00:00Z","published":"2024-01-02T00:00:00Z","aliases":{aliases:?},
        "affected":[{{"package":{{"ecosystem":"{ecosystem}","name":"{name}"}},
        "ranges":[{{"type":"ECOSYSTEM","events":[{events}]}}]}}]}}"#
    )
}

pub fn distribution(id: &str, version: &str) -> Distribution {
    Distribution { id: id.into(), version_id: Some(version.into()), ..Distribution::default() }
}

pub fn installed(package: Package) -> InstalledPackage {
    InstalledPackage {
        package,
        locations: vec![Location { path: "some/evidence".into(), inside: None, layer: 0 }],
        layer: 0,
        origin: Origin::Unknown,
        owned_by: None,
        file_count: 1,
    }
}

pub fn package(ecosystem: Ecosystem, name: &str, version: &str) -> Package {
    Package::new(ecosystem, name, version)
}

pub fn built_from(ecosystem: Ecosystem, name: &str, source: &str, version: &str) -> Package {
    let source = SourcePackage { name: source.into(), version: version.into() };
    Package { source: Some(source), ..Package::new(ecosystem, name, version) }
}

pub fn inventory(distribution: Option<Distribution>, packages: Vec<Package>) -> Inventory {
    Inventory {
        distribution,
        packages: packages.into_iter().map(installed).collect(),
        ..Inventory::default()
    }
}

pub fn vulnerability(finding: &Finding) -> &Vulnerability {
    let FindingKind::Vulnerability(vulnerability) = &finding.kind else { panic!("{finding:?}") };
    vulnerability
}

/// The folder of real feeds, if this machine has it.
pub fn shared() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "a test's own switch")]
    let named = std::env::var_os("PLIMSOLL_SHARED").map(PathBuf::from);
    let above =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("shared"));
    let found = named.into_iter().chain(above).find(|folder| folder.join("advisories").is_dir());
    if found.is_none() {
        println!("skipped: no ../shared folder");
    }
    found.map(|folder| folder.join("advisories"))
}
