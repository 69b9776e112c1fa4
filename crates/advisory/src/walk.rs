//! From folders, files and archives to documents, in an order that does not depend on the file system.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use jiff::ToSpan;
use jiff::civil::Date;

use crate::bounded;

/// The most bytes of one file or member.
const FILE_LIMIT: u64 = 256 << 20;
/// The most bytes that one archive may unpack to.
const ARCHIVE_LIMIT: u64 = 16 << 30;
/// The most members of one archive, and files of one folder.
const ENTRY_LIMIT: usize = 2_000_000;
const DEPTH_LIMIT: usize = 32;
/// The largest window a zstd stream may ask for: 2^27, as `zstd --long` makes.
const ZSTD_WINDOW: u32 = 27;

/// Takes what a walk finds.
pub(crate) trait Visitor {
    /// A document, read whole, and the day its archive gives it.
    fn document(&mut self, path: &str, text: &str, date: Option<Date>);
    /// Something that could not be read.
    fn problem(&mut self, path: &str, error: &io::Error);
}

/// Offers every document under `input` to `visitor`.
///
/// # Errors
/// If `input` itself is not there.
pub(crate) fn walk(input: &Path, visitor: &mut dyn Visitor) -> io::Result<()> {
    let kind = fs::metadata(input)?;
    if kind.is_dir() {
        folder(input, 0, visitor);
    } else {
        file_or_problem(input, visitor);
    }
    Ok(())
}

fn folder(path: &Path, depth: usize, visitor: &mut dyn Visitor) {
    let name = path.to_string_lossy();
    if depth > DEPTH_LIMIT {
        return visitor.problem(&name, &io::Error::other("the folders are nested too deep"));
    }
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries.take(ENTRY_LIMIT).filter_map(Result::ok).map(|entry| entry.path()),
        Err(error) => return visitor.problem(&name, &error),
    };
    let mut entries: Vec<PathBuf> = entries.collect();
    entries.sort_unstable();
    for entry in entries {
        let hidden = entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        // Links are not followed: they may lead out of the folder, or round in it.
        match fs::symlink_metadata(&entry) {
            Ok(kind) if kind.is_dir() && !hidden => folder(&entry, depth.saturating_add(1), visitor),
            Ok(kind) if kind.is_file() && !hidden => file_or_problem(&entry, visitor),
            Ok(_) => {}
            Err(error) => visitor.problem(&entry.to_string_lossy(), &error),
        }
    }
}

fn file_or_problem(path: &Path, visitor: &mut dyn Visitor) {
    let name = path.to_string_lossy();
    let result = File::open(path).and_then(|file| match name.rsplit_once('.') {
        Some((_, "zip")) => zip_members(&name, file, visitor),
        Some((_, "deb")) => deb_changelogs(&name, file, visitor),
        _ => stream(&name, file, visitor),
    });
    if let Err(error) = result {
        visitor.problem(&name, &error);
    }
}

/// Takes off the compression that the name tells, then reads members or the one document.
fn stream(name: &str, file: File, visitor: &mut dyn Visitor) -> io::Result<()> {
    let (inner, plain) = decompressed(name, BufReader::new(file))?;
    if inner.ends_with(".tar") {
        return tar_members(name, plain, visitor);
    }
    let packed = [".zst", ".gz", ".xz", ".bz2"];
    let path = packed.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    // The file system's date would tell of the copy, not of the data.
    document(path, &bounded::read(plain, FILE_LIMIT)?, None, visitor);
    Ok(())
}

/// The name without the end that tells the compression, and the plain bytes.
pub(crate) fn decompressed<'r>(
    name: &str,
    file: impl BufRead + 'r,
) -> io::Result<(String, Box<dyn Read + 'r>)> {
    Ok(match name.rsplit_once('.') {
        Some((inner, "gz")) => (inner.to_owned(), Box::new(flate2::bufread::MultiGzDecoder::new(file))),
        Some((inner, "tgz")) => {
            (format!("{inner}.tar"), Box::new(flate2::bufread::MultiGzDecoder::new(file)))
        }
        Some((inner, "zst")) => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(file)?;
            decoder.window_log_max(ZSTD_WINDOW)?;
            (inner.to_owned(), Box::new(decoder))
        }
        Some((inner, "bz2")) => (inner.to_owned(), Box::new(bzip2::bufread::MultiBzDecoder::new(file))),
        Some((inner, "xz")) => {
            let decoder =
                liblzma::stream::Stream::new_stream_decoder(256 << 20, liblzma::stream::CONCATENATED)?;
            (inner.to_owned(), Box::new(liblzma::bufread::XzDecoder::new_stream(file, decoder)))
        }
        _ => (name.to_owned(), Box::new(file)),
    })
}

/// The changelogs of a Debian package: deb(5), an `ar` archive with a tar of its files.
fn deb_changelogs(deb: &str, file: File, visitor: &mut dyn Visitor) -> io::Result<()> {
    let malformed = || io::Error::new(io::ErrorKind::InvalidData, "not a Debian package");
    let mut file = BufReader::new(file);
    let mut magic = [0; 8];
    file.read_exact(&mut magic)?;
    if magic != *b"!<arch>\n" {
        return Err(malformed());
    }
    let mut head = [0; 60];
    loop {
        file.read_exact(&mut head).map_err(|_| malformed())?;
        let field = |range: std::ops::Range<usize>| {
            head.get(range).and_then(|bytes| std::str::from_utf8(bytes).ok()).map(str::trim)
        };
        let name = field(0..16).ok_or_else(malformed)?.trim_end_matches('/').to_owned();
        let size: u64 = field(48..58).and_then(|size| size.parse().ok()).ok_or_else(malformed)?;
        if name.starts_with("data.tar") {
            let (_, plain) = decompressed(&name, BufReader::new((&mut file).take(size)))?;
            return changelogs(deb, plain, visitor);
        }
        // Members begin at even places.
        io::copy(&mut (&mut file).take(size.saturating_add(size % 2)), &mut io::sink())?;
    }
}

fn changelogs(deb: &str, plain: impl Read, visitor: &mut dyn Visitor) -> io::Result<()> {
    let mut tar = tar::Archive::new(plain.take(ARCHIVE_LIMIT));
    for member in tar.entries()?.take(ENTRY_LIMIT) {
        let member = member?;
        let path = String::from_utf8_lossy(&member.path_bytes()).into_owned();
        let path = path.trim_start_matches("./");
        let name = path.strip_prefix("usr/share/doc/").and_then(|rest| rest.split_once('/'));
        // Of packages made for Debian alone the second; of others the second is the upstream's.
        if !matches!(name, Some((_, "changelog.Debian.gz" | "changelog.gz"))) {
            continue;
        }
        let bytes = bounded::read(flate2::read::MultiGzDecoder::new(member), FILE_LIMIT)?;
        let first_line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        if path.ends_with("/changelog.gz") && !(first_line.contains(&b'(') && first_line.contains(&b';')) {
            continue;
        }
        document(&format!("{deb}!{}", path.trim_end_matches(".gz")), &bytes, None, visitor);
    }
    Ok(())
}

fn tar_members(archive: &str, plain: impl Read, visitor: &mut dyn Visitor) -> io::Result<()> {
    let mut tar = tar::Archive::new(plain.take(ARCHIVE_LIMIT));
    for member in tar.entries()?.take(ENTRY_LIMIT) {
        let member = member?;
        if !member.header().entry_type().is_file() {
            continue;
        }
        let path = format!("{archive}!{}", String::from_utf8_lossy(&member.path_bytes()));
        let date = member.header().mtime().ok().and_then(day_of);
        match bounded::read(member, FILE_LIMIT) {
            Ok(bytes) => document(&path, &bytes, date, visitor),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => visitor.problem(&path, &error),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn zip_members(archive: &str, file: File, visitor: &mut dyn Visitor) -> io::Result<()> {
    let mut zip = zip::ZipArchive::new(BufReader::new(file)).map_err(io::Error::other)?;
    let mut left = ARCHIVE_LIMIT;
    for index in 0..zip.len().min(ENTRY_LIMIT) {
        let member = zip.by_index(index).map_err(io::Error::other)?;
        if !member.is_file() {
            continue;
        }
        let path = format!("{archive}!{}", String::from_utf8_lossy(member.name_raw()));
        match bounded::read(member, FILE_LIMIT.min(left)) {
            Ok(bytes) => {
                left = left.saturating_sub(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
                document(&path, &bytes, None, visitor);
            }
            Err(error) => visitor.problem(&path, &error),
        }
    }
    Ok(())
}

/// Structured documents are UTF-8; plain text of old may hold a name in another encoding.
fn document(path: &str, bytes: &[u8], date: Option<Date>, visitor: &mut dyn Visitor) {
    let structured = [".json", ".yaml", ".yml"].iter().any(|end| path.ends_with(end));
    match String::from_utf8_lossy(bytes) {
        Cow::Owned(_) if structured => {
            visitor.problem(path, &io::Error::new(io::ErrorKind::InvalidData, "not UTF-8"));
        }
        text => visitor.document(path, &text, date),
    }
}

fn day_of(seconds: u64) -> Option<Date> {
    let days = i64::try_from(seconds / 86_400).ok().filter(|days| *days < 100_000)?;
    let date = jiff::civil::date(1970, 1, 1).checked_add(days.days()).ok()?;
    (1990..=2200).contains(&date.year()).then_some(date)
}
