//! The document keeps to its schema and says what the scan says.

use serde_json::{Value, json};

use super::*;
use crate::Style;
use crate::testing::{HOSTILE, hostile, scan, written};

fn parsed(scans: &[Scan]) -> Value {
    serde_json::from_str(&written(&JSON, scans, Style::default())).unwrap()
}

fn check(document: &Value) {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(document).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
}

/// The scan as `dir:` gives it: nothing is known of layers, nor of a database.
fn bare() -> Scan {
    let mut scan = scan();
    scan.layers.clear();
    scan.owned_files.clear();
    scan.database = None;
    scan.verdict = Verdict::Pass;
    scan.image.manifest_digest = None;
    scan.image.config_digest = None;
    scan
}

#[test]
fn every_document_keeps_to_the_schema() {
    for scans in [vec![scan(), hostile()], vec![bare()], Vec::new()] {
        check(&parsed(&scans));
    }
}

#[test]
fn the_schema_tells_sound_from_unsound() {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    for damage in [
        ("/schemaVersion", json!(1)),
        ("/scans/0/verdict/outcome", Value::Null),
        ("/scans/0/packages", json!({})),
    ] {
        let mut document = parsed(&[scan()]);
        *document.pointer_mut(damage.0).unwrap() = damage.1;
        assert!(!validator.is_valid(&document), "{}", damage.0);
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test may read its environment and its own files")]
fn the_published_schema_is_the_one_of_the_code() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/scan-1.json");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, schema()).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(path).unwrap(),
        schema(),
        "UPDATE=1 cargo test -p plimsoll-report rewrites it"
    );
}

#[test]
fn findings_carry_what_their_kind_has() {
    let document = parsed(&[scan()]);
    let findings = &document["scans"][0]["findings"];
    let vulnerability = &findings[0]["vulnerability"];
    assert_eq!(
        vulnerability["package"],
        json!({ "name": "requests", "version": "2.19.0", "purl": "pkg:pypi/requests@2.19.0" })
    );
    assert_eq!(
        (&vulnerability["status"], &vulnerability["knownExploited"]),
        (&json!("fixed"), &json!("2025-01-02"))
    );
    assert_eq!(vulnerability["matches"][0]["range"], "< 2.20.0");
    assert_eq!(
        findings[1]["secret"],
        json!({ "redacted": "AKIA…", "fingerprint": "ab".repeat(32), "line": 3, "shadowed": true })
    );
    assert_eq!(findings[1]["locations"], json!([{ "path": "/srv/.env", "layer": 1 }]));
    assert_eq!(findings[2]["vulnerability"]["status"], "fix-deferred");
    assert_eq!((&findings[3]["evidence"], &findings[3]["locations"]), (&json!("User is empty"), &json!([])));
    let of_a_kind = |kind: &str| findings.as_array().unwrap().iter().filter(|f| !f[kind].is_null()).count();
    assert_eq!(["vulnerability", "secret", "evidence"].map(of_a_kind), [2, 1, 1]);
    assert_eq!(
        document["scans"][0]["summary"][0],
        json!({ "severity": "critical", "total": 1, "fixable": 1 })
    );
    assert_eq!(
        document["scans"][0]["verdict"],
        json!({ "outcome": "fail", "reasons": ["1 critical finding"] })
    );
}

#[test]
fn packages_carry_layer_source_and_files() {
    let document = parsed(&[scan()]);
    let (image, packages) = (&document["scans"][0]["image"], &document["scans"][0]["packages"]);
    assert_eq!(packages[0]["source"], json!({ "name": "zlib", "version": "1:1.2.13.dfsg-1" }));
    assert_eq!(packages[0]["files"], json!(["/usr/lib/libz.so.1"]));
    assert_eq!(packages[1]["layerDiffId"], image["layers"][1]["diffId"]);
    assert_eq!(packages[1]["createdBy"], "RUN /bin/sh -c pip install requests==2.19.0 # buildkit");
    assert_eq!([&packages[0]["origin"], &packages[1]["origin"]], ["base", "application"]);
}

#[test]
fn a_root_filesystem_has_no_layers() {
    let document = parsed(&[bare()]);
    let package = &document["scans"][0]["packages"][0];
    assert_eq!([&package["layer"], &package["layerDiffId"], &package["createdBy"]], [&Value::Null; 3]);
    assert_eq!(package["locations"], json!([{ "path": "/var/lib/dpkg/status", "layer": null }]));
    assert_eq!(document["scans"][0]["database"], Value::Null);
}

#[test]
fn hostile_text_is_kept_but_escaped() {
    let text = written(&JSON, &[hostile()], Style::default());
    assert!(text.chars().all(|c| c == '\n' || !c.is_ascii_control()));
    assert_eq!(parsed(&[hostile()])["scans"][0]["image"]["name"], HOSTILE);
}
