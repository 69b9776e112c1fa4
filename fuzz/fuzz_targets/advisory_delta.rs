//! A delta for one small database, broken: the base that it names is set right, so that what follows is read.
#![no_main]

use plimsoll_advisory::database::delta;
use plimsoll_model::digest::Digest;

const BASE: &[u8] = include_bytes!("../corpus/advisory_database/db");

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut bytes = bytes.to_vec();
    if let Some(base) = bytes.get_mut(12..44) {
        base.copy_from_slice(Digest::of(BASE).as_bytes());
    }
    drop(delta::apply(BASE, &bytes));
});
