//! Debian's package database.
#![no_main]

mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| support::extract("dpkg", "var/lib/dpkg/status", bytes));
