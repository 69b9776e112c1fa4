//! An archive of Java, and those in it.
#![no_main]

mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| support::extract("java", "srv/x.jar", bytes));
