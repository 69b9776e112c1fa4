//! Envelopes, their headers and payloads.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use coset::iana;
use plimsoll_model::signature::{Fate, Signer};
use plimsoll_testkit::notary::{expiring, payload, protected, with_unsigned};
use plimsoll_trust::demand::Claim;
use serde_json::{Value, json};

use super::super::support::{self, IMAGE, MANIFEST};
use super::{Notary, accepted, good, refused};

#[test]
fn good_envelopes_of_both_kinds_are_accepted() {
    let mut notary = Notary::new();
    for headers in [protected(), expiring()] {
        let signatures = notary.of(&headers);
        accepted(&signatures);
        for signature in signatures {
            assert_eq!(signature.annotations["build"], "7");
            let Some(Signer::Certificate { kind: "subject", identity, .. }) = &signature.signer else {
                panic!("{signature:?}")
            };
            assert!(identity.contains("CN=builder"), "{identity}");
        }
        notary.at(60);
    }
    notary.demand.annotations.insert("build".to_owned(), "8".to_owned());
    refused(&notary.of(&protected()), "annotations: build");
    notary.demand.claim = Claim::Attested("https://slsa.dev/provenance/v1".to_owned());
    for signature in notary.of(&protected()) {
        support::passed_over(&signature, "no attestation");
    }
    notary.demand.notary = None;
    for signature in notary.of(&protected()) {
        support::passed_over(&signature, "no certificate or trust policy");
    }
}

#[test]
fn n23_the_key_alone_decides_the_algorithm() {
    let notary = Notary::new();
    let payload = good().to_string();
    for (algorithm, reason) in [
        ("none", "form: "),
        ("HS256", "form: "),
        ("RS256", "form: "),
        ("", "form: "),
        ("es256", "form: "),
        ("ES384", "signature: it says ES384"),
        ("PS256", "signature: it says PS256"),
    ] {
        let mut headers = protected();
        headers["alg"] = algorithm.into();
        refused(&[notary.jws(&notary.signer.jws(&headers, payload.as_bytes()))], reason);
    }
    for (algorithm, reason) in [
        (iana::Algorithm::HMAC_256_256, "form: "),
        (iana::Algorithm::RS256, "form: "),
        (iana::Algorithm::EdDSA, "form: "),
        (iana::Algorithm::ES512, "signature: it says ES512"),
        (iana::Algorithm::PS256, "signature: it says PS256"),
    ] {
        refused(&[notary.cose(&notary.signer.cose(&protected(), algorithm, payload.as_bytes()))], reason);
    }
}

#[test]
fn n24_what_is_critical_must_be_known_and_what_must_be_critical_is() {
    let notary = Notary::new();
    let scheme = "io.cncf.notary.signingScheme";
    for (critical, reason) in [
        (json!([scheme, "example.unknown"]), "not known"),
        (json!([scheme, "alg"]), "not known"),
        (json!([scheme, "io.cncf.notary.authenticSigningTime"]), "not there"),
        (json!([scheme, scheme]), "critical twice"),
        (json!(["io.cncf.notary.signingTime"]), "signingScheme is not critical"),
    ] {
        let mut headers = protected();
        headers["example.unknown"] = "x".into();
        headers["crit"] = critical;
        refused(&notary.of(&headers), reason);
    }
    let mut headers = expiring();
    headers["crit"] = json!([scheme]);
    refused(&notary.of(&headers), "expiry is not critical");
    // It is signed, known and not critical: anything else may stand there.
    let mut headers = protected();
    headers["example.unknown"] = "x".into();
    accepted(&notary.of(&headers));
    headers["io.cncf.notary.verificationPlugin"] = "x".into();
    refused(&notary.of(&headers), "demands a plugin");
    for crit in [json!([]), json!("x"), json!([1]), Value::Null] {
        let mut headers = protected();
        headers["crit"] = crit;
        refused(&[notary.jws(&notary.signer.jws(&headers, b"{}"))], "form: ");
    }
}

#[test]
fn schemes_and_times_that_do_not_fit_are_refused() {
    let notary = Notary::new();
    let (time, authentic) = ("io.cncf.notary.signingTime", "io.cncf.notary.authenticSigningTime");
    let changed = |change: &dyn Fn(&mut serde_json::Map<String, Value>)| {
        let mut headers = protected();
        change(headers.as_object_mut().unwrap());
        notary.of(&headers)
    };
    let scheme = |name: &'static str| {
        move |headers: &mut serde_json::Map<String, Value>| {
            headers.insert("io.cncf.notary.signingScheme".to_owned(), name.into());
        }
    };
    refused(&changed(&scheme("notary.x509.other")), "is not known");
    refused(&changed(&|headers| drop(headers.remove(time))), "its time");
    refused(&changed(&scheme("notary.x509.signingAuthority")), "form: ");
    refused(
        &changed(&|headers| drop(headers.insert(authentic.to_owned(), headers[time].clone()))),
        "its time",
    );
    refused(
        &changed(&|headers| drop(headers.insert("cty".to_owned(), "application/json".into()))),
        "of type",
    );
    refused(&changed(&|headers| drop(headers.insert(time.to_owned(), "yesterday".into()))), "form: ");
    let mut headers = expiring();
    headers["io.cncf.notary.expiry"] = headers[time].clone();
    refused(&notary.of(&headers), "expires before");
}

#[test]
fn n18_repeated_keys_are_refused() {
    let notary = Notary::new();
    let (signer, payload) = (&notary.signer, good().to_string());
    let headers = protected().to_string().replacen('{', r#"{"alg":"ES256","#, 1);
    refused(&[notary.jws(&signer.jws_of_text(&headers, payload.as_bytes()))], "twice");
    let twice = payload.replacen('{', r#"{"targetArtifact":{},"#, 1);
    refused(&[notary.jws(&signer.jws(&protected(), twice.as_bytes()))], "twice");
    let envelope = signer.jws(&protected(), payload.as_bytes()).to_string();
    let twice = envelope.replacen('{', r#"{"payload":"","#, 1);
    refused(&[notary.examine(super::JWS, twice.as_bytes())], "twice");
    // Nor may a header be signed and not signed, or an envelope have what it must not have.
    let mut envelope = signer.jws(&protected(), payload.as_bytes());
    envelope["header"]["cty"] = "x".into();
    refused(&[notary.jws(&envelope)], "signed and not signed");
    let mut envelope = signer.jws(&protected(), payload.as_bytes());
    envelope["signatures"] = json!([]);
    refused(&[notary.jws(&envelope)], "form: ");
    let cose = signer.cose(&protected(), iana::Algorithm::ES256, payload.as_bytes());
    refused(
        &[notary.cose(&with_unsigned(&cose, "io.cncf.notary.signingScheme", b"x"))],
        "signed and not signed",
    );
}

#[test]
fn n20_n25_what_is_signed_is_what_was_received() {
    let notary = Notary::new();
    let good = good().to_string();
    let envelope = notary.signer.jws(&protected(), good.as_bytes());
    let changed = |member: &str, text: String| {
        let mut envelope = envelope.clone();
        envelope[member] = text.into();
        notary.jws(&envelope)
    };
    let text = |member: &str| envelope[member].as_str().unwrap().to_owned();
    for member in ["payload", "protected", "signature"] {
        refused(&[changed(member, format!("{}=", text(member)))], "form: ");
        refused(&[changed(member, format!("{}\n", text(member)))], "form: ");
    }
    // The same document, spelled in another way.
    let spaced = URL_SAFE_NO_PAD.encode(good.replace(':', ": "));
    refused(&[changed("payload", spaced)], "signature: ");
    let spaced = URL_SAFE_NO_PAD.encode(protected().to_string().replace("\",", "\" ,"));
    refused(&[changed("protected", spaced)], "signature: ");
    let other = payload(MANIFEST, &format!("sha256:{}", "0".repeat(64)), IMAGE.len()).to_string();
    refused(&[changed("payload", URL_SAFE_NO_PAD.encode(other))], "signature: ");
}

#[test]
fn n33_n34_digest_media_type_and_size_are_those_of_the_image() {
    let notary = Notary::new();
    let hex = support::hex();
    for (payload, reason) in [
        (
            payload(MANIFEST, &format!("sha256:{}", "0".repeat(64)), IMAGE.len()),
            "subject: it signs sha256:000",
        ),
        (payload(MANIFEST, &format!("sha512:{hex}"), IMAGE.len()), "form: "),
        (payload(MANIFEST, &hex, IMAGE.len()), "form: "),
        (
            payload("application/vnd.oci.image.index.v1+json", &format!("sha256:{hex}"), IMAGE.len()),
            "subject: it signs something of type",
        ),
        (
            payload(MANIFEST, &format!("sha256:{hex}"), IMAGE.len() + 1),
            "subject: it signs something of 21 bytes",
        ),
        (json!({}), "form: "),
        (json!({ "targetArtifact": null }), "form: "),
    ] {
        let payload = payload.to_string();
        let jws = notary.signer.jws(&protected(), payload.as_bytes());
        let cose = notary.signer.cose(&protected(), iana::Algorithm::ES256, payload.as_bytes());
        refused(&[notary.jws(&jws), notary.cose(&cose)], reason);
    }
}

#[test]
fn no_changed_byte_is_accepted() {
    let notary = Notary::new();
    let payload = good().to_string();
    let cose = notary.signer.cose(&protected(), iana::Algorithm::ES256, payload.as_bytes());
    for place in 0..cose.len() {
        let mut changed = cose.clone();
        changed[place] ^= 1 << (place % 8);
        assert_ne!(notary.cose(&changed).fate, Fate::Accepted, "byte {place}");
        let cut = cose.get(..place).unwrap();
        assert_ne!(notary.cose(cut).fate, Fate::Accepted, "{place} bytes");
    }
    let mut longer = cose;
    longer.push(0);
    refused(&[notary.cose(&longer)], "form: ");
}

#[test]
fn hostile_bytes_are_refused() {
    let notary = Notary::new();
    for content in [
        &b""[..],
        b"{}",
        b"null",
        b"[]",
        b"\xd2\x84",
        b"\xd2\x84\x40\xa0\xf6\x40",
        &[0x9f; 100_000],
        &[b'['; 100_000],
    ] {
        refused(&[notary.examine(super::JWS, content), notary.examine(super::COSE, content)], "form: ");
    }
    let mut envelope = notary.signer.jws(&protected(), good().to_string().as_bytes());
    let certificate = envelope["header"]["x5c"][0].clone();
    for chain in [json!([]), json!("x"), json!([1]), json!([""]), json!(vec![certificate; 11]), Value::Null] {
        envelope["header"]["x5c"] = chain;
        refused(&[notary.jws(&envelope)], ": ");
    }
    let huge = vec![b' '; 5 << 20];
    refused(&[notary.examine(super::JWS, &huge), notary.examine(super::COSE, &huge)], "form: ");
}
