//! VEX: what is written sets aside exactly what it names; repositories; documents beside images in real registries.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its environment and its own files")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use plimsoll_testkit::http::HttpServer;
use plimsoll_testkit::registry::{RegistryServer, RegistrySetup};
use plimsoll_testkit::tools::{installed, output_of};
use serde_json::{Value, json};
use support::image::{LayerBuilder, image};
use support::peer::Peer;
use support::{Plimsoll, Ran, said, write};

const OPENVEX: &str = "application/vnd.openvex+json";

/// A layout with two vulnerable packages, and the database that knows three vulnerabilities of them.
struct Shop {
    plimsoll: Plimsoll,
    database: PathBuf,
    layout: PathBuf,
    digest: String,
}

impl Shop {
    fn new() -> Self {
        let plimsoll = Plimsoll::new();
        let layout = plimsoll.folder().join("shop");
        let metadata = |name: &str| format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n");
        let layer = LayerBuilder::new("RUN pip install")
            .file("usr/lib/python3/dist-packages/one-1.0.dist-info/METADATA", metadata("one"))
            .file("usr/lib/python3/dist-packages/two-1.0.dist-info/METADATA", metadata("two"));
        image().layer(layer).write(&layout);
        let records = [("CVE-2024-0001", "one"), ("CVE-2024-0001", "two"), ("CVE-2024-0002", "one")];
        for (number, (alias, name)) in records.into_iter().enumerate() {
            let record = json!({
                "id": format!("PYSEC-2024-{number}"), "modified": "2026-08-30T00:00:00Z", "aliases": [alias],
                "database_specific": { "severity": "HIGH" },
                "affected": [{ "package": { "ecosystem": "PyPI", "name": name },
                    "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }] }] }],
            });
            write(&plimsoll.folder().join(format!("feeds/{number}.json")), record.to_string());
        }
        let database = plimsoll.folder().join("advisories.db");
        let feeds = plimsoll.folder().join("feeds");
        let built = plimsoll.run(&["db", "build", feeds.to_str().unwrap(), "-o", database.to_str().unwrap()]);
        assert_eq!(built.code, 0, "{}", built.err);
        let index: Value = serde_json::from_slice(&fs::read(layout.join("index.json")).unwrap()).unwrap();
        let digest = index["manifests"][0]["digest"].as_str().unwrap().to_owned();
        Self { plimsoll, database, layout, digest }
    }

    fn name(&self) -> String {
        format!("oci:{}", self.layout.display())
    }

    fn path(&self, name: &str) -> String {
        self.plimsoll.folder().join(name).display().to_string()
    }

    /// Scans with `options`; gives the scan and what was said on standard error.
    fn scan(&self, image: &str, options: &[&str]) -> (Value, Ran) {
        let common =
            ["scan", image, "--db", self.database.to_str().unwrap(), "--scanners", "vulnerabilities"];
        let ran = self.plimsoll.run(&[&common[..], &["--format", "json"], options].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
        let mut json: Value = serde_json::from_str(&ran.out).unwrap();
        (json["scans"][0].take(), ran)
    }

    /// What a scan sets aside, as `ID PACKAGE`.
    fn set_aside(&self, image: &str, options: &[&str]) -> Vec<String> {
        let (scan, _) = self.scan(image, options);
        let all = ["findings", "setAside"].map(|key| scan[key].as_array().map_or(0, Vec::len));
        assert_eq!(all[0] + all[1], 3, "{scan}");
        asides(&scan)
    }

    fn create(&self, options: &[&str]) -> Ran {
        self.plimsoll.run(&[&["vex", "create"], options].concat())
    }
}

fn asides(scan: &Value) -> Vec<String> {
    let told = |aside: &Value| {
        let finding = &aside["finding"];
        let [id, package] = [&finding["id"], &finding["vulnerability"]["package"]["name"]]
            .map(|value| value.as_str().unwrap());
        format!("{id} {package}")
    };
    let mut told: Vec<String> = scan["setAside"].as_array().into_iter().flatten().map(told).collect();
    told.sort();
    told
}

// ---- written by us ----

#[test]
fn what_is_written_sets_aside_exactly_what_it_names() {
    let shop = Shop::new();
    let (image, document, next) = (shop.name(), shop.path("shop.openvex.json"), shop.path("next.json"));
    let why = ["--status", "not_affected", "--justification", "vulnerable_code_not_in_execute_path"];
    let first = ["--id", "CVE-2024-0001", "--product", &image, "--subcomponent", "pkg:pypi/two@1.0"];
    let made = shop.create(&[&first[..], &why, &["--author", "Acme", "-o", &document]].concat());
    assert_eq!((made.code, made.out.as_str()), (0, ""), "{}", made.err);
    assert_eq!(shop.set_aside(&image, &["--vex", &document]), ["CVE-2024-0001 two"]);
    let again = shop.create(&[&first[..], &why, &["--author", "Acme"]].concat());
    assert_eq!(again.out, fs::read_to_string(&document).unwrap(), "the same bytes each time");

    let second = ["--id", "CVE-2024-0002", "--product", "pkg:pypi/one", "--status", "fixed"];
    assert_eq!(shop.create(&[&second[..], &["--add", &document, "-o", &next]].concat()).code, 0);
    assert_eq!(shop.set_aside(&image, &["--vex", &next]), ["CVE-2024-0001 two", "CVE-2024-0002 one"]);
    let json: Value = serde_json::from_slice(&fs::read(&next).unwrap()).unwrap();
    assert_eq!((&json["version"], json["statements"].as_array().unwrap().len()), (&json!(2), 2));
    understood_by_others(Path::new(&next), &shop.digest);
}

/// The library of vexctl reads the same from it.
fn understood_by_others(document: &Path, digest: &str) {
    if !installed(&["vexcheck"]) {
        return;
    }
    let said = said(Command::new("vexcheck").arg(document));
    let digest = digest.replace(':', "%3A");
    let image = format!("CVE-2024-0001 not_affected pkg:oci/shop@{digest}\n  pkg:pypi/two@1.0\n");
    assert!(said.contains("version 2 by Acme\n") && said.contains(&image), "{said}");
    assert!(said.contains("CVE-2024-0002 fixed pkg:pypi/one\n"), "{said}");
}

#[test]
fn findings_of_a_scan_become_statements() {
    let shop = Shop::new();
    let (image, report, document) = (shop.name(), shop.path("report.json"), shop.path("vex.json"));
    let database = shop.database.to_str().unwrap();
    let output = format!("json={report}");
    let scanned = shop.plimsoll.run(&["scan", &image, "--db", database, "-o", &output]);
    assert_eq!(scanned.code, 0, "{}", scanned.err);
    let options = ["--from-scan", &report, "--status", "not_affected", "--impact", "It is never called."];
    let options = [&options[..], &["--author", "Acme", "-o", &document]].concat();
    for (id, expected) in [
        (Some("cve-2024-0001"), vec!["CVE-2024-0001 one", "CVE-2024-0001 two"]),
        (Some("PYSEC-2024-2"), vec!["CVE-2024-0002 one"]),
        (None, vec!["CVE-2024-0001 one", "CVE-2024-0001 two", "CVE-2024-0002 one"]),
    ] {
        let id: Vec<&str> = id.into_iter().flat_map(|id| ["--id", id]).collect();
        let made = shop.create(&[&options[..], &id].concat());
        assert_eq!(made.code, 0, "{}", made.err);
        assert_eq!(shop.set_aside(&image, &["--vex", &document]), expected);
    }
    let missing = shop.create(&[&options[..], &["--id", "CVE-1999-1"]].concat());
    assert_eq!(missing.code, 2);
    assert!(missing.err.contains("has no finding CVE-1999-1"), "{}", missing.err);
}

#[test]
fn what_makes_no_sense_is_not_written() {
    let shop = Shop::new();
    let of = |options: &[&str]| {
        let common = ["--id", "CVE-2024-0001", "--author", "Acme"];
        let ran = shop.create(&[&common[..], options].concat());
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{options:?}");
        ran.err
    };
    let fixed = ["--status", "fixed"];
    assert!(of(&["--product", "pkg:pypi/one", "--status", "not_affected"]).contains("needs a justification"));
    assert!(of(&["--product", "pkg:pypi/one", "--status", "affected"]).contains("needs an action"));
    assert!(of(&[&["--product", "pkg:"], &fixed[..]].concat()).contains("is no package URL"));
    assert!(of(&fixed).contains("--product"));
    assert!(
        of(&[&["--product", "pkg:pypi/one", "--subcomponent", "x"], &fixed[..]].concat())
            .contains("no package URL")
    );
    let justified = ["--product", "pkg:pypi/one", "--status", "not_affected", "--justification", "trust me"];
    assert!(of(&justified).contains("vulnerable_code_not_present"));
}

#[test]
fn an_explanation_tells_that_vex_decided() {
    let shop = Shop::new();
    let (image, document) = (shop.name(), shop.path("vex.json"));
    let about = ["--id", "CVE-2024-0002", "--product", "pkg:pypi/one", "--status", "not_affected"];
    let why = ["--justification", "component_not_present", "--author", "Acme", "-o", &document];
    assert_eq!(shop.create(&[about, why].concat()).code, 0);
    let explain = |more: &[&str]| {
        let common = ["explain", "CVE-2024-0002", &image, "--db", shop.database.to_str().unwrap()];
        shop.plimsoll.run(&[&common[..], more].concat())
    };
    assert!(explain(&[]).out.contains("Found: one 1.0"));
    let text = explain(&["--vex", &document]).out;
    let told = format!("  VEX         not-affected (component_not_present), says {document}\n");
    assert!(text.contains("Set aside: one 1.0\n") && text.contains(&told), "{text}");
    assert!(text.contains("VEX has the last word: it is no finding of this image.\n"), "{text}");
    let json: Value = serde_json::from_str(&explain(&["--vex", &document, "--format", "json"]).out).unwrap();
    let told = &json["images"][0];
    assert_eq!((&told["found"], &told["setAside"][0]["purl"]), (&json!(false), &json!("pkg:pypi/one@1.0")));
    assert_eq!(told["setAside"][0]["statement"]["author"], "Acme");
}

// ---- repositories ----

fn openvex(package: &str, id: &str) -> String {
    json!({
        "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://acme.example/1", "author": "Acme",
        "timestamp": "2026-01-01T00:00:00Z", "version": 1,
        "statements": [{ "vulnerability": { "name": id }, "products": [{ "@id": package }],
            "status": "not_affected", "justification": "component_not_present" }],
    })
    .to_string()
}

fn archive(id: &str) -> Vec<u8> {
    let index = json!({ "updated_at": "2026-01-01T00:00:00Z", "packages": [
        { "id": "pkg:pypi/one", "location": "pkg/pypi/one/vex.json" },
        { "id": "pkg:pypi/absent", "location": "pkg/pypi/absent/vex.json" },
    ] });
    let mut tar = tar::Builder::new(Vec::new());
    for (path, text) in
        [("index.json", index.to_string()), ("pkg/pypi/one/vex.json", openvex("pkg:pypi/one", id))]
    {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, format!("hub/{path}"), text.as_bytes()).unwrap();
    }
    support::image::gzip(&tar.into_inner().unwrap())
}

#[test]
fn a_repository_is_fetched_once_and_used_without_the_network() {
    let shop = Shop::new();
    let (asked, content) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(archive("CVE-2024-0001"))));
    let (log, served) = (Arc::clone(&asked), Arc::clone(&content));
    let server = HttpServer::start(move |request, connection| {
        let content = served.lock().unwrap().clone();
        let etag = format!("\"{}\"", content.len());
        let is_known = request.header("if-none-match") == Some(&etag);
        log.lock().unwrap().push(format!("{} {is_known}", request.target));
        let host = request.header("host").unwrap();
        match request.target.as_str() {
            "/.well-known/vex-repository.json" => {
                let manifest = json!({ "name": "x", "description": "x", "latest_version": "v0", "versions": { "v0": {
                    "spec_version": "v0.1", "update_interval": "1h",
                    "locations": [{ "url": format!("http://{host}/vex.tar.gz//hub") }] } } });
                connection.answer(200, &[], manifest.to_string().as_bytes());
            }
            "/vex.tar.gz" if is_known => connection.answer(304, &[("ETag", &etag)], b""),
            "/vex.tar.gz" => connection.answer(200, &[("ETag", &etag)], &content),
            _ => connection.answer(404, &[], b""),
        }
    });
    let config = shop.path("plimsoll.toml");
    let address = format!("http://{}", server.host());
    write(Path::new(&config), format!("[vex]\nrepositories = [{address:?}]\n"));
    let with = ["--config", &config];
    let (_, before) = shop.scan(&shop.name(), &with);
    assert!(before.err.contains("run `plimsoll vex update`"), "{}", before.err);
    assert!(asked.lock().unwrap().is_empty());

    let update = || shop.plimsoll.run(&["vex", "update", "--config", &config]);
    let first = update();
    assert_eq!(first.code, 0, "{}", first.err);
    assert_eq!(first.out.matches(" new ").count(), 2, "{}", first.out);
    let second = update();
    assert_eq!(second.out.matches(" unchanged ").count(), 2, "{}", second.out);
    let requests = asked.lock().unwrap().clone();
    assert_eq!(requests.len(), 4, "{requests:?}");
    assert_eq!(requests[3], "/vex.tar.gz true", "only what changed is sent");
    drop(server);

    assert_eq!(shop.set_aside(&shop.name(), &with), ["CVE-2024-0001 one"]);
    let (scan, _) = shop.scan(&shop.name(), &with);
    assert_eq!(scan["setAside"][0]["statement"]["provenance"], "repository");
    let lost = update();
    assert_eq!(lost.code, 2);
    assert!(lost.err.contains("the copy of"), "{}", lost.err);
    let typed = shop.plimsoll.run(&["scan", &shop.name(), "--vex", &address]);
    assert!(typed.code == 2 && typed.err.contains("plimsoll vex update"), "{}", typed.err);
}

#[test]
fn the_files_of_a_folder_that_are_no_documents_are_told() {
    let shop = Shop::new();
    let folder = shop.plimsoll.folder().join("vex");
    write(&folder.join("one.json"), openvex("pkg:pypi/one", "CVE-2024-0001"));
    write(&folder.join("README.md"), "# Our documents");
    let path = folder.to_str().unwrap();
    let (scan, ran) = shop.scan(&shop.name(), &["--vex", path]);
    assert_eq!(asides(&scan), ["CVE-2024-0001 one"]);
    assert!(ran.err.contains("warning: no VEX document:") && ran.err.contains("README.md"), "{}", ran.err);
    write(&folder.join("torn.json"), "{\"@context\": ");
    let (scan, _) = shop.scan(&shop.name(), &["--vex", path]);
    assert_eq!(scan["gaps"][0]["kind"], "vex-unread", "{}", scan["gaps"]);
}

// ---- beside the image ----

/// Puts the shop into a registry, and its VEX document beside it as oras does; gives the reference.
fn attached(shop: &Shop, host: &str) -> String {
    let name = format!("{host}/acme/shop:1.0");
    let from = format!("oci:{}:latest", shop.layout.display());
    let mut copy = Command::new("skopeo");
    copy.args([
        "--insecure-policy",
        "copy",
        "--quiet",
        "--dest-tls-verify=false",
        &from,
        &format!("docker://{name}"),
    ]);
    drop(output_of(&mut copy));
    let about = format!("pkg:oci/shop@{}", shop.digest.replace(':', "%3A"));
    write(&shop.plimsoll.folder().join("vex.json"), openvex(&about, "CVE-2024-0001"));
    let mut attach = Command::new("oras");
    attach.current_dir(shop.plimsoll.folder()).args([
        "attach",
        "--plain-http",
        "--artifact-type",
        OPENVEX,
        &name,
    ]);
    drop(output_of(attach.arg(format!("vex.json:{OPENVEX}"))));
    name
}

fn plain(shop: &Shop, host: &str) -> String {
    let config = shop.path("plain.toml");
    write(Path::new(&config), format!("[registries.registry.{host:?}]\nplain-http = true\n"));
    config
}

/// What is beside the image is used only if it was asked for, and told as unverified.
fn sets_aside_what_lies_beside(shop: &Shop, host: &str) {
    let (name, config) = (attached(shop, host), plain(shop, host));
    let image = format!("registry:{name}");
    assert_eq!(shop.set_aside(&image, &["--config", &config]), [""; 0]);
    let with = ["--config", &config, "--vex", "referrers"];
    assert_eq!(shop.set_aside(&image, &with), ["CVE-2024-0001 one", "CVE-2024-0001 two"]);
    let (scan, _) = shop.scan(&image, &with);
    let statement = &scan["setAside"][0]["statement"];
    assert_eq!(
        (&statement["provenance"], &statement["signature"]),
        (&json!("image"), &json!("not-verified"))
    );
    let place = statement["document"].as_str().unwrap();
    assert!(place.starts_with(&format!("{host}/acme/shop@sha256:")), "{place}");
    let database = shop.database.to_str().unwrap();
    let table = shop.plimsoll.run(&[&["scan", &image, "--db", database], &with[..]].concat()).out;
    assert!(table.contains(&format!("says {place}, signature not verified\n")), "{table}");
}

#[test]
fn a_registry_without_the_api_lists_referrers_under_a_tag() {
    if !installed(&["oras"]) {
        return;
    }
    let Some(server) = RegistryServer::start(&RegistrySetup::default()) else { return };
    sets_aside_what_lies_beside(&Shop::new(), server.host());
}

#[test]
fn a_registry_with_the_api_is_asked() {
    if !installed(&["oras", "skopeo"]) {
        return;
    }
    let Some(server) = Peer::registry() else { return };
    sets_aside_what_lies_beside(&Shop::new(), server.host());
}

#[test]
fn referrers_in_a_layout_are_found_after_oras_copied_it() {
    if !installed(&["oras", "skopeo"]) {
        return;
    }
    let Some(server) = Peer::registry() else { return };
    let shop = Shop::new();
    let name = attached(&shop, server.host());
    let layout = shop.path("copied");
    let mut copy = Command::new("oras");
    copy.args(["cp", "--recursive", "--from-plain-http", "--to-oci-layout", &name, &format!("{layout}:1.0")]);
    drop(output_of(&mut copy));
    let image = format!("oci:{layout}:1.0");
    assert_eq!(shop.set_aside(&image, &["--vex", "referrers"]), ["CVE-2024-0001 one", "CVE-2024-0001 two"]);
}

#[test]
fn an_attestation_of_cosigns_form_is_found_by_its_tag() {
    if !installed(&["oras", "skopeo"]) {
        return;
    }
    let Some(server) = RegistryServer::start(&RegistrySetup::default()) else { return };
    let shop = Shop::new();
    let host = server.host();
    let name = attached(&shop, host);
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://openvex.dev/ns",
        "subject": [{ "name": name, "digest": { "sha256": shop.digest.trim_start_matches("sha256:") } }],
        "predicate": { "@context": "https://openvex.dev/ns/v0.2.0", "author": "Acme", "statements": [
            { "vulnerability": { "name": "CVE-2024-0002" }, "status": "fixed" }] },
    });
    write(&shop.plimsoll.folder().join("statement.json"), statement.to_string());
    let base64 = said(Command::new("base64").arg("-w0").arg(shop.path("statement.json")));
    let envelope =
        json!({ "payloadType": "application/vnd.in-toto+json", "payload": base64, "signatures": [] });
    write(&shop.plimsoll.folder().join("envelope.json"), envelope.to_string());
    let tag = format!("{}.att", shop.digest.replace(':', "-"));
    let mut push = Command::new("oras");
    push.current_dir(shop.plimsoll.folder()).args([
        "push",
        "--plain-http",
        &format!("{host}/acme/shop:{tag}"),
    ]);
    drop(output_of(push.arg("envelope.json:application/vnd.dsse.envelope.v1+json")));
    let with = ["--config", &plain(&shop, host), "--vex", "referrers"];
    let all = ["CVE-2024-0001 one", "CVE-2024-0001 two", "CVE-2024-0002 one"];
    assert_eq!(shop.set_aside(&format!("registry:{name}"), &with), all);
}

#[test]
fn an_image_that_nothing_can_refer_to_is_told() {
    let shop = Shop::new();
    let folder = shop.plimsoll.folder().join("rootfs");
    fs::create_dir(&folder).unwrap();
    let ran = shop.plimsoll.run(&["scan", &format!("dir:{}", folder.display()), "--vex", "referrers"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("referrers lie in registries and OCI layouts"), "{}", ran.err);
}
