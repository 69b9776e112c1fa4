//! What follows from a scan under a policy: the outcome, and everything it rests on.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::digest::Digest;
use crate::finding::{Finding, FindingKind};
use crate::gap::Gap;
use crate::inventory::Inventory;

/// What follows, the better first. A failure outweighs what could not be decided: a gap never hides it.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Outcome {
    /// Nothing stands against shipping.
    #[default]
    Pass,
    /// Nothing stands against shipping, but somebody should look.
    Warn,
    /// Something was not checked.
    Undecided,
    /// It must not ship.
    Fail,
}

impl Outcome {
    /// All outcomes, the better first.
    pub const ALL: [Self; 4] = [Self::Pass, Self::Warn, Self::Undecided, Self::Fail];

    /// The lower-case word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Undecided => "undecided",
            Self::Fail => "fail",
        }
    }
}

/// What follows from one scan under one policy at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The worst that follows from a finding or a gap.
    pub outcome: Outcome,
    /// The policy.
    pub policy: PolicySummary,
    /// What came of its signatures, if they were looked for.
    pub trust: Option<TrustSummary>,
    /// The time it was decided for: exceptions end and grace runs out by it.
    pub time: Timestamp,
    /// The rules that decided a finding, in their order.
    pub rules: Vec<RuleResult>,
    /// All exceptions of the policy, in its order.
    pub exceptions: Vec<ExceptionResult>,
    /// What follows from gaps, one entry a kind.
    pub gaps: Vec<GapResult>,
    /// How many findings no rule matches.
    pub unmatched: usize,
    /// How many findings are left out because an earlier report has them.
    pub known: usize,
}

/// Which policy decided.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PolicySummary {
    /// The file, or the name of a built-in profile.
    pub name: String,
    /// Whether it is a built-in profile.
    pub is_built_in: bool,
    /// SHA-256 of its text.
    pub digest: Digest,
    /// The policies that it extends: built-in ones, and ones in registries.
    pub extends: Vec<Arc<str>>,
    /// The files that it draws in, modules and exceptions, with the SHA-256 of their bytes.
    pub files: Vec<(String, Digest)>,
    /// The environment it was asked for.
    pub environment: Option<String>,
    /// Who signed it, as the trust file names them, if it had to be signed.
    pub signers: Vec<String>,
}

/// What came of an image's signatures under a trust file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TrustSummary {
    /// The trust file.
    pub file: String,
    /// SHA-256 of its text.
    pub digest: Digest,
    /// The domain that is for the image; none if none is.
    pub domain: Option<String>,
    /// What follows by the domain.
    pub outcome: crate::signature::Outcome,
    /// Why, in words.
    pub reason: String,
    /// Who signed, as the trust file names them.
    pub signers: Vec<String>,
    /// The digests of the signatures and attestations that were accepted.
    pub accepted: Vec<Digest>,
    /// The SLSA build level of the best provenance, if there is any.
    pub level: Option<u8>,
}

/// What one rule decided.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleResult {
    /// The rule's id.
    pub id: String,
    /// The policy that brings the rule, if it is one that is extended or built in.
    pub profile: Option<Arc<str>>,
    /// Why the rule is there.
    pub reason: Option<String>,
    /// The worst outcome of its findings.
    pub outcome: Outcome,
    /// The findings it decided, in the order of the scan.
    pub findings: Vec<Decided>,
    /// What it says of the image as a whole.
    pub image: Option<ImageDecided>,
}

/// What follows from what an image as a whole is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ImageDecided {
    /// What follows.
    pub outcome: Outcome,
    /// What was seen, in words.
    pub seen: Vec<String>,
    /// What is not known, in words: the reason where the outcome is undecided.
    pub unknown: Vec<String>,
    /// The index in [`Decision::exceptions`] of the one that lets it pass.
    pub exception: Option<usize>,
}

/// What follows from one finding.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Decided {
    /// The index in [`Scan::findings`](crate::scan::Scan::findings).
    pub finding: usize,
    /// What follows.
    pub outcome: Outcome,
    /// The day from which the rule decides without mercy, if it does not yet.
    pub grace_until: Option<Date>,
    /// The index in [`Decision::exceptions`] of the one that lets it pass.
    pub exception: Option<usize>,
    /// What a module says of it, why a condition could not be evaluated, or what its time of grace rests on.
    pub note: Option<Arc<str>>,
}

/// What became of one exception.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExceptionResult {
    /// What it is for, in words.
    pub title: String,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Where it is discussed.
    pub ticket: Option<String>,
    /// Until when it counts, as written.
    pub expires: Option<String>,
    /// What became of it.
    pub state: ExceptionState,
    /// How many findings it lets pass; of an expired one, how many it would.
    pub findings: usize,
}

/// What became of an exception.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ExceptionState {
    /// It lets findings pass.
    Used,
    /// It fits nothing that a rule fails or warns of.
    Unused,
    /// Its time is over.
    Expired,
}

impl ExceptionState {
    /// The lower-case word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Unused => "unused",
            Self::Expired => "expired",
        }
    }
}

/// What follows from the gaps of one kind.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GapResult {
    /// What follows.
    pub outcome: Outcome,
    /// Why, where the policy tells.
    pub reason: Option<String>,
    /// The gaps, all of one kind.
    pub gaps: Vec<Gap>,
}

/// The findings of an earlier report, by [`identity`].
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Known(pub BTreeSet<(String, String)>);

impl Known {
    /// Tells whether the earlier report has this finding.
    #[must_use]
    pub fn has(&self, finding: &Finding, inventory: &Inventory) -> bool {
        !self.0.is_empty() && self.0.contains(&identity(finding, inventory))
    }
}

/// What makes a finding the same in two reports: its id and what it is about, not the version of a package nor the layer.
/// Other evidence for a rule is another finding: it may be worse.
#[must_use]
pub fn identity(finding: &Finding, inventory: &Inventory) -> (String, String) {
    let about = match &finding.kind {
        FindingKind::Vulnerability(vulnerability) => {
            package_url(inventory, vulnerability.package).unwrap_or_default()
        }
        FindingKind::Secret { fingerprint, .. } => {
            let path = finding.locations.first().map(|location| format!("/{}", location.path));
            format!("{fingerprint} {}", path.unwrap_or_default())
        }
        FindingKind::Misconfiguration { evidence } => evidence.clone(),
        FindingKind::EndOfLife { product, .. } => product.clone(),
        FindingKind::License { package, license, .. } => {
            format!("{} {license}", package_url(inventory, *package).unwrap_or_default())
        }
    };
    (finding.id.clone(), about)
}

/// The URL of a package, without version and qualifiers.
fn package_url(inventory: &Inventory, package: u32) -> Option<String> {
    let installed = inventory.packages.get(package as usize)?;
    let purl = installed.package.purl(inventory.distribution.as_ref());
    Some(without_version(&purl).to_owned())
}

/// A package URL without version and qualifiers.
#[must_use]
pub fn without_version(purl: &str) -> &str {
    purl.split(['@', '?', '#']).next().unwrap_or(purl)
}
