//! What has to go from each layer of an image: decided from evidence, before a byte is written.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use plimsoll_model::evidence::{EntryKind, Fact, LayerEvidence, SecretHit};
use plimsoll_model::path::parent;
use plimsoll_model::scrub::{BY_PATH, FileEdit, ScrubbedFile};

use super::{Mode, ScrubError, Selection};

/// What has to go from one layer.
#[derive(Clone, Debug, Default)]
pub(super) struct LayerPlan {
    /// What happens to each path that changes, and why.
    pub(super) files: BTreeMap<String, Fate>,
    /// For each hard link, what it leads to, as far as within the layer.
    pub(super) links: HashMap<String, String>,
    /// The secrets that go, and the path of each.
    pub(super) hits: Vec<(String, SecretHit)>,
}

/// What happens to a path.
#[derive(Clone, Debug)]
pub(super) struct Fate {
    /// What.
    pub(super) change: FileEdit,
    /// Why.
    pub(super) rules: BTreeSet<String>,
}

impl LayerPlan {
    /// Whether anything changes.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// What happens to `path`.
    pub(super) fn fate(&self, path: &str) -> Option<FileEdit> {
        self.files.get(path).map(|fate| fate.change)
    }

    /// Whether `path` goes.
    pub(super) fn goes(&self, path: &str) -> bool {
        matches!(self.fate(path), Some(FileEdit::Removed | FileEdit::Hidden))
    }

    /// The file that the hard link `path` is another name of.
    pub(super) fn file_of<'a>(&'a self, path: &'a str) -> &'a str {
        let mut at = path;
        // A chain cannot be longer than there are links; a ring ends here, too.
        for _ in 0..self.links.len() {
            match self.links.get(at) {
                Some(target) => at = target,
                None => break,
            }
        }
        at
    }

    /// As it is reported.
    pub(super) fn report(&self) -> Vec<ScrubbedFile> {
        let file = |(path, fate): (&String, &Fate)| ScrubbedFile {
            path: path.clone(),
            change: fate.change,
            rules: fate.rules.iter().cloned().collect(),
        };
        self.files.iter().map(file).collect()
    }
}

/// Plans for the layers of one image, lowest first.
pub(super) fn plan(
    layers: &[LayerEvidence],
    selection: &Selection,
    mode: Mode,
) -> Result<Vec<LayerPlan>, ScrubError> {
    let mut plans: Vec<LayerPlan> = layers.iter().map(|layer| of_layer(layer, selection, mode)).collect();
    let views: Vec<View<'_>> = layers.iter().map(View::new).collect();
    dangling(layers, &plans)?;
    for index in 0..plans.len() {
        let (below, rest) = plans.split_at_mut(index);
        let Some(plan) = rest.first_mut() else { break };
        for (path, fate) in plan.files.iter_mut().filter(|(_, fate)| fate.change == FileEdit::Removed) {
            if shows_below(&views, below, index, path) {
                fate.change = FileEdit::Hidden;
            }
        }
    }
    Ok(plans)
}

fn of_layer(layer: &LayerEvidence, selection: &Selection, mode: Mode) -> LayerPlan {
    let mut plan = LayerPlan::default();
    let mut kinds: HashMap<&str, &EntryKind> = HashMap::new();
    for entry in layer.entries.iter().filter(|entry| is_content(&entry.kind)) {
        kinds.insert(&entry.path, &entry.kind);
        if let EntryKind::Hardlink(target) = &entry.kind {
            plan.links.insert(entry.path.to_string(), target.to_string());
        }
        if selection.names(&entry.path) {
            plan.add(&entry.path, FileEdit::Removed, BY_PATH);
        }
    }
    for located in layer.facts.iter().flat_map(|facts| &facts.facts) {
        let Fact::Secret(hit) = &located.fact else { continue };
        let is_named = plan.goes(&located.path);
        if !is_named && !selection.wants(hit) {
            continue;
        }
        // Another name of a file shares its content: there is nothing to overwrite.
        let is_link = matches!(kinds.get(located.path.as_str()), Some(EntryKind::Hardlink(_)));
        match mode {
            Mode::Remove => plan.add(&located.path, FileEdit::Removed, &hit.rule),
            Mode::Redact if is_named => plan.add(&located.path, FileEdit::Removed, &hit.rule),
            Mode::Redact if is_link => {}
            Mode::Redact => plan.add(&located.path, FileEdit::Redacted, &hit.rule),
        }
        plan.hits.push((located.path.clone(), hit.clone()));
    }
    if mode == Mode::Redact {
        plan.take_links_along(layer, selection);
    }
    plan
}

impl LayerPlan {
    fn add(&mut self, path: &str, change: FileEdit, rule: &str) {
        let fate = self.files.entry(path.to_owned());
        fate.or_insert_with(|| Fate { change, rules: BTreeSet::new() }).rules.insert(rule.to_owned());
    }

    /// A hard link takes the place of a file that goes by name, with all its content: what has a secret must not stay.
    fn take_links_along(&mut self, layer: &LayerEvidence, selection: &Selection) {
        let stays = |link: &&String| !self.goes(link) && self.goes(self.file_of(link));
        let links: HashSet<String> = self.links.keys().filter(stays).cloned().collect();
        for located in layer.facts.iter().flat_map(|facts| &facts.facts) {
            if let Fact::Secret(hit) = &located.fact
                && links.contains(&located.path)
                && selection.wants(hit)
            {
                self.add(&located.path, FileEdit::Removed, &hit.rule);
            }
        }
    }
}

const fn is_content(kind: &EntryKind) -> bool {
    !matches!(kind, EntryKind::Whiteout | EntryKind::Opaque)
}

/// Refuses hard links that stay and lead to a file of a lower layer that goes: their content would go with it.
fn dangling(layers: &[LayerEvidence], plans: &[LayerPlan]) -> Result<(), ScrubError> {
    for (index, (layer, plan)) in layers.iter().zip(plans).enumerate() {
        let own: HashSet<&str> =
            layer.entries.iter().filter(|entry| is_content(&entry.kind)).map(|entry| &*entry.path).collect();
        for (link, target) in &plan.links {
            let leaves = !own.contains(target.as_str());
            let goes = plans.iter().take(index).any(|below| below.goes(target));
            if leaves && goes && !plan.goes(link) {
                return Err(ScrubError::Link {
                    layer: index + 1,
                    link: link.clone(),
                    target: target.clone(),
                });
            }
        }
    }
    Ok(())
}

/// What one layer has at paths.
struct View<'a> {
    content: HashMap<&'a str, &'a EntryKind>,
    whiteouts: HashSet<&'a str>,
    opaque: HashSet<&'a str>,
}

impl<'a> View<'a> {
    fn new(layer: &'a LayerEvidence) -> Self {
        let mut view = Self { content: HashMap::new(), whiteouts: HashSet::new(), opaque: HashSet::new() };
        for entry in &layer.entries {
            match &entry.kind {
                EntryKind::Whiteout => drop(view.whiteouts.insert(&entry.path)),
                EntryKind::Opaque => drop(view.opaque.insert(&entry.path)),
                kind => drop(view.content.insert(&entry.path, kind)),
            }
        }
        view
    }

    /// Whether it hides what lower layers have at `path`, beside putting something there itself.
    fn hides(&self, path: &str) -> bool {
        if self.whiteouts.contains(path) {
            return true;
        }
        let mut folder = path;
        while !folder.is_empty() {
            folder = parent(folder);
            let is_no_folder = self.content.get(folder).is_some_and(|kind| **kind != EntryKind::Directory);
            if self.whiteouts.contains(folder) || self.opaque.contains(folder) || is_no_folder {
                return true;
            }
        }
        false
    }
}

/// Whether something of a lower layer would be seen at `path` once layer `index` has nothing there.
fn shows_below(views: &[View<'_>], below: &[LayerPlan], index: usize, path: &str) -> bool {
    if views.get(index).is_none_or(|view| view.hides(path)) {
        return false;
    }
    for (view, plan) in views.iter().zip(below).rev() {
        match plan.fate(path) {
            Some(FileEdit::Hidden) => return false,
            Some(FileEdit::Redacted) => return true,
            Some(FileEdit::Removed) => {}
            None if view.content.contains_key(path) => return true,
            None => {}
        }
        if view.hides(path) {
            return false;
        }
    }
    false
}

#[cfg(test)]
mod tests;
