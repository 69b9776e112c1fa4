//! Composer's packages: installed ones by `vendor/composer/installed.json`, asked-for ones by `composer.lock`
//! (<https://getcomposer.org/doc/01-basic-usage.md>).

use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::needs::{Needs, Reach};
use plimsoll_model::package::{Deprecation, Ecosystem, Package};
use serde::Deserialize;
use serde_json::Value;

use super::document::is_authors;

/// Reads installed packages.
pub(crate) const COMPOSER: Extractor = Extractor {
    name: "composer",
    revision: 3,
    wants: Wants {
        paths: &[PathRule::Suffix("/composer/installed.json")],
        content: ContentRule::Text,
        max_size: 64 << 20,
    },
    extract,
};

/// Reads lock files.
pub(crate) const COMPOSER_LOCK: Extractor = Extractor {
    name: "composer-lock",
    revision: 4,
    wants: Wants {
        paths: &[PathRule::Name("composer.lock")],
        content: ContentRule::Text,
        max_size: 64 << 20,
    },
    extract: extract_lock,
};

#[derive(Deserialize)]
#[serde(untagged)]
enum Installed {
    /// Composer 2.
    Packages { packages: Vec<Entry> },
    /// Composer 1.
    List(Vec<Entry>),
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    version: String,
    #[serde(default)]
    license: Vec<String>,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    require: Option<Value>,
    /// What it stands for.
    #[serde(default)]
    provide: Option<Value>,
    #[serde(default)]
    replace: Option<Value>,
    /// `true`, or the package to use instead.
    abandoned: Option<Value>,
}

#[derive(Deserialize)]
struct Lock {
    /// What is needed to run; `packages-dev` is not installed where the program is only used.
    #[serde(default)]
    packages: Vec<Entry>,
}

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let (Installed::Packages { packages } | Installed::List(packages)) = parsed(file)?;
    for (package, needs, deprecation) in packages.into_iter().filter_map(package) {
        facts.push_needs(needs);
        push_deprecated(&package, deprecation, facts);
        facts.push(Fact::Package(package));
    }
    Ok(())
}

fn extract_lock(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    // A lock file inside of an installed package says what its author had.
    if is_authors(file.path) {
        return Ok(());
    }
    let lock: Lock = parsed(file)?;
    for (package, needs, deprecation) in lock.packages.into_iter().filter_map(package) {
        facts.push_needs(needs);
        push_deprecated(&package, deprecation, facts);
        facts.push(Fact::DeclaredPackage(package));
    }
    Ok(())
}

fn parsed<T: serde::de::DeserializeOwned>(file: &mut ScanFile<'_>) -> Result<T, ExtractError> {
    let bytes = file.read()?;
    serde_json::from_slice(&bytes).map_err(|error| ExtractError::Malformed(error.to_string()))
}

/// The package of an entry, what it needs, and whether its makers gave it up. A metapackage has no files, and so no code.
fn package(entry: Entry) -> Option<(Package, Needs, Option<Deprecation>)> {
    if entry.name.is_empty() || entry.version.is_empty() || entry.kind == "metapackage" {
        return None;
    }
    let package = Package {
        licenses: entry.license,
        ..Package::new(Ecosystem::Composer, entry.name.to_lowercase(), entry.version)
    };
    let mut needs = Needs::of(&package, Reach::File);
    // An empty list stands for no names.
    let names = |wishes: Option<Value>| match wishes {
        Some(Value::Object(wishes)) => wishes.into_iter().map(|(name, _)| name.to_lowercase()).collect(),
        _ => Vec::new(),
    };
    names(entry.require).iter().for_each(|name| needs.need([name.as_str()]));
    let others = names(entry.provide).into_iter().chain(names(entry.replace));
    others.for_each(|name| needs.provide(&name));
    let deprecation = match entry.abandoned {
        Some(Value::Bool(true)) => Some(Deprecation::default()),
        Some(Value::String(successor)) => Some(Deprecation::new(None, Some(&successor))),
        _ => None,
    };
    Some((package, needs, deprecation))
}

fn push_deprecated(package: &Package, deprecation: Option<Deprecation>, facts: &mut Facts) {
    if let Some(deprecation) = deprecation {
        let Package { ecosystem, name, version, .. } = package.clone();
        facts.push(Fact::Deprecated { ecosystem, name, version, deprecation });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{error_of, facts_of, needs_of};

    #[test]
    fn needs_and_stand_ins_are_read() {
        let text = r#"[{"name":"a/b","version":"1","require":{"php":">=8","Psr/Log":"^3"},"provide":{"psr/log-implementation":"3"},"replace":[]}]"#;
        let found = needs_of(&COMPOSER, "app/vendor/composer/installed.json", text.as_bytes());
        assert_eq!(found, ["a/b: psr/log, php; psr/log-implementation"]);
    }

    #[test]
    fn what_was_given_up_is_told_with_its_successor() {
        let entry = |abandoned: &str| format!(r#"{{"name":"a/b","version":"1.0","abandoned":{abandoned}}}"#);
        for (abandoned, expected) in [
            ("true", Some(Deprecation::default())),
            (r#""c/d""#, Some(Deprecation::new(None, Some("c/d")))),
            ("false", None),
            ("null", None),
            ("[]", None),
        ] {
            let text = format!(r#"{{"packages":[{}]}}"#, entry(abandoned));
            for (extractor, path) in
                [(&COMPOSER, "app/vendor/composer/installed.json"), (&COMPOSER_LOCK, "app/composer.lock")]
            {
                let facts = facts_of(extractor, path, text.as_bytes());
                let told = facts.iter().find_map(|fact| match fact {
                    Fact::Deprecated { name, deprecation, .. } if name == "a/b" => Some(deprecation.clone()),
                    _ => None,
                });
                assert_eq!(told, expected, "{abandoned}");
            }
        }
    }

    #[test]
    fn both_forms_and_locks_are_read() {
        let entry = r#"{"name":"Monolog/monolog","version":"2.9.1","type":"library","license":["MIT"]}"#;
        let expected = Package {
            licenses: vec!["MIT".into()],
            ..Package::new(Ecosystem::Composer, "monolog/monolog", "2.9.1")
        };
        let path = "app/vendor/composer/installed.json";
        for text in [format!(r#"{{"packages":[{entry}],"dev":true}}"#), format!("[{entry}]")] {
            assert_eq!(facts_of(&COMPOSER, path, text.as_bytes()), [Fact::Package(expected.clone())]);
        }
        let lock = format!(
            r#"{{"packages":[{entry},{{"name":"a/meta","version":"1","type":"metapackage"}}],"packages-dev":[{{"name":"a/b","version":"1"}}]}}"#
        );
        let found = facts_of(&COMPOSER_LOCK, "app/composer.lock", lock.as_bytes());
        assert_eq!(found, [Fact::DeclaredPackage(expected)]);
        assert_eq!(facts_of(&COMPOSER_LOCK, "app/vendor/a/b/composer.lock", lock.as_bytes()), []);
        for text in ["", "{}", "[1]", r#"{"packages":{}}"#] {
            assert!(error_of(&COMPOSER, path, text.as_bytes()).is_some(), "{text}");
        }
    }
}
