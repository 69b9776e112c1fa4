//! `plimsoll inventory` against what package managers say of their own files: `dpkg --verify`, `rpm --verify`, and pip's
//! records.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its environment and its own files")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use plimsoll_testkit::tools::installed;
use serde_json::Value;
use support::image::{DEBIAN, LayerBuilder, image};
use support::{Plimsoll, fetched, said, text, write};

/// The account of an image whose second layer lays `after` over `before`.
fn account(plimsoll: &Plimsoll, before: &Path, after: &[(&str, &[u8])]) -> Value {
    let base = LayerBuilder::new("ADD rootfs").directory(before, "");
    let change = after
        .iter()
        .fold(LayerBuilder::new("RUN meddle"), |layer, (path, content)| layer.file(path, content));
    let name = image().layer(base).layer(change).write(&plimsoll.folder().join("layout"));
    let ran = plimsoll.run(&["inventory", &name, "--unowned", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    serde_json::from_str::<Value>(&ran.out).unwrap()["images"][0].take()
}

/// The paths of files with this value in `field`, with the build step.
fn paths<'a>(account: &'a Value, field: &str, value: &str) -> BTreeSet<(&'a str, &'a str)> {
    let files = account["files"].as_array().unwrap().iter().filter(|file| file[field] == value);
    files.map(|file| (text(&file["path"]), text(&file["createdBy"]))).collect()
}

/// The paths whose digest (the third mark) a package manager says is another.
fn differing(verified: &str) -> BTreeSet<String> {
    let lines = verified.lines().filter(|line| line.as_bytes().get(2) == Some(&b'5'));
    lines.map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect()
}

/// Output of a command that ends with an error when something differs.
fn told(command: &mut Command) -> String {
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

#[test]
fn changed_files_are_those_of_dpkg_verify() {
    if !installed(&["dpkg", "dpkg-deb"]) {
        return;
    }
    let plimsoll = Plimsoll::new();
    let (tree, root) = (plimsoll.folder().join("tree"), plimsoll.folder().join("root"));
    write(
        &tree.join("DEBIAN/control"),
        "Package: shop\nVersion: 1.0-1\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n",
    );
    write(&tree.join("DEBIAN/conffiles"), "/etc/shop.conf\n");
    let program = fs::read("/proc/self/exe").unwrap();
    let files: [(&str, &[u8]); 4] = [
        ("usr/bin/shop", &program),
        ("usr/share/shop/price", b"1\n"),
        ("usr/share/shop/kept", b"2\n"),
        ("etc/shop.conf", b"x = 1\n"),
    ];
    for (path, content) in files {
        write(&tree.join(path), content);
    }
    // What debhelper does.
    let sums = files[..3].iter().map(|(path, _)| path);
    let sums = said(Command::new("md5sum").args(sums).current_dir(&tree));
    write(&tree.join("DEBIAN/md5sums"), sums);
    let deb = plimsoll.folder().join("shop.deb");
    said(Command::new("dpkg-deb").args(["--root-owner-group", "-b"]).args([&tree, &deb]));
    for folder in ["info", "updates", "triggers", "parts", "alternatives"] {
        fs::create_dir_all(root.join("var/lib/dpkg").join(folder)).unwrap();
    }
    write(&root.join("var/lib/dpkg/status"), "");
    write(&root.join("etc/os-release"), DEBIAN);
    let dpkg = || {
        let mut command = Command::new("dpkg");
        command.arg(format!("--root={}", root.display())).args(["--force-all", "--no-triggers"]);
        command
    };
    said(dpkg().arg("--install").arg(&deb));
    let after: [(&str, &[u8]); 4] = [
        ("usr/share/shop/price", b"3\n"),
        ("usr/share/shop/kept", b"2\n"),
        ("etc/shop.conf", b"x = 2\n"),
        ("opt/miner", &program),
    ];
    let account = account(&plimsoll, &root, &after);
    for (path, content) in after {
        write(&root.join(path), content);
    }
    let expected = differing(&told(dpkg().arg("--verify")));
    let step = "RUN meddle";
    assert_eq!(expected, BTreeSet::from(["/etc/shop.conf".to_owned(), "/usr/share/shop/price".to_owned()]));
    let changed = paths(&account, "integrity", "changed");
    assert_eq!(changed, expected.iter().map(|path| (path.as_str(), step)).collect());
    assert_eq!(paths(&account, "class", "unknown"), BTreeSet::from([("/opt/miner", step)]));
    let configuration =
        account["files"].as_array().unwrap().iter().find(|file| file["path"] == "/etc/shop.conf");
    assert_eq!(configuration.unwrap()["class"], "configuration");
}

const SPEC: &str = "Name: shop
Version: 1
Release: 1
Summary: x
License: MIT
BuildArch: noarch
%description
x
%install
mkdir -p %{buildroot}/usr/share/shop %{buildroot}/etc
echo 1 > %{buildroot}/usr/share/shop/price
echo 2 > %{buildroot}/usr/share/shop/kept
echo 3 > %{buildroot}/etc/shop.conf
%files
/usr/share/shop/price
/usr/share/shop/kept
%config /etc/shop.conf
";

#[test]
fn changed_files_are_those_of_rpm_verify() {
    if !installed(&["rpm", "rpmbuild"]) {
        return;
    }
    let plimsoll = Plimsoll::new();
    let (top, root) = (plimsoll.folder().join("rpm"), plimsoll.folder().join("root"));
    write(&top.join("shop.spec"), SPEC);
    write(&root.join("etc/os-release"), "ID=almalinux\nID_LIKE=\"rhel\"\nVERSION_ID=\"9.4\"\n");
    let define = format!("_topdir {}", top.display());
    said(Command::new("rpmbuild").args(["-bb", "--quiet", "--define", &define]).arg(top.join("shop.spec")));
    let rpm = || {
        let mut command = Command::new("rpm");
        command.arg("--root").arg(&root).args(["--define", "_dbpath /var/lib/rpm"]);
        command
    };
    said(rpm().args(["-i", "--nodeps"]).arg(top.join("RPMS/noarch/shop-1-1.noarch.rpm")));
    let after: [(&str, &[u8]); 2] = [("usr/share/shop/price", b"9\n"), ("etc/shop.conf", b"9\n")];
    let account = account(&plimsoll, &root, &after);
    for (path, content) in after {
        write(&root.join(path), content);
    }
    let expected = differing(&told(rpm().args(["--verify", "--nodeps", "shop"])));
    assert_eq!(expected.len(), 2);
    let changed = paths(&account, "integrity", "changed");
    assert_eq!(changed, expected.iter().map(|path| (path.as_str(), "RUN meddle")).collect());
}

#[test]
fn changed_files_are_told_by_the_records_of_pip() {
    if !installed(&["python3"]) {
        return;
    }
    let plimsoll = Plimsoll::new();
    let root = plimsoll.folder().join("root");
    let target = root.join("app");
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet", "--no-deps"]);
    if fetched(pip.arg("--target").arg(&target).arg("six==1.16.0")).is_none() {
        return;
    }
    let account = account(&plimsoll, &root, &[("app/six.py", b"import os\n")]);
    let changed = paths(&account, "integrity", "changed");
    assert_eq!(changed, BTreeSet::from([("/app/six.py", "RUN meddle")]));
    assert_eq!(paths(&account, "class", "unknown"), BTreeSet::new());
    let purl = account["files"].as_array().unwrap()[0]["package"].as_str();
    assert_eq!(purl, Some("pkg:pypi/six@1.16.0"));
}

#[test]
fn accounts_are_the_same_from_the_cache_and_at_any_number_of_threads() {
    let plimsoll = Plimsoll::new();
    let name = support::image::shop().write(&plimsoll.folder().join("shop"));
    let run = |options: &[&str]| {
        let ran = plimsoll.run(&[&["inventory", name.as_str(), "--format", "json"], options].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
        ran.out
    };
    let first = run(&[]);
    assert_eq!(run(&[]), first, "from the cache");
    assert_eq!(run(&["--no-cache", "--threads", "1"]), first);
    // What a scan keeps and what an accounting keeps do not disturb each other.
    let scanned = plimsoll.json_text(&name, &[]);
    assert_eq!(plimsoll.json_text(&name, &["--no-cache"]), scanned);
    assert_eq!(run(&[]), first);
    let account: Value = serde_json::from_str(&first).unwrap();
    let files = account["images"][0]["files"].as_array().unwrap();
    assert!(!files.is_empty() && files.iter().all(|file| file["sha256"].is_string()));
}
