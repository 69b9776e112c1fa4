//! What is demanded of signatures, with and without a log: by a key that nobody has, or a name of the public service.

use std::cell::RefCell;
use std::collections::BTreeMap;

use plimsoll_trust::demand::{Claim, Demand, LogRule, Told, TrustedKey};
use plimsoll_trust::identity::{ExpectedIdentity, ExpectedSource, Matcher};
use plimsoll_trust::key::PublicKey;
use plimsoll_trust::notary::NotaryTrust;
use plimsoll_trust::notary::policy::Policies;
use plimsoll_trust::root::Roots;

/// The generator of P-256, whose private key is 1: no signature in the corpus is made with it.
const KEY: &str = "-----BEGIN PUBLIC KEY-----\n\
    MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n\
    6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n\
    -----END PUBLIC KEY-----\n";

/// A policy that enforces integrity alone.
const POLICY: &[u8] = br#"{"version":"1.0","trustPolicies":[{"name":"a","registryScopes":["*"],
    "signatureVerification":{"level":"audit"},"trustStores":["ca:a"],"trustedIdentities":["*"]}]}"#;

thread_local! {
    static DEMANDS: RefCell<Vec<Demand>> = RefCell::new([LogRule::Required, LogRule::Ignored].map(demand).into());
}

fn demand(log: LogRule) -> Demand {
    let exact = |text: &str| Matcher::Exact(text.to_owned());
    Demand {
        keys: vec![TrustedKey {
            key: PublicKey::from_pem(KEY).expect("a key"),
            title: "fuzz".to_owned(),
            valid: (None, None),
        }],
        identities: vec![ExpectedIdentity {
            name: exact("nobody@invalid"),
            issuer: exact("https://invalid"),
            source: ExpectedSource::default(),
        }],
        notary: Some(NotaryTrust {
            policy: Policies::read(POLICY).expect("a policy").select(None).expect("the one for all").clone(),
            stores: Vec::new(),
            revoked: Vec::new(),
            title: "fuzz".to_owned(),
        }),
        claim: Claim::Anything,
        annotations: BTreeMap::new(),
        told: Told::default(),
        log,
        threshold: 1,
        roots: Roots::built_in(),
        now: jiff::Timestamp::MAX,
    }
}

pub fn with_demands(mut each: impl FnMut(&Demand)) {
    DEMANDS.with_borrow(|demands| demands.iter().for_each(&mut each));
}
