//! Packages made here, sound and hostile.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::deb::archive::tests::{FILE, FOLDER, Member, tar_of};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn identity_of(control: &[u8]) -> [u8; 20] {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, control).unwrap().try_into().unwrap()
}

/// A package with this in `.PKGINFO`, these scripts and these files, and its identity.
pub(crate) fn parts(info: &str, scripts: &[Member<'_>], files: &[Member<'_>]) -> (Vec<u8>, [u8; 20]) {
    let data = gzip(&tar_of(files));
    let info = format!("{info}datahash = {}\n", hex(&digest(&SHA256, data.as_slice()).unwrap()));
    let mut control = vec![(".PKGINFO", FILE, info.as_str())];
    control.extend(scripts);
    let control = gzip(&tar_of(&control));
    let identity = identity_of(&control);
    let signature = gzip(&tar_of(&[(".SIGN.RSA.test.rsa.pub", FILE, "x")]));
    ([signature, control, data].concat(), identity)
}

/// The same, read.
pub(crate) fn apk(info: &str, files: &[Member<'_>]) -> Result<Apk, PackageError> {
    let (bytes, identity) = parts(info, &[], files);
    Apk::read(file_of(&bytes), &identity, Limits::default())
}

const INFO: &str = "pkgname = a\npkgver = 1-r0\ndepend = b\ndepend = so:libc.so.1\narch = x86_64\n";

#[test]
fn a_package_is_read_through() {
    let files = [("etc/", FOLDER, ""), ("etc/a", FILE, "x"), ("etc/b", tar::EntryType::Symlink, "a")];
    let (bytes, identity) = parts(INFO, &[(".post-upgrade", FILE, "#!/bin/sh\n")], &files);
    let apk = Apk::read(file_of(&bytes), &identity, Limits::default()).unwrap();
    assert_eq!((apk.field("pkgname"), apk.words("depend").as_str()), (Some("a"), "b so:libc.so.1"));
    assert_eq!(apk.scripts.keys().collect::<Vec<_>>(), ["post-upgrade"]);
    assert_eq!(apk.payload.entries[1].digest.as_deref(), Some(sha1_of(b"x").as_str()));
    assert_eq!(apk.attributes.len(), 3);
}

#[test]
fn what_is_not_vouched_for_is_refused() {
    let (bytes, identity) = parts(INFO, &[], &[("a", FILE, "x")]);
    let read = |bytes: &[u8], identity: &[u8; 20]| Apk::read(file_of(bytes), identity, Limits::default());
    assert!(matches!(read(&bytes, &[0; 20]), Err(PackageError::Forged(_))), "another package");
    let (other, _) = parts(INFO, &[], &[("a", FILE, "evil")]);
    let (ours, theirs) = (members(&bytes), members(&other));
    let swapped = [ours[0].clone(), ours[1].clone(), theirs[2].clone()].concat();
    assert!(matches!(read(&swapped, &identity), Err(PackageError::Forged(_))), "files of another one");
    let longer = [bytes.clone(), gzip(&tar_of(&[("b", FILE, "x")]))].concat();
    assert!(matches!(read(&longer, &identity), Err(PackageError::Forged(_))), "files behind the files");
    let control = gzip(&tar_of(&[(".PKGINFO", FILE, INFO)]));
    let without = [control.clone(), gzip(&tar_of(&[("a", FILE, "x")]))].concat();
    assert!(matches!(read(&without, &identity_of(&control)), Err(PackageError::Form { .. })), "no datahash");
    for cut in [0, 2, 10, 60, bytes.len() - 1] {
        assert!(read(&bytes[..cut], &identity).is_err(), "{cut}");
    }
    assert!(read(b"ADBd....", &identity).unwrap_err().to_string().contains("third format"));
}

/// The gzip members of a package.
fn members(bytes: &[u8]) -> Vec<Vec<u8>> {
    let file = Arc::new(file_of(bytes));
    let (mut at, mut found) = (0, Vec::new());
    while at < bytes.len() {
        let size = usize::try_from(member(&file, at as u64, 1 << 20).unwrap().part.size).unwrap();
        found.push(bytes[at..at + size].to_vec());
        at += size;
    }
    found
}

#[test]
fn what_no_package_has_is_refused() {
    let hostile: [(&str, Member<'_>); 5] = [
        ("absolute-name", ("/etc/passwd", FILE, "x")),
        ("dotdot", ("a/../../b", FILE, "x")),
        ("whiteout", ("etc/.wh.passwd", FILE, "")),
        ("hard-link-out", ("a", tar::EntryType::Link, "../../etc/shadow")),
        ("device", ("dev/sda", tar::EntryType::Block, "")),
    ];
    for (name, member) in hostile {
        assert!(matches!(apk(INFO, &[member]), Err(PackageError::Entry { .. })), "{name}");
    }
}

#[test]
fn bombs_are_refused() {
    let limits = Limits { control: 1 << 16, data: 1 << 16, entries: 10 };
    let many: Vec<String> = (0..100).map(|n| format!("f{n}")).collect();
    let files: Vec<Member<'_>> = many.iter().map(|name| (name.as_str(), FILE, "")).collect();
    let zeros = "\0".repeat(1 << 20);
    let script = "x".repeat(1 << 20);
    for (name, (bytes, identity)) in [
        ("many-files", parts(INFO, &[], &files)),
        ("large-file", parts(INFO, &[], &[("a", FILE, zeros.as_str())])),
        ("large-script", parts(INFO, &[(".post-install", FILE, script.as_str())], &[])),
    ] {
        assert!(Apk::read(file_of(&bytes), &identity, limits).is_err(), "{name}");
    }
}
