//! The signature of a database and the manifest of its artifact, broken.
#![no_main]

use plimsoll_advisory::{artifact, signature};

const KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(key) = signature::TrustedKey::from_pem(KEY) {
        drop(signature::verify(bytes, &[key]));
    }
    drop(artifact::read(bytes));
    drop(artifact::unpack(bytes));
    if let Ok(text) = std::str::from_utf8(bytes) {
        drop(signature::TrustedKey::from_pem(text));
        drop(signature::SigningKey::from_pem(text));
    }
});
