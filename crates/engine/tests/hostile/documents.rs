//! Indexes, manifests and configurations that are huge, nested, empty or false.

use std::fs::{self, File};

use plimsoll_formats::bounded::read_file;
use plimsoll_model::digest::Digest;

use crate::bench::{Bench, good, images, names, told};
use crate::build::{Layout, pipe};

fn fails(layout: &Layout, problem: &str) {
    let message = Bench::new().scan(layout).unwrap_err();
    assert!(message.contains(problem), "{message}");
}

/// A file of a gigabyte that takes no room on the disk.
fn gigabyte(path: &std::path::Path) {
    File::create(path).unwrap().set_len(1 << 30).unwrap();
}

#[test]
fn json_of_a_gigabyte_is_refused_unread() {
    let layout = Layout::of(&[good()]);
    let big = Digest::of(b"big");
    gigabyte(&layout.blob_path(big));
    layout.index(&format!(r#"{{"digest":"{big}","size":{}}}"#, 1 << 30));
    fails(&layout, "file too large");
    let manifest = layout.blob(format!(r#"{{"config":{{"digest":"{big}"}},"layers":[]}}"#).as_bytes());
    layout.index(&format!(r#"{{"digest":"{manifest}"}}"#));
    fails(&layout, "file too large");
    gigabyte(&layout.path().join("index.json"));
    fails(&layout, "index.json: file too large");
}

#[test]
fn deeply_nested_json_is_refused() {
    let layout = Layout::of(&[good()]);
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let nested = format!("{}1{}", open.repeat(200_000), close.repeat(200_000));
        let bad = layout.blob(format!(r#"{{"layers":[],"config":{nested}}}"#).as_bytes());
        layout.index(&format!(r#"{{"digest":"{bad}"}}"#));
        fails(&layout, "the manifest is malformed");
        let config = format!(r#"{{"config":{{"Healthcheck":{nested},"ExposedPorts":{{"1":{nested}}}}}}}"#);
        fails(&Layout::with_config(&[], &config), "is malformed");
        layout.index(&nested);
        fails(&layout, "its index.json is malformed");
    }
}

#[test]
fn an_index_that_points_at_itself_is_refused() {
    let layout = Layout::new();
    let digest = Digest::of(b"an index cannot know its own digest");
    let index = format!(r#"{{"manifests":[{{"digest":"{digest}"}}]}}"#);
    fs::write(layout.blob_path(digest), &index).unwrap();
    layout.index(&format!(r#"{{"digest":"{digest}"}}"#));
    fails(&layout, "is corrupt");
}

#[test]
fn indexes_in_indexes_end() {
    let layout = Layout::new();
    let bottom = layout.blob(br#"{"manifests":[]}"#);
    let top = (0..20).fold(bottom, |inner, _| {
        layout.blob(format!(r#"{{"manifests":[{{"digest":"{inner}"}}]}}"#).as_bytes())
    });
    layout.index(&format!(r#"{{"digest":"{top}"}}"#));
    fails(&layout, "indexes are nested deeper than 4");
}

/// A thousand entries that each lead to a thousand entries …
#[test]
fn an_index_of_very_many_images_is_refused() {
    let layout = Layout::of(&[good()]);
    let index = read_file(&layout.path().join("index.json"), 1 << 20).unwrap();
    let index = String::from_utf8(index).unwrap();
    let entry = index.trim_start_matches(r#"{"manifests":["#).trim_end_matches("]}").to_owned();
    let many = |entry: &str| {
        let entries = vec![entry; 1_000].join(",");
        let digest = layout.blob(format!(r#"{{"manifests":[{entries}]}}"#).as_bytes());
        format!(r#"{{"digest":"{digest}"}}"#)
    };
    layout.index(&many(&many(&many(&entry))));
    let selector = plimsoll_image::source::layout::Selector::Only;
    let all = plimsoll_image::source::PlatformChoice::All;
    let error = plimsoll_image::source::layout::images(layout.path(), &selector, &all).unwrap_err();
    assert_eq!(told(&error), "the index has more than 256 images");
}

#[test]
fn layouts_without_blobs_or_index_are_told() {
    let layout = Layout::of(&[good()]);
    fs::remove_dir_all(layout.path().join("blobs")).unwrap();
    fails(&layout, "No such file");
    fs::remove_file(layout.path().join("index.json")).unwrap();
    fails(&layout, "is no OCI image layout: it has no index.json");
    fs::create_dir(layout.path().join("index.json")).unwrap();
    fails(&layout, "index.json: it is not a regular file");
    fs::remove_dir(layout.path().join("index.json")).unwrap();
    pipe(&layout.path().join("index.json"));
    fails(&layout, "index.json: it is not a regular file");
    for (index, problem) in
        [("", "malformed"), ("null", "malformed"), ("{}", "malformed"), ("[]", "malformed")]
    {
        fs::remove_file(layout.path().join("index.json")).unwrap();
        fs::write(layout.path().join("index.json"), index).unwrap();
        fails(&layout, problem);
    }
}

#[test]
fn manifests_and_configurations_that_are_no_files_are_refused() {
    let layout = Layout::of(&[good()]);
    let blob = Digest::of(b"pipe");
    pipe(&layout.blob_path(blob));
    layout.index(&format!(r#"{{"digest":"{blob}"}}"#));
    fails(&layout, "it is not a regular file");
    let manifest = layout.blob(format!(r#"{{"config":{{"digest":"{blob}"}},"layers":[]}}"#).as_bytes());
    layout.index(&format!(r#"{{"digest":"{manifest}"}}"#));
    fails(&layout, "it is not a regular file");
}

#[test]
fn digests_that_are_paths_are_refused() {
    let layout = Layout::new();
    for digest in [
        "sha256:../../../etc/passwd",
        "sha256:",
        "sha256:AA",
        "",
        "../x",
        "md5:d41d8cd98f00b204e9800998ecf8427e",
    ] {
        layout.index(&format!(r#"{{"digest":"{digest}"}}"#));
        fails(&layout, "its index.json is malformed");
    }
}

#[test]
fn a_configuration_of_nulls_is_empty() {
    let diff_id = good().diff_id;
    let config = format!(
        r#"{{"os":null,"architecture":null,"variant":null,"created":null,"history":null,
        "config":{{"User":null,"Env":null,"Entrypoint":null,"Cmd":null,"Labels":null,"ExposedPorts":null,"Healthcheck":null}},
        "rootfs":{{"type":null,"diff_ids":["{diff_id}"]}}}}"#
    );
    let scan = Bench::new().scan(&Layout::with_config(&[good()], &config)).unwrap();
    assert_eq!(names(&scan), ["left-pad"]);
    assert!(Bench::new().scan(&Layout::with_config(&[], r#"{"config":null,"rootfs":null}"#)).is_ok());
    fails(&Layout::with_config(&[good()], r#"{"config":null,"rootfs":null}"#), "has 1 layers");
    fails(&Layout::with_config(&[], "null"), "is malformed");
}

#[test]
fn descriptors_of_nulls_are_read() {
    let layout = Layout::of(&[good()]);
    let config = layout.blob(br#"{"rootfs":{"diff_ids":[]}}"#);
    let nulls = r#""mediaType":null,"size":null,"urls":null,"annotations":null,"platform":null"#;
    let manifest = format!(r#"{{"config":{{"digest":"{config}",{nulls}}},"layers":[],"annotations":null}}"#);
    let manifest = layout.blob(manifest.as_bytes());
    layout.index(&format!(r#"{{"digest":"{manifest}",{nulls}}}"#));
    assert!(images(&layout).unwrap()[0].layers.is_empty());
}

#[test]
fn absurdly_long_texts_are_carried_and_shortened() {
    let long = "x".repeat(1 << 20);
    let config = format!(
        r#"{{"rootfs":{{"diff_ids":["{}"]}},"history":[{{"created_by":"RUN {long}"}}],
        "config":{{"Labels":{{"{long}":"y"}}}}}}"#,
        good().diff_id
    );
    let scan = Bench::new().scan(&Layout::with_config(&[good()], &config)).unwrap();
    assert_eq!(names(&scan), ["left-pad"]);
    let report = plimsoll_report::Report {
        scans: &[scan],
        decisions: &[],
        due: &[],
        template: None,
        version: "0",
        elapsed: None,
        made: None,
        now: jiff::Timestamp::UNIX_EPOCH,
        style: plimsoll_report::Style::default(),
    };
    let mut out = Vec::new();
    plimsoll_report::table::TABLE.write(&report, &mut out).unwrap();
    assert!(out.len() < 10_000, "{} bytes", out.len());
}
