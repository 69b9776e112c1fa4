//! A real NDB, out of the folder of shared images where there is one: written again, it holds the same packages, and rpm finds them.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a test is told by its environment where the images are")]

use std::path::{Path, PathBuf};
use std::process::Command;

use plimsoll_patch::rpm::database::{Database, NDB};
use plimsoll_testkit::folder::Folder;
use plimsoll_testkit::tools::installed;

const IMAGE: &str = "rpm-sle15-ndb";
const PLACE: &str = "usr/lib/sysimage/rpm/Packages.db";

/// The image: in the folder that the environment tells, or in one beside the repository.
fn image() -> Option<PathBuf> {
    let told = std::env::var_os("PLIMSOLL_SHARED").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("../shared"));
    let images = told.into_iter().chain(beside).map(|folder| folder.join("images").join(IMAGE));
    images.into_iter().find(|image| image.is_dir())
}

/// The database out of the layer that has it.
fn packages_db(image: &Path) -> Vec<u8> {
    let mut blobs = std::fs::read_dir(image.join("blobs/sha256")).unwrap().map(|blob| blob.unwrap().path());
    let of = |blob: PathBuf| Command::new("tar").arg("-xOzf").arg(blob).arg(PLACE).output().unwrap();
    blobs.find_map(|blob| Some(of(blob)).filter(|output| output.status.success())).unwrap().stdout
}

/// What rpm says, sorted. Of what nothing has it says so, too.
fn rpm(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let mut rpm = Command::new("rpm-ndb");
    rpm.args(["--nosignature", "-D", "_db_backend ndb", "--dbpath"]).arg(folder).args(arguments);
    let output = rpm.output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(!words.contains("outdated"), "{words}");
    let mut lines: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn a_real_database_is_written_again_as_it_was() {
    let Some(image) = image() else {
        println!("skipped: no ../shared folder");
        return;
    };
    let bytes = packages_db(&image);
    let old = Database::read(&bytes).unwrap();
    let files = old.files().unwrap();
    let new = Database::read(&files[0].1).unwrap();
    assert!(old.packages.len() > 20, "{}", old.packages.len());
    let told = |database: &Database| -> Vec<_> {
        database.packages.iter().map(|package| (package.number, package.header.clone())).collect()
    };
    assert!(told(&old) == told(&new), "numbers and headers are those of before");
    println!("{IMAGE}: {} packages, {} keys", old.packages.len(), old.keys().len());
    if installed(&["rpm-ndb"]) {
        as_rpm_finds_it(&bytes, &files);
    }
}

/// Has rpm look for everything by our indexes, and by those that it makes itself where it finds none.
fn as_rpm_finds_it(before: &[u8], after: &[(&str, Vec<u8>)]) {
    let (theirs, ours) = (Folder::new(), Folder::new());
    std::fs::write(theirs.path().join(NDB), before).unwrap();
    for (name, bytes) in after {
        std::fs::write(ours.path().join(name), bytes).unwrap();
    }
    let both = |arguments: &[&str]| {
        let found = rpm(ours.path(), arguments);
        assert!(found == rpm(theirs.path(), arguments), "{:?}", arguments.get(..2));
        found
    };
    let list = |what: &str| both(&["-qa", "--qf", &format!("[%{{{what}}}\\n]")]);
    both(&["-qa", "--qf", "%{DBINSTANCE} %{NEVRA} %{SHA1HEADER} [%{CHANGELOGTEXT},]\\n"]);
    let found_by = |query: &str, mut keys: Vec<String>| {
        keys.retain(|key| !key.starts_with('('));
        keys.dedup();
        let arguments: Vec<&str> = ["-q", query].into_iter().chain(keys.iter().map(String::as_str)).collect();
        let count = both(&arguments).len();
        assert!(count >= keys.len(), "{query}: {count} answers for {}", keys.len());
        println!("  {query}: {count} answers, as rpm's own indexes give them");
    };
    found_by("--whatprovides", list("PROVIDENAME"));
    found_by("--whatrequires", list("REQUIRENAME"));
    found_by("--file", list("FILENAMES").into_iter().step_by(20).collect());
    found_by("--group", list("GROUP"));
    for (name, bytes) in after {
        assert!(std::fs::read(ours.path().join(name)).unwrap() == *bytes, "rpm wrote {name} anew");
    }
}
