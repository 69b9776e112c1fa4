//! Matches a list of packages: `cargo run --release -p plimsoll-advisory --example match_list -- DATABASE < LIST`.
//!
//! Each line of the list is `ecosystem TAB name TAB version`, with the ecosystem as OSV names it (`PyPI`, `AlmaLinux:8`).
//! The answer repeats it, with the ids of the advisories that hold, sorted, and `?` where something could not be compared.
//! `benchmark/compare.py` holds the answers against those of other scanners.
#![expect(clippy::print_stdout, reason = "a list for people and scripts")]

use std::collections::BTreeSet;
use std::io::BufRead as _;
use std::path::PathBuf;

use plimsoll_advisory::database::Database;
use plimsoll_advisory::matching::match_inventory;
use plimsoll_model::distribution::Distribution;
use plimsoll_model::finding::FindingKind;
use plimsoll_model::inventory::{InstalledPackage, Inventory, Origin};
use plimsoll_model::package::{Ecosystem, Package, SourcePackage};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = PathBuf::from(std::env::args_os().nth(1).ok_or("name a database")?);
    let database = Database::open(&path)?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let mut fields = line.split('\t');
        let (Some(ecosystem), Some(name), Some(version)) = (fields.next(), fields.next(), fields.next())
        else {
            return Err(format!("not three fields: {line}").into());
        };
        let inventory =
            inventory(ecosystem, name, version).ok_or_else(|| format!("unknown ecosystem: {ecosystem}"))?;
        let matches = match_inventory(&inventory, &[&database]);
        let mut ids = BTreeSet::new();
        for finding in &matches.findings {
            if let FindingKind::Vulnerability(vulnerability) = &finding.kind {
                ids.extend(vulnerability.matches.iter().map(|found| found.advisory.as_str()));
            }
        }
        if !matches.gaps.is_empty() {
            ids.insert("?");
        }
        println!("{line}\t{}", ids.into_iter().collect::<Vec<_>>().join(","));
    }
    Ok(())
}

/// An inventory of one package; of a distribution's, the source package has the same name and version.
fn inventory(ecosystem: &str, name: &str, version: &str) -> Option<Inventory> {
    let (family, release) = ecosystem.split_once(':').unwrap_or((ecosystem, ""));
    let (kind, distribution) = match family {
        "PyPI" => (Ecosystem::PyPi, None),
        "npm" => (Ecosystem::Npm, None),
        "Maven" => (Ecosystem::Maven, None),
        "Go" => (Ecosystem::Go, None),
        "crates.io" => (Ecosystem::Cargo, None),
        "RubyGems" => (Ecosystem::Gem, None),
        "Packagist" => (Ecosystem::Composer, None),
        "NuGet" => (Ecosystem::NuGet, None),
        "Debian" => (Ecosystem::Deb, Some("debian")),
        "Ubuntu" => (Ecosystem::Deb, Some("ubuntu")),
        "Alpine" => (Ecosystem::Apk, Some("alpine")),
        "AlmaLinux" => (Ecosystem::Rpm, Some("almalinux")),
        "Rocky Linux" => (Ecosystem::Rpm, Some("rocky")),
        _ => return None,
    };
    let distribution = distribution.map(|id| Distribution {
        id: id.into(),
        version_id: Some(release.trim_start_matches('v').into()),
        ..Distribution::default()
    });
    let source = distribution.as_ref().map(|_| SourcePackage { name: name.into(), version: version.into() });
    let package = Package { source, ..Package::new(kind, name, version) };
    let installed = InstalledPackage {
        package,
        locations: Vec::new(),
        layer: 0,
        origin: Origin::Unknown,
        owned_by: None,
        file_count: 1,
    };
    Some(Inventory { distribution, packages: vec![installed], ..Inventory::default() })
}
