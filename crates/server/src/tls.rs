//! The certificate of what listens. It is read again for each connection, so that one that was renewed is used at once.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use plimsoll_formats::bounded;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Files of certificates and keys are not larger.
const SIZE: u64 = 1 << 20;

/// Why a certificate is of no use.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("reading {0}")]
    Read(String, #[source] std::io::Error),
    /// A file is not what it should be.
    #[error("{0} holds no {1} in PEM")]
    Malformed(String, &'static str),
    /// Both do not go together, or are of a kind that is not known.
    #[error("the certificate {0} with its key {1}")]
    Pair(String, String, #[source] rustls::Error),
}

/// A certificate and its key, in files.
pub(crate) struct Certificate {
    certificate: PathBuf,
    key: PathBuf,
    /// The last one that was of use.
    config: Arc<ServerConfig>,
}

impl Certificate {
    pub(crate) fn read(certificate: PathBuf, key: PathBuf) -> Result<Self, CertificateError> {
        let config = config(&certificate, &key)?;
        Ok(Self { certificate, key, config })
    }

    /// What the files hold now, else what they held when they were last of use.
    pub(crate) fn current(&mut self, complain: impl FnOnce(&str)) -> Arc<ServerConfig> {
        match config(&self.certificate, &self.key) {
            Ok(config) => self.config = config,
            Err(error) => complain(&format!("the certificate that was read before is used: {error}")),
        }
        Arc::clone(&self.config)
    }
}

fn config(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, CertificateError> {
    let (shown, shown_key) = (certificate.display().to_string(), key.display().to_string());
    let read = |path: &Path, shown: &String| {
        bounded::read_file(path, SIZE).map_err(|error| CertificateError::Read(shown.clone(), error))
    };
    let bytes = read(certificate, &shown)?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|_| CertificateError::Malformed(shown.clone(), "certificates"))?;
    if chain.is_empty() {
        return Err(CertificateError::Malformed(shown, "certificates"));
    }
    let key = PrivateKeyDer::from_pem_slice(&read(key, &shown_key)?)
        .map_err(|_| CertificateError::Malformed(shown_key.clone(), "private key"))?;
    let pair = |error| CertificateError::Pair(shown.clone(), shown_key.clone(), error);
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(pair)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(pair)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
