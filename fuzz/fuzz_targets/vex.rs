//! VEX documents: none does harm, and what is understood can be applied.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(statements) = plimsoll_advisory::vex::parse(bytes, "document") {
        for statement in statements {
            assert!(!statement.products.is_empty());
        }
    }
});
