//! Answers of OCSP (RFC 6960): what an authority, or somebody whom it lets answer, says of one certificate. A file may hold one; who
//! fetches one asks a [`Question`] first.
//!
//! An answer counts if it is about this certificate of this issuer, signed by the issuer or by one whose certificate the issuer made for
//! this purpose, and valid now. Whether a revocation is old does not matter.

use aws_lc_rs::{digest, rand};
use jiff::{SignedDuration, Timestamp};
use x509_cert::der::asn1::{ObjectIdentifier, OctetString};
use x509_cert::der::oid::db::rfc6960::{ID_PKIX_OCSP_BASIC, ID_PKIX_OCSP_NOCHECK};
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::Extension;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_ocsp::{
    BasicOcspResponse, CertId, CertStatus, OcspRequest, OcspResponse, OcspResponseStatus, Request,
    ResponderId, SingleResponse, TbsRequest, Version,
};

use super::chain::Chain;
use super::revocation::Told;
use super::x509::{Cert, first_of_sequence};
use super::{COSE, JWS, NotaryTrust, cose, jws};
use crate::notary::x509::Purpose;
use crate::signing::encoding::Hash;

/// A longer answer is refused.
pub const ANSWER_LIMIT: usize = 256 << 10;
/// Certificates beside an answer; more are not looked at.
const BESIDE: usize = 8;
/// How much clocks may differ.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const NONCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.2");

/// An answer, of which nothing is verified but its form.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    signed: Vec<u8>,
    parsed: BasicOcspResponse,
}

/// What is asked of a responder about one certificate.
#[derive(Clone, Debug)]
pub struct Question {
    /// Whom to ask.
    pub url: String,
    /// The certificate, for people.
    pub shown: String,
    /// The request.
    pub der: Vec<u8>,
    nonce: Vec<u8>,
}

impl Answer {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > ANSWER_LIMIT {
            return Err(format!("the answer is larger than {ANSWER_LIMIT} bytes"));
        }
        let malformed = |error: x509_cert::der::Error| format!("the answer is malformed: {error}");
        let response = OcspResponse::from_der(bytes).map_err(malformed)?;
        if response.response_status != OcspResponseStatus::Successful {
            return Err(format!("the responder answers {:?}", response.response_status));
        }
        let content = response.response_bytes.filter(|content| content.response_type == ID_PKIX_OCSP_BASIC);
        let content = content.ok_or("the answer is of an unknown type")?;
        let basic = content.response.as_bytes();
        let parsed = BasicOcspResponse::from_der(basic).map_err(malformed)?;
        let own = parsed.tbs_response_data.responses.iter().flat_map(|one| &one.single_extensions);
        let extensions = own.chain(&parsed.tbs_response_data.response_extensions).flatten();
        if let Some(extension) = extensions.into_iter().find(|extension| extension.critical) {
            return Err(format!(
                "the answer has the critical extension {}, which is not known",
                extension.extn_id
            ));
        }
        Ok(Self { signed: first_of_sequence(basic).map_err(malformed)?.to_vec(), parsed })
    }

    /// The answer to a question: if it has a number, it must be that of the question.
    pub(crate) fn to(bytes: &[u8], question: &Question) -> Result<Self, String> {
        let answer = Self::read(bytes)?;
        let extensions = answer.parsed.tbs_response_data.response_extensions.iter().flatten();
        let mut nonces = extensions.filter(|extension| extension.extn_id == NONCE);
        let same = |extension: &Extension| {
            let value = OctetString::from_der(extension.extn_value.as_bytes());
            value.is_ok_and(|value| value.as_bytes() == question.nonce)
        };
        if nonces.all(same) {
            Ok(answer)
        } else {
            Err("it answers another question (its nonce differs)".to_owned())
        }
    }

    /// What it says of a certificate; none if it is not about it, or must not be believed.
    pub(crate) fn tells(&self, certificate: &Cert, issuer: &Cert, now: Timestamp) -> Option<Told> {
        let about = |one: &&SingleResponse| is_about(&one.cert_id, certificate, issuer);
        let one = self.parsed.tbs_response_data.responses.iter().find(about)?;
        if !self.is_by(issuer, now) {
            return None;
        }
        let seconds = |duration: std::time::Duration| {
            Timestamp::from_second(i64::try_from(duration.as_secs()).ok()?).ok()
        };
        let from = seconds(one.this_update.0.to_unix_duration())?.checked_sub(SKEW).ok()?;
        // Without an end it was true once.
        let to = one.next_update.and_then(|time| seconds(time.0.to_unix_duration()));
        let is_current = to.is_some_and(|to| (from..=to).contains(&now));
        match one.cert_status {
            CertStatus::Good(_) => Some(Told { is_revoked: false, is_current }),
            CertStatus::Revoked(_) => Some(Told { is_revoked: true, is_current }),
            CertStatus::Unknown(_) => None,
        }
    }

    /// Whether the issuer signed it, or somebody whom it lets answer.
    fn is_by(&self, issuer: &Cert, now: Timestamp) -> bool {
        let signed_by = |one: &Cert| {
            let signature = self.parsed.signature.as_bytes().unwrap_or_default();
            let names = match &self.parsed.tbs_response_data.responder_id {
                ResponderId::ByName(name) => name == one.subject(),
                ResponderId::ByKey(hash) => sha1(one.key_bits()) == hash.as_bytes(),
            };
            names && one.key.signed(self.parsed.signature_algorithm.oid, &self.signed, signature).is_ok()
        };
        if signed_by(issuer) {
            return true;
        }
        let beside = self.parsed.certs.iter().flatten().take(BESIDE);
        beside.filter_map(|one| Cert::read(&one.to_der().ok()?).ok()).any(|one| {
            let is_valid = one.validity().is_ok_and(|(from, to)| (from..=to).contains(&now));
            // Who answers for others cannot be asked about himself.
            let may = one.answers_ocsp() && one.has_extension(ID_PKIX_OCSP_NOCHECK);
            is_valid && may && one.is_issued_by(issuer).is_ok() && signed_by(&one)
        })
    }
}

fn sha1(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref().to_vec()
}

/// Whether an identifier is that of this certificate. SHA-1 names here, and proves nothing: the issuer's signature does.
fn is_about(id: &CertId, certificate: &Cert, issuer: &Cert) -> bool {
    let oid = id.hash_algorithm.oid;
    let hash = |bytes: &[u8]| match Hash::of_digest(oid) {
        Some(hash) => Some(hash.digest(bytes)),
        None if oid == SHA1 => Some(sha1(bytes)),
        None => None,
    };
    let Ok(name) = issuer.subject().to_der() else { return false };
    id.serial_number.as_bytes() == certificate.serial()
        && hash(&name).as_deref() == Some(id.issuer_name_hash.as_bytes())
        && hash(issuer.key_bits()).as_deref() == Some(id.issuer_key_hash.as_bytes())
}

/// What to ask about the certificates of an envelope; nothing, if none of them is in a store: nobody else says whom we ask.
#[must_use]
pub fn questions(media_type: &str, content: &[u8], trust: &NotaryTrust) -> Vec<Question> {
    let envelope = match media_type {
        JWS => jws::read(content),
        COSE => cose::read(content),
        _ => return Vec::new(),
    };
    let Ok(envelope) = envelope else { return Vec::new() };
    let Ok(chain) = Chain::read(&envelope.certificates, Purpose::CodeSigning) else { return Vec::new() };
    let trusted: Vec<&Cert> = trust.stores.iter().flat_map(|store| &store.certificates).collect();
    if !chain.certificates().any(|one| trusted.iter().any(|trusted| trusted.der == one.der)) {
        return Vec::new();
    }
    chain.issued().filter_map(|(certificate, issuer)| Question::about(certificate, issuer)).collect()
}

impl Question {
    fn about(certificate: &Cert, issuer: &Cert) -> Option<Self> {
        let url = certificate.responder()?;
        let mut nonce = vec![0; 16];
        rand::fill(&mut nonce).ok()?;
        let name = issuer.subject().to_der().ok()?;
        let id = CertId {
            // The one that all responders know.
            hash_algorithm: AlgorithmIdentifierOwned {
                oid: SHA1,
                parameters: Some(x509_cert::der::Any::null()),
            },
            issuer_name_hash: OctetString::new(sha1(&name)).ok()?,
            issuer_key_hash: OctetString::new(sha1(issuer.key_bits())).ok()?,
            serial_number: SerialNumber::new(certificate.serial()).ok()?,
        };
        let number = Extension {
            extn_id: NONCE,
            critical: false,
            extn_value: OctetString::new(OctetString::new(nonce.as_slice()).ok()?.to_der().ok()?).ok()?,
        };
        let request = OcspRequest {
            tbs_request: TbsRequest {
                version: Version::V1,
                requestor_name: None,
                request_list: vec![Request { req_cert: id, single_request_extensions: None }],
                request_extensions: Some(vec![number]),
            },
            optional_signature: None,
        };
        Some(Self { url, shown: certificate.shown(), der: request.to_der().ok()?, nonce })
    }
}
