//! A program of Rust.
#![no_main]

mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| support::extract("rust", "usr/bin/x", bytes));
