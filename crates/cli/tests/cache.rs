//! The evidence cache as a user meets it: what was once read is not read again, and no state of the cache changes a
//! report.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its environment and its own files")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use plimsoll_testkit::tools::installed;
use serde_json::Value;
use support::image::{LayerBuilder, image, shop};
use support::{Plimsoll, Ran, package, said};

/// The shop's layout in the folder of a runner, and its name for a scan.
fn shop_in(plimsoll: &Plimsoll) -> (PathBuf, String) {
    let layout = plimsoll.folder().join("shop");
    let name = shop().write(&layout);
    (layout, name)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The files of one kind, below the one folder of this encoding's version.
fn kept(plimsoll: &Plimsoll, kind: &str) -> Vec<PathBuf> {
    let versions = files(&plimsoll.cache().join("evidence"));
    let [version] = versions.as_slice() else { panic!("one version of the cache: {versions:?}") };
    files(&version.join(kind))
}

#[test]
fn a_second_scan_reads_no_layer() {
    let plimsoll = Plimsoll::new();
    let (layout, name) = shop_in(&plimsoll);
    let cold = plimsoll.json_text(&name, &[]);
    for blob in shop().blobs(&layout) {
        fs::remove_file(blob).unwrap();
    }
    assert_eq!(plimsoll.json_text(&name, &[]), cold);
    let uncached = plimsoll.run(&["scan", &name, "--no-cache"]);
    assert_eq!((uncached.code, uncached.out.as_str()), (2, ""));
    assert!(uncached.err.starts_with("error: scanning oci:"), "{}", uncached.err);
    assert!(uncached.err.contains("sha256:"), "the error names the layer: {}", uncached.err);
}

#[test]
fn a_layer_of_another_image_is_known() {
    let plimsoll = Plimsoll::new();
    let (layout, name) = shop_in(&plimsoll);
    let first = plimsoll.scan(&name, &[]);
    // The same base, and a layer of its own.
    let [base, ..] = support::image::shop_files();
    let base =
        base.1.into_iter().fold(LayerBuilder::new(base.0), |layer, (path, text)| layer.file(path, text));
    let other = image().layer(base).layer(LayerBuilder::new("COPY x").file("x", "x"));
    let other_layout = plimsoll.folder().join("other");
    let other_name = other.write(&other_layout);
    assert_eq!(other.blobs(&other_layout)[0].file_name(), shop().blobs(&layout)[0].file_name());
    fs::remove_file(&other.blobs(&other_layout)[0]).unwrap();
    let second = plimsoll.scan(&other_name, &[]);
    assert_eq!(package(&second, "zlib1g")["files"], package(&first, "zlib1g")["files"]);
    assert_eq!(kept(&plimsoll, "layers").len(), 4);
}

#[test]
fn damaged_files_are_healed() {
    let plimsoll = Plimsoll::new();
    let (_, name) = shop_in(&plimsoll);
    let cold = plimsoll.json_text(&name, &[]);
    let sound: Vec<(PathBuf, Vec<u8>)> = ["layers", "images"]
        .iter()
        .flat_map(|kind| kept(&plimsoll, kind))
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    assert_eq!(sound.len(), 4, "three layers and their image");
    let damages: [fn(&mut Vec<u8>); 4] = [
        |bytes| bytes.clear(),
        |bytes| bytes.truncate(bytes.len() / 2),
        |bytes| *bytes.last_mut().unwrap() ^= 1,
        |bytes| bytes.iter_mut().for_each(|byte| *byte = 0xff),
    ];
    for damage in damages {
        for (path, bytes) in &sound {
            let mut bytes = bytes.clone();
            damage(&mut bytes);
            fs::write(path, bytes).unwrap();
        }
        assert_eq!(plimsoll.json_text(&name, &[]), cold);
        for (path, bytes) in &sound {
            assert_eq!(&fs::read(path).unwrap(), bytes, "{} is whole again", path.display());
        }
    }
}

#[test]
fn processes_at_the_same_time_do_not_disturb_each_other() {
    let (plimsoll, alone) = (Plimsoll::new(), Plimsoll::new());
    let (_, name) = shop_in(&plimsoll);
    let expected = alone.json_text(&name, &[]);
    let start = || {
        let mut command = plimsoll.command(&["scan", &name, "--format", "json"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let started: Vec<Child> = (0..6).map(|_| start()).collect();
    for child in started {
        let ran = Ran::from(child.wait_with_output().unwrap());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        assert!(ran.out == expected);
    }
    assert_eq!(kept(&plimsoll, "tmp"), Vec::<PathBuf>::new(), "nothing is left behind");
    assert_eq!((kept(&plimsoll, "layers").len(), kept(&plimsoll, "images").len()), (3, 1));
}

#[test]
fn a_cache_that_cannot_be_used_costs_a_note() {
    let (plimsoll, alone) = (Plimsoll::new(), Plimsoll::new());
    let (_, name) = shop_in(&plimsoll);
    let expected = alone.json_text(&name, &[]);
    // A file where the directory should be: nobody, not even root, can make the cache.
    fs::write(plimsoll.cache(), "").unwrap();
    let ran = plimsoll.run(&["scan", &name, "--format", "json"]);
    assert_eq!(ran.code, 0);
    assert!(ran.out == expected);
    assert!(ran.err.starts_with("note: scanning without a cache: opening the evidence cache"), "{}", ran.err);
    assert_eq!(plimsoll.run(&["scan", &name, "--quiet"]).err, "");
    assert_eq!(plimsoll.run(&["cache", "info"]).code, 2);
}

#[test]
fn a_cache_that_cannot_be_written_is_still_read() {
    if !installed(&["setpriv", "chmod"]) {
        return;
    }
    let plimsoll = Plimsoll::new();
    let (_, name) = shop_in(&plimsoll);
    let expected = plimsoll.json_text(&name, &[]);
    said(std::process::Command::new("chmod").args(["-R", "a-w,a+rX"]).arg(plimsoll.folder()));
    // Root may write anything, unless it lets go of that.
    let scan = ["scan", &name, "--format", "json"];
    let inner = plimsoll.command(&scan);
    let mut command = std::process::Command::new("setpriv");
    command.args(["--bounding-set=-all", "--inh-caps=-all"]).arg(inner.get_program()).args(scan);
    command.env_clear().envs(inner.get_envs().filter_map(|(key, value)| Some((key, value?))));
    let ran = Ran::of(&mut command);
    said(std::process::Command::new("chmod").args(["-R", "u+w"]).arg(plimsoll.folder()));
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out == expected);
}

#[test]
fn another_set_of_scanners_reads_only_what_is_missing() {
    let plimsoll = Plimsoll::new();
    let (layout, name) = shop_in(&plimsoll);
    let few = plimsoll.scan(&name, &["--scanners", "vulnerabilities"]);
    let kinds = |scan: &Value| -> Vec<String> {
        let kinds = scan["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| finding["kind"].as_str().unwrap().to_owned());
        kinds.collect()
    };
    assert_eq!(kinds(&few), ["vulnerability", "vulnerability", "end-of-life"]);
    let before: Vec<u64> =
        kept(&plimsoll, "layers").iter().map(|path| fs::metadata(path).unwrap().len()).collect();
    let all = plimsoll.scan(&name, &[]);
    assert!(kinds(&all).iter().any(|kind| kind == "secret"));
    assert_eq!(few["packages"], all["packages"]);
    let after: Vec<u64> =
        kept(&plimsoll, "layers").iter().map(|path| fs::metadata(path).unwrap().len()).collect();
    assert!(before.iter().zip(&after).all(|(before, after)| before < after), "{before:?} {after:?}");
    // Now everything is known, for either set.
    for blob in shop().blobs(&layout) {
        fs::remove_file(blob).unwrap();
    }
    assert_eq!(plimsoll.scan(&name, &["--scanners", "vulnerabilities"])["findings"], few["findings"]);
    assert_eq!(plimsoll.scan(&name, &["--scanners", "vulnerabilities,secrets,configuration"]), all);
}

#[test]
fn info_counts_and_prune_empties() {
    let plimsoll = Plimsoll::new();
    let (_, name) = shop_in(&plimsoll);
    let info = || -> Value { serde_json::from_str(&plimsoll.run(&["cache", "info", "--json"]).out).unwrap() };
    assert_eq!(info()["content"]["layers"], 0);
    let cold = plimsoll.json_text(&name, &[]);
    let full = info();
    assert_eq!((&full["content"]["layers"], &full["content"]["images"]), (&3.into(), &1.into()));
    assert!(full["content"]["bytes"].as_u64().unwrap() > 0);
    let words = plimsoll.run(&["cache", "info"]);
    assert!(words.out.contains("3 layers, 1 images"), "{}", words.out);
    assert_eq!(plimsoll.run(&["cache", "prune", "--keep", "100"]).code, 0);
    assert_eq!(info(), full, "it is smaller than that");
    assert_eq!(plimsoll.run(&["cache", "prune"]).code, 0);
    assert_eq!((&info()["content"]["layers"], &info()["content"]["bytes"]), (&0.into(), &0.into()));
    assert_eq!(plimsoll.json_text(&name, &[]), cold);
}

#[test]
fn the_cache_stays_below_its_limit() {
    let plimsoll = Plimsoll::new();
    let (_, name) = shop_in(&plimsoll);
    let config = plimsoll.folder().join("config.toml");
    fs::write(&config, "[cache]\nlimit = 1000\n").unwrap();
    let cold = plimsoll.json_text(&name, &["--config", config.to_str().unwrap()]);
    let bytes: u64 = ["layers", "images"]
        .iter()
        .flat_map(|kind| kept(&plimsoll, kind))
        .map(|path| fs::metadata(path).unwrap().len())
        .sum();
    assert!(bytes <= 1000, "{bytes}");
    assert_eq!(plimsoll.json_text(&name, &["--no-cache"]), cold);
}
