//! Sigstore bundles, attestations and signatures of old: nothing that is not signed is accepted, and nothing does harm.
#![no_main]

mod signatures;

use plimsoll_model::signature::Fate;
use plimsoll_trust::all::examine;
use plimsoll_trust::claimed::{Claimed, Subject};

const TYPES: [&str; 3] = [
    "application/vnd.dev.sigstore.bundle.v0.3+json",
    "application/vnd.dsse.envelope.v1+json",
    "application/vnd.dev.cosign.simplesigning.v1+json",
];
const ANNOTATIONS: [&str; 5] = [
    "dev.cosignproject.cosign/signature",
    "dev.sigstore.cosign/certificate",
    "dev.sigstore.cosign/chain",
    "dev.sigstore.cosign/bundle",
    "dev.sigstore.cosign/rfc3161timestamp",
];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // The content, and after each zero byte an annotation.
    let mut parts = bytes.split(|byte| *byte == 0);
    let content = parts.next().unwrap_or_default();
    let texts = parts.map(|part| String::from_utf8_lossy(part).into_owned());
    let annotations = ANNOTATIONS.iter().map(|name| (*name).to_owned()).zip(texts).collect();
    let subject = Subject { digest: plimsoll_model::digest::Digest::of(b""), bytes: None, described: None };
    signatures::with_demands(|demand| {
        for media_type in TYPES {
            let claimed = Claimed { place: "fuzz", media_type, content, annotations: &annotations, subject };
            let signature = examine(&claimed, demand).expect("the media type is known");
            assert!(signature.fate != Fate::Accepted, "nobody has the key");
        }
    });
});
