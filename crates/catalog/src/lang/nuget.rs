//! NuGet packages asked for by projects of the .NET Framework, `packages.config`, and by what a build resolved,
//! `project.assets.json` (<https://learn.microsoft.com/nuget/reference/packages-config>).

use std::collections::BTreeMap;

use plimsoll_model::extractor::{ExtractError, Extractor, Facts, PathRule, ScanFile};
use plimsoll_model::package::Ecosystem;
use plimsoll_model::path::file_name;
use serde::Deserialize;

use super::document::{declare, is_authors, json, text_files};

/// Reads both files.
pub(crate) const NUGET_CONFIG: Extractor = Extractor {
    name: "nuget-config",
    revision: 1,
    wants: text_files(&[PathRule::Name("packages.config"), PathRule::Name("project.assets.json")]),
    extract,
};

#[derive(Deserialize)]
struct Assets {
    #[serde(default)]
    libraries: BTreeMap<String, Library>,
}

#[derive(Deserialize)]
struct Library {
    #[serde(rename = "type", default)]
    kind: String,
}

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    if is_authors(file.path) {
        return Ok(());
    }
    if file_name(file.path) == "project.assets.json" {
        let assets: Assets = json(file)?;
        for (key, _) in assets.libraries.iter().filter(|(_, library)| library.kind == "package") {
            if let Some((name, version)) = key.split_once('/') {
                declare(facts, Ecosystem::NuGet, name, version);
            }
        }
        return Ok(());
    }
    let text = file.text()?;
    // The elements have attributes and nothing inside.
    for element in text.split('<').filter_map(|element| element.strip_prefix("package ")) {
        let element = element.split('>').next().unwrap_or_default();
        if attribute(element, "developmentDependency") == Some("true") {
            continue;
        }
        if let (Some(name), Some(version)) = (attribute(element, "id"), attribute(element, "version")) {
            declare(facts, Ecosystem::NuGet, name, version);
        }
    }
    Ok(())
}

fn attribute<'t>(element: &'t str, name: &str) -> Option<&'t str> {
    element.match_indices(name).find_map(|(at, _)| {
        let before = element.get(..at)?;
        let rest = element.get(at..)?.strip_prefix(name)?.trim_start().strip_prefix('=')?.trim_start();
        let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let is_whole = before.is_empty() || before.ends_with(char::is_whitespace);
        rest.split(quote).nth(1).filter(|_| is_whole)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{declared, error_of, facts_of};

    #[test]
    fn both_files_are_read() {
        let text = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<packages>\n  <package id=\"Newtonsoft.Json\" version=\"12.0.3\" targetFramework=\"net48\" />\n  <package version = '2.0' allowedVersions=\"[2,3)\" id='A'/>\n  <package id=\"Tool\" version=\"1\" developmentDependency=\"true\" />\n</packages>\n";
        let found = facts_of(&NUGET_CONFIG, "app/packages.config", text.as_bytes());
        assert_eq!(found, declared(Ecosystem::NuGet, &[("A", "2.0"), ("Newtonsoft.Json", "12.0.3")]));
        let text =
            r#"{"version":3,"libraries":{"A/2.0":{"type":"package"},"Shop/1.0.0":{"type":"project"}}}"#;
        let found = facts_of(&NUGET_CONFIG, "app/obj/project.assets.json", text.as_bytes());
        assert_eq!(found, declared(Ecosystem::NuGet, &[("A", "2.0")]));
        assert_eq!(facts_of(&NUGET_CONFIG, "packages.config", b"<package id=\"<package id='x' version="), []);
        assert!(error_of(&NUGET_CONFIG, "project.assets.json", b"{").is_some());
    }
}
