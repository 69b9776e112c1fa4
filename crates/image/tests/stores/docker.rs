//! Docker's own store. No daemon can run everywhere, so the documented files are written here.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use plimsoll_image::source::{Image, LayerContent, PlatformChoice, SourceError, docker};
use plimsoll_model::digest::Digest;
use serde_json::json;

use crate::fixture::{Fixture, digest, read};

/// The files of the tar below `files`, and the record of the rest.
fn split(tar: &[u8], files: &Path) -> Vec<u8> {
    let mut record = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut line = |value: serde_json::Value| writeln!(record, "{value}").unwrap();
    let mut done = 0;
    for entry in tar::Archive::new(tar).entries().unwrap() {
        let entry = entry.unwrap();
        let start = usize::try_from(entry.raw_file_position()).unwrap();
        let size = usize::try_from(entry.size()).unwrap();
        line(json!({"type": 2, "payload": BASE64_STANDARD.encode(&tar[done..start])}));
        done = start + size;
        let name = entry.path_bytes();
        match (std::str::from_utf8(&name), size) {
            (Ok(name), 0) => line(json!({"type": 1, "name": name, "payload": null})),
            (Ok(name), _) => line(json!({"type": 1, "name": name, "size": size, "payload": "AAAAAAAAAAA="})),
            (Err(_), _) => line(json!({"type": 1, "name_raw": BASE64_STANDARD.encode(&name), "size": size})),
        }
        if size > 0 {
            let path = files.join(OsStr::from_bytes(&name));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, &tar[start..done]).unwrap();
        }
    }
    line(json!({"type": 2, "payload": BASE64_STANDARD.encode(&tar[done..])}));
    record.finish().unwrap()
}

/// Writes docker's directory with the image as `plain:1`.
fn store(fixture: &Fixture, root: &Path) {
    let image = root.join("image/overlay2");
    let id = fixture.id();
    fs::create_dir_all(image.join("imagedb/content/sha256")).unwrap();
    fs::write(image.join("imagedb/content/sha256").join(id.0.hex()), &fixture.config).unwrap();
    let digested = format!("plain@{}", fixture.manifest_digest());
    let names = json!({"Repositories": {"plain": {"plain:1": id, digested: id}}});
    fs::write(image.join("repositories.json"), names.to_string()).unwrap();
    let mut chain: Option<Digest> = None;
    for (index, tar) in fixture.tars.iter().enumerate() {
        let diff_id = Digest::of(tar);
        let id = chain.map_or(diff_id, |below| Digest::of(format!("{below} {diff_id}").as_bytes()));
        chain = Some(id);
        let layer = image.join("layerdb/sha256").join(id.hex());
        fs::create_dir_all(&layer).unwrap();
        let files = root.join(format!("overlay2/cache{index}/diff"));
        fs::create_dir_all(&files).unwrap();
        fs::write(layer.join("tar-split.json.gz"), split(tar, &files)).unwrap();
        fs::write(layer.join("diff"), diff_id.to_string()).unwrap();
        fs::write(layer.join("cache-id"), format!("cache{index}")).unwrap();
    }
}

fn find(root: &Path, wanted: &str) -> Result<Option<Image>, SourceError> {
    let images = docker::images(root, wanted, &PlatformChoice::Host)?;
    Ok(images.map(|mut images| images.remove(0)))
}

#[test]
fn layers_are_proved_and_images_found_by_name_digest_and_id() {
    let fixture = Fixture::new();
    let folder = tempfile::tempdir().unwrap();
    store(&fixture, folder.path());
    let id = fixture.id();
    let by_digest = format!("docker.io/library/plain@{}", fixture.manifest_digest());
    for wanted in ["plain:1", "library/plain:1", &by_digest, &id.to_string(), &id.0.hex(), &id.0.short()] {
        fixture.check(&find(folder.path(), wanted).unwrap().unwrap_or_else(|| panic!("{wanted}")));
    }
    for wanted in ["plain", "quay.io/plain:1", "0123456789ab", &id.0.hex()[..11]] {
        assert!(find(folder.path(), wanted).unwrap().is_none(), "{wanted}");
    }
    assert!(find(&folder.path().join("none"), "plain:1").unwrap().is_none());
}

fn layer_folders(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root.join("image/overlay2/layerdb/sha256")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn missing_and_hostile_layers_are_unreadable() {
    let fixture = Fixture::new();
    let folder = tempfile::tempdir().unwrap();
    store(&fixture, folder.path());
    for cache_id in ["../../../etc", "", "a/b", "\u{e9}"] {
        for layer in layer_folders(folder.path()) {
            fs::write(layer.join("cache-id"), cache_id).unwrap();
        }
        let image = find(folder.path(), "plain:1").unwrap().unwrap();
        assert!(image.layers.iter().all(|layer| matches!(layer.content, LayerContent::Unreadable(_))));
    }
    for layer in layer_folders(folder.path()) {
        fs::remove_file(layer.join("cache-id")).unwrap();
    }
    let image = find(folder.path(), "plain:1").unwrap().unwrap();
    assert!(image.layers.iter().all(|layer| matches!(layer.content, LayerContent::Unreadable(_))));
}

#[test]
fn swapped_layers_and_damaged_files_are_errors() {
    let fixture = Fixture::new();
    let folder = tempfile::tempdir().unwrap();
    store(&fixture, folder.path());
    for layer in layer_folders(folder.path()) {
        fs::write(layer.join("cache-id"), "cache1").unwrap();
    }
    let image = find(folder.path(), "plain:1").unwrap().unwrap();
    assert!(read(&image.layers[0]).is_err());
    let names = folder.path().join("image/overlay2/repositories.json");
    fs::write(&names, r#"{"Repositories":{"plain":{"pl"#).unwrap();
    assert!(matches!(find(folder.path(), "plain:1"), Err(SourceError::NotA { .. })));
    fs::remove_file(&names).unwrap();
    let id = fixture.id();
    let config = folder.path().join("image/overlay2/imagedb/content/sha256").join(id.0.hex());
    fs::write(config, "{}").unwrap();
    let error = find(folder.path(), &id.to_string()).unwrap_err();
    assert!(matches!(error, SourceError::Digest { actual, .. } if actual == digest(b"{}")));
}
