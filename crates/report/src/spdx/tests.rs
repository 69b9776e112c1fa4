use plimsoll_model::scan::Scan;
use serde_json::Value;

use super::*;
use crate::Style;
use crate::testing::{hostile, scan, written};

fn document(scans: &[Scan]) -> Value {
    serde_json::from_str(&written(&SPDX, scans, Style::default())).unwrap()
}

#[test]
fn packages_are_contained_in_the_image() {
    let document = document(&[scan()]);
    let packages = document["packages"].as_array().unwrap();
    let names: Vec<&str> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["registry.example.org/shop:1", "debian", "zlib1g", "requests"]);
    assert_eq!(packages[2]["licenseDeclared"], "Zlib");
    assert_eq!(packages[2]["supplier"], "Organization: debian");
    assert_eq!(packages[3]["licenseDeclared"], "NOASSERTION");
    assert_eq!(packages[3]["externalRefs"][0]["referenceLocator"], "pkg:pypi/requests@2.19.0");
    let related = document["relationships"].as_array().unwrap();
    let kinds: Vec<&str> = related.iter().map(|r| r["relationshipType"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["DESCRIBES", "CONTAINS", "CONTAINS", "CONTAINS", "DEPENDS_ON"]);
    let ends = (&related[4]["spdxElementId"], &related[4]["relatedSpdxElement"]);
    assert_eq!(ends, (&packages[3]["SPDXID"], &packages[2]["SPDXID"]));
    assert_eq!(document["creationInfo"]["created"], "2026-01-01T00:00:00Z");
}

#[test]
fn licenses_that_spdx_does_not_know_are_told_in_their_words() {
    let mut scan = scan();
    scan.inventory.packages[0].package.licenses =
        vec!["(MIT OR Zlib) AND ISC".into(), "as you like".into(), "MIT".into()];
    scan.inventory.packages[1].package.licenses = vec!["(MIT OR Zlib) AND ISC".into()];
    let document = document(&[scan]);
    let reference = document["hasExtractedLicensingInfos"][0]["licenseId"].as_str().unwrap();
    assert_eq!(document["hasExtractedLicensingInfos"][0]["extractedText"], "as you like");
    let declared = |n: usize| document["packages"][n]["licenseDeclared"].as_str().unwrap();
    assert_eq!(declared(2), format!("((MIT OR Zlib) AND ISC) AND {reference} AND MIT"));
    assert_eq!(declared(3), "(MIT OR Zlib) AND ISC");
}

#[test]
fn hostile_and_empty_scans_are_documents_too() {
    let once = written(&SPDX, &[hostile()], Style::default());
    assert_eq!(once, written(&SPDX, &[hostile()], Style::default()));
    assert!(!once.contains('\u{1b}'));
    assert_eq!(document(&[])["packages"].as_array().unwrap().len(), 1, "the sum of no images");
}
