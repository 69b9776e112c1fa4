//! From the bytes of a file to a policy, under limits: what is wrong is told with its line, and with the word that may have
//! been meant.

use plimsoll_model::decision::PolicySummary;
use plimsoll_model::digest::Digest;

use crate::document::{Action, Document, Environment, GapAction};
use crate::profile::Profile;
use crate::suggest::suggestion;
use crate::words::GapKey;

/// What a policy file may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of text.
    pub bytes: usize,
    /// Brackets within one another: the reader of YAML gets slower with each.
    pub depth: usize,
    /// Rules, and as many tests.
    pub rules: usize,
    /// Exceptions.
    pub exceptions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 1 << 20, depth: 20, rules: 1000, exceptions: 5000 }
    }
}

/// Why a text is no policy.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// A limit.
    #[error("{name}: a policy has at most {limit} {what}")]
    Limit {
        /// The file.
        name: String,
        /// The limit.
        limit: usize,
        /// Of what.
        what: &'static str,
    },
    /// It is not UTF-8.
    #[error("{name}: it is not UTF-8")]
    Text {
        /// The file.
        name: String,
    },
    /// It is no YAML, or YAML of another form.
    #[error("{name}:{line}:{column}: {reason}")]
    Malformed {
        /// The file.
        name: String,
        /// The line, counted from one.
        line: usize,
        /// The column, counted from one.
        column: usize,
        /// Why.
        reason: String,
    },
    /// It cannot mean anything.
    #[error("{name}: {reason}")]
    Invalid {
        /// The file.
        name: String,
        /// Why.
        reason: String,
    },
    /// The policy does not know the environment.
    #[error("{name}: there is no environment {environment:?}; it has {known}")]
    Environment {
        /// The file.
        name: String,
        /// The environment.
        environment: String,
        /// Those that it knows.
        known: String,
    },
}

/// A policy that can be evaluated.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The policy with the rules and gaps of the profiles that it extends.
    pub(crate) document: Document,
    pub(crate) summary: PolicySummary,
    pub(crate) environment: Environment,
}

impl Policy {
    /// Reads the policy file `name`.
    ///
    /// # Errors
    /// If a limit is passed, or it is no policy.
    pub fn read(name: &str, bytes: &[u8], limits: Limits) -> Result<Self, PolicyError> {
        let mut document = document(name, bytes, limits)?;
        let mut profiles: Vec<Profile> = Vec::new();
        for profile in std::mem::take(&mut document.extends) {
            if !profiles.contains(&profile) {
                extend(&mut document, profile)?;
                profiles.push(profile);
            }
        }
        let summary = PolicySummary {
            name: name.to_owned(),
            is_built_in: false,
            digest: Digest::of(bytes),
            extends: profiles.into_iter().map(Profile::as_str).collect(),
            environment: None,
        };
        Ok(Self { document, summary, environment: Environment::default() })
    }

    /// The built-in policy.
    ///
    /// # Errors
    /// Never: what is built in is tested to be a policy.
    pub fn built_in(profile: Profile) -> Result<Self, PolicyError> {
        let mut policy = Self::read(profile.as_str(), profile.text().as_bytes(), Limits::default())?;
        policy.summary.is_built_in = true;
        for rule in &mut policy.document.rules {
            rule.profile = Some(profile);
        }
        Ok(policy)
    }

    /// The policy as it is in an environment.
    ///
    /// # Errors
    /// If the policy does not know the environment.
    pub fn in_environment(mut self, name: &str) -> Result<Self, PolicyError> {
        let Some(environment) = self.document.environments.get(name) else {
            let known: Vec<&str> = self.document.environments.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let environment = name.chars().take(64).collect();
            return Err(PolicyError::Environment { name: self.summary.name, environment, known });
        };
        self.environment = *environment;
        self.summary.environment = Some(name.to_owned());
        Ok(self)
    }

    /// Which policy it is.
    #[must_use]
    pub const fn summary(&self) -> &PolicySummary {
        &self.summary
    }
}

fn document(name: &str, bytes: &[u8], limits: Limits) -> Result<Document, PolicyError> {
    let limit = |limit, what| Err(PolicyError::Limit { name: name.to_owned(), limit, what });
    if bytes.len() > limits.bytes {
        return limit(limits.bytes, "bytes");
    }
    let text = std::str::from_utf8(bytes).map_err(|_| PolicyError::Text { name: name.to_owned() })?;
    if nesting(text) > limits.depth {
        return limit(limits.depth, "brackets within one another");
    }
    let document: Document = serde_yaml_ng::from_str(text).map_err(|error| malformed(name, &error))?;
    if document.rules.len() > limits.rules || document.tests.len() > limits.rules {
        return limit(limits.rules, "rules, and as many tests");
    }
    if document.exceptions.len() > limits.exceptions {
        return limit(limits.exceptions, "exceptions");
    }
    match complaint(&document) {
        Some(reason) => Err(PolicyError::Invalid { name: name.to_owned(), reason }),
        None => Ok(document),
    }
}

/// How deep brackets are nested at most; those in texts count too.
fn nesting(text: &str) -> usize {
    let (mut depth, mut most) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        most = most.max(depth);
    }
    most
}

/// What is wrong, in fewer words than the reader of YAML has.
fn malformed(name: &str, error: &serde_yaml_ng::Error) -> PolicyError {
    let (line, column) = error.location().map_or((1, 1), |place| (place.line(), place.column()));
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or(&text);
    PolicyError::Malformed { name: name.to_owned(), line, column, reason: reason(text) }
}

/// ``rules[0].match: unknown field `severty`, expected one of `id`, …`` with the word that may have been meant.
fn reason(text: &str) -> String {
    let mut quoted = text.split('`').skip(1).step_by(2);
    let is_unknown = text.contains("unknown field `") || text.contains("unknown variant `");
    let (Some(typed), true) = (quoted.next(), is_unknown) else { return text.to_owned() };
    let known: Vec<&str> = quoted.collect();
    let (before, _) = text.split_once(", expected").unwrap_or((text, ""));
    match suggestion(typed, &known) {
        Some(word) => format!("{before}, did you mean `{word}`?"),
        None => text.to_owned(),
    }
}

/// What no type forbids.
fn complaint(document: &Document) -> Option<String> {
    let blank = |text: &str| text.trim().is_empty();
    let is_reason = |reason: &Option<String>| reason.as_deref().is_some_and(|reason| !blank(reason));
    if document.version != 1 {
        return Some(format!("version {} is not known, only 1 is", document.version));
    }
    let mut ids = std::collections::BTreeSet::new();
    for rule in &document.rules {
        let id = &rule.id;
        if blank(id) || id.len() > 100 || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Some(format!("rule {:?}: an id is 1 to 100 visible ASCII characters", shortened(id)));
        }
        if !ids.insert(id) {
            return Some(format!("rule {id:?} is there twice"));
        }
        if rule.then == Action::Ignore && !is_reason(&rule.reason) {
            return Some(format!("rule {id:?}: to ignore needs a reason"));
        }
        if rule.then == Action::Ignore && rule.after.is_some() {
            return Some(format!("rule {id:?}: what is ignored needs no grace (after)"));
        }
    }
    for (number, exception) in document.exceptions.iter().enumerate() {
        if exception.selectors.is_empty() {
            return Some(format!("exceptions[{number}]: match is empty, so that everything would pass"));
        }
        if blank(&exception.reason) {
            return Some(format!("exceptions[{number}]: an exception needs a reason"));
        }
    }
    document.gaps.iter().find_map(|(key, rule)| {
        let name = key.0.map_or("default", plimsoll_model::gap::GapKind::as_str);
        let is_wrong = rule.then == GapAction::Ignore && !is_reason(&rule.reason);
        is_wrong.then(|| format!("gaps.{name}: to ignore needs a reason"))
    })
}

fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

/// Adds the rules of `profile` behind the policy's own, and what it says of gaps that the policy says nothing of.
fn extend(document: &mut Document, profile: Profile) -> Result<(), PolicyError> {
    let other = self::document(profile.as_str(), profile.text().as_bytes(), Limits::default())?;
    for mut rule in other.rules {
        if !document.rules.iter().any(|own| own.id == rule.id) {
            rule.profile = Some(profile);
            document.rules.push(rule);
        }
    }
    // Whoever says what follows from all gaps means all.
    let says_all = document.gaps.contains_key(&GapKey(None));
    for (key, rule) in other.gaps {
        if !says_all {
            document.gaps.entry(key).or_insert(rule);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
