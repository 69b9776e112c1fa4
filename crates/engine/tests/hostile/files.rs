//! Layers whose files are what an extractor wants, and are broken, nested or bombs.

use std::io::Write;

use plimsoll_model::gap::GapKind;
use plimsoll_model::scan::Scan;

use crate::bench::{Bench, PACKAGE, gaps, names};
use crate::build::{Layer, Tar};

fn read(tar: Tar) -> Scan {
    Bench::new().reads(&Layer::gzipped(&tar.end()))
}

/// A zip of one deflated member; `size` is what its header says of the content.
fn zip(name: &str, content: &[u8], size: Option<u32>) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    let packed = encoder.finish().unwrap();
    let mut crc = flate2::Crc::new();
    crc.update(content);
    let le = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
    let size = size.map_or_else(|| le(content.len()), u32::to_le_bytes);
    let name_len = u16::try_from(name.len()).unwrap().to_le_bytes();
    let common: Vec<u8> = [
        &[20, 0, 0, 0, 8, 0, 0, 0, 0, 0][..],
        &crc.sum().to_le_bytes(),
        &le(packed.len()),
        &size,
        &name_len,
        &[0, 0],
    ]
    .concat();
    let mut zip = [&b"PK\x03\x04"[..], &common, name.as_bytes(), &packed].concat();
    let directory = zip.len();
    zip.extend([&b"PK\x01\x02\x14\x00"[..], &common, &[0; 10], &le(0), name.as_bytes()].concat());
    let length = zip.len() - directory;
    zip.extend([&b"PK\x05\x06\0\0\0\0\x01\0\x01\0"[..], &le(length), &le(directory), &[0, 0]].concat());
    zip
}

const POM: (&str, &[u8]) =
    ("META-INF/maven/g/a/pom.properties", b"groupId=org.example\nartifactId=thing\nversion=1.0\n");

#[test]
fn the_zips_of_these_tests_are_read() {
    let scan = read(Tar::default().file("srv/x.jar", zip(POM.0, POM.1, None)));
    assert_eq!(names(&scan), ["org.example:thing"]);
}

#[test]
fn a_jar_in_a_jar_a_hundred_deep_is_a_gap() {
    let jar = (0..100).fold(zip(POM.0, POM.1, None), |inner, _| zip("inner.jar", &inner, None));
    let scan = read(Tar::default().file("srv/x.jar", jar));
    let gaps = gaps(&scan, GapKind::LimitReached);
    assert_eq!(gaps.len(), 1);
    assert!(
        gaps[0].0.starts_with("/srv/x.jar!/inner.jar!/") && gaps[0].1.contains("nested too deep"),
        "{gaps:?}"
    );
}

#[test]
fn bombs_in_jars_are_gaps() {
    let zeros = vec![0; 300 << 20];
    let archive = zip("inner.jar", &zeros, None);
    let text = zip("META-INF/MANIFEST.MF", &zeros[..8 << 20], None);
    let lying = zip("META-INF/MANIFEST.MF", &zeros[..8 << 20], Some(100));
    for jar in [archive, text, lying] {
        let scan = read(Tar::default().file("srv/x.jar", jar));
        assert!(scan.gaps.iter().any(|gap| gap.subject.starts_with("/srv/x.jar!/")), "{:?}", scan.gaps);
    }
}

#[test]
fn broken_jars_are_gaps() {
    let whole = zip(POM.0, POM.1, None);
    for cut in [4, 30, whole.len() - 30, whole.len() - 1] {
        let scan = read(Tar::default().file("srv/x.jar", &whole[..cut]));
        assert_eq!(scan.gaps.len(), 1, "{cut}: {:?}", scan.gaps);
        assert_eq!(scan.gaps[0].subject, "/srv/x.jar");
    }
}

#[test]
fn broken_rpm_databases_are_gaps() {
    let mut sqlite = b"SQLite format 3\0".to_vec();
    sqlite.extend([0x10, 0, 1, 1, 0, 64, 32, 32]);
    sqlite.resize(3 * 4096, 0xff);
    let mut bdb = vec![0; 8192];
    bdb[12..16].copy_from_slice(&0x61561_u32.to_le_bytes());
    bdb[20..24].copy_from_slice(&4096_u32.to_le_bytes());
    bdb[4096..].fill(0xff);
    let mut ndb = vec![0xff; 8192];
    ndb[..16].copy_from_slice(b"RpmP\0\0\0\0\0\0\0\0\x01\0\0\0");
    for (name, database) in [("rpmdb.sqlite", sqlite), ("Packages", bdb), ("Packages.db", ndb)] {
        for bytes in [&database[..], &database[..5000], &database[..100]] {
            let scan = read(Tar::default().file(&format!("var/lib/rpm/{name}"), bytes));
            assert!(!scan.gaps.is_empty(), "{name}, {} bytes", bytes.len());
            assert!(scan.gaps.iter().all(|gap| gap.subject.contains(name)), "{:?}", scan.gaps);
        }
    }
}

#[test]
fn deeply_nested_json_ends_nothing() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let nested =
            format!(r#"{{"name":"x","version":"1","y":{}1{}}}"#, open.repeat(100_000), close.repeat(100_000));
        let lock = format!(
            r#"{{"lockfileVersion":3,"packages":{}1{}}}"#,
            open.repeat(100_000),
            close.repeat(100_000)
        );
        let scan = read(
            Tar::default().file("node_modules/x/package.json", nested).file("srv/package-lock.json", lock),
        );
        // What nobody asks for is passed over, however deep.
        assert!(
            open != "[" || scan.gaps.iter().any(|gap| gap.subject == "/srv/package-lock.json"),
            "{:?}",
            scan.gaps
        );
    }
}

#[test]
fn programs_whose_headers_lie_end_nothing() {
    let mut elf = b"\x7fELF\x02\x01\x01".to_vec();
    elf.resize(64, 0xff);
    let mut pe = b"MZ".to_vec();
    pe.resize(60, 0);
    pe.extend([0xff; 64]);
    let tar = Tar::default().file("usr/bin/elf", elf).file("usr/bin/pe.exe", pe);
    assert_eq!(names(&read(tar.file("node_modules/x/package.json", PACKAGE))), ["left-pad"]);
}

#[test]
fn one_line_without_end_is_read() {
    let tar = Tar::default()
        .file("var/lib/dpkg/status", "P".repeat(20 << 20))
        .file("lib/apk/db/installed", "P:".repeat(5 << 20))
        .file("usr/lib/x-1.dist-info/METADATA", "Name: ".repeat(1 << 18))
        .file("node_modules/x/package.json", PACKAGE);
    assert!(names(&read(tar)).contains(&"left-pad"));
}
