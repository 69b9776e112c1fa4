//! What is visible of all layers: the regular files, and which path a recorded name leads to.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use plimsoll_model::evidence::{Entry, EntryKind, LayerEvidence};
use plimsoll_model::path::{file_name, parent, resolve};

use crate::overlay::Stack;

/// Links that one path may lead over, as Linux has it.
const LINKS: usize = 40;

/// A regular file that can be seen in the image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visible<'a> {
    pub(super) path: &'a str,
    /// The layer whose entry is seen.
    pub(super) layer: usize,
    pub(super) size: u64,
    pub(super) mode: u16,
}

/// The layers laid on each other.
pub(super) struct Tree<'a> {
    layers: &'a [LayerEvidence],
    /// Each visible path with its layer and entry.
    entries: BTreeMap<&'a str, (usize, &'a Entry)>,
    directories: RefCell<HashMap<String, String>>,
}

impl<'a> Tree<'a> {
    pub(super) fn new(layers: &'a [LayerEvidence]) -> Self {
        let mut stack = Stack::new(layers);
        let mut entries = BTreeMap::new();
        for (index, layer) in layers.iter().enumerate().rev() {
            for entry in &layer.entries {
                let hides = matches!(entry.kind, EntryKind::Whiteout | EntryKind::Opaque);
                if !hides && !entries.contains_key(&*entry.path) && stack.is_visible(index, &entry.path) {
                    entries.insert(&*entry.path, (index, entry));
                }
            }
        }
        Self { layers, entries, directories: RefCell::default() }
    }

    /// The regular files, sorted by path.
    pub(super) fn files(&self) -> impl Iterator<Item = Visible<'a>> {
        self.entries.iter().filter_map(|(path, (layer, entry))| {
            let size = match &entry.kind {
                EntryKind::File => entry.size,
                EntryKind::Hardlink(target) => self.size_of_link(*layer, target),
                _ => return None,
            };
            Some(Visible { path, layer: *layer, size, mode: entry.mode })
        })
    }

    /// The size of the file that a hard link of a layer leads to, perhaps over others.
    fn size_of_link(&self, layer: usize, target: &str) -> u64 {
        let mut target = target;
        for _ in 0..LINKS {
            match self.entry_of(layer, target).map(|entry| (&entry.kind, entry.size)) {
                Some((EntryKind::File, size)) => return size,
                Some((EntryKind::Hardlink(next), _)) => target = next,
                _ => break,
            }
        }
        0
    }

    fn entry_of(&self, layer: usize, path: &str) -> Option<&'a Entry> {
        let entries = &self.layers.get(layer)?.entries;
        let at = entries.partition_point(|entry| *entry.path < *path);
        let same = entries.get(at..)?.iter().take_while(|entry| *entry.path == *path);
        same.last()
    }

    /// Tells whether a layer says anything of a path, and be it that it is gone.
    pub(super) fn has_entry(&self, layer: usize, path: &str) -> bool {
        self.entry_of(layer, path).is_some()
    }

    /// The layer whose entry is seen at a path.
    pub(super) fn layer_of(&self, path: &str) -> Option<usize> {
        self.entries.get(path).map(|(layer, _)| *layer)
    }

    /// The path of the entry that a recorded name means, links among its directories followed.
    pub(super) fn find(&self, name: &str) -> Option<&'a str> {
        if let Some((path, _)) = self.entries.get_key_value(name) {
            return Some(path);
        }
        let directory = self.real_directory(parent(name), LINKS);
        let joined = if directory.is_empty() {
            file_name(name).to_owned()
        } else {
            format!("{directory}/{}", file_name(name))
        };
        self.entries.get_key_value(joined.as_str()).map(|(path, _)| *path)
    }

    /// Where a directory really lies. One that links lead in circles from stays as it is.
    fn real_directory(&self, directory: &str, links: usize) -> String {
        if directory.is_empty() || links == 0 {
            return directory.to_owned();
        }
        if let Some(known) = self.directories.borrow().get(directory) {
            return known.clone();
        }
        let above = self.real_directory(parent(directory), links);
        let name = file_name(directory);
        let joined = if above.is_empty() { name.to_owned() } else { format!("{above}/{name}") };
        let real = match self.entries.get(joined.as_str()).map(|(_, entry)| &entry.kind) {
            Some(EntryKind::Symlink(target)) => match resolve(&joined, target) {
                Some(target) => self.real_directory(&target, links.saturating_sub(1)),
                None => joined,
            },
            _ => joined,
        };
        self.directories.borrow_mut().insert(directory.to_owned(), real.clone());
        real
    }
}
