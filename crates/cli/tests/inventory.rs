//! Packages of images that the ecosystems' own tools made on the spot, against what these tools say of them; and which
//! layer and build step brought each.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its environment and its own files")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use plimsoll_testkit::tools::installed;
use serde_json::Value;
use support::image::{DEBIAN, LayerBuilder, dpkg, image};
use support::{Plimsoll, fetched, package, packages, said, text, write};

/// Scans an image of one layer with the content of `root`.
fn scan_of(plimsoll: &Plimsoll, root: &Path) -> Value {
    let layer = LayerBuilder::new("ADD rootfs").directory(root, "");
    let name = image().layer(layer).write(&plimsoll.folder().join("layout"));
    plimsoll.scan(&name, &[])
}

fn set<'a>(lines: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    lines.into_iter().map(str::to_owned).collect()
}

/// `NAME VERSION` of an ecosystem's packages.
fn names_and_versions(scan: &Value, ecosystem: &str) -> BTreeSet<String> {
    let all = packages(scan, ecosystem);
    all.iter().map(|package| format!("{} {}", text(&package["name"]), text(&package["version"]))).collect()
}

// ---- dpkg ----

/// Libraries without maintainer scripts, and one package that has one, which is unpacked only.
const DEBS: &[&str] = &[
    "zlib1g",
    "libzstd1",
    "libbz2-1.0",
    "libexpat1",
    "gcc-12-base",
    "libgmp10",
    "libtinfo6",
    "ncurses-base",
    "netbase",
];

struct Root(PathBuf);

impl Root {
    fn new(path: PathBuf) -> Self {
        for folder in ["info", "updates", "triggers", "parts", "alternatives"] {
            fs::create_dir_all(path.join("var/lib/dpkg").join(folder)).unwrap();
        }
        write(&path.join("var/lib/dpkg/status"), "");
        write(&path.join("etc/os-release"), DEBIAN);
        Self(path)
    }

    fn dpkg(&self, arguments: &[&str], debs: &[PathBuf]) {
        let mut command = Command::new("dpkg");
        command.arg(format!("--root={}", self.0.display())).args(["--force-all", "--no-triggers"]);
        said(command.args(arguments).args(debs));
    }

    fn query(&self, arguments: &[&str]) -> String {
        let admin = format!("--admindir={}", self.0.join("var/lib/dpkg").display());
        said(Command::new("dpkg-query").arg(admin).args(arguments))
    }
}

/// Real packages from the mirror, and three of our own: of a foreign architecture, with a source of another version,
/// with configuration only.
fn debs(folder: &Path) -> Option<Vec<PathBuf>> {
    fs::create_dir_all(folder).unwrap();
    fetched(Command::new("apt-get").args(["download", "-q"]).args(DEBS).current_dir(folder))?;
    own_deb(folder, "zlib-foreign", "i386", "Multi-Arch: same\nSource: zlib (1:1.2)\n");
    own_deb(folder, "epochal", "all", "Source: epochal-src\n");
    own_deb(folder, "conffiles-only", "all", "");
    let mut debs: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    debs.retain(|path| path.extension().is_some_and(|extension| extension == "deb"));
    debs.sort();
    Some(debs)
}

fn own_deb(folder: &Path, name: &str, architecture: &str, more: &str) {
    let tree = folder.join(name);
    let control = format!(
        "Package: {name}\nVersion: 3:1.0~rc1-2\nArchitecture: {architecture}\n{more}Maintainer: x <x@example.org>\nDescription: x\n"
    );
    write(&tree.join("DEBIAN/control"), control);
    write(&tree.join("DEBIAN/conffiles"), format!("/etc/{name}.conf\n"));
    write(&tree.join(format!("etc/{name}.conf")), "x\n");
    said(
        Command::new("dpkg-deb")
            .args(["--root-owner-group", "-b"])
            .args([&tree, &folder.join(format!("{name}.deb"))]),
    );
}

fn row(package: &Value) -> String {
    let source = &package["source"];
    let fields = [
        &package["name"],
        &package["version"],
        &package["architecture"],
        &source["name"],
        &source["version"],
    ];
    fields.map(text).join("\t")
}

fn rows(scan: &Value) -> BTreeSet<String> {
    packages(scan, "deb").into_iter().map(row).collect()
}

#[test]
fn debian_packages_are_those_of_dpkg_query() {
    if !installed(&["apt-get", "dpkg", "dpkg-query", "dpkg-deb"]) {
        return;
    }
    let plimsoll = Plimsoll::new();
    let Some(debs) = debs(&plimsoll.folder().join("debs")) else { return };
    let (scripted, others): (Vec<_>, Vec<_>) =
        debs.into_iter().partition(|path| path.file_name().unwrap().to_string_lossy().starts_with("netbase"));
    let root = Root::new(plimsoll.folder().join("root"));
    root.dpkg(&["--install"], &others);
    root.dpkg(&["--unpack"], &scripted);
    root.dpkg(&["--remove", "conffiles-only"], &[]);
    let format = "${db:Status-Abbrev}\t${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\n";
    let said = root.query(&["-W", "-f", format]);
    assert!(said.lines().any(|line| line.starts_with("rc ")), "configuration alone is no package:\n{said}");
    let expected = set(said
        .lines()
        .filter(|line| !line.starts_with("rc "))
        .map(|line| line.split_once('\t').unwrap().1));
    let scan = scan_of(&plimsoll, &root.0);
    assert_eq!(rows(&scan), expected);
    assert_eq!(expected.len(), DEBS.len() + 2);
    for found in packages(&scan, "deb") {
        let name = text(&found["name"]);
        let listed = root.query(&["-L", name]);
        // The configuration of a package that is unpacked only is not in place yet.
        let at = |line: &str| root.0.join(line.trim_start_matches('/')).symlink_metadata();
        let is_file = |line: &&str| !at(line).is_ok_and(|found| found.is_dir());
        let files: BTreeSet<String> =
            found["files"].as_array().unwrap().iter().map(|file| text(file).to_owned()).collect();
        let files = set(files.iter().map(String::as_str).filter(is_file));
        assert_eq!(files, set(listed.lines().filter(is_file)), "files of {name}");
    }
    assert!(!package(&scan, "zlib1g")["licenses"].as_array().unwrap().is_empty());
}

#[test]
fn distroless_packages_are_those_of_their_status_files() {
    if !installed(&["apt-get", "dpkg-deb"]) {
        return;
    }
    let plimsoll = Plimsoll::new();
    let Some(debs) = debs(&plimsoll.folder().join("debs")) else { return };
    let root = plimsoll.folder().join("root");
    write(&root.join("etc/os-release"), DEBIAN);
    let mut expected = BTreeSet::new();
    for deb in debs {
        // What Bazel's rules for distroless do: the control file, and the digests of the files beside it.
        let fields = [
            "-W",
            "--showformat=${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}",
        ];
        let row = said(Command::new("dpkg-deb").args(fields).arg(&deb));
        let name = row.split('\t').next().unwrap();
        let folder = root.join("var/lib/dpkg/status.d");
        write(&folder.join(name), said(Command::new("dpkg-deb").arg("-f").arg(&deb)));
        write(&folder.join(format!("{name}.md5sums")), "d41d8cd98f00b204e9800998ecf8427e  usr/share/doc/x\n");
        expected.insert(row);
    }
    let scan = scan_of(&plimsoll, &root);
    assert_eq!(rows(&scan), expected);
    assert_eq!(package(&scan, "zlib1g")["files"], serde_json::json!(["/usr/share/doc/x"]));
}

// ---- rpm ----

const SPEC: &str = "Name: salt
Version: 1.2~rc1
Release: 3.el9
Epoch: 2
Summary: x
License: MIT and GPL-2.0-only
BuildArch: noarch
%description
x
%package -n pepper
Summary: y
Version: 7
%description -n pepper
y
%install
mkdir -p %{buildroot}/usr/share/salt
echo a > %{buildroot}/usr/share/salt/a
echo b > %{buildroot}/usr/share/salt/b
%files
%dir /usr/share/salt
/usr/share/salt/a
%files -n pepper
/usr/share/salt/b
";

#[test]
fn rpm_packages_are_those_of_rpm() {
    if !installed(&["rpm", "rpmbuild"]) {
        return;
    }
    let plimsoll = Plimsoll::new();
    let (top, root) = (plimsoll.folder().join("rpm"), plimsoll.folder().join("root"));
    write(&top.join("salt.spec"), SPEC);
    write(&root.join("etc/os-release"), "ID=almalinux\nID_LIKE=\"rhel\"\nVERSION_ID=\"9.4\"\n");
    let define = format!("_topdir {}", top.display());
    said(Command::new("rpmbuild").args(["-bb", "--quiet", "--define", &define]).arg(top.join("salt.spec")));
    let rpm = || {
        let mut command = Command::new("rpm");
        command.arg("--root").arg(&root).args(["--define", "_dbpath /var/lib/rpm"]);
        command
    };
    let built: Vec<PathBuf> =
        fs::read_dir(top.join("RPMS/noarch")).unwrap().map(|entry| entry.unwrap().path()).collect();
    said(rpm().args(["-i", "--nodeps"]).args(built));
    let format = "%{NAME}\t%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\t%{ARCH}\t%{LICENSE}\t%{SOURCERPM}\n";
    let said_of = said(rpm().args(["-qa", "--queryformat", format]));
    let expected = said_of.replace("MIT and GPL-2.0-only", "MIT AND GPL-2.0-only");
    let scan = scan_of(&plimsoll, &root);
    let found = packages(&scan, "rpm").into_iter().map(|package| {
        let source = &package["source"];
        // The name of a source rpm has no epoch.
        let version = text(&source["version"]).rsplit(':').next().unwrap();
        let file = format!("{}-{version}.src.rpm", text(&source["name"]));
        let fields =
            [&package["name"], &package["version"], &package["architecture"], &package["licenses"][0]];
        format!("{}\t{file}", fields.map(text).join("\t"))
    });
    assert_eq!(found.collect::<BTreeSet<_>>(), set(expected.lines()));
    for name in ["salt", "pepper"] {
        let listed = said(rpm().args(["-ql", name]));
        let files = package(&scan, name)["files"].as_array().unwrap();
        let files: BTreeSet<&str> =
            files.iter().map(text).filter(|file| !file.ends_with("share/salt")).collect();
        assert_eq!(files, listed.lines().filter(|line| !line.ends_with("share/salt")).collect(), "{name}");
    }
}

// ---- apk ----

#[test]
fn alpine_packages_are_those_of_the_installed_database() {
    let database = "C:Q1abc=\nP:musl\nV:1.2.4-r2\nA:x86_64\nT:libc\nL:MIT\no:musl\nF:lib\nR:ld-musl-x86_64.so.1\na:0:0:755\nR:libc.musl-x86_64.so.1\n\n\
        P:ssl_client\nV:1.36.1-r15\nA:x86_64\nL:GPL-2.0-only\no:busybox\nF:usr/bin\nR:ssl_client\nZ:Q1x=\nF:\nR:top\n";
    let layer = LayerBuilder::new("ADD alpine-minirootfs.tar.gz")
        .file("etc/os-release", "ID=alpine\nVERSION_ID=3.19.1\n")
        .file("lib/apk/db/installed", database);
    let plimsoll = Plimsoll::new();
    let scan = plimsoll.scan(&image().layer(layer).write(&plimsoll.folder().join("layout")), &[]);
    let expected =
        ["musl\t1.2.4-r2\tx86_64\tmusl\t1.2.4-r2", "ssl_client\t1.36.1-r15\tx86_64\tbusybox\t1.36.1-r15"];
    let found: BTreeSet<String> = packages(&scan, "apk").into_iter().map(row).collect();
    assert_eq!(found, set(expected));
    let files = |name| package(&scan, name)["files"].clone();
    assert_eq!(files("musl"), serde_json::json!(["/lib/ld-musl-x86_64.so.1", "/lib/libc.musl-x86_64.so.1"]));
    assert_eq!(files("ssl_client"), serde_json::json!(["/top", "/usr/bin/ssl_client"]));
}

#[test]
fn alpine_packages_are_those_of_apk() {
    if !installed(&["apk"]) {
        return;
    }
    let plimsoll = Plimsoll::new();
    let (parts, root) = (plimsoll.folder().join("parts"), plimsoll.folder().join("root"));
    write(&parts.join("salt/usr/lib/salt/libsalt.so.1"), "x");
    std::os::unix::fs::symlink("salt/libsalt.so.1", parts.join("salt/usr/lib/libsalt.so")).unwrap();
    write(&parts.join("pepper/etc/pepper.conf"), "x");
    let mut files = Vec::new();
    for (name, version, license, origin) in
        [("salt", "1.2.3_rc4-r5", "MIT AND BSD-3-Clause", "spices"), ("pepper", "7-r0", "Zlib", "pepper")]
    {
        let file = plimsoll.folder().join(format!("{name}-{version}.apk"));
        let mut make = Command::new("apk");
        make.args(["mkpkg", "--files"]).arg(parts.join(name)).arg("--output").arg(&file);
        let told = [("name", name), ("version", version), ("license", license), ("origin", origin)];
        for (field, value) in told.into_iter().chain([("arch", "x86_64"), ("description", "y")]) {
            make.args(["--info", &format!("{field}:{value}")]);
        }
        said(&mut make);
        files.push(file);
    }
    fs::create_dir_all(&root).unwrap();
    let apk = || {
        let mut command = Command::new("apk");
        command.arg("--root").arg(&root).args(["--arch", "x86_64"]);
        command
    };
    let options = ["--initdb", "--allow-untrusted", "--no-network", "--no-scripts"];
    said(apk().arg("add").args(options).args(&files));
    write(&root.join("etc/os-release"), "ID=alpine\nVERSION_ID=3.23.0\n");
    let query = ["query", "--installed", "--format", "json", "--fields", "all", "*"];
    let expected: Value = serde_json::from_str(&said(apk().args(query))).unwrap();
    let expected = expected.as_array().unwrap();
    assert_eq!(expected.len(), 2);
    let scan = scan_of(&plimsoll, &root);
    assert_eq!(packages(&scan, "apk").len(), expected.len());
    for theirs in expected {
        let ours = package(&scan, text(&theirs["name"]));
        let (their_fields, our_fields) = (
            ["version", "arch", "license", "origin"].map(|field| text(&theirs[field])),
            [&ours["version"], &ours["architecture"], &ours["licenses"][0], &ours["source"]["name"]]
                .map(text),
        );
        assert_eq!(our_fields, their_fields);
        let listed: BTreeSet<String> =
            theirs["contents"].as_array().unwrap().iter().map(|file| format!("/{}", text(file))).collect();
        let files = ours["files"].as_array().unwrap();
        assert_eq!(files.iter().map(|file| text(file).to_owned()).collect::<BTreeSet<_>>(), listed);
    }
}

// ---- languages ----

#[test]
fn python_packages_are_those_of_pip_list() {
    if !installed(&["python3"]) {
        return;
    }
    let plimsoll = Plimsoll::new();
    let target = plimsoll.folder().join("root/app");
    let pip = |arguments: &[&str]| {
        let mut command = Command::new("python3");
        command.args(["-m", "pip", "--disable-pip-version-check", "--no-input"]).args(arguments);
        command
    };
    let install =
        ["install", "--quiet", "--no-deps", "--only-binary", ":all:", "--target", target.to_str().unwrap()];
    let wanted =
        ["requests==2.19.0", "urllib3==1.23", "idna==2.7", "jaraco.classes==3.2.1", "chardet==3.0.4"];
    if fetched(pip(&install).args(wanted)).is_none() {
        return;
    }
    // As distutils and old setuptools left them.
    write(&target.join("Old_Tool-0.9.egg-info"), "Metadata-Version: 1.0\nName: Old-Tool\nVersion: 0.9\n");
    write(
        &target.join("older.egg-info/PKG-INFO"),
        "Metadata-Version: 1.1\nName: older\nVersion: 1.0.post1\n",
    );
    let list = said(
        pip(&["list", "--format", "json", "--path", target.to_str().unwrap()])
            .stderr(std::process::Stdio::null()),
    );
    let list: Value = serde_json::from_str(&list).unwrap();
    let normal = |name: &str| name.to_lowercase().replace(['_', '.'], "-");
    let expected = list.as_array().unwrap().iter();
    let expected: BTreeSet<_> =
        expected.map(|p| format!("{} {}", normal(text(&p["name"])), text(&p["version"]))).collect();
    assert_eq!(expected.len(), wanted.len() + 2, "{list}");
    let scan = scan_of(&plimsoll, &plimsoll.folder().join("root"));
    let found = packages(&scan, "pypi").into_iter();
    let found: BTreeSet<_> =
        found.map(|p| format!("{} {}", normal(text(&p["name"])), text(&p["version"]))).collect();
    assert_eq!(found, expected);
    let files = package(&scan, "requests")["files"].as_array().unwrap();
    assert!(files.contains(&"/app/requests/__init__.py".into()), "{files:?}");
}

/// `NAME VERSION` of everything below a node of `npm ls --all --json`.
fn npm_tree(node: &Value, all: &mut BTreeSet<String>) {
    for (name, child) in node["dependencies"].as_object().into_iter().flatten() {
        all.insert(format!("{name} {}", text(&child["version"])));
        npm_tree(child, all);
    }
}

#[test]
fn node_packages_are_those_of_npm_ls() {
    if !installed(&["npm"]) {
        return;
    }
    let plimsoll = Plimsoll::new();
    let shop = plimsoll.folder().join("root/srv/shop");
    write(&shop.join("package.json"), r#"{"name":"shop","version":"1.0.0","private":true}"#);
    let options = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"];
    let wanted = ["lodash@4.17.20", "minimist@1.2.6", "mkdirp@0.5.1", "@babel/code-frame@7.12.11"];
    if fetched(Command::new("npm").args(options).args(wanted).current_dir(&shop)).is_none() {
        return;
    }
    let tree: Value =
        serde_json::from_str(&said(Command::new("npm").args(["ls", "--all", "--json"]).current_dir(&shop)))
            .unwrap();
    let mut expected = BTreeSet::from(["shop 1.0.0".to_owned()]);
    npm_tree(&tree, &mut expected);
    assert!(expected.contains("minimist 0.0.8") && expected.contains("minimist 1.2.6"), "{expected:?}");
    let scan = scan_of(&plimsoll, &plimsoll.folder().join("root"));
    let mut found = names_and_versions(&scan, "npm");
    // The application itself, which npm shows as the root of the tree.
    found.insert("shop 1.0.0".to_owned());
    assert_eq!(found, expected);
}

#[test]
fn go_modules_are_those_of_go_version() {
    if !installed(&["go"]) {
        return;
    }
    let plimsoll = Plimsoll::new();
    let (source, root) = (plimsoll.folder().join("source"), plimsoll.folder().join("root"));
    write(
        &source.join("main.go"),
        "package main\n\nimport \"rsc.io/quote\"\n\nfunc main() { println(quote.Hello()) }\n",
    );
    write(&source.join("go.mod"), "module example.org/shop\n\ngo 1.20\n\nrequire rsc.io/quote v1.5.2\n");
    let go = || {
        let mut command = Command::new("go");
        command.current_dir(&source).env("CGO_ENABLED", "0").env("GOFLAGS", "-mod=mod");
        command
    };
    let binary = root.join("usr/local/bin/shop");
    fs::create_dir_all(binary.parent().unwrap()).unwrap();
    if fetched(go().args(["build", "-o"]).arg(&binary).arg(".")).is_none() {
        return;
    }
    let told = said(go().args(["version", "-m"]).arg(&binary));
    let version = told.lines().next().unwrap().rsplit(": go").next().unwrap().trim();
    let dependency = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        (fields.get(1) == Some(&"dep")).then(|| format!("{} {}", fields[2], fields[3]))
    };
    let mut expected: BTreeSet<String> = told.lines().filter_map(dependency).collect();
    assert_eq!(expected.len(), 3, "{told}");
    expected.insert(format!("stdlib {version}"));
    let mut found = names_and_versions(&scan_of(&plimsoll, &root), "golang");
    found.retain(|package| !package.starts_with("example.org/shop "));
    assert_eq!(found, expected);
}

// ---- layers ----

/// Layer and build step of each package.
fn origins(scan: &Value) -> BTreeMap<&str, (u64, &str, &str)> {
    let all = scan["packages"].as_array().unwrap().iter();
    all.map(|p| (text(&p["name"]), (p["layer"].as_u64().unwrap(), text(&p["createdBy"]), text(&p["origin"]))))
        .collect()
}

fn metadata(name: &str, version: &str) -> (String, String) {
    let path = format!("app/{name}-{version}.dist-info/METADATA");
    (path, format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"))
}

#[test]
fn each_package_is_told_with_the_layer_and_step_that_brought_it() {
    let (old, old_text) = metadata("urllib3", "1.23");
    let (new, new_text) = metadata("urllib3", "1.26.5");
    let (gone, gone_text) = metadata("requests", "2.19.0");
    let (kept, kept_text) = metadata("idna", "2.7");
    let first = dpkg("zlib1g", "1:1.2.13.dfsg-1") + &dpkg("libexpat1", "2.5.0-1") + &dpkg("libgone", "1");
    let second =
        dpkg("zlib1g", "1:1.2.13.dfsg-1") + &dpkg("libexpat1", "2.5.0-1+deb12u1") + &dpkg("libnew", "2");
    let base = LayerBuilder::new("ADD rootfs.tar /")
        .file("etc/os-release", DEBIAN)
        .file("var/lib/dpkg/status", first);
    let upgrade = LayerBuilder::new("RUN apt-get upgrade").file("var/lib/dpkg/status", second);
    let packages = LayerBuilder::new("RUN pip install -r old.txt")
        .file(&old, old_text)
        .file(&gone, gone_text)
        .file(&kept, kept_text);
    let change = LayerBuilder::new("RUN pip install -U urllib3")
        .whiteout("app/urllib3-1.23.dist-info")
        .file(&new, new_text)
        .whiteout(&gone);
    let image = image()
        .step("ARG x")
        .layer(base)
        .step("CMD [\"bash\"]")
        .step("ENV A=b")
        .layer(upgrade)
        .step("WORKDIR /app")
        .layer(packages)
        .layer(change)
        .step("CMD [\"shop\"]");
    let plimsoll = Plimsoll::new();
    let scan = plimsoll.scan(&image.write(&plimsoll.folder().join("layout")), &[]);
    let expected = [
        ("zlib1g", (0, "ADD rootfs.tar /", "base")),
        ("libexpat1", (1, "RUN apt-get upgrade", "application")),
        ("libnew", (1, "RUN apt-get upgrade", "application")),
        ("idna", (2, "RUN pip install -r old.txt", "application")),
        ("urllib3", (3, "RUN pip install -U urllib3", "application")),
    ];
    assert_eq!(origins(&scan), BTreeMap::from(expected));
    assert_eq!(package(&scan, "urllib3")["version"], "1.26.5");
    for found in scan["packages"].as_array().unwrap() {
        let layer = usize::try_from(found["layer"].as_u64().unwrap()).unwrap();
        assert_eq!(found["layerDiffId"], scan["image"]["layers"][layer]["diffId"]);
        assert_eq!(found["createdBy"], scan["image"]["layers"][layer]["createdBy"]);
    }
}

#[test]
fn whiteouts_and_opaque_directories_hide_packages_but_not_later_ones() {
    let [a, b, c] = ["a-one", "b-two", "c-three"].map(|name| metadata(name, "1.0"));
    let below = LayerBuilder::new("one").file(&a.0, &a.1).file(&b.0, &b.1).file("x/apk", "");
    let hide = LayerBuilder::new("two").opaque("app").file(&c.0, &c.1);
    let again = LayerBuilder::new("three").file(&a.0, &a.1);
    let remove = LayerBuilder::new("four").whiteout("app");
    let plimsoll = Plimsoll::new();
    let image = image().layer(below).layer(hide).layer(again);
    let scan = plimsoll.scan(&image.clone().write(&plimsoll.folder().join("three")), &[]);
    let found = origins(&scan);
    assert_eq!(found.keys().copied().collect::<Vec<_>>(), ["a-one", "c-three"]);
    assert_eq!((found["a-one"].0, found["c-three"].0), (2, 1));
    let scan = plimsoll.scan(&image.layer(remove).write(&plimsoll.folder().join("four")), &[]);
    assert_eq!(scan["packages"], serde_json::json!([]));
}

#[test]
fn a_history_that_does_not_fit_is_not_believed() {
    let (path, content) = metadata("idna", "2.7");
    let image = image()
        .layer(LayerBuilder::new("one").file(&path, content))
        .layer(LayerBuilder::new("two").file("x", ""));
    let plimsoll = Plimsoll::new();
    let scan = plimsoll.scan(&image.forget_last_step().write(&plimsoll.folder().join("layout")), &[]);
    let found = package(&scan, "idna");
    assert_eq!(
        (&found["layer"], &found["createdBy"], &found["origin"]),
        (&0.into(), &Value::Null, &"unknown".into())
    );
}
