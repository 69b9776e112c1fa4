//! A distribution's name.
#![no_main]

mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| support::extract("os-release", "etc/os-release", bytes));
