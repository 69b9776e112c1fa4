//! .NET packages: those a program was published with by its `NAME.deps.json`, asked-for ones by `packages.lock.json`
//! (<https://github.com/dotnet/cli/blob/rel/1.0.0/Documentation/specs/runtime-configuration-file.md>,
//! <https://learn.microsoft.com/nuget/consume-packages/package-references-in-project-files#locking-dependencies>).

use std::collections::BTreeMap;

use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::package::{Ecosystem, Package};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::document::is_authors;

/// Reads what a program was published with.
pub(crate) const DOTNET: Extractor = Extractor {
    name: "dotnet",
    revision: 2,
    wants: Wants { paths: &[PathRule::Suffix(".deps.json")], content: ContentRule::Text, max_size: 64 << 20 },
    extract,
};

/// Reads lock files.
pub(crate) const DOTNET_LOCK: Extractor = Extractor {
    name: "dotnet-lock",
    revision: 2,
    wants: Wants {
        paths: &[PathRule::Name("packages.lock.json")],
        content: ContentRule::Text,
        max_size: 64 << 20,
    },
    extract: extract_lock,
};

#[derive(Deserialize)]
struct Dependencies {
    #[serde(default)]
    libraries: BTreeMap<String, Library>,
    #[serde(default)]
    targets: BTreeMap<String, BTreeMap<String, BTreeMap<String, IgnoredAny>>>,
}

#[derive(Deserialize)]
struct Library {
    #[serde(rename = "type", default)]
    kind: String,
}

impl Library {
    /// The package that a library named `name` is: a program that brings its runtime has that of Microsoft under another name.
    fn package<'n>(&self, name: &'n str) -> Option<&'n str> {
        match self.kind.to_ascii_lowercase().as_str() {
            "package" => Some(name),
            "runtimepack" => name.strip_prefix("runtimepack."),
            _ => None,
        }
    }
}

/// What a target lists of a library that has files at run time; others were needed to build alone.
const FILES: [&str; 4] = ["runtime", "runtimeTargets", "native", "resources"];

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let Dependencies { libraries, targets } = parsed(file)?;
    for (key, library) in libraries {
        let Some((name, version)) = key.split_once('/') else { continue };
        let Some(name) = library.package(name) else { continue };
        if name.is_empty() || version.is_empty() {
            continue;
        }
        let mut listed = targets.values().filter_map(|target| target.get(&key)).peekable();
        let is_there =
            listed.peek().is_none() || listed.any(|parts| FILES.iter().any(|part| parts.contains_key(*part)));
        if is_there {
            facts.push(Fact::Package(Package::new(Ecosystem::NuGet, name, version)));
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    dependencies: BTreeMap<String, BTreeMap<String, Locked>>,
}

#[derive(Deserialize)]
struct Locked {
    #[serde(rename = "type", default)]
    kind: String,
    resolved: Option<String>,
}

fn extract_lock(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    if is_authors(file.path) {
        return Ok(());
    }
    let lock: Lock = parsed(file)?;
    for (name, locked) in lock.dependencies.into_values().flatten() {
        if let Some(version) = locked.resolved.filter(|_| locked.kind != "Project") {
            facts.push(Fact::DeclaredPackage(Package::new(Ecosystem::NuGet, name, version)));
        }
    }
    Ok(())
}

fn parsed<T: DeserializeOwned>(file: &mut ScanFile<'_>) -> Result<T, ExtractError> {
    let bytes = file.read()?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    serde_json::from_slice(bytes).map_err(|error| ExtractError::Malformed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{error_of, facts_of};

    #[test]
    fn what_has_files_at_run_time_is_there() {
        let text = r#"{"runtimeTarget":{"name":".NETCoreApp,Version=v8.0"},"targets":{".NETCoreApp,Version=v8.0":{
            "Shop/1.0.0":{"dependencies":{"Newtonsoft.Json":"12.0.3"},"runtime":{"Shop.dll":{}}},
            "Newtonsoft.Json/12.0.3":{"runtime":{"lib/netstandard2.0/Newtonsoft.Json.dll":{"assemblyVersion":"12.0.0.0"}}},
            "Microsoft.NETCore.Targets/1.1.0":{},
            "SQLitePCLRaw.lib/2.1.4":{"runtimeTargets":{"runtimes/linux-x64/native/libe_sqlite3.so":{}}}}},
            "libraries":{"Shop/1.0.0":{"type":"project"},"Newtonsoft.Json/12.0.3":{"type":"package","sha512":"x"},
            "Microsoft.NETCore.Targets/1.1.0":{"type":"package"},"SQLitePCLRaw.lib/2.1.4":{"type":"package"},
            "NoTarget/1.0.0":{"type":"package"},"runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1":{"type":"runtimepack"},"odd":{"type":"package"}}}"#;
        let found = facts_of(&DOTNET, "app/Shop.deps.json", text.as_bytes());
        let package = |name, version| Fact::Package(Package::new(Ecosystem::NuGet, name, version));
        let expected = [
            package("Microsoft.NETCore.App.Runtime.linux-x64", "8.0.1"),
            package("Newtonsoft.Json", "12.0.3"),
            package("NoTarget", "1.0.0"),
            package("SQLitePCLRaw.lib", "2.1.4"),
        ];
        assert_eq!(found, expected);
        assert!(error_of(&DOTNET, "a.deps.json", br#"{"libraries":[]}"#).is_some());
    }

    #[test]
    fn lock_files_tell_what_was_resolved() {
        let text = r#"{"version":1,"dependencies":{"net8.0":{"A":{"type":"Direct","requested":"[1.0, )","resolved":"1.0.2"},
            "shop":{"type":"Project"},"B":{"type":"Transitive","resolved":"2.0.0"}}}}"#;
        let declared = |name, version| Fact::DeclaredPackage(Package::new(Ecosystem::NuGet, name, version));
        let found = facts_of(&DOTNET_LOCK, "app/packages.lock.json", text.as_bytes());
        assert_eq!(found, [declared("A", "1.0.2"), declared("B", "2.0.0")]);
    }
}
