//! What an image's configuration tells: who runs, what is in the environment, how the layers were built.
//!
//! Rules are values in [`crate::all::IMAGE_RULES`]; each looks at plain fields and names what it saw. Values that
//! look secret are never repeated.

pub(crate) mod build;
mod history;
pub(crate) mod names;
pub(crate) mod publish;
pub mod redact;
pub mod remove;
pub(crate) mod run;

use std::collections::BTreeMap;

use plimsoll_model::evidence::SecretHit;
use plimsoll_model::finding::{Finding, FindingKind};
use plimsoll_model::severity::Severity;

use crate::all::IMAGE_RULES;
use crate::secrets::{fingerprint, redacted};

/// The fields of an image's configuration that rules look at.
#[derive(Clone, Debug, Default)]
pub struct ImageFacts<'a> {
    /// `USER`, empty if there is none.
    pub user: &'a str,
    /// `ENV`, `NAME=VALUE` each.
    pub env: &'a [String],
    /// `EXPOSE`, `22/tcp` each.
    pub exposed_ports: Vec<&'a str>,
    /// `LABEL`.
    pub labels: BTreeMap<&'a str, &'a str>,
    /// `HEALTHCHECK`.
    pub healthcheck: Healthcheck,
    /// `ENTRYPOINT`.
    pub entrypoint: &'a [String],
    /// `CMD`.
    pub cmd: &'a [String],
    /// `created_by` of each build step, lowest first.
    pub history: Vec<&'a str>,
    /// How many layers there are.
    pub layers: usize,
    /// Bytes of all layers as stored, if that is known.
    pub size: Option<u64>,
    /// When the image was made, as its configuration says.
    pub created: Option<&'a str>,
    /// A root filesystem has no configuration, so nothing can be wrong with it.
    pub is_rootfs: bool,
}

/// Whether an image says how to tell that its containers are well.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Healthcheck {
    /// It does.
    Declared,
    /// It does not, or disables that of its base.
    Missing,
    /// The image's format has no such field (OCI).
    #[default]
    Inexpressible,
}

/// A rule over an image's configuration.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The name in reports and policies, kebab-case; a public contract.
    pub id: &'static str,
    /// One line for a person.
    pub title: &'static str,
    /// How bad a breach is.
    pub severity: Severity,
    /// What to do, in one imperative sentence.
    pub remedy: &'static str,
    /// Looks for breaches, in the order of the configuration.
    pub check: fn(&ImageFacts<'_>) -> Vec<Breach>,
}

/// What breaks a rule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Breach {
    /// Something was seen.
    Seen(String),
    /// Something was seen in a build step.
    Step {
        /// The step's index in the history.
        step: usize,
        /// What was seen.
        evidence: String,
    },
    /// A secret lies there.
    Secret {
        /// The index in the history of the build step that brought it, if that is known.
        step: Option<usize>,
        /// Where: `variable DB_PASSWORD`.
        place: String,
        /// The secret. Its line is the position in the list, counted from one.
        hit: SecretHit,
    },
}

/// Checks an image's configuration against all rules; findings in the order of rules.
#[must_use]
pub fn check_image(facts: &ImageFacts<'_>) -> Vec<Finding> {
    check_steps(facts).into_iter().map(|(finding, _)| finding).collect()
}

/// Does the same, and tells of each finding the index in the history of the build step that it lies in, if it is known.
#[must_use]
pub fn check_steps(facts: &ImageFacts<'_>) -> Vec<(Finding, Option<usize>)> {
    if facts.is_rootfs {
        return Vec::new();
    }
    let findings = |rule: &Rule| {
        let breaches = (rule.check)(facts).into_iter();
        breaches
            .map(|breach| (breach.step(), rule.finding(breach)))
            .map(|(step, finding)| (finding, step))
            .collect::<Vec<_>>()
    };
    IMAGE_RULES.iter().flat_map(findings).collect()
}

impl Breach {
    const fn step(&self) -> Option<usize> {
        match self {
            Self::Seen(_) => None,
            Self::Step { step, .. } => Some(*step),
            Self::Secret { step, .. } => *step,
        }
    }
}

impl Rule {
    fn finding(&self, breach: Breach) -> Finding {
        let (title, severity, kind) = match breach {
            Breach::Seen(evidence) | Breach::Step { evidence, .. } => {
                (self.title.to_owned(), self.severity, FindingKind::Misconfiguration { evidence })
            }
            Breach::Secret { place, hit, .. } => {
                let title = format!("{}: {} in {place}", self.title, hit.title);
                let SecretHit { redacted, fingerprint, line, severity, .. } = hit;
                (title, severity, FindingKind::Secret { redacted, fingerprint, line, shadowed: false })
            }
        };
        Finding {
            id: self.id.to_owned(),
            title,
            severity,
            severity_source: "plimsoll".to_owned(),
            kind,
            locations: Vec::new(),
            position: None,
            remedy: Some(self.remedy.to_owned()),
            references: Vec::new(),
        }
    }
}

/// Whether `name` says that `value` is secret, and it can be one.
pub(crate) fn is_secret_variable(name: &str, value: &str) -> bool {
    names::is_secret(name, value)
}

/// The instruction of a build step, and what follows it, as `created_by` tells them.
pub(crate) fn step(created_by: &str) -> (&str, &str) {
    let step = history::Step::parse(created_by);
    (step.instruction, step.arguments)
}

/// The breach of a value whose name says that it is secret.
fn named_secret(name: &str, value: &str, place: String, position: usize) -> Breach {
    let hit = SecretHit {
        rule: "secret-by-name".to_owned(),
        title: format!("value of {name}"),
        severity: Severity::High,
        line: line(position),
        redacted: redacted(value.as_bytes()),
        fingerprint: fingerprint(value.as_bytes()),
    };
    Breach::Secret { step: None, place, hit }
}

fn line(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX).saturating_add(1)
}

/// At most 200 characters of hostile text, on one line.
pub(crate) fn clipped(text: &str) -> String {
    let head: String = text.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if head.len() < text.len() { format!("{head}…") } else { head }
}

#[cfg(test)]
mod tests;
