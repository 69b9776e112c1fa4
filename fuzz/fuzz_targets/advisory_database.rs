//! A compiled database, broken: everything in it is asked for.
#![no_main]

use plimsoll_advisory::database::Database;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(database) = Database::from_bytes(bytes.to_vec()) else { return };
    drop(database.verify());
    for (ecosystem, name) in [("npm", "lodash"), ("PyPI", "requests"), ("Debian:12", "openssl"), ("", "")] {
        drop(database.knows(ecosystem, name));
        for record in database.look_up(ecosystem, name).into_iter().flatten() {
            drop(format!("{record:?}"));
        }
    }
    for number in 0..database.advisory_count().min(100) {
        drop(database.advisory(number).map(|advisory| format!("{advisory:?}")));
    }
    drop(database.known("CVE-2021-44228"));
});
