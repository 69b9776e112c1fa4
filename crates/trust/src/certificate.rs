//! What a signing certificate says of its holder: one name, and who vouched for it
//! (<https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md>). Whether it was issued by a trusted authority is decided
//! elsewhere, before anything here is believed.

use sigstore_crypto::{FulcioCiClaims, parse_certificate_info};
use sigstore_types::DerCertificate;
use x509_cert::Certificate;
use x509_cert::der::asn1::{ObjectIdentifier, Utf8StringRef};
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use crate::identity::{Name, Source};

/// User names of Fulcio's own kind.
const OTHER_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.7");

/// Who vouches for workflows of GitHub's public service.
const GITHUB: &str = "https://token.actions.githubusercontent.com";

/// The holder of a certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Holder {
    pub(crate) name: Name,
    pub(crate) issuer: String,
    /// Of a build service: what it built from.
    pub(crate) source: Source,
}

impl Holder {
    /// Whether the source is that of the workflow which the name is of. One that others may use has the same name for all of them.
    pub(crate) fn has_own_source(&self) -> bool {
        let below = |repository: &str| {
            self.name.as_str().strip_prefix(repository).is_some_and(|rest| rest.starts_with('/'))
        };
        self.source.repository.as_deref().is_none_or(below)
    }
}

/// Why a certificate names nobody.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HolderError {
    #[error("the certificate is malformed: {0}")]
    Malformed(String),
    #[error("the certificate has {0} names, not one")]
    Names(usize),
    #[error("the certificate has a name of a kind that is not known")]
    Kind,
    #[error("the certificate does not tell who vouched for its name")]
    NoIssuer,
    #[error("the certificate tells two different sources")]
    Sources,
}

/// Reads whom a certificate names.
pub(crate) fn holder(certificate: &DerCertificate) -> Result<Holder, HolderError> {
    let malformed = |error: String| HolderError::Malformed(error);
    let parsed =
        Certificate::from_der(certificate.as_bytes()).map_err(|error| malformed(error.to_string()))?;
    let names: Option<(bool, SubjectAltName)> =
        parsed.tbs_certificate.get().map_err(|error| malformed(error.to_string()))?;
    let names = names.map(|(_, names)| names.0).unwrap_or_default();
    // With several names it would be a question of order which one counts.
    let [name] = names.as_slice() else { return Err(HolderError::Names(names.len())) };
    let name = match name {
        GeneralName::Rfc822Name(address) => Name::Email(address.to_string()),
        GeneralName::UniformResourceIdentifier(uri) => Name::Uri(uri.to_string()),
        GeneralName::OtherName(other) if other.type_id == OTHER_NAME => {
            let value = other.value.to_der().map_err(|error| malformed(error.to_string()))?;
            let text = Utf8StringRef::from_der(&value).map_err(|error| malformed(error.to_string()))?;
            Name::Other(text.to_string())
        }
        _ => return Err(HolderError::Kind),
    };
    let facts = parse_certificate_info(certificate).map_err(|error| malformed(error.to_string()))?;
    let issuer = facts.issuer.filter(|issuer| !issuer.is_empty()).ok_or(HolderError::NoIssuer)?;
    let source = source(&facts.ci_claims, &issuer)?;
    Ok(Holder { name, issuer, source })
}

/// What it tells of the sources. Certificates of before 2023 tell it in the words of GitHub alone.
fn source(claims: &FulcioCiClaims, issuer: &str) -> Result<Source, HolderError> {
    let old = (issuer == GITHUB).then_some(&claims.deprecated_github);
    let repository = old.and_then(|old| old.workflow_repository.as_ref());
    let one = |new: &Option<String>, old: Option<String>| match (new, old) {
        (Some(new), Some(old)) if *new != old => Err(HolderError::Sources),
        (Some(new), _) => Ok(Some(new.clone())),
        (None, old) => Ok(old),
    };
    Ok(Source {
        repository: one(
            &claims.source_repository_uri,
            repository.map(|name| format!("https://github.com/{name}")),
        )?,
        reference: one(&claims.source_repository_ref, old.and_then(|old| old.workflow_ref.clone()))?,
    })
}

/// Reads the certificates of a PEM text, at most `limit`.
pub(crate) fn from_pem(text: &str, limit: usize) -> Option<Vec<DerCertificate>> {
    const END: &str = "-----END CERTIFICATE-----";
    let blocks = text.split_inclusive(END).filter(|block| !block.trim().is_empty());
    let mut certificates = Vec::new();
    for block in blocks {
        if certificates.len() == limit {
            return None;
        }
        certificates.push(DerCertificate::from_pem(block.trim()).ok()?);
    }
    Some(certificates)
}
