//! Policies: none does harm, and one that is read can be explained and tested, and formatted to what means the same. The
//! text is taken for the files of other tools, too.
#![no_main]

use plimsoll_policy::{Limits, Policy, format as canonical, run_cases};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for name in [".trivyignore", ".trivyignore.yaml", ".grype.yaml", "osv-scanner.toml"] {
        let policy = format!("version: 1\nexceptions-from: [{name}]\n");
        let mut open = |_: &str| Ok(bytes.to_vec());
        let _ = Policy::read_with("fuzz.yaml", policy.as_bytes(), Limits::default(), &mut open);
    }
    // As a policy of a registry, which may extend further ones.
    let pinned = format!("version: 1\nextends: [\"oci://registry.example/p@sha256:{}\"]\n", "0".repeat(64));
    let mut open = |_: &str| Ok(bytes.to_vec());
    let _ = Policy::read_with("fuzz.yaml", pinned.as_bytes(), Limits::default(), &mut open);
    let Ok(policy) = Policy::read("fuzz.yaml", bytes, Limits::default()) else { return };
    if let Ok(formatted) = canonical("fuzz.yaml", bytes, Limits::default()) {
        assert_eq!(canonical("fuzz.yaml", formatted.as_bytes(), Limits::default()).ok(), Some(formatted));
    }
    assert!(!policy.explained().is_empty());
    assert_eq!(run_cases(&policy).ok(), run_cases(&policy).ok());
});
