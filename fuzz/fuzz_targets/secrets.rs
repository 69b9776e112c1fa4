//! A file that may hold secrets: text, configuration with base64 in it, or what has text inside. The first byte chooses.
#![no_main]

mod support;

const KINDS: [(&str, &str); 3] =
    [("secrets", "srv/settings.py"), ("secrets", "srv/secret.yaml"), ("secrets-inside", "srv/app.bin")];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((choice, rest)) = bytes.split_first() else { return };
    let (extractor, path) = KINDS[usize::from(*choice) % KINDS.len()];
    support::extract(extractor, path, rest);
});
