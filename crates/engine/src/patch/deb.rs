//! Debian and its kin: from apt's repositories over dpkg's database.

mod repositories;

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::patch::PatchedPackage;
use plimsoll_patch::changes::Item;
use plimsoll_patch::deb::archive::{Deb, md5_of};
use plimsoll_patch::deb::settings::{DIVERSIONS, Settings};
use plimsoll_patch::deb::status::{Database, INFO, Installed, STATUS, STATUS_D};
use plimsoll_patch::deb::unpack::{Ground, unpack};
use plimsoll_patch::owners::Owners;
use plimsoll_patch::package::Limits;
use plimsoll_patch::resolve::{Change, Transaction, Wish, resolve};
use plimsoll_patch::script::{SCRIPTS, doings};
use plimsoll_patch::tree::Tree;

use super::files::Held;
use super::packages::{claims, fetched, title};
use super::{PatchError, Scene, Upgrade};
use repositories::index;

/// The files that tell how the packages are.
pub(super) fn matters(path: &str) -> bool {
    const FILES: [&str; 5] =
        [STATUS, DIVERSIONS, "etc/apt/sources.list", "etc/apt/trusted.gpg", "etc/dpkg/dpkg.cfg"];
    const FOLDERS: [&str; 6] = [
        STATUS_D,
        "etc/apt/sources.list.d",
        "etc/apt/trusted.gpg.d",
        "etc/apt/keyrings",
        "usr/share/keyrings",
        "etc/dpkg/dpkg.cfg.d",
    ];
    let below = |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    FILES.contains(&path)
        || FOLDERS.iter().any(|folder| below(folder))
        || (below(INFO) && (path.ends_with(".list") || path.ends_with(".md5sums")))
}

/// Puts the fixed packages over the image's.
pub(super) fn upgrade(scene: &Scene<'_>, wishes: &[Wish]) -> Result<Upgrade, PatchError> {
    let mut ground = ground(scene.held, scene.before.clone())?;
    let architectures: BTreeSet<String> = ground
        .database
        .packages
        .iter()
        .map(|package| package.architecture.clone())
        .filter(|architecture| !architecture.is_empty() && architecture != "all")
        .collect();
    let asked = index(scene.held, &architectures, scene.options, scene.outside)?;
    let Transaction { changes, unfulfilled } = resolve(&ground.database.standing(), &asked.index, wishes)?;
    let mut upgrade = Upgrade::new(unfulfilled, asked.repositories, asked.refused);
    if changes.is_empty() {
        return Ok(upgrade);
    }
    let debs = packages(&changes, scene)?;
    let digests = configuration(scene, &ground, &changes, &debs)?;
    ground.digests = digests;
    for (number, (change, deb)) in changes.iter().zip(&debs).enumerate() {
        let old = installed(change, &ground.database);
        unpack(number, deb, old.as_ref(), &mut ground, &mut upgrade.changes)?;
    }
    if !ground.database.is_split {
        let status = Item::Bytes(0o644, ground.database.text().into_bytes());
        upgrade.changes.items.insert(STATUS.to_owned(), status);
    }
    upgrade.told.packages = changes.iter().zip(&debs).map(|(change, deb)| told_of(change, deb)).collect();
    upgrade.packages = debs.into_iter().map(|deb| deb.payload).collect();
    Ok(upgrade)
}

/// What dpkg's database says of the package that a change takes away.
fn installed(change: &Change, database: &Database) -> Option<Installed> {
    let old = change.old.as_ref()?;
    database.get(&old.name, &old.architecture).cloned()
}

/// What packages are unpacked over.
fn ground(held: &Held, tree: Tree) -> Result<Ground, PatchError> {
    let mut places = Vec::new();
    if held.get(STATUS).is_some() {
        places.push(STATUS.to_owned());
    } else {
        places.extend(held.below(STATUS_D).into_iter().filter(|path| !path.ends_with(".md5sums")));
    }
    let texts: Vec<(String, String)> =
        places.into_iter().map(|path| (path.clone(), held.text(&path))).collect();
    let database = Database::read(&texts);
    if database.packages.is_empty() {
        return Err(PatchError::NoDatabase("dpkg database"));
    }
    let mut owners = Owners::default();
    let (folder, ending) = if database.is_split { (STATUS_D, ".md5sums") } else { (INFO, ".list") };
    for path in held.below(folder) {
        let name = path.strip_prefix(folder).unwrap_or_default().trim_start_matches('/');
        if let Some(name) = name.strip_suffix(ending) {
            owners.add(name, &held.text(&path), &tree);
        }
    }
    let mut settings = Settings::default();
    settings.add_configuration(&held.text("etc/dpkg/dpkg.cfg"));
    for path in held.below("etc/dpkg/dpkg.cfg.d") {
        settings.add_configuration(&held.text(&path));
    }
    settings.add_diversions(&held.text(DIVERSIONS));
    Ok(Ground { tree, database, owners, settings, digests: BTreeMap::new() })
}

/// Fetches the packages, and makes sure of each.
fn packages(changes: &[Change], scene: &Scene<'_>) -> Result<Vec<Deb>, PatchError> {
    let files = fetched(changes, scene.outside)?;
    let sound = changes.iter().zip(files).map(|(change, file)| {
        let failed = |source| PatchError::Package { package: title(change), source };
        let deb = Deb::read(file, Limits::default()).map_err(failed)?;
        let field = |name| deb.field(name).unwrap_or_default();
        claims(change, [&field("Package"), &field("Version"), &field("Architecture")])?;
        Ok(deb)
    });
    sound.collect()
}

/// The MD5 of what lies where the packages, old and new, have configuration.
fn configuration(
    scene: &Scene<'_>,
    ground: &Ground,
    changes: &[Change],
    debs: &[Deb],
) -> Result<BTreeMap<String, String>, PatchError> {
    let old = changes.iter().filter_map(|change| installed(change, &ground.database));
    let paths = old.flat_map(|old| old.conffiles()).map(|conffile| conffile.path);
    let paths = paths.chain(debs.iter().flat_map(Deb::conffiles));
    let places: BTreeSet<String> = paths.filter_map(|path| ground.tree.place(&path).ok()).collect();
    // What a link leads to is what dpkg compares, too; it is rare, and counts as changed.
    let digest = |(path, bytes): (String, Vec<u8>)| (path, md5_of(&bytes));
    let mut digests: BTreeMap<String, String> = scene.contents(&places)?.into_iter().map(digest).collect();
    for place in places {
        if ground.tree.get(&place).is_some() {
            digests.entry(place).or_insert_with(|| "changed".to_owned());
        }
    }
    Ok(digests)
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
        scripts: SCRIPTS.iter().filter_map(script).collect(),
        triggers: triggers.lines().filter_map(trigger).collect(),
        ..super::packages::told_of(change)
    }
}
