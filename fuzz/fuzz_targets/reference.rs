//! References: what is understood is written out in full, which is understood again and written the same.
#![no_main]

use plimsoll_model::digest::BlobDigest;
use plimsoll_model::platform::Platform;
use plimsoll_model::reference::Reference;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(reference) = text.parse::<Reference>() {
        let written = reference.to_string();
        assert_eq!(written.parse::<Reference>().map(|again| again.to_string()), Ok(written));
    }
    if let Ok(digest) = text.parse::<BlobDigest>() {
        assert_eq!(digest.to_string().parse::<BlobDigest>().ok(), Some(digest));
    }
    if let Ok(platform) = text.parse::<Platform>() {
        assert_eq!(platform.to_string().parse::<Platform>().ok(), Some(platform));
    }
});
