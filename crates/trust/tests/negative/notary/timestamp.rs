//! Timestamps.

use coset::iana;
use jiff::Timestamp;
use plimsoll_model::signature::Fate;
use plimsoll_testkit::notary::{protected, signature_of, with_unsigned};
use plimsoll_testkit::timestamps::TimestampAuthority;
use plimsoll_testkit::tools::installed;
use plimsoll_trust::notary::store::{Store, StoreKind};

use super::{Notary, accepted, good, refused};

const TOKEN: &str = "io.cncf.notary.timestampSignature";

/// A signer whose certificate is valid from 2020 to 2090, and one whose certificate was not valid any more, timestamped now.
#[test]
fn n10_n11_timestamps_carry_signatures_beyond_their_certificates() {
    if !installed(&["openssl"]) {
        return;
    }
    let authority = TimestampAuthority::new(&["rsa:2048"]);
    let mut notary = Notary::new();
    let mut store = Store::new(StoreKind::Tsa);
    store.add(&authority.root()).unwrap();
    let lasting = notary.root.signer(plimsoll_testkit::notary::lasting);
    let envelope = |signer: &plimsoll_testkit::notary::Signer| {
        signer.cose(&protected(), iana::Algorithm::ES256, good().to_string().as_bytes())
    };
    let (long, short) = (envelope(&lasting), envelope(&notary.signer));
    let [long, short] = [long, short]
        .map(|envelope| with_unsigned(&envelope, TOKEN, &authority.token(&signature_of(&envelope))));
    let later: Timestamp = "2095-01-01T00:00:00Z".parse().unwrap();
    notary.demand.now = later;
    // Nobody looks at it unless the policy names a store of timestamp authorities.
    refused(&[notary.cose(&long)], "timestamp: ");
    notary.trust().stores.push(store);
    let signature = notary.cose(&long);
    accepted(std::slice::from_ref(&signature));
    assert_eq!(signature.times.len(), 1);
    // The certificate of 2025 had expired when the timestamp was made.
    refused(&[notary.cose(&short)], "is valid from 2025-01-01T00:00:00Z to 2025-01-03T00:00:00Z");
    let bare = envelope(&lasting);
    let stamp = authority.token(&signature_of(&bare));
    let good = notary.cose(&with_unsigned(&bare, TOKEN, &stamp));
    accepted(std::slice::from_ref(&good));
    let mut unsigned = 0;
    for place in 0..stamp.len() {
        let mut changed = stamp.clone();
        changed[place] ^= 0x10;
        let cut = stamp.get(..place).unwrap();
        for token in [&changed[..], cut] {
            let signed = with_unsigned(&bare, TOKEN, token);
            let changed = notary.cose(&signed);
            // A few bytes of a token are not signed, and say nothing.
            if changed.fate == Fate::Accepted {
                assert_eq!(changed.times, good.times, "byte {place}");
                unsigned += 1;
            }
        }
    }
    assert!(unsigned < 20, "{unsigned}");
    // It was not yet made then.
    notary.at(0);
    refused(&[notary.cose(&long)], "in the future");
}
