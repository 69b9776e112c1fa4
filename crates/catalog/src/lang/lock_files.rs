//! What the lock files of Rust, Go and Gradle ask for: `Cargo.lock`, `go.mod`, `gradle.lockfile`
//! (<https://doc.rust-lang.org/cargo/guide/cargo-toml-vs-cargo-lock.html>, <https://go.dev/ref/mod#go-mod-file>,
//! <https://docs.gradle.org/current/userguide/dependency_locking.html>).

use std::collections::HashMap;

use plimsoll_model::extractor::{ExtractError, Extractor, Facts, PathRule, ScanFile};
use plimsoll_model::package::Ecosystem;
use serde::Deserialize;

use super::document::{declare, declare_with, is_authors, text_files, toml};

/// Reads Cargo's.
pub(crate) const CARGO_LOCK: Extractor = Extractor {
    name: "cargo-lock",
    revision: 2,
    wants: text_files(&[PathRule::Name("Cargo.lock")]),
    extract: cargo,
};

/// Reads Go's.
pub(crate) const GO_MOD: Extractor =
    Extractor { name: "go-mod", revision: 1, wants: text_files(&[PathRule::Name("go.mod")]), extract: go };

/// Reads Gradle's.
pub(crate) const GRADLE_LOCK: Extractor = Extractor {
    name: "gradle-lock",
    revision: 1,
    wants: text_files(&[PathRule::Name("gradle.lockfile"), PathRule::Name("buildscript-gradle.lockfile")]),
    extract: gradle,
};

#[derive(Deserialize)]
struct CargoLock {
    #[serde(default)]
    package: Vec<Crate>,
}

#[derive(Deserialize)]
struct Crate {
    name: String,
    version: String,
    /// None for the workspace's own.
    source: Option<String>,
    /// `NAME`, or `NAME VERSION` where there are several, in old files with a source behind it.
    #[serde(default)]
    dependencies: Vec<String>,
}

fn cargo(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    if is_authors(file.path) {
        return Ok(());
    }
    let lock: CargoLock = toml(file)?;
    for package in lock.package {
        let source = package.source.unwrap_or_default();
        if source.starts_with("registry+") || source.starts_with("sparse+") {
            let wanted = package.dependencies.iter().map(|wish| {
                let mut words = wish.split(' ');
                (words.next().unwrap_or_default(), words.next())
            });
            declare_with(facts, (Ecosystem::Cargo, &package.name, &package.version), wanted);
        }
    }
    Ok(())
}

fn go(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    if is_authors(file.path) {
        return Ok(());
    }
    let text = file.text()?;
    let mut required = Vec::new();
    let mut replaced = HashMap::new();
    let mut block = None;
    for line in text.lines() {
        let words: Vec<&str> = line.split("//").next().unwrap_or_default().split_whitespace().collect();
        let (verb, rest) = match (block, words.as_slice()) {
            (_, []) => continue,
            (_, [")"]) => {
                block = None;
                continue;
            }
            (Some(verb), rest) => (verb, rest),
            (None, [verb, "("]) => {
                block = Some(*verb);
                continue;
            }
            // Go's own sources, which nobody runs.
            (None, ["module", "std" | "cmd", ..]) => return Ok(()),
            (None, [verb, rest @ ..]) => (*verb, rest),
        };
        match (verb, rest) {
            ("require", [path, version, ..]) if version.starts_with('v') => {
                required.push((unquoted(path), *version))
            }
            ("replace", [path, "=>", new @ ..]) | ("replace", [path, _, "=>", new @ ..]) => {
                replaced.insert(unquoted(path), new.to_vec());
            }
            _ => {}
        }
    }
    for (path, version) in required {
        match replaced.get(path).map(Vec::as_slice) {
            // A folder has no version.
            Some([_]) => {}
            Some([path, version, ..]) => declare(facts, Ecosystem::Go, unquoted(path), *version),
            _ => declare(facts, Ecosystem::Go, path, version),
        }
    }
    Ok(())
}

fn unquoted(text: &str) -> &str {
    text.trim_matches(['"', '`'])
}

fn gradle(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let text = file.text()?;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((title, _)) = line.split_once('=') else { continue };
        if let Some((name, version)) = title.rsplit_once(':').filter(|(name, _)| name.contains(':')) {
            declare(facts, Ecosystem::Maven, name, version);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{declared, error_of, facts_of};

    #[test]
    fn crates_of_a_registry_are_read() {
        let text = "version = 3\n\n[[package]]\nname = \"shop\"\nversion = \"0.1.0\"\ndependencies = [\"time\"]\n\n[[package]]\nname = \"time\"\nversion = \"0.1.40\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"x\"\n\n[[package]]\nname = \"own\"\nversion = \"1.0.0\"\nsource = \"git+https://x\"\n";
        let expected = declared(Ecosystem::Cargo, &[("time", "0.1.40")]);
        assert_eq!(facts_of(&CARGO_LOCK, "app/Cargo.lock", text.as_bytes()), expected);
        assert!(error_of(&CARGO_LOCK, "Cargo.lock", b"[[package]]\nname = 1").is_some());
    }

    #[test]
    fn modules_are_read_with_their_replacements() {
        let text = "module example.com/shop\n\ngo 1.21\n\nrequire example.com/a v1.2.3\n\nrequire (\n\texample.com/b v0.1.0 // indirect\n\t\"example.com/c\" v2.0.0+incompatible\n)\n\nreplace example.com/b => example.com/b2 v0.2.0\nreplace (\n\texample.com/c v2.0.0+incompatible => ../c\n)\nexclude example.com/a v1.0.0\n";
        let expected = declared(Ecosystem::Go, &[("example.com/a", "v1.2.3"), ("example.com/b2", "v0.2.0")]);
        assert_eq!(facts_of(&GO_MOD, "app/go.mod", text.as_bytes()), expected);
        let own = "module std\nrequire golang.org/x/net v0.1.0\n";
        assert_eq!(facts_of(&GO_MOD, "usr/local/go/src/go.mod", own.as_bytes()), []);
        assert_eq!(facts_of(&GO_MOD, "go.mod", b"require (\nreplace =>\n=> =>\n)\nreplace a =>\n"), []);
    }

    #[test]
    fn artifacts_are_read() {
        let text = "# This is a Gradle generated file\norg.apache.logging.log4j:log4j-core:2.14.1=compileClasspath,runtimeClasspath\nempty=annotationProcessor\n";
        let expected = declared(Ecosystem::Maven, &[("org.apache.logging.log4j:log4j-core", "2.14.1")]);
        assert_eq!(facts_of(&GRADLE_LOCK, "app/gradle.lockfile", text.as_bytes()), expected);
    }
}
