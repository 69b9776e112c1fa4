//! Red Hat, Fedora, SUSE and their kin: from repositories with `repomd.xml` over rpm's database.

mod repositories;

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::patch::PatchedPackage;
use plimsoll_patch::changes::Item;
use plimsoll_patch::keyring::binary;
use plimsoll_patch::owners::Owners;
use plimsoll_patch::package::Limits;
use plimsoll_patch::resolve::{Change, Transaction, Wish, resolve};
use plimsoll_patch::rpm::archive::{Rpm, Unverified};
use plimsoll_patch::rpm::database::{BERKELEY, Database, FOLDERS, NDB, SQLITE};
use plimsoll_patch::rpm::unpack::{Ground, unpack};
use plimsoll_patch::script::doings;

use super::packages::{claims, fetched, title, told_of};
use super::{PatchError, Scene, Upgrade};
use repositories::{Asked, index, trusted};

/// The forms that are written.
const DATABASES: [&str; 2] = [SQLITE, NDB];
/// Files that SQLite has beside its database while somebody writes it.
const BESIDE: [&str; 2] = ["rpmdb.sqlite-wal", "rpmdb.sqlite-shm"];
/// Bytes of a write-ahead log without changes.
const LOG_HEADER: usize = 32;

/// The files that tell how the packages are.
pub(super) fn matters(path: &str) -> bool {
    let below = |folder: &str| path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
    matches!(path, "etc/os-release" | "usr/lib/os-release")
        || FOLDERS.iter().any(|folder| {
            below(folder).is_some_and(|name| DATABASES.contains(&name) || BESIDE.contains(&name))
        })
        || repositories::FOLDERS.iter().any(|folder| below(folder).is_some())
}

/// Puts the fixed packages over the image's.
pub(super) fn upgrade(scene: &Scene<'_>, wishes: &[Wish]) -> Result<Upgrade, PatchError> {
    let (folder, database) = database(scene)?;
    let standing = database.standing();
    let keys: Vec<Vec<u8>> = database.keys().iter().filter_map(|key| binary(key.as_bytes())).collect();
    let Asked { index, repositories, refused } = index(scene, &standing, &keys)?;
    let Transaction { changes, unfulfilled } = resolve(&standing, &index, wishes)?;
    let mut upgrade = Upgrade::new(unfulfilled, repositories, refused);
    if changes.is_empty() {
        return Ok(upgrade);
    }
    let rpms = packages(&changes, scene, &keys)?;
    let mut ground = ground(scene, database, &changes, &rpms)?;
    let mut told = Vec::new();
    for (number, (change, rpm)) in changes.iter().zip(&rpms).enumerate() {
        let old = change.old.as_ref().map(|old| format!("{}.{}", old.name, old.architecture));
        told.push(PatchedPackage {
            scripts: told_scripts(rpm),
            triggers: triggers(change, rpm, &ground.database),
            ..told_of(change)
        });
        unpack(number, rpm, old.as_deref(), &mut ground, &mut upgrade.changes)?;
    }
    let files = ground.database.files().map_err(|error| PatchError::Database(error.to_string()))?;
    for (name, bytes) in files {
        upgrade.changes.items.insert(format!("{folder}/{name}"), Item::Bytes(0o644, bytes));
    }
    // What they say is of the database of before.
    for path in BESIDE.iter().map(|name| format!("{folder}/{name}")) {
        if scene.before.get(&path).is_some() {
            upgrade.changes.items.insert(path, Item::Whiteout);
        }
    }
    upgrade.told.packages = told;
    upgrade.packages = rpms.into_iter().map(|rpm| rpm.payload).collect();
    Ok(upgrade)
}

/// The database, and the folder that it lies in.
fn database(scene: &Scene<'_>) -> Result<(&'static str, Database), PatchError> {
    let places = || FOLDERS.iter().flat_map(|folder| DATABASES.map(|name| (*folder, name)));
    let mut there = places().filter_map(|(folder, name)| {
        let bytes = scene.held.get(&format!("{folder}/{name}"))?;
        Some((folder, name, bytes))
    });
    let (folder, name, bytes) = there.next_back().ok_or_else(|| missing(scene))?;
    if let Some((_, other, _)) = there.next_back().filter(|(other, ..)| *other == folder) {
        let reason =
            format!("both {other} and {name} lie in /{folder}, and only one of them is rpm's database");
        return Err(PatchError::Database(reason));
    }
    let log = scene.held.get(&format!("{folder}/{}", BESIDE[0])).unwrap_or_default();
    if log.len() > LOG_HEADER {
        let reason = "changes that are not yet in the rpm database lie beside it".to_owned();
        return Err(PatchError::Database(reason));
    }
    let database = Database::read(bytes).map_err(|error| PatchError::Database(error.to_string()))?;
    Ok((folder, database))
}

/// Why there is no database that could be written.
fn missing(scene: &Scene<'_>) -> PatchError {
    let berkeley = FOLDERS.iter().map(|folder| format!("{folder}/{BERKELEY}"));
    match berkeley.into_iter().find(|path| scene.before.get(path).is_some()) {
        Some(path) => PatchError::Database(format!(
            "/{path} is a database of Berkeley DB, which rpm itself has not written since 4.17: upgrade the packages in a build, by the command of the plan, or change to a base whose rpm has another one"
        )),
        None => PatchError::NoDatabase("rpm database"),
    }
}

/// Fetches the packages, and makes sure of each: its digest, and that a key of the image signed it.
fn packages(changes: &[Change], scene: &Scene<'_>, imported: &[Vec<u8>]) -> Result<Vec<Rpm>, PatchError> {
    let files = fetched(changes, scene.outside)?;
    let keys = trusted(scene, imported);
    let sound = changes.iter().zip(files).map(|(change, file)| {
        let package = title(change);
        let failed = |source| PatchError::Package { package: title(change), source };
        let unverified = Unverified::read(file, Limits::default()).map_err(failed)?;
        let mut difference = "nobody signed it".to_owned();
        let is_signed = unverified.signatures().iter().any(|signature| {
            match scene.outside.verify_detached(unverified.signed(), signature, &keys) {
                Ok(_) => true,
                Err(reason) => {
                    difference = reason;
                    false
                }
            }
        });
        if !is_signed {
            return Err(PatchError::Forged { package, difference });
        }
        let rpm = unverified.verified(Limits::default()).map_err(failed)?;
        claims(change, [&rpm.name(), &rpm.version(), &rpm.architecture()])?;
        Ok(rpm)
    });
    sound.collect()
}

/// What packages are unpacked over.
fn ground(
    scene: &Scene<'_>,
    database: Database,
    changes: &[Change],
    rpms: &[Rpm],
) -> Result<Ground, PatchError> {
    let tree = scene.before.clone();
    let mut owners = Owners::default();
    for package in &database.packages {
        owners.own(&package.key(), Ground::paths_of(&package.files), &tree);
    }
    let old = changes.iter().filter_map(|change| change.old.as_ref());
    let old = old.filter_map(|old| database.get(&format!("{}.{}", old.name, old.architecture)));
    let files = old.flat_map(|package| &package.files).chain(rpms.iter().flat_map(|rpm| &rpm.files));
    let configuration = files.filter(|file| file.is_configuration()).map(|file| &file.path);
    let places: BTreeSet<String> = configuration.filter_map(|path| tree.place(path).ok()).collect();
    let contents: BTreeMap<String, Vec<u8>> = scene.contents(&places)?;
    let now = u32::try_from(scene.options.now.as_second()).unwrap_or_default();
    Ok(Ground { tree, database, owners, accounts: scene.held.accounts(), contents, now })
}

/// The scripts that rpm would have run, and what each does first.
fn told_scripts(rpm: &Rpm) -> Vec<(String, String)> {
    let scripts = rpm.scripts().into_iter().filter(|(name, ..)| !matches!(*name, "%preun" | "%postun"));
    let told = scripts.filter_map(|(name, program, text)| {
        let program = program.rsplit('/').next().unwrap_or_default().to_owned();
        let line = match doings(&text).first() {
            Some(line) => (*line).to_owned(),
            // Without a text, the program alone is run.
            None if text.is_empty() && !doings(&program).is_empty() => program,
            None => return None,
        };
        Some((name.to_owned(), line.chars().take(200).collect()))
    });
    told.collect()
}

/// Whose triggers a package sets off: packages that wait for its name, or for files below a folder.
fn triggers(change: &Change, rpm: &Rpm, database: &Database) -> Vec<String> {
    let mut found = Vec::new();
    for package in &database.packages {
        let (names, folders) = package.triggers();
        found.extend(names.iter().filter(|name| **name == change.new.name).map(|_| package.name()));
        let fits = |folder: &&String| rpm.files.iter().any(|file| file.path.starts_with(folder.as_str()));
        found.extend(folders.iter().filter(fits).map(|folder| format!("{} {folder}", package.name())));
    }
    found.sort();
    found.dedup();
    found
}
