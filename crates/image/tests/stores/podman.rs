//! Stores made by skopeo, which has the store's code of podman in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use plimsoll_formats::bounded;
use plimsoll_image::source::{Image, LayerContent, PlatformChoice, SourceError, podman};
use tempfile::TempDir;

use crate::fixture::{Fixture, installed, is_root, read, run};

/// A store with the image as `names`; the driver leaves no mount behind.
pub(crate) fn store(fixture: &Fixture, driver: &str, names: &[&str]) -> Option<TempDir> {
    if !installed(&["skopeo"]) || !is_root() {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let layout = fixture.layout(folder.path(), "x");
    let options = if driver == "overlay" { ":overlay.skip_mount_home=true" } else { "" };
    let root = folder.path().join("root");
    for name in names {
        let store = format!("[{driver}@{}+{}{options}]", root.display(), folder.path().join("run").display());
        let mut command = Command::new("skopeo");
        command.args(["copy", "--quiet", "--insecure-policy"]).arg(format!("oci:{}", layout.display()));
        run(command.arg(format!("containers-storage:{store}{name}")));
    }
    Some(folder)
}

fn find(root: &Path, wanted: &str) -> Result<Option<Image>, SourceError> {
    let images = podman::images(root, &[], wanted, &PlatformChoice::Host)?;
    Ok(images.map(|mut images| images.remove(0)))
}

#[test]
fn layers_of_both_drivers_are_proved() {
    let fixture = Fixture::new();
    for driver in ["overlay", "vfs"] {
        let Some(folder) = store(&fixture, driver, &["localhost/ours:1"]) else { return };
        let root = folder.path().join("root");
        let image = find(&root, "localhost/ours:1").unwrap().unwrap();
        fixture.check(&image);
        assert_eq!(image.manifest_digest, Some(fixture.manifest_digest()));
        let elsewhere = folder.path().join("elsewhere");
        let images = podman::images(&elsewhere, std::slice::from_ref(&root), "ours:1", &PlatformChoice::All);
        fixture.check(&images.unwrap().unwrap()[0]);
        assert!(find(&elsewhere, "ours:1").unwrap().is_none());
    }
}

#[test]
fn images_are_found_by_name_digest_and_id() {
    let fixture = Fixture::new();
    let names = ["localhost/ours:1", "docker.io/library/plain:latest", "quay.io/a/b:2"];
    let Some(folder) = store(&fixture, "overlay", &names) else { return };
    let root = folder.path().join("root");
    let (id, digest) = (fixture.id(), fixture.manifest_digest());
    let hits = [
        ("ours:1".to_owned(), names[0]),
        ("plain".to_owned(), names[1]),
        ("docker.io/plain".to_owned(), names[1]),
        ("quay.io/a/b:2".to_owned(), names[2]),
        (format!("plain@{digest}"), names[1]),
        (id.to_string(), ""),
        (id.0.hex(), ""),
        (id.0.short(), ""),
        (digest.to_string(), ""),
    ];
    for (wanted, name) in hits {
        let image = find(&root, &wanted).unwrap().unwrap_or_else(|| panic!("{wanted}"));
        assert!(name.is_empty() || image.name == name, "{wanted}: {}", image.name);
        assert_eq!(image.config_digest, Some(id));
    }
    for wanted in
        ["ours", "docker.io/library/ours:1", "b:2", "a/b:2", &id.0.hex()[..11], &format!("plain@{id}")]
    {
        assert!(find(&root, wanted).unwrap().is_none(), "{wanted}");
    }
    let other = PlatformChoice::One("plan9/mips".parse().unwrap());
    let error = podman::images(&root, &[], "plain", &other).unwrap_err();
    assert!(matches!(error, SourceError::NoPlatform { .. }));
}

#[test]
fn a_manifest_list_leads_to_the_image_of_the_platform() {
    let fixture = Fixture::new();
    if !installed(&["buildah"]) {
        return;
    }
    let Some(folder) = store(&fixture, "vfs", &["localhost/ours:1"]) else { return };
    let root = folder.path().join("root");
    let manifest = |words: &[&str]| {
        let mut command = Command::new("buildah");
        command.arg("--root").arg(&root).arg("--runroot").arg(folder.path().join("run"));
        run(command.args(["--storage-driver", "vfs", "manifest"]).args(words));
    };
    manifest(&["create", "localhost/list:1"]);
    manifest(&["add", "localhost/list:1", "containers-storage:localhost/ours:1"]);
    let image = find(&root, "list:1").unwrap().unwrap();
    fixture.check(&image);
    assert_eq!(image.name, "localhost/list:1");
    let other = PlatformChoice::One("plan9/mips".parse().unwrap());
    let error = podman::images(&root, &[], "list:1", &other).unwrap_err();
    assert!(matches!(error, SourceError::NoPlatform { .. }));
}

fn layer_folders(root: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root.join("overlay")).unwrap();
    entries.map(|entry| entry.unwrap().path()).filter(|path| path.join("diff").is_dir()).collect()
}

#[test]
fn changed_and_missing_files_are_told() {
    let fixture = Fixture::new();
    let Some(folder) = store(&fixture, "overlay", &["localhost/ours:1"]) else { return };
    let root = folder.path().join("root");
    let changed =
        layer_folders(&root).iter().map(|path| path.join("diff/usr/lib/large")).find(|path| path.exists());
    let changed = changed.unwrap();
    std::fs::OpenOptions::new().write(true).open(&changed).unwrap().set_len(2_999_999).unwrap();
    let image = find(&root, "ours:1").unwrap().unwrap();
    let error = format!("{:?}", read(&image.layers[0]).unwrap_err());
    assert!(error.contains("usr/lib/large was changed"), "{error}");
    read(&image.layers[1]).unwrap();
    std::fs::OpenOptions::new().write(true).open(&changed).unwrap().set_len(3_000_000).unwrap();
    assert!(format!("{:?}", read(&image.layers[0]).unwrap_err()).contains("DiffId"));
    std::fs::remove_file(&changed).unwrap();
    assert!(format!("{:?}", read(&image.layers[0]).unwrap_err()).contains("NotFound"));

    for entry in std::fs::read_dir(root.join("overlay-layers")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "gz") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let image = find(&root, "ours:1").unwrap().unwrap();
    assert!(image.layers.iter().all(|layer| matches!(layer.content, LayerContent::Unreadable(_))));
}

#[test]
fn damaged_lists_are_errors() {
    let fixture = Fixture::new();
    let Some(folder) = store(&fixture, "overlay", &["localhost/ours:1"]) else { return };
    let root = folder.path().join("root");
    let images = root.join("overlay-images/images.json");
    let layers = root.join("overlay-layers/layers.json");
    let text = |path: &Path| String::from_utf8(bounded::read_file(path, 1 << 20).unwrap()).unwrap();
    let (images_text, layers_text) = (text(&images), text(&layers));

    std::fs::write(&images, &images_text[..images_text.len() / 2]).unwrap();
    assert!(matches!(find(&root, "ours:1"), Err(SourceError::NotA { .. })));
    std::fs::write(&images, &images_text).unwrap();

    let mut looping: serde_json::Value = serde_json::from_str(&layers_text).unwrap();
    for layer in looping.as_array_mut().unwrap() {
        layer["parent"] = layer["id"].clone();
    }
    std::fs::write(&layers, looping.to_string()).unwrap();
    assert!(matches!(find(&root, "ours:1"), Err(SourceError::TooManyLayers { .. })));

    std::fs::write(&layers, "[]").unwrap();
    assert!(matches!(find(&root, "ours:1"), Err(SourceError::Absent { .. })));

    for (path, whole) in [(&images, &images_text), (&layers, &layers_text)] {
        std::fs::write(&layers, &layers_text).unwrap();
        std::fs::write(path, whole.replace(r#""id":""#, r#""id":"../../"#)).unwrap();
        assert!(find(&root, "ours:1").is_err());
        std::fs::write(path, whole).unwrap();
    }
    find(&root, "ours:1").unwrap().unwrap();
}
