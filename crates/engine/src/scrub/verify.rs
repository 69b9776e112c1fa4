//! Proves that a new image is the old one without what had to go: each layer's entries, the digests of all files, and
//! the packages that they add up to.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use plimsoll_catalog::overlay::merge;
use plimsoll_image::Image;
use plimsoll_model::evidence::{Entry, EntryKind, Fact, LayerEvidence};
use plimsoll_model::inventory::Inventory;
use plimsoll_model::scrub::FileEdit;

use super::plan::LayerPlan;
use crate::evidence::origins;

/// An image, and the evidence of its layers.
pub(super) struct Side<'a> {
    pub(super) image: &'a Image,
    pub(super) layers: &'a [LayerEvidence],
}

/// How `after` differs from `before` beyond `plans`, in words; nothing if it does not.
pub(super) fn differences(before: &Side<'_>, after: &Side<'_>, plans: &[LayerPlan]) -> Vec<String> {
    let mut told = Vec::new();
    if before.layers.len() != after.layers.len() {
        told.push(format!("{} layers became {}", before.layers.len(), after.layers.len()));
    }
    for (index, ((old, new), plan)) in before.layers.iter().zip(after.layers).zip(plans).enumerate() {
        let found = entries(old, new, plan).into_iter().chain(contents(old, new, plan));
        told.extend(found.map(|path| format!("layer {}: /{path} changed", index + 1)));
    }
    told.extend(packages(before, after, plans));
    told
}

type Key<'a> = (&'a str, u8);

fn by_path(layer: &LayerEvidence) -> BTreeMap<Key<'_>, &Entry> {
    let class = |entry: &Entry| match entry.kind {
        EntryKind::Whiteout => 0,
        EntryKind::Opaque => 1,
        _ => 2,
    };
    layer.entries.iter().map(|entry| ((&*entry.path, class(entry)), entry)).collect()
}

/// Paths whose entries are not what they have to be.
fn entries(old: &LayerEvidence, new: &LayerEvidence, plan: &LayerPlan) -> BTreeSet<String> {
    let (mut left, new) = (by_path(old), by_path(new));
    left.retain(|(path, class), _| *class != 2 || !plan.goes(path));
    let mut wrong = BTreeSet::new();
    for ((path, class), entry) in new {
        let is_same = match left.remove(&(path, class)) {
            Some(old) => old == entry || is_heir(old, entry, plan),
            None => class == 0 && plan.fate(path) == Some(FileEdit::Hidden),
        };
        if !is_same {
            wrong.insert(path.to_owned());
        }
    }
    wrong.extend(left.into_keys().map(|(path, _)| path.to_owned()));
    wrong
}

/// Whether a hard link became, or leads to, what took the place of a file that goes.
fn is_heir(old: &Entry, new: &Entry, plan: &LayerPlan) -> bool {
    let EntryKind::Hardlink(target) = &old.kind else { return false };
    let is_file = matches!(new.kind, EntryKind::File | EntryKind::Hardlink(_));
    plan.goes(target) && is_file
}

/// Paths whose contents are not what they were. Hard links have the content of their file.
fn contents(old: &LayerEvidence, new: &LayerEvidence, plan: &LayerPlan) -> BTreeSet<String> {
    let new = digests(new);
    let may_differ = |path: &str| {
        plan.goes(path)
            || [path, plan.file_of(path)].iter().any(|path| plan.fate(path) == Some(FileEdit::Redacted))
    };
    let old = digests(old).into_iter().filter(|(path, _)| !may_differ(path));
    old.filter(|(path, fact)| new.get(path) != Some(fact)).map(|(path, _)| path.to_owned()).collect()
}

fn digests(layer: &LayerEvidence) -> HashMap<&str, &Fact> {
    let facts = layer.facts.iter().flat_map(|facts| &facts.facts);
    let files = facts.filter(|located| matches!(located.fact, Fact::File(..)));
    files.map(|located| (located.path.as_str(), &located.fact)).collect()
}

/// Packages that came, and those that went though their evidence was to stay.
fn packages(before: &Side<'_>, after: &Side<'_>, plans: &[LayerPlan]) -> Vec<String> {
    let merged = |side: &Side<'_>| merge(side.layers, &origins(side.image)).inventory;
    let (before, after) = (merged(before), merged(after));
    let touched = |inventory: &Inventory, index: usize| {
        let locations = inventory.packages.get(index).map(|package| package.locations.as_slice());
        let is_touched = |path: &str| plans.iter().any(|plan| plan.fate(path).is_some());
        locations.unwrap_or_default().iter().any(|location| is_touched(&location.path))
    };
    let names = |inventory: &Inventory| -> BTreeMap<(String, String, String), usize> {
        let packages = inventory.packages.iter().enumerate();
        let key = |(index, installed): (usize, &plimsoll_model::inventory::InstalledPackage)| {
            let package = &installed.package;
            let name = package.ecosystem.as_str().to_owned();
            ((name, package.name.clone(), package.version.clone()), index)
        };
        packages.map(key).collect()
    };
    let (old, new) = (names(&before), names(&after));
    let went = old.iter().filter(|(key, index)| !new.contains_key(*key) && !touched(&before, **index));
    let came = new.keys().filter(|key| !old.contains_key(*key));
    let told = went.map(|(key, _)| (key, "went")).chain(came.map(|key| (key, "came")));
    told.map(|((ecosystem, name, version), what)| format!("{ecosystem} package {name} {version} {what}"))
        .collect()
}
