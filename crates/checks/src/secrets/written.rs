//! The rules of secrets as `rules/secrets.toml` has them, checked. `build.rs` makes of them what is compiled in.

use serde::Deserialize;

/// The most bytes that a rule may look at on either side of a keyword.
pub(crate) const REACH_LIMIT: usize = 32 << 10;

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

/// A rule file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleFile {
    #[serde(default)]
    pub(crate) allow: Allow,
    #[serde(rename = "rule")]
    pub(crate) rules: Vec<Rule>,
}

/// What no rule reports.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Allow {
    /// Paths whose files are not searched.
    pub(crate) paths: Vec<String>,
    /// Short secrets that are placeholders.
    pub(crate) secrets: Vec<String>,
}

/// A rule: with one of `token`, `value` and `regex`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// The name in reports and policies.
    pub(crate) id: String,
    /// Who issues such secrets, or where they belong.
    pub(crate) provider: String,
    /// What it finds, for people.
    pub(crate) title: String,
    /// How bad a leak is.
    pub(crate) severity: String,
    /// Literals of which each match holds at least one.
    pub(crate) keywords: Vec<String>,
    /// The whole secret, which begins with the keyword and has an end.
    pub(crate) token: Option<String>,
    /// The secret that is assigned to a name that holds the keyword.
    pub(crate) value: Option<String>,
    /// Whether that name must also say `key`, `token` or the like.
    #[serde(default)]
    pub(crate) word: bool,
    /// An expression over all, tried at the keyword or `before` it.
    pub(crate) regex: Option<String>,
    /// How many bytes before a keyword a match may begin.
    #[serde(default)]
    pub(crate) before: usize,
    /// How many bytes after a keyword's first byte a match may end.
    #[serde(default = "default_after")]
    pub(crate) after: usize,
    /// The least entropy of a secret, in bits a byte.
    pub(crate) entropy: Option<f64>,
    /// Whether a digit must be in a secret.
    pub(crate) digit: Option<bool>,
    /// The structure of a secret, a `Validator` in kebab case.
    pub(crate) validate: Option<String>,
    /// Secrets that are public knowledge.
    #[serde(default)]
    pub(crate) allow: Vec<String>,
}

const fn default_after() -> usize {
    512
}

/// Reads a rule file.
pub(crate) fn read(text: &str) -> Result<RuleFile, RulesError> {
    let file: RuleFile = toml::from_str(text)?;
    for rule in &file.rules {
        if [&rule.token, &rule.value, &rule.regex].into_iter().flatten().count() != 1 {
            return Err(RulesError::Form(rule.id.clone()));
        }
        if rule.keywords.is_empty() || rule.keywords.iter().any(|keyword| !(3..=100).contains(&keyword.len()))
        {
            return Err(RulesError::Keyword(rule.id.clone()));
        }
        if rule.before > REACH_LIMIT || rule.after > REACH_LIMIT {
            return Err(RulesError::Reach(rule.id.clone()));
        }
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_without_keywords_or_form_or_with_a_long_reach_are_refused() {
        let rule = |more: &str| {
            read(&format!("[[rule]]\nid = 'a'\nprovider = 'p'\ntitle = 'A'\nseverity = 'low'\n{more}"))
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
