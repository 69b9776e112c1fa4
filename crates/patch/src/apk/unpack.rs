//! What of an image's files changes when an apk takes the place of an older one, as apk would do it: files written over and
//! taken away, files below `etc` that were changed kept, the database told. No script is run.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::patch::Kept;
use plimsoll_model::path::parent;

use super::archive::{Apk, sha1_of};
use super::database::{Database, Installed, Recorded, identity, spelled};
use super::protected::Protected;
use super::relations::relation;
use crate::accounts::Accounts;
use crate::changes::{Changes, Item, UnpackError, goes, may_replace, node, refuse_behind_links};
use crate::owners::Owners;
use crate::package::{DataEntry, DataKind};
use crate::stock::Candidate;
use crate::tree::Tree;

/// An image that packages are unpacked over.
pub struct Ground {
    /// Its files; what is unpacked is added.
    pub tree: Tree,
    /// apk's database; what is unpacked is added.
    pub database: Database,
    /// Who owns which file.
    pub owners: Owners,
    /// What may not be written over once it was changed.
    pub protected: Protected,
    /// The image's accounts.
    pub accounts: Accounts,
    /// The SHA-1 of what lies in protected folders, by path.
    pub digests: BTreeMap<String, String>,
}

impl Ground {
    /// Where the files of a package are.
    pub fn paths_of(package: &Installed) -> impl Iterator<Item = String> {
        package.files().into_keys()
    }

    /// Whether what lies at `place` is not what `recorded` tells of. What is not there was not changed.
    fn is_changed(&self, place: &str, recorded: Option<&str>) -> bool {
        self.tree.get(place).is_some()
            && (recorded.is_none() || self.digests.get(place).map(String::as_str) != recorded)
    }
}

/// Unpacks package `number`, which takes the place of `old`.
///
/// # Errors
/// See [`UnpackError`].
pub fn unpack(
    number: usize,
    apk: &Apk,
    candidate: &Candidate,
    identity: [u8; 20],
    ground: &mut Ground,
    changes: &mut Changes,
) -> Result<(), UnpackError> {
    let old = ground.database.get(&candidate.name).cloned();
    let mut unpacking = Unpacking {
        number,
        apk,
        candidate,
        recorded: old.as_ref().map(Installed::files).unwrap_or_default(),
        places: BTreeSet::new(),
        skipped: BTreeSet::new(),
    };
    unpacking.files(ground, changes)?;
    unpacking.take_away(ground, changes)?;
    let text = unpacking.paragraph(&identity, ground);
    let new = Installed { name: candidate.name.clone(), version: candidate.version.clone(), text };
    ground.owners.own(&new.name, Ground::paths_of(&new), &ground.tree);
    ground.database.put(new);
    Ok(())
}

/// One package being unpacked.
struct Unpacking<'a> {
    number: usize,
    apk: &'a Apk,
    candidate: &'a Candidate,
    /// What the database says of the files of the old one.
    recorded: BTreeMap<String, Recorded>,
    /// Where the files of the new one lie.
    places: BTreeSet<String>,
    /// Entries that belong to a package that goes before this one.
    skipped: BTreeSet<usize>,
}

/// Who has a file that two packages bring.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Claim {
    Ours,
    Theirs,
    Both,
}

impl Unpacking<'_> {
    fn title(&self) -> String {
        format!("{} {}", self.candidate.name, self.candidate.version)
    }

    fn place(&self, path: &str, ground: &Ground) -> Result<String, UnpackError> {
        let failed = |source| UnpackError::Path { package: self.title(), source };
        ground.tree.place(path).map_err(failed)
    }

    fn files(&mut self, ground: &mut Ground, changes: &mut Changes) -> Result<(), UnpackError> {
        refuse_behind_links(&self.title(), &self.apk.payload.entries)?;
        let mut links: BTreeMap<&str, String> = BTreeMap::new();
        for (index, entry) in self.apk.payload.entries.iter().enumerate() {
            let place = self.place(&entry.path, ground)?;
            may_replace(&self.title(), entry, &place, &ground.tree)?;
            if entry.kind == DataKind::Directory {
                self.places.insert(place.clone());
                // apk leaves the modes of directories that are there.
                if !ground.tree.is_directory(&place) {
                    changes.items.insert(place.clone(), Item::Unpacked(self.number, index));
                    ground.tree.insert(&place, node(entry, &place));
                }
                continue;
            }
            if self.claim(&place, ground)? == Claim::Theirs {
                self.skipped.insert(index);
                continue;
            }
            self.places.insert(place.clone());
            let Some(place) = self.destination(entry, place, ground, changes) else { continue };
            let item = match &entry.kind {
                DataKind::Hardlink(target) => {
                    let missing = || UnpackError::Link { package: self.title(), path: entry.path.clone() };
                    Item::Link(links.get(target.as_str()).cloned().ok_or_else(missing)?)
                }
                DataKind::File | DataKind::Directory | DataKind::Symlink(_) => {
                    links.insert(&entry.path, place.clone());
                    Item::Unpacked(self.number, index)
                }
            };
            changes.items.insert(place.clone(), item);
            ground.tree.insert(&place, node(entry, &place));
        }
        Ok(())
    }

    /// `uid:gid:mode` of an entry.
    fn owner(&self, index: usize, entry: &DataEntry, ground: &Ground) -> String {
        let attributes = self.apk.attributes.get(index).cloned().unwrap_or_default();
        let uid = ground.accounts.user(&attributes.user, attributes.uid);
        let gid = ground.accounts.group(&attributes.group, attributes.gid);
        format!("{uid}:{gid}:{:o}", entry.mode)
    }

    /// Who has the file at `place`, as apk decides it: the package that replaces the other one, or they are of one origin.
    fn claim(&self, place: &str, ground: &mut Ground) -> Result<Claim, UnpackError> {
        let others: Vec<String> =
            ground.owners.others(place, &self.candidate.name).map(str::to_owned).collect();
        for other in others {
            let Some(package) = ground.database.packages.iter_mut().find(|package| package.name == other)
            else {
                continue;
            };
            // A file that it gave up is no longer its own.
            let Some(path) =
                package.files().into_keys().find(|path| ground.tree.place(path).as_deref() == Ok(place))
            else {
                continue;
            };
            match self.against(package) {
                Claim::Ours => package.give_up(&path),
                Claim::Theirs => return Ok(Claim::Theirs),
                Claim::Both => {
                    return Err(UnpackError::Overwrites {
                        package: self.title(),
                        path: place.to_owned(),
                        owner: other,
                    });
                }
            }
        }
        Ok(Claim::Ours)
    }

    fn against(&self, other: &Installed) -> Claim {
        let replaces = |words: &str, name: &str, version: &str| {
            words.split_whitespace().map(relation).any(|relation| {
                relation.name == name && relation.fits(plimsoll_model::version::Scheme::Apk, version)
            })
        };
        let priority = |text: Option<&str>| text.and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
        let theirs =
            replaces(other.field(b'r').unwrap_or_default(), &self.candidate.name, &self.candidate.version)
                .then(|| priority(other.field(b'q')));
        let ours = replaces(&self.apk.words("replaces"), &other.name, &other.version)
            .then(|| priority(self.apk.field("replaces_priority")));
        if theirs > ours {
            return Claim::Theirs;
        }
        let origin = self.apk.field("origin").filter(|origin| !origin.is_empty());
        if ours.is_some() || (origin.is_some() && origin == other.field(b'o')) {
            Claim::Ours
        } else {
            Claim::Both
        }
    }

    /// Where a file goes: in its place, beside it if what lies there was changed in a protected folder, nowhere if the same was
    /// put there already.
    fn destination(
        &self,
        entry: &DataEntry,
        place: String,
        ground: &Ground,
        changes: &mut Changes,
    ) -> Option<String> {
        let recorded = self.recorded.get(&entry.path).and_then(|file| file.digest.as_deref());
        if !ground.protected.protects(parent(&entry.path)) || !ground.is_changed(&place, recorded) {
            return Some(place);
        }
        if !ground.is_changed(&place, self.digest(entry).as_deref()) {
            return None;
        }
        let new = format!("{place}.apk-new");
        changes.kept.push(Kept::Stays { path: format!("/{place}"), new: format!("/{new}") });
        Some(new)
    }

    /// The SHA-1 by which apk knows a file: that of a link's target.
    fn digest(&self, entry: &DataEntry) -> Option<String> {
        match &entry.kind {
            DataKind::Symlink(target) => Some(sha1_of(target.as_bytes())),
            DataKind::Hardlink(target) => {
                self.apk.payload.entries.iter().find(|entry| entry.path == *target)?.digest.clone()
            }
            DataKind::File | DataKind::Directory => entry.digest.clone(),
        }
    }

    /// Takes away what the old version had and the new one has not; what was changed in a protected folder stays.
    fn take_away(&self, ground: &mut Ground, changes: &mut Changes) -> Result<(), UnpackError> {
        // Those below a directory come before it.
        for (path, recorded) in self.recorded.iter().rev() {
            let place = self.place(path, ground)?;
            let others = ground.owners.others(&place, &self.candidate.name).next().is_some();
            if self.places.contains(&place) || others || !goes(&place, &ground.tree) {
                continue;
            }
            let is_protected = ground.protected.protects(parent(path));
            if is_protected && !recorded.is_folder {
                let beside = format!("{place}.apk-new");
                if ground.tree.get(&beside).is_some() {
                    ground.tree.remove(&beside);
                    changes.items.insert(beside, Item::Whiteout);
                }
                if ground.is_changed(&place, recorded.digest.as_deref()) {
                    continue;
                }
            }
            ground.tree.remove(&place);
            changes.items.insert(place, Item::Whiteout);
        }
        Ok(())
    }

    /// What the database says of the new package.
    fn paragraph(&self, identity: &[u8; 20], ground: &Ground) -> String {
        let mut text = format!("C:{}\n", spelled(identity));
        let mut add = |key: &str, value: &str| {
            if !value.is_empty() {
                text.push_str(&format!("{key}:{value}\n"));
            }
        };
        let one = |name: &str| self.apk.field(name).unwrap_or_default();
        add("P", &self.candidate.name);
        add("V", &self.candidate.version);
        add("A", &self.candidate.architecture);
        add("S", &self.candidate.size.to_string());
        for (key, name) in [
            ("I", "size"),
            ("T", "pkgdesc"),
            ("U", "url"),
            ("L", "license"),
            ("o", "origin"),
            ("m", "maintainer"),
            ("t", "builddate"),
            ("c", "commit"),
            ("k", "provider_priority"),
        ] {
            add(key, one(name));
        }
        for (key, name) in [("D", "depend"), ("p", "provides"), ("i", "install_if"), ("r", "replaces")] {
            add(key, &self.apk.words(name));
        }
        add("q", one("replaces_priority"));
        self.push_files(&mut text, ground);
        text
    }

    /// Directories in the order of the package, each with its files.
    fn push_files(&self, text: &mut String, ground: &Ground) {
        let mut order: Vec<&str> = Vec::new();
        let mut folders: BTreeMap<&str, (String, String)> = BTreeMap::new();
        for (index, entry) in self.apk.payload.entries.iter().enumerate() {
            if self.skipped.contains(&index) {
                continue;
            }
            let is_folder = entry.kind == DataKind::Directory;
            let (above, name) = entry.path.rsplit_once('/').unwrap_or(("", &entry.path));
            let folder = if is_folder { entry.path.as_str() } else { above };
            if !folders.contains_key(folder) {
                order.push(folder);
            }
            let (of_folder, files) = folders.entry(folder).or_default();
            let owner = self.owner(index, entry, ground);
            if is_folder {
                *of_folder = if owner == "0:0:755" { String::new() } else { format!("M:{owner}\n") };
                continue;
            }
            files.push_str(&format!("R:{name}\n"));
            if owner != "0:0:644" {
                files.push_str(&format!("a:{owner}\n"));
            }
            let digest = self.digest(entry).and_then(|digest| identity(&format!("X1{digest}")));
            if let Some(digest) = digest {
                files.push_str(&format!("Z:{}\n", spelled(&digest)));
            }
        }
        for folder in order {
            if let Some((owner, files)) = folders.get(folder) {
                text.push_str(&format!("F:{folder}\n{owner}{files}"));
            }
        }
    }
}

#[cfg(test)]
mod tests;
