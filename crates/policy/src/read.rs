//! From the bytes of a file to a policy, under limits: what is wrong is told with its line, and with the word that may have
//! been meant.

use plimsoll_formats::suggest::{nesting, reason};
use plimsoll_model::decision::PolicySummary;
use plimsoll_model::digest::Digest;

use crate::document::{Action, Document, Environment, FileName, GapAction, Module, Rule};
use crate::extend::Extension;
use crate::foreign;
use crate::image_rule::ImageSelectors;
use crate::profile::Profile;
use crate::rego::Modules;
use crate::time::Since;

/// What a policy file may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of text.
    pub bytes: usize,
    /// Brackets within one another: the reader of YAML gets slower with each.
    pub depth: usize,
    /// Rules, and as many tests.
    pub rules: usize,
    /// Exceptions, those of other tools' files included.
    pub exceptions: usize,
    /// Files, those with modules and those with exceptions.
    pub files: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 1 << 20, depth: 20, rules: 1000, exceptions: 5000, files: 50 }
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
    /// A file that it names.
    #[error("{name}: {file}: {reason}")]
    File {
        /// The policy.
        name: String,
        /// The file.
        file: String,
        /// Why it cannot be taken.
        reason: String,
    },
    /// A module.
    #[error("{name}: {reason}")]
    Module {
        /// The policy.
        name: String,
        /// Why, with the module's name and line.
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
    /// Its modules in Rego, compiled.
    pub(crate) modules: Option<Modules>,
    /// The trust file that it names, with its bytes.
    pub(crate) trust: Option<(String, Vec<u8>)>,
}

/// What a policy asks for beside a scan.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Asks {
    /// For the image's base among known images.
    pub base: bool,
    /// Whether a bill of materials lies with the image.
    pub sbom: bool,
    /// For who signed the image and what they say of it.
    pub signatures: bool,
    /// Since when its findings are known.
    pub found: bool,
}

/// What conditions and modules speak of where they need signatures.
const SIGNATURES: [&str; 9] = [
    "attestations",
    "buildType",
    "builder",
    "predicateTypes",
    "signed",
    "signers",
    "slsaLevel",
    "sourceCommit",
    "sourceRepository",
];

/// Gives the bytes of a file that a policy names, from the policy's folder on, or of a policy in a registry (`oci://…`); or why
/// it cannot.
pub type Open<'a> = &'a mut dyn FnMut(&str) -> Result<Vec<u8>, String>;

impl Policy {
    /// Reads the policy file `name`, which may name no other files.
    ///
    /// # Errors
    /// If a limit is passed, or it is no policy.
    pub fn read(name: &str, bytes: &[u8], limits: Limits) -> Result<Self, PolicyError> {
        Self::read_with(name, bytes, limits, &mut |_| Err("a policy from here names no files".to_owned()))
    }

    /// Reads the policy file `name`, and the files that it names by `open`.
    ///
    /// # Errors
    /// If a limit is passed, it is no policy, or one of its files is not what it must be.
    pub fn read_with(name: &str, bytes: &[u8], limits: Limits, open: Open<'_>) -> Result<Self, PolicyError> {
        let mut document = document(name, bytes, limits)?;
        let mut extension = Extension::default();
        extension.add(&mut document, limits, open, 0)?;
        let Drawn { files, modules, trust } = draw(name, &mut document, limits, open)?;
        let summary = PolicySummary {
            files: extension.files.into_iter().chain(files).collect(),
            name: name.to_owned(),
            is_built_in: false,
            digest: Digest::of(bytes),
            extends: extension.names,
            environment: None,
            signers: Vec::new(),
        };
        Ok(Self { document, summary, environment: Environment::default(), modules, trust })
    }

    /// The built-in policy.
    ///
    /// # Errors
    /// Never: what is built in is tested to be a policy.
    pub fn built_in(profile: Profile) -> Result<Self, PolicyError> {
        let mut policy = Self::read(profile.as_str(), profile.text().as_bytes(), Limits::default())?;
        policy.summary.is_built_in = true;
        for rule in &mut policy.document.rules {
            rule.profile = Some(profile.as_str().into());
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

    /// What it asks for beside a scan.
    #[must_use]
    pub fn asks(&self) -> Asks {
        let images = || self.document.rules.iter().filter_map(|rule| rule.image.as_ref());
        let conditions = self.document.rules.iter().filter_map(|rule| {
            let of_finding = rule.selectors.as_ref().and_then(|selectors| selectors.when.as_ref());
            let of_image = rule.image.as_ref().and_then(|image| image.when.as_ref());
            of_finding.map(|when| when.0.as_str()).or_else(|| of_image.map(|when| when.0.as_str()))
        });
        let conditions: Vec<&str> = conditions.collect();
        let mention = |word: &str| {
            conditions.iter().any(|condition| condition.contains(word))
                || self.modules.as_ref().is_some_and(|modules| modules.mention(word))
        };
        let is_base = |image: &ImageSelectors| {
            image.base.is_some() || image.base_known.is_some() || image.base_current.is_some()
        };
        let has_sbom = |image: &ImageSelectors| image.sbom.is_some();
        Asks {
            base: mention("base") || images().any(is_base),
            sbom: mention("sbom") || images().any(has_sbom),
            found: self
                .document
                .rules
                .iter()
                .filter_map(|rule| rule.after)
                .any(|grace| grace.since == Since::Found),
            signatures: SIGNATURES.iter().any(|word| mention(word))
                || self.document.rules.iter().any(|rule| rule.require.is_some()),
        }
    }

    /// The name of the trust file that it names, and its bytes.
    #[must_use]
    pub fn trust(&self) -> Option<(&str, &[u8])> {
        self.trust.as_ref().map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
    }

    /// The same, known to be signed by these signers of a trust file.
    #[must_use]
    pub fn signed_by(mut self, signers: Vec<String>) -> Self {
        self.summary.signers = signers;
        self
    }

    /// Which policy it is.
    #[must_use]
    pub const fn summary(&self) -> &PolicySummary {
        &self.summary
    }
}

/// The policy as it is written.
pub(crate) fn document(name: &str, bytes: &[u8], limits: Limits) -> Result<Document, PolicyError> {
    let limit = |limit, what| Err(PolicyError::Limit { name: name.to_owned(), limit, what });
    if bytes.len() > limits.bytes {
        return limit(limits.bytes, "bytes");
    }
    let text = std::str::from_utf8(bytes).map_err(|_| PolicyError::Text { name: name.to_owned() })?;
    if nesting(text) > limits.depth {
        return limit(limits.depth, "brackets within one another");
    }
    let document: Document = serde_yaml_ng::from_str(text).map_err(|error| malformed(name, &error))?;
    if document.rego.len().saturating_add(document.exceptions_from.len()) > limits.files {
        return limit(limits.files, "files");
    }
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

/// What a policy draws in from files.
struct Drawn {
    files: Vec<(String, Digest)>,
    modules: Option<Modules>,
    trust: Option<(String, Vec<u8>)>,
}

/// Reads the modules and the exceptions that `document` names.
fn draw(name: &str, document: &mut Document, limits: Limits, open: Open<'_>) -> Result<Drawn, PolicyError> {
    let mut files = Vec::new();
    let wrong = |file: &str, reason: String| PolicyError::File {
        name: name.to_owned(),
        file: file.to_owned(),
        reason,
    };
    let mut take = |file: &str| {
        let bytes = open(file).map_err(|reason| wrong(file, reason))?;
        if bytes.len() > limits.bytes {
            return Err(wrong(file, format!("it has more than {} bytes", limits.bytes)));
        }
        files.push((file.to_owned(), Digest::of(&bytes)));
        Ok(bytes)
    };
    let trust = match document.trust.take() {
        Some(FileName(file)) => Some((file.clone(), take(&file)?)),
        None => None,
    };
    let mut sources = Vec::new();
    for (index, module) in document.rego.iter().enumerate() {
        sources.push(match module {
            Module::Text(text) => (format!("{name}: rego[{index}]"), text.clone()),
            Module::File(FileName(file)) => {
                let text = String::from_utf8(take(file)?);
                (file.clone(), text.map_err(|_| wrong(file, "it is not UTF-8".to_owned()))?)
            }
        });
    }
    for FileName(file) in std::mem::take(&mut document.exceptions_from) {
        let exceptions = foreign::exceptions(&file, &take(&file)?);
        document.exceptions.extend(exceptions.map_err(|error| wrong(&file, error.to_string()))?);
    }
    if document.exceptions.len() > limits.exceptions {
        return Err(PolicyError::Limit {
            name: name.to_owned(),
            limit: limits.exceptions,
            what: "exceptions",
        });
    }
    let module = |reason| PolicyError::Module { name: name.to_owned(), reason };
    let modules = if sources.is_empty() { None } else { Some(Modules::compile(&sources).map_err(module)?) };
    Ok(Drawn { files, modules, trust })
}

/// Reads another tool's YAML, under the limits of a policy. An error is told with its place.
pub(crate) fn from_yaml<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    if nesting(text) > Limits::default().depth {
        return Err("brackets are nested too deep".to_owned());
    }
    serde_yaml_ng::from_str(text).map_err(|error| match malformed("", &error) {
        PolicyError::Malformed { line, column, reason, .. } => {
            format!("line {line}, column {column}: {reason}")
        }
        other => other.to_string(),
    })
}

/// What is wrong, in fewer words than the reader of YAML has.
fn malformed(name: &str, error: &serde_yaml_ng::Error) -> PolicyError {
    let (line, column) = error.location().map_or((1, 1), |place| (place.line(), place.column()));
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or(&text);
    PolicyError::Malformed { name: name.to_owned(), line, column, reason: reason(text) }
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
        if let Some(reason) = aim(rule) {
            return Some(format!("rule {id:?}: {reason}"));
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

/// What is wrong with what a rule is for.
fn aim(rule: &Rule) -> Option<&'static str> {
    if let Some(requirements) = &rule.require {
        if let Some(complaint) = requirements.complaint() {
            return Some(complaint);
        }
        if rule.selectors.is_some() {
            return Some("it has both match and require; what is required is required of images");
        }
    }
    match (&rule.selectors, &rule.image) {
        (None, None) if rule.require.is_some() && rule.then == Action::Ignore => {
            Some("what an image lacks cannot be ignored, only excepted by the rule's id")
        }
        (None, None) if rule.require.is_some() && rule.after.is_some() => {
            Some("what an image must have knows no grace (after)")
        }
        (None, None) if rule.require.is_some() => None,
        (None, None) => Some("it has neither match, for findings, nor image or require, for images"),
        (Some(_), Some(_)) => Some("it has both match and image; a rule is for findings or for images"),
        (Some(_), None) => None,
        (None, Some(image)) if image.is_empty() => Some("image is empty"),
        (None, Some(_)) if rule.then == Action::Ignore => {
            Some("what an image is cannot be ignored, only excepted by the rule's id")
        }
        (None, Some(_)) if rule.after.is_some() => {
            Some("an image has no grace (after): say how old it may be")
        }
        (None, Some(_)) => None,
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
mod tests;
