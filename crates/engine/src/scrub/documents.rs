//! Takes secrets out of an image's configuration and manifest: out of variables, labels and build steps as the rules see
//! them, and out of every other text that a rule knows or that repeats what went.

use std::collections::BTreeSet;

use plimsoll_checks::image_config::remove::{Cleared, cleared_step, cleared_text, cleared_value, without};
use plimsoll_image::mutate::{Node, Papers};
use plimsoll_model::evidence::SecretHit;
use plimsoll_model::scrub::ScrubbedSetting;

use super::Selection;

/// What was taken out of documents.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Where.
    pub(super) settings: Vec<ScrubbedSetting>,
    /// What, and the place of each.
    pub(super) hits: Vec<(String, SecretHit)>,
    values: Vec<(String, BTreeSet<String>)>,
}

/// Takes the secrets out of `papers`.
pub(super) fn clear(papers: &mut Papers, selection: &Selection) -> Taken {
    let mut taken = Taken::default();
    let mut clearing = Clearing { selection, taken: &mut taken };
    for (part, title) in [("config", "config"), ("container_config", "container_config")] {
        if let Some(part) = papers.config.get_mut(part) {
            clearing.variables(part, title);
            clearing.labels(part, title);
        }
    }
    clearing.history(&mut papers.config);
    clearing.rest(&mut papers.config, "");
    clearing.rest(&mut papers.manifest, "manifest");
    taken.settings.sort();
    taken.settings.dedup();
    taken
}

/// Takes the secrets out of an index, after those of its images.
pub(super) fn clear_index(index: &mut Node, selection: &Selection) -> Taken {
    let mut taken = Taken::default();
    Clearing { selection, taken: &mut taken }.rest(index, "index");
    taken
}

struct Clearing<'a> {
    selection: &'a Selection,
    taken: &'a mut Taken,
}

impl Clearing<'_> {
    fn variables(&mut self, part: &mut Node, title: &str) {
        let wanted = |hit: &SecretHit| self.selection.wants_of("secret-in-environment", hit);
        let mut found = Vec::new();
        for variable in part.get_mut("Env").map(Node::list_mut).unwrap_or_default() {
            let Some((name, value)) = variable.text().and_then(|text| text.split_once('=')) else { continue };
            if let Some(cleared) = cleared_value(name, value, &wanted) {
                let place = format!("{title}.Env {name}");
                *variable = format!("{name}={}", cleared.text).into();
                found.push((place, cleared));
            }
        }
        found.into_iter().for_each(|(place, cleared)| self.take(place, cleared));
    }

    fn labels(&mut self, part: &mut Node, title: &str) {
        let wanted = |hit: &SecretHit| self.selection.wants_of("secret-in-label", hit);
        let mut found = Vec::new();
        for (name, value) in part.get_mut("Labels").map(Node::members_mut).unwrap_or_default() {
            if let Some(cleared) = value.text().and_then(|text| cleared_value(name, text, &wanted)) {
                *value = cleared.text.as_str().into();
                found.push((format!("{title}.Labels {name}"), cleared));
            }
        }
        found.into_iter().for_each(|(place, cleared)| self.take(place, cleared));
    }

    fn history(&mut self, config: &mut Node) {
        let wanted = |hit: &SecretHit| self.selection.wants_of("secret-in-history", hit);
        let mut found = Vec::new();
        let steps = config.get_mut("history").map(Node::list_mut).unwrap_or_default();
        for (index, step) in steps.iter_mut().enumerate() {
            let Some(text) = step.get_mut("created_by") else { continue };
            if let Some(cleared) = text.text().and_then(|text| cleared_step(text, &wanted)) {
                *text = cleared.text.as_str().into();
                found.push((history_title(index), cleared));
            }
        }
        found.into_iter().for_each(|(place, cleared)| self.take(place, cleared));
    }

    /// All texts below `node`, which is called `title`.
    fn rest(&mut self, node: &mut Node, title: &str) {
        match node {
            Node::Text(text) => {
                let mut rules = BTreeSet::new();
                let mut changed = text.clone();
                for (value, of) in &self.taken.values {
                    let less = without(&changed, value);
                    if less != changed {
                        rules.extend(of.iter().cloned());
                        changed = less;
                    }
                }
                let more = cleared_text(&changed, &|hit| self.selection.wants(hit));
                if let Some(cleared) = more {
                    changed.clone_from(&cleared.text);
                    self.take(title.to_owned(), cleared);
                }
                if !rules.is_empty() {
                    self.taken.settings.push(setting(title.to_owned(), rules));
                }
                *text = changed;
            }
            Node::List(elements) => {
                for (index, element) in elements.iter_mut().enumerate() {
                    let name = if title == "history" {
                        history_title(index)
                    } else {
                        format!("{title} {}", index + 1)
                    };
                    self.rest(element, &name);
                }
            }
            Node::Map(members) => {
                for (key, value) in members {
                    let title = if title.is_empty() { key.clone() } else { format!("{title}.{key}") };
                    self.rest(value, &title);
                }
            }
            Node::Null | Node::Bool(_) | Node::Number(_) => {}
        }
    }

    fn take(&mut self, place: String, cleared: Cleared) {
        let rules: BTreeSet<String> = cleared.hits.iter().map(|hit| hit.rule.clone()).collect();
        self.taken.values.extend(cleared.values.into_iter().map(|value| (value, rules.clone())));
        self.taken.hits.extend(cleared.hits.into_iter().map(|hit| (place.clone(), hit)));
        self.taken.settings.push(setting(place, rules));
    }
}

fn history_title(index: usize) -> String {
    format!("history {}", index + 1)
}

fn setting(place: String, rules: BTreeSet<String>) -> ScrubbedSetting {
    ScrubbedSetting { place, rules: rules.into_iter().collect() }
}

#[cfg(test)]
mod tests;
