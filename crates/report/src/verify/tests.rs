use plimsoll_model::digest::{BlobDigest, Digest};
use plimsoll_model::signature::{Check, Fate, Looked, Outcome, Role};
use serde_json::Value;

use super::*;
use crate::testing::HOSTILE;

const PLAIN: Style = Style { color: false, width: None };

fn checked(check: Check, result: CheckResult, words: &str) -> Checked {
    Checked { check, result, words: words.to_owned() }
}

fn accepted(signer: Signer) -> Signature {
    Signature {
        place: "registry.example/shop@sha256:aa".to_owned(),
        format: "Sigstore bundle v0.3",
        digest: Some(Digest::of(b"bundle")),
        predicate_type: Some("https://sigstore.dev/cosign/sign/v1".to_owned()),
        annotations: BTreeMap::from([("stage".to_owned(), "production".to_owned())]),
        signer: Some(signer),
        known_as: vec!["release".to_owned()],
        payload: None,
        times: vec!["2026-01-02T03:04:05Z".parse().unwrap()],
        checks: vec![
            checked(Check::Signature, CheckResult::Passed, "by the key cosign.pub"),
            checked(Check::Log, CheckResult::NotMade, "asked not to look"),
        ],
        fate: Fate::Accepted,
    }
}

fn refused(words: &str) -> Signature {
    Signature {
        predicate_type: None,
        digest: None,
        signer: None,
        known_as: Vec::new(),
        times: Vec::new(),
        annotations: BTreeMap::new(),
        checks: vec![checked(Check::Subject, CheckResult::Failed, words)],
        fate: Fate::Refused(format!("subject: {words}")),
        ..accepted(Signer::Key { algorithm: "RSA", fingerprint: Digest::of(b"") })
    }
}

fn verification(words: &str) -> Verification {
    let digest = BlobDigest(Digest::of(b"image"));
    let certificate = Signer::Certificate {
        kind: "email",
        identity: words.to_owned(),
        issuer: "https://issuer".to_owned(),
    };
    let key = Signer::Key { algorithm: "ECDSA P-256", fingerprint: Digest::of(b"key") };
    let subject = Subject {
        digest,
        role: Role::Child,
        platform: Some("linux/arm64".parse().unwrap()),
        looked: vec![Looked { place: "referrers".to_owned(), found: 3, left: 0 }],
        signatures: vec![accepted(key), accepted(certificate), refused(words)],
    };
    Verification {
        name: words.to_owned(),
        digest,
        demand: Demand {
            signers: vec![format!("key {words}")],
            predicate_type: Some(words.to_owned()),
            annotations: BTreeMap::from([("stage".to_owned(), words.to_owned())]),
            threshold: 2,
            log: false,
            roots: Some("built in".to_owned()),
            domain: Some(words.to_owned()),
            wanted: vec![words.to_owned()],
        },
        time: "2026-01-02T03:04:05Z".parse().unwrap(),
        subjects: vec![subject],
        unread: vec![Unread { place: words.to_owned(), reason: words.to_owned() }],
        fetched: None,
        outcome: Outcome::Verified,
        reason: "2 signatures accepted".to_owned(),
    }
}

fn text(verification: &Verification) -> String {
    let mut out = Vec::new();
    write_text(verification, PLAIN, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_person_reads_what_was_checked_and_what_was_not() {
    let text = text(&verification("word"));
    assert!(text.starts_with("VERIFIED  word\nsha256:"), "{text}");
    for line in [
        "wanted: 2 different signers",
        "not wanted: an entry in a transparency log",
        "child  sha256:",
        "  looked at referrers: 3 found",
        "    ok        signature: by the key cosign.pub",
        "    not made  log: asked not to look",
        "  refused  Sigstore bundle v0.3: subject: word",
        "    failed    subject: word",
        "not read\n  word: word",
    ] {
        assert!(text.contains(line), "{line:?} is not in {text}");
    }
}

#[test]
fn what_signatures_say_moves_no_cursor() {
    let text = text(&verification(HOSTILE));
    let moves = |c: char| (c.is_control() && c != '\n') || HOSTILE.contains(c) && !c.is_ascii();
    assert!(!text.contains(moves), "{text:?}");
    // Nor does it begin a line that could be taken for ours.
    assert!(!text.contains("\r"), "{text:?}");
}

#[test]
fn the_json_is_as_its_schema_says() {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut out = Vec::new();
    write_json(&verification("word"), &mut out).unwrap();
    let document: Value = serde_json::from_slice(&out).unwrap();
    let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    assert_eq!(document["subjects"][0]["signatures"][1]["signer"]["kind"], "certificate");
    assert_eq!(document["subjects"][0]["signatures"][2]["reason"], "subject: word");
    assert_eq!(document["subjects"][0]["signatures"][0]["checks"][1]["result"], "not-made");
}
