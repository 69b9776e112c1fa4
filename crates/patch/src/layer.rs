//! The tar of the one layer: what changes, under the directories that the image has, with the dates that the packages give
//! their files. The same changes always give the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};

use tar::{Builder, EntryType, Header};

use crate::accounts::Accounts;
use crate::changes::{Changes, Item};
use crate::package::{Attributes, DataEntry, DataKind, Payload};
use crate::tree::{Tree, above};

/// What a layer is made of.
pub struct Parts<'a> {
    /// What changes.
    pub changes: &'a Changes,
    /// The files of the packages that items speak of.
    pub packages: Vec<&'a Payload>,
    /// The image before.
    pub before: &'a Tree,
    /// The image's accounts.
    pub accounts: &'a Accounts,
    /// The date of what no package dates, in seconds.
    pub now: u64,
}

/// Writes the layer.
///
/// # Errors
/// If a package cannot be read again, or `out` fails.
pub fn write(parts: &Parts<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut layer = Layer { tar: Builder::new(out), folders: BTreeSet::new(), parts };
    let mut wanted: Vec<BTreeMap<usize, &str>> = vec![BTreeMap::new(); parts.packages.len()];
    for (path, item) in &parts.changes.items {
        match item {
            Item::Unpacked(package, entry) => {
                if let Some(wanted) = wanted.get_mut(*package) {
                    wanted.insert(*entry, path);
                }
            }
            Item::Bytes(mode, bytes) => {
                layer.above(path)?;
                let mut header = layer.header(EntryType::Regular, u32::from(*mode));
                header.set_size(bytes.len() as u64);
                layer.tar.append_data(&mut header, path, bytes.as_slice())?;
            }
            Item::Moved(from, bytes) => {
                layer.above(path)?;
                let node = parts.before.get(from);
                let mut header =
                    layer.header(EntryType::Regular, node.map_or(0o644, |node| u32::from(node.mode)));
                header.set_uid(node.map_or(0, |node| u64::from(node.uid)));
                header.set_gid(node.map_or(0, |node| u64::from(node.gid)));
                header.set_size(bytes.len() as u64);
                layer.tar.append_data(&mut header, path, bytes.as_slice())?;
            }
            Item::Whiteout => layer.whiteout(path)?,
            Item::Link(_) => {}
        }
    }
    for (package, wanted) in parts.packages.iter().zip(&wanted) {
        layer.unpack(package, wanted)?;
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
    fn unpack(&mut self, package: &Payload, wanted: &BTreeMap<usize, &str>) -> io::Result<()> {
        if wanted.is_empty() {
            return Ok(());
        }
        package.replay(&mut |index, attributes, content| {
            let (Some(path), Some(entry)) = (wanted.get(&index), package.entries.get(index)) else {
                return Ok(());
            };
            self.above(path)?;
            self.copy(entry, attributes, content, path)
        })
    }

    fn copy(
        &mut self,
        entry: &DataEntry,
        attributes: &Attributes,
        content: &mut dyn Read,
        path: &str,
    ) -> io::Result<()> {
        let mut header = self.header(EntryType::Regular, u32::from(entry.mode));
        header.set_uid(u64::from(self.parts.accounts.user(&attributes.user, attributes.uid)));
        header.set_gid(u64::from(self.parts.accounts.group(&attributes.group, attributes.gid)));
        header.set_mtime(attributes.modified.min(self.parts.now));
        let names: Vec<(String, &[u8])> = attributes
            .extended
            .iter()
            .map(|(name, value)| (format!("SCHILY.xattr.{name}"), value.as_slice()))
            .collect();
        if !names.is_empty() {
            self.tar.append_pax_extensions(names.iter().map(|(name, value)| (name.as_str(), *value)))?;
        }
        match &entry.kind {
            DataKind::Symlink(target) => {
                header.set_entry_type(EntryType::Symlink);
                self.tar.append_link(&mut header, path, target)
            }
            DataKind::Directory => {
                header.set_entry_type(EntryType::Directory);
                self.folders.insert(path.to_owned());
                self.tar.append_data(&mut header, format!("{path}/"), io::empty())
            }
            DataKind::File | DataKind::Hardlink(_) => {
                header.set_size(entry.size);
                self.tar.append_data(&mut header, path, content.take(entry.size))
            }
        }
    }
}
