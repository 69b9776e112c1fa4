//! The repositories of an image, asked and believed as far as keys vouch: release file, then indexes, each by its digest.

use std::collections::BTreeSet;
use std::fs::File;

use plimsoll_formats::bounded;
use plimsoll_model::patch::PatchRepository;
use plimsoll_patch::deb::index::Index;
use plimsoll_patch::deb::release::{FileRecord, Release};
use plimsoll_patch::deb::sources::{SignedBy, Suite, named, suites};
use plimsoll_patch::keyring::binary;
use plimsoll_patch::package::inflate;

use super::super::files::Held;
use super::super::packages::{is_the_one, refuse_if_none};
use super::super::{Outside, PatchError, PatchOptions, Request};

/// The largest release file.
const RELEASE: u64 = 16 << 20;
/// The largest index, packed and not.
const INDEX: u64 = 256 << 20;

/// What the repositories have.
pub(in crate::patch) struct Asked {
    pub(in crate::patch) index: Index,
    pub(in crate::patch) repositories: Vec<PatchRepository>,
    pub(in crate::patch) refused: Vec<(String, String)>,
}

/// Asks the repositories. One that cannot be believed gives nothing, and is told.
pub(in crate::patch) fn index(
    held: &Held,
    architectures: &BTreeSet<String>,
    options: &PatchOptions,
    outside: &dyn Outside,
) -> Result<Asked, PatchError> {
    let suites = chosen(held, options)?;
    if suites.is_empty() {
        return Err(PatchError::NoRepository(
            "apt repository in /etc/apt; name one with --repository 'ADDRESS SUITE COMPONENT…'",
        ));
    }
    let mut asked = Asked { index: Index::default(), repositories: Vec::new(), refused: Vec::new() };
    let requests: Vec<Request> = suites.iter().map(release_request).collect();
    for (suite, file) in suites.iter().zip(outside.fetch(&requests)) {
        let name = format!("{} {}", suite.uri, suite.suite);
        match add(suite, file, architectures, held, options, outside, &mut asked.index) {
            Ok(Some(signed_by)) => asked.repositories.push(PatchRepository { name, signed_by }),
            Ok(None) => asked.refused.push((name, "apt takes nothing from it by itself".to_owned())),
            Err(reason) => asked.refused.push((name, reason)),
        }
    }
    refuse_if_none(&asked.repositories, &asked.refused)?;
    Ok(asked)
}

/// The repositories to ask, each once.
fn chosen(held: &Held, options: &PatchOptions) -> Result<Vec<Suite>, PatchError> {
    let named = options.repositories.iter().map(|line| named(line)).collect::<Result<_, _>>();
    let mut all: Vec<Suite> = named.map_err(|error| PatchError::Repository(error.to_string()))?;
    if all.is_empty() {
        let files =
            std::iter::once("etc/apt/sources.list".to_owned()).chain(held.below("etc/apt/sources.list.d"));
        all = files.flat_map(|path| suites(&path, &held.text(&path))).collect();
    }
    if let Some(mirror) = &options.mirror {
        all = all.into_iter().map(|suite| suite.from_mirror(mirror)).collect();
    }
    let mut seen = BTreeSet::new();
    all.retain(|suite| seen.insert((suite.uri.clone(), suite.suite.clone(), suite.components.clone())));
    Ok(all)
}

fn release_request(suite: &Suite) -> Request {
    let address = format!("{}/dists/{}/InRelease", suite.uri, suite.suite);
    Request { name: format!("release {}", suite.suite), addresses: vec![address], limit: RELEASE }
}

/// Adds a suite's packages; gives who signed it, or none if apt would not take from it.
fn add(
    suite: &Suite,
    release: Result<File, String>,
    architectures: &BTreeSet<String>,
    held: &Held,
    options: &PatchOptions,
    outside: &dyn Outside,
    index: &mut Index,
) -> Result<Option<String>, String> {
    let document = bounded::read(release?, RELEASE).map_err(|error| error.to_string())?;
    let signed = outside.verify(&document, &keys(&suite.signed_by, held, options)?)?;
    let release = Release::read(&signed.text, suite, options.now).map_err(|error| error.to_string())?;
    if release.is_not_automatic {
        return Ok(None);
    }
    let mut wanted: Vec<(Request, String, FileRecord)> = Vec::new();
    for component in &suite.components {
        for architecture in architectures {
            let Some((path, record)) = release.index(component, architecture) else { continue };
            wanted.push((index_request(suite, &release, &path, record)?, path, record));
        }
    }
    if wanted.is_empty() {
        return Err("it has none of the image's architectures, or none of the components".to_owned());
    }
    let requests: Vec<Request> = wanted.iter().map(|(request, ..)| request.clone()).collect();
    for ((_, path, record), file) in wanted.iter().zip(outside.fetch(&requests)) {
        let told = |reason: String| format!("{path}: {reason}");
        let file = file.map_err(told)?;
        is_the_one(&file, record.size, record.digest).map_err(|difference| {
            told(format!("it is not the file that the release file tells of: {difference}"))
        })?;
        let bytes = inflate(path, file, INDEX).map_err(|error| told(error.to_string()))?;
        index.add(&suite.uri, String::from_utf8_lossy(&bytes).into_owned());
    }
    Ok(Some(signed.by))
}

fn index_request(
    suite: &Suite,
    release: &Release,
    path: &str,
    record: FileRecord,
) -> Result<Request, String> {
    if record.size > INDEX {
        return Err(format!("{path} has {} bytes, more than {INDEX}", record.size));
    }
    let folder = format!("{}/dists/{}", suite.uri, suite.suite);
    let mut addresses = Vec::new();
    if release.by_hash {
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        addresses.push(format!("{folder}/{parent}/by-hash/SHA256/{}", record.digest.hex()));
    }
    addresses.push(format!("{folder}/{path}"));
    Ok(Request { name: format!("packages of {} ({path})", suite.suite), addresses, limit: record.size })
}

/// The keys of which one must have signed, in binary form.
fn keys(signed_by: &SignedBy, held: &Held, options: &PatchOptions) -> Result<Vec<Vec<u8>>, String> {
    let own = match signed_by {
        SignedBy::Anyone => {
            let mut paths = held.below("etc/apt/trusted.gpg.d");
            paths.push("etc/apt/trusted.gpg".to_owned());
            paths.iter().filter_map(|path| held.get(path)).filter_map(binary).collect()
        }
        SignedBy::Files(paths) => paths.iter().filter_map(|path| held.get(path)).filter_map(binary).collect(),
        SignedBy::Key(key) => binary(key.as_bytes()).into_iter().collect(),
        SignedBy::Fingerprint(_) => {
            return Err("the image names its key by a fingerprint, which is not supported".to_owned());
        }
    };
    let all: Vec<Vec<u8>> =
        Vec::into_iter(own).chain(options.keys.iter().filter_map(|key| binary(&key.bytes))).collect();
    if all.is_empty() {
        return Err("the image has no key for it; --keyring FILE names one".to_owned());
    }
    Ok(all)
}
