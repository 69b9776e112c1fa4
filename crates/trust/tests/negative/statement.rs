//! What is signed: statements about other things, and of other kinds.

use plimsoll_model::signature::Fate;
use plimsoll_testkit::sigstore::statement;
use plimsoll_trust::demand::Claim;
use plimsoll_trust::identity::Matcher;
use serde_json::{Value, json};

use super::support::{Keyed, SIGN, hex, passed_over, refused};

/// A well signed bundle of the good statement, changed before it was signed.
fn changed(keyed: &Keyed, change: impl FnOnce(&mut Value)) -> Value {
    let mut statement = statement(&hex(), SIGN);
    change(&mut statement);
    keyed.bundle_of(&statement.to_string())
}

#[test]
fn n19_a_good_signature_of_what_cannot_be_read_is_no_pass() {
    let keyed = Keyed::unlogged();
    for payload in
        ["", "{", "null", "[]", "{}", "not JSON", "{\"_type\":\"https://in-toto.io/Statement/v1\"}"]
    {
        refused(&keyed.examine(&keyed.bundle_of(payload)), "form: its statement");
    }
    refused(&keyed.examine(&changed(&keyed, |it| it["_type"] = "https://example.org/v9".into())), "form: ");
}

#[test]
fn n18_repeated_keys_in_a_statement_are_refused() {
    let keyed = Keyed::unlogged();
    let text = statement(&hex(), SIGN).to_string();
    let twice = text.replacen('{', r#"{"predicateType":"https://other.example/type","#, 1);
    refused(&keyed.examine(&keyed.bundle_of(&twice)), "twice");
}

#[test]
fn n25_the_bytes_that_were_signed_are_read_and_not_others() {
    let keyed = Keyed::unlogged();
    let text = statement(&hex(), SIGN).to_string();
    // Spaces and the order of keys are the signer's own.
    let spaced = text.replace(',', " ,\n ").replace(':', " : ").replace("https : //", "https://");
    assert_eq!(keyed.examine(&keyed.bundle_of(&spaced)).fate, Fate::Accepted);
    let mut bundle = keyed.bundle_of(&spaced);
    bundle["dsseEnvelope"]["payload"] = super::support::encoded(&text);
    refused(&keyed.examine(&bundle), "signature: ");
}

#[test]
fn n31_n32_an_attestation_of_another_type_does_not_count() {
    let mut keyed = Keyed::unlogged();
    let provenance = "https://slsa.dev/provenance/v1";
    let attested = keyed.bundle_of(&statement(&hex(), provenance).to_string());
    passed_over(&keyed.examine(&attested), "it is no signature but an attestation");
    keyed.demand.claim = Claim::Attested(provenance.to_owned());
    assert_eq!(keyed.examine(&attested).fate, Fate::Accepted);
    passed_over(&keyed.examine(&keyed.bundle()), "it is an attestation of type");
    // Nor does one whose type only begins like that, whatever an annotation says.
    let other = keyed.bundle_of(&statement(&hex(), "https://slsa.dev/provenance/v1.evil").to_string());
    let annotations = [("predicateType".to_owned(), provenance.to_owned())].into();
    let signature = super::support::examined(
        &keyed.demand,
        (super::support::BUNDLE, other.to_string().as_bytes()),
        &annotations,
    );
    passed_over(&signature, "v1.evil");
}

#[test]
fn n33_statements_about_other_things_are_refused() {
    let keyed = Keyed::unlogged();
    let hex = hex();
    for (subject, reason) in [
        (json!([]), "form: "),
        (json!(null), "form: "),
        (json!([null]), "form: "),
        (json!([{ "name": format!("sha256:{hex}") }]), "form: "),
        (json!([{ "name": hex, "digest": {} }]), "has no digest"),
        (json!([{ "digest": { "sha256": "0".repeat(64) } }]), "subject: it is not about"),
        (json!([{ "digest": { "md5": &hex[..32] } }]), "subject: "),
        (json!([{ "digest": { "sha1": &hex[..40], "gitCommit": hex } }]), "subject: "),
        (json!([{ "digest": { "md5": hex } }]), "is no md5"),
        (json!([{ "digest": { "sha256": hex.to_uppercase() } }]), "subject: "),
        (json!([{ "digest": { "sha256": format!("{hex}00") } }]), "is no sha256"),
        (json!([{ "digest": { "sha256": &hex[..40] } }]), "is no sha256"),
    ] {
        refused(&keyed.examine(&changed(&keyed, |it| it["subject"] = subject.clone())), reason);
    }
    let second = json!([{ "digest": { "sha256": "0".repeat(64) } }, { "digest": { "sha256": hex } }]);
    assert_eq!(keyed.examine(&changed(&keyed, |it| it["subject"] = second)).fate, Fate::Accepted);
}

#[test]
fn n34_the_same_digits_under_another_algorithm_are_another_digest() {
    let keyed = Keyed::unlogged();
    for algorithm in ["sha512_256", "sha3-256", "SHA256", "sha-256", "blake2b-256", "sha256 "] {
        let bundle = changed(&keyed, |it| it["subject"] = json!([{ "digest": { algorithm: hex() } }]));
        refused(&keyed.examine(&bundle), "subject: ");
    }
}

#[test]
fn annotations_must_be_signed_for_this_subject() {
    let mut keyed = Keyed::unlogged();
    keyed.demand.annotations = [("stage".to_owned(), "production".to_owned())].into();
    let with = |at: usize, value: &str| {
        let mut subject =
            json!([{ "digest": { "sha256": hex() } }, { "digest": { "sha256": "0".repeat(64) } }]);
        subject[at]["annotations"] = json!({ "stage": value });
        changed(&keyed, |it| it["subject"] = subject)
    };
    assert_eq!(keyed.examine(&with(0, "production")).fate, Fate::Accepted);
    refused(&keyed.examine(&with(0, "test")), "annotations: stage is \"test\"");
    refused(&keyed.examine(&with(1, "production")), "annotations: stage is not signed");
    refused(&keyed.examine(&keyed.bundle()), "annotations: ");
}

/// Provenance of this builder, well signed.
fn provenance(keyed: &Keyed, kind: &str, builder: &str) -> Value {
    changed(keyed, |statement| {
        statement["predicateType"] = kind.into();
        statement["predicate"] = json!({
            "buildDefinition": { "buildType": "https://acme.example/type", "externalParameters": { "source": "x" } },
            "runDetails": { "builder": { "id": builder } },
        });
    })
}

#[test]
fn n36_provenance_of_a_builder_that_begins_alike_does_not_count() {
    let mut keyed = Keyed::unlogged();
    let (kind, builder) = ("https://slsa.dev/provenance/v1", "https://acme.example/builder");
    keyed.demand.claim = Claim::Anything;
    keyed.demand.told.builder = Some(Matcher::Exact(builder.to_owned()));
    assert_eq!(keyed.examine(&provenance(&keyed, kind, builder)).fate, Fate::Accepted);
    for other in ["https://acme.example/builder2", "https://acme.example/build", ""] {
        refused(&keyed.examine(&provenance(&keyed, kind, other)), "provenance: ");
    }
    // What tells it in another place, or is none, does not count either.
    refused(&keyed.examine(&provenance(&keyed, "https://slsa.dev/provenance/v0.2", builder)), "provenance: ");
    passed_over(
        &keyed.examine(&provenance(&keyed, "https://acme.example/other", builder)),
        "no SLSA provenance",
    );
    passed_over(&keyed.examine(&keyed.bundle()), "no SLSA provenance");
    // By a key, it tells the source, too; what is no provenance tells none.
    keyed.demand.told.source = Some(Matcher::Exact("x".to_owned()));
    assert_eq!(keyed.examine(&provenance(&keyed, kind, builder)).fate, Fate::Accepted);
    keyed.demand.told.source = Some(Matcher::Exact("https://git.example/acme/shop".to_owned()));
    refused(&keyed.examine(&provenance(&keyed, kind, builder)), "it was built from x");
    keyed.demand.told.source = None;
    // External parameters are what was asked of the builder: without them, it is not told what was built.
    let without = changed(&keyed, |statement| {
        statement["predicateType"] = kind.into();
        statement["predicate"] = json!({
            "buildDefinition": { "buildType": "https://acme.example/type" },
            "runDetails": { "builder": { "id": builder } },
        });
    });
    refused(&keyed.examine(&without), "external parameters");
}

#[test]
fn n33_the_subject_must_be_called_as_asked_for_where_it_is() {
    let mut keyed = Keyed::unlogged();
    keyed.demand.told.subject_name = Some(Matcher::Exact("pkg:npm/shop@1.4.2".to_owned()));
    let named = |name: Value| changed(&keyed, |statement| statement["subject"][0]["name"] = name);
    assert_eq!(keyed.examine(&named("pkg:npm/shop@1.4.2".into())).fate, Fate::Accepted);
    for name in [json!("pkg:npm/shop@1.4.20"), json!("pkg:npm/shop"), json!(null)] {
        refused(&keyed.examine(&named(name)), "subject: ");
    }
    // The name of another subject is not that of this one.
    let beside = changed(&keyed, |statement| {
        let other = json!({ "name": "pkg:npm/shop@1.4.2", "digest": { "sha256": "0".repeat(64) } });
        statement["subject"].as_array_mut().unwrap().push(other);
    });
    refused(&keyed.examine(&beside), "subject: ");
}
