//! Secrets in what is no text itself: text in UTF-16, the text members of zip archives, databases of SQLite.
//!
//! Archives within archives are not opened. Of a database nothing is parsed: tokens that tell their issuer, and keys in
//! PEM, are looked for in its bytes, so what has no line is told as line 1.

use std::io::Read as _;

use plimsoll_formats::source::Source;
use plimsoll_formats::utf16::{self, Utf8};
use plimsoll_formats::zip::{Directory, Member, ZipError};
use plimsoll_model::extractor::{
    ContentRule, ExtractError, Extractor, Facts, PathRule, ReadSeek, SNIFF, ScanFile, Wants,
};
use plimsoll_model::gap::GapKind;

use super::rules::RuleSet;
use super::window::{Look, Search};
use super::{HITS_LIMIT, tell};

/// How a database of SQLite begins (<https://www.sqlite.org/fileformat2.html>, section 1.3).
const SQLITE: &[u8] = b"SQLite format 3\0";

/// How a zip archive begins, if nothing stands before it.
const ZIP: &[u8] = b"PK\x03\x04";

/// The list of an archive's members has at most so many bytes.
const DIRECTORY: u64 = 16 << 20;

/// Larger members are not read.
const MEMBER: u64 = 16 << 20;

/// All members that are read have together at most so many bytes, and so many more for each of the archive's.
const TOGETHER: (u64, u64) = (128 << 20, 32);

/// Endings of members that are no text and not worth inflating.
const BINARY: [&str; 40] = [
    "avif",
    "bin",
    "bz2",
    "class",
    "dll",
    "dsa",
    "dylib",
    "eot",
    "exe",
    "gif",
    "gz",
    "icns",
    "ico",
    "jar",
    "jnilib",
    "jpeg",
    "jpg",
    "kotlin_module",
    "mo",
    "mp3",
    "mp4",
    "node",
    "npy",
    "otf",
    "pdf",
    "png",
    "pyc",
    "rsa",
    "sf",
    "so",
    "tasty",
    "ttf",
    "war",
    "wasm",
    "webp",
    "whl",
    "woff",
    "woff2",
    "xz",
    "zip",
];

/// Finds secrets in files that are no text themselves.
pub const SECRETS_INSIDE: Extractor = Extractor {
    name: "secrets-inside",
    revision: 1,
    wants: Wants {
        paths: &[PathRule::Any],
        content: ContentRule::Wide(&[SQLITE, ZIP, b"\xfe\xff", b"\xff\xfe"]),
        max_size: 4 << 30,
    },
    extract,
};

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let set = RuleSet::embedded();
    if set.allow.path(file.path) {
        return Ok(());
    }
    let (path, size) = (file.path, file.size);
    let mut head = Vec::new();
    let mut reader = file.reader()?;
    #[expect(clippy::disallowed_methods, reason = "bounded by take")]
    reader.by_ref().take(SNIFF as u64).read_to_end(&mut head).map_err(ExtractError::Spool)?;
    if head.starts_with(ZIP) {
        return archive(path, &mut Source::Stream { reader, size }, facts);
    }
    drop(reader);
    let mut search;
    if head.starts_with(SQLITE) {
        search = Search::new(set, HITS_LIMIT, Look::Bytes);
        search.windows(&mut *file.reader()?)
    } else if let Some(order) = utf16::order(&head) {
        search = Search::new(set, HITS_LIMIT, Look::of(path));
        search.windows(&mut Utf8::new(file.reader()?, order))
    } else {
        return Ok(());
    }
    .map_err(ExtractError::Spool)?;
    tell(search, None, facts);
    Ok(())
}

/// Searches the members of an archive that are text.
fn archive(
    path: &str,
    source: &mut Source<'_, Box<dyn ReadSeek + '_>>,
    facts: &mut Facts,
) -> Result<(), ExtractError> {
    let directory = match Directory::read(source, DIRECTORY) {
        Ok(directory) => directory,
        // Four bytes make no archive.
        Err(ZipError::NotZip) => return Ok(()),
        Err(error) => return Err(unread(error)),
    };
    let mut room = TOGETHER.0.min(source.size().saturating_mul(TOGETHER.1).saturating_add(1 << 20));
    let mut left_out: Vec<String> = Vec::new();
    for member in directory.members() {
        let member = member.map_err(unread)?;
        if member.size == 0 || is_binary(&member.name) {
            continue;
        }
        let name = format!("{path}/{}", member.name);
        if RuleSet::embedded().allow.path(&name) {
            continue;
        }
        match member.read(source, MEMBER.min(room)) {
            Ok(bytes) => {
                room = room.saturating_sub(member.size);
                text(&member, &bytes, facts);
            }
            Err(ZipError::Read(error)) => return Err(ExtractError::Spool(error)),
            Err(error) => left_out.push(format!("{}: {error}", member.name)),
        }
    }
    if let Some(first) = left_out.first() {
        let more = match left_out.len() {
            1 => String::new(),
            count => format!(", and {} more", count - 1),
        };
        facts.gap(GapKind::FileUnread, format!("secrets: members that were not searched: {first}{more}"));
    }
    Ok(())
}

fn text(member: &Member, bytes: &[u8], facts: &mut Facts) {
    let head = bytes.get(..SNIFF).unwrap_or(bytes);
    let mut search = Search::new(RuleSet::embedded(), HITS_LIMIT, Look::of(&member.name));
    if let Some(order) = utf16::order(head) {
        // Memory can be read.
        drop(search.windows(&mut Utf8::new(bytes, order)));
    } else if !head.contains(&0) {
        search.whole(bytes);
    }
    tell(search, Some(&member.name), facts);
}

fn is_binary(name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    name.ends_with('/') || BINARY.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

fn unread(error: ZipError) -> ExtractError {
    match error {
        ZipError::Read(error) => ExtractError::Spool(error),
        ZipError::Limit(reason) => ExtractError::Limit(reason.to_owned()),
        error => ExtractError::Malformed(error.to_string()),
    }
}
