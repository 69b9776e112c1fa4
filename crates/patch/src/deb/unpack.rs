//! What of an image's files changes when a package takes the place of an older one, as dpkg would do it: files written over
//! and taken away, configuration that was changed kept, the database told. No script is run.
//! <https://wiki.debian.org/Teams/Dpkg/Spec>, dpkg(1), deb-conffiles(5).

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::patch::Kept;

use super::archive::Deb;
use super::settings::Settings;
use super::status::{Conffile, Database, INFO, Installed, STATUS, STATUS_D, paragraph};
use crate::changes::{Changes, Item, UnpackError, goes, may_replace, node, refuse_behind_links};
use crate::owners::Owners;
use crate::package::{DataEntry, DataKind};
use crate::tree::Tree;

/// An image that packages are unpacked over.
pub struct Ground {
    /// Its files; what is unpacked is added.
    pub tree: Tree,
    /// dpkg's database; what is unpacked is added.
    pub database: Database,
    /// Who owns which file.
    pub owners: Owners,
    /// What dpkg is told to do otherwise.
    pub settings: Settings,
    /// The MD5 of what is at a path that configuration may lie at.
    pub digests: BTreeMap<String, String>,
}

/// Unpacks package `number`, which takes the place of `old`.
///
/// # Errors
/// See [`UnpackError`].
pub fn unpack(
    number: usize,
    deb: &Deb,
    old: Option<&Installed>,
    ground: &mut Ground,
    changes: &mut Changes,
) -> Result<(), UnpackError> {
    let field = |name| deb.field(name).unwrap_or_default();
    let new = Installed {
        name: field("Package"),
        version: field("Version"),
        architecture: field("Architecture"),
        text: deb.control.clone(),
        place: String::new(),
    };
    let old_list = old.map(|old| ground.list_of(old));
    let mut unpacking = Unpacking {
        number,
        deb,
        own: info_name(&new, ground.database.is_split),
        new,
        old_name: old_list.clone().unwrap_or_default(),
        places: BTreeMap::new(),
        conffiles: Vec::new(),
    };
    unpacking.files(old, ground, changes)?;
    if let Some(old) = old {
        unpacking.take_away(old, ground, changes)?;
    }
    unpacking.record(old, ground, changes);
    Ok(())
}

impl Ground {
    /// The name of a package among the lists of files.
    fn list_of(&self, installed: &Installed) -> String {
        let names = installed.info_names();
        let known = names.iter().find(|name| self.owners.knows(name));
        known.or(names.first()).cloned().unwrap_or_default()
    }
}

/// The name of the files that tell of a package.
fn info_name(new: &Installed, is_split: bool) -> String {
    let [name, _] = new.info_names();
    if is_split { new.name.clone() } else { name }
}

/// One package being unpacked.
struct Unpacking<'a> {
    number: usize,
    deb: &'a Deb,
    new: Installed,
    /// Its name among the lists of files, and that of the old one.
    own: String,
    old_name: String,
    /// Where its files go, by their paths in the package.
    places: BTreeMap<String, String>,
    conffiles: Vec<Conffile>,
}

impl Unpacking<'_> {
    fn title(&self) -> String {
        format!("{} {}", self.new.name, self.new.version)
    }

    /// Where a file of the package goes: its diversion, behind the image's links.
    fn place(&self, path: &str, ground: &Ground) -> Result<String, UnpackError> {
        let path = ground.settings.diverted(path, &self.new.name);
        let failed = |source| UnpackError::Path { package: self.title(), source };
        ground.tree.place(path).map_err(failed)
    }

    fn files(
        &mut self,
        old: Option<&Installed>,
        ground: &mut Ground,
        changes: &mut Changes,
    ) -> Result<(), UnpackError> {
        let recorded: BTreeMap<String, String> = old
            .map(Installed::conffiles)
            .unwrap_or_default()
            .into_iter()
            .map(|conffile| (conffile.path.trim_start_matches('/').to_owned(), conffile.md5))
            .collect();
        refuse_behind_links(&self.title(), &self.deb.payload.entries)?;
        for (index, entry) in self.deb.payload.entries.iter().enumerate() {
            let place = self.place(&entry.path, ground)?;
            self.places.insert(entry.path.clone(), place.clone());
            if ground.settings.excludes(&entry.path) {
                continue;
            }
            self.may_be(entry, &place, ground)?;
            if entry.kind == DataKind::Directory && ground.tree.is_directory(&place) {
                continue;
            }
            let place = match &entry.digest {
                Some(md5) if entry.is_conffile => {
                    let before = recorded.get(&entry.path).map(String::as_str);
                    let Some(place) = self.conffile(entry, place, (before, md5), ground, changes) else {
                        continue;
                    };
                    place
                }
                _ => place,
            };
            let item = match &entry.kind {
                DataKind::Hardlink(target) => self.link(entry, target, changes)?,
                DataKind::File | DataKind::Directory | DataKind::Symlink(_) => {
                    Item::Unpacked(self.number, index)
                }
            };
            changes.items.insert(place.clone(), item);
            ground.tree.insert(&place, node(entry, &place));
        }
        Ok(())
    }

    /// A hard link to where an earlier file of the package went.
    fn link(&self, entry: &DataEntry, target: &str, changes: &Changes) -> Result<Item, UnpackError> {
        let place = self.places.get(target).filter(|place| changes.items.contains_key(*place));
        let missing = || UnpackError::Link { package: self.title(), path: entry.path.clone() };
        place.cloned().map(Item::Link).ok_or_else(missing)
    }

    /// Tells whether an entry may be where it goes.
    fn may_be(&self, entry: &DataEntry, place: &str, ground: &Ground) -> Result<(), UnpackError> {
        may_replace(&self.title(), entry, place, &ground.tree)?;
        if entry.kind == DataKind::Directory {
            return Ok(());
        }
        // Packages of several architectures may share files, such as documentation.
        let is_shared =
            |owner: &str| owner == self.old_name || owner.split(':').next() == Some(self.new.name.as_str());
        match ground.owners.others(place, &self.own).find(|owner| !is_shared(owner)) {
            Some(owner) => Err(UnpackError::Overwrites {
                package: self.title(),
                path: place.to_owned(),
                owner: owner.to_owned(),
            }),
            None => Ok(()),
        }
    }

    /// Where a configuration file goes: in its place if nobody changed what was there; beside it otherwise; nowhere if the
    /// old version brought the same, or somebody deleted it.
    fn conffile(
        &mut self,
        entry: &DataEntry,
        place: String,
        (before, new): (Option<&str>, &str),
        ground: &Ground,
        changes: &mut Changes,
    ) -> Option<String> {
        let path = format!("/{}", entry.path);
        self.conffiles.push(Conffile { path: path.clone(), md5: new.to_owned(), is_obsolete: false });
        let there = ground.digests.get(&place).map(String::as_str);
        let is_deleted = before.is_some() && ground.tree.get(&place).is_none();
        let is_changed = there.is_some() && there != before && there != Some(new);
        if is_deleted || (is_changed && before == Some(new)) {
            return None;
        }
        if is_changed {
            let beside = format!("{place}.dpkg-dist");
            changes.kept.push(Kept::Stays { path, new: format!("/{beside}") });
            return Some(beside);
        }
        Some(place)
    }

    /// Takes away what the old version had and the new one has not.
    fn take_away(
        &self,
        old: &Installed,
        ground: &mut Ground,
        changes: &mut Changes,
    ) -> Result<(), UnpackError> {
        let stays: BTreeSet<&str> = self.places.values().map(String::as_str).collect();
        let conffiles: BTreeSet<String> =
            old.conffiles().iter().map(|conffile| conffile.path.trim_start_matches('/').to_owned()).collect();
        let paths: Vec<String> = ground.owners.paths(&self.old_name).to_vec();
        // Those below a directory come before it.
        for path in paths.iter().rev().filter(|path| !conffiles.contains(*path)) {
            let place = self.place(path, ground)?;
            if stays.contains(place.as_str()) || ground.owners.others(&place, &self.old_name).next().is_some()
            {
                continue;
            }
            if goes(&place, &ground.tree) {
                ground.tree.remove(&place);
                changes.items.insert(place, Item::Whiteout);
            }
        }
        Ok(())
    }

    /// Tells the database.
    fn record(&mut self, old: Option<&Installed>, ground: &mut Ground, changes: &mut Changes) {
        let known: BTreeSet<String> = self.conffiles.iter().map(|conffile| conffile.path.clone()).collect();
        let left = old.map(Installed::conffiles).unwrap_or_default().into_iter();
        let left = left.filter(|conffile| !known.contains(&conffile.path));
        let left: Vec<Conffile> = left
            .filter(|conffile| ground.tree.get(conffile.path.trim_start_matches('/')).is_some())
            .map(|conffile| Conffile { is_obsolete: true, ..conffile })
            .collect();
        self.conffiles.extend(left);
        let mut put = |path: String, mode: u16, bytes: Vec<u8>| {
            changes.items.insert(path, Item::Bytes(mode, bytes));
        };
        if ground.database.is_split {
            let name = &self.new.name;
            self.new.text.clone_from(&self.deb.control);
            self.new.place = old.map_or_else(|| format!("{STATUS_D}/{name}"), |old| old.place.clone());
            put(self.new.place.clone(), 0o644, self.deb.control.clone().into_bytes());
            put(format!("{}.md5sums", self.new.place), 0o644, self.deb.md5sums());
            ground.database.put(self.new.clone());
            return;
        }
        self.new.text = paragraph(&self.deb.control, &self.conffiles);
        self.new.place = STATUS.to_owned();
        ground.database.put(self.new.clone());
        let mut names: BTreeSet<String> = BTreeSet::new();
        for (name, (mode, bytes)) in self.deb.scripts.iter().filter(|(name, _)| *name != "control") {
            let path = format!("{INFO}/{}.{name}", self.own);
            names.insert(path.clone());
            put(path, *mode, bytes.clone());
        }
        let (sums, path) = (self.deb.md5sums(), format!("{INFO}/{}.md5sums", self.own));
        if !sums.is_empty() && names.insert(path.clone()) {
            put(path, 0o644, sums);
        }
        let list = format!("{INFO}/{}.list", self.own);
        put(list.clone(), 0o644, list_text(&self.deb.payload.entries).into_bytes());
        names.insert(list);
        self.forget(&names, ground, changes);
    }

    /// Hides what `info` has of the old version and not of the new one.
    fn forget(&self, names: &BTreeSet<String>, ground: &Ground, changes: &mut Changes) {
        let of_package = |path: &str| {
            let name = path.strip_prefix(INFO)?.strip_prefix('/')?.strip_prefix(self.old_name.as_str())?;
            let rest = name.strip_prefix('.')?;
            (!rest.contains('.')).then_some(())
        };
        let old: Vec<String> = ground
            .tree
            .below(INFO)
            .map(|(path, _)| path)
            .filter(|path| !self.old_name.is_empty() && of_package(path).is_some() && !names.contains(*path))
            .map(str::to_owned)
            .collect();
        for path in old {
            changes.items.insert(path, Item::Whiteout);
        }
    }
}

/// The list of a package's files as dpkg writes it: all of them, those that were excluded, too.
fn list_text(entries: &[DataEntry]) -> String {
    let mut text = "/.\n".to_owned();
    for entry in entries {
        text.push('/');
        text.push_str(&entry.path);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests;
