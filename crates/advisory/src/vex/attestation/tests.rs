//! Attestations in their three forms.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_model::digest::{BlobDigest, Digest};
use serde_json::{Value, json};

use super::{SUBJECT_LIMIT, unwrap};
use crate::vex::tests::set_aside;
use crate::vex::{VexError, parse, parse_about};

fn predicate(products: &Value) -> Value {
    let mut statement = json!({ "vulnerability": { "name": "CVE-2024-0001" }, "status": "not_affected" });
    if !products.is_null() {
        statement["products"] = products.clone();
    }
    json!({ "@context": "https://openvex.dev/ns/v0.2.0", "author": "Acme", "statements": [statement] })
}

fn statement(subject: &str, kind: &str, predicate: &Value) -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v0.1", "predicateType": kind, "predicate": predicate,
        "subject": [{ "name": "registry.example/acme/shop", "digest": { "sha256": subject } }],
    })
}

fn envelope(statement: &Value) -> Value {
    json!({
        "payloadType": "application/vnd.in-toto+json", "payload": STANDARD.encode(statement.to_string()),
        "signatures": [{ "sig": "AA==" }],
    })
}

const OPENVEX: &str = "https://openvex.dev/ns/v0.2.0";

#[test]
fn a_statement_without_products_is_about_the_attestations_subject() {
    let ours = Digest::of(b"manifest").hex();
    let bare = statement(&ours, OPENVEX, &predicate(&Value::Null));
    let bundle = json!({ "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "dsseEnvelope": envelope(&bare) });
    for form in [&bare, &envelope(&bare), &bundle] {
        assert_eq!(set_aside(&form.to_string()), [0, 1], "{form}");
    }
    let other = statement(&Digest::of(b"other").hex(), OPENVEX, &predicate(&Value::Null));
    assert_eq!(set_aside(&envelope(&other).to_string()), [0; 0]);
    let narrow = statement(&ours, OPENVEX, &predicate(&json!([{ "@id": "pkg:pypi/flask" }])));
    assert_eq!(set_aside(&envelope(&narrow).to_string()), [1]);
    let cyclonedx = json!({ "bomFormat": "CycloneDX", "vulnerabilities": [{ "id": "CVE-2024-0001",
        "analysis": { "state": "not_affected" }, "affects": [{ "ref": "pkg:pypi/django@3.2" }] }] });
    let attested = statement(&ours, "https://cyclonedx.org/bom", &cyclonedx);
    assert_eq!(set_aside(&envelope(&attested).to_string()), [0]);
}

#[test]
fn what_attests_something_else_or_is_broken_is_told() {
    let told = |value: &Value| parse(value.to_string().as_bytes(), "x").unwrap_err();
    let provenance = statement("ab", "https://slsa.dev/provenance/v1", &json!({}));
    assert!(matches!(told(&envelope(&provenance)), VexError::Predicate(kind) if kind.contains("slsa")));
    let mut foreign = envelope(&provenance);
    foreign["payloadType"] = json!("text/plain");
    assert!(matches!(told(&foreign), VexError::Predicate(_)));
    foreign["payloadType"] = json!("application/vnd.in-toto+json");
    foreign["payload"] = json!("no base64 !");
    assert!(matches!(told(&foreign), VexError::Envelope(_)));
    foreign["payload"] = json!(7);
    assert!(matches!(told(&foreign), VexError::Json(_)));
    let nested = envelope(&envelope(&provenance));
    assert!(matches!(told(&nested), VexError::Json(_)), "an envelope in an envelope");
    let mut crowded = statement("ab", OPENVEX, &predicate(&Value::Null));
    crowded["subject"] = json!(vec![json!({ "name": "x" }); 1_001]);
    assert!(told(&crowded).to_string().contains("too many subjects"));
    let unnamed = statement("no digest", OPENVEX, &predicate(&Value::Null));
    assert!(told(&unnamed).to_string().contains("it names no product"));
}

#[test]
fn products_from_around_a_document_are_bounded() {
    let statements = vec![json!({ "vulnerability": { "name": "CVE-2024-0001" }, "status": "fixed" }); 300];
    let document = json!({ "@context": OPENVEX, "statements": statements }).to_string();
    let around = vec![plimsoll_model::vex::Product::of("pkg:oci/x"); 1_000];
    assert!(matches!(parse_about(document.as_bytes(), "x", &around), Err(VexError::TooMany("products"))));
    assert_eq!(parse_about(document.as_bytes(), "x", &around[..2]).unwrap()[0].products.len(), 2);
}

#[test]
fn what_is_around_a_statement_is_taken_off_whatever_it_attests() {
    let ours = Digest::of(b"manifest").hex();
    let bare = statement(&ours, "https://spdx.dev/Document", &json!({ "spdxVersion": "SPDX-2.3" }));
    let bundle = json!({ "dsseEnvelope": envelope(&bare), "verificationMaterial": {} });
    for form in [&bare, &envelope(&bare), &bundle] {
        let text = form.to_string();
        let unwrapped = unwrap(text.as_bytes()).unwrap().unwrap();
        assert_eq!(unwrapped.predicate_type, "https://spdx.dev/Document");
        assert_eq!(unwrapped.subjects, [BlobDigest(Digest::of(b"manifest"))]);
        assert_eq!(serde_json::from_slice::<Value>(&unwrapped.statement).unwrap(), bare);
    }
    assert!(unwrap(br#"{"bomFormat":"CycloneDX"}"#).unwrap().is_none());
    let inside_out = envelope(&envelope(&bare));
    let crowd = json!({ "_type": "https://in-toto.io/Statement/v1", "predicateType": "x",
        "subject": vec![json!({}); SUBJECT_LIMIT + 1] });
    let mut no_base64 = envelope(&bare);
    no_base64["payload"] = json!("%");
    for hostile in [inside_out, crowd, no_base64, json!([]), json!({ "dsseEnvelope": {} })] {
        assert!(unwrap(hostile.to_string().as_bytes()).is_err(), "{hostile}");
    }
}
