//! Upgrades of packages of the operating system, grouped by the source that they are built from.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use plimsoll_model::ecosystem::Ecosystem;
use plimsoll_model::finding::FindingKind;
use plimsoll_model::inventory::InstalledPackage;
use plimsoll_model::plan::{Action, ActionKind, Effort, PackageFix};
use plimsoll_model::scan::Scan;

use super::action;
use super::commands::upgrade;

/// A finding, its package, and the version that mends it.
type Found<'a> = (usize, u32, &'a str);

/// The upgrades that mend vulnerabilities, one a source package.
pub(super) fn actions(scan: &Scan) -> Vec<Action> {
    let mut groups: BTreeMap<(Ecosystem, &str), Vec<Found<'_>>> = BTreeMap::new();
    for (index, finding) in scan.findings.iter().enumerate() {
        let FindingKind::Vulnerability(found) = &finding.kind else { continue };
        let Some(installed) = scan.inventory.packages.get(found.package as usize) else { continue };
        let package = &installed.package;
        let Some(fixed) =
            found.fixed_versions.first().filter(|_| package.ecosystem.is_os() && !found.malicious)
        else {
            continue;
        };
        let source = package.source.as_ref().map_or(package.name.as_str(), |source| source.name.as_str());
        groups.entry((package.ecosystem, source)).or_default().push((index, found.package, fixed));
    }
    groups
        .into_iter()
        .map(|((ecosystem, source), findings)| group(scan, ecosystem, source, &findings))
        .collect()
}

fn group(scan: &Scan, ecosystem: Ecosystem, source: &str, findings: &[Found<'_>]) -> Action {
    let mut fixes: BTreeMap<u32, (String, String)> = BTreeMap::new();
    for (_, package, fixed) in findings {
        let (least, most) =
            fixes.entry(*package).or_insert_with(|| ((*fixed).to_owned(), (*fixed).to_owned()));
        let compare = |other: &str| ecosystem.scheme().compare(fixed, other);
        if compare(least) == Ok(Ordering::Less) {
            *least = (*fixed).to_owned();
        }
        if compare(most) == Ok(Ordering::Greater) {
            *most = (*fixed).to_owned();
        }
    }
    let packages: Vec<PackageFix> = fixes
        .into_iter()
        .filter_map(|(index, (least, most))| {
            let installed = scan.inventory.packages.get(index as usize)?;
            Some(PackageFix {
                ecosystem,
                name: installed.package.name.clone(),
                architecture: installed.package.architecture.clone().unwrap_or_default(),
                version: if is_same_version(installed) { most } else { String::new() },
                least,
            })
        })
        .collect();
    let to = packages.iter().map(|fix| fix.version.as_str()).find(|version| !version.is_empty());
    let to = to.map_or_else(String::new, |version| format!(" to {version}"));
    let mut action = action(
        ActionKind::UpgradeSystem,
        format!("Upgrade {source}{to}"),
        Effort::Small,
        "a package of the same release: its interfaces stay",
    );
    action.mends = findings.iter().map(|(index, ..)| *index).collect();
    action.commands = upgrade(ecosystem, &packages);
    if !action.commands.is_empty() {
        action.patch = Some(dockerfile(ecosystem, &action.commands));
    }
    if packages.iter().any(|fix| fix.version.is_empty()) {
        let note = "the advisory names the source package's version, from which the binary package's differs; \
                    the newest is taken";
        action.notes.push(note.to_owned());
    }
    action.packages = packages;
    action
}

/// Whether the binary package has the version of its source, so that an advisory's version names it.
fn is_same_version(installed: &InstalledPackage) -> bool {
    let package = &installed.package;
    package.source.as_ref().is_none_or(|source| source.version == package.version)
}

/// The line of a Dockerfile that does it.
fn dockerfile(ecosystem: Ecosystem, commands: &[String]) -> String {
    let mut line = format!("Dockerfile\n+RUN {}", commands.join(" && "));
    if ecosystem == Ecosystem::Deb {
        line.push_str(" && rm -rf /var/lib/apt/lists/*");
    }
    line
}
