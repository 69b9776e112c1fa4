//! A trust file: which images must be signed by whom. For each domain of images it names the signers, how many of them it takes,
//! and what they must say of the image. Nothing is accepted by default: an image that no domain is for is refused.

mod count;
mod document;
mod judge;
mod notary;
mod pattern;
mod read;
mod time;

use jiff::{SignedDuration, Timestamp};
use plimsoll_model::reference::Reference;

use crate::demand::{Claim, Demand, LogRule, Told, TrustedKey};
use crate::identity::ExpectedIdentity;
use crate::notary::NotaryTrust;
use crate::root::{RootError, Roots};
use crate::vsa::Verifier;

pub use document::schema;
pub use judge::Domain;
pub use read::{FILE_LIMIT, Open, TrustFileError};
pub use time::length;

use pattern::Pattern;

/// A trust file.
#[derive(Debug)]
pub struct TrustFile {
    title: String,
    digest: plimsoll_model::digest::Digest,
    signers: Vec<SignerRule>,
    domains: Vec<DomainRule>,
    /// Who must have signed a policy: names of signers, and how many of them it takes.
    policies: Option<(Vec<String>, usize)>,
}

/// A signer: some keys of one holder, the holders of certificates that one identity fits, or whom authorities of the Notary Project
/// vouch for.
#[derive(Clone, Debug)]
struct SignerRule {
    name: String,
    keys: Vec<TrustedKey>,
    identity: Option<ExpectedIdentity>,
    notary: Option<NotaryTrust>,
    roots: Roots,
}

impl TrustFile {
    /// The same, where what is trusted of the public service is no longer what is built in.
    #[must_use]
    pub fn with_production(mut self, roots: &Roots) -> Self {
        for signer in self.signers.iter_mut().filter(|signer| signer.roots.is_built_in()) {
            signer.roots = roots.clone();
        }
        self
    }
}

/// What is demanded of some images.
#[derive(Clone, Debug)]
struct DomainRule {
    name: String,
    images: Vec<Pattern>,
    signers: Vec<String>,
    threshold: usize,
    attestations: Vec<AttestationRule>,
    log: LogRule,
    timestamp: bool,
    max_age: Option<SignedDuration>,
    builders: Vec<Builder>,
    verifiers: Vec<Verifier>,
    /// Whether any statement about a file counts as its signature.
    is_of_files: bool,
}

/// An attestation that must be there.
#[derive(Clone, Debug)]
struct AttestationRule {
    kind: String,
    signers: Vec<String>,
    threshold: usize,
}

/// A builder, and how much its provenance is worth if one of these signers signed it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Builder {
    /// Its id, exactly.
    pub id: String,
    /// Who signs for it.
    pub signers: Vec<String>,
    /// The types of build that this is said of; none means all.
    pub build_types: Vec<String>,
    /// The SLSA build level that is believed of it.
    pub level: u8,
}

/// The name that domains are chosen by.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ImageName {
    /// An image in a registry.
    Registry(Reference),
    /// An image in a layout, whose place says nothing of where it is from.
    Layout,
}

impl ImageName {
    /// The URI of the image's repository, as verification summaries name it.
    #[must_use]
    pub fn uri(&self) -> Option<String> {
        match self {
            Self::Registry(reference) => {
                Some(format!("oci://{}/{}", reference.registry(), reference.repository()))
            }
            Self::Layout => None,
        }
    }

    /// `registry/repository`.
    fn path(&self) -> Option<String> {
        match self {
            Self::Registry(reference) => Some(format!("{}/{}", reference.registry(), reference.repository())),
            Self::Layout => None,
        }
    }
}

impl TrustFile {
    /// Where it is from, for people.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// SHA-256 of its text.
    #[must_use]
    pub const fn digest(&self) -> plimsoll_model::digest::Digest {
        self.digest
    }

    /// The first domain that is for the image.
    ///
    /// # Errors
    /// Never: roots were read with the file.
    pub fn domain(&self, image: &ImageName, now: Timestamp) -> Result<Option<Domain>, RootError> {
        let fits = |rule: &&DomainRule| rule.images.iter().any(|pattern| pattern.fits(image));
        let Some(rule) = self.domains.iter().find(fits) else { return Ok(None) };
        // A time is looked for where one is needed, also of keys without end.
        let is_timed = rule.timestamp || rule.max_age.is_some();
        let signers = self.demands(&rule.signers, Some(rule.log), is_timed, now)?;
        Ok(Some(Domain { rule: rule.clone(), signers, now, uri: image.uri() }))
    }

    /// What is demanded of the signature of a policy, if the file says who signs policies.
    ///
    /// # Errors
    /// Never: roots were read with the file.
    pub fn policies(&self, now: Timestamp) -> Result<Option<Domain>, RootError> {
        let Some((names, threshold)) = &self.policies else { return Ok(None) };
        let signers = self.demands(names, None, false, now)?;
        let rule = DomainRule {
            name: "policies".to_owned(),
            images: Vec::new(),
            signers: names.clone(),
            threshold: *threshold,
            attestations: Vec::new(),
            log: LogRule::Ignored,
            timestamp: false,
            max_age: None,
            builders: Vec::new(),
            verifiers: Vec::new(),
            is_of_files: true,
        };
        Ok(Some(Domain { rule, signers, now, uri: None }))
    }

    /// One demand a signer, so that what is accepted tells whose it is. Without a word on logs, certificates must be in one, which
    /// tells when they were used, and keys need not.
    fn demands(
        &self,
        names: &[String],
        log: Option<LogRule>,
        is_timed: bool,
        now: Timestamp,
    ) -> Result<Vec<(String, Demand)>, RootError> {
        let named = self.signers.iter().filter(|signer| names.contains(&signer.name));
        let demand = |signer: &SignerRule| {
            let mut keys = signer.keys.clone();
            for key in keys.iter_mut().filter(|key| is_timed && key.valid == (None, None)) {
                key.valid.0 = Some(Timestamp::MIN);
            }
            let own = if signer.identity.is_some() { LogRule::Required } else { LogRule::Ignored };
            let demand = Demand {
                keys,
                identities: signer.identity.iter().cloned().collect(),
                notary: signer.notary.clone(),
                claim: Claim::Anything,
                annotations: std::collections::BTreeMap::new(),
                told: Told::default(),
                log: log.unwrap_or(own),
                threshold: 1,
                roots: signer.roots.clone(),
                now,
            };
            Ok((signer.name.clone(), demand))
        };
        named.map(demand).collect()
    }
}

#[cfg(test)]
mod tests;
