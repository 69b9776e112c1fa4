//! What is written keeps to the rules of the format's JSON schema, which stand here as assertions.

use super::*;

const MADE: &str = "2026-09-01T00:00:00Z";

fn head() -> Head<'static> {
    Head { author: "Acme", id: None, made: MADE.parse().unwrap(), version: "1.2.3" }
}

fn entry(status: VexStatus, why: Option<Why>) -> Entry {
    Entry {
        vulnerability: "CVE-2024-0001".into(),
        aliases: vec!["GHSA-x".into()],
        products: vec![Product {
            subcomponents: vec!["pkg:pypi/django@3.2".into()],
            ..Product::of("pkg:oci/shop@sha256%3Aab")
        }],
        status,
        why,
    }
}

fn cleared() -> Entry {
    entry(VexStatus::NotAffected, Some(Why::Justification("component_not_present".into())))
}

/// The keys of an object, all of them allowed, and those required there.
fn keys(value: &Value, allowed: &[&str], required: &[&str]) {
    let map = value.as_object().unwrap_or_else(|| panic!("{value} is no object"));
    assert!(map.keys().all(|key| allowed.contains(&key.as_str())), "{value}");
    assert!(required.iter().all(|key| map.contains_key(*key)), "{value}");
}

fn component(value: &Value, more: &[&str]) {
    keys(value, &[&["@id", "identifiers", "hashes"], more].concat(), &[]);
    keys(&value["identifiers"], &["purl", "@cpe22", "@cpe23"], &[]);
    assert!(value["@id"].is_string());
}

/// The rules of `openvex_json_schema_0.2.0.json`.
fn check(document: &Value) {
    let required = ["@context", "@id", "author", "timestamp", "version", "statements"];
    keys(document, &[&required[..], &["role", "last_updated", "tooling"]].concat(), &required);
    assert!(document["version"].as_u64().unwrap() >= 1);
    assert!(document["timestamp"].as_str().unwrap().parse::<Timestamp>().is_ok());
    assert!(document["@id"].as_str().unwrap().contains(':'));
    let statements = document["statements"].as_array().unwrap();
    assert!(!statements.is_empty());
    for (place, statement) in statements.iter().enumerate() {
        assert!(!statements[..place].contains(statement), "items are unique");
        let allowed = [
            "@id",
            "version",
            "vulnerability",
            "timestamp",
            "last_updated",
            "products",
            "status",
            "supplier",
            "status_notes",
            "justification",
            "impact_statement",
            "action_statement",
            "action_statement_timestamp",
        ];
        keys(statement, &allowed, &["vulnerability", "status"]);
        keys(&statement["vulnerability"], &["@id", "name", "description", "aliases"], &["name"]);
        let status = statement["status"].as_str().unwrap();
        assert!(["not_affected", "affected", "fixed", "under_investigation"].contains(&status));
        let has = |key: &str| statement.get(key).is_some();
        assert!(status != "not_affected" || has("justification") != has("impact_statement"));
        assert!(status != "affected" || has("action_statement"));
        for product in statement["products"].as_array().unwrap() {
            component(product, &["subcomponents"]);
            for part in product["subcomponents"].as_array().into_iter().flatten() {
                component(part, &[]);
            }
        }
    }
}

#[test]
fn documents_keep_to_the_schema_and_are_the_same_each_time() {
    let entries = [
        cleared(),
        entry(VexStatus::NotAffected, Some(Why::Impact("It is never called.".into()))),
        entry(VexStatus::Affected, Some(Why::Action("Wait.".into()))),
        entry(VexStatus::Fixed, None),
        entry(VexStatus::UnderInvestigation, None),
    ];
    let document = create(&entries, &head()).unwrap();
    check(&document);
    assert_eq!(document, create(&entries, &head()).unwrap());
    assert!(document["@id"].as_str().unwrap().starts_with(PUBLIC));
    assert_ne!(document["@id"], create(&entries[..1], &head()).unwrap()["@id"]);
    let own = Head { id: Some("https://acme.example/vex/1"), ..head() };
    assert_eq!(create(&entries, &own).unwrap()["@id"], "https://acme.example/vex/1");
}

#[test]
fn a_further_version_keeps_what_was_said() {
    let mut first = create(&[cleared()], &head()).unwrap();
    first["role"] = json!("Maker");
    let later = "2026-09-02T00:00:00Z".parse().unwrap();
    let second = add(first.clone(), &[cleared()], later).unwrap();
    check(&second);
    assert_eq!((&second["version"], &second["role"]), (&json!(2), &json!("Maker")));
    assert_eq!((&second["@id"], &second["timestamp"]), (&first["@id"], &first["timestamp"]));
    assert_eq!(second["statements"][0], first["statements"][0]);
    assert_eq!(second["statements"][1]["timestamp"], "2026-09-02T00:00:00Z");
    let again = add(second, &[cleared()], later).unwrap_err();
    assert_eq!(again, OpenVexError::Twice("CVE-2024-0001".into()));
    for other in [json!([]), json!({ "@context": "https://openvex.dev/ns" }), json!({ "@context": CONTEXT })]
    {
        assert!(matches!(add(other, &[cleared()], later), Err(OpenVexError::NotOurs(_))));
    }
}

#[test]
fn what_a_status_needs_is_asked_for() {
    let refused = |status, why| create(&[entry(status, why)], &head()).unwrap_err().to_string();
    assert_eq!(
        refused(VexStatus::NotAffected, None),
        "a statement that CVE-2024-0001 is not_affected needs a justification or its impact"
    );
    assert!(refused(VexStatus::Affected, None).ends_with("needs an action"));
    let word = refused(VexStatus::NotAffected, Some(Why::Justification("none".into())));
    assert!(word.contains("vulnerable_code_not_present"), "{word}");
    assert_eq!(
        refused(VexStatus::Fixed, Some(Why::Action("x".into()))),
        "an action does not go with the status fixed"
    );
    assert_eq!(create(&[], &head()), Err(OpenVexError::Empty));
    assert_eq!(create(&[cleared(), cleared()], &head()), Err(OpenVexError::Twice("CVE-2024-0001".into())));
}
