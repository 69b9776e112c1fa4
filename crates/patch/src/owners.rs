//! Which package owns which file, by where the files really lie.

use std::collections::{BTreeMap, BTreeSet};

use crate::tree::Tree;

/// The files of packages.
#[derive(Clone, Debug, Default)]
pub struct Owners {
    /// The paths of each package, as its list names them, in its order.
    lists: BTreeMap<String, Vec<String>>,
    /// The packages of each place.
    places: BTreeMap<String, BTreeSet<String>>,
}

impl Owners {
    /// Adds a list of dpkg's: one path a line (`.list`), or behind a digest (`.md5sums`).
    pub fn add(&mut self, package: &str, text: &str, tree: &Tree) {
        let path = |line: &'_ str| line.split_once("  ").map_or(line, |(_, path)| path).to_owned();
        self.own(package, text.lines().map(path), tree);
    }

    /// Adds the paths of a package.
    pub fn own(&mut self, package: &str, paths: impl IntoIterator<Item = String>, tree: &Tree) {
        let plain = |path: String| {
            let path = path.trim_start_matches("./").trim_start_matches('/').trim_end_matches('/');
            (!path.is_empty() && path != ".").then(|| path.to_owned())
        };
        let paths: Vec<String> = paths.into_iter().filter_map(plain).collect();
        for path in &paths {
            if let Ok(place) = tree.place(path) {
                self.places.entry(place).or_default().insert(package.to_owned());
            }
        }
        self.lists.insert(package.to_owned(), paths);
    }

    /// The paths of a package, as its list names them.
    #[must_use]
    pub fn paths(&self, package: &str) -> &[String] {
        self.lists.get(package).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether there is a list of the package.
    #[must_use]
    pub fn knows(&self, package: &str) -> bool {
        self.lists.contains_key(package)
    }

    /// The packages that own what lies at `place`, but for `package`.
    pub fn others<'a>(&'a self, place: &str, package: &'a str) -> impl Iterator<Item = &'a str> {
        let owners = self.places.get(place).into_iter().flatten();
        owners.map(String::as_str).filter(move |owner| *owner != package)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tests::tree;

    #[test]
    fn a_file_is_known_by_either_of_its_names() {
        let tree = tree(&["lib -> usr/lib", "usr/lib/", "usr/lib/a"]);
        let mut owners = Owners::default();
        owners.add("a:amd64", "/.\n/lib\n/lib/a\n", &tree);
        owners.add("b", "0123  usr/lib/b\n", &tree);
        assert_eq!(owners.others("usr/lib/a", "b").collect::<Vec<_>>(), ["a:amd64"]);
        assert_eq!(owners.others("usr/lib/a", "a:amd64").count(), 0);
        assert_eq!(owners.paths("b"), ["usr/lib/b"]);
        assert!(owners.knows("b") && !owners.knows("c"));
    }

    #[test]
    fn two_spaces_end_a_digest_and_are_of_a_path_elsewhere() {
        let tree = tree(&["usr/a  b", "b"]);
        let mut owners = Owners::default();
        owners.own("a", ["/usr/a  b".to_owned(), "/".to_owned()], &tree);
        owners.add("b", "0123  b\n", &tree);
        assert_eq!(owners.paths("a"), ["usr/a  b"]);
        assert_eq!(owners.others("usr/a  b", "").collect::<Vec<_>>(), ["a"]);
        assert_eq!(owners.others("b", "").collect::<Vec<_>>(), ["b"]);
    }
}
