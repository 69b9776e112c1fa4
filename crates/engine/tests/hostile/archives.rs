//! Image archives that are no files, lie about their members, or inflate without end.

use std::path::Path;

use plimsoll_formats::bounded::read_file;

use crate::bench::{Bench, good, names};
use crate::build::{FILE, HARDLINK, Layout, SYMLINK, Tar, gzip, gzip_bomb, pipe};

fn fails(archive: &[u8], problem: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.tar");
    std::fs::write(&path, archive).unwrap();
    let message = Bench::new().scan_archive(&path).unwrap_err();
    assert!(message.contains(problem), "{message}");
}

/// What `docker save` would write of the good layer.
fn saved() -> Tar {
    let config = format!(r#"{{"rootfs":{{"diff_ids":["{}"]}}}}"#, good().diff_id);
    Tar::default().file("config.json", config).file("layer.tar", good().stored)
}

const MANIFEST: &str = r#"[{"Config":"config.json","RepoTags":null,"Layers":["layer.tar"]}]"#;

#[test]
fn what_is_no_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    pipe(&path);
    for path in [&path, Path::new("/dev/zero"), folder.path()] {
        let message = Bench::new().scan_archive(path).unwrap_err();
        assert!(message.ends_with("it is not a regular file"), "{message}");
    }
}

#[test]
fn archives_of_nothing_are_told() {
    fails(b"", "it has neither an index.json nor a manifest.json");
    fails(&[0; 10_240], "it has neither an index.json nor a manifest.json");
    fails(b"#!/bin/sh\n", "no image archive");
    fails(&gzip(b""), "it has neither an index.json nor a manifest.json");
}

#[test]
fn a_sound_archive_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.tar");
    for bytes in
        [saved().file("manifest.json", MANIFEST).end(), gzip(&saved().file("manifest.json", MANIFEST).end())]
    {
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(names(&Bench::new().scan_archive(&path).unwrap()), ["left-pad"]);
    }
}

#[test]
fn a_compressed_archive_that_is_a_bomb_is_refused() {
    fails(&gzip_bomb(128).0, "it inflates to more than");
}

#[test]
fn members_that_end_behind_the_archive_are_refused() {
    for size in [1_u64 << 20, 1 << 40, u64::MAX] {
        let mut tar = Tar::default().file("manifest.json", MANIFEST).0;
        tar.extend(Tar::header("layer.tar", FILE, "", size));
        fails(&tar, "no image archive");
    }
}

#[test]
fn members_that_are_links_in_circles_are_missing() {
    let circle = Tar::default().entry("config.json", SYMLINK, "layer.tar", b"").entry(
        "layer.tar",
        HARDLINK,
        "config.json",
        b"",
    );
    fails(&circle.file("manifest.json", MANIFEST).end(), "its member \"config.json\" is missing");
    let outside = Tar::default().entry("config.json", SYMLINK, "../../../etc/passwd", b"");
    fails(&outside.file("manifest.json", MANIFEST).end(), "its member \"config.json\" is missing");
}

#[test]
fn a_manifest_that_names_what_is_not_there_is_told() {
    fails(&saved().file("manifest.json", MANIFEST.replace("layer.tar", "/etc/passwd")).end(), "is missing");
    fails(&saved().file("manifest.json", MANIFEST.replace("layer.tar", "../layer.tar")).end(), "is missing");
    let many = vec!["\"layer.tar\""; 10_000].join(",");
    fails(&saved().file("manifest.json", MANIFEST.replace("\"layer.tar\"", &many)).end(), "has 10000 layers");
    fails(&saved().file("manifest.json", "[]").end(), "no image");
    fails(&saved().file("manifest.json", "{}").end(), "its manifest.json is malformed");
}

#[test]
fn names_without_end_are_refused() {
    let name = "n".repeat(900 << 10);
    let tar = (0..40).fold(Tar::default(), |tar, n| tar.long(&format!("{n}{name}"), b""));
    fails(&gzip(&tar.end()), "bytes of names");
}

#[test]
fn a_layer_that_the_archive_lacks_is_named() {
    let layout = Layout::of(&[good()]);
    let mut tar = Tar::default();
    let good = good().digest.hex();
    for blob in std::fs::read_dir(layout.path().join("blobs/sha256")).unwrap() {
        let path = blob.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name != good {
            tar.add(&format!("blobs/sha256/{name}"), FILE, "", &read_file(&path, 1 << 20).unwrap());
        }
    }
    tar.add("index.json", FILE, "", &read_file(&layout.path().join("index.json"), 1 << 20).unwrap());
    fails(&tar.end(), "layer 1 of 1");
}
