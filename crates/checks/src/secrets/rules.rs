//! The rules of `rules/secrets.toml`: what a secret looks like, as data.
//!
//! An expression is compiled when its first keyword is seen, so a scan pays for the rules that its files touch.

use std::sync::{LazyLock, OnceLock};

use plimsoll_model::severity::Severity;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use serde::Deserialize;

use super::prefilter::Prefilter;
use super::validate::Validator;

/// The rules that come with Plimsoll.
const EMBEDDED: &str = include_str!("../../rules/secrets.toml");

/// The most bytes that a rule may look at on either side of a keyword.
pub(crate) const REACH_LIMIT: usize = 32 << 10;

static RULES: LazyLock<RuleSet> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the text is compiled in, and a test reads it")]
    RuleSet::parse(EMBEDDED).expect("the embedded rules are sound")
});

/// Why a rule file is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RulesError {
    #[error("reading the rules of secrets")]
    Syntax(#[from] toml::de::Error),
    #[error("rule {0}: it has no keyword, or one of less than three bytes")]
    Keyword(String),
    #[error("rule {0}: it looks further than {REACH_LIMIT} bytes")]
    Reach(String),
    #[error("the keywords of the rules cannot be searched for")]
    Prefilter,
}

/// All rules, ready for use.
#[derive(Debug)]
pub(crate) struct RuleSet {
    pub(crate) rules: Vec<Rule>,
    pub(crate) allow: Allow,
    pub(crate) prefilter: Prefilter,
}

/// One kind of secret.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// The name in reports and policies.
    pub(crate) id: String,
    /// What it finds, for people.
    pub(crate) title: String,
    /// How bad a leak is.
    pub(crate) severity: Severity,
    /// Literals of which each match holds at least one.
    pub(crate) keywords: Vec<String>,
    /// The expression; its first group, if it has one, is the secret.
    regex: Pattern,
    /// How many bytes before a keyword a match may begin.
    #[serde(default = "default_before")]
    pub(crate) before: usize,
    /// How many bytes after a keyword's first byte a match may end.
    #[serde(default = "default_after")]
    pub(crate) after: usize,
    /// The least Shannon entropy of the secret, in bits a byte.
    #[serde(default)]
    pub(crate) entropy: f64,
    /// The structure that the secret must have.
    #[serde(default)]
    pub(crate) validate: Option<Validator>,
    /// Secrets that are public knowledge.
    #[serde(default)]
    pub(crate) allow: Vec<Pattern>,
}

/// What no rule reports.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Allow {
    /// Paths whose files are not searched.
    paths: Vec<Pattern>,
    /// Short secrets that are placeholders.
    secrets: Vec<Pattern>,
}

/// An expression that is compiled when it is first needed.
#[derive(Debug, Deserialize)]
#[serde(from = "String")]
pub(crate) struct Pattern {
    text: String,
    compiled: OnceLock<Regex>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    #[serde(default)]
    allow: Allow,
    rule: Vec<Rule>,
}

const fn default_before() -> usize {
    64
}

const fn default_after() -> usize {
    512
}

impl RuleSet {
    /// The rules that come with Plimsoll.
    pub(crate) fn embedded() -> &'static Self {
        &RULES
    }

    /// Reads a rule file. Its expressions are not compiled yet.
    pub(crate) fn parse(text: &str) -> Result<Self, RulesError> {
        let RuleFile { allow, rule: rules } = toml::from_str(text)?;
        for rule in &rules {
            if rule.keywords.is_empty() || rule.keywords.iter().any(|keyword| keyword.len() < 3) {
                return Err(RulesError::Keyword(rule.id.clone()));
            }
            if rule.before > REACH_LIMIT || rule.after > REACH_LIMIT {
                return Err(RulesError::Reach(rule.id.clone()));
            }
        }
        let prefilter = Prefilter::new(&rules).ok_or(RulesError::Prefilter)?;
        Ok(Self { rules, allow, prefilter })
    }
}

impl Rule {
    /// The expression.
    pub(crate) fn regex(&self) -> &Regex {
        self.regex.compiled()
    }
}

impl Allow {
    /// Tells whether files at `path` are not searched.
    pub(crate) fn path(&self, path: &str) -> bool {
        self.paths.iter().any(|pattern| pattern.compiled().is_match(path))
    }

    /// Tells whether `secret` is a placeholder. Long secrets hold any short text by chance, so they never are.
    pub(crate) fn secret(&self, secret: &[u8]) -> bool {
        secret.len() <= 256 && self.secrets.iter().any(|pattern| pattern.compiled().is_match(secret))
    }
}

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        Self { text, compiled: OnceLock::new() }
    }
}

impl Pattern {
    /// The expression over bytes, ASCII only.
    pub(crate) fn compiled(&self) -> &Regex {
        self.compiled.get_or_init(|| {
            let syntax = syntax::Config::new().unicode(false).utf8(false);
            let configuration = Regex::config().utf8_empty(false);
            #[expect(clippy::expect_used, reason = "the text is compiled in, and a test compiles each")]
            Regex::builder()
                .syntax(syntax)
                .configure(configuration)
                .build(&self.text)
                .expect("the expressions of the embedded rules are sound")
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_embedded_rules_are_sound() {
        let set = RuleSet::parse(EMBEDDED).unwrap();
        let ids: BTreeSet<&str> = set.rules.iter().map(|rule| rule.id.as_str()).collect();
        assert_eq!(ids.len(), set.rules.len(), "an id occurs twice");
        for rule in &set.rules {
            rule.regex();
            assert!(rule.allow.iter().all(|pattern| pattern.compiled().pattern_len() == 1));
            let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(rule.id.chars().all(kebab), "{}", rule.id);
        }
        assert!(!set.allow.path("etc/app.env") && !set.allow.secret(b"Zk3"));
    }

    #[test]
    fn samples_of_packages_are_not_searched_and_those_of_the_application_are() {
        let allow = &RuleSet::embedded().allow;
        for path in [
            "usr/share/doc/openssl/key.pem",
            "usr/lib/python3.11/test/certdata/keycert.pem",
            "usr/local/go/src/crypto/tls/testdata/key.pem",
            "app/node_modules/jwa/test/key.pem",
            "srv/lib/python3.12/site-packages/jose/tests/rsa.py",
        ] {
            assert!(allow.path(path), "{path}");
        }
        for path in ["app/tests/key.pem", "usr/lib/app/key.pem", "app/node_modules/x/latest/a.js", "test/a"] {
            assert!(!allow.path(path), "{path}");
        }
    }

    #[test]
    fn rules_without_keywords_or_with_a_long_reach_are_refused() {
        let rule = |more: &str| {
            RuleSet::parse(&format!(
                "[[rule]]\nid = 'a'\ntitle = 'A'\nseverity = 'low'\nregex = 'abc'\n{more}"
            ))
        };
        assert!(rule("keywords = ['abc']").is_ok());
        assert!(matches!(rule("keywords = []"), Err(RulesError::Keyword(_))));
        assert!(matches!(rule("keywords = ['ab']"), Err(RulesError::Keyword(_))));
        assert!(matches!(rule("keywords = ['abc']\nafter = 99999"), Err(RulesError::Reach(_))));
        assert!(matches!(rule("keywords = ['abc']\nuntold = 1"), Err(RulesError::Syntax(_))));
    }
}
