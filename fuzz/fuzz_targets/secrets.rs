//! A text that may hold secrets.
#![no_main]

mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| support::extract("secrets", "srv/settings.py", bytes));
