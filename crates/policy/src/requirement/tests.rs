use crate::{
    AttestationFacts, Limits, Policy, ProvenanceFacts, SignerFacts, Situation, Surroundings, TrustFacts,
    evaluate,
};
use plimsoll_model::decision::{Decision, Known, Outcome};
use serde_json::json;

const BUILDER: &str = "https://builder.example/hardened";

fn facts() -> TrustFacts {
    let signer = |name: &str, identity: &str, issuer: &str| SignerFacts {
        known_as: vec![name.to_owned()],
        identity: Some(identity.to_owned()),
        issuer: Some(issuer.to_owned()),
    };
    let predicate = json!({ "scanner": "acme", "results": [{ "passed": true }, { "passed": true }] });
    TrustFacts {
        verified: true,
        signers: vec![
            signer("ci", "https://ci.example/release@refs/tags/v1", "https://ci.example"),
            signer("dev", "dev@acme.example", "https://mail.example"),
        ],
        attestations: vec![AttestationFacts {
            kind: "https://acme.example/test".to_owned(),
            signers: vec!["ci".to_owned()],
            predicate: Some(predicate),
        }],
        provenance: vec![ProvenanceFacts {
            builder: BUILDER.to_owned(),
            build_type: "https://builder.example/type".to_owned(),
            source: Some("https://git.example/acme/shop".to_owned()),
            commit: Some("0".repeat(40)),
            pinned: true,
            level: 2,
        }],
        ..TrustFacts::default()
    }
}

fn decided(rule: &str, trust: Option<TrustFacts>) -> Decision {
    let text = format!("version: 1\nrules: [{{ id: a, {rule}, then: fail }}]\n");
    let policy =
        Policy::read("p.yaml", text.as_bytes(), Limits::default()).unwrap_or_else(|error| panic!("{error}"));
    assert!(policy.asks().signatures, "{rule}");
    let surroundings = Surroundings { trust, ..Surroundings::default() };
    let situation = Situation {
        now: jiff::Timestamp::UNIX_EPOCH,
        known: Known::default(),
        surroundings,
        found: Vec::new(),
    };
    evaluate(&policy, &crate::evaluate::tests::scan(), &situation)
}

fn outcome(rule: &str, trust: Option<TrustFacts>) -> Outcome {
    decided(rule, trust).outcome
}

#[test]
fn what_is_there_passes_and_what_is_missing_decides() {
    for (passes, fails) in [
        ("signed-by: ci", "signed-by: release"),
        (
            "identity: 'https://ci.example/release@refs/tags/*'",
            "identity: 'https://ci.example/release@refs/heads/*'",
        ),
        ("issuer: 'https://ci.example'", "issuer: 'https://ci.example.evil'"),
        (
            "attestations: 'https://acme.example/test'",
            "attestations: ['https://acme.example/test', 'https://x']",
        ),
        ("provenance: {}", "provenance: { level: 3 }"),
        (
            "provenance: { source: 'https://git.example/acme/shop' }",
            "provenance: { source: 'https://git.example/acme' }",
        ),
        (
            "provenance: { commit: true, pinned: true, level: 2 }",
            "provenance: { commit: true, pinned: false }",
        ),
        (
            "when: \"attestations.exists(a, a.predicate.results.all(r, r.passed))\"",
            "when: \"attestations.exists(a, a.predicate.scanner == 'x')\"",
        ),
        ("when: \"image.slsaLevel >= 2 && 'ci' in image.signers\"", "when: \"image.slsaLevel > 2\""),
    ] {
        assert_eq!(outcome(&format!("require: {{ {passes} }}"), Some(facts())), Outcome::Pass, "{passes}");
        let decision = decided(&format!("require: {{ {fails} }}"), Some(facts()));
        assert_eq!(decision.outcome, Outcome::Fail, "{fails}");
        assert!(!decision.rules[0].image.as_ref().unwrap().seen.is_empty(), "{fails}");
    }
    let unverified = TrustFacts { verified: false, ..facts() };
    assert_eq!(outcome("require: { signed: true }", Some(unverified)), Outcome::Fail);
    assert_eq!(outcome("require: { signed: true }", Some(facts())), Outcome::Pass);
}

#[test]
fn n36_builders_and_build_types_are_compared_as_a_whole() {
    let with = |builder: &str, kind: &str| {
        let mut facts = facts();
        facts.provenance[0].builder = builder.to_owned();
        facts.provenance[0].build_type = kind.to_owned();
        outcome(
            &format!(
                "require: {{ provenance: {{ builder: '{BUILDER}', build-type: 'https://builder.example/type' }} }}"
            ),
            Some(facts),
        )
    };
    assert_eq!(with(BUILDER, "https://builder.example/type"), Outcome::Pass);
    assert_eq!(with(&format!("{BUILDER}-evil"), "https://builder.example/type"), Outcome::Fail);
    assert_eq!(with("https://builder.example", "https://builder.example/type"), Outcome::Fail);
    assert_eq!(with(BUILDER, "https://builder.example/type/v2"), Outcome::Fail);
}

#[test]
fn n39_a_name_and_its_issuer_are_of_one_signature() {
    let rule = "require: { identity: dev@acme.example, issuer: 'https://ci.example' }";
    assert_eq!(outcome(rule, Some(facts())), Outcome::Fail);
    let rule = "require: { signed-by: dev, identity: dev@acme.example, issuer: 'https://mail.example' }";
    assert_eq!(outcome(rule, Some(facts())), Outcome::Pass);
}

#[test]
fn what_is_not_known_is_undecided_and_never_a_pass() {
    let unread = || TrustFacts { unread: vec!["a referrer: gone".to_owned()], ..TrustFacts::default() };
    for rule in [
        "require: { signed: true }",
        "require: { signed-by: ci }",
        "require: { provenance: { level: 1 } }",
        "require: { attestations: 'https://acme.example/test' }",
        "require: { when: 'attestations.exists(a, a.type == \"x\")' }",
    ] {
        assert_eq!(outcome(rule, None), Outcome::Undecided, "{rule}");
        assert_eq!(outcome(rule, Some(unread())), Outcome::Undecided, "{rule}");
        assert_eq!(outcome(rule, Some(TrustFacts::default())), Outcome::Fail, "{rule}");
    }
    // A predicate that is too large to be looked at.
    let mut large = facts();
    large.attestations[0].predicate = None;
    let rule = "require: { when: \"attestations.exists(a, a.predicate.scanner == 'acme')\" }";
    assert_eq!(outcome(rule, Some(large)), Outcome::Undecided);
    // What is there is there, whatever else could not be read.
    let some = TrustFacts { unread: vec!["a referrer: gone".to_owned()], ..facts() };
    assert_eq!(outcome("require: { signed-by: ci }", Some(some)), Outcome::Pass);
}

#[test]
fn a_requirement_may_be_of_some_images_only() {
    let rule = "image: { base-known: true }, require: { signed-by: release }";
    // Its base is not known.
    assert_eq!(outcome(rule, Some(facts())), Outcome::Undecided);
    let rule = "image: { when: 'image.name == \"other\"' }, require: { signed-by: release }";
    assert_eq!(outcome(rule, Some(facts())), Outcome::Pass);
}

#[test]
fn requirements_are_explained_and_what_is_missing_for_sure_decides() {
    let rule =
        "require: { signed-by: release, provenance: { level: 3 }, when: 'attestations[9].type == \"x\"' }";
    let text = format!("version: 1\nrules: [{{ id: a, {rule}, then: fail }}]\n");
    let explained = Policy::read("p.yaml", text.as_bytes(), Limits::default()).unwrap().explained();
    let words =
        "an image that lacks a signature by release, provenance of SLSA build level 3 or more, what meets";
    assert!(explained.contains(words), "{explained}");
    assert_eq!(outcome(rule, Some(facts())), Outcome::Fail);
}

#[test]
fn requirements_that_cannot_be_meant_are_refused() {
    for (rule, why) in [
        ("require: {}, then: fail", "require is empty"),
        ("require: { signed: false }, then: fail", "signed is true"),
        ("require: { provenance: }, then: fail", "invalid type"),
        ("require: { provenance: { level: 4 } }, then: fail", "1, 2 or 3"),
        ("require: { signed-by: [] }, then: fail", "a list is empty"),
        ("require: { singed: true }, then: fail", "did you mean `signed`"),
        ("require: { signed: true }, match: {}, then: fail", "both match and require"),
        ("require: { signed: true }, then: ignore, reason: r", "cannot be ignored"),
        ("require: { when: 'attestation.size() > 0' }, then: fail", "did you mean `attestations`"),
        ("match: { when: 'attestations.size() > 0' }, then: fail", "unknown name"),
    ] {
        let text = format!("version: 1\nrules: [{{ id: a, {rule} }}]\n");
        let error =
            Policy::read("p.yaml", text.as_bytes(), Limits::default()).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(why), "{rule}: {error}");
    }
}
