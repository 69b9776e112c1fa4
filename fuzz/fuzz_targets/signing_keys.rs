//! Files of private keys, names of keys on tokens, predicates, and what provenance is made of. Sealed keys are not opened: each would
//! cost as long as thousands of other inputs.
#![no_main]

use plimsoll_trust::signing::key_file;
use plimsoll_trust::signing::pkcs11::KeyUri;
use plimsoll_trust::signing::predicate::{self, SLSA_PROVENANCE};
use plimsoll_trust::signing::private_key::PrivateKey;
use plimsoll_trust::signing::provenance::{BuildKit, remote};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    drop(PrivateKey::from_pkcs8(bytes));
    drop(PrivateKey::from_sec1(bytes));
    drop(PrivateKey::from_pkcs1(bytes));
    drop(predicate::read(bytes, SLSA_PROVENANCE));
    drop(BuildKit::read(bytes));
    if let Ok(text) = std::str::from_utf8(bytes) {
        drop(key_file::read(text, None));
        drop(KeyUri::parse(text, None));
        if let Some(uri) = remote(text) {
            assert!(uri.starts_with("git+"));
        }
    }
});
