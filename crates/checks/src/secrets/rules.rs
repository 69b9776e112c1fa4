//! The rules of `rules/secrets.toml`: what a secret looks like, as data.
//!
//! They and the tables over their keywords are made when Plimsoll is built (`build.rs`), so a process prepares nothing.
//! An expression is compiled when its first keyword is seen: a scan pays for the rules that its files touch.

use std::sync::OnceLock;

use plimsoll_model::severity::Severity;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;

use super::form;
use super::prefilter::{Prefilter, g, k, s};
use super::validate::{Validator, entropy};

/// The rules that come with Plimsoll.
static EMBEDDED: RuleSet = include!(concat!(env!("OUT_DIR"), "/secrets.rs"));

/// All rules, ready for use.
#[derive(Debug)]
pub(crate) struct RuleSet {
    pub(crate) rules: &'static [Rule],
    pub(crate) allow: Allow,
    pub(super) prefilter: Prefilter,
}

/// One kind of secret.
#[derive(Debug)]
pub(crate) struct Rule {
    /// The name in reports and policies.
    pub(crate) id: &'static str,
    /// Who issues such secrets, or where they belong.
    #[cfg_attr(not(test), expect(dead_code, reason = "counted by tests"))]
    pub(crate) provider: &'static str,
    /// What it finds, for people.
    pub(crate) title: &'static str,
    /// How bad a leak is.
    pub(crate) severity: Severity,
    /// Where the expression is tried.
    pub(crate) place: Place,
    /// How many bytes after a keyword's first byte a match may end.
    pub(crate) after: usize,
    /// What the secret must be besides matching.
    pub(crate) evidence: Evidence,
    /// Secrets that are public knowledge.
    pub(crate) allow: &'static [Pattern],
    /// The expression; its first group, if it has one, is the secret.
    pattern: Pattern,
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

/// What no rule reports.
#[derive(Debug)]
pub(crate) struct Allow {
    /// Paths whose files are not searched.
    paths: Pattern,
    /// Short secrets that are placeholders.
    secrets: Pattern,
}

/// An expression that is compiled when it is first needed.
#[derive(Debug)]
pub(crate) struct Pattern {
    form: Form,
    compiled: OnceLock<Regex>,
}

/// What an expression is made of.
#[derive(Debug)]
pub(crate) enum Form {
    /// The whole secret, a token.
    Token(&'static str),
    /// What is assigned to a name; whether that must say `key`, `token` or the like.
    Value(&'static str, bool),
    /// All of it.
    Regex(&'static str),
    /// The same, put together.
    Made(String),
}

impl RuleSet {
    /// The rules that come with Plimsoll.
    pub(crate) fn embedded() -> &'static Self {
        &EMBEDDED
    }
}

impl Rule {
    /// The expression.
    pub(crate) fn regex(&self) -> &Regex {
        self.pattern.compiled()
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
        self.paths.compiled().is_match(path)
    }

    /// Tells whether `secret` is a placeholder. Long secrets hold any short text by chance, so they never are.
    pub(crate) fn secret(&self, secret: &[u8]) -> bool {
        secret.len() <= 256 && self.secrets.compiled().is_match(secret)
    }
}

impl Pattern {
    /// An expression to be compiled.
    pub(crate) const fn new(form: Form) -> Self {
        Self { form, compiled: OnceLock::new() }
    }

    /// The expression over bytes, ASCII only.
    pub(crate) fn compiled(&self) -> &Regex {
        self.compiled.get_or_init(|| {
            let syntax = syntax::Config::new().unicode(false).utf8(false);
            let configuration = Regex::config().utf8_empty(false);
            let text = match &self.form {
                Form::Token(text) => form::token(text),
                Form::Value(text, word) => form::assigned(text, *word),
                Form::Regex(text) => (*text).to_owned(),
                Form::Made(text) => text.clone(),
            };
            #[expect(clippy::expect_used, reason = "the text is compiled in, and a test compiles each")]
            Regex::builder()
                .syntax(syntax)
                .configure(configuration)
                .build(&text)
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
        let set = RuleSet::embedded();
        let ids: BTreeSet<&str> = set.rules.iter().map(|rule| rule.id).collect();
        assert_eq!(ids.len(), set.rules.len(), "an id occurs twice");
        for rule in set.rules {
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
        let providers: BTreeSet<&str> = set.rules.iter().map(|rule| rule.provider).collect();
        assert!(providers.len() >= 200, "{}", providers.len());
    }
}
