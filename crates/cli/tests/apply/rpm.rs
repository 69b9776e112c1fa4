//! rpm: packages that rpmbuild makes and rpm signs, in repositories of createrepo_c; rpm itself installs them beside us, into databases
//! of SQLite and, where there is an rpm that knows them (`ndb.rs`), of NDB.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use plimsoll_model::digest::Digest;
use plimsoll_testkit::http::HttpServer;
use plimsoll_testkit::tools::{found, installed};
use serde_json::{Value, json};

use super::files;
use crate::support::apply::{Files, Key, database, serve, unpack};
use crate::support::image::{LayerBuilder, image};
use crate::support::{Plimsoll, Ran, said, text, write};

/// What is needed to make repositories and to compare with.
pub(super) const TOOLS: [&str; 8] =
    ["rpm", "rpmbuild", "rpmsign", "createrepo_c", "gpg", "gpgv", "sqlite3", "tar"];

/// A form of the database, and what is usual where it is.
#[derive(Clone, Copy)]
pub(super) struct Form {
    pub(super) backend: &'static str,
    /// The rpm that writes it, and what it has to be told so that it does.
    pub(super) program: &'static str,
    pub(super) forced: &'static [&'static str],
    /// Where the database lies.
    pub(super) folder: &'static str,
    /// Where repositories are named.
    pub(super) repositories: &'static str,
    pub(super) release: &'static str,
    pub(super) ecosystem: &'static str,
}

pub(super) const SQLITE: Form = Form {
    backend: "sqlite",
    program: "rpm",
    forced: &["--force-debian"],
    folder: "var/lib/rpm",
    repositories: "etc/yum.repos.d",
    release: "ID=rocky\nVERSION_ID=\"9.4\"\n",
    ecosystem: "Rocky Linux:9",
};

/// What a package is made of.
struct Recipe<'a> {
    name: &'a str,
    version: &'a str,
    /// Further lines of its head.
    head: &'a str,
    /// How it is packed.
    payload: &'a str,
    /// The script that makes its files.
    install: &'a str,
    /// Its list of files, and sections behind it.
    files: &'a str,
}

const LIBRARY: Recipe<'static> = Recipe {
    name: "liba",
    version: "1.0",
    head: "Provides: liba.so.1()(64bit)\n",
    payload: "w9.gzdio",
    install: "echo old > usr/lib/liba.so.1.0; ln -s liba.so.1.0 usr/lib/liba.so.1; mkdir usr/lib/gone; echo old > usr/lib/gone/x\n\
              for name in a b c d e f; do echo 1 > etc/$name.conf; done; echo same > etc/g.conf; echo 1 > etc/gone.conf",
    files: "/usr/lib/liba.so.*\n%dir /usr/lib/gone\n/usr/lib/gone/x\n%config(noreplace) /etc/a.conf\n%config(noreplace) /etc/b.conf\n%config /etc/c.conf\n%config /etc/d.conf\n%config(noreplace) /etc/e.conf\n/etc/f.conf\n%config(noreplace) /etc/g.conf\n%config /etc/gone.conf\n",
};
const TOOL: Recipe<'static> = Recipe {
    name: "a-tool",
    version: "1.0",
    head: "Requires: liba = 1.0-1\n",
    install: "echo old > usr/bin/a; echo old > usr/bin/b; mkdir usr/sbin; echo x > usr/sbin/ldconfig",
    files: "/usr/sbin/ldconfig\n/usr/bin/a\n/usr/bin/b\n%transfiletriggerin -- /usr/lib\necho files\n",
    ..LIBRARY
};
const NEW_LIBRARY: Recipe<'static> = Recipe {
    version: "1.1",
    head: "Provides: liba.so.1()(64bit)\nRequires: libnew >= 2\nRequires: (libnew or nothing)\nRequires: (nowhere if nobody)\n",
    payload: "w7.xzdio",
    install: "echo new > usr/lib/liba.so.1.1; ln -s liba.so.1.1 usr/lib/liba.so.1; mkdir -p usr/share/a; echo new > usr/share/a/data; ln usr/share/a/data usr/share/a/same\n\
              for name in a b c d e f; do echo 2 > etc/$name.conf; done; echo same > etc/g.conf; mkdir -p var/a; ln -s nowhere usr/share/a/link",
    files: "/usr/lib/liba.so.*\n%dir /usr/share/a\n/usr/share/a/data\n/usr/share/a/same\n/usr/share/a/link\n%attr(1777, root, root) %dir /var/a\n%config(noreplace) /etc/a.conf\n%config(noreplace) /etc/b.conf\n%config /etc/c.conf\n%config /etc/d.conf\n%config(noreplace) /etc/e.conf\n/etc/f.conf\n%config(noreplace) /etc/g.conf\n%ghost /var/log/a.log\n%post -p /sbin/ldconfig\n%changelog\n* Thu Jul 02 2026 T <t@example.org> - 1.1-1\n- CVE-2026-0001\n",
    ..LIBRARY
};
const NEW_TOOL: Recipe<'static> = Recipe {
    version: "1.1",
    head: "Requires: liba = 1.1-1\nRequires: /usr/bin/new\n",
    install: "echo new > usr/bin/a; mkdir usr/sbin; echo x > usr/sbin/ldconfig",
    files: "/usr/sbin/ldconfig\n/usr/bin/a\n%post\nexit 0\nuseradd a\n%transfiletriggerin -- /usr/lib\necho files\n",
    payload: "w19.zstdio",
    ..TOOL
};
const DEPENDENCY: Recipe<'static> = Recipe {
    name: "libnew",
    version: "2",
    head: "",
    install: "echo new > usr/lib/libnew.so.2; echo new > usr/bin/new",
    files: "/usr/lib/libnew.so.2\n/usr/bin/new\n",
    ..LIBRARY
};

/// Makes a package and signs it.
fn package(folder: &Path, key: &Key, recipe: &Recipe<'_>) -> PathBuf {
    let Recipe { name, version, head, payload, install, files } = recipe;
    let spec = format!(
        "Name: {name}\nVersion: {version}\nRelease: 1\nSummary: a test\nLicense: MIT\nBuildArch: x86_64\nAutoReqProv: no\n{head}%description\na test\n%install\nmkdir -p %{{buildroot}}/usr/lib %{{buildroot}}/usr/bin %{{buildroot}}/etc\ncd %{{buildroot}}\n{install}\n%files\n{files}"
    );
    let path = folder.join(format!("{name}-{version}.spec"));
    write(&path, spec);
    let define = |name: &str, value: &str| ["--define".to_owned(), format!("{name} {value}")];
    let mut build = Command::new("rpmbuild");
    build.args(["-bb", "--target", "x86_64"]).args(define("_topdir", folder.to_str().unwrap()));
    build.args(define("_binary_payload", payload)).args(define("debug_package", "%{nil}"));
    build.args(define("__os_install_post", "%{nil}")).args(define("_build_id_links", "none"));
    said(build.arg(&path));
    let rpm = folder.join(format!("RPMS/x86_64/{name}-{version}-1.x86_64.rpm"));
    let mut sign = Command::new("rpmsign");
    sign.args(define("_gpg_name", "t@example.org")).args(define("_gpg_path", key.home().to_str().unwrap()));
    sign.args(define("__gpg", found("gpg").unwrap().to_str().unwrap()));
    said(sign.arg("--addsign").arg(&rpm));
    rpm
}

/// A repository of packages, signed as a whole, too.
fn repository(folder: &Path, key: &Key, rpms: &[PathBuf]) -> Files {
    let repository = folder.join("repository");
    drop(fs::remove_dir_all(&repository));
    fs::create_dir_all(&repository).unwrap();
    for rpm in rpms {
        fs::copy(rpm, repository.join(rpm.file_name().unwrap())).unwrap();
    }
    said(Command::new("createrepo_c").args(["--quiet", "--no-database"]).arg(&repository));
    let repomd = repository.join("repodata/repomd.xml");
    said(key.gpg().args(["--armor", "--detach-sign"]).arg(&repomd));
    let mut files = Files::new();
    let list =
        said(Command::new("find").arg(".").args(["-type", "f", "-printf", "%P\n"]).current_dir(&repository));
    for path in list.lines() {
        files.insert(format!("/os/9/x86_64/{path}"), fs::read(repository.join(path)).unwrap());
    }
    files
}

impl Form {
    /// `rpm` on a root filesystem.
    pub(super) fn rpm(&self, root: &Path) -> Command {
        let mut command = Command::new(self.program);
        command.arg("--root").arg(root).arg("--dbpath").arg(format!("/{}", self.folder));
        command.args(["--define", &format!("_db_backend {}", self.backend)]);
        command.args(["--define", "_pkgverify_level none"]);
        command
    }

    pub(super) fn install(&self, root: &Path, how: &str, rpms: &[PathBuf]) {
        let mut command = self.rpm(root);
        command.args([how, "--nodeps", "--noscripts", "--notriggers", "--nosignature"]).args(self.forced);
        said(command.args(rpms));
    }
}

pub(super) struct Scene {
    pub(super) plimsoll: Plimsoll,
    form: Form,
    folder: PathBuf,
    pub(super) root: PathBuf,
    pub(super) key: Key,
    new: Vec<PathBuf>,
    db: String,
}

pub(super) fn scene(form: Form) -> Scene {
    let plimsoll = Plimsoll::new();
    let folder = plimsoll.folder().join("build");
    fs::create_dir_all(&folder).unwrap();
    let key = Key::new(plimsoll.folder().join("gpg"));
    let old = [&LIBRARY, &TOOL].map(|recipe| package(&folder, &key, recipe));
    let new = [&NEW_LIBRARY, &NEW_TOOL, &DEPENDENCY].map(|recipe| package(&folder, &key, recipe)).to_vec();
    let root = plimsoll.folder().join("root");
    for folder in [form.folder, form.repositories] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    said(form.rpm(&root).arg("--initdb"));
    form.install(&root, "-i", &old);
    for name in ["a", "c", "e", "f", "g", "gone"] {
        let path = root.join(format!("etc/{name}.conf"));
        write(&path, "ours\n");
        // Not in the second in which a package was built, which rpm would take for unchanged.
        said(Command::new("touch").args(["-d", "@1000000000"]).arg(path));
    }
    fs::remove_file(root.join("etc/e.conf")).unwrap();
    write(&root.join("etc/os-release"), form.release);
    let db = database(&plimsoll, form.ecosystem, "liba", "0:1.1-1");
    Scene { plimsoll, form, folder, root, key, new, db }
}

impl Scene {
    pub(super) fn apply(&self, server: &HttpServer, key: &[u8], more: &[&str]) -> Ran {
        let base = LayerBuilder::new("ADD root.tar /").directory(&self.root, "");
        let own = format!(
            "[base]\nname=Base\nbaseurl={}/os/$releasever/$basearch/\nrepo_gpgcheck=1\ngpgkey=file:///etc/pki/rpm-gpg/KEY\n[off]\nbaseurl=http://127.0.0.1:1/\nenabled=0\n",
            server.url()
        );
        let own = LayerBuilder::new("COPY")
            .file(&format!("{}/base.repo", self.form.repositories), &own)
            .file("etc/pki/rpm-gpg/KEY", key);
        let layout = self.plimsoll.folder().join("old");
        let name = image().config(json!({ "Cmd": ["a"] })).layer(base).layer(own).write(&layout);
        let to = format!("oci:{}", self.plimsoll.folder().join("new").display());
        let arguments = ["plan", &name, "--db", &self.db, "--format", "json", "--apply", "--to", &to];
        Ran::of(self.plimsoll.command(&[&arguments, more].concat()).env_remove("SOURCE_DATE_EPOCH"))
    }

    /// The package that comes along.
    pub(super) fn libnew(&self) -> PathBuf {
        self.new[2].clone()
    }

    pub(super) fn repository(&self) -> Files {
        repository(&self.folder, &self.key, &self.new)
    }
}

impl Scene {
    /// Makes sure that nothing comes of a repository.
    pub(super) fn refuses(&self, name: &str, files: Files, reason: &str) {
        let ran = self.apply(&serve(files), &self.key.public(), &["--no-cache"]);
        assert_eq!(ran.code, 2, "{name}: {} {}", ran.out, ran.err);
        assert!(ran.err.contains(reason), "{name}: {}", ran.err);
        assert!(!self.plimsoll.folder().join("new").exists(), "{name}");
    }

    /// A repository whose list calls `libnew` by the name and version of `liba`.
    fn mislabeled(&self) -> Files {
        let mut files = self.repository();
        let path = files.keys().find(|path| path.ends_with("primary.xml.gz")).unwrap().clone();
        let mut list = String::new();
        std::io::Read::read_to_string(
            &mut flate2::read::MultiGzDecoder::new(files[&path].as_slice()),
            &mut list,
        )
        .unwrap();
        let list = list
            .replace("<name>liba</name>", "<name>libx</name>")
            .replace("<name>libnew</name>", "<name>liba</name>")
            .replace(
                "<version epoch=\"0\" ver=\"2\" rel=\"1\"/>",
                "<version epoch=\"0\" ver=\"1.1\" rel=\"1\"/>",
            );
        let repomd = format!(
            "<repomd><data type=\"primary\"><checksum type=\"sha256\">{}</checksum><location href=\"repodata/p.xml\"/><size>{}</size></data></repomd>",
            Digest::of(list.as_bytes()).hex(),
            list.len()
        );
        let place = self.folder.join("repomd.xml");
        write(&place, &repomd);
        said(self.key.gpg().args(["--armor", "--detach-sign"]).arg(&place));
        let signature = fs::read(self.folder.join("repomd.xml.asc")).unwrap();
        for (name, bytes) in
            [("p.xml", list.into_bytes()), ("repomd.xml", repomd.into_bytes()), ("repomd.xml.asc", signature)]
        {
            files.insert(format!("/os/9/x86_64/repodata/{name}"), bytes);
        }
        files
    }
}

/// What rpm reads out of a database, but for the times of installing.
fn told(form: &Form, root: &Path) -> Vec<String> {
    let format = "%{nevra} %{size} %{sha1header} %{sha256header} %{sigmd5} [%{filenames} %{filestates} %{filedigests};] [%{requirenevrs},] [%{changelogtext},] %{rsaheader:hex}%{dsaheader:hex}\n";
    let told = said(form.rpm(root).args(["-qa", "--nosignature", "--qf", format]));
    let mut lines: Vec<String> = told.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// All that SQLite has in the tables by which packages are found, but for the packages' numbers.
fn tables(root: &Path) -> String {
    let path = root.join(SQLITE.folder).join("rpmdb.sqlite");
    let query = |query: &str| said(Command::new("sqlite3").arg(&path).arg(query));
    let schema = query("select sql from sqlite_master where name not like 'sqlite_%' order by name");
    let names = query(
        "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' and name not in ('Packages', 'Installtid') order by name",
    );
    let rows = |name: &str| {
        format!("{name}\n{}", query(&format!("select quote(key), idx from '{name}' order by 1, 2")))
    };
    schema + &names.lines().map(rows).collect::<String>()
}

/// Applies a plan, has rpm install the same, and compares all that rpm tells of both; gives the two root filesystems.
pub(super) fn applied_as_rpm_installs(scene: &Scene, key: &[u8]) -> (PathBuf, PathBuf) {
    let form = &scene.form;
    let ran = scene.apply(&serve(scene.repository()), key, &[]);
    let value: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{} {}", ran.out, ran.err));
    let applied = &value["applied"];
    let names: Vec<&str> = applied["packages"].as_array().unwrap().iter().map(|p| text(&p["name"])).collect();
    assert_eq!(names, ["a-tool", "liba", "libnew"], "{}", ran.out);
    assert_eq!(applied["packages"][0]["scripts"], json!([{ "name": "%post", "line": "useradd a" }]));
    assert_eq!(applied["packages"][1]["scripts"], json!([]));
    assert_eq!(applied["packages"][1]["triggers"], json!(["a-tool /usr/lib"]));
    assert_eq!(applied["kept"], json!(["/etc/a.conf"]));
    let saved: Vec<&str> = applied["saved"].as_array().unwrap().iter().map(|s| text(&s["saved"])).collect();
    assert_eq!(saved, ["/etc/c.conf.rpmsave", "/etc/gone.conf.rpmsave"]);
    let (ours, theirs) = (scene.plimsoll.folder().join("ours"), scene.root.clone());
    unpack(&scene.plimsoll.folder().join("new"), &ours);
    form.install(&theirs, "-U", &scene.new);
    let is_left = |path: &str| {
        path.starts_with(form.folder) || path.starts_with(form.repositories) || path.starts_with("etc/pki")
    };
    assert_eq!(files(&ours, &is_left), files(&theirs, &is_left));
    assert_eq!(told(form, &ours), told(form, &theirs));
    let verify = |root: &Path| {
        let mut verify = form.rpm(root);
        let output = verify.args(["-Va", "--nosignature", "--nodeps", "--noscripts"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(verify(&ours), verify(&theirs));
    let found = said(form.rpm(&ours).args(["-qf", "--nosignature", "/usr/share/a/same"]));
    assert_eq!(found.trim(), "liba-1.1-1.x86_64");
    (ours, theirs)
}

/// rpm goes on with what we wrote.
pub(super) fn goes_on(form: &Form, root: &Path) {
    let mut erase = form.rpm(root);
    said(erase.args(["-e", "--nodeps", "--noscripts", "--nosignature", "libnew"]).args(form.forced));
    assert!(!root.join("usr/lib/libnew.so.2").exists());
}

#[test]
fn what_is_applied_is_what_rpm_would_install() {
    if !installed(&TOOLS) {
        return;
    }
    let scene = scene(SQLITE);
    let (ours, theirs) = applied_as_rpm_installs(&scene, &scene.key.public());
    assert_eq!(tables(&ours), tables(&theirs));
    goes_on(&SQLITE, &ours);
}

#[test]
fn a_repository_that_lies_is_refused_and_nothing_is_written() {
    if !installed(&TOOLS) {
        return;
    }
    let scene = scene(SQLITE);
    let stranger = Key::new(scene.plimsoll.folder().join("stranger"));
    let changed = |end: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut files = scene.repository();
        let (_, bytes) = files.iter_mut().find(|(path, _)| path.ends_with(end)).unwrap();
        change(bytes);
        files
    };
    let cases: [(&str, Files, &str); 5] = [
        (
            "other-key",
            repository(&scene.folder, &stranger, &scene.new),
            "a key that the image does not trust",
        ),
        ("unsigned", changed("repomd.xml.asc", &|bytes| *bytes = b"none".to_vec()), "it has no signature"),
        (
            "repomd-changed",
            changed("repomd.xml", &|bytes| bytes.extend(b"<!-- -->")),
            "the document was changed",
        ),
        (
            "list-changed",
            changed("primary.xml.gz", &|bytes| *bytes.last_mut().unwrap() ^= 1),
            "it has the digest",
        ),
        (
            "package-changed",
            changed("liba-1.1-1.x86_64.rpm", &|bytes| *bytes.last_mut().unwrap() ^= 1),
            "it has the digest",
        ),
    ];
    for (name, files, reason) in cases {
        scene.refuses(name, files, reason);
    }
    // A list that calls another package by a name, signed as the other package is.
    let ran = scene.apply(&serve(scene.mislabeled()), &scene.key.public(), &["--no-cache"]);
    assert!(ran.err.contains("its name is \"libnew\""), "{} {}", ran.out, ran.err);
    let ran = scene.apply(&serve(scene.repository()), b"no key", &["--no-cache"]);
    assert!(ran.err.contains("the image has no key for it"), "{}", ran.err);
    // What is old, honestly signed, takes nothing back.
    let old: Vec<PathBuf> = ["liba", "a-tool"]
        .map(|name| scene.folder.join(format!("RPMS/x86_64/{name}-1.0-1.x86_64.rpm")))
        .to_vec();
    let ran = scene.apply(
        &serve(self::repository(&scene.folder, &scene.key, &old)),
        &scene.key.public(),
        &["--no-cache"],
    );
    assert!(ran.out.contains("the repositories have 1.0-1 only"), "{} {}", ran.out, ran.err);
    assert!(!scene.plimsoll.folder().join("new").exists());
}

#[test]
fn packages_that_nobody_vouches_for_are_refused() {
    if !installed(&TOOLS) {
        return;
    }
    let scene = scene(SQLITE);
    let stranger = Key::new(scene.plimsoll.folder().join("stranger"));
    let elsewhere = scene.plimsoll.folder().join("elsewhere");
    let others = scene.plimsoll.folder().join("others");
    for folder in [&elsewhere, &others] {
        fs::create_dir_all(folder).unwrap();
    }
    let strange = package(&elsewhere, &stranger, &NEW_LIBRARY);
    let unsigned = elsewhere.join("unsigned.rpm");
    fs::copy(&strange, &unsigned).unwrap();
    said(Command::new("rpmsign").arg("--delsign").arg(&unsigned));
    let with = |rpm: &Path| {
        repository(&scene.folder, &scene.key, &[rpm.to_owned(), scene.new[1].clone(), scene.new[2].clone()])
    };
    let overwriting = Recipe {
        install: "echo evil > usr/bin/b; echo new > usr/bin/new",
        files: "/usr/bin/b\n/usr/bin/new\n",
        ..DEPENDENCY
    };
    let held = Recipe {
        files: "/usr/sbin/ldconfig\n/usr/bin/a\n/usr/bin/b\n",
        install: "echo new > usr/bin/a; echo new > usr/bin/b; mkdir usr/sbin; echo x > usr/sbin/ldconfig",
        ..NEW_TOOL
    };
    let overwriting = [&NEW_LIBRARY, &held, &overwriting].map(|recipe| package(&others, &scene.key, recipe));
    let cases: [(&str, Files, &str); 4] = [
        ("package-of-a-stranger", with(&strange), "a key that the image does not trust"),
        ("package-unsigned", with(&unsigned), "nobody signed it"),
        (
            "missing-need",
            repository(&scene.folder, &scene.key, &scene.new[..2]),
            "which neither the image nor its repositories have",
        ),
        (
            "overwriting",
            repository(&scene.folder, &scene.key, &overwriting),
            "would overwrite /usr/bin/b, which belongs to",
        ),
    ];
    for (name, files, reason) in cases {
        scene.refuses(name, files, reason);
    }
}
