//! Licences as packages declare them, to SPDX license expressions
//! (<https://spdx.github.io/spdx-spec/v3.0.1/annexes/spdx-license-expressions/>).
//!
//! Debian, Fedora's old rpms, Python's classifiers and many authors have names of their own. Only what certainly means one
//! licence of SPDX's list is translated; all else stays in its own words.

use spdx::{Expression, ParseMode};

/// Names that mean one licence, or one expression, in lower case; sorted.
const NAMES: &[(&str, &str)] = &[
    ("apache 2.0", "Apache-2.0"),
    ("apache license 2.0", "Apache-2.0"),
    ("apache license version 2.0", "Apache-2.0"),
    ("apache-2", "Apache-2.0"),
    ("apache2", "Apache-2.0"),
    ("artistic", "Artistic-1.0"),
    ("artistic-2", "Artistic-2.0"),
    ("asl 2.0", "Apache-2.0"),
    ("boost", "BSL-1.0"),
    ("boost software license 1.0 (bsl-1.0)", "BSL-1.0"),
    ("bsd 2-clause", "BSD-2-Clause"),
    ("bsd 3-clause", "BSD-3-Clause"),
    ("bsd-2", "BSD-2-Clause"),
    ("bsd-3", "BSD-3-Clause"),
    ("cc0", "CC0-1.0"),
    ("eclipse public license 1.0", "EPL-1.0"),
    ("eclipse public license 2.0", "EPL-2.0"),
    ("eclipse public license v2.0", "EPL-2.0"),
    ("expat", "MIT"),
    ("isc license", "ISC"),
    ("isc license (iscl)", "ISC"),
    ("iscl", "ISC"),
    ("mit license", "MIT"),
    ("mozilla public license 1.1 (mpl 1.1)", "MPL-1.1"),
    ("mozilla public license 2.0 (mpl 2.0)", "MPL-2.0"),
    ("mpl 2.0", "MPL-2.0"),
    ("mplv1.1", "MPL-1.1"),
    ("mplv2.0", "MPL-2.0"),
    ("new bsd license", "BSD-3-Clause"),
    ("ofl", "OFL-1.1"),
    ("perl", "GPL-1.0-or-later OR Artistic-1.0"),
    ("psf", "PSF-2.0"),
    ("python software foundation license", "PSF-2.0"),
    ("sil-1.1", "OFL-1.1"),
    ("simplified bsd license", "BSD-2-Clause"),
    ("the mit license", "MIT"),
    ("the unlicense (unlicense)", "Unlicense"),
    ("universal permissive license (upl)", "UPL-1.0"),
    ("zlib/libpng license", "Zlib"),
];

/// Longer texts are no names.
const LONGEST: usize = 300;

/// The expression that `declared` certainly means, if it means one.
#[must_use]
pub fn expression(declared: &str) -> Option<String> {
    let declared = declared.trim();
    if declared.is_empty() || declared.len() > LONGEST {
        return None;
    }
    if is_expression(declared) {
        return Some(capitalized(declared));
    }
    if let Some(known) = term(declared) {
        return Some(known);
    }
    let translated = terms(declared)?;
    is_expression(&translated).then_some(translated)
}

/// Expressions with references to texts elsewhere would lead nowhere.
fn is_expression(text: &str) -> bool {
    !text.contains("Ref-") && Expression::parse_mode(text, ParseMode::STRICT).is_ok()
}

/// With operators in capitals: some readers know no others.
fn capitalized(expression: &str) -> String {
    let word = |word| match word {
        "and" => "AND",
        "or" => "OR",
        "with" => "WITH",
        other => other,
    };
    expression.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

/// Translates the names between `and`, `or` and parentheses.
fn terms(declared: &str) -> Option<String> {
    let spaced =
        declared.replace('(', " ( ").replace(')', " ) ").replace(" & ", " and ").replace(" | ", " or ");
    let mut translated: Vec<String> = Vec::new();
    let mut words: Vec<&str> = Vec::new();
    for word in spaced.split_whitespace().chain(["end"]) {
        let operator = match word.to_ascii_lowercase().as_str() {
            "and" => "AND",
            "or" => "OR",
            "(" => "(",
            ")" => ")",
            "end" => "",
            _ => {
                words.push(word);
                continue;
            }
        };
        if !words.is_empty() {
            let name = term(&words.join(" "))?;
            // A name that is an expression itself binds together.
            translated.push(if name.contains(' ') { format!("({name})") } else { name });
            words.clear();
        }
        if !operator.is_empty() {
            translated.push(operator.to_owned());
        }
    }
    Some(translated.join(" ").replace("( ", "(").replace(" )", ")"))
}

/// One name.
fn term(name: &str) -> Option<String> {
    // It takes a plus at the end for nothing.
    if let Some(id) = spdx::license_id(name).filter(|id| id.name == name) {
        return Some(id.name.to_owned());
    }
    let lower = name.to_ascii_lowercase();
    if let Ok(at) = NAMES.binary_search_by(|(known, _)| known.cmp(&lower.as_str())) {
        return NAMES.get(at).map(|(_, id)| (*id).to_owned());
    }
    gnu(&lower).or_else(|| {
        // Ids in another case: `mit`, `bsd-3-clause`.
        spdx::identifiers::LICENSES
            .iter()
            .map(|known| known.name)
            .find(|known| known.eq_ignore_ascii_case(name))
            .map(str::to_owned)
    })
}

/// `GPL-2+`, `GPLv2`, `LGPL-2.1-or-later`, `gfdl-1.3`: with a plus or a later version all later ones, else that one alone.
fn gnu(lower: &str) -> Option<String> {
    let families = [("lgpl", "LGPL"), ("agpl", "AGPL"), ("gpl", "GPL"), ("gfdl", "GFDL")];
    let (rest, family) =
        families.into_iter().find_map(|(start, id)| Some((lower.strip_prefix(start)?, id)))?;
    let rest = rest.trim_start_matches(['-', ' ']);
    let rest = rest.strip_prefix('v').unwrap_or(rest);
    let (version, later) = match rest.strip_suffix('+').or_else(|| rest.strip_suffix("-or-later")) {
        Some(version) => (version, "or-later"),
        None => (rest.strip_suffix("-only").unwrap_or(rest), "only"),
    };
    let version = if version.contains('.') { version.to_owned() } else { format!("{version}.0") };
    let id = format!("{family}-{version}-{later}");
    spdx::license_id(&id).map(|id| id.name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_mean_expressions() {
        assert!(NAMES.is_sorted_by_key(|(name, _)| *name));
        for (name, meant) in NAMES {
            assert!(is_expression(meant), "{meant}");
            assert_eq!(name.to_ascii_lowercase(), *name);
        }
    }

    #[test]
    fn what_is_certain_is_translated() {
        for (declared, meant) in [
            ("MIT", "MIT"),
            ("Apache-2.0 OR MIT", "Apache-2.0 OR MIT"),
            ("Expat", "MIT"),
            ("bsd-3-clause", "BSD-3-Clause"),
            ("GPL-2+", "GPL-2.0-or-later"),
            ("GPL-3", "GPL-3.0-only"),
            ("LGPLv2.1+", "LGPL-2.1-or-later"),
            ("GPL-2.0+", "GPL-2.0-or-later"),
            ("Apache-2.0+", "Apache-2.0+"),
            ("MIT and GPL-2.0-only", "MIT AND GPL-2.0-only"),
            ("GPLv2+ and (BSD-3-clause or MIT)", "GPL-2.0-or-later AND (BSD-3-Clause OR MIT)"),
            ("perl and MIT", "(GPL-1.0-or-later OR Artistic-1.0) AND MIT"),
            ("ISC License (ISCL)", "ISC"),
            ("Zlib", "Zlib"),
        ] {
            assert_eq!(expression(declared).as_deref(), Some(meant), "{declared}");
        }
    }

    #[test]
    fn what_is_not_certain_stays() {
        for declared in [
            "",
            "BSD",
            "Apache Software License",
            "public-domain",
            "GPL",
            "GPL-9",
            "GPL-2+ with Autoconf exception",
            "MIT and",
            "(MIT",
            "MIT, BSD-3-Clause",
            "LicenseRef-own",
            "and",
            "see LICENSE",
        ] {
            assert_eq!(expression(declared), None, "{declared}");
        }
        assert_eq!(expression(&"MIT and ".repeat(1000)), None);
    }

    proptest::proptest! {
        #[test]
        fn no_text_does_harm_and_what_is_translated_is_an_expression(text in ".{0,60}") {
            if let Some(meant) = expression(&text) {
                proptest::prop_assert!(is_expression(&meant));
            }
        }
    }
}
