//! A Sigstore of our own: keys, a certificate authority, a transparency log and the trusted root that names them; signatures of
//! all formats, made by hand, so that tests can break each part. It has no timestamp authority and no certificate log.

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_model::digest::{Digest, hex};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, SanType,
};
use serde_json::{Value, json};

use crate::tls::pem;

/// When everything is signed: 2025-01-02. Certificates are valid from the day before to the day after.
pub const TIME: i64 = 1_735_776_000;

/// The issuer of the names in certificates.
pub const ISSUER: &str = "https://accounts.acme.example";

/// A private key on P-256.
#[derive(Debug)]
pub struct SigningKey(EcdsaKeyPair);

/// A certificate and its key.
#[derive(Debug)]
pub struct Holder {
    /// The key.
    pub key: SigningKey,
    /// The certificate, in DER.
    pub certificate: Vec<u8>,
}

/// An authority and a log.
pub struct Sigstore {
    authority: CertifiedIssuer<'static, KeyPair>,
    /// The log's key.
    pub log: SigningKey,
}

/// A name in a certificate.
#[derive(Clone, Copy, Debug)]
pub enum Name<'a> {
    /// An address.
    Email(&'a str),
    /// A URI.
    Uri(&'a str),
}

impl SigningKey {
    /// Makes a key.
    #[must_use]
    pub fn new() -> Self {
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new()).unwrap();
        Self::of_pkcs8(pkcs8.as_ref())
    }

    pub(crate) fn of_pkcs8(pkcs8: &[u8]) -> Self {
        Self(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8).unwrap())
    }

    /// Signs.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
    }

    /// The public key's `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn public_der(&self) -> Vec<u8> {
        let der: PublicKeyX509Der<'_> = self.0.public_key().as_der().unwrap();
        der.as_ref().to_vec()
    }

    /// The public key in PEM.
    #[must_use]
    pub fn public_pem(&self) -> String {
        pem("PUBLIC KEY", &self.public_der())
    }
}

impl Default for SigningKey {
    fn default() -> Self {
        Self::new()
    }
}

impl Holder {
    /// The certificate in PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        pem("CERTIFICATE", &self.certificate)
    }
}

impl Sigstore {
    /// Makes one.
    #[must_use]
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "a test's authority");
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { authority, log: SigningKey::new() }
    }

    /// The authority's own certificate.
    #[must_use]
    pub fn root_certificate(&self) -> Vec<u8> {
        self.authority.der().to_vec()
    }

    /// Makes a certificate, as Fulcio would.
    #[must_use]
    pub fn certificate(&self, names: &[Name<'_>]) -> Holder {
        self.certificate_of_build(names, ISSUER, &[])
    }

    /// Makes one for a build service: `claims` are the numbers of Fulcio's extensions and what they say.
    #[must_use]
    pub fn certificate_of_build(&self, names: &[Name<'_>], issuer: &str, claims: &[(u64, &str)]) -> Holder {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.not_before = rcgen::date_time_ymd(2025, 1, 1);
        params.not_after = rcgen::date_time_ymd(2025, 1, 3);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        params.subject_alt_names = names.iter().map(|name| name.in_certificate()).collect();
        for (number, text) in std::iter::once((8, issuer)).chain(claims.iter().copied()) {
            // Those of before are not even strings of ASN.1.
            let is_old = number < 8;
            let head = if is_old { vec![] } else { vec![0x0c, u8::try_from(text.len()).unwrap()] };
            let oid = [1, 3, 6, 1, 4, 1, 57264, 1, number];
            let extension = CustomExtension::from_oid_content(&oid, [&head, text.as_bytes()].concat());
            params.custom_extensions.push(extension);
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.authority).unwrap();
        Holder { certificate: certificate.der().to_vec(), key: SigningKey::of_pkcs8(key.serialized_der()) }
    }

    /// `trusted_root.json`.
    #[must_use]
    pub fn trusted_root(&self) -> Value {
        let log = self.log.public_der();
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [{
                "baseUrl": "https://log.invalid", "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": base64(&log), "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": { "start": "2024-01-01T00:00:00Z" },
                },
                "logId": { "keyId": base64(Digest::of(&log).as_bytes()) },
            }],
            "certificateAuthorities": [{
                "subject": { "organization": "acme", "commonName": "a test's authority" },
                "uri": "https://authority.invalid",
                "certChain": { "certificates": [{ "rawBytes": base64(self.authority.der()) }] },
                "validFor": { "start": "2024-01-01T00:00:00Z" },
            }],
            "ctlogs": [],
            "timestampAuthorities": [],
        })
    }

    /// Puts a body into the log, whose one entry it becomes: with the log's promise and the proof.
    #[must_use]
    pub fn entry(&self, kind: &str, body: &Value, time: i64) -> Value {
        let body = body.to_string();
        let id = Digest::of(&self.log.public_der());
        let promised = format!(
            r#"{{"body":"{}","integratedTime":{time},"logID":"{}","logIndex":0}}"#,
            base64(body.as_bytes()),
            id.hex()
        );
        let root = Digest::of(&[&[0], body.as_bytes()].concat());
        let note = format!("log.invalid\n1\n{}\n", base64(root.as_bytes()));
        let signature = [&id.as_bytes()[..4], &self.log.sign(note.as_bytes())].concat();
        json!({
            "logIndex": "0",
            "logId": { "keyId": base64(id.as_bytes()) },
            "kindVersion": { "kind": kind, "version": "0.0.1" },
            "integratedTime": time.to_string(),
            "inclusionPromise": { "signedEntryTimestamp": base64(&self.log.sign(promised.as_bytes())) },
            "inclusionProof": {
                "logIndex": "0", "treeSize": "1", "hashes": [], "rootHash": base64(root.as_bytes()),
                "checkpoint": { "envelope": format!("{note}\n\u{2014} log.invalid {}\n", base64(&signature)) },
            },
            "canonicalizedBody": base64(body.as_bytes()),
        })
    }
}

impl Default for Sigstore {
    fn default() -> Self {
        Self::new()
    }
}

impl Name<'_> {
    fn in_certificate(self) -> SanType {
        match self {
            Self::Email(name) => SanType::Rfc822Name(name.try_into().unwrap()),
            Self::Uri(name) => SanType::URI(name.try_into().unwrap()),
        }
    }
}

/// The body of the log's entry of a signature over `message`.
#[must_use]
pub fn hashedrekord(message: &[u8], signature: &[u8], verifier_pem: &str) -> Value {
    json!({
        "apiVersion": "0.0.1", "kind": "hashedrekord",
        "spec": {
            "data": { "hash": { "algorithm": "sha256", "value": Digest::of(message).hex() } },
            "signature": {
                "content": base64(signature), "publicKey": { "content": base64(verifier_pem.as_bytes()) },
            },
        },
    })
}

/// The body of the log's entry of an envelope.
#[must_use]
pub fn dsse_entry(payload: &[u8], signature: &[u8], verifier_pem: &str) -> Value {
    let digest = json!({ "algorithm": "sha256", "value": Digest::of(payload).hex() });
    json!({
        "apiVersion": "0.0.1", "kind": "dsse",
        "spec": {
            "envelopeHash": digest, "payloadHash": digest,
            "signatures": [{ "signature": base64(signature), "verifier": base64(verifier_pem.as_bytes()) }],
        },
    })
}

/// The body of the log's entry of an envelope as `intoto` 0.0.1 has it; `written` are the envelope's bytes.
#[must_use]
pub fn intoto_entry(written: &[u8], payload: &[u8], verifier_pem: &str) -> Value {
    let digest = |bytes: &[u8]| json!({ "algorithm": "sha256", "value": Digest::of(bytes).hex() });
    json!({
        "apiVersion": "0.0.1", "kind": "intoto",
        "spec": {
            "content": { "hash": digest(written), "payloadHash": digest(payload) },
            "publicKey": base64(verifier_pem.as_bytes()),
        },
    })
}

/// An entry as cosign of old writes it into an annotation.
#[must_use]
pub fn promise(entry: &Value) -> Value {
    let id = STANDARD.decode(entry["logId"]["keyId"].as_str().unwrap()).unwrap();
    let hex = hex(&id);
    let number = |name: &str| entry[name].as_str().unwrap().parse::<i64>().unwrap();
    json!({
        "SignedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
        "Payload": {
            "body": entry["canonicalizedBody"], "integratedTime": number("integratedTime"),
            "logIndex": number("logIndex"), "logID": hex,
        },
    })
}

/// An in-toto statement about something of this SHA-256.
#[must_use]
pub fn statement(hex: &str, predicate_type: &str) -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": "image", "digest": { "sha256": hex } }],
        "predicateType": predicate_type, "predicate": {},
    })
}

/// What an envelope's signature signs.
#[must_use]
pub fn signed_bytes(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// An envelope of an in-toto statement, and its signature.
#[must_use]
pub fn envelope(key: &SigningKey, payload: &[u8]) -> (Value, Vec<u8>) {
    let kind = "application/vnd.in-toto+json";
    let signature = key.sign(&signed_bytes(kind, payload));
    let envelope = json!({
        "payload": base64(payload), "payloadType": kind, "signatures": [{ "sig": base64(&signature) }],
    });
    (envelope, signature)
}

/// The payload that cosign of old signs.
#[must_use]
pub fn simple_signing(hex: &str) -> Value {
    json!({
        "critical": {
            "identity": { "docker-reference": "registry.example/shop" },
            "image": { "docker-manifest-digest": format!("sha256:{hex}") },
            "type": "cosign container image signature",
        },
        "optional": { "stage": "production" },
    })
}

/// A bundle: `material` is its verification material without log entries, `content` one member.
#[must_use]
pub fn bundle(material: Value, entries: &[Value], content: (&str, Value)) -> Value {
    let mut bundle = json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": material,
    });
    bundle["verificationMaterial"]["tlogEntries"] = entries.into();
    bundle[content.0] = content.1;
    bundle
}

/// Base64 (RFC 4648).
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
