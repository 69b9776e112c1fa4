//! `plimsoll plan` as a user meets it, and `--apply` against repositories: one of our own, signed by gpg and able to lie, whose
//! packages dpkg installs beside us for comparison; and Debian's.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its environment and its own files")]

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use plimsoll_model::digest::Digest;
use plimsoll_testkit::http::HttpServer;
use plimsoll_testkit::tools::installed;
use serde_json::{Value, json};
use support::apply::{Files, Key, database, serve, unpack};
use support::image::{DEBIAN, LayerBuilder, image};
use support::{Plimsoll, Ran, fetched, said, text, write};

/// What is needed to make packages and sign repositories.
const TOOLS: [&str; 5] = ["dpkg", "dpkg-deb", "gpg", "gpgv", "tar"];

/// Makes a package of files and control files.
fn package(folder: &Path, control: &str, scripts: &[(&str, &str)], files: &[(&str, &str)]) -> PathBuf {
    let name = format!("{:x}", control.len() + folder.read_dir().map_or(0, Iterator::count) * 1000);
    let tree = folder.join(format!("tree-{name}"));
    write(&tree.join("DEBIAN/control"), control);
    for (script, content) in scripts {
        write(&tree.join("DEBIAN").join(script), content);
        let mode = if *script == "conffiles" { 0o644 } else { 0o755 };
        fs::set_permissions(tree.join("DEBIAN").join(script), fs::Permissions::from_mode(mode)).unwrap();
    }
    for (path, content) in files {
        match content.strip_prefix("-> ") {
            Some(target) => {
                fs::create_dir_all(tree.join(path).parent().unwrap()).unwrap();
                std::os::unix::fs::symlink(target, tree.join(path)).unwrap();
            }
            None => write(&tree.join(path), content),
        }
    }
    let deb = folder.join(format!("{name}.deb"));
    said(Command::new("dpkg-deb").args(["--root-owner-group", "--build"]).arg(&tree).arg(&deb));
    deb
}

fn control(name: &str, version: &str, more: &str) -> String {
    format!(
        "Package: {name}\nVersion: {version}\nArchitecture: amd64\nMaintainer: x <x@example.org>\n{more}Description: a test\n for us\n"
    )
}

/// Installs packages with dpkg itself.
fn dpkg_install(root: &Path, debs: &[&Path]) {
    let mut command = Command::new("dpkg");
    command.arg(format!("--root={}", root.display()));
    command.args(["--force-script-chrootless", "--force-confold", "--force-depends", "--install"]).args(debs);
    said(command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("DEBIAN_FRONTEND", "noninteractive"));
}

fn repository(key: &Key, debs: &[&Path], dates: &str) -> Files {
    let mut files = Files::new();
    let mut packages = String::new();
    for deb in debs {
        let bytes = fs::read(deb).unwrap();
        let control = said(Command::new("dpkg-deb").arg("--field").arg(deb));
        let file = format!("pool/{}", deb.file_name().unwrap().to_string_lossy());
        let (control, size, digest) = (control.trim_end(), bytes.len(), Digest::of(&bytes).hex());
        write!(packages, "{control}\nFilename: {file}\nSize: {size}\nSHA256: {digest}\n\n").unwrap();
        files.insert(format!("/debian/{file}"), bytes);
    }
    let (size, digest) = (packages.len(), Digest::of(packages.as_bytes()).hex());
    let release = format!(
        "Origin: Test\nSuite: stable\nCodename: bookworm\n{dates}Architectures: amd64\nComponents: main\nSHA256:\n {digest} {size} main/binary-amd64/Packages\n"
    );
    files.insert("/debian/dists/bookworm/InRelease".to_owned(), key.sign(&release).into_bytes());
    files.insert("/debian/dists/bookworm/main/binary-amd64/Packages".to_owned(), packages.into_bytes());
    files
}

/// A root filesystem on which `/lib` leads to `/usr/lib`, as on Debian, with an empty database of dpkg.
fn root(folder: &Path) -> PathBuf {
    let root = folder.join("root");
    for place in ["usr/lib", "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers", "etc"] {
        fs::create_dir_all(root.join(place)).unwrap();
    }
    std::os::unix::fs::symlink("usr/lib", root.join("lib")).unwrap();
    write(&root.join("var/lib/dpkg/status"), "");
    write(&root.join("etc/os-release"), DEBIAN);
    root
}

fn layout(plimsoll: &Plimsoll, root: &Path, sources: &str, key: &[u8]) -> String {
    let base = LayerBuilder::new("ADD root.tar /").directory(root, "");
    let apt = LayerBuilder::new("COPY sources.list /etc/apt/")
        .file("etc/apt/sources.list", sources)
        .file("usr/share/keyrings/test.gpg", key);
    let config = json!({ "User": "1000", "Cmd": ["a"] });
    image().config(config).layer(base).layer(apt).write(&plimsoll.folder().join("old"))
}

/// What of a scene differs from case to case.
struct Scene {
    plimsoll: Plimsoll,
    /// The root filesystem before, and the packages that a fix brings.
    root: PathBuf,
    debs: Vec<PathBuf>,
    key: Key,
    db: String,
}

/// `liba` 1.0 with a configuration file that was changed, and a tool that needs exactly it.
fn scene() -> Scene {
    let plimsoll = Plimsoll::new();
    let folder = plimsoll.folder().join("work");
    fs::create_dir_all(&folder).unwrap();
    let old = package(
        &folder,
        &control("liba", "1.0", ""),
        &[("conffiles", "/etc/a.conf\n/etc/b.conf\n")],
        &[
            ("usr/lib/liba.so.1.0", "old"),
            ("usr/lib/liba.so.1", "-> liba.so.1.0"),
            ("usr/lib/gone/x", "old"),
            ("etc/a.conf", "1\n"),
            ("etc/b.conf", "1\n"),
        ],
    );
    let tool =
        package(&folder, &control("a-tool", "1.0", "Depends: liba (= 1.0)\n"), &[], &[("usr/bin/a", "old")]);
    let root = root(plimsoll.folder());
    dpkg_install(&root, &[&old, &tool]);
    write(&root.join("etc/a.conf"), "ours\n");
    let new = package(
        &folder,
        &control("liba", "1.1", "Depends: libnew (>= 2)\n"),
        &[
            ("conffiles", "/etc/a.conf\n/etc/b.conf\n"),
            ("postinst", "#!/bin/sh\nset -e\nldconfig || true\nexit 0\n"),
        ],
        &[
            ("usr/lib/liba.so.1.1", "new"),
            ("usr/lib/liba.so.1", "-> liba.so.1.1"),
            ("usr/share/a/data", "new"),
            ("etc/a.conf", "2\n"),
            ("etc/b.conf", "2\n"),
        ],
    );
    let new_tool = package(
        &folder,
        &control("a-tool", "1.1", "Depends: liba (= 1.1)\n"),
        &[("postinst", "#!/bin/sh\nexit 0\nuseradd a\n")],
        &[("usr/bin/a", "new")],
    );
    let dependency = package(&folder, &control("libnew", "2", ""), &[], &[("usr/lib/libnew.so.2", "new")]);
    let db = database(&plimsoll, "Debian:12", "liba", "1.1");
    let key = Key::new(plimsoll.folder().join("gpg"));
    Scene { plimsoll, root, debs: vec![dependency, new, new_tool], key, db }
}

impl Scene {
    fn apply(&self, server: &HttpServer, key: &[u8], more: &[&str]) -> Ran {
        let sources =
            format!("deb [signed-by=/usr/share/keyrings/test.gpg] {}/debian bookworm main\n", server.url());
        let name = layout(&self.plimsoll, &self.root, &sources, key);
        let to = format!("oci:{}", self.plimsoll.folder().join("new").display());
        let arguments = ["plan", &name, "--db", &self.db, "--format", "json", "--apply", "--to", &to];
        // Packages are dated by the clock that made them.
        let mut command = self.plimsoll.command(&[&arguments, more].concat());
        Ran::of(command.env_remove("SOURCE_DATE_EPOCH"))
    }

    fn debs(&self) -> Vec<&Path> {
        self.debs.iter().map(PathBuf::as_path).collect()
    }
}

/// Every file below a folder with its kind, mode and content; not what only dpkg's own runs leave.
fn files(root: &Path) -> BTreeMap<String, String> {
    const LEFT: [&str; 8] = [
        "var/lib/dpkg/status-old",
        "var/lib/dpkg/lock",
        "var/lib/dpkg/lock-frontend",
        "var/lib/dpkg/info/format",
        "var/lib/dpkg/available",
        "var/log/dpkg.log",
        "etc/apt/sources.list",
        "usr/share/keyrings/test.gpg",
    ];
    let list = said(Command::new("find").arg(".").args(["-printf", "%P\t%y %m %l\n"]).current_dir(root));
    let mut found = BTreeMap::new();
    for line in list.lines() {
        let (path, mut told) = line.split_once('\t').map(|(path, told)| (path, told.to_owned())).unwrap();
        if told.starts_with('d') || LEFT.contains(&path) || path.starts_with("var/lib/dpkg/triggers") {
            continue;
        }
        if told.starts_with('f') && path != "var/lib/dpkg/status" {
            told.push_str(&Digest::of(&fs::read(root.join(path)).unwrap()).short());
        }
        found.insert(path.to_owned(), told);
    }
    found
}

/// What dpkg itself reads out of a database.
fn packages(root: &Path) -> String {
    let format = "${Package} ${Version} ${Status} ${Depends}\n${Conffiles}\n${Description}\n";
    let mut command = Command::new("dpkg-query");
    command.arg(format!("--admindir={}", root.join("var/lib/dpkg").display()));
    said(command.args(["-W", "-f", format]))
}

#[test]
fn what_is_applied_is_what_dpkg_would_install() {
    if !installed(&TOOLS) {
        return;
    }
    let scene = scene();
    let server = serve(repository(&scene.key, &scene.debs(), ""));
    let ran = scene.apply(&server, &scene.key.public(), &[]);
    let value: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{} {}", ran.out, ran.err));
    assert_eq!(value["outcome"], "fail", "{}", ran.out);
    let action = &value["actions"][0];
    assert_eq!(text(&action["title"]), "Upgrade liba to 1.1");
    assert_eq!(action["commands"][1], "apt-get install -y --only-upgrade liba=1.1");
    let applied = &value["applied"];
    assert_ne!(applied["outcome"], "fail", "{}", ran.out);
    let names: Vec<&str> = applied["packages"].as_array().unwrap().iter().map(|p| text(&p["name"])).collect();
    assert_eq!(names, ["a-tool", "liba", "libnew"], "what needs exactly the old one comes along");
    assert_eq!(applied["packages"][0]["scripts"][0]["line"], "useradd a");
    assert_eq!(applied["packages"][1]["scripts"], json!([]));
    assert_eq!(applied["kept"], json!(["/etc/a.conf"]));
    let (ours, theirs) = (scene.plimsoll.folder().join("ours"), scene.root.clone());
    unpack(&scene.plimsoll.folder().join("new"), &ours);
    dpkg_install(&theirs, &scene.debs()[..2]);
    // Its script would call a program that is not there.
    said(
        Command::new("dpkg")
            .arg(format!("--root={}", theirs.display()))
            .arg("--force-depends")
            .arg("--unpack")
            .arg(&scene.debs[2]),
    );
    let (mut mine, mut other) = (files(&ours), files(&theirs));
    // dpkg writes .dpkg-dist where --force-confold keeps a file that was changed.
    assert_eq!(mine.get("etc/a.conf.dpkg-dist"), other.get("etc/a.conf.dpkg-dist"));
    assert_eq!(mine.get("usr/lib/gone/x"), None);
    mine.remove("var/lib/dpkg/status");
    other.remove("var/lib/dpkg/status");
    assert_eq!(mine, other);
    assert_eq!(packages(&ours), packages(&theirs).replace("install ok unpacked", "install ok installed"));
    for check in ["--audit", "--verify"] {
        let root = format!("--root={}", ours.display());
        let told = said(Command::new("dpkg").arg(root).arg(check));
        let told: Vec<&str> = told.lines().filter(|line| !line.ends_with("/etc/a.conf")).collect();
        assert!(told.is_empty(), "{check}: {told:?}");
    }
}

#[test]
fn a_repository_that_lies_is_refused_and_nothing_is_written() {
    if !installed(&TOOLS) {
        return;
    }
    let scene = scene();
    let stranger = Key::new(scene.plimsoll.folder().join("stranger"));
    let expired = "Date: Mon, 01 Jan 2024 00:00:00 UTC\nValid-Until: Mon, 08 Jan 2024 00:00:00 UTC\n";
    let honest = || repository(&scene.key, &scene.debs(), "");
    let changed = |end: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut files = honest();
        let (_, bytes) = files.iter_mut().find(|(path, _)| path.ends_with(end)).unwrap();
        change(bytes);
        files
    };
    let deb = scene.debs[1].file_name().unwrap().to_str().unwrap().to_owned();
    let cases: [(&str, Files, &str); 7] = [
        ("other-key", repository(&stranger, &scene.debs(), ""), "a key that the image does not trust"),
        ("expired", repository(&scene.key, &scene.debs(), expired), "valid until 2024-01-08"),
        (
            "unsigned",
            changed("InRelease", &|bytes| *bytes = b"Suite: stable\n".to_vec()),
            "it has no signature",
        ),
        (
            "release-changed",
            changed("InRelease", &|bytes| {
                let text = String::from_utf8(bytes.clone()).unwrap();
                *bytes = text.replacen("Origin: Test", "Origin: Evil", 1).into_bytes();
            }),
            "the document was changed",
        ),
        ("index-changed", changed("Packages", &|bytes| bytes[0] ^= 1), "it has the digest"),
        ("package-changed", changed(&deb, &|bytes| *bytes.last_mut().unwrap() ^= 1), "it has the digest"),
        ("package-longer", changed(&deb, &|bytes| bytes.extend([0; 100])), "bytes"),
    ];
    for (name, files, reason) in cases {
        let server = serve(files);
        let ran = scene.apply(&server, &scene.key.public(), &["--no-cache"]);
        assert_eq!(ran.code, 2, "{name}: {} {}", ran.out, ran.err);
        assert!(ran.err.contains(reason), "{name}: {}", ran.err);
        assert!(!scene.plimsoll.folder().join("new").exists(), "{name}");
    }
    let server = serve(honest());
    let ran = scene.apply(&server, b"no key", &[]);
    assert!(ran.err.contains("the image has no key for it"), "{}", ran.err);
    let without = repository(&scene.key, &scene.debs()[1..], "");
    let ran = scene.apply(&serve(without), &scene.key.public(), &[]);
    assert!(ran.err.contains("liba 1.1 needs libnew (>= 2)"), "{}", ran.err);
}

#[test]
fn a_package_of_debian_is_upgraded_and_its_flaw_vanishes() {
    if !installed(&TOOLS) || !installed(&["apt-get"]) {
        return;
    }
    let plimsoll = Plimsoll::new();
    let folder = plimsoll.folder().join("debs");
    fs::create_dir_all(&folder).unwrap();
    // From the release alone, without its updates.
    let lists = plimsoll.folder().join("lists");
    fs::create_dir_all(lists.join("partial")).unwrap();
    let keyring = Path::new("/usr/share/keyrings/debian-archive-keyring.gpg");
    if !keyring.is_file() {
        eprintln!("skipped: there are no keys of Debian");
        return;
    }
    let old = "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main\n";
    write(&plimsoll.folder().join("apt/sources.list"), old);
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.current_dir(&folder).args([
            "-q",
            "-o",
            "Acquire::Check-Valid-Until=false",
            "-o",
            "Dir::Etc::sourceparts=-",
        ]);
        command
            .arg("-o")
            .arg(format!("Dir::Etc::sourcelist={}", plimsoll.folder().join("apt/sources.list").display()));
        command.arg("-o").arg(format!("Dir::State::lists={}", lists.display()));
        command.arg("-o").arg(format!("Dir::Cache={}", plimsoll.folder().display())).args(arguments);
        command
    };
    if fetched(&mut apt(&["update"])).is_none() || fetched(&mut apt(&["download", "libexpat1"])).is_none() {
        return;
    }
    let deb = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let before = said(Command::new("dpkg-deb").arg("--field").arg(&deb).arg("Version"));
    let root = root(plimsoll.folder());
    dpkg_install(&root, &[&deb]);
    let db = database(&plimsoll, "Debian:12", "expat", "2.5.0-1+deb12u3");
    let sources = format!("{old}deb [check-valid-until=no signed-by=/usr/share/keyrings/test.gpg] http://deb.debian.org/debian-security bookworm-security main\n")
        .replace("debian-archive-keyring", "test");
    // libc6 is not there, and was not before either: that must not stand in the way.
    let name = layout(&plimsoll, &root, &sources, &fs::read(keyring).unwrap());
    let to = format!("oci:{}", plimsoll.folder().join("new").display());
    let mut command =
        plimsoll.command(&["plan", &name, "--db", &db, "--format", "json", "--apply", "--to", &to]);
    let ran = Ran::of(command.env_remove("SOURCE_DATE_EPOCH"));
    let value: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{} {}", ran.out, ran.err));
    if before.trim() == "2.5.0-1+deb12u2" {
        assert_eq!(value["outcome"], "fail");
    }
    let upgraded = &value["applied"]["packages"][0];
    assert_eq!(text(&upgraded["name"]), "libexpat1", "{}", ran.out);
    assert_ne!(value["applied"]["outcome"], "fail", "{}", ran.out);
    let ours = plimsoll.folder().join("ours");
    unpack(&plimsoll.folder().join("new"), &ours);
    let root = format!("--root={}", ours.display());
    assert_eq!(said(Command::new("dpkg").arg(&root).arg("--verify")), "");
    assert!(packages(&ours).contains(&format!("libexpat1 {} install ok installed", text(&upgraded["to"]))));
}

#[test]
fn a_plan_is_told_and_days_are_kept_from_run_to_run() {
    let plimsoll = Plimsoll::new();
    let status = "Package: liba\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0\n\n";
    let layer = LayerBuilder::new("ADD").file("etc/os-release", DEBIAN).file("var/lib/dpkg/status", status);
    let name = image().layer(layer).write(&plimsoll.folder().join("old"));
    let db = database(&plimsoll, "Debian:12", "liba", "1.1");
    let run = |seconds: &str| {
        let mut command = plimsoll.command(&["plan", &name, "--db", &db, "--format", "json"]);
        let ran = Ran::of(command.env("SOURCE_DATE_EPOCH", seconds));
        let value: Value = serde_json::from_str(&ran.out).unwrap();
        let findings = value["findings"].as_array().unwrap().clone();
        findings.into_iter().find(|finding| finding["id"] == "DSA-9999-1").unwrap()
    };
    let first = run("1788220800");
    assert_eq!(
        (&first["firstSeen"], &first["firstSeenBasis"]),
        (&json!("2026-08-01"), &json!("publication"))
    );
    assert_eq!((&first["days"], &first["due"]), (&json!(15), &json!("2026-08-16")));
    let later = run("1790000000");
    assert_eq!((&later["due"], &later["firstSeenBasis"]), (&json!("2026-08-16"), &json!("history")));
    let failed = plimsoll.run(&["check", &name, "--db", &db]);
    assert!(failed.out.contains("`plimsoll plan "), "{}", failed.out);
    let told = plimsoll.run(&["plan", &name, "--db", &db]);
    assert!(told.out.contains("$ apt-get install -y --only-upgrade liba=1.1"), "{}", told.out);
    assert_eq!(told.code, 1);
    let nowhere = plimsoll.run(&["plan", &name, "--db", &db, "--apply", "--to", "oci:new"]);
    assert_eq!(nowhere.code, 2);
    assert!(nowhere.err.contains("names no apt repository"), "{}", nowhere.err);
}

#[test]
fn what_is_on_hold_stays_and_no_image_is_written() {
    if !installed(&TOOLS) {
        return;
    }
    let scene = scene();
    let mut command = Command::new("sh");
    command.args(["-c", "echo liba hold | dpkg --root=\"$0\" --set-selections"]).arg(&scene.root);
    said(&mut command);
    let server = serve(repository(&scene.key, &scene.debs(), ""));
    let ran = scene.apply(&server, &scene.key.public(), &[]);
    let value: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{} {}", ran.out, ran.err));
    assert_eq!(ran.code, 1, "it fails as before");
    let applied = &value["applied"];
    assert_eq!((&applied["packages"], &applied["layer"]), (&json!([]), &Value::Null));
    assert_eq!(applied["unfulfilled"][0]["name"], "liba");
    assert!(text(&applied["unfulfilled"][0]["reason"]).contains("the image holds it back"), "{}", ran.out);
    assert!(!scene.plimsoll.folder().join("new").exists());
    let bytes = || -> u64 {
        let told = scene.plimsoll.run(&["cache", "info", "--json"]);
        serde_json::from_str::<Value>(&told.out).unwrap()["packageBytes"].as_u64().unwrap()
    };
    assert!(bytes() > 0, "the repository's index");
    assert_eq!(scene.plimsoll.run(&["cache", "prune"]).code, 0);
    assert_eq!(bytes(), 0);
}

#[test]
fn diverted_files_go_where_dpkg_puts_them() {
    if !installed(&TOOLS) || !installed(&["dpkg-divert"]) {
        return;
    }
    let scene = scene();
    let root = format!("--root={}", scene.root.display());
    for (from, to) in [("/usr/bin/a", "/usr/bin/a.real"), ("/usr/share/a/data", "/usr/share/a/data.theirs")] {
        said(Command::new("dpkg-divert").args([&root, "--local", "--rename", "--divert", to, "--add", from]));
    }
    write(&scene.root.join("usr/bin/a"), "wrapper");
    write(&scene.root.join("usr/share/a/data"), "ours");
    let server = serve(repository(&scene.key, &scene.debs(), ""));
    let ran = scene.apply(&server, &scene.key.public(), &[]);
    assert_eq!(ran.code, 0, "{} {}", ran.out, ran.err);
    let ours = scene.plimsoll.folder().join("ours");
    unpack(&scene.plimsoll.folder().join("new"), &ours);
    let mut unpacking = Command::new("dpkg");
    unpacking.args([&root, "--force-depends", "--force-confold", "--unpack"]).args(scene.debs());
    said(&mut unpacking);
    let (ours, theirs) = (files(&ours), files(&scene.root));
    let places = [
        "usr/bin/a",
        "usr/bin/a.real",
        "usr/share/a/data",
        "usr/share/a/data.theirs",
        "var/lib/dpkg/diversions",
    ];
    for place in places {
        assert!(ours.contains_key(place), "{place}");
        assert_eq!(ours.get(place), theirs.get(place), "{place}");
    }
}

#[test]
fn an_image_without_dpkg_has_its_status_d_kept() {
    if !installed(&TOOLS) || !installed(&["md5sum"]) {
        return;
    }
    let scene = scene();
    let folder = scene.plimsoll.folder().join("split");
    fs::create_dir_all(&folder).unwrap();
    let control = control("liba", "1.0", "");
    let old = package(&folder, &control, &[], &[("usr/lib/liba.so.1.0", "old"), ("usr/lib/gone/x", "old")]);
    let root = folder.join("root");
    said(Command::new("dpkg-deb").arg("-x").arg(&old).arg(&root));
    write(&root.join("etc/os-release"), DEBIAN);
    write(&root.join("var/lib/dpkg/status.d/liba"), &control);
    let sums =
        said(Command::new("md5sum").args(["usr/lib/liba.so.1.0", "usr/lib/gone/x"]).current_dir(&root));
    write(&root.join("var/lib/dpkg/status.d/liba.md5sums"), sums);
    let scene = Scene { root, ..scene };
    let server = serve(repository(&scene.key, &scene.debs(), ""));
    let ran = scene.apply(&server, &scene.key.public(), &[]);
    assert_eq!(ran.code, 0, "{} {}", ran.out, ran.err);
    let ours = scene.plimsoll.folder().join("ours");
    unpack(&scene.plimsoll.folder().join("new"), &ours);
    let status = |name: &str| fs::read_to_string(ours.join("var/lib/dpkg/status.d").join(name)).unwrap();
    assert!(status("liba").contains("Version: 1.1\n"), "{}", status("liba"));
    assert!(status("libnew").contains("Version: 2\n"), "what it needs came along");
    assert!(!ours.join("var/lib/dpkg/status").exists());
    assert_eq!(fs::read_to_string(ours.join("usr/lib/liba.so.1.1")).unwrap(), "new");
    assert!(!ours.join("usr/lib/liba.so.1.0").exists() && !ours.join("usr/lib/gone/x").exists());
    let checked = Command::new("md5sum")
        .args(["--quiet", "-c", "var/lib/dpkg/status.d/liba.md5sums"])
        .current_dir(&ours)
        .status();
    assert!(checked.unwrap().success(), "{}", status("liba.md5sums"));
}

#[test]
fn whoever_interrupts_it_finds_nothing_half_written() {
    if !installed(&TOOLS) {
        return;
    }
    let scene = scene();
    let files = repository(&scene.key, &scene.debs(), "");
    let deb = format!("/debian/pool/{}", scene.debs[1].file_name().unwrap().to_string_lossy());
    let (sender, arrived) = std::sync::mpsc::channel();
    let sender = std::sync::Mutex::new(sender);
    let server = HttpServer::start(move |request, connection| match files.get(&request.target) {
        Some(bytes) if request.target == deb => {
            connection.head(200, &[("Content-Length", &bytes.len().to_string())]);
            connection.send(&bytes[..bytes.len() / 2]);
            sender.lock().unwrap().send(()).unwrap_or_default();
            connection.hang();
        }
        Some(bytes) => connection.answer(200, &[], bytes),
        None => connection.answer(404, &[], b""),
    });
    let sources =
        format!("deb [signed-by=/usr/share/keyrings/test.gpg] {}/debian bookworm main\n", server.url());
    let name = layout(&scene.plimsoll, &scene.root, &sources, &scene.key.public());
    let out = scene.plimsoll.folder().join("out");
    fs::create_dir_all(&out).unwrap();
    for to in [
        format!("oci:{}", out.join("new").display()),
        format!("oci-archive:{}", out.join("new.tar").display()),
    ] {
        let arguments = ["plan", &name, "--db", &scene.db, "--apply", "--to", &to];
        let mut command = scene.plimsoll.interruptible(&arguments);
        let mut process = command.env_remove("SOURCE_DATE_EPOCH").spawn().unwrap();
        arrived.recv().unwrap();
        said(Command::new("kill").args(["-INT", &process.id().to_string()]));
        assert!(!process.wait().unwrap().success());
        assert_eq!(fs::read_dir(&out).unwrap().count(), 0, "{to}");
    }
}
