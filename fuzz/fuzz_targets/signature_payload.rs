//! Payloads of simple signing, files of registries.d, keys in PEM, trusted roots and identities by expressions.
#![no_main]

use plimsoll_trust::identity::Matcher;
use plimsoll_trust::key::PublicKey;
use plimsoll_trust::lookaside;
use plimsoll_trust::lookaside::registries::Registries;
use plimsoll_trust::root::Roots;
use plimsoll_trust::simple_signing::Payload;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    drop(Payload::read(bytes));
    drop(lookaside::Payload::read(bytes));
    drop(PublicKey::from_der(bytes));
    let mut registries = Registries::default();
    if registries.add("fuzz", bytes).is_ok()
        && let Ok(name) = "127.0.0.1:5000/a/b:1".parse()
    {
        drop(registries.choose(&name));
    }
    drop(Roots::read(bytes, "fuzz"));
    if let Ok(text) = std::str::from_utf8(bytes) {
        drop(PublicKey::from_pem(text));
        if let Ok(matcher) = Matcher::pattern(text) {
            // It need not match its own text, but must end soon.
            let _ = matcher.matches(text);
        }
    }
});
