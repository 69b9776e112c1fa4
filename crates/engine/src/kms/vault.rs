//! The transit engine of HashiCorp Vault and OpenBao (<https://developer.hashicorp.com/vault/api-docs/secret/transit>).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_formats::bounded;
use plimsoll_http::{Secret, host};
use plimsoll_trust::key::PublicKey;
use plimsoll_trust::signing::encoding;
use reqwest::Url;
use serde::Deserialize;
use serde_json::json;

use super::wire::{self, Request, Wire};
use super::{KmsError, Order, Padding, Service, Surroundings};

/// A longer file is no token.
const TOKEN_LIMIT: u64 = 4096;

struct Key {
    wire: Wire,
    /// The path of the engine.
    engine: Url,
    name: String,
    token: Secret,
    namespace: Option<String>,
    version: std::cell::Cell<u64>,
}

#[derive(Deserialize)]
struct Answer<T> {
    data: T,
}

#[derive(Deserialize)]
struct Versions {
    latest_version: u64,
    keys: BTreeMap<String, Version>,
}

#[derive(Deserialize)]
struct Version {
    #[serde(default)]
    name: String,
    public_key: String,
}

#[derive(Deserialize)]
struct Signature {
    signature: String,
}

pub(super) fn open(uri: &str, surroundings: &Surroundings, wire: Wire) -> Result<Box<dyn Service>, KmsError> {
    let name = uri.split_once("://").map(|(_, name)| name).unwrap_or_default();
    let plain = |c: char| c.is_alphanumeric() || "-._".contains(c);
    if name.is_empty() || !name.chars().all(plain) || name.starts_with(['.', '-']) {
        return Err(KmsError::Uri { uri: uri.to_owned(), expected: "hashivault://KEY" });
    }
    let address = surroundings.text(&["VAULT_ADDR", "BAO_ADDR"]);
    let address = address
        .ok_or(KmsError::Unknown { what: "where the server is", how: "set VAULT_ADDR or BAO_ADDR" })?;
    let mount = surroundings.text(&["TRANSIT_SECRET_ENGINE_PATH"]).unwrap_or_else(|| "transit".to_owned());
    let segments: Vec<&str> = ["v1"].into_iter().chain(mount.trim_matches('/').split('/')).collect();
    let engine = wire::below(&wire::address(&address)?, &segments)?;
    let token = surroundings.text(&["VAULT_TOKEN", "BAO_TOKEN"]).or_else(|| {
        let bytes = bounded::read_file(&surroundings.at_home(".vault-token")?, TOKEN_LIMIT).ok()?;
        Some(String::from_utf8(bytes).ok()?.trim().to_owned())
    });
    let token = token.filter(|token| !token.is_empty()).map(Secret::new).ok_or(KmsError::Unknown {
        what: "the token for the server",
        how: "set VAULT_TOKEN or BAO_TOKEN, or log in with `vault login`",
    })?;
    let namespace = surroundings.text(&["VAULT_NAMESPACE", "BAO_NAMESPACE"]);
    Ok(Box::new(Key { wire, engine, name: name.to_owned(), token, namespace, version: 0.into() }))
}

impl Key {
    fn ask<T: serde::de::DeserializeOwned>(&self, request: Request) -> Result<T, KmsError> {
        let request = request.with("x-vault-token", self.token.reveal()).with("x-vault-request", "true");
        let request = match &self.namespace {
            Some(namespace) => request.with("x-vault-namespace", namespace.as_str()),
            None => request,
        };
        self.wire.json::<Answer<T>>(request).map(|answer| answer.data)
    }
}

impl Service for Key {
    fn public_key(&self) -> Result<PublicKey, KmsError> {
        let url = wire::below(&self.engine, &["keys", &self.name])?;
        let host = host(&url);
        let mut versions: Versions = self.ask(Request::get(url))?;
        let latest = versions.keys.remove(&versions.latest_version.to_string());
        let latest = latest
            .ok_or_else(|| KmsError::Malformed { host: host.clone(), what: "no version is the latest" })?;
        self.version.set(versions.latest_version);
        let key = if latest.name == "ed25519" {
            let bytes = STANDARD.decode(&latest.public_key).unwrap_or_default();
            encoding::ed25519_key(&bytes)
        } else {
            PublicKey::from_pem(&latest.public_key)
        };
        key.map_err(|source| KmsError::Key { host, source })
    }

    fn sign(&self, _key: &PublicKey, order: &Order<'_>) -> Result<Vec<u8>, KmsError> {
        let hash = order.hash.map(|hash| format!("sha2-{}", hash.bits()));
        let segments = ["sign", &self.name].into_iter().chain(hash.as_deref());
        let url = wire::below(&self.engine, &segments.collect::<Vec<_>>())?;
        let host = host(&url);
        let input = order.hash.map_or_else(|| order.message.to_vec(), |hash| hash.digest(order.message));
        let body = json!({
            "input": STANDARD.encode(input),
            "prehashed": order.hash.is_some(),
            // Whoever changes the key meanwhile does not change what signs.
            "key_version": self.version.get(),
            "marshaling_algorithm": "asn1",
            "signature_algorithm": match order.padding { Padding::Pkcs1 => "pkcs1v15", Padding::Pss => "pss" },
            "salt_length": "hash",
        });
        let Signature { signature } = self.ask(Request::json(url, &body))?;
        // As in `vault:v1:BASE64`.
        let encoded = signature.rsplit_once(':').map(|(_, encoded)| encoded).unwrap_or_default();
        STANDARD.decode(encoded).map_err(|_| KmsError::Malformed { host, what: "the signature is none" })
    }
}
