//! SLSA verification summaries (<https://slsa.dev/spec/v1.1/verification_summary>): that somebody else has verified an artifact,
//! under which policy, and with what result.

mod demand;

use jiff::{SignedDuration, Timestamp};
use plimsoll_formats::strict;
use plimsoll_model::digest::Digest;
use plimsoll_model::signature::Signature;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::signing::statement;

pub use demand::SummaryDemand;

/// The type of their predicates.
pub const TYPE: &str = "https://slsa.dev/verification_summary/v1";
const PASSED: &str = "PASSED";
const FAILED: &str = "FAILED";

/// A verifier whose summaries are believed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verifier {
    /// Its id, exactly.
    pub id: String,
    /// Who signs for it.
    pub signers: Vec<String>,
    /// What a summary must be about, exactly; none means the image's own URI.
    pub resources: Vec<String>,
    /// How old a summary may be at most.
    pub max_age: SignedDuration,
    /// Levels that it must tell.
    pub levels: Vec<String>,
}

/// Why a summary does not count.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SummaryError {
    /// It is no summary, or not by a signer of the verifier.
    #[error("no signer of the verifier {0} has signed it")]
    Signer(String),
    /// It is too large, or no summary of this form.
    #[error("it is malformed: {0}")]
    Malformed(String),
    /// Of another verifier.
    #[error("it is of the verifier {0:?}")]
    Verifier(String),
    /// About something else.
    #[error("it is about {0:?}")]
    Resource(String),
    /// The artifact was refused there.
    #[error("its result is {0:?}")]
    Result(String),
    /// It is too old, or of the future.
    #[error("it was verified at {0}, which is too long ago or in the future")]
    Stale(Timestamp),
    /// It does not tell a level.
    #[error("it does not tell {0}")]
    Level(String),
}

#[derive(Deserialize)]
struct Statement {
    predicate: Predicate,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Predicate {
    verifier: Id,
    time_verified: Timestamp,
    resource_uri: String,
    verification_result: String,
    #[serde(default)]
    verified_levels: Vec<String>,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

/// Makes sure that an accepted attestation is a summary of `verifier` that counts for what has this URI.
///
/// # Errors
/// See [`SummaryError`].
pub fn judge(
    signature: &Signature,
    verifier: &Verifier,
    uri: Option<&str>,
    now: Timestamp,
) -> Result<(), SummaryError> {
    let is_by = signature.known_as.iter().any(|name| verifier.signers.contains(name));
    if signature.predicate_type.as_deref() != Some(TYPE) || !is_by {
        return Err(SummaryError::Signer(verifier.id.clone()));
    }
    let Some(payload) = &signature.payload else {
        return Err(SummaryError::Malformed("it is too large".to_owned()));
    };
    let statement: Statement =
        strict::read(payload, payload.len()).map_err(|error| SummaryError::Malformed(error.to_string()))?;
    let summary = statement.predicate;
    if summary.verifier.id != verifier.id {
        return Err(SummaryError::Verifier(shortened(&summary.verifier.id)));
    }
    let is_about = if verifier.resources.is_empty() {
        uri == Some(summary.resource_uri.as_str())
    } else {
        verifier.resources.contains(&summary.resource_uri)
    };
    if !is_about {
        return Err(SummaryError::Resource(shortened(&summary.resource_uri)));
    }
    if summary.verification_result != PASSED {
        return Err(SummaryError::Result(shortened(&summary.verification_result)));
    }
    let age = now.duration_since(summary.time_verified);
    if age.is_negative() || age > verifier.max_age {
        return Err(SummaryError::Stale(summary.time_verified));
    }
    match verifier.levels.iter().find(|level| !summary.verified_levels.contains(level)) {
        Some(level) => Err(SummaryError::Level(level.clone())),
        None => Ok(()),
    }
}

fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// What a summary says.
#[derive(Clone, Debug)]
pub struct Summary<'a> {
    /// The digest of the image.
    pub subject: Digest,
    /// Who verified.
    pub verifier: &'a str,
    /// With which version of Plimsoll.
    pub version: &'a str,
    /// When.
    pub time: Timestamp,
    /// What the image is to those who fetch it.
    pub resource: &'a str,
    /// The policy, and the digest of its text.
    pub policy: (&'a str, Digest),
    /// The digests of the attestations that it rests on.
    pub attestations: &'a [Digest],
    /// Whether it passed.
    pub passed: bool,
    /// The SLSA build level that was verified, if any.
    pub level: Option<u8>,
}

impl Summary<'_> {
    /// The summary as an in-toto statement. Nothing of it is signed.
    #[must_use]
    pub fn statement(&self) -> Vec<u8> {
        statement::attested(Some(self.resource), &self.subject, TYPE, &self.predicate())
    }

    /// What the statement says.
    #[must_use]
    pub fn predicate(&self) -> Value {
        let inputs: Vec<Value> =
            self.attestations.iter().map(|digest| json!({ "digest": { "sha256": digest.hex() } })).collect();
        // What failed has no level.
        let level = self.level.filter(|_| self.passed);
        let levels: Vec<String> = level.iter().map(|level| format!("SLSA_BUILD_LEVEL_{level}")).collect();
        json!({
            "verifier": { "id": self.verifier, "version": { "plimsoll": self.version } },
            "timeVerified": self.time.to_string(),
            "resourceUri": self.resource,
            "policy": { "uri": self.policy.0, "digest": { "sha256": self.policy.1.hex() } },
            "inputAttestations": inputs,
            "verificationResult": if self.passed { PASSED } else { FAILED },
            "verifiedLevels": levels,
            "slsaVersion": "1.1",
        })
    }
}
