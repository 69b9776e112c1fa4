//! What changed from one bill of materials to another: packages that came, went, or are there in other versions.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use plimsoll_model::package::Ecosystem;
use plimsoll_model::scan::Contents;
use schemars::JsonSchema;
use serde::Serialize;

use crate::table::clean;

/// What changed; see docs/schema/sbom-diff-1.json.
#[derive(Debug, Default, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The version of this document's schema.
    schema_version: &'static str,
    /// What is there now and was not.
    pub(super) added: Vec<Entry>,
    /// What was there and is not now.
    pub(super) removed: Vec<Entry>,
    /// What is there in other versions.
    pub(super) changed: Vec<Change>,
    /// How many packages are the same.
    pub(super) unchanged: usize,
}

/// A package that came or went.
#[derive(Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub(super) struct Entry {
    /// The ecosystem, as purl types spell it.
    pub(super) ecosystem: &'static str,
    /// The name.
    pub(super) name: String,
    /// Its versions.
    pub(super) versions: Vec<String>,
}

/// A package in other versions.
#[derive(Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub(super) struct Change {
    /// The ecosystem, as purl types spell it.
    pub(super) ecosystem: &'static str,
    /// The name.
    pub(super) name: String,
    /// The versions that went.
    pub(super) from: Vec<String>,
    /// The versions that came.
    pub(super) to: Vec<String>,
}

type Packages = BTreeMap<(Ecosystem, String), BTreeSet<String>>;

impl Difference {
    /// Compares what two documents hold.
    #[must_use]
    pub fn of(old: &[Contents], new: &[Contents]) -> Self {
        let (old, new) = (packages(old), packages(new));
        let mut difference = Self { schema_version: "1.0", ..Self::default() };
        let entry = |ecosystem: Ecosystem, name: &str, versions: &BTreeSet<String>| Entry {
            ecosystem: ecosystem.as_str(),
            name: name.to_owned(),
            versions: versions.iter().cloned().collect(),
        };
        for ((ecosystem, name), versions) in &old {
            match new.get(&(*ecosystem, name.clone())) {
                None => difference.removed.push(entry(*ecosystem, name, versions)),
                Some(now) if now == versions => difference.unchanged = difference.unchanged.saturating_add(1),
                Some(now) => difference.changed.push(Change {
                    ecosystem: ecosystem.as_str(),
                    name: name.clone(),
                    from: versions.difference(now).cloned().collect(),
                    to: now.difference(versions).cloned().collect(),
                }),
            }
        }
        for ((ecosystem, name), versions) in &new {
            if !old.contains_key(&(*ecosystem, name.clone())) {
                difference.added.push(entry(*ecosystem, name, versions));
            }
        }
        difference
    }

    /// Whether nothing changed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }

    /// Writes it for a person.
    ///
    /// # Errors
    /// If `out` takes nothing.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for (sign, entries) in [('+', &self.added), ('-', &self.removed)] {
            for Entry { ecosystem, name, versions } in entries {
                writeln!(out, "{sign} {ecosystem} {} {}", clean(name), clean(&versions.join(", ")))?;
            }
        }
        for Change { ecosystem, name, from, to } in &self.changed {
            let versions = |versions: &[String]| match versions {
                [] => "(none)".to_owned(),
                versions => clean(&versions.join(", ")),
            };
            writeln!(out, "~ {ecosystem} {} {} -> {}", clean(name), versions(from), versions(to))?;
        }
        let (added, removed, changed) = (self.added.len(), self.removed.len(), self.changed.len());
        writeln!(out, "{added} added, {removed} removed, {changed} changed, {} unchanged", self.unchanged)
    }

    /// Writes it for programs.
    ///
    /// # Errors
    /// If `out` takes nothing.
    pub fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        crate::write_json(self, out)
    }
}

/// The JSON schema of the document.
#[must_use]
pub fn schema() -> String {
    crate::schema_of::<Difference>()
}

fn packages(all: &[Contents]) -> Packages {
    let mut packages = Packages::new();
    for installed in all.iter().flat_map(|contents| &contents.inventory.packages) {
        let package = &installed.package;
        let versions = packages.entry((package.ecosystem, package.name.clone())).or_default();
        versions.insert(package.version.clone());
    }
    packages
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use plimsoll_model::package::Package;

    pub(in crate::sbom) fn contents(packages: &[(&str, &str)]) -> Contents {
        let scan = crate::testing::scan();
        let mut inventory = scan.inventory;
        let like = inventory.packages.remove(0);
        inventory.packages = packages
            .iter()
            .map(|(name, version)| {
                let mut installed = like.clone();
                installed.package = Package::new(Ecosystem::PyPi, *name, *version);
                installed
            })
            .collect();
        Contents {
            image: scan.image,
            layers: scan.layers,
            inventory,
            owned_files: Vec::new(),
            dependencies: Vec::new(),
        }
    }

    #[test]
    fn packages_come_go_and_change() {
        let old = contents(&[("a", "1"), ("b", "1"), ("c", "1"), ("c", "2")]);
        let new = contents(&[("b", "2"), ("c", "2"), ("d", "1"), ("a\u{1b}", "1")]);
        let difference = Difference::of(std::slice::from_ref(&old), &[new]);
        let mut out = Vec::new();
        difference.write_text(&mut out).unwrap();
        let expected = "+ pypi a\u{fffd} 1\n+ pypi d 1\n- pypi a 1\n~ pypi b 1 -> 2\n~ pypi c 1 -> (none)\n\
                        2 added, 1 removed, 2 changed, 0 unchanged\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        assert!(Difference::of(std::slice::from_ref(&old), std::slice::from_ref(&old)).is_empty());
    }
}
