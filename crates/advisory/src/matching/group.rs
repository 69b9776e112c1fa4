//! From advisories to vulnerabilities: several feeds speak of one vulnerability, and one erratum of several.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use plimsoll_model::finding::Status;

use super::hit::Hit;
use crate::coverage;
use crate::feed::cve_rank;

/// One vulnerability of a package.
#[derive(Debug)]
pub(crate) struct Group<'h, 'd> {
    /// All its ids, the best known first, the rest sorted.
    pub(crate) ids: Vec<String>,
    /// The advisories that tell of it.
    pub(crate) hits: Vec<&'h Hit<'d>>,
}

impl Group<'_, '_> {
    /// The group without the statements that the package is not affected; `None` if nothing else is left but
    /// feeds that guess. A word of the distribution's own beats those.
    pub(crate) fn contested(mut self) -> Option<Self> {
        let before = self.hits.len();
        self.hits.retain(|hit| hit.affected.status != Status::NotAffected);
        let cleared = self.hits.len() < before
            && self.hits.iter().all(|hit| coverage::is_partial(&hit.advisory.feed.name));
        (!cleared && !self.hits.is_empty()).then_some(self)
    }
}

/// Joins hits that share an id. An erratum that bundles vulnerabilities is in the group of each.
pub(crate) fn group<'h, 'd>(hits: &'h [Hit<'d>]) -> Vec<Group<'h, 'd>> {
    let mut joined = Joined::default();
    let mut members = Vec::new();
    for hit in hits {
        for ids in identities(hit) {
            members.push((joined.join(&ids), hit, ids));
        }
    }
    let mut groups: BTreeMap<usize, (BTreeSet<&str>, Vec<&'h Hit<'d>>)> = BTreeMap::new();
    for (slot, hit, ids) in members {
        let (known, hits) = groups.entry(joined.root(slot)).or_default();
        known.extend(ids);
        if !hits.iter().any(|other| std::ptr::eq(*other, hit)) {
            hits.push(hit);
        }
    }
    groups.into_values().map(|(ids, hits)| Group { ids: best_first(&ids), hits }).collect()
}

fn identities<'h>(hit: &'h Hit<'_>) -> Vec<Vec<&'h str>> {
    let advisory = &hit.advisory;
    let mut sets: Vec<Vec<&str>> = advisory.covers.iter().map(|id| vec![id.as_str()]).collect();
    if sets.is_empty() || !advisory.aliases.is_empty() {
        sets.push([&advisory.id].into_iter().chain(&advisory.aliases).map(String::as_str).collect());
    }
    sets
}

fn best_first(ids: &BTreeSet<&str>) -> Vec<String> {
    let rank = |id: &str| match () {
        () if id.starts_with("CVE-") => 0,
        () if id.starts_with("GHSA-") => 1,
        () => 2,
    };
    let best = ids.iter().min_by_key(|id| (rank(id), cve_rank(id), **id)).copied();
    let rest = ids.iter().copied().filter(|id| Some(*id) != best);
    best.into_iter().chain(rest).map(str::to_owned).collect()
}

/// Sets that grow together (union-find).
#[derive(Default)]
struct Joined<'i> {
    slots: HashMap<&'i str, usize>,
    parents: Vec<usize>,
}

impl<'i> Joined<'i> {
    /// Puts all ids into one set; tells one of its slots.
    fn join(&mut self, ids: &[&'i str]) -> usize {
        let mut first = None;
        for id in ids {
            let fresh = self.parents.len();
            let slot = *self.slots.entry(id).or_insert(fresh);
            if slot == fresh {
                self.parents.push(fresh);
            }
            let root = self.root(slot);
            let first = *first.get_or_insert(root);
            let first = self.root(first);
            if let Some(parent) = self.parents.get_mut(root.max(first)) {
                *parent = root.min(first);
            }
        }
        first.unwrap_or_default()
    }

    /// A parent is never greater than its child, so this ends.
    fn root(&self, mut slot: usize) -> usize {
        while let Some(parent) = self.parents.get(slot).copied().filter(|parent| *parent < slot) {
            slot = parent;
        }
        slot
    }
}
