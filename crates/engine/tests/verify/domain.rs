//! Images under a trust file: who counts, how many it takes, what they must say, and summaries of other verifiers.

use std::collections::BTreeMap;

use jiff::Timestamp;
use plimsoll_engine::verify::image;
use plimsoll_model::signature::{Outcome, Verification};
use plimsoll_testkit::registry::Blob;
use plimsoll_testkit::sigstore::{
    ISSUER, Name, SigningKey, Sigstore, TIME, bundle, dsse_entry, envelope, statement,
};
use plimsoll_trust::domain::{ImageName, TrustFile};
use serde_json::{Value, json};

use super::support::{INDEX, Layout, MANIFEST, SIGN};

const SPDX: &str = "https://spdx.dev/Document";
const VSA: &str = "https://slsa.dev/verification_summary/v1";

/// A layout with an image, and files that trust files may name.
struct Scene {
    layout: Layout,
    image: Blob,
    sigstore: Sigstore,
    files: BTreeMap<String, Vec<u8>>,
    now: Timestamp,
}

impl Scene {
    fn new() -> Self {
        let mut layout = Layout::new();
        let image = layout.image("one");
        layout.name(&image, MANIFEST, Some("latest"));
        let sigstore = Sigstore::new();
        let root = sigstore.trusted_root().to_string().into_bytes();
        let files = BTreeMap::from([("root.json".to_owned(), root)]);
        Self { layout, image, sigstore, files, now: Timestamp::from_second(TIME + 3600).unwrap() }
    }

    fn key(&mut self, file: &str) -> SigningKey {
        let key = SigningKey::new();
        self.files.insert(file.to_owned(), key.public_pem().into_bytes());
        key
    }

    /// An envelope by a key, in the log at `time` if there is one.
    fn say(&mut self, key: &SigningKey, statement: &Value, time: Option<i64>) {
        let payload = statement.to_string();
        let (envelope, signature) = envelope(key, payload.as_bytes());
        let entry = |time| {
            let body = dsse_entry(payload.as_bytes(), &signature, &key.public_pem());
            self.sigstore.entry("dsse", &body, time)
        };
        let entries: Vec<Value> = time.map(entry).into_iter().collect();
        let bundle = bundle(json!({ "publicKey": { "hint": "" } }), &entries, ("dsseEnvelope", envelope));
        let image = self.image.clone();
        self.layout.refer(&image, &bundle);
    }

    fn sign(&mut self, key: &SigningKey) {
        let statement = self.about(SIGN);
        self.say(key, &statement, None);
    }

    /// Signs as whom a certificate names.
    fn sign_as(&mut self, name: &str) {
        let holder = self.sigstore.certificate(&[Name::Uri(name)]);
        let payload = self.about(SIGN).to_string();
        let (envelope, signature) = envelope(&holder.key, payload.as_bytes());
        let body = dsse_entry(payload.as_bytes(), &signature, &holder.pem());
        let entry = self.sigstore.entry("dsse", &body, TIME);
        let certificate = plimsoll_testkit::sigstore::base64(&holder.certificate);
        let material = json!({ "certificate": { "rawBytes": certificate } });
        let bundle = bundle(material, &[entry], ("dsseEnvelope", envelope));
        let image = self.image.clone();
        self.layout.refer(&image, &bundle);
    }

    fn about(&self, kind: &str) -> Value {
        statement(&self.image.digest.0.hex(), kind)
    }

    fn file(&self, text: &str) -> TrustFile {
        let mut open = |name: &str, _: u64| self.files.get(name).cloned().ok_or_else(|| "missing".to_owned());
        TrustFile::read("trust.yaml", text.as_bytes(), &mut open).unwrap()
    }

    fn verify(&self, text: &str) -> Verification {
        let name = ImageName::Registry("ghcr.io/acme/shop:1".parse().unwrap());
        let domain = self.file(text).domain(&name, self.now).unwrap().unwrap();
        image(&self.layout.resolved("latest"), &self.layout.place(), None, &domain).unwrap()
    }

    fn outcome(&self, text: &str) -> Outcome {
        self.verify(text).outcome
    }
}

/// A file with one domain.
fn trust(signers: &str, domain: &str) -> String {
    format!(
        "version: 1\nsigners:\n{signers}domains:\n  - {{ name: acme, images: [ghcr.io/acme/**], {domain} }}\n"
    )
}

const AB: &str = "  - { name: a, keys: [{ file: a.pub }], trusted-root: root.json }
  - { name: b, keys: [{ file: b.pub }], trusted-root: root.json }
";

#[test]
fn n13_a_threshold_takes_different_signers() {
    let mut scene = Scene::new();
    let (a, b) = (scene.key("a.pub"), scene.key("b.pub"));
    let two = trust(AB, "signers: [a, b], threshold: 2, log: ignored");
    scene.sign(&a);
    scene.sign(&a);
    let verification = scene.verify(&two);
    assert_eq!(verification.outcome, Outcome::Refused);
    assert!(verification.reason.contains("1 of 2 different signers"), "{}", verification.reason);
    scene.sign(&b);
    let verification = scene.verify(&two);
    assert_eq!(verification.outcome, Outcome::Verified, "{}", verification.reason);
    let known: Vec<&str> =
        verification.accepted().flat_map(|signature| &signature.known_as).map(String::as_str).collect();
    assert_eq!(known.iter().filter(|name| **name == "a").count(), 2);
    assert!(verification.reason.contains("a, b"), "{}", verification.reason);
    // One whom the domain does not name counts for nothing.
    assert_eq!(scene.outcome(&trust(AB, "signers: [b], log: ignored")), Outcome::Verified);
    let mut other = Scene::new();
    other.files.clone_from(&scene.files);
    other.sign(&a);
    assert_eq!(other.outcome(&trust(AB, "signers: [b], log: ignored")), Outcome::Refused);
}

#[test]
fn n13_one_identity_under_two_names_and_two_under_one_are_one_signer() {
    let mut scene = Scene::new();
    let identity = |name: &str, subject: &str| {
        format!(
            "  - {{ name: {name}, issuer: '{ISSUER}', subject-regexp: '{subject}', trusted-root: root.json }}\n"
        )
    };
    let overlapping = identity("any", "https://ci/.*") + &identity("one", "https://ci/1");
    let two = trust(&overlapping, "signers: [any, one], threshold: 2");
    scene.sign_as("https://ci/1");
    scene.sign_as("https://ci/1");
    assert_eq!(scene.outcome(&two), Outcome::Refused);
    assert_eq!(scene.outcome(&trust(&overlapping, "signers: [any, one]")), Outcome::Verified);
    // The second one can be the name that is left.
    scene.sign_as("https://ci/2");
    assert_eq!(scene.outcome(&two), Outcome::Verified);
    let mut scene = Scene::new();
    scene.sign_as("https://ci/2");
    scene.sign_as("https://ci/3");
    assert_eq!(scene.outcome(&two), Outcome::Refused);
}

#[test]
fn n12_keys_are_rotated_by_the_time_that_a_log_confirms() {
    let mut scene = Scene::new();
    let (old, new) = (scene.key("old.pub"), scene.key("new.pub"));
    let signers = "  - name: release
    trusted-root: root.json
    keys: [{ file: old.pub, valid-until: 2025-01-02 }, { file: new.pub, valid-from: 2025-01-03 }]
";
    let rule = trust(signers, "signers: [release]");
    let statement = scene.about(SIGN);
    // The new key signed before its time.
    scene.say(&new, &statement, Some(TIME));
    let verification = scene.verify(&rule);
    assert_eq!(verification.outcome, Outcome::Refused);
    // The old one within its time, whenever one looks.
    scene.say(&old, &statement, Some(TIME));
    scene.now = "2030-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(scene.outcome(&rule), Outcome::Verified);
    // Without a confirmed time it may have been made now.
    let mut scene = Scene { now: scene.now, ..Scene::new() };
    let old = scene.key("old.pub");
    scene.key("new.pub");
    scene.sign(&old);
    assert_eq!(scene.outcome(&trust(signers, "signers: [release], log: ignored")), Outcome::Refused);
}

#[test]
fn a_time_must_be_confirmed_and_near_where_the_domain_says_so() {
    let mut scene = Scene::new();
    let (a, _) = (scene.key("a.pub"), scene.key("b.pub"));
    scene.sign(&a);
    assert_eq!(scene.outcome(&trust(AB, "signers: [a], log: ignored")), Outcome::Verified);
    let timed = scene.verify(&trust(AB, "signers: [a], log: ignored, timestamp: required"));
    assert_eq!(timed.outcome, Outcome::Refused);
    assert_eq!(scene.outcome(&trust(AB, "signers: [a], log: ignored, max-age: 1d")), Outcome::Refused);
    // In no log, which is demanded where nothing is said.
    assert_eq!(scene.outcome(&trust(AB, "signers: [a]")), Outcome::Refused);
    let statement = scene.about(SIGN);
    scene.say(&a, &statement, Some(TIME));
    assert_eq!(
        scene.outcome(&trust(AB, "signers: [a], timestamp: required, max-age: 1d")),
        Outcome::Verified
    );
    scene.now = Timestamp::from_second(TIME + 2 * 24 * 3600).unwrap();
    let old = scene.verify(&trust(AB, "signers: [a], max-age: 1d"));
    assert_eq!(old.outcome, Outcome::Refused);
    let reasons = super::support::reasons(&old);
    assert!(reasons.iter().any(|reason| reason.starts_with("age: it was made at")), "{reasons:?}");
}

#[test]
fn n31_attestations_must_be_there_of_the_image_by_whom_the_domain_says() {
    let mut scene = Scene::new();
    let (a, b) = (scene.key("a.pub"), scene.key("b.pub"));
    let rule = trust(AB, "signers: [a, b], log: ignored, attestations: [{ type: spdx, signers: [b] }]");
    scene.sign(&a);
    let missing = scene.verify(&rule);
    assert_eq!(missing.outcome, Outcome::Refused);
    assert!(
        missing.reason.contains("0 of 1 attestations of type https://spdx.dev/Document"),
        "{}",
        missing.reason
    );
    let by_another = scene.about(SPDX);
    scene.say(&a, &by_another, None);
    let of_another = statement(&"0".repeat(64), SPDX);
    scene.say(&b, &of_another, None);
    assert_eq!(scene.outcome(&rule), Outcome::Refused);
    scene.say(&b, &by_another, None);
    assert_eq!(scene.outcome(&rule), Outcome::Verified);
    // An attestation is no signature.
    let unsigned = trust(AB, "signers: [b], log: ignored, attestations: [{ type: spdx }]");
    assert_eq!(scene.outcome(&unsigned), Outcome::Refused);
    let alone = trust(AB, "signers: [b], threshold: 0, log: ignored, attestations: [{ type: spdx }]");
    assert_eq!(scene.outcome(&alone), Outcome::Verified);
}

#[test]
fn what_signs_an_index_and_what_is_attested_of_its_images_come_together() {
    let mut scene = Scene::new();
    let (a, b) = (scene.key("a.pub"), scene.key("b.pub"));
    let mut layout = Layout::new();
    let images = [layout.image("amd64"), layout.image("arm64")];
    let index = layout.index(&[(&images[0], "amd64"), (&images[1], "arm64")], &[]);
    layout.name(&index, INDEX, Some("latest"));
    scene.layout = layout;
    scene.image = index;
    scene.sign(&a);
    let rule = trust(AB, "signers: [a, b], log: ignored, attestations: [{ type: spdx }]");
    scene.image = images[0].clone();
    let statement = scene.about(SPDX);
    scene.say(&b, &statement, None);
    assert_eq!(scene.outcome(&rule), Outcome::Refused);
    scene.image = images[1].clone();
    let statement = scene.about(SPDX);
    scene.say(&b, &statement, None);
    assert_eq!(scene.outcome(&rule), Outcome::Verified);
}

#[test]
fn n35_a_summary_counts_only_of_its_verifier_about_this_fresh_and_passed() {
    let rule = trust(
        AB,
        "signers: [a, b], threshold: 2, log: ignored, verifiers: [{ id: 'https://verifier.example', signers: [b], max-age: 7d, levels: [SLSA_BUILD_LEVEL_2] }]",
    );
    let good = |scene: &Scene| {
        let mut summary = scene.about(VSA);
        summary["predicate"] = json!({
            "verifier": { "id": "https://verifier.example" }, "timeVerified": "2025-01-01T00:00:00Z",
            "resourceUri": "oci://ghcr.io/acme/shop", "policy": { "uri": "p" }, "verificationResult": "PASSED",
            "verifiedLevels": ["SLSA_BUILD_LEVEL_2"],
        });
        summary
    };
    let outcome = |change: &dyn Fn(&mut Value), by_b: bool| {
        let mut scene = Scene::new();
        let (a, b) = (scene.key("a.pub"), scene.key("b.pub"));
        let mut summary = good(&scene);
        change(&mut summary);
        scene.say(if by_b { &b } else { &a }, &summary, None);
        scene.verify(&rule)
    };
    let accepted = outcome(&|_| {}, true);
    assert_eq!(accepted.outcome, Outcome::Verified, "{}", accepted.reason);
    assert_eq!(outcome(&|_| {}, false).outcome, Outcome::Refused);
    for (member, value, why) in [
        ("verificationResult", json!("FAILED"), "its result is \"FAILED\""),
        ("verificationResult", json!("passed"), "its result"),
        ("verifier", json!({ "id": "https://verifier.example.evil" }), "verifier"),
        ("resourceUri", json!("oci://ghcr.io/acme/shop-evil"), "it is about"),
        ("resourceUri", json!("ghcr.io/acme/shop"), "it is about"),
        ("timeVerified", json!("2024-12-01T00:00:00Z"), "too long ago"),
        ("timeVerified", json!("2025-02-01T00:00:00Z"), "in the future"),
        ("verifiedLevels", json!([]), "does not tell"),
        ("timeVerified", Value::Null, "malformed"),
    ] {
        let refused = outcome(&|summary: &mut Value| summary["predicate"][member] = value.clone(), true);
        assert_eq!(refused.outcome, Outcome::Refused, "{member} {value}");
        assert!(refused.reason.contains(why), "{member} {value}: {}", refused.reason);
    }
    // Of another image.
    let other = |summary: &mut Value| summary["subject"][0]["digest"]["sha256"] = "0".repeat(64).into();
    assert_eq!(outcome(&other, true).outcome, Outcome::Refused);
    // Where nobody is named as a verifier, it is an attestation as any other.
    let mut scene = Scene::new();
    let (_, b) = (scene.key("a.pub"), scene.key("b.pub"));
    let summary = good(&scene);
    scene.say(&b, &summary, None);
    assert_eq!(scene.outcome(&trust(AB, "signers: [a, b], log: ignored")), Outcome::Refused);
}
