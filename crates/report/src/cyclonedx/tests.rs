use plimsoll_model::scan::Scan;
use serde_json::Value;

use super::*;
use crate::Style;
use crate::testing::{hostile, scan, written};

const CYCLONEDX: Format = json::<6>("cyclonedx", "");

fn document(scans: &[Scan]) -> Value {
    serde_json::from_str(&written(&CYCLONEDX, scans, Style::default())).unwrap()
}

fn references(document: &Value) -> Vec<&str> {
    let components = document["components"].as_array().unwrap().iter();
    components.map(|component| component["bom-ref"].as_str().unwrap()).collect()
}

#[test]
fn packages_are_components_with_their_places() {
    let document = document(&[scan()]);
    assert_eq!(document["metadata"]["timestamp"], "2026-01-01T00:00:00Z", "when the image was made");
    let zlib = "pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1?arch=amd64&distro=debian-12&upstream=zlib";
    assert_eq!(references(&document), ["os:debian", zlib, "pkg:pypi/requests@2.19.0"]);
    let component = &document["components"][1];
    assert_eq!(component["licenses"][0]["license"]["id"], "Zlib");
    assert_eq!(component["evidence"]["occurrences"][0]["location"], "/var/lib/dpkg/status");
    assert_eq!(document["dependencies"][0]["dependsOn"].as_array().unwrap().len(), 3);
    let needs = serde_json::json!({ "ref": "pkg:pypi/requests@2.19.0", "dependsOn": [zlib] });
    assert_eq!(document["dependencies"][1], needs);
    assert_eq!(document["compositions"][0]["aggregate"], "complete");
}

#[test]
fn a_vulnerability_names_what_it_affects_and_what_was_said_of_it() {
    let document = document(&[scan()]);
    let found = document["vulnerabilities"].as_array().unwrap();
    let all = references(&document);
    assert!(!found.is_empty());
    for vulnerability in found {
        let affected = vulnerability["affects"][0]["ref"].as_str().unwrap();
        assert!(all.contains(&affected), "{affected}");
        let is_aside = vulnerability["affects"][0]["versions"][0]["status"] == "unaffected";
        assert_eq!(vulnerability.get("analysis").is_some(), is_aside);
    }
    assert!(found.iter().any(|vulnerability| vulnerability["analysis"]["state"] == "not_affected"));
}

#[test]
fn several_platforms_are_nested_and_every_reference_is_unique() {
    let document = document(&[scan(), scan()]);
    assert_eq!(references(&document).len(), 2);
    let mut all = vec!["index"];
    for image in document["components"].as_array().unwrap() {
        all.push(image["bom-ref"].as_str().unwrap());
        let inner = image["components"].as_array().unwrap().iter();
        all.extend(inner.map(|component| component["bom-ref"].as_str().unwrap()));
    }
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!((count, all.len()), (9, 9));
}

#[test]
fn hostile_and_empty_scans_are_documents_too() {
    let once = written(&CYCLONEDX, &[hostile()], Style::default());
    assert_eq!(once, written(&CYCLONEDX, &[hostile()], Style::default()));
    assert!(!once.contains('\u{1b}'));
    let other = written(&CYCLONEDX, &[scan()], Style::default());
    let serial = |text: &str| serde_json::from_str::<Value>(text).unwrap()["serialNumber"].clone();
    assert_ne!(serial(&once), serial(&other), "other content, other number");
    assert_eq!(document(&[])["components"], serde_json::json!([]));
}

#[test]
fn relations_that_are_told_as_others_are_named() {
    let part = |reference: &str, kind| Part { reference: reference.into(), kind, ..Part::default() };
    let kinds = [PartKind::Container, PartKind::Library, PartKind::Application];
    let mut bill = Bill { subject: Some(0), ..Bill::default() };
    bill.parts.extend(kinds.into_iter().enumerate().map(|(index, kind)| part(&index.to_string(), kind)));
    bill.relate(0, RelationKind::Contains, 1);
    bill.relate(1, RelationKind::DependsOn, 2);
    assert_eq!(cannot_hold::<6, false>(&bill), Vec::<String>::new());
    bill.relate(0, RelationKind::DependsOn, 1);
    bill.relate(1, RelationKind::Owns, 2);
    bill.relate(2, RelationKind::Contains, 1);
    assert_eq!(
        cannot_hold::<6, false>(&bill),
        [
            "1 relations of packages to what they own",
            "1 relations to contents, written as dependencies",
            "1 dependencies of images, written as their contents",
        ]
    );
    let owner = ("plimsoll:ownedBy".to_owned(), "1".to_owned());
    bill.parts[2].properties.push(owner);
    assert_eq!(cannot_hold::<6, false>(&bill).len(), 2);
}
