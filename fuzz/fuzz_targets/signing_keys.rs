//! Files of private keys and lines of public ones, names of keys on tokens and in TPMs, answers of programs and of timestamp authorities, predicates, and what provenance is made of. Sealed keys are not opened: each would
//! cost as long as thousands of other inputs.
#![no_main]

use plimsoll_trust::key::PublicKey;
use plimsoll_trust::signing::key_file;
use plimsoll_trust::signing::pkcs11::KeyUri;
use plimsoll_trust::signing::predicate::{self, SLSA_PROVENANCE};
use plimsoll_trust::signing::private_key::PrivateKey;
use plimsoll_trust::signing::program;
use plimsoll_trust::signing::provenance::{BuildKit, remote};
use plimsoll_trust::signing::timestamp::Question;
use plimsoll_trust::signing::tpm::{TpmUri, Wrapped};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    drop(PrivateKey::from_pkcs8(bytes));
    drop(PrivateKey::from_sec1(bytes));
    drop(PrivateKey::from_pkcs1(bytes));
    drop(predicate::read(bytes, SLSA_PROVENANCE));
    drop(BuildKit::read(bytes));
    drop(program::public_key(bytes));
    drop(program::signature(bytes));
    if let Ok(question) = Question::over(b"") {
        assert!(question.token(bytes).is_err(), "nobody has answered");
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        drop(key_file::read(text, None));
        drop(KeyUri::parse(text, None));
        drop(PublicKey::from_pem(text));
        drop(Wrapped::from_pem(text));
        drop(TpmUri::parse(text, None));
        if let Some(uri) = remote(text) {
            assert!(uri.starts_with("git+"));
        }
    }
});
