//! Alpine's package database.
#![no_main]

mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| support::extract("apk", "lib/apk/db/installed", bytes));
