//! Bills of materials that lie with images: put there, found, believed and held against the layers, in real registries and
//! in layouts.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its own files")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use plimsoll_testkit::registry::{Blob, RegistryServer, RegistrySetup};
use plimsoll_testkit::tools::{installed, output_of};
use serde_json::{Value, json};
use support::image::shop;
use support::peer::Peer;
use support::{Plimsoll, Ran, said, text, write};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CYCLONEDX: &str = "application/vnd.cyclonedx+json";
const PACKAGES: [&str; 2] = ["--scanners", "vulnerabilities"];

/// The shop's image as a layout, and documents of it.
struct Shop {
    plimsoll: Plimsoll,
    layout: PathBuf,
    image: String,
}

impl Shop {
    fn new() -> Self {
        let plimsoll = Plimsoll::new();
        let layout = plimsoll.folder().join("shop");
        let image = format!("{}:latest", shop().write(&layout));
        Self { plimsoll, layout, image }
    }

    fn path(&self, name: &str) -> String {
        self.plimsoll.folder().join(name).display().to_string()
    }

    /// Writes a document of the image.
    fn document(&self, format: &str, name: &str) -> String {
        let path = self.path(name);
        let ran = self.plimsoll.run(&["sbom", &self.image, "-o", &format!("{format}={path}")]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        path
    }

    fn sbom(&self, arguments: &[&str]) -> Ran {
        self.plimsoll.run(&[&["sbom"], arguments].concat())
    }

    fn attach(&self, file: &str, more: &[&str]) {
        let ran = self.sbom(&[&["attach", file, &self.image], more].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
    }

    fn blob(&self, bytes: &[u8], media_type: &str) -> Value {
        let blob = Blob::new(bytes.to_vec());
        write(&self.layout.join("blobs/sha256").join(blob.digest.0.hex()), bytes);
        blob.descriptor(media_type)
    }

    fn index(&self) -> Value {
        serde_json::from_slice(&fs::read(self.layout.join("index.json")).unwrap()).unwrap()
    }

    /// The image's manifest.
    fn manifest(&self) -> Value {
        let mut entry = self.index()["manifests"][0].take();
        entry.as_object_mut().unwrap().remove("annotations");
        entry
    }

    fn add(&self, entry: Value) {
        let mut index = self.index();
        index["manifests"].as_array_mut().unwrap().push(entry);
        write(&self.layout.join("index.json"), index.to_string());
    }

    /// Adds a manifest of one layer; `tie` makes it one of its ties to the image.
    fn add_artifact(&self, layer: Value, tie: impl Fn(&mut Value, &mut Value)) {
        let config = self.blob(b"{}", "application/vnd.oci.empty.v1+json");
        let mut manifest =
            json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer] });
        let mut annotations = json!({});
        tie(&mut manifest, &mut annotations);
        let mut entry = self.blob(manifest.to_string().as_bytes(), MANIFEST);
        entry["annotations"] = annotations;
        self.add(entry);
    }

    fn statement(&self, file: &str, digest: &str, kind: &str) -> Value {
        let predicate: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        json!({
            "_type": "https://in-toto.io/Statement/v0.1", "predicateType": kind, "predicate": predicate,
            "subject": [{ "name": "_", "digest": { "sha256": digest.trim_start_matches("sha256:") } }],
        })
    }
}

/// From the image to a document beside it, and back.
fn goes_round(shop: &Shop, image: &str, more: &[&str]) {
    let (cyclonedx, spdx) =
        (shop.document("cyclonedx", "shop.cdx.json"), shop.document("spdx-tv", "shop.spdx"));
    let none = shop.sbom(&[&["attached", image], more].concat());
    assert_eq!((none.code, none.out.as_str()), (0, ""), "{}", none.err);
    assert!(none.err.contains("no bill of materials lies with"), "{}", none.err);
    let nothing = shop.sbom(&[&["verify", image], more].concat());
    assert_eq!((nothing.code, nothing.out.as_str()), (2, ""));
    for file in [&cyclonedx, &spdx, &cyclonedx] {
        let ran = shop.sbom(&[&["attach", file, image], more].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(ran.out.starts_with("attached ") && ran.out.contains("@sha256:"), "{}", ran.out);
    }
    let listed = shop.sbom(&[&["attached", image], more].concat());
    assert_eq!((listed.code, listed.out.lines().count()), (0, 2), "{}{}", listed.out, listed.err);
    for kind in [CYCLONEDX, "text/spdx"] {
        assert!(listed.out.contains(&format!("referrer  {kind}  sha256:")), "{}", listed.out);
    }
    let line = listed.out.lines().find(|line| line.contains(CYCLONEDX)).unwrap();
    let digest = line.split("  ").nth(2).unwrap();
    let again = shop.path("again.cdx.json");
    let output = format!("cyclonedx={again}");
    let ran = shop.sbom(&[&["attached", image, "--digest", digest, "-o", &output], more].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(fs::read_to_string(&again).unwrap(), fs::read_to_string(&cyclonedx).unwrap());

    let verified = shop.sbom(&[&["verify", image, "--json"], more].concat());
    assert_eq!(verified.code, 0, "{}{}", verified.out, verified.err);
    let truth: Value = serde_json::from_str(&verified.out).unwrap();
    assert_eq!((&truth["verdict"], &truth["same"]), (&json!("true"), &json!(3)), "{truth:#}");

    let read = shop.plimsoll.scan(image, &[&PACKAGES[..], more].concat());
    let believed = shop.plimsoll.scan(image, &[&PACKAGES[..], more, &["--sbom", "attached"]].concat());
    for key in ["packages", "findings", "image"] {
        assert_eq!(believed[key], read[key], "{key}");
    }
    let kinds = |scan: &Value| -> Vec<String> {
        scan["gaps"].as_array().unwrap().iter().map(|gap| text(&gap["kind"]).to_owned()).collect()
    };
    let mut expected = kinds(&read);
    expected.push("signature-unverified".to_owned());
    assert_eq!(kinds(&believed), expected);
}

/// Copies the shop into a registry without TLS; gives the reference and the configuration.
fn copied(shop: &Shop, host: &str) -> (String, String) {
    let name = format!("{host}/acme/shop:1.0");
    let mut copy = Command::new("skopeo");
    copy.args(["--insecure-policy", "copy", "--quiet", "--all", "--dest-tls-verify=false", &shop.image]);
    drop(output_of(copy.arg(format!("docker://{name}"))));
    let config = shop.path("plain.toml");
    write(Path::new(&config), format!("[registries.registry.{host:?}]\nplain-http = true\n"));
    (name, config)
}

/// What oras sees beside an image, and gets of it; what it attaches itself is found, too.
fn oras_agrees(shop: &Shop, name: &str, config: &str) {
    if !installed(&["oras"]) {
        return;
    }
    let oras = |command: &str, arguments: &[&str]| {
        let mut oras = Command::new("oras");
        said(oras.current_dir(shop.plimsoll.folder()).args([command, "--plain-http"]).args(arguments))
    };
    let told: Value = serde_json::from_str(&oras("discover", &["--format", "json", name])).unwrap();
    let all = told["referrers"].as_array().or(told["manifests"].as_array()).unwrap();
    assert_eq!(all.len(), 2, "{told:#}");
    for one in all {
        oras("pull", &["-o", "pulled", text(&one["reference"])]);
    }
    for file in ["shop.cdx.json", "shop.spdx"] {
        let [own, pulled] = [shop.path(file), shop.path(&format!("pulled/{file}"))];
        assert_eq!(fs::read(own).unwrap(), fs::read(pulled).unwrap(), "{file}");
    }
    shop.document("spdx", "theirs.spdx.json");
    let kind = "application/spdx+json";
    oras("attach", &["--artifact-type", kind, name, &format!("theirs.spdx.json:{kind}")]);
    let listed = shop.sbom(&["attached", &format!("registry:{name}"), "--config", config]).out;
    assert!(listed.lines().count() == 3 && listed.contains(&format!("referrer  {kind}  ")), "{listed}");
}

#[test]
fn a_document_goes_round_through_a_layout() {
    let shop = Shop::new();
    goes_round(&shop, &shop.image, &[]);
    assert_eq!(shop.index()["manifests"].as_array().unwrap().len(), 3);
    // The layout is still that of one image, to us and to others.
    let plain = format!("oci:{}", shop.layout.display());
    assert_eq!(shop.sbom(&["verify", &plain]).code, 0);
    let gate = [
        "scan",
        &plain,
        "--sbom",
        "attached",
        "--fail-on",
        "critical,fixable",
        "--scanners",
        "vulnerabilities",
    ];
    let gated = shop.plimsoll.run(&gate);
    assert!(gated.code == 2 && gated.out.contains("signature-unverified"), "{}{}", gated.out, gated.err);
    if installed(&["skopeo"]) {
        drop(output_of(Command::new("skopeo").args(["inspect", "--raw", &shop.image])));
    }
}

#[test]
fn a_document_goes_round_through_a_registry_without_the_api() {
    let Some(server) = RegistryServer::start(&RegistrySetup::default()) else { return };
    let shop = Shop::new();
    let (name, config) = copied(&shop, server.host());
    goes_round(&shop, &format!("registry:{name}"), &["--config", &config]);
    let digest = text(&shop.manifest()["digest"]).replace(':', "-");
    let tag = format!("docker://{}/acme/shop:{digest}", server.host());
    let mut inspect = Command::new("skopeo");
    let list = said(inspect.args(["inspect", "--raw", "--tls-verify=false", &tag]));
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list["manifests"].as_array().unwrap().len(), 2, "{list:#}");
    oras_agrees(&shop, &name, &config);
}

#[test]
fn a_list_is_extended_as_the_registry_has_it_not_as_a_mirror_has() {
    let [Some(mirror), Some(server)] = [0, 1].map(|_| RegistryServer::start(&RegistrySetup::default()))
    else {
        return;
    };
    let shop = Shop::new();
    let (copy, config) = copied(&shop, mirror.host());
    let at_mirror = shop.document("spdx", "mirror.spdx.json");
    let image = format!("registry:{copy}");
    assert_eq!(shop.sbom(&["attach", &at_mirror, &image, "--config", &config]).code, 0);
    let (name, config) = copied(&shop, server.host());
    let plain = |host: &str, more: &str| format!("[registries.registry.{host:?}]\nplain-http = true\n{more}");
    let mirrors = format!("mirrors = [{:?}]\n", mirror.host());
    write(Path::new(&config), plain(server.host(), &mirrors) + &plain(mirror.host(), ""));
    let file = shop.document("cyclonedx", "shop.cdx.json");
    let image = format!("registry:{name}");
    let ran = shop.sbom(&["attach", &file, &image, "--config", &config]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let listed = shop.sbom(&["attached", &image, "--config", &config]);
    assert!(
        listed.out.lines().count() == 1 && listed.out.contains(CYCLONEDX),
        "{}{}",
        listed.out,
        listed.err
    );
}

#[test]
fn a_document_goes_round_through_a_registry_with_the_api() {
    if !installed(&["skopeo"]) {
        return;
    }
    let Some(server) = Peer::registry() else { return };
    let shop = Shop::new();
    let (name, config) = copied(&shop, server.host());
    goes_round(&shop, &format!("registry:{name}"), &["--config", &config]);
    oras_agrees(&shop, &name, &config);
}

#[test]
fn a_document_that_lies_is_caught() {
    let shop = Shop::new();
    let file = shop.document("cyclonedx", "shop.cdx.json");
    let mut document: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let components = document["components"].as_array_mut().unwrap();
    let place =
        |components: &[Value], name: &str| components.iter().position(|one| one["name"] == name).unwrap();
    let gone = place(components, "libexpat1");
    components.remove(gone);
    let changed = place(components, "requests");
    let new = components[changed].to_string().replace("2.19.0", "2.32.0");
    components[changed] = serde_json::from_str(&new).unwrap();
    components.push(
        json!({ "type": "library", "bom-ref": "x", "name": "x", "version": "1", "purl": "pkg:npm/x@1" }),
    );
    let lie = shop.path("lie.cdx.json");
    write(Path::new(&lie), document.to_string());
    shop.attach(&lie, &[]);
    for ran in [shop.sbom(&["verify", &shop.image]), shop.sbom(&["verify", &shop.image, &lie])] {
        assert_eq!(ran.code, 1, "{}", ran.err);
        for line in [
            "missing: deb libexpat1 2.5.0-1\n",
            "different: pypi requests: document 2.32.0, image 2.19.0\n",
            "1 missing, ",
            "does not tell the truth\n",
        ] {
            assert!(ran.out.contains(line), "{line}: {}", ran.out);
        }
    }
    assert_eq!(shop.sbom(&["verify", &shop.image, &file]).code, 0);
}

#[test]
fn a_document_of_another_image_is_neither_attached_nor_believed() {
    let shop = Shop::new();
    let file = shop.document("spdx", "shop.spdx.json");
    let digest = text(&shop.manifest()["digest"]).to_owned();
    let manifest = fs::read_to_string(shop.layout.join("blobs/sha256").join(&digest[7..])).unwrap();
    let config = serde_json::from_str::<Value>(&manifest).unwrap()["config"]["digest"].clone();
    let other = fs::read_to_string(&file).unwrap();
    let other = other.replace(&digest[7..], &"1".repeat(64)).replace(&text(&config)[7..], &"2".repeat(64));
    let (other, image) = ((shop.path("other.spdx.json"), other), &shop.image);
    write(Path::new(&other.0), other.1);
    let refused = shop.sbom(&["attach", &other.0, image]);
    assert!(refused.code == 2 && refused.err.contains("not about this image"), "{}", refused.err);
    assert_eq!(shop.index()["manifests"].as_array().unwrap().len(), 1);
    shop.attach(&other.0, &["--force"]);
    assert_eq!(shop.sbom(&["attached", image]).out.lines().count(), 1);
    for ran in [
        shop.sbom(&["verify", image]),
        shop.sbom(&["attached", image, "-o", "spdx"]),
        shop.plimsoll.run(&["scan", image, "--sbom", "attached"]),
    ] {
        assert_eq!((ran.code, ran.out.as_str()), (2, ""));
        assert!(ran.err.contains("passed over: ") && ran.err.contains("not about this image"), "{}", ran.err);
    }
    shop.attach(&file, &[]);
    assert_eq!(shop.sbom(&["verify", image]).code, 0);
}

#[test]
fn attestations_of_buildkit_and_cosign_are_found_and_must_be_about_the_image() {
    let shop = Shop::new();
    let file = shop.document("spdx", "shop.spdx.json");
    let digest = text(&shop.manifest()["digest"]).to_owned();
    let predicate = json!({ "in-toto.io/predicate-type": "https://spdx.dev/Document" });
    let of_buildkit = |subject: &str| {
        let statement = shop.statement(&file, subject, "https://spdx.dev/Document");
        let mut layer = shop.blob(statement.to_string().as_bytes(), "application/vnd.in-toto+json");
        layer["annotations"] = predicate.clone();
        shop.add_artifact(layer, |_, annotations| {
            annotations["vnd.docker.reference.type"] = json!("attestation-manifest");
            annotations["vnd.docker.reference.digest"] = json!(digest);
        });
    };
    of_buildkit(&"0".repeat(64));
    let listed = shop.sbom(&["attached", &shop.image]).out;
    assert!(listed.starts_with("buildkit  https://spdx.dev/Document  sha256:"), "{listed}");
    let wrong = shop.sbom(&["verify", &shop.image]);
    assert!(wrong.code == 2 && wrong.err.contains("the attestation is not about"), "{}", wrong.err);
    of_buildkit(&digest);
    assert_eq!(shop.sbom(&["verify", &shop.image]).code, 0);

    let shop = Shop::new();
    let file = shop.document("cyclonedx", "shop.cdx.json");
    let statement = shop.statement(&file, &digest, "https://cyclonedx.org/bom");
    write(Path::new(&shop.path("statement")), statement.to_string());
    let base64 = said(Command::new("base64").arg("-w0").arg(shop.path("statement")));
    let envelope =
        json!({ "payloadType": "application/vnd.in-toto+json", "payload": base64, "signatures": [] });
    let layer = shop.blob(envelope.to_string().as_bytes(), "application/vnd.dsse.envelope.v1+json");
    shop.add_artifact(layer, |_, annotations| {
        annotations["org.opencontainers.image.ref.name"] = json!(format!("{}.att", digest.replace(':', "-")));
    });
    let listed = shop.sbom(&["attached", &shop.image]).out;
    assert!(listed.starts_with("attestation  https://cyclonedx.org/bom  sha256:"), "{listed}");
    assert_eq!(shop.sbom(&["verify", &shop.image]).code, 0);
    let layer = shop.blob(&fs::read(&file).unwrap(), CYCLONEDX);
    shop.add_artifact(layer, |_, annotations| {
        annotations["org.opencontainers.image.ref.name"] =
            json!(format!("{}.sbom", digest.replace(':', "-")));
    });
    let listed = shop.sbom(&["attached", &shop.image]).out;
    assert!(listed.starts_with("referrer  ") && listed.lines().count() == 2, "{listed}");
    let refused = shop.sbom(&["attach", &shop.path("statement"), &shop.image]);
    assert!(refused.code == 2 && refused.err.contains("is an attestation"), "{}", refused.err);
}

/// Puts the shop's image into an index as `BuildKit` writes it, with an attestation beside it.
fn index_with(shop: &Shop, statement: &Value) {
    let mut manifest = shop.manifest();
    let digest = text(&manifest["digest"]).to_owned();
    manifest["platform"] = json!({ "os": "linux", "architecture": "amd64" });
    let mut layer = shop.blob(statement.to_string().as_bytes(), "application/vnd.in-toto+json");
    layer["annotations"] = json!({ "in-toto.io/predicate-type": statement["predicateType"] });
    let config = json!({ "architecture": "unknown", "os": "unknown", "config": {},
        "rootfs": { "type": "layers", "diff_ids": [layer["digest"]] } });
    let config = shop.blob(config.to_string().as_bytes(), "application/vnd.oci.image.config.v1+json");
    let attestation =
        json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer] });
    let mut attestation = shop.blob(attestation.to_string().as_bytes(), MANIFEST);
    attestation["platform"] = json!({ "os": "unknown", "architecture": "unknown" });
    attestation["annotations"] = json!({
        "vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": digest,
    });
    let kind = "application/vnd.oci.image.index.v1+json";
    let index = json!({ "schemaVersion": 2, "mediaType": kind, "manifests": [manifest, attestation] });
    let mut entry = shop.blob(index.to_string().as_bytes(), kind);
    entry["annotations"] = json!({ "org.opencontainers.image.ref.name": "latest" });
    write(&shop.layout.join("index.json"), json!({ "schemaVersion": 2, "manifests": [entry] }).to_string());
}

#[test]
fn what_buildkits_provenance_says_of_the_base_is_told() {
    let shop = Shop::new();
    let digest = text(&shop.manifest()["digest"]).to_owned();
    let statement = |subject: &str| {
        json!({
            "_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://slsa.dev/provenance/v0.2",
            "subject": [{ "name": "pkg:docker/shop", "digest": { "sha256": subject.trim_start_matches("sha256:") } }],
            "predicate": { "materials": [
                { "uri": "pkg:docker/debian@12?platform=linux%2Famd64", "digest": { "sha256": "b".repeat(64) } },
            ] },
        })
    };
    let told = || {
        let ran =
            shop.plimsoll.run(&["lineage", &shop.image, "--platform", "linux/amd64", "--format", "json"]);
        let document: Value = serde_json::from_str(&ran.out).unwrap();
        document["images"][0].clone()
    };
    index_with(&shop, &statement(&digest));
    let image = told();
    assert_eq!(
        image["materials"],
        json!([{ "name": "debian:12", "digest": format!("sha256:{}", "b".repeat(64)) }])
    );
    assert!(text(&image["findings"][0]["evidence"]).contains("its provenance names debian:12"), "{image}");
    assert_eq!(image["gaps"], json!([]));

    let shop_of_others = "c".repeat(64);
    let other = Shop::new();
    index_with(&other, &statement(&shop_of_others));
    let ran = other.plimsoll.run(&["lineage", &other.image, "--platform", "linux/amd64"]);
    assert!(ran.out.contains("not looked at: ") && ran.out.contains("is not about"), "{}", ran.out);
    assert!(!ran.out.contains("built from"), "{}", ran.out);
}

#[test]
fn buildkits_attestations_are_found_through_the_index_in_layouts_and_registries() {
    let shop = Shop::new();
    let file = shop.document("spdx", "shop.spdx.json");
    let digest = text(&shop.manifest()["digest"]).to_owned();
    index_with(&shop, &shop.statement(&file, &digest, "https://spdx.dev/Document"));
    let found = |image: &str, more: &[&str]| {
        let more = [&["--platform", "linux/amd64"], more].concat();
        let listed = shop.sbom(&[&["attached", image], &more[..]].concat()).out;
        assert!(listed.starts_with("buildkit  https://spdx.dev/Document  sha256:"), "{listed}");
        let ran = shop.sbom(&[&["verify", image], &more[..]].concat());
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        let ran = shop.sbom(&[&["attach", &file, image], &more[..]].concat());
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        let listed = shop.sbom(&[&["attached", image], &more[..]].concat()).out;
        assert!(listed.starts_with("referrer  ") && listed.lines().count() == 2, "{listed}");
    };
    found(&shop.image, &[]);
    let Some(server) = RegistryServer::start(&RegistrySetup::default()) else { return };
    let (name, config) = copied(&shop, server.host());
    found(&format!("registry:{name}"), &["--config", &config]);
}

#[test]
fn what_is_too_large_or_no_document_is_told_and_passed_over() {
    let shop = Shop::new();
    let file = shop.document("cyclonedx", "shop.cdx.json");
    let subject = shop.manifest();
    let refer = |layer: Value| {
        shop.add_artifact(layer, |manifest, _| {
            manifest["subject"] = subject.clone();
            manifest["artifactType"] = json!(CYCLONEDX);
        });
    };
    let mut large = shop.blob(b"large", CYCLONEDX);
    large["size"] = json!(1_u64 << 40);
    refer(large);
    refer(shop.blob(b"no document \x1b[31m", "application/vnd.cyclonedx+json; \x1b"));
    let ran = shop.sbom(&["verify", &shop.image]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    for words in ["more than the limit of", "neither CycloneDX", "no bill of materials that can be read"] {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
    let listed = shop.sbom(&["attached", &shop.image]).out;
    assert!(listed.lines().count() == 2 && !listed.contains('\u{1b}'), "{listed}");
    shop.attach(&file, &[]);
    assert_eq!(shop.sbom(&["verify", &shop.image]).code, 0);
    let report = shop.path("report.json");
    let output = format!("json={report}");
    assert_eq!(shop.plimsoll.run(&["scan", &shop.image, "-o", &output]).code, 0);
    for (name, content, why) in [
        ("report.json", None, "sbom convert"),
        ("empty", Some(""), "neither CycloneDX"),
        ("garbage", Some("{\"bomFormat\":\"CycloneDX\"}"), "is not read"),
    ] {
        content.into_iter().for_each(|content| write(Path::new(&shop.path(name)), content));
        let ran = shop.sbom(&["attach", &shop.path(name), &shop.image]);
        assert!(ran.code == 2 && ran.err.contains(why), "{name}: {}", ran.err);
    }
    let nowhere = shop.sbom(&["attach", &file, &format!("dir:{}", shop.plimsoll.folder().display())]);
    assert!(nowhere.code == 2 && nowhere.err.contains("nothing can be attached"), "{}", nowhere.err);
}

#[test]
fn layers_that_cannot_be_read_leave_it_undecided() {
    let shop = Shop::new();
    let file = shop.document("cyclonedx", "shop.cdx.json");
    let digest = text(&shop.manifest()["digest"]).to_owned();
    let manifest = fs::read_to_string(shop.layout.join("blobs/sha256").join(&digest[7..])).unwrap();
    let mut manifest: Value = serde_json::from_str(&manifest).unwrap();
    manifest["layers"][1]["mediaType"] = json!("application/vnd.oci.image.layer.v1.tar+gzip+encrypted");
    let entry = shop.blob(manifest.to_string().as_bytes(), MANIFEST);
    write(&shop.layout.join("index.json"), json!({ "schemaVersion": 2, "manifests": [entry] }).to_string());
    let ran = shop.sbom(&["verify", &format!("oci:{}", shop.layout.display()), &file]);
    assert_eq!(ran.code, 2, "{}{}", ran.out, ran.err);
    assert!(
        ran.out.contains("surplus: pypi requests 2.19.0\n") && ran.out.contains("encrypted"),
        "{}",
        ran.out
    );
}
