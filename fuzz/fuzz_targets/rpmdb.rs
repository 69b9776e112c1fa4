//! rpm's database in its three forms, read as the scan reads it.
#![no_main]

mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| support::extract("rpm", "var/lib/rpm/Packages", bytes));
