//! Certificates, their chains, and lists of revoked ones.

use plimsoll_model::signature::{Check, CheckResult};
use plimsoll_testkit::notary::{Authority, Signer, protected, revocable};
use plimsoll_trust::notary::revocation::RevocationList;
use plimsoll_trust::notary::store::{Store, StoreKind};
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose as For, IsCa, KeyUsagePurpose as Key,
};
use serde_json::json;

use super::{Notary, accepted, refused, result};

#[test]
fn chains_are_whole_and_in_order() {
    let notary = Notary::new();
    let middle = notary.root.below(|_| ());
    let signer = middle.signer(|_| ());
    accepted(&notary.by(&signer, &protected()));
    let changed = |change: &dyn Fn(&mut Vec<Vec<u8>>), reason: &str| {
        let mut signer: Signer = middle.signer(|_| ());
        change(&mut signer.chain);
        refused(&notary.by(&signer, &protected()), reason);
    };
    changed(&|chain| drop(chain.pop()), "does not end with a root");
    changed(&|chain| chain.swap(1, 2), "names another issuer");
    changed(&|chain| drop(chain.remove(1)), "names another issuer");
    changed(&|chain| drop(chain.remove(0)), "certificate: ");
    changed(&|chain| chain.push(chain[2].clone()), "self-signed but not the last");
    changed(&|chain| chain.push(Authority::root(|_| ()).certificate()), "certificate: ");
    changed(&|chain| chain[2] = Authority::root(|_| ()).certificate(), "not that of the key");
    changed(&|chain| chain[1].truncate(40), "certificate: ");
    changed(&|chain| chain[1].push(0), "certificate: ");
}

#[test]
fn signers_are_made_for_signing_code() {
    let notary = Notary::new();
    let is_refused = |change: fn(&mut CertificateParams), reason: &str| {
        refused(&notary.by(&notary.root.signer(change), &protected()), reason);
    };
    is_refused(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained), "that of an authority");
    is_refused(|params| params.key_usages = Vec::new(), "no KeyUsage");
    is_refused(|params| params.key_usages.push(Key::KeyEncipherment), "not that of signatures alone");
    is_refused(|params| params.key_usages = vec![Key::ContentCommitment], "not that of signatures alone");
    is_refused(|params| params.extended_key_usages.push(For::ServerAuth), "serverAuth");
    is_refused(|params| params.extended_key_usages = vec![For::Any], "anyExtendedKeyUsage");
    is_refused(|params| params.extended_key_usages = vec![For::TimeStamping], "timeStamping");
    accepted(&notary.by(&notary.root.signer(|params| params.extended_key_usages.clear()), &protected()));
}

#[test]
fn authorities_are_made_for_signing_certificates() {
    let notary = Notary::new();
    let below = |change: fn(&mut CertificateParams)| {
        let signer = notary.root.below(change).signer(|_| ());
        notary.by(&signer, &protected())
    };
    refused(&below(|params| params.key_usages = vec![Key::CrlSign]), "does not allow to sign certificates");
    refused(&below(|params| params.key_usages = Vec::new()), "does not allow to sign certificates");
    refused(&below(|params| params.is_ca = IsCa::ExplicitNoCa), "BasicConstraints");
    refused(&below(|params| params.is_ca = IsCa::NoCa), "BasicConstraints");
    let limited = |length| {
        move |params: &mut CertificateParams| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(length))
    };
    let signer = notary.root.below(limited(0)).signer(|_| ());
    accepted(&notary.by(&signer, &protected()));
    let signer = notary.root.below(limited(0)).below(|_| ()).signer(|_| ());
    refused(&notary.by(&signer, &protected()), "path length");
}

#[test]
fn n14_certificates_are_valid_now_if_nobody_tells_the_time() {
    let mut notary = Notary::new();
    for day in [-2, 2] {
        notary.at(day * 86_400);
        refused(&notary.of(&protected()), "timestamp: ");
    }
    // An authority in between that has expired is no better.
    let mut notary = Notary::new();
    notary.at(0);
    let expired = notary.root.below(|params| params.not_after = rcgen::date_time_ymd(2025, 1, 1));
    refused(&notary.by(&expired.signer(|_| ()), &protected()), "timestamp: ");
}

#[test]
fn nobody_else_is_trusted() {
    let notary = Notary::new();
    // The same name, another key.
    let other = Authority::root(|_| ());
    refused(&notary.by(&other.signer(|_| ()), &protected()), "in a trusted store");
    let named = |identity: &str| Notary::with(json!({ "level": "strict" }), identity).of(&protected());
    accepted(&named("x509.subject: C=US, ST=WA, O=acme.example"));
    refused(&named("x509.subject: C=US, ST=WA, O=acme"), "is not trusted");
    refused(&named("x509.subject: C=US, ST=WA, O=acme.example, CN=other"), "is not trusted");
    refused(&named("x509.subject: C=US, ST=WA, O=acme.example, OU=any"), "is not trusted");
    // A store vouches for what it is for.
    for kind in [StoreKind::SigningAuthority, StoreKind::Tsa] {
        let mut notary = Notary::new();
        let mut store = Store::new(kind);
        store.add(&notary.root.certificate()).unwrap();
        notary.trust().stores = vec![store];
        refused(&notary.of(&protected()), ": ");
    }
}

#[test]
fn signing_authorities_tell_the_time() {
    let mut notary = Notary::new();
    let mut headers = protected();
    headers["io.cncf.notary.signingScheme"] = "notary.x509.signingAuthority".into();
    headers["crit"] = json!(["io.cncf.notary.signingScheme", "io.cncf.notary.authenticSigningTime"]);
    let object = headers.as_object_mut().unwrap();
    let time = object.remove("io.cncf.notary.signingTime").unwrap();
    object.insert("io.cncf.notary.authenticSigningTime".to_owned(), time);
    refused(&notary.of(&headers), "signingAuthority");
    let mut store = Store::new(StoreKind::SigningAuthority);
    store.add(&notary.root.certificate()).unwrap();
    notary.trust().stores = vec![store];
    accepted(&notary.of(&headers));
    // Its word holds after the certificates have expired, but not before it was given.
    notary.at(5 * 86_400);
    accepted(&notary.of(&headers));
    notary.at(-1);
    refused(&notary.of(&headers), "in the future");
    notary.at(0);
    let late = notary.root.signer(|params| params.not_before = rcgen::date_time_ymd(2025, 1, 3));
    refused(&notary.by(&late, &headers), "timestamp: ");
}

#[test]
fn revocation_is_never_claimed_without_a_list() {
    let signed = |level: serde_json::Value, list: Option<fn(&Authority) -> Vec<u8>>| {
        let mut notary = Notary::with(level, "*");
        notary.signer = notary.root.signer(revocable);
        if let Some(list) = list {
            let list = list(&notary.root);
            notary.revoked(&list);
        }
        notary.of(&protected())
    };
    let strict = || json!({ "level": "strict" });
    let skipping = |action: &str| json!({ "level": "strict", "override": { "revocation": action } });
    refused(&signed(strict(), None), "revocation: not checked");
    for action in ["log", "skip"] {
        let signatures = signed(skipping(action), None);
        accepted(&signatures);
        for signature in &signatures {
            let (made, words) = result(signature, Check::Revocation);
            assert!(made == CheckResult::NotMade && words.starts_with("not checked"), "{words}");
        }
    }
    let good = signed(strict(), Some(|root| root.list(&[78], [(2025, 1), (2025, 2)])));
    accepted(&good);
    assert_eq!(result(&good[0], Check::Revocation).0, CheckResult::Passed);
    refused(
        &signed(strict(), Some(|root| root.list(&[78], [(2024, 12), (2025, 1)]))),
        "revocation: not checked",
    );
    refused(
        &signed(strict(), Some(|_| Authority::root(|_| ()).list(&[], [(2025, 1), (2025, 2)]))),
        "revocation: not checked",
    );
    refused(&signed(strict(), Some(|root| root.list(&[77], [(2025, 1), (2025, 2)]))), "is revoked");
    // A list that is old still tells that something was revoked.
    refused(&signed(strict(), Some(|root| root.list(&[77], [(2024, 12), (2025, 1)]))), "is revoked");
    let logged = signed(skipping("log"), Some(|root| root.list(&[77], [(2025, 1), (2025, 2)])));
    accepted(&logged);
    assert_eq!(result(&logged[0], Check::Revocation).0, CheckResult::Failed);
    // What could not be revoked is not called unrevoked.
    let signatures = Notary::new().of(&protected());
    assert_eq!(result(&signatures[0], Check::Revocation).0, CheckResult::NotMade);
}

#[test]
fn files_that_are_no_lists_or_certificates_are_refused() {
    let root = Authority::root(|_| ());
    let (list, certificate) = (root.list(&[1], [(2025, 1), (2025, 2)]), root.certificate());
    for bytes in [&b""[..], b"x", &certificate, list.get(..60).unwrap(), b"-----BEGIN X509 CRL-----\nx\n"] {
        assert!(RevocationList::read(bytes).is_err());
    }
    let mut store = Store::new(StoreKind::Ca);
    let leaf = root.signer(|_| ()).chain[0].clone();
    for bytes in [
        &b""[..],
        b"x",
        &list,
        &leaf,
        b"-----BEGIN CERTIFICATE-----\n",
        b"-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n",
    ] {
        assert!(store.add(bytes).is_err());
    }
    assert!(store.is_empty());
    store
        .add(
            root.signer(|_| ())
                .chain_pem()
                .split_inclusive("-----END CERTIFICATE-----\n")
                .nth(1)
                .unwrap()
                .as_bytes(),
        )
        .unwrap();
}
