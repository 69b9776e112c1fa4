//! A domain's judgment: of one signature, and of all that were found.

use jiff::Timestamp;
use plimsoll_model::signature::{
    self, Check, CheckResult, Checked, Fate, Outcome, Signature, Signer, Subject,
};

use super::count::distinct;
use super::{Builder, DomainRule};
use crate::all;
use crate::claimed::Claimed;
use crate::claims::COSIGN_SIGN;
use crate::demand::{Demand, LogRule};
use crate::judge::Judge;
use crate::provenance::Provenance;
use crate::vsa;

/// What is demanded of the images of one domain.
#[derive(Debug)]
pub struct Domain {
    pub(super) rule: DomainRule,
    /// The signers, each with its own demand.
    pub(super) signers: Vec<(String, Demand)>,
    pub(super) now: Timestamp,
    /// What verification summaries must be about, where the name tells.
    pub(super) uri: Option<String>,
}

impl Domain {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.rule.name
    }

    /// The SLSA build level of provenance that these signed: that of the builder with exactly its id, for whom one of them signs,
    /// for exactly its type of build; 1 where no builder is known, as it is verified provenance.
    #[must_use]
    pub fn level(&self, provenance: &Provenance, signers: &[String]) -> u8 {
        let fits = |builder: &&Builder| {
            builder.id == provenance.builder
                && builder.signers.iter().any(|signer| signers.contains(signer))
                && (builder.build_types.is_empty() || builder.build_types.contains(&provenance.build_type))
        };
        self.rule.builders.iter().filter(fits).map(|builder| builder.level).max().unwrap_or(1)
    }

    /// A signature that is not accepted by itself may be an old one, or of a time that nobody tells.
    fn check_times(&self, signature: &mut Signature) {
        let earliest = signature.times.iter().min().copied();
        let refused = match (earliest, self.rule.max_age) {
            (None, Some(_)) => Some((Check::Age, "nobody confirms when it was made".to_owned())),
            (None, None) if self.rule.timestamp => {
                Some((Check::Timestamp, "nobody confirms when it was made".to_owned()))
            }
            // The earliest counts: a new timestamp makes nothing young.
            (Some(time), Some(most)) if self.now.duration_since(time) > most => {
                Some((Check::Age, format!("it was made at {time}, longer ago than allowed")))
            }
            (Some(time), Some(_)) => {
                let words = format!("it was made at {time}");
                signature.checks.push(Checked { check: Check::Age, result: CheckResult::Passed, words });
                None
            }
            _ => None,
        };
        if let Some((check, words)) = refused {
            signature.fate = Fate::Refused(format!("{}: {words}", check.as_str()));
            signature.checks.push(Checked { check, result: CheckResult::Failed, words });
        }
    }

    /// What is missing among what was accepted, in words.
    fn missing(&self, accepted: &[&Signature]) -> Vec<String> {
        let mut missing = Vec::new();
        let is_signature = |signature: &&&Signature| {
            self.rule.is_of_files
                || signature.predicate_type.as_deref().is_none_or(|kind| kind == COSIGN_SIGN)
        };
        let signed = distinct(accepted.iter().filter(is_signature).copied(), &self.rule.signers);
        if signed < self.rule.threshold {
            missing.push(format!("{signed} of {} different signers have signed", self.rule.threshold));
        }
        for rule in &self.rule.attestations {
            let is_it = |signature: &&&Signature| signature.predicate_type.as_deref() == Some(&rule.kind);
            let attested = distinct(accepted.iter().filter(is_it).copied(), &rule.signers);
            if attested < rule.threshold {
                missing.push(format!("{attested} of {} attestations of type {}", rule.threshold, rule.kind));
            }
        }
        missing
    }

    /// The verifier whose summary stands for all else.
    fn summarized(&self, accepted: &[&Signature]) -> Option<&str> {
        let good = |verifier: &&vsa::Verifier| {
            accepted
                .iter()
                .any(|signature| vsa::judge(signature, verifier, self.uri.as_deref(), self.now).is_ok())
        };
        self.rule.verifiers.iter().find(good).map(|verifier| verifier.id.as_str())
    }

    /// Why summaries do not count, in words.
    fn refused_summaries(&self, accepted: &[&Signature]) -> Vec<String> {
        let summaries =
            || accepted.iter().filter(|signature| signature.predicate_type.as_deref() == Some(vsa::TYPE));
        let judged = self.rule.verifiers.iter().flat_map(|verifier| {
            summaries().map(|summary| vsa::judge(summary, verifier, self.uri.as_deref(), self.now))
        });
        judged.filter_map(|judged| judged.err().map(|why| format!("a verification summary: {why}"))).collect()
    }
}

impl Judge for Domain {
    fn examine(&self, claimed: &Claimed<'_>) -> Option<Signature> {
        let mut best: Option<Signature> = None;
        let mut known_as = Vec::new();
        for (name, demand) in &self.signers {
            let signature = all::examine(claimed, demand)?;
            if signature.fate == Fate::Accepted {
                known_as.push(name.clone());
            }
            let rank = |signature: &Signature| (fate_rank(&signature.fate), signature.checks.len());
            // The one that came farthest tells the most.
            if best.as_ref().is_none_or(|best| rank(&signature) > rank(best)) {
                best = Some(signature);
            }
        }
        let mut best = best?;
        best.known_as = known_as;
        if best.fate == Fate::Accepted {
            self.check_times(&mut best);
        }
        Some(best)
    }

    fn decide(&self, subjects: &[&Subject], gaps: usize) -> (Outcome, String) {
        let all = || subjects.iter().flat_map(|subject| &subject.signatures);
        let accepted: Vec<&Signature> = all().filter(|signature| signature.fate == Fate::Accepted).collect();
        let mut missing = self.missing(&accepted);
        if missing.is_empty() {
            let signers = signers(&accepted);
            return (
                Outcome::Verified,
                format!("domain {}: accepted of {}", self.rule.name, signers.join(", ")),
            );
        }
        if let Some(id) = self.summarized(&accepted) {
            return (Outcome::Verified, format!("domain {}: a summary of {id} says PASSED", self.rule.name));
        }
        if gaps > 0 {
            let reason = "something could not be read that may have been a signature".to_owned();
            return (Outcome::Undecided, reason);
        }
        if all().next().is_none() {
            missing.insert(0, "there is no signature".to_owned());
        }
        missing.extend(self.refused_summaries(&accepted));
        (Outcome::Refused, format!("domain {}: {}", self.rule.name, missing.join("; ")))
    }

    fn summary(&self) -> signature::Demand {
        let mut summary = signature::Demand {
            threshold: self.rule.threshold,
            log: self.rule.log == LogRule::Required,
            domain: Some(self.rule.name.clone()),
            ..Default::default()
        };
        let mut roots: Vec<String> = Vec::new();
        for (name, demand) in &self.signers {
            let own = demand.summary();
            summary.signers.extend(own.signers.into_iter().map(|signer| format!("{name}: {signer}")));
            roots.extend(own.roots);
        }
        roots.sort();
        roots.dedup();
        summary.roots = (!roots.is_empty()).then(|| roots.join("; "));
        summary.wanted.extend(self.rule.attestations.iter().map(|rule| {
            let (count, by) = (rule.threshold, rule.signers.join(", "));
            format!("an attestation of type {}, by {count} of {by}", rule.kind)
        }));
        if self.rule.timestamp {
            summary.wanted.push("a confirmed time".to_owned());
        }
        if let Some(age) = self.rule.max_age {
            summary.wanted.push(format!("made within the last {} hours", age.as_hours()));
        }
        let verifier = |verifier: &vsa::Verifier| format!("or a verification summary of {}", verifier.id);
        summary.wanted.extend(self.rule.verifiers.iter().map(verifier));
        summary
    }

    fn now(&self) -> Timestamp {
        self.now
    }
}

const fn fate_rank(fate: &Fate) -> u8 {
    match fate {
        Fate::Accepted => 2,
        Fate::Refused(_) => 1,
        Fate::Passed(_) => 0,
    }
}

/// The names of those who signed, and whom certificates name.
fn signers(accepted: &[&Signature]) -> Vec<String> {
    let mut names: Vec<String> = accepted
        .iter()
        .map(|signature| match &signature.signer {
            Some(Signer::Certificate { identity, .. }) => {
                format!("{} ({identity})", signature.known_as.join(" and "))
            }
            _ => signature.known_as.join(" and "),
        })
        .collect();
    names.sort();
    names.dedup();
    names
}
