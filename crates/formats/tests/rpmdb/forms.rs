//! The same packages read the same from each form.

use plimsoll_formats::rpmdb::{Limits, RpmDbError, headers};

use super::{describe, read, write};

/// Reads a database of `blobs` and checks that nothing is lost.
fn check(bytes: &[u8], blobs: &[Vec<u8>]) {
    let (good, broken) = read(bytes);
    assert_eq!(broken, []);
    let found: Vec<&[u8]> = good.iter().map(|header| header.as_bytes()).collect();
    assert!(found == blobs, "{} of {}", found.len(), blobs.len());
}

#[test]
fn ndb_gives_all_packages() {
    check(&write::ndb(&write::packages()), &write::packages());
    let many = vec![write::package("small", 0); 1000];
    check(&write::ndb(&many), &many);
}

#[test]
fn bdb_of_all_page_sizes_and_orders_gives_all_packages() {
    // The value under the number 0 is the next free number and no package.
    let mut blobs = write::packages();
    blobs.insert(0, 31_u32.to_le_bytes().to_vec());
    for page_size in [512, 4096, 65536] {
        for big in [false, true] {
            check(&write::bdb(&blobs, page_size, big), &write::packages());
        }
    }
}

#[test]
fn sqlite_of_all_page_sizes_gives_all_packages() {
    for page_size in [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536] {
        check(&write::sqlite(&write::packages(), page_size), &write::packages());
    }
}

#[test]
fn a_header_tells_of_its_package() {
    let bytes = write::ndb(&write::packages());
    let (good, _) = read(&bytes);
    assert_eq!(describe(&good[2]), "package-2\t4\t1.2-3.el9\tx86_64\tsource-1.2-3.el9.src.rpm");
    assert_eq!(good[2].license().as_deref(), Some("MIT"));
    assert_eq!((good[2].vendor(), good[2].modularity_label()), (None, None));
    let files: Vec<String> = good[1].files().unwrap().map(|file| file.path()).collect();
    assert_eq!(files, ["/usr/bin/file-0", "/usr/lib/file-1", "/usr/bin/file-2"]);
    assert_eq!(good[0].files().unwrap().count(), 0);
    assert_eq!(good[29].files().unwrap().count(), 29 * 29 * 3);
}

#[test]
fn old_headers_name_whole_paths() {
    let blob = write::header(&[
        write::string(1000, "old"),
        (1027, write::STRINGS, 2, write::strings(&["/bin/a", "/bin/b"])),
    ]);
    let bytes = write::ndb(&[blob]);
    let (good, _) = read(&bytes);
    let files: Vec<String> = good[0].files().unwrap().map(|file| file.path()).collect();
    assert_eq!(files, ["/bin/a", "/bin/b"]);
}

#[test]
fn public_keys_are_told_from_packages() {
    let key = write::header(&[write::string(1000, "gpg-pubkey"), write::string(1001, "fd431d51")]);
    let package = write::header(&[write::string(1000, "gpg-pubkey"), write::string(1022, "noarch")]);
    let bytes = write::ndb(&[key, package]);
    let (good, _) = read(&bytes);
    assert!(good[0].is_public_key());
    assert!(!good[1].is_public_key());
}

#[test]
fn other_files_are_no_database() {
    for bytes in [b"".as_slice(), b"SQLite format 3", b"RpmQ", &[0; 4096], b"\x7fELF"] {
        assert_eq!(read(bytes).1, [RpmDbError::UnknownForm]);
    }
}

#[test]
fn limits_end_the_reading() {
    let bytes = write::ndb(&write::packages());
    let limits = Limits { records: 7, ..Limits::default() };
    let all: Vec<_> = headers(&bytes, &limits).collect();
    assert_eq!(all.len(), 8);
    assert_eq!(all[7].clone().err(), Some(RpmDbError::Limit { what: "packages", limit: 7 }));
    let limits = Limits { record_bytes: 2000, ..Limits::default() };
    let mut blobs = write::packages();
    blobs.insert(0, vec![0; 4]);
    for bytes in [bytes, write::bdb(&blobs, 512, false), write::sqlite(&write::packages(), 512)] {
        let good = headers(&bytes, &limits).filter(Result::is_ok).count();
        assert_eq!(good, write::packages().iter().filter(|blob| blob.len() <= 2000).count());
    }
}
