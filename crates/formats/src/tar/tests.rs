use super::*;

fn built(build: impl FnOnce(&mut tar::Builder<Vec<u8>>)) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    build(&mut builder);
    builder.into_inner().unwrap()
}

fn file(builder: &mut tar::Builder<Vec<u8>>, name: &str, bytes: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o4755);
    header.set_uid(10_001);
    header.set_gid(0);
    header.set_cksum();
    builder.append_data(&mut header, name, bytes).unwrap();
}

fn read_all(bytes: &[u8]) -> Result<Vec<(Entry, Vec<u8>)>, TarError> {
    // A small buffer makes headers and bodies cross its boundaries.
    let mut archive = Archive::new(io::BufReader::with_capacity(700, bytes), Limits::default());
    let mut entries = Vec::new();
    while let Some(entry) = archive.next_entry()? {
        let mut body = Vec::new();
        loop {
            let piece = archive.fill()?;
            let len = piece.len();
            body.extend_from_slice(piece);
            archive.consume(len);
            if len == 0 {
                break;
            }
        }
        entries.push((entry, body));
    }
    archive.drain()?;
    Ok(entries)
}

#[test]
fn what_the_tar_crate_writes_is_read() {
    let long = format!("{}/file", "directory/".repeat(30));
    let bytes = built(|b| {
        file(b, "etc/passwd", b"root:x:0:0");
        file(b, &long, &[7; 5000]);
        let mut link = tar::Header::new_gnu();
        link.set_entry_type(tar::EntryType::Symlink);
        link.set_size(0);
        b.append_link(&mut link, "lib", "usr/lib").unwrap();
        file(b, "empty", b"");
    });
    let entries = read_all(&bytes).unwrap();
    let names: Vec<&str> = entries.iter().map(|(e, _)| e.name.as_str()).collect();
    assert_eq!(names, ["etc/passwd", &long, "lib", "empty"]);
    assert_eq!(entries[0].1, b"root:x:0:0");
    assert_eq!((entries[0].0.mode, entries[0].0.uid), (0o4755, 10_001));
    assert_eq!(entries[1].1, [7; 5000]);
    assert_eq!((entries[2].0.kind, entries[2].0.link.as_str()), (Kind::Symlink, "usr/lib"));
}

#[test]
fn file_capabilities_are_told() {
    let bytes = built(|b| {
        b.append_pax_extensions([("SCHILY.xattr.security.capability", &b"\x01\0\0\x02 \0\0\0"[..])]).unwrap();
        file(b, "ping", b"abc");
        file(b, "plain", b"abc");
    });
    let told: Vec<bool> = read_all(&bytes).unwrap().iter().map(|(entry, _)| entry.capabilities).collect();
    assert_eq!(told, [true, false]);
}

#[test]
fn pax_records_override_the_header() {
    let bytes = built(|b| {
        b.append_pax_extensions([
            ("path", &b"new/name"[..]),
            ("size", b"3"),
            ("uid", b"4242"),
            ("mtime", b"1.5"),
        ])
        .unwrap();
        file(b, "old", b"abc");
    });
    let entries = read_all(&bytes).unwrap();
    assert_eq!(
        (entries[0].0.name.as_str(), entries[0].0.uid, entries[0].1.as_slice()),
        ("new/name", 4242, &b"abc"[..])
    );
}

#[test]
fn endless_extension_headers_end_at_the_limit() {
    let bytes = built(|b| {
        for _ in 0..3000 {
            b.append_pax_extensions([("comment", &[b'x'; 400][..])]).unwrap();
        }
    });
    assert!(matches!(read_all(&bytes), Err(TarError::Limit { what: "bytes of extended headers", .. })));
}

#[test]
fn a_size_that_lies_is_a_truncation_not_an_allocation() {
    let mut header = tar::Header::new_gnu();
    header.set_path("huge").unwrap();
    header.set_size(u64::MAX / 4);
    header.set_cksum();
    assert!(matches!(read_all(header.as_bytes()), Err(TarError::Truncated(name)) if name == "huge"));
}

#[test]
fn garbage_and_cut_archives_are_errors_never_panics() {
    let sound = built(|b| file(b, "a", &[1; 2000]));
    assert!(matches!(read_all(&[0xff; 1024]), Err(TarError::Header { .. })));
    for cut in 0..sound.len() {
        if let Ok(entries) = read_all(&sound[..cut]) {
            assert!(entries.len() <= 1, "{cut}");
        }
    }
    for at in 0..512 {
        let mut flipped = sound.clone();
        flipped[at] ^= 0x55;
        assert!(read_all(&flipped).is_err() || at >= 512, "a flipped byte {at} breaks the checksum");
    }
}

#[test]
fn a_sparse_file_of_ten_gigabytes_costs_nothing() {
    let bytes = built(|b| {
        b.append_pax_extensions([
            ("GNU.sparse.major", &b"1"[..]),
            ("GNU.sparse.minor", b"0"),
            ("GNU.sparse.name", b"holes"),
            ("GNU.sparse.realsize", b"10737418240"),
        ])
        .unwrap();
        file(b, "GNUSparseFile.0/holes", b"1\n10737418239\n1\n");
        file(b, "next", b"n");
    });
    let entries = read_all(&bytes).unwrap();
    assert_eq!((entries[0].0.kind, entries[0].0.size), (Kind::Sparse, 10_737_418_240));
    assert_eq!(entries[0].0.name, "holes");
    assert_eq!(entries[1].0.name, "next");
}
