//! Into an OCI layout (<https://github.com/opencontainers/image-spec/blob/main/image-layout.md>): blobs and manifests as files that
//! appear when they are whole, then the index that names them. What the layout has stays.

use std::io::{self, Read as _, Seek as _, Write};
use std::path::{Path, PathBuf};

use plimsoll_formats::bounded;
use plimsoll_model::digest::{BlobDigest, Hasher};
use serde_json::{Value, json};

use super::checked::Checked;
use super::registry::kept;
use super::{Carried, CarryError, Load, Moved, OtherTags, Sent, Step, Watch, entry};
use crate::manifest::MANIFEST_LIMIT;
use crate::mutate::{named as name_file, nameless};
use crate::source::referrers::OCI_INDEX;

pub(super) const VERSION: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
const REF_NAME: &str = "org.opencontainers.image.ref.name";
const PIECE: usize = 256 << 10;

impl Load<'_> {
    /// Carries it into the layout at `directory`, which is made if it is not there, and gives it a name there.
    ///
    /// # Errors
    /// See [`CarryError`].
    pub fn to_layout(
        &self,
        directory: &Path,
        name: Option<&str>,
        others: OtherTags,
        watch: Watch<'_>,
    ) -> Result<Carried, CarryError> {
        let folder = prepared(directory)?;
        let blobs = self.move_blobs(watch, |blob| {
            let path = folder.join(blob.digest.0.hex());
            if is_there(&path, blob.digest, blob.size) {
                return Ok(Sent::There);
            }
            let told = |bytes| watch(Step::Bytes(bytes));
            let mut content = Checked::open(self.from.blob(blob).as_ref(), blob, &told)?;
            write_large(&path, |out| {
                let copied = io::copy(&mut content, out).map(drop);
                content.end(copied, |source| CarryError::Write { path: path.clone(), source })
            })
        })?;
        let mut carried = Carried { blobs, left: self.left.clone(), ..Carried::default() };
        for (_, part) in self.parts() {
            let (path, size) = (folder.join(part.digest.0.hex()), part.bytes.len() as u64);
            let fate = if is_there(&path, part.digest, size) {
                Sent::There
            } else {
                let failed = |source| CarryError::Write { path: path.clone(), source };
                write(&path, |out| out.write_all(&part.bytes).map_err(failed))?
            };
            carried.manifests.push(Moved { digest: part.digest, size, fate });
        }
        let path = directory.join("index.json");
        let old = match bounded::read_file(&path, MANIFEST_LIMIT) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(CarryError::Write { path, source }),
        };
        let index = self.index(old.as_deref(), name, others, &mut carried);
        let index = index.map_err(|problem| CarryError::InTheWay { path: path.clone(), problem })?;
        if old.as_deref() != Some(index.as_slice()) {
            let failed = |source| CarryError::Write { path: path.clone(), source };
            write(&path, |out| out.write_all(&index).map_err(failed))?;
        }
        Ok(carried)
    }

    /// The index of a layout with the image, what refers to it and what has tags.
    pub(super) fn index(
        &self,
        old: Option<&[u8]>,
        name: Option<&str>,
        others: OtherTags,
        carried: &mut Carried,
    ) -> Result<Vec<u8>, &'static str> {
        let mut index: Value = match old {
            None => json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [] }),
            Some(bytes) => serde_json::from_slice(bytes).map_err(|_| "it is no JSON")?,
        };
        let entries = index.get_mut("manifests").and_then(Value::as_array_mut).ok_or("it is no index")?;
        for (number, part) in self.parts() {
            if self.is_referrer(number) {
                add(entries, entry(part), None);
            }
            for tag in self.tags(number) {
                match named(entries, &tag).filter(|other| *other != part.digest) {
                    Some(other) if others == OtherTags::Stay => carried.left.push(kept(&tag, part, other)),
                    _ => add(entries, entry(part), Some(&tag)),
                }
            }
        }
        let top = self.belongings.top().ok_or("the image is not there")?;
        carried.before = name.and_then(|name| named(entries, name)).filter(|before| *before != top.digest);
        let descriptor = json!({
            "mediaType": top.media_type, "digest": top.digest.to_string(), "size": top.bytes.len(),
        });
        add(entries, descriptor, name);
        let bytes = index.to_string().into_bytes();
        if bytes.len() as u64 > MANIFEST_LIMIT { Err("it is full") } else { Ok(bytes) }
    }
}

fn digest_of(entry: &Value) -> Option<BlobDigest> {
    entry.get("digest")?.as_str()?.parse().ok()
}

fn name_of(entry: &Value) -> Option<&str> {
    entry.get("annotations")?.get(REF_NAME)?.as_str()
}

/// What has a name.
fn named(entries: &[Value], name: &str) -> Option<BlobDigest> {
    entries.iter().find(|entry| name_of(entry) == Some(name)).and_then(digest_of)
}

/// Adds an entry, which takes a name from whatever had it; one that is there without need of a name is not added.
fn add(entries: &mut Vec<Value>, mut entry: Value, name: Option<&str>) {
    let digest = digest_of(&entry);
    let Some(name) = name else {
        if !entries.iter().any(|old| digest_of(old) == digest) {
            entries.push(entry);
        }
        return;
    };
    if entries.iter().any(|old| name_of(old) == Some(name) && digest_of(old) == digest) {
        return;
    }
    entries.retain(|old| name_of(old) != Some(name));
    if let Some(members) = entry.as_object_mut() {
        let annotations = members.entry("annotations").or_insert_with(|| json!({}));
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.insert(REF_NAME.to_owned(), name.into());
        }
    }
    entries.push(entry);
}

/// The folder of blobs of the layout at `directory`, which is made if need be.
fn prepared(directory: &Path) -> Result<PathBuf, CarryError> {
    let in_the_way = |problem| CarryError::InTheWay { path: directory.to_owned(), problem };
    let marker = directory.join("oci-layout");
    let is_empty = || std::fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_none());
    if directory.symlink_metadata().is_ok() && !marker.is_file() && !is_empty() {
        return Err(in_the_way("it is there, and no OCI layout"));
    }
    let folder = directory.join("blobs/sha256");
    for path in [&directory.join("blobs"), &folder] {
        // A layout from somebody else must not have us write into other folders.
        if path.symlink_metadata().is_ok_and(|metadata| !metadata.is_dir()) {
            return Err(in_the_way("its blobs are not in a folder of its own"));
        }
    }
    let failed = |source| CarryError::Write { path: folder.clone(), source };
    std::fs::create_dir_all(&folder).map_err(failed)?;
    if !marker.is_file() {
        let failed = |source| CarryError::Write { path: marker.clone(), source };
        write(&marker, |out| out.write_all(VERSION).map_err(failed))?;
    }
    Ok(folder)
}

/// Whether a file is there, and is what its name says.
fn is_there(path: &Path, digest: BlobDigest, size: u64) -> bool {
    let is_of_size =
        path.symlink_metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() == size);
    let digested = || -> io::Result<BlobDigest> {
        let (mut file, mut hasher) = (bounded::open_file(path)?, Hasher::default());
        let mut piece = vec![0; PIECE];
        loop {
            match file.read(&mut piece)? {
                0 => return Ok(BlobDigest(hasher.finish())),
                length => hasher.update(piece.get(..length).unwrap_or_default()),
            }
        }
    };
    is_of_size && digested().is_ok_and(|actual| actual == digest)
}

/// Writes a whole file or none.
fn write(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> Result<(), CarryError>,
) -> Result<Sent, CarryError> {
    let failed = |source| CarryError::Write { path: path.to_owned(), source };
    let folder = path.parent().unwrap_or(path);
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    let builder = builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.prefix(".carry-").tempfile_in(folder).map_err(failed)?;
    content(&mut file)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(Sent::Bytes)
}

/// The same for a large file: it has no name while it is written, so that whoever interrupts leaves nothing behind.
fn write_large(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> Result<(), CarryError>,
) -> Result<Sent, CarryError> {
    let failed = |source| CarryError::Write { path: path.to_owned(), source };
    let mut file = nameless(path.parent().unwrap_or(path)).map_err(failed)?;
    content(&mut file)?;
    if path.symlink_metadata().is_ok() {
        // It is not what its name says, as was seen before.
        std::fs::remove_file(path).map_err(failed)?;
    }
    if name_file(&file, path) {
        return Ok(Sent::Bytes);
    }
    file.rewind().map_err(failed)?;
    write(path, |out| io::copy(&mut file, out).map(drop).map_err(failed))
}
