//! What rpm packages need, in no more names than tell it: a library's versions and its packages' other names are
//! needed and provided very often, and most of them mean the same package.

use std::collections::{HashMap, HashSet};

use plimsoll_formats::rpmdb::Header;
use plimsoll_model::extractor::Facts;
use plimsoll_model::needs::{Needs, Reach};
use plimsoll_model::package::Package;

/// The packages of one database with the names that they require and provide.
#[derive(Default)]
pub(super) struct Names(Vec<Named>);

struct Named {
    package: Package,
    required: Vec<String>,
    provided: Vec<String>,
}

impl Names {
    /// Adds a package; `None` if there is no room left for its names.
    pub(super) fn take(&mut self, header: &Header<'_>, package: &Package, room: &mut usize) -> Option<()> {
        let mut named = Named { package: package.clone(), required: Vec::new(), provided: Vec::new() };
        for name in header.required_names() {
            super::spend(room, name.len())?;
            // Conditions (`(a if b)`), and what rpm itself can do.
            if !name.starts_with('(') && !name.starts_with("rpmlib(") {
                named.required.push(name.into_owned());
            }
        }
        for name in header.provided_names() {
            super::spend(room, name.len())?;
            named.provided.push(name.into_owned());
        }
        named.required.sort_unstable();
        named.required.dedup();
        named.provided.sort_unstable();
        named.provided.dedup();
        self.0.push(named);
        Some(())
    }

    /// Tells of each package one name for each set of packages that it needs, and files, which are told elsewhere.
    pub(super) fn finish(self, facts: &mut Facts) {
        let mut providers: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, named) in self.0.iter().enumerate() {
            let own = std::iter::once(&named.package.name);
            for name in own.chain(named.provided.iter().filter(|name| **name != named.package.name)) {
                providers.entry(name).or_default().push(index);
            }
        }
        let kept: Vec<Vec<&str>> =
            self.0.iter().enumerate().map(|(index, named)| named.telling(index, &providers)).collect();
        let used: HashSet<&str> = kept.iter().flatten().copied().collect();
        for (named, kept) in self.0.iter().zip(&kept) {
            let mut needs = Needs::of(&named.package, Reach::System);
            kept.iter().for_each(|name| needs.need([*name]));
            let provided = named.provided.iter().filter(|name| used.contains(name.as_str()));
            provided.for_each(|name| needs.provide(name));
            facts.push_needs(needs);
        }
    }
}

impl Named {
    fn telling<'a>(&'a self, own: usize, providers: &HashMap<&str, Vec<usize>>) -> Vec<&'a str> {
        let mut seen: HashSet<&[usize]> = HashSet::new();
        let mut telling = Vec::new();
        for name in &self.required {
            let tells = match providers.get(name.as_str()) {
                Some(all) => !all.contains(&own) && seen.insert(all),
                None => name.starts_with('/'),
            };
            if tells {
                telling.push(name.as_str());
            }
        }
        telling
    }
}
