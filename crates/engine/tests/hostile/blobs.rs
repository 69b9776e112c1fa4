//! Layers whose stored bytes are a bomb, broken, others than announced, or no file at all.

use std::fs;

use plimsoll_model::digest::{DiffId, Digest};

use crate::bench::{Bench, PACKAGE, good, images, names};
use crate::build::{Layer, Layout, Tar, gzip, gzip_bomb, pipe, zstd_bomb};

#[test]
fn bombs_end_at_the_ratio() {
    let mut bench = Bench::new();
    bench.options.evidence.limits.layer.ratio_from = 8 << 20;
    for (stored, diff_id) in [gzip_bomb(64), zstd_bomb(64)] {
        bench.limits(&Layer::new(stored, diff_id), "inflates to more than 400 times its size");
    }
}

#[test]
fn bombs_end_at_the_usual_limits() {
    let (stored, diff_id) = gzip_bomb(1280);
    Bench::new().limits(&Layer::new(stored, diff_id), "inflates to more than 400 times its size");
}

#[test]
fn a_layer_that_is_too_large_ends_at_the_limit() {
    let mut bench = Bench::new();
    bench.options.evidence.limits.layer.plain = 4 << 20;
    let (stored, diff_id) = gzip_bomb(16);
    bench.limits(&Layer::new(stored, diff_id), "inflates to more than 4194304 bytes");
}

/// What was read before a limit counts, but is not remembered.
#[test]
fn packages_before_a_limit_are_reported_and_not_kept() {
    let mut bench = Bench::new();
    bench.options.evidence.limits.layer.plain = 1 << 20;
    let tar = Tar::default().file("node_modules/b/package.json", PACKAGE.replace("left", "right"));
    let tar = tar.file("zeros", vec![0; 2 << 20]).end();
    let layer = Layer::gzipped(&tar);
    let scan = bench.scan(&Layout::of(&[good(), layer.clone()])).unwrap();
    assert_eq!(names(&scan), ["left-pad", "right-pad"]);
    assert!(!bench.keeps(layer.diff_id));
    assert!(!scan.gaps.is_empty());
}

#[test]
fn truncated_layers_are_refused() {
    let bench = Bench::new();
    let noise: Vec<u8> = (0..900_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    for content in [&noise[..1_000], &noise] {
        let tar = Tar::default().file("srv/x", content).end();
        for stored in [gzip(&tar), zstd::encode_all(&tar[..], 1).unwrap(), tar.clone()] {
            let whole = Layer::new(stored, DiffId(Digest::of(&tar)));
            for cut in [1, whole.stored.len() / 2] {
                let cut = whole.stored[..whole.stored.len() - cut].to_vec();
                // With the digest of the whole, and with its own.
                bench.refuses(&Layer { stored: cut.clone(), ..whole.clone() }, "");
                bench.refuses(&Layer::new(cut, whole.diff_id), "");
            }
        }
    }
}

#[test]
fn corrupted_layers_are_refused() {
    let bench = Bench::new();
    for at in [0, 20, 50] {
        let mut layer = Layer::gzipped(&Tar::default().file("a", "b").end());
        layer.stored[at] ^= 0x55;
        bench.refuses(&layer, "");
    }
}

#[test]
fn a_layer_of_another_digest_is_refused() {
    let other =
        Layer { digest: Digest::of(b"other"), ..Layer::gzipped(&Tar::default().file("a", "b").end()) };
    Bench::new().refuses(&other, "its stored bytes have digest");
}

#[test]
fn a_layer_of_another_diff_id_is_refused() {
    let tar = Tar::default().file("srv/node_modules/evil/package.json", PACKAGE).end();
    let other = Layer { diff_id: DiffId(Digest::of(b"other")), ..Layer::gzipped(&tar) };
    Bench::new().refuses(&other, "its tar has digest");
}

#[test]
fn sizes_that_lie_are_refused() {
    let bench = Bench::new();
    let large = Tar::default().file("zeros", vec![7; 3 << 20]).end();
    for layer in [Layer::gzipped(&Tar::default().file("a", "b").end()), Layer::plain(large)] {
        let truth: u64 = layer.size.parse().unwrap();
        for size in [truth - 1, truth + 1, 1, 10 << 40, u64::MAX] {
            bench.refuses(&Layer { size: size.to_string(), ..layer.clone() }, "the manifest says");
        }
    }
}

/// Some writers leave sizes out.
#[test]
fn a_size_of_zero_is_no_size() {
    let layer = Layer { size: "0".into(), ..Layer::gzipped(&Tar::default().file("a", "b").end()) };
    Bench::new().reads(&layer);
}

#[test]
fn sizes_that_are_no_sizes_are_refused() {
    for size in ["-1", "1e3", "18446744073709551616", "\"1\"", "[]"] {
        let layout = Layout::of(&[Layer { size: size.into(), ..good() }]);
        let message = Bench::new().scan(&layout).unwrap_err();
        assert!(message.contains("the manifest is malformed"), "{message}");
    }
}

#[test]
fn blobs_that_are_no_files_are_refused() {
    let bench = Bench::new();
    let layer = Layer::gzipped(&Tar::default().file("a", "b").end());
    let layout = Layout::of(std::slice::from_ref(&layer));
    let blob = layout.blob_path(layer.digest);
    let put: [(&str, &dyn Fn()); 4] = [
        ("not a regular file", &|| pipe(&blob)),
        ("not a regular file", &|| fs::create_dir(&blob).unwrap()),
        ("not a regular file", &|| std::os::unix::fs::symlink("/dev/zero", &blob).unwrap()),
        ("No such file", &|| std::os::unix::fs::symlink("nowhere", &blob).unwrap()),
    ];
    for (problem, put) in put {
        if fs::remove_file(&blob).is_err() {
            fs::remove_dir(&blob).unwrap();
        }
        put();
        let message = bench.scan(&layout).unwrap_err();
        assert!(message.starts_with("layer 1 of 1") && message.contains(problem), "{message}");
        assert!(!bench.keeps(layer.diff_id));
    }
}

/// A link to a file with the right content is as good as the file.
#[test]
fn a_blob_may_be_a_link_to_what_it_should_be() {
    let layer = Layer::gzipped(&Tar::default().file("a", "b").end());
    let layout = Layout::of(std::slice::from_ref(&layer));
    let elsewhere = layout.path().join("elsewhere");
    fs::rename(layout.blob_path(layer.digest), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, layout.blob_path(layer.digest)).unwrap();
    assert!(Bench::new().scan(&layout).is_ok());
}

#[test]
fn a_failing_layer_does_not_keep_its_good_neighbor_from_the_cache() {
    let bench = Bench::new();
    let bad = Layer {
        diff_id: DiffId(Digest::of(b"other")),
        ..Layer::gzipped(&Tar::default().file("a", "b").end())
    };
    let neighbor = Layer::gzipped(&Tar::default().file("c", "d").end());
    let message = bench.scan(&Layout::of(&[neighbor, bad.clone()])).unwrap_err();
    assert!(message.starts_with("layer 2 of 2"), "{message}");
    assert!(!bench.keeps(bad.diff_id));
}

#[test]
fn ten_thousand_layers_are_too_many() {
    let layer = good();
    let layout = Layout::of(&vec![layer; 10_000]);
    let message = Bench::new().scan(&layout).unwrap_err();
    assert!(message.contains("the image has 10000 layers, more than the limit"), "{message}");
}

#[test]
fn five_hundred_layers_are_read() {
    let layers: Vec<Layer> = (0..500)
        .map(|n| Layer::gzipped(&Tar::default().file(&format!("srv/{n}/package.json"), PACKAGE).end()))
        .collect();
    assert_eq!(images(&Layout::of(&layers)).unwrap()[0].layers.len(), 500);
    assert!(Bench::new().scan(&Layout::of(&layers)).is_ok());
}
