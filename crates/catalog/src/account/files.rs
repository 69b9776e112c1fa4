//! What each regular file is by its content, and its digests. Only an accounting wants this: it reads every byte of every
//! file.

use std::io::{self, Write};

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use md5::{Digest as _, Md5};
use plimsoll_formats::executable::Executable;
use plimsoll_model::accounting::{FileDigests, FileKind};
use plimsoll_model::digest::Hasher;
use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::path::file_name;

use crate::lang::executable;
use crate::selector::content_fits;

/// Tells what every file is.
pub(crate) const FILES: Extractor = Extractor {
    name: "files",
    revision: 1,
    wants: Wants { paths: &[PathRule::Any], content: ContentRule::Any, max_size: 1 << 40 },
    extract,
};

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let mut digester = Digester::default();
    match file.bytes() {
        Some(bytes) => digester.update(bytes),
        None => drop(io::copy(&mut file.reader()?, &mut digester).map_err(ExtractError::Spool)?),
    }
    let kind = kind(file)?;
    facts.push(Fact::File(kind, digester.finish()));
    Ok(())
}

fn kind(file: &mut ScanFile<'_>) -> Result<FileKind, ExtractError> {
    let path = file.path;
    let mut source = executable::source(file)?;
    let head = source.read_at(0, 16).map_err(ExtractError::Spool)?.to_vec();
    if head.starts_with(b"#!") {
        return Ok(FileKind::Script);
    }
    if !content_fits(executable::WANTS.content, &head) {
        return Ok(FileKind::Other);
    }
    let is_executable = Executable::read(&mut source).map_err(ExtractError::Spool)?.is_some();
    Ok(match file_name(path) {
        _ if !is_executable => FileKind::Other,
        name if is_library(name) => FileKind::Library,
        _ => FileKind::Program,
    })
}

/// Programs and libraries have the same form, and a library may well be run; its name tells what it is for.
fn is_library(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with(".so")
        || name.contains(".so.")
        || [".dll", ".dylib", ".node", ".pyd"].iter().any(|end| name.ends_with(end))
}

/// All digests in one pass.
struct Digester {
    md5: Md5,
    sha1: Context,
    sha256: Hasher,
}

impl Default for Digester {
    fn default() -> Self {
        Self { md5: Md5::new(), sha1: Context::new(&SHA1_FOR_LEGACY_USE_ONLY), sha256: Hasher::default() }
    }
}

impl Digester {
    fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.sha1.update(bytes);
        self.sha256.update(bytes);
    }

    fn finish(self) -> FileDigests {
        let mut sha1 = [0_u8; 20];
        for (to, from) in sha1.iter_mut().zip(self.sha1.finish().as_ref()) {
            *to = *from;
        }
        FileDigests { md5: self.md5.finalize().into(), sha1, sha256: self.sha256.finish() }
    }
}

impl Write for Digester {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The digests of a file without content, which no extractor is offered.
pub(super) fn of_nothing() -> FileDigests {
    Digester::default().finish()
}

#[cfg(test)]
mod tests {
    use plimsoll_model::digest::hex;

    use super::*;
    use crate::testing::facts_of;

    fn kind_of(path: &str, bytes: &[u8]) -> FileKind {
        let facts = facts_of(&FILES, path, bytes);
        let [Fact::File(kind, _)] = facts.as_slice() else { panic!("{facts:?}") };
        *kind
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test reads its own program")]
    fn content_tells_what_a_file_is() {
        let own = std::fs::read("/proc/self/exe").unwrap();
        assert_eq!(kind_of("usr/bin/x", &own), FileKind::Program);
        assert_eq!(kind_of("usr/lib/libx.so.1", &own), FileKind::Library);
        assert_eq!(kind_of("usr/bin/x", b"#!/bin/sh\n"), FileKind::Script);
        assert_eq!(kind_of("usr/bin/x.so", b"INPUT(libx.a)"), FileKind::Other);
        assert_eq!(kind_of("x", b"\x7fELF cut off"), FileKind::Other);
    }

    #[test]
    fn digests_are_the_published_ones() {
        let facts = facts_of(&FILES, "abc", b"abc");
        let [Fact::File(_, digests)] = facts.as_slice() else { panic!("{facts:?}") };
        assert_eq!(hex(&digests.md5), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(hex(&digests.sha1), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(digests.sha256, plimsoll_model::digest::Digest::of(b"abc"));
        assert_eq!(hex(&of_nothing().md5), "d41d8cd98f00b204e9800998ecf8427e");
    }
}
