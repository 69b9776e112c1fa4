//! The tar of the one layer: what changes, under the directories that the image has, with the dates that the packages give
//! their files. The same changes always give the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};

use tar::{Builder, EntryType, Header};

use plimsoll_model::path::{Normalized, normalize};

use crate::deb::Deb;
use crate::settings::Settings;
use crate::tree::{Tree, above};
use crate::unpack::{Changes, Item};

/// What a layer is made of.
pub struct Parts<'a> {
    /// What changes.
    pub changes: &'a Changes,
    /// The packages that items speak of.
    pub debs: &'a [Deb],
    /// The image before.
    pub before: &'a Tree,
    /// The image's accounts.
    pub settings: &'a Settings,
    /// The date of what no package dates, in seconds.
    pub now: u64,
}

/// Writes the layer.
///
/// # Errors
/// If a package cannot be read again, or `out` fails.
pub fn write(parts: &Parts<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut layer = Layer { tar: Builder::new(out), folders: BTreeSet::new(), parts };
    let mut wanted: Vec<BTreeMap<usize, &str>> = vec![BTreeMap::new(); parts.debs.len()];
    for (path, item) in &parts.changes.items {
        match item {
            Item::Unpacked(deb, entry) => {
                if let Some(wanted) = wanted.get_mut(*deb) {
                    wanted.insert(*entry, path);
                }
            }
            Item::Bytes(mode, bytes) => {
                layer.above(path)?;
                let mut header = layer.header(EntryType::Regular, u32::from(*mode));
                header.set_size(bytes.len() as u64);
                layer.tar.append_data(&mut header, path, bytes.as_slice())?;
            }
            Item::Whiteout => layer.whiteout(path)?,
            Item::Link(_) => {}
        }
    }
    for (deb, wanted) in parts.debs.iter().zip(&wanted) {
        layer.unpack(deb, wanted)?;
    }
    for (path, item) in &parts.changes.items {
        if let Item::Link(target) = item {
            layer.above(path)?;
            let mut header = layer.header(EntryType::Link, 0o644);
            layer.tar.append_link(&mut header, path, target)?;
        }
    }
    layer.tar.finish()
}

struct Layer<'a> {
    tar: Builder<&'a mut dyn Write>,
    folders: BTreeSet<String>,
    parts: &'a Parts<'a>,
}

impl Layer<'_> {
    fn header(&self, kind: EntryType, mode: u32) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(0);
        header.set_mtime(self.parts.now);
        header
    }

    /// Writes the directories above `path` as the image has them: where a layer has none, runtimes make their own.
    fn above(&mut self, path: &str) -> io::Result<()> {
        for folder in above(path) {
            // One that a package brings comes with the package.
            let is_new = matches!(self.parts.changes.items.get(folder), Some(Item::Unpacked(..)));
            if is_new || !self.folders.insert(folder.to_owned()) {
                continue;
            }
            let (mode, uid, gid) =
                self.parts.before.get(folder).map_or((0o755, 0, 0), |n| (n.mode, n.uid, n.gid));
            let mut header = self.header(EntryType::Directory, u32::from(mode));
            header.set_uid(u64::from(uid));
            header.set_gid(u64::from(gid));
            self.tar.append_data(&mut header, format!("{folder}/"), io::empty())?;
        }
        Ok(())
    }

    fn whiteout(&mut self, path: &str) -> io::Result<()> {
        // What lies below something hidden is hidden.
        if above(path).iter().any(|folder| self.parts.changes.items.get(*folder) == Some(&Item::Whiteout)) {
            return Ok(());
        }
        self.above(path)?;
        let hidden = match path.rsplit_once('/') {
            Some((folder, name)) => format!("{folder}/.wh.{name}"),
            None => format!(".wh.{path}"),
        };
        let mut header = self.header(EntryType::Regular, 0o644);
        self.tar.append_data(&mut header, hidden, io::empty())
    }

    /// Copies the entries of a package that go somewhere.
    fn unpack(&mut self, deb: &Deb, wanted: &BTreeMap<usize, &str>) -> io::Result<()> {
        if wanted.is_empty() {
            return Ok(());
        }
        let changed = || io::Error::other("the package reads otherwise the second time");
        let mut archive = tar::Archive::new(deb.data()?);
        let mut index = 0_usize;
        for entry in archive.entries()? {
            let entry = entry?;
            let Normalized::Path(name) = normalize(&String::from_utf8_lossy(&entry.path_bytes())) else {
                continue;
            };
            let read = deb.entries.get(index).ok_or_else(changed)?;
            if read.path != name {
                return Err(changed());
            }
            if let Some(path) = wanted.get(&index) {
                self.above(path)?;
                self.copy(entry, path)?;
            }
            index = index.saturating_add(1);
        }
        if index == deb.entries.len() { Ok(()) } else { Err(changed()) }
    }

    fn copy(&mut self, entry: tar::Entry<'_, impl Read>, path: &str) -> io::Result<()> {
        let old = entry.header();
        let kind = if old.entry_type().is_file() { EntryType::Regular } else { old.entry_type() };
        let mut header = self.header(kind, old.mode()? & 0o7777);
        let number = |value: io::Result<u64>| u32::try_from(value.unwrap_or(0)).unwrap_or(0);
        let name = |value: Option<&[u8]>| value.map(String::from_utf8_lossy).unwrap_or_default().into_owned();
        let user = name(old.username_bytes());
        let group = name(old.groupname_bytes());
        header.set_uid(u64::from(self.parts.settings.user(&user, number(old.uid()))));
        header.set_gid(u64::from(self.parts.settings.group(&group, number(old.gid()))));
        header.set_mtime(old.mtime().unwrap_or(self.parts.now).min(self.parts.now));
        match kind {
            EntryType::Symlink => {
                let target = entry.link_name_bytes().unwrap_or_default().into_owned();
                let target = String::from_utf8_lossy(&target).into_owned();
                self.tar.append_link(&mut header, path, target)
            }
            EntryType::Directory => {
                self.folders.insert(path.to_owned());
                self.tar.append_data(&mut header, format!("{path}/"), io::empty())
            }
            _ => {
                let size = entry.size();
                header.set_size(size);
                self.tar.append_data(&mut header, path, entry.take(size))
            }
        }
    }
}
