//! Certificates of Fulcio: a token and a proof that one has the key, for a certificate that names the token's holder
//! (<https://github.com/sigstore/fulcio/blob/main/fulcio.proto>).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_formats::strict;
use serde_json::{Value, json};
use sigstore_types::DerCertificate;

use super::error::{Service, ServiceError};
use super::identity::Token;
use super::network::{ANSWER_LIMIT, Ask, Body, Network};
use crate::certificate;
use crate::signing::{SignError, Signer, key_file, sign};

/// More certificates than this no chain has.
const CHAIN_LIMIT: usize = 8;

/// No certificate.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CertificateError {
    /// The key could not prove itself.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The authority gave none.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Asks for a certificate that says whose key it is.
///
/// # Errors
/// See [`CertificateError`].
pub fn certificate(
    network: &Network,
    url: &str,
    token: &Token,
    signer: &dyn Signer,
) -> Result<DerCertificate, CertificateError> {
    let proof = sign(signer, token.identity().as_bytes())?;
    let request = json!({
        "credentials": { "oidcIdentityToken": token.secret().reveal() },
        "publicKeyRequest": {
            "publicKey": { "algorithm": "", "content": key_file::public(signer.public_key()) },
            "proofOfPossession": STANDARD.encode(proof),
        },
    });
    let url = format!("{}/api/v2/signingCert", url.trim_end_matches('/'));
    let body = Body::Bytes("application/json", request.to_string().into_bytes());
    let ask = Ask::post(Service::Fulcio, &url, body);
    let answer = network.fetch(&ask)?;
    let leaf = leaf(&answer).map_err(|error| ask.unusable(error))?;
    let key = sigstore_crypto::parse_certificate_info(&leaf).map_err(|error| ask.unusable(error))?.public_key;
    if key.as_bytes() != signer.public_key().as_der() {
        return Err(ask.unusable("the certificate is for another key").into());
    }
    Ok(leaf)
}

/// The signer's certificate in an answer. What follows it in the chain is the trusted root's business.
///
/// # Errors
/// If there is none.
pub fn leaf(answer: &[u8]) -> Result<DerCertificate, String> {
    let document: Value = strict::read(answer, usize::try_from(ANSWER_LIMIT).unwrap_or(usize::MAX))
        .map_err(|error| error.to_string())?;
    let chain = ["signedCertificateEmbeddedSct", "signedCertificateDetachedSct"]
        .into_iter()
        .find_map(|kind| document.get(kind)?.pointer("/chain/certificates")?.as_array());
    let chain = chain.ok_or("there is no certificate in it")?;
    if chain.len() > CHAIN_LIMIT {
        return Err(format!("its chain has more than {CHAIN_LIMIT} certificates"));
    }
    let first = chain.first().and_then(Value::as_str).ok_or("its chain is empty")?;
    let mut certificates = certificate::from_pem(first, 1).ok_or("its certificate is malformed")?;
    certificates.pop().ok_or_else(|| "its certificate is malformed".to_owned())
}
