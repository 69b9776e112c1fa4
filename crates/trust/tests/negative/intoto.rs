//! Log entries of `intoto` 0.0.1, which hold the hash of an envelope and not its signature.

use std::collections::BTreeMap;

use plimsoll_model::signature::{Fate, Signature};
use plimsoll_testkit::sigstore::{
    Holder, ISSUER, Name, SigningKey, Sigstore, TIME, base64, bundle, envelope, hashedrekord, intoto_entry,
    promise, statement,
};
use plimsoll_trust::demand::{Demand, LogRule};
use serde_json::{Value, json};

use super::legacy::{CERTIFICATE, DSSE, LOG, Layer};
use super::support::{BUNDLE, SIGN, demand, examined, expected, hex, refused, roots, trusted};

/// What is signed with a key, and its entry.
struct Old {
    sigstore: Sigstore,
    key: SigningKey,
    payload: String,
    envelope: String,
    body: Value,
    demand: Demand,
}

impl Old {
    fn new() -> Self {
        let (sigstore, key) = (Sigstore::new(), SigningKey::new());
        let payload = statement(&hex(), SIGN).to_string();
        let envelope = envelope(&key, payload.as_bytes()).0.to_string();
        let body = intoto_entry(envelope.as_bytes(), payload.as_bytes(), &key.public_pem());
        let demand = Demand { keys: vec![trusted(&key)], ..demand(&sigstore) };
        Self { sigstore, key, payload, envelope, body, demand }
    }

    fn entry(&self, body: &Value) -> Value {
        self.sigstore.entry("intoto", body, TIME)
    }

    /// cosign's layer of old with this entry.
    fn layer(&self, entry: &Value) -> Layer {
        let annotations = BTreeMap::from([(LOG.to_owned(), promise(entry).to_string())]);
        Layer { content: self.envelope.clone(), annotations }
    }

    /// A bundle with this entry.
    fn bundle(&self, entry: &Value) -> Value {
        let envelope = serde_json::from_str(&self.envelope).unwrap();
        bundle(
            json!({ "publicKey": { "hint": "" } }),
            std::slice::from_ref(entry),
            ("dsseEnvelope", envelope),
        )
    }

    fn examine(&self, bundle: &Value) -> Signature {
        examined(&self.demand, (BUNDLE, bundle.to_string().as_bytes()), &BTreeMap::new())
    }

    /// Changes the body, with which the layer and the bundle must be refused.
    fn refused(&self, change: impl FnOnce(&mut Value), reason: &str) {
        let mut body = self.body.clone();
        change(&mut body);
        refused(&self.layer(&self.entry(&body)).examine(&self.demand, DSSE), reason);
        refused(&self.examine(&self.bundle(&self.entry(&body))), reason);
    }
}

#[test]
fn entries_of_old_count() {
    let old = Old::new();
    let entry = old.entry(&old.body);
    let layer = old.layer(&entry).examine(&old.demand, DSSE);
    assert_eq!(layer.fate, Fate::Accepted, "{layer:?}");
    assert_eq!(layer.times.len(), 1, "{layer:?}");
    let bundled = old.examine(&old.bundle(&entry));
    assert_eq!(bundled.fate, Fate::Accepted, "{bundled:?}");
    // The oldest have no hash of the payload.
    let mut body = old.body.clone();
    body["spec"]["content"].as_object_mut().unwrap().remove("payloadHash");
    assert_eq!(old.layer(&old.entry(&body)).examine(&old.demand, DSSE).fate, Fate::Accepted);
    // The ways in which clients wrote an envelope that is in a bundle now.
    let read: Value = serde_json::from_str(&old.envelope).unwrap();
    let (payload, kind, sig) = (&read["payload"], &read["payloadType"], &read["signatures"][0]["sig"]);
    for written in [
        format!(r#"{{"payloadType":{kind},"payload":{payload},"signatures":[{{"keyid":"","sig":{sig}}}]}}"#),
        format!(r#"{{"payload":{payload},"payloadType":{kind},"signatures":[{{"sig":{sig},"keyid":""}}]}}"#),
    ] {
        let body = intoto_entry(written.as_bytes(), old.payload.as_bytes(), &old.key.public_pem());
        assert_eq!(old.examine(&old.bundle(&old.entry(&body))).fate, Fate::Accepted, "{written}");
    }
    let written = format!("{} ", old.envelope);
    let body = intoto_entry(written.as_bytes(), old.payload.as_bytes(), &old.key.public_pem());
    refused(&old.examine(&old.bundle(&old.entry(&body))), "log: the log entry (intoto 0.0.1) is of another");
}

#[test]
fn certificates_in_entries_of_old_count_at_the_time_of_the_log() {
    let old = Old::new();
    let holder: Holder = old.sigstore.certificate(&[Name::Email("dev@acme.example")]);
    let other: Holder = old.sigstore.certificate(&[Name::Email("dev@acme.example")]);
    let identities = vec![expected("dev@acme.example", ISSUER)];
    let demand = Demand { identities, keys: Vec::new(), ..old.demand.clone() };
    let content = envelope(&holder.key, old.payload.as_bytes()).0.to_string();
    let layer = |in_entry: &str, time: i64| {
        let body = intoto_entry(content.as_bytes(), old.payload.as_bytes(), in_entry);
        let entry = old.sigstore.entry("intoto", &body, time);
        let annotations = BTreeMap::from([
            (LOG.to_owned(), promise(&entry).to_string()),
            (CERTIFICATE.to_owned(), holder.pem()),
        ]);
        Layer { content: content.clone(), annotations }
    };
    let good = layer(&holder.pem(), TIME).examine(&demand, DSSE);
    assert_eq!(good.fate, Fate::Accepted, "{good:?}");
    refused(
        &layer(&other.pem(), TIME).examine(&demand, DSSE),
        "log: the log entry is of another certificate",
    );
    let key = holder.key.public_pem();
    refused(&layer(&key, TIME).examine(&demand, DSSE), "log: the log entry is of another certificate");
    let late = Demand { now: "2025-02-01T00:00:00Z".parse().unwrap(), ..demand.clone() };
    refused(&layer(&holder.pem(), TIME + 10 * 86400).examine(&late, DSSE), "certificate: ");
    let stranger = Demand { identities: vec![expected("other@acme.example", ISSUER)], ..demand.clone() };
    refused(&layer(&holder.pem(), TIME).examine(&stranger, DSSE), "signer: ");
    let ignored = Demand { log: LogRule::Ignored, ..demand.clone() };
    assert_eq!(layer(&holder.pem(), TIME).examine(&ignored, DSSE).fate, Fate::Accepted);
    refused(&layer(&other.pem(), TIME).examine(&ignored, DSSE), "log: ");
    let foreign = Demand { roots: roots(&Sigstore::new().trusted_root()), ..demand };
    refused(&layer(&holder.pem(), TIME).examine(&foreign, DSSE), "log: the promise of the log entry");
}

#[test]
fn n1_n2_entries_of_another_envelope_payload_or_key_are_refused() {
    let old = Old::new();
    let another = envelope(&old.key, old.payload.as_bytes()).0.to_string();
    assert_ne!(another, old.envelope, "the same payload, signed once more");
    let pem = old.key.public_pem();
    let payload = old.payload.as_bytes();
    old.refused(|body| *body = intoto_entry(another.as_bytes(), payload, &pem), "of another envelope");
    let hash = "/spec/content/hash/value";
    for broken in ["", "0", &"0".repeat(64)] {
        old.refused(|body| *body.pointer_mut(hash).unwrap() = broken.into(), "of another envelope");
    }
    let shorten = |value: &Value| value.as_str().unwrap()[..63].to_owned();
    old.refused(
        |body| {
            body["spec"]["content"]["hash"]["value"] =
                shorten(&body["spec"]["content"]["hash"]["value"]).into()
        },
        "of another envelope",
    );
    old.refused(|body| body["spec"]["content"]["hash"]["algorithm"] = "sha512".into(), "of another envelope");
    old.refused(
        |body| {
            body["spec"]["content"]["payloadHash"]["value"] =
                shorten(&body["spec"]["content"]["payloadHash"]["value"]).into()
        },
        "of another payload",
    );
    old.refused(|body| *body = intoto_entry(old.envelope.as_bytes(), b"{}", &pem), "of another payload");
    let stranger = base64(SigningKey::new().public_pem().as_bytes());
    for key in [stranger.as_str(), "", "!", "AA=="] {
        old.refused(|body| body["spec"]["publicKey"] = key.into(), "log: the log entry ");
    }
}

#[test]
fn n1_n6_what_the_log_did_not_say_is_refused() {
    let old = Old::new();
    let entry = old.entry(&old.body);
    let other = Sigstore::new().entry("intoto", &old.body, TIME);
    let bundle = |change: &dyn Fn(&mut Value)| {
        let mut entry = entry.clone();
        change(&mut entry);
        old.examine(&old.bundle(&entry))
    };
    refused(&bundle(&|entry| entry["integratedTime"] = "1735776001".into()), "the promise of the log entry");
    refused(&bundle(&|entry| entry["logIndex"] = "1".into()), "the promise of the log entry");
    refused(
        &bundle(&|entry| entry["inclusionPromise"] = other["inclusionPromise"].clone()),
        "the promise of",
    );
    refused(&bundle(&|entry| entry["logId"] = other["logId"].clone()), "the promise of the log entry");
    refused(&bundle(&|entry| entry["inclusionPromise"] = Value::Null), "the promise of the log entry");
    refused(
        &bundle(&|entry| entry["inclusionProof"] = other["inclusionProof"].clone()),
        "the proof of the log",
    );
    refused(&bundle(&|entry| entry["inclusionProof"]["treeSize"] = "2".into()), "the proof of the log entry");
    let unproved = bundle(&|entry| entry["inclusionProof"] = Value::Null);
    refused(&unproved, ": ");
    // A time at which the log's key had ended.
    let mut root = old.sigstore.trusted_root();
    root["tlogs"][0]["publicKey"]["validFor"]["end"] = "2025-01-01T00:00:00Z".into();
    let ended = Demand { roots: roots(&root), ..old.demand.clone() };
    refused(&old.layer(&entry).examine(&ended, DSSE), "of no log that was trusted then");
    // What is in the log is of another kind than the bundle says.
    let signed = hashedrekord(b"", b"", &old.key.public_pem());
    refused(&old.examine(&old.bundle(&old.entry(&signed))), "log: the log entry");
    let mut later = old.body.clone();
    later["apiVersion"] = "0.0.2".into();
    refused(&old.examine(&old.bundle(&old.entry(&later))), "of another kind");
    for (change, reason) in [("[", "form: "), (r#"{"kind":"intoto","apiVersion":"0.0.1"}"#, "log: ")] {
        let layer = old.layer(&entry).with(
            LOG,
            &promise(&entry)
                .to_string()
                .replace(entry["canonicalizedBody"].as_str().unwrap(), &base64(change.as_bytes())),
        );
        refused(&layer.examine(&old.demand, DSSE), reason);
    }
    // Nobody looks.
    let ignored = Demand { log: LogRule::Ignored, ..old.demand.clone() };
    assert_eq!(old.layer(&other).examine(&ignored, DSSE).fate, Fate::Accepted);
}

#[test]
fn n26_entries_of_old_are_of_envelopes_only() {
    let old = Old::new();
    let content = b"what is released";
    let message = json!({ "signature": base64(&old.key.sign(content)) });
    let bundle = bundle(
        json!({ "publicKey": { "hint": "" } }),
        &[old.entry(&old.body)],
        ("messageSignature", message),
    );
    let text = bundle.to_string();
    let digest = plimsoll_model::digest::Digest::of(content);
    let subject = plimsoll_trust::claimed::Subject { digest, bytes: Some(content), described: None };
    let claimed = plimsoll_trust::claimed::Claimed {
        place: "here",
        media_type: BUNDLE,
        content: text.as_bytes(),
        annotations: &BTreeMap::new(),
        subject,
    };
    refused(
        &plimsoll_trust::all::examine(&claimed, &old.demand).unwrap(),
        "log: a log entry of the kind intoto",
    );
}
