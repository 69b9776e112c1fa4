//! Bills of materials: none does harm, and what one says that images hold is the same once it was written and read
//! again in our own form.
#![no_main]

use plimsoll_report::all::by_name;
use plimsoll_report::sbom::contents::contents;
use plimsoll_report::sbom::read::read;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(bill) = read(bytes) else { return };
    let held = contents(&bill);
    assert!(!held.is_empty());
    for name in ["cyclonedx", "cyclonedx-xml-1.4", "spdx", "spdx-tv", "spdx-3"] {
        let Some(format) = by_name(name).and_then(|format| format.bill()) else { continue };
        let mut written = Vec::new();
        (format.write)(&bill, &mut written).expect("memory takes all");
        drop((format.cannot_hold)(&bill));
        assert!(read(&written).is_ok(), "{name}");
    }
});
