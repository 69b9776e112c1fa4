//! Files of private keys, those wrapped with age, their identities and recipients, and lines of public ones, names of keys on tokens and in TPMs, answers of programs and of timestamp authorities, predicates, and what provenance is made of. Sealed keys are not opened: each would
//! cost as long as thousands of other inputs.
#![no_main]

use plimsoll_trust::key::PublicKey;
use plimsoll_trust::signing::key_file;
use plimsoll_trust::signing::key_file::age::{AgeFile, Identity, Recipient};
use plimsoll_trust::signing::pkcs11::KeyUri;
use plimsoll_trust::signing::predicate::{self, SLSA_PROVENANCE};
use plimsoll_trust::signing::private_key::{NewKey, PrivateKey};
use plimsoll_trust::signing::program;
use plimsoll_trust::signing::provenance::{BuildKit, remote};
use plimsoll_trust::signing::timestamp::Question;
use plimsoll_trust::signing::tpm::{TpmUri, Wrapped};

thread_local! {
    /// Who opens what is wrapped for it.
    static IDENTITIES: Vec<Identity> = {
        let key = PrivateKey::generate(NewKey::Ed25519).expect("a key can be made");
        vec![Identity::of_ssh(&key).expect("a key of Ed25519 is an identity")]
    };
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    drop(PrivateKey::from_pkcs8(bytes));
    drop(PrivateKey::from_sec1(bytes));
    drop(PrivateKey::from_pkcs1(bytes));
    drop(predicate::read(bytes, SLSA_PROVENANCE));
    drop(BuildKit::read(bytes));
    drop(program::public_key(bytes));
    drop(program::signature(bytes));
    if let Ok(file) = AgeFile::parse(bytes)
        && !file.has_password()
    {
        drop(IDENTITIES.with(|own| file.open(own)));
    }
    if let Ok(question) = Question::over(b"") {
        assert!(question.token(bytes).is_err(), "nobody has answered");
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        drop(key_file::read(text, None));
        drop(Identity::read(text));
        drop(Recipient::read(text));
        drop(KeyUri::parse(text, None));
        drop(PublicKey::from_pem(text));
        drop(Wrapped::from_pem(text));
        drop(TpmUri::parse(text, None));
        if let Some(uri) = remote(text) {
            assert!(uri.starts_with("git+"));
        }
    }
});
