//! Puts fixed packages into an image: a new image with one layer more. Nothing of the image is run, and nothing is installed
//! that no key of the image vouches for.

mod files;
mod repositories;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use plimsoll_formats::compression::Compression;
use plimsoll_image::Image;
use plimsoll_image::mutate::{Addition, MutateError, NewLayer, Top, Tree, Workshop, on_top};
use plimsoll_model::patch::{Patch, PatchLayer, PatchedPackage};
use plimsoll_patch::apt::sources::Suite;
use plimsoll_patch::deb::{Deb, DebError, Limits as DebLimits, md5_of};
use plimsoll_patch::layer::{self, Parts};
use plimsoll_patch::resolve::{Change, ResolveError, Transaction, Wish, resolve};
use plimsoll_patch::script::{SCRIPTS, doings};
use plimsoll_patch::tree::Tree as Files;
use plimsoll_patch::unpack::{Changes, Ground, Item, UnpackError, unpack};

use crate::evidence::{EvidenceError, EvidenceOptions, layers, reporter};
use crate::observe::{Event, Observer};
use files::{Held, ground};
use repositories::index;

/// The largest package that is fetched.
const PACKAGE: u64 = 2 << 30;

/// How an image is patched.
pub struct PatchOptions {
    /// How evidence is gathered.
    pub evidence: EvidenceOptions,
    /// Where large blobs lie in files without names until the image is written.
    pub workshop: PathBuf,
    /// The time: when the new layer is made, and by which releases are judged.
    pub now: Timestamp,
    /// The repositories to ask; those that the image names, if there are none.
    pub suites: Vec<Suite>,
    /// Takes the place of scheme and host of all repositories.
    pub mirror: Option<String>,
    /// Keys to trust beside the image's.
    pub keys: Vec<Vec<u8>>,
    /// Labels that are set.
    pub labels: Vec<(String, String)>,
    /// What the history says of the new layer.
    pub created_by: String,
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
    /// The image has no package manager that is known.
    #[error("the image has no dpkg database: only packages of Debian and its kin can be put in")]
    NoDatabase,
    /// There is nothing to ask.
    #[error(
        "the image names no apt repository in /etc/apt; name one with --repository 'ADDRESS SUITE COMPONENT…'"
    )]
    NoRepository,
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
    Deb {
        /// Which package.
        package: String,
        /// Why.
        source: DebError,
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
    let held = Held::read(image, &before, options)?;
    let mut ground = ground(&held, before.clone())?;
    let architectures: BTreeSet<String> = ground
        .database
        .packages
        .iter()
        .map(|package| package.architecture.clone())
        .filter(|architecture| !architecture.is_empty() && architecture != "all")
        .collect();
    let asked = index(&held, &architectures, options, outside)?;
    let Transaction { changes, unfulfilled } = resolve(&ground.database, &asked.index, wishes)?;
    let mut told = Patch {
        unfulfilled: unfulfilled.into_iter().map(|(wish, why)| (wish.name, wish.version, why)).collect(),
        repositories: asked.repositories,
        refused: asked.refused,
        ..Patch::default()
    };
    if changes.is_empty() {
        observer.event(Event::Done);
        return Ok((told, None));
    }
    let debs = packages(&changes, outside)?;
    let digests = configuration(image, &ground, &changes, &debs, options)?;
    ground.digests = digests;
    let mut unpacked = Changes::default();
    for (number, (change, deb)) in changes.iter().zip(&debs).enumerate() {
        unpack(number, deb, change.old.as_ref(), &mut ground, &mut unpacked)?;
    }
    if !ground.database.is_split {
        let status = Item::Bytes(0o644, ground.database.text().into_bytes());
        unpacked.items.insert(plimsoll_patch::status::STATUS.to_owned(), status);
    }
    let parts = Parts {
        changes: &unpacked,
        debs: &debs,
        before: &before,
        settings: &ground.settings,
        now: u64::try_from(options.now.as_second()).unwrap_or_default(),
    };
    let (tree, layer) = assemble(image, &parts, options, observer)?;
    told.packages = changes.iter().zip(&debs).map(|(change, deb)| told_of(change, deb)).collect();
    told.kept = unpacked.kept;
    told.layer = Some(layer);
    told.digest = tree.images.first().and_then(|image| image.manifest_digest);
    observer.event(Event::Done);
    Ok((told, Some(tree)))
}

/// Fetches the packages, and makes sure of each.
fn packages(changes: &[Change], outside: &dyn Outside) -> Result<Vec<Deb>, PatchError> {
    let requests: Vec<Request> = changes
        .iter()
        .map(|change| Request {
            name: title(change),
            addresses: vec![format!("{}/{}", change.new.uri, change.new.file)],
            limit: change.new.size.min(PACKAGE),
        })
        .collect();
    let fetched = outside.fetch(&requests);
    let sound = changes.iter().zip(fetched).map(|(change, file)| {
        let package = title(change);
        let file = file.map_err(|reason| PatchError::Fetch { package: package.clone(), reason })?;
        let forged = |difference| PatchError::Forged { package: package.clone(), difference };
        repositories::is_the_one(&file, change.new.size, change.new.digest).map_err(forged)?;
        let failed = |source| PatchError::Deb { package: package.clone(), source };
        let deb = Deb::read(file, DebLimits::default()).map_err(failed)?;
        for (name, wanted) in [
            ("Package", &change.new.name),
            ("Version", &change.new.version),
            ("Architecture", &change.new.architecture),
        ] {
            let found = deb.field(name).unwrap_or_default();
            if found != *wanted {
                let difference = format!("its {name} is {found:?}");
                return Err(PatchError::Forged { package, difference });
            }
        }
        Ok(deb)
    });
    sound.collect()
}

fn title(change: &Change) -> String {
    format!("{} {}", change.new.name, change.new.version)
}

/// The MD5 of what lies where the packages, old and new, have configuration.
fn configuration(
    image: &Image,
    ground: &Ground,
    changes: &[Change],
    debs: &[Deb],
    options: &PatchOptions,
) -> Result<BTreeMap<String, String>, PatchError> {
    let old = changes.iter().filter_map(|change| change.old.as_ref()).flat_map(|old| old.conffiles());
    let paths = old.map(|conffile| conffile.path).chain(debs.iter().flat_map(Deb::conffiles));
    let places: BTreeSet<String> = paths.filter_map(|path| ground.tree.place(&path).ok()).collect();
    let contents = files::contents(image, &ground.tree, &|path| places.contains(path), options)?;
    // What a link leads to is what dpkg compares, too; it is rare, and counts as changed.
    let digest = |(path, bytes): (String, Vec<u8>)| (path, md5_of(&bytes));
    let mut digests: BTreeMap<String, String> = contents.into_iter().map(digest).collect();
    for place in places {
        if ground.tree.get(&place).is_some() {
            digests.entry(place).or_insert_with(|| "changed".to_owned());
        }
    }
    Ok(digests)
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
        created: whole_seconds(options.now),
        created_by: options.created_by.clone(),
        labels: options.labels.clone(),
    };
    let made = on_top(image, &all, &addition)?;
    let tree = Tree::new(std::slice::from_ref(image), vec![(made, all)], Top::Manifest, |_| {})?;
    Ok((tree, told))
}

/// A time without fractions of a second, as builders write it.
fn whole_seconds(now: Timestamp) -> String {
    Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
}

fn told_of(change: &Change, deb: &Deb) -> PatchedPackage {
    let text = |name: &str| {
        let bytes = deb.scripts.get(name).map(|(_, bytes)| bytes.as_slice()).unwrap_or_default();
        String::from_utf8_lossy(bytes).into_owned()
    };
    let script = |name: &&str| {
        let text = text(name);
        Some(((*name).to_owned(), doings(&text).first()?.chars().take(200).collect()))
    };
    let triggers = text("triggers");
    let trigger = |line: &str| {
        let mut words = line.split_whitespace();
        let is_activation = words.next()?.starts_with("activate");
        words.next().filter(|_| is_activation).map(str::to_owned)
    };
    PatchedPackage {
        name: change.new.name.clone(),
        architecture: change.new.architecture.clone(),
        from: change.old.as_ref().map(|old| old.version.clone()),
        to: change.new.version.clone(),
        repository: change.new.uri.clone(),
        sha256: change.new.digest.hex(),
        scripts: SCRIPTS.iter().filter_map(script).collect(),
        triggers: triggers.lines().filter_map(trigger).collect(),
    }
}
