//! Puts fixed packages into an image: a new image with one layer more. Nothing of the image is run, and nothing is installed
//! that no key of the image vouches for.

mod apk;
mod deb;
mod files;
mod packages;
mod rpm;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use plimsoll_formats::compression::Compression;
use plimsoll_image::Image;
use plimsoll_image::mutate::{Addition, MutateError, NewLayer, Top, Tree, Workshop, on_top};
use plimsoll_model::ecosystem::Ecosystem;
use plimsoll_model::patch::{Patch, PatchLayer, PatchRepository};
use plimsoll_model::time::in_seconds;
use plimsoll_patch::changes::{Changes, Item, UnpackError};
use plimsoll_patch::layer::{self, Parts};
use plimsoll_patch::package::{PackageError, Payload};
use plimsoll_patch::resolve::{ResolveError, Wish};
use plimsoll_patch::tree::Tree as Files;

use crate::evidence::{EvidenceError, EvidenceOptions, layers, reporter};
use crate::observe::{Event, Observer};
use files::Held;

/// How an image is patched.
pub struct PatchOptions {
    /// How evidence is gathered.
    pub evidence: EvidenceOptions,
    /// Where large blobs lie in files without names until the image is written.
    pub workshop: PathBuf,
    /// The time: when the new layer is made, and by which releases are judged.
    pub now: Timestamp,
    /// Whose packages are put in.
    pub ecosystem: Ecosystem,
    /// The repositories to ask, as the image's package manager writes them; those that the image names, if there are none.
    pub repositories: Vec<String>,
    /// Takes the place of scheme and host of all repositories.
    pub mirror: Option<String>,
    /// Keys to trust beside the image's.
    pub keys: Vec<KeyFile>,
    /// Labels that are set.
    pub labels: Vec<(String, String)>,
    /// What the history says of the new layer.
    pub created_by: String,
}

/// A file of keys, as the image's package manager keeps them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyFile {
    /// The file's name, which is the key's to apk.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// A file to be had.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request {
    /// Its name for people.
    pub name: String,
    /// Where it is, the first choice first.
    pub addresses: Vec<String>,
    /// The most bytes that it may have.
    pub limit: u64,
}

/// What a signature says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Signed {
    /// The text that was signed, and nothing else.
    pub text: String,
    /// Who signed it.
    pub by: String,
}

/// What lies outside of the image: the network, and the program that knows signatures.
pub trait Outside {
    /// Gets files, in the order of the requests. What cannot be had is told in its place.
    fn fetch(&self, requests: &[Request]) -> Vec<Result<File, String>>;

    /// Gives what a clear-signed document says if one of `keys` signed it.
    ///
    /// # Errors
    /// If none did, in words.
    fn verify(&self, document: &[u8], keys: &[Vec<u8>]) -> Result<Signed, String>;

    /// Tells who of `keys` signed a document with a signature that lies by itself.
    ///
    /// # Errors
    /// If none did, in words.
    fn verify_detached(&self, document: &[u8], signature: &[u8], keys: &[Vec<u8>]) -> Result<String, String>;
}

/// Why an image is not patched.
#[derive(Debug, thiserror::Error)]
pub enum PatchError {
    /// A layer could not be read.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// The image's files could not be read.
    #[error("reading the image's {what}")]
    Files {
        /// Which.
        what: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// Packages of this kind are not put into images.
    #[error("packages of {0} cannot be put into an image")]
    Ecosystem(Ecosystem),
    /// The database of packages is not there, or not one that can be written.
    #[error("the image has no {0}")]
    NoDatabase(&'static str),
    /// The database of packages cannot be used.
    #[error("{0}")]
    Database(String),
    /// There is nothing to ask.
    #[error("the image names no {0}")]
    NoRepository(&'static str),
    /// What the user calls a repository is none.
    #[error("{0}")]
    Repository(String),
    /// No repository could be used.
    #[error("no repository could be used: {0}")]
    Refused(String),
    /// No change makes everything hold.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// A package could not be had.
    #[error("fetching {package}: {reason}")]
    Fetch {
        /// Which package.
        package: String,
        /// Why.
        reason: String,
    },
    /// A package is not the one that the index vouches for.
    #[error("{package} is not the one that its repository's index tells of: {difference}")]
    Forged {
        /// Which package.
        package: String,
        /// What differs.
        difference: String,
    },
    /// A package is not sound.
    #[error("{package} is refused")]
    Package {
        /// Which package.
        package: String,
        /// Why.
        source: PackageError,
    },
    /// A package does not fit the image.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// The new image could not be made.
    #[error(transparent)]
    Mutate(#[from] MutateError),
}

/// Makes the new image; none if nothing changes.
///
/// # Errors
/// See [`PatchError`].
pub fn patch(
    image: &Image,
    wishes: &[Wish],
    options: &PatchOptions,
    outside: &dyn Outside,
    observer: &Arc<dyn Observer>,
) -> Result<(Patch, Option<Tree>), PatchError> {
    observer.event(Event::Image { name: image.name.clone(), layers: image.layers.len() });
    let evidence = layers(&[image], &options.evidence, observer)?.pop().unwrap_or_default();
    let before = Files::of(&evidence);
    let family = Family::of(options.ecosystem)?;
    let held = Held::read(image, &before, family.matters(), options)?;
    let scene = Scene { image, before: &before, held: &held, options, outside };
    let Upgrade { mut told, changes, packages } = family.upgrade(&scene, wishes)?;
    if changes.items.is_empty() {
        observer.event(Event::Done);
        return Ok((told, None));
    }
    let parts = Parts {
        changes: &changes,
        packages: packages.iter().collect(),
        before: &before,
        accounts: &held.accounts(),
        now: u64::try_from(options.now.as_second()).unwrap_or_default(),
    };
    let (tree, layer) = assemble(image, &parts, options, observer)?;
    told.kept = changes.kept;
    told.layer = Some(layer);
    told.digest = tree.images.first().and_then(|image| image.manifest_digest);
    observer.event(Event::Done);
    Ok((told, Some(tree)))
}

/// What is patched, and with what.
struct Scene<'a> {
    image: &'a Image,
    before: &'a Files,
    held: &'a Held,
    options: &'a PatchOptions,
    outside: &'a dyn Outside,
}

impl Scene<'_> {
    /// The contents of files of the image.
    fn contents(&self, places: &BTreeSet<String>) -> Result<BTreeMap<String, Vec<u8>>, PatchError> {
        files::contents(self.image, self.before, &|path| places.contains(path), self.options)
    }
}

/// What comes of packages that are put over an image.
struct Upgrade {
    told: Patch,
    changes: Changes,
    packages: Vec<Payload>,
}

impl Upgrade {
    fn new(
        unfulfilled: Vec<(Wish, String)>,
        repositories: Vec<PatchRepository>,
        refused: Vec<(String, String)>,
    ) -> Self {
        let unfulfilled = unfulfilled.into_iter().map(|(wish, why)| (wish.name, wish.version, why)).collect();
        let told = Patch { unfulfilled, repositories, refused, ..Patch::default() };
        Self { told, changes: Changes::default(), packages: Vec::new() }
    }
}

/// The kinds of packages that can be put into an image.
#[derive(Clone, Copy)]
enum Family {
    Apk,
    Deb,
    Rpm,
}

impl Family {
    fn of(ecosystem: Ecosystem) -> Result<Self, PatchError> {
        match ecosystem {
            Ecosystem::Apk => Ok(Self::Apk),
            Ecosystem::Deb => Ok(Self::Deb),
            Ecosystem::Rpm => Ok(Self::Rpm),
            other => Err(PatchError::Ecosystem(other)),
        }
    }

    /// Which files of the image tell how its packages are.
    fn matters(self) -> fn(&str) -> bool {
        match self {
            Self::Apk => apk::matters,
            Self::Deb => deb::matters,
            Self::Rpm => rpm::matters,
        }
    }

    fn upgrade(self, scene: &Scene<'_>, wishes: &[Wish]) -> Result<Upgrade, PatchError> {
        match self {
            Self::Apk => apk::upgrade(scene, wishes),
            Self::Deb => deb::upgrade(scene, wishes),
            Self::Rpm => rpm::upgrade(scene, wishes),
        }
    }
}

/// The new image around the old layers and the new one.
fn assemble(
    image: &Image,
    parts: &Parts<'_>,
    options: &PatchOptions,
    observer: &Arc<dyn Observer>,
) -> Result<(Tree, PatchLayer), PatchError> {
    let limits = options.evidence.limits;
    let workshop = Workshop { folder: &options.workshop, layer: limits.layer, tar: limits.tar };
    let copied = image.layers.iter().map(|layer| workshop.copy(layer, reporter(observer)));
    let mut all: Vec<NewLayer> = copied.collect::<Result<_, _>>()?;
    let new = workshop.create(Compression::Gzip, |out| layer::write(parts, out))?;
    let removed = parts.changes.items.values().filter(|item| **item == Item::Whiteout).count();
    let told = PatchLayer {
        diff_id: new.diff_id,
        size: new.blob.size,
        files: parts.changes.items.len().saturating_sub(removed),
        removed,
    };
    all.push(new);
    let addition = Addition {
        created: in_seconds(options.now),
        created_by: options.created_by.clone(),
        labels: options.labels.clone(),
    };
    let made = on_top(image, &all, &addition)?;
    let tree = Tree::new(std::slice::from_ref(image), vec![(made, all)], Top::Manifest, |_| {})?;
    Ok((tree, told))
}
