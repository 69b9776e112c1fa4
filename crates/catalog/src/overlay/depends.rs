//! Which package needs which: the names that package managers recorded, held against what is there. Whatever fulfills a
//! need counts, each alternative and each package that stands for a name; what nothing fulfills is no relation.

use std::cmp::Ordering;
use std::collections::HashMap;

use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_model::inventory::{Dependency, InstalledPackage};
use plimsoll_model::needs::{Needs, Reach};
use plimsoll_model::package::{Ecosystem, Package};
use plimsoll_model::path::{file_name, parent};

use super::narrow;
use super::owners::other_name;
use super::same::normal_name;

/// A need and where it was found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// The path in the image.
    pub(super) path: String,
    /// The place inside of that file.
    pub(super) inside: Option<String>,
    /// The need.
    pub(super) needs: Needs,
}

/// The most packages that are held against needs: hostile ones may all stand for all names.
const LOOKS: u32 = 4_000_000;

/// The relations between `packages` that `found` tells, sorted; and a gap if there were too many.
pub(super) fn resolve(
    packages: &[InstalledPackage],
    owned_files: &[Vec<String>],
    found: &[Found],
) -> (Vec<Dependency>, Option<Gap>) {
    if found.is_empty() {
        return (Vec::new(), None);
    }
    let mut resolving = Resolving::new(packages, found);
    resolving.take_files(owned_files, found);
    let mut dependencies = Vec::new();
    let whole = found.iter().try_for_each(|found| resolving.take(found, &mut dependencies));
    let gap = whole.is_none().then(|| {
        let reason = format!("packages need so much that only {LOOKS} possible relations were looked at");
        Gap::new(GapKind::LimitReached, "dependencies", reason)
    });
    dependencies.sort_unstable();
    dependencies.dedup();
    (dependencies, gap)
}

/// The packages, by what they can be needed as.
struct Resolving<'a> {
    packages: &'a [InstalledPackage],
    by_name: HashMap<(Ecosystem, String), Vec<u32>>,
    /// Packages of npm by their folder; with the file before it for those that a lock file places.
    nested: HashMap<(&'a str, &'a str), u32>,
    looks: u32,
}

impl<'a> Resolving<'a> {
    fn new(packages: &'a [InstalledPackage], found: &[Found]) -> Self {
        let mut by_name: HashMap<(Ecosystem, String), Vec<u32>> = HashMap::with_capacity(packages.len());
        let mut nested = HashMap::new();
        for (index, installed) in (0_u32..).zip(packages) {
            let package = &installed.package;
            by_name.entry((package.ecosystem, normal_name(package))).or_default().push(index);
            if package.ecosystem == Ecosystem::Npm {
                let places = installed.locations.iter().map(|place| match &place.inside {
                    Some(inside) => (place.path.as_str(), inside.as_str()),
                    None => ("", parent(&place.path)),
                });
                nested.extend(places.map(|place| (place, index)));
            }
        }
        let mut resolving = Self { packages, by_name, nested, looks: LOOKS };
        for found in found.iter().filter(|found| found.needs.provides().next().is_some()) {
            let Some(Some(own)) = resolving.own(found) else { continue };
            for name in found.needs.provides() {
                let key = (found.needs.ecosystem, normal(found.needs.ecosystem, name));
                resolving.by_name.entry(key).or_default().push(own);
            }
        }
        resolving
    }

    /// Packages of rpm need files as well, whoever brings them.
    fn take_files(&mut self, owned_files: &[Vec<String>], found: &[Found]) {
        let is_rpm = |found: &&Found| found.needs.ecosystem == Ecosystem::Rpm;
        let names = found.iter().filter(is_rpm).flat_map(|found| found.needs.needs().flatten());
        let mut paths: Vec<&str> = names.filter_map(|name| name.strip_prefix('/')).collect();
        paths.sort_unstable();
        paths.dedup();
        let mut wanted: HashMap<String, Vec<&str>> = HashMap::new();
        for path in paths {
            let other = other_name(path).into_iter().chain([path.to_owned()]);
            other.for_each(|name| wanted.entry(name).or_default().push(path));
        }
        if wanted.is_empty() {
            return;
        }
        for (index, (installed, files)) in (0_u32..).zip(self.packages.iter().zip(owned_files)) {
            if installed.package.ecosystem == Ecosystem::Rpm {
                for path in files.iter().filter_map(|file| wanted.get(file)).flatten() {
                    self.by_name.entry((Ecosystem::Rpm, format!("/{path}"))).or_default().push(index);
                }
            }
        }
    }

    /// Adds what one package needs; `None` if too much was looked at.
    fn take(&mut self, found: &Found, into: &mut Vec<Dependency>) -> Option<()> {
        let Some(from) = self.own(found)? else { return Some(()) };
        for name in found.needs.needs().flatten() {
            let all = match found.needs.reach {
                Reach::Nested => self.nested(found, name)?,
                Reach::System | Reach::File | Reach::Folder => self.named(found, name)?,
            };
            into.extend(all.into_iter().filter(|to| *to != from).map(|to| Dependency { from, to }));
        }
        Some(())
    }

    /// The package that a need is of, if it counts.
    fn own(&mut self, found: &Found) -> Option<Option<u32>> {
        let Needs { ecosystem, name, version, architecture, .. } = &found.needs;
        let Some(all) = self.by_name.get(&(*ecosystem, normal(*ecosystem, name))) else { return Some(None) };
        let mut looks = self.looks;
        let is_own = |installed: &InstalledPackage| {
            let is_named = installed.package.version == *version
                && (architecture.is_none() || installed.package.architecture == *architecture);
            let mut places = installed.locations.iter();
            looks = looks.saturating_sub(narrow(installed.locations.len()));
            is_named && places.any(|place| place.path == found.path && place.inside == found.inside)
        };
        let own = position(self.packages, all, is_own);
        self.looks = looks.checked_sub(1)?;
        Some(own)
    }

    /// What fulfills a need by its name, where the package reaches it.
    fn named(&mut self, found: &Found, need: &str) -> Option<Vec<u32>> {
        let (name, version) = need.split_once(' ').map_or((need, None), |(name, wish)| (name, Some(wish)));
        let ecosystem = found.needs.ecosystem;
        let Some(all) = self.by_name.get(&(ecosystem, normal(ecosystem, name))) else {
            return Some(Vec::new());
        };
        let all: Vec<(u32, &InstalledPackage)> =
            all.iter().filter_map(|index| Some((*index, self.packages.get(*index as usize)?))).collect();
        let places: usize = all.iter().map(|(_, installed)| installed.locations.len().max(1)).sum();
        self.looks = self.looks.checked_sub(narrow(places))?;
        let of_version = |all: Vec<(u32, &'a InstalledPackage)>| match version {
            Some(version) => all.into_iter().filter(|(_, one)| one.package.version == version).collect(),
            None => all,
        };
        let chosen = match found.needs.reach {
            Reach::File => of_version(kept(all, |place| place == found.path)),
            Reach::Folder => in_folder(all, &found.path, ecosystem),
            Reach::System | Reach::Nested => of_architecture(all, &found.needs),
        };
        Some(chosen.into_iter().map(|(index, _)| index).collect())
    }

    /// As Node.js looks for a module: beside the package, and in the folders around it.
    fn nested(&mut self, found: &Found, name: &str) -> Option<Vec<u32>> {
        let (file, mut folder) = match &found.inside {
            Some(inside) => (found.path.as_str(), inside.as_str()),
            None => ("", parent(&found.path)),
        };
        loop {
            self.looks = self.looks.checked_sub(1)?;
            let holder = match file_name(folder) {
                name if name.starts_with("node_modules") || name == "nodejs" => folder.to_owned(),
                _ if folder.is_empty() => "node_modules".to_owned(),
                _ => format!("{folder}/node_modules"),
            };
            if let Some(index) = self.nested.get(&(file, format!("{holder}/{name}").as_str())) {
                return Some(vec![*index]);
            }
            if folder.is_empty() {
                break;
            }
            folder = parent(folder);
        }
        // Debian tells Node.js of this one by an environment of its own.
        let global = format!("usr/share/nodejs/{name}");
        Some(self.nested.get(&(file, global.as_str())).copied().into_iter().collect())
    }
}

fn position(
    packages: &[InstalledPackage],
    all: &[u32],
    mut is: impl FnMut(&InstalledPackage) -> bool,
) -> Option<u32> {
    all.iter().copied().find(|index| packages.get(*index as usize).is_some_and(&mut is))
}

type Candidates<'a> = Vec<(u32, &'a InstalledPackage)>;

fn kept<'a>(all: Candidates<'a>, is: impl Fn(&str) -> bool) -> Candidates<'a> {
    all.into_iter().filter(|(_, one)| one.locations.iter().any(|place| is(&place.path))).collect()
}

/// Those of the package's architecture or of none, if there are any.
fn of_architecture<'a>(all: Candidates<'a>, needs: &Needs) -> Candidates<'a> {
    let is_independent = |architecture: &Option<String>| {
        matches!(architecture.as_deref(), None | Some("all" | "any" | "noarch"))
    };
    let fits = |package: &Package| {
        is_independent(&package.architecture)
            || is_independent(&needs.architecture)
            || package.architecture == needs.architecture
    };
    let fitting: Candidates<'a> = all.iter().copied().filter(|(_, one)| fits(&one.package)).collect();
    if fitting.is_empty() { all } else { fitting }
}

/// The newest of those beside the package, else of those in folders that its program may see as well.
fn in_folder<'a>(all: Candidates<'a>, path: &str, ecosystem: Ecosystem) -> Candidates<'a> {
    let own = folder(path);
    let beside = kept(all.clone(), |place| folder(place) == own);
    let chosen = match ecosystem {
        _ if !beside.is_empty() => beside,
        // A virtual environment sees no other folder.
        Ecosystem::PyPi if path.starts_with("usr/") => kept(all, |place| place.starts_with("usr/")),
        Ecosystem::Gem => all,
        _ => Vec::new(),
    };
    let scheme = ecosystem.scheme();
    let newest = chosen.iter().copied().reduce(|best, other| {
        match scheme.compare(&other.1.package.version, &best.1.package.version) {
            Ok(Ordering::Greater) => other,
            _ => best,
        }
    });
    newest.into_iter().collect()
}

/// The folder of installed packages that a file of one of them is in.
fn folder(path: &str) -> &str {
    let within = parent(path);
    let name = file_name(within);
    let is_own = name.ends_with(".dist-info") || name.ends_with(".egg-info") || name == "default";
    if is_own { parent(within) } else { within }
}

fn normal(ecosystem: Ecosystem, name: &str) -> String {
    super::same::normal(ecosystem, name)
}

#[cfg(test)]
mod tests;
