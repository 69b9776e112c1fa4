//! A git repository with one object: loose, as a zlib stream or as what one holds, or in a pack. The first byte chooses.
#![no_main]

use std::fs;
use std::io::Write as _;
use std::path::Path;

/// The object's id: nothing has it as its hash, and nothing depends on that.
const ID: [u8; 20] = [0x11; 20];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((choice, rest)) = bytes.split_first() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let objects = folder.path().join("objects");
    fs::create_dir_all(objects.join("11")).expect("a folder");
    fs::create_dir_all(objects.join("pack")).expect("a folder");
    fs::write(folder.path().join("HEAD"), "ref: refs/heads/main\n").expect("a file");
    match choice % 3 {
        0 => loose(&objects, rest),
        1 => loose(&objects, &deflated(rest)),
        _ => pack(&objects, rest),
    }
    let Ok(repository) = plimsoll_git::Repository::open(folder.path()) else { return };
    drop(repository.blobs(None, &mut |blob| drop(blob.bytes.to_vec())));
});

fn loose(objects: &Path, bytes: &[u8]) {
    fs::write(objects.join("11").join("11".repeat(19)), bytes).expect("a file");
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// A pack with one object, whose header and stream are `bytes`, and its index of version 2.
fn pack(objects: &Path, bytes: &[u8]) {
    let name = objects.join("pack").join(format!("pack-{}", "22".repeat(20)));
    let pack = [b"PACK\0\0\0\x02\0\0\0\x01", bytes, &[0x22; 20]].concat();
    let fan_out = (0..256_u32).flat_map(|first| u32::from(first >= 0x11).to_be_bytes());
    let mut index = b"\xfftOc\0\0\0\x02".to_vec();
    index.extend(fan_out);
    index.extend(ID);
    index.extend([0; 4]);
    index.extend(12_u32.to_be_bytes());
    index.extend([[0x22; 20], [0x33; 20]].concat());
    fs::write(name.with_extension("pack"), pack).expect("a file");
    fs::write(name.with_extension("idx"), index).expect("a file");
}
