//! The digests of installed files that package managers record: dpkg's `md5sums` and `Conffiles`, apk's `Z:` lines, rpm's
//! headers, Python's `RECORD`.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use plimsoll_formats::apkdb;
use plimsoll_formats::deb822::stanzas;
use plimsoll_formats::rpmdb::{Header, Limits, headers};
use plimsoll_model::accounting::{RecordedDigest, RecordedFile};
use plimsoll_model::digest::Digest;
use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::gap::GapKind;
use plimsoll_model::path::{Normalized, file_name, normalize, parent};

use crate::lang::python;
use crate::os::{apk, rpm};

/// Reads dpkg's records.
pub(crate) const DPKG_DIGESTS: Extractor = Extractor {
    name: "dpkg-digests",
    revision: 1,
    wants: Wants {
        paths: &[PathRule::Exact("var/lib/dpkg/status"), PathRule::Suffix(".md5sums")],
        content: ContentRule::Text,
        max_size: 256 << 20,
    },
    extract: extract_dpkg,
};

/// Reads apk's records.
pub(crate) const APK_DIGESTS: Extractor =
    Extractor { name: "apk-digests", revision: 1, wants: apk::APK.wants, extract: extract_apk };

/// Reads rpm's records.
pub(crate) const RPM_DIGESTS: Extractor =
    Extractor { name: "rpm-digests", revision: 1, wants: rpm::RPM.wants, extract: extract_rpm };

/// Reads the records of Python's installers.
pub(crate) const PYTHON_DIGESTS: Extractor = Extractor {
    name: "python-digests",
    revision: 1,
    wants: Wants {
        paths: &[PathRule::Suffix(".dist-info/RECORD")],
        content: ContentRule::Text,
        max_size: 64 << 20,
    },
    extract: extract_python,
};

/// Bytes of paths kept of one database.
const TEXT: usize = 128 << 20;

fn recorded(path: &str, digest: Option<RecordedDigest>, is_configuration: bool) -> Option<RecordedFile> {
    let Normalized::Path(path) = normalize(path) else { return None };
    Some(RecordedFile { path, digest: digest?, is_configuration })
}

fn push(facts: &mut Facts, files: impl Iterator<Item = RecordedFile>) {
    let files: Vec<RecordedFile> = files.collect();
    if !files.is_empty() {
        facts.push(Fact::RecordedFiles(files));
    }
}

fn extract_dpkg(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let is_list = file.path.ends_with(".md5sums");
    if is_list && !matches!(parent(file.path), "var/lib/dpkg/info" | "var/lib/dpkg/status.d") {
        return Ok(());
    }
    let text = file.text()?;
    if is_list {
        let files = text.lines().filter_map(|line| line.split_once("  "));
        push(facts, files.filter_map(|(digest, path)| recorded(path, md5(digest.as_bytes()), false)));
        return Ok(());
    }
    for stanza in stanzas(&text) {
        let Some(conffiles) = stanza.get("Conffiles") else { continue };
        // `PATH MD5`, and for what a newer version dropped, `obsolete` or `remove-on-upgrade` behind it.
        let files = conffiles.lines().filter_map(|line| {
            let mut words = line.split_whitespace();
            let (path, digest) = (words.next()?, words.next()?);
            recorded(path, md5(digest.as_bytes()), true)
        });
        push(facts, files);
    }
    Ok(())
}

fn extract_apk(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let text = file.text()?;
    for record in apkdb::records(&text) {
        let (mut directory, mut name) = ("", "");
        let files = record.fields().filter_map(|(key, value)| {
            match key {
                b'F' => directory = value,
                b'R' => name = value,
                b'Z' => return recorded(&format!("{directory}/{name}"), apk_digest(value), false),
                _ => {}
            }
            None
        });
        push(facts, files);
    }
    Ok(())
}

/// `Q1` and SHA-1, or `Q2` and SHA-256, in base64
/// (<https://wiki.alpinelinux.org/wiki/Apk_spec#Package_Checksum_Field>).
fn apk_digest(value: &str) -> Option<RecordedDigest> {
    let bytes = |encoded| STANDARD.decode(encoded).ok();
    if let Some(encoded) = value.strip_prefix("Q1") {
        return Some(RecordedDigest::Sha1(bytes(encoded)?.try_into().ok()?));
    }
    Some(RecordedDigest::Sha256(Digest::from_bytes(bytes(value.strip_prefix("Q2")?)?.try_into().ok()?)))
}

fn extract_rpm(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    if file.path.ends_with("-wal") || file.path.ends_with("container-manifest-2") {
        return Ok(());
    }
    let bytes = file.read()?;
    let mut room = TEXT;
    // What is broken in the database is the concern of the reader of packages, which tells it.
    for header in headers(&bytes, &Limits::default()).flatten() {
        if of_header(&header, facts, &mut room).is_none() {
            facts.gap(GapKind::LimitReached, format!("more than {TEXT} bytes of paths"));
            break;
        }
    }
    Ok(())
}

/// Tells what a header records; `None` if there is no room left for it.
fn of_header(header: &Header<'_>, facts: &mut Facts, room: &mut usize) -> Option<()> {
    let (Ok(files), Some(digests)) = (header.files(), header.file_digests()) else { return Some(()) };
    let algorithm = header.file_digest_algorithm();
    let mut all = Vec::new();
    for (file, digest) in files.zip(digests) {
        if digest.is_ghost || digest.hex.is_empty() {
            continue;
        }
        *room = room.checked_sub(file.len())?;
        let value = match algorithm {
            1 => md5(digest.hex),
            8 => hex(digest.hex).map(|bytes| RecordedDigest::Sha256(Digest::from_bytes(bytes))),
            _ => None,
        };
        all.extend(recorded(&file.path(), value, digest.is_configuration));
    }
    push(facts, all.into_iter());
    Some(())
}

fn extract_python(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let folder = parent(file.path);
    if !file_name(folder).ends_with(".dist-info") {
        return Ok(());
    }
    let base = parent(folder).to_owned();
    let text = file.text()?;
    let files = text.lines().filter_map(|line| {
        let path = python::first_field(line);
        let digest = line.rsplit(',').nth(1)?.strip_prefix("sha256=")?;
        let bytes = URL_SAFE_NO_PAD.decode(digest).ok()?.try_into().ok()?;
        recorded(&format!("{base}/{path}"), Some(RecordedDigest::Sha256(Digest::from_bytes(bytes))), false)
    });
    push(facts, files);
    Ok(())
}

fn md5(digits: &[u8]) -> Option<RecordedDigest> {
    hex(digits).map(RecordedDigest::Md5)
}

/// Bytes of so many hexadecimal digits, neither more nor less.
fn hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    let value = |digit: u8| char::from(digit).to_digit(16);
    let mut bytes = [0_u8; N];
    if pairs.len() != N {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = u8::try_from(value(*high)? * 16 + value(*low)?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::facts_of;

    fn told(extractor: &Extractor, path: &str, text: &str) -> Vec<(String, bool)> {
        let all = facts_of(extractor, path, text.as_bytes()).into_iter().flat_map(|fact| match fact {
            Fact::RecordedFiles(files) => files,
            other => panic!("{other:?}"),
        });
        all.map(|file| (file.path, file.is_configuration)).collect()
    }

    #[test]
    fn records_of_each_manager_are_read() {
        let list = "900150983cd24fb0d6963f7d28e17f72  usr/bin/abc\nshort  usr/x\n900150983cd24fb0d6963f7d28e17f72  ../../etc/passwd\n";
        assert_eq!(
            told(&DPKG_DIGESTS, "var/lib/dpkg/info/abc.md5sums", list),
            [("usr/bin/abc".to_owned(), false)]
        );
        assert_eq!(told(&DPKG_DIGESTS, "srv/abc.md5sums", list), []);
        let status = "Package: abc\nConffiles:\n /etc/abc 900150983cd24fb0d6963f7d28e17f72\n /etc/old newconffile\n /etc/gone 900150983cd24fb0d6963f7d28e17f72 obsolete\n";
        let expected = [("etc/abc".to_owned(), true), ("etc/gone".to_owned(), true)];
        assert_eq!(told(&DPKG_DIGESTS, "var/lib/dpkg/status", status), expected);
        let installed =
            "P:abc\nV:1\nF:usr/bin\nR:abc\na:0:0:755\nZ:Q1qZk+NkcGgWq6PiVxeFDCbJzQ2J0=\nR:bad\nZ:Q1AA==\n";
        assert_eq!(
            told(&APK_DIGESTS, "lib/apk/db/installed", installed),
            [("usr/bin/abc".to_owned(), false)]
        );
        let record = "abc.py,sha256=ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0,3\n../../bin/abc,,\n";
        let path = "usr/lib/python3/site-packages/abc-1.dist-info/RECORD";
        assert_eq!(
            told(&PYTHON_DIGESTS, path, record),
            [("usr/lib/python3/site-packages/abc.py".to_owned(), false)]
        );
    }

    #[test]
    fn digits_must_be_as_many_as_the_digest_has() {
        assert_eq!(hex::<2>(b"00fF"), Some([0, 255]));
        for wrong in [&b"00f"[..], b"00ff00", b"00fg", b""] {
            assert_eq!(hex::<2>(wrong), None);
        }
    }
}
