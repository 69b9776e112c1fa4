//! Takes secrets, and what is named, out of an image: a new image of the old one, the same otherwise, and proved to be.

mod documents;
pub mod glob;
mod plan;
mod report;
pub mod repository;
mod selection;
mod surgeon;
mod verify;

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plimsoll_image::Image;
use plimsoll_image::mutate::destination::{Destination, WriteError};
use plimsoll_image::mutate::{MutateError, NewLayer, Papers, Top, Tree, Workshop, assemble};
use plimsoll_image::source::registry::{RegistryClient, RegistryError};
use plimsoll_model::digest::DiffId;
use plimsoll_model::evidence::LayerEvidence;
use plimsoll_model::scrub::Scrub;

use crate::evidence::{EvidenceError, EvidenceOptions, layers, reporter};
use crate::observe::{Event, Observer};
use crate::whole_file::WholeFile;
use documents::{Taken, clear, clear_index};
use plan::{LayerPlan, plan};
pub use selection::{Selection, Unmatched};
use surgeon::Surgeon;
use verify::{Side, differences};

/// What happens to a file with a secret.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Mode {
    /// It goes.
    #[default]
    Remove,
    /// The secret is overwritten.
    Redact,
}

/// How an image is scrubbed.
#[derive(Clone, Debug)]
pub struct ScrubOptions {
    /// How evidence is gathered; it must have all of [`crate::diff::extractors`].
    pub evidence: EvidenceOptions,
    /// What goes.
    pub selection: Selection,
    /// How.
    pub mode: Mode,
    /// What the new image is led to by.
    pub top: Top,
    /// Where large blobs lie in files without names until the image is written.
    pub workshop: PathBuf,
}

/// Why an image is not scrubbed.
#[derive(Debug, thiserror::Error)]
pub enum ScrubError {
    /// A layer could not be read.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// A layer could not be made again.
    #[error("layer {number} of {layers}")]
    Layer {
        /// Which layer, counted from one.
        number: usize,
        /// How many the image has.
        layers: usize,
        /// Why.
        source: MutateError,
    },
    /// The documents could not be made again.
    #[error(transparent)]
    Documents(#[from] MutateError),
    /// What was chosen is not there.
    #[error(transparent)]
    Unmatched(#[from] Unmatched),
    /// A hard link needs a file of a lower layer.
    #[error(
        "layer {layer}: /{link} is a hard link to /{target} of a lower layer, which goes: name it with --path, too"
    )]
    Link {
        /// The layer, counted from one.
        layer: usize,
        /// The link.
        link: String,
        /// What it leads to.
        target: String,
    },
    /// The new image is not the old one without what had to go.
    #[error("the new image differs from the old one where it must not, and is not written: {}", first(.0))]
    Changed(Vec<String>),
}

fn first(differences: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = differences.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("; ");
    match differences.len().checked_sub(SHOWN) {
        None | Some(0) => shown,
        Some(more) => format!("{shown}; and {more} more"),
    }
}

/// An image that is to be scrubbed: what is in it, and what has to go.
struct Work<'a> {
    image: &'a Image,
    layers: Vec<LayerEvidence>,
    plans: Vec<LayerPlan>,
    papers: Papers,
    taken: Taken,
}

/// Tells what would change in `images`, the platforms of one reference.
///
/// # Errors
/// See [`ScrubError`].
pub fn look(
    images: &[Image],
    options: &ScrubOptions,
    observer: &Arc<dyn Observer>,
) -> Result<Scrub, ScrubError> {
    let work = work(images, options, observer)?;
    observer.event(Event::Done);
    Ok(report::planned(&work))
}

/// Makes the new image of `images`, the platforms of one reference, and proves it.
///
/// # Errors
/// See [`ScrubError`].
pub fn scrub(
    images: &[Image],
    options: &ScrubOptions,
    observer: &Arc<dyn Observer>,
) -> Result<(Scrub, Tree), ScrubError> {
    let work = work(images, options, observer)?;
    let mut copied = HashMap::new();
    let made = work.iter().map(|work| {
        let layers = make(work, options, &mut copied, observer)?;
        Ok((assemble(work.image, &layers, work.papers.clone())?, layers))
    });
    let made = made.collect::<Result<Vec<_>, ScrubError>>()?;
    let tree = Tree::new(images, made, options.top, |index| {
        clear_index(index, &options.selection);
    })?;
    let after = layers(&tree.images.iter().collect::<Vec<_>>(), &options.evidence, observer)?;
    for ((work, image), layers) in work.iter().zip(&tree.images).zip(&after) {
        let before = Side { image: work.image, layers: &work.layers };
        let wrong = differences(&before, &Side { image, layers }, &work.plans);
        if !wrong.is_empty() {
            return Err(ScrubError::Changed(wrong));
        }
    }
    observer.event(Event::Done);
    Ok((report::done(&work, &tree, &after), tree))
}

fn work<'a>(
    images: &'a [Image],
    options: &ScrubOptions,
    observer: &Arc<dyn Observer>,
) -> Result<Vec<Work<'a>>, ScrubError> {
    for image in images {
        observer.event(Event::Image { name: image.name.clone(), layers: image.layers.len() });
    }
    let papers = images.iter().map(Papers::of).collect::<Result<Vec<_>, _>>()?;
    let read = layers(&images.iter().collect::<Vec<_>>(), &options.evidence, observer)?;
    let work = images.iter().zip(read).zip(papers).map(|((image, layers), mut papers)| {
        let plans = plan(&layers, &options.selection, options.mode)?;
        let taken = clear(&mut papers, &options.selection);
        Ok(Work { image, layers, plans, papers, taken })
    });
    let work = work.collect::<Result<Vec<_>, ScrubError>>()?;
    options.selection.all_found(&work)?;
    Ok(work)
}

/// The layers of a new image.
fn make(
    work: &Work<'_>,
    options: &ScrubOptions,
    copied: &mut HashMap<DiffId, NewLayer>,
    observer: &Arc<dyn Observer>,
) -> Result<Vec<NewLayer>, ScrubError> {
    let limits = options.evidence.limits;
    let workshop = Workshop { folder: &options.workshop, layer: limits.layer, tar: limits.tar };
    let layers = work.image.layers.len();
    let made = work.image.layers.iter().zip(&work.plans).enumerate().map(|(index, (layer, plan))| {
        let failed = |source| ScrubError::Layer { number: index + 1, layers, source };
        if !plan.is_empty() {
            let mut surgeon = Surgeon::new(plan, &options.selection);
            return workshop.edit(layer, &mut surgeon, reporter(observer)).map_err(failed);
        }
        // Platforms may share layers.
        if let Some(copy) = layer.diff_id.and_then(|diff_id| copied.get(&diff_id)) {
            return Ok(copy.clone());
        }
        let copy = workshop.copy(layer, reporter(observer)).map_err(failed)?;
        copied.insert(copy.diff_id, copy.clone());
        Ok(copy)
    });
    made.collect()
}

/// Brings a new image to its destination, where it appears when it is whole; `client` makes a client of registries.
///
/// # Errors
/// See [`WriteError`].
pub fn deliver(
    tree: &Tree,
    destination: &Destination,
    client: impl FnOnce() -> Result<RegistryClient, RegistryError>,
) -> Result<(), WriteError> {
    match destination {
        Destination::Layout(path, name) => tree.to_layout(path, name.as_deref()),
        Destination::OciArchive(path, name) => whole(path, |out| tree.to_oci_archive(name.as_deref(), out)),
        Destination::DockerArchive(path, name) => {
            whole(path, |out| tree.to_docker_archive(name.as_ref(), out))
        }
        Destination::Registry(reference) => Ok(tree.push(&client()?, reference).map(drop)?),
    }
}

fn whole(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), WriteError> {
    let failed = |source| WriteError::File { path: path.to_owned(), source };
    let file = WholeFile::new_in(folder_of(path), 0o666).map_err(failed)?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    write(&mut out).map_err(failed)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error).map_err(failed)?;
    file.persist(path).map_err(failed)
}

/// The folder that `path` is in.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
