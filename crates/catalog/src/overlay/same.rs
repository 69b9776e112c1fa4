//! Packages that several pieces of evidence name: one that tells less than another is the same.

use std::collections::BTreeMap;

use plimsoll_model::inventory::Location;
use plimsoll_model::package::{Ecosystem, Package};

/// Packages with their places and the layers that brought these.
pub(super) type Found = BTreeMap<Package, Vec<(Location, u32)>>;

/// Joins packages of one name and version where all that one tells the other tells too: a bill of materials that names
/// what a package manager installed.
pub(super) fn joined(mut found: Found) -> Found {
    let mut alike: BTreeMap<(Ecosystem, String, String), Vec<Package>> = BTreeMap::new();
    for package in found.keys() {
        let key = (package.ecosystem, normal_name(package), package.version.clone());
        alike.entry(key).or_default().push(package.clone());
    }
    for group in alike.into_values().filter(|group| group.len() > 1) {
        for (index, package) in group.iter().enumerate() {
            let richer = group.iter().enumerate().find(|(other, richer)| {
                // Of two that tell as much, the first stays.
                *other != index && tells(richer, package) && (*other < index || !tells(package, richer))
            });
            let Some((_, richer)) = richer else { continue };
            if let Some(places) = found.remove(package) {
                found.entry(richer.clone()).or_default().extend(places);
            }
        }
    }
    found
}

/// Tells whether `richer` tells all that `poorer` does.
fn tells(richer: &Package, poorer: &Package) -> bool {
    (poorer.architecture.is_none() || poorer.architecture == richer.architecture)
        && (poorer.source.is_none() || poorer.source == richer.source)
        && (poorer.modularity.is_none() || poorer.modularity == richer.modularity)
        && (poorer.licenses.is_empty() || poorer.licenses == richer.licenses)
}

pub(super) fn normal_name(package: &Package) -> String {
    normal(package.ecosystem, &package.name)
}

/// A name as its ecosystem compares it.
pub(super) fn normal(ecosystem: Ecosystem, name: &str) -> String {
    match ecosystem {
        Ecosystem::PyPi => name.to_lowercase().replace(['_', '.'], "-"),
        Ecosystem::NuGet => name.to_lowercase(),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::package::SourcePackage;

    #[test]
    fn what_tells_less_joins_what_tells_more() {
        let bare = Package::new(Ecosystem::PyPi, "py-yaml", "1");
        let full = Package { licenses: vec!["MIT".into()], ..Package::new(Ecosystem::PyPi, "Py_YAML", "1") };
        let source = SourcePackage { name: "a".into(), version: "1".into() };
        let amd = Package { architecture: Some("amd64".into()), ..Package::new(Ecosystem::Deb, "x", "1") };
        let arm = Package { architecture: Some("arm64".into()), ..Package::new(Ecosystem::Deb, "x", "1") };
        let more = Package { source: Some(source), ..amd.clone() };
        let other = Package::new(Ecosystem::Deb, "x", "2");
        let place = |path: &str| vec![(Location { path: path.into(), inside: None, layer: 0 }, 0)];
        let found: Found = [&bare, &full, &amd, &arm, &more, &other]
            .into_iter()
            .map(|package| (package.clone(), place(&package.name)))
            .collect();
        let joined = joined(found);
        let mut expected = vec![full.clone(), arm, more, other];
        expected.sort();
        assert_eq!(joined.keys().cloned().collect::<Vec<_>>(), expected);
        assert_eq!(joined[&full].len(), 2);
    }
}
