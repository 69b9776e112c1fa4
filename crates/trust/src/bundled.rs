//! A bundle as it is verified: what `sigstore-types` can hold of it, and beside that its log entries of a kind that it cannot
//! ([`crate::intoto`]).

use plimsoll_model::signature::Check;
use serde_json::{Value, json};
use sigstore_types::{Artifact, Bundle, SignatureContent, TransparencyLogEntry};
use sigstore_verify::{Error, Policy, VerificationResult};

use crate::intoto;
use crate::key::PublicKey;
use crate::record::{Refusal, failed};
use crate::restated::Restater;
use crate::root::Parsed;

/// A bundle with all of its log entries.
#[derive(Clone, Debug)]
pub(crate) struct Bundled<'a> {
    /// The bundle without the entries in `old`.
    pub(crate) bundle: Bundle,
    /// Entries of `intoto` 0.0.1. As there is no name for these, they have that of 0.0.2.
    pub(crate) old: Vec<TransparencyLogEntry>,
    /// The envelope as somebody wrote it down, where that is known.
    pub(crate) written: Option<&'a [u8]>,
}

impl<'a> Bundled<'a> {
    /// Takes the entries of old out of those of a bundle, an array, and reads them.
    pub(crate) fn take_old(entries: &mut Value) -> Result<Vec<TransparencyLogEntry>, String> {
        let Some(entries) = entries.as_array_mut() else { return Ok(Vec::new()) };
        let kind = json!({ "kind": intoto::KIND, "version": intoto::VERSION });
        let old = entries.extract_if(.., |entry| entry.get("kindVersion") == Some(&kind));
        let old = old.map(|mut entry| {
            if let Some(version) = entry.pointer_mut("/kindVersion/version") {
                *version = "0.0.2".into();
            }
            serde_json::from_value(entry).map_err(|error| error.to_string())
        });
        old.collect()
    }

    /// The same bundle, whose envelope somebody wrote down so.
    pub(crate) const fn written(mut self, envelope: &'a [u8]) -> Self {
        self.written = Some(envelope);
        self
    }

    /// How many log entries there are.
    pub(crate) fn entries(&self) -> usize {
        self.bundle.verification_material.tlog_entries.len().saturating_add(self.old.len())
    }

    /// The log entries for people: each is proved by a path in the log's tree, or promised by the log.
    pub(crate) fn told(&self) -> String {
        let entries = self.bundle.verification_material.tlog_entries.iter().chain(&self.old);
        let told = entries.map(|entry| {
            let how = match (&entry.inclusion_proof, &entry.inclusion_promise) {
                (Some(_), Some(_)) => "proved and promised",
                (Some(_), None) => "proved",
                (None, Some(_)) => "promised",
                (None, None) => "not proved",
            };
            format!("entry {} ({}), {how}", entry.log_index.get(), entry.kind_version.kind())
        });
        told.collect::<Vec<_>>().join("; ")
    }

    /// Verifies everything but who the signer is. `key` is the key that the signature is by, if it is not a certificate's.
    pub(crate) fn verify(
        &self,
        artifact: Artifact<'_>,
        policy: &dyn Policy,
        key: Option<&PublicKey>,
        roots: &Parsed,
    ) -> Result<VerificationResult, Refusal> {
        if self.old.is_empty() {
            return roots.verifier().verify(artifact, &self.bundle, policy).map_err(|error| refusal(&error));
        }
        let SignatureContent::DsseEnvelope(envelope) = &self.bundle.content else {
            let words = "a log entry of the kind intoto is not of a signature of a file";
            return Err(Refusal::Failed(Check::Log, words.to_owned()));
        };
        let verifier = intoto::Verifier::of(&self.bundle, key)
            .ok_or_else(|| Refusal::Failed(Check::Form, "it has neither certificate nor key".to_owned()))?;
        let restater = Restater::new().map_err(failed(Check::Log))?;
        let mut bundle = self.bundle.clone();
        for entry in &self.old {
            intoto::verify(entry, (envelope, self.written), &verifier, roots.root())
                .map_err(failed(Check::Log))?;
            let restated = restater.entry(entry, envelope, &verifier).map_err(failed(Check::Log))?;
            bundle.verification_material.tlog_entries.push(restated);
        }
        let verifier = restater.verifier(roots.root()).map_err(failed(Check::Log))?;
        verifier.verify(artifact, &bundle, policy).map_err(|error| refusal(&error))
    }
}

/// Which check it was that failed.
fn refusal(error: &Error) -> Refusal {
    let check = match error {
        Error::SignatureInvalid(_) => Check::Signature,
        Error::ArtifactMismatch(_) | Error::UnsupportedArtifact(_) | Error::ArtifactRead(_) => Check::Subject,
        Error::Certificate(sigstore_verify::CertificateError::Sct(_)) => Check::CertificateLog,
        Error::Certificate(_) | Error::TrustedCertificate(_) => Check::Certificate,
        Error::TransparencyLog(_) => Check::Log,
        Error::Timestamp(_) => Check::Timestamp,
        Error::IdentityMismatch { .. } | Error::IssuerMismatch { .. } => Check::Signer,
        Error::Bundle(
            sigstore_bundle::Error::MissingInclusionPromise(_)
            | sigstore_bundle::Error::MissingInclusionProof(_)
            | sigstore_bundle::Error::MissingSigningTimeEvidence,
        ) => Check::Log,
        _ => Check::Form,
    };
    Refusal::Failed(check, error.to_string())
}
