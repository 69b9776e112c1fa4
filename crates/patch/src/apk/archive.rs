//! Packages of apk's second format: gzip members with signatures, with what tells of the package, and with its files. An index
//! vouches for the second one by its SHA-1, and that one for the files by their SHA-256.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use plimsoll_formats::tar::{Archive, Kind};
use plimsoll_model::digest::hex;

use super::signed::{is_signature, member};
use crate::package::{Attributes, Form, Limits, PackageError, Part, Payload, body, each_chunk, tar_entries};

/// A package that was read through once, and is the one that an index vouches for.
#[derive(Clone, Debug)]
pub struct Apk {
    /// Its files. The digests are SHA-1.
    pub payload: Payload,
    /// Whose each file is.
    pub attributes: Vec<Attributes>,
    /// `.PKGINFO`.
    pub info: String,
    /// The scripts by their names, as `post-upgrade`.
    pub scripts: BTreeMap<String, Vec<u8>>,
}

const fn form(problem: &'static str) -> PackageError {
    PackageError::Form { kind: "apk", problem }
}

impl Apk {
    /// Reads the package in `file`, which has to have this identity.
    ///
    /// # Errors
    /// If it is none, another one, or not a sound one.
    pub fn read(file: File, identity: &[u8; 20], limits: Limits) -> Result<Self, PackageError> {
        let file = Arc::new(file);
        let mut magic = [0; 3];
        let head = Part { file: Arc::clone(&file), from: 0, size: 3, name: String::new() };
        head.stored().read_exact(&mut magic).map_err(|_| form("it is too short"))?;
        if &magic == b"ADB" {
            return Err(form("it is of the third format, which is not read"));
        }
        let mut control = member(&file, 0, limits.control)?;
        if is_signature(&control.plain) {
            let from = control.part.size;
            control = member(&file, from, limits.control)?;
        }
        if digest(&SHA1_FOR_LEGACY_USE_ONLY, control.part.stored())? != identity {
            return Err(PackageError::Forged("what tells of it is not what the index vouches for"));
        }
        let from = control.part.from.saturating_add(control.part.size);
        let size = file.metadata()?.len().saturating_sub(from);
        let data = Part { file, from, size, name: "data.tar.gz".to_owned() };
        let (info, scripts) = control_files(&control.plain, limits)?;
        let wanted = field(&info, "datahash").ok_or(form("it vouches for no files (`datahash`)"))?;
        if hex(&digest(&SHA256, data.stored())?) != wanted {
            return Err(PackageError::Forged("its files are not those that it vouches for"));
        }
        let mut digest_of = |_: &str, archive: &mut Archive<_>| {
            let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
            each_chunk(archive, |chunk| context.update(chunk))?;
            Ok(Some(hex(context.finish().as_ref())))
        };
        let entries = tar_entries(data.plain()?, &BTreeSet::new(), &mut digest_of, limits)?;
        let payload = Payload { entries, part: data, form: Form::Tar, limit: limits.data };
        let mut attributes = Vec::new();
        payload.replay(&mut |_, found, _| {
            attributes.push(found.clone());
            Ok(())
        })?;
        Ok(Self { payload, attributes, info, scripts })
    }

    /// A field of `.PKGINFO`.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        field(&self.info, name)
    }

    /// All values of a field of `.PKGINFO`, with spaces between.
    #[must_use]
    pub fn words(&self, name: &str) -> String {
        fields(&self.info, name).collect::<Vec<_>>().join(" ")
    }
}

fn fields<'a>(info: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let pairs = info.lines().filter_map(|line| line.split_once(" = "));
    pairs.filter(move |(key, _)| *key == name).map(|(_, value)| value.trim())
}

fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    fields(info, name).last()
}

fn control_files(plain: &[u8], limits: Limits) -> Result<(String, BTreeMap<String, Vec<u8>>), PackageError> {
    let mut archive = Archive::new(plain, limits.tar());
    let (mut info, mut scripts) = (None, BTreeMap::new());
    while let Some(entry) = archive.next_entry()? {
        if entry.kind != Kind::File {
            continue;
        }
        if entry.name == ".PKGINFO" {
            info = Some(String::from_utf8_lossy(&body(&mut archive)?).into_owned());
        } else if let Some(name) = entry.name.strip_prefix('.') {
            scripts.insert(name.to_owned(), body(&mut archive)?);
        }
    }
    Ok((info.ok_or(form("it has no .PKGINFO"))?, scripts))
}

fn digest(algorithm: &'static aws_lc_rs::digest::Algorithm, reader: impl Read) -> io::Result<Vec<u8>> {
    let mut reader = BufReader::new(reader);
    let mut context = Context::new(algorithm);
    let mut chunk = vec![0; 64 << 10];
    loop {
        let count = reader.read(&mut chunk)?;
        if count == 0 {
            return Ok(context.finish().as_ref().to_vec());
        }
        context.update(chunk.get(..count).unwrap_or_default());
    }
}

/// The SHA-1 of `bytes` in hexadecimal digits, as apk's database has it in another spelling.
#[must_use]
pub fn sha1_of(bytes: &[u8]) -> String {
    hex(aws_lc_rs::digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref())
}

#[cfg(test)]
pub(crate) mod tests;
