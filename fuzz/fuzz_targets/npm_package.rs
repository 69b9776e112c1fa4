//! An installed package of npm.
#![no_main]

mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| support::extract("npm", "srv/node_modules/x/package.json", bytes));
