//! What tests of `plimsoll plan --apply` share: repositories that may lie, keys, databases with one flaw, and layers laid on
//! each other.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use plimsoll_testkit::http::HttpServer;
use plimsoll_testkit::tools::output_of;
use serde_json::{Value, json};

use super::{Plimsoll, said, text, write};

/// A repository, file by file.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

pub(crate) fn serve(files: Files) -> HttpServer {
    let files = Arc::new(files);
    HttpServer::start(move |request, connection| match files.get(&request.target) {
        Some(bytes) => connection.answer(200, &[("Content-Type", "application/octet-stream")], bytes),
        None => connection.answer(404, &[], b""),
    })
}

/// A key, and what it signs.
pub(crate) struct Key {
    home: PathBuf,
}

impl Key {
    pub(crate) fn new(home: PathBuf) -> Self {
        fs::create_dir_all(&home).unwrap();
        fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
        let key = Self { home };
        said(key.gpg().args([
            "--passphrase",
            "",
            "--quick-gen-key",
            "Test <t@example.org>",
            "ed25519",
            "sign",
            "never",
        ]));
        key
    }

    /// Where gpg keeps it.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    pub(crate) fn gpg(&self) -> Command {
        let mut command = Command::new("gpg");
        command.args(["--batch", "--quiet", "--yes", "--homedir"]).arg(&self.home);
        command
    }

    pub(crate) fn public(&self) -> Vec<u8> {
        output_of(self.gpg().arg("--export"))
    }

    pub(crate) fn sign(&self, text: &str) -> String {
        let path = self.home.join("text");
        fs::write(&path, text).unwrap();
        said(self.gpg().args(["--clearsign", "--output", "-"]).arg(&path))
    }
}

/// A database in which all versions of `name` before `fixed` have a critical flaw.
pub(crate) fn database(plimsoll: &Plimsoll, ecosystem: &str, name: &str, fixed: &str) -> String {
    let record = json!({
        "id": "DSA-9999-1", "modified": "2026-08-30T00:00:00Z", "published": "2026-08-01T00:00:00Z",
        "severity": [{ "type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" }],
        "affected": [{
            "package": { "ecosystem": ecosystem, "name": name },
            "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": fixed }] }],
        }],
    });
    let feeds = plimsoll.folder().join("feeds");
    write(&feeds.join("DSA-9999-1.json"), record.to_string());
    let path = plimsoll.folder().join("advisories.db");
    let path = path.to_str().unwrap().to_owned();
    let ran = plimsoll.run(&["db", "build", feeds.to_str().unwrap(), "-o", &path]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    path
}

/// Lays the layers of a layout on each other in a folder, as a runtime does.
pub(crate) fn unpack(layout: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    let blob = |digest: &Value| layout.join("blobs/sha256").join(text(digest).trim_start_matches("sha256:"));
    let read = |path: &Path| -> Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
    let manifest = read(&blob(&read(&layout.join("index.json"))["manifests"][0]["digest"]));
    for layer in manifest["layers"].as_array().unwrap() {
        let path = blob(&layer["digest"]);
        let list = said(Command::new("tar").arg("-tf").arg(&path));
        for line in list.lines() {
            let (folder, name) = line.rsplit_once('/').unwrap_or(("", line));
            if let Some(hidden) = name.strip_prefix(".wh.") {
                let hidden = to.join(folder).join(hidden);
                assert!(hidden.symlink_metadata().is_ok(), "nothing to hide at {}", hidden.display());
                if hidden.is_dir() {
                    fs::remove_dir_all(hidden).unwrap()
                } else {
                    fs::remove_file(hidden).unwrap()
                }
            }
        }
        said(Command::new("tar").args(["--exclude=.wh.*", "-xpf"]).arg(&path).arg("-C").arg(to));
    }
}
