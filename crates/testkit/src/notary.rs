//! Signatures of the Notary Project, made by hand, so that tests can break each part: an authority, certificates of its, lists of
//! revoked ones, and envelopes in JWS and COSE. Keys are on P-256.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use coset::cbor::Value as Cbor;
use coset::{CoseSign1Builder, HeaderBuilder, Label, ProtectedHeader, TaggedCborSerializable as _, iana};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
    CrlDistributionPoint, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair,
    KeyUsagePurpose, RevokedCertParams, SerialNumber,
};
use serde_json::{Value, json};

use crate::sigstore::TIME;
use crate::tls::pem;

/// The name of signers, as a trust policy names it.
pub const SUBJECT: &str = "C=US, ST=WA, O=acme.example, CN=builder";
/// The type of payloads.
pub const PAYLOAD: &str = "application/vnd.cncf.notary.payload.v1+json";

/// A root, or an authority below it.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// Its own chain, the root last.
    above: Vec<Vec<u8>>,
}

/// Who signs.
pub struct Signer {
    key: EcdsaKeyPair,
    /// The key in PEM.
    pub key_pem: String,
    /// The chain, the signer's certificate first.
    pub chain: Vec<Vec<u8>>,
}

fn named(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CountryName, "US");
    names.push(DnType::StateOrProvinceName, "WA");
    names.push(DnType::OrganizationName, "acme.example");
    names.push(DnType::CommonName, name);
    names
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

impl Authority {
    /// A root.
    #[must_use]
    pub fn root(change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = authority_params("root");
        change(&mut params);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let above = vec![issuer.der().to_vec()];
        Self { issuer, above }
    }

    /// An authority below this one.
    #[must_use]
    pub fn below(&self, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = authority_params("intermediate");
        change(&mut params);
        let issuer = CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), &self.issuer).unwrap();
        let above = std::iter::once(issuer.der().to_vec()).chain(self.above.clone()).collect();
        Self { issuer, above }
    }

    /// The certificate.
    #[must_use]
    pub fn certificate(&self) -> Vec<u8> {
        self.above[0].clone()
    }

    /// Somebody who may sign code, from the day before [`TIME`] to the day after.
    #[must_use]
    pub fn signer(&self, change: impl FnOnce(&mut CertificateParams)) -> Signer {
        let mut params = CertificateParams::default();
        params.distinguished_name = named("builder");
        params.not_before = rcgen::date_time_ymd(2025, 1, 1);
        params.not_after = rcgen::date_time_ymd(2025, 1, 3);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        params.serial_number = Some(SerialNumber::from(77_u64));
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let chain = std::iter::once(certificate.der().to_vec()).chain(self.above.clone()).collect();
        Signer {
            key: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.serialized_der()).unwrap(),
            key_pem: pem("PRIVATE KEY", key.serialized_der()),
            chain,
        }
    }

    /// A list of revoked certificates, valid from the first day of the one year and month to that of the other.
    #[must_use]
    pub fn list(&self, serials: &[u64], [from, to]: [(i32, u8); 2]) -> Vec<u8> {
        let revoked = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: rcgen::date_time_ymd(2025, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(from.0, from.1, 1),
            next_update: rcgen::date_time_ymd(to.0, to.1, 1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().der().to_vec()
    }
}

/// Makes a certificate tell where one learns that it was revoked.
pub fn revocable(params: &mut CertificateParams) {
    params.crl_distribution_points =
        vec![CrlDistributionPoint { uris: vec!["http://crl.invalid/list".to_owned()] }];
}

/// Makes a certificate valid from 2020 to 2090.
pub fn lasting(params: &mut CertificateParams) {
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2090, 1, 1);
}

impl Signer {
    /// The chain in PEM.
    #[must_use]
    pub fn chain_pem(&self) -> String {
        self.chain.iter().map(|certificate| pem("CERTIFICATE", certificate)).collect()
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.key.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
    }

    /// An envelope in JWS.
    #[must_use]
    pub fn jws(&self, protected: &Value, payload: &[u8]) -> Value {
        self.jws_of_text(&protected.to_string(), payload)
    }

    /// The same with headers that are perhaps no JSON.
    #[must_use]
    pub fn jws_of_text(&self, protected: &str, payload: &[u8]) -> Value {
        let (protected, payload) = (URL_SAFE_NO_PAD.encode(protected), URL_SAFE_NO_PAD.encode(payload));
        let signature = self.sign(format!("{protected}.{payload}").as_bytes());
        let chain: Vec<String> = self.chain.iter().map(|certificate| STANDARD.encode(certificate)).collect();
        json!({
            "payload": payload,
            "protected": protected,
            "header": { "x5c": chain, "io.cncf.notary.signingAgent": "test/1" },
            "signature": URL_SAFE_NO_PAD.encode(signature),
        })
    }

    /// An envelope in COSE, with the same headers, but another algorithm if wanted.
    #[must_use]
    pub fn cose(&self, protected: &Value, algorithm: iana::Algorithm, payload: &[u8]) -> Vec<u8> {
        let mut header = HeaderBuilder::new().algorithm(algorithm);
        for (name, value) in protected.as_object().unwrap() {
            header = match (name.as_str(), value) {
                ("alg", _) => header,
                ("cty", kind) => header.content_type(kind.as_str().unwrap().to_owned()),
                ("crit", names) => names.as_array().unwrap().iter().fold(header, |header, name| {
                    header.add_critical_label(coset::RegisteredLabelWithPrivate::Text(
                        name.as_str().unwrap().to_owned(),
                    ))
                }),
                (name, Value::String(text)) => header.text_value(name.to_owned(), cbor(text)),
                (name, other) => panic!("{name}: {other}"),
            };
        }
        let chain = self.chain.iter().map(|certificate| Cbor::Bytes(certificate.clone())).collect();
        let unprotected = HeaderBuilder::new().value(33, Cbor::Array(chain)).build();
        let mut message = CoseSign1Builder::new()
            .protected(header.build())
            .unprotected(unprotected)
            .payload(payload.to_vec())
            .create_signature(&[], |message| self.sign(message))
            .build();
        message.protected = ProtectedHeader { original_data: None, ..message.protected };
        message.to_tagged_vec().unwrap()
    }
}

/// Times are tagged seconds, as all texts that read like times are here.
fn cbor(text: &str) -> Cbor {
    match text.strip_suffix('Z').filter(|text| text.starts_with("20")) {
        Some("2025-01-02T00:00:00") => Cbor::Tag(1, Box::new(Cbor::Integer(TIME.into()))),
        Some("2025-01-02T00:10:00") => Cbor::Tag(1, Box::new(Cbor::Integer((TIME + 600).into()))),
        Some(other) => panic!("{other} has no number here"),
        None => Cbor::Text(text.to_owned()),
    }
}

/// Reads an envelope in COSE, changes its unsigned headers, and writes it again.
#[must_use]
pub fn with_unsigned(envelope: &[u8], label: &str, value: &[u8]) -> Vec<u8> {
    let mut message = coset::CoseSign1::from_tagged_slice(envelope).unwrap();
    message.unprotected.rest.push((Label::Text(label.to_owned()), Cbor::Bytes(value.to_vec())));
    message.to_tagged_vec().unwrap()
}

/// The signature in an envelope in COSE.
#[must_use]
pub fn signature_of(envelope: &[u8]) -> Vec<u8> {
    coset::CoseSign1::from_tagged_slice(envelope).unwrap().signature
}

/// The protected headers of a good envelope, made at [`TIME`].
#[must_use]
pub fn protected() -> Value {
    json!({
        "alg": "ES256",
        "crit": ["io.cncf.notary.signingScheme"],
        "cty": PAYLOAD,
        "io.cncf.notary.signingScheme": "notary.x509",
        "io.cncf.notary.signingTime": "2025-01-02T00:00:00Z",
    })
}

/// The protected headers of one that expires ten minutes after [`TIME`].
#[must_use]
pub fn expiring() -> Value {
    let mut protected = protected();
    protected["crit"] = json!(["io.cncf.notary.signingScheme", "io.cncf.notary.expiry"]);
    protected["io.cncf.notary.expiry"] = "2025-01-02T00:10:00Z".into();
    protected
}

/// The payload that signs a manifest.
#[must_use]
pub fn payload(media_type: &str, digest: &str, size: usize) -> Value {
    json!({ "targetArtifact": { "mediaType": media_type, "digest": digest, "size": size, "annotations": { "build": "7" } } })
}
