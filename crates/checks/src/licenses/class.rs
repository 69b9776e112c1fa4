//! The data of `rules/licenses.toml`: the class of each licence of SPDX's list, what exceptions do to it, what names of
//! no list mean, and what follows for whoever passes a work on.

use std::collections::HashMap;
use std::sync::LazyLock;

use plimsoll_model::licensing::{LicenseClass, Obligation};
use plimsoll_model::wildcard::fits;
use serde::Deserialize;

/// The data that comes with Plimsoll.
const EMBEDDED: &str = include_str!("../../rules/licenses.toml");

static DATA: LazyLock<Data> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the text is compiled in, and a test reads it")]
    toml::from_str::<Document>(EMBEDDED).map(Data::from).expect("the embedded data are sound")
});

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Document {
    classes: HashMap<LicenseClass, Vec<String>>,
    exceptions: Exceptions,
    words: HashMap<LicenseClass, Vec<String>>,
    variants: Variants,
    class_obligations: HashMap<LicenseClass, Vec<Obligation>>,
    obligations: HashMap<String, Vec<Obligation>>,
}

/// Patterns of names.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Variants {
    unless: Vec<String>,
    public_domain: Vec<String>,
    permissive: Vec<String>,
    weak_copyleft: Vec<String>,
    strong_copyleft: Vec<String>,
}

impl Variants {
    /// The class of a name in lower case; of several the strictest.
    fn class(&self, name: &str) -> Option<LicenseClass> {
        let is_one_of = |patterns: &[String]| patterns.iter().any(|pattern| fits(pattern, name));
        let by_class = [
            (&self.strong_copyleft, LicenseClass::StrongCopyleft),
            (&self.weak_copyleft, LicenseClass::WeakCopyleft),
            (&self.permissive, LicenseClass::Permissive),
            (&self.public_domain, LicenseClass::PublicDomain),
        ];
        let found = by_class.into_iter().find(|(patterns, _)| is_one_of(patterns));
        found.filter(|_| !is_one_of(&self.unless)).map(|(_, class)| class)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exceptions {
    soften: Vec<String>,
}

/// The data, to be looked up.
struct Data {
    classes: HashMap<String, LicenseClass>,
    soften: Vec<String>,
    words: HashMap<String, LicenseClass>,
    variants: Variants,
    class_obligations: HashMap<LicenseClass, Vec<Obligation>>,
    obligations: HashMap<String, Vec<Obligation>>,
}

impl From<Document> for Data {
    fn from(document: Document) -> Self {
        let by_name = |classes: HashMap<LicenseClass, Vec<String>>| {
            let each = classes.into_iter();
            each.flat_map(|(class, names)| names.into_iter().map(move |name| (name, class))).collect()
        };
        Self {
            classes: by_name(document.classes),
            soften: document.exceptions.soften,
            words: by_name(document.words),
            variants: document.variants,
            class_obligations: document.class_obligations,
            obligations: document.obligations,
        }
    }
}

/// The class of an id of SPDX's list.
pub(super) fn of_id(id: &str) -> LicenseClass {
    DATA.classes.get(id).copied().unwrap_or(LicenseClass::Unknown)
}

/// The class of a licence with an exception.
pub(super) fn with_exception(class: LicenseClass, exception: &str) -> LicenseClass {
    match class {
        LicenseClass::StrongCopyleft | LicenseClass::NetworkCopyleft
            if DATA.soften.iter().any(|known| known == exception) =>
        {
            LicenseClass::WeakCopyleft
        }
        unchanged => unchanged,
    }
}

/// The class that a name of no list certainly means.
pub(super) fn of_words(words: &str) -> Option<LicenseClass> {
    DATA.words.get(&words.to_lowercase()).copied()
}

/// The class that a name of a variant most likely has; sentences are no names.
pub(super) fn of_variant(name: &str) -> Option<LicenseClass> {
    if name.contains(char::is_whitespace) { None } else { DATA.variants.class(&name.to_lowercase()) }
}

/// What follows from `term`, a licence with or without an exception, that is of `class`.
pub(super) fn obligations(term: &str, class: LicenseClass) -> &'static [Obligation] {
    let of_class = || DATA.class_obligations.get(&class);
    DATA.obligations.get(term).or_else(of_class).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn document() -> Document {
        toml::from_str(EMBEDDED).unwrap()
    }

    #[test]
    fn each_licence_of_spdx_has_one_class_and_no_other_has() {
        let document = document();
        let named: Vec<&String> = document.classes.values().flatten().collect();
        let distinct: HashSet<&str> = named.iter().map(|name| name.as_str()).collect();
        assert_eq!(named.len(), distinct.len());
        let listed: HashSet<&str> = spdx::identifiers::LICENSES.iter().map(|license| license.name).collect();
        let missing: Vec<_> = listed.difference(&distinct).collect();
        let strange: Vec<_> = distinct.difference(&listed).collect();
        assert!(missing.is_empty() && strange.is_empty(), "missing {missing:?}, not listed {strange:?}");
        assert_eq!(document.classes.len(), LicenseClass::ALL.len());
    }

    #[test]
    fn what_spdx_marks_agrees_with_the_classes() {
        for license in spdx::identifiers::LICENSES {
            let class = of_id(license.name);
            let id = spdx::license_id(license.name).unwrap();
            if id.is_gnu() {
                assert!(class > LicenseClass::Permissive, "{}", license.name);
            }
            // What the FSF calls free may be used for anything.
            if id.is_fsf_free_libre() {
                assert_ne!(class, LicenseClass::Restricted, "{}", license.name);
            }
            if id.is_copyleft() && !matches!(license.name, "xinetd" | "CECILL-B") {
                assert!(class > LicenseClass::Permissive, "{}", license.name);
            }
        }
    }

    #[test]
    fn patterns_fit() {
        assert!(fits("a*b*c", "aXbYc") && fits("*", "") && fits("a", "a"));
        assert!(!fits("a*a", "a") && !fits("a*b*b", "ab") && !fits("a", "ab"));
        for (name, class) in [
            ("BSD-3-clause-Regents", Some(LicenseClass::Permissive)),
            ("BSD-3-clause-no-nuclear", None),
            ("GPL-3+-autoconf-exception", Some(LicenseClass::StrongCopyleft)),
            ("GFDL-NIV-1.3+", Some(LicenseClass::StrongCopyleft)),
            ("Mingw-PD", Some(LicenseClass::PublicDomain)),
            ("MIT-like for non-commercial use", None),
            ("custom", None),
        ] {
            assert_eq!(of_variant(name), class, "{name}");
        }
    }

    #[test]
    fn exceptions_words_and_obligations_name_what_there_is() {
        let document = document();
        for exception in &document.exceptions.soften {
            assert!(spdx::exception_id(exception).is_some(), "{exception}");
        }
        for id in document.obligations.keys() {
            assert!(spdx::license_id(id).is_some(), "{id}");
        }
        for words in document.words.values().flatten() {
            assert_eq!(&words.to_lowercase(), words);
            assert!(spdx::license_id(words).is_none(), "{words}");
        }
        assert_eq!(document.class_obligations.len(), LicenseClass::ALL.len());
        assert!(document.obligations.len() >= 60);
    }
}
