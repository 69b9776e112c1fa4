//! Bundles by a key.

use jiff::Timestamp;
use plimsoll_model::signature::{Check, CheckResult, Fate, Outcome, Role, Subject};
use plimsoll_testkit::sigstore::{
    SigningKey, TIME, base64, bundle, dsse_entry, envelope, hashedrekord, statement,
};
use plimsoll_trust::demand::{Claim, LogRule};
use serde_json::{Value, json};

use super::support::{IMAGE, Keyed, SIGN, encoded, hex, passed_over, refused, trusted};

fn entry(bundle: &mut Value) -> &mut Value {
    &mut bundle["verificationMaterial"]["tlogEntries"][0]
}

#[test]
fn a_good_bundle_is_accepted_and_tells_what_was_checked() {
    let keyed = Keyed::new();
    let signature = keyed.examine(&keyed.bundle());
    assert_eq!(signature.fate, Fate::Accepted);
    let result = |check| signature.checks.iter().find(|made| made.check == check).map(|made| made.result);
    for check in [Check::Form, Check::Signature, Check::Log, Check::Signer, Check::Subject] {
        assert_eq!(result(check), Some(CheckResult::Passed), "{check:?}");
    }
    assert_eq!(result(Check::KeyValidity), Some(CheckResult::NotMade));
    assert_eq!(signature.times, [Timestamp::from_second(TIME).unwrap()]);
    assert_eq!(signature.predicate_type.as_deref(), Some(SIGN));
}

#[test]
fn what_was_not_checked_is_not_told_as_passed() {
    let keyed = Keyed::unlogged();
    let mut bundle = keyed.bundle();
    entry(&mut bundle)["inclusionPromise"]["signedEntryTimestamp"] = base64(b"no signature").into();
    let signature = keyed.examine(&bundle);
    assert_eq!(signature.fate, Fate::Accepted);
    let log = signature.checks.iter().find(|made| made.check == Check::Log).unwrap();
    assert_eq!(log.result, CheckResult::NotMade);
    assert!(signature.times.is_empty());
}

#[test]
fn without_a_log_entry_only_who_asks_for_it_gets_it() {
    let without = |bundle: &mut Value| bundle["verificationMaterial"]["tlogEntries"] = json!([]);
    Keyed::new().refused(without, "log: it is in no transparency log");
    let keyed = Keyed::unlogged();
    let mut bundle = keyed.bundle();
    without(&mut bundle);
    assert_eq!(keyed.examine(&bundle).fate, Fate::Accepted);
}

#[test]
fn n1_the_log_entry_of_another_signature_is_refused() {
    let keyed = Keyed::new();
    let other = keyed.bundle_of(&statement(&hex(), "https://other.example/type").to_string());
    keyed.refused(|bundle| *entry(bundle) = other["verificationMaterial"]["tlogEntries"][0].clone(), "log: ");
    // Of the same payload by another key.
    let payload = statement(&hex(), SIGN).to_string();
    let stranger = SigningKey::new();
    let (_, signature) = envelope(&stranger, payload.as_bytes());
    let body = dsse_entry(payload.as_bytes(), &signature, &stranger.public_pem());
    keyed.refused(|bundle| *entry(bundle) = keyed.sigstore.entry("dsse", &body, TIME), "log: ");
    // Of the same signature, as if another key had made it.
    keyed.refused(
        |bundle| {
            let signature = bundle["dsseEnvelope"]["signatures"][0]["sig"].clone();
            let mut body = body.clone();
            body["spec"]["signatures"][0]["signature"] = signature;
            *entry(bundle) = keyed.sigstore.entry("dsse", &body, TIME);
        },
        "log: ",
    );
}

#[test]
fn n2_a_promise_of_another_entry_is_refused() {
    let keyed = Keyed::new();
    let other = keyed.bundle_of(&statement(&hex(), "https://other.example/type").to_string());
    let promise = other["verificationMaterial"]["tlogEntries"][0]["inclusionPromise"].clone();
    keyed.refused(|bundle| entry(bundle)["inclusionPromise"] = promise, "log: ");
    keyed.refused(|bundle| entry(bundle)["integratedTime"] = (TIME - 1).to_string().into(), "log: ");
}

#[test]
fn n3_n4_a_proof_of_another_leaf_or_root_is_refused() {
    let keyed = Keyed::new();
    let other = keyed.bundle_of(&statement(&hex(), "https://other.example/type").to_string());
    let proof = other["verificationMaterial"]["tlogEntries"][0]["inclusionProof"].clone();
    keyed.refused(|bundle| entry(bundle)["inclusionProof"] = proof.clone(), "log: ");
    let root = proof["rootHash"].clone();
    keyed.refused(|bundle| entry(bundle)["inclusionProof"]["rootHash"] = root, ": ");
    let checkpoint = proof["checkpoint"].clone();
    keyed.refused(|bundle| entry(bundle)["inclusionProof"]["checkpoint"] = checkpoint, ": ");
    keyed.refused(|bundle| entry(bundle)["inclusionProof"]["hashes"] = json!([base64(&[0; 32])]), "log: ");
}

#[test]
fn n5_a_checkpoint_of_another_log_is_refused() {
    let keyed = Keyed::new();
    let other = Keyed::new();
    let strange = other.sigstore.entry("dsse", &json!({ "any": "body" }), TIME);
    let hint = strange["inclusionProof"]["checkpoint"]["envelope"].as_str().unwrap().to_owned();
    keyed.refused(
        |bundle| {
            let own = &mut entry(bundle)["inclusionProof"]["checkpoint"]["envelope"];
            let text = own.as_str().unwrap();
            // The note is ours, the line of the signature is that of the other log.
            let (note, _) = text.split_once("\n\n").unwrap();
            let (_, signature) = hint.split_once("\n\n").unwrap();
            *own = format!("{note}\n\n{signature}").into();
        },
        "log: ",
    );
    keyed.refused(|bundle| entry(bundle)["logId"]["keyId"] = base64(&[7; 32]).into(), "log: ");
}

#[test]
fn n6_indexes_outside_of_the_log_are_refused() {
    for index in ["-1", "1", "9223372036854775808", "18446744073709551616"] {
        let keyed = Keyed::new();
        keyed.refused(|bundle| entry(bundle)["inclusionProof"]["logIndex"] = index.into(), ": ");
    }
    Keyed::new().refused(|bundle| entry(bundle)["logIndex"] = "-1".into(), "form: ");
    Keyed::new().refused(|bundle| entry(bundle)["inclusionProof"]["treeSize"] = "0".into(), ": ");
}

#[test]
fn n7_a_log_key_outside_of_its_time_is_refused() {
    let mut keyed = Keyed::new();
    let bundle = keyed.bundle();
    // 2025-01-02T00:00:00Z is the time of the entry, and both ends belong to the interval.
    for (start, end, good) in [
        ("2025-01-02T00:00:00Z", "2025-01-02T00:00:00Z", true),
        ("2024-01-01T00:00:00Z", "2025-01-01T23:59:59Z", false),
        ("2025-01-02T00:00:01Z", "2025-02-01T00:00:00Z", false),
    ] {
        let mut root = keyed.sigstore.trusted_root();
        root["tlogs"][0]["publicKey"]["validFor"] = json!({ "start": start, "end": end });
        keyed.demand.roots = super::support::roots(&root);
        let signature = keyed.examine(&bundle);
        if good { assert_eq!(signature.fate, Fate::Accepted) } else { refused(&signature, "log: ") }
    }
}

#[test]
fn n8_an_entry_of_the_future_is_refused() {
    let mut keyed = Keyed::new();
    keyed.demand.now = Timestamp::from_second(TIME - 1).unwrap();
    refused(&keyed.examine(&keyed.bundle()), "timestamp: 2025-01-02T00:00:00Z is in the future");
}

#[test]
fn n12_a_signature_outside_of_its_keys_time_is_refused() {
    let at = |seconds: i64| Some(Timestamp::from_second(TIME + seconds).unwrap());
    for (valid, good) in
        [((at(0), at(0)), true), ((None, at(-1)), false), ((at(1), None), false), ((at(-10), at(10)), true)]
    {
        let mut keyed = Keyed::new();
        keyed.demand.keys[0].valid = valid;
        let signature = keyed.examine(&keyed.bundle());
        if good { assert_eq!(signature.fate, Fate::Accepted) } else { refused(&signature, "key-validity: ") }
    }
    // Nobody confirms a time: it may be made now, a thousand seconds later.
    for (valid, good) in [((None, at(1000)), true), ((None, at(999)), false), ((at(1001), None), false)] {
        let mut keyed = Keyed::unlogged();
        keyed.demand.keys[0].valid = valid;
        let signature = keyed.examine(&keyed.bundle());
        if good { assert_eq!(signature.fate, Fate::Accepted) } else { refused(&signature, "key-validity: ") }
    }
}

#[test]
fn n10_a_timestamp_that_nobody_trusted_made_confirms_nothing() {
    let mut keyed = Keyed::unlogged();
    keyed.demand.keys[0].valid = (None, Some(Timestamp::from_second(TIME + 10_000).unwrap()));
    let stamp = json!({ "rfc3161Timestamps": [{ "signedTimestamp": base64(b"no token") }] });
    keyed
        .refused(|bundle| bundle["verificationMaterial"]["timestampVerificationData"] = stamp, "timestamp: ");
}

#[test]
fn n13_n37_many_signatures_of_one_signer_are_one_and_none_is_a_refusal() {
    let mut keyed = Keyed::new();
    let second = SigningKey::new();
    keyed.demand.keys.push(trusted(&second));
    keyed.demand.threshold = 2;
    let own = keyed.examine(&keyed.bundle());
    let again = keyed.examine(&keyed.bundle());
    let subject = |signatures| Subject {
        digest: plimsoll_model::digest::BlobDigest(plimsoll_model::digest::Digest::of(IMAGE)),
        role: Role::Itself,
        platform: None,
        looked: Vec::new(),
        signatures,
    };
    let decided = |signatures| keyed.demand.decide(&[&subject(signatures)], 0);
    assert_eq!(decided(vec![own.clone(), again]), (Outcome::Refused, "1 of 2 different signers".to_owned()));
    assert_eq!(decided(Vec::new()), (Outcome::Refused, "there is no signature".to_owned()));
    // What could not be read may have been the second.
    assert_eq!(keyed.demand.decide(&[&subject(vec![own.clone()])], 1).0, Outcome::Undecided);
    let other = Keyed {
        sigstore: plimsoll_testkit::sigstore::Sigstore::new(),
        key: second,
        demand: super::support::demand(&keyed.sigstore),
    };
    let payload = statement(&hex(), SIGN).to_string();
    let (envelope, signature) = envelope(&other.key, payload.as_bytes());
    let body = dsse_entry(payload.as_bytes(), &signature, &other.key.public_pem());
    let entry = keyed.sigstore.entry("dsse", &body, TIME);
    let theirs = keyed.examine(&bundle(json!({ "publicKey": {} }), &[entry], ("dsseEnvelope", envelope)));
    assert_eq!(theirs.fate, Fate::Accepted);
    assert_eq!(decided(vec![own, theirs]).0, Outcome::Verified);
}

#[test]
fn n16_an_envelope_with_no_or_two_signatures_is_refused() {
    for count in [0, 2] {
        Keyed::unlogged().refused(
            |bundle| {
                let signature = bundle["dsseEnvelope"]["signatures"][0].clone();
                bundle["dsseEnvelope"]["signatures"] = vec![signature; count].into();
            },
            "form: ",
        );
    }
}

#[test]
fn n17_a_changed_type_or_payload_is_refused() {
    let keyed = Keyed::unlogged();
    keyed.refused(|bundle| bundle["dsseEnvelope"]["payloadType"] = "text/plain".into(), "signature: ");
    let other = statement(&hex(), "https://other.example/type").to_string();
    keyed.refused(|bundle| bundle["dsseEnvelope"]["payload"] = encoded(&other), "signature: ");
    // Well signed, but no statement.
    let kind = "text/plain";
    let signed = plimsoll_testkit::sigstore::signed_bytes(kind, b"hello");
    let signature = base64(&keyed.key.sign(&signed));
    let envelope =
        json!({ "payload": base64(b"hello"), "payloadType": kind, "signatures": [{ "sig": signature }] });
    let text = bundle(json!({ "publicKey": {} }), &[], ("dsseEnvelope", envelope));
    refused(&keyed.examine(&text), "form: its payload is of type");
}

#[test]
fn n18_repeated_keys_in_a_bundle_are_refused() {
    let keyed = Keyed::unlogged();
    let text = keyed.bundle().to_string();
    let twice = text.replacen("{", r#"{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","#, 1);
    refused(&keyed.examine_text(&twice), "twice");
    let deep = text.replacen(r#""payloadType""#, r#""payload":"AA==","payloadType""#, 1);
    refused(&keyed.examine_text(&deep), "twice");
}

#[test]
fn n21_a_message_signature_of_something_else_is_refused() {
    let mut keyed = Keyed::unlogged();
    keyed.demand.claim = Claim::Anything;
    let of = |message: &[u8], told: &[u8]| {
        let digest = plimsoll_model::digest::Digest::of(told);
        let told = json!({ "algorithm": "SHA2_256", "digest": base64(digest.as_bytes()) });
        let content = json!({ "messageDigest": told, "signature": base64(&keyed.key.sign(message)) });
        bundle(json!({ "publicKey": {} }), &[], ("messageSignature", content))
    };
    assert_eq!(keyed.examine(&of(IMAGE, IMAGE)).fate, Fate::Accepted);
    refused(&keyed.examine(&of(IMAGE, b"other")), "subject: ");
    refused(&keyed.examine(&of(b"other", IMAGE)), "signature: ");
    keyed.demand.log = LogRule::Required;
    let logged = |message: &[u8]| {
        let signature = keyed.key.sign(IMAGE);
        let body = hashedrekord(message, &signature, &keyed.key.public_pem());
        let entry = keyed.sigstore.entry("hashedrekord", &body, TIME);
        bundle(
            json!({ "publicKey": {} }),
            &[entry],
            ("messageSignature", json!({ "signature": base64(&signature) })),
        )
    };
    assert_eq!(keyed.examine(&logged(IMAGE)).fate, Fate::Accepted);
    refused(&keyed.examine(&logged(b"other")), ": ");
}

#[test]
fn n26_n27_bundles_that_can_be_read_in_two_ways_or_in_none_are_refused() {
    let both = |bundle: &mut Value| bundle["messageSignature"] = json!({ "signature": base64(b"any") });
    Keyed::unlogged().refused(both, "form: it has a signature of a message and an envelope");
    let materials = |bundle: &mut Value| {
        bundle["verificationMaterial"]["certificate"] = json!({ "rawBytes": base64(b"any") });
    };
    Keyed::unlogged().refused(materials, "form: it has not one of");
    for kind in ["", "application/vnd.dev.sigstore.bundle.v0.4+json", "application/json"] {
        Keyed::unlogged().refused(|bundle| bundle["mediaType"] = kind.into(), "form: ");
    }
    Keyed::unlogged()
        .refused(|bundle| drop(bundle.as_object_mut().unwrap().remove("mediaType")), "media type");
    let keyed = Keyed::unlogged();
    for text in [
        "",
        "null",
        "[]",
        "{}",
        "\u{0}",
        "{\"mediaType\":1}",
        "{\"mediaType\":\"x\",\"verificationMaterial\":[]}",
    ] {
        refused(&keyed.examine_text(text), "form: ");
    }
}

#[test]
fn n30_without_a_trusted_key_a_keyed_bundle_is_nothing() {
    let mut keyed = Keyed::new();
    let bundle = keyed.bundle();
    keyed.demand.keys = vec![trusted(&SigningKey::new())];
    refused(&keyed.examine(&bundle), "signature: it is not that of the trusted key");
    keyed.demand.keys.clear();
    passed_over(&keyed.examine(&bundle), "no key is trusted here");
}

#[test]
fn work_for_one_bundle_is_bounded() {
    let many = |bundle: &mut Value| {
        let entry = entry(bundle).clone();
        bundle["verificationMaterial"]["tlogEntries"] = vec![entry; 17].into();
    };
    Keyed::new().refused(many, "form: it has more than 16");
}
