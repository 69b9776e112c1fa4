//! `osv-scanner.toml`, as OSV-Scanner reads it (<https://google.github.io/osv-scanner/configuration/>). What ends at a
//! time does not count at that time itself.

use jiff::Timestamp;
use serde::Deserialize;
use toml::value::Datetime;

use super::pattern::shortened;
use super::{Entry, Foreign, ForeignError, ForeignId, before};
use crate::fields::midnight;
use crate::time::Expiry;
use crate::words::Kind;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default, rename = "IgnoredVulns")]
    ignored: Vec<Ignored>,
    #[serde(default, rename = "PackageOverrides")]
    overrides: Vec<Override>,
    /// It says which standard library is scanned, and excuses nothing.
    #[serde(default, rename = "GoVersionOverride")]
    _go: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Ignored {
    id: String,
    #[serde(default)]
    ignore_until: Option<Datetime>,
    #[serde(default)]
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Override {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    ecosystem: Option<String>,
    #[serde(default)]
    group: Option<String>,
    /// The older way to say that all is ignored.
    #[serde(default)]
    ignore: bool,
    #[serde(default)]
    vulnerability: Vulnerability,
    #[serde(default)]
    license: License,
    #[serde(default)]
    effective_until: Option<Datetime>,
    #[serde(default)]
    reason: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Vulnerability {
    #[serde(default)]
    ignore: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct License {
    #[serde(default)]
    ignore: bool,
    #[serde(default, rename = "override")]
    replaced: Vec<String>,
}

/// Ecosystems in OSV's words, with the type, or type and namespace, in package URLs.
const ECOSYSTEMS: &[(&str, &str)] = &[
    ("Alpine", "apk/alpine"),
    ("Debian", "deb/debian"),
    ("Go", "golang"),
    ("Hex", "hex"),
    ("Maven", "maven"),
    ("NuGet", "nuget"),
    ("Packagist", "composer"),
    ("Pub", "pub"),
    ("PyPI", "pypi"),
    ("RubyGems", "gem"),
    ("Ubuntu", "deb/ubuntu"),
    ("crates.io", "cargo"),
    ("npm", "npm"),
];

/// The exceptions of the file.
pub(super) fn toml(text: &str) -> Result<Vec<Entry>, ForeignError> {
    let document: Document =
        toml::from_str(text).map_err(|error| ForeignError::Malformed(told(&error.to_string())))?;
    let mut entries = Vec::new();
    for (index, ignored) in document.ignored.into_iter().enumerate() {
        let place = || format!("IgnoredVulns[{index}]");
        entries.push(ignored.entry().map_err(|reason| ForeignError::Entry { place: place(), reason })?);
    }
    for (index, package) in document.overrides.into_iter().enumerate() {
        let place = || format!("PackageOverrides[{index}]");
        entries.extend(package.entries().map_err(|reason| ForeignError::Entry { place: place(), reason })?);
    }
    Ok(entries)
}

/// The first line of an error and its last: where, and what.
fn told(error: &str) -> String {
    let mut lines = error.lines().filter(|line| !line.trim().is_empty());
    match (lines.next(), lines.next_back()) {
        (Some(first), Some(last)) => shortened(&format!("{first}: {last}")),
        (first, _) => shortened(first.unwrap_or_default()),
    }
}

impl Ignored {
    fn entry(self) -> Result<Entry, String> {
        if self.id.trim().is_empty() {
            return Err("id is empty".to_owned());
        }
        let expires = self.ignore_until.map(|end| until("ignoreUntil", &end)).transpose()?;
        let id = Some(ForeignId::Any(self.id));
        let foreign = Foreign { kinds: vec![Kind::Vulnerability], id, ..Foreign::default() };
        Ok(Entry { foreign, reason: self.reason, expires })
    }
}

impl Override {
    fn entries(self) -> Result<Vec<Entry>, String> {
        let text = |text: Option<String>| text.filter(|text| !text.is_empty());
        if text(self.group).is_some() {
            return Err("group is not understood; it would be for more without it".to_owned());
        }
        if !self.license.replaced.is_empty() {
            return Err(
                "license.override is not understood; plimsoll's settings can say what a package's licence is"
                    .to_owned(),
            );
        }
        let (name, version) = (text(self.name), text(self.version));
        let types = match text(self.ecosystem) {
            Some(word) => {
                let found = ECOSYSTEMS.iter().find(|(name, _)| *name == word);
                let found =
                    found.ok_or_else(|| format!("ecosystem {:?} is not understood", shortened(&word)))?;
                vec![found.1]
            }
            None => Vec::new(),
        };
        if name.is_none() && version.is_none() && types.is_empty() {
            return Err("it is for every package".to_owned());
        }
        let expires = self.effective_until.map(|end| until("effectiveUntil", &end)).transpose()?;
        let kinds = [
            (self.ignore || self.vulnerability.ignore, Kind::Vulnerability),
            (self.ignore || self.license.ignore, Kind::License),
        ];
        let entry = |kind| Entry {
            foreign: Foreign {
                kinds: vec![kind],
                name: name.clone(),
                version: version.clone(),
                types: types.clone(),
                ..Foreign::default()
            },
            reason: self.reason.clone(),
            expires: expires.clone(),
        };
        Ok(kinds.into_iter().filter(|(is_ignored, _)| *is_ignored).map(|(_, kind)| entry(kind)).collect())
    }
}

/// A day ends what it names with its first instant; times without a zone are taken for UTC.
fn until(name: &str, end: &Datetime) -> Result<Expiry, String> {
    let written = end.to_string();
    let instant: Option<Timestamp> = match written.len() {
        10 => written.parse().ok().and_then(midnight),
        _ if end.offset.is_some() => written.parse().ok(),
        _ => format!("{written}Z").parse().ok(),
    };
    let expiry = instant.and_then(|instant| before(written.clone(), instant));
    expiry.ok_or_else(|| format!("{name}: {written:?} is no time"))
}
