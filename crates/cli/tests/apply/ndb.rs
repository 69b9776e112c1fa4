//! rpm's database in NDB's form, as SUSE has it, beside what an rpm that knows it makes of the same packages. Debian's does not, so
//! `tools/setup.sh` builds one of its sources, `rpm-ndb`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use plimsoll_testkit::tools::installed;

use super::rpm::{Form, Scene, TOOLS, applied_as_rpm_installs, goes_on, scene};
use crate::support::apply::serve;
use crate::support::{said, write};

const NDB: Form = Form {
    backend: "ndb",
    program: "rpm-ndb",
    forced: &[],
    folder: "usr/lib/sysimage/rpm",
    repositories: "etc/zypp/repos.d",
    release: "ID=\"opensuse-leap\"\nVERSION_ID=\"9\"\n",
    ecosystem: "openSUSE:Leap 9",
};

fn are_installed() -> bool {
    installed(&[&TOOLS[..], &["rpm-ndb"]].concat())
}

/// A scene whose database has the key that packages are signed by.
fn trusting() -> Scene {
    let scene = scene(NDB);
    let key = scene.plimsoll.folder().join("key.asc");
    said(scene.key.gpg().args(["--armor", "--export", "--output"]).arg(&key));
    said(NDB.rpm(&scene.root).arg("--import").arg(&key));
    scene
}

fn number(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// By tag and key, the names of packages, each with the places among its values.
type Indexes = BTreeMap<(usize, Vec<u8>), Vec<(String, usize)>>;

/// All that the indexes say.
fn indexes(root: &Path) -> Indexes {
    let bytes = fs::read(root.join(NDB.folder).join("Index.db")).unwrap();
    let packages = said(NDB.rpm(root).args(["-qa", "--nosignature", "--qf", "%{DBINSTANCE} %{NAME}\n"]));
    let packages: BTreeMap<usize, &str> = packages
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(n, name)| (n.parse().unwrap(), name))
        .collect();
    let mut all = Indexes::new();
    for slot in bytes[32..4096].chunks(16).filter(|slot| number(slot, 8) != 0) {
        let index = &bytes[number(slot, 8) * 4096..][..number(slot, 12) * 4096];
        let (places, mask) = (number(index, 12), number(index, 24));
        let keys = &index[64 + places * 12..];
        let mut used = 0;
        for place in 0..places {
            let at = 64 + place * 8;
            let (offset, data) = (number(index, at), number(index, at + 4));
            // Free, or used before.
            if offset == 0 || offset == 0xffff_ffff {
                continue;
            }
            used += 1;
            let key = &keys[offset & !mask..];
            let (start, length) =
                if key[0] == 255 { (3, number(&key[1..], 0) & 0xffff) } else { (1, key[0].into()) };
            // What these packages have is small enough for one number.
            let (package, value) = (data & 0xf_ffff, data >> 20);
            let found = all.entry((number(slot, 4), key[start..start + length].to_vec())).or_default();
            found.push((packages[&package].to_owned(), value));
        }
        assert_eq!(used + number(index, 20), number(index, 16));
    }
    // Transactions have their times.
    all.retain(|(tag, _), found| {
        found.sort();
        *tag != 1128
    });
    all
}

#[test]
fn what_is_applied_is_what_rpm_would_install() {
    if !are_installed() {
        return;
    }
    let scene = trusting();
    let (ours, theirs) = applied_as_rpm_installs(&scene, b"no key");
    let (here, there) = (indexes(&ours), indexes(&theirs));
    assert!(here.len() > 50, "{here:?}");
    assert_eq!(here, there);
    // What does not fit the packages, rpm throws away, and says so; a key is told of with a time that is not compared above.
    let folder = ours.join(NDB.folder);
    let before = fs::read(folder.join("Index.db")).unwrap();
    let output = NDB.rpm(&ours).args(["-q", "--whatprovides", "liba.so.1()(64bit)"]).output().unwrap();
    assert_eq!(
        (String::from_utf8_lossy(&output.stdout).trim(), output.stderr.len()),
        ("liba-1.1-1.x86_64", 0)
    );
    assert_eq!(fs::read(folder.join("Index.db")).unwrap(), before);
    said(NDB.rpm(&ours).arg("--verifydb"));
    goes_on(&NDB, &ours);
    NDB.install(&ours, "-i", &[scene.libnew()]);
    said(NDB.rpm(&ours).arg("--verifydb"));
    said(NDB.rpm(&ours).args(["-q", "--nosignature", "libnew"]));
    // So that the comparison above is of something: of another count of changes, rpm says that it drops them.
    let mut stale = before;
    stale[20] ^= 1;
    write(&folder.join("Index.db"), stale);
    let output = NDB.rpm(&ours).args(["-q", "--nosignature", "liba"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("outdated index"), "{output:?}");
}

#[test]
fn a_database_that_is_not_sound_is_refused_and_nothing_is_written() {
    if !are_installed() {
        return;
    }
    let scene = trusting();
    let path = scene.root.join(NDB.folder).join("Packages.db");
    let sound = fs::read(&path).unwrap();
    let with = |at: usize, number: u32| {
        let mut bytes = sound.clone();
        bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
        bytes
    };
    // The last header's last byte, ahead of padding and end.
    let start = number(&sound, 40) * 16;
    let flipped = start + 16 + number(&sound, start + 12) - 1;
    let cases: [(&str, Vec<u8>, &str); 4] = [
        ("flipped-byte", with(flipped - 3, 0x0101_0101), "its blob's checksum is wrong"),
        ("wrong-generation", with(8, 0), "a later generation than the file"),
        ("overlapping-blobs", with(56, u32::try_from(start / 16 + 1).unwrap()), "overlaps another one"),
        ("truncated", sound[..sound.len() - 16].to_vec(), "its blob lies outside of the file"),
    ];
    for (name, bytes, reason) in cases {
        write(&path, bytes);
        scene.refuses(name, scene.repository(), reason);
    }
    write(&path, &sound);
    write(&path.with_file_name("rpmdb.sqlite"), b"");
    scene.refuses("two-forms", scene.repository(), "both rpmdb.sqlite and Packages.db lie in");
}

#[test]
fn berkeley_db_is_refused_with_what_to_do() {
    if !installed(&[&TOOLS[..], &["db_load"]].concat()) {
        return;
    }
    let scene = scene(super::rpm::SQLITE);
    let folder = scene.root.join(super::rpm::SQLITE.folder);
    let database = folder.join("rpmdb.sqlite");
    let rows = said(Command::new("sqlite3").arg(&database).arg("select hnum, hex(blob) from Packages"));
    let mut dump = "VERSION=3\nformat=bytevalue\ntype=hash\ndb_lorder=1234\nHEADER=END\n".to_owned();
    for (number, blob) in rows.lines().map(|row| row.split_once('|').unwrap()) {
        dump += &format!(" {:02x}000000\n {}\n", number.parse::<u8>().unwrap(), blob.to_lowercase());
    }
    let text = scene.plimsoll.folder().join("dump");
    write(&text, dump + "DATA=END\n");
    said(Command::new("db_load").arg("-f").arg(&text).arg(folder.join("Packages")));
    fs::remove_file(database).unwrap();
    let ran = scene.apply(&serve(scene.repository()), &scene.key.public(), &[]);
    assert_eq!(ran.code, 2, "{} {}", ran.out, ran.err);
    for words in ["/var/lib/rpm/Packages is a database of Berkeley DB", "in a build"] {
        assert!(ran.err.contains(words), "{}", ran.err);
    }
}
