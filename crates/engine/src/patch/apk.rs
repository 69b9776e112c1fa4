//! Alpine, Wolfi and their kin: from apk's repositories over apk's database.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

use plimsoll_model::patch::{PatchRepository, PatchedPackage};
use plimsoll_patch::apk::archive::{Apk, sha1_of};
use plimsoll_patch::apk::database::{Database, FOLDERS, identity};
use plimsoll_patch::apk::index::{Index, text_of};
use plimsoll_patch::apk::protected::Protected;
use plimsoll_patch::apk::scripts::{self, Scripts};
use plimsoll_patch::apk::signed::{Key, verified};
use plimsoll_patch::apk::sources::{Repository, Taken, repositories};
use plimsoll_patch::apk::unpack::{Ground, unpack};
use plimsoll_patch::changes::Item;
use plimsoll_patch::owners::Owners;
use plimsoll_patch::package::Limits;
use plimsoll_patch::resolve::{Change, Transaction, Wish, resolve};
use plimsoll_patch::script::doings;
use plimsoll_patch::stock::Check;
use plimsoll_patch::tree::NodeKind;

use super::files::Held;
use super::packages::{claims, digest_of, fetched, refuse_if_none, title, told_of};
use super::{PatchError, Request, Scene, Upgrade};

/// The largest index, packed and not.
const INDEX: u64 = 256 << 20;
/// Where keys are.
const KEYS: [&str; 3] = ["etc/apk/keys", "lib/apk/keys", "usr/lib/apk/keys"];
/// Where further lists of repositories and of protected folders are.
const REPOSITORIES: &str = "etc/apk/repositories.d";
const PROTECTED: &str = "etc/apk/protected_paths.d";
/// The scripts that an upgrade runs, and those that a new package runs.
const UPGRADE: [&str; 2] = ["pre-upgrade", "post-upgrade"];
const INSTALL: [&str; 2] = ["pre-install", "post-install"];

/// The files that tell how the packages are.
pub(super) fn matters(path: &str) -> bool {
    const FILES: [&str; 3] = ["etc/apk/repositories", "etc/apk/world", "etc/apk/arch"];
    const DATABASE: [&str; 4] = ["installed", "scripts.tar", "scripts.tar.gz", "triggers"];
    let below = |folder: &str| path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
    FILES.contains(&path)
        || KEYS.iter().chain([&REPOSITORIES, &PROTECTED]).any(|folder| below(folder).is_some())
        || FOLDERS.iter().any(|folder| below(folder).is_some_and(|name| DATABASE.contains(&name)))
}

/// Puts the fixed packages over the image's.
pub(super) fn upgrade(scene: &Scene<'_>, wishes: &[Wish]) -> Result<Upgrade, PatchError> {
    let held = scene.held;
    let folder = FOLDERS.iter().find(|folder| held.get(&format!("{folder}/installed")).is_some());
    let folder = *folder.ok_or(PatchError::NoDatabase("apk database"))?;
    let database = Database::read(&held.text(&format!("{folder}/installed")));
    let standing = database.standing(&held.text("etc/apk/world"));
    let architecture = match held.text("etc/apk/arch").trim() {
        "" => standing.packages.first().map(|package| package.architecture.clone()).unwrap_or_default(),
        told => told.to_owned(),
    };
    let asked = index(scene, &architecture)?;
    let Transaction { changes, unfulfilled } = resolve(&standing, &asked.index, wishes)?;
    let mut upgrade = Upgrade::new(unfulfilled, asked.repositories, asked.refused);
    if changes.is_empty() {
        return Ok(upgrade);
    }
    let apks = packages(&changes, scene)?;
    let mut ground = ground(scene, database, &apks)?;
    let goes: BTreeSet<[u8; 20]> = changes.iter().filter_map(|change| identity_of(change, &ground)).collect();
    for (number, (change, (apk, _))) in changes.iter().zip(&apks).enumerate() {
        let Check::Identity(of) = change.new.check else { continue };
        unpack(number, apk, &change.new, of, &mut ground, &mut upgrade.changes)?;
    }
    let mut put = |name: &str, bytes: Vec<u8>| {
        upgrade.changes.items.insert(format!("{folder}/{name}"), Item::Bytes(0o644, bytes));
    };
    put("installed", ground.database.text().into_bytes());
    let triggers = triggers(folder, held, &goes, &changes, &apks);
    put("triggers", triggers.clone().into_bytes());
    let packed = format!("{folder}/scripts.tar.gz");
    let name = if held.get(&packed).is_some() { "scripts.tar.gz" } else { "scripts.tar" };
    put(name, archive(held.get(&format!("{folder}/{name}")).unwrap_or_default(), &goes, &changes, &apks)?);
    let told = changes.iter().zip(&apks).map(|(change, (apk, sha256))| PatchedPackage {
        sha256: sha256.clone(),
        scripts: told_scripts(change, apk),
        triggers: told_triggers(&triggers, apk, &ground),
        ..told_of(change)
    });
    upgrade.told.packages = told.collect();
    upgrade.packages = apks.into_iter().map(|(apk, _)| apk.payload).collect();
    Ok(upgrade)
}

/// What the repositories have.
struct Asked {
    index: Index,
    repositories: Vec<PatchRepository>,
    refused: Vec<(String, String)>,
}

/// Asks the repositories. One that cannot be believed gives nothing, and is told.
fn index(scene: &Scene<'_>, architecture: &str) -> Result<Asked, PatchError> {
    let all = chosen(scene);
    if all.is_empty() {
        let what = "apk repository in /etc/apk/repositories; name one with --repository ADDRESS";
        return Err(PatchError::NoRepository(what));
    }
    let keys = keys(scene);
    let mut asked = Asked { index: Index::default(), repositories: Vec::new(), refused: Vec::new() };
    let request = |repository: &Repository| Request {
        name: format!("packages of {}", repository.uri),
        addresses: vec![format!("{}/APKINDEX.tar.gz", repository.folder(architecture))],
        limit: INDEX,
    };
    let (taken, left): (Vec<Repository>, Vec<Repository>) =
        all.into_iter().partition(|repository| repository.taken == Taken::ByItself);
    let why = |taken| match taken {
        Taken::Unread => "the line has a form that is not read",
        Taken::ByItself | Taken::WhenTagged => "apk takes nothing from it by itself",
    };
    asked.refused =
        left.into_iter().map(|repository| (repository.uri, why(repository.taken).to_owned())).collect();
    let requests: Vec<Request> = taken.iter().map(request).collect();
    for (repository, file) in taken.iter().zip(scene.outside.fetch(&requests)) {
        match text(file, &keys) {
            Ok((text, signed_by)) => {
                asked.index.add(&repository.folder(architecture), text);
                asked.repositories.push(PatchRepository { name: repository.uri.clone(), signed_by });
            }
            Err(reason) => asked.refused.push((repository.uri.clone(), reason)),
        }
    }
    refuse_if_none(&asked.repositories, &asked.refused)?;
    Ok(asked)
}

/// The text of an index, and who signed it.
fn text(file: Result<File, String>, keys: &[Key]) -> Result<(String, String), String> {
    if keys.is_empty() {
        return Err("the image has no key for it; --keyring FILE names one".to_owned());
    }
    let (plain, signed_by) = verified(file?, keys, INDEX).map_err(|error| error.to_string())?;
    Ok((text_of(&plain).map_err(|error| error.to_string())?, signed_by))
}

/// The repositories to ask, each once.
fn chosen(scene: &Scene<'_>) -> Vec<Repository> {
    let mut all: Vec<Repository> =
        scene.options.repositories.iter().flat_map(|line| repositories(line)).collect();
    if all.is_empty() {
        let further = scene.held.below(REPOSITORIES).into_iter().filter(|path| path.ends_with(".list"));
        let files = std::iter::once("etc/apk/repositories".to_owned()).chain(further);
        all = files.flat_map(|path| repositories(&scene.held.text(&path))).collect();
    }
    if let Some(mirror) = &scene.options.mirror {
        all = all.into_iter().map(|repository| repository.from_mirror(mirror)).collect();
    }
    let mut seen = BTreeSet::new();
    all.retain(|repository| seen.insert(repository.uri.clone()));
    all
}

/// The keys that the image trusts, and those of the user.
fn keys(scene: &Scene<'_>) -> Vec<Key> {
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let paths = KEYS.iter().flat_map(|folder| scene.held.below(folder));
    let own = paths.filter_map(|path| Key::read(&name(&path), scene.held.get(&path)?));
    own.chain(scene.options.keys.iter().filter_map(|key| Key::read(&key.name, &key.bytes))).collect()
}

/// Fetches the packages, and makes sure of each; gives the SHA-256 of each, too.
fn packages(changes: &[Change], scene: &Scene<'_>) -> Result<Vec<(Apk, String)>, PatchError> {
    let files = fetched(changes, scene.outside)?;
    let sound = changes.iter().zip(files).map(|(change, file)| {
        let package = title(change);
        let unread = |source| PatchError::Files { what: "fetched packages", source };
        let sha256 = digest_of(&file).map_err(unread)?.hex();
        let Check::Identity(of) = change.new.check else {
            return Err(PatchError::Forged { package, difference: "its index has no identity".to_owned() });
        };
        let failed = |source| PatchError::Package { package, source };
        let apk = Apk::read(file, &of, Limits::default()).map_err(failed)?;
        let field = |name| apk.field(name).unwrap_or_default();
        // Indexes call packages for all architectures by their own.
        let architecture = match field("arch") {
            "noarch" => change.new.architecture.as_str(),
            told => told,
        };
        claims(change, [field("pkgname"), field("pkgver"), architecture])?;
        Ok((apk, sha256))
    });
    sound.collect()
}

/// What packages are unpacked over.
fn ground(scene: &Scene<'_>, database: Database, apks: &[(Apk, String)]) -> Result<Ground, PatchError> {
    let tree = scene.before.clone();
    let mut owners = Owners::default();
    for package in &database.packages {
        owners.own(&package.name, Ground::paths_of(package), &tree);
    }
    let mut protected = Protected::default();
    for path in scene.held.below(PROTECTED).iter().filter(|path| path.ends_with(".list")) {
        protected.add(&scene.held.text(path));
    }
    let own = apks.iter().flat_map(|(apk, _)| apk.payload.entries.iter().map(|entry| entry.path.clone()));
    let theirs = apks.iter().filter_map(|(apk, _)| database.get(apk.field("pkgname")?));
    let paths = own.chain(theirs.flat_map(|package| package.files().into_keys()));
    let paths = paths.filter(|path| protected.protects(plimsoll_model::path::parent(path)));
    let places: BTreeSet<String> = paths.filter_map(|path| tree.place(&path).ok()).collect();
    let contents = scene.contents(&places)?;
    let mut digests: BTreeMap<String, String> =
        contents.into_iter().map(|(path, bytes)| (path, sha1_of(&bytes))).collect();
    for place in places {
        if let Some(NodeKind::Symlink(target)) = tree.get(&place).map(|node| &node.kind) {
            digests.insert(place, sha1_of(target.as_bytes()));
        }
    }
    Ok(Ground { tree, database, owners, protected, accounts: scene.held.accounts(), digests })
}

/// The identity of the package that a change takes away.
fn identity_of(change: &Change, ground: &Ground) -> Option<[u8; 20]> {
    identity(ground.database.get(&change.old.as_ref()?.name)?.field(b'C')?)
}

fn triggers(
    folder: &str,
    held: &Held,
    goes: &BTreeSet<[u8; 20]>,
    changes: &[Change],
    apks: &[(Apk, String)],
) -> String {
    let comes: Vec<([u8; 20], String)> = changes
        .iter()
        .zip(apks)
        .filter_map(|(change, (apk, _))| match change.new.check {
            Check::Identity(of) => Some((of, apk.words("triggers"))),
            Check::Sha256(_) => None,
        })
        .collect();
    scripts::triggers(&held.text(&format!("{folder}/triggers")), goes, &comes)
}

fn archive(
    old: &[u8],
    goes: &BTreeSet<[u8; 20]>,
    changes: &[Change],
    apks: &[(Apk, String)],
) -> Result<Vec<u8>, PatchError> {
    let comes: Vec<Scripts<'_>> = changes
        .iter()
        .zip(apks)
        .filter_map(|(change, (apk, _))| {
            let Check::Identity(identity) = change.new.check else { return None };
            let modified = apk.field("builddate").and_then(|date| date.parse().ok()).unwrap_or(0);
            let title = format!("{}-{}", change.new.name, change.new.version);
            Some(Scripts { title, identity, modified, scripts: &apk.scripts })
        })
        .collect();
    let failed = |source| PatchError::Files { what: "archive of scripts", source };
    scripts::archive(old, goes, &comes).map_err(failed)
}

/// The scripts that apk would have run, and what each does first.
fn told_scripts(change: &Change, apk: &Apk) -> Vec<(String, String)> {
    let names = if change.old.is_some() { UPGRADE } else { INSTALL };
    let told = names.iter().filter_map(|name| {
        let text = String::from_utf8_lossy(apk.scripts.get(*name)?).into_owned();
        Some(((*name).to_owned(), doings(&text).first()?.chars().take(200).collect()))
    });
    told.collect()
}

/// Whose triggers the files of a package set off: packages, and the folder that each waits for.
fn told_triggers(triggers: &str, apk: &Apk, ground: &Ground) -> Vec<String> {
    let entries = apk.payload.entries.iter();
    let folders: BTreeSet<String> =
        entries.map(|entry| plimsoll_model::path::parent(&entry.path).to_owned()).collect();
    let whose = |of: [u8; 20]| {
        let is_it = |text: Option<&str>| text.and_then(identity) == Some(of);
        let package = ground.database.packages.iter().find(|package| is_it(package.field(b'C')));
        package.map_or("?", |package| package.name.as_str())
    };
    let set_off = scripts::set_off(triggers, &folders).into_iter();
    set_off.map(|(of, folder)| format!("{} {folder}", whose(of))).collect()
}
