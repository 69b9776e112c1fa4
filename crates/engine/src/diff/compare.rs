//! The comparison itself: pure, over two scans and accounts.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::accounting::AccountedFile;
use plimsoll_model::difference::{Difference, FileChange, FileState, PackageChange, SettingChange};
use plimsoll_model::finding::{Finding, FindingKind};
use plimsoll_model::inventory::Inventory;
use plimsoll_model::package::Ecosystem;

use super::Side;

/// Tells what changed.
pub(super) fn compare(before: Side, after: Side) -> Difference {
    let layers = before.scan.layers.iter().zip(&after.scan.layers);
    let shared_layers = layers.take_while(|(one, other)| one.diff_id == other.diff_id).count();
    let (came, went, stayed) = findings(&before, &after);
    let mut gaps: Vec<_> = before.scan.gaps.iter().chain(&after.scan.gaps).cloned().collect();
    gaps.sort();
    gaps.dedup();
    Difference {
        shared_layers,
        settings: settings(&before.settings, &after.settings),
        packages: packages(&before.scan.inventory, &after.scan.inventory),
        files: files(&before.accounting.files, &after.accounting.files),
        came,
        went,
        stayed,
        gaps,
        before: before.scan.image,
        after: after.scan.image,
        layers_before: before.scan.layers,
        layers_after: after.scan.layers,
    }
}

fn settings(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<SettingChange> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    let change = |name: &String| SettingChange {
        name: name.clone(),
        before: before.get(name).cloned(),
        after: after.get(name).cloned(),
    };
    changed.map(change).collect()
}

/// The versions of a package, each with the layer that brought it.
type Versions = BTreeMap<String, u32>;

fn versions(inventory: &Inventory) -> BTreeMap<(Ecosystem, &str), Versions> {
    let mut all: BTreeMap<(Ecosystem, &str), Versions> = BTreeMap::new();
    for installed in &inventory.packages {
        let package = &installed.package;
        let versions = all.entry((package.ecosystem, &package.name)).or_default();
        versions.entry(package.version.clone()).or_insert(installed.layer);
    }
    all
}

fn packages(before: &Inventory, after: &Inventory) -> Vec<PackageChange> {
    let (before, after) = (versions(before), versions(after));
    let none = Versions::new();
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let mut changes = Vec::new();
    for key in names {
        let (old, new) = (before.get(key).unwrap_or(&none), after.get(key).unwrap_or(&none));
        let only = |one: &Versions, other: &Versions| -> Vec<(String, u32)> {
            let own = one.iter().filter(|(version, _)| !other.contains_key(*version));
            own.map(|(version, layer)| (version.clone(), *layer)).collect()
        };
        let (gone, fresh) = (only(old, new), only(new, old));
        let Some((_, layer)) = fresh.first().or(gone.first()) else { continue };
        changes.push(PackageChange {
            ecosystem: key.0,
            name: key.1.to_owned(),
            layer: *layer,
            before: gone.into_iter().map(|(version, _)| version).collect(),
            after: fresh.into_iter().map(|(version, _)| version).collect(),
        });
    }
    changes
}

/// Both lists are sorted by path.
fn files(before: &[AccountedFile], after: &[AccountedFile]) -> Vec<FileChange> {
    let mut changes = Vec::new();
    let (mut old, mut new) = (before.iter().peekable(), after.iter().peekable());
    loop {
        let (one, other) = match (old.peek(), new.peek()) {
            (None, None) => break,
            (Some(_), None) => (old.next(), None),
            (None, Some(_)) => (None, new.next()),
            (Some(one), Some(other)) => match one.path.cmp(&other.path) {
                std::cmp::Ordering::Less => (old.next(), None),
                std::cmp::Ordering::Greater => (None, new.next()),
                std::cmp::Ordering::Equal => (old.next(), new.next()),
            },
        };
        let Some(file) = other.or(one) else { break };
        let (before, after) = (one.map(state), other.map(state));
        // Two files that could not be read may well be different.
        let is_same = before.map(content) == after.map(content) && file.sha256.is_some();
        if !is_same {
            changes.push(FileChange { path: file.path.clone(), before, after, layer: file.layer });
        }
    }
    changes
}

const fn state(file: &AccountedFile) -> FileState {
    FileState { size: file.size, kind: file.kind, class: file.class, sha256: file.sha256 }
}

/// Whose a file is may change while the file does not.
const fn content(state: FileState) -> (u64, Option<plimsoll_model::digest::Digest>) {
    (state.size, state.sha256)
}

/// What makes a finding the same in two images: not the version of the package, nor the layer.
fn identity(finding: &Finding, inventory: &Inventory) -> (String, String) {
    let place = match &finding.kind {
        FindingKind::Vulnerability(vulnerability) => {
            let installed = inventory.packages.get(vulnerability.package as usize);
            installed.map(|found| format!("{} {}", found.package.ecosystem, found.package.name))
        }
        FindingKind::Secret { fingerprint, .. } => {
            let path = finding.locations.first().map(|location| location.path.clone());
            Some(format!("{fingerprint} {}", path.unwrap_or_default()))
        }
        FindingKind::License { package, .. } => {
            let installed = inventory.packages.get(*package as usize);
            installed.map(|found| format!("{} {}", found.package.ecosystem, found.package.name))
        }
        FindingKind::EndOfLife { product, .. } => Some(product.clone()),
        FindingKind::Misconfiguration { .. } => None,
    };
    (finding.id.clone(), place.unwrap_or_default())
}

fn findings(before: &Side, after: &Side) -> (Vec<Finding>, Vec<Finding>, usize) {
    let identities = |side: &Side| -> BTreeSet<(String, String)> {
        side.scan.findings.iter().map(|finding| identity(finding, &side.scan.inventory)).collect()
    };
    let (old, new) = (identities(before), identities(after));
    let only = |side: &Side, other: &BTreeSet<(String, String)>| -> Vec<Finding> {
        let own = side.scan.findings.iter();
        own.filter(|finding| !other.contains(&identity(finding, &side.scan.inventory))).cloned().collect()
    };
    (only(after, &old), only(before, &new), old.intersection(&new).count())
}

#[cfg(test)]
mod tests {
    use plimsoll_model::accounting::{FileClass, FileKind, Integrity};
    use plimsoll_model::digest::Digest;
    use plimsoll_model::inventory::{InstalledPackage, Origin};
    use plimsoll_model::package::Package;

    use super::*;

    fn file(path: &str, content: Option<&[u8]>) -> AccountedFile {
        AccountedFile {
            path: path.to_owned(),
            size: content.map_or(1, |content| content.len() as u64),
            kind: FileKind::Other,
            class: FileClass::Data,
            package: None,
            integrity: Integrity::Unrecorded,
            layer: 0,
            sha256: content.map(Digest::of),
        }
    }

    #[test]
    fn files_come_go_change_and_stay() {
        let before = [file("a", Some(b"1")), file("b", Some(b"1")), file("d", Some(b"1")), file("u", None)];
        let after = [file("b", Some(b"2")), file("c", Some(b"1")), file("d", Some(b"1")), file("u", None)];
        let changes = files(&before, &after);
        let told: Vec<(&str, bool, bool)> = changes
            .iter()
            .map(|change| (change.path.as_str(), change.before.is_some(), change.after.is_some()))
            .collect();
        // Of what could not be read nobody knows.
        assert_eq!(told, [("a", true, false), ("b", true, true), ("c", false, true), ("u", true, true)]);
        assert!(files(&after[..3], &after[..3]).is_empty());
    }

    #[test]
    fn packages_are_compared_version_by_version() {
        let installed = |name: &str, version: &str, layer| InstalledPackage {
            package: Package::new(Ecosystem::Npm, name, version),
            locations: Vec::new(),
            layer,
            origin: Origin::Unknown,
            owned_by: None,
            file_count: 0,
        };
        let inventory = |packages: Vec<InstalledPackage>| Inventory { packages, ..Inventory::default() };
        let before = inventory(vec![installed("a", "1", 0), installed("b", "1", 1), installed("b", "2", 1)]);
        let after = inventory(vec![installed("b", "2", 0), installed("b", "3", 2), installed("c", "1", 1)]);
        let changes = packages(&before, &after);
        let told: Vec<String> = changes
            .iter()
            .map(|change| format!("{} {:?} {:?} {}", change.name, change.before, change.after, change.layer))
            .collect();
        assert_eq!(told, [r#"a ["1"] [] 0"#, r#"b ["1"] ["3"] 2"#, r#"c [] ["1"] 1"#]);
    }
}
