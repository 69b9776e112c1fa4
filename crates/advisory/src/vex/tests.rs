//! Statements against findings of a small image, and documents that make no sense.

use plimsoll_model::digest::{BlobDigest, Digest};
use plimsoll_model::finding::{FindingKind, Vulnerability};
use plimsoll_model::inventory::{InstalledPackage, Location, Origin};
use plimsoll_model::package::{Ecosystem, Package};
use plimsoll_model::severity::Severity;
use plimsoll_model::vex::VexStatus;

use super::*;

const IMAGE: &str = "registry.example:5000/acme/shop:1.4";

pub(super) fn inventory() -> Inventory {
    let installed = |name: &str, version: &str| InstalledPackage {
        package: Package::new(Ecosystem::PyPi, name, version),
        locations: vec![Location { path: "x".into(), inside: None, layer: 0 }],
        layer: 0,
        origin: Origin::Unknown,
        owned_by: None,
        file_count: 0,
    };
    Inventory {
        packages: vec![installed("django", "3.2"), installed("flask", "1.0")],
        ..Inventory::default()
    }
}

pub(super) fn image() -> ImageIdentity {
    ImageIdentity {
        name: IMAGE.into(),
        manifest_digest: Some(BlobDigest(Digest::of(b"manifest"))),
        index_digest: None,
        config_digest: None,
        platform: "linux/amd64".parse().unwrap(),
        created: None,
    }
}

pub(super) fn findings() -> Vec<Finding> {
    let finding = |id: &str, package: u32| Finding {
        id: id.into(),
        title: String::new(),
        severity: Severity::High,
        severity_source: String::new(),
        kind: FindingKind::Vulnerability(Box::new(Vulnerability {
            package,
            aliases: vec![format!("GHSA-{id}")],
            ..Vulnerability::default()
        })),
        locations: Vec::new(),
        position: None,
        remedy: None,
        references: Vec::new(),
    };
    vec![finding("CVE-2024-0001", 0), finding("CVE-2024-0001", 1), finding("CVE-2024-0002", 0)]
}

/// The places of the findings that a document sets aside.
pub(super) fn set_aside(document: &str) -> Vec<usize> {
    let statements = parse(document.as_bytes(), "doc.json").unwrap();
    let all = findings();
    let (kept, aside) = apply(&statements, all.clone(), &inventory(), &image());
    assert_eq!(kept.len() + aside.len(), all.len());
    all.iter().enumerate().filter(|(_, finding)| !kept.contains(finding)).map(|(place, _)| place).collect()
}

fn openvex(statements: &str) -> String {
    format!(
        r#"{{"@context":"https://openvex.dev/ns/v0.2.0","@id":"x","author":"Acme","timestamp":"2024-01-01T00:00:00Z",
        "version":1,"statements":[{statements}]}}"#
    )
}

fn statement(vulnerability: &str, product: &str, status: &str) -> String {
    format!(
        r#"{{"vulnerability":{vulnerability},"products":[{product}],"status":"{status}","justification":"component_not_present"}}"#
    )
}

#[test]
fn a_statement_on_a_package_clears_that_package_alone() {
    let cve = r#"{"name":"CVE-2024-0001"}"#;
    let of = |product: &str| set_aside(&openvex(&statement(cve, product, "not_affected")));
    assert_eq!(of(r#"{"@id":"pkg:pypi/django"}"#), [0]);
    assert_eq!(of(r#"{"@id":"pkg:pypi/django@3.2"}"#), [0]);
    assert_eq!(of(r#"{"@id":"pkg:pypi/django@3.3"}"#), [0; 0]);
    assert_eq!(of(r#"{"@id":"pkg:npm/django"}"#), [0; 0]);
    assert_eq!(of(r#"{"@id":"urn:x","identifiers":{"purl":"pkg:pypi/flask"}}"#), [1]);
    assert_eq!(of(r#""pkg:pypi/flask@1.0""#), [1], "as version 0.0.1 has it");
    let ghsa = r#"{"name":"x","aliases":["ghsa-cve-2024-0002"]}"#;
    assert_eq!(set_aside(&openvex(&statement(ghsa, r#""pkg:pypi/django""#, "fixed"))), [2]);
}

#[test]
fn a_statement_on_the_image_clears_what_it_names_inside() {
    let cve = r#"{"name":"CVE-2024-0001"}"#;
    let of = |product: &str| set_aside(&openvex(&statement(cve, product, "not_affected")));
    let digest = Digest::of(b"manifest").to_string().replace(':', "%3A");
    assert_eq!(of(&format!(r#"{{"@id":"pkg:oci/shop@{digest}"}}"#)), [0, 1]);
    let other = Digest::of(b"other").to_string().replace(':', "%3A");
    assert_eq!(of(&format!(r#"{{"@id":"pkg:oci/shop@{other}"}}"#)), [0; 0]);
    assert_eq!(of(r#"{"@id":"pkg:oci/shop","subcomponents":[{"@id":"pkg:pypi/flask"}]}"#), [1]);
    assert_eq!(of(r#"{"@id":"pkg:oci/shop@1.5"}"#), [0; 0]);
    assert_eq!(of(r#"{"@id":"pkg:oci/other"}"#), [0; 0]);
    assert_eq!(of(r#"{"@id":"pkg:oci/shop?repository_url=registry.example:5000/acme/shop"}"#), [0, 1]);
    assert_eq!(of(r#"{"@id":"pkg:oci/shop?repository_url=registry.example:5000%2Facme&tag=1.4"}"#), [0, 1]);
    assert_eq!(of(r#"{"@id":"pkg:oci/shop?repository_url=registry.example:5000/evil/shop"}"#), [0; 0]);
    assert_eq!(of(r#"{"@id":"pkg:oci/shop?repository_url=ghcr.io/acme/shop"}"#), [0; 0]);
    assert_eq!(of(r#"{"@id":"pkg:oci/shop?tag=1.5"}"#), [0; 0]);
}

#[test]
fn the_last_statement_holds_and_only_two_words_clear() {
    let cve = r#"{"name":"CVE-2024-0001"}"#;
    let django = r#""pkg:pypi/django""#;
    let said = |words: &[&str]| {
        let all: Vec<String> = words.iter().map(|word| statement(cve, django, word)).collect();
        set_aside(&openvex(&all.join(",")))
    };
    assert_eq!(said(&["not_affected", "affected"]), [0; 0]);
    assert_eq!(said(&["affected", "not_affected"]), [0]);
    assert_eq!(said(&["under_investigation"]), [0; 0]);
    assert_eq!(said(&["fixed"]), [0]);
}

#[test]
fn cyclonedx_points_at_components_in_three_ways() {
    let of = |reference: &str, state: &str| {
        set_aside(&format!(
            r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{{"bom-ref":"a","components":[{{"bom-ref":"b","purl":"pkg:pypi/flask@1.0"}}]}}],
            "vulnerabilities":[{{"id":"CVE-2024-0001","analysis":{{"state":"{state}","justification":"code_not_reachable"}},"affects":[{{"ref":"{reference}"}}]}},
            {{"id":"CVE-2024-0002","affects":[{{"ref":"b"}}]}}]}}"#
        ))
    };
    assert_eq!(of("b", "not_affected"), [1]);
    assert_eq!(of("pkg:pypi/django@3.2", "false_positive"), [0]);
    assert_eq!(of("urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#pkg%3Apypi/django@3.2", "resolved"), [0]);
    assert_eq!(of("b", "exploitable"), [0; 0]);
    assert_eq!(of("b", "in_triage"), [0; 0]);
}

#[test]
fn a_document_that_makes_no_sense_is_refused_as_a_whole() {
    let cve = r#"{"name":"CVE-2024-0001"}"#;
    let good = statement(cve, r#""pkg:pypi/django""#, "not_affected");
    for (document, words) in [
        ("".to_owned(), "malformed"),
        ("[]".to_owned(), "it is no OpenVEX, CycloneDX or CSAF document"),
        (openvex(&format!("{good},{}", statement(cve, r#""no purl""#, "fixed"))), "statement 2: \"no purl\" is no package URL"),
        (openvex(&statement(cve, r#""pkg:pypi/django""#, "harmless")), "status \"harmless\" is not one of"),
        (openvex(&statement("{}", r#""pkg:pypi/django""#, "fixed")), "it names no vulnerability"),
        (openvex(&format!(r#"{{"vulnerability":{cve},"status":"fixed"}}"#)), "it names no product"),
        (openvex("7"), "malformed"),
        (r#"{"bomFormat":"CycloneDX","vulnerabilities":[{"id":"x","analysis":{"state":"fine"},"affects":[{"ref":"pkg:pypi/x"}]}]}"#.to_owned(), "state \"fine\" is not known"),
        (r#"{"bomFormat":"CycloneDX","vulnerabilities":[{"id":"x","analysis":{"state":"resolved"}}]}"#.to_owned(), "it affects nothing"),
        (r#"{"bomFormat":"CycloneDX","vulnerabilities":[{"id":"x","analysis":{"state":"resolved"},"affects":[{"ref":"gone"}]}]}"#.to_owned(), "is no package URL"),
        (format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)), "malformed"),
    ] {
        let error = parse(document.as_bytes(), "x").unwrap_err().to_string();
        assert!(error.contains(words), "{error} for {words}");
    }
    assert_eq!(VexStatus::UnderInvestigation.as_str(), "under-investigation");
}

#[test]
fn a_package_in_another_is_meant_where_both_are_in_the_same_file() {
    let cve = r#"{"name":"CVE-2024-0001"}"#;
    let of = |product: &str| set_aside(&openvex(&statement(cve, product, "not_affected")));
    let inside = r#"{"@id":"pkg:pypi/django","subcomponents":[{"@id":"pkg:pypi/flask@1.0"}]}"#;
    assert_eq!(of(inside), [1], "the inventory has both in the file x");
    let absent = r#"{"@id":"pkg:pypi/absent","subcomponents":[{"@id":"pkg:pypi/flask@1.0"}]}"#;
    assert_eq!(of(absent), [0; 0]);
    let document = openvex(&statement(cve, inside, "not_affected"));
    let statements = parse(document.as_bytes(), "x").unwrap();
    let mut apart = inventory();
    apart.packages[0].locations[0].path = "y".into();
    assert_eq!(apply(&statements, findings(), &apart, &image()).1, []);
}

#[test]
fn the_package_url_of_an_image_is_understood() {
    let digest = BlobDigest(Digest::of(b"manifest"));
    let purl = image_purl("shop", Some("registry.example:5000/acme/shop"), digest);
    assert_eq!(
        purl,
        format!(
            "pkg:oci/shop@sha256%3A{}?repository_url=registry.example%3A5000%2Facme%2Fshop",
            digest.0.hex()
        )
    );
    let cve = r#"{"name":"CVE-2024-0001"}"#;
    let of = |product: &str| set_aside(&openvex(&statement(cve, product, "not_affected")));
    assert_eq!(of(&format!("{purl:?}")), [0, 1]);
    assert_eq!(image_purl("../x y", None, digest), format!("pkg:oci/image@sha256%3A{}", digest.0.hex()));
    assert!(is_purl(&purl) && !is_purl("shop"));
}
