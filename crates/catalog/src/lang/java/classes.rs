//! Where an archive has classes: the directories, under which a group has its packages (`org.apache.commons` has them below
//! `org/apache/commons`), also where a build moved them (`com/example/shaded/org/apache/commons`).

use std::collections::BTreeSet;

use plimsoll_model::code::{Code, Name, Names};
use plimsoll_model::package::Ecosystem;

/// The name for "the archive holds something beside metadata".
const CONTENT: &str = ".";
/// The name for "the archive holds classes".
const CLASSES: &str = "/";
/// No package has more parts, or is longer.
const PARTS_LIMIT: usize = 16;
const LENGTH_LIMIT: usize = 256;
/// The directories with classes that are kept of one archive.
const DIRECTORY_LIMIT: usize = 20_000;
/// Where frameworks keep an application's own classes.
const ROOTS: [&str; 2] = ["BOOT-INF/classes/", "WEB-INF/classes/"];

/// The directories with classes.
#[derive(Debug, Default)]
pub(super) struct Classes {
    directories: BTreeSet<String>,
    has_content: bool,
    is_cut: bool,
}

impl Classes {
    /// Takes note of a member of the archive.
    pub(super) fn take(&mut self, member: &str) {
        if member.ends_with('/') {
            return;
        }
        let versioned = member.strip_prefix("META-INF/versions/").and_then(|rest| rest.split_once('/'));
        let plain = versioned.map_or(member, |(_, rest)| rest);
        let plain = ROOTS.iter().find_map(|root| plain.strip_prefix(root)).unwrap_or(plain);
        self.has_content |= !plain.starts_with("META-INF/");
        let Some((directory, _)) = plain.rsplit_once('/').filter(|_| plain.ends_with(".class")) else {
            self.directories.extend(plain.ends_with(".class").then(String::new));
            return;
        };
        if self.directories.contains(directory) {
            return;
        }
        let fits = directory.len() <= LENGTH_LIMIT && directory.split('/').count() <= PARTS_LIMIT;
        if fits && self.directories.len() < DIRECTORY_LIMIT {
            self.directories.insert(directory.to_owned());
        } else {
            self.is_cut = true;
        }
    }

    /// The names: directories, those above them, and those from a part on that starts the packages of others.
    pub(super) fn code(&self) -> Code {
        let mut names = Vec::new();
        names.extend(self.has_content.then(|| Name::of(&[CONTENT])));
        names.extend((!self.directories.is_empty()).then(|| Name::of(&[CLASSES])));
        for directory in &self.directories {
            let starts = directory.match_indices('/').map(|(at, _)| at + 1);
            let starts = starts.filter_map(|at| directory.get(at..)).filter(|rest| starts_packages(rest));
            for path in std::iter::once(directory.as_str()).chain(starts) {
                let ends = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
                names.extend(ends.chain([path]).map(|path| Name::of(&[path])));
            }
        }
        Code { ecosystem: Ecosystem::Maven, is_whole: !self.is_cut, names: Names::from_iter(names) }
    }
}

fn starts_packages(path: &str) -> bool {
    let first = path.split('/').next().unwrap_or_default();
    matches!(first, "com" | "org" | "net" | "edu" | "gov" | "java" | "javax" | "jakarta" | "dev")
        || first.len() == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(members: &[&str]) -> Code {
        let mut classes = Classes::default();
        members.iter().for_each(|member| classes.take(member));
        classes.code()
    }

    #[test]
    fn groups_are_found_where_they_are_and_where_they_were_moved() {
        let code = code(&[
            "META-INF/maven/org.example/x/pom.properties",
            "BOOT-INF/classes/shop/Shop.class",
            "META-INF/versions/11/org/apache/commons/text/X.class",
            "com/example/shaded/com/google/common/base/Y.class",
        ]);
        let has = |name: &str| code.names.contains(Name::of(&[name]));
        for name in [".", "/", "shop", "org/apache/commons", "com/example", "com/google/common", "com/google"]
        {
            assert!(has(name), "{name}");
        }
        for name in ["google/common", "shaded", "org/example", "META-INF", "BOOT-INF"] {
            assert!(!has(name), "{name}");
        }
    }

    #[test]
    fn archives_of_metadata_have_neither_content_nor_classes() {
        assert!(
            code(&["META-INF/", "META-INF/MANIFEST.MF", "org/", "META-INF/maven/a/b/pom.xml"])
                .names
                .is_empty()
        );
        let script = code(&["clojure/core.clj"]);
        assert!(script.names.contains(Name::of(&["."])) && !script.names.contains(Name::of(&["/"])));
    }

    #[test]
    fn directories_without_end_are_cut() {
        let mut classes = Classes::default();
        for n in 0..=DIRECTORY_LIMIT {
            classes.take(&format!("a{n}/X.class"));
        }
        assert!(!classes.code().is_whole);
        assert!(!code(&[&format!("{}X.class", "com/".repeat(10_000))]).is_whole);
    }
}
