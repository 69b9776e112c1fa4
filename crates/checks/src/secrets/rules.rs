//! The rules of `rules/secrets.toml`: what a secret looks like, as data.
//!
//! An expression is compiled when its first keyword is seen, so a scan pays for the rules that its files touch.

use std::sync::{LazyLock, OnceLock};

use plimsoll_model::severity::Severity;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use serde::Deserialize;

use super::form;
use super::prefilter::Prefilter;
use super::validate::{Validator, entropy};

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
    #[error("rule {0}: it has no keyword, or one of less than 3 or more than 100 bytes")]
    Keyword(String),
    #[error("rule {0}: it looks further than {REACH_LIMIT} bytes")]
    Reach(String),
    #[error("rule {0}: it has none or several of `token`, `value` and `regex`")]
    Form(String),
}

/// All rules, ready for use.
#[derive(Debug)]
pub(crate) struct RuleSet {
    pub(crate) rules: Vec<Rule>,
    pub(crate) allow: Allow,
    pub(crate) prefilter: Prefilter,
}

/// One kind of secret.
#[derive(Debug)]
pub(crate) struct Rule {
    /// The name in reports and policies.
    pub(crate) id: String,
    /// Who issues such secrets, or where they belong.
    #[cfg_attr(not(test), expect(dead_code, reason = "counted by tests"))]
    pub(crate) provider: String,
    /// What it finds, for people.
    pub(crate) title: String,
    /// How bad a leak is.
    pub(crate) severity: Severity,
    /// Literals of which each match holds at least one.
    pub(crate) keywords: Vec<String>,
    /// Where the expression is tried.
    pub(crate) place: Place,
    /// How many bytes after a keyword's first byte a match may end.
    pub(crate) after: usize,
    /// What the secret must be besides matching.
    pub(crate) evidence: Evidence,
    /// Secrets that are public knowledge.
    pub(crate) allow: Vec<Pattern>,
    /// The expression; its first group, if it has one, is the secret.
    regex: Pattern,
}

/// Where an expression is tried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    /// At the keyword, which begins a token: no letter, digit or underscore stands before it.
    Token,
    /// At the keyword.
    Keyword,
    /// Behind the keyword, which is a name in any letter case.
    AfterName,
    /// From so many bytes before the keyword.
    Around(usize),
}

/// What a secret must be besides matching its expression.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evidence {
    /// The least Shannon entropy, in bits a byte.
    entropy: f64,
    /// Whether a digit must be in it.
    digit: bool,
    /// The structure.
    structure: Option<Validator>,
}

/// A rule as its file has it: with one of `token`, `value` and `regex`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    provider: String,
    title: String,
    severity: Severity,
    keywords: Vec<String>,
    /// The whole secret, which begins with the keyword and has an end.
    token: Option<String>,
    /// The secret that is assigned to a name that holds the keyword.
    value: Option<String>,
    /// Whether that name must also say `key`, `token` or the like.
    #[serde(default)]
    word: bool,
    /// An expression over all, tried at the keyword or `before` it.
    regex: Option<String>,
    #[serde(default)]
    before: usize,
    #[serde(default = "default_after")]
    after: usize,
    entropy: Option<f64>,
    digit: Option<bool>,
    validate: Option<Validator>,
    #[serde(default)]
    allow: Vec<Pattern>,
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
    rule: Vec<Written>,
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
        let RuleFile { allow, rule } = toml::from_str(text)?;
        let rules: Vec<Rule> = rule.into_iter().map(Written::meant).collect::<Result<_, _>>()?;
        let prefilter = Prefilter::new(&rules);
        Ok(Self { rules, allow, prefilter })
    }
}

impl Written {
    fn meant(self) -> Result<Rule, RulesError> {
        let (place, regex) = match (&self.token, &self.value, &self.regex) {
            (Some(token), None, None) => (Place::Token, form::token(token)),
            (None, Some(value), None) => (Place::AfterName, form::assigned(value, self.word)),
            (None, None, Some(regex)) if self.before == 0 => (Place::Keyword, regex.clone()),
            (None, None, Some(regex)) => (Place::Around(self.before), regex.clone()),
            _ => return Err(RulesError::Form(self.id)),
        };
        if self.keywords.is_empty() || self.keywords.iter().any(|keyword| !(3..=100).contains(&keyword.len()))
        {
            return Err(RulesError::Keyword(self.id));
        }
        if self.before > REACH_LIMIT || self.after > REACH_LIMIT {
            return Err(RulesError::Reach(self.id));
        }
        let evidence = Evidence {
            entropy: self.entropy.unwrap_or(if self.regex.is_some() { 0.0 } else { 3.0 }),
            digit: self.digit.unwrap_or(self.value.is_some()),
            structure: self.validate,
        };
        Ok(Rule {
            id: self.id,
            provider: self.provider,
            title: self.title,
            severity: self.severity,
            keywords: self.keywords,
            place,
            after: self.after,
            evidence,
            allow: self.allow,
            regex: Pattern::from(regex),
        })
    }
}

impl Rule {
    /// The expression.
    pub(crate) fn regex(&self) -> &Regex {
        self.regex.compiled()
    }
}

impl Evidence {
    /// Tells whether `secret` has it.
    pub(crate) fn holds(&self, secret: &[u8]) -> bool {
        (!self.digit || secret.iter().any(u8::is_ascii_digit))
            && (self.entropy <= 0.0 || entropy(secret) >= self.entropy)
            && self.structure.is_none_or(|structure| structure.accepts(secret))
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
    fn two_hundred_providers_are_known() {
        let set = RuleSet::embedded();
        let providers: BTreeSet<&str> = set.rules.iter().map(|rule| rule.provider.as_str()).collect();
        assert!(providers.len() >= 200, "{}", providers.len());
    }

    #[test]
    fn rules_without_keywords_or_form_or_with_a_long_reach_are_refused() {
        let rule = |more: &str| {
            RuleSet::parse(&format!(
                "[[rule]]\nid = 'a'\nprovider = 'p'\ntitle = 'A'\nseverity = 'low'\n{more}"
            ))
        };
        assert!(rule("regex = 'abc'\nkeywords = ['abcd']").is_ok());
        assert!(rule("token = 'abc'\nkeywords = ['abc']").is_ok());
        assert!(matches!(rule("regex = 'abc'\nkeywords = []"), Err(RulesError::Keyword(_))));
        assert!(matches!(rule("regex = 'abc'\nkeywords = ['ab']"), Err(RulesError::Keyword(_))));
        assert!(matches!(rule("keywords = ['abcd']"), Err(RulesError::Form(_))));
        assert!(matches!(rule("token = 'a'\nvalue = 'b'\nkeywords = ['abcd']"), Err(RulesError::Form(_))));
        let far = "regex = 'abc'\nkeywords = ['abcd']\nafter = 99999";
        assert!(matches!(rule(far), Err(RulesError::Reach(_))));
        assert!(matches!(rule("keywords = ['abcd']\nuntold = 1"), Err(RulesError::Syntax(_))));
    }
}
