//! What services of Sigstore answer to who signs: tokens, certificates, log entries, a browser's way back, signing
//! configurations. None does harm. (Timestamps are in `signing_keys`.)
#![no_main]

use plimsoll_trust::online::identity::Token;
use plimsoll_trust::online::identity::browser::{Return, read};
use plimsoll_trust::online::identity::provider::Provider;
use plimsoll_trust::online::services::Services;
use plimsoll_trust::online::{fulcio, rekor};
use plimsoll_trust::online::rekor::KindVersion;

/// A state that no input can know.
const STATE: &str = "pLr3v0mNfJ5hGw1yqTzKxA9sDcBiEoU7";

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    drop(fulcio::leaf(bytes));
    drop(rekor::entry_v1(bytes, KindVersion::HashedRekordV001));
    drop(rekor::entry_v2(bytes));
    assert!(read(bytes, (STATE, "https://issuer.example")) == Return::Other, "nobody knows the state");
    drop(Provider::read(bytes, "https://issuer.example"));
    drop(Services::read(bytes, jiff::Timestamp::UNIX_EPOCH));
    if let Ok(text) = std::str::from_utf8(bytes) {
        drop(Token::read(text));
    }
});
