//! Swift's packages by `Package.resolved`, of each of its versions
//! (<https://docs.swift.org/package-manager/PackageDescription/PackageDescription.html>).

use plimsoll_model::extractor::{ExtractError, Extractor, Facts, PathRule, ScanFile};
use plimsoll_model::package::Ecosystem;
use serde::Deserialize;

use super::document::{declare, is_authors, json, text_files};

/// Reads lock files.
pub(crate) const SWIFT_LOCK: Extractor = Extractor {
    name: "swift-lock",
    revision: 1,
    wants: text_files(&[PathRule::Name("Package.resolved")]),
    extract,
};

#[derive(Deserialize)]
struct Resolved {
    object: Option<Object>,
    #[serde(default)]
    pins: Vec<Pin>,
}

/// Of the first version.
#[derive(Deserialize)]
struct Object {
    pins: Vec<Pin>,
}

#[derive(Deserialize)]
struct Pin {
    #[serde(alias = "repositoryURL")]
    location: Option<String>,
    state: State,
}

#[derive(Deserialize)]
struct State {
    version: Option<String>,
}

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    if is_authors(file.path) {
        return Ok(());
    }
    let resolved: Resolved = json(file)?;
    let pins = resolved.object.map(|object| object.pins).unwrap_or(resolved.pins);
    for pin in pins {
        // Without a version it is a branch or a commit.
        let (Some(location), Some(version)) = (pin.location, pin.state.version) else { continue };
        if let Some(name) = repository(&location) {
            declare(facts, Ecosystem::Swift, name, version);
        }
    }
    Ok(())
}

/// `https://github.com/apple/swift-nio.git` → `github.com/apple/swift-nio`, as advisories name it.
fn repository(location: &str) -> Option<String> {
    let rest = match location.split_once("://") {
        Some((_, rest)) => rest.to_owned(),
        None => location.replacen(':', "/", 1),
    };
    let rest = rest.split_once('@').map_or(rest.as_str(), |(_, rest)| rest);
    let rest = rest.trim_end_matches('/');
    let name = rest.strip_suffix(".git").unwrap_or(rest);
    name.contains('/').then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{declared, error_of, facts_of};

    #[test]
    fn all_versions_are_read() {
        let expected = declared(Ecosystem::Swift, &[("github.com/apple/swift-nio", "2.41.0")]);
        let one = r#"{"object":{"pins":[{"package":"swift-nio","repositoryURL":"https://github.com/apple/swift-nio.git","state":{"branch":null,"revision":"a","version":"2.41.0"}}]},"version":1}"#;
        let two = r#"{"pins":[{"identity":"swift-nio","kind":"remoteSourceControl","location":"git@github.com:apple/swift-nio.git","state":{"revision":"a","version":"2.41.0"}},
            {"identity":"x","kind":"remoteSourceControl","location":"https://github.com/x/x","state":{"branch":"main","revision":"b"}}],"version":2}"#;
        for text in [one, two] {
            assert_eq!(facts_of(&SWIFT_LOCK, "app/Package.resolved", text.as_bytes()), expected);
        }
        for text in ["", "{\"pins\":{}}", "{\"object\":{\"pins\":[1]}}"] {
            assert!(error_of(&SWIFT_LOCK, "Package.resolved", text.as_bytes()).is_some(), "{text}");
        }
    }
}
