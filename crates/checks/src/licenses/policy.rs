//! What is allowed: which licences and classes stand in which category, and which packages are left out.

use std::collections::HashMap;

use plimsoll_model::licensing::{LicenseCategory, LicenseClass};
use plimsoll_model::wildcard::fits;
use serde::Deserialize;

use super::class;
use super::expression::canonical;

/// What a person writes, in the configuration or a policy.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct LicenseSettings {
    /// Licences that may be used: ids or expressions of SPDX, classes, `LicenseRef-…`, `declared:WORDS`.
    pub allowed: Vec<String>,
    /// Licences that may be used by who gives something back.
    pub reciprocal: Vec<String>,
    /// Licences that may not be used.
    pub forbidden: Vec<String>,
    /// Packages that are left out.
    pub ignore: Vec<IgnoreSetting>,
}

/// A package that is left out.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct IgnoreSetting {
    /// Its package URL without qualifiers, in which `*` stands for anything.
    pub purl: String,
    /// Why.
    pub reason: String,
}

/// Why settings are refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PolicyError {
    /// A typing error must not weaken anything.
    #[error(
        "{0:?} is no class and no licence of SPDX's list; a licence in a package's own words is written \"declared:WORDS\""
    )]
    License(String),
    /// Two lists have it.
    #[error("{0:?} stands in two lists")]
    Twice(String),
    /// The pattern is no package URL.
    #[error("{0:?} is no package URL, which begins with pkg:")]
    Purl(String),
    /// Somebody will ask.
    #[error("no reason is given for leaving {0} out")]
    Reason(String),
}

/// Settings, understood.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(try_from = "LicenseSettings")]
pub struct LicensePolicy {
    /// By name or expression in lower case.
    names: HashMap<String, LicenseCategory>,
    classes: HashMap<LicenseClass, LicenseCategory>,
    ignore: Vec<IgnoreSetting>,
}

impl TryFrom<LicenseSettings> for LicensePolicy {
    type Error = PolicyError;

    fn try_from(settings: LicenseSettings) -> Result<Self, PolicyError> {
        let mut policy = Self::default();
        let lists = [
            (settings.allowed, LicenseCategory::Allowed),
            (settings.reciprocal, LicenseCategory::Reciprocal),
            (settings.forbidden, LicenseCategory::Forbidden),
        ];
        for (entries, category) in lists {
            for entry in entries {
                policy.put(&entry, category)?;
            }
        }
        for ignored in &settings.ignore {
            if !ignored.purl.starts_with("pkg:") {
                return Err(PolicyError::Purl(ignored.purl.clone()));
            }
            if ignored.reason.trim().is_empty() {
                return Err(PolicyError::Reason(ignored.purl.clone()));
            }
        }
        policy.ignore = settings.ignore;
        Ok(policy)
    }
}

impl LicensePolicy {
    fn put(&mut self, entry: &str, category: LicenseCategory) -> Result<(), PolicyError> {
        let entry = entry.trim();
        let class = LicenseClass::ALL.into_iter().find(|class| class.as_str() == entry);
        let before = match class {
            Some(class) => self.classes.insert(class, category),
            None => self.names.insert(name_of(entry)?, category),
        };
        match before {
            Some(before) if before != category => Err(PolicyError::Twice(entry.to_owned())),
            _ => Ok(()),
        }
    }

    /// What is made of one licence: what its own name says, else its class.
    pub(super) fn category(&self, name: &str, class: LicenseClass) -> LicenseCategory {
        let own = self.of_name(name);
        own.or_else(|| self.classes.get(&class).copied()).unwrap_or_else(|| by_class(class))
    }

    /// What is said of this licence, or of this expression as a whole.
    pub(super) fn of_name(&self, name: &str) -> Option<LicenseCategory> {
        self.names.get(&key(name)).copied()
    }

    /// Why the package with this URL is left out, if it is.
    pub(super) fn ignores(&self, purl: &str) -> Option<&str> {
        if self.ignore.is_empty() {
            return None;
        }
        let plain = |purl: &str| percent_encoding::percent_decode_str(purl).decode_utf8_lossy().into_owned();
        let package = plain(purl.split(['?', '#']).next().unwrap_or_default());
        let found = self.ignore.iter().find(|ignored| fits(&plain(&ignored.purl), &package));
        found.map(|ignored| ignored.reason.as_str())
    }
}

/// The key of what stands in a list.
fn name_of(entry: &str) -> Result<String, PolicyError> {
    if let Some(words) = entry.strip_prefix("declared:") {
        return Ok(key(words));
    }
    let is_reference = entry.starts_with("LicenseRef-") || entry.starts_with("DocumentRef-");
    match canonical(entry) {
        Some(canonical) => Ok(key(&canonical)),
        None if is_reference || class::of_words(entry).is_some() => Ok(key(entry)),
        None => Err(PolicyError::License(entry.to_owned())),
    }
}

/// Without regard to capitals and blanks.
fn key(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// What is made of a class where nothing is said.
pub(super) const fn by_class(class: LicenseClass) -> LicenseCategory {
    match class {
        LicenseClass::PublicDomain | LicenseClass::Permissive => LicenseCategory::Allowed,
        LicenseClass::WeakCopyleft | LicenseClass::StrongCopyleft | LicenseClass::NetworkCopyleft => {
            LicenseCategory::Reciprocal
        }
        LicenseClass::Unknown => LicenseCategory::Unknown,
        LicenseClass::Restricted => LicenseCategory::Forbidden,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(text: &str) -> Result<LicensePolicy, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn names_come_before_classes() {
        let policy = policy(
            "allowed = ['weak-copyleft', 'declared:as you like', 'LicenseRef-ours']\nreciprocal = ['mit']\nforbidden = ['LGPL-3.0', 'unknown', 'GPL-2.0+']",
        )
        .unwrap();
        for (name, class, category) in [
            ("MIT", LicenseClass::Permissive, LicenseCategory::Reciprocal),
            ("ISC", LicenseClass::Permissive, LicenseCategory::Allowed),
            ("LGPL-2.1-only", LicenseClass::WeakCopyleft, LicenseCategory::Allowed),
            ("LGPL-3.0-only", LicenseClass::WeakCopyleft, LicenseCategory::Forbidden),
            ("GPL-2.0-or-later", LicenseClass::StrongCopyleft, LicenseCategory::Forbidden),
            ("As you  like", LicenseClass::Unknown, LicenseCategory::Allowed),
            ("LicenseRef-ours", LicenseClass::Unknown, LicenseCategory::Allowed),
            ("LicenseRef-theirs", LicenseClass::Unknown, LicenseCategory::Forbidden),
        ] {
            assert_eq!(policy.category(name, class), category, "{name}");
        }
    }

    #[test]
    fn mistakes_are_told() {
        for (text, words) in [
            ("allowed = ['APACHE-2.x']", "is no class and no licence"),
            ("allowed = ['MIT']\nforbidden = ['mit']", "stands in two lists"),
            ("allowed = ['permissive']\nforbidden = ['permissive']", "stands in two lists"),
            ("ignore = [{ purl = 'npm/x', reason = 'ours' }]", "begins with pkg:"),
            ("ignore = [{ purl = 'pkg:npm/x', reason = ' ' }]", "no reason is given"),
            ("ignore = [{ purl = 'pkg:npm/x' }]", "missing field"),
            ("allow = ['MIT']", "unknown field"),
        ] {
            let error = policy(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn packages_are_left_out_by_pattern() {
        let policy = policy(
            "ignore = [{ purl = 'pkg:npm/@acme/*', reason = 'ours' }, { purl = 'pkg:deb/*/bash@5.*', reason = 'b' }]",
        )
        .unwrap();
        for (purl, reason) in [
            ("pkg:npm/%40acme/x@1.0.0", Some("ours")),
            ("pkg:npm/%40acm/x@1.0.0", None),
            ("pkg:deb/debian/bash@5.2.15-2?arch=amd64&distro=debian-12", Some("b")),
            ("pkg:deb/debian/bash@4.4", None),
            ("pkg:npm/x", None),
        ] {
            assert_eq!(policy.ignores(purl), reason, "{purl}");
        }
    }
}
