//! Packages made here, sound and hostile. Those of rpmbuild are read in the tests of the command.

use std::io::Write as _;

use super::super::header::tests::{header, numbers, strings};
use super::super::tags::{BASE_NAMES, DIR_INDEXES, DIR_NAMES, FILE_FLAGS, FILE_MODES, FILE_SIZES, REGION};
use super::*;

/// A file of a package to be: path, mode, content, what the archive has in the place of both.
struct Member<'a> {
    path: &'a str,
    mode: u32,
    content: &'a str,
    archived: Option<(&'a str, &'a str)>,
}

const fn file<'a>(path: &'a str, content: &'a str) -> Member<'a> {
    Member { path, mode: 0o100_644, content, archived: None }
}

fn entry(name: &str, content: &str) -> Vec<u8> {
    let mut bytes = b"070701".to_vec();
    for field in [1, 0o100_644, 0, 0, 1, 0, content.len(), 0, 0, 0, 0, name.len() + 1, 0] {
        write!(bytes, "{field:08x}").unwrap();
    }
    bytes.extend(name.bytes().chain([0]));
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes.extend(content.bytes());
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn package(members: &[Member<'_>], archive: Option<Vec<u8>>) -> Vec<u8> {
    let mut payload = Vec::new();
    for member in members {
        let (name, content) = member.archived.unwrap_or((member.path, member.content));
        payload.extend(entry(&format!(".{name}"), content));
    }
    payload.extend(entry("TRAILER!!!", ""));
    let payload = archive.unwrap_or(payload);
    let sum = plimsoll_model::digest::Digest::of(&payload).hex();
    let all = |number: &dyn Fn(&Member<'_>) -> u32| numbers(&members.iter().map(number).collect::<Vec<_>>());
    let names: Vec<&str> = members.iter().map(|member| member.path).collect();
    let modes = members.iter().flat_map(|member| u16::try_from(member.mode).unwrap().to_be_bytes()).collect();
    let header = header(&[
        (REGION, Value::Raw(7, 16, vec![0; 16])),
        (NAME, strings(&["a"])),
        (VERSION, strings(&["1"])),
        (RELEASE, strings(&["2"])),
        (BASE_NAMES, strings(&names)),
        (DIR_NAMES, strings(&[""])),
        (DIR_INDEXES, all(&|_| 0)),
        (FILE_SIZES, all(&|member| u32::try_from(member.content.len()).unwrap())),
        (FILE_MODES, Value::Raw(3, u32::try_from(members.len()).unwrap(), modes)),
        (FILE_FLAGS, all(&|_| 0)),
        (PAYLOAD_COMPRESSOR, strings(&["none"])),
        (PAYLOAD_DIGEST, strings(&[&sum])),
        (PAYLOAD_DIGEST_ALGORITHM, numbers(&[8])),
    ]);
    let signatures = Header::read(
        &super::super::header::tests::header(&[(RSA_HEADER, Value::Raw(7, 1, vec![9]))]).bytes(),
    );
    let mut bytes = [0xed, 0xab, 0xee, 0xdb].to_vec();
    bytes.resize(96, 0);
    bytes.extend([MAGIC.to_vec(), signatures.unwrap().bytes()].concat());
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    [bytes, MAGIC.to_vec(), header.bytes(), payload].concat()
}

fn read(bytes: &[u8], limits: Limits) -> Result<Rpm, PackageError> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    Unverified::read(file, limits)?.verified(limits)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The same, packed: as `PAYLOAD_COMPRESSOR` is "gzip" unless told.
fn packed(members: &[Member<'_>], change: &dyn Fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let plain = package(members, None);
    let end = plain.windows(6).position(|window| window == b"070701").unwrap();
    let archive = gzip(&change(plain[end..].to_vec()));
    let bytes = package(members, Some(archive));
    let at = bytes.windows(5).position(|window| window == b"none\0").unwrap();
    [&bytes[..at], b"gzip\0", &bytes[at + 5..]].concat()
}

#[test]
fn a_package_is_read_through() {
    let members = [file("/usr/bin/a", "content"), Member { mode: 0o040_755, ..file("/usr/b", "") }];
    let rpm = read(&packed(&members, &|archive| archive), Limits::default()).unwrap();
    assert_eq!((rpm.name().as_str(), rpm.version().as_str()), ("a", "1-2"));
    let mut found = Vec::new();
    let mut each = |index: usize, _: &Attributes, content: &mut dyn Read| {
        found.push((index, io::copy(content, &mut io::sink())?));
        Ok(())
    };
    rpm.payload.replay(&mut each).unwrap();
    assert_eq!(found, [(0, 7), (1, 0)]);
    let installed = rpm.installed(7, 1);
    assert_eq!((installed.number(INSTALL_TIME), installed.binary(RSA_HEADER)), (Some(7), Some(&[9][..])));
}

#[test]
fn what_the_header_does_not_vouch_for_is_refused() {
    let members = [file("/a", "x")];
    let refused = |bytes: &[u8]| read(bytes, Limits::default()).unwrap_err();
    let other = packed(&members, &|archive| archive);
    let mut longer = other.clone();
    longer.push(0);
    assert!(matches!(refused(&longer), PackageError::Forged(_)), "longer");
    let mut unvouched = other.clone();
    let tag = PAYLOAD_DIGEST.to_be_bytes();
    let at = unvouched.windows(4).position(|window| window == tag).unwrap();
    unvouched[at] = 0xff;
    assert!(refused(&unvouched).to_string().contains("does not vouch"), "no digest");
    for (name, change) in [
        ("another-file", Member { archived: Some(("/etc/shadow", "x")), ..file("/a", "x") }),
        ("another-size", Member { archived: Some(("/a", "xyz")), ..file("/a", "x") }),
        ("another-path", Member { archived: Some(("/../../a", "x")), ..file("/a", "x") }),
    ] {
        assert!(matches!(refused(&packed(&[change], &|archive| archive)), PackageError::Read(_)), "{name}");
    }
    let twice = |archive: Vec<u8>| [entry("./a", "x"), archive].concat();
    assert!(matches!(refused(&packed(&members, &twice)), PackageError::Read(_)), "twice");
    let none = |_| entry("TRAILER!!!", "");
    assert!(matches!(refused(&packed(&members, &none)), PackageError::Read(_)), "missing");
    for cut in [0, 3, 95, 100, 130, other.len() - 1] {
        assert!(read(&other[..cut], Limits::default()).is_err(), "{cut}");
    }
}

#[test]
fn what_no_package_has_is_refused() {
    for (name, path, mode) in [
        ("dotdot", "/a/../../b", 0o100_644),
        ("whiteout", "/etc/.wh.passwd", 0o100_644),
        ("line-end", "/etc/a\nb", 0o100_644),
        ("device", "/dev/sda", 0o060_644),
        ("double-slash-root", "//etc/x/..", 0o100_644),
    ] {
        let bytes = packed(&[Member { mode, ..file(path, "x") }], &|archive| archive);
        assert!(matches!(read(&bytes, Limits::default()), Err(PackageError::Entry { .. })), "{name}");
    }
}

#[test]
fn bombs_are_refused() {
    let limits = Limits { control: 1 << 16, data: 1 << 16, entries: 10 };
    let zeros = "\0".repeat(1 << 20);
    let names: Vec<String> = (0..20).map(|n| format!("/f{n}")).collect();
    let many: Vec<Member<'_>> = names.iter().map(|name| file(name, "")).collect();
    let long = format!("/{}", "x".repeat(1 << 17));
    for (name, bytes) in [
        ("large-file", packed(&[file("/a", &zeros)], &|archive| archive)),
        ("many-files", packed(&many, &|archive| archive)),
        ("large-header", packed(&[file(&long, "")], &|archive| archive)),
    ] {
        assert!(read(&bytes, limits).is_err(), "{name}");
    }
}
