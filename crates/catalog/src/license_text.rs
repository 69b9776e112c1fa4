//! Licences told by their texts, for packages whose metadata tells none. The rules are `rules/licenses.toml`: phrases that a
//! text must have and must not have, all looked for in one pass over the text.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use serde::Deserialize;

/// Reads the texts of licences.
pub(crate) const LICENSE_TEXTS: Extractor = Extractor {
    name: "license-texts",
    revision: 1,
    wants: Wants {
        paths: &[
            PathRule::Name("COPYING"),
            PathRule::Name("COPYING.LESSER"),
            PathRule::Name("COPYING.txt"),
            PathRule::Name("LICENCE"),
            PathRule::Name("LICENCE.md"),
            PathRule::Name("LICENCE.txt"),
            PathRule::Name("LICENSE"),
            PathRule::Name("LICENSE-APACHE"),
            PathRule::Name("LICENSE-MIT"),
            PathRule::Name("LICENSE-MIT.txt"),
            PathRule::Name("LICENSE.APACHE"),
            PathRule::Name("LICENSE.BSD"),
            PathRule::Name("LICENSE.MIT"),
            PathRule::Name("LICENSE.md"),
            PathRule::Name("LICENSE.rst"),
            PathRule::Name("LICENSE.txt"),
            PathRule::Name("License"),
            PathRule::Name("License.txt"),
            PathRule::Name("MIT-LICENSE"),
            PathRule::Name("MIT-LICENSE.txt"),
            PathRule::Name("UNLICENSE"),
            PathRule::Name("license"),
            PathRule::Name("license.md"),
            PathRule::Name("license.txt"),
        ],
        content: ContentRule::Text,
        max_size: 4 << 20,
    },
    extract,
};

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let licenses = RULES.licenses(&file.read()?);
    if !licenses.is_empty() {
        facts.push(Fact::LicenseText(licenses));
    }
    Ok(())
}

#[derive(Deserialize)]
struct Document {
    license: Vec<Record>,
}

/// One entry of the rules.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    id: String,
    all: Vec<String>,
    #[serde(default)]
    none: Vec<String>,
}

/// The rules, their phrases numbered.
struct Rules {
    phrases: Option<AhoCorasick>,
    licenses: Vec<Rule>,
}

struct Rule {
    id: String,
    all: Vec<usize>,
    none: Vec<usize>,
}

static RULES: LazyLock<Rules> = LazyLock::new(Rules::embedded);

impl Rules {
    /// The rules that come with the program. A test reads them, so that they are never broken in use.
    fn embedded() -> Self {
        let document: Document = toml::from_str(include_str!("../rules/licenses.toml"))
            .unwrap_or(Document { license: Vec::new() });
        let mut phrases: Vec<String> = Vec::new();
        let mut number = |phrase: &String| {
            phrases.iter().position(|known| known == phrase).unwrap_or_else(|| {
                phrases.push(phrase.clone());
                phrases.len().saturating_sub(1)
            })
        };
        let rule = |record: Record| Rule {
            all: record.all.iter().map(&mut number).collect(),
            none: record.none.iter().map(&mut number).collect(),
            id: record.id,
        };
        let licenses = document.license.into_iter().map(rule).collect();
        let mut builder = AhoCorasick::builder();
        let builder = builder.match_kind(MatchKind::Standard).kind(Some(AhoCorasickKind::ContiguousNFA));
        Self { phrases: builder.build(&phrases).ok(), licenses }
    }

    /// The licences whose text `bytes` hold, sorted.
    fn licenses(&self, bytes: &[u8]) -> Vec<String> {
        let Some(phrases) = &self.phrases else { return Vec::new() };
        let text = normalized(bytes);
        let found: BTreeSet<usize> =
            phrases.find_overlapping_iter(&text).map(|found| found.pattern().as_usize()).collect();
        let holds = |rule: &&Rule| {
            rule.all.iter().all(|phrase| found.contains(phrase))
                && !rule.none.iter().any(|phrase| found.contains(phrase))
        };
        let mut ids: Vec<String> = self.licenses.iter().filter(holds).map(|rule| rule.id.clone()).collect();
        ids.sort();
        ids.dedup();
        ids
    }
}

/// Lower case, with one blank for each run of what is neither a letter nor a digit.
fn normalized(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() {
            text.push(byte.to_ascii_lowercase());
        } else if text.last().is_some_and(|last| *last != b' ') {
            text.push(b' ');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::facts_of;

    fn document() -> Document {
        toml::from_str(include_str!("../rules/licenses.toml")).unwrap()
    }

    #[test]
    fn rules_are_sorted_and_their_phrases_normal() {
        let document = document();
        assert!(document.license.len() > 35);
        let keys: Vec<String> = document.license.iter().map(|record| record.id.to_lowercase()).collect();
        assert!(keys.is_sorted(), "{keys:?}");
        for record in &document.license {
            assert!(spdx::license_id(&record.id).is_some(), "{} is no id of SPDX", record.id);
            assert!(!record.all.is_empty());
            for phrase in record.all.iter().chain(&record.none) {
                assert_eq!(normalized(phrase.as_bytes()), phrase.as_bytes(), "{}", record.id);
            }
        }
    }

    /// What SPDX's own texts are told to be: of the licences of the rules, and of all others.
    fn told() -> (Vec<String>, Vec<&'static str>) {
        let known: BTreeSet<String> = document().license.into_iter().map(|record| record.id).collect();
        let (mut wrong, mut others) = (Vec::new(), Vec::new());
        for (name, text) in spdx::text::LICENSE_TEXTS {
            let found = RULES.licenses(text.as_bytes());
            // The same text serves for one version and for all later ones.
            let plain = name.trim_end_matches(['+']).trim_end_matches("-or-later").trim_end_matches("-only");
            let same =
                |known: &&String| known.as_str() == *name || known.strip_suffix("-only") == Some(plain);
            let expected: Vec<String> = known.iter().filter(same).cloned().collect();
            if expected.is_empty() && !found.is_empty() {
                others.push(*name);
            } else if found != expected {
                wrong.push(format!("{name}: {found:?}"));
            }
        }
        (wrong, others)
    }

    #[test]
    fn each_text_of_spdx_is_its_own_licence_and_hardly_another() {
        let (wrong, others) = told();
        assert!(wrong.is_empty(), "{wrong:#?}");
        // Variants that differ by a few words are told as what they vary; none that asks or forbids more.
        assert!(others.len() < 50, "{others:?}");
        let stricter = [
            "BSD-2-Clause-Patent",
            "BSD-3-Clause-Clear",
            "BSD-3-Clause-No-Nuclear-License-2014",
            "BSD-3-Clause-OpenWebUI",
            "CAL-1.0",
            "Community-Spec-1.0",
            "FSL-1.1-ALv2",
            "FSL-1.1-MIT",
            "JSON",
            "RPSL-1.0",
            "SHL-0.5",
            "Sendmail",
            "Sleepycat",
            "TMate",
            "XFree86-1.1",
        ];
        let mistaken: Vec<&&str> = stricter.iter().filter(|name| others.contains(name)).collect();
        assert!(mistaken.is_empty(), "{mistaken:?}");
    }

    #[test]
    fn what_is_no_licence_gives_no_fact() {
        for text in ["", "All rights reserved.", "Permission is hereby granted", "\u{0}\u{ff}"] {
            assert!(facts_of(&LICENSE_TEXTS, "app/LICENSE", text.as_bytes()).is_empty(), "{text}");
        }
        let long = "permission ".repeat(100_000);
        assert!(facts_of(&LICENSE_TEXTS, "app/LICENSE", long.as_bytes()).is_empty());
    }
}
