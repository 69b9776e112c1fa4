//! Images in one file: an OCI layout in a tar, or what `docker save` and `podman save` write; plain or compressed.
//!
//! The tar is walked once for the places of its members; layers are then read in place. A compressed archive is
//! first inflated into an anonymous temporary file, because its members must be read in another order than
//! they come.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plimsoll_formats::bounded;
use plimsoll_formats::compression::Compression;
use plimsoll_formats::tar::{Archive, Kind, Limits, TarError};
use plimsoll_model::digest::{BlobDigest, Digest};
use plimsoll_model::path::{Normalized, normalize};
use serde::Deserialize;

use super::layout::{Selected, Selector, select};
use super::{
    Blobs, Documents, Image, LayerContent, OpenLayer, PlatformChoice, SourceError, resolve, verified,
};
use crate::config::{CONFIG_LIMIT, ImageConfig};
use crate::manifest::{Descriptor, Index, MANIFEST_LIMIT};

/// How opening an archive is bounded, and where it may spool.
#[derive(Clone, Debug)]
pub struct ArchiveOptions {
    /// The directory for the anonymous temporary file of a compressed archive.
    pub spool: PathBuf,
    /// The most bytes that a compressed archive may inflate to.
    pub inflated: u64,
}

/// Finds images in the archive at `path`.
///
/// # Errors
/// See [`SourceError`].
pub fn images(
    path: &Path,
    selector: &Selector,
    choice: &PlatformChoice,
    options: &ArchiveOptions,
) -> Result<Vec<Image>, SourceError> {
    let file =
        bounded::open_file(path).map_err(|source| SourceError::Read { path: path.to_owned(), source })?;
    images_in(file, path, selector, choice, options)
}

/// Finds images in an archive that is open already; `path` is for messages.
pub(super) fn images_in(
    file: File,
    path: &Path,
    selector: &Selector,
    choice: &PlatformChoice,
    options: &ArchiveOptions,
) -> Result<Vec<Image>, SourceError> {
    let members = Members::open(file, path, options)?;
    if members.has("index.json") {
        return oci_images(&members, selector, choice);
    }
    if members.has("manifest.json") {
        return docker_image(&members, selector).map(|image| vec![image]);
    }
    Err(members.not_an_archive("it has neither an index.json nor a manifest.json"))
}

/// An OCI layout in a tar, and its index.
pub(super) fn oci(path: &Path, options: &ArchiveOptions) -> Result<(Members, Index), SourceError> {
    let file =
        bounded::open_file(path).map_err(|source| SourceError::Read { path: path.to_owned(), source })?;
    let members = Members::open(file, path, options)?;
    if !members.has("index.json") {
        let problem = "it has no index.json; what `docker save` writes without one keeps no manifests";
        return Err(members.not_an_archive(problem));
    }
    let index = members.index()?;
    Ok((members, index))
}

fn oci_images(
    members: &Members,
    selector: &Selector,
    choice: &PlatformChoice,
) -> Result<Vec<Image>, SourceError> {
    let index = members.index()?;
    let (selected, name) = select(&index, selector, &members.path.display().to_string())?;
    match selected {
        Selected::One(descriptor) => resolve(members, &name, descriptor, choice),
        Selected::Index => super::resolve_index(members, &name, &index, choice),
    }
}

/// An entry of `manifest.json`
/// (<https://github.com/moby/docker-image-spec/blob/main/v1.2.md#combined-image-json--filesystem-changeset-format>).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SavedImage {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

fn docker_image(members: &Members, selector: &Selector) -> Result<Image, SourceError> {
    let bytes = members.read("manifest.json", MANIFEST_LIMIT)?;
    let saved: Vec<SavedImage> = serde_json::from_slice(&bytes)
        .map_err(|error| members.not_an_archive(&format!("its manifest.json is malformed: {error}")))?;
    let chosen = choose_saved(&saved, selector, members)?;
    let config_bytes = members.read(&chosen.config, CONFIG_LIMIT)?;
    let digest = BlobDigest(Digest::of(&config_bytes));
    let config: ImageConfig =
        serde_json::from_slice(&config_bytes).map_err(|source| SourceError::Config { digest, source })?;
    if chosen.layers.len() > super::LAYER_LIMIT {
        return Err(SourceError::TooManyLayers { layers: chosen.layers.len(), limit: super::LAYER_LIMIT });
    }
    if config.rootfs.diff_ids.len() != chosen.layers.len() {
        return Err(SourceError::LayerCount {
            manifest: digest,
            layers: chosen.layers.len(),
            diff_ids: config.rootfs.diff_ids.len(),
        });
    }
    let contents = chosen.layers.iter().map(|name| Ok((None, LayerContent::Tar(members.member(name)?))));
    let contents: Vec<_> = contents.collect::<Result<_, SourceError>>()?;
    let tag = chosen.repo_tags.as_ref().and_then(|tags| tags.first()).cloned();
    Ok(Image {
        name: tag.unwrap_or_else(|| members.path.display().to_string()),
        manifest_digest: None,
        index_digest: None,
        config_digest: Some(digest),
        platform: config.platform(),
        layers: super::layers(&config, contents),
        config,
        documents: Documents { config: Some(config_bytes.into()), ..Documents::default() },
    })
}

fn choose_saved<'a>(
    saved: &'a [SavedImage],
    selector: &Selector,
    members: &Members,
) -> Result<&'a SavedImage, SourceError> {
    let tags = |image: &SavedImage| image.repo_tags.clone().unwrap_or_default();
    let fits = |image: &&SavedImage| match selector {
        Selector::Only => saved.len() == 1,
        Selector::Tag(wanted) => tags(image)
            .iter()
            .any(|tag| tag == wanted || tag.rsplit_once(':').is_some_and(|(_, t)| t == wanted)),
        Selector::Digest(digest) => image.config.contains(&digest.0.hex()),
    };
    saved.iter().find(fits).ok_or_else(|| SourceError::NotFound {
        wanted: match selector {
            Selector::Only => "one image; add :TAG".to_owned(),
            Selector::Tag(tag) => tag.clone(),
            Selector::Digest(digest) => digest.to_string(),
        },
        place: members.path.display().to_string(),
        available: saved.iter().flat_map(tags).collect(),
    })
}

/// The members of a tar file and where they lie in it.
pub(super) struct Members {
    path: PathBuf,
    file: Arc<File>,
    places: HashMap<String, Place>,
}

#[derive(Clone, Debug)]
enum Place {
    Bytes {
        offset: u64,
        len: u64,
    },
    /// `docker save` of old writes a layer that occurs twice as a symbolic link.
    Link(String),
}

impl Members {
    fn open(file: File, path: &Path, options: &ArchiveOptions) -> Result<Self, SourceError> {
        let read = |source| SourceError::Read { path: path.to_owned(), source };
        let mut first = BufReader::new(&file);
        let compression = Compression::of(first.fill_buf().map_err(read)?);
        let file = match compression {
            Compression::None => file,
            compression => inflated(&file, compression, path, options)?,
        };
        let places = places(&file).map_err(|error| not_an_archive(path, &with_source(&error)))?;
        Ok(Self { path: path.to_owned(), file: Arc::new(file), places })
    }

    fn has(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    fn index(&self) -> Result<Index, SourceError> {
        let bytes = self.read("index.json", MANIFEST_LIMIT)?;
        serde_json::from_slice(&bytes)
            .map_err(|error| self.not_an_archive(&format!("its index.json is malformed: {error}")))
    }

    /// Whether it has the blob, of the size that the descriptor says.
    pub(super) fn has_blob(&self, descriptor: &Descriptor) -> bool {
        self.find(&blob_name(descriptor)).is_ok_and(|member| member.len == descriptor.size)
    }

    fn member(&self, name: &str) -> Result<Arc<dyn OpenLayer>, SourceError> {
        Ok(Arc::new(self.find(name)?))
    }

    fn find(&self, name: &str) -> Result<Member, SourceError> {
        let mut wanted = name.to_owned();
        for _ in 0..8 {
            let Normalized::Path(normal) = normalize(&wanted) else { break };
            match self.places.get(&normal) {
                Some(Place::Bytes { offset, len }) => {
                    return Ok(Member { file: Arc::clone(&self.file), offset: *offset, len: *len });
                }
                Some(Place::Link(target)) => {
                    wanted = plimsoll_model::path::resolve(&normal, target).unwrap_or_default();
                }
                None => break,
            }
        }
        Err(self.not_an_archive(&format!(
            "its member {:?} is missing",
            name.chars().take(120).collect::<String>()
        )))
    }

    fn read(&self, name: &str, limit: u64) -> Result<Vec<u8>, SourceError> {
        let member = self.find(name)?;
        let reader =
            member.open().map_err(|source| SourceError::Read { path: self.path.join(name), source })?;
        bounded::read(reader, limit)
            .map_err(|source| SourceError::Read { path: self.path.join(name), source })
    }

    fn not_an_archive(&self, problem: &str) -> SourceError {
        not_an_archive(&self.path, problem)
    }
}

impl Blobs for Members {
    fn small(&self, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, SourceError> {
        let bytes = self.read(&blob_name(descriptor), limit)?;
        verified(&format!("blob {}", descriptor.digest), descriptor, bytes)
    }

    fn layer(&self, descriptor: &Descriptor) -> Arc<dyn OpenLayer> {
        match self.find(&blob_name(descriptor)) {
            Ok(member) => Arc::new(member),
            Err(error) => Arc::new(Missing(error.to_string())),
        }
    }
}

fn blob_name(descriptor: &Descriptor) -> String {
    format!("blobs/sha256/{}", descriptor.digest.0.hex())
}

fn not_an_archive(path: &Path, problem: &str) -> SourceError {
    SourceError::NotA { path: path.to_owned(), kind: "image archive", problem: problem.to_owned() }
}

fn with_source(error: &TarError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// The most bytes that a compressed archive may inflate to for each of its own, and from where that matters.
const RATIO: u64 = 400;
const RATIO_FROM: u64 = 64 << 20;

/// Inflates a compressed archive into an anonymous temporary file.
fn inflated(
    file: &File,
    compression: Compression,
    path: &Path,
    options: &ArchiveOptions,
) -> Result<File, SourceError> {
    let spool_error =
        |source| SourceError::Spool { archive: path.to_owned(), spool: options.spool.clone(), source };
    let mut spool = tempfile::tempfile_in(&options.spool).map_err(spool_error)?;
    let mut start = file;
    start.seek(SeekFrom::Start(0)).map_err(|source| SourceError::Read { path: path.to_owned(), source })?;
    let decoder = compression
        .decode(BufReader::with_capacity(1 << 18, file))
        .map_err(|source| SourceError::Read { path: path.to_owned(), source })?;
    let stored = file.metadata().map_err(spool_error)?.len();
    let limit = options.inflated.min(stored.saturating_mul(RATIO).max(RATIO_FROM));
    let mut bounded = decoder.take(limit.saturating_add(1));
    let copied = io::copy(&mut bounded, &mut spool).map_err(|source| match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            SourceError::Spool { archive: path.to_owned(), spool: options.spool.clone(), source }
        }
        _ => SourceError::Read { path: path.to_owned(), source },
    })?;
    if copied > limit {
        return Err(not_an_archive(path, &format!("it inflates to more than {limit} bytes")));
    }
    spool.flush().map_err(spool_error)?;
    spool.seek(SeekFrom::Start(0)).map_err(spool_error)?;
    Ok(spool)
}

/// Walks the tar's headers, seeking over the bodies.
fn places(file: &File) -> Result<HashMap<String, Place>, TarError> {
    let len = file.metadata().map_err(TarError::Read)?.len();
    let mut start = file;
    start.seek(SeekFrom::Start(0)).map_err(TarError::Read)?;
    let limits = Limits { entries: 1_000_000, name_bytes: 32 << 20, ..Limits::default() };
    let mut archive = Archive::new(BufReader::with_capacity(8 << 10, file), limits);
    let mut places = HashMap::new();
    while let Some(entry) = archive.next_entry()? {
        let offset = archive.offset();
        if offset.saturating_add(entry.stored()) > len {
            return Err(TarError::Truncated(entry.name));
        }
        let place = match entry.kind {
            Kind::File => Place::Bytes { offset, len: entry.size },
            Kind::Symlink => Place::Link(entry.link.clone()),
            Kind::Hardlink => Place::Link(format!("/{}", entry.link)),
            _ => continue,
        };
        if let Normalized::Path(name) = normalize(&entry.name) {
            places.insert(name, place);
        }
        let left = archive.leave_body();
        let left = i64::try_from(left).map_err(|_| TarError::Truncated(entry.name))?;
        archive.reader_mut().seek_relative(left).map_err(TarError::Read)?;
    }
    Ok(places)
}

/// Bytes inside of a file that several readers share.
#[derive(Clone)]
struct Member {
    file: Arc<File>,
    offset: u64,
    len: u64,
}

impl OpenLayer for Member {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(self.clone()))
    }
}

impl Read for Member {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().min(usize::try_from(self.len).unwrap_or(usize::MAX));
        let count = self.file.read_at(buffer.get_mut(..room).unwrap_or_default(), self.offset)?;
        self.offset = self.offset.saturating_add(count as u64);
        self.len = self.len.saturating_sub(count as u64);
        Ok(count)
    }
}

/// A layer that the archive should hold but does not.
struct Missing(String);

impl OpenLayer for Missing {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Err(io::Error::new(io::ErrorKind::NotFound, self.0.clone()))
    }
}
