//! `plimsoll lineage` and `plimsoll base` as a user meets them, with images in a real registry where one is installed.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its environment and its own files")]

mod support;

use std::process::Command;

use plimsoll_testkit::registry::{RegistryServer, RegistrySetup};
use plimsoll_testkit::tools::output_of;
use serde_json::{Value, json};
use support::Plimsoll;
use support::image::{Image, LayerBuilder, image};

fn base(requests: &str, created: &'static str) -> Image {
    let metadata = format!("Metadata-Version: 2.1\nName: requests\nVersion: {requests}\n");
    let path = format!("usr/lib/python3/requests-{requests}.dist-info/METADATA");
    image().created(created).layer(LayerBuilder::new("ADD rootfs").file(&path, metadata))
}

fn shop(base: &Image) -> Image {
    base.clone().created("2026-06-01T00:00:00Z").layer(LayerBuilder::new("COPY shop").file("app/shop", "x"))
}

/// The file of known images.
fn known_images(plimsoll: &Plimsoll) -> String {
    plimsoll.folder().join("bases.json").display().to_string()
}

fn told(plimsoll: &Plimsoll, arguments: &[&str]) -> (i32, Value) {
    let bases = known_images(plimsoll);
    let ran = plimsoll.run(&[&["lineage"], arguments, &["--bases", &bases, "--format", "json"]].concat());
    let document = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.err));
    (ran.code, document)
}

fn ids(document: &Value) -> Vec<Vec<&str>> {
    let mut images = Vec::new();
    for image in document["images"].as_array().unwrap() {
        let findings = image["findings"].as_array().unwrap();
        images.push(findings.iter().map(|finding| finding["id"].as_str().unwrap()).collect());
    }
    images
}

#[test]
fn an_image_is_traced_to_the_base_that_lies_below() {
    let plimsoll = Plimsoll::new();
    let bases = known_images(&plimsoll);
    let at = |name: &str| plimsoll.folder().join(name);
    let (old, new) = (base("2.19.0", "2026-01-01T00:00:00Z"), base("2.32.4", "2026-03-02T00:00:00Z"));
    let known = old.write(&at("base"));
    let first = shop(&old).write(&at("shop"));
    let second = shop(&new).write(&at("queue"));
    let add = || plimsoll.run(&["base", "add", &known, "--bases", &bases]);

    assert_eq!(ids(&told(&plimsoll, &[&first]).1), [["base-unknown"]]);
    assert_eq!(add().out, "1 added, 1 known\n");
    assert_eq!(add().out, "0 added, 1 known\n");
    let (code, document) = told(&plimsoll, &[&first, &second]);
    assert_eq!((code, ids(&document)), (0, vec![vec![], vec!["base-unknown"]]));
    assert_eq!(document["images"][0]["bases"][0]["name"], known.as_str());
    assert_eq!(document["images"][0]["ownLayers"], 1);
    let chain = document["images"][0]["chainId"].as_str().unwrap();

    // Allowed by its name, by its chain, or not at all.
    assert_eq!(told(&plimsoll, &[&first, "--allow", chain]).0, 0);
    let (code, document) = told(&plimsoll, &[&first, "--allow", "docker.io/*", "--deny", "oci:*"]);
    assert_eq!((code, ids(&document)), (1, vec![vec!["base-denied", "base-not-allowed"]]));
    let (code, document) = told(&plimsoll, &[&first, &second, "--same"]);
    assert_eq!((code, ids(&document)), (1, vec![vec![], vec!["base-unknown", "base-differs"]]));

    // The base is built again, in the same place.
    std::fs::remove_dir_all(at("base")).unwrap();
    new.write(&at("base"));
    assert_eq!(add().out, "1 added, 2 known\n");
    let (code, document) = told(&plimsoll, &[&first, &second, "--compare"]);
    assert_eq!((code, ids(&document)), (0, vec![vec!["base-outdated"], vec![]]));
    assert_eq!(document["images"][0]["daysBehind"], 60);
    // The old one is gone, so nothing can be compared, and that is said.
    assert_eq!(document["images"][0]["mended"], Value::Null);
    assert_eq!(document["images"][0]["gaps"][0]["kind"], "layer-unread");

    let ran = plimsoll.run(&["lineage", &first, "--bases", &bases]);
    assert!(ran.out.contains("base-outdated") || ran.out.contains("There is a newer oci:"), "{}", ran.out);
    assert_eq!(plimsoll.run(&["base", "list", "--bases", &bases]).out.lines().count(), 2);
    assert_eq!(plimsoll.run(&["base", "remove", &known, "--bases", &bases]).code, 0);
    let again = plimsoll.run(&["base", "remove", &known, "--bases", &bases]);
    assert_eq!(again.code, 2);
    assert!(again.err.contains("is not among the known images"), "{}", again.err);
}

#[test]
fn a_file_that_is_no_list_of_images_is_refused() {
    let plimsoll = Plimsoll::new();
    let bases = known_images(&plimsoll);
    let image = base("2.32.4", "2026-01-01T00:00:00Z").write(&plimsoll.folder().join("image"));
    for text in ["", "{}", "[1]", r#"{"version":2,"bases":[]}"#, r#"{"version":1,"bases":[{"name":"x"}]}"#] {
        support::write(&plimsoll.folder().join("bases.json"), text);
        let ran = plimsoll.run(&["lineage", &image, "--bases", &bases]);
        assert_eq!(ran.code, 2, "{text}");
        assert!(ran.err.contains("bases.json"), "{text}: {}", ran.err);
    }
    assert_eq!(plimsoll.run(&["lineage", &image, "--allow", ""]).code, 2);
}

#[test]
fn what_the_newest_base_mends_is_told_by_scanning_both() {
    let Some(registry) = RegistryServer::start(&RegistrySetup::default()) else {
        eprintln!("skipped: docker-registry not installed");
        return;
    };
    let plimsoll = Plimsoll::new();
    let name = format!("{}/base:1", registry.host());
    let config = format!("[registries.registry.{:?}]\nplain-http = true\n", registry.host());
    let plain = plimsoll.folder().join("plain.toml");
    support::write(&plain, config);
    let (plain, bases) = (plain.display().to_string(), known_images(&plimsoll));
    let (old, new) = (base("2.19.0", "2026-01-01T00:00:00Z"), base("2.32.4", "2026-03-02T00:00:00Z"));
    for (built, folder) in [(&old, "old"), (&new, "new")] {
        let layout = built.write(&plimsoll.folder().join(folder));
        let mut copy = Command::new("skopeo");
        copy.args([
            "--insecure-policy",
            "copy",
            "--quiet",
            "--dest-tls-verify=false",
            &format!("{layout}:latest"),
        ]);
        drop(output_of(copy.arg(format!("docker://{name}"))));
        let added = plimsoll.run(&["--config", &plain, "base", "add", &name, "--bases", &bases]);
        assert_eq!(added.code, 0, "{}", added.err);
    }
    let shop = shop(&old).write(&plimsoll.folder().join("shop"));
    let (code, document) = told(&plimsoll, &[&shop, "--compare", "--config", &plain]);
    let image = &document["images"][0];
    // The bundled database may be old by the day of the test; nothing else was left out.
    let kinds: Vec<&Value> = image["gaps"].as_array().unwrap().iter().map(|gap| &gap["kind"]).collect();
    assert!(code == 0 && kinds.iter().all(|kind| **kind == "stale-database"), "{document:#}");
    let mended = image["mended"].as_array().unwrap();
    assert!(mended.contains(&json!("CVE-2018-18074")), "{mended:?}");
    assert_eq!(image["brought"], json!([]));
}
