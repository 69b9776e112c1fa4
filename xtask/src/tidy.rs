//! The house rules that no other tool knows: which crate may use which, headers and lengths of source files, and words
//! that have no place in the tree. That generated pages are up to date is a test of `plimsoll`, which has the lists.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::{cargo_output, output};

/// The crates' levels; a crate may use only crates of a lower one.
const LEVELS: [(&str, u8); 16] = [
    ("chrono-tz", 0),
    ("plimsoll-model", 0),
    ("plimsoll-formats", 0),
    ("plimsoll-http", 0),
    ("plimsoll-image", 1),
    ("plimsoll-catalog", 1),
    ("plimsoll-advisory", 1),
    ("plimsoll-checks", 1),
    ("plimsoll-git", 1),
    ("plimsoll-trust", 1),
    ("plimsoll-policy", 1),
    ("plimsoll-patch", 1),
    ("plimsoll-report", 1),
    ("plimsoll-engine", 2),
    ("plimsoll-server", 3),
    ("plimsoll", 4),
];
/// Crates for the project's own use: they may use all others, and nothing that is shipped may use them.
const TOOLS: [&str; 2] = ["plimsoll-testkit", "xtask"];
/// A source file longer than this, its tests left out, holds more than one idea.
const LONGEST: usize = 600;
/// Put together here, so that this file does not break its own rule.
const WORDS: [(&str, &str); 4] = [
    (concat!("TO", "DO"), "an open end: finish it, or file an issue and name it"),
    (concat!("FIX", "ME"), "an open end: finish it, or file an issue and name it"),
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/var/", "tmp/c"), "a path of one machine"),
];

/// Checks all rules on the tree at `root`.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let metadata = cargo_output(root, &["metadata", "--format-version", "1", "--no-deps"])?;
    let metadata: Metadata = serde_json::from_str(&metadata).context("reading cargo's metadata")?;
    let mut complaints = layering(&metadata);
    for path in tracked(root)? {
        let Some(text) = text(&root.join(&path)) else { continue };
        complaints.extend(words(&path, &text));
        if path.ends_with(".rs") {
            complaints.extend(header(&path, &text));
            complaints.extend(length(&path, &text));
        }
    }
    if !complaints.is_empty() {
        bail!("tidy: {} complaints\n{}", complaints.len(), complaints.join("\n"));
    }
    Ok(())
}

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    /// None, `dev` or `build`.
    kind: Option<String>,
    /// Where it is, if it is one of ours.
    path: Option<String>,
}

fn level(name: &str) -> Option<u8> {
    LEVELS.iter().find(|(crate_name, _)| *crate_name == name).map(|(_, level)| *level)
}

/// Says which crate uses one that it may not.
fn layering(metadata: &Metadata) -> Vec<String> {
    let mut complaints = Vec::new();
    for package in metadata.packages.iter().filter(|package| !TOOLS.contains(&package.name.as_str())) {
        let Some(own) = level(&package.name) else {
            complaints.push(format!("{} has no level: give it one in xtask/src/tidy.rs", package.name));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| dependency.path.is_some()) {
            let is_tool = TOOLS.contains(&dependency.name.as_str());
            if is_tool && dependency.kind.as_deref() == Some("dev") {
                continue;
            }
            if level(&dependency.name).is_none_or(|other| other >= own) {
                complaints.push(format!("{} (level {own}) must not use {}", package.name, dependency.name));
            }
        }
    }
    complaints
}

fn tracked(root: &Path) -> anyhow::Result<Vec<String>> {
    let files = output(Command::new("git").current_dir(root).args(["ls-files", "-z"]))?;
    Ok(files.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
}

/// The text of a file; none if it is gone, or no text.
#[expect(clippy::disallowed_methods, reason = "our own files")]
fn text(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

fn words(path: &str, text: &str) -> Vec<String> {
    let found = |(word, reason): &(&str, &str)| {
        let line = text.lines().position(|line| line.contains(word))? + 1;
        Some(format!("{path}:{line}: {word:?} is {reason}"))
    };
    WORDS.iter().filter_map(found).collect()
}

/// A file of tests is described by what it tests.
fn header(path: &str, text: &str) -> Option<String> {
    (!path.ends_with("/tests.rs") && !text.starts_with("//!"))
        .then(|| format!("{path}: does not start with //!, what it is"))
}

fn length(path: &str, text: &str) -> Option<String> {
    let is_test = path.contains("/tests/") || path.ends_with("/tests.rs") || path.ends_with("_tests.rs");
    let lines = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().lines().count();
    (!is_test && lines > LONGEST)
        .then(|| format!("{path}: {lines} lines without its tests, {LONGEST} are the limit"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(packages: &str) -> Metadata {
        serde_json::from_str(&format!(r#"{{"packages": {packages}}}"#)).unwrap()
    }

    #[test]
    fn a_crate_may_use_lower_levels_only() {
        let sound = metadata(
            r#"[{"name": "plimsoll-image", "dependencies": [
                {"name": "plimsoll-model", "kind": null, "path": "/x"},
                {"name": "serde", "kind": null},
                {"name": "plimsoll-testkit", "kind": "dev", "path": "/x"}]},
               {"name": "xtask", "dependencies": [{"name": "plimsoll-engine", "kind": null, "path": "/x"}]}]"#,
        );
        assert_eq!(layering(&sound), Vec::<String>::new());
        let same_level = metadata(
            r#"[{"name": "plimsoll-report", "dependencies": [{"name": "plimsoll-policy", "kind": null, "path": "/x"}]}]"#,
        );
        assert_eq!(layering(&same_level), ["plimsoll-report (level 1) must not use plimsoll-policy"]);
        let shipped_tool = metadata(
            r#"[{"name": "plimsoll", "dependencies": [{"name": "plimsoll-testkit", "kind": null, "path": "/x"}]}]"#,
        );
        assert_eq!(layering(&shipped_tool), ["plimsoll (level 4) must not use plimsoll-testkit"]);
    }

    #[test]
    fn a_crate_without_a_level_is_named() {
        let unknown = metadata(r#"[{"name": "plimsoll-new", "dependencies": []}]"#);
        assert_eq!(layering(&unknown), ["plimsoll-new has no level: give it one in xtask/src/tidy.rs"]);
    }

    #[test]
    fn files_say_what_they_are_and_hold_one_idea() {
        assert_eq!(header("a.rs", "//! What it is.\n"), None);
        assert!(header("a.rs", "use std::fs;\n").is_some());
        assert_eq!(header("a/tests.rs", "use super::*;\n"), None);
        let tests = format!("//! x\n#[cfg(test)]\nmod tests {{\n{}}}\n", "\n".repeat(LONGEST));
        assert_eq!(length("a.rs", &tests), None);
        assert!(length("a.rs", &"\n".repeat(LONGEST + 1)).is_some());
        assert_eq!(length("x/tests/a.rs", &"\n".repeat(LONGEST + 1)), None);
    }

    #[test]
    fn words_are_found_with_their_line() {
        let text = format!("fine\n// {}: later\n", WORDS[0].0);
        assert_eq!(words("a.rs", &text).len(), 1);
        assert!(words("a.rs", &text)[0].starts_with("a.rs:2: "));
        assert_eq!(words("a.rs", "fine\n"), Vec::<String>::new());
    }
}
