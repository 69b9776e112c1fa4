//! .NET packages: those a program was published with by its `NAME.deps.json`, asked-for ones by `packages.lock.json`
//! (<https://github.com/dotnet/cli/blob/rel/1.0.0/Documentation/specs/runtime-configuration-file.md>,
//! <https://learn.microsoft.com/nuget/consume-packages/package-references-in-project-files#locking-dependencies>).

use std::collections::BTreeMap;

use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::needs::{Needs, Reach};
use plimsoll_model::package::{Ecosystem, Package};
use plimsoll_model::path::{Normalized, file_name, normalize, parent};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::document::{declare_with, is_authors};

/// Reads what a program was published with.
pub(crate) const DOTNET: Extractor = Extractor {
    name: "dotnet",
    revision: 3,
    wants: Wants { paths: &[PathRule::Suffix(".deps.json")], content: ContentRule::Text, max_size: 64 << 20 },
    extract,
};

/// Reads lock files.
pub(crate) const DOTNET_LOCK: Extractor = Extractor {
    name: "dotnet-lock",
    revision: 3,
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
    targets: BTreeMap<String, BTreeMap<String, Parts>>,
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

/// What a target lists of a library: what it needs, and its files at run time. Those without were needed to build alone.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Parts {
    dependencies: BTreeMap<String, String>,
    runtime: Option<Listed>,
    runtime_targets: Option<Listed>,
    native: Option<Listed>,
    resources: Option<IgnoredAny>,
}

/// Files of a package, by their paths in it.
type Listed = BTreeMap<String, IgnoredAny>;

impl Parts {
    fn has_files(&self) -> bool {
        let listed = [&self.runtime, &self.runtime_targets, &self.native];
        listed.iter().any(|part| part.is_some()) || self.resources.is_some()
    }

    /// Where its files lie in the folder of a published program: those for one platform as in the package, others in
    /// the folder itself.
    fn files(&self, folder: &str) -> Vec<String> {
        let flat = [&self.runtime, &self.native].into_iter().flatten().flat_map(|files| files.keys());
        let as_is = self.runtime_targets.iter().flat_map(|files| files.keys());
        let paths = flat.map(|path| file_name(path)).chain(as_is.map(String::as_str));
        let normal = paths.filter_map(|path| match normalize(&format!("{folder}/{path}")) {
            Normalized::Path(path) => Some(path),
            Normalized::Root | Normalized::Escapes => None,
        });
        normal.filter(|path| !path.ends_with("/_._")).collect()
    }
}

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let Dependencies { libraries, targets } = parsed(file)?;
    for (key, library) in libraries {
        let Some((name, version)) = key.split_once('/') else { continue };
        let Some(name) = library.package(name) else { continue };
        if name.is_empty() || version.is_empty() {
            continue;
        }
        let listed: Vec<&Parts> = targets.values().filter_map(|target| target.get(&key)).collect();
        if listed.is_empty() || listed.iter().any(|parts| parts.has_files()) {
            let package = Package::new(Ecosystem::NuGet, name, version);
            let mut needs = Needs::of(&package, Reach::File);
            let wanted = listed.iter().flat_map(|parts| &parts.dependencies);
            wanted.for_each(|(name, version)| needs.need_version(name, version));
            let folder = parent(file.path);
            let files = listed.iter().flat_map(|parts| parts.files(folder)).collect();
            let owner = owner_key(&package);
            facts.push(Fact::OwnedFiles { ecosystem: Ecosystem::NuGet, owner, files });
            facts.push_needs(needs);
            facts.push(Fact::Package(package));
        }
    }
    Ok(())
}

/// How a package owns files: one program may have another version of it than the next.
pub(crate) fn owner_key(package: &Package) -> String {
    format!("{}/{}", package.name, package.version)
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
    #[serde(default)]
    dependencies: BTreeMap<String, String>,
}

fn extract_lock(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    if is_authors(file.path) {
        return Ok(());
    }
    let lock: Lock = parsed(file)?;
    for (name, locked) in lock.dependencies.into_values().flatten() {
        if let Some(version) = locked.resolved.filter(|_| locked.kind != "Project") {
            let wanted = locked.dependencies.keys().map(|name| (name.as_str(), None));
            declare_with(facts, (Ecosystem::NuGet, &name, &version), wanted);
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
    use crate::testing::{error_of, facts_of, needs_of};

    #[test]
    fn what_has_files_at_run_time_is_there() {
        let text = r#"{"runtimeTarget":{"name":".NETCoreApp,Version=v8.0"},"targets":{".NETCoreApp,Version=v8.0":{
            "Shop/1.0.0":{"dependencies":{"Newtonsoft.Json":"12.0.3"},"runtime":{"Shop.dll":{}}},
            "Newtonsoft.Json/12.0.3":{"runtime":{"lib/netstandard2.0/Newtonsoft.Json.dll":{"assemblyVersion":"12.0.0.0"}}},
            "Microsoft.NETCore.Targets/1.1.0":{},
            "SQLitePCLRaw.lib/2.1.4":{"dependencies":{"Newtonsoft.Json":"12.0.3"},"runtimeTargets":{"runtimes/linux-x64/native/libe_sqlite3.so":{}}}}},
            "libraries":{"Shop/1.0.0":{"type":"project"},"Newtonsoft.Json/12.0.3":{"type":"package","sha512":"x"},
            "Microsoft.NETCore.Targets/1.1.0":{"type":"package"},"SQLitePCLRaw.lib/2.1.4":{"type":"package"},
            "NoTarget/1.0.0":{"type":"package"},"runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1":{"type":"runtimepack"},"odd":{"type":"package"}}}"#;
        let (owned, found): (Vec<Fact>, Vec<Fact>) = facts_of(&DOTNET, "app/Shop.deps.json", text.as_bytes())
            .into_iter()
            .partition(|fact| matches!(fact, Fact::OwnedFiles { .. }));
        let files: Vec<String> = owned
            .into_iter()
            .flat_map(|fact| if let Fact::OwnedFiles { files, .. } = fact { files } else { Vec::new() })
            .collect();
        assert_eq!(files, ["app/Newtonsoft.Json.dll", "app/runtimes/linux-x64/native/libe_sqlite3.so"]);
        let package = |name, version| Fact::Package(Package::new(Ecosystem::NuGet, name, version));
        let expected = [
            package("Microsoft.NETCore.App.Runtime.linux-x64", "8.0.1"),
            package("Newtonsoft.Json", "12.0.3"),
            package("NoTarget", "1.0.0"),
            package("SQLitePCLRaw.lib", "2.1.4"),
        ];
        assert_eq!(found, expected);
        let needs = needs_of(&DOTNET, "app/Shop.deps.json", text.as_bytes());
        assert_eq!(needs, ["SQLitePCLRaw.lib: Newtonsoft.Json 12.0.3; "]);
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
