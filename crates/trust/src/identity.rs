//! Whom certificates name, and whom one expects: a name and who vouched for it, always both. A name alone would be accepted
//! from whoever lets people choose theirs.

use std::fmt;

use regex_automata::meta::Regex;

/// A larger expression is refused, and one that compiles to more bytes than this.
const EXPRESSION_LIMIT: usize = 4096;
const COMPILED_LIMIT: usize = 1 << 20;

/// The name that a certificate gives its holder.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Name {
    /// An e-mail address.
    Email(String),
    /// A URI, as of a workflow.
    Uri(String),
    /// A user name of Fulcio's own kind.
    Other(String),
}

impl Name {
    /// The kind of name.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Email(_) => "email",
            Self::Uri(_) => "uri",
            Self::Other(_) => "other",
        }
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Email(name) | Self::Uri(name) | Self::Other(name) => name,
        }
    }
}

/// A text that is expected.
#[derive(Clone, Debug)]
pub enum Matcher {
    /// This one.
    Exact(String),
    /// One that the expression matches from its beginning to its end.
    Pattern(Pattern),
}

/// An expression, anchored at both ends.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    regex: Regex,
}

/// Why a text is no expression.
#[derive(Debug, thiserror::Error)]
pub enum PatternError {
    /// Nothing, which would match only nothing.
    #[error("it is empty")]
    Empty,
    /// Too long or too complex.
    #[error("it is too large")]
    TooLarge,
    /// Malformed.
    #[error("it is malformed: {0}")]
    Malformed(String),
}

impl Matcher {
    /// Expects a text that `expression` matches as a whole.
    ///
    /// # Errors
    /// See [`PatternError`].
    pub fn pattern(expression: &str) -> Result<Self, PatternError> {
        if expression.is_empty() {
            return Err(PatternError::Empty);
        }
        if expression.len() > EXPRESSION_LIMIT {
            return Err(PatternError::TooLarge);
        }
        let build = |text: &str| {
            let config = Regex::config().nfa_size_limit(Some(COMPILED_LIMIT));
            Regex::builder().configure(config).build(text).map_err(|error| malformed(&error))
        };
        // By itself first: `a)|(b` must not come to mean something inside of the anchors.
        build(expression)?;
        let regex = build(&format!(r"\A(?:{expression})\z"))?;
        Ok(Self::Pattern(Pattern { text: expression.to_owned(), regex }))
    }

    /// Tells whether it is this text.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(expected) => expected == text,
            Self::Pattern(pattern) => pattern.regex.is_match(text),
        }
    }
}

fn malformed(error: &regex_automata::meta::BuildError) -> PatternError {
    if error.size_limit().is_some() {
        return PatternError::TooLarge;
    }
    PatternError::Malformed(
        error.syntax_error().map_or_else(|| error.to_string(), std::string::ToString::to_string),
    )
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(text) => f.write_str(text),
            Self::Pattern(pattern) => write!(f, "/{}/", pattern.text),
        }
    }
}

/// A signer that is trusted.
#[derive(Clone, Debug)]
pub struct ExpectedIdentity {
    /// The name.
    pub name: Matcher,
    /// Who vouched for it.
    pub issuer: Matcher,
    /// What the certificate must tell of the sources. Who signs by the workflow of somebody else has that one's name.
    pub source: ExpectedSource,
}

/// What certificates must tell of the sources that a build service built from; nothing where nothing is expected.
#[derive(Clone, Debug, Default)]
pub struct ExpectedSource {
    /// The repository.
    pub repository: Option<Matcher>,
    /// The branch or tag, as `refs/tags/v1`.
    pub reference: Option<Matcher>,
}

/// What a certificate tells of the sources.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Source {
    /// The repository.
    pub repository: Option<String>,
    /// The branch or tag.
    pub reference: Option<String>,
}

impl ExpectedSource {
    /// Tells whether these are the sources. What is not told is not what is expected.
    #[must_use]
    pub fn matches(&self, source: &Source) -> bool {
        let fits = |expected: &Option<Matcher>, told: &Option<String>| match (expected, told) {
            (None, _) => true,
            (Some(expected), Some(told)) => expected.matches(told),
            (Some(_), None) => false,
        };
        fits(&self.repository, &source.repository) && fits(&self.reference, &source.reference)
    }

    /// Whether nothing is expected.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.repository.is_none() && self.reference.is_none()
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = |text: &Option<String>| {
            text.clone().unwrap_or_else(|| "a place that it does not tell".to_owned())
        };
        write!(f, "{} at {}", told(&self.repository), told(&self.reference))
    }
}

impl ExpectedIdentity {
    /// Tells whether this is the signer. An exact name is of one kind: an address is no URI that reads like one.
    #[must_use]
    pub fn matches(&self, name: &Name, issuer: &str) -> bool {
        let kind_fits = match (&self.name, name) {
            // What has a colon is a URI and no address.
            (Matcher::Exact(expected), Name::Email(_)) => !expected.contains(':'),
            (Matcher::Exact(expected), Name::Uri(_)) => expected.contains(':'),
            (Matcher::Exact(_), Name::Other(_)) | (Matcher::Pattern(_), _) => true,
        };
        kind_fits && self.name.matches(name.as_str()) && self.issuer.matches(issuer)
    }
}

impl fmt::Display for ExpectedIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {}", self.name, self.issuer)?;
        if let Some(repository) = &self.source.repository {
            write!(f, ", from {repository}")?;
        }
        match &self.source.reference {
            Some(reference) => write!(f, ", at {reference}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n38_expressions_are_anchored() {
        let of = |expression: &str, text: &str| Matcher::pattern(expression).unwrap().matches(text);
        assert!(of("https://github\\.com/acme/.*", "https://github.com/acme/x"));
        for (expression, text) in [
            ("https://github\\.com/acme", "https://github.com/acme-evil"),
            ("https://github\\.com/acme", "https://evil/?https://github.com/acme"),
            // Each way of an alternative.
            ("a|b", "ax"),
            ("a|b", "xb"),
            // Lines have no say.
            ("a", "a\nb"),
            ("(?m)^a$", "a\nb"),
            ("a", "a\n"),
            (".*", "a\nb"),
        ] {
            assert!(!of(expression, text), "{expression} {text:?}");
        }
    }

    #[test]
    fn expressions_that_cannot_be_meant_are_refused() {
        for expression in ["", "(", "a)|(b", "x{1000}{1000}{1000}"] {
            assert!(Matcher::pattern(expression).is_err(), "{expression}");
        }
        assert!(matches!(Matcher::pattern(&"a".repeat(5000)), Err(PatternError::TooLarge)));
    }

    #[test]
    fn n39_n40_both_name_and_issuer_must_fit() {
        let expected = ExpectedIdentity {
            name: Matcher::Exact("dev@acme.example".to_owned()),
            issuer: Matcher::pattern("https://accounts\\.acme\\.example").unwrap(),
            source: ExpectedSource::default(),
        };
        let name = Name::Email("dev@acme.example".to_owned());
        assert!(expected.matches(&name, "https://accounts.acme.example"));
        assert!(!expected.matches(&name, "https://accounts.evil.example"));
        assert!(!expected.matches(&name, ""));
        assert!(
            !expected.matches(&Name::Email("DEV@acme.example".to_owned()), "https://accounts.acme.example")
        );
    }

    #[test]
    fn n41_an_address_is_no_uri() {
        let expected = |name: &str| ExpectedIdentity {
            name: Matcher::Exact(name.to_owned()),
            issuer: Matcher::Exact("i".to_owned()),
            source: ExpectedSource::default(),
        };
        let (address, uri) = ("dev@acme.example", "https://acme.example/dev");
        assert!(expected(address).matches(&Name::Email(address.to_owned()), "i"));
        assert!(!expected(address).matches(&Name::Uri(address.to_owned()), "i"));
        assert!(expected(uri).matches(&Name::Uri(uri.to_owned()), "i"));
        assert!(!expected(uri).matches(&Name::Email(uri.to_owned()), "i"));
    }

    #[test]
    fn n36_sources_that_are_others_or_not_told_do_not_fit() {
        let exact = |text: &str| Some(Matcher::Exact(text.to_owned()));
        let told = |repository: &str, reference: &str| Source {
            repository: Some(repository.to_owned()),
            reference: Some(reference.to_owned()),
        };
        let shop = told("https://git.example/acme/shop", "refs/tags/v1");
        let expected = ExpectedSource {
            repository: exact("https://git.example/acme/shop"),
            reference: Some(Matcher::pattern("refs/tags/v[0-9]+").unwrap()),
        };
        assert!(expected.matches(&shop));
        for other in [
            told("https://git.example/acme/shopping", "refs/tags/v1"),
            told("https://git.example/acme/shop", "refs/heads/refs/tags/v1"),
            told("https://git.example/acme/shop", "refs/tags/v1-evil"),
            Source { reference: None, ..shop.clone() },
            Source { repository: None, ..shop },
            Source::default(),
        ] {
            assert!(!expected.matches(&other), "{other}");
        }
        assert!(ExpectedSource::default().matches(&Source::default()));
    }
}
