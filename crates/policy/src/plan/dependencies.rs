//! Dependencies of applications to raise: the vulnerable package itself, and who brings it along. What newer versions of that
//! one bring is known to registries only, which nobody asks here.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use plimsoll_model::ecosystem::Ecosystem;
use plimsoll_model::finding::FindingKind;
use plimsoll_model::package::Package;
use plimsoll_model::plan::{Action, ActionKind, Effort, Raise};
use plimsoll_model::scan::Scan;

use super::action;
use super::commands::raise;

/// The most packages on a way up to who brings a package.
const STEPS: usize = 10_000;
/// The most of those that are named.
const NAMED: usize = 3;

/// Findings of a package, and its places in the inventory.
type Found = (Vec<usize>, BTreeSet<u32>);

/// Versions to raise, one a package and version, and one for Go's standard library as a whole.
pub(super) fn actions(scan: &Scan) -> Vec<Action> {
    let needed = needed_by(scan);
    let mut groups: BTreeMap<&Package, Found> = BTreeMap::new();
    let mut malicious: BTreeMap<&Package, Vec<usize>> = BTreeMap::new();
    for (index, finding) in scan.findings.iter().enumerate() {
        let FindingKind::Vulnerability(found) = &finding.kind else { continue };
        let Some(installed) = scan.inventory.packages.get(found.package as usize) else { continue };
        if found.malicious {
            malicious.entry(&installed.package).or_default().push(index);
        } else if !installed.package.ecosystem.is_os() && !found.fixed_versions.is_empty() {
            let group = groups.entry(&installed.package).or_default();
            group.0.push(index);
            group.1.insert(found.package);
        }
    }
    let mut actions: Vec<Action> =
        malicious.into_iter().map(|(package, mends)| without(package, mends)).collect();
    let (standard, others): (Vec<_>, Vec<_>) =
        groups.into_iter().partition(|(package, _)| is_standard(package));
    actions.extend(rebuild(scan, &standard));
    let raised = others
        .into_iter()
        .filter_map(|(package, (mends, places))| dependency(scan, &needed, package, mends, &places));
    actions.extend(raised);
    actions
}

fn is_standard(package: &Package) -> bool {
    package.ecosystem == Ecosystem::Go && package.name == "stdlib"
}

/// Who needs each package, by their indexes.
fn needed_by(scan: &Scan) -> BTreeMap<u32, Vec<u32>> {
    let mut needed: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for dependency in &scan.dependencies {
        needed.entry(dependency.to).or_default().push(dependency.from);
    }
    needed
}

/// The lowest version that mends all of `findings` that can be compared.
fn target(scan: &Scan, package: &Package, findings: &[usize]) -> Option<String> {
    let scheme = package.ecosystem.scheme();
    let fixed = findings.iter().filter_map(|index| {
        let FindingKind::Vulnerability(found) = &scan.findings.get(*index)?.kind else { return None };
        // The lowest that is newer: older branches have fixes of their own.
        let newer = |version: &&String| scheme.compare(version, &package.version) == Ok(Ordering::Greater);
        found.fixed_versions.iter().find(newer)
    });
    fixed
        .map(String::as_str)
        .reduce(|most, other| match scheme.compare(other, most) {
            Ok(Ordering::Greater) => other,
            _ => most,
        })
        .map(str::to_owned)
}

fn dependency(
    scan: &Scan,
    needed: &BTreeMap<u32, Vec<u32>>,
    package: &Package,
    mends: Vec<usize>,
    places: &BTreeSet<u32>,
) -> Option<Action> {
    let to = target(scan, package, &mends)?;
    let bringers = bringers(scan, needed, places);
    let (effort, reason) = effort(&package.version, &to);
    let via = if bringers.is_empty() {
        String::new()
    } else {
        let names: Vec<String> =
            bringers.iter().take(NAMED).map(|(name, version)| format!("{name} {version}")).collect();
        let more = bringers.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!(", which {}{more} brings", names.join(", "))
    };
    let title = format!("Raise {} from {} to {to}{via}", package.name, package.version);
    let mut action = action(ActionKind::UpgradeDependency, title, effort, reason);
    (action.commands, action.patch) = raise(package.ecosystem, &package.name, &to, bringers.is_empty());
    if !bringers.is_empty() {
        let note = "a newer version of what brings it may do the same; which one, its registry tells";
        action.notes.push(note.to_owned());
    }
    if action.commands.is_empty() && action.patch.is_none() {
        action.notes.push(format!("there is no command for {} packages", package.ecosystem));
    }
    action.mends = mends;
    let (name, from) = (package.name.clone(), package.version.clone());
    action.raise = Some(Raise { ecosystem: package.ecosystem, name, from, to });
    Some(action)
}

/// The direct dependencies that bring packages along: those that nothing needs, above them.
fn bringers(
    scan: &Scan,
    needed: &BTreeMap<u32, Vec<u32>>,
    places: &BTreeSet<u32>,
) -> BTreeSet<(String, String)> {
    let mut queue: VecDeque<u32> = places.iter().copied().collect();
    let mut seen: BTreeSet<u32> = places.clone();
    let mut found = BTreeSet::new();
    while let Some(index) = queue.pop_front() {
        if seen.len() > STEPS {
            break;
        }
        let above: Vec<u32> = needed.get(&index).cloned().unwrap_or_default();
        if above.is_empty() && !places.contains(&index) {
            let package = scan.inventory.packages.get(index as usize).map(|installed| &installed.package);
            found.extend(package.map(|package| (package.name.clone(), package.version.clone())));
        }
        queue.extend(above.into_iter().filter(|above| seen.insert(*above)));
    }
    found
}

/// How much may break, by the numbers of semantic versions, which most ecosystems follow more or less.
fn effort(from: &str, to: &str) -> (Effort, &'static str) {
    let numbers = |version: &str| -> Vec<u64> {
        let version = version.trim_start_matches(['v', 'g', 'o']);
        version.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect()
    };
    let (old, new) = (numbers(from), numbers(to));
    match (old.first(), new.first(), old.get(1), new.get(1)) {
        (Some(old), Some(new), ..) if old != new => {
            (Effort::Large, "another major version: its interface may differ")
        }
        (Some(0), Some(0), old, new) if old != new => {
            (Effort::Medium, "below 1.0, where each minor version may differ in its interface")
        }
        (Some(_), Some(_), ..) => (Effort::Small, "the same major version"),
        _ => (Effort::Medium, "the versions do not tell how much differs"),
    }
}

/// A newer Go for the programs that were built with an old one.
fn rebuild(scan: &Scan, groups: &[(&Package, Found)]) -> Option<Action> {
    let targets = groups.iter().filter_map(|(package, (mends, _))| target(scan, package, mends));
    let to = targets.reduce(|most, other| match Ecosystem::Go.scheme().compare(&other, &most) {
        Ok(Ordering::Greater) => other,
        _ => most,
    })?;
    let places = groups.iter().flat_map(|(_, (_, places))| places);
    let programs: BTreeSet<String> = places
        .filter_map(|index| scan.inventory.packages.get(*index as usize))
        .flat_map(|installed| installed.locations.iter().map(plimsoll_model::inventory::Location::title))
        .collect();
    let to = to.trim_start_matches("go");
    let title = format!(
        "Build {} program{} again with Go {to} or newer",
        programs.len(),
        if programs.len() == 1 { "" } else { "s" }
    );
    let mut action =
        action(ActionKind::Rebuild, title, Effort::Medium, "the program has to be built and released again");
    action.mends = groups.iter().flat_map(|(_, (mends, _))| mends.iter().copied()).collect();
    action.mends.sort_unstable();
    action.commands = vec![format!("go get go@{to} toolchain@go{to}")];
    action.patch = Some(format!("Dockerfile\n+FROM golang:{to} AS build"));
    action.notes = programs.into_iter().take(20).collect();
    Some(action)
}

fn without(package: &Package, mends: Vec<usize>) -> Action {
    let title = format!("Take {} {} out: it was made to do harm", package.name, package.version);
    let mut action = action(
        ActionKind::RemoveMalicious,
        title,
        Effort::Large,
        "what it could reach has to be looked at, and its secrets rotated",
    );
    action.mends = mends;
    action
}
