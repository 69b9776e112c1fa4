//! Trust policies.

use plimsoll_model::digest::{BlobDigest, Digest};
use plimsoll_model::signature::{Check, CheckResult, Outcome, Role, Subject};
use plimsoll_testkit::notary::{Authority, expiring, protected};
use plimsoll_trust::notary::policy::{Policies, PolicyError};
use serde_json::{Value, json};

use super::super::support::IMAGE;
use super::{Notary, accepted, refused, result};

#[test]
fn n44_what_has_expired_is_never_accepted_silently() {
    for level in ["strict", "permissive", "audit"] {
        let mut notary = Notary::with(json!({ "level": level }), "*");
        notary.at(599);
        let signatures = notary.of(&expiring());
        accepted(&signatures);
        assert_eq!(result(&signatures[0], Check::Expiry).0, CheckResult::Passed);
        notary.at(600);
        let signatures = notary.of(&expiring());
        if level == "strict" {
            refused(&signatures, "expiry: it has expired");
            continue;
        }
        accepted(&signatures);
        assert_eq!(result(&signatures[0], Check::Expiry).0, CheckResult::Failed);
        let (outcome, reason) = decided(&notary, signatures.into());
        assert!(outcome == Outcome::Verified && reason.contains("only logs: expiry"), "{reason}");
    }
    let enforced = json!({ "level": "permissive", "override": { "expiry": "enforce" } });
    refused(&Notary::with(enforced, "*").of(&expiring()), "expiry: ");
}

fn decided(notary: &Notary, signatures: Vec<plimsoll_model::signature::Signature>) -> (Outcome, String) {
    let digest = BlobDigest(Digest::of(IMAGE));
    let subject = Subject { digest, role: Role::Itself, platform: None, looked: Vec::new(), signatures };
    notary.demand.decide(&[&subject], 0)
}

#[test]
fn n44_expired_certificates_are_told_under_permissive() {
    let mut notary = Notary::with(json!({ "level": "permissive" }), "*");
    notary.at(5 * 86_400);
    let signatures = notary.of(&protected());
    accepted(&signatures);
    let (made, words) = result(&signatures[0], Check::Timestamp);
    assert!(made == CheckResult::Failed && words.contains("only logs"), "{words}");
    assert!(signatures[0].times.is_empty());
    let (_, reason) = decided(&notary, signatures.into());
    assert!(reason.contains("only logs: timestamp"), "{reason}");
}

#[test]
fn under_audit_whoever_is_not_trusted_has_no_name_and_counts_once() {
    let mut notary = Notary::with(json!({ "level": "audit" }), "*");
    let strangers = [Authority::root(|_| ()).signer(|_| ()), Authority::root(|_| ()).signer(|_| ())];
    let signatures: Vec<_> =
        strangers.iter().flat_map(|stranger| notary.by(stranger, &protected())).collect();
    accepted(&signatures);
    assert_eq!(result(&signatures[0], Check::Signer).0, CheckResult::Failed);
    notary.demand.threshold = 2;
    assert_eq!(decided(&notary, signatures).0, Outcome::Refused);
    // What was altered is refused at every level.
    let mut envelope = notary.signer.jws(&protected(), super::good().to_string().as_bytes());
    envelope["payload"] = "e30".into();
    refused(&[notary.jws(&envelope)], "signature: ");
}

fn policy() -> Value {
    json!({ "name": "a", "registryScopes": ["r.example/x"], "signatureVerification": { "level": "strict" },
        "trustStores": ["ca:acme"], "trustedIdentities": ["*"] })
}

fn read(policies: &[Value]) -> Result<Policies, PolicyError> {
    Policies::read(json!({ "version": "1.0", "trustPolicies": policies }).to_string().as_bytes())
}

#[test]
fn policies_are_found_by_repository() {
    let mut all = policy();
    all["name"] = "all".into();
    all["registryScopes"] = json!(["*"]);
    let skipped = json!({ "name": "none", "registryScopes": ["r.example/y"], "signatureVerification": { "level": "skip" } });
    let policies = read(&[policy(), all, skipped]).unwrap();
    let name = |repository| policies.select(repository).unwrap().name.clone();
    assert_eq!(name(Some("r.example/x")), "a");
    assert_eq!(name(Some("r.example/x/y")), "all");
    assert_eq!(name(Some("R.example/x")), "all");
    assert_eq!(name(None), "all");
    assert!(matches!(policies.select(Some("r.example/y")), Err(PolicyError::Skipped(_))));
    let policies = read(&[policy()]).unwrap();
    assert!(matches!(policies.select(Some("r.example/z")), Err(PolicyError::None(_))));
    assert!(matches!(policies.select(None), Err(PolicyError::None(_))));
}

#[test]
fn n54_policies_that_say_too_little_or_too_much_are_refused() {
    let changes: [(&str, Value); 22] = [
        ("/name", json!("")),
        ("/registryScopes", json!([])),
        ("/registryScopes", json!(["*", "r.example/x"])),
        ("/registryScopes", json!(["r.example/*"])),
        ("/registryScopes", json!(["r.example"])),
        ("/registryScopes", json!(["r.example/x:1"])),
        ("/registryScopes", json!(["r.example/x", "r.example/x"])),
        ("/signatureVerification/level", json!("lax")),
        ("/signatureVerification/level", json!("skip")),
        ("/signatureVerification/verifyTimestamp", json!("never")),
        ("/signatureVerification/override", json!({ "integrity": "log" })),
        ("/signatureVerification/override", json!({ "expiry": "skip" })),
        ("/signatureVerification/overide", json!({})),
        ("/trustStores", json!([])),
        ("/trustStores", json!(["tsa:acme"])),
        ("/trustStores", json!(["ca:../acme"])),
        ("/trustStores", json!(["ca:.."])),
        ("/trustStores", json!(["other:acme"])),
        ("/trustedIdentities", json!([])),
        ("/trustedIdentities", json!(["*", "x509.subject: C=US, ST=WA, O=a"])),
        (
            "/trustedIdentities",
            json!(["x509.subject: C=US, ST=WA, O=a", "x509.subject: C=US, ST=WA, O=a, CN=b"]),
        ),
        ("/trustedIdentities", json!(["x509.subject: O=a"])),
    ];
    assert!(read(&[policy()]).is_ok());
    for (path, value) in changes {
        let mut policy = policy();
        let (parent, name) = path.rsplit_once('/').unwrap();
        policy.pointer_mut(parent).unwrap()[name] = value.clone();
        assert!(read(&[policy]).is_err(), "{path}: {value}");
    }
    assert!(read(&[policy(), policy()]).is_err());
    for text in [
        "",
        "{}",
        r#"{"version":"2.0","trustPolicies":[]}"#,
        r#"{"version":"1.0","version":"1.0","trustPolicies":[]}"#,
    ] {
        assert!(Policies::read(text.as_bytes()).is_err(), "{text}");
    }
}
