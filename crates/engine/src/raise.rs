//! Files that say what an application is built of, as contents to scan; and what a plan asks for, raised in them.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_formats::bounded;
use plimsoll_model::ecosystem::Ecosystem;
use plimsoll_model::gap::{Gap, GapKind};
use plimsoll_model::inventory::{Dependency, InstalledPackage, Inventory, Location, Origin};
use plimsoll_model::package::Package;
use plimsoll_model::patch::{NotRaised, Raised, VersionChange};
use plimsoll_model::path::file_name;
use plimsoll_model::plan::{Action, Plan, Raise};
use plimsoll_model::platform::Platform;
use plimsoll_model::scan::{Contents, ImageIdentity, Scan};
use plimsoll_patch::declared::{self, ANSWER, Declared, Kind, Registry, Texts};

use crate::patch::{Outside, Request};

/// A package, as an inventory sorts them.
type Key = (Ecosystem, String, String);

/// Tells whether a file of this name is looked at, for what it says or beside one that does.
#[must_use]
pub fn is_meant(name: &str) -> bool {
    let kinds = [Kind::Cargo, Kind::Go, Kind::Npm, Kind::Requirements];
    Kind::of(name).is_some()
        || declared::is_other(name)
        || kinds.iter().any(|kind| kind.companions().contains(&name))
}

/// What `texts` say that an application is built of. What they do not tell is a gap.
#[must_use]
pub fn contents(name: &str, texts: &Texts, mut gaps: Vec<Gap>) -> Contents {
    let mut found: BTreeMap<Key, BTreeSet<&str>> = BTreeMap::new();
    let mut needs: BTreeSet<(Key, Key)> = BTreeSet::new();
    for (path, text) in texts {
        let Some(kind) = Kind::of(path) else {
            if declared::is_other(file_name(path)) {
                let reason = "lock files of this kind are scanned in images only (dir:FOLDER)";
                gaps.push(Gap::new(GapKind::FileUnread, path.as_str(), reason));
            }
            continue;
        };
        let told = match declared::read(kind, path, text) {
            Ok(told) => told,
            Err(refused) => {
                gaps.push(Gap::new(GapKind::FileUnread, path.as_str(), refused.to_string()));
                continue;
            }
        };
        for open in told.open {
            let reason = format!("{open} is asked for without one exact version, which could be checked");
            gaps.push(Gap::new(GapKind::RecordUnread, path.as_str(), reason));
        }
        let key = |package: &Declared| (kind.ecosystem(), package.name.clone(), package.version.clone());
        for package in &told.packages {
            found.entry(key(package)).or_default().insert(path);
            let needed = package.needs.iter().filter_map(|index| told.packages.get(*index));
            needs.extend(needed.map(|needed| (key(package), key(needed))));
        }
    }
    let indexes: BTreeMap<&Key, u32> = found.keys().zip(0..).collect();
    let index = |key: &Key| indexes.get(key).copied();
    let mut dependencies: Vec<Dependency> = needs
        .iter()
        .filter_map(|(from, to)| Some(Dependency { from: index(from)?, to: index(to)? }))
        .collect();
    dependencies.sort();
    gaps.sort();
    gaps.dedup();
    Contents {
        image: identity(name),
        layers: Vec::new(),
        inventory: Inventory {
            packages: found.iter().map(installed).collect(),
            gaps,
            ..Inventory::default()
        },
        owned_files: Vec::new(),
        dependencies,
    }
}

fn identity(name: &str) -> ImageIdentity {
    ImageIdentity {
        name: name.to_owned(),
        manifest_digest: None,
        index_digest: None,
        config_digest: None,
        platform: Platform::new("any", "any"),
        created: None,
    }
}

fn installed(((ecosystem, name, version), paths): (&Key, &BTreeSet<&str>)) -> InstalledPackage {
    let location = |path: &&str| Location { path: (*path).to_owned(), inside: None, layer: 0 };
    InstalledPackage {
        package: Package::new(*ecosystem, name, version),
        locations: paths.iter().map(location).collect(),
        layer: 0,
        origin: Origin::Unknown,
        owned_by: None,
        file_count: 0,
    }
}

/// Registries, asked through what lies outside.
struct Asked<'a> {
    /// None if nobody may be asked.
    outside: Option<&'a dyn Outside>,
    /// Takes the place of scheme and host.
    mirror: Option<&'a str>,
}

impl Registry for Asked<'_> {
    fn get(&self, address: &str) -> Result<Vec<u8>, String> {
        let outside = self.outside.ok_or("its registry would have to be asked, which --offline forbids")?;
        let address = match self.mirror {
            Some(mirror) => {
                let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
                let path = rest.split_once('/').map_or("", |(_, path)| path);
                format!("{}/{path}", mirror.trim_end_matches('/'))
            }
            None => address.to_owned(),
        };
        let request = Request { name: address.clone(), addresses: vec![address], limit: ANSWER };
        let file =
            outside.fetch(std::slice::from_ref(&request)).pop().unwrap_or_else(|| Err("no answer".into()));
        let file = file.map_err(|reason| format!("{}: {reason}", request.name))?;
        bounded::read(file, ANSWER).map_err(|error| format!("{}: {error}", request.name))
    }
}

/// Raises in `texts` what `plan` asks for, the most urgent first. Without `outside` only what needs no registry is raised.
pub fn raise(
    scan: &Scan,
    plan: &Plan,
    texts: &mut Texts,
    outside: Option<&dyn Outside>,
    mirror: Option<&str>,
) -> Raised {
    let registry = Asked { outside, mirror };
    let mut raised = Raised::default();
    for action in &plan.actions {
        let Some(wanted) = &action.raise else { continue };
        for path in paths(scan, wanted) {
            let Some(kind) = Kind::of(path) else { continue };
            let change = change(path, wanted);
            match declared::raise(kind, path, wanted, texts, &registry) {
                Ok(()) => raised.changes.push(change),
                Err(refused) => raised.refused.push(NotRaised {
                    wanted: change,
                    reason: refused.to_string(),
                    commands: commands(kind, action),
                }),
            }
        }
    }
    raised
}

/// The files that name a package.
fn paths<'s>(scan: &'s Scan, wanted: &Raise) -> Vec<&'s str> {
    let is_meant = |installed: &&InstalledPackage| {
        let package = &installed.package;
        (package.ecosystem, &package.name, &package.version) == (wanted.ecosystem, &wanted.name, &wanted.from)
    };
    let places = scan.inventory.packages.iter().filter(is_meant).flat_map(|installed| &installed.locations);
    places.map(|location| location.path.as_str()).collect()
}

fn change(path: &str, wanted: &Raise) -> VersionChange {
    VersionChange {
        path: path.to_owned(),
        name: wanted.name.clone(),
        from: wanted.from.clone(),
        to: wanted.to.clone(),
    }
}

/// What to type instead. Cargo has to be told which version of several is meant.
fn commands(kind: Kind, action: &Action) -> Vec<String> {
    match (kind, &action.raise) {
        (Kind::Cargo, Some(wanted)) => {
            let (name, from, to) = (&wanted.name, &wanted.from, &wanted.to);
            vec![format!("cargo update -p {name}@{from} --precise {to}")]
        }
        _ => action.commands.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_with_their_places_and_what_is_not_read_with_its_reason() {
        let texts: Texts = [
            ("a/requirements.txt", "six==1.16.0\nflask>=1\n"),
            ("requirements.txt", "six==1.16.0\n"),
            ("yarn.lock", ""),
            ("Cargo.lock", "["),
            ("Cargo.toml", "["),
        ]
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .into();
        let contents = contents("x", &texts, Vec::new());
        let [six] = contents.inventory.packages.as_slice() else { panic!("{contents:?}") };
        let paths: Vec<&str> = six.locations.iter().map(|location| location.path.as_str()).collect();
        assert_eq!(paths, ["a/requirements.txt", "requirements.txt"]);
        let gaps: Vec<(GapKind, &str)> =
            contents.inventory.gaps.iter().map(|gap| (gap.kind, gap.subject.as_str())).collect();
        assert_eq!(
            gaps,
            [
                (GapKind::FileUnread, "Cargo.lock"),
                (GapKind::FileUnread, "yarn.lock"),
                (GapKind::RecordUnread, "a/requirements.txt"),
            ]
        );
        assert!(is_meant("go.sum") && is_meant("package.json") && !is_meant("main.rs"));
    }
}
