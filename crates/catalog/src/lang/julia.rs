//! Julia's packages: installed ones by the `Project.toml` of each folder in a depot, asked-for ones by `Manifest.toml`
//! (<https://pkgdocs.julialang.org/v1/toml-files/>).

use std::collections::BTreeMap;

use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ExtractError, Extractor, Facts, PathRule, ScanFile};
use plimsoll_model::package::{Ecosystem, Package};
use plimsoll_model::path::{file_name, parent};
use serde::Deserialize;
use toml::Value;

use super::document::{is_authors, text_files, toml};

/// Reads installed packages.
pub(crate) const JULIA: Extractor =
    Extractor { name: "julia", revision: 1, wants: text_files(&[PathRule::Name("Project.toml")]), extract };

/// Reads lock files.
pub(crate) const JULIA_LOCK: Extractor = Extractor {
    name: "julia-lock",
    revision: 1,
    wants: text_files(&[PathRule::Name("Manifest.toml"), PathRule::Name("JuliaManifest.toml")]),
    extract: extract_lock,
};

#[derive(Deserialize)]
struct Project {
    name: String,
    uuid: Option<String>,
    version: Option<String>,
}

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    // `…/packages/NAME/SLUG/Project.toml`
    let package = parent(parent(file.path));
    if file_name(parent(package)) != "packages" {
        return Ok(());
    }
    let project: Project = toml(file)?;
    if project.name == file_name(package) {
        let version = project.version.unwrap_or_default();
        let package = Package::new(Ecosystem::Julia, project.name, version);
        facts.push(Fact::Package(Package { registry_id: project.uuid, ..package }));
    }
    Ok(())
}

fn extract_lock(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    if is_authors(file.path) {
        return Ok(());
    }
    let manifest: BTreeMap<String, Value> = toml(file)?;
    // Of format 2 the packages are in a table of their own.
    let entries: Vec<(&String, &Value)> = match manifest.get("deps").and_then(Value::as_table) {
        Some(packages) if manifest.contains_key("manifest_format") => packages.iter().collect(),
        _ => manifest.iter().collect(),
    };
    for (name, entries) in entries {
        for entry in entries.as_array().into_iter().flatten() {
            let text = |key: &str| entry.get(key).and_then(Value::as_str);
            // What has no tree comes with Julia; what has an address does not come from a registry.
            if let (Some(version), Some(_), None) = (text("version"), text("git-tree-sha1"), text("repo-url"))
            {
                let package = Package::new(Ecosystem::Julia, name.clone(), version);
                let registry_id = text("uuid").map(str::to_owned);
                facts.push(Fact::DeclaredPackage(Package { registry_id, ..package }));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{error_of, facts_of};

    #[test]
    fn depots_and_manifests_of_both_formats_are_read() {
        let project =
            b"name = \"JSON\"\nuuid = \"682c06a0-de6a-54ab-a142-c8b1cf79cde6\"\nversion = \"0.21.3\"\n";
        let path = "root/.julia/packages/JSON/93Ea8/Project.toml";
        let known_by = |uuid: &str| Package {
            registry_id: Some(uuid.to_owned()),
            ..Package::new(Ecosystem::Julia, "JSON", "0.21.3")
        };
        let package = known_by("682c06a0-de6a-54ab-a142-c8b1cf79cde6");
        assert_eq!(facts_of(&JULIA, path, project), [Fact::Package(package)]);
        assert_eq!(facts_of(&JULIA, "app/Project.toml", project), []);
        let entries = |prefix: &str| {
            format!(
                "[[{prefix}Dates]]\nuuid = \"a\"\n\n[[{prefix}JSON]]\ngit-tree-sha1 = \"3c83\"\nuuid = \"682c\"\nversion = \"0.21.3\"\n"
            )
        };
        let expected = [Fact::DeclaredPackage(known_by("682c"))];
        let two = format!("julia_version = \"1.9.0\"\nmanifest_format = \"2.0\"\n\n{}", entries("deps."));
        for text in [entries(""), two] {
            assert_eq!(facts_of(&JULIA_LOCK, "app/Manifest.toml", text.as_bytes()), expected);
        }
        assert!(error_of(&JULIA_LOCK, "Manifest.toml", b"[[deps").is_some());
        assert!(error_of(&JULIA, path, b"version = 1").is_some());
    }
}
