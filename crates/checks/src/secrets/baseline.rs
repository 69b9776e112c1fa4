//! Secrets that are known and not to be told again: a file that Plimsoll writes, or people.
//!
//! Each entry says what it covers by rule, path and fingerprint; what it leaves out may be anything. A path that ends
//! with `*` covers all that begin so. Secrets themselves are not in it.

use serde::{Deserialize, Serialize};

/// Why a text is no baseline.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It is not the JSON that it should be.
    #[error("it is not the JSON of a baseline")]
    Json(#[from] serde_json::Error),
    /// An entry says nothing, so it would cover everything.
    #[error("entry {0} has neither rule nor path nor fingerprint")]
    Empty(usize),
}

/// Known secrets.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Baseline {
    /// What is known.
    pub secrets: Vec<Known>,
}

/// Some known secrets: all of which hold the members that are told.
#[derive(Clone, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Known {
    /// The path, without a first `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// SHA-256 of the secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Why it is known, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Baseline {
    /// Reads the text of a baseline.
    ///
    /// # Errors
    /// If it is none, or an entry covers everything.
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        let baseline: Self = serde_json::from_str(text)?;
        let empty =
            |known: &Known| known.path.is_none() && known.rule.is_none() && known.fingerprint.is_none();
        match baseline.secrets.iter().position(empty) {
            Some(index) => Err(BaselineError::Empty(index)),
            None => Ok(baseline),
        }
    }

    /// The baseline of all `known`, as text that is the same for the same secrets.
    #[must_use]
    pub fn text_of(mut known: Vec<Known>) -> String {
        known.sort();
        known.dedup();
        serde_json::to_string_pretty(&Self { secrets: known }).unwrap_or_default() + "\n"
    }

    /// Tells whether a secret is known.
    #[must_use]
    pub fn covers(&self, rule: &str, path: &str, fingerprint: &str) -> bool {
        self.secrets.iter().any(|known| {
            known.rule.as_deref().is_none_or(|known| known == rule)
                && known.fingerprint.as_deref().is_none_or(|known| known == fingerprint)
                && known.path.as_deref().is_none_or(|known| match known.strip_suffix('*') {
                    Some(head) => path.starts_with(head),
                    None => path == known,
                })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_cover_what_they_say() {
        let baseline = Baseline::parse(
            r#"{"secrets": [{"path": "a/b", "fingerprint": "f1"}, {"rule": "r2", "path": "docs/*", "reason": "samples"}]}"#,
        );
        let baseline = baseline.unwrap();
        assert!(baseline.covers("any", "a/b", "f1") && baseline.covers("r2", "docs/x/y", "f9"));
        assert!(!baseline.covers("any", "a/b", "f2") && !baseline.covers("any", "a/bc", "f1"));
        assert!(!baseline.covers("r1", "docs/x", "f9") && !Baseline::default().covers("", "", ""));
    }

    #[test]
    fn what_is_written_is_read_and_what_covers_everything_is_refused() {
        let known =
            |path: &str| Known { path: Some(path.into()), fingerprint: Some("f".into()), ..Known::default() };
        let text = Baseline::text_of(vec![known("b"), known("a"), known("b")]);
        assert_eq!(Baseline::parse(&text).unwrap().secrets, [known("a"), known("b")]);
        assert!(matches!(Baseline::parse(r#"{"secrets": [{}]}"#), Err(BaselineError::Empty(0))));
        assert!(matches!(Baseline::parse(r#"{"secret": []}"#), Err(BaselineError::Json(_))));
        assert!(Baseline::parse("").is_err());
    }
}
