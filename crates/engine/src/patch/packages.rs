//! What all kinds of packages have in common once it is known which ones come.

use std::fs::File;
use std::io::{BufReader, Read, Seek as _, SeekFrom};

use plimsoll_model::digest::{Digest, Hasher};
use plimsoll_model::patch::{PatchRepository, PatchedPackage};
use plimsoll_patch::resolve::Change;
use plimsoll_patch::stock::Check;

use super::{Outside, PatchError, Request};

/// The largest package that is fetched.
const PACKAGE: u64 = 2 << 30;

/// Fetches packages whose digest an index tells. One whose identity is told otherwise is checked when it is read.
pub(super) fn fetched(changes: &[Change], outside: &dyn Outside) -> Result<Vec<File>, PatchError> {
    let requests: Vec<Request> = changes
        .iter()
        .map(|change| Request {
            name: title(change),
            addresses: vec![format!("{}/{}", change.new.uri, change.new.file)],
            limit: change.new.size.min(PACKAGE),
        })
        .collect();
    let files = changes.iter().zip(outside.fetch(&requests)).map(|(change, file)| {
        let package = title(change);
        let file = file.map_err(|reason| PatchError::Fetch { package: package.clone(), reason })?;
        let forged = |difference| PatchError::Forged { package, difference };
        match change.new.check {
            Check::Sha256(digest) => is_the_one(&file, change.new.size, digest).map_err(forged)?,
            Check::Identity(_) => has_size(&file, change.new.size).map_err(forged)?,
        }
        Ok(file)
    });
    files.collect()
}

/// Name and version of what comes.
pub(super) fn title(change: &Change) -> String {
    format!("{} {}", change.new.name, change.new.version)
}

/// Makes sure that a package says of itself what its index says: name, version and architecture.
pub(super) fn claims(change: &Change, found: [&str; 3]) -> Result<(), PatchError> {
    let wanted = [
        ("name", &change.new.name),
        ("version", &change.new.version),
        ("architecture", &change.new.architecture),
    ];
    match wanted.iter().zip(found).find(|((_, wanted), found)| wanted.as_str() != *found) {
        Some(((what, _), found)) => {
            let difference = format!("its {what} is {found:?}");
            Err(PatchError::Forged { package: title(change), difference })
        }
        None => Ok(()),
    }
}

/// What is told of a package that comes, but for what was not run.
pub(super) fn told_of(change: &Change) -> PatchedPackage {
    PatchedPackage {
        name: change.new.name.clone(),
        architecture: change.new.architecture.clone(),
        from: change.old.as_ref().map(|old| old.version.clone()),
        to: change.new.version.clone(),
        repository: change.new.uri.clone(),
        sha256: match change.new.check {
            Check::Sha256(digest) => digest.hex(),
            Check::Identity(_) => String::new(),
        },
        scripts: Vec::new(),
        triggers: Vec::new(),
    }
}

/// An error if no repository could be believed.
pub(super) fn refuse_if_none(
    repositories: &[PatchRepository],
    refused: &[(String, String)],
) -> Result<(), PatchError> {
    if !repositories.is_empty() {
        return Ok(());
    }
    let reasons = refused.iter().map(|(name, reason)| format!("{name}: {reason}"));
    Err(PatchError::Refused(reasons.collect::<Vec<_>>().join("; ")))
}

fn has_size(file: &File, size: u64) -> Result<(), String> {
    let found = file.metadata().map_err(|error| error.to_string())?.len();
    if found == size { Ok(()) } else { Err(format!("it has {found} bytes, not {size}")) }
}

/// The SHA-256 of a file; afterwards it is at its start again.
pub(super) fn digest_of(file: &File) -> std::io::Result<Digest> {
    let mut reader = BufReader::new(file);
    reader.seek(SeekFrom::Start(0))?;
    let mut hasher = Hasher::default();
    let mut chunk = vec![0; 64 << 10];
    loop {
        let count = reader.read(&mut chunk)?;
        if count == 0 {
            break;
        }
        hasher.update(chunk.get(..count).unwrap_or_default());
    }
    reader.seek(SeekFrom::Start(0))?;
    Ok(hasher.finish())
}

/// Tells in words how a file differs from what is vouched for; afterwards it is at its start again.
pub(super) fn is_the_one(file: &File, size: u64, digest: Digest) -> Result<(), String> {
    // A size that is wrong needs no digest.
    has_size(file, size)?;
    let found = digest_of(file).map_err(|error| error.to_string())?;
    if found == digest { Ok(()) } else { Err(format!("it has the digest {found}, not {digest}")) }
}
