//! Images with everything that belongs to them, from one place to another: real registries with and without the API of referrers,
//! layouts and archives; what cosign, skopeo and `plimsoll verify` make of the copies.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its own files and environment")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use plimsoll_testkit::registry::{Blob, RegistryServer, RegistrySetup, TinyImage};
use plimsoll_testkit::tools::{installed, output_of};
use serde_json::{Value, json};
use support::peer::Peer;
use support::{Plimsoll, Ran, said, text, write};

const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
const KEY: [&str; 3] = ["--key", "cosign.pub", "--insecure-ignore-tlog"];

/// A layout with an image of two platforms, `BuildKit`'s attestation, a bill of materials that refers to the index, and a note that
/// refers to that.
struct Dock {
    plimsoll: Plimsoll,
    config: String,
    index: Blob,
}

/// A manifest with one document.
fn artifact(kind: &str, content: &str, subject: Option<&Blob>, annotations: &Value) -> (Blob, Vec<Blob>) {
    let (config, document) = (Blob::new(b"{}".to_vec()), Blob::new(content.as_bytes().to_vec()));
    let mut layer = document.descriptor(kind);
    layer["annotations"] = annotations.clone();
    let mut manifest = json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config.descriptor(EMPTY), "layers": [layer],
    });
    if let Some(subject) = subject {
        let subject_type =
            if subject.bytes.starts_with(b"{\"manifests\"") { OCI_INDEX } else { OCI_MANIFEST };
        manifest["artifactType"] = kind.into();
        manifest["subject"] = subject.descriptor(subject_type);
    }
    (Blob::new(manifest.to_string().into_bytes()), vec![config, document])
}

impl Dock {
    fn new(hosts: &[&str]) -> Self {
        let plimsoll = Plimsoll::new();
        let config = plimsoll.folder().join("config.toml").display().to_string();
        let registries =
            hosts.iter().map(|host| format!("[registries.registry.{host:?}]\nplain-http = true\n"));
        write(Path::new(&config), registries.collect::<String>());
        let images = [TinyImage::new(1000), TinyImage::new(2000)];
        let mut blobs: Vec<Blob> = Vec::new();
        let mut entries = Vec::new();
        for (image, architecture) in images.iter().zip(["amd64", "arm64"]) {
            blobs.extend([image.manifest.clone(), image.config.clone(), image.layer.clone()]);
            let mut entry = image.manifest.descriptor(OCI_MANIFEST);
            entry["platform"] = json!({ "os": "linux", "architecture": architecture });
            entries.push(entry);
        }
        let slsa = json!({ "in-toto.io/predicate-type": "https://slsa.dev/provenance/v1" });
        let (attestation, more) = artifact("application/vnd.in-toto+json", "{\"slsa\":1}", None, &slsa);
        let mut entry = attestation.descriptor(OCI_MANIFEST);
        entry["platform"] = json!({ "os": "unknown", "architecture": "unknown" });
        entry["annotations"] = json!({
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": images[0].manifest.digest,
        });
        entries.push(entry);
        let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries });
        let index = Blob::new(index.to_string().into_bytes());
        let (bill, of_bill) = artifact("application/spdx+json", "{\"spdx\":1}", Some(&index), &json!({}));
        let (note, of_note) = artifact("application/x-note", "read", Some(&bill), &json!({}));
        blobs.extend([attestation, index.clone(), bill.clone(), note.clone()]);
        blobs.extend(more.into_iter().chain(of_bill).chain(of_note));
        let layout = plimsoll.folder().join("layout");
        for blob in &blobs {
            write(&layout.join("blobs/sha256").join(blob.digest.0.hex()), &blob.bytes);
        }
        let mut top = index.descriptor(OCI_INDEX);
        top["annotations"] = json!({ "org.opencontainers.image.ref.name": "1" });
        let mut referrers = [bill.descriptor(OCI_MANIFEST), note.descriptor(OCI_MANIFEST)];
        for (referrer, kind) in referrers.iter_mut().zip(["application/spdx+json", "application/x-note"]) {
            referrer["artifactType"] = kind.into();
        }
        let all = json!({ "schemaVersion": 2, "manifests": [top, referrers[0], referrers[1]] });
        write(&layout.join("index.json"), all.to_string());
        write(&layout.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#);
        Self { plimsoll, config, index }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.plimsoll.folder().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = self.plimsoll.command(&[&["--config", &self.config], arguments].concat());
        Ran::of(command.current_dir(self.plimsoll.folder()))
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let ran = self.run(&[arguments, &["--format", "json"]].concat());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{arguments:?}: {ran:?}");
        serde_json::from_str(&ran.out).unwrap()
    }

    fn copy(&self, from: &str, to: &str) -> Value {
        let copy = self.json(&["copy", from, to]);
        assert_eq!(copy["digest"], self.index.digest.to_string());
        copy
    }

    /// The digests of all parts with what they are and to what they belong.
    fn tree(&self, image: &str) -> Vec<String> {
        let tree = self.json(&["tree", image]);
        let parts = tree["parts"].as_array().unwrap().iter();
        let words = ["kind", "bond", "digest", "of", "tag", "size", "claim", "predicateTypes", "about"];
        let mut all: Vec<String> =
            parts.map(|part| words.map(|word| part[word].to_string()).join(" ")).collect();
        all.sort();
        all
    }

    fn cosign(&self, arguments: &[&str]) -> String {
        let mut cosign = Command::new("cosign");
        cosign.args(arguments).current_dir(self.plimsoll.folder());
        cosign.env("HOME", self.plimsoll.folder()).env("COSIGN_PASSWORD", "");
        for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
            cosign.env(proxy, "http://127.0.0.1:1");
        }
        said(&mut cosign)
    }

    /// Signs and attests in both forms of cosign's.
    fn sign(&self, image: &str) {
        self.cosign(&["generate-key-pair"]);
        write(
            &self.path("none.json"),
            r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","rekorTlogConfig":{},"tsaConfig":{}}"#,
        );
        write(&self.path("predicate.json"), r#"{"x":1}"#);
        let bundle = ["--signing-config", "none.json"];
        let old = ["--new-bundle-format=false", "--use-signing-config=false", "--tlog-upload=false"];
        for options in [&bundle[..], &old[..]] {
            let sign = ["sign", "-y", "--key", "cosign.key"];
            self.cosign(&[&sign, options, &[image]].concat());
            let attest = ["attest", "-y", "--key", "cosign.key", "--type", "openvex", "--predicate"];
            self.cosign(&[&attest[..], &["predicate.json"], options, &[image]].concat());
        }
    }

    fn is_verified(&self, image: &str) {
        let ran = self.run(&[&["verify", image][..], &KEY].concat());
        assert_eq!(ran.code, 0, "{image}: {ran:?}");
        let ran = self.run(&[&["verify", image, "--type", "openvex"][..], &KEY].concat());
        assert_eq!(ran.code, 0, "{image}: {ran:?}");
    }
}

fn raw(image: &str) -> Vec<u8> {
    let mut skopeo = Command::new("skopeo");
    output_of(skopeo.args(["inspect", "--raw", "--tls-verify=false", &format!("docker://{image}")]))
}

fn fates(copy: &Value, what: &str) -> Vec<String> {
    let mut all: Vec<String> =
        copy[what].as_array().unwrap().iter().map(|item| text(&item["fate"]).to_owned()).collect();
    all.sort();
    all.dedup();
    all
}

/// From one registry through a layout and an archive to another.
fn air_gap(from: &str, to: &str) {
    let dock = Dock::new(&[from, to]);
    let (shop, inside) = (format!("{from}/shop:1"), format!("{to}/inside/shop:1"));
    dock.copy("oci:layout:1", &shop);
    assert_eq!(raw(&shop), dock.index.bytes, "skopeo sees the same bytes");
    assert_eq!(dock.tree(&shop), dock.tree("oci:layout:1"));
    dock.sign(&format!("{from}/shop@{}", dock.index.digest));
    let tree = dock.tree(&shop);
    let count = |word: &str| tree.iter().filter(|part| part.contains(word)).count();
    assert_eq!(
        (count("sigstore-bundle"), count("cosign-signatures"), count("cosign-attestations")),
        (2, 1, 1),
        "{tree:#?}"
    );
    assert_eq!(
        (count("\"attestations\""), count("bill-of-materials"), count("\"artifact\"")),
        (1, 1, 1),
        "{tree:#?}"
    );
    assert_eq!((count("unsigned"), count("not-verified"), count("slsa.dev/provenance")), (3, 4, 1));

    dock.copy(&shop, "oci:outside:1");
    dock.copy("oci:outside:1", "oci-archive:shop.tar:1");
    dock.copy("oci-archive:shop.tar", &inside);
    for copied in ["oci:outside:1", "oci-archive:shop.tar", &inside] {
        assert_eq!(dock.tree(copied), tree, "{copied}");
        dock.is_verified(copied);
    }
    assert_eq!(raw(&inside), dock.index.bytes);
    let by_digest = format!("{to}/inside/shop@{}", dock.index.digest);
    let verify =
        ["verify", "--key", "cosign.pub", "--insecure-ignore-tlog=true", "--private-infrastructure=true"];
    dock.cosign(&[&verify[..], &[&by_digest]].concat());
    dock.cosign(&[&verify[..], &["--new-bundle-format=false", &by_digest]].concat());

    let again = dock.copy(&shop, &inside);
    assert_eq!(
        (fates(&again, "blobs"), fates(&again, "manifests")),
        (vec!["there".into()], vec!["there".into()])
    );
    let again = dock.copy(&shop, "oci:outside:1");
    assert_eq!(
        (fates(&again, "blobs"), fates(&again, "manifests")),
        (vec!["there".into()], vec!["there".into()])
    );

    let near = dock.copy(&shop, &format!("{from}/other/shop:2"));
    assert!(fates(&near, "blobs").iter().all(|fate| fate == "mounted" || fate == "there"), "{near}");
    dock.is_verified(&format!("{from}/other/shop:2"));
}

#[test]
fn across_an_air_gap_signatures_still_hold() {
    if !installed(&["cosign", "skopeo"]) {
        return;
    }
    let (Some(api), Some(tag)) = (Peer::registry(), RegistryServer::start(&RegistrySetup::default())) else {
        return;
    };
    air_gap(tag.host(), api.host());
    air_gap(api.host(), tag.host());
}

#[test]
fn oras_and_skopeo_read_the_layouts() {
    let dock = Dock::new(&[]);
    dock.copy("oci:layout:1", "oci:copied:1");
    if installed(&["oras"]) {
        let mut oras = Command::new("oras");
        let found = said(
            oras.args(["discover", "--oci-layout", "copied:1", "--format", "json"])
                .current_dir(dock.path("")),
        );
        assert!(found.contains("application/spdx+json") && found.contains("application/x-note"), "{found}");
    }
    if installed(&["skopeo"]) {
        let mut skopeo = Command::new("skopeo");
        let raw = output_of(skopeo.args(["inspect", "--raw", "oci:copied:1"]).current_dir(dock.path("")));
        assert_eq!(raw, dock.index.bytes);
    }
}

#[test]
fn one_platform_and_the_image_alone() {
    let dock = Dock::new(&[]);
    let one = dock.json(&["copy", "oci:layout:1", "oci:one:1", "--platform", "linux/arm64"]);
    assert_ne!(one["digest"], dock.index.digest.to_string());
    assert_eq!((one["manifests"].as_array().unwrap().len(), one["blobs"].as_array().unwrap().len()), (1, 2));
    let alone = dock.json(&["copy", "oci:layout:1", "oci:alone:1", "--without-referrers"]);
    assert_eq!(
        alone["manifests"].as_array().unwrap().len(),
        4,
        "an attestation in the index is a part of it"
    );
    let ran = dock.run(&["copy", "oci:layout:1", "oci:none:1", "--platform", "windows/amd64"]);
    assert!(ran.code == 2 && ran.err.contains("there are linux/amd64, linux/arm64"), "{ran:?}");
    let ran = dock.run(&["copy", "oci:layout:1", "docker-archive:x.tar"]);
    assert!(ran.code == 2 && ran.err.contains("digests would change"), "{ran:?}");
}

#[test]
fn what_is_at_the_destination_stays() {
    if !installed(&["curl"]) {
        return;
    }
    let Some(server) = RegistryServer::start(&RegistrySetup::default()) else { return };
    let dock = Dock::new(&[server.host()]);
    let shop = format!("{}/shop", server.host());
    // Something else has the tag.
    let other = TinyImage::new(10);
    server.push(&other, "shop:1", &[]);
    // Somebody signed there before, and the list under the fallback tag has an entry of theirs.
    let hex = dock.index.digest.0.hex();
    server.push(&other, &format!("shop:sha256-{hex}.sig"), &[]);
    let (theirs, blobs) = artifact("application/x-theirs", "theirs", Some(&dock.index), &json!({}));
    let layout = dock.path("theirs");
    for blob in blobs.iter().chain([&theirs, &dock.index]) {
        write(&layout.join("blobs/sha256").join(blob.digest.0.hex()), &blob.bytes);
    }
    write(&layout.join("oci-layout"), "{}");
    let mut entry = theirs.descriptor(OCI_MANIFEST);
    entry["annotations"] = json!({ "org.opencontainers.image.ref.name": "x" });
    write(&layout.join("index.json"), json!({ "schemaVersion": 2, "manifests": [entry] }).to_string());
    dock.json(&["copy", "oci:theirs:x", &format!("{shop}:theirs")]);
    let mut list = theirs.descriptor(OCI_MANIFEST);
    list["artifactType"] = "application/x-theirs".into();
    let list = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [list] }).to_string();
    let put = format!("http://{}/v2/shop/manifests/sha256-{hex}", server.host());
    let header = format!("Content-Type: {OCI_INDEX}");
    drop(output_of(Command::new("curl").args([
        "-sSf",
        "--noproxy",
        "*",
        "-X",
        "PUT",
        "-H",
        &header,
        "-d",
        &list,
        &put,
    ])));

    // Our own signatures, in the layout.
    let mine = TinyImage::new(20);
    let layout = dock.path("layout");
    for blob in [&mine.manifest, &mine.config, &mine.layer] {
        write(&layout.join("blobs/sha256").join(blob.digest.0.hex()), &blob.bytes);
    }
    let mut index: Value = serde_json::from_slice(&fs::read(layout.join("index.json")).unwrap()).unwrap();
    let mut entry = mine.manifest.descriptor(OCI_MANIFEST);
    entry["annotations"] = json!({ "org.opencontainers.image.ref.name": format!("sha256-{hex}.sig") });
    index["manifests"].as_array_mut().unwrap().push(entry);
    write(&layout.join("index.json"), index.to_string());

    let ran = dock.run(&["copy", "oci:layout:1", &format!("{shop}:1"), "--format", "json"]);
    let copy: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, copy["before"].as_str()), (2, Some(other.manifest.digest.to_string().as_str())));
    assert_eq!(copy["gaps"].as_array().unwrap().len(), 1, "{copy}");
    assert!(text(&copy["gaps"][0]["reason"]).contains("--force"), "{copy}");
    let tree = dock.tree(&format!("{shop}:1")).join("\n");
    for digest in [theirs.digest, other.manifest.digest] {
        assert!(tree.contains(&digest.to_string()), "{digest} stays: {tree}");
    }
    assert!(tree.contains("application/x-note") || tree.contains("bill-of-materials"), "{tree}");
    let copy = dock.json(&["copy", "oci:layout:1", &format!("{shop}:1"), "--force"]);
    assert_eq!(copy["before"], Value::Null);
    assert!(dock.tree(&format!("{shop}:1")).join("\n").contains(&mine.manifest.digest.to_string()));
}

#[test]
fn a_broken_copy_leaves_nothing_that_looks_whole() {
    let dock = Dock::new(&[]);
    let blobs = dock.path("layout/blobs/sha256");
    let victim = fs::read_dir(&blobs)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .max_by_key(|path| path.metadata().unwrap().len());
    let victim = victim.unwrap();
    let mut bytes = fs::read(&victim).unwrap();
    bytes[100] ^= 1;
    fs::write(&victim, bytes).unwrap();
    let ran = dock.run(&["copy", "oci:layout:1", "oci:copied:1"]);
    assert!(ran.code == 2 && ran.err.contains("has digest"), "{ran:?}");
    assert!(!dock.path("copied/index.json").exists());
    assert!(!dock.path("copied/blobs/sha256").join(victim.file_name().unwrap()).exists());
    let ran = dock.run(&["copy", "oci:layout:1", "oci-archive:copied.tar"]);
    assert!(ran.code == 2 && !dock.path("copied.tar").exists(), "{ran:?}");
    // A child of the index is gone.
    let layout = dock.path("layout/index.json");
    let index: Value = serde_json::from_slice(&dock.index.bytes).unwrap();
    let child = text(&index["manifests"][0]["digest"]).trim_start_matches("sha256:").to_owned();
    fs::remove_file(blobs.join(child)).unwrap();
    let ran = dock.run(&["copy", "oci:layout:1", "oci:copied:1"]);
    assert!(ran.code == 2 && ran.err.contains("cannot be copied as a whole"), "{ran:?}");
    let ran = dock.run(&["tree", "oci:layout:1"]);
    assert!(ran.code == 2 && ran.out.contains("not listed: "), "{ran:?}");
    assert!(layout.exists());
}

#[test]
fn folders_that_are_no_layouts_and_tricks_with_links_are_refused() {
    let dock = Dock::new(&[]);
    write(&dock.path("mine/notes.txt"), "notes");
    let ran = dock.run(&["copy", "oci:layout:1", "oci:mine:1"]);
    assert!(ran.code == 2 && ran.err.contains("no OCI layout"), "{ran:?}");
    fs::create_dir_all(dock.path("trick")).unwrap();
    fs::create_dir_all(dock.path("elsewhere/sha256")).unwrap();
    write(&dock.path("trick/oci-layout"), "{}");
    std::os::unix::fs::symlink(dock.path("elsewhere"), dock.path("trick/blobs")).unwrap();
    let ran = dock.run(&["copy", "oci:layout:1", "oci:trick:1"]);
    assert!(ran.code == 2 && ran.err.contains("not in a folder of its own"), "{ran:?}");
    assert_eq!(fs::read_dir(dock.path("elsewhere/sha256")).unwrap().count(), 0);
    let evil = json!({ "schemaVersion": 2, "manifests": [{ "mediaType": OCI_MANIFEST, "digest": "sha256:../../../etc/passwd", "size": 1 }] });
    write(&dock.path("evil/index.json"), evil.to_string());
    write(&dock.path("evil/oci-layout"), "{}");
    for command in [&["tree", "oci:evil"][..], &["copy", "oci:evil", "oci:out:1"]] {
        let ran = dock.run(command);
        assert!(ran.code == 2 && ran.err.contains("malformed"), "{ran:?}");
    }
}
