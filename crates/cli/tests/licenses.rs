//! Licences, notices and packages that were given up, as a user meets them; with real packages where their tools are installed.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its own files")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use plimsoll_testkit::http::HttpServer;
use plimsoll_testkit::tools::{installed, output_of};
use serde_json::{Value, json};
use support::image::{DEBIAN, LayerBuilder, dpkg, image};
use support::{Plimsoll, said, text, write};

const MIT_TEXT: &str = "MIT License\n\nCopyright (c) 2020 Left Makers\n\nPermission is hereby granted, free of charge, to any person\n";

/// A Debian with bash, and packages of npm: one with a text, one that is not free, one without a licence.
fn shop(plimsoll: &Plimsoll) -> String {
    let manifest = |name: &str, license: &str| format!(r#"{{"name":"{name}","version":"1.0.0"{license}}}"#);
    let copyright = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nCopyright: 1987-2022 Free Software Foundation, Inc.\nLicense: GPL-3+\n";
    let base = LayerBuilder::new("ADD rootfs.tar / # buildkit")
        .file("etc/os-release", DEBIAN)
        .file("var/lib/dpkg/status", dpkg("bash", "5.2.15-2"))
        .file("var/lib/dpkg/info/bash.list", "/.\n/usr/share/doc/bash/copyright\n")
        .file("usr/share/doc/bash/copyright", copyright);
    let application = LayerBuilder::new("RUN npm ci # buildkit")
        .file("srv/node_modules/left/package.json", manifest("left", r#","license":"MIT""#))
        .file("srv/node_modules/left/LICENSE", MIT_TEXT)
        .file("srv/node_modules/shut/package.json", manifest("shut", r#","license":"BUSL-1.1""#))
        .file("srv/node_modules/bare/package.json", manifest("bare", ""));
    image().layer(base).layer(application).write(&plimsoll.folder().join("image"))
}

/// The category of each package.
fn categories(report: &Value) -> BTreeMap<String, String> {
    let packages = report["images"][0]["packages"].as_array().unwrap().iter();
    packages.map(|found| (text(&found["name"]).to_owned(), text(&found["category"]).to_owned())).collect()
}

fn told(plimsoll: &Plimsoll, arguments: &[&str]) -> Value {
    let ran = plimsoll.run(&[&["licenses", "--format", "json"], arguments].concat());
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{arguments:?}");
    serde_json::from_str(&ran.out).unwrap()
}

#[test]
fn each_package_has_a_category() {
    let plimsoll = Plimsoll::new();
    let image = shop(&plimsoll);
    let expected = [("bare", "unknown"), ("bash", "reciprocal"), ("left", "allowed"), ("shut", "forbidden")];
    let expected: BTreeMap<String, String> =
        expected.into_iter().map(|(name, category)| (name.to_owned(), category.to_owned())).collect();
    assert_eq!(categories(&told(&plimsoll, &[&image])), expected);
    let some = told(&plimsoll, &[&image, "--category", "forbidden,unknown"]);
    assert_eq!(categories(&some).into_keys().collect::<Vec<_>>(), ["bare", "shut"]);
    // A bill of materials tells the same.
    let bill = plimsoll.folder().join("shop.cdx.json");
    let output = format!("cyclonedx={}", bill.display());
    assert_eq!(plimsoll.run(&["sbom", &image, "-o", &output]).code, 0);
    assert_eq!(categories(&told(&plimsoll, &[&format!("sbom:{}", bill.display())])), expected);
}

#[test]
fn the_configuration_decides_and_gates_follow() {
    let plimsoll = Plimsoll::new();
    let image = shop(&plimsoll);
    let code = |arguments: &[&str]| plimsoll.run(&[&["licenses", &image], arguments].concat()).code;
    assert_eq!(code(&[]), 0);
    assert_eq!(code(&["--fail-on", "forbidden"]), 1);
    assert_eq!(code(&["--fail-on", "bad"]), 2);
    let configuration = plimsoll.folder().join("config.toml");
    let path = configuration.to_str().unwrap();
    let mild = "[licenses]\nallowed = ['BUSL-1.1', 'GPL-3.0-or-later']\nignore = [{ purl = 'pkg:npm/bare@*', reason = 'ours' }]\n";
    write(&configuration, mild);
    assert_eq!(code(&["--config", path, "--fail-on", "forbidden,unknown,reciprocal"]), 0);
    let scan = |options: &[&str]| plimsoll.run(&[&["--config", path, "scan", &image], options].concat());
    let gate = ["--scanners", "licenses", "--fail-on", "negligible"];
    assert_eq!(scan(&gate).code, 0);
    write(&configuration, "[licenses]\nforbidden = ['permissive']\n");
    assert_eq!(code(&["--config", path, "--fail-on", "forbidden"]), 1);
    assert_eq!(scan(&["--scanners", "licenses", "--fail-on", "high"]).code, 1);
    write(&configuration, "[licenses]\nforbidden = ['permisive']\n");
    let ran = scan(&gate);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("\"permisive\" is no class and no licence of SPDX's list"), "{}", ran.err);
}

#[test]
fn a_scan_finds_licences_only_if_it_is_asked_to() {
    let plimsoll = Plimsoll::new();
    let image = shop(&plimsoll);
    let found = |options: &[&str]| -> Vec<String> {
        let ran = plimsoll.run(&[&["scan", &image, "--format", "json"], options].concat());
        let report: Value = serde_json::from_str(&ran.out).unwrap();
        let findings = report["scans"][0]["findings"].as_array().unwrap().iter();
        let licenses = findings.filter(|finding| finding["kind"] == "license");
        let told = licenses.map(|finding| {
            format!(
                "{} {} {}",
                text(&finding["id"]),
                text(&finding["severity"]),
                text(&finding["license"]["package"])
            )
        });
        told.collect()
    };
    assert_eq!(
        found(&["--scanners", "licenses"]),
        [
            "license-forbidden high pkg:npm/shut@1.0.0",
            "license-unknown low pkg:npm/bare@1.0.0",
            "license-reciprocal negligible pkg:deb/debian/bash@5.2.15-2?arch=amd64&distro=debian-12",
        ]
    );
    assert_eq!(found(&[]), Vec::<String>::new());
    let table = plimsoll.run(&["scan", &image, "--scanners", "licenses"]).out;
    assert!(table.contains("shut 1.0.0 is under BUSL-1.1, which is forbidden"), "{table}");
    assert!(table.contains("1 package whose licence asks for something in return"), "{table}");
}

#[test]
fn a_notice_has_the_holders_and_the_texts_and_is_the_same_each_time() {
    let plimsoll = Plimsoll::new();
    let image = shop(&plimsoll);
    let file = plimsoll.folder().join("NOTICE");
    let path = file.to_str().unwrap();
    let ran = plimsoll.run(&["licenses", &image, "--notices", "-o", path]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
    let notice = std::fs::read_to_string(&file).unwrap();
    assert!(notice.contains(
        "\n  left 1.0.0 (npm)\n    Copyright (c) 2020 Left Makers\n    /srv/node_modules/left/LICENSE ["
    ));
    assert!(notice.contains(MIT_TEXT.trim_end()), "{notice}");
    assert!(notice.contains("    Copyright: 1987-2022 Free Software Foundation, Inc.\n"), "{notice}");
    // Debian only points at the text; nobody has that of `shut`.
    for text in ["[GPL-3.0-or-later] the text of SPDX's list", "[BUSL-1.1] the text of SPDX's list"] {
        assert!(notice.contains(text), "{notice}");
    }
    assert!(!notice.contains("[MIT] the text"), "{notice}");
    // From the cache, and without it.
    assert_eq!(plimsoll.run(&["licenses", &image, "--notices"]).out, notice);
    assert_eq!(plimsoll.run(&["licenses", &image, "--notices", "--no-cache"]).out, notice);
}

/// The copyright files of this machine's own packages, whatever they are.
#[test]
fn a_real_debian_tree_is_judged_and_its_copyright_files_are_in_the_notice() {
    let packages = ["bash", "coreutils", "dash", "libc6", "zlib1g"];
    let copyright = |name: &str| format!("usr/share/doc/{name}/copyright");
    let is_here = |name: &&str| Path::new("/").join(copyright(name)).exists();
    if !installed(&["dpkg", "tar"]) || !packages.iter().all(is_here) {
        eprintln!("skipped: no copyright files of Debian");
        return;
    }
    let plimsoll = Plimsoll::new();
    let archive = plimsoll.folder().join("layer.tar");
    let folder = plimsoll.folder().join("root");
    std::fs::create_dir_all(&folder).unwrap();
    let mut tar = Command::new("tar");
    tar.arg("-C").arg("/").arg("-chf").arg(&archive).args([
        "etc/os-release",
        "var/lib/dpkg/status",
        "var/lib/dpkg/info",
    ]);
    drop(output_of(tar.args(packages.map(copyright))));
    drop(output_of(Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(&folder)));
    let root = format!("dir:{}", folder.display());
    let found = categories(&told(&plimsoll, &[&root]));
    assert_eq!((found["bash"].as_str(), found["zlib1g"].as_str()), ("reciprocal", "allowed"), "{found:?}");
    assert_ne!(found["libc6"], "allowed");
    let notice = plimsoll.run(&["licenses", &root, "--notices"]).out;
    for name in packages {
        let text = std::fs::read(folder.join(copyright(name))).unwrap();
        let text = String::from_utf8_lossy(&text).replace("\r\n", "\n");
        let plain: Vec<&str> = text.trim_end().lines().collect();
        assert!(notice.contains(&plain.join("\n").replace('\u{c}', "\u{fffd}")), "{name}");
    }
}

/// Title and remedy of the findings on packages that were given up.
fn given_up(plimsoll: &Plimsoll, root: &Path) -> Vec<(String, String)> {
    let image = format!("dir:{}", root.display());
    let ran = plimsoll.run(&["scan", &image, "--scanners", "vulnerabilities", "--format", "json"]);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    let findings = report["scans"][0]["findings"].as_array().unwrap().iter();
    let given_up = findings.filter(|finding| finding["id"] == "deprecated-component");
    given_up.map(|found| (text(&found["title"]).to_owned(), text(&found["remedy"]).to_owned())).collect()
}

/// npm itself, against a registry that deprecates one of two packages.
#[test]
fn what_npm_calls_deprecated_is_told() {
    if !installed(&["npm"]) {
        return;
    }
    let plimsoll = Plimsoll::new();
    let pack = |name: &str| {
        let folder = plimsoll.folder().join(name);
        write(
            &folder.join("package.json"),
            json!({ "name": name, "version": "1.0.0", "license": "MIT" }).to_string(),
        );
        said(Command::new("npm").args(["pack", "--silent"]).current_dir(&folder));
        std::fs::read(folder.join(format!("{name}-1.0.0.tgz"))).unwrap()
    };
    let (old, new) = (pack("old-thing"), pack("new-thing"));
    let server = HttpServer::start(move |request, connection| {
        let host = request.header("host").unwrap_or_default();
        let packument = |name: &str, deprecated: Value| {
            let address = format!("http://{host}/{name}.tgz");
            let mut version = json!({ "name": name, "version": "1.0.0", "dist": { "tarball": address } });
            if !deprecated.is_null() {
                version["deprecated"] = deprecated;
            }
            json!({ "name": name, "dist-tags": { "latest": "1.0.0" }, "versions": { "1.0.0": version } })
                .to_string()
        };
        let json = [("Content-Type", "application/json")];
        match request.target.as_str() {
            "/old-thing" => {
                connection.answer(200, &json, packument("old-thing", json!("use new-thing")).as_bytes());
            }
            "/new-thing" => connection.answer(200, &json, packument("new-thing", Value::Null).as_bytes()),
            "/old-thing.tgz" => connection.answer(200, &[], &old),
            "/new-thing.tgz" => connection.answer(200, &[], &new),
            _ => connection.answer(404, &json, b"{}"),
        }
    });
    let root = plimsoll.folder().join("root");
    let shop = root.join("srv/shop");
    write(&shop.join("package.json"), r#"{"name":"shop","version":"1.0.0","private":true}"#);
    let cache = plimsoll.folder().join("npm-cache");
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--no-update-notifier", "--registry", &server.url()]);
    drop(said(npm.arg("--cache").arg(&cache).args(["old-thing", "new-thing"]).current_dir(&shop)));
    let expected = [(
        "old-thing 1.0.0 was given up by its makers: use new-thing".to_owned(),
        "Look for what is still cared for, and use that instead".to_owned(),
    )];
    assert_eq!(given_up(&plimsoll, &root), expected);
    // What is installed tells it even without the project's own lock file.
    std::fs::remove_file(shop.join("package-lock.json")).unwrap();
    assert_eq!(given_up(&plimsoll, &root), expected);
}

/// Composer itself, with a package of a repository in its own configuration.
#[test]
fn what_composer_calls_abandoned_is_told_with_its_successor() {
    if !installed(&["composer"]) {
        return;
    }
    let plimsoll = Plimsoll::new();
    let root = plimsoll.folder().join("root");
    let shop = root.join("srv/shop");
    write(&plimsoll.folder().join("old/composer.json"), r#"{"name":"acme/old","version":"1.0.0"}"#);
    let old = plimsoll.folder().join("old");
    let package = json!({
        "name": "acme/old", "version": "1.0.0", "license": ["MIT"], "abandoned": "acme/new",
        "dist": { "type": "path", "url": old, "options": { "symlink": false } },
    });
    let project = json!({
        "repositories": [{ "packagist.org": false }, { "type": "package", "package": package }],
        "require": { "acme/old": "1.0.0" },
    });
    write(&shop.join("composer.json"), project.to_string());
    let mut composer = Command::new("composer");
    composer.args(["update", "--no-interaction", "--no-progress"]).current_dir(&shop);
    composer.env("COMPOSER_ALLOW_SUPERUSER", "1").env("COMPOSER_HOME", plimsoll.folder().join("composer"));
    drop(said(&mut composer));
    let expected =
        ("acme/old 1.0.0 was given up by its makers".to_owned(), "Use acme/new instead".to_owned());
    assert_eq!(given_up(&plimsoll, &root), [expected]);
}

/// pip itself, with a wheel of ours.
#[test]
fn what_a_python_package_calls_inactive_is_told() {
    if !installed(&["python3"]) || !has_pip() {
        return;
    }
    let plimsoll = Plimsoll::new();
    let wheel = plimsoll.folder().join("old_thing-1.0-py3-none-any.whl");
    let metadata = "Metadata-Version: 2.1\nName: old-thing\nVersion: 1.0\nClassifier: Development Status :: 7 - Inactive\nLicense: MIT\n";
    let script = format!(
        "import zipfile\nz = zipfile.ZipFile({path:?}, 'w')\nd = 'old_thing-1.0.dist-info/'\nz.writestr('old_thing.py', '')\n\
         z.writestr(d + 'METADATA', {metadata:?})\nz.writestr(d + 'WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n\
         z.writestr(d + 'RECORD', 'old_thing.py,,\\n' + d + 'METADATA,,\\n' + d + 'WHEEL,,\\n' + d + 'RECORD,,\\n')\nz.close()\n",
        path = wheel.to_str().unwrap(),
    );
    drop(said(Command::new("python3").args(["-c", &script])));
    let root = plimsoll.folder().join("root");
    let target = root.join("usr/lib/python3/dist-packages");
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--no-index", "--target"]);
    drop(said(pip.arg(&target).arg(&wheel)));
    let titles: Vec<String> = given_up(&plimsoll, &root).into_iter().map(|(title, _)| title).collect();
    assert_eq!(titles, ["old-thing 1.0 was given up by its makers: its development status is inactive"]);
}

fn has_pip() -> bool {
    let output = Command::new("python3").args(["-m", "pip", "--version"]).output().unwrap();
    if !output.status.success() {
        eprintln!("skipped: pip not installed");
    }
    output.status.success()
}
