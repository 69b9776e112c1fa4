//! Compressed streams: nothing more comes out than was asked for, from any bytes.
#![no_main]

use plimsoll_formats::bounded;
use plimsoll_formats::compression::{Compression, inflate_zlib};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(decoder) = Compression::of(bytes).decode(bytes) {
        drop(bounded::read(decoder, 1 << 20));
    }
    drop(inflate_zlib(bytes, 1 << 20));
});
