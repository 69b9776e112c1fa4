//! One package's header, put into the simplest database that leads to it (NDB).
#![no_main]

mod support;

libfuzzer_sys::fuzz_target!(|header: &[u8]| support::extract("rpm", "var/lib/rpm/Packages.db", &ndb(header)));

fn ndb(header: &[u8]) -> Vec<u8> {
    let number = |number: usize| u32::try_from(number).expect("an input is small").to_le_bytes();
    let blocks = (16 + header.len() + 12).div_ceil(16);
    let mut file = vec![0; 4096];
    file[..4].copy_from_slice(b"RpmP");
    file[12..16].copy_from_slice(&number(1));
    for slot in 2..256 {
        file[slot * 16..slot * 16 + 4].copy_from_slice(b"Slot");
    }
    file[36..40].copy_from_slice(&number(1));
    file[40..44].copy_from_slice(&number(256));
    file[44..48].copy_from_slice(&number(blocks));
    file.extend([b"BlbS".as_slice(), &number(1), &number(0), &number(header.len()), header].concat());
    file.resize(4096 + blocks * 16 - 12, 0);
    file.extend([number(0), number(header.len()), *b"BlbE"].concat());
    file
}
