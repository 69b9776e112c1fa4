//! A signature by a key, with its log entry, ready to be broken.

use std::collections::BTreeMap;

use jiff::Timestamp;
use plimsoll_model::digest::Digest;
use plimsoll_model::signature::{Fate, Signature};
use plimsoll_testkit::sigstore::{
    SigningKey, Sigstore, TIME, base64, bundle, dsse_entry, envelope, statement,
};
use plimsoll_trust::all::examine;
use plimsoll_trust::claimed::{Claimed, Subject};
use plimsoll_trust::demand::{Claim, Demand, LogRule, Told, TrustedKey};
use plimsoll_trust::identity::{ExpectedIdentity, ExpectedSource, Matcher};
use plimsoll_trust::key::PublicKey;
use plimsoll_trust::root::Roots;
use serde_json::{Value, json};

pub(crate) const SIGN: &str = "https://sigstore.dev/cosign/sign/v1";
pub(crate) const IMAGE: &[u8] = b"the image's manifest";
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

pub(crate) fn hex() -> String {
    Digest::of(IMAGE).hex()
}

/// What is demanded if nothing else is said: a signature, in the log of `sigstore`.
pub(crate) fn demand(sigstore: &Sigstore) -> Demand {
    Demand {
        keys: Vec::new(),
        identities: Vec::new(),
        notary: None,
        claim: Claim::Signed,
        annotations: BTreeMap::new(),
        told: Told::default(),
        log: LogRule::Required,
        threshold: 1,
        roots: roots(&sigstore.trusted_root()),
        now: Timestamp::from_second(TIME + 1000).unwrap(),
    }
}

pub(crate) fn roots(root: &Value) -> Roots {
    Roots::read(root.to_string().as_bytes(), "test").unwrap()
}

pub(crate) fn trusted(key: &SigningKey) -> TrustedKey {
    let key = PublicKey::from_pem(&key.public_pem()).unwrap();
    TrustedKey { key, title: "test.pub".to_owned(), valid: (None, None) }
}

pub(crate) fn expected(name: &str, issuer: &str) -> ExpectedIdentity {
    ExpectedIdentity {
        name: Matcher::Exact(name.to_owned()),
        issuer: Matcher::Exact(issuer.to_owned()),
        source: ExpectedSource::default(),
    }
}

/// A bundle by a key, of an envelope that says that the image is signed.
pub(crate) struct Keyed {
    pub(crate) sigstore: Sigstore,
    pub(crate) key: SigningKey,
    pub(crate) demand: Demand,
}

impl Keyed {
    pub(crate) fn new() -> Self {
        let (sigstore, key) = (Sigstore::new(), SigningKey::new());
        let demand = Demand { keys: vec![trusted(&key)], ..demand(&sigstore) };
        Self { sigstore, key, demand }
    }

    /// The same, with nobody looking into the log.
    pub(crate) fn unlogged() -> Self {
        let mut keyed = Self::new();
        keyed.demand.log = LogRule::Ignored;
        keyed
    }

    pub(crate) fn bundle(&self) -> Value {
        self.bundle_of(&statement(&hex(), SIGN).to_string())
    }

    /// A bundle of this payload, well signed and logged.
    pub(crate) fn bundle_of(&self, payload: &str) -> Value {
        let (envelope, signature) = envelope(&self.key, payload.as_bytes());
        let body = dsse_entry(payload.as_bytes(), &signature, &self.key.public_pem());
        let entry = self.sigstore.entry("dsse", &body, TIME);
        bundle(json!({ "publicKey": { "hint": "" } }), &[entry], ("dsseEnvelope", envelope))
    }

    pub(crate) fn examine(&self, bundle: &Value) -> Signature {
        self.examine_text(&bundle.to_string())
    }

    pub(crate) fn examine_text(&self, bundle: &str) -> Signature {
        examined(&self.demand, (BUNDLE, bundle.as_bytes()), &BTreeMap::new())
    }

    /// Changes the good bundle, which must then be refused for this reason.
    pub(crate) fn refused(&self, change: impl FnOnce(&mut Value), reason: &str) {
        let mut bundle = self.bundle();
        assert_eq!(self.examine(&bundle).fate, Fate::Accepted);
        change(&mut bundle);
        refused(&self.examine(&bundle), reason);
    }
}

pub(crate) fn examined(
    demand: &Demand,
    (media_type, content): (&str, &[u8]),
    annotations: &BTreeMap<String, String>,
) -> Signature {
    let subject =
        Subject { digest: Digest::of(IMAGE), bytes: None, described: Some((MANIFEST, IMAGE.len() as u64)) };
    examine(&Claimed { place: "here", media_type, content, annotations, subject }, demand).unwrap()
}

/// It must be refused, with a reason that begins so.
pub(crate) fn refused(signature: &Signature, reason: &str) {
    match &signature.fate {
        Fate::Refused(words) => assert!(words.contains(reason), "{reason:?} is not in {words:?}"),
        other => panic!("{other:?}, not refused for {reason:?}"),
    }
}

pub(crate) fn passed_over(signature: &Signature, reason: &str) {
    match &signature.fate {
        Fate::Passed(words) => assert!(words.contains(reason), "{reason:?} is not in {words:?}"),
        other => panic!("{other:?}, not passed over for {reason:?}"),
    }
}

pub(crate) fn encoded(text: &str) -> Value {
    base64(text.as_bytes()).into()
}
