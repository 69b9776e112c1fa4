//! Haskell's packages: installed ones by GHC's package database, asked-for ones by `stack.yaml.lock` and
//! `cabal.project.freeze` (<https://downloads.haskell.org/ghc/latest/docs/users_guide/packages.html>,
//! <https://docs.haskellstack.org/en/stable/topics/lock_files/>,
//! <https://cabal.readthedocs.io/en/stable/cabal-commands.html#cabal-freeze>).

use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::package::{Ecosystem, Package};
use plimsoll_model::path::{file_name, parent};
use serde::Deserialize;

use super::document::{declare, is_authors, text_files, yaml};

/// Reads installed packages.
pub(crate) const HASKELL: Extractor = Extractor {
    name: "haskell",
    revision: 1,
    wants: Wants { paths: &[PathRule::Suffix(".conf")], content: ContentRule::Text, max_size: 4 << 20 },
    extract,
};

/// Reads lock files.
pub(crate) const HASKELL_LOCK: Extractor = Extractor {
    name: "haskell-lock",
    revision: 1,
    wants: text_files(&[PathRule::Name("stack.yaml.lock"), PathRule::Name("cabal.project.freeze")]),
    extract: extract_lock,
};

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let folder = file_name(parent(file.path));
    if folder != "package.conf.d" && folder != "package.db" {
        return Ok(());
    }
    let text = file.text()?;
    let value = |name: &str| {
        let mut values = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        values.next().map(str::trim).filter(|value| !value.is_empty())
    };
    // GHC's own `rts` and libraries inside of a package are not on Hackage.
    if value("visibility") == Some("private") || value("name").is_some_and(|name| name == "rts") {
        return Ok(());
    }
    let (Some(name), Some(version)) = (value("name"), value("version")) else {
        return Err(ExtractError::Malformed("it names no package or no version".to_owned()));
    };
    let licenses = value("license").map(|license| vec![license.to_owned()]).unwrap_or_default();
    facts.push(Fact::Package(Package { licenses, ..Package::new(Ecosystem::Hackage, name, version) }));
    Ok(())
}

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    packages: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    completed: Completed,
}

#[derive(Deserialize)]
struct Completed {
    /// Of others the source is a repository.
    hackage: Option<String>,
}

fn extract_lock(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    if is_authors(file.path) {
        return Ok(());
    }
    if file_name(file.path) == "stack.yaml.lock" {
        let lock: Lock = yaml(file)?;
        for title in lock.packages.into_iter().filter_map(|locked| locked.completed.hackage) {
            let title = title.split('@').next().unwrap_or_default();
            if let Some((name, version)) = title.rsplit_once('-') {
                declare(facts, Ecosystem::Hackage, name, version);
            }
        }
        return Ok(());
    }
    let text = file.text()?;
    for constraint in text.split([',', '\n']) {
        let constraint = constraint.trim().trim_start_matches("constraints:").trim();
        if let Some((name, version)) = constraint.strip_prefix("any.").and_then(|rest| rest.split_once("=="))
        {
            declare(facts, Ecosystem::Hackage, name.trim(), version.trim());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{declared, error_of, facts_of};

    #[test]
    fn the_package_database_is_read() {
        let text = "name:                 text\nversion:              1.2.5.0\nvisibility:           public\nid:                   text-1.2.5.0\nlicense:              BSD-2-Clause\n";
        let path = "opt/ghc/lib/package.conf.d/text-1.2.5.0.conf";
        let package = Package {
            licenses: vec!["BSD-2-Clause".into()],
            ..Package::new(Ecosystem::Hackage, "text", "1.2.5.0")
        };
        assert_eq!(facts_of(&HASKELL, path, text.as_bytes()), [Fact::Package(package)]);
        assert_eq!(facts_of(&HASKELL, "etc/x.conf", text.as_bytes()), []);
        assert!(error_of(&HASKELL, path, b"name: x\nversion:\n").is_some());
    }

    #[test]
    fn lock_files_of_stack_and_cabal_are_read() {
        let expected = declared(Ecosystem::Hackage, &[("aeson", "2.0.3.0"), ("text-short", "0.1.5")]);
        let stack = "packages:\n- completed:\n    hackage: aeson-2.0.3.0@sha256:abc,123\n    pantry-tree:\n      size: 1\n  original:\n    hackage: aeson-2.0.3.0\n- completed:\n    hackage: text-short-0.1.5@sha256:abc,1\n- completed:\n    git: https://x\n    commit: a\nsnapshots: []\n";
        assert_eq!(facts_of(&HASKELL_LOCK, "app/stack.yaml.lock", stack.as_bytes()), expected);
        let cabal = "active-repositories: hackage.haskell.org:merge\nconstraints: any.aeson ==2.0.3.0,\n             aeson +ordered-keymap,\n             any.text-short ==0.1.5\nindex-state: x\n";
        assert_eq!(facts_of(&HASKELL_LOCK, "app/cabal.project.freeze", cabal.as_bytes()), expected);
        assert!(error_of(&HASKELL_LOCK, "stack.yaml.lock", b"packages: [1").is_some());
    }
}
