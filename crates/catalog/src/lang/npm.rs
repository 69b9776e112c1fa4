//! npm packages: installed ones by the `package.json` of each directory in `node_modules`; locked ones by
//! `package-lock.json` (versions 1 to 3) and `npm-shrinkwrap.json`, which are evidence only of what was asked for. Which
//! packages their makers gave up stands in lock files alone, also in the one that npm leaves in `node_modules`.
//! Format: <https://docs.npmjs.com/cli/v11/configuring-npm/package-json>,
//! <https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json>.

use std::collections::BTreeMap;

use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::needs::{Needs, Reach};
use plimsoll_model::package::{Deprecation, Ecosystem, Package};
use plimsoll_model::path::{file_name, parent};
use serde::Deserialize;
use serde_json::Value;

use super::document::is_authors;

/// Reads installed packages.
pub(crate) const NPM: Extractor = Extractor {
    name: "npm",
    revision: 3,
    wants: Wants { paths: &[PathRule::Name("package.json")], content: ContentRule::Text, max_size: 8 << 20 },
    extract,
};

/// Reads lock files.
pub(crate) const NPM_LOCK: Extractor = Extractor {
    name: "npm-lock",
    revision: 4,
    wants: Wants {
        paths: &[
            PathRule::Name(INSTALLED_LOCK),
            PathRule::Name("npm-shrinkwrap.json"),
            PathRule::Name("package-lock.json"),
        ],
        content: ContentRule::Text,
        max_size: 64 << 20,
    },
    extract: extract_lock,
};

/// What npm writes into `node_modules` of what it installed there.
const INSTALLED_LOCK: &str = ".package-lock.json";

#[derive(Deserialize)]
struct Installed {
    name: Option<Value>,
    version: Option<Value>,
    license: Option<Value>,
    licenses: Option<Value>,
    dependencies: Option<Value>,
    #[serde(rename = "optionalDependencies")]
    optional: Option<Value>,
    #[serde(rename = "peerDependencies")]
    peer: Option<Value>,
}

/// What a package needs, which stands under three names.
fn needs(package: &Package, wishes: [&Option<Value>; 3]) -> Needs {
    let mut needs = Needs::of(package, Reach::Nested);
    // Old packages have other things there, which npm passes over too.
    let names = wishes.into_iter().flatten().filter_map(Value::as_object).flat_map(|wishes| wishes.keys());
    names.for_each(|name| needs.need([name.as_str()]));
    needs
}

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let Some(place) = Place::of(file.path) else { return Ok(()) };
    let bytes = file.read()?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let installed: Installed = match serde_json::from_slice(bytes) {
        Ok(installed) => installed,
        Err(error) if place == Place::Installed => return Err(ExtractError::Malformed(error.to_string())),
        // Elsewhere a file is a package's only if it says so.
        Err(_) => return Ok(()),
    };
    // Packages nest `package.json` files without a version, to mark a folder as an ES module.
    let (Some(name), Some(version)) = (text(installed.name.as_ref()), text(installed.version.as_ref()))
    else {
        return Ok(());
    };
    if !place.holds(parent(file.path), &name, &version) {
        return Ok(());
    }
    let mut package = Package::new(Ecosystem::Npm, name, version);
    package.licenses = licenses(installed.license.as_ref().or(installed.licenses.as_ref()));
    facts.push_needs(needs(&package, [&installed.dependencies, &installed.optional, &installed.peer]));
    facts.push(Fact::Package(package));
    Ok(())
}

/// Where a `package.json` lies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    /// `…/node_modules/NAME` or `…/node_modules/@SCOPE/NAME`, or where distributions have them.
    Installed,
    /// Deeper in an installed package: one that it brings along, as `next/dist/compiled/react-is` is, or anything else.
    Within,
    /// Elsewhere.
    Outside,
}

/// Folders of a package that hold what it is tested or explained with.
const OF_NO_USE: [&str; 18] = [
    "__fixtures__",
    "__mocks__",
    "__tests__",
    "bench",
    "benchmark",
    "demo",
    "doc",
    "docs",
    "example",
    "examples",
    "fixture",
    "fixtures",
    "spec",
    "template",
    "templates",
    "test",
    "testdata",
    "tests",
];

impl Place {
    /// None where a package cannot be.
    fn of(path: &str) -> Option<Self> {
        let directory = parent(path);
        let container = parent(directory);
        let holder = if file_name(container).starts_with('@') { parent(container) } else { container };
        if is_holder(holder) {
            return Some(Self::Installed);
        }
        match directory.rsplit_once("node_modules/") {
            Some((_, within)) => {
                let is_of_no_use = within.split('/').skip(1).any(|part| OF_NO_USE.contains(&part));
                (!is_of_no_use).then_some(Self::Within)
            }
            None => Some(Self::Outside),
        }
    }

    /// Tells whether the folder of this place is a package's that calls itself so: one inside of another has its
    /// name, one that was unpacked from an archive its name and version (`yarn-v1.22.19`).
    fn holds(self, directory: &str, name: &str, version: &str) -> bool {
        let is_unscoped = |name: &str| !name.contains('/');
        match self {
            Self::Installed => true,
            Self::Within => {
                let is_name =
                    name.strip_prefix('@').map_or(is_unscoped(name), |scoped| scoped.split('/').count() == 2);
                is_name && directory.strip_suffix(name).is_some_and(|before| before.ends_with('/'))
            }
            Self::Outside => {
                let rest = file_name(directory).strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
                is_unscoped(name)
                    && rest.is_some_and(|rest| rest.strip_prefix('v').unwrap_or(rest) == version)
            }
        }
    }
}

/// Tells whether packages lie in this folder: `node_modules`, `node_modules_20` of Fedora, Debian's `usr/share/nodejs`.
fn is_holder(folder: &str) -> bool {
    let name = file_name(folder);
    let version = name.strip_prefix("node_modules").and_then(|rest| rest.strip_prefix('_'));
    name == "node_modules"
        || version.is_some_and(|version| version.bytes().all(|byte| byte.is_ascii_digit()))
        || name == "nodejs" && (folder.starts_with("usr/share/") || folder.starts_with("usr/lib/"))
}

fn text(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// `"MIT"`, `{"type": "MIT"}`, or a list of either.
fn licenses(value: Option<&Value>) -> Vec<String> {
    let one = |value: &Value| value.as_str().or_else(|| value.get("type")?.as_str()).map(str::to_owned);
    match value {
        Some(Value::Array(several)) => several.iter().filter_map(one).collect(),
        Some(value) => one(value).into_iter().collect(),
        None => Vec::new(),
    }
}

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    packages: Option<BTreeMap<String, Locked>>,
    #[serde(default)]
    dependencies: Option<BTreeMap<String, OldLocked>>,
}

#[derive(Deserialize)]
struct Locked {
    name: Option<String>,
    version: Option<String>,
    license: Option<Value>,
    deprecated: Option<Value>,
    #[serde(default)]
    link: bool,
    dependencies: Option<Value>,
    #[serde(rename = "optionalDependencies")]
    optional: Option<Value>,
    #[serde(rename = "peerDependencies")]
    peer: Option<Value>,
}

#[derive(Deserialize)]
struct OldLocked {
    version: Option<String>,
    #[serde(default)]
    requires: Option<Value>,
    #[serde(default)]
    dependencies: Option<BTreeMap<String, Self>>,
}

fn extract_lock(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let is_of_installed = is_installed_lock(file.path);
    // A lock file inside of an installed package says what its author had, not what is here.
    if is_authors(file.path) && !is_of_installed {
        return Ok(());
    }
    let bytes = file.read()?;
    let lock: Lock =
        serde_json::from_slice(&bytes).map_err(|error| ExtractError::Malformed(error.to_string()))?;
    match lock.packages {
        Some(packages) => {
            for (path, locked) in packages {
                // The root project and workspaces are not from the registry.
                let Some((_, by_path)) = path.rsplit_once("node_modules/") else { continue };
                if locked.link {
                    continue;
                }
                let Some(version) = locked.version else { continue };
                let mut package =
                    Package::new(Ecosystem::Npm, locked.name.unwrap_or_else(|| by_path.to_owned()), version);
                if let Some(deprecation) = deprecation(locked.deprecated.as_ref()) {
                    let (name, version) = (package.name.clone(), package.version.clone());
                    facts.push(Fact::Deprecated { ecosystem: Ecosystem::Npm, name, version, deprecation });
                }
                package.licenses = licenses(locked.license.as_ref());
                if is_of_installed {
                    continue;
                }
                let needs = needs(&package, [&locked.dependencies, &locked.optional, &locked.peer]);
                facts.push_needs_inside(&path, needs);
                facts.push_inside(&path, Fact::DeclaredPackage(package));
            }
        }
        None if is_of_installed => {}
        None => old_dependencies(lock.dependencies.unwrap_or_default(), facts),
    }
    Ok(())
}

/// Tells whether this is the lock file of a project's own `node_modules`.
fn is_installed_lock(path: &str) -> bool {
    file_name(path) == INSTALLED_LOCK && is_holder(parent(path)) && !is_authors(parent(parent(path)))
}

/// What its makers tell whoever installs it; an empty text or `false` takes it back.
pub(super) fn deprecation(value: Option<&Value>) -> Option<Deprecation> {
    match value {
        Some(Value::String(words)) if !words.trim().is_empty() => Some(Deprecation::new(Some(words), None)),
        Some(Value::Bool(true)) => Some(Deprecation::default()),
        _ => None,
    }
}

/// Lock files of version 1 nest dependencies as they lie in folders; JSON itself limits how deep.
fn old_dependencies(dependencies: BTreeMap<String, OldLocked>, facts: &mut Facts) {
    let mut pending = vec![(String::new(), dependencies)];
    while let Some((folder, dependencies)) = pending.pop() {
        for (name, locked) in dependencies {
            let path = format!("{folder}node_modules/{name}");
            pending.extend(locked.dependencies.map(|inner| (format!("{path}/"), inner)));
            // A version that is an address (git, a file) is not one of the registry's.
            if let Some(version) =
                locked.version.filter(|version| !version.contains(':') && !version.contains('/'))
            {
                let package = Package::new(Ecosystem::Npm, name, version);
                facts.push_needs_inside(&path, needs(&package, [&locked.requires, &None, &None]));
                facts.push_inside(&path, Fact::DeclaredPackage(package));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{error_of, facts_of, needs_of};

    #[test]
    fn needs_are_read_from_packages_and_locks() {
        let json = br#"{"name":"x","version":"1","dependencies":{"b":"^1","@s/a":"*"},"optionalDependencies":{"fsevents":"2"},"peerDependencies":{"react":">=16"},"devDependencies":{"mocha":"1"}}"#;
        let found = needs_of(&NPM, "node_modules/x/package.json", json);
        assert_eq!(found, ["x: @s/a, b, fsevents, react; "]);
        let odd = br#"{"name":"x","version":"1","dependencies":["b"],"peerDependencies":"c"}"#;
        assert!(needs_of(&NPM, "node_modules/x/package.json", odd).is_empty());
        let three = br#"{"packages":{"node_modules/a":{"version":"1","dependencies":{"b":"2"}}}}"#;
        assert_eq!(needs_of(&NPM_LOCK, "srv/package-lock.json", three), ["a: b; "]);
        let one = br#"{"dependencies":{"a":{"version":"1","requires":{"b":"2"},"dependencies":{"b":{"version":"2"}}},"c":{"version":"1","requires":true}}}"#;
        assert_eq!(needs_of(&NPM_LOCK, "srv/package-lock.json", one), ["a: b; "]);
    }

    fn names(facts: &[Fact]) -> Vec<String> {
        facts
            .iter()
            .map(|fact| match fact {
                Fact::Package(package) | Fact::DeclaredPackage(package) => {
                    format!("{}@{}", package.name, package.version)
                }
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn what_was_given_up_is_told_by_lock_files() {
        let lock = br#"{"lockfileVersion":3,"packages":{
            "node_modules/request":{"version":"2.88.2","deprecated":"request has been deprecated"},
            "node_modules/left":{"version":"1.0.0","deprecated":""},
            "node_modules/right":{"version":"1.0.0","deprecated":false},
            "node_modules/odd":{"version":"1.0.0","deprecated":true},
            "node_modules/b":{"version":"1.0.0"}}}"#;
        let deprecated = |name: &str, version: &str, reason| Fact::Deprecated {
            ecosystem: Ecosystem::Npm,
            name: name.to_owned(),
            version: version.to_owned(),
            deprecation: Deprecation::new(reason, None),
        };
        let expected = [
            deprecated("odd", "1.0.0", None),
            deprecated("request", "2.88.2", Some("request has been deprecated")),
        ];
        // What is installed tells its packages itself.
        assert_eq!(facts_of(&NPM_LOCK, "srv/node_modules/.package-lock.json", lock), expected);
        let mut declared = facts_of(&NPM_LOCK, "srv/package-lock.json", lock);
        declared.retain(|fact| matches!(fact, Fact::Deprecated { .. }));
        assert_eq!(declared, expected);
        let nested = "srv/node_modules/a/node_modules/.package-lock.json";
        assert_eq!(facts_of(&NPM_LOCK, nested, lock), []);
        let old = br#"{"dependencies":{"a":{"version":"1.0.0"}}}"#;
        assert_eq!(facts_of(&NPM_LOCK, "srv/node_modules/.package-lock.json", old), []);
    }

    #[test]
    fn packages_are_told_by_their_folder() {
        let json = br#"{"name":"@babel/core","version":"7.0.0","license":"MIT"}"#;
        let found = |path| names(&facts_of(&NPM, path, json)).len();
        for path in [
            "srv/node_modules/@babel/core/package.json",
            "srv/node_modules/x/node_modules/y/package.json",
            "usr/share/nodejs/@babel/core/package.json",
            "usr/lib/x86_64-linux-gnu/nodejs/core/package.json",
            "usr/lib/node_modules_20/core/package.json",
            "srv/node_modules/next/dist/compiled/@babel/core/package.json",
        ] {
            assert_eq!(found(path), 1, "{path}");
        }
        for path in [
            "srv/package.json",
            "srv/core-7.0.0/package.json",
            "srv/nodejs/core/package.json",
            "srv/node_modules/x/test/@babel/core/package.json",
            "srv/node_modules/x/lib/core/package.json",
            "srv/node_modules_old/core/package.json",
        ] {
            assert_eq!(found(path), 0, "{path}");
        }
    }

    #[test]
    fn what_was_unpacked_from_an_archive_is_told_by_name_and_version() {
        let json = br#"{"name":"yarn","version":"1.22.19"}"#;
        let found = |path| names(&facts_of(&NPM, path, json));
        assert_eq!(found("opt/yarn-v1.22.19/package.json"), ["yarn@1.22.19"]);
        assert_eq!(found("opt/yarn-1.22.19/package.json"), ["yarn@1.22.19"]);
        assert!(
            found("opt/yarn/package.json").is_empty() && found("opt/yarn-v1.22.1/package.json").is_empty()
        );
        // A part of a package is none by itself.
        let json = br#"{"name":"@angular/core/testing","version":"1.0.0"}"#;
        assert!(facts_of(&NPM, "node_modules/@angular/core/testing/package.json", json).is_empty());
    }

    #[test]
    fn only_the_file_of_a_package_has_to_be_sound() {
        let refused = |path| error_of(&NPM, path, b"{").is_some();
        assert!(refused("node_modules/x/package.json"));
        assert!(!refused("node_modules/x/lib/y/package.json") && !refused("srv/package.json"));
    }

    #[test]
    fn all_forms_of_licence_are_read() {
        let of = |license: &str| {
            let json = format!(r#"{{"name":"x","version":"1",{license}}}"#);
            let facts = facts_of(&NPM, "node_modules/x/package.json", json.as_bytes());
            let Some(Fact::Package(package)) = facts.into_iter().next() else { panic!() };
            package.licenses
        };
        assert_eq!(of(r#""license":"MIT""#), ["MIT"]);
        assert_eq!(of(r#""license":{"type":"ISC"}"#), ["ISC"]);
        assert_eq!(of(r#""licenses":[{"type":"MIT"},"BSD"]"#), ["MIT", "BSD"]);
    }

    #[test]
    fn lock_files_of_each_version_are_read() {
        let three = br#"{"lockfileVersion":3,"packages":{"":{"name":"app","version":"1.0.0"},"node_modules/a":{"version":"1.2.3"},
            "node_modules/a/node_modules/@s/b":{"version":"2.0.0"},"node_modules/l":{"link":true,"resolved":"packages/l"},"packages/l":{"version":"0.1.0"}}}"#;
        assert_eq!(names(&facts_of(&NPM_LOCK, "srv/package-lock.json", three)), ["a@1.2.3", "@s/b@2.0.0"]);
        let one = br#"{"lockfileVersion":1,"dependencies":{"a":{"version":"1.2.3","dependencies":{"b":{"version":"2.0.0"}}},"g":{"version":"git+ssh://x"}}}"#;
        assert_eq!(names(&facts_of(&NPM_LOCK, "srv/package-lock.json", one)), ["a@1.2.3", "b@2.0.0"]);
        assert!(facts_of(&NPM_LOCK, "srv/node_modules/a/package-lock.json", one).is_empty());
    }
}
