use std::process::Command;

use jiff::civil::date;
use plimsoll_testkit::folder::Folder;
use plimsoll_testkit::tools::{installed, output_of};

use super::*;

/// Made by `openssl genpkey -algorithm ed25519` for these tests.
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIHX35omzExAtfEgpOok7yEMvumvLK6PEfySN4X9ovjPU\n-----END PRIVATE KEY-----\n";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAr+oCEwllvpX7dUDHZ+T0FjjOWe/yzbpk6psLQaUlKik=\n-----END PUBLIC KEY-----\n";
const STRANGER: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAKztQsSOTz3hBisSLXzIDuUpX0+upywYbvZx14XF5jzo=\n-----END PUBLIC KEY-----\n";

fn keys() -> (SigningKey, TrustedKey, TrustedKey) {
    let trusted = |text| TrustedKey::from_pem(text).unwrap();
    (SigningKey::from_pem(PRIVATE).unwrap(), trusted(PUBLIC), trusted(STRANGER))
}

fn statement(expires: Option<Date>) -> Statement {
    Statement::of(&crate::snapshot::open().unwrap(), expires)
}

#[test]
fn a_signature_is_verified_by_its_key_among_others() {
    let (key, trusted, stranger) = keys();
    assert_eq!(key.trusted(), trusted);
    assert_eq!(format!("{key:?}"), "[secret]");
    let signed = statement(Some(date(2026, 9, 30)));
    let envelope = signed.sign(&key).unwrap();
    assert_eq!(envelope, signed.sign(&key).unwrap(), "the same bytes each time");
    let read = verify(&envelope, &[stranger, trusted]).unwrap();
    assert_eq!(read, signed);
    assert_eq!(read.is_on(&crate::snapshot::open().unwrap()), Ok(()));
}

#[test]
fn a_signature_by_nobody_trusted_is_refused() {
    let (key, _, stranger) = keys();
    let envelope = statement(None).sign(&key).unwrap();
    for keys in [vec![stranger], vec![]] {
        assert!(matches!(verify(&envelope, &keys), Err(SignatureError::NotTrusted { .. })));
    }
}

#[test]
fn any_flipped_bit_of_a_signature_is_refused_or_without_meaning() {
    let (key, trusted, _) = keys();
    let signed = statement(None);
    let envelope = signed.sign(&key).unwrap();
    for at in 0..envelope.len() {
        let mut broken = envelope.clone();
        broken[at] ^= 1 << (at % 7);
        if let Ok(read) = verify(&broken, &[trusted]) {
            // The key's id, or white space.
            assert_eq!(read, signed, "{at}");
        }
    }
}

#[test]
fn envelopes_around_something_else_are_refused() {
    let (key, trusted, _) = keys();
    let other = "application/vnd.in-toto+json";
    let payload = serde_json::to_vec(&statement(None)).unwrap();
    let envelope = Envelope {
        payload: STANDARD.encode(&payload),
        payload_type: other.to_owned(),
        signatures: vec![Signature {
            keyid: String::new(),
            sig: STANDARD.encode(key.sign(&pre_authentication(other, &payload))),
        }],
    };
    let bytes = serde_json::to_vec(&envelope).unwrap();
    assert!(matches!(verify(&bytes, &[trusted]), Err(SignatureError::PayloadType { .. })));
    // The type is part of what is signed.
    let renamed = Envelope { payload_type: PAYLOAD_TYPE.to_owned(), ..envelope };
    let bytes = serde_json::to_vec(&renamed).unwrap();
    assert!(matches!(verify(&bytes, &[trusted]), Err(SignatureError::NotTrusted { keys: 1 })));
    for text in ["", "{}", "[]", r#"{"payload":"%","payloadType":"x","signatures":[]}"#] {
        assert!(verify(text.as_bytes(), &[trusted]).is_err(), "{text}");
    }
}

#[test]
fn both_alphabets_of_base64_are_read() {
    let (key, trusted, _) = keys();
    let mut envelope: Envelope = serde_json::from_slice(&statement(None).sign(&key).unwrap()).unwrap();
    envelope.signatures[0].sig = URL_SAFE.encode(decode(&envelope.signatures[0].sig).unwrap());
    assert!(verify(&serde_json::to_vec(&envelope).unwrap(), &[trusted]).is_ok());
    assert_eq!(decode("-_8=").unwrap(), decode("+/8=").unwrap());
}

#[test]
fn a_database_that_was_not_signed_is_refused() {
    let mut other = statement(None);
    other.sha256 = "00".repeat(32);
    let error = other.is_on(&crate::snapshot::open().unwrap()).unwrap_err();
    assert!(error.to_string().starts_with("the database has digest sha256:"), "{error}");
}

#[test]
fn an_expired_database_is_refused_from_the_day_after() {
    let signed = statement(Some(date(2026, 9, 30)));
    assert_eq!(signed.holds_on(date(2026, 9, 30)), Ok(()));
    let error = signed.holds_on(date(2026, 10, 1)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the database expired: its signature holds until 2026-09-30, today is 2026-10-01"
    );
    assert_eq!(statement(None).holds_on(date(2999, 1, 1)), Ok(()));
}

#[test]
fn what_is_no_key_is_refused() {
    assert_eq!(SigningKey::from_pem("").unwrap_err(), KeyError::Pem("private key"));
    assert_eq!(SigningKey::from_pem(PUBLIC).unwrap_err(), KeyError::Pem("private key"));
    assert_eq!(TrustedKey::from_pem(PRIVATE), Err(KeyError::Pem("public key")));
    let rsa = "-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJB\n-----END PUBLIC KEY-----";
    assert_eq!(TrustedKey::from_pem(rsa), Err(KeyError::Algorithm));
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----";
    assert_eq!(SigningKey::from_pem(encrypted).unwrap_err(), KeyError::Encrypted);
}

#[test]
fn openssl_makes_our_keys_and_verifies_our_signatures() {
    if !installed(&["openssl"]) {
        return;
    }
    let folder = Folder::new();
    let openssl = |arguments: &[&str]| {
        let mut command = Command::new("openssl");
        output_of(command.args(arguments).current_dir(folder.path()))
    };
    openssl(&["genpkey", "-algorithm", "ed25519", "-out", "key.pem"]);
    openssl(&["pkey", "-in", "key.pem", "-pubout", "-out", "public.pem"]);
    let text = |name: &str| {
        let bytes = crate::bounded::read(std::fs::File::open(folder.path().join(name)).unwrap(), LIMIT);
        String::from_utf8(bytes.unwrap()).unwrap()
    };
    let key = SigningKey::from_pem(&text("key.pem")).unwrap();
    let trusted = TrustedKey::from_pem(&text("public.pem")).unwrap();
    let envelope = statement(None).sign(&key).unwrap();
    assert!(verify(&envelope, &[trusted]).is_ok());
    let envelope: Envelope = serde_json::from_slice(&envelope).unwrap();
    let payload = decode(&envelope.payload).unwrap();
    std::fs::write(folder.path().join("message"), pre_authentication(PAYLOAD_TYPE, &payload)).unwrap();
    std::fs::write(folder.path().join("sig"), decode(&envelope.signatures[0].sig).unwrap()).unwrap();
    let verified = openssl(&[
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        "public.pem",
        "-rawin",
        "-in",
        "message",
        "-sigfile",
        "sig",
    ]);
    assert!(String::from_utf8_lossy(&verified).contains("Verified Successfully"));
    // And the other way round.
    openssl(&["pkeyutl", "-sign", "-inkey", "key.pem", "-rawin", "-in", "message", "-out", "theirs"]);
    let theirs = crate::bounded::read(std::fs::File::open(folder.path().join("theirs")).unwrap(), LIMIT);
    assert!(trusted.has_signed(&pre_authentication(PAYLOAD_TYPE, &payload), &theirs.unwrap()));
}
