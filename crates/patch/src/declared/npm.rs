//! `package-lock.json` of versions 2 and 3, with the `package.json` beside it
//! (<https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json>). An entry gets the new version with what the registry
//! says of it, if all that it needs is in the lock file and all that need it take it; nothing is decided anew.

use std::collections::BTreeMap;
use std::ops::Range;

use plimsoll_model::plan::Raise;
use plimsoll_model::version::Scheme;
use plimsoll_model::version::range::npm_range;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Contents, Declared, Refused, Registry, Texts, answer, beside, json, replaced, text};

/// Where packages are if the file does not tell.
const REGISTRY: &str = "https://registry.npmjs.org";
/// The lists of what is needed to run.
const NEEDS: [&str; 2] = ["dependencies", "optionalDependencies"];
/// All lists of needs that an entry or a `package.json` has.
const LISTS: [&str; 4] = ["dependencies", "optionalDependencies", "devDependencies", "peerDependencies"];
/// What the registry says of a version and an entry repeats.
const TOLD: [&str; 13] = [
    "bin",
    "cpu",
    "dependencies",
    "deprecated",
    "engines",
    "funding",
    "hasInstallScript",
    "libc",
    "license",
    "optionalDependencies",
    "os",
    "peerDependencies",
    "peerDependenciesMeta",
];
/// The order in which npm writes the fields of an entry.
const ORDER: [&str; 24] = [
    "name",
    "version",
    "resolved",
    "integrity",
    "dev",
    "devOptional",
    "inBundle",
    "optional",
    "peer",
    "hasInstallScript",
    "hasShrinkwrap",
    "deprecated",
    "license",
    "workspaces",
    "dependencies",
    "bin",
    "devDependencies",
    "engines",
    "funding",
    "libc",
    "optionalDependencies",
    "os",
    "peerDependencies",
    "peerDependenciesMeta",
];

/// A lock file, entry by entry.
#[derive(Deserialize)]
struct Lock {
    #[serde(rename = "lockfileVersion")]
    version: u32,
    packages: BTreeMap<String, Map<String, Value>>,
}

impl Lock {
    fn read(path: &str, text: &str) -> Result<Self, Refused> {
        let value: Value = serde_json::from_str(text).map_err(|_| Refused::Malformed(path.to_owned()))?;
        if value.get("packages").is_none() {
            return Err(Refused::Form(
                "a lock file of version 1 is not edited: npm 7 and later write newer ones",
            ));
        }
        serde_json::from_value(value).map_err(|_| Refused::Malformed(path.to_owned()))
    }

    fn word(&self, place: &str, key: &str) -> Option<&str> {
        self.packages.get(place)?.get(key)?.as_str()
    }

    /// The place where a need of the package at `place` is met: the nearest `node_modules` on the way up.
    fn met(&self, place: &str, name: &str) -> Option<&str> {
        let mut folder = place;
        loop {
            let inside = if folder.is_empty() { String::new() } else { format!("{folder}/") };
            if !folder.ends_with("node_modules")
                && let Some((place, _)) = self.packages.get_key_value(&format!("{inside}node_modules/{name}"))
            {
                return Some(place);
            }
            if folder.is_empty() {
                return None;
            }
            folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
        }
    }

    /// The needs of the package at `place`.
    fn needs(&self, place: &str) -> impl Iterator<Item = (&'static str, &str, &str)> {
        let entry = self.packages.get(place);
        LISTS
            .into_iter()
            .flat_map(move |list| needs_of(entry, list).map(move |(name, range)| (list, name, range)))
    }
}

fn needs_of<'m>(
    entry: Option<&'m Map<String, Value>>,
    list: &str,
) -> impl Iterator<Item = (&'m str, &'m str)> {
    let needs = entry.and_then(|entry| entry.get(list)).and_then(Value::as_object).into_iter().flatten();
    needs.filter_map(|(name, range)| Some((name.as_str(), range.as_str()?)))
}

/// The name of the package at a place, unless its entry tells another.
fn name_of<'l>(place: &'l str, entry: &'l Map<String, Value>) -> &'l str {
    let last = place.rsplit_once("node_modules/").map_or("", |(_, name)| name);
    entry.get("name").and_then(Value::as_str).unwrap_or(last)
}

/// Whether an entry is a package of a registry.
fn is_published(place: &str, entry: &Map<String, Value>) -> bool {
    let is_web = |url: &str| url.starts_with("https://") || url.starts_with("http://");
    place.contains("node_modules/")
        && entry.get("link").is_none()
        && entry.get("inBundle").is_none()
        && entry.get("resolved").and_then(Value::as_str).is_none_or(is_web)
}

pub(super) fn read(path: &str, text: &str) -> Result<Contents, Refused> {
    let lock = Lock::read(path, text)?;
    let published = || lock.packages.iter().filter(|(place, entry)| is_published(place, entry));
    let places: BTreeMap<&str, usize> =
        published().enumerate().map(|(index, (place, _))| (place.as_str(), index)).collect();
    let packages = published().map(|(place, entry)| Declared {
        name: name_of(place, entry).to_owned(),
        version: lock.word(place, "version").unwrap_or_default().to_owned(),
        needs: lock
            .needs(place)
            .filter_map(|(_, name, _)| places.get(lock.met(place, name)?).copied())
            .collect(),
    });
    Ok(Contents { packages: packages.collect(), open: Vec::new() })
}

pub(super) fn raise(
    path: &str,
    raise: &Raise,
    texts: &Texts,
    registry: &dyn Registry,
) -> Result<Texts, Refused> {
    let lock_text = text(texts, path)?;
    let lock = Lock::read(path, lock_text)?;
    let is_meant = |place: &&String| {
        let entry = lock.packages.get(*place);
        entry.is_some_and(|entry| is_published(place, entry) && name_of(place, entry) == raise.name)
            && lock.word(place, "version") == Some(raise.from.as_str())
    };
    let places: Vec<&String> = lock.packages.keys().filter(is_meant).collect();
    let Some(first) = places.first() else {
        return Err(Refused::Absent(raise.name.clone(), raise.from.clone()));
    };
    let told = published(raise, lock.word(first, "resolved"), registry)?;
    let mut work = Work { raise, lock: &lock, edits: Vec::new(), own: Vec::new() };
    let own_path = beside(path, "package.json");
    let own = texts.get(&own_path).map_or("", String::as_str);
    for place in places {
        work.fits(place, &told)?;
        work.asked(place, lock_text, own)?;
        work.entry(place, &told, lock_text)?;
    }
    let mut changed = Texts::from([(path.to_owned(), replaced(lock_text, work.edits))]);
    if !work.own.is_empty() {
        changed.insert(own_path, replaced(own, work.own));
    }
    Ok(changed)
}

/// What the registry says of the new version.
fn published(
    raise: &Raise,
    resolved: Option<&str>,
    registry: &dyn Registry,
) -> Result<Map<String, Value>, Refused> {
    let base = resolved.and_then(|url| Some(url.split_once(&format!("/{}/-/", raise.name))?.0));
    let name = raise.name.replace('/', "%2f");
    let address = format!("{}/{name}", base.unwrap_or(REGISTRY));
    let bytes = registry.get(&address).map_err(Refused::Registry)?;
    let mut document: Value = answer(&bytes, &address)?;
    let version = document.get_mut("versions").and_then(|all| all.get_mut(&raise.to)).map(Value::take);
    let Some(Value::Object(mut told)) = version else {
        return Err(Refused::Unknown(raise.name.clone(), raise.to.clone()));
    };
    let scripts = told.get("scripts").and_then(Value::as_object);
    let installs = |name: &str| scripts.is_some_and(|scripts| scripts.contains_key(name));
    if ["preinstall", "install", "postinstall"].into_iter().any(installs) {
        told.insert("hasInstallScript".to_owned(), Value::Bool(true));
    }
    Ok(told)
}

struct Work<'w> {
    raise: &'w Raise,
    lock: &'w Lock,
    /// Of the lock file, and of the `package.json`.
    edits: Vec<(Range<usize>, String)>,
    own: Vec<(Range<usize>, String)>,
}

impl Work<'_> {
    /// Whether all that the new version needs is there.
    fn fits(&self, place: &str, told: &Map<String, Value>) -> Result<(), Refused> {
        for (name, range) in NEEDS.into_iter().flat_map(|list| needs_of(Some(told), list)) {
            let met = self.lock.met(place, name).and_then(|place| self.lock.word(place, "version"));
            if !met.is_some_and(|version| takes(range, version)) {
                let raise = self.raise;
                let need = format!("{name} {range}");
                return Err(Refused::Needs(raise.name.clone(), raise.to.clone(), need));
            }
        }
        Ok(())
    }

    /// Whether all that ask for the package take the new version; the application's own wish is raised where it does not.
    fn asked(&mut self, place: &str, text: &str, own: &str) -> Result<(), Refused> {
        for asking in self.lock.packages.keys() {
            for (list, name, range) in self.lock.needs(asking) {
                if self.lock.met(asking, name) != Some(place) || takes(range, &self.raise.to) {
                    continue;
                }
                let wish = wish(range, &self.raise.from, &self.raise.to).filter(|_| asking.is_empty());
                let in_lock = json::place(text, &["packages", "", list, name]);
                let in_own = json::place(own, &[list, name]);
                let is_same = in_own.clone().and_then(|place| own.get(place)) == Some(quoted(range).as_str());
                let (Some(wish), Some(in_lock), Some(in_own), true) = (wish, in_lock, in_own, is_same) else {
                    let asking = if asking.is_empty() { "the package.json" } else { asking };
                    return Err(Refused::Needed(asking.to_owned(), name.to_owned(), range.to_owned()));
                };
                self.edits.push((in_lock, quoted(&wish)));
                self.own.push((in_own, quoted(&wish)));
            }
        }
        Ok(())
    }

    /// Writes what stands for the package at `place`.
    fn entry(&mut self, place: &str, told: &Map<String, Value>, text: &str) -> Result<(), Refused> {
        let malformed =
            || Refused::Registry(format!("the registry does not tell {}'s file", self.raise.name));
        let file = |key: &str| Some(told.get("dist")?.get(key)?.as_str()?.to_owned());
        let (integrity, tarball) =
            (file("integrity").ok_or_else(malformed)?, file("tarball").ok_or_else(malformed)?);
        let Some(old) = self.lock.packages.get(place) else { return Ok(()) };
        let mut entry = old.clone();
        for key in TOLD {
            entry.remove(key);
            let kept = told.get(key).filter(|value| !is_empty(value));
            entry.extend(kept.map(|value| (key.to_owned(), plain(key, value, &self.raise.name))));
        }
        entry.insert("version".to_owned(), self.raise.to.clone().into());
        if old.contains_key("resolved") {
            entry.insert("resolved".to_owned(), tarball.clone().into());
        }
        entry.insert("integrity".to_owned(), integrity.clone().into());
        let at = json::place(text, &["packages", place]).ok_or(Refused::Form("its entry is not found"))?;
        let written = written(&entry, text, at.start);
        self.edits.push((at, written));
        if self.lock.version == 2 {
            self.old_tree(place, &integrity, &tarball, text)?;
        }
        Ok(())
    }

    /// In version 2 the same stands a second time, as a tree, for old npms.
    fn old_tree(&mut self, place: &str, integrity: &str, tarball: &str, text: &str) -> Result<(), Refused> {
        let names = place.split("node_modules/").skip(1).map(|name| name.trim_end_matches('/'));
        let keys: Vec<&str> = names.flat_map(|name| ["dependencies", name]).collect();
        for (key, value) in
            [("version", self.raise.to.as_str()), ("resolved", tarball), ("integrity", integrity)]
        {
            let at = json::place(text, &[keys.as_slice(), &[key]].concat());
            let at = at.ok_or(Refused::Form("the two trees of the lock file differ"))?;
            self.edits.push((at, quoted(value)));
        }
        Ok(())
    }
}

/// Whether a range takes a version. A pre-release is taken by nothing here.
fn takes(range: &str, version: &str) -> bool {
    let Ok(intervals) = npm_range(range) else { return false };
    !version.contains('-')
        && intervals.iter().any(|interval| interval.contains(Scheme::Semver, version).unwrap_or(false))
}

/// The wish for a new version in the form of an old one: exact, `^` or `~`.
fn wish(range: &str, from: &str, to: &str) -> Option<String> {
    let sign = range.get(..1).filter(|sign| ["^", "~"].contains(sign)).unwrap_or_default();
    let rest = range.get(sign.len()..)?;
    let is_plain = rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let is_own = if sign.is_empty() { rest == from } else { is_plain && !rest.is_empty() };
    is_own.then(|| format!("{sign}{to}"))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

/// As npm writes it: a program's name and path in a table, whatever the author wrote.
fn plain(key: &str, value: &Value, name: &str) -> Value {
    match (key, value) {
        ("bin", Value::String(path)) => {
            let name = name.rsplit('/').next().unwrap_or(name);
            Value::Object(Map::from_iter([(name.to_owned(), path.as_str().into())]))
        }
        ("funding", Value::String(url)) => {
            Value::Object(Map::from_iter([("url".to_owned(), url.as_str().into())]))
        }
        ("license", Value::Object(old)) => old.get("type").cloned().unwrap_or_default(),
        _ => value.clone(),
    }
}

/// A text as JSON.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// An entry as JSON, indented as the text around it.
fn written(entry: &Map<String, Value>, text: &str, at: usize) -> String {
    let indent = |at: usize| {
        let line = text.get(..at).and_then(|before| before.rsplit('\n').next()).unwrap_or_default();
        line.get(..line.len() - line.trim_start().len()).unwrap_or_default()
    };
    let outer = indent(at);
    let rest = text.get(at + 1..).unwrap_or_default();
    let inner = indent(at + 1 + rest.find('"').unwrap_or_default());
    let step = inner.strip_prefix(outer).filter(|step| !step.is_empty()).unwrap_or("  ");
    let rank = |key: &str| ORDER.iter().position(|known| *known == key).unwrap_or(ORDER.len());
    let mut members: Vec<(&String, &Value)> = entry.iter().collect();
    members.sort_by_key(|(key, _)| (rank(key), key.as_str()));
    let members: Vec<String> = members
        .into_iter()
        .map(|(key, value)| {
            let mut bytes = Vec::new();
            let formatter = serde_json::ser::PrettyFormatter::with_indent(step.as_bytes());
            let mut writer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
            drop(serde::Serialize::serialize(value, &mut writer));
            let value = String::from_utf8_lossy(&bytes).replace('\n', &format!("\n{inner}"));
            format!("{inner}{}: {value}", quoted(key))
        })
        .collect();
    format!("{{\n{}\n{outer}}}", members.join(",\n"))
}
