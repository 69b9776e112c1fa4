//! Python packages asked for by lock files: `poetry.lock`, `uv.lock`, `pdm.lock`, `pylock.toml` and `Pipfile.lock`. A
//! `requirements.txt` says what its author would like, and is not read
//! (<https://packaging.python.org/en/latest/specifications/pylock-toml/>, <https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile>,
//! <https://pipenv.pypa.io/en/latest/pipfile.html>).

use std::collections::BTreeMap;

use plimsoll_model::extractor::{ExtractError, Extractor, Facts, PathRule, ScanFile};
use plimsoll_model::package::Ecosystem;
use plimsoll_model::path::file_name;
use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Value;

use super::document::{declare, declare_with, is_authors, json, text_files, toml};
use super::python::required_name;

/// Reads lock files.
pub(crate) const PYTHON_LOCKS: Extractor = Extractor {
    name: "python-locks",
    revision: 2,
    wants: text_files(&[
        PathRule::Name("Pipfile.lock"),
        PathRule::Name("pdm.lock"),
        PathRule::Name("poetry.lock"),
        PathRule::Name("pylock.toml"),
        PathRule::Name("uv.lock"),
    ]),
    extract,
};

/// All in TOML have a list of packages.
#[derive(Deserialize)]
struct Lock {
    #[serde(alias = "packages", default)]
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: Option<String>,
    /// Of old `poetry.lock`s.
    category: Option<String>,
    /// `{registry = …}` of uv, `{type = "git", …}` of Poetry.
    source: Option<BTreeMap<String, Value>>,
    /// Where `pylock.toml` and `pdm.lock` say that it is not of an index.
    directory: Option<IgnoredAny>,
    vcs: Option<IgnoredAny>,
    git: Option<IgnoredAny>,
    path: Option<IgnoredAny>,
    dependencies: Option<Value>,
}

impl Locked {
    fn is_of_index(&self) -> bool {
        let elsewhere = ["git", "directory", "path", "url", "file", "editable", "virtual", "workspace"];
        let of_source = self.source.as_ref().is_none_or(|source| {
            let kind = source.get("type").and_then(Value::as_str).unwrap_or_default();
            !elsewhere.contains(&kind)
                && !elsewhere.iter().any(|key| source.contains_key(*key) && kind.is_empty())
        });
        let others = [&self.directory, &self.vcs, &self.git, &self.path];
        of_source && others.iter().all(|other| other.is_none())
    }
}

impl Locked {
    /// A table of names (Poetry's), a list of tables with names (uv's and `pylock.toml`'s), or one of requirements (PDM's).
    fn needs(&self) -> Vec<(&str, Option<&str>)> {
        match &self.dependencies {
            Some(Value::Table(wishes)) => wishes.keys().map(|name| (name.as_str(), None)).collect(),
            Some(Value::Array(wishes)) => wishes.iter().filter_map(wish).collect(),
            _ => Vec::new(),
        }
    }
}

fn wish(wish: &Value) -> Option<(&str, Option<&str>)> {
    match wish {
        Value::String(text) => Some((required_name(text), None)),
        Value::Table(fields) => {
            Some((fields.get("name")?.as_str()?, fields.get("version").and_then(Value::as_str)))
        }
        _ => None,
    }
}

#[derive(Deserialize)]
struct Pipfile {
    /// What is needed to run; `develop` is not installed where the program is only used.
    #[serde(default)]
    default: BTreeMap<String, Pinned>,
}

#[derive(Deserialize)]
struct Pinned {
    version: Option<String>,
}

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    if is_authors(file.path) {
        return Ok(());
    }
    if file_name(file.path) == "Pipfile.lock" {
        let lock: Pipfile = json(file)?;
        for (name, pinned) in lock.default {
            let version = pinned.version.unwrap_or_default();
            declare(facts, Ecosystem::PyPi, name, version.trim_start_matches('='));
        }
        return Ok(());
    }
    let lock: Lock = toml(file)?;
    for locked in lock.package {
        if locked.is_of_index() && locked.category.as_deref() != Some("dev") {
            let version = locked.version.as_deref().unwrap_or_default();
            declare_with(facts, (Ecosystem::PyPi, &locked.name, version), locked.needs());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{declared, error_of, facts_of, needs_of};

    #[test]
    fn needs_are_read_in_each_form() {
        let of = |name: &str, text: &str| needs_of(&PYTHON_LOCKS, &format!("app/{name}"), text.as_bytes());
        let head = "name = \"requests\"\nversion = \"2.19.1\"\n";
        let poetry = format!(
            "[[package]]\n{head}\n[package.dependencies]\nidna = \">=2.5\"\nurllib3 = {{version = \"<2\"}}\n"
        );
        let uv = format!(
            "[[package]]\n{head}dependencies = [{{ name = \"idna\" }}, {{ name = \"urllib3\", marker = \"x\" }}]\n"
        );
        let pdm = format!("[[package]]\n{head}dependencies = [\"idna<2.8,>=2.5\", \"urllib3\"]\n");
        let pylock =
            format!("[[packages]]\n{head}dependencies = [{{ name = \"idna\" }}, {{ name = \"urllib3\" }}]\n");
        for (name, text) in
            [("poetry.lock", poetry), ("uv.lock", uv), ("pdm.lock", pdm), ("pylock.toml", pylock)]
        {
            assert_eq!(of(name, &text), ["requests: idna, urllib3; "], "{name}");
        }
        let versions =
            format!("[[package]]\n{head}dependencies = [{{ name = \"idna\", version = \"2\" }}, 1]\n");
        assert_eq!(of("uv.lock", &versions), ["requests: idna 2; "]);
    }

    #[test]
    fn each_lock_file_tells_what_comes_from_an_index() {
        let poetry = "[[package]]\nname = \"requests\"\nversion = \"2.19.1\"\ncategory = \"main\"\noptional = false\nfiles = [{file = \"x\", hash = \"y\"}]\n\n[[package]]\nname = \"pytest\"\nversion = \"7.0.0\"\ncategory = \"dev\"\n\n[[package]]\nname = \"own\"\nversion = \"1.0\"\n[package.source]\ntype = \"git\"\nurl = \"https://x\"\n\n[[package]]\nname = \"urllib3\"\nversion = \"1.23\"\n[package.source]\ntype = \"legacy\"\nurl = \"https://index\"\n\n[metadata]\nlock-version = \"2.0\"\n";
        let uv = "version = 1\n\n[[package]]\nname = \"shop\"\nversion = \"0.1.0\"\nsource = { virtual = \".\" }\n\n[[package]]\nname = \"requests\"\nversion = \"2.19.1\"\nsource = { registry = \"https://pypi.org/simple\" }\n\n[[package]]\nname = \"urllib3\"\nversion = \"1.23\"\nsource = { registry = \"x\" }\n";
        let pdm = "[[package]]\nname = \"requests\"\nversion = \"2.19.1\"\ngroups = [\"default\"]\n\n[[package]]\nname = \"urllib3\"\nversion = \"1.23\"\n\n[[package]]\nname = \"own\"\nversion = \"1\"\ngit = \"https://x\"\n";
        let pylock = "lock-version = \"1.0\"\n[[packages]]\nname = \"requests\"\nversion = \"2.19.1\"\nwheels = []\n\n[[packages]]\nname = \"urllib3\"\nversion = \"1.23\"\n\n[[packages]]\nname = \"own\"\ndirectory = { path = \".\" }\n";
        let pipfile = r#"{"_meta":{},"default":{"requests":{"hashes":[],"version":"==2.19.1"},"urllib3":{"version":"==1.23"},"own":{"git":"https://x","ref":"a"}},"develop":{"pytest":{"version":"==7"}}}"#;
        let expected = declared(Ecosystem::PyPi, &[("requests", "2.19.1"), ("urllib3", "1.23")]);
        for (name, text) in [
            ("poetry.lock", poetry),
            ("uv.lock", uv),
            ("pdm.lock", pdm),
            ("pylock.toml", pylock),
            ("Pipfile.lock", pipfile),
        ] {
            assert_eq!(facts_of(&PYTHON_LOCKS, &format!("app/{name}"), text.as_bytes()), expected, "{name}");
            assert!(error_of(&PYTHON_LOCKS, name, b"package = 1\n[").is_some(), "{name}");
        }
    }
}
