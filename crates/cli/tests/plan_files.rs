//! `plimsoll plan FOLDER`: versions raised in files, which the package managers themselves then take.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its environment and its own files")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use plimsoll_testkit::http::HttpServer;
use plimsoll_testkit::tools::installed;
use serde_json::{Value, json};
use support::image::{DEBIAN, LayerBuilder, image};
use support::{Plimsoll, Ran, fetched, said, text, write};

/// A database in which all versions before `fixed` of packages have a critical flaw: ecosystem, name, fixed.
fn database(plimsoll: &Plimsoll, packages: &[(&str, &str, &str)]) -> String {
    let feeds = plimsoll.folder().join("feeds");
    for (number, (ecosystem, name, fixed)) in packages.iter().enumerate() {
        let id = format!("GHSA-aaaa-bbbb-{number:04}");
        let record = json!({
            "id": id, "modified": "2026-08-30T00:00:00Z", "published": "2026-08-01T00:00:00Z",
            "severity": [{ "type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" }],
            "affected": [{
                "package": { "ecosystem": ecosystem, "name": name },
                "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": fixed }] }],
            }],
        });
        write(&feeds.join(format!("{id}.json")), record.to_string());
    }
    let path = plimsoll.folder().join("advisories.db").to_str().unwrap().to_owned();
    let ran = plimsoll.run(&["db", "build", feeds.to_str().unwrap(), "-o", &path]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    path
}

/// A folder with files, and a database for it.
struct Scene {
    plimsoll: Plimsoll,
    db: String,
    folder: PathBuf,
}

impl Scene {
    fn new(packages: &[(&str, &str, &str)], files: &[(&str, &str)]) -> Self {
        let plimsoll = Plimsoll::new();
        let db = database(&plimsoll, packages);
        let folder = plimsoll.folder().join("app");
        for (path, content) in files {
            write(&folder.join(path), content);
        }
        Self { plimsoll, db, folder }
    }

    fn plan(&self, what: &str, options: &[&str]) -> (Ran, Value) {
        let mut command =
            self.plimsoll.command(&[&["plan", what, "--db", &self.db, "--format", "json"], options].concat());
        let ran = Ran::of(command.current_dir(&self.folder));
        let value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{} {}", ran.out, ran.err));
        (ran, value)
    }

    /// Applies, which must take the folder from failing to passing.
    fn apply(&self, what: &str, options: &[&str]) -> Value {
        let (ran, value) = self.plan(what, &[&["--apply"], options].concat());
        assert_eq!(value["outcome"], "fail", "{}", ran.out);
        assert_eq!(
            (&value["raised"]["outcome"], &value["raised"]["findingsLeft"]),
            (&json!("pass"), &json!(0)),
            "{}",
            ran.out
        );
        assert_eq!(ran.code, 0);
        value["raised"].clone()
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.folder.join(path)).unwrap()
    }

    fn tool(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(name);
        command.args(arguments).current_dir(&self.folder);
        command
    }
}

#[test]
fn requirements_are_raised_with_hashes_that_pip_accepts() {
    if !installed(&["python3", "pip3"]) {
        return;
    }
    let hash = "0".repeat(64);
    let hashed = format!("# pinned\nsix==1.15.0 \\\n    --hash=sha256:{hash}\n");
    let files = [("requirements.txt", hashed.as_str()), ("requirements-dev.txt", "idna == 3.3  # why\n")];
    let scene = Scene::new(&[("PyPI", "six", "1.16.0"), ("PyPI", "idna", "3.7")], &files);
    if fetched(&mut scene.tool("pip3", &["download", "--no-deps", "-d", "..", "six==1.16.0"])).is_none() {
        return;
    }
    let (offline, told) = scene.plan(".", &["--apply", "--offline", "--dry-run"]);
    assert_eq!(offline.code, 1);
    assert_eq!(told["raised"]["changes"].as_array().unwrap().len(), 1);
    assert!(text(&told["raised"]["refused"][0]["reason"]).contains("--offline forbids"), "{}", offline.out);
    let raised = scene.apply(".", &[]);
    let changes = raised["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 2);
    assert!(text(&raised["diff"]).contains("+six==1.16.0 \\\n+    --hash=sha256:"), "{}", raised["diff"]);
    assert_eq!(scene.text("requirements-dev.txt"), "idna == 3.7  # why\n");
    assert!(!scene.text("requirements.txt").contains(&hash));
    for file in ["requirements.txt", "requirements-dev.txt"] {
        said(&mut scene.tool("pip3", &["download", "--no-deps", "-q", "-d", "../pip", "-r", file]));
    }
}

#[test]
fn a_lock_file_of_npm_is_raised_so_that_npm_ci_takes_it() {
    if !installed(&["npm"]) {
        return;
    }
    let own = r#"{ "name": "front", "version": "1.0.0", "private": true,
      "dependencies": { "lodash": "4.17.20", "mkdirp": "0.5.1", "ansi-regex": "^5.0.0" } }"#;
    let advisories = [("npm", "lodash", "4.17.21"), ("npm", "ansi-regex", "5.0.1")];
    let scene = Scene::new(&advisories, &[("package.json", own)]);
    let mut install = scene.tool("npm", &["install", "--package-lock-only", "--no-audit", "--no-fund"]);
    if fetched(&mut install).is_none() {
        return;
    }
    let older = [
        "install",
        "--package-lock-only",
        "--no-audit",
        "--no-fund",
        "ansi-regex@5.0.0",
        "lodash@4.17.20",
        "--save-exact",
    ];
    said(&mut scene.tool("npm", &older));
    let (before, manifest) = (scene.text("package-lock.json"), scene.text("package.json"));
    let (_, told) = scene.plan("./package-lock.json", &["--apply", "--dry-run"]);
    assert_eq!(told["raised"]["written"], false);
    assert!(text(&told["raised"]["diff"]).contains("+      \"version\": \"4.17.21\",\n"));
    assert_eq!((scene.text("package-lock.json"), scene.text("package.json")), (before, manifest.clone()));
    scene.apply("package-lock.json", &[]);
    let exact = manifest.replace("4.17.20", "4.17.21").replace("\"5.0.0\"", "\"5.0.1\"");
    assert_eq!(scene.text("package.json"), exact);
    said(&mut scene.tool("npm", &["ci", "--ignore-scripts", "--no-audit", "--no-fund"]));
    let listed: Value = serde_json::from_str(&said(&mut scene.tool("npm", &["ls", "--json"]))).unwrap();
    assert_eq!(listed["dependencies"]["lodash"]["version"], "4.17.21");
    assert_eq!(listed["dependencies"]["ansi-regex"]["version"], "5.0.1");
}

#[test]
fn what_npm_has_to_decide_is_told_with_its_command() {
    if !installed(&["npm"]) {
        return;
    }
    let own = r#"{ "name": "front", "private": true, "dependencies": { "mkdirp": "0.5.1" } }"#;
    let scene = Scene::new(&[("npm", "minimist", "1.2.6")], &[("package.json", own)]);
    let mut install = scene.tool("npm", &["install", "--package-lock-only", "--no-audit", "--no-fund"]);
    if fetched(&mut install).is_none() {
        return;
    }
    let before = scene.text("package-lock.json");
    let (ran, value) = scene.plan(".", &["--apply"]);
    assert_eq!(ran.code, 1);
    let refused = &value["raised"]["refused"][0];
    assert_eq!(refused["reason"], "node_modules/mkdirp asks for minimist 0.0.8");
    assert_eq!(refused["commands"], json!(["npm install"]));
    assert_eq!(scene.text("package-lock.json"), before);
}

#[test]
fn a_lock_file_of_cargo_is_raised_so_that_cargo_keeps_it() {
    if !installed(&["cargo"]) {
        return;
    }
    let own = "[package]\nname = \"x\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\nsmallvec = \"1\"\nfutures-task = \"0.3\"\n";
    let scene = Scene::new(&[("crates.io", "smallvec", "1.6.1")], &[("Cargo.toml", own), ("src/lib.rs", "")]);
    if fetched(&mut scene.tool("cargo", &["update", "-p", "smallvec", "--precise", "1.6.0"])).is_none() {
        return;
    }
    let before = scene.text("Cargo.lock");
    scene.apply(".", &[]);
    let changed =
        before.lines().zip(scene.text("Cargo.lock").lines()).filter(|(old, new)| old != new).count();
    assert_eq!(changed, 2, "the version and the checksum");
    let metadata = said(&mut scene.tool("cargo", &["metadata", "--locked", "--format-version", "1"]));
    assert!(metadata.contains("smallvec@1.6.1"));
    said(&mut scene.tool("cargo", &["fetch", "--locked"]));
    // What is pinned is raised in both files.
    let pinned =
        own.replace("smallvec = \"1\"", "smallvec = { version = \"=1.6.0\", features = [\"union\"] }");
    write(&scene.folder.join("Cargo.toml"), &pinned);
    said(&mut scene.tool("cargo", &["update", "-p", "smallvec"]));
    assert!(scene.text("Cargo.lock").contains("version = \"1.6.0\""));
    scene.apply(".", &[]);
    assert_eq!(scene.text("Cargo.toml"), pinned.replace("=1.6.0", "=1.6.1"));
    let metadata = said(&mut scene.tool("cargo", &["metadata", "--locked", "--format-version", "1"]));
    assert!(metadata.contains("smallvec@1.6.1"));
}

#[test]
fn a_module_of_go_is_raised_so_that_go_builds_it() {
    if !installed(&["go"]) {
        return;
    }
    let (module, old, new) = ("github.com/gorilla/websocket", "v1.4.0", "v1.4.1");
    let own = format!("module example.org/x\n\ngo 1.18\n\nrequire {module} {old}\n");
    let program = format!("package main\n\nimport _ \"{module}\"\n\nfunc main() {{}}\n");
    let files = [("go.mod", own.as_str()), ("main.go", program.as_str())];
    let scene = Scene::new(&[("Go", module, "1.4.1")], &files);
    // The checksum database is one of ours, which says what go itself computes.
    let go = |arguments: &[&str]| {
        let mut command = scene.tool("go", arguments);
        command.env("GOSUMDB", "off").env("GOFLAGS", "-mod=mod").env("GOTOOLCHAIN", "local");
        command
    };
    if fetched(&mut go(&["mod", "tidy"])).is_none() {
        return;
    }
    let mut answers = BTreeMap::new();
    for version in [old, new] {
        let told = said(&mut go(&["mod", "download", "-json", &format!("{module}@{version}")]));
        let told: Value = serde_json::from_str(&told).unwrap();
        let (sum, own, of) = (text(&told["Sum"]), text(&told["GoModSum"]), text(&told["GoMod"]));
        answers.insert(format!("/{module}/@v/{version}.mod"), fs::read_to_string(of).unwrap());
        let record =
            format!("1\n{module} {version} {sum}\n{module} {version}/go.mod {own}\n\ngo.sum database tree\n");
        answers.insert(format!("/lookup/{module}@{version}"), record);
    }
    let answers = Arc::new(answers);
    let server = HttpServer::start(move |request, connection| match answers.get(&request.target) {
        Some(text) => connection.answer(200, &[], text.as_bytes()),
        None => connection.answer(404, &[], b""),
    });
    scene.apply(".", &["--mirror", &server.url()]);
    let command = |arguments: &[&str]| {
        let mut command = go(arguments);
        command.env("GOFLAGS", "-mod=readonly");
        command
    };
    assert!(said(&mut command(&["mod", "verify"])).contains("all modules verified"));
    said(&mut command(&["build", "-o", "../x", "."]));
    assert!(said(&mut command(&["list", "-m", module])).contains(new));
}

#[test]
fn versions_in_a_dockerfile_are_raised_by_the_plan_of_its_image() {
    let scene = Scene::new(
        &[("Debian:12", "liba", "1.1")],
        &[("Dockerfile", "FROM x\nRUN apt-get install -y \\\n  liba=1.0\n")],
    );
    let status = "Package: liba\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0\n\n";
    let layer = LayerBuilder::new("ADD").file("etc/os-release", DEBIAN).file("var/lib/dpkg/status", status);
    let name = image().layer(layer).write(&scene.plimsoll.folder().join("old"));
    let shown = scene.plan(&name, &["--dockerfile", "Dockerfile", "--apply", "--dry-run"]).1;
    assert_eq!((&shown["raised"]["written"], &shown["raised"]["outcome"]), (&json!(false), &Value::Null));
    assert!(scene.text("Dockerfile").contains("liba=1.0\n"));
    let (ran, value) = scene.plan(&name, &["--dockerfile", "Dockerfile", "--apply"]);
    assert_eq!(ran.code, 1, "the image is as it was");
    let change = json!({ "path": "Dockerfile", "name": "liba", "from": "1.0", "to": "1.1" });
    assert_eq!(value["raised"]["changes"], json!([change]), "{}", ran.out);
    assert_eq!(scene.text("Dockerfile"), "FROM x\nRUN apt-get install -y \\\n  liba=1.1\n");
}

#[test]
fn whoever_interrupts_it_finds_all_files_as_they_were() {
    let entry = |version: &str| {
        format!(
            "{{\"version\":\"{version}\",\"resolved\":\"https://registry.npmjs.org/a/-/a-{version}.tgz\",\"integrity\":\"sha512-x\"}}"
        )
    };
    let lock = format!(
        "{{\"lockfileVersion\":3,\"packages\":{{\"\":{{\"dependencies\":{{\"a\":\"^1.0.0\"}}}},\"node_modules/a\":{}}}}}",
        entry("1.0.0")
    );
    let files = [("package-lock.json", lock.as_str()), ("requirements.txt", "six==1.15.0\n")];
    let scene = Scene::new(&[("npm", "a", "1.0.1"), ("PyPI", "six", "1.16.0")], &files);
    let (sender, arrived) = std::sync::mpsc::channel();
    let sender = std::sync::Mutex::new(sender);
    let server = HttpServer::start(move |_, connection| {
        sender.lock().unwrap().send(()).unwrap_or_default();
        connection.hang();
    });
    let arguments = ["plan", ".", "--db", &scene.db, "--apply", "--mirror", &server.url()];
    let mut command = scene.plimsoll.interruptible(&arguments);
    let mut process = command.current_dir(&scene.folder).spawn().unwrap();
    arrived.recv().unwrap();
    said(Command::new("kill").args(["-INT", &process.id().to_string()]));
    assert!(!process.wait().unwrap().success());
    let names = |folder: &Path| fs::read_dir(folder).unwrap().count();
    assert_eq!(names(&scene.folder), files.len(), "nothing else is left");
    assert!(files.iter().all(|(path, content)| scene.text(path) == *content));
}

#[test]
fn a_link_stays_one_and_what_is_not_read_is_told() {
    let files = [("real.txt", "six==1.15.0\nflask>=1\n"), ("yarn.lock", "# yarn\n")];
    let scene = Scene::new(&[("PyPI", "six", "1.16.0")], &files);
    std::os::unix::fs::symlink("real.txt", scene.folder.join("requirements.txt")).unwrap();
    let (ran, value) = scene.plan("./requirements.txt", &["--apply", "--offline"]);
    assert_eq!(value["raised"]["changes"][0]["to"], "1.16.0", "{}", ran.out);
    assert!(scene.folder.join("requirements.txt").symlink_metadata().unwrap().is_symlink());
    assert_eq!(scene.text("real.txt"), "six==1.16.0\nflask>=1\n");
    let (_, value) = scene.plan(".", &[]);
    assert_eq!(value["outcome"], "undecided", "yarn's file is not read: {value}");
    let nothing =
        scene.plimsoll.run(&["plan", scene.plimsoll.folder().to_str().unwrap(), "--apply", "--to", "oci:x"]);
    assert!(nothing.err.contains("--to is for images"), "{}", nothing.err);
    let image = scene.plimsoll.run(&["plan", "oci:x", "--apply"]);
    assert!(image.err.contains("--apply wants --to DEST"), "{}", image.err);
}
