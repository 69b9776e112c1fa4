//! Measures what inflates layers: `cargo run --release -p plimsoll-formats [--features isal] --example inflate_speed -- LAYER`.
#![expect(clippy::print_stdout, reason = "a measurement for people")]

use std::fs::File;
use std::io::{BufReader, Read};
use std::time::Instant;

use plimsoll_formats::compression::Compression;

/// The chunk that `image` reads into.
const CHUNK: usize = 256 << 10;

fn main() -> std::io::Result<()> {
    let Some(path) = std::env::args_os().nth(1) else {
        return Err(std::io::Error::other("name a gzip file"));
    };
    let backend = if cfg!(feature = "isal") { "ISA-L" } else { "zlib-rs" };
    let mut buffer = vec![0; CHUNK];
    for _ in 0..3 {
        let start = Instant::now();
        let mut decoder =
            Compression::Gzip.decode(BufReader::with_capacity(128 << 10, File::open(&path)?))?;
        let mut total: u64 = 0;
        loop {
            let count = decoder.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            total = total.saturating_add(count as u64);
        }
        let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX).max(1);
        println!("{backend}: {total} bytes in {} ms, {} MB/s", micros / 1000, total / micros);
    }
    Ok(())
}
