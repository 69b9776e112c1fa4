//! A lock file of npm.
#![no_main]

mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| support::extract("npm-lock", "srv/package-lock.json", bytes));
