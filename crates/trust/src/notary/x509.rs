//! One certificate: what it says, and whether another one issued it.

use jiff::Timestamp;
use plimsoll_model::digest::Digest;
use x509_cert::Certificate;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode as _, Reader as _, SliceReader};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityInfoAccessSyntax, BasicConstraints, CrlDistributionPoints, ExtendedKeyUsage, KeyUsage,
};
use x509_cert::time::Time;

use super::algorithm::Key;

/// How an access description names a place of OCSP.
const OCSP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1");
/// How an extended key usage says that a certificate signs timestamps.
const TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";
/// How one says that it answers OCSP.
const OCSP_SIGNING: &str = "1.3.6.1.5.5.7.3.9";
/// Extended key usages that a certificate for signing code must not have.
const NOT_FOR_CODE: [(&str, &str); 6] = [
    ("2.5.29.37.0", "anyExtendedKeyUsage"),
    ("1.3.6.1.5.5.7.3.1", "serverAuth"),
    ("1.3.6.1.5.5.7.3.2", "clientAuth"),
    ("1.3.6.1.5.5.7.3.4", "emailProtection"),
    (TIME_STAMPING, "timeStamping"),
    (OCSP_SIGNING, "OCSPSigning"),
];

/// What the leaf of a chain is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    CodeSigning,
    TimeStamping,
}

/// A certificate.
#[derive(Clone, Debug)]
pub(crate) struct Cert {
    /// Its bytes.
    pub(crate) der: Vec<u8>,
    signed: Vec<u8>,
    parsed: Certificate,
    /// Its key.
    pub(crate) key: Key,
}

impl Cert {
    pub(crate) fn read(der: &[u8]) -> Result<Self, String> {
        let malformed = |error: x509_cert::der::Error| format!("the certificate is malformed: {error}");
        let parsed = Certificate::from_der(der).map_err(malformed)?;
        let signed = first_of_sequence(der).map_err(malformed)?.to_vec();
        if parsed.tbs_certificate.signature != parsed.signature_algorithm {
            return Err("the certificate tells two kinds of signatures".to_owned());
        }
        let key = Key::read(&parsed.tbs_certificate.subject_public_key_info);
        let key =
            key.map_err(|why| format!("the certificate of {}: {why}", parsed.tbs_certificate.subject))?;
        Ok(Self { der: der.to_vec(), signed, parsed, key })
    }

    pub(crate) fn subject(&self) -> &x509_cert::name::Name {
        &self.parsed.tbs_certificate.subject
    }

    pub(crate) fn issuer(&self) -> &x509_cert::name::Name {
        &self.parsed.tbs_certificate.issuer
    }

    pub(crate) fn serial(&self) -> &[u8] {
        self.parsed.tbs_certificate.serial_number.as_bytes()
    }

    /// The key itself, without what says of which kind it is.
    pub(crate) fn key_bits(&self) -> &[u8] {
        self.parsed.tbs_certificate.subject_public_key_info.subject_public_key.raw_bytes()
    }

    /// Where OCSP answers for it, if that is an address of HTTP.
    pub(crate) fn responder(&self) -> Option<String> {
        let (_, access) = self.parsed.tbs_certificate.get::<AuthorityInfoAccessSyntax>().ok()??;
        access.0.iter().filter(|place| place.access_method == OCSP).find_map(|place| {
            let GeneralName::UniformResourceIdentifier(url) = &place.access_location else { return None };
            let url = url.as_str();
            (url.starts_with("http://") || url.starts_with("https://")).then(|| url.to_owned())
        })
    }

    /// Whether it is for answering of OCSP, and for nothing else.
    pub(crate) fn answers_ocsp(&self) -> bool {
        let is_for = |(_, usages): (bool, ExtendedKeyUsage)| {
            usages.0.iter().map(ToString::to_string).eq([OCSP_SIGNING.to_owned()])
        };
        self.extended().ok().flatten().is_some_and(is_for) && !self.is_authority()
    }

    /// Whether it has this extension.
    pub(crate) fn has_extension(&self, id: ObjectIdentifier) -> bool {
        self.parsed.tbs_certificate.extensions.iter().flatten().any(|extension| extension.extn_id == id)
    }

    /// For messages.
    pub(crate) fn shown(&self) -> String {
        format!("the certificate of {}", self.subject())
    }

    /// Whether `issuer` signed it, by name and by key.
    pub(crate) fn is_issued_by(&self, issuer: &Self) -> Result<(), String> {
        if self.issuer() != issuer.subject() {
            return Err(format!("{} names another issuer than {}", self.shown(), issuer.subject()));
        }
        let signature = self.parsed.signature.as_bytes().unwrap_or_default();
        issuer
            .key
            .signed(self.parsed.signature_algorithm.oid, &self.signed, signature)
            .map_err(|why| format!("{}: {why}", self.shown()))
    }

    /// When it is valid, both ends included.
    pub(crate) fn validity(&self) -> Result<(Timestamp, Timestamp), String> {
        let validity = &self.parsed.tbs_certificate.validity;
        Ok((time(validity.not_before)?, time(validity.not_after)?))
    }

    /// Whether it tells where one could learn that it was revoked.
    pub(crate) fn is_revocable(&self) -> Result<bool, String> {
        let certificate = &self.parsed.tbs_certificate;
        let malformed = |error| format!("{}: {error}", self.shown());
        let lists = certificate.get::<CrlDistributionPoints>().map_err(malformed)?;
        let access = certificate.get::<AuthorityInfoAccessSyntax>().map_err(malformed)?;
        let asks = access.is_some_and(|(_, access)| access.0.iter().any(|place| place.access_method == OCSP));
        Ok(asks || lists.is_some_and(|(_, lists)| !lists.0.is_empty()))
    }

    /// Whether it may sign certificates, by its own word.
    pub(crate) fn is_authority(&self) -> bool {
        matches!(self.constraints(), Ok(Some((_, BasicConstraints { ca: true, .. }))))
    }

    /// Whether it may sign lists of revoked certificates.
    pub(crate) fn signs_lists(&self) -> bool {
        matches!(self.usage(), Ok(Some((_, usage))) if usage.crl_sign())
    }

    /// The rules for authorities. `below` is how many of them stand between this one and the leaf.
    pub(crate) fn check_authority(&self, below: usize, purpose: Purpose) -> Result<(), String> {
        let wrong = |words: &str| Err(format!("{}: {words}", self.shown()));
        match self.constraints()? {
            Some((true, BasicConstraints { ca: true, path_len_constraint })) => {
                if path_len_constraint.is_some_and(|limit| usize::from(limit) < below) {
                    return wrong("its path length does not allow this chain");
                }
            }
            _ => return wrong("it has no critical BasicConstraints that make it an authority"),
        }
        match self.usage()? {
            Some((critical, usage)) if usage.key_cert_sign() => {
                if !critical && purpose == Purpose::CodeSigning {
                    return wrong("its KeyUsage is not critical");
                }
                Ok(())
            }
            _ => wrong("its KeyUsage does not allow to sign certificates"),
        }
    }

    /// The rules for the certificate that signs.
    pub(crate) fn check_leaf(&self, purpose: Purpose) -> Result<(), String> {
        let wrong = |words: String| Err(format!("{}: {words}", self.shown()));
        if self.constraints()?.is_some_and(|(_, constraints)| constraints.ca) {
            return wrong("it is that of an authority".to_owned());
        }
        let Some((critical, usage)) = self.usage()? else { return wrong("it has no KeyUsage".to_owned()) };
        if !critical && purpose == Purpose::CodeSigning {
            return wrong("its KeyUsage is not critical".to_owned());
        }
        let more = [
            usage.key_encipherment(),
            usage.data_encipherment(),
            usage.key_agreement(),
            usage.key_cert_sign(),
            usage.crl_sign(),
            usage.encipher_only(),
            usage.decipher_only(),
        ];
        if !usage.digital_signature() || more.contains(&true) {
            return wrong("its KeyUsage is not that of signatures alone".to_owned());
        }
        let usages = self.extended()?;
        match purpose {
            Purpose::CodeSigning => {
                let named: Vec<String> =
                    usages.iter().flat_map(|(_, usages)| &usages.0).map(ToString::to_string).collect();
                let found = NOT_FOR_CODE.iter().find(|(id, _)| named.iter().any(|named| named == id));
                found.map_or(Ok(()), |(_, name)| wrong(format!("its ExtendedKeyUsage has {name}")))
            }
            Purpose::TimeStamping => match usages {
                Some((true, usages))
                    if usages.0.len() == 1
                        && usages.0.iter().all(|usage| usage.to_string() == TIME_STAMPING) =>
                {
                    Ok(())
                }
                _ => wrong("its ExtendedKeyUsage is not timeStamping alone, and critical".to_owned()),
            },
        }
    }

    fn constraints(&self) -> Result<Option<(bool, BasicConstraints)>, String> {
        self.parsed.tbs_certificate.get().map_err(|error| format!("{}: {error}", self.shown()))
    }

    fn usage(&self) -> Result<Option<(bool, KeyUsage)>, String> {
        self.parsed.tbs_certificate.get().map_err(|error| format!("{}: {error}", self.shown()))
    }

    fn extended(&self) -> Result<Option<(bool, ExtendedKeyUsage)>, String> {
        self.parsed.tbs_certificate.get().map_err(|error| format!("{}: {error}", self.shown()))
    }

    /// The SHA-256 of its bytes, for people.
    pub(crate) fn thumbprint(&self) -> String {
        Digest::of(&self.der).hex()
    }
}

/// The bytes of the first value in a sequence: what is signed is what was received, never what would be written again.
pub(crate) fn first_of_sequence(der: &[u8]) -> x509_cert::der::Result<&[u8]> {
    let mut outer = SliceReader::new(der)?;
    let header = x509_cert::der::Header::decode(&mut outer)?;
    header.tag.assert_eq(x509_cert::der::Tag::Sequence)?;
    outer.tlv_bytes()
}

pub(crate) fn time(time: Time) -> Result<Timestamp, String> {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).map_err(|error| error.to_string())?;
    Timestamp::from_second(seconds).map_err(|error| error.to_string())
}
