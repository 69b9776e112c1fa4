//! What decides over signatures: one demand, or a domain of a trust file.

use jiff::Timestamp;
use plimsoll_model::signature::{self, Outcome, Signature, Subject};

use crate::all;
use crate::claimed::Claimed;
use crate::claims::COSIGN_SIGN;
use crate::demand::{Claim, Demand};

/// Judges each signature, and what follows from all.
pub trait Judge {
    /// Verifies what was found; none if no format knows its media type.
    fn examine(&self, claimed: &Claimed<'_>) -> Option<Signature>;

    /// What follows for subjects of which each one covers the whole. What is enough no number of gaps takes away.
    fn decide(&self, subjects: &[&Subject], gaps: usize) -> (Outcome, String);

    /// Whether something of which is told that it claims this may count. It only decides what is looked at first.
    fn is_likely(&self, told: &str) -> bool {
        let _ = told;
        true
    }

    /// What is demanded, for the report.
    fn summary(&self) -> signature::Demand;

    /// The time.
    fn now(&self) -> Timestamp;
}

impl Judge for Demand {
    fn examine(&self, claimed: &Claimed<'_>) -> Option<Signature> {
        all::examine(claimed, self)
    }

    fn decide(&self, subjects: &[&Subject], gaps: usize) -> (Outcome, String) {
        Self::decide(self, subjects, gaps)
    }

    fn is_likely(&self, told: &str) -> bool {
        match &self.claim {
            Claim::Signed => told == COSIGN_SIGN,
            Claim::Attested(kind) => told == kind,
            Claim::Anything => true,
        }
    }

    fn summary(&self) -> signature::Demand {
        Self::summary(self)
    }

    fn now(&self) -> Timestamp {
        self.now
    }
}
