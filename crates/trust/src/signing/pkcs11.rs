//! Keys that never leave their device, over PKCS #11
//! (<https://docs.oasis-open.org/pkcs11/pkcs11-spec/v3.1/pkcs11-spec-v3.1.html>). The module is loaded when it is asked for and
//! by its path; it is code of others, and who names it trusts it.

mod uri;

use std::fmt;

use aws_lc_rs::digest;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use x509_cert::der::Decode as _;
use x509_cert::der::asn1::OctetString;

pub use uri::{KeyUri, SCHEME, UriError};

use super::encoding::Hash;
use super::{SignError, Signer, encoding};
use crate::key::{Algorithm, PublicKey};

/// A key on a device.
pub struct DeviceKey {
    session: Session,
    private: ObjectHandle,
    public: PublicKey,
}

/// Why a key on a device cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The module or the device refuses.
    #[error("{doing}: {why}")]
    Refused {
        /// What was done.
        doing: &'static str,
        /// What it says.
        why: String,
    },
    /// It is not clear which token is meant.
    #[error("{0} tokens fit, not one: name it by token=LABEL or slot-id=NUMBER")]
    Tokens(usize),
    /// It is not clear which key is meant.
    #[error("{0} private keys fit, not one: name it by object=LABEL or id=BYTES")]
    Keys(usize),
    /// The device does not tell the public key.
    #[error("the token does not tell the public key of this private key")]
    NoPublicKey,
    /// A kind of key that is not supported.
    #[error("the key is not supported: ECDSA (P-256, P-384, P-521), Ed25519 and RSA are")]
    Unsupported,
}

fn refused<E: fmt::Display>(doing: &'static str) -> impl Fn(E) -> DeviceError {
    move |error| DeviceError::Refused { doing, why: error.to_string() }
}

impl DeviceKey {
    /// Opens the device and finds the key.
    ///
    /// # Errors
    /// See [`DeviceError`].
    pub fn open(uri: &KeyUri, pin: &str) -> Result<Self, DeviceError> {
        let module = Pkcs11::new(&uri.module).map_err(refused("loading the module"))?;
        module
            .initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))
            .map_err(refused("starting the module"))?;
        let slots = module.get_slots_with_token().map_err(refused("listing tokens"))?;
        let mut fitting = Vec::new();
        for slot in slots {
            let token = module.get_token_info(slot).map_err(refused("looking at a token"))?;
            let is_label = uri.token.as_ref().is_none_or(|label| token.label() == label);
            if token.token_initialized() && is_label && uri.slot.is_none_or(|id| slot.id() == id) {
                fitting.push(slot);
            }
        }
        let [slot] = fitting.as_slice() else { return Err(DeviceError::Tokens(fitting.len())) };
        let session = module.open_ro_session(*slot).map_err(refused("opening the token"))?;
        session
            .login(UserType::User, Some(&AuthPin::from(pin)))
            .map_err(refused("logging in to the token"))?;
        let find = |class| {
            let mut template = vec![Attribute::Class(class)];
            template.extend(uri.object.as_ref().map(|label| Attribute::Label(label.clone().into_bytes())));
            template.extend(uri.id.as_ref().map(|id| Attribute::Id(id.clone())));
            session.find_objects(&template).map_err(refused("looking for the key"))
        };
        let found = find(ObjectClass::PRIVATE_KEY)?;
        let [private] = found.as_slice() else { return Err(DeviceError::Keys(found.len())) };
        // Some tokens keep the public key as an object of its own, some with the private one.
        let holders = find(ObjectClass::PUBLIC_KEY)?.into_iter().chain([*private]);
        let public = holders.filter_map(|holder| public(&session, holder).transpose()).next();
        let public = public.ok_or(DeviceError::NoPublicKey)??;
        Ok(Self { private: *private, session, public })
    }
}

impl Signer for DeviceKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let device = |error: cryptoki::error::Error| SignError::Device(error.to_string());
        let hash = match self.public.algorithm() {
            Algorithm::Rsa => {
                let mechanism = Mechanism::Sha256RsaPkcs;
                return self.session.sign(&mechanism, self.private, message).map_err(device);
            }
            Algorithm::EcdsaP256 => &digest::SHA256,
            Algorithm::EcdsaP384 => &digest::SHA384,
            Algorithm::EcdsaP521 => &digest::SHA512,
            Algorithm::Ed25519 => {
                let mechanism = Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Ed25519));
                return self.session.sign(&mechanism, self.private, message).map_err(device);
            }
        };
        let hash = digest::digest(hash, message);
        let raw = self.session.sign(&Mechanism::Ecdsa, self.private, hash.as_ref()).map_err(device)?;
        encoding::ecdsa_signature(&raw).ok_or(SignError::Refused)
    }

    fn sign_pss(&self, hash: Hash, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let (hash_alg, mgf, make): (_, _, fn(_) -> _) = match hash {
            Hash::Sha256 => (MechanismType::SHA256, PkcsMgfType::MGF1_SHA256, Mechanism::Sha256RsaPkcsPss),
            Hash::Sha384 => (MechanismType::SHA384, PkcsMgfType::MGF1_SHA384, Mechanism::Sha384RsaPkcsPss),
            Hash::Sha512 => (MechanismType::SHA512, PkcsMgfType::MGF1_SHA512, Mechanism::Sha512RsaPkcsPss),
        };
        let parameters = PkcsPssParams { hash_alg, mgf, s_len: u64::from(hash.bits() / 8).into() };
        let device = |error: cryptoki::error::Error| SignError::Device(error.to_string());
        self.session.sign(&make(parameters), self.private, message).map_err(device)
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceKey").field("public", &self.public.fingerprint()).finish_non_exhaustive()
    }
}

/// The public key that an object holds; none if it holds none.
fn public(session: &Session, holder: ObjectHandle) -> Result<Option<PublicKey>, DeviceError> {
    let wanted = [
        AttributeType::KeyType,
        AttributeType::EcParams,
        AttributeType::EcPoint,
        AttributeType::Modulus,
        AttributeType::PublicExponent,
    ];
    let attributes = session.get_attributes(holder, &wanted).map_err(refused("reading the public key"))?;
    let (mut kind, mut parameters, mut point, mut modulus, mut exponent) = (None, None, None, None, None);
    for attribute in attributes {
        match attribute {
            Attribute::KeyType(found) => kind = Some(found),
            Attribute::EcParams(bytes) => parameters = Some(bytes),
            Attribute::EcPoint(bytes) => point = Some(bytes),
            Attribute::Modulus(bytes) => modulus = Some(bytes),
            Attribute::PublicExponent(bytes) => exponent = Some(bytes),
            _ => {}
        }
    }
    let der = match (kind, parameters.zip(point), modulus.zip(exponent)) {
        (Some(KeyType::EC), Some((parameters, point)), _) => {
            encoding::ec(encoding::parameters(&parameters), &unwrapped(&point))
        }
        // Other curves of this kind have keys of other lengths.
        (Some(KeyType::EC_EDWARDS), Some((_, point)), _) => encoding::ed25519(&unwrapped(&point)),
        (Some(KeyType::RSA), _, Some((modulus, exponent))) => encoding::rsa(&modulus, &exponent),
        (Some(KeyType::EC | KeyType::EC_EDWARDS | KeyType::RSA), _, _) => return Ok(None),
        _ => return Err(DeviceError::Unsupported),
    };
    let key = PublicKey::from_der(&der.ok_or(DeviceError::Unsupported)?);
    key.map(Some).map_err(|_| DeviceError::Unsupported)
}

/// Modules that do not follow the standard leave the wrapping out.
fn unwrapped(point: &[u8]) -> Vec<u8> {
    OctetString::from_der(point).map_or_else(|_| point.to_vec(), OctetString::into_bytes)
}
