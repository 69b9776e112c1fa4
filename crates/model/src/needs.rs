//! What packages need of others, in the words of their package managers: names, compact and not yet resolved. Which
//! packages they mean is found where layers are merged.

use serde::{Deserialize, Serialize};

use crate::package::{Ecosystem, Package};

/// What one package needs, and what it stands for.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Needs {
    /// The package's ecosystem.
    pub ecosystem: Ecosystem,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its architecture.
    pub architecture: Option<String>,
    /// Where what it needs is looked for.
    pub reach: Reach,
    /// Names, one need a line; tabs between alternatives, and a blank before a version that it must be.
    needs: String,
    /// Other names by which it can be needed, one a line.
    provides: String,
}

/// Where a package's needs are looked for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Reach {
    /// Among all packages of the ecosystem.
    System,
    /// In the same file: a lock file, a list in a program.
    File,
    /// In the same folder, or, where its ecosystem has several for one program, in another one.
    Folder,
    /// In `node_modules` of the package's folder, then of those around it.
    Nested,
}

impl Needs {
    /// The needs of `package`, none so far.
    #[must_use]
    pub fn of(package: &Package, reach: Reach) -> Self {
        Self {
            ecosystem: package.ecosystem,
            name: package.name.clone(),
            version: package.version.clone(),
            architecture: package.architecture.clone(),
            reach,
            needs: String::new(),
            provides: String::new(),
        }
    }

    /// Adds a need that any of `alternatives` fulfills.
    pub fn need<'a>(&mut self, alternatives: impl IntoIterator<Item = &'a str>) {
        let start = self.needs.len();
        for name in alternatives.into_iter().filter(|name| is_name(name)) {
            self.needs.push(if self.needs.len() == start { '\n' } else { '\t' });
            self.needs.push_str(name);
        }
    }

    /// Adds a need of one version of a package.
    pub fn need_version(&mut self, name: &str, version: &str) {
        self.need([format!("{name} {version}").as_str()]);
    }

    /// Adds another name by which it can be needed.
    pub fn provide(&mut self, name: &str) {
        if is_name(name) && name != self.name {
            self.provides.push('\n');
            self.provides.push_str(name);
        }
    }

    /// What it needs: for each need, its alternatives.
    pub fn needs(&self) -> impl Iterator<Item = impl Iterator<Item = &str>> {
        self.needs.split('\n').skip(1).map(|line| line.split('\t'))
    }

    /// The other names by which it can be needed.
    pub fn provides(&self) -> impl Iterator<Item = &str> {
        self.provides.split('\n').skip(1)
    }

    /// Whether it says nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.needs.is_empty() && self.provides.is_empty()
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['\n', '\t'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_and_names_are_kept_apart() {
        let mut needs = Needs::of(&Package::new(Ecosystem::Deb, "exim4", "1"), Reach::System);
        assert!(needs.is_empty());
        needs.need(["libc6"]);
        needs.need(["cron", "cron-daemon", "odd\nname", ""]);
        needs.need([""]);
        needs.need_version("exim4-base", "1");
        needs.provide("mail-transport-agent");
        needs.provide("exim4");
        let all: Vec<Vec<&str>> = needs.needs().map(Iterator::collect).collect();
        assert_eq!(all, [vec!["libc6"], vec!["cron", "cron-daemon"], vec!["exim4-base 1"]]);
        assert_eq!(needs.provides().collect::<Vec<_>>(), ["mail-transport-agent"]);
    }
}
