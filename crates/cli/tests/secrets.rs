//! `plimsoll secrets` as a user meets it: folders, single files, streams and real git repositories.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its environment and its own files")]

mod support;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use plimsoll_testkit::tools::{installed, output_of};
use serde_json::Value;
use support::{Plimsoll, Ran};

/// A token that no rule but its own form tells; put together here, so that this file holds none.
fn token(last: char) -> String {
    format!("{}{}{last}", "dop_v1_", "5f1c7e9a3b2d4860".repeat(4).split_at(63).0)
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.current_dir(folder).env("HOME", folder).env("GIT_CONFIG_NOSYSTEM", "1");
    command.args(["-c", "user.name=A", "-c", "user.email=a@test.invalid"]).args(arguments);
    String::from_utf8(output_of(&mut command)).unwrap().trim().to_owned()
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

fn places(document: &Value) -> Vec<(&str, &str)> {
    let all = document["secrets"].as_array().unwrap().iter();
    all.map(|secret| (secret["path"].as_str().unwrap(), secret["place"].as_str().unwrap())).collect()
}

/// A pipe would be waited for, and a device never ends: neither was searched, and that is said.
#[test]
fn what_is_no_file_is_not_called_clean() {
    let plimsoll = Plimsoll::new();
    let pipe = plimsoll.folder().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in ["/dev/zero", pipe.to_str().unwrap()] {
        let ran = plimsoll.run(&["secrets", path]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.out.contains("it is not a regular file"), "{ran:?}");
    }
}

#[test]
fn a_folder_a_file_and_a_stream_are_searched() {
    let plimsoll = Plimsoll::new();
    let folder = plimsoll.folder().join("app");
    fs::create_dir_all(folder.join("config")).unwrap();
    fs::write(folder.join("config/.env"), format!("# one\nTOKEN={}\n", token('1'))).unwrap();
    fs::write(folder.join("known"), format!("TOKEN={} # plimsoll:ignore\n", token('2'))).unwrap();
    fs::write(folder.join("other"), format!("TOKEN={} # gitleaks:allow\n", token('3'))).unwrap();
    fs::write(folder.join("binary"), format!("\0{}\n", token('4'))).unwrap();
    let path = folder.to_str().unwrap();
    let ran = plimsoll.run(&["secrets", path]);
    assert_eq!((ran.code, ran.err.as_str()), (1, ""), "{ran:?}");
    assert!(ran.out.contains("digitalocean-token") && ran.out.contains("config/.env:2"), "{ran:?}");
    assert!(ran.out.ends_with("1 secret in 4 files\n") && !ran.out.contains(&token('1')), "{ran:?}");
    let document = json(&plimsoll.run(&["secrets", path, "--format", "json"]));
    assert_eq!(places(&document), [("config/.env", "file")]);
    assert_eq!((document["secrets"][0]["line"].as_u64(), document["files"].as_u64()), (Some(2), Some(4)));
    assert!(document["secrets"][0].get("commit").is_none());

    let file = folder.join("config/.env");
    assert_eq!(plimsoll.run(&["secrets", file.to_str().unwrap()]).code, 1);
    assert_eq!(plimsoll.run(&["secrets", folder.join("known").to_str().unwrap()]).code, 0);
    let mut child = plimsoll
        .command(&["secrets", "-", "--format", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(format!("x {}", token('5')).as_bytes()).unwrap();
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!((ran.code, places(&json(&ran))), (1, vec![("-", "file")]));

    let ran = plimsoll.run(&["secrets", "debian:12"]);
    assert!(ran.code == 2 && ran.err.contains("--scanners secrets"), "{ran:?}");
    let ran = plimsoll.run(&["secrets", path, "--since", "main"]);
    assert!(ran.code == 2 && ran.err.contains("git repository"), "{ran:?}");
}

#[test]
fn a_baseline_covers_what_it_was_written_of_here_and_in_images() {
    let plimsoll = Plimsoll::new();
    let folder = plimsoll.folder().join("root");
    fs::create_dir_all(folder.join("etc")).unwrap();
    fs::write(folder.join("etc/app.env"), format!("TOKEN={}\n", token('1'))).unwrap();
    let (path, file) = (folder.to_str().unwrap(), plimsoll.folder().join("known.json"));
    let file = file.to_str().unwrap();
    assert_eq!(plimsoll.run(&["secrets", path, "--write-baseline", file]).code, 0);
    assert!(!fs::read_to_string(file).unwrap().contains(&token('1')));
    let ran = plimsoll.run(&["secrets", path, "--baseline", file]);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (0, "1 secret is in the baseline and not told\n0 secrets in 1 file\n")
    );
    let image = format!("dir:{path}");
    let scan = |more: &[&str]| {
        let options = [&["--scanners", "secrets", "--no-cache"], more].concat();
        let scan = plimsoll.scan(&image, &options);
        let findings = scan["findings"].as_array().unwrap().iter();
        (findings.filter(|finding| finding["kind"] == "secret").count(), scan["secretsKnown"].as_u64())
    };
    assert_eq!((scan(&[]), scan(&["--secrets-baseline", file])), ((1, None), (0, Some(1))));
    let table =
        plimsoll.run(&["scan", &image, "--scanners", "secrets", "--no-cache", "--secrets-baseline", file]);
    assert!(table.out.contains("1 secret is in the baseline and not told"), "{table:?}");
    fs::write(folder.join("etc/new.env"), format!("TOKEN={}\n", token('2'))).unwrap();
    let document = json(&plimsoll.run(&["secrets", path, "--baseline", file, "--format", "json"]));
    assert_eq!(
        (places(&document), document["secretsKnown"].as_u64()),
        (vec![("etc/new.env", "file")], Some(1))
    );
    assert_eq!(scan(&["--secrets-baseline", file]), (1, Some(1)));

    fs::write(file, r#"{"secrets": [{"path": "etc/*", "reason": "samples"}]}"#).unwrap();
    assert_eq!(plimsoll.run(&["secrets", path, "--baseline", file]).code, 0);
    fs::write(file, r#"{"secrets": [{}]}"#).unwrap();
    let ran = plimsoll.run(&["secrets", path, "--baseline", file]);
    assert!(ran.code == 2 && ran.err.contains("neither"), "{ran:?}");
}

#[test]
fn everything_that_a_repository_remembers_is_searched() {
    if !installed(&["git"]) {
        return;
    }
    let plimsoll = Plimsoll::new();
    let folder = plimsoll.folder().join("repository");
    fs::create_dir(&folder).unwrap();
    git(&folder, &["init", "-q", "-b", "main"]);
    let write =
        |file: &str, last: char| fs::write(folder.join(file), format!("TOKEN={}\n", token(last))).unwrap();
    write("removed", '1');
    git(&folder, &["add", "-A"]);
    git(&folder, &["commit", "-qm", "one"]);
    let first = git(&folder, &["rev-parse", "HEAD"]);
    git(&folder, &["rm", "-q", "removed"]);
    write("stays", '2');
    git(&folder, &["add", "-A"]);
    git(&folder, &["commit", "-qm", "two"]);
    write("stays", '3');
    git(&folder, &["stash", "-q"]);
    write("staged", '4');
    git(&folder, &["add", "-A"]);
    git(&folder, &["reset", "-q", "--hard"]);
    write("fresh", '5');
    let path = folder.to_str().unwrap();
    let document = json(&plimsoll.run(&["secrets", path, "--format", "json"]));
    let mut seen: Vec<(&str, &str)> = places(&document);
    seen.retain(|(_, place)| *place != "object");
    let today = [("fresh", "file"), ("removed", "commit"), ("stays", "commit"), ("stays", "file")];
    assert_eq!(seen, today, "{document}");
    assert_eq!(places(&document).len(), 5);
    let all = document["secrets"].as_array().unwrap();
    let removed = all.iter().find(|secret| secret["path"] == "removed").unwrap();
    assert_eq!(removed["commit"], first.as_str());

    let document = json(&plimsoll.run(&["secrets", path, "--since", &first[..10], "--format", "json"]));
    assert!(!places(&document).contains(&("removed", "commit")), "{document}");
    let bare = format!("git:{path}");
    let document = json(&plimsoll.run(&["secrets", &bare, "--format", "json"]));
    assert!(!places(&document).contains(&("fresh", "file")) && places(&document).len() == 4, "{document}");
    let ran = plimsoll.run(&["secrets", path, "--since", "nowhere"]);
    assert!(ran.code == 2 && ran.err.contains("nowhere"), "{ran:?}");

    // A damaged object is a gap, and the rest is searched.
    let id = git(&folder, &["rev-parse", "HEAD:stays"]);
    let object = folder.join(".git/objects").join(&id[..2]).join(&id[2..]);
    fs::remove_file(&object).unwrap();
    fs::write(&object, b"junk").unwrap();
    let document = json(&plimsoll.run(&["secrets", &bare, "--format", "json"]));
    assert!(!document["gaps"].as_array().unwrap().is_empty(), "{document}");
    assert!(places(&document).contains(&("removed", "commit")), "{document}");
}

/// The provider cannot be reached: a proxy stands before it where nobody listens.
#[test]
fn a_provider_that_is_not_reached_says_nothing() {
    let plimsoll = Plimsoll::new();
    let folder = plimsoll.folder().join("project");
    support::write(&folder.join("a.env"), format!("TOKEN={}\n", token('1')));
    support::write(
        &folder.join("large.env"),
        format!("{}\nTOKEN={}\n", "# filling\n".repeat(500_000), token('2')),
    );
    let folder = folder.to_str().unwrap();
    let ran = |verify: &[&str]| -> Ran {
        let mut command = plimsoll.command(&[&["secrets", folder, "--format", "json"], verify].concat());
        command.env("HTTPS_PROXY", "http://127.0.0.1:9").output().unwrap().into()
    };
    let asked = ran(&["--verify"]);
    assert_eq!(asked.code, 1, "{}", asked.err);
    let document = json(&asked);
    let said = |index: usize| {
        let provider = &document["secrets"][index]["provider"];
        assert_eq!(provider["says"], "unknown");
        provider["why"].as_str().unwrap().to_owned()
    };
    assert!(said(0).starts_with("api.digitalocean.com: "), "{document}");
    assert!(said(1).starts_with("only what lies in a small file"), "{document}");
    assert!(!asked.out.contains(&token('1')) && !asked.err.contains(&token('1')));
    assert_eq!(json(&ran(&[]))["secrets"][0].get("provider"), None);
}
