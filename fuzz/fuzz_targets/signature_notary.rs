//! Envelopes of the Notary Project (JWS and COSE), trust policies, certificates, lists of revoked ones and answers of OCSP: nothing does harm, and
//! what nobody signed is not accepted even where a policy enforces integrity alone.
#![no_main]

mod signatures;

use std::collections::BTreeMap;

use plimsoll_model::signature::Fate;
use plimsoll_trust::all::examine;
use plimsoll_trust::claimed::{Claimed, Subject};
use plimsoll_trust::notary::policy::Policies;
use plimsoll_trust::notary::revocation::RevocationList;
use plimsoll_trust::notary::sign::Certificates;
use plimsoll_trust::notary::store::{Store, StoreKind};
use plimsoll_trust::notary::{COSE, JWS};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    drop(Policies::read(bytes));
    drop(RevocationList::read(bytes));
    drop(RevocationList::read_answer(bytes));
    drop(Certificates::read(bytes));
    drop(Store::new(StoreKind::Ca).add(bytes));
    let digest = plimsoll_model::digest::Digest::of(b"");
    let subject = Subject { digest, bytes: None, described: Some(("x", 0)) };
    let annotations = BTreeMap::new();
    signatures::with_demands(|demand| {
        for media_type in [JWS, COSE] {
            let claimed = Claimed { place: "fuzz", media_type, content: bytes, annotations: &annotations, subject };
            let signature = examine(&claimed, demand).expect("the media type is known");
            assert!(signature.fate != Fate::Accepted, "nobody has signed");
        }
    });
});
