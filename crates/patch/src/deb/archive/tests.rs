//! Packages made here, sound and hostile.

use std::io::Write as _;

use super::*;

/// A file of a package to be: name, kind, content or target.
pub(crate) type Member<'a> = (&'a str, tar::EntryType, &'a str);

/// A file in a package.
pub(crate) const FILE: tar::EntryType = tar::EntryType::Regular;
/// A directory in a package.
pub(crate) const FOLDER: tar::EntryType = tar::EntryType::Directory;

pub(crate) fn tar_of(members: &[Member<'_>]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, kind, content) in members {
        let mut header = tar::Header::new_gnu();
        // By hand: the builder refuses what hostile packages do.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(if *kind == FOLDER { 0o755 } else { 0o644 });
        header.set_mtime(1_700_000_000);
        let body = if *kind == FILE { content.as_bytes() } else { b"" };
        if matches!(kind, tar::EntryType::Symlink | tar::EntryType::Link) {
            header.as_old_mut().linkname[..content.len()].copy_from_slice(content.as_bytes());
        }
        header.set_size(body.len() as u64);
        header.set_cksum();
        builder.append(&header, body).unwrap();
    }
    builder.into_inner().unwrap()
}

fn ar(members: &[(&str, Vec<u8>)]) -> File {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, content) in members {
        writeln!(bytes, "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`", 0, 0, 0, 100_644, content.len()).unwrap();
        bytes.extend_from_slice(content);
        if content.len() % 2 == 1 {
            bytes.push(b'\n');
        }
    }
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    file
}

/// The bytes of a package with this control file, these other control files and these files.
pub(crate) fn deb(control: &str, others: &[(&str, &str)], files: &[Member<'_>]) -> Result<Deb, PackageError> {
    let mut scripts = vec![("./control", FILE, control)];
    scripts.extend(others.iter().map(|(name, text)| (*name, FILE, *text)));
    let members = [
        ("debian-binary", b"2.0\n".to_vec()),
        ("control.tar", tar_of(&scripts)),
        ("data.tar", tar_of(files)),
    ];
    Deb::read(ar(&members), Limits::default())
}

#[test]
fn a_package_is_read() {
    let files = [
        ("./", FOLDER, ""),
        ("./usr/", FOLDER, ""),
        ("./usr/a", FILE, "hello"),
        ("./usr/b", tar::EntryType::Link, "./usr/a"),
        ("./usr/c", tar::EntryType::Symlink, "../x"),
        ("./etc/a.conf", FILE, "x=1\n"),
    ];
    let deb = deb(
        "Package: a\nVersion: 1\n",
        &[("conffiles", "/etc/a.conf\n"), ("postinst", "#!/bin/sh\n")],
        &files,
    )
    .unwrap();
    assert_eq!(deb.field("Version").as_deref(), Some("1"));
    assert_eq!(deb.conffiles(), ["/etc/a.conf"]);
    let told: Vec<(&str, &DataKind)> =
        deb.payload.entries.iter().map(|entry| (entry.path.as_str(), &entry.kind)).collect();
    assert_eq!(told[2], ("usr/b", &DataKind::Hardlink("usr/a".into())));
    assert_eq!(told[3], ("usr/c", &DataKind::Symlink("../x".into())));
    assert_eq!(deb.payload.entries[4].digest.as_deref(), Some(md5_of(b"x=1\n").as_str()));
    assert!(deb.scripts.contains_key("postinst"));
    let mut sizes = Vec::new();
    let mut each = |_: usize, attributes: &crate::package::Attributes, content: &mut dyn Read| {
        sizes.push((attributes.modified, std::io::copy(content, &mut std::io::sink())?));
        Ok(())
    };
    deb.payload.replay(&mut each).unwrap();
    assert_eq!(sizes.len(), deb.payload.entries.len());
    assert_eq!(sizes[4], (1_700_000_000, 4));
}

#[test]
fn what_no_package_has_is_refused() {
    let hostile: [(&str, Member<'_>); 9] = [
        ("absolute-name", ("/etc/passwd", FILE, "x")),
        ("dotdot-entry", ("./usr/../../etc/passwd", FILE, "x")),
        ("device-node", ("./dev/sda", tar::EntryType::Block, "")),
        ("character-device", ("./dev/mem", tar::EntryType::Char, "")),
        ("pipe", ("./run/pipe", tar::EntryType::Fifo, "")),
        ("whiteout", ("./etc/.wh.passwd", FILE, "")),
        ("hard-link-out", ("./usr/a", tar::EntryType::Link, "/etc/shadow")),
        ("hard-link-dotdot", ("./usr/a", tar::EntryType::Link, "../../etc/shadow")),
        ("line-end", ("./usr/a\nb", FILE, "x")),
    ];
    for (name, member) in hostile {
        let refused = deb("Package: a\nVersion: 1\n", &[], &[member]);
        assert!(matches!(refused, Err(PackageError::Entry { .. })), "{name}: {refused:?}");
    }
}

#[test]
fn bombs_and_broken_archives_are_refused() {
    let zeros = vec![0_u8; 64 << 20];
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
    let mut header = tar::Header::new_gnu();
    header.set_path("usr/zeros").unwrap();
    header.set_size(1 << 40);
    header.set_cksum();
    encoder.write_all(header.as_bytes()).unwrap();
    encoder.write_all(&zeros).unwrap();
    let control = tar_of(&[("./control", FILE, "Package: a\nVersion: 1\n")]);
    let bomb = ar(&[
        ("debian-binary", b"2.0\n".to_vec()),
        ("control.tar", control.clone()),
        ("data.tar.xz", encoder.finish().unwrap()),
    ]);
    assert!(matches!(Deb::read(bomb, Limits::default()), Err(PackageError::Limit { what: "bytes", .. })));
    let small = Limits { entries: 3, ..Limits::default() };
    let many = tar_of(&[("./a", FILE, ""), ("./b", FILE, ""), ("./c", FILE, ""), ("./d", FILE, "")]);
    let many =
        ar(&[("debian-binary", b"2.0\n".to_vec()), ("control.tar", control.clone()), ("data.tar", many)]);
    assert!(matches!(Deb::read(many, small), Err(PackageError::Tar(_))));
    for wrong in [
        ar(&[]),
        ar(&[("control.tar", control.clone())]),
        ar(&[("debian-binary", b"2.0\n".to_vec()), ("control.tar", control)]),
        ar(&[("debian-binary", b"2.0\n".to_vec()), ("control.tar", vec![]), ("data.tar", vec![])]),
    ] {
        assert!(matches!(Deb::read(wrong, Limits::default()), Err(PackageError::Form { .. })));
    }
    let mut truncated = tempfile::tempfile().unwrap();
    truncated
        .write_all(b"!<arch>\ndebian-binary   0           0     0     100644  99999999  `\n2.0\n")
        .unwrap();
    assert!(matches!(
        Deb::read(truncated, Limits::default()),
        Err(PackageError::Form { problem: "it ends inside a member", .. })
    ));
}
