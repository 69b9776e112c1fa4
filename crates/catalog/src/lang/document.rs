//! The documents that lock files are made of, read to values; and which lock files say nothing of the image.

use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::needs::{Needs, Reach};
use plimsoll_model::package::{Ecosystem, Package};
use serde::de::DeserializeOwned;

/// Lock files of large projects have some megabytes.
const LIMIT: u64 = 64 << 20;

/// Text files at these paths.
pub(crate) const fn text_files(paths: &'static [PathRule]) -> Wants {
    Wants { paths, content: ContentRule::Text, max_size: LIMIT }
}

/// Reads JSON, with or without a byte order mark.
pub(crate) fn json<T: DeserializeOwned>(file: &mut ScanFile<'_>) -> Result<T, ExtractError> {
    let bytes = file.read()?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    serde_json::from_slice(bytes).map_err(|error| ExtractError::Malformed(error.to_string()))
}

/// Reads TOML.
pub(crate) fn toml<T: DeserializeOwned>(file: &mut ScanFile<'_>) -> Result<T, ExtractError> {
    let text = file.text()?;
    toml::from_str(&text).map_err(|error| ExtractError::Malformed(error.message().to_owned()))
}

/// Reads YAML.
pub(crate) fn yaml<T: DeserializeOwned>(file: &mut ScanFile<'_>) -> Result<T, ExtractError> {
    let text = file.text()?;
    if brackets_nest(text.as_bytes()) > DEPTH {
        return Err(ExtractError::Limit(format!("brackets are nested more than {DEPTH} deep")));
    }
    serde_yaml_ng::from_str(&text).map_err(|error| ExtractError::Malformed(error.to_string()))
}

/// Deeper than any lock file. With each bracket that is open the reader of YAML gets slower.
const DEPTH: usize = 100;

/// How deep brackets are nested at most; those in texts count too.
fn brackets_nest(text: &[u8]) -> usize {
    let (mut depth, mut most) = (0_usize, 0);
    for byte in text {
        match byte {
            b'[' | b'{' => depth = depth.saturating_add(1),
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        most = most.max(depth);
    }
    most
}

/// Folders in which package managers keep packages with all that their authors had.
const OF_AUTHORS: [&str; 10] = [
    "node_modules",
    "bower_components",
    "vendor",
    "site-packages",
    "dist-packages",
    "gems",
    ".pub-cache",
    ".julia",
    "testdata",
    "_build",
];

/// Tells whether a lock file lies inside of an installed package: it says what its author had, not what is here.
pub(crate) fn is_authors(path: &str) -> bool {
    path.contains("/pkg/mod/")
        || path.contains("/registry/src/")
        || path.split('/').any(|part| OF_AUTHORS.contains(&part))
}

/// Adds a package that is asked for, if it has a name and a version.
pub(crate) fn declare(
    facts: &mut Facts,
    ecosystem: Ecosystem,
    name: impl Into<String>,
    version: impl Into<String>,
) {
    let (name, version) = (name.into(), version.into());
    if !name.is_empty() && !version.is_empty() {
        facts.push(Fact::DeclaredPackage(Package::new(ecosystem, name, version)));
    }
}

/// As [`declare`], with the names that the package needs: each with a version if it has to be one of several.
pub(crate) fn declare_with<'n>(
    facts: &mut Facts,
    (ecosystem, name, version): (Ecosystem, &str, &str),
    wanted: impl IntoIterator<Item = (&'n str, Option<&'n str>)>,
) {
    let mut needs = Needs::of(&Package::new(ecosystem, name, version), Reach::File);
    for (name, version) in wanted {
        match version {
            Some(version) => needs.need_version(name, version),
            None => needs.need([name]),
        }
    }
    facts.push_needs(needs);
    declare(facts, ecosystem, name, version);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_counted_before_they_are_read() {
        assert_eq!(brackets_nest(b"a: [{b: [1]}, [2]]"), 3);
        assert_eq!(brackets_nest(b"]]{"), 1);
        let deep = "{a: ".repeat(1_000_000);
        let mut file = ScanFile::in_memory("x", 0o644, deep.as_bytes());
        assert!(matches!(yaml::<serde_yaml_ng::Value>(&mut file), Err(ExtractError::Limit(_))));
    }

    #[test]
    fn what_authors_had_is_told_by_its_folder() {
        assert!(is_authors("app/node_modules/x/yarn.lock"));
        assert!(is_authors("root/go/pkg/mod/example.com/x@v1/go.mod"));
        assert!(is_authors("usr/local/cargo/registry/src/x/Cargo.lock"));
        assert!(!is_authors("srv/yarn.lock"));
    }
}
