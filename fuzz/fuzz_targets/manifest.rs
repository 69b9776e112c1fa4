//! Manifests and indexes.
#![no_main]

use plimsoll_image::manifest::Document;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(Document::parse(bytes)));
