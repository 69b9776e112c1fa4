//! Bundles that services confirm: a signature by a key that lives as long as the process, whose certificate says who signed, or by
//! a lasting key; entries of logs; timestamps. Each is verified as `plimsoll verify` would before it is given away.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use plimsoll_model::digest::Digest;
use plimsoll_model::signature::{CheckResult, Fate, Signature};
use serde_json::{Value, json};
use sigstore_types::DerCertificate;

use super::fulcio::CertificateError;
use super::identity::Token;
use super::rekor::{Logged, Unloggable, Verifier};
use super::services::Services;
use super::{Network, fulcio, rekor, timestamp};
use crate::all;
use crate::certificate::{Holder, holder};
use crate::claimed::{Claimed, Subject};
use crate::demand::{Claim, Demand, LogRule, Told, TrustedKey};
use crate::dsse::IN_TOTO;
use crate::identity::{ExpectedIdentity, ExpectedSource, Matcher, Name};
use crate::key::PublicKey;
use crate::root::{RootError, Roots};
use crate::scheme::BUNDLE_MEDIA_TYPE;
use crate::signing::bundle::{self, SealError, Sealer};
use crate::signing::private_key::{NewKey, PrivateKey};
use crate::signing::{Signer, sign};

/// What makes bundles with the help of services.
pub struct OnlineSealer<'a> {
    network: &'a Network,
    services: Services,
    signer: Box<dyn Signer + 'a>,
    holder: Option<(DerCertificate, Holder)>,
    surroundings: Surroundings<'a>,
}

/// What it takes beside services and keys.
pub struct Surroundings<'a> {
    /// The trusted root that what comes out must hold for, as often as it is asked for.
    pub roots: &'a dyn Fn() -> Result<Roots, RootError>,
    /// The time.
    pub clock: &'a dyn Fn() -> Timestamp,
    /// Who is told of trouble that did not end the work, and of what was confirmed.
    pub tell: &'a dyn Fn(&str),
}

/// No certificate that can be used.
#[derive(Debug, thiserror::Error)]
pub enum KeylessError {
    /// No key.
    #[error(transparent)]
    Key(#[from] crate::signing::private_key::NotMade),
    /// No authority is named.
    #[error("no certificate authority is named: give --fulcio-url, or a signing configuration with one")]
    NoAuthority,
    /// The authority gave none.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// It is about somebody else, or nobody.
    #[error("the certificate does not name the holder of the token: {0}")]
    Holder(String),
}

impl<'a> OnlineSealer<'a> {
    /// Signs with a key that nobody keeps. The authority certifies it for the holder of `token`.
    ///
    /// # Errors
    /// See [`KeylessError`].
    pub fn keyless(
        network: &'a Network,
        services: Services,
        token: &Token,
        surroundings: Surroundings<'a>,
    ) -> Result<Self, KeylessError> {
        let signer = PrivateKey::generate(NewKey::EcdsaP256)?;
        let mut last = KeylessError::NoAuthority;
        for url in &services.fulcio {
            match fulcio::certificate(network, url, token, &signer) {
                Ok(leaf) => {
                    let holder = holder(&leaf).map_err(|error| KeylessError::Holder(error.to_string()))?;
                    if let Name::Email(email) = &holder.name
                        && email != token.identity()
                    {
                        return Err(KeylessError::Holder(format!("it names {email}")));
                    }
                    let signer = Box::new(signer);
                    return Ok(Self {
                        network,
                        services,
                        signer,
                        holder: Some((leaf, holder)),
                        surroundings,
                    });
                }
                Err(error) => {
                    if services.fulcio.last() != Some(url) {
                        (surroundings.tell)(&format!("{error}; the next one is asked instead"));
                    }
                    last = error.into();
                }
            }
        }
        Err(last)
    }

    /// Signs with a lasting key, and has that confirmed.
    #[must_use]
    pub fn keyed(
        network: &'a Network,
        services: Services,
        signer: Box<dyn Signer + 'a>,
        surroundings: Surroundings<'a>,
    ) -> Self {
        Self { network, services, signer, holder: None, surroundings }
    }

    /// The key that signs, which may be that of this process only.
    #[must_use]
    pub fn signer(&self) -> &dyn Signer {
        self.signer.as_ref()
    }

    /// Who signs: name and who vouches for it. None of a lasting key, whose holder nobody tells.
    #[must_use]
    pub fn identity(&self) -> Option<(&str, &str)> {
        self.holder.as_ref().map(|(_, holder)| (holder.name.as_str(), holder.issuer.as_str()))
    }

    fn sealed(
        &self,
        (signed, signature): (&[u8], &[u8]),
        (kind, content): (&str, Value),
        subject: Subject<'_>,
    ) -> Result<Vec<u8>, SealError> {
        let logged = Logged {
            signed,
            signature,
            envelope: (kind == bundle::ENVELOPE_MEMBER).then_some(&content),
            algorithm: self.signer.public_key().algorithm(),
            verifier: match &self.holder {
                Some((certificate, _)) => Verifier::Certificate(certificate.as_bytes()),
                None => Verifier::Key(self.signer.public_key().as_der()),
            },
        };
        let tell = self.surroundings.tell;
        let logs = &self.services.rekor;
        let takes = |(_, version): &(String, rekor::Version)| rekor::check(&logged, *version);
        logs.from
            .iter()
            .try_for_each(takes)
            .map_err(|why: Unloggable| SealError::Services(why.to_string()))?;
        let services = |error: super::error::ServiceError| SealError::Service(Box::new(error));
        let enter = |(url, version): &(String, rekor::Version)| {
            let entry = rekor::enter(self.network, (url, *version), &logged)?;
            tell(&format!("logged as entry {} of {url}", entry.log_index.get()));
            Ok(entry)
        };
        let entries = logs.ask(enter, tell).map_err(services)?;
        let ask = |url: &String| timestamp::timestamp(self.network, url, signature);
        let timestamps = self.services.timestamps.ask(ask, tell).map_err(services)?;
        let mut material = match &self.holder {
            Some((certificate, _)) => {
                json!({ "certificate": { "rawBytes": STANDARD.encode(certificate.as_bytes()) } })
            }
            None => bundle::key_material(self.signer.public_key()),
        };
        if let Some(material) = material.as_object_mut() {
            let stamped = |token: &Vec<u8>| json!({ "signedTimestamp": STANDARD.encode(token) });
            let stamped: Vec<Value> = timestamps.iter().map(stamped).collect();
            if !entries.is_empty() {
                let entries = serde_json::to_value(&entries);
                let entries = entries.map_err(|error| SealError::Services(error.to_string()))?;
                material.insert("tlogEntries".to_owned(), entries);
            }
            if !stamped.is_empty() {
                let stamped = json!({ "rfc3161Timestamps": stamped });
                material.insert("timestampVerificationData".to_owned(), stamped);
            }
        }
        let sealed = bundle::assembled(&material, kind, content);
        self.verify(&sealed, subject)?;
        Ok(sealed)
    }

    /// Verifies what came out as others would: nobody gets what the trusted root does not hold for.
    fn verify(&self, sealed: &[u8], subject: Subject<'_>) -> Result<(), SealError> {
        let refused = |why: String| SealError::Refused(why);
        let claimed = Claimed {
            place: "the new bundle",
            media_type: BUNDLE_MEDIA_TYPE,
            content: sealed,
            annotations: &BTreeMap::new(),
            subject,
        };
        let signature = all::examine(&claimed, &self.demand().map_err(|error| refused(error.to_string()))?)
            .ok_or_else(|| refused("it is of no known format".to_owned()))?;
        if signature.fate != Fate::Accepted {
            return Err(refused(reason(&signature)));
        }
        if self.services.timestamps.needed > 0 && signature.times.is_empty() {
            return Err(refused("the trusted root confirms no time of it".to_owned()));
        }
        Ok(())
    }

    fn demand(&self) -> Result<Demand, RootError> {
        let exact = |text: &str| Matcher::Exact(text.to_owned());
        let identities = self.holder.iter().map(|(_, holder)| ExpectedIdentity {
            name: exact(holder.name.as_str()),
            issuer: exact(&holder.issuer),
            source: ExpectedSource::default(),
        });
        Ok(Demand {
            keys: if self.holder.is_none() { vec![trusted(self.signer.public_key())] } else { Vec::new() },
            identities: identities.collect(),
            notary: None,
            claim: Claim::Anything,
            annotations: BTreeMap::new(),
            told: Told::default(),
            log: if self.services.rekor.needed > 0 { LogRule::Required } else { LogRule::Ignored },
            threshold: 1,
            roots: (self.surroundings.roots)()?,
            now: (self.surroundings.clock)(),
        })
    }
}

/// With a beginning, so that times are looked at.
fn trusted(key: &PublicKey) -> TrustedKey {
    TrustedKey {
        key: key.clone(),
        title: "that signs".to_owned(),
        valid: (Some(Timestamp::UNIX_EPOCH), None),
    }
}

fn reason(signature: &Signature) -> String {
    let failed = signature.checks.iter().find(|checked| checked.result == CheckResult::Failed);
    match (failed, signature.fate.reason()) {
        (Some(checked), _) => format!("check {}: {}", checked.check.as_str(), checked.words),
        (None, reason) => reason.unwrap_or_default().to_owned(),
    }
}

impl Sealer for OnlineSealer<'_> {
    fn statement(&self, subject: &Digest, statement: &[u8]) -> Result<Vec<u8>, SealError> {
        let signed = sigstore_types::pae(IN_TOTO, statement);
        let signature = sign(self.signer.as_ref(), &signed)?;
        let content = bundle::envelope(statement, &signature);
        let subject = Subject { digest: *subject, bytes: None, described: None };
        self.sealed((&signed, &signature), (bundle::ENVELOPE_MEMBER, content), subject)
    }

    fn file(&self, content: &[u8]) -> Result<Vec<u8>, SealError> {
        let signature = sign(self.signer.as_ref(), content)?;
        let message = bundle::message(self.signer.public_key().algorithm(), content, &signature);
        let subject = Subject { digest: Digest::of(content), bytes: Some(content), described: None };
        self.sealed((content, &signature), (bundle::MESSAGE_MEMBER, message), subject)
    }
}

impl std::fmt::Debug for OnlineSealer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnlineSealer").field("identity", &self.identity()).finish_non_exhaustive()
    }
}
