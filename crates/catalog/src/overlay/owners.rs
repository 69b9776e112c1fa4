//! Which OS package owns the evidence of another package.

use std::collections::{HashMap, HashSet};

use plimsoll_model::inventory::InstalledPackage;
use plimsoll_model::package::Ecosystem;

use super::narrow;

/// Which OS packages own files.
pub(super) struct Owners<'a>(HashMap<&'a str, u32>);

impl<'a> Owners<'a> {
    /// The owners of `wanted` paths; what `owned_files` lists is in the order of `packages`.
    pub(super) fn new(
        packages: &[InstalledPackage],
        owned_files: &'a [Vec<String>],
        wanted: &HashSet<String>,
    ) -> Self {
        let mut owners: HashMap<&str, u32> = HashMap::new();
        for (index, (installed, files)) in packages.iter().zip(owned_files).enumerate() {
            if installed.package.ecosystem.is_os() {
                for file in files.iter().filter(|file| wanted.contains(*file)) {
                    owners.entry(file).or_insert(narrow(index));
                }
            }
        }
        Self(owners)
    }

    /// The index of the package that owns the file at `path`, by either of its names.
    pub(super) fn of(&self, path: &str) -> Option<u32> {
        self.0.get(path).or_else(|| self.0.get(other_name(path)?.as_str())).copied()
    }
}

/// Says of language packages whose evidence an OS package owns, which one that is.
pub(super) fn assign(packages: &mut [InstalledPackage], owned_files: &[Vec<String>]) {
    let mut wanted: HashSet<String> = HashSet::new();
    for installed in packages.iter().filter(|installed| !installed.package.ecosystem.is_os()) {
        for location in &installed.locations {
            wanted.extend(other_name(&location.path));
            wanted.insert(location.path.clone());
        }
    }
    let owners = Owners::new(packages, owned_files, &wanted);
    for installed in packages.iter_mut().filter(|installed| !installed.package.ecosystem.is_os()) {
        let mut of_each = installed.locations.iter().map(|location| owners.of(&location.path));
        let first = of_each.next().flatten();
        // Only if every copy is the distribution's: one that somebody else brought has to be matched.
        installed.owned_by = first.filter(|_| of_each.all(|owner| owner.is_some()));
    }
}

/// `bin/x` where `bin` is a link to `usr/bin`: package managers list either name.
pub(super) fn other_name(path: &str) -> Option<String> {
    let is_moved = |path: &str| {
        path.split_once('/').is_some_and(|(first, _)| matches!(first, "bin" | "sbin" | "lib" | "lib64"))
    };
    match path.strip_prefix("usr/") {
        Some(short) => is_moved(short).then(|| short.to_owned()),
        None => is_moved(path).then(|| format!("usr/{path}")),
    }
}

/// Removes programs that are told by their bytes and that an OS package owns: they are that package. So are files of
/// Windows that any package owns. They come last, so that owners keep their places.
pub(super) fn remove_owned_programs(
    packages: &mut Vec<InstalledPackage>,
    owned_files: &mut Vec<Vec<String>>,
) {
    let brought = brought(packages, owned_files);
    let is_owned = |installed: &InstalledPackage| {
        installed.package.ecosystem == Ecosystem::Generic
            && (installed.owned_by.is_some()
                || installed.locations.iter().all(|location| brought.contains(&location.path)))
    };
    let mut kept = packages.iter().map(|installed| !is_owned(installed)).collect::<Vec<_>>().into_iter();
    owned_files.retain(|_| kept.next().unwrap_or(true));
    packages.retain(|installed| !is_owned(installed));
}

/// The files of Windows that are told by their bytes and that a package owns: a library of .NET, a starter in a wheel.
fn brought(packages: &[InstalledPackage], owned_files: &[Vec<String>]) -> HashSet<String> {
    let is_of_windows = |path: &str| {
        let end = path.rsplit_once('.').map_or("", |(_, end)| end);
        end.eq_ignore_ascii_case("exe") || end.eq_ignore_ascii_case("dll")
    };
    let told = packages.iter().filter(|installed| installed.package.ecosystem == Ecosystem::Generic);
    let paths = told.flat_map(|installed| &installed.locations).map(|location| location.path.as_str());
    let told: HashSet<&str> = paths.filter(|path| is_of_windows(path)).collect();
    if told.is_empty() {
        return HashSet::new();
    }
    owned_files.iter().flatten().filter(|path| told.contains(path.as_str())).cloned().collect()
}
