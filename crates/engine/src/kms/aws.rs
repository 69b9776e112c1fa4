//! The KMS of AWS (<https://docs.aws.amazon.com/kms/latest/APIReference/>): `GetPublicKey` and `Sign`.

mod credentials;
mod signature;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_http::host;
use plimsoll_trust::key::{Algorithm, PublicKey};
use reqwest::Url;
use serde::Deserialize;
use serde_json::{Value, json};

use self::credentials::Credentials;
use super::wire::{self, Request, Wire};
use super::{KmsError, Order, Padding, Service, Surroundings};

const EXPECTED: &str = "awskms://[HOST]/ID, /ARN or /alias/NAME";

struct Key {
    wire: Wire,
    url: Url,
    region: String,
    id: String,
    credentials: Credentials,
    now: jiff::Timestamp,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Public {
    public_key: String,
    #[serde(default)]
    key_usage: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Signature {
    signature: String,
}

pub(super) fn open(uri: &str, surroundings: &Surroundings, wire: Wire) -> Result<Box<dyn Service>, KmsError> {
    let wrong = || KmsError::Uri { uri: uri.to_owned(), expected: EXPECTED };
    let rest = uri.strip_prefix("awskms://").ok_or_else(wrong)?;
    let (endpoint, id) = rest.split_once('/').ok_or_else(wrong)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_:/".contains(c);
    if id.is_empty() || !id.chars().all(plain) {
        return Err(wrong());
    }
    // arn:aws:kms:REGION:ACCOUNT:key/ID
    let of_arn = id.strip_prefix("arn:").and_then(|rest| rest.split(':').nth(2)).map(str::to_owned);
    let region = of_arn.or_else(|| surroundings.text(&["AWS_REGION", "AWS_DEFAULT_REGION"]));
    let region = region
        .filter(|region| region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
        .ok_or(KmsError::Unknown { what: "the region", how: "set AWS_REGION, or name the key by its ARN" })?;
    let address = match endpoint {
        "" => surroundings.text(&["AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL"]).unwrap_or_else(|| {
            let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
            format!("https://kms.{region}.{domain}/")
        }),
        host => format!("https://{host}/"),
    };
    let url = wire::address(&address)?;
    let credentials = credentials::find(surroundings, &wire)?;
    Ok(Box::new(Key { wire, url, region, id: id.to_owned(), credentials, now: surroundings.now }))
}

impl Key {
    fn ask<T: serde::de::DeserializeOwned>(&self, action: &str, body: &Value) -> Result<T, KmsError> {
        let body = body.to_string().into_bytes();
        let target = format!("TrentService.{action}");
        let request = signature::Unsigned {
            url: &self.url,
            headers: &[("content-type", "application/x-amz-json-1.1"), ("x-amz-target", &target)],
            body: &body,
        };
        let headers = signature::sign(&request, &self.credentials, (&self.region, "kms"), self.now);
        let mut sent = Request::json(self.url.clone(), &Value::Null);
        (sent.headers, sent.body) = (headers, body.into());
        self.wire.json(sent)
    }
}

impl Service for Key {
    fn public_key(&self) -> Result<PublicKey, KmsError> {
        let host = host(&self.url);
        let public: Public = self.ask("GetPublicKey", &json!({ "KeyId": self.id }))?;
        if public.key_usage != "SIGN_VERIFY" {
            return Err(KmsError::Malformed { host, what: "the key is not for signing" });
        }
        let der = STANDARD.decode(&public.public_key).unwrap_or_default();
        PublicKey::from_der(&der).map_err(|source| KmsError::Key { host, source })
    }

    fn sign(&self, key: &PublicKey, order: &Order<'_>) -> Result<Vec<u8>, KmsError> {
        let (hash, digest) = order.hashed()?;
        let family = match (key.algorithm(), order.padding) {
            (Algorithm::Rsa, Padding::Pkcs1) => "RSASSA_PKCS1_V1_5_SHA",
            (Algorithm::Rsa, Padding::Pss) => "RSASSA_PSS_SHA",
            _ => "ECDSA_SHA",
        };
        let body = json!({
            "KeyId": self.id,
            "Message": STANDARD.encode(digest),
            "MessageType": "DIGEST",
            "SigningAlgorithm": format!("{family}_{}", hash.bits()),
        });
        let Signature { signature } = self.ask("Sign", &body)?;
        let malformed = |_| KmsError::Malformed { host: host(&self.url), what: "the signature is none" };
        STANDARD.decode(signature).map_err(malformed)
    }
}

#[cfg(test)]
pub(super) mod testing {
    //! What tests look at.

    use plimsoll_http::Secret;
    use reqwest::Url;

    use super::{Credentials, credentials, signature};

    /// The headers of a request, signed by these credentials: an id, a secret and a session.
    pub(in super::super) fn signed(
        url: &Url,
        (id, secret, session): (&str, &str, Option<&str>),
        now: jiff::Timestamp,
    ) -> Vec<(&'static str, Secret)> {
        let credentials =
            Credentials { id: id.to_owned(), secret: Secret::new(secret), session: session.map(Secret::new) };
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "TrentService.Sign")];
        let request = signature::Unsigned { url, headers: &headers, body: br#"{"a":1}"# };
        signature::sign(&request, &credentials, ("eu-west-1", "kms"), now)
    }

    pub(in super::super) fn in_file(text: &str, profile: &str) -> Option<(String, String, Option<String>)> {
        let found = credentials::in_file(text, profile)?;
        let session = found.session.map(|session| session.reveal().to_owned());
        Some((found.id, found.secret.reveal().to_owned(), session))
    }
}
