//! VEX documents of all formats, and attestations of them: none does harm, and what is understood can be applied.
#![no_main]

use plimsoll_advisory::vex;
use plimsoll_model::finding::{Finding, FindingKind, Vulnerability};
use plimsoll_model::inventory::{InstalledPackage, Inventory, Location, Origin};
use plimsoll_model::package::{Ecosystem, Package};
use plimsoll_model::scan::ImageIdentity;
use plimsoll_model::severity::Severity;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    drop(vex::attestation::unwrap(bytes));
    let Ok(statements) = vex::parse(bytes, "document") else { return };
    assert!(statements.iter().all(|statement| !statement.products.is_empty()));
    let ids = statements.iter().take(20).flat_map(|statement| statement.ids.iter().take(2));
    let findings: Vec<Finding> = ids.map(|id| finding(id)).collect();
    let all = findings.len();
    let (kept, aside) = vex::apply(&statements, findings, &inventory(), &image());
    assert_eq!(kept.len() + aside.len(), all);
    assert!(aside.iter().all(|aside| aside.statement.status.clears()));
});

fn finding(id: &str) -> Finding {
    Finding {
        id: id.to_owned(),
        title: String::new(),
        severity: Severity::High,
        severity_source: String::new(),
        kind: FindingKind::Vulnerability(Box::new(Vulnerability { package: 0, ..Vulnerability::default() })),
        locations: Vec::new(),
        position: None,
        remedy: None,
        references: Vec::new(),
    }
}

fn inventory() -> Inventory {
    let package = InstalledPackage {
        package: Package::new(Ecosystem::PyPi, "django", "3.2"),
        locations: vec![Location { path: "x".to_owned(), inside: None, layer: 0 }],
        layer: 0,
        origin: Origin::Unknown,
        owned_by: None,
        file_count: 0,
    };
    Inventory { packages: vec![package], ..Inventory::default() }
}

fn image() -> ImageIdentity {
    ImageIdentity {
        name: "registry.example/acme/shop:1".to_owned(),
        manifest_digest: None,
        index_digest: None,
        config_digest: None,
        platform: "linux/amd64".parse().expect("a platform"),
        created: None,
    }
}
