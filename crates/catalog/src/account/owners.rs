//! Which package a file belongs to.
//!
//! In this order: an OS package that lists it, a package of a language that lists it, a package whose evidence it is (a
//! program with its modules, an archive), the package whose folder it lies in. What two list belongs to the first of the inventory.

use std::collections::HashMap;

use plimsoll_model::inventory::InstalledPackage;
use plimsoll_model::package::Ecosystem;
use plimsoll_model::path::parent;

use super::tree::Tree;
use crate::folders::folders;
use crate::os::owner_keys;
use crate::overlay::Merged;

/// What dpkg keeps of a package (deb-control(5), "Package control files").
const CONTROL_FILES: [&str; 12] = [
    "conffiles",
    "config",
    "list",
    "md5sums",
    "postinst",
    "postrm",
    "preinst",
    "prerm",
    "shlibs",
    "symbols",
    "templates",
    "triggers",
];

/// The owners of files and folders.
pub(super) struct Owners<'a> {
    files: HashMap<&'a str, u32>,
    folders: HashMap<String, u32>,
    /// How many files OS packages list that are not there.
    pub(super) missing: u64,
}

impl<'a> Owners<'a> {
    pub(super) fn new(tree: &Tree<'a>, merged: &Merged) -> Self {
        let mut owners = Self { files: HashMap::new(), folders: HashMap::new(), missing: 0 };
        let packages = &merged.inventory.packages;
        for of_system in [true, false] {
            for (index, (installed, files)) in packages.iter().zip(&merged.owned_files).enumerate() {
                if installed.package.ecosystem.is_os() == of_system {
                    owners.list(tree, number(index), files, of_system);
                }
            }
        }
        for (index, installed) in packages.iter().enumerate() {
            owners.evidence(tree, number(index), installed);
        }
        owners
    }

    fn list(&mut self, tree: &Tree<'a>, package: u32, files: &[String], of_system: bool) {
        for file in files {
            match tree.find(file) {
                Some(path) => drop(self.files.entry(path).or_insert(package)),
                None if of_system => self.missing = self.missing.saturating_add(1),
                None => {}
            }
        }
    }

    /// The evidence of OS packages is their manager's database, which belongs to none of them; but dpkg keeps files of each
    /// beside it.
    fn evidence(&mut self, tree: &Tree<'a>, package: u32, installed: &InstalledPackage) {
        if installed.package.ecosystem == Ecosystem::Deb {
            for key in owner_keys(&installed.package) {
                let kept = CONTROL_FILES.iter().map(|kind| format!("var/lib/dpkg/info/{key}.{kind}"));
                for path in kept.filter_map(|path| tree.find(&path)) {
                    self.files.entry(path).or_insert(package);
                }
            }
        }
        if installed.package.ecosystem.is_os() {
            return;
        }
        for location in &installed.locations {
            if let Some(path) = tree.find(&location.path) {
                self.files.entry(path).or_insert(package);
            }
            for folder in folders(&installed.package, &location.path) {
                self.folders.entry(folder).or_insert(package);
            }
        }
    }

    /// The package that `path` belongs to.
    pub(super) fn of(&self, path: &str) -> Option<u32> {
        if let Some(package) = self.files.get(path) {
            return Some(*package);
        }
        let mut folder = parent(path);
        while !folder.is_empty() {
            if let Some(package) = self.folders.get(folder) {
                return Some(*package);
            }
            folder = parent(folder);
        }
        None
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
