//! Keys that are made and read again, and files that are no keys.

use super::*;
use crate::key::Algorithm;
use crate::signing::private_key::NewKey;
use crate::signing::sign;

const PASSWORD: &[u8] = b"correct horse";

#[test]
fn each_kind_of_key_is_sealed_opened_and_signs() {
    for (kind, algorithm) in [
        (NewKey::EcdsaP256, Algorithm::EcdsaP256),
        (NewKey::EcdsaP384, Algorithm::EcdsaP384),
        (NewKey::Ed25519, Algorithm::Ed25519),
        (NewKey::Rsa3072, Algorithm::Rsa),
    ] {
        let made = PrivateKey::generate(kind).unwrap();
        let (private, public) = write(&made, PASSWORD).unwrap();
        assert!(is_sealed(&private) && !is_sealed(&public));
        let key = super::read(&private, Some(PASSWORD)).unwrap();
        assert_eq!(key.public_key(), made.public_key());
        assert_eq!(key.public_key().algorithm(), algorithm);
        let public = crate::key::PublicKey::from_pem(&public).unwrap();
        let signature = sign(&key, b"message").unwrap();
        assert!(public.verify(b"message", &signature).is_ok());
        assert!(public.verify(b"messagf", &signature).is_err());
        assert!(matches!(super::read(&private, Some(b"wrong")), Err(KeyFileError::Password)));
        assert!(matches!(super::read(&private, None), Err(KeyFileError::NoPassword)));
        // Two seals of one key differ.
        assert_ne!(write(&made, PASSWORD).unwrap().0, private);
        // Files of older releases differ in their label only.
        let older = private.replace("SIGSTORE", "COSIGN");
        assert_eq!(super::read(&older, Some(PASSWORD)).unwrap().public_key(), made.public_key());
        assert!(!format!("{key:?}").contains("BEGIN"));
    }
}

#[test]
fn an_empty_password_is_one() {
    let made = PrivateKey::generate(NewKey::Ed25519).unwrap();
    let (private, _) = write(&made, b"").unwrap();
    assert!(super::read(&private, Some(b"")).is_ok());
}

#[test]
fn what_is_no_private_key_is_told_as_what_it_is() {
    let made = PrivateKey::generate(NewKey::EcdsaP256).unwrap();
    let (private, public) = write(&made, PASSWORD).unwrap();
    assert!(matches!(super::read(&public, None), Err(KeyFileError::Public)));
    let twice = format!("{}{}", *private, *private);
    for text in ["", "key", "-----BEGIN PRIVATE KEY-----", &twice, &"x".repeat(100_000)] {
        assert!(matches!(super::read(text, Some(PASSWORD)), Err(KeyFileError::NotPem)), "{text:.40}");
    }
    let of = |label: &str, content: &[u8]| super::read(&in_pem(label, content.to_vec()), Some(PASSWORD));
    for label in ["OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "CERTIFICATE", "DSA PRIVATE KEY"] {
        assert!(matches!(of(label, b"x"), Err(KeyFileError::Kind(kind)) if kind == label));
    }
    for label in ["PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"] {
        assert!(matches!(of(label, b"x"), Err(KeyFileError::Key(_))), "{label}");
        assert!(matches!(of(label, b""), Err(KeyFileError::Key(_))), "{label}");
    }
    // Cut at each length.
    let der = made.to_pkcs8().unwrap();
    for end in 0..der.len() {
        assert!(of("PRIVATE KEY", &der[..end]).is_err(), "{end}");
    }
    for end in (0..private.len().saturating_sub(2)).step_by(17) {
        assert!(super::read(&private[..end], Some(PASSWORD)).is_err(), "{end}");
    }
}

#[test]
fn a_seal_cannot_ask_for_more_work_or_another_cipher() {
    let made = PrivateKey::generate(NewKey::EcdsaP256).unwrap();
    let sealed = String::from_utf8(seal(&made.to_pkcs8().unwrap(), PASSWORD).unwrap()).unwrap();
    assert!(open(sealed.as_bytes(), PASSWORD).is_ok());
    for (from, to) in [
        (r#""N":65536"#, r#""N":1073741824"#),
        (r#""N":65536"#, r#""N":0"#),
        (r#""r":8"#, r#""r":4294967295"#),
        (r#""p":1"#, r#""p":100"#),
        (r#""p":1"#, r#""p":1,"p":1"#),
        ("scrypt", "argon2"),
        ("nacl/secretbox", "none"),
        (r#""nonce":""#, r#""nonce":"AAAA"#),
        (r#""salt":""#, r#""salt":"!"#),
    ] {
        let changed = sealed.replace(from, to);
        assert_ne!(changed, sealed, "{from}");
        assert!(matches!(open(changed.as_bytes(), PASSWORD), Err(KeyFileError::Seal(_))), "{to}");
    }
    // A seal that was broken at any place does not open.
    let cut = sealed.replace(r#""ciphertext":""#, r#""ciphertext":"AAAA"#);
    assert!(matches!(open(cut.as_bytes(), PASSWORD), Err(KeyFileError::Password)));
}
