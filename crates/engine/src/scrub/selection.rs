//! What has to go: the secrets that were chosen, all of them if none were, and the paths that were named.

use plimsoll_model::evidence::SecretHit;

use super::Work;
use super::glob::Glob;

/// What has to go.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Paths, whatever is there.
    pub paths: Vec<(String, Glob)>,
    /// Secrets found by these rules only.
    pub rules: Vec<String>,
    /// Secrets with these fingerprints only, or with fingerprints that begin so.
    pub fingerprints: Vec<String>,
}

/// Something that was chosen is not in the image: likely a slip, after which a secret would stay unnoticed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Unmatched {
    /// A path.
    #[error("no layer has a path that fits {0:?}")]
    Path(String),
    /// A rule.
    #[error("no secret was found by the rule {0:?}")]
    Rule(String),
    /// A fingerprint.
    #[error("no secret was found with the fingerprint {0:?}")]
    Fingerprint(String),
}

impl Selection {
    /// Whether `path` was named.
    pub(super) fn names(&self, path: &str) -> bool {
        self.paths.iter().any(|(_, glob)| glob.covers(path))
    }

    /// Whether a secret goes.
    pub(super) fn wants(&self, hit: &SecretHit) -> bool {
        self.wants_parts(&hit.rule, &hit.fingerprint)
    }

    /// Whether a secret goes that the rule `id` found in the configuration, which tells it by another one.
    pub(super) fn wants_of(&self, id: &str, hit: &SecretHit) -> bool {
        self.rules.iter().any(|rule| rule == id) || self.wants(hit)
    }

    pub(super) fn wants_parts(&self, rule: &str, fingerprint: &str) -> bool {
        (self.rules.is_empty() && self.fingerprints.is_empty())
            || self.rules.iter().any(|wanted| wanted == rule)
            || self.fingerprints.iter().any(|wanted| fingerprint.starts_with(wanted.as_str()))
    }

    /// Makes sure that everything that was chosen is in one of the images.
    pub(super) fn all_found(&self, work: &[Work<'_>]) -> Result<(), Unmatched> {
        for (text, glob) in &self.paths {
            let mut entries = work.iter().flat_map(|work| &work.layers).flat_map(|layer| &layer.entries);
            if !entries.any(|entry| glob.covers(&entry.path)) {
                return Err(Unmatched::Path(text.clone()));
            }
        }
        let hits = |found: &dyn Fn(&SecretHit) -> bool| {
            let in_files = work.iter().flat_map(|work| &work.plans).flat_map(|plan| &plan.hits);
            in_files.chain(work.iter().flat_map(|work| &work.taken.hits)).any(|(_, hit)| found(hit))
        };
        for rule in &self.rules {
            let in_configuration = rule.starts_with("secret-in-");
            if !in_configuration && !hits(&|hit| hit.rule == *rule) {
                return Err(Unmatched::Rule(rule.clone()));
            }
        }
        for fingerprint in &self.fingerprints {
            if !hits(&|hit| hit.fingerprint.starts_with(fingerprint.as_str())) {
                return Err(Unmatched::Fingerprint(fingerprint.clone()));
            }
        }
        Ok(())
    }
}
