//! The services of a Compose file, each with those that it extends.

use std::collections::{HashMap, HashSet};

use plimsoll_formats::yaml_tree::Yaml;

use crate::image_config::clipped;

/// How many services one may extend by way of others.
const EXTENDED: usize = 16;

/// A service.
#[derive(Clone, Debug)]
pub(super) struct Service<'t> {
    pub(super) name: &'t str,
    pub(super) key: Yaml<'t>,
    /// What is written of it.
    pub(super) node: Yaml<'t>,
    /// What is written of those that it extends, the nearest first.
    bases: Vec<Yaml<'t>>,
    /// What it takes besides, of which nothing is known.
    pub(super) unknown: Option<Unknown<'t>>,
}

/// Why not all of a service is known.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unknown<'t> {
    /// It extends a service of another file.
    OtherFile(&'t str),
    /// It extends a service that is not there, or in a circle.
    Unresolved,
}

/// All services of a file.
pub(super) fn services<'t>(root: Yaml<'t>) -> Vec<Service<'t>> {
    let entries = root.get("services").map(Yaml::entries).unwrap_or_default();
    let entries = entries.into_iter().filter(|(_, node)| node.is_mapping());
    let entries: Vec<(Yaml<'t>, Yaml<'t>)> = entries.collect();
    let by_name: HashMap<&str, Yaml<'t>> =
        entries.iter().filter_map(|(key, node)| Some((key.text()?, *node))).collect();
    let service = |&(key, node): &(Yaml<'t>, Yaml<'t>)| {
        let (bases, unknown) = bases(node, &by_name);
        Service { name: key.text().unwrap_or_default(), key, node, bases, unknown }
    };
    entries.iter().map(service).collect()
}

fn bases<'t>(node: Yaml<'t>, by_name: &HashMap<&'t str, Yaml<'t>>) -> (Vec<Yaml<'t>>, Option<Unknown<'t>>) {
    let mut bases = Vec::new();
    let mut known = HashSet::from([node.offset()]);
    let mut next = node;
    while let Some(extends) = next.get("extends") {
        if let Some(file) = extends.get("file").and_then(Yaml::string) {
            return (bases, Some(Unknown::OtherFile(file)));
        }
        let name = extends.get("service").or(Some(extends)).and_then(Yaml::string).unwrap_or_default();
        match by_name.get(name) {
            Some(base) if known.insert(base.offset()) && bases.len() < EXTENDED => {
                bases.push(*base);
                next = *base;
            }
            Some(_) | None => return (bases, Some(Unknown::Unresolved)),
        }
    }
    (bases, None)
}

impl<'t> Service<'t> {
    pub(super) fn label(&self) -> String {
        format!("service {:?}", clipped(self.name))
    }

    /// What is written at `path`, of the service itself or of what it extends.
    pub(super) fn at(&self, path: &[&str]) -> Option<Yaml<'t>> {
        std::iter::once(&self.node).chain(&self.bases).find_map(|node| node.at(path))
    }

    /// The same for the elements of lists, which are put together.
    pub(super) fn items(&self, name: &str) -> Vec<Yaml<'t>> {
        let nodes = std::iter::once(&self.node).chain(&self.bases);
        nodes.filter_map(|node| node.get(name)).flat_map(Yaml::items).collect()
    }

    /// Tells whether what it does not say is said nowhere else.
    pub(super) fn is_known(&self) -> bool {
        self.unknown.is_none()
    }
}

/// Compose takes the words of booleans in quotes too.
pub(super) fn is_true(node: Yaml<'_>) -> bool {
    node.boolean().unwrap_or_else(|| node.text().is_some_and(|text| text.eq_ignore_ascii_case("true")))
}
