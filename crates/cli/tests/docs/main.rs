//! Runs the commands of the pages under `docs/` and of the README: in blocks marked `console`, each line `$ …`,
//! with the exit code that a comment `# exits N` tells (0 without one). The commands of one page run in one folder
//! that holds what the pages speak of: `image/` (an OCI layout), `rootfs/` (a Debian), `feeds/` (an OSV record),
//! `Dockerfile` (that of the image).
#![cfg(test)]

mod reference;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use plimsoll_model::digest::Digest;
use serde_json::{Value, json};

/// A day in September 2026, shortly after the newest data of the bundled database.
const DAY: &str = "1788220800";

#[test]
fn the_commands_of_the_pages_do_what_the_pages_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut pages = vec![root.join("README.md")];
    find_pages(&root.join("docs"), &mut pages);
    let mut wrong = Vec::new();
    let mut count = 0;
    for page in &pages {
        let commands = commands(&read(page));
        if commands.is_empty() {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        for command in commands {
            count += 1;
            wrong
                .extend(run(&command, folder.path()).map(|trouble| format!("{}: {trouble}", page.display())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 10, "the pages have only {count} commands");
}

#[test]
fn commands_are_told_from_what_they_print() {
    let page =
        "```console\n$ plimsoll scan a \\\n    --quiet # exits 1\nerror\n```\n```sh\n$ plimsoll b\n```\n";
    let found = commands(page);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].text.as_str(), found[0].exit), ("plimsoll scan a  --quiet # exits 1", 1));
}

struct PageCommand {
    text: String,
    exit: i32,
}

#[expect(clippy::disallowed_methods, reason = "our own files")]
fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn find_pages(folder: &Path, pages: &mut Vec<PathBuf>) {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            find_pages(&path, pages);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
}

fn commands(page: &str) -> Vec<PageCommand> {
    let mut found = Vec::new();
    let mut is_console = false;
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("```") {
            is_console = line == "```console";
        }
        let Some(first) = line.strip_prefix("$ ").filter(|_| is_console) else { continue };
        let mut text = first.to_owned();
        while let Some(head) = text.strip_suffix('\\') {
            text = format!("{head} {}", lines.next().unwrap_or_default().trim());
        }
        let exit = text.rsplit_once("# exits ").map_or(0, |(_, code)| code.trim().parse().unwrap());
        found.push(PageCommand { text, exit });
    }
    found
}

/// Runs one command; tells what went otherwise than the page says.
fn run(command: &PageCommand, folder: &Path) -> Option<String> {
    let output = Command::new("/bin/sh")
        .args(["-c", &command.text])
        .current_dir(folder)
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", folder.join("bin").display()))
        .env("HOME", folder.join("home"))
        .env("SOURCE_DATE_EPOCH", DAY)
        .output()
        .unwrap();
    let code = output.status.code();
    (code != Some(command.exit)).then(|| {
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        format!("{:?} exits {code:?}, not {}\n{out}{err}", command.text, command.exit)
    })
}

/// Makes the folder that the pages' commands run in.
fn prepare(folder: &Path) {
    for name in ["bin", "home", "feeds", "rootfs/etc", "rootfs/var/lib/dpkg", "image/blobs/sha256"] {
        fs::create_dir_all(folder.join(name)).unwrap();
    }
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_plimsoll"), folder.join("bin/plimsoll")).unwrap();
    fs::write(folder.join("rootfs/etc/os-release"), "ID=debian\nVERSION_ID=12\nVERSION_CODENAME=bookworm\n")
        .unwrap();
    let status = "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2.15-2+b7\n";
    fs::write(folder.join("rootfs/var/lib/dpkg/status"), status).unwrap();
    fs::write(folder.join("feeds/PYSEC-2999-1.json"), osv_record().to_string()).unwrap();
    let dockerfile = "FROM debian:12\nADD src /app/\nRUN pip install Django==3.2\nCMD serve --port 80\n";
    fs::write(folder.join("Dockerfile"), dockerfile).unwrap();
    layout(&folder.join("image"));
}

fn osv_record() -> Value {
    json!({
        "id": "PYSEC-2999-1", "modified": "2026-08-30T00:00:00Z", "published": "2026-08-30T00:00:00Z",
        "affected": [{
            "package": { "ecosystem": "PyPI", "name": "django" },
            "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": "3.2.1" }] }],
        }],
    })
}

/// An image with one old Python package.
fn layout(folder: &Path) {
    let mut tar = tar::Builder::new(Vec::new());
    let metadata = b"Metadata-Version: 2.1\nName: Django\nVersion: 3.2\n";
    let mut header = tar::Header::new_ustar();
    header.set_size(metadata.len() as u64);
    header.set_mode(0o644);
    let path = "usr/lib/python3/dist-packages/Django-3.2.dist-info/METADATA";
    tar.append_data(&mut header, path, &metadata[..]).unwrap();
    let layer = tar.into_inner().unwrap();
    let config = json!({
        "architecture": "amd64", "os": "linux", "config": { "User": "app" },
        "rootfs": { "type": "layers", "diff_ids": [Digest::of(&layer).to_string()] },
        "history": [{ "created_by": "RUN pip install Django==3.2" }],
    });
    let blob = |media_type: &str, bytes: &[u8]| {
        let digest = Digest::of(bytes);
        fs::write(folder.join("blobs/sha256").join(digest.hex()), bytes).unwrap();
        json!({ "mediaType": media_type, "digest": digest.to_string(), "size": bytes.len() })
    };
    let manifest = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": blob("application/vnd.oci.image.config.v1+json", config.to_string().as_bytes()),
        "layers": [blob("application/vnd.oci.image.layer.v1.tar", &layer)],
    });
    let mut descriptor = blob("application/vnd.oci.image.manifest.v1+json", manifest.to_string().as_bytes());
    descriptor["annotations"] = json!({ "org.opencontainers.image.ref.name": "1.0" });
    let index = json!({ "schemaVersion": 2, "manifests": [descriptor] });
    fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion": "1.0.0"}"#).unwrap();
    fs::write(folder.join("index.json"), index.to_string()).unwrap();
}
