//! Signatures of the Notary Project.

mod chain;
mod envelope;
mod policy;
mod timestamp;

use coset::iana;
use jiff::Timestamp;
use plimsoll_model::digest::Digest;
use plimsoll_model::signature::{Check, CheckResult, Fate, Signature};
use plimsoll_testkit::notary::{Authority, Signer, payload};
use plimsoll_testkit::sigstore::{Sigstore, TIME};
use plimsoll_trust::demand::Demand;
use plimsoll_trust::notary::policy::Policies;
use plimsoll_trust::notary::revocation::RevocationList;
use plimsoll_trust::notary::store::{Store, StoreKind};
use plimsoll_trust::notary::{COSE, JWS, NotaryTrust};
use serde_json::{Value, json};

use super::support::{IMAGE, MANIFEST, demand, examined};

/// A signer below a root that is trusted.
struct Notary {
    root: Authority,
    signer: Signer,
    demand: Demand,
}

impl Notary {
    fn new() -> Self {
        Self::with(json!({ "level": "strict" }), "*")
    }

    /// Under this policy.
    fn with(verification: Value, identity: &str) -> Self {
        let root = Authority::root(|_| ());
        let signer = root.signer(|_| ());
        let notary = Some(trust(&root, verification, identity));
        let demand = Demand { notary, ..demand(&Sigstore::new()) };
        Self { root, signer, demand }
    }

    fn trust(&mut self) -> &mut NotaryTrust {
        self.demand.notary.as_mut().unwrap()
    }

    fn revoked(&mut self, list: &[u8]) {
        self.trust().revoked = RevocationList::read(list).unwrap();
    }

    fn at(&mut self, seconds: i64) {
        self.demand.now = Timestamp::from_second(TIME + seconds).unwrap();
    }

    /// Both kinds of envelopes, by whom.
    fn by(&self, signer: &Signer, protected: &Value) -> [Signature; 2] {
        let payload = good().to_string();
        let cose = signer.cose(protected, iana::Algorithm::ES256, payload.as_bytes());
        [self.jws(&signer.jws(protected, payload.as_bytes())), self.cose(&cose)]
    }

    fn of(&self, protected: &Value) -> [Signature; 2] {
        self.by(&self.signer, protected)
    }

    fn jws(&self, envelope: &Value) -> Signature {
        self.examine(JWS, envelope.to_string().as_bytes())
    }

    fn cose(&self, envelope: &[u8]) -> Signature {
        self.examine(COSE, envelope)
    }

    fn examine(&self, media_type: &str, content: &[u8]) -> Signature {
        examined(&self.demand, (media_type, content), &std::collections::BTreeMap::new())
    }
}

fn trust(root: &Authority, verification: Value, identity: &str) -> NotaryTrust {
    let file = json!({ "version": "1.0", "trustPolicies": [{
        "name": "all", "registryScopes": ["*"], "signatureVerification": verification,
        "trustStores": ["ca:acme"], "trustedIdentities": [identity],
    }] });
    let policies = Policies::read(file.to_string().as_bytes()).unwrap();
    let mut store = Store::new(StoreKind::Ca);
    store.add(&root.certificate()).unwrap();
    NotaryTrust {
        policy: policies.select(None).unwrap().clone(),
        stores: vec![store],
        revoked: Vec::new(),
        title: "test".to_owned(),
    }
}

fn good() -> Value {
    payload(MANIFEST, &format!("sha256:{}", Digest::of(IMAGE).hex()), IMAGE.len())
}

fn accepted(signatures: &[Signature]) {
    for signature in signatures {
        assert_eq!(signature.fate, Fate::Accepted, "{signature:?}");
    }
}

fn refused(signatures: &[Signature], reason: &str) {
    signatures.iter().for_each(|signature| super::support::refused(signature, reason));
}

/// What came of a check.
fn result(signature: &Signature, check: Check) -> (CheckResult, &str) {
    let made = signature.checks.iter().find(|made| made.check == check).unwrap();
    (made.result, &made.words)
}
