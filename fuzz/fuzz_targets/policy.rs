//! Policies: none does harm, and one that is read can be explained, tested and extended by nothing but its text.
#![no_main]

use plimsoll_policy::{Limits, Policy, run_cases};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(policy) = Policy::read("fuzz.yaml", bytes, Limits::default()) else { return };
    assert!(!policy.explained().is_empty());
    assert_eq!(run_cases(&policy).ok(), run_cases(&policy).ok());
});
