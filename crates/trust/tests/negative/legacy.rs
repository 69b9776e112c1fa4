//! cosign's formats of old: what supports a signature lies in annotations.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use plimsoll_model::signature::{Fate, Signature};
use plimsoll_testkit::sigstore::{
    Holder, ISSUER, Name, SigningKey, Sigstore, TIME, base64, dsse_entry, envelope, hashedrekord, promise,
    simple_signing, statement,
};
use plimsoll_testkit::timestamps::TimestampAuthority;
use plimsoll_testkit::tools::installed;
use plimsoll_trust::demand::{Claim, Demand, LogRule};
use serde_json::Value;

use super::support::{SIGN, demand, examined, expected, hex, passed_over, refused, trusted};

const SIMPLE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
pub(super) const DSSE: &str = "application/vnd.dsse.envelope.v1+json";
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
pub(super) const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
const CHAIN: &str = "dev.sigstore.cosign/chain";
pub(super) const LOG: &str = "dev.sigstore.cosign/bundle";
const TIMESTAMP: &str = "dev.sigstore.cosign/rfc3161timestamp";

/// A layer that is a signature.
pub(super) struct Layer {
    pub(super) content: String,
    pub(super) annotations: BTreeMap<String, String>,
}

impl Layer {
    pub(super) fn examine(&self, demand: &Demand, media_type: &str) -> Signature {
        examined(demand, (media_type, self.content.as_bytes()), &self.annotations)
    }

    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.annotations.insert(name.to_owned(), value.to_owned());
        self
    }
}

fn signed(key: &SigningKey, payload: &Value, log: Option<(&Sigstore, &str)>) -> Layer {
    let content = payload.to_string();
    let signature = key.sign(content.as_bytes());
    let mut annotations = BTreeMap::from([(SIGNATURE.to_owned(), base64(&signature))]);
    if let Some((sigstore, verifier)) = log {
        let body = hashedrekord(content.as_bytes(), &signature, verifier);
        let entry = sigstore.entry("hashedrekord", &body, TIME);
        annotations.insert(LOG.to_owned(), promise(&entry).to_string());
    }
    Layer { content, annotations }
}

fn by_key() -> (Sigstore, SigningKey, Demand) {
    let (sigstore, key) = (Sigstore::new(), SigningKey::new());
    let demand = Demand { keys: vec![trusted(&key)], ..demand(&sigstore) };
    (sigstore, key, demand)
}

#[test]
fn a_key_with_and_without_a_log() {
    let (sigstore, key, mut demand) = by_key();
    let payload = simple_signing(&hex());
    let logged = signed(&key, &payload, Some((&sigstore, &key.public_pem())));
    let signature = logged.examine(&demand, SIMPLE);
    assert_eq!(signature.fate, Fate::Accepted, "{signature:?}");
    assert_eq!(signature.annotations["stage"], "production");
    let unlogged = signed(&key, &payload, None);
    refused(&unlogged.examine(&demand, SIMPLE), "log: it is in no transparency log");
    demand.log = LogRule::Ignored;
    assert_eq!(unlogged.examine(&demand, SIMPLE).fate, Fate::Accepted);
    demand.claim = Claim::Attested("https://slsa.dev/provenance/v1".to_owned());
    passed_over(&unlogged.examine(&demand, SIMPLE), "no attestation");
}

#[test]
fn n1_n2_the_promise_of_another_signature_is_refused() {
    let (sigstore, key, demand) = by_key();
    let payload = simple_signing(&hex());
    let pem = key.public_pem();
    let other = signed(&key, &simple_signing(&"0".repeat(64)), Some((&sigstore, &pem)));
    let good = || signed(&key, &payload, Some((&sigstore, &pem)));
    let swapped = good().with(LOG, &other.annotations[LOG]);
    refused(&swapped.examine(&demand, SIMPLE), ": ");
    let mut log: Value = serde_json::from_str(&good().annotations[LOG]).unwrap();
    log["Payload"]["integratedTime"] = (TIME - 1).into();
    refused(&good().with(LOG, &log.to_string()).examine(&demand, SIMPLE), "log: ");
    for broken in ["{}", "[", "{\"Payload\":null}", "{\"a\":1,\"a\":2}"] {
        refused(&good().with(LOG, broken).examine(&demand, SIMPLE), "form: ");
    }
    // Without a bundle there is nothing to verify, whatever the annotation is.
    refused(&good().with(LOG, "null").examine(&demand, SIMPLE), "log: ");
}

#[test]
fn n19_n33_a_good_signature_of_something_else_is_refused() {
    let (_, key, mut demand) = by_key();
    demand.log = LogRule::Ignored;
    let other = signed(&key, &simple_signing(&"0".repeat(64)), None);
    refused(&other.examine(&demand, SIMPLE), "subject: it signs sha256:0000");
    for payload in [Value::Null, serde_json::json!({}), serde_json::json!([]), Value::from("text")] {
        refused(&signed(&key, &payload, None).examine(&demand, SIMPLE), "form: its payload");
    }
    let mut changed = signed(&key, &simple_signing(&"0".repeat(64)), None);
    changed.content = simple_signing(&hex()).to_string();
    refused(&changed.examine(&demand, SIMPLE), "signature: ");
}

#[test]
fn n20_a_signature_that_is_missing_or_no_base64_is_refused() {
    let (_, key, mut demand) = by_key();
    demand.log = LogRule::Ignored;
    let good = || signed(&key, &simple_signing(&hex()), None);
    let spaced = format!("{} ", good().annotations[SIGNATURE]);
    for text in ["", "!", "AA", &spaced] {
        refused(&good().with(SIGNATURE, text).examine(&demand, SIMPLE), ": ");
    }
    let mut without = good();
    without.annotations.clear();
    refused(&without.examine(&demand, SIMPLE), "form: it has no annotation");
}

#[test]
fn a_certificate_with_its_chain_and_the_promise_of_a_log() {
    let sigstore = Sigstore::new();
    let demand = Demand { identities: vec![expected("dev@acme.example", ISSUER)], ..demand(&sigstore) };
    let holder: Holder = sigstore.certificate(&[Name::Email("dev@acme.example")]);
    let pem = holder.pem();
    let good = || {
        signed(&holder.key, &simple_signing(&hex()), Some((&sigstore, &pem)))
            .with(CERTIFICATE, &pem)
            .with(CHAIN, &pem)
    };
    let signature = good().examine(&demand, SIMPLE);
    assert_eq!(signature.fate, Fate::Accepted, "{signature:?}");
    for broken in
        ["x", "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n", &format!("{pem}{pem}")]
    {
        refused(&good().with(CERTIFICATE, broken).examine(&demand, SIMPLE), ": ");
    }
    refused(&good().with(CHAIN, &pem.repeat(9)).examine(&demand, SIMPLE), "form: ");
    let other = sigstore.certificate(&[Name::Email("dev@acme.example")]);
    refused(&good().with(CERTIFICATE, &other.pem()).examine(&demand, SIMPLE), ": ");
    let stranger = Sigstore::new();
    let foreign = stranger.certificate(&[Name::Email("dev@acme.example")]);
    let forged = signed(&foreign.key, &simple_signing(&hex()), Some((&sigstore, &foreign.pem())));
    refused(&forged.with(CERTIFICATE, &foreign.pem()).examine(&demand, SIMPLE), "certificate: ");
    let mut unlogged = good();
    unlogged.annotations.remove(LOG);
    refused(&unlogged.examine(&demand, SIMPLE), "log: ");
}

#[test]
fn n16_n31_attestations_of_old() {
    let (sigstore, key, mut demand) = by_key();
    let kind = "https://slsa.dev/provenance/v1";
    demand.claim = Claim::Attested(kind.to_owned());
    let attested = |kind: &str, hex: &str| {
        let payload = statement(hex, kind).to_string();
        let (envelope, signature) = envelope(&key, payload.as_bytes());
        let body = dsse_entry(payload.as_bytes(), &signature, &key.public_pem());
        let log = promise(&sigstore.entry("dsse", &body, TIME)).to_string();
        Layer { content: envelope.to_string(), annotations: BTreeMap::from([(LOG.to_owned(), log)]) }
    };
    let good = attested(kind, &hex());
    let signature = good.examine(&demand, DSSE);
    assert_eq!(signature.fate, Fate::Accepted, "{signature:?}");
    assert_eq!(signature.predicate_type.as_deref(), Some(kind));
    passed_over(&attested(SIGN, &hex()).with("predicateType", kind).examine(&demand, DSSE), "of type");
    refused(&attested(kind, &"0".repeat(64)).examine(&demand, DSSE), ": ");
    let mut twice: Value = serde_json::from_str(&good.content).unwrap();
    twice["signatures"] = vec![twice["signatures"][0].clone(); 2].into();
    let twice = Layer { content: twice.to_string(), annotations: good.annotations.clone() };
    refused(&twice.examine(&demand, DSSE), "form: it has 2 signatures");
    demand.log = LogRule::Ignored;
    refused(
        &Layer { content: "{}".to_owned(), annotations: BTreeMap::new() }.examine(&demand, DSSE),
        "form: ",
    );
}

fn der_in_base64(pem: &[u8]) -> String {
    let text = std::str::from_utf8(pem).unwrap();
    text.lines().filter(|line| !line.starts_with("-----")).collect()
}

/// cosign has the whole envelope of an attestation timestamped, not the signature in it.
#[test]
fn n10_n12_timestamps_of_attestations_of_old_are_over_the_envelope() {
    if !installed(&["openssl"]) {
        return;
    }
    let (sigstore, key) = (Sigstore::new(), SigningKey::new());
    let authority = TimestampAuthority::new(&["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
    let certificates: Vec<Value> = [authority.certificate(), authority.root()]
        .iter()
        .map(|pem| serde_json::json!({ "rawBytes": der_in_base64(pem) }))
        .collect();
    let mut root = sigstore.trusted_root();
    root["timestampAuthorities"] = serde_json::json!([{
        "subject": { "organization": "acme.example", "commonName": "time" }, "uri": "https://time.invalid",
        "certChain": { "certificates": certificates }, "validFor": { "start": "2024-01-01T00:00:00Z" },
    }]);
    let payload = statement(&hex(), SIGN).to_string();
    let (envelope, signature) = envelope(&key, payload.as_bytes());
    let content = envelope.to_string();
    let stamped = |over: &[u8]| {
        let token = serde_json::json!({ "SignedRFC3161Timestamp": base64(&authority.token(over)) });
        let annotations = BTreeMap::from([(TIMESTAMP.to_owned(), token.to_string())]);
        Layer { content: content.clone(), annotations }
    };
    let now = Timestamp::now().saturating_add(SignedDuration::from_hours(1)).unwrap();
    let valid = |from: i64, until: i64| {
        let at = |hours| Some(now.saturating_add(SignedDuration::from_hours(hours)).unwrap());
        let mut trusted = trusted(&key);
        trusted.valid = (at(from), at(until));
        let roots = super::support::roots(&root);
        Demand { keys: vec![trusted], log: LogRule::Ignored, roots, now, ..demand(&sigstore) }
    };
    let good = stamped(content.as_bytes()).examine(&valid(-48, 48), DSSE);
    assert_eq!((&good.fate, good.times.len()), (&Fate::Accepted, 1), "{good:?}");
    // Of a key that has ended since, and one that had not begun when it was made.
    assert_eq!(stamped(content.as_bytes()).examine(&valid(-48, 0), DSSE).fate, Fate::Accepted);
    refused(&stamped(content.as_bytes()).examine(&valid(0, 48), DSSE), "key-validity: ");
    for other in [&signature[..], payload.as_bytes(), b"another"] {
        refused(&stamped(other).examine(&valid(-48, 48), DSSE), "timestamp: ");
    }
    let strange = Demand { roots: super::support::roots(&sigstore.trusted_root()), ..valid(-48, 48) };
    refused(&stamped(content.as_bytes()).examine(&strange, DSSE), "timestamp: ");

    // A certificate that was in the log in time, with a timestamp from when it had expired.
    let holder: Holder = sigstore.certificate(&[Name::Email("dev@acme.example")]);
    let (envelope, signature) = plimsoll_testkit::sigstore::envelope(&holder.key, payload.as_bytes());
    let log = sigstore.entry("dsse", &dsse_entry(payload.as_bytes(), &signature, &holder.pem()), TIME);
    let annotations =
        BTreeMap::from([(LOG.to_owned(), promise(&log).to_string()), (CERTIFICATE.to_owned(), holder.pem())]);
    let in_time = Layer { content: envelope.to_string(), annotations };
    let identities = vec![expected("dev@acme.example", ISSUER)];
    let by_name = Demand { keys: Vec::new(), identities, log: LogRule::Required, ..valid(-48, 48) };
    assert_eq!(in_time.examine(&by_name, DSSE).fate, Fate::Accepted);
    let token =
        serde_json::json!({ "SignedRFC3161Timestamp": base64(&authority.token(in_time.content.as_bytes())) });
    let late = in_time.with(TIMESTAMP, &token.to_string());
    refused(&late.examine(&by_name, DSSE), "certificate: it was not valid at");
}
