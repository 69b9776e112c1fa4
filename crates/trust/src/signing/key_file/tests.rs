//! Keys that are made and read again, and files that are no keys.

use super::*;
use crate::key::Algorithm;
use crate::signing::private_key::NewKey;
use crate::signing::{Signer as _, sign};

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
        let private = write(&made, PASSWORD).unwrap();
        let public = public(made.public_key());
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
        assert_ne!(write(&made, PASSWORD).unwrap(), private);
        // Files of older releases differ in their label only.
        let older = private.replace("SIGSTORE", "COSIGN");
        assert_eq!(super::read(&older, Some(PASSWORD)).unwrap().public_key(), made.public_key());
        assert!(!format!("{key:?}").contains("BEGIN"));
    }
}

#[test]
fn an_empty_password_is_one() {
    let made = PrivateKey::generate(NewKey::Ed25519).unwrap();
    let private = write(&made, b"").unwrap();
    assert!(super::read(&private, Some(b"")).is_ok());
}

#[test]
fn what_is_no_private_key_is_told_as_what_it_is() {
    let made = PrivateKey::generate(NewKey::EcdsaP256).unwrap();
    let private = write(&made, PASSWORD).unwrap();
    let public = public(made.public_key());
    assert!(matches!(super::read(&public, None), Err(KeyFileError::Public)));
    let twice = format!("{private}{private}");
    for text in ["", "key", "-----BEGIN PRIVATE KEY-----", &twice, &"x".repeat(100_000)] {
        assert!(matches!(super::read(text, Some(PASSWORD)), Err(KeyFileError::NotPem)), "{text:.40}");
    }
    let of = |label: &str, content: &[u8]| super::read(&in_pem(label, content.to_vec()), Some(PASSWORD));
    for label in ["OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY"] {
        assert!(matches!(of(label, b"x"), Err(KeyFileError::Seal(_))), "{label}");
    }
    for label in ["CERTIFICATE", "DSA PRIVATE KEY"] {
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

/// Texts and numbers as OpenSSH writes them.
fn text(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

#[test]
fn hostile_files_of_openssh_are_no_keys() {
    let file = |cipher: &[u8], kdf: &[u8], options: &[u8], count: u32, private: &[u8]| {
        let parts =
            [text(cipher), text(kdf), text(options), count.to_be_bytes().to_vec(), text(b"x"), text(private)];
        [&b"openssh-key-v1\0"[..], &parts.concat()].concat()
    };
    let of =
        |content: Vec<u8>| super::read(&in_pem(OPENSSH, content), Some(PASSWORD)).map(|_| ()).unwrap_err();
    let options = |rounds: u32| [text(b"salt"), rounds.to_be_bytes().to_vec()].concat();
    let seed = [7; 32];
    let key = [text(b"ssh-ed25519"), text(&seed), text(&[&seed[..], &seed].concat())].concat();
    for (what, content) in [
        ("nothing", Vec::new()),
        ("only-magic", b"openssh-key-v1\0".to_vec()),
        ("huge-length", [&b"openssh-key-v1\0"[..], &[0xff; 8]].concat()),
        ("two-keys", file(b"none", b"none", b"", 2, b"")),
        ("too-much-work", file(b"aes256-ctr", b"bcrypt", &options(u32::MAX), 1, &[0; 16])),
        ("no-work", file(b"aes256-ctr", b"bcrypt", &options(0), 1, &[0; 16])),
        ("cut", file(b"aes256-ctr", b"bcrypt", &options(1), 1, &[0; 17])),
        ("no-salt", file(b"aes256-ctr", b"bcrypt", b"", 1, &[0; 16])),
        ("empty", file(b"none", b"none", b"", 1, b"")),
    ] {
        assert!(matches!(of(content), KeyFileError::Seal(_)), "{what}");
    }
    let unlike = file(b"none", b"none", b"", 1, &[&[0, 0, 0, 1, 0, 0, 0, 2][..], &key].concat());
    assert!(matches!(of(unlike), KeyFileError::Password));
    let other_public = file(b"none", b"none", b"", 1, &[&[0; 8][..], &key].concat());
    assert!(matches!(of(other_public), KeyFileError::Key(_) | KeyFileError::Seal(_)));
    let zero = file(b"aes256-ctr", b"bcrypt", &options(1), 1, &[0; 32]);
    assert!(matches!(of(zero), KeyFileError::Password));
    for line in [
        "ssh-ed25519",
        "ssh-ed25519 AAAA",
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ==",
        "ecdsa-sha2-nistp256 AAAA x\ny",
    ] {
        assert!(PublicKey::from_pem(line).is_err(), "{line}");
    }
}

#[test]
fn numbers_that_are_no_key_of_rsa_are_refused() {
    let of = |numbers: [&[u8]; 6]| {
        let numbers = numbers.map(text).concat();
        let private = [&[0; 8][..], &text(b"ssh-rsa"), &numbers].concat();
        let parts = [text(b"none"), text(b"none"), text(b""), vec![0, 0, 0, 1], text(b"x"), text(&private)];
        let content = [&b"openssh-key-v1\0"[..], &parts.concat()].concat();
        super::read(&in_pem(OPENSSH, content), None).map(|_| ()).unwrap_err()
    };
    let (n, d, p) = ([0x7f; 256], [0x7e; 256], [0x7d; 128]);
    let (small, long) = ([1; 1], [0x7f; 1025]);
    for numbers in [
        [&n[..], &[1, 0, 1], &d, &p, &p, &p],
        [&n, &[1, 0, 1], &d, &p, &[], &[]],
        [&n, &[1, 0, 1], &d, &p, &small, &small],
        [&n, &[1, 0, 1], &d, &p, &[2], &[0]],
        [&n, &[1, 0, 1], &long, &p, &p, &p],
        [&[], &[], &[], &[], &[], &[]],
    ] {
        assert!(matches!(of(numbers), KeyFileError::Key(_)));
    }
    // A negative one.
    assert!(matches!(of([&[0xff; 256], &[1, 0, 1], &d, &p, &p, &p]), KeyFileError::Seal(_)));
}

#[test]
fn hostile_seals_of_pkcs8_are_not_opened() {
    for content in [&[][..], &[0x30, 0], &[0x30, 0x84, 255, 255, 255, 255], &[0x30, 4, 0x30, 2, 6, 0]] {
        let read = super::read(&in_pem(SEALED_PKCS8, content.to_vec()), Some(PASSWORD));
        assert!(matches!(read, Err(KeyFileError::Seal(_))), "{content:?}");
    }
    let text = in_pem(SEALED_PKCS8, vec![0x30, 0]);
    assert!(is_sealed(&text));
    assert!(matches!(super::read(&text, None), Err(KeyFileError::NoPassword)));
}
