//! Picks the extractors that want a path: one table over all path rules, a few look-ups an entry, instead of asking
//! each extractor.

use std::collections::HashMap;

use plimsoll_formats::utf16;
use plimsoll_model::extractor::{ContentRule, Extractor, PathRule};
use plimsoll_model::path::{file_name, parent};

/// A set of extractors, by their index in the list.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Chosen(u128);

impl Chosen {
    /// Tells whether nobody is interested.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The indexes, in ascending order.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..EXTRACTOR_LIMIT).filter(move |index| self.0 & (1 << index) != 0)
    }

    const fn one(index: usize) -> Self {
        Self(1 << index)
    }

    const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The set without `index`.
    #[must_use]
    pub const fn without(self, index: usize) -> Self {
        Self(self.0 & !(1 << index))
    }
}

/// The table.
#[derive(Debug)]
pub struct Selector {
    any: Chosen,
    exact: HashMap<&'static str, Chosen>,
    directories: HashMap<&'static str, Chosen>,
    names: HashMap<&'static str, Chosen>,
    /// Suffixes with a `/` by the file name they end with.
    suffixes_by_name: HashMap<&'static str, Vec<(&'static str, Chosen)>>,
    /// Other suffixes by what follows their last dot.
    suffixes_by_extension: HashMap<&'static str, Vec<(&'static str, Chosen)>>,
}

/// The most extractors that one pass can have.
pub const EXTRACTOR_LIMIT: usize = 128;

impl Selector {
    /// Builds the table for `extractors`, at most [`EXTRACTOR_LIMIT`] of them.
    #[must_use]
    pub fn new(extractors: &[Extractor]) -> Self {
        let mut selector = Self {
            any: Chosen::default(),
            exact: HashMap::new(),
            directories: HashMap::new(),
            names: HashMap::new(),
            suffixes_by_name: HashMap::new(),
            suffixes_by_extension: HashMap::new(),
        };
        for (index, extractor) in extractors.iter().enumerate().take(EXTRACTOR_LIMIT) {
            for rule in extractor.wants.paths {
                selector.add(*rule, Chosen::one(index));
            }
        }
        selector
    }

    fn add(&mut self, rule: PathRule, who: Chosen) {
        let add = |map: &mut HashMap<&'static str, Chosen>, key| {
            let chosen = map.entry(key).or_default();
            *chosen = chosen.with(who);
        };
        match rule {
            PathRule::Any => self.any = self.any.with(who),
            PathRule::Exact(path) => add(&mut self.exact, path),
            PathRule::In(directory) => add(&mut self.directories, directory),
            PathRule::Name(name) => add(&mut self.names, name),
            PathRule::Suffix(suffix) if suffix.contains('/') => {
                self.suffixes_by_name.entry(file_name(suffix)).or_default().push((suffix, who));
            }
            PathRule::Suffix(suffix) => {
                self.suffixes_by_extension.entry(extension(suffix)).or_default().push((suffix, who));
            }
        }
    }

    /// The extractors with a path rule that fits `path`; their content rules are still to be asked.
    #[must_use]
    pub fn by_path(&self, path: &str) -> Chosen {
        let name = file_name(path);
        let look_up =
            |map: &HashMap<&'static str, Chosen>, key: &str| map.get(key).copied().unwrap_or_default();
        let ends_so = |rules: Option<&Vec<(&'static str, Chosen)>>| {
            rules
                .into_iter()
                .flatten()
                .filter(|(suffix, _)| path.ends_with(suffix))
                .fold(Chosen::default(), |all, (_, who)| all.with(*who))
        };
        self.any
            .with(look_up(&self.exact, path))
            .with(look_up(&self.directories, parent(path)))
            .with(look_up(&self.names, name))
            .with(ends_so(self.suffixes_by_name.get(name)))
            .with(ends_so(self.suffixes_by_extension.get(extension(name))))
    }
}

fn extension(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

/// Tells whether `first_bytes` fit a content rule.
#[must_use]
pub fn content_fits(rule: ContentRule, first_bytes: &[u8]) -> bool {
    match rule {
        ContentRule::Any => true,
        ContentRule::Magic(magics) | ContentRule::Head(magics, _) => {
            magics.iter().any(|magic| first_bytes.starts_with(magic))
        }
        ContentRule::Wide(magics) => {
            magics.iter().any(|magic| first_bytes.starts_with(magic)) || utf16::order(first_bytes).is_some()
        }
        ContentRule::Text => !first_bytes.contains(&0),
        ContentRule::Directory => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::extractor::Wants;

    const fn wanting(paths: &'static [PathRule]) -> Extractor {
        Extractor {
            name: "test",
            revision: 1,
            wants: Wants { paths, content: ContentRule::Any, max_size: 1 },
            extract: |_, _| Ok(()),
        }
    }

    #[test]
    fn each_kind_of_rule_finds_its_paths_and_no_others() {
        let selector = Selector::new(&[
            wanting(&[PathRule::Exact("var/lib/dpkg/status")]),
            wanting(&[PathRule::In("var/lib/dpkg/status.d")]),
            wanting(&[PathRule::Name("package.json")]),
            wanting(&[PathRule::Suffix(".dist-info/METADATA"), PathRule::Suffix(".jar")]),
        ]);
        let found = |path| selector.by_path(path).iter().collect::<Vec<_>>();
        assert_eq!(found("var/lib/dpkg/status"), [0]);
        assert_eq!(found("var/lib/dpkg/status.d/libc6"), [1]);
        assert_eq!(found("var/lib/dpkg/status.d/a/b"), [0_usize; 0]);
        assert_eq!(found("package.json"), [2]);
        assert_eq!(found("srv/node_modules/x/package.json"), [2]);
        assert_eq!(found("usr/lib/x-1.dist-info/METADATA"), [3]);
        assert_eq!(found("usr/lib/METADATA"), [0_usize; 0]);
        assert_eq!(found("app/x.jar"), [3]);
        assert_eq!(found("app/x.jar.txt"), [0_usize; 0]);
    }
}
