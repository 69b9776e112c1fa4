//! Whether vulnerable code is in the image: the functions that advisories name, looked for among those of the programs.

use std::collections::BTreeSet;

use plimsoll_model::code::{Code, LazyCode, LocatedCode, Name};
use plimsoll_model::inventory::{InstalledPackage, Location};
use plimsoll_model::package::Ecosystem;
use plimsoll_model::reachability::{Basis, Reachability, SHOWN};

use super::hit::Hit;
use crate::database::{Corrupt, Database};

/// Looks in every place of the package; the worst answer counts. `None` for packages whose code has no names.
pub(super) fn judge(
    database: &Database,
    installed: &InstalledPackage,
    hits: &[&Hit<'_>],
    code: &LazyCode,
) -> Result<Option<Reachability>, Corrupt> {
    let ecosystem = installed.package.ecosystem;
    if !matches!(ecosystem, Ecosystem::Go | Ecosystem::Cargo | Ecosystem::Maven) {
        return Ok(None);
    }
    let sought = Sought::of(database, ecosystem, hits)?;
    let mut seen = BTreeSet::new();
    let mut worst: Option<Basis> = None;
    for location in &installed.locations {
        let basis = place(installed, location, &sought, code, &mut seen);
        let rank = |basis: Basis| (basis.state(), basis);
        worst = Some(worst.map_or(basis, |worst| if rank(basis) < rank(worst) { basis } else { worst }));
    }
    let basis = worst.unwrap_or(Basis::NoNames);
    let listed = |names: &BTreeSet<&str>| names.iter().take(SHOWN).map(|name| (*name).to_owned()).collect();
    let titles = sought.titles.iter().map(String::as_str).collect();
    Ok(Some(Reachability {
        state: basis.state(),
        basis,
        seen_count: count(seen.len()),
        seen: listed(&seen),
        sought_count: count(sought.titles.len()),
        sought: listed(&titles),
    }))
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// What advisories name: functions, and of Go whole packages.
#[derive(Default)]
struct Sought {
    titles: BTreeSet<String>,
    functions: Vec<(String, Name)>,
    packages: Vec<Name>,
}

impl Sought {
    fn of(database: &Database, ecosystem: Ecosystem, hits: &[&Hit<'_>]) -> Result<Self, Corrupt> {
        let mut sought = Self::default();
        for hit in hits.iter().filter(|hit| hit.affected.has_symbols()) {
            sought.titles.extend(database.symbols(&hit.affected)?);
        }
        for title in &sought.titles {
            match (ecosystem, title.split_once('#')) {
                // The number of one of several functions `init` is lost in programs.
                (Ecosystem::Go, Some((path, function))) => {
                    let function = function.split('#').next().unwrap_or_default();
                    sought.functions.push((title.clone(), Name::of(&[path, "#", function])));
                }
                (Ecosystem::Go, None) => sought.packages.push(Name::of(&[title])),
                (_, _) => sought.functions.push((title.clone(), Name::of(&[&without_arguments(title)]))),
            }
        }
        Ok(sought)
    }
}

/// A path of Rust without type arguments: `a::T::<u8>::f`, `a::T<u8>::f`.
fn without_arguments(title: &str) -> String {
    let mut depth = 0_usize;
    let mut plain = String::with_capacity(title.len());
    for c in title.chars() {
        match c {
            '<' => depth = depth.saturating_add(1),
            '>' => depth = depth.saturating_sub(1),
            _ if depth == 0 => plain.push(c),
            _ => {}
        }
    }
    plain.split("::").filter(|part| !part.is_empty()).collect::<Vec<_>>().join("::")
}

/// What one place shows.
fn place<'s>(
    installed: &InstalledPackage,
    location: &Location,
    sought: &'s Sought,
    code: &LazyCode,
    seen: &mut BTreeSet<&'s str>,
) -> Basis {
    let package = &installed.package;
    let (inside, is_copied) = match location.inside.as_deref() {
        Some(inside) if package.ecosystem == Ecosystem::Maven => archive(inside),
        inside => (inside, false),
    };
    let fits = |found: &&LocatedCode| {
        found.code.ecosystem == package.ecosystem && found.location.layer == location.layer
    };
    let Some(LocatedCode { code, .. }) = code.at(&location.path, inside).iter().find(fits) else {
        return Basis::NoNames;
    };
    match package.ecosystem {
        Ecosystem::Maven => classes(&package.name, code, is_copied),
        Ecosystem::Go => seen_in(code, sought, seen).unwrap_or_else(|| go(&package.name, code, sought)),
        _ => seen_in(code, sought, seen).unwrap_or_else(|| {
            let krate = package.name.replace('-', "_");
            if code.names.contains(Name::of(&[&krate])) { Basis::NamesIncomplete } else { Basis::NothingSeen }
        }),
    }
}

fn seen_in<'s>(code: &Code, sought: &'s Sought, seen: &mut BTreeSet<&'s str>) -> Option<Basis> {
    let here = sought.functions.iter().filter(|(_, name)| code.names.contains(*name));
    let here: Vec<&str> = here.map(|(title, _)| title.as_str()).collect();
    let basis = (!here.is_empty()).then_some(Basis::FunctionLinked);
    seen.extend(here);
    basis
}

/// What a program of Go shows, none of whose functions an advisory names.
fn go(module: &str, code: &Code, sought: &Sought) -> Basis {
    // The packages of the standard library have no path in common; its runtime is always there.
    let is_there = module == "stdlib" || code.names.contains(Name::of(&[module]));
    let whole_packages = sought.packages.iter().any(|name| code.names.contains(*name));
    match (sought.titles.is_empty(), is_there, code.is_whole) {
        (_, _, _) if whole_packages => Basis::PackageLinked,
        (true, true, _) => Basis::PackageLinked,
        (true, false, true) => Basis::NoPackageLinked,
        (false, _, true) => Basis::NoFunctionLinked,
        (_, true, false) => Basis::NamesIncomplete,
        (_, false, false) => Basis::NothingSeen,
    }
}

/// The archive that a place in an archive of Java speaks of, and whether the package was copied into it: then the
/// place is its `pom.properties`.
fn archive(inside: &str) -> (Option<&str>, bool) {
    let is_pom = inside.ends_with("/pom.properties");
    match inside.rfind("META-INF/maven/").filter(|_| is_pom) {
        Some(at) => {
            // Metadata may lie below another folder; the archive ends at the last mark.
            let before = inside.get(..at).unwrap_or_default();
            (before.rsplit_once("!/").map(|(archive, _)| archive), true)
        }
        None => (Some(inside), false),
    }
}

/// What an archive of Java shows of a package `group:artifact`.
fn classes(name: &str, code: &Code, is_copied: bool) -> Basis {
    let has = |name: &str| code.names.contains(Name::of(&[name]));
    let group = name.split(':').next().unwrap_or_default().replace('.', "/");
    // `com.fasterxml.jackson.core` has packages beside its own.
    let above =
        group.rsplit_once('/').map(|(above, _)| above).filter(|above| above.matches('/').count() >= 2);
    match () {
        () if !has(".") => Basis::OnlyMetadata,
        () if !is_copied && has("/") => Basis::ClassesPresent,
        () if has(&group) || above.is_some_and(has) => Basis::ClassesPresent,
        () => Basis::ClassesElsewhere,
    }
}
