//! CSAF documents on the packages of a small image and of a release of a distribution, and such that make no sense.

use plimsoll_model::distribution::Distribution;
use plimsoll_model::package::{Ecosystem, Package, SourcePackage};
use plimsoll_model::vex::VexStatus;
use serde_json::{Value, json};

use crate::vex::tests::{findings, image, inventory, set_aside};
use crate::vex::{VexError, apply, parse};

fn document(tree: &Value, vulnerabilities: &Value) -> String {
    json!({
        "document": {
            "category": "csaf_vex", "csaf_version": "2.0", "title": "x",
            "publisher": { "category": "vendor", "name": "Acme", "namespace": "https://acme.example" },
            "tracking": { "id": "ACME-1", "version": "1" },
        },
        "product_tree": tree, "vulnerabilities": vulnerabilities,
    })
    .to_string()
}

/// A tree of plain products with package URLs, on branches of a category.
fn plain(products: &[(&str, &str, &str, &str)]) -> Value {
    let branches: Vec<Value> = products
        .iter()
        .map(|(id, category, name, purl)| {
            json!({ "category": category, "name": name, "product": {
                "product_id": id, "name": id, "product_identification_helper": { "purl": purl },
            } })
        })
        .collect();
    json!({ "branches": [{ "category": "vendor", "name": "Acme", "branches": branches }] })
}

fn on_django(status: &str, more: Value) -> Value {
    let mut vulnerability = json!({ "cve": "CVE-2024-0001", "product_status": { status: ["d"] } });
    vulnerability.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!([vulnerability])
}

const DJANGO: (&str, &str, &str, &str) = ("d", "product_version", "3.2", "pkg:pypi/django@3.2");

#[test]
fn each_status_says_what_the_standard_means() {
    let of = |status: &str| set_aside(&document(&plain(&[DJANGO]), &on_django(status, json!({}))));
    for status in ["known_not_affected", "fixed", "first_fixed"] {
        assert_eq!(of(status), [0], "{status}");
    }
    for status in ["known_affected", "first_affected", "last_affected", "under_investigation", "recommended"]
    {
        assert_eq!(of(status), [0; 0], "{status}");
    }
    let by_alias = json!([{ "ids": [{ "system_name": "GitHub", "text": "GHSA-CVE-2024-0002" }],
        "product_status": { "fixed": ["d"] } }]);
    assert_eq!(set_aside(&document(&plain(&[DJANGO]), &by_alias)), [2]);
    let both = json!([{ "cve": "CVE-2024-0001",
        "product_status": { "known_not_affected": ["d"], "known_affected": ["d"] } }]);
    assert_eq!(set_aside(&document(&plain(&[DJANGO]), &both)), [0; 0], "affected has the last word");
}

#[test]
fn flags_and_threats_tell_why_also_by_group() {
    let why = |more: Value| {
        let mut tree = plain(&[DJANGO]);
        tree["product_groups"] = json!([{ "group_id": "g", "product_ids": ["d"] }]);
        let text = document(&tree, &on_django("known_not_affected", more));
        let statement = parse(text.as_bytes(), "x.json").unwrap().remove(0);
        assert_eq!((statement.document.as_str(), statement.author.as_deref()), ("x.json", Some("Acme")));
        (statement.justification.unwrap_or_default(), statement.impact.unwrap_or_default())
    };
    let flag = |of: Value| {
        let mut flag = json!({ "label": "vulnerable_code_not_present" });
        flag.as_object_mut().unwrap().extend(of.as_object().unwrap().clone());
        json!({ "flags": [flag] })
    };
    let present = ("vulnerable_code_not_present".to_owned(), String::new());
    assert_eq!(why(flag(json!({ "product_ids": ["d"] }))), present);
    assert_eq!(why(flag(json!({ "group_ids": ["g"] }))), present);
    assert_eq!(why(flag(json!({}))), present);
    assert_eq!(why(flag(json!({ "product_ids": ["other"] }))), <(String, String)>::default());
    assert_eq!(why(flag(json!({ "group_ids": ["other"] }))), <(String, String)>::default());
    let threats = json!({ "threats": [
        { "category": "exploit_status", "details": "none" },
        { "category": "impact", "details": "It is never called.", "product_ids": ["d"] },
    ] });
    assert_eq!(why(threats), (String::new(), "It is never called.".to_owned()));
}

#[test]
fn a_product_without_its_version_is_not_taken_for_all_versions() {
    let of = |category: &str, name: &str| {
        let tree = plain(&[("d", category, name, "pkg:pypi/django")]);
        let text = document(&tree, &on_django("fixed", json!({})));
        parse(text.as_bytes(), "x").map(|_| set_aside(&text))
    };
    assert_eq!(of("product_version", "3.2").unwrap(), [0]);
    assert_eq!(of("product_version", "3.3").unwrap(), [0; 0]);
    assert_eq!(of("product_name", "Django").unwrap(), [0], "that one means all");
    assert!(matches!(of("product_version_range", "vers:pypi/<3.2"), Err(VexError::NoProduct)));
}

/// A package in something that has a package URL of its own.
fn in_whole(whole: &str) -> String {
    let mut tree = plain(&[DJANGO, ("w", "product_name", "whole", whole)]);
    tree["relationships"] = json!([{
        "category": "default_component_of", "product_reference": "d", "relates_to_product_reference": "w",
        "full_product_name": { "product_id": "d in w", "name": "d in w" },
    }]);
    let vulnerabilities =
        json!([{ "cve": "CVE-2024-0001", "product_status": { "known_not_affected": ["d in w"] } }]);
    document(&tree, &vulnerabilities)
}

#[test]
fn a_package_in_an_image_is_meant_in_that_image_alone() {
    assert_eq!(set_aside(&in_whole("pkg:oci/shop")), [0]);
    assert_eq!(set_aside(&in_whole("pkg:oci/other")), [0; 0]);
    assert_eq!(set_aside(&in_whole("pkg:maven/acme/app@1")), [0; 0]);
}

/// What a document on an rpm of Red Hat Enterprise Linux 9 sets aside in an image of `release` with openssl-libs.
fn on_rpm(release: &str, component: &Value, status: &str) -> usize {
    let tree = json!({
        "branches": [
            { "category": "product_name", "name": "RHEL", "product": { "product_id": "AppStream-9", "name": "RHEL",
                "product_identification_helper": { "cpe": "cpe:/a:redhat:enterprise_linux:9::appstream" } } },
            { "category": "product_version", "name": component["product_id"], "product": component },
        ],
        "relationships": [{
            "category": "default_component_of", "product_reference": component["product_id"],
            "relates_to_product_reference": "AppStream-9",
            "full_product_name": { "product_id": "both", "name": "both" },
        }],
    });
    let vulnerabilities = json!([{ "cve": "CVE-2024-0001", "product_status": { status: ["both"] } }]);
    let statements = parse(document(&tree, &vulnerabilities).as_bytes(), "x").unwrap();
    let mut inventory = inventory();
    let version_id = Some(release.to_owned());
    inventory.distribution = Some(Distribution { id: "rhel".into(), version_id, ..Distribution::default() });
    let mut package = Package::new(Ecosystem::Rpm, "openssl-libs", "1:3.0.7-27.el9");
    package.source = Some(SourcePackage { name: "openssl".into(), version: "3.0.7-27.el9".into() });
    inventory.packages[0].package = package;
    apply(&statements, findings(), &inventory, &image()).1.len()
}

#[test]
fn a_package_of_a_release_is_meant_in_that_release_alone() {
    let with = |id: &str, purl: &str| json!({ "product_id": id, "name": id, "product_identification_helper": { "purl": purl } });
    let binary = with("a", "pkg:rpm/redhat/openssl-libs@3.0.7-27.el9?arch=x86_64&epoch=1");
    assert_eq!(on_rpm("9.4", &binary, "fixed"), 1);
    assert_eq!(on_rpm("8.4", &binary, "fixed"), 0);
    let other = with("a", "pkg:rpm/redhat/openssl-libs@3.0.7-28.el9?arch=x86_64&epoch=1");
    assert_eq!(on_rpm("9.4", &other, "fixed"), 0);
    let source = with("openssl", "pkg:rpm/redhat/openssl?arch=src");
    assert_eq!(on_rpm("9.4", &source, "known_not_affected"), 1);
    assert_eq!(on_rpm("8.4", &source, "known_not_affected"), 0);
    assert_eq!(on_rpm("9.4", &source, "known_affected"), 0);
    let bare = json!({ "product_id": "openssl-libs-1:3.0.7-27.el9.x86_64", "name": "x" });
    assert_eq!(on_rpm("9.4", &bare, "fixed"), 1);
    let module = with("a", "pkg:rpm/redhat/openssl-libs?rpmmod=openssl:3:920:x");
    assert_eq!(on_rpm("9.4", &module, "known_not_affected"), 0, "the image's package is of no module");
}

#[test]
fn circles_and_wrong_types_end() {
    let mut circle = plain(&[DJANGO]);
    let relationship = |id: &str, part: &str, whole: &str| {
        json!({ "category": "default_component_of", "product_reference": part,
            "relates_to_product_reference": whole, "full_product_name": { "product_id": id, "name": id } })
    };
    circle["relationships"] =
        json!([relationship("a", "a", "a"), relationship("b", "d", "c"), relationship("c", "d", "b")]);
    let all =
        json!([{ "cve": "CVE-2024-0001", "product_status": { "fixed": ["a", "b", "c", "d", "gone"] } }]);
    assert_eq!(set_aside(&document(&circle, &all)), [0], "what is not in a circle is understood");
    for (tree, vulnerabilities) in [
        (json!(7), json!([])),
        (json!({ "branches": [{ "product": 7 }] }), json!([])),
        (json!({ "relationships": {} }), json!([])),
        (json!({}), json!([{ "product_status": [] }])),
        (json!({}), json!([{ "product_status": { "fixed": "d" } }])),
        (json!({}), json!([{ "cve": {} }])),
        (json!({}), json!({})),
    ] {
        let error = parse(document(&tree, &vulnerabilities).as_bytes(), "x").unwrap_err();
        assert!(matches!(error, VexError::Json(_)), "{error}");
    }
    assert!(parse(document(&json!(null), &json!(null)).as_bytes(), "x").unwrap().is_empty());
    let groups: Vec<Value> =
        (0..101).map(|n| json!({ "group_id": n.to_string(), "product_ids": ["d"] })).collect();
    let error =
        parse(document(&json!({ "product_groups": groups }), &json!([])).as_bytes(), "x").unwrap_err();
    assert!(error.to_string().contains("groups of one product"), "{error}");
    let many: Vec<String> = (0..200_001).map(|n| n.to_string()).collect();
    let many = json!([{ "cve": "CVE-2024-0001", "product_status": { "fixed": many } }]);
    assert!(matches!(parse(document(&json!({}), &many).as_bytes(), "x"), Err(VexError::TooMany(_))));
    assert_eq!(VexStatus::Fixed.as_str(), "fixed");
}
