//! From the machine that compiles a database to those that use it: deltas, signatures, OCI artifacts.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its environment and its own files")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use plimsoll_testkit::http::HttpServer;
use plimsoll_testkit::registry::{RegistryServer, RegistrySetup};
use plimsoll_testkit::tools::installed;
use serde_json::{Value, json};
use support::{Plimsoll, Ran, said, write};

/// Days after the day of all other tests.
fn epoch(days: i64) -> String {
    (support::EPOCH.parse::<i64>().unwrap() + days * 86_400).to_string()
}

/// The surroundings of one test: keys of two signers, and a configuration that trusts the first.
struct Harbor {
    plimsoll: Plimsoll,
}

impl Harbor {
    fn new() -> Option<Self> {
        if !installed(&["openssl"]) {
            return None;
        }
        let plimsoll = Plimsoll::new();
        for name in ["ours", "theirs"] {
            let openssl = |arguments: &[&str]| {
                said(Command::new("openssl").args(arguments).current_dir(plimsoll.folder()));
            };
            let (key, public) = (format!("{name}.pem"), format!("{name}.public.pem"));
            openssl(&["genpkey", "-algorithm", "ed25519", "-out", &key]);
            openssl(&["pkey", "-in", &key, "-pubout", "-out", &public]);
        }
        let harbor = Self { plimsoll };
        harbor.configure("");
        Some(harbor)
    }

    fn configure(&self, more: &str) {
        let key = self.path("ours.public.pem");
        let text = format!("[database]\ntrusted-keys = [\"{}\"]\n{more}", key.display());
        fs::write(self.path("config.toml"), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.plimsoll.folder().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn installed(&self) -> PathBuf {
        self.plimsoll.cache().join("advisories.db")
    }

    /// A database of `count` advisories, compiled `days` after the day of the tests.
    fn database(&self, name: &str, count: u32, days: i64) -> String {
        database(&self.plimsoll, name, count, days)
    }

    fn sign(&self, file: &str, key: &str, options: &[&str]) {
        let key = self.text(&format!("{key}.pem"));
        let ran = self.plimsoll.run(&[&["db", "sign", file, "--key", &key], options].concat());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    }

    /// Runs with the configuration, `days` after the day of the tests.
    fn on_day(&self, days: i64, arguments: &[&str]) -> Ran {
        let config = self.text("config.toml");
        let mut command = self.plimsoll.command(&[&["--config", &config], arguments].concat());
        Ran::of(command.env("SOURCE_DATE_EPOCH", epoch(days)))
    }

    fn refused(&self, days: i64, arguments: &[&str], why: &str) {
        let before = fs::read(self.installed()).ok();
        let ran = self.on_day(days, arguments);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}");
        assert!(ran.err.contains(why), "{}", ran.err);
        assert!(fs::read(self.installed()).ok() == before, "what is installed stays");
    }

    fn accepted(&self, days: i64, arguments: &[&str], file: &str) {
        let ran = self.on_day(days, arguments);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{arguments:?}");
        assert!(fs::read(self.installed()).unwrap() == fs::read(file).unwrap());
    }
}

fn database(plimsoll: &Plimsoll, name: &str, count: u32, days: i64) -> String {
    let feeds = plimsoll.folder().join(format!("{name}.feeds"));
    for n in 0..count {
        let record = json!({
            "id": format!("PYSEC-2999-{n}"), "modified": "2026-08-30T00:00:00Z",
            "affected": [{
                "package": { "ecosystem": "PyPI", "name": format!("package{n}") },
                "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": format!("1.{n}") }] }],
            }],
        });
        write(&feeds.join(format!("{n}.json")), record.to_string());
    }
    let file = plimsoll.folder().join(name).display().to_string();
    let mut command = plimsoll.command(&["db", "build", feeds.to_str().unwrap(), "-o", &file]);
    let ran = Ran::of(command.env("SOURCE_DATE_EPOCH", epoch(days)));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    file
}

#[test]
fn a_delta_gives_what_a_full_build_gives() {
    let plimsoll = Plimsoll::new();
    let (old, new) = (database(&plimsoll, "old.db", 500, 0), database(&plimsoll, "new.db", 503, 1));
    let path = |name: &str| plimsoll.folder().join(name).display().to_string();
    let (delta, result) = (path("new.delta"), path("result.db"));
    let ran = plimsoll.run(&["db", "delta", &old, &new, "-o", &delta]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let size = |file: &str| fs::metadata(file).unwrap().len();
    assert!(size(&delta) < 1_500 && size(&delta) * 10 < size(&new), "{} of {}", size(&delta), size(&new));
    let ran = plimsoll.run(&["db", "apply", &old, &delta, "-o", &result]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(fs::read(&result).unwrap() == fs::read(&new).unwrap());
    let ran = plimsoll.run(&["db", "apply", &new, &delta, "-o", &path("none.db")]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("the delta is for the database sha256:"), "{}", ran.err);
    assert!(!Path::new(&path("none.db")).exists());
}

#[test]
fn a_signed_database_is_installed_and_its_signature_kept() {
    let Some(harbor) = Harbor::new() else { return };
    let (first, second) = (harbor.database("a.db", 3, 0), harbor.database("b.db", 4, 1));
    for (file, command) in [(&first, ["db", "import"]), (&second, ["db", "update"])] {
        harbor.sign(file, "ours", &["--expires", "14"]);
        harbor.accepted(1, &[&command, [file.as_str()].as_slice()].concat(), file);
    }
    let kept: Vec<_> = fs::read_dir(harbor.plimsoll.cache())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(fs::read(&kept[0]).unwrap(), fs::read(format!("{second}.sig.json")).unwrap());
}

#[test]
fn a_database_without_a_signature_is_refused() {
    let Some(harbor) = Harbor::new() else { return };
    let file = harbor.database("a.db", 3, 0);
    for command in ["import", "update"] {
        harbor.refused(0, &["db", command, &file], "the database has no signature");
    }
}

#[test]
fn a_signature_of_somebody_else_is_refused() {
    let Some(harbor) = Harbor::new() else { return };
    let file = harbor.database("a.db", 3, 0);
    harbor.sign(&file, "theirs", &[]);
    harbor.refused(0, &["db", "import", &file], "the signature is by none of the 1 trusted keys");
    fs::write(format!("{file}.sig.json"), "{").unwrap();
    harbor.refused(0, &["db", "import", &file], "the signature is malformed");
}

#[test]
fn a_database_with_another_digest_than_the_signed_one_is_refused() {
    let Some(harbor) = Harbor::new() else { return };
    let (file, other) = (harbor.database("a.db", 3, 0), harbor.database("b.db", 4, 0));
    harbor.sign(&file, "ours", &[]);
    fs::copy(format!("{file}.sig.json"), format!("{other}.sig.json")).unwrap();
    harbor.refused(0, &["db", "import", &other], "the database has digest sha256:");
}

#[test]
fn an_older_database_than_the_installed_one_is_refused() {
    let Some(harbor) = Harbor::new() else { return };
    let (old, new) = (harbor.database("a.db", 3, 0), harbor.database("b.db", 4, 2));
    for file in [&old, &new] {
        harbor.sign(file, "ours", &[]);
    }
    harbor.accepted(2, &["db", "import", &new], &new);
    harbor.refused(
        2,
        &["db", "import", &old],
        "the database of 2026-09-01 is older than the installed one of 2026-09-03",
    );
    harbor.accepted(2, &["db", "import", &old, "--allow-older"], &old);
}

#[test]
fn an_expired_database_is_refused_and_told_in_scans() {
    let Some(harbor) = Harbor::new() else { return };
    let file = harbor.database("a.db", 3, 0);
    harbor.sign(&file, "ours", &["--expires", "14"]);
    harbor.refused(
        15,
        &["db", "import", &file],
        "the database expired: its signature holds until 2026-09-15",
    );
    harbor.accepted(14, &["db", "import", &file], &file);
    let root = harbor.path("rootfs");
    write(&root.join("etc/os-release"), "ID=debian\nVERSION_ID=\"12\"\n");
    let gaps = |days| {
        let ran = harbor.on_day(days, &["scan", &format!("dir:{}", root.display()), "--format", "json"]);
        let report: Value = serde_json::from_str(&ran.out).unwrap();
        let gaps = report["scans"][0]["gaps"].as_array().unwrap().clone();
        gaps.into_iter().filter(|gap| gap["kind"] == "stale-database").collect::<Vec<_>>()
    };
    assert_eq!(gaps(14), [Value::Null; 0]);
    let stale = gaps(15);
    assert_eq!(stale.len(), 1);
    assert!(stale[0]["reason"].as_str().unwrap().contains("the database expired"), "{stale:?}");
}

#[test]
fn a_signature_beside_an_address_is_fetched() {
    let Some(harbor) = Harbor::new() else { return };
    let file = harbor.database("a.db", 3, 0);
    harbor.sign(&file, "ours", &[]);
    let (body, signature) = (fs::read(&file).unwrap(), fs::read(format!("{file}.sig.json")).unwrap());
    let server = HttpServer::start(move |request, connection| match request.target.as_str() {
        "/signed.db" | "/unsigned.db" => connection.answer(200, &[], &body),
        "/signed.db.sig.json" => connection.answer(200, &[], &signature),
        _ => connection.answer(404, &[], b""),
    });
    let address = |name: &str| format!("{}/{name}", server.url());
    harbor.refused(0, &["db", "update", &address("unsigned.db")], "fetching the signature");
    harbor.accepted(0, &["db", "update", &address("signed.db")], &file);
}

#[test]
fn a_database_travels_through_a_registry_and_a_layout() {
    let Some(harbor) = Harbor::new() else { return };
    let Some(registry) = RegistryServer::start(&RegistrySetup::default()) else { return };
    let name = format!("{}/security/advisories:today", registry.host());
    harbor.configure(&format!(
        "reference = \"{name}\"\n[registries.registry.\"{}\"]\nplain-http = true\n",
        registry.host()
    ));
    let file = harbor.database("a.db", 300, 0);
    harbor.sign(&file, "ours", &["--expires", "1"]);
    let pushed = harbor.on_day(0, &["db", "push", &file, &name]);
    assert_eq!((pushed.code, pushed.err.as_str()), (0, ""));
    assert_eq!(harbor.on_day(0, &["db", "push", &file, &name]).out, pushed.out, "the same artifact");
    harbor.accepted(0, &["db", "pull"], &file);
    // The database is there, a longer signature is not.
    harbor.sign(&file, "ours", &["--expires", "20"]);
    assert_eq!(harbor.on_day(0, &["db", "push", &file, &name]).code, 0);
    let again = harbor.on_day(5, &["db", "pull", &name]);
    assert!(again.code == 0 && again.out.starts_with("unchanged\n"), "{again:?}");
    harbor.refused(30, &["db", "pull", &name], "the database expired");
    // Another tool carries it into the closed network.
    let layout = harbor.path("layout");
    let mut skopeo = Command::new("skopeo");
    skopeo.args(["--insecure-policy", "copy", "--quiet", "--src-tls-verify=false"]);
    said(skopeo.args([format!("docker://{name}"), format!("oci:{}:today", layout.display())]));
    let mut skopeo = Command::new("skopeo");
    let raw = said(skopeo.args(["inspect", "--raw"]).arg(format!("oci:{}:today", layout.display())));
    assert!(raw.contains("application/vnd.plimsoll.database.v1\""), "{raw}");
    fs::remove_file(harbor.installed()).unwrap();
    let from = format!("oci:{}:today", layout.display());
    harbor.accepted(5, &["db", "import", &from], &file);
    // Something else is refused: the layout's database replaced by other bytes.
    fs::remove_file(harbor.installed()).unwrap();
    let manifest: Value = serde_json::from_str(&raw).unwrap();
    let digest = manifest["layers"][0]["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap();
    fs::write(layout.join("blobs/sha256").join(digest), b"other").unwrap();
    harbor.refused(5, &["db", "import", &from], "digest");
}

#[test]
fn an_unsigned_artifact_and_an_image_are_refused() {
    let Some(harbor) = Harbor::new() else { return };
    let Some(registry) = RegistryServer::start(&RegistrySetup::default()) else { return };
    harbor.configure(&format!("[registries.registry.\"{}\"]\nplain-http = true\n", registry.host()));
    let name = format!("{}/advisories:1", registry.host());
    let file = harbor.database("a.db", 3, 0);
    assert_eq!(harbor.on_day(0, &["db", "push", &file, &name]).code, 0);
    harbor.refused(0, &["db", "pull", &name], "the database has no signature");
    registry.push(&plimsoll_testkit::registry::TinyImage::new(10), "image:1", &[]);
    let image = format!("{}/image:1", registry.host());
    harbor.refused(0, &["db", "pull", &image], "not an advisory database");
    harbor.refused(0, &["db", "pull"], "give a reference");
}

#[test]
fn many_installs_and_readers_at_once_see_whole_databases() {
    let Some(harbor) = Harbor::new() else { return };
    let files = [harbor.database("a.db", 30, 0), harbor.database("b.db", 40, 0)];
    for file in &files {
        harbor.sign(file, "ours", &["--expires", "14"]);
    }
    harbor.accepted(0, &["db", "import", &files[0]], &files[0]);
    std::thread::scope(|scope| {
        for n in 0..8 {
            let (harbor, file) = (&harbor, &files[n % 2]);
            scope.spawn(move || {
                let ran = harbor.on_day(0, &["db", "import", file]);
                assert_eq!((ran.code, ran.err.as_str()), (0, ""));
            });
            scope.spawn(move || {
                let ran = harbor.on_day(0, &["db", "info", "--verify"]);
                assert_eq!((ran.code, ran.err.as_str()), (0, ""));
            });
        }
    });
    let bytes = fs::read(harbor.installed()).unwrap();
    assert!(files.iter().any(|file| fs::read(file).unwrap() == bytes));
}
