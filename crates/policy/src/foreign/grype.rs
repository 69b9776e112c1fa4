//! The `ignore` rules of `.grype.yaml`, as Grype reads them
//! (<https://github.com/anchore/grype#specifying-matches-to-ignore>): all that a rule gives must hold. What Grype keeps
//! for its display only, and what it takes as an expression, is not understood.

use serde::Deserialize;

use super::pattern::{Paths, paths, shortened};
use super::{Entry, FixState, Foreign, ForeignError, ForeignId};
use crate::words::Kind;

/// The settings: all but `ignore` are for other things.
#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    ignore: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Rule {
    #[serde(default)]
    vulnerability: Option<String>,
    #[serde(default)]
    include_aliases: bool,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    fix_state: Option<String>,
    #[serde(default)]
    package: Package,
    #[serde(default)]
    vex_status: Option<String>,
    #[serde(default)]
    vex_justification: Option<String>,
    #[serde(default)]
    match_type: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Package {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    language: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    location: Option<String>,
    #[serde(default)]
    upstream_name: Option<String>,
}

/// Types of package in Grype's words, with those in package URLs.
const TYPES: &[(&str, &[&str])] = &[
    ("apk", &["apk"]),
    ("deb", &["deb"]),
    ("dotnet", &["nuget"]),
    ("gem", &["gem"]),
    ("go-module", &["golang"]),
    ("java-archive", &["maven"]),
    ("npm", &["npm"]),
    ("php-composer", &["composer"]),
    ("python", &["pypi"]),
    ("rpm", &["rpm"]),
    ("rust-crate", &["cargo"]),
];
/// Languages in Grype's words, with types in package URLs.
const LANGUAGES: &[(&str, &[&str])] = &[
    ("dotnet", &["nuget"]),
    ("go", &["golang"]),
    ("java", &["maven"]),
    ("javascript", &["npm"]),
    ("php", &["composer"]),
    ("python", &["pypi"]),
    ("ruby", &["gem"]),
    ("rust", &["cargo"]),
];

/// The exceptions of the file.
pub(super) fn yaml(text: &str) -> Result<Vec<Entry>, ForeignError> {
    let document: Document = crate::read::from_yaml(text).map_err(ForeignError::Malformed)?;
    let entry = |(index, rule): (usize, Rule)| {
        rule.entry().map_err(|reason| ForeignError::Entry { place: format!("ignore[{index}]"), reason })
    };
    document.ignore.into_iter().enumerate().map(entry).collect()
}

impl Rule {
    fn entry(self) -> Result<Entry, String> {
        let text = |text: Option<String>| text.filter(|text| !text.is_empty());
        for (name, value) in [
            ("namespace", self.namespace),
            ("vex-status", self.vex_status),
            ("vex-justification", self.vex_justification),
            ("match-type", self.match_type),
            ("package.upstream-name", self.package.upstream_name),
        ] {
            if text(value).is_some() {
                return Err(format!("{name} is not understood; the rule would be for more without it"));
            }
        }
        let fix = text(self.fix_state).map(|state| fix_state(&state)).transpose()?;
        let name = text(self.package.name).map(|name| literal(&name)).transpose()?;
        let location: Vec<String> = text(self.package.location).into_iter().collect();
        let kinds = text(self.package.kind).map(|kind| known("type", &kind, TYPES)).transpose()?;
        let languages =
            text(self.package.language).map(|name| known("language", &name, LANGUAGES)).transpose()?;
        let types = match (kinds, languages) {
            (Some(kinds), Some(languages)) if kinds != languages => {
                return Err("no package is of both the type and the language".to_owned());
            }
            (Some(types), _) | (None, Some(types)) => types.to_vec(),
            (None, None) => Vec::new(),
        };
        let include_aliases = self.include_aliases;
        let id = text(self.vulnerability);
        let id = id.map(|id| if include_aliases { ForeignId::Any(id) } else { ForeignId::Own(id) });
        let foreign = Foreign {
            kinds: vec![Kind::Vulnerability],
            id,
            name,
            version: text(self.package.version),
            types,
            paths: paths(&location, Paths::Absolute)?,
            fix,
            ..Foreign::default()
        };
        let only_kind = Foreign { kinds: vec![Kind::Vulnerability], ..Foreign::default() };
        if foreign == only_kind {
            return Err("it is for everything".to_owned());
        }
        Ok(Entry { foreign, reason: self.reason, expires: None })
    }
}

fn fix_state(word: &str) -> Result<FixState, String> {
    match word {
        "fixed" => Ok(FixState::Fixed),
        "not-fixed" => Ok(FixState::NotFixed),
        "wont-fix" => Ok(FixState::WontFix),
        other => Err(format!("fix-state {:?} is not understood", shortened(other))),
    }
}

/// Grype takes a name for an expression; dots are taken as dots.
fn literal(name: &str) -> Result<String, String> {
    match name.chars().find(|c| "*+?()[]{}|^$\\".contains(*c)) {
        Some(sign) => {
            Err(format!("package.name: {sign} in a name is an expression, which is not understood"))
        }
        None => Ok(name.to_owned()),
    }
}

fn known(
    what: &str,
    word: &str,
    words: &[(&str, &'static [&'static str])],
) -> Result<&'static [&'static str], String> {
    let found = words.iter().find(|(name, _)| *name == word);
    found
        .map(|(_, types)| *types)
        .ok_or_else(|| format!("package.{what} {:?} is not understood", shortened(word)))
}
