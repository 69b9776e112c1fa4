//! What a timestamp token (RFC 3161) says, read from CMS (RFC 5652). Nothing here is believed yet.

use cms::cert::CertificateChoices;
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use x509_cert::der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef, UintRef};
use x509_cert::der::{Decode as _, Encode as _, Reader as _, SliceReader, Tag, Tagged as _};

use super::chain::CHAIN_LIMIT;
use super::x509::Cert;
use crate::signing::encoding::Hash;

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
pub(crate) const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
/// The policy whose times are exact to a second if they do not tell otherwise (RFC 3628).
const BASELINE: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.2023.1.1");

/// A token.
pub(crate) struct Token {
    /// What it says, in the bytes that are signed by way of the attributes.
    pub(crate) info: Vec<u8>,
    pub(crate) signer: SignerInfo,
    pub(crate) certificates: Vec<Cert>,
}

/// What a token says.
#[derive(Debug)]
pub(crate) struct Info {
    pub(crate) hash: Hash,
    pub(crate) imprint: Vec<u8>,
    pub(crate) time: Timestamp,
    pub(crate) accuracy: SignedDuration,
}

fn malformed(error: impl ToString) -> String {
    format!("the token is malformed: {}", error.to_string())
}

impl Token {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let outer = ContentInfo::from_der(bytes).map_err(malformed)?;
        if outer.content_type != SIGNED_DATA {
            return Err(malformed("it is not signed"));
        }
        let data: SignedData = outer.content.decode_as().map_err(malformed)?;
        if data.encap_content_info.econtent_type != TST_INFO {
            return Err(malformed("it is no timestamp"));
        }
        let content = data.encap_content_info.econtent.ok_or_else(|| malformed("it is empty"))?;
        let info: OctetStringRef<'_> = content.decode_as().map_err(malformed)?;
        let mut signers = data.signer_infos.0.into_vec().into_iter();
        let (Some(signer), None) = (signers.next(), signers.next()) else {
            return Err(malformed("it has not one signature"));
        };
        let set = data.certificates.map(|set| set.0.into_vec()).unwrap_or_default();
        if set.len() > CHAIN_LIMIT {
            return Err(format!("the token has more than {CHAIN_LIMIT} certificates"));
        }
        let mut certificates = Vec::new();
        for choice in &set {
            // Of a kind that nobody can use, it is as good as not there.
            let CertificateChoices::Certificate(certificate) = choice else { continue };
            certificates.extend(Cert::read(&certificate.to_der().map_err(malformed)?));
        }
        Ok(Self { info: info.as_bytes().to_vec(), signer, certificates })
    }

    /// The certificate that it says it is signed by.
    pub(crate) fn leaf(&self) -> Result<&Cert, String> {
        let SignerIdentifier::IssuerAndSerialNumber(wanted) = &self.signer.sid else {
            return Err("the token names its signer by key".to_owned());
        };
        let is_wanted = |certificate: &&Cert| {
            *certificate.issuer() == wanted.issuer && certificate.serial() == wanted.serial_number.as_bytes()
        };
        self.certificates
            .iter()
            .find(is_wanted)
            .ok_or_else(|| "the token lacks its signer's certificate".to_owned())
    }

    /// Checks that the attributes, which are what is signed, are about this token and this certificate; gives their bytes.
    pub(crate) fn check_attributes(&self, hash: Hash, leaf: &Cert) -> Result<Vec<u8>, String> {
        let attributes = self.signer.signed_attrs.as_ref();
        let attributes = attributes.ok_or_else(|| malformed("it has no signed attributes"))?;
        let value = |id: ObjectIdentifier| {
            let mut found = attributes.iter().filter(|attribute| attribute.oid == id);
            match (found.next(), found.next()) {
                (Some(attribute), None) if attribute.values.len() == 1 => attribute.values.get(0),
                _ => None,
            }
            .ok_or_else(|| malformed(format!("it has not one attribute {id}")))
        };
        let kind: ObjectIdentifier = value(CONTENT_TYPE)?.decode_as().map_err(malformed)?;
        if kind != TST_INFO {
            return Err(malformed("its attributes are about something else"));
        }
        let digest: OctetStringRef<'_> = value(MESSAGE_DIGEST)?.decode_as().map_err(malformed)?;
        if digest.as_bytes() != hash.digest(&self.info).as_slice() {
            return Err("the token's attributes are about another token".to_owned());
        }
        let named = value(SIGNING_CERTIFICATE)?.to_der().map_err(malformed)?;
        if !names_certificate(&named, leaf)? {
            return Err("the token is bound to another certificate".to_owned());
        }
        attributes.to_der().map_err(malformed)
    }

    /// The number of the question that it answers, if it tells one.
    pub(crate) fn nonce(&self) -> Option<Vec<u8>> {
        let parts = elements(&self.info).ok()?;
        let number = parts.iter().skip(5).find(|part| part.tag() == Tag::Integer)?;
        Some(number.decode_as::<UintRef<'_>>().ok()?.as_bytes().to_vec())
    }

    /// What it says.
    pub(crate) fn info(&self) -> Result<Info, String> {
        let parts = elements(&self.info)?;
        let [_version, policy, imprint, _serial, time, rest @ ..] = parts.as_slice() else {
            return Err(malformed("it lacks a part"));
        };
        let imprint = elements(&imprint.to_der().map_err(malformed)?)
            .map(|parts| parts.iter().map(owned).collect::<Vec<_>>())?;
        let [(algorithm, _), (hashed, tag)] = imprint.as_slice() else {
            return Err(malformed("its imprint lacks a part"));
        };
        let id = elements_of(algorithm)?.first().and_then(|id| id.decode_as::<ObjectIdentifier>().ok());
        let hash = id.and_then(Hash::of_digest).ok_or("the token's hash is not accepted")?;
        if *tag != Tag::OctetString || time.tag() != Tag::GeneralizedTime {
            return Err(malformed("a part is of another kind"));
        }
        let accuracy = rest.first().filter(|part| part.tag() == Tag::Sequence);
        let accuracy = match accuracy {
            Some(part) => accuracy_of(part.value())?,
            None if policy.decode_as() == Ok(BASELINE) => SignedDuration::from_secs(1),
            None => SignedDuration::ZERO,
        };
        Ok(Info { hash, imprint: hashed.clone(), time: generalized(time.value())?, accuracy })
    }
}

fn owned(part: &AnyRef<'_>) -> (Vec<u8>, Tag) {
    (part.value().to_vec(), part.tag())
}

/// The values in a sequence.
pub(crate) fn elements(der: &[u8]) -> Result<Vec<AnyRef<'_>>, String> {
    let outer = AnyRef::from_der(der).map_err(malformed)?;
    outer.tag().assert_eq(Tag::Sequence).map_err(malformed)?;
    elements_of(outer.value())
}

fn elements_of(value: &[u8]) -> Result<Vec<AnyRef<'_>>, String> {
    let mut reader = SliceReader::new(value).map_err(malformed)?;
    let mut parts = Vec::new();
    while !reader.is_finished() {
        parts.push(AnyRef::decode(&mut reader).map_err(malformed)?);
    }
    Ok(parts)
}

/// Whether a `SigningCertificateV2` (RFC 5035) has the hash of this certificate first.
fn names_certificate(der: &[u8], leaf: &Cert) -> Result<bool, String> {
    let all = elements(der)?;
    let first = all.first().map(|list| elements_of(list.value())).transpose()?;
    let first =
        first.as_deref().and_then(<[AnyRef<'_>]>::first).map(|one| elements_of(one.value())).transpose()?;
    let (hash, named) = match first.as_deref() {
        Some([named, ..]) if named.tag() == Tag::OctetString => (Some(Hash::Sha256), named),
        Some([algorithm, named, ..]) if named.tag() == Tag::OctetString => {
            let id = elements_of(algorithm.value())?
                .first()
                .and_then(|id| id.decode_as::<ObjectIdentifier>().ok());
            (id.and_then(Hash::of_digest), named)
        }
        _ => return Err(malformed("its attribute names no certificate")),
    };
    Ok(hash.is_some_and(|hash| hash.digest(&leaf.der) == named.value()))
}

/// Seconds, and thousandths and millionths of them.
fn accuracy_of(value: &[u8]) -> Result<SignedDuration, String> {
    let mut micros = 0_i64;
    for part in elements_of(value)? {
        let number = part
            .value()
            .iter()
            .try_fold(0_i64, |number, byte| number.checked_mul(256)?.checked_add(i64::from(*byte)));
        let scale = match part.tag() {
            Tag::Integer => 1_000_000,
            Tag::ContextSpecific { number, .. } if number.value() == 0 => 1_000,
            Tag::ContextSpecific { number, .. } if number.value() == 1 => 1,
            _ => return Err(malformed("its accuracy has a part of another kind")),
        };
        let scaled = number.and_then(|number| number.checked_mul(scale));
        micros = scaled
            .and_then(|scaled| micros.checked_add(scaled))
            .ok_or_else(|| malformed("its accuracy is too large"))?;
    }
    Ok(SignedDuration::from_micros(micros))
}

/// `YYYYMMDDhhmmss[.s…]Z`.
fn generalized(value: &[u8]) -> Result<Timestamp, String> {
    let broken = || malformed("its time is none");
    let text = std::str::from_utf8(value).ok().and_then(|text| text.strip_suffix('Z')).ok_or_else(broken)?;
    let time = DateTime::strptime("%Y%m%d%H%M%S%.f", text).map_err(|_| broken())?;
    TimeZone::UTC.to_timestamp(time).map_err(|_| broken())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_their_accuracy_are_read() {
        let time = |text: &str| generalized(text.as_bytes());
        assert_eq!(time("20250102030405Z").unwrap().to_string(), "2025-01-02T03:04:05Z");
        assert_eq!(time("20250102030405.25Z").unwrap().to_string(), "2025-01-02T03:04:05.25Z");
        for text in ["20250102030405", "2025010203Z", "20251302030405Z", "", "Z", "20250102030405+01Z"] {
            assert!(time(text).is_err(), "{text}");
        }
        assert_eq!(
            accuracy_of(&[2, 1, 1, 0x80, 1, 2, 0x81, 1, 3]),
            Ok(SignedDuration::from_micros(1_002_003))
        );
        assert!(accuracy_of(&[4, 1, 1]).is_err());
        assert!(accuracy_of(&[2, 9, 0x7f, 0, 0, 0, 0, 0, 0, 0, 0]).is_err());
    }
}
