//! What is demanded of signatures: by whom, saying what, in which log, how many.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use plimsoll_model::signature::{self, CheckResult, Outcome, Signature, Subject};

use crate::identity::{ExpectedIdentity, Matcher};
use crate::key::PublicKey;
use crate::notary::NotaryTrust;
use crate::root::Roots;

/// What is demanded. Nothing is trusted that it does not name.
#[derive(Clone, Debug)]
pub struct Demand {
    /// Keys that are trusted.
    pub keys: Vec<TrustedKey>,
    /// Holders of certificates that are trusted.
    pub identities: Vec<ExpectedIdentity>,
    /// Whom signatures of the Notary Project are trusted by, if they are.
    pub notary: Option<NotaryTrust>,
    /// What a signature must say to count.
    pub claim: Claim,
    /// Annotations that must have been signed.
    pub annotations: BTreeMap<String, String>,
    /// What statements must tell.
    pub told: Told,
    /// Whether a signature must be in a transparency log.
    pub log: LogRule,
    /// How many different signers it takes, at least one.
    pub threshold: usize,
    /// The trusted authorities and logs.
    pub roots: Roots,
    /// The time.
    pub now: Timestamp,
}

/// A key that is trusted, perhaps for a time only.
#[derive(Clone, Debug)]
pub struct TrustedKey {
    /// The key.
    pub key: PublicKey,
    /// What people call it.
    pub title: String,
    /// When signatures of it count: from the one to the other, both included. A signature whose time nobody confirms must
    /// be taken to be made now.
    pub valid: (Option<Timestamp>, Option<Timestamp>),
}

/// What a signature must say to count.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Claim {
    /// That the image is signed. An attestation says something else of it.
    Signed,
    /// An attestation of this type.
    Attested(String),
    /// Anything about it, for files.
    Anything,
}

/// What statements must tell beside their type; nothing where nothing is asked for.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// The id of the builder, as SLSA provenance tells it. Other statements do not count.
    pub builder: Option<Matcher>,
    /// The repository of the sources, as provenance tells it, where a key signs. Of certificates, [`ExpectedIdentity`] asks.
    pub source: Option<Matcher>,
    /// What the subject is called.
    pub subject_name: Option<Matcher>,
}

/// Whether a signature must be in a transparency log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogRule {
    /// It must.
    Required,
    /// Nobody looks.
    Ignored,
}

impl Told {
    fn words(&self) -> Vec<String> {
        let builder = self.builder.iter().map(|builder| format!("provenance of the builder {builder}"));
        let name = self.subject_name.iter().map(|name| format!("a statement that calls it {name}"));
        builder.chain(name).collect()
    }
}

impl Demand {
    /// The same for the report.
    #[must_use]
    pub fn summary(&self) -> signature::Demand {
        let keys = self.keys.iter().map(|trusted| {
            let (title, key) = (&trusted.title, &trusted.key);
            format!("key {title}, {} {}", key.algorithm().as_str(), key.fingerprint())
        });
        let identities = self.identities.iter().map(|identity| format!("identity {identity}"));
        let predicate_type = match &self.claim {
            Claim::Attested(kind) => Some(kind.clone()),
            Claim::Signed | Claim::Anything => None,
        };
        let notary = self.notary.iter().map(|trust| {
            let (title, policy) = (&trust.title, &trust.policy);
            format!("Notary Project: policy {} of {title}, level {}", policy.name, policy.level)
        });
        // Signatures of the Notary Project are in no log.
        let is_logged =
            self.log == LogRule::Required && !(self.keys.is_empty() && self.identities.is_empty());
        let is_needed = !self.identities.is_empty() || is_logged;
        signature::Demand {
            signers: keys.chain(identities).chain(notary).collect(),
            predicate_type,
            annotations: self.annotations.clone(),
            threshold: self.threshold.max(1),
            log: is_logged,
            roots: is_needed.then(|| self.roots.title().to_owned()),
            wanted: self.told.words(),
            ..Default::default()
        }
    }

    /// What follows for subjects of which each one covers the whole: signatures by enough *different* signers must have been
    /// accepted. No number of gaps takes that away, and without it a gap may have hidden one.
    #[must_use]
    pub fn decide(&self, subjects: &[&Subject], gaps: usize) -> (Outcome, String) {
        let all = || subjects.iter().flat_map(|subject| &subject.signatures);
        let accepted: Vec<&Signature> =
            all().filter(|signature| signature.fate == signature::Fate::Accepted).collect();
        let signers: BTreeSet<_> =
            accepted.iter().filter_map(|signature| signature.signer.as_ref()).collect();
        let needed = self.threshold.max(1);
        if signers.len() >= needed {
            return (Outcome::Verified, format!("{} accepted{}", counted(accepted.len()), taken(&accepted)));
        }
        if gaps > 0 {
            return (
                Outcome::Undecided,
                "something could not be read that may have been a signature".to_owned(),
            );
        }
        let found = all().count();
        let reason = match (found, signers.len()) {
            (0, _) => "there is no signature".to_owned(),
            (found, 0) => format!("{} found, none accepted", counted(found)),
            (_, distinct) => format!("{distinct} of {needed} different signers"),
        };
        (Outcome::Refused, reason)
    }
}

/// The checks that failed of accepted signatures, which a trust policy only logs: nobody may overlook them.
fn taken(accepted: &[&Signature]) -> String {
    let checks = accepted.iter().flat_map(|signature| &signature.checks);
    let failed = checks.filter(|checked| checked.result == CheckResult::Failed);
    let words: BTreeSet<&str> = failed.map(|checked| checked.check.as_str()).collect();
    if words.is_empty() {
        return String::new();
    }
    let words: Vec<&str> = words.into_iter().collect();
    format!(", although a check failed that the trust policy only logs: {}", words.join(", "))
}

fn counted(count: usize) -> String {
    if count == 1 { "1 signature".to_owned() } else { format!("{count} signatures") }
}
