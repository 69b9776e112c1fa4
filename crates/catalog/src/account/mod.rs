//! Accounts for every regular file of an image: whose it is, and whether it still is what its package brought.
//!
//! Package managers record paths as they wrote them; where a directory has become a link since (`/bin` to `/usr/bin`), both
//! names mean the same file. Some ecosystems record no files but own folders, see [`owners`].

pub(crate) mod files;
pub mod license_files;
mod owners;
pub(crate) mod recorded;
mod tree;

use std::collections::{HashMap, HashSet};

use plimsoll_model::accounting::{
    AccountedFile, Accounting, FileClass, FileDigests, FileKind, Integrity, RecordedFile,
};
use plimsoll_model::evidence::{Fact, LayerEvidence};

use crate::overlay::Merged;
use owners::Owners;
use tree::{Tree, Visible};

/// Accounts for the files of `layers`, lowest first, that add up to `merged`. The evidence must have been gathered with
/// [`crate::all::ACCOUNTING`], and with the lists of owned files.
#[must_use]
pub fn account(layers: &[LayerEvidence], merged: &Merged) -> Accounting {
    let tree = Tree::new(layers);
    let contents = Contents::new(layers);
    let owners = Owners::new(&tree, merged);
    let records = records(layers, &tree);
    let nothing = files::of_nothing();
    let files = tree.files().map(|file| {
        let content = match contents.at(file.layer, file.path) {
            None if file.size == 0 => Some((FileKind::Other, &nothing)),
            known => known,
        };
        let layer = content.map_or(file.layer, |content| contents.brought_by(file, content, &tree));
        let recorded = records.get(file.path).map(Vec::as_slice).unwrap_or_default();
        let package = owners.of(file.path);
        let kind = content.map_or(FileKind::Other, |(kind, _)| kind);
        AccountedFile {
            path: file.path.to_owned(),
            size: file.size,
            kind,
            class: class(file, kind, package, recorded),
            package,
            integrity: integrity(content.map(|(_, digests)| digests), recorded),
            layer: u32::try_from(layer).unwrap_or(u32::MAX),
            sha256: content.map(|(_, digests)| digests.sha256),
        }
    });
    Accounting { files: files.collect(), missing: owners.missing }
}

fn class(file: Visible<'_>, kind: FileKind, package: Option<u32>, recorded: &[&RecordedFile]) -> FileClass {
    let runs = match kind {
        FileKind::Program | FileKind::Library => true,
        FileKind::Script => file.mode & 0o111 != 0,
        FileKind::Other => false,
    };
    let is_configuration =
        recorded.iter().any(|record| record.is_configuration) || file.path.starts_with("etc/");
    match package {
        Some(_) if is_configuration && !runs => FileClass::Configuration,
        Some(_) => FileClass::Package,
        None if runs => FileClass::Unknown,
        None if is_configuration => FileClass::Configuration,
        None => FileClass::Data,
    }
}

/// Several packages may record the same path, one of which brought it.
fn integrity(digests: Option<&FileDigests>, recorded: &[&RecordedFile]) -> Integrity {
    match digests {
        Some(digests) if recorded.iter().any(|record| record.digest.is_of(digests)) => Integrity::Intact,
        Some(_) if !recorded.is_empty() => Integrity::Changed,
        _ => Integrity::Unrecorded,
    }
}

/// What is recorded of the files that are there, by their paths.
fn records<'a>(layers: &'a [LayerEvidence], tree: &Tree<'a>) -> HashMap<&'a str, Vec<&'a RecordedFile>> {
    let mut records: HashMap<&str, Vec<&RecordedFile>> = HashMap::new();
    let extractors: HashSet<&str> = crate::all::ACCOUNTING.iter().map(|extractor| extractor.name).collect();
    for (index, layer) in layers.iter().enumerate() {
        let of_accounting = layer.facts.iter().filter(|facts| extractors.contains(facts.extractor.as_str()));
        for located in of_accounting.flat_map(|facts| &facts.facts) {
            let Fact::RecordedFiles(files) = &located.fact else { continue };
            // What an upper layer's copy of the database says counts alone.
            if tree.layer_of(&located.path) != Some(index) {
                continue;
            }
            for file in files {
                if let Some(path) = tree.find(&file.path) {
                    records.entry(path).or_default().push(file);
                }
            }
        }
    }
    records
}

/// What the files of each layer are.
struct Contents<'a>(Vec<HashMap<&'a str, (FileKind, &'a FileDigests)>>);

impl<'a> Contents<'a> {
    fn new(layers: &'a [LayerEvidence]) -> Self {
        let of_layer = |layer: &'a LayerEvidence| {
            let own = layer.facts.iter().filter(|facts| facts.extractor == files::FILES.name);
            let files = own.flat_map(|facts| &facts.facts).filter_map(|located| match &located.fact {
                Fact::File(kind, digests) => Some((located.path.as_str(), (*kind, digests))),
                _ => None,
            });
            files.collect()
        };
        Self(layers.iter().map(of_layer).collect())
    }

    fn at(&self, layer: usize, path: &str) -> Option<(FileKind, &'a FileDigests)> {
        self.0.get(layer)?.get(path).copied()
    }

    /// The lowest layer that had this content at this path without a break: an upper layer that copies a file to change its
    /// owner did not bring what is in it.
    fn brought_by(&self, file: Visible<'_>, content: (FileKind, &FileDigests), tree: &Tree<'_>) -> usize {
        let mut brought = file.layer;
        for lower in (0..file.layer).rev() {
            match self.at(lower, file.path) {
                Some(same) if same == content => brought = lower,
                None if !tree.has_entry(lower, file.path) => {}
                _ => break,
            }
        }
        brought
    }
}

#[cfg(test)]
mod tests;
