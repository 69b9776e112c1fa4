//! apk: packages and indexes as Alpine's builders make them, which apk itself verifies and installs.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use flate2::Compression;
use flate2::write::GzEncoder;
use plimsoll_testkit::http::HttpServer;
use plimsoll_testkit::tools::{installed, output_of};
use serde_json::{Value, json};

use super::files;
use crate::support::apply::{Files, database, serve, unpack};
use crate::support::image::{LayerBuilder, image};
use crate::support::{Plimsoll, Ran, said, text, write};

/// What is needed to sign packages and to compare with.
const TOOLS: [&str; 3] = ["apk", "openssl", "tar"];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A tar without an end: the parts of a package make up one.
fn segment(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(0o755);
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.get_ref().clone()
}

/// A key of a distribution.
struct Key {
    private: PathBuf,
    /// The public key, and its name in `etc/apk/keys`.
    public: Vec<u8>,
    name: &'static str,
}

impl Key {
    fn new(folder: &Path, name: &'static str) -> Self {
        let private = folder.join(name.trim_end_matches(".pub"));
        fs::create_dir_all(folder).unwrap();
        said(Command::new("openssl").args(["genrsa", "-out"]).arg(&private).arg("2048"));
        let public = output_of(Command::new("openssl").args(["rsa", "-pubout", "-in"]).arg(&private));
        Self { private, public, name }
    }

    /// Signed bytes with their signature before them.
    fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        let path = self.private.with_extension("text");
        fs::write(&path, bytes).unwrap();
        let signature =
            output_of(Command::new("openssl").args(["dgst", "-sha1", "-sign"]).arg(&self.private).arg(&path));
        let name = format!(".SIGN.RSA.{}", self.name);
        [gzip(&segment(&[(&name, &signature)])), bytes.to_vec()].concat()
    }
}

/// What a package is made of.
struct Recipe<'a> {
    name: &'a str,
    version: &'a str,
    /// Further lines of `.PKGINFO`.
    info: &'a str,
    scripts: &'a [(&'a str, &'a str)],
    /// Directories end with a slash, links have their target behind `-> `.
    files: &'a [(&'a str, &'a str)],
}

const NOTHING: Recipe<'static> = Recipe { name: "", version: "", info: "", scripts: &[], files: &[] };

impl Recipe<'_> {
    fn data(&self) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, content) in self.files {
            let mut header = tar::Header::new_ustar();
            header.set_entry_type(tar::EntryType::Regular);
            header.set_mtime(1_700_000_000);
            header.set_username("root").unwrap();
            header.set_groupname("root").unwrap();
            header.set_size(0);
            let sum = |bytes: &[u8]| hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref());
            let mut checksum = |bytes: &[u8]| {
                let record = format!(" APK-TOOLS.checksum.SHA1={}\n", sum(bytes));
                let record = format!("{}{record}", record.len() + 2);
                // By hand: the builder leaves the name empty, which is the end to apk.
                let mut header = tar::Header::new_ustar();
                header.set_entry_type(tar::EntryType::XHeader);
                header.set_path("PaxHeader").unwrap();
                header.set_size(record.len() as u64);
                header.set_cksum();
                builder.append(&header, record.as_bytes()).unwrap();
            };
            if path.ends_with('/') {
                header.set_entry_type(tar::EntryType::Directory);
                header.set_mode(if *content == "open" { 0o1777 } else { 0o755 });
                builder.append_data(&mut header, path, std::io::empty()).unwrap();
            } else if let Some(target) = content.strip_prefix("-> ") {
                checksum(target.as_bytes());
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_mode(0o777);
                builder.append_link(&mut header, path, target).unwrap();
            } else {
                checksum(content.as_bytes());
                header.set_mode(if path.contains("bin/") { 0o755 } else { 0o644 });
                header.set_size(content.len() as u64);
                // By hand: the builder refuses what hostile packages do.
                header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
                header.set_cksum();
                builder.append(&header, content.as_bytes()).unwrap();
            }
        }
        builder.into_inner().unwrap()
    }

    fn package(&self, key: &Key) -> Vec<u8> {
        let Recipe { name, version, info, .. } = self;
        let size: usize = self.files.iter().map(|(_, content)| content.len()).sum();
        let data = gzip(&self.data());
        let hash = hex(digest(&SHA256, &data).as_ref());
        let info = format!(
            "# made by a test\npkgname = {name}\npkgver = {version}\npkgdesc = a test\nurl = https://example.org\nbuilddate = 1700000000\npackager = x <x@example.org>\nsize = {}\narch = x86_64\nlicense = MIT\n{info}datahash = {hash}\n",
            size + 1
        );
        let mut members = vec![(".PKGINFO", info.as_bytes())];
        members.extend(self.scripts.iter().map(|(name, text)| (*name, text.as_bytes())));
        [key.sign(&gzip(&segment(&members))), data].concat()
    }
}

/// Where the packages lie, as apk and we are asked to find them.
const FOLDER: &str = "/alpine/v3.22/main";

/// A repository of packages, whose index apk makes.
fn repository(folder: &Path, key: &Key, recipes: &[&Recipe<'_>]) -> Files {
    fs::create_dir_all(folder).unwrap();
    let mut files = Files::new();
    let mut paths = Vec::new();
    for recipe in recipes {
        let path = folder.join(format!("{}-{}.apk", recipe.name, recipe.version));
        fs::write(&path, recipe.package(key)).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        files.insert(format!("{FOLDER}/x86_64/{name}"), fs::read(&path).unwrap());
        paths.push(path);
    }
    let index = folder.join("unsigned.tar.gz");
    let keys = folder.join("keys");
    write(&keys.join(key.name), &key.public);
    let mut command = Command::new("apk");
    command.arg("--keys-dir").arg(&keys).args(["index", "--output"]).arg(&index).args(&paths);
    said(&mut command);
    files.insert(format!("{FOLDER}/x86_64/APKINDEX.tar.gz"), key.sign(&fs::read(&index).unwrap()));
    files
}

/// `apk` on a root filesystem.
fn apk(root: &Path) -> Command {
    let mut command = Command::new("apk");
    command.arg("--root").arg(root).args(["--arch", "x86_64", "--no-cache"]);
    command
}

struct Scene {
    plimsoll: Plimsoll,
    root: PathBuf,
    key: Key,
    db: String,
}

const LIBRARY: Recipe<'static> = Recipe {
    name: "liba",
    version: "1.0-r0",
    info: "origin = a\nprovides = so:liba.so.1=1.0\n",
    files: &[
        ("usr/", ""),
        ("usr/lib/", ""),
        ("usr/lib/liba.so.1.0", "old"),
        ("usr/lib/liba.so.1", "-> liba.so.1.0"),
        ("usr/lib/gone/", ""),
        ("usr/lib/gone/x", "old"),
        ("etc/", ""),
        ("etc/a.conf", "1\n"),
        ("etc/b.conf", "1\n"),
        ("etc/c.conf", "1\n"),
        ("etc/d.conf", "1\n"),
        ("var/", ""),
        ("var/a/", ""),
    ],
    ..NOTHING
};
const TOOL: Recipe<'static> = Recipe {
    name: "a-tool",
    version: "1.0-r0",
    info: "origin = a\ndepend = liba=1.0-r0\ntriggers = /usr/share/a\n",
    scripts: &[(".post-install", "#!/bin/sh\nadduser -D a\n"), (".trigger", "#!/bin/sh\nexit 0\n")],
    files: &[("usr/", ""), ("usr/bin/", ""), ("usr/bin/a", "old"), ("usr/bin/b", "old")],
};
const NEW_LIBRARY: Recipe<'static> = Recipe {
    version: "1.1-r0",
    info: "origin = a\nprovides = so:liba.so.1=1.1\ndepend = libnew>=2\ndepend = so:libnew.so.2\n",
    files: &[
        ("usr/", ""),
        ("usr/lib/", ""),
        ("usr/lib/liba.so.1.1", "new"),
        ("usr/lib/liba.so.1", "-> liba.so.1.1"),
        ("usr/share/", ""),
        ("usr/share/a/", ""),
        ("usr/share/a/data", "new"),
        ("etc/", ""),
        ("etc/a.conf", "2\n"),
        ("etc/b.conf", "2\n"),
        ("etc/c.conf", "2\n"),
        ("var/", ""),
        ("var/a/", "open"),
    ],
    ..LIBRARY
};
const NEW_TOOL: Recipe<'static> = Recipe {
    version: "1.1-r0",
    info: "origin = a\ndepend = liba=1.1-r0\ntriggers = /usr/share/a\n",
    scripts: &[
        (".post-upgrade", "#!/bin/sh\nexit 0\naddgroup a\n"),
        (".pre-upgrade", "#!/bin/sh\nexit 0\n"),
        (".trigger", "#!/bin/sh\nexit 0\n"),
    ],
    files: &[("usr/", ""), ("usr/bin/", ""), ("usr/bin/a", "new")],
    ..TOOL
};
const DEPENDENCY: Recipe<'static> = Recipe {
    name: "libnew",
    version: "2-r0",
    info: "provides = so:libnew.so.2=2\nprovides = cmd:new=2-r0\n",
    files: &[("usr/", ""), ("usr/lib/", ""), ("usr/lib/libnew.so.2", "new")],
    ..NOTHING
};

/// `liba` with configuration that was changed, and a tool that needs exactly it.
fn scene() -> Scene {
    let plimsoll = Plimsoll::new();
    let folder = plimsoll.folder().to_owned();
    let key = Key::new(&folder.join("key"), "test-1.rsa.pub");
    let old = repository(&folder.join("old-packages"), &key, &[&LIBRARY, &TOOL]);
    let server = serve(old);
    let root = folder.join("root");
    write(&root.join("etc/apk/keys").join(key.name), &key.public);
    write(&root.join("etc/apk/repositories"), format!("{}{FOLDER}\n", server.url()));
    said(apk(&root).args(["add", "--initdb", "--no-scripts", "a-tool"]));
    write(&root.join("etc/a.conf"), "ours\n");
    write(&root.join("etc/c.conf"), "2\n");
    write(&root.join("etc/d.conf"), "ours\n");
    write(&root.join("etc/os-release"), "ID=alpine\nVERSION_ID=3.22.1\n");
    let db = database(&plimsoll, "Alpine:v3.22", "a", "1.1-r0");
    Scene { plimsoll, root, key, db }
}

impl Scene {
    fn new_packages(&self, recipes: &[&Recipe<'_>]) -> Files {
        repository(&self.plimsoll.folder().join("new-packages"), &self.key, recipes)
    }

    fn apply(&self, server: &HttpServer, more: &[&str]) -> Ran {
        let base = LayerBuilder::new("ADD root.tar /").directory(&self.root, "");
        let repositories = format!("{}{FOLDER}\n@edge http://127.0.0.1:1/edge\n", server.url());
        let own = LayerBuilder::new("COPY").file("etc/apk/repositories", &repositories);
        let layout = self.plimsoll.folder().join("old");
        let name = image().config(json!({ "Cmd": ["a"] })).layer(base).layer(own).write(&layout);
        let to = format!("oci:{}", self.plimsoll.folder().join("new").display());
        let arguments = ["plan", &name, "--db", &self.db, "--format", "json", "--apply", "--to", &to];
        Ran::of(self.plimsoll.command(&[&arguments, more].concat()).env_remove("SOURCE_DATE_EPOCH"))
    }
}

/// What apk itself reads out of a database.
fn told(root: &Path) -> Value {
    let query = ["query", "--installed", "--format", "json", "--fields", "all", "*"];
    let mut told: Value = serde_json::from_str(&said(apk(root).args(query))).unwrap();
    let packages = told.as_array_mut().unwrap();
    packages.sort_by_key(|package| package["name"].as_str().unwrap().to_owned());
    told
}

#[test]
fn what_is_applied_is_what_apk_would_install() {
    if !installed(&TOOLS) {
        return;
    }
    let scene = scene();
    let server = serve(scene.new_packages(&[&NEW_LIBRARY, &NEW_TOOL, &DEPENDENCY]));
    let ran = scene.apply(&server, &[]);
    let value: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{} {}", ran.out, ran.err));
    let applied = &value["applied"];
    let names: Vec<&str> = applied["packages"].as_array().unwrap().iter().map(|p| text(&p["name"])).collect();
    assert_eq!(names, ["a-tool", "liba", "libnew"], "{}", ran.out);
    assert_eq!(applied["packages"][0]["scripts"], json!([{ "name": "post-upgrade", "line": "addgroup a" }]));
    assert_eq!(applied["packages"][1]["triggers"], json!(["a-tool /usr/share/a"]));
    assert_eq!(applied["kept"], json!(["/etc/a.conf"]));
    assert_eq!(text(&applied["repositories"][0]["signedBy"]), scene.key.name);
    assert_eq!(text(&applied["refused"][0]["name"]), "http://127.0.0.1:1/edge");
    let (ours, theirs) = (scene.plimsoll.folder().join("ours"), &scene.root);
    unpack(&scene.plimsoll.folder().join("new"), &ours);
    write(&theirs.join("etc/apk/repositories"), format!("{}{FOLDER}\n", server.url()));
    said(apk(theirs).args(["upgrade", "--no-scripts"]));
    let is_left = |path: &str| {
        path.starts_with("lib/apk")
            || path.starts_with("usr/lib/apk")
            || path == "etc/apk/repositories"
            || path.starts_with("var/log")
    };
    assert_eq!(files(&ours, &is_left), files(theirs, &is_left));
    let (mine, other) = (told(&ours), told(theirs));
    assert_eq!(mine, other);
    // What is installed is whole: apk has nothing to mend, and finds no file changed but ours.
    assert_eq!(said(apk(&ours).args(["audit", "--system"])), said(apk(theirs).args(["audit", "--system"])));
    assert_eq!(scripts(&ours), scripts(theirs));
    assert_eq!(triggers(&ours), triggers(theirs));
}

/// The text of `triggers`, its lines sorted.
fn triggers(root: &Path) -> Vec<String> {
    let text = fs::read_to_string(database_folder(root).join("triggers")).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

fn database_folder(root: &Path) -> PathBuf {
    ["lib/apk/db", "usr/lib/apk/db"]
        .map(|folder| root.join(folder))
        .into_iter()
        .find(|path| path.is_dir())
        .unwrap()
}

/// The scripts that the database has, by package, version and name.
fn scripts(root: &Path) -> BTreeMap<String, String> {
    let folder = database_folder(root);
    let path = ["scripts.tar", "scripts.tar.gz"].map(|name| folder.join(name));
    let path = path.into_iter().find(|path| path.is_file()).unwrap();
    let list = said(Command::new("tar").arg("-tf").arg(&path));
    list.lines()
        .map(|line| (line.to_owned(), said(Command::new("tar").arg("-xOf").arg(&path).arg(line))))
        .collect()
}

#[test]
fn a_repository_that_lies_is_refused_and_nothing_is_written() {
    if !installed(&TOOLS) {
        return;
    }
    let scene = scene();
    let honest = || scene.new_packages(&[&NEW_LIBRARY, &NEW_TOOL, &DEPENDENCY]);
    let stranger = Key::new(&scene.plimsoll.folder().join("stranger"), "stranger.rsa.pub");
    let pretender = Key::new(&scene.plimsoll.folder().join("pretender"), "test-1.rsa.pub");
    let signed_by = |key: &Key| {
        repository(&scene.plimsoll.folder().join("other"), key, &[&NEW_LIBRARY, &NEW_TOOL, &DEPENDENCY])
    };
    let index = format!("{FOLDER}/x86_64/APKINDEX.tar.gz");
    let library = format!("{FOLDER}/x86_64/liba-1.1-r0.apk");
    let changed = |path: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut files = honest();
        change(files.get_mut(path).unwrap());
        files
    };
    let climbing = Recipe { files: &[("../../x", "evil")], ..NEW_LIBRARY };
    let cases: [(&str, Files, &str); 9] = [
        ("other-key", signed_by(&stranger), "stranger.rsa.pub, a key that the image does not trust"),
        ("other-key-of-that-name", signed_by(&pretender), "does not hold"),
        (
            "unsigned",
            changed(&index, &|bytes| *bytes = gzip(&segment(&[("APKINDEX", b"")]))),
            "it has no signature",
        ),
        ("index-changed", changed(&index, &|bytes| *bytes.last_mut().unwrap() ^= 1), "does not hold"),
        (
            "index-longer",
            changed(&index, &|bytes| bytes.extend(gzip(&segment(&[("APKINDEX", b"P:x\n")])))),
            "does not hold",
        ),
        ("package-changed", changed(&library, &|bytes| *bytes.last_mut().unwrap() ^= 1), "is refused"),
        ("package-longer", changed(&library, &|bytes| bytes.extend([0; 100])), "bytes"),
        ("climbing", scene.new_packages(&[&climbing, &NEW_TOOL, &DEPENDENCY]), "climbs with"),
        ("missing-need", scene.new_packages(&[&NEW_LIBRARY, &NEW_TOOL]), "liba 1.1-r0 needs libnew (>= 2)"),
    ];
    for (name, files, reason) in cases {
        let ran = scene.apply(&serve(files), &["--no-cache"]);
        assert_eq!(ran.code, 2, "{name}: {} {}", ran.out, ran.err);
        assert!(ran.err.contains(reason), "{name}: {}", ran.err);
        assert!(!scene.plimsoll.folder().join("new").exists(), "{name}");
    }
}

#[test]
fn packages_that_are_others_or_older_change_nothing() {
    if !installed(&TOOLS) {
        return;
    }
    let scene = scene();
    let library = format!("{FOLDER}/x86_64/liba-1.1-r0.apk");
    let overwriting =
        Recipe { files: &[("usr/", ""), ("usr/bin/", ""), ("usr/bin/mine", "evil")], ..DEPENDENCY };
    let mut swapped = scene.new_packages(&[&NEW_LIBRARY, &NEW_TOOL, &DEPENDENCY]);
    let other = swapped[&format!("{FOLDER}/x86_64/libnew-2-r0.apk")].clone();
    let padded = swapped[&library].len();
    swapped.insert(library.clone(), other.into_iter().chain(std::iter::repeat(0)).take(padded).collect());
    let ran = scene.apply(&serve(swapped), &["--no-cache"]);
    assert!(ran.err.contains("not what the index vouches for"), "{}", ran.err);
    write(&scene.root.join("usr/bin/mine"), "x");
    let text = fs::read_to_string(database_folder(&scene.root).join("installed")).unwrap();
    let owned = format!(
        "{}\nP:mine\nV:1-r0\nA:x86_64\nF:usr/bin\nR:mine\n\n",
        text.trim_end_matches('\n').to_owned() + "\n"
    );
    write(&database_folder(&scene.root).join("installed"), owned);
    let ran =
        scene.apply(&serve(scene.new_packages(&[&NEW_LIBRARY, &NEW_TOOL, &overwriting])), &["--no-cache"]);
    assert!(ran.err.contains("would overwrite /usr/bin/mine, which belongs to mine"), "{}", ran.err);
    // An index of before, honestly signed, takes nothing back.
    let old = repository(&scene.plimsoll.folder().join("older"), &scene.key, &[&LIBRARY, &TOOL]);
    let ran = scene.apply(&serve(old), &["--no-cache"]);
    assert!(ran.out.contains("the repositories have 1.0-r0 only"), "{} {}", ran.out, ran.err);
    assert!(!scene.plimsoll.folder().join("new").exists());
}
