//! `plimsoll scrub` as a user meets it: what other tools see of the new image, and that nothing else changed.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its environment and its own files")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::channel;

use plimsoll_model::digest::Digest;
use plimsoll_testkit::http::HttpServer;
use plimsoll_testkit::registry::{RegistryServer, RegistrySetup, noise_bytes};
use plimsoll_testkit::tools::installed;
use serde_json::{Value, json};
use support::image::{Compression, Image, LayerBuilder, aws_key, image, shop, write_multi_platform};
use support::{Plimsoll, Ran, said, text, write};

/// Scrubs, which must end with `code`, and gives the JSON.
fn scrub(plimsoll: &Plimsoll, code: i32, arguments: &[&str]) -> Value {
    let ran = plimsoll.run(&[&["scrub", "--format", "json", "--quiet"], arguments].concat());
    assert_eq!(ran.code, code, "{arguments:?}\n{}{}", ran.out, ran.err);
    assert!(!ran.out.contains(&aws_key()) && !ran.out.contains("correct-horse"), "{}", ran.out);
    serde_json::from_str(&ran.out).unwrap()
}

/// Scrubbing must fail with these words and leave nothing at the destination.
fn refused(plimsoll: &Plimsoll, words: &str, arguments: &[&str]) {
    let ran = plimsoll.run(&[&["scrub", "--quiet"], arguments].concat());
    assert!(ran.code == 2 && ran.err.contains(words), "{arguments:?}\n{ran:?}");
}

fn secrets(plimsoll: &Plimsoll, name: &str) -> usize {
    let scan = plimsoll.scan(name, &["--scanners", "secrets,configuration", "--no-cache"]);
    scan["findings"].as_array().unwrap().iter().filter(|finding| finding["kind"] == "secret").count()
}

fn parsed(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn blob(layout: &Path, digest: &Value) -> PathBuf {
    layout.join("blobs/sha256").join(text(digest).strip_prefix("sha256:").unwrap())
}

/// The one manifest of a layout, and its configuration.
fn documents(layout: &Path) -> (Value, Value) {
    let manifest = parsed(&blob(layout, &parsed(&layout.join("index.json"))["manifests"][0]["digest"]));
    let config = parsed(&blob(layout, &manifest["config"]["digest"]));
    (manifest, config)
}

/// The plain tar of each layer, which must have the diff ID that the configuration tells.
fn layers(layout: &Path) -> Vec<Vec<u8>> {
    let (manifest, config) = documents(layout);
    let layers = manifest["layers"].as_array().unwrap().iter().map(|layer| {
        let path = blob(layout, &layer["digest"]);
        let stored = fs::read(&path).unwrap();
        assert_eq!(Digest::of(&stored).to_string(), text(&layer["digest"]));
        assert_eq!(layer["size"], stored.len());
        let program = match text(&layer["mediaType"]).rsplit(['.', '+']).next().unwrap() {
            "gzip" => "gzip",
            "zstd" => return zstd::decode_all(stored.as_slice()).unwrap(),
            _ => return stored,
        };
        plimsoll_testkit::tools::output_of(
            Command::new(program).arg("-dc").stdin(fs::File::open(path).unwrap()),
        )
    });
    let layers: Vec<Vec<u8>> = layers.collect();
    let diff_ids: Vec<String> = layers.iter().map(|tar| Digest::of(tar).to_string()).collect();
    assert_eq!(config["rootfs"]["diff_ids"], json!(diff_ids));
    layers
}

/// What GNU tar lists: rights, owners, sizes, nanoseconds, names, links, extended attributes.
fn listed(tar: &[u8], folder: &Path) -> Vec<String> {
    let path = folder.join("listed.tar");
    fs::write(&path, tar).unwrap();
    let mut list = Command::new("tar");
    list.env("TZ", "UTC").args(["--numeric-owner", "--full-time", "--xattrs", "-tvvf"]).arg(path);
    said(&mut list).lines().map(str::to_owned).collect()
}

/// What GNU tar unpacks: each path's state, and its content.
fn unpacked(tar: &[u8], folder: &Path) -> BTreeMap<String, (String, Vec<u8>)> {
    let (path, root) = (folder.join("unpacked.tar"), folder.join("unpacked"));
    fs::write(&path, tar).unwrap();
    drop(fs::remove_dir_all(&root));
    fs::create_dir(&root).unwrap();
    said(Command::new("tar").args(["--xattrs", "-xpf"]).arg(&path).arg("-C").arg(&root));
    let states = said(Command::new("find").current_dir(&root).args([
        ".",
        "-mindepth",
        "1",
        "-printf",
        "%P\t%y %m %U:%G %s %T@ %n %l\n",
    ]));
    let state = |line: &str| {
        let (path, state) = line.split_once('\t').unwrap();
        let whole = root.join(path);
        let content =
            if whole.is_symlink() || !whole.is_file() { Vec::new() } else { fs::read(whole).unwrap() };
        // Folders have the time at which they were filled, if the archive has no entry of them.
        let state = if state.starts_with('d') { "d".to_owned() } else { state.to_owned() };
        (path.to_owned(), (state, content))
    };
    states.lines().map(state).collect()
}

/// A layer as GNU tar makes it of files of all kinds.
fn made_by_tar(folder: &Path) -> Vec<u8> {
    let root = folder.join("made");
    let long = format!("srv/{}/{}.conf", "folder".repeat(12), "name".repeat(25));
    write(&root.join("srv/app.conf"), "debug = 1\n");
    write(&root.join("srv/keys/aws.env"), format!("# keys\nAWS_KEY={}\nregion=eu\n", aws_key()));
    write(&root.join("srv/large.bin"), noise_bytes(700_001));
    write(&root.join(&long), "long names\n");
    fs::hard_link(root.join("srv/app.conf"), root.join("srv/app.link")).unwrap();
    std::os::unix::fs::symlink("app.conf", root.join("srv/app.symlink")).unwrap();
    let times = ["-d", "2024-02-29 12:34:56.123456789 UTC"];
    said(Command::new("find").arg(&root).args(["-exec", "touch", "-h"]).args(times).args(["{}", "+"]));
    said(Command::new("chmod").arg("4711").arg(root.join("srv/app.conf")));
    let mut tar = Command::new("tar");
    tar.args(["--format=pax", "--pax-option=globexthdr.name=global,comment=made", "--sort=name", "--xattrs"]);
    tar.args(["--numeric-owner", "--owner=1234", "--group=4321", "-cf", "-", "-C"]).arg(&root).arg(".");
    plimsoll_testkit::tools::output_of(&mut tar)
}

#[test]
fn a_file_goes_and_every_other_byte_stays_whatever_the_compression() {
    let plimsoll = Plimsoll::new();
    let folder = plimsoll.folder();
    let tar = made_by_tar(folder);
    let above = LayerBuilder::new("COPY").file("srv/own", "own");
    let made = image()
        .tar("ADD", tar.clone())
        .layer(above)
        .config(json!({ "User": "1000", "Labels": { "a": "<b>" } }));
    for compression in [Compression::Gzip, Compression::Zstd, Compression::Plain] {
        let layout = folder.join(format!("{compression:?}"));
        let name = made.clone().all_stored_as(compression).write(&layout);
        let clean = folder.join(format!("{compression:?}-clean"));
        let to = format!("oci:{}:latest", clean.display());
        let told = scrub(&plimsoll, 0, &[&name, "--to", &to]);
        assert_eq!(told["verified"], true);
        let changed =
            json!([{ "path": "/srv/keys/aws.env", "change": "removed", "rules": ["aws-access-key-id"] }]);
        assert_eq!(told["images"][0]["layers"][0]["files"], changed);
        assert_eq!(told["images"][0]["rotate"][0]["redacted"], "AKIAQ…");
        assert_eq!(told["images"][0]["rotate"][0]["places"], json!(["/srv/keys/aws.env of layer 1"]));
        let ((before, old), (after, new)) = (documents(&layout), documents(&clean));
        assert_eq!(before["layers"][1], after["layers"][1], "another layer keeps its blob");
        assert_eq!(before["layers"][0]["mediaType"], after["layers"][0]["mediaType"]);
        assert_ne!(before["layers"][0]["digest"], after["layers"][0]["digest"]);
        for field in ["architecture", "config", "created", "history", "os"] {
            assert_eq!(old[field], new[field]);
        }
        let (old, new) = (layers(&layout), layers(&clean));
        let mut wanted = listed(&old[0], folder);
        wanted.retain(|line| !line.ends_with("aws.env"));
        assert_eq!(listed(&new[0], folder), wanted);
        let mut wanted = unpacked(&old[0], folder);
        assert!(wanted.remove("srv/keys/aws.env").is_some());
        assert_eq!(unpacked(&new[0], folder), wanted);
        assert_eq!(secrets(&plimsoll, &to), 0);
        // The same again gives the same.
        let again = folder.join(format!("{compression:?}-again"));
        let second = scrub(&plimsoll, 0, &[&name, "--to", &format!("oci:{}", again.display()), "--no-cache"]);
        assert_eq!(second["images"][0]["after"], told["images"][0]["after"]);
    }
}

#[test]
fn a_secret_is_overwritten_in_place() {
    let plimsoll = Plimsoll::new();
    let folder = plimsoll.folder();
    let layout = folder.join("layout");
    let name = image().tar("ADD", made_by_tar(folder)).config(json!({})).write(&layout);
    let clean = folder.join("clean");
    let told = scrub(&plimsoll, 0, &[&name, "--mode", "redact", "--to", &format!("oci:{}", clean.display())]);
    assert_eq!(told["images"][0]["layers"][0]["files"][0]["change"], "redacted");
    let (old, new) = (layers(&layout), layers(&clean));
    assert_eq!(listed(&new[0], folder), listed(&old[0], folder));
    let mut wanted = unpacked(&old[0], folder);
    let content = format!("# keys\nAWS_KEY={}\nregion=eu\n", "*".repeat(aws_key().len()));
    wanted.get_mut("srv/keys/aws.env").unwrap().1 = content.into_bytes();
    assert_eq!(unpacked(&new[0], folder), wanted);
}

fn secret() -> String {
    format!("AWS_KEY={}\n", aws_key())
}

#[test]
fn deleted_secrets_go_whiteouts_stay_and_nothing_older_shows() {
    let plimsoll = Plimsoll::new();
    let folder = plimsoll.folder();
    let one = LayerBuilder::new("one").file("a.env", secret()).file("b.env", "harmless\n").file("c", "c");
    let two =
        LayerBuilder::new("two").whiteout("a.env").file("b.env", secret()).opaque("d").file("d/x", secret());
    let layout = folder.join("layout");
    let name = image().layer(one).layer(two).config(json!({})).write(&layout);
    let to = format!("oci:{}", folder.join("clean").display());
    let told = scrub(&plimsoll, 0, &[&name, "--to", &to]);
    let files = |index: usize| -> Vec<(&str, &str)> {
        let files = told["images"][0]["layers"][index]["files"].as_array().unwrap();
        files.iter().map(|file| (text(&file["path"]), text(&file["change"]))).collect()
    };
    assert_eq!(files(0), [("/a.env", "removed")]);
    assert_eq!(files(1), [("/b.env", "hidden"), ("/d/x", "removed")]);
    let new = layers(&folder.join("clean"));
    assert_eq!(unpacked(&new[0], folder).into_keys().collect::<Vec<_>>(), ["b.env", "c"]);
    let names: Vec<String> = unpacked(&new[1], folder).into_keys().collect();
    assert_eq!(names, [".wh.a.env", ".wh.b.env", "d", "d/.wh..wh..opq"]);
}

#[test]
fn hard_links_and_duplicates_are_handled() {
    let plimsoll = Plimsoll::new();
    let folder = plimsoll.folder();
    let layer = LayerBuilder::new("one")
        .file("secret", secret())
        .hard_link("same", "secret")
        .file("twice", "first")
        .file("twice", secret())
        .file("plain", "kept content")
        .hard_link("heir", "plain")
        .hard_link("other", "plain");
    let name = image().layer(layer).config(json!({})).write(&folder.join("layout"));
    let to = format!("oci:{}", folder.join("clean").display());
    let told = scrub(&plimsoll, 0, &[&name, "--to", &to, "--path", "/plain"]);
    let files = told["images"][0]["layers"][0]["files"].as_array().unwrap();
    let paths: Vec<&str> = files.iter().map(|file| text(&file["path"])).collect();
    assert_eq!(paths, ["/plain", "/same", "/secret", "/twice"]);
    let new = layers(&folder.join("clean"));
    let found = unpacked(&new[0], folder);
    assert_eq!(found.keys().collect::<Vec<_>>(), ["heir", "other"]);
    assert_eq!(found["heir"].1, b"kept content");
    assert_eq!(found["heir"], found["other"], "they are still one file with two names");
    assert!(found["heir"].0.contains(" 2 "), "{:?}", found["heir"]);
}

fn configured() -> Image {
    let layer = LayerBuilder::new("RUN |1 API_TOKEN=correct-horse /bin/sh -c fetch correct-horse # buildkit")
        .file("a", "a");
    image().layer(layer).step("ENV DB_PASSWORD=correct-horse-2").config(json!({
        "Env": ["PATH=/bin", "DB_PASSWORD=correct-horse-2"], "Labels": { "key": aws_key(), "kept": "x" },
        "Cmd": ["run", "--token", "correct-horse"],
    }))
}

#[test]
fn the_configuration_loses_its_secrets_and_layers_keep_their_blobs() {
    let plimsoll = Plimsoll::new();
    let folder = plimsoll.folder();
    let layout = folder.join("layout");
    let name = configured().write(&layout);
    let to = format!("oci:{}", folder.join("clean").display());
    let told = scrub(&plimsoll, 0, &[&name, "--to", &to]);
    let places: Vec<&str> =
        told["images"][0]["settings"].as_array().unwrap().iter().map(|of| text(&of["place"])).collect();
    let expected = ["config.Cmd 3", "config.Env DB_PASSWORD", "config.Labels key", "history 1", "history 2"];
    assert_eq!(places, expected);
    assert_eq!(told["images"][0]["rotate"].as_array().unwrap().len(), 3, "each secret once: {told:#}");
    let ((before, old), (after, mut new)) = (documents(&layout), documents(&folder.join("clean")));
    assert_eq!(before["layers"], after["layers"]);
    assert_eq!(new["config"]["Env"], json!(["PATH=/bin", "DB_PASSWORD=[removed]"]));
    assert_eq!(new["config"]["Labels"], json!({ "key": "[removed]", "kept": "x" }));
    let step = "RUN |1 API_TOKEN=[removed] /bin/sh -c fetch [removed] # buildkit";
    assert_eq!(new["history"][0]["created_by"], step);
    new["config"] = old["config"].clone();
    new["history"] = old["history"].clone();
    assert_eq!(new, old, "nothing else changed");
    assert_eq!(secrets(&plimsoll, &to), 0);
    let said = plimsoll.run(&["scrub", &to, "--to", &format!("{to}-2")]);
    assert!(
        said.code == 0 && said.out.starts_with(&format!("{}  linux/amd64", to.trim_start_matches("oci:"))),
        "{said:?}"
    );
    assert!(said.out.contains("Nothing has to go."), "{}", said.out);
    assert_eq!(documents(&folder.join("clean-2")), documents(&folder.join("clean")));
}

#[test]
fn some_secrets_can_be_chosen_and_the_rest_is_told() {
    let plimsoll = Plimsoll::new();
    let name = configured()
        .layer(LayerBuilder::new("b").file("b", secret()))
        .write(&plimsoll.folder().join("layout"));
    let to = format!("oci:{}", plimsoll.folder().join("clean").display());
    let planned = scrub(&plimsoll, 1, &[&name, "--dry-run"]);
    assert_eq!((planned["verified"].as_bool(), planned["destination"].is_null()), (Some(false), true));
    let rotate = planned["images"][0]["rotate"].as_array().unwrap();
    assert_eq!(rotate.len(), 3);
    let told = scrub(&plimsoll, 1, &[&name, "--to", &to, "--rule", "aws-access-key-id"]);
    assert_eq!(told["verified"], false);
    let left = told["images"][0]["remaining"].as_array().unwrap().len();
    assert!(left >= 2, "{told:#}");
    assert_eq!(told["images"][0]["layers"][1]["files"][0]["path"], "/b");
    let password = rotate.iter().find(|of| of["rule"] == "secret-by-name").unwrap();
    let print = &text(&password["fingerprint"])[..12];
    let told = scrub(&plimsoll, 1, &[&name, "--to", &to, "--force", "--fingerprint", print]);
    assert_eq!(told["images"][0]["rotate"].as_array().unwrap().len(), 1);
    for (words, choice) in [
        ("no layer has a path", ["--path", "/nowhere"]),
        ("no secret was found by the rule", ["--rule", "unknown"]),
        ("no secret was found with the fingerprint", ["--fingerprint", "00000000"]),
        ("names no path", ["--path", "**"]),
    ] {
        refused(&plimsoll, words, &[&name, "--to", &to, "--force", choice[0], choice[1]]);
    }
}

#[test]
fn destinations_are_not_replaced_unasked_nor_anything_but_images() {
    let plimsoll = Plimsoll::new();
    let folder = plimsoll.folder();
    let name = shop().write(&folder.join("layout"));
    let (layout, file) = (folder.join("clean"), folder.join("clean.tar"));
    for to in [format!("oci:{}", layout.display()), format!("oci-archive:{}", file.display())] {
        scrub(&plimsoll, 0, &[&name, "--to", &to]);
        refused(&plimsoll, "--force replaces it", &[&name, "--to", &to]);
        scrub(&plimsoll, 0, &[&name, "--to", &to, "--force"]);
        assert_eq!(secrets(&plimsoll, &to), 0);
    }
    let home = format!("oci:{}", folder.join("home").display());
    write(&folder.join("home/own"), "precious");
    refused(&plimsoll, "no OCI layout", &[&name, "--to", &home, "--force"]);
    assert_eq!(fs::read(folder.join("home/own")).unwrap(), b"precious");
    refused(&plimsoll, "there is no folder", &[&name, "--to", &format!("oci:{}/no/where", folder.display())]);
    // An image may take its own place.
    scrub(&plimsoll, 0, &[&name, "--to", &name, "--force"]);
    assert_eq!(secrets(&plimsoll, &name), 0);
    refused(&plimsoll, "no layers", &["dir:/etc", "--to", &format!("{home}-2")]);
    let left: Vec<String> =
        fs::read_dir(folder).unwrap().map(|of| of.unwrap().file_name().into_string().unwrap()).collect();
    assert!(left.iter().all(|name| !name.starts_with('.')), "{left:?}");
}

#[test]
fn corrupt_layers_are_refused_and_nothing_is_written() {
    let plimsoll = Plimsoll::new();
    let folder = plimsoll.folder();
    let made = shop().all_stored_as(Compression::Plain);
    let layout = folder.join("layout");
    let name = made.write(&layout);
    // A harmless layer, which would only be copied; its evidence is known already.
    let path = &made.blobs(&layout)[0];
    assert_eq!(secrets(&plimsoll, &name), 1);
    drop(plimsoll.run(&["diff", &name, &name]));
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.len() - 1;
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
    refused(
        &plimsoll,
        "the layer is corrupt",
        &[&name, "--to", &format!("oci:{}", folder.join("clean").display())],
    );
    assert!(!folder.join("clean").exists());
}

fn skopeo(arguments: &[&str]) -> String {
    said(Command::new("skopeo").args(["--insecure-policy"]).args(arguments))
}

#[test]
fn other_tools_read_what_is_written_and_we_read_what_they_write() {
    if !installed(&["skopeo"]) {
        return;
    }
    let plimsoll = Plimsoll::new();
    let folder = plimsoll.folder();
    let name = shop().write(&folder.join("layout"));
    let docker = format!("docker-archive:{}", folder.join("shop.tar").display());
    skopeo(&["copy", "--quiet", &format!("{name}:latest"), &format!("{docker}:shop:1")]);
    for (index, from) in [name.as_str(), docker.as_str()].into_iter().enumerate() {
        for kind in ["oci", "oci-archive", "docker-archive"] {
            let to = format!("{kind}:{}:shop:1", folder.join(format!("{kind}-{index}")).display());
            let told = scrub(&plimsoll, 0, &[from, "--to", &to]);
            let copy = folder.join(format!("{kind}-{index}-copy"));
            skopeo(&["copy", "--quiet", &to, &format!("oci:{}:x", copy.display())]);
            let (_, config) = documents(&copy);
            let diff_ids: Vec<&Value> = told["images"][0]["layers"]
                .as_array()
                .unwrap()
                .iter()
                .map(|layer| &layer["after"]["diffId"])
                .collect();
            assert_eq!(json!(diff_ids), config["rootfs"]["diff_ids"], "{from} {to}");
            assert_eq!(config["config"]["Cmd"], json!(["shop"]));
            let inspected: Value = serde_json::from_str(&skopeo(&["inspect", &to])).unwrap();
            assert_eq!(inspected["Layers"].as_array().unwrap().len(), 3);
            assert_eq!(secrets(&plimsoll, &to), 0);
            let there = unpacked(&layers(&copy)[2], folder);
            assert!(!there.contains_key("srv/.env"), "{there:?}");
        }
    }
}

#[test]
fn an_image_of_podman_is_scrubbed_and_loaded_again() {
    if !installed(&["podman", "skopeo"]) {
        return;
    }
    if said(Command::new("id").arg("-u")).trim() != "0" {
        eprintln!("skipped: only root can make a store");
        return;
    }
    let plimsoll = Plimsoll::new();
    let folder = plimsoll.folder();
    let name = shop().write(&folder.join("layout"));
    let (root, run) = (folder.join("store"), folder.join("run"));
    let store = format!("[vfs@{}+{}]", root.display(), run.display());
    skopeo(&["copy", "--quiet", &format!("{name}:latest"), &format!("containers-storage:{store}shop:1")]);
    let config = folder.join("home/.config/plimsoll/config.toml");
    write(&config, format!("[stores]\npodman = [{root:?}]\n"));
    let archive = folder.join("clean.tar");
    let to = format!("docker-archive:{}:localhost/shop:clean", archive.display());
    let told = scrub(&plimsoll, 0, &["podman:shop:1", "--to", &to]);
    let mut podman = Command::new("podman");
    podman.arg("--root").arg(&root).arg("--runroot").arg(&run).args(["--storage-driver", "vfs"]);
    let loaded = said(podman.args(["load", "-q", "-i"]).arg(&archive));
    assert!(loaded.contains("localhost/shop:clean"), "{loaded}");
    let again = plimsoll.scan("podman:localhost/shop:clean", &["--scanners", "secrets"]);
    assert_eq!(again["findings"], json!([]));
    let diff_ids =
        |value: &Value| value.as_array().unwrap().iter().map(|of| of["diffId"].clone()).collect::<Vec<_>>();
    let after: Vec<Value> =
        told["images"][0]["layers"].as_array().unwrap().iter().map(|of| of["after"].clone()).collect();
    assert_eq!(diff_ids(&again["image"]["layers"]), diff_ids(&json!(after)));
}

/// An index of two platforms and an attestation, as `BuildKit` makes it.
fn two_platforms(layout: &Path) -> String {
    let name = write_multi_platform(&[shop(), shop().architecture("arm64")], layout);
    let mut top = parsed(&layout.join("index.json"));
    let mut index = parsed(&blob(layout, &top["manifests"][0]["digest"]));
    let subject = index["manifests"][0]["digest"].clone();
    index["manifests"].as_array_mut().unwrap().push(json!({
        "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": subject, "size": 1,
        "platform": { "os": "unknown", "architecture": "unknown" },
        "annotations": { "vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": subject },
    }));
    index["annotations"] = json!({ "kept": "yes" });
    let bytes = index.to_string();
    let digest = Digest::of(bytes.as_bytes());
    write(&layout.join("blobs/sha256").join(digest.hex()), &bytes);
    top["manifests"][0]["digest"] = digest.to_string().into();
    top["manifests"][0]["size"] = bytes.len().into();
    write(&layout.join("index.json"), top.to_string());
    name
}

#[test]
fn all_platforms_of_an_index_are_scrubbed_and_pushed() {
    let plimsoll = Plimsoll::new();
    let folder = plimsoll.folder();
    let name = two_platforms(&folder.join("layout"));
    let clean = folder.join("clean");
    let told = scrub(&plimsoll, 0, &[&name, "--to", &format!("oci:{}", clean.display())]);
    assert_eq!(
        (told["images"].as_array().unwrap().len(), told["droppedAttestations"].as_u64()),
        (2, Some(1))
    );
    assert_ne!(told["indexBefore"], told["indexAfter"]);
    let index = parsed(&blob(&clean, &told["indexAfter"]));
    assert_eq!(
        (index["manifests"].as_array().unwrap().len(), &index["annotations"]["kept"]),
        (2, &json!("yes"))
    );
    assert_eq!(index["manifests"][1]["platform"]["architecture"], "arm64");
    let one = folder.join("one");
    let platform = ["--platform", "linux/arm64"];
    scrub(
        &plimsoll,
        0,
        &[&[name.as_str(), "--to", &format!("oci:{}", one.display())], &platform[..]].concat(),
    );
    assert_eq!(documents(&one).1["architecture"], "arm64");
    let archive = format!("docker-archive:{}", folder.join("two.tar").display());
    refused(&plimsoll, "one platform only", &[&name, "--to", &archive]);
    let Some(registry) = RegistryServer::start(&RegistrySetup::default()) else { return };
    let host = registry.host();
    let config = folder.join("home/.config/plimsoll/config.toml");
    write(&config, format!("[registries.registry.\"{host}\"]\nplain-http = true\n"));
    let to = format!("registry:{host}/shop:clean");
    let pushed = scrub(&plimsoll, 0, &[&name, "--to", &to]);
    assert_eq!(pushed["indexAfter"], told["indexAfter"]);
    refused(&plimsoll, "--force replaces it", &[&name, "--to", &to]);
    let raw = skopeo(&["inspect", "--raw", "--tls-verify=false", &format!("docker://{host}/shop:clean")]);
    assert_eq!(Digest::of(raw.as_bytes()).to_string(), text(&told["indexAfter"]));
    let copy = format!("oci:{}:x", folder.join("copy").display());
    let from = format!("docker://{host}/shop:clean");
    skopeo(&["copy", "--quiet", "--all", "--src-tls-verify=false", &from, &copy]);
    assert_eq!(secrets(&plimsoll, &copy), 0);
}

#[test]
fn an_interrupted_scrub_leaves_nothing() {
    let plimsoll = Plimsoll::new();
    let folder = plimsoll.folder();
    let layout = folder.join("layout");
    let made = shop();
    let name = made.write(&layout);
    drop(plimsoll.run(&["scrub", &name, "--dry-run"]));
    let manifest = parsed(&layout.join("index.json"))["manifests"][0]["digest"].clone();
    let last = documents(&layout).0["layers"][2]["digest"].clone();
    let (reached, waiting) = channel();
    let reached = Mutex::new(reached);
    let served = layout.clone();
    // A registry that gives everything but the last layer, for which it lets us wait.
    let server = HttpServer::start(move |request, connection| {
        let asked = request.target.rsplit('/').next().unwrap();
        if asked == text(&last) {
            reached.lock().unwrap().send(()).unwrap();
            return connection.hang();
        }
        let digest = if request.target.contains("/manifests/") { text(&manifest) } else { asked };
        match fs::read(served.join("blobs/sha256").join(digest.trim_start_matches("sha256:"))) {
            Ok(bytes) => connection.answer(200, &[("Content-Type", "application/octet-stream")], &bytes),
            Err(_) => connection.answer(404, &[], b""),
        }
    });
    let config = folder.join("home/.config/plimsoll/config.toml");
    write(&config, format!("[registries.registry.\"{}\"]\nplain-http = true\n", server.host()));
    let out = folder.join("out");
    fs::create_dir(&out).unwrap();
    let from = format!("registry:{}/shop:1", server.host());
    for to in [format!("oci:{}/clean", out.display()), format!("oci-archive:{}/clean.tar", out.display())] {
        let mut child =
            plimsoll.interruptible(&["scrub", &from, "--to", &to]).stderr(Stdio::null()).spawn().unwrap();
        waiting.recv().unwrap();
        said(Command::new("kill").args(["-INT", &child.id().to_string()]));
        assert!(!child.wait().unwrap().success());
        assert_eq!(fs::read_dir(&out).unwrap().count(), 0, "{to}");
    }
}

#[test]
fn a_terminal_is_told_in_words() {
    let plimsoll = Plimsoll::new();
    let name = shop().write(&plimsoll.folder().join("layout"));
    let to = format!("oci:{}", plimsoll.folder().join("clean").display());
    let Ran { code, out, .. } = plimsoll.run(&["scrub", &name, "--to", &to]);
    assert_eq!(code, 0);
    for words in
        ["Must be rotated", "revoke each and issue a new one", "Verified:", "do not hold for the image after"]
    {
        assert!(out.contains(words), "{words}\n{out}");
    }
    let help = plimsoll.run(&["scrub", "--help"]);
    assert!(help.out.contains("Examples:") && help.out.contains("--dry-run"));
}

/// A multi-line secret: a key that decodes.
fn private_key() -> Option<String> {
    let mut make = Command::new("openssl");
    make.args(["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"]);
    installed(&["openssl"]).then(|| said(make.stderr(Stdio::null())))
}

#[test]
fn git_filter_repo_takes_the_secrets_of_the_list_out_of_a_history() {
    let Some(key) = private_key().filter(|_| installed(&["git", "git-filter-repo"])) else { return };
    let plimsoll = Plimsoll::new();
    let repository = plimsoll.folder().join("it's a repository");
    fs::create_dir(&repository).unwrap();
    let git = |arguments: &[&str]| {
        let own = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"];
        said(Command::new("git").current_dir(&repository).args(own).args(arguments))
    };
    git(&["init", "-q"]);
    let commit = |files: &[(&str, &str)], message: &str| {
        files.iter().for_each(|(path, content)| write(&repository.join(path), content));
        git(&["add", "."]);
        git(&["commit", "-q", "-m", message]);
    };
    commit(&[("config/app.env", &secret()), ("key.pem", &key), ("kept", "kept\n")], "first");
    commit(&[("config/app.env", "AWS_KEY=\n"), ("key.pem", "none\n")], &format!("take out {}", aws_key()));
    let (name, to) = (repository.to_str().unwrap(), plimsoll.folder().join("scrub"));
    let run = |arguments: &[&str]| plimsoll.run(&[&["scrub", "--repo", name], arguments].concat());
    let found = run(&["--verify", "--format", "json"]);
    let document: Value = serde_json::from_str(&found.out).unwrap();
    assert_eq!((found.code, document["rotate"].as_array().unwrap().len()), (1, 2), "{found:?}");
    let inside = run(&["--to", repository.join("list").to_str().unwrap()]);
    assert!(inside.code == 2 && inside.err.contains("in the repository"), "{inside:?}");
    fs::remove_dir(repository.join("list")).unwrap();
    let written = run(&["--to", to.to_str().unwrap()]);
    assert!(written.code == 0 && written.out.contains("only you may read it"), "{written:?}");
    assert!(!written.out.contains(&aws_key()) && written.out.contains("revoke each"), "{written:?}");
    let list = to.join("replacements.txt");
    let mode = said(Command::new("stat").args(["-c", "%a"]).arg(&list));
    assert_eq!(mode, "600\n");
    assert!(fs::read_to_string(&list).unwrap().contains(&format!("literal:{}==>", aws_key())));
    let again = run(&["--to", to.to_str().unwrap()]);
    assert!(again.code == 2 && again.err.contains("--force"), "{again:?}");
    let mut script = Command::new("sh");
    script.arg(to.join("command.sh")).arg("--force").env("HOME", plimsoll.folder().join("home"));
    let own = Path::new(env!("CARGO_BIN_EXE_plimsoll")).parent().unwrap();
    let path = format!("{}:{}", own.display(), std::env::var("PATH").unwrap());
    let said_by_script = said(script.env("PATH", path));
    assert!(said_by_script.contains("No secret is in the history"), "{said_by_script}");
    assert_eq!(run(&["--verify"]).code, 0);
    assert_eq!(git(&["show", "HEAD~1:config/app.env"]), "AWS_KEY=***REMOVED***\n");
    assert_eq!(git(&["log", "-1", "--format=%s"]), "take out ***REMOVED***\n");
    assert_eq!(git(&["show", "HEAD:kept"]), "kept\n");
    let none = run(&["--to", plimsoll.folder().join("none").to_str().unwrap()]);
    assert!(none.code == 0 && !plimsoll.folder().join("none").exists(), "{none:?}");
}
