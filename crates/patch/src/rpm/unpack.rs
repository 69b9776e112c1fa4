//! What of an image's files changes when an rpm takes the place of an older one, as rpm would do it: files written over and taken
//! away, configuration that was changed kept or saved, the database told. No script is run.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::digest::Digest;
use plimsoll_model::patch::Kept;

use super::archive::Rpm;
use super::database::Database;
use super::files::FileRecord;
use super::tags::{MISSING_OK, NO_REPLACE};
use crate::accounts::Accounts;
use crate::changes::{Changes, Item, UnpackError, goes, may_replace, node, refuse_behind_links};
use crate::owners::Owners;
use crate::package::{DataEntry, DataKind};
use crate::tree::{NodeKind, Tree};

/// An image that packages are unpacked over.
pub struct Ground {
    /// Its files; what is unpacked is added.
    pub tree: Tree,
    /// rpm's database; what is unpacked is added.
    pub database: Database,
    /// Who owns which file.
    pub owners: Owners,
    /// The image's accounts.
    pub accounts: Accounts,
    /// What lies where packages have configuration, by path.
    pub contents: BTreeMap<String, Vec<u8>>,
    /// The time, in seconds.
    pub now: u32,
}

impl Ground {
    /// Where the files of a package are.
    pub fn paths_of(files: &[FileRecord]) -> impl Iterator<Item = String> {
        files.iter().map(|file| file.path.clone())
    }
}

/// Unpacks package `number`, which takes the place of the one with the key `old`.
///
/// # Errors
/// See [`UnpackError`].
pub fn unpack(
    number: usize,
    rpm: &Rpm,
    old: Option<&str>,
    ground: &mut Ground,
    changes: &mut Changes,
) -> Result<(), UnpackError> {
    let recorded =
        old.and_then(|old| ground.database.get(old)).map(|old| old.files.clone()).unwrap_or_default();
    let mut unpacking = Unpacking {
        number,
        rpm,
        key: format!("{}.{}", rpm.name(), rpm.architecture()),
        old: old.unwrap_or_default().to_owned(),
        recorded: recorded.into_iter().map(|file| (file.path.clone(), file)).collect(),
        places: BTreeSet::new(),
    };
    unpacking.files(ground, changes)?;
    unpacking.take_away(ground, changes)?;
    let header = rpm.installed(ground.now, ground.database.color());
    ground.owners.own(&unpacking.key, Ground::paths_of(&rpm.files), &ground.tree);
    ground.database.replace(old, header, rpm.files.clone());
    Ok(())
}

/// One package being unpacked.
struct Unpacking<'a> {
    number: usize,
    rpm: &'a Rpm,
    /// How it is told from others, and how the old one was.
    key: String,
    old: String,
    /// What the database says of the files of the old one, by path.
    recorded: BTreeMap<String, FileRecord>,
    /// Where the files of the new one lie.
    places: BTreeSet<String>,
}

/// What becomes of a file of configuration.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Fate {
    Written,
    Left,
    Beside,
    Saved(&'static str),
}

impl Unpacking<'_> {
    fn title(&self) -> String {
        format!("{} {}", self.rpm.name(), self.rpm.version())
    }

    fn place(&self, path: &str, ground: &Ground) -> Result<String, UnpackError> {
        let failed = |source| UnpackError::Path { package: self.title(), source };
        ground.tree.place(path).map_err(failed)
    }

    fn files(&mut self, ground: &mut Ground, changes: &mut Changes) -> Result<(), UnpackError> {
        refuse_behind_links(&self.title(), &self.rpm.payload.entries)?;
        for file in self.rpm.files.iter().filter(|file| file.is_ghost()) {
            let place = self.place(&file.path, ground)?;
            self.places.insert(place);
        }
        // Of hard links the last one has the content, and it may come to lie elsewhere.
        let mut wanted: BTreeMap<&str, String> = BTreeMap::new();
        let mut links: Vec<(usize, String)> = Vec::new();
        for (index, entry) in self.rpm.payload.entries.iter().enumerate() {
            let Some(file) = self.rpm.numbers.get(index).and_then(|number| self.rpm.files.get(*number))
            else {
                continue;
            };
            let place = self.place(&entry.path, ground)?;
            self.places.insert(place.clone());
            may_replace(&self.title(), entry, &place, &ground.tree)?;
            self.may_be_ours(entry, file, &place, ground)?;
            if entry.kind == DataKind::Directory && is_as_told(entry, file, &place, ground) {
                continue;
            }
            let Some(place) = self.destination(file, place, ground, changes) else { continue };
            if matches!(entry.kind, DataKind::Hardlink(_)) {
                links.push((index, place.clone()));
            } else {
                wanted.insert(&entry.path, place.clone());
                changes.items.insert(place.clone(), Item::Unpacked(self.number, index));
            }
            ground.tree.insert(&place, node(entry, &place));
        }
        for (index, place) in links {
            let Some(entry) = self.rpm.payload.entries.get(index) else { continue };
            let DataKind::Hardlink(target) = &entry.kind else { continue };
            let missing = || UnpackError::Link { package: self.title(), path: entry.path.clone() };
            let target = wanted.get(target.as_str()).ok_or_else(missing)?;
            changes.items.insert(place, Item::Link(target.clone()));
        }
        Ok(())
    }

    /// A file that another package has, too, must be the same there.
    fn may_be_ours(
        &self,
        entry: &DataEntry,
        file: &FileRecord,
        place: &str,
        ground: &Ground,
    ) -> Result<(), UnpackError> {
        if entry.kind == DataKind::Directory {
            return Ok(());
        }
        let others = ground.owners.others(place, &self.key).filter(|owner| *owner != self.old);
        for owner in others {
            let theirs = ground.database.get(owner).and_then(|package| {
                package
                    .files
                    .iter()
                    .find(|other| !other.is_ghost() && ground.tree.place(&other.path).as_deref() == Ok(place))
            });
            let is_same = theirs.is_none_or(|theirs| {
                theirs.mode == file.mode && theirs.link == file.link && theirs.sha256 == file.sha256
            });
            if !is_same {
                return Err(UnpackError::Overwrites {
                    package: self.title(),
                    path: place.to_owned(),
                    owner: owner.to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Where a file goes, and what becomes of the one that is there.
    fn destination(
        &self,
        file: &FileRecord,
        place: String,
        ground: &mut Ground,
        changes: &mut Changes,
    ) -> Option<String> {
        let path = format!("/{place}");
        match self.fate(file, &place, ground) {
            Fate::Written => Some(place),
            Fate::Left => None,
            Fate::Beside => {
                let beside = format!("{place}.rpmnew");
                changes.kept.push(Kept::Stays { path, new: format!("/{beside}") });
                Some(beside)
            }
            Fate::Saved(ending) => {
                save(&place, ending, ground, changes);
                Some(place)
            }
        }
    }

    /// What becomes of a file, as rpm decides it (`rpmfilesDecideFate`).
    fn fate(&self, file: &FileRecord, place: &str, ground: &Ground) -> Fate {
        let there = ground.tree.get(place).map(|node| &node.kind);
        let old = self.recorded.get(&file.path);
        if there.is_none() {
            // Somebody took it away, and it need not be there.
            let is_missed = file.flags & MISSING_OK == 0 || old.is_none();
            return if is_missed { Fate::Written } else { Fate::Left };
        }
        let was_configuration = old.is_some_and(FileRecord::is_configuration);
        if !file.is_configuration() && !was_configuration {
            return Fate::Written;
        }
        let found = match there {
            Some(NodeKind::Symlink(target)) => Some(target.clone()),
            Some(NodeKind::File) => ground.contents.get(place).map(|bytes| Digest::of(bytes).hex()),
            _ => return Fate::Written,
        };
        let known =
            |file: &FileRecord| if file.is_link() { Some(file.link.clone()) } else { file.sha256.clone() };
        let (new, old) = (known(file), old.map(known));
        if found.is_some() && (found == new || Some(&found) == old.as_ref()) {
            return Fate::Written;
        }
        match old {
            None => Fate::Saved("rpmorig"),
            Some(_) if !file.is_configuration() => Fate::Saved("rpmsave"),
            Some(old) if old.is_some() && old == new => Fate::Left,
            Some(_) if file.flags & NO_REPLACE != 0 => Fate::Beside,
            Some(_) => Fate::Saved("rpmsave"),
        }
    }

    /// Takes away what the old version had and the new one has not; configuration that was changed is saved.
    fn take_away(&self, ground: &mut Ground, changes: &mut Changes) -> Result<(), UnpackError> {
        // Those below a directory come before it.
        for (path, file) in self.recorded.iter().rev() {
            let place = self.place(path, ground)?;
            let is_shared = ground.owners.others(&place, &self.old).any(|owner| owner != self.key);
            if self.places.contains(&place) || is_shared || !goes(&place, &ground.tree) {
                continue;
            }
            let found = ground.contents.get(&place).map(|bytes| Digest::of(bytes).hex());
            let is_changed = found.is_some() && found != file.sha256;
            if file.is_configuration() && file.is_file() && is_changed {
                save(&place, "rpmsave", ground, changes);
            }
            ground.tree.remove(&place);
            changes.items.insert(place, Item::Whiteout);
        }
        Ok(())
    }
}

/// Puts what lies at `place` beside it.
fn save(place: &str, ending: &str, ground: &mut Ground, changes: &mut Changes) {
    let Some(bytes) = ground.contents.get(place).cloned() else { return };
    let beside = format!("{place}.{ending}");
    changes.kept.push(Kept::Saved { path: format!("/{place}"), old: format!("/{beside}") });
    if let Some(node) = ground.tree.get(place).cloned() {
        ground.tree.insert(&beside, node);
    }
    changes.items.insert(beside, Item::Moved(place.to_owned(), bytes));
}

/// Whether the image has a directory as the package has it; where a link leads to one, it stays.
fn is_as_told(entry: &DataEntry, file: &FileRecord, place: &str, ground: &Ground) -> bool {
    match ground.tree.get(place) {
        Some(node) if node.kind == NodeKind::Directory => {
            let owner = (ground.accounts.user(&file.user, 0), ground.accounts.group(&file.group, 0));
            node.mode == entry.mode && (node.uid, node.gid) == owner
        }
        Some(_) => true,
        None => false,
    }
}

/// The names of capabilities, by their numbers. <https://man7.org/linux/man-pages/man7/capabilities.7.html>.
const CAPABILITIES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

/// The extended attribute for capabilities in their text form, `cap_net_raw=ep`; none for none.
///
/// # Errors
/// If they have a form that is not read.
pub(crate) fn capabilities(text: &str) -> Result<Option<Vec<u8>>, &'static str> {
    const UNREAD: &str = "has capabilities of a form that is not read";
    let text = text.trim().trim_start_matches('=').trim();
    if text.is_empty() {
        return Ok(None);
    }
    let (mut permitted, mut inheritable, mut effective) = (0_u64, 0_u64, 0_u32);
    for clause in text.split_whitespace() {
        let (names, flags) = clause.split_once(['=', '+']).ok_or(UNREAD)?;
        if flags.chars().any(|flag| !"epi".contains(flag)) {
            return Err(UNREAD);
        }
        for name in names.split(',') {
            let name = name.strip_prefix("cap_").ok_or(UNREAD)?;
            let number = CAPABILITIES.iter().position(|known| *known == name).ok_or(UNREAD)?;
            let bit = 1_u64 << number;
            permitted |= if flags.contains('p') { bit } else { 0 };
            inheritable |= if flags.contains('i') { bit } else { 0 };
        }
        effective |= u32::from(flags.contains('e'));
    }
    let low = |bits: u64| u32::try_from(bits & 0xffff_ffff).unwrap_or_default();
    let words = [
        0x0200_0000 | effective,
        low(permitted),
        low(inheritable),
        low(permitted >> 32),
        low(inheritable >> 32),
    ];
    Ok(Some(words.into_iter().flat_map(u32::to_le_bytes).collect()))
}

#[cfg(test)]
mod tests;
