//! An image to its inventory: from the cache, or from its layers, several at once, the largest first.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use plimsoll_catalog::overlay::{Merged, merge};
use plimsoll_catalog::pass::{PassOptions, Seen, read_directory, read_tar};
use plimsoll_formats::tar::TarError;
use plimsoll_image::Image;
use plimsoll_image::layer::{Expected, LayerError, LayerLimit, LayerStream};
use plimsoll_image::source::{Layer, LayerContent, OpenLayer};
use plimsoll_model::code::LazyCode;
use plimsoll_model::digest::{DiffId, Digest};
use plimsoll_model::evidence::LayerEvidence;
use plimsoll_model::extractor::Extractor;
use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_model::inventory::{Dependency, Inventory, Origin};

use crate::cache::{Cache, ImageKey};
use crate::limits::Limits;
use crate::observe::{Event, Observer};

/// How evidence is gathered.
#[derive(Clone, Debug)]
pub struct EvidenceOptions {
    /// Who looks at files.
    pub extractors: Vec<Extractor>,
    /// Where evidence is kept, if it is.
    pub cache: Option<Cache>,
    /// Where large files may be spooled.
    pub spool: PathBuf,
    /// Bounds.
    pub limits: Limits,
    /// Whether the lists of owned files, and which packages need which, are wanted.
    pub details: bool,
}

/// What an image contains.
#[derive(Debug)]
pub struct Contents {
    /// The inventory.
    pub inventory: Inventory,
    /// The files that each package owns, in the order of the inventory's packages; empty if they were not asked for.
    pub owned_files: Vec<Vec<String>>,
    /// Which packages need which; empty if it was not asked for.
    pub dependencies: Vec<Dependency>,
    /// The code of its programs and archives.
    pub code: LazyCode,
}

impl From<Merged> for Contents {
    fn from(merged: Merged) -> Self {
        let Merged { inventory, owned_files, dependencies, code } = merged;
        Self { inventory, owned_files, dependencies, code: LazyCode::new(|| code) }
    }
}

/// Why a layer of an image could not be read.
#[derive(Debug, thiserror::Error)]
#[error("layer {number} of {layers} ({name})")]
pub struct EvidenceError {
    /// Which layer, counted from one.
    pub number: usize,
    /// How many the image has.
    pub layers: usize,
    /// Its digest.
    pub name: String,
    /// Why.
    pub source: ReadError,
}

/// Why a layer could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Its bytes.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// Its tar.
    #[error(transparent)]
    Tar(TarError),
}

/// Gathers what each of `images` contains; a layer that several of them share is read once.
///
/// # Errors
/// If a layer is corrupt or cannot be read.
pub fn gather(
    images: &[Image],
    options: &EvidenceOptions,
    observer: &Arc<dyn Observer>,
) -> Result<Vec<Contents>, EvidenceError> {
    let known: Vec<Option<Contents>> = images.iter().map(|image| known_image(image, options)).collect();
    let unknown = images.iter().zip(&known).filter(|(_, known)| known.is_none()).map(|(image, _)| image);
    let read = read_layers(&unknown.collect::<Vec<_>>(), options, observer)?;
    Ok(images
        .iter()
        .zip(known)
        .map(|(image, known)| known.unwrap_or_else(|| merged(image, &read, options)))
        .collect())
}

fn image_key(image: &Image, options: &EvidenceOptions) -> Option<ImageKey> {
    let layers: Option<Vec<DiffId>> = image
        .layers
        .iter()
        .map(|layer| layer.diff_id.filter(|_| matches!(layer.content, LayerContent::Tar(_))))
        .collect();
    Some(ImageKey::new(&layers?, &origins(image), &options.extractors))
}

pub(crate) fn origins(image: &Image) -> Vec<Origin> {
    image.layers.iter().map(|layer| layer.origin).collect()
}

fn known_image(image: &Image, options: &EvidenceOptions) -> Option<Contents> {
    let cache = options.cache.clone()?;
    let key = image_key(image, options)?;
    let inventory = cache.image(key)?;
    let (owned_files, dependencies) = if options.details {
        (cache.owned_files(key)?, cache.dependencies(key)?)
    } else {
        (Vec::new(), Vec::new())
    };
    let code = LazyCode::new(move || {
        cache.code(key).unwrap_or_else(|| {
            // That part of the file is damaged: nothing is known of the code this time, and the report says so.
            cache.forget_image(key);
            Vec::new()
        })
    });
    Some(Contents { inventory, owned_files, dependencies, code })
}

/// The evidence of each layer of each of `images`, lowest first; a layer that several share is read once.
///
/// # Errors
/// If a layer is corrupt or cannot be read.
pub(crate) fn layers(
    images: &[&Image],
    options: &EvidenceOptions,
    observer: &Arc<dyn Observer>,
) -> Result<Vec<Vec<LayerEvidence>>, EvidenceError> {
    let read = read_layers(images, options, observer)?;
    Ok(images.iter().map(|image| layers_of(image, &read)).collect())
}

fn layers_of(image: &Image, read: &HashMap<LayerKey, LayerEvidence>) -> Vec<LayerEvidence> {
    let evidence = |layer| read.get(&LayerKey::of(layer)).cloned().unwrap_or_else(|| unread(layer));
    image.layers.iter().map(evidence).collect()
}

fn merged(image: &Image, read: &HashMap<LayerKey, LayerEvidence>, options: &EvidenceOptions) -> Contents {
    let layers = layers_of(image, read);
    let merged = merge(&layers, &origins(image));
    let is_whole = layers.iter().flat_map(|layer| &layer.gaps).all(|gap| !is_passing(gap));
    if let (true, Some(cache), Some(key)) = (is_whole, &options.cache, image_key(image, options)) {
        // A cache that cannot be written costs time, not truth.
        drop(cache.keep_image(key, &merged));
    }
    merged.into()
}

/// Gaps that another run may not have: they must not be remembered.
const fn is_passing(gap: &Gap) -> bool {
    matches!(gap.kind, GapKind::LayerUnread)
}

fn unread(layer: &Layer) -> LayerEvidence {
    let reason = match &layer.content {
        LayerContent::Unreadable(reason) => reason.clone(),
        _ => "it was not read".to_owned(),
    };
    let gap = Gap::new(GapKind::LayerUnread, layer_name(layer), reason);
    let diff_id = layer.diff_id.unwrap_or(DiffId(Digest::of(b"")));
    LayerEvidence { diff_id, plain_size: 0, entries: vec![], facts: vec![], gaps: vec![gap] }
}

pub(crate) fn layer_name(layer: &Layer) -> String {
    match (&layer.blob, layer.diff_id, &layer.content) {
        (Some(blob), _, _) => blob.digest.to_string(),
        (None, Some(diff_id), _) => diff_id.to_string(),
        (None, None, LayerContent::Directory(path)) => path.display().to_string(),
        _ => "a layer without a name".to_owned(),
    }
}

/// What makes two layers the same.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum LayerKey {
    DiffId(DiffId),
    Directory(PathBuf),
    Unreadable,
}

impl LayerKey {
    fn of(layer: &Layer) -> Self {
        match (&layer.content, layer.diff_id) {
            (LayerContent::Directory(path), _) => Self::Directory(path.clone()),
            (LayerContent::Tar(_), Some(diff_id)) => Self::DiffId(diff_id),
            _ => Self::Unreadable,
        }
    }
}

/// A layer to be read, and what of it is known already.
struct Job<'a> {
    layer: &'a Layer,
    number: usize,
    layers: usize,
    known: Option<LayerEvidence>,
    missing: Vec<Extractor>,
}

fn read_layers(
    images: &[&Image],
    options: &EvidenceOptions,
    observer: &Arc<dyn Observer>,
) -> Result<HashMap<LayerKey, LayerEvidence>, EvidenceError> {
    let mut evidence = HashMap::new();
    let mut jobs = Vec::new();
    let mut seen = HashSet::new();
    for image in images {
        for (index, layer) in image.layers.iter().enumerate() {
            let key = LayerKey::of(layer);
            if key == LayerKey::Unreadable || !seen.insert(key.clone()) {
                continue;
            }
            match job(layer, index + 1, image.layers.len(), options) {
                Ok(known) => drop(evidence.insert(key, known)),
                Err(job) => jobs.push(*job),
            }
        }
    }
    let stored = |job: &Job<'_>| job.layer.blob.as_ref().map_or(0, |blob| blob.size);
    // The largest first, so that no large one is left for the end when the others are done.
    jobs.sort_by_key(|job| std::cmp::Reverse(stored(job)));
    observer.event(Event::Reading { layers: jobs.len(), bytes: jobs.iter().map(stored).sum() });
    for (job, read) in jobs.iter().zip(run(&jobs, options, observer)?) {
        evidence.insert(LayerKey::of(job.layer), read);
    }
    Ok(evidence)
}

/// The layer's evidence if the cache has all of it, else what has to be done.
fn job<'a>(
    layer: &'a Layer,
    number: usize,
    layers: usize,
    options: &EvidenceOptions,
) -> Result<LayerEvidence, Box<Job<'a>>> {
    let known = match (&options.cache, layer.diff_id) {
        (Some(cache), Some(diff_id)) => cache.layer(diff_id),
        _ => None,
    };
    let has = |extractor: &Extractor| {
        known.as_ref().is_some_and(|known| {
            known
                .facts
                .iter()
                .any(|facts| facts.extractor == extractor.name && facts.revision == extractor.revision)
        })
    };
    let missing: Vec<Extractor> =
        options.extractors.iter().filter(|extractor| !has(extractor)).copied().collect();
    match known {
        Some(known) if missing.is_empty() => Ok(wanted_of(known, &options.extractors)),
        known => Err(Box::new(Job { layer, number, layers, known, missing })),
    }
}

/// Only the facts that `extractors` give, in their order.
fn wanted_of(mut evidence: LayerEvidence, extractors: &[Extractor]) -> LayerEvidence {
    let mut all = std::mem::take(&mut evidence.facts);
    evidence.facts = extractors
        .iter()
        .filter_map(|extractor| {
            let at = all.iter().position(|facts| {
                facts.extractor == extractor.name && facts.revision == extractor.revision
            })?;
            Some(all.swap_remove(at))
        })
        .collect();
    evidence
}

fn run(
    jobs: &[Job<'_>],
    options: &EvidenceOptions,
    observer: &Arc<dyn Observer>,
) -> Result<Vec<LayerEvidence>, EvidenceError> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<Result<LayerEvidence, EvidenceError>>>> =
        Mutex::new(jobs.iter().map(|_| None).collect());
    let failed = AtomicUsize::new(0);
    let work = || {
        while failed.load(Ordering::Relaxed) == 0 {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(index) else { break };
            let result = job.run(options, observer);
            if result.is_err() {
                failed.store(1, Ordering::Relaxed);
            }
            observer.event(Event::LayerRead);
            if let Ok(mut results) = results.lock()
                && let Some(slot) = results.get_mut(index)
            {
                *slot = Some(result);
            }
        }
    };
    let workers = options.limits.layers_at_once.min(jobs.len());
    std::thread::scope(|scope| {
        for _ in 1..workers {
            scope.spawn(work);
        }
        work();
    });
    let results = results.into_inner().unwrap_or_default();
    // Of several errors the one of the lowest layer, so that the message does not depend on timing.
    let mut read = Vec::with_capacity(jobs.len());
    let mut errors = Vec::new();
    for result in results.into_iter().flatten() {
        match result {
            Ok(evidence) => read.push(evidence),
            Err(error) => errors.push(error),
        }
    }
    match errors.into_iter().min_by_key(|error| error.number) {
        Some(error) => Err(error),
        None => Ok(read),
    }
}

impl Job<'_> {
    fn run(
        &self,
        options: &EvidenceOptions,
        observer: &Arc<dyn Observer>,
    ) -> Result<LayerEvidence, EvidenceError> {
        let error = |source| EvidenceError {
            number: self.number,
            layers: self.layers,
            name: layer_name(self.layer),
            source,
        };
        let pass = PassOptions {
            in_memory: options.limits.in_memory_file,
            spool: options.spool.clone(),
            tar: options.limits.tar,
        };
        match &self.layer.content {
            LayerContent::Directory(path) => {
                let seen = read_directory(path, &self.missing, &pass);
                Ok(evidence(DiffId(Digest::of(b"")), 0, seen))
            }
            LayerContent::Tar(opener) => self.read(opener.as_ref(), &pass, options, observer).map_err(error),
            LayerContent::Unreadable(_) => Ok(unread(self.layer)),
        }
    }

    fn read(
        &self,
        opener: &dyn OpenLayer,
        pass: &PassOptions,
        options: &EvidenceOptions,
        observer: &Arc<dyn Observer>,
    ) -> Result<LayerEvidence, ReadError> {
        let expected = Expected {
            blob: self.layer.blob.as_ref().map(|blob| (blob.digest, blob.size)),
            diff_id: self.layer.diff_id,
        };
        let source = opener.open().map_err(LayerError::Read)?;
        let mut stream = LayerStream::new(source, expected, options.limits.layer, reporter(observer))?;
        let (mut seen, result) = read_tar(&mut stream, &self.missing, pass);
        if let Err(error) = result {
            let Some(limit) = limit_of(&error) else { return Err(read_error(error)) };
            seen.gaps.push(Gap::new(GapKind::LayerUnread, layer_name(self.layer), limit));
            return Ok(evidence(self.layer.diff_id.unwrap_or(DiffId(Digest::of(b""))), 0, seen));
        }
        let digests = stream.finish(expected)?;
        let new = evidence(digests.diff_id, digests.plain, seen);
        Ok(self.complete(new, options))
    }

    /// Joins what was known with what was read now, and keeps all of it.
    fn complete(&self, mut new: LayerEvidence, options: &EvidenceOptions) -> LayerEvidence {
        let fresh: HashSet<String> = new.facts.iter().map(|facts| facts.extractor.clone()).collect();
        let old = self
            .known
            .iter()
            .flat_map(|known| &known.facts)
            .filter(|facts| !fresh.contains(&facts.extractor));
        new.facts.extend(old.cloned().collect::<Vec<_>>());
        if let Some(cache) = &options.cache {
            // A cache that cannot be written costs time, not truth.
            drop(cache.keep_layer(&new));
        }
        wanted_of(new, &options.extractors)
    }
}

fn evidence(diff_id: DiffId, plain_size: u64, seen: Seen) -> LayerEvidence {
    LayerEvidence { diff_id, plain_size, entries: seen.entries, facts: seen.facts, gaps: seen.gaps }
}

/// Tells the observer of stored bytes in steps that do not drown it.
pub(crate) fn reporter(observer: &Arc<dyn Observer>) -> impl Fn(u64) + Send + 'static {
    const STEP: u64 = 1 << 20;
    let observer = Arc::clone(observer);
    let told = AtomicU64::new(0);
    move |total| {
        let before = told.load(Ordering::Relaxed);
        if total >= before + STEP {
            told.store(total, Ordering::Relaxed);
            observer.event(Event::Bytes { more: total - before });
        }
    }
}

/// The limit that ended the reading of a layer, if one did: what was read before it still counts.
fn limit_of(error: &TarError) -> Option<String> {
    match error {
        TarError::Limit { .. } => Some(error.to_string()),
        TarError::Read(io) => io.get_ref()?.downcast_ref::<LayerLimit>().map(ToString::to_string),
        TarError::Truncated(_) | TarError::Header { .. } => None,
    }
}

fn read_error(error: TarError) -> ReadError {
    match error {
        TarError::Read(io) => ReadError::Layer(LayerError::Read(io)),
        other => ReadError::Tar(other),
    }
}
