//! How much memory scans take: an allocator counts. Its own program, so that nothing else allocates meanwhile.
#![cfg(test)]
#![expect(unsafe_code, reason = "an allocator cannot be written without")]

#[path = "hostile/bench.rs"]
#[expect(dead_code, reason = "the hostile images need more of it")]
mod bench;
#[path = "hostile/build.rs"]
#[expect(dead_code, reason = "the hostile images need more of it")]
mod build;

use std::alloc::{GlobalAlloc, Layout as Size, System};
use std::io::{Cursor, Read as _, repeat};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bench::{Bench, images};
use build::{FILE, HARDLINK, Layer, Layout, Tar, gzip_bomb};
use plimsoll_engine::diff::extractors;
use plimsoll_engine::observe::{Observer, Silent};
use plimsoll_engine::scrub::{Mode, ScrubOptions, Selection, scrub};
use plimsoll_engine::secrets::Searched;
use plimsoll_image::mutate::Top;

struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all is left to the system's allocator; numbers are counted beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, size: Size) -> *mut u8 {
        let live = LIVE.fetch_add(size.size(), Ordering::Relaxed) + size.size();
        PEAK.fetch_max(live, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, size: Size) {
        LIVE.fetch_sub(size.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const MEGABYTE: usize = 1 << 20;

/// The most megabytes that scanning the layer takes.
fn peak(layer: Layer) -> usize {
    let layout = Layout::of(&[layer]);
    let bench = Bench::new();
    let before = LIVE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    drop(bench.scan(&layout).unwrap());
    (PEAK.load(Ordering::Relaxed) - before) / MEGABYTE
}

/// The most megabytes that scrubbing the layer takes.
fn peak_of_scrub(layer: Layer, paths: &[&str]) -> usize {
    let layout = Layout::of(&[layer]);
    let bench = Bench::new();
    let images = images(&layout).unwrap();
    let named = paths.iter().map(|path| ((*path).to_owned(), path.parse().unwrap())).collect();
    let mut options = ScrubOptions {
        workshop: bench.options.evidence.spool.clone(),
        evidence: bench.options.evidence.clone(),
        selection: Selection { paths: named, ..Selection::default() },
        mode: Mode::Remove,
        top: Top::Manifest,
    };
    options.evidence.extractors = extractors();
    let observer: Arc<dyn Observer> = Arc::new(Silent);
    let before = LIVE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let (scrub, tree) = scrub(&images, &options, &observer).unwrap();
    assert_eq!(scrub.images[0].layers[0].files.len(), paths.len());
    tree.to_oci_archive(None, &mut std::io::sink()).unwrap();
    (PEAK.load(Ordering::Relaxed) - before) / MEGABYTE
}

/// The most megabytes that it takes to find two secrets on a line of so many; both are found.
fn peak_of_line(megabytes: usize) -> usize {
    let token = |digits: &str| Cursor::new(format!(" dop_v1_{} ", digits.repeat(4)));
    let middle = repeat(b'x').take((megabytes * MEGABYTE) as u64);
    let line = token("5f1c7e9a3b2d4860").chain(middle).chain(token("6f1c7e9a3b2d4850"));
    let before = LIVE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let mut searched = Searched::default();
    searched.stream("-", line, u64::MAX).unwrap();
    let peak = PEAK.load(Ordering::Relaxed) - before;
    let lines: Vec<u32> = searched.found.iter().map(|found| found.hit.line).collect();
    assert_eq!((lines, searched.gaps.len()), (vec![1, 1], 0));
    peak / MEGABYTE
}

/// `cargo test -p plimsoll-engine --test memory -- --ignored` runs it alone.
#[test]
#[ignore = "takes a minute and a gigabyte of disk"]
fn a_gigabyte_on_one_line_is_searched_in_a_few_megabytes() {
    let peak = peak_of_line(1024);
    assert!(peak < 10, "{peak} MB");
}

/// One test, because all allocations of the program are counted together.
#[test]
fn memory_does_not_grow_with_bytes() {
    let big = Tar::default().file("big", vec![0; 300 * MEGABYTE]).end();
    let peak_of_big = peak(Layer::plain(big));
    assert!(peak_of_big < 30, "one big file: {peak_of_big} MB");

    let big = || {
        Tar::default().file("big", vec![0; 300 * MEGABYTE]).file("x", "x").entry("heir", HARDLINK, "big", b"")
    };
    let peak_of_edit = peak_of_scrub(Layer::gzipped(&big().end()), &["/x"]);
    assert!(peak_of_edit < 40, "one big file beside one that goes: {peak_of_edit} MB");
    let peak_of_heir = peak_of_scrub(Layer::gzipped(&big().end()), &["/big"]);
    assert!(peak_of_heir < 40, "one big file that a hard link takes over: {peak_of_heir} MB");

    let (bomb, diff_id) = gzip_bomb(1280);
    let peak_of_bomb = peak(Layer::new(bomb, diff_id));
    assert!(peak_of_bomb < 30, "a bomb: {peak_of_bomb} MB");

    let peak_of_line = peak_of_line(48);
    assert!(peak_of_line < 10, "one long line: {peak_of_line} MB");

    let mut tar = Tar::default();
    for n in 0..200_000 {
        tar.add(&format!("srv/data/{}/{n}.dat", n % 1000), FILE, "", b"");
    }
    let peak_of_many = peak(Layer::gzipped(&tar.end()));
    assert!(peak_of_many < 100, "very many files: {peak_of_many} MB");
}
