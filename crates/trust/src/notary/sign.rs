//! Signing as the Notary Project has it: an envelope of a payload with the certificates of the key, whole and in their order. What
//! is made follows the rules that verifiers hold it against, and is verified before anybody gets it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use coset::cbor::Value as Cbor;
use coset::iana;
use coset::{
    CoseSign1, CoseSign1Builder, HeaderBuilder, Label, RegisteredLabelWithPrivate,
    TaggedCborSerializable as _,
};
use jiff::Timestamp;
use plimsoll_model::time::in_seconds;
use serde_json::{Map, Value, json};

use super::algorithm::Algorithm;
use super::chain::Chain;
use super::envelope::{EXPIRY, SCHEME, SIGNING_TIME, SigningScheme, TIMESTAMP};
use super::payload::PAYLOAD_TYPE;
use super::store::ders;
use super::x509::Purpose;
use super::{COSE, JWS, timestamp};
use crate::key;
use crate::signing::encoding::{Hash, ecdsa_numbers};
use crate::signing::{SignError, Signer};

const AGENT: &str = "io.cncf.notary.signingAgent";
const OWN_NAME: &str = concat!("plimsoll/", env!("CARGO_PKG_VERSION"));
/// The label of certificates, by RFC 9360.
const CHAIN: i64 = 33;
/// The tag of times in seconds.
const EPOCH: u64 = 1;

/// The kinds of envelopes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// JSON.
    Jws,
    /// CBOR.
    Cose,
}

impl Kind {
    /// Its media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jws => JWS,
            Self::Cose => COSE,
        }
    }
}

/// The certificates of a key, its own first and the root last.
#[derive(Clone, Debug)]
pub struct Certificates(Chain);

/// What is signed, and when.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The artifact, as a descriptor of OCI.
    pub target: &'a Value,
    /// When it is signed, by the word of the signer.
    pub time: Timestamp,
    /// When the signature expires.
    pub expiry: Option<Timestamp>,
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum NotaryError {
    /// The certificates are not those of a signer.
    #[error("the certificates: {0}")]
    Certificates(String),
    /// No signature.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The key of the first certificate is another.
    #[error("the first certificate is not that of the key")]
    OtherKey,
    /// The envelope could not be written.
    #[error("the envelope could not be written")]
    NotWritten,
    /// The timestamp is none over the signature.
    #[error("the timestamp: {0}")]
    Timestamp(String),
}

/// A signature to which a timestamp can be added.
#[derive(Debug)]
pub struct Signed {
    signature: Vec<u8>,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Jws { protected: String, payload: String, header: Map<String, Value> },
    Cose(Box<CoseSign1>),
}

impl Certificates {
    /// Reads a chain out of PEM: the certificate of the key, those above it, and the root.
    ///
    /// # Errors
    /// If it does not follow the rules for signing code.
    pub fn read(bytes: &[u8]) -> Result<Self, NotaryError> {
        let ders = ders(bytes, "CERTIFICATE").map_err(NotaryError::Certificates)?;
        Chain::read(&ders, Purpose::CodeSigning).map(Self).map_err(NotaryError::Certificates)
    }

    /// The SHA-256 of each, for the annotation that lists them.
    #[must_use]
    pub fn thumbprints(&self) -> Vec<String> {
        self.0.certificates().map(super::x509::Cert::thumbprint).collect()
    }

    fn ders(&self) -> impl Iterator<Item = &[u8]> {
        self.0.certificates().map(|certificate| certificate.der.as_slice())
    }

    /// The one algorithm of the key.
    fn algorithm(&self) -> Result<Algorithm, NotaryError> {
        let words = "RSA keys that sign have 2048, 3072 or 4096 bits";
        self.0.leaf.key.algorithm().ok_or_else(|| NotaryError::Certificates(words.to_owned()))
    }
}

/// Signs an artifact.
///
/// # Errors
/// See [`NotaryError`].
pub fn sign(
    signer: &dyn Signer,
    certificates: &Certificates,
    kind: Kind,
    order: &Order<'_>,
) -> Result<Signed, NotaryError> {
    certificates.0.check_valid(order.time, order.time).map_err(NotaryError::Certificates)?;
    let payload = json!({ "targetArtifact": order.target }).to_string().into_bytes();
    match kind {
        Kind::Jws => jws(signer, certificates, &payload, order),
        Kind::Cose => cose(signer, certificates, payload, order),
    }
}

/// The signature over `message`, as envelopes have it.
fn raw(signer: &dyn Signer, certificates: &Certificates, message: &[u8]) -> Result<Vec<u8>, NotaryError> {
    let algorithm = certificates.algorithm()?;
    let is_rsa = signer.public_key().algorithm() == key::Algorithm::Rsa;
    let signature = match algorithm {
        Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512 if is_rsa => {
            let hash = match algorithm {
                Algorithm::Ps384 => Hash::Sha384,
                Algorithm::Ps512 => Hash::Sha512,
                _ => Hash::Sha256,
            };
            signer.sign_pss(hash, message)?
        }
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::Es512 if !is_rsa => {
            let signature = signer.sign(message)?;
            ecdsa_numbers(&signature, signer.public_key().algorithm()).ok_or(NotaryError::OtherKey)?
        }
        _ => return Err(NotaryError::OtherKey),
    };
    // A broken device, or certificates of another key, are told here and not by those who verify.
    if !certificates.0.leaf.key.signed_envelope(algorithm, message, &signature) {
        return Err(NotaryError::OtherKey);
    }
    Ok(signature)
}

fn jws(
    signer: &dyn Signer,
    certificates: &Certificates,
    payload: &[u8],
    order: &Order<'_>,
) -> Result<Signed, NotaryError> {
    let mut critical = vec![SCHEME];
    let mut headers = json!({
        "alg": certificates.algorithm()?.as_str(),
        "cty": PAYLOAD_TYPE,
        SCHEME: SigningScheme::X509.as_str(),
        SIGNING_TIME: in_seconds(order.time),
    });
    if let (Some(expiry), Some(headers)) = (order.expiry, headers.as_object_mut()) {
        headers.insert(EXPIRY.to_owned(), in_seconds(expiry).into());
        critical.push(EXPIRY);
    }
    if let Some(headers) = headers.as_object_mut() {
        headers.insert("crit".to_owned(), json!(critical));
    }
    let (protected, payload) = (URL_SAFE_NO_PAD.encode(headers.to_string()), URL_SAFE_NO_PAD.encode(payload));
    let signature = raw(signer, certificates, format!("{protected}.{payload}").as_bytes())?;
    let chain: Vec<String> = certificates.ders().map(|der| STANDARD.encode(der)).collect();
    let header = Map::from_iter([("x5c".to_owned(), json!(chain)), (AGENT.to_owned(), OWN_NAME.into())]);
    Ok(Signed { signature, form: Form::Jws { protected, payload, header } })
}

fn cose(
    signer: &dyn Signer,
    certificates: &Certificates,
    payload: Vec<u8>,
    order: &Order<'_>,
) -> Result<Signed, NotaryError> {
    let algorithm = match certificates.algorithm()? {
        Algorithm::Ps256 => iana::Algorithm::PS256,
        Algorithm::Ps384 => iana::Algorithm::PS384,
        Algorithm::Ps512 => iana::Algorithm::PS512,
        Algorithm::Es256 => iana::Algorithm::ES256,
        Algorithm::Es384 => iana::Algorithm::ES384,
        Algorithm::Es512 => iana::Algorithm::ES512,
    };
    let time = |time: Timestamp| Cbor::Tag(EPOCH, Box::new(Cbor::from(time.as_second())));
    let critical = |name: &str| RegisteredLabelWithPrivate::Text(name.to_owned());
    let mut headers = HeaderBuilder::new()
        .algorithm(algorithm)
        .content_type(PAYLOAD_TYPE.to_owned())
        .add_critical_label(critical(SCHEME))
        .text_value(SCHEME.to_owned(), SigningScheme::X509.as_str().into())
        .text_value(SIGNING_TIME.to_owned(), time(order.time));
    if let Some(expiry) = order.expiry {
        headers = headers.add_critical_label(critical(EXPIRY)).text_value(EXPIRY.to_owned(), time(expiry));
    }
    let chain: Vec<Cbor> = certificates.ders().map(|der| Cbor::Bytes(der.to_vec())).collect();
    let beside = HeaderBuilder::new()
        .value(CHAIN, Cbor::Array(chain))
        .text_value(AGENT.to_owned(), OWN_NAME.into())
        .build();
    let builder = CoseSign1Builder::new().protected(headers.build()).unprotected(beside).payload(payload);
    let message = builder.try_create_signature(&[], |message| raw(signer, certificates, message))?.build();
    Ok(Signed { signature: message.signature.clone(), form: Form::Cose(Box::new(message)) })
}

impl Signed {
    /// What a timestamp must be over.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Adds a timestamp. Whom it is by is for verifiers to judge.
    ///
    /// # Errors
    /// If it is none over the signature.
    pub fn stamp(&mut self, token: &[u8]) -> Result<(), NotaryError> {
        timestamp::check_imprint(token, &self.signature).map_err(NotaryError::Timestamp)?;
        match &mut self.form {
            Form::Jws { header, .. } => {
                header.insert(TIMESTAMP.to_owned(), STANDARD.encode(token).into());
            }
            Form::Cose(message) => {
                let value = (Label::Text(TIMESTAMP.to_owned()), Cbor::Bytes(token.to_vec()));
                message.unprotected.rest.push(value);
            }
        }
        Ok(())
    }

    /// The envelope.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn envelope(self) -> Result<Vec<u8>, NotaryError> {
        match self.form {
            Form::Jws { protected, payload, header } => {
                let envelope = json!({
                    "payload": payload,
                    "protected": protected,
                    "header": header,
                    "signature": URL_SAFE_NO_PAD.encode(self.signature),
                });
                Ok(envelope.to_string().into_bytes())
            }
            Form::Cose(message) => message.to_tagged_vec().map_err(|_| NotaryError::NotWritten),
        }
    }
}
