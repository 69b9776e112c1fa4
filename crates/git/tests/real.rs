//! Repositories that git itself made: what it forgot is found, and what is damaged is told.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test may read its own files")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use plimsoll_git::{OpenError, Repository, Since};
use plimsoll_model::gap::Gap;
use plimsoll_testkit::tools::{installed, output_of};
use tempfile::TempDir;

fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command
        .current_dir(folder)
        .args(["-c", "user.name=A", "-c", "user.email=a@test.invalid"])
        .args(arguments);
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", folder);
    String::from_utf8(output_of(&mut command)).unwrap().trim().to_owned()
}

fn commit(folder: &Path, file: &str, text: &str, day: u32) -> String {
    let path = folder.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
    git(folder, &["add", "-A"]);
    let mut command = Command::new("git");
    let date = format!("2026-01-{day:02}T00:00:00Z");
    command
        .current_dir(folder)
        .env("GIT_COMMITTER_DATE", &date)
        .env("GIT_AUTHOR_DATE", &date)
        .env("HOME", folder);
    command.args(["-c", "user.name=A", "-c", "user.email=a@test.invalid", "commit", "-qm", file]);
    drop(output_of(&mut command));
    git(folder, &["rev-parse", "HEAD"])
}

/// A path, its text, and the commit.
type Version = (String, String, Option<String>);

fn all(folder: &Path, since: Option<Since>) -> (BTreeSet<Version>, Vec<Gap>) {
    let mut found = BTreeSet::new();
    let gaps = Repository::open(folder).unwrap().blobs(since.as_ref(), &mut |blob| {
        let text = String::from_utf8_lossy(blob.bytes).into_owned();
        found.insert((blob.path.to_owned(), text, blob.commit.map(str::to_owned)));
    });
    (found, gaps.unwrap())
}

fn texts(folder: &Path, since: Option<Since>) -> BTreeSet<String> {
    let (found, gaps) = all(folder, since);
    assert!(gaps.is_empty(), "{gaps:?}");
    found.into_iter().filter(|(path, ..)| path != "(message)").map(|(_, text, _)| text).collect()
}

fn set(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// Three commits, one that no branch has, a stash, and a file that was only staged.
fn repository() -> (TempDir, [String; 3]) {
    let root = TempDir::new().unwrap();
    let folder = root.path();
    git(folder, &["init", "-q", "-b", "main"]);
    let first = commit(folder, "a/b/one", "one", 1);
    let second = commit(folder, "two", "two", 2);
    git(folder, &["tag", "-a", "v2", "-m", "the second"]);
    commit(folder, "lost", "lost", 3);
    git(folder, &["reset", "-q", "--hard", "v2"]);
    std::fs::write(folder.join("two"), "stashed").unwrap();
    git(folder, &["stash", "-q"]);
    std::fs::write(folder.join("staged"), "staged").unwrap();
    git(folder, &["add", "staged"]);
    git(folder, &["rm", "-q", "--cached", "staged"]);
    std::fs::remove_file(folder.join("staged")).unwrap();
    let third = commit(folder, "a/b/one", "one again", 5);
    (root, [first, second, third])
}

#[test]
fn what_git_forgot_is_found() {
    if !installed(&["git"]) {
        return;
    }
    let (root, [first, ..]) = repository();
    let everything = set(&["lost", "one", "one again", "staged", "stashed", "two"]);
    assert_eq!(texts(root.path(), None), everything);
    let (found, _) = all(root.path(), None);
    assert!(found.contains(&("a/b/one".to_owned(), "one".to_owned(), Some(first.clone()))), "{found:?}");
    let staged = found.iter().find(|(_, text, _)| text == "staged").unwrap();
    assert!(staged.2.is_none() && staged.0.len() == 40, "{staged:?}");
    assert!(found.contains(&("(message)".to_owned(), "a/b/one\n".to_owned(), Some(first))), "{found:?}");
    // The same in packs, with deltas.
    git(root.path(), &["gc", "-q", "--prune=never"]);
    assert_eq!(texts(root.path(), None), everything);
    // A bare repository, and a further working tree.
    assert_eq!(texts(&root.path().join(".git"), None), everything);
    git(root.path(), &["worktree", "add", "-q", "other"]);
    assert_eq!(texts(&root.path().join("other"), None), everything);
}

#[test]
fn what_is_older_is_left_out() {
    if !installed(&["git"]) {
        return;
    }
    let (root, [first, second, third]) = repository();
    let commit = |name: &str| texts(root.path(), Some(Since::Commit(name.to_owned())));
    let after_second = set(&["lost", "one again", "staged", "stashed"]);
    assert_eq!(commit(&second), after_second);
    assert_eq!(commit(&second[..8]), after_second);
    assert_eq!(commit("v2"), after_second);
    assert_eq!(commit("main"), set(&["lost", "staged", "stashed"]));
    assert_eq!(commit(&third), commit("HEAD"));
    assert_eq!(commit(&first), set(&["lost", "one again", "staged", "stashed", "two"]));
    // 2026-01-02.
    let since = texts(root.path(), Some(Since::Time(1_767_312_000)));
    assert_eq!(since, set(&["lost", "one again", "staged", "stashed", "two"]));
    let unknown = Repository::open(root.path()).unwrap();
    let result = unknown.blobs(Some(&Since::Commit("nowhere".to_owned())), &mut |_| {});
    assert!(matches!(result, Err(OpenError::NoCommit(_))));
}

#[test]
fn damage_is_told_and_the_rest_is_read() {
    if !installed(&["git"]) {
        return;
    }
    let (root, _) = repository();
    let id = git(root.path(), &["rev-parse", "main:two"]);
    let path = root.path().join(".git/objects").join(&id[..2]).join(&id[2..]);
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, b"junk").unwrap();
    let (found, gaps) = all(root.path(), None);
    assert!(found.iter().any(|(_, text, _)| text == "one") && !gaps.is_empty(), "{gaps:?}");

    let (root, _) = repository();
    git(root.path(), &["gc", "-q", "--prune=never"]);
    let packs = root.path().join(".git/objects/pack");
    let pack = std::fs::read_dir(packs).unwrap().map(|entry| entry.unwrap().path());
    let pack = pack.into_iter().find(|path| path.extension().is_some_and(|end| end == "pack")).unwrap();
    let sound = std::fs::read(&pack).unwrap();
    std::fs::remove_file(&pack).unwrap();
    for cut in [0, 8, 12, 40, sound.len() / 2, sound.len() - 21] {
        std::fs::write(&pack, &sound[..cut]).unwrap();
        assert!(!all(root.path(), None).1.is_empty(), "{cut}");
    }
    for at in (12..sound.len() - 20).step_by(7) {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x55;
        std::fs::write(&pack, &bytes).unwrap();
        let _ends = all(root.path(), None);
    }
    assert!(matches!(Repository::open(Path::new("/nowhere")), Err(OpenError::NoRepository(_))));
}
