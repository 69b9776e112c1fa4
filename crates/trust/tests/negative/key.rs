//! Keys and the signatures that they verify.

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
};
use plimsoll_model::digest::Digest;
use plimsoll_testkit::sigstore::SigningKey;
use plimsoll_trust::key::{Algorithm, KeyError, PublicKey};

const MESSAGE: &[u8] = b"what is signed";

fn of_curve(algorithm: &'static EcdsaSigningAlgorithm) -> (PublicKey, Vec<u8>) {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref()).unwrap();
    let der: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    let signature = pair.sign(&random, MESSAGE).unwrap();
    (PublicKey::from_der(der.as_ref()).unwrap(), signature.as_ref().to_vec())
}

#[test]
fn keys_of_all_kinds_verify_what_they_signed_and_nothing_else() {
    let mut cases = vec![
        (Algorithm::EcdsaP256, of_curve(&signature::ECDSA_P256_SHA256_ASN1_SIGNING)),
        (Algorithm::EcdsaP384, of_curve(&signature::ECDSA_P384_SHA384_ASN1_SIGNING)),
        (Algorithm::EcdsaP521, of_curve(&signature::ECDSA_P521_SHA512_ASN1_SIGNING)),
        (Algorithm::EcdsaP521, of_curve(&signature::ECDSA_P521_SHA256_ASN1_SIGNING)),
    ];
    let ed25519 = Ed25519KeyPair::generate().unwrap();
    let der: PublicKeyX509Der<'_> = ed25519.public_key().as_der().unwrap();
    let signed = ed25519.sign(MESSAGE).as_ref().to_vec();
    cases.push((Algorithm::Ed25519, (PublicKey::from_der(der.as_ref()).unwrap(), signed)));
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: PublicKeyX509Der<'_> = rsa.public_key().as_der().unwrap();
    let mut signed = vec![0; rsa.public_modulus_len()];
    rsa.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), MESSAGE, &mut signed).unwrap();
    cases.push((Algorithm::Rsa, (PublicKey::from_der(der.as_ref()).unwrap(), signed)));
    for (algorithm, (key, signature)) in &cases {
        assert_eq!(key.algorithm(), *algorithm);
        assert!(key.verify(MESSAGE, signature).is_ok(), "{algorithm:?}");
        assert!(key.verify(b"another", signature).is_err());
        for (other, (other_key, _)) in &cases {
            assert_eq!(
                other_key.verify(MESSAGE, signature).is_ok(),
                key == other_key,
                "{algorithm:?} {other:?}"
            );
        }
    }
}

#[test]
fn n22_malformed_signatures_are_refused() {
    let key = SigningKey::new();
    let public = PublicKey::from_pem(&key.public_pem()).unwrap();
    let good = key.sign(MESSAGE);
    assert!(public.verify(MESSAGE, &good).is_ok());
    assert!(public.verify_digest(&Digest::of(MESSAGE), &good).is_ok());
    assert!(public.verify_digest(&Digest::of(b"another"), &good).is_err());
    let with_end = [&good[..], &[0]].concat();
    let mut longer = good.clone();
    longer[1] += 1;
    // Zero for r and s, or for one of them; a negative number; nothing; the raw form.
    let hostile: [&[u8]; 8] = [
        &with_end,
        &longer,
        &[0x30, 6, 2, 1, 0, 2, 1, 0],
        &[0x30, 6, 2, 1, 1, 2, 1, 0],
        &[0x30, 6, 2, 1, 0, 2, 1, 1],
        &[0x30, 6, 2, 1, 0xff, 2, 1, 1],
        &[],
        &[0; 64],
    ];
    for signature in hostile {
        assert!(public.verify(MESSAGE, signature).is_err(), "{signature:02x?}");
        assert!(public.verify_digest(&Digest::of(MESSAGE), signature).is_err());
    }
    for at in 0..good.len() {
        let mut flipped = good.clone();
        flipped[at] ^= 1;
        assert!(public.verify(MESSAGE, &flipped).is_err(), "bit of byte {at}");
    }
}

#[test]
fn n22_n23_weak_and_foreign_keys_are_refused() {
    let pss = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: PublicKeyX509Der<'_> = pss.public_key().as_der().unwrap();
    let public = PublicKey::from_der(der.as_ref()).unwrap();
    let mut signed = vec![0; pss.public_modulus_len()];
    pss.sign(&RSA_PSS_SHA256, &SystemRandom::new(), MESSAGE, &mut signed).unwrap();
    assert!(public.verify(MESSAGE, &signed).is_err(), "the scheme is not the signature's to choose");
    // SubjectPublicKeyInfo of an RSA key of 1024 bits: a modulus of 128 bytes.
    let mut weak =
        vec![0x30, 0x81, 0x9f, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    weak.extend([0x05, 0x00, 0x03, 0x81, 0x8d, 0x00, 0x30, 0x81, 0x89, 0x02, 0x81, 0x81, 0x00]);
    weak.extend([0xc1; 128]);
    weak.extend([0x02, 0x03, 0x01, 0x00, 0x01]);
    assert!(matches!(PublicKey::from_der(&weak), Err(KeyError::Unsupported(_))));
    let point = |der: &mut Vec<u8>| *der.last_mut().unwrap() ^= 1;
    let mut off_curve = SigningKey::new().public_der();
    point(&mut off_curve);
    assert!(matches!(PublicKey::from_der(&off_curve), Err(KeyError::Unsupported(_))));
    for der in [&[][..], &[0x30], &[0x30, 0x03, 0x01, 0x01, 0xff], &[0; 200]] {
        assert!(PublicKey::from_der(der).is_err());
    }
}

#[test]
fn files_that_are_no_public_key_are_told() {
    let pem = SigningKey::new().public_pem();
    assert!(PublicKey::from_pem(&pem).is_ok());
    assert!(matches!(PublicKey::from_pem(&pem.replace("PUBLIC", "PRIVATE")), Err(KeyError::Private)));
    assert!(matches!(
        PublicKey::from_pem("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"),
        Err(KeyError::Private)
    ));
    for text in ["", "text", &pem.replace("PUBLIC KEY", "CERTIFICATE"), &format!("{pem}{pem}"), &pem[..60]] {
        assert!(matches!(PublicKey::from_pem(text), Err(KeyError::NotPem)), "{text}");
    }
}
