//! TLS: the certificates to trust and to show, read from PEM files (RFC 7468), and why a handshake failed.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use reqwest::{Certificate, ClientBuilder, Identity};

use super::client::{HostSettings, Unusable};
use super::words::{chain, clipped};

/// The most bytes of a PEM file.
const LARGEST_PEM: u64 = 8 << 20;

/// Why a TLS handshake failed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TlsProblem {
    /// Nobody we trust vouches for the certificate.
    UnknownIssuer,
    /// The certificate is that of an authority, not of a server.
    SelfSigned,
    /// The certificate is for another name.
    WrongName,
    /// The certificate is not valid now.
    Expired,
    /// The peer does not speak TLS at all.
    NotTls,
    /// The peer wants a certificate of ours.
    ClientCertificate,
    /// Anything else, in the words of the TLS library.
    Other(String),
}

impl fmt::Display for TlsProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownIssuer => "its certificate comes from an unknown authority",
            Self::SelfSigned => "its certificate is that of an authority, which no server may show",
            Self::WrongName => "its certificate is for another name",
            Self::Expired => "its certificate has expired or is not valid yet",
            Self::NotTls => "it does not speak TLS",
            Self::ClientCertificate => "it wants a client certificate",
            Self::Other(text) => text,
        })
    }
}

/// Finds what TLS has to say in a chain of causes. `io::Error` does not name the error inside as its source.
#[must_use]
pub fn problem(error: &(dyn Error + 'static)) -> Option<TlsProblem> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return problem_of(tls);
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

fn problem_of(error: &rustls::Error) -> Option<TlsProblem> {
    use rustls::{AlertDescription, CertificateError, InvalidMessage};
    Some(match error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            CertificateError::UnknownIssuer => TlsProblem::UnknownIssuer,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                TlsProblem::WrongName
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => TlsProblem::Expired,
            // rustls gives no type for it.
            other if format!("{other:?}").contains("CaUsedAsEndEntity") => TlsProblem::SelfSigned,
            other => TlsProblem::Other(clipped(&other.to_string())),
        },
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => TlsProblem::NotTls,
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired | AlertDescription::BadCertificate,
        ) => TlsProblem::ClientCertificate,
        // The peer went away inside the handshake or after it: a matter of the connection.
        rustls::Error::AlertReceived(AlertDescription::CloseNotify | AlertDescription::InternalError) => {
            return None;
        }
        other => TlsProblem::Other(clipped(&other.to_string())),
    })
}

/// Reads the authorities in a PEM file.
pub(super) fn authorities(path: &Path) -> Result<Vec<Certificate>, Unusable> {
    let what = format!("ca-files: {}", path.display());
    let found = Certificate::from_pem_bundle(&pem(path, &what)?)
        .map_err(|error| Unusable::new(&what, &chain(&error)))?;
    if found.is_empty() { Err(Unusable::new(&what, "it holds no certificate")) } else { Ok(found) }
}

/// Adds the certificate to show, if there is one.
pub(super) fn with_identity(builder: ClientBuilder, own: &HostSettings) -> Result<ClientBuilder, Unusable> {
    let Some(path) = &own.client_certificate else { return Ok(builder) };
    let what = format!("client-certificate: {}", path.display());
    let mut bytes = pem(path, &what)?;
    if let Some(key) = &own.client_key {
        bytes.push(b'\n');
        bytes.extend(pem(key, &format!("client-key: {}", key.display()))?);
    }
    let identity = Identity::from_pem(&bytes).map_err(|error| Unusable::new(&what, &chain(&error)))?;
    Ok(builder.identity(identity))
}

fn pem(path: &Path, what: &str) -> Result<Vec<u8>, Unusable> {
    let failed = |error: io::Error| Unusable::new(what, &error.to_string());
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    io::copy(&mut file.take(LARGEST_PEM + 1), &mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LARGEST_PEM {
        return Err(failed(io::ErrorKind::FileTooLarge.into()));
    }
    Ok(bytes)
}
