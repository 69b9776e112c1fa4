//! Layers laid on each other: which evidence is still visible, which layer brought it, and what it adds up to.
//!
//! Everything is merged by path. A fact lives as long as the path that shows it is visible: until an upper layer
//! has a whiteout, an opaque directory, another entry in its place, or something that is no directory above it. So no
//! ecosystem needs rules of its own.

mod content;
mod depends;
mod owners;
mod same;

use std::collections::{BTreeMap, HashMap, HashSet};

use plimsoll_model::code::LocatedCode;
use plimsoll_model::distribution::Distribution;
use plimsoll_model::evidence::{Entry, EntryKind, Fact, LayerEvidence, Located};
use plimsoll_model::extractor::gap_path;
use plimsoll_model::gap::Gap;
use plimsoll_model::inventory::{
    Dependency, DeprecatedPackage, FoundSecret, InstalledPackage, Inventory, Location, Origin,
};
use plimsoll_model::license;
use plimsoll_model::package::{Deprecation, Ecosystem, Package};
use plimsoll_model::path::{file_name, parent};
use plimsoll_model::repository::Repository;

use crate::folders::folders;

/// What an image's layers add up to.
#[derive(Clone, Debug, Default)]
pub struct Merged {
    /// The inventory.
    pub inventory: Inventory,
    /// The files that each package owns, in the order of [`Inventory::packages`].
    pub owned_files: Vec<Vec<String>>,
    /// Which of its packages need which, sorted.
    pub dependencies: Vec<Dependency>,
    /// The code of its programs and archives, sorted by place.
    pub code: Vec<LocatedCode>,
}

/// Merges `layers`, lowest first, whose origins are `origins`.
#[must_use]
pub fn merge(layers: &[LayerEvidence], origins: &[Origin]) -> Merged {
    let mut stack = Stack::new(layers);
    let mut found = Found::default();
    for index in (0..layers.len()).rev() {
        found.take_layer(&mut stack, index);
    }
    found.finish(layers, &mut stack, origins)
}

/// The layers, with answers about visibility remembered.
pub(crate) struct Stack<'a> {
    layers: &'a [LayerEvidence],
    /// For each layer, the topmost layer above it matters only through this: directory → topmost layer hiding it.
    hidden_directories: HashMap<String, Option<usize>>,
    /// Bytes of names that may still be remembered there.
    room: usize,
}

/// Bytes of directories' names for which answers are remembered: those of a million usual ones.
const REMEMBERED: usize = 32 << 20;

impl<'a> Stack<'a> {
    pub(crate) fn new(layers: &'a [LayerEvidence]) -> Self {
        Self { layers, hidden_directories: HashMap::new(), room: REMEMBERED }
    }

    /// Tells whether the file at `path` of layer `index` can be seen in the image.
    pub(crate) fn is_visible(&mut self, index: usize, path: &str) -> bool {
        let own = (index + 1..self.layers.len())
            .any(|upper| self.entries_at(upper, path).iter().any(|entry| entry.kind != EntryKind::Opaque));
        !own && self.hidden_below(parent(path)).is_none_or(|hiding| hiding <= index)
    }

    /// The topmost layer that hides what lower layers have below `directory`.
    fn hidden_below(&mut self, directory: &str) -> Option<usize> {
        let mut unknown = Vec::new();
        let mut directory = directory;
        let mut hidden = loop {
            if let Some(known) = self.hidden_directories.get(directory) {
                break *known;
            }
            unknown.push(directory);
            if directory.is_empty() {
                break None;
            }
            directory = parent(directory);
        };
        for directory in unknown.into_iter().rev() {
            hidden = hidden.max(self.topmost_not_directory(directory));
            if let Some(room) = self.room.checked_sub(directory.len()) {
                self.room = room;
                self.hidden_directories.insert(directory.to_owned(), hidden);
            }
        }
        hidden
    }

    fn topmost_not_directory(&self, path: &str) -> Option<usize> {
        (0..self.layers.len()).rev().find(|layer| {
            self.entries_at(*layer, path).iter().any(|entry| entry.kind != EntryKind::Directory)
        })
    }

    fn entries_at(&self, layer: usize, path: &str) -> &'a [Entry] {
        let Some(layer) = self.layers.get(layer) else { return &[] };
        let start = layer.entries.partition_point(|entry| *entry.path < *path);
        let rest = layer.entries.get(start..).unwrap_or_default();
        let len = rest.iter().take_while(|entry| *entry.path == *path).count();
        rest.get(..len).unwrap_or_default()
    }

    /// The lowest layer that brought `located` and kept it up to layer `index`: an upper layer that rewrites a
    /// package database, or copies a file up to change its owner, did not bring the packages in it.
    fn brought_by(&mut self, index: usize, extractor: &str, located: &Located) -> usize {
        let lowest = self.hidden_below(parent(&located.path)).unwrap_or(0).min(index);
        let mut brought = index;
        for lower in (lowest..index).rev() {
            if self.has_fact(lower, extractor, located) {
                brought = lower;
            } else if !self.entries_at(lower, &located.path).is_empty() {
                break;
            }
        }
        brought
    }

    /// The package whose documentation, with its copyright file, is that of a deb too: its folder is a link to the other's
    /// (Debian Policy, 12.5).
    fn documented_with(&self, package: &Package) -> Option<String> {
        if package.ecosystem != Ecosystem::Deb {
            return None;
        }
        let folder = format!("usr/share/doc/{}", package.name);
        let entry = (0..self.layers.len()).rev().find_map(|layer| self.entries_at(layer, &folder).last())?;
        match &entry.kind {
            EntryKind::Symlink(target) => Some(file_name(target.trim_end_matches('/')).to_owned()),
            _ => None,
        }
    }

    fn has_fact(&self, layer: usize, extractor: &str, located: &Located) -> bool {
        self.layers
            .get(layer)
            .and_then(|layer| layer.facts.iter().find(|facts| facts.extractor == extractor))
            .is_some_and(|facts| facts.facts.binary_search(located).is_ok())
    }
}

/// What was found so far, from the top layer down.
#[derive(Default)]
struct Found {
    distribution: Option<(usize, Distribution)>,
    packages: BTreeMap<Package, Vec<(Location, u32)>>,
    declared: Vec<(Package, Location, u32)>,
    owned: HashMap<(Ecosystem, String), Vec<String>>,
    licenses: HashMap<String, Vec<String>>,
    license_texts: Vec<(String, Vec<String>)>,
    deprecated: HashMap<(Ecosystem, String, String), Deprecation>,
    secrets: Vec<FoundSecret>,
    repositories: Vec<Repository>,
    code: Vec<LocatedCode>,
    told: content::Told,
    needs: Vec<depends::Found>,
    gaps: Vec<Gap>,
}

impl Found {
    fn take_layer(&mut self, stack: &mut Stack<'_>, index: usize) {
        let Some(layer) = stack.layers.get(index) else { return };
        self.gaps.extend(layer.gaps.iter().cloned());
        for extracted in &layer.facts {
            for located in &extracted.facts {
                let visible = stack.is_visible(index, &located.path);
                self.take(stack, index, &extracted.extractor, located, visible);
            }
            let visible = extracted.gaps.iter().filter(|gap| stack.is_visible(index, gap_path(gap)));
            self.gaps.extend(visible.cloned());
        }
    }

    fn take(
        &mut self,
        stack: &mut Stack<'_>,
        index: usize,
        extractor: &str,
        located: &Located,
        visible: bool,
    ) {
        let location =
            || Location { path: located.path.clone(), inside: located.inside.clone(), layer: narrow(index) };
        match &located.fact {
            Fact::Secret(hit) => {
                self.secrets.push(FoundSecret { hit: hit.clone(), location: location(), shadowed: !visible });
            }
            _ if !visible => {}
            Fact::Package(package) => {
                let brought = narrow(stack.brought_by(index, extractor, located));
                self.packages.entry(package.clone()).or_default().push((location(), brought));
            }
            Fact::DeclaredPackage(package) => {
                let brought = narrow(stack.brought_by(index, extractor, located));
                self.declared.push((package.clone(), location(), brought));
            }
            Fact::OwnedFiles { ecosystem, owner, files } => {
                self.owned.entry((*ecosystem, owner.clone())).or_default().extend(files.iter().cloned());
            }
            Fact::PackageLicense { owner, licenses } => {
                self.licenses.insert(owner.clone(), licenses.clone());
            }
            Fact::Repository(repository) => self.repositories.push(repository.clone()),
            Fact::LicenseText(licenses) => self.license_texts.push((located.path.clone(), licenses.clone())),
            Fact::Deprecated { ecosystem, name, version, deprecation } => {
                let key = (*ecosystem, name.clone(), version.clone());
                self.deprecated.entry(key).or_insert_with(|| deprecation.clone());
            }
            Fact::Account(account) => self.told.accounts.push(account.clone()),
            Fact::Password { name, password } => {
                self.told.passwords.entry(name.clone()).or_insert(*password);
            }
            Fact::Program => {
                self.told.programs.insert(located.path.clone());
            }
            Fact::File(..) | Fact::RecordedFiles(_) | Fact::LicenseFile(_) => {}
            Fact::Code(code) => self.code.push(LocatedCode { location: location(), code: code.clone() }),
            Fact::Needs(needs) => {
                let Location { path, inside, .. } = location();
                self.needs.push(depends::Found { path, inside, needs: needs.clone() });
            }
            Fact::Distribution(fact) => self.take_distribution(&located.path, &fact.0),
        }
    }

    /// `etc/os-release` decides over `usr/lib/os-release` and the rest.
    fn take_distribution(&mut self, path: &str, distribution: &Distribution) {
        let rank = match path {
            "etc/os-release" => 0,
            "usr/lib/os-release" => 1,
            _ => 2,
        };
        if self.distribution.as_ref().is_none_or(|(known, _)| rank < *known) {
            self.distribution = Some((rank, distribution.clone()));
        }
    }

    /// Takes over what lock files declare, where nothing of the ecosystem is installed below them.
    fn resolve_declared(&mut self) {
        let mut installed: HashSet<(Ecosystem, String)> = HashSet::new();
        for (package, places) in &self.packages {
            for (location, _) in places {
                let mut directory = parent(&location.path);
                while installed.insert((package.ecosystem, directory.to_owned())) && !directory.is_empty() {
                    directory = parent(directory);
                }
            }
        }
        for (package, location, brought) in std::mem::take(&mut self.declared) {
            if !installed.contains(&(package.ecosystem, parent(&location.path).to_owned())) {
                self.packages.entry(package).or_default().push((location, brought));
            }
        }
    }

    fn finish(mut self, layers: &[LayerEvidence], stack: &mut Stack<'_>, origins: &[Origin]) -> Merged {
        self.resolve_declared();
        let mut owned = std::mem::take(&mut self.owned);
        let texts = LicenseTexts::new(std::mem::take(&mut self.license_texts));
        let found = same::joined(std::mem::take(&mut self.packages));
        let mut packages = Vec::with_capacity(found.len());
        let mut owned_files = Vec::with_capacity(found.len());
        for (mut package, mut places) in found {
            places.sort();
            places.dedup();
            let keys = crate::os::owner_keys(&package);
            let mut files = keys
                .iter()
                .find_map(|key| owned.remove(&(package.ecosystem, key.clone())))
                .unwrap_or_default();
            files.sort();
            files.dedup();
            if package.licenses.is_empty() {
                let of_other = stack.documented_with(&package);
                let mut keys = keys.iter().chain(&of_other);
                package.licenses = keys.find_map(|key| self.licenses.get(key).cloned()).unwrap_or_default();
            }
            if package.licenses.is_empty() && !package.ecosystem.is_os() {
                package.licenses = texts.of(&package, &places);
            }
            package.licenses = in_expressions(package.licenses);
            let layer = places.iter().map(|(_, brought)| *brought).min().unwrap_or(0);
            packages.push(InstalledPackage {
                package,
                locations: places.into_iter().map(|(location, _)| location).collect(),
                layer,
                origin: origins.get(layer as usize).copied().unwrap_or_default(),
                owned_by: None,
                file_count: narrow(files.len()),
            });
            owned_files.push(files);
        }
        owners::assign(&mut packages, &owned_files);
        owners::remove_owned_programs(&mut packages, &mut owned_files);
        let deprecated = self.deprecated(&packages);
        let told = std::mem::take(&mut self.told);
        let content = content::content(layers, stack, told, &packages, &owned_files);
        let (dependencies, gap) = depends::resolve(&packages, &owned_files, &self.needs);
        self.gaps.extend(gap);
        self.secrets.sort_by(|a, b| (&a.location, &a.hit).cmp(&(&b.location, &b.hit)));
        self.gaps.sort();
        self.gaps.dedup();
        let distribution = self.distribution.map(|(_, distribution)| distribution);
        self.repositories.sort();
        self.repositories.dedup();
        self.code.sort_by(|a, b| (&a.location, &a.code).cmp(&(&b.location, &b.code)));
        let inventory = Inventory {
            distribution,
            packages,
            secrets: self.secrets,
            repositories: self.repositories,
            content,
            deprecated,
            gaps: self.gaps,
        };
        Merged { inventory, owned_files, dependencies, code: self.code }
    }
}

impl Found {
    /// Those of `packages` that their makers gave up.
    fn deprecated(&self, packages: &[InstalledPackage]) -> Vec<DeprecatedPackage> {
        if self.deprecated.is_empty() {
            return Vec::new();
        }
        let of_each = packages.iter().enumerate().filter_map(|(index, InstalledPackage { package, .. })| {
            let key = (package.ecosystem, package.name.clone(), package.version.clone());
            let deprecation = self.deprecated.get(&key)?.clone();
            Some(DeprecatedPackage { package: narrow(index), deprecation })
        });
        of_each.collect()
    }
}

/// Licences in SPDX's words where these are certain, each once.
fn in_expressions(declared: Vec<String>) -> Vec<String> {
    let mut licenses: Vec<String> = Vec::with_capacity(declared.len());
    for license in declared {
        let license = license::expression(&license).unwrap_or(license);
        if !licenses.contains(&license) {
            licenses.push(license);
        }
    }
    licenses
}

/// The licences whose texts lie in a folder, or in a folder for them below it.
struct LicenseTexts(HashMap<String, Vec<String>>);

impl LicenseTexts {
    fn new(texts: Vec<(String, Vec<String>)>) -> Self {
        let mut by_folder: HashMap<String, Vec<String>> = HashMap::new();
        for (path, licenses) in texts {
            let folder = parent(&path);
            let folder =
                if matches!(file_name(folder), "licenses" | "LICENSES") { parent(folder) } else { folder };
            by_folder.entry(folder.to_owned()).or_default().extend(licenses);
        }
        Self(by_folder)
    }

    /// What lies in the folders of a package found at `places`.
    fn of(&self, package: &Package, places: &[(Location, u32)]) -> Vec<String> {
        let folders = places.iter().flat_map(|(place, _)| folders(package, &place.path));
        let mut licenses: Vec<String> =
            folders.filter_map(|folder| self.0.get(&folder)).flatten().cloned().collect();
        licenses.sort();
        licenses.dedup();
        licenses
    }
}

fn narrow(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
