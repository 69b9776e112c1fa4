//! Bases found, and mistaken for one.

use plimsoll_model::digest::{BlobDigest, Digest};

use super::*;

fn layer(name: &str) -> DiffId {
    DiffId(Digest::of(name.as_bytes()))
}

fn base(name: &str, created: &str, layers: &[&str]) -> Base {
    Base {
        name: name.to_owned(),
        digest: Some(BlobDigest(Digest::of(format!("{name}{created}").as_bytes()))),
        platform: "linux/amd64".parse().unwrap(),
        created: Some(created.to_owned()),
        layers: layers.iter().map(|name| layer(name)).collect(),
    }
}

fn known() -> Vec<Base> {
    vec![
        base("debian:12", "2026-01-01T00:00:00Z", &["d1"]),
        base("debian:12", "2026-02-01T00:00:00Z", &["d2"]),
        base("debian:12", "2026-03-01T12:00:00Z", &["d3"]),
        base("python:3.12", "2026-01-02T00:00:00Z", &["d1", "p"]),
        base("acme/python:1", "2026-01-03T00:00:00Z", &["d1", "p"]),
        Base {
            platform: "linux/arm64".parse().unwrap(),
            ..base("python:3.13", "2026-01-02T00:00:00Z", &["d1", "p", "a"])
        },
        base("scratch", "2026-01-02T00:00:00Z", &[]),
    ]
}

fn traced(layers: &[&str], labels: &BTreeMap<String, String>) -> Lineage {
    let platform = "linux/amd64".parse().unwrap();
    let layers = layers.iter().map(|name| layer(name)).collect();
    trace(&Traced { digest: None, platform: &platform, layers, labels, materials: Vec::new() }, &known())
}

fn ids(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.id.as_str()).collect()
}

#[test]
fn the_base_is_the_largest_known_stack_below() {
    let lineage = traced(&["d1", "p", "a"], &BTreeMap::new());
    let names: Vec<&str> = lineage.bases.iter().map(|base| base.name.as_str()).collect();
    assert_eq!(names, ["acme/python:1", "python:3.12"]);
    assert_eq!(lineage.own_layers, 1);
    assert_eq!(lineage.chain, chain_id(&[layer("d1"), layer("p")]));
    assert_eq!(ids(&lineage.findings), Vec::<&str>::new());
}

#[test]
fn a_newer_base_of_the_same_name_is_told_with_its_age() {
    let lineage = traced(&["d1", "x"], &BTreeMap::new());
    assert_eq!((lineage.newer.len(), lineage.days_behind), (2, Some(59)));
    assert_eq!(ids(&lineage.findings), ["base-outdated"]);
    assert!(lineage.findings[0].remedy.as_ref().unwrap().starts_with("Rebuild on debian:12@sha256:"));
    assert_eq!(ids(&traced(&["d3", "x"], &BTreeMap::new()).findings), Vec::<&str>::new());
}

#[test]
fn labels_are_no_proof() {
    let label = |digest: String| {
        BTreeMap::from([(BASE_NAME.to_owned(), "debian:12".to_owned()), (BASE_DIGEST.to_owned(), digest)])
    };
    let digest_of = |index: usize| known()[index].digest.unwrap().to_string();
    assert_eq!(ids(&traced(&["d3", "x"], &label(digest_of(2))).findings), Vec::<&str>::new());
    assert_eq!(ids(&traced(&["d3", "x"], &label(digest_of(0))).findings), ["base-label-wrong"]);
    // Of an image that nobody knows nothing is said.
    assert_eq!(ids(&traced(&["z"], &label("sha256:00".into())).findings), ["base-unknown"]);
    assert_eq!(ids(&traced(&["z"], &label(digest_of(0))).findings), ["base-unknown", "base-label-wrong"]);
    assert_eq!(ids(&traced(&[], &BTreeMap::new()).findings), ["base-unknown"]);
}

#[test]
fn lists_allow_by_name_digest_and_chain() {
    let lineage = traced(&["d1", "p", "a"], &BTreeMap::new());
    let patterns =
        |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<BasePattern>>();
    let judged = |allow: &[&str], deny: &[&str]| {
        let findings = judge(&lineage, &patterns(allow), &patterns(deny));
        findings.into_iter().map(|finding| finding.id).collect::<Vec<_>>()
    };
    let chain = chain_id(&[layer("d1"), layer("p")]).unwrap().to_string();
    let digest = known()[4].digest.unwrap().to_string();
    for allowed in ["python*", "python", "acme/*", "*", chain.as_str(), digest.as_str(), "*python*1*"] {
        assert_eq!(judged(&[allowed], &[]), Vec::<String>::new(), "{allowed}");
        assert_eq!(judged(&[], &[allowed]), ["base-denied"], "{allowed}");
    }
    for other in ["pytho", "ython*", "python:3.1", "acme", "sha256:00"] {
        assert_eq!(judged(&[other], &[]), ["base-not-allowed"], "{other}");
        assert_eq!(judged(&[], &[other]), Vec::<String>::new(), "{other}");
    }
    assert!(" ".parse::<BasePattern>().is_err());
}

#[test]
fn a_set_has_one_base_or_differs() {
    let all = [&["d1", "p", "a"][..], &["d1", "p", "b", "c"], &["d1"], &["z"]];
    let lineages: Vec<Lineage> = all.iter().map(|layers| traced(layers, &BTreeMap::new())).collect();
    assert_eq!(differing(&lineages), [2, 3]);
    assert_eq!(differing(&lineages[..2]), Vec::<usize>::new());
}
