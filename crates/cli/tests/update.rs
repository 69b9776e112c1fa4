//! `db update` over the network: from a real web server to a scan, and what happens when feeds cannot be had.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its environment and its own files")]

mod support;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use plimsoll_testkit::http::HttpServer;
use plimsoll_testkit::nginx::Nginx;
use plimsoll_testkit::tools::installed;
use serde_json::{Value, json};
use support::{Plimsoll, Ran, said, write};

fn record(id: &str, fixed: &str) -> String {
    json!({
        "id": id, "modified": "2026-08-30T00:00:00Z", "published": "2026-08-30T00:00:00Z",
        "affected": [{
            "package": { "ecosystem": "PyPI", "name": "django" },
            "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": fixed }] }],
        }],
    })
    .to_string()
}

/// An `all.zip` as OSV has it, made by another program than ours.
fn zip(path: &Path, records: &[(&str, &str)]) {
    let folder = plimsoll_testkit::folder::Folder::new();
    for (id, fixed) in records {
        fs::write(folder.path().join(format!("{id}.json")), record(id, fixed)).unwrap();
    }
    let made = folder.path().join("all.zip");
    let mut command = Command::new("python3");
    command.args(["-m", "zipfile", "-c"]).arg(&made).args(records.iter().map(|(id, _)| format!("{id}.json")));
    said(command.current_dir(folder.path()));
    fs::copy(made, path).unwrap();
}

/// A root filesystem with an old Django.
fn rootfs(plimsoll: &Plimsoll) -> String {
    let root = plimsoll.folder().join("rootfs");
    write(
        &root.join("usr/lib/python3/dist-packages/Django-3.2.dist-info/METADATA"),
        "Metadata-Version: 2.1\nName: Django\nVersion: 3.2\n",
    );
    format!("dir:{}", root.display())
}

fn ids(scan: &Value) -> Vec<String> {
    let findings = scan["findings"].as_array().unwrap().iter();
    let found = findings.filter(|finding| finding["kind"] == "vulnerability");
    let mut ids: Vec<String> = found.map(|finding| finding["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

fn update(plimsoll: &Plimsoll, sources: &[&str]) -> (Ran, Value) {
    let ran = plimsoll.run(&[&["db", "update", "--json"], sources].concat());
    let value = serde_json::from_str(&ran.out).unwrap_or(Value::Null);
    (ran, value)
}

#[test]
fn feeds_come_from_a_web_server_once_and_serve_a_scan() {
    if !installed(&["python3"]) {
        return;
    }
    let Some(nginx) = Nginx::start() else { return };
    let plimsoll = Plimsoll::new();
    fs::create_dir(nginx.root().join("PyPI")).unwrap();
    zip(&nginx.root().join("PyPI/all.zip"), &[("PYSEC-2999-1", "3.2.1"), ("PYSEC-2999-2", "3.2.2")]);
    let address = format!("{}/PyPI/all.zip", nginx.url());
    let (first, report) = update(&plimsoll, &[&address]);
    assert_eq!((first.code, first.err.as_str()), (0, ""));
    assert_eq!(
        (&report["fetched"][0]["outcome"], &report["fetched"][0]["name"]),
        (&json!("new"), &json!(address))
    );
    assert_eq!(report["database"]["feeds"][0]["date"], "2026-08-30");
    let installed = plimsoll.cache().join("advisories.db");
    let bytes = fs::read(&installed).unwrap();
    let (second, report) = update(&plimsoll, &[&address]);
    assert_eq!((second.code, &report["fetched"][0]["outcome"]), (0, &json!("unchanged")));
    assert!(fs::read(&installed).unwrap() == bytes, "the same feeds make the same database");
    let requests = nginx.requests();
    assert!(requests.len() == 2 && requests[1].starts_with("304 0 "), "{requests:?}");
    let image = rootfs(&plimsoll);
    let with = installed.to_str().unwrap();
    assert_eq!(ids(&plimsoll.scan(&image, &["--db", with])), ["PYSEC-2999-1", "PYSEC-2999-2"]);
    assert_eq!(ids(&plimsoll.scan(&image, &[])), ["PYSEC-2999-1", "PYSEC-2999-2"], "it is the newer one");
    let words = plimsoll.run(&["db", "update", &address]);
    assert_eq!((words.code, words.err.as_str()), (0, ""));
    assert!(words.out.contains("unchanged") && words.out.contains("pypa"), "{}", words.out);
}

#[test]
fn a_feed_that_cannot_be_had_is_told_and_its_copy_used() {
    let plimsoll = Plimsoll::new();
    let server = HttpServer::start(|request, connection| match request.target.as_str() {
        "/a.json" => connection.answer(200, &[], record("PYSEC-2999-1", "3.2.1").as_bytes()),
        _ => connection.answer(404, &[], b""),
    });
    let url = server.url();
    let host = server.host();
    let config = plimsoll.folder().join("config.toml");
    let sources = format!(
        "[database]\nsources = [{{ name = \"ours\", addresses = [\"{url}/gone\", \"{url}/a.json\"], file = \"ours.json\" }}, \
         \"{url}/gone.json?token=s3cret\"]\n"
    );
    fs::write(&config, sources).unwrap();
    let run = || plimsoll.run(&["--config", config.to_str().unwrap(), "db", "update"]);
    let ran = run();
    assert_eq!(ran.code, 2);
    let gone =
        format!("warning: {url}/gone.json?[secret]: {host} answered 404; the database is without it\n");
    assert_eq!(ran.err, gone);
    assert!(ran.out.contains("fetched ours") && ran.out.contains("missing"), "{}", ran.out);
    assert_eq!(ids(&plimsoll.scan(&rootfs(&plimsoll), &[])), ["PYSEC-2999-1"]);
    let bytes = fs::read(plimsoll.cache().join("advisories.db")).unwrap();
    drop(server);
    let ran = run();
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("warning: ours: the connection to"), "{}", ran.err);
    assert!(ran.err.contains("; the copy of 20") && ran.err.contains(" is used\n"), "{}", ran.err);
    assert!(fs::read(plimsoll.cache().join("advisories.db")).unwrap() == bytes);
    let ran = plimsoll.run(&["db", "update", &format!("{url}/never.json")]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(
        ran.err.contains("error: none of the feeds could be fetched; the database stays as it was"),
        "{}",
        ran.err
    );
    assert!(fs::read(plimsoll.cache().join("advisories.db")).unwrap() == bytes);
}

#[test]
fn a_compiled_database_is_verified_and_installed_as_it_is() {
    let plimsoll = Plimsoll::new();
    let feeds = plimsoll.folder().join("feeds");
    write(&feeds.join("a.json"), record("PYSEC-2999-1", "3.2.1"));
    let file = plimsoll.folder().join("made.db");
    let (feeds, made) = (feeds.to_str().unwrap(), file.to_str().unwrap());
    assert_eq!(plimsoll.run(&["db", "build", feeds, "-o", made]).code, 0);
    let sound = fs::read(&file).unwrap();
    let mut damaged = sound.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let (body, broken) = (sound.clone(), damaged);
    let server = HttpServer::start(move |request, connection| {
        connection.answer(200, &[], if request.target == "/sound.db" { &body } else { &broken });
    });
    let (ran, report) = update(&plimsoll, &[&format!("{}/sound.db", server.url())]);
    assert_eq!((ran.code, &report["build"]), (0, &Value::Null));
    let installed = plimsoll.cache().join("advisories.db");
    assert!(fs::read(&installed).unwrap() == sound);
    let ran = plimsoll.run(&["db", "update", &format!("{}/damaged.db", server.url())]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("damaged"), "{}", ran.err);
    assert!(fs::read(&installed).unwrap() == sound, "what is installed stays");
    let left: Vec<_> =
        fs::read_dir(plimsoll.cache()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn proxies_are_those_of_registries() {
    let plimsoll = Plimsoll::new();
    let proxy = HttpServer::start(|request, connection| {
        assert_eq!(request.target, "http://feeds.example/a.json");
        connection.answer(200, &[], record("PYSEC-2999-1", "3.2.1").as_bytes());
    });
    let mut command = plimsoll.command(&["db", "update", "http://feeds.example/a.json"]);
    assert_eq!(Ran::of(command.env("http_proxy", proxy.url())).code, 0);
    let config = plimsoll.folder().join("config.toml");
    let mut file = fs::File::create(&config).unwrap();
    writeln!(file, "[registries.proxy]\nhttp = \"{}\"", proxy.url()).unwrap();
    let ran =
        plimsoll.run(&["--config", config.to_str().unwrap(), "db", "update", "http://feeds.example/a.json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(proxy.requests().len(), 2);
}

#[test]
fn sources_that_make_no_sense_are_refused() {
    let plimsoll = Plimsoll::new();
    let ran = plimsoll.run(&["db", "update", "debian-trakcer"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("\"debian-trakcer\" is neither a file nor a feed"), "{}", ran.err);
    let ran = plimsoll.run(&["db", "update", "ftp://joe:hunter2@h/x"]);
    assert!(ran.code == 2 && !ran.err.contains("hunter2"), "{}", ran.err);
    let config = plimsoll.folder().join("config.toml");
    for (source, why) in [
        ("{ name = \"x\", addresses = [\"https://h/x\"], file = \"../x\" }", "no sound name of a file"),
        ("{ name = \"x\", addresses = [] }", "has no address"),
        ("{ name = \"x\", url = \"https://h/x\" }", "expected a feed's name"),
    ] {
        fs::write(&config, format!("database.sources = [{source}]\n")).unwrap();
        let ran = plimsoll.run(&["--config", config.to_str().unwrap(), "db", "update"]);
        assert!(ran.code == 2 && ran.err.contains(why), "{}", ran.err);
    }
}

#[test]
fn the_feeds_are_listed_with_their_licences() {
    let plimsoll = Plimsoll::new();
    let ran = plimsoll.run(&["db", "feeds"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(
        ran.out.contains("debian-tracker") && ran.out.contains("CC0-1.0; https://www.cisa.gov/"),
        "{}",
        ran.out
    );
    let list: Value = serde_json::from_str(&plimsoll.run(&["db", "feeds", "--json"]).out).unwrap();
    let feeds = list["feeds"].as_array().unwrap();
    assert!(feeds.iter().all(|feed| feed["licence"].is_string() && feed["addresses"][0].is_string()));
}

/// A Debian package of `spice` with a changelog, in the pool of a repository below `root`, made and indexed by Debian's own
/// tools.
fn security_repository(root: &Path) {
    let (tree, pool) = (root.join("tree"), root.join("pool"));
    write(
        &tree.join("DEBIAN/control"),
        "Package: libspice1\nSource: spice\nVersion: 1.2-3+deb12u2\nArchitecture: amd64\nMaintainer: x <x@example.org>\nDescription: x\n",
    );
    let entry = |version: &str, text: &str| {
        format!(
            "spice ({version}) bookworm-security; urgency=medium\n\n  * {text}\n\n -- x <x@example.org>  Mon, 01 Jan 2024 00:00:00 +0000\n\n"
        )
    };
    let changelog = [
        entry("1.2-3+deb12u2", "Fix CVE-2999-0002 and CVE-2999-0003."),
        entry("1.2-3+deb12u1", "Fix CVE-2999-0001."),
    ]
    .concat();
    let documents = tree.join("usr/share/doc/libspice1");
    write(&documents.join("changelog.Debian"), changelog);
    write(&documents.join("changelog"), "What is new upstream: CVE-2999-0009.\n");
    said(
        Command::new("gzip")
            .arg("-n")
            .args([documents.join("changelog.Debian"), documents.join("changelog")]),
    );
    fs::create_dir(&pool).unwrap();
    said(
        Command::new("dpkg-deb")
            .args(["--root-owner-group", "-b"])
            .args([&tree, &pool.join("libspice1.deb")]),
    );
    let index = said(Command::new("dpkg-scanpackages").args(["--multiversion", "pool"]).current_dir(root));
    let packages = root.join("dists/bookworm-security/main/binary-amd64/Packages");
    write(&packages, index);
    said(Command::new("xz").arg(packages));
}

#[test]
fn the_repositories_of_an_image_are_feeds() {
    if !installed(&["dpkg-deb", "dpkg-scanpackages", "xz", "gzip"]) {
        return;
    }
    let Some(nginx) = Nginx::start() else { return };
    security_repository(&nginx.root());
    let plimsoll = Plimsoll::new();
    let root = plimsoll.folder().join("old");
    let status = "Package: libspice1\nStatus: install ok installed\nArchitecture: amd64\nSource: spice\nVersion: 1.2-3+deb12u1\n\n";
    write(&root.join("var/lib/dpkg/status"), status);
    write(&root.join("etc/os-release"), "ID=debian\nVERSION_ID=\"12\"\n");
    write(&root.join("etc/apt/sources.list"), format!("deb {} bookworm-security main\n", nginx.url()));
    let image = format!("dir:{}", root.display());
    let before = plimsoll.scan(&image, &[]);
    assert_eq!(before["gaps"][0]["kind"], "no-feed");
    let (ran, report) = update(&plimsoll, &["--from-image", &image]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let names: Vec<&str> =
        report["fetched"].as_array().unwrap().iter().map(|feed| feed["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["apt bookworm-security main", "changelog of spice"]);
    let scan = plimsoll.scan(&image, &[]);
    assert_eq!(ids(&scan), ["CVE-2999-0002", "CVE-2999-0003"], "what the installed version mends is none");
    assert_eq!(scan["gaps"][0]["kind"], "partial-feed");
    let vulnerability = &scan["findings"][0]["vulnerability"];
    assert_eq!(vulnerability["fixedVersions"], json!(["1.2-3+deb12u2"]));
    let django = plimsoll.scan(&rootfs(&plimsoll), &[]);
    assert!(
        ids(&django).len() > 10,
        "the bundled database answers for what the installed one does not cover"
    );
    let none = plimsoll.run(&["db", "update", "--from-image", &rootfs(&plimsoll)]);
    assert_eq!(none.code, 2);
    assert!(none.err.contains("names neither a Debian security repository"), "{}", none.err);
}

/// A repository of `spice`, old and new, with errata, made by the tools of rpm distributions.
fn rpm_repository(root: &Path) {
    let spec = |version: &str| {
        format!(
            "Name: spice\nVersion: {version}\nRelease: 1.el9\nSummary: x\nLicense: MIT\n%description\nx\n%install\n\
            mkdir -p %{{buildroot}}/usr/share/spice\necho {version} > %{{buildroot}}/usr/share/spice/version\n%files\n/usr/share/spice\n"
        )
    };
    for version in ["1.0", "1.1"] {
        let file = root.join(format!("spice-{version}.spec"));
        write(&file, spec(version));
        let mut command = Command::new("rpmbuild");
        command.args(["-bb", "--define"]).arg(format!("_topdir {}", root.join("build").display()));
        said(command.args(["--target", "x86_64-linux"]).arg(file));
    }
    let repository = root.join("9/x86_64");
    fs::create_dir_all(&repository).unwrap();
    said(Command::new("sh").args(["-c", "cp build/RPMS/*/*.rpm 9/x86_64/"]).current_dir(root));
    said(Command::new("createrepo_c").arg(&repository));
    let update = |id: &str, kind: &str, cve: &str| {
        format!(
            "<update from=\"x@example.org\" status=\"final\" type=\"{kind}\" version=\"1\"><id>{id}</id><title>Important: spice</title><release>AlmaLinux 9</release>\
            <issued date=\"2026-08-30 00:00:00\"/><severity>Important</severity><description>x</description>\
            <references><reference href=\"https://example.org/{cve}\" id=\"{cve}\" type=\"cve\"/></references>\
            <pkglist><collection short=\"almalinux-9-baseos\"><name>AlmaLinux 9 BaseOS</name>\
            <package name=\"spice\" version=\"1.1\" release=\"1.el9\" epoch=\"0\" arch=\"x86_64\"><filename>spice-1.1-1.el9.x86_64.rpm</filename></package>\
            </collection></pkglist></update>"
        )
    };
    let updates =
        [update("ALSA-2999:0001", "security", "CVE-2999-0001"), update("ALBA-2999:0002", "bugfix", "none")];
    let file = root.join("updateinfo.xml");
    write(&file, format!("<?xml version=\"1.0\"?><updates>{}</updates>", updates.concat()));
    said(Command::new("modifyrepo_c").arg(file).arg(repository.join("repodata")));
}

#[test]
fn the_rpm_repositories_of_an_image_are_feeds() {
    if !installed(&["rpm", "rpmbuild", "createrepo_c", "modifyrepo_c"]) {
        return;
    }
    let Some(nginx) = Nginx::start() else { return };
    rpm_repository(&nginx.root());
    let plimsoll = Plimsoll::new();
    let root = plimsoll.folder().join("old");
    let mut install = Command::new("rpm");
    install.arg("--root").arg(&root).args(["--nodeps", "--noscripts", "--dbpath", "/var/lib/rpm", "-i"]);
    said(install.arg(nginx.root().join("9/x86_64/spice-1.0-1.el9.x86_64.rpm")));
    write(&root.join("etc/os-release"), "ID=almalinux\nVERSION_ID=\"9.4\"\n");
    write(&root.join("etc/dnf/vars/place"), "mirrors\n");
    let url = nginx.url();
    write(&nginx.root().join("mirrors-9"), format!("# mirrors\n{url}/9/x86_64/\n"));
    let repositories = format!(
        "[baseos]\nmirrorlist={url}/$place-$releasever\nenabled=1\n\n[plain]\nbaseurl={url}/$nothing\n\n[off]\nbaseurl={url}/off\nenabled=0\n"
    );
    write(&root.join("etc/yum.repos.d/almalinux.repo"), repositories);
    let image = format!("dir:{}", root.display());
    let (ran, report) = update(&plimsoll, &["--from-image", &image]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("rpm repository plain: its address names $nothing"), "{}", ran.err);
    assert_eq!(report["fetched"][0]["name"], "errata of rpm baseos");
    let scan = plimsoll.scan(&image, &[]);
    assert_eq!(ids(&scan), ["CVE-2999-0001"]);
    assert_eq!(scan["findings"][0]["vulnerability"]["fixedVersions"], json!(["1.1-1.el9"]));
    // A mirror that gives out other errata than its table of contents tells is not believed.
    let found =
        said(Command::new("sh").args(["-c", "ls 9/x86_64/repodata/*updateinfo*"]).current_dir(nginx.root()));
    let errata = nginx.root().join(found.trim());
    fs::write(errata, fs::read(nginx.root().join("9/x86_64/repodata/repomd.xml")).unwrap()).unwrap();
    let (ran, _) = update(&plimsoll, &["--from-image", &image]);
    assert_eq!(ran.code, 2);
}
