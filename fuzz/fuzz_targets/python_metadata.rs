//! Python's package metadata.
#![no_main]

mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| support::extract(
    "python",
    "usr/lib/python3/dist-packages/x-1.dist-info/METADATA",
    bytes
));
