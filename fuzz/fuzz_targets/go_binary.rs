//! A program of Go.
#![no_main]

mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| support::extract("go", "usr/bin/x", bytes));
