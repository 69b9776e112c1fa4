//! Azure Key Vault (<https://learn.microsoft.com/rest/api/keyvault/keys>): `getKey` and `sign`.

use std::cell::RefCell;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use plimsoll_formats::bounded;
use plimsoll_http::{Secret, host};
use plimsoll_trust::key::{Algorithm, PublicKey};
use plimsoll_trust::signing::encoding;
use reqwest::Url;
use serde::Deserialize;
use serde_json::json;

use super::wire::{self, Request, Wire};
use super::{KmsError, Order, Padding, Service, Surroundings};

const EXPECTED: &str = "azurekms://HOST/KEY[/VERSION]";
const VERSION: (&str, &str) = ("api-version", "7.4");
const AUTHORITY: &str = "https://login.microsoftonline.com/";
/// Where machines are told.
const MACHINE: &str = "http://169.254.169.254/metadata/identity/oauth2/token";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const HOW: &str =
    "set AZURE_TENANT_ID, AZURE_CLIENT_ID, and AZURE_CLIENT_SECRET or AZURE_FEDERATED_TOKEN_FILE";
const TOKEN_LIMIT: u64 = 1 << 16;

struct Key {
    wire: Wire,
    /// The key without its version.
    url: Url,
    version: RefCell<Option<String>>,
    token: Secret,
}

#[derive(Deserialize)]
struct Bundle {
    key: WebKey,
}

/// A key as RFC 7517 has it.
#[derive(Deserialize)]
struct WebKey {
    kid: String,
    kty: String,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

#[derive(Deserialize)]
struct Signature {
    value: String,
}

#[derive(Deserialize)]
struct Answer {
    access_token: Secret,
}

pub(super) fn open(uri: &str, surroundings: &Surroundings, wire: Wire) -> Result<Box<dyn Service>, KmsError> {
    let wrong = || KmsError::Uri { uri: uri.to_owned(), expected: EXPECTED };
    let parts: Vec<&str> = uri.strip_prefix("azurekms://").ok_or_else(wrong)?.split('/').collect();
    let (host, name, version) = match parts.as_slice() {
        [host, name] | [host, name, ""] => (host, name, None),
        [host, name, version] => (host, name, Some((*version).to_owned())),
        _ => return Err(wrong()),
    };
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if name.is_empty() || !plain(name) || !version.as_deref().is_none_or(plain) {
        return Err(wrong());
    }
    let vault = wire::address(&format!("https://{host}/"))?;
    let url = wire::below(&vault, &["keys", name])?;
    let asked = token(surroundings, resource(host))?;
    let is_machine = asked.url.as_str().starts_with(MACHINE);
    let token = wire
        .json::<Answer>(asked)
        .map_err(|error| if is_machine { error.of_machine("who we are to Azure", HOW) } else { error })?;
    let token = token.access_token;
    Ok(Box::new(Key { wire, url, version: RefCell::new(version), token }))
}

/// What the token is for: the cloud that the vault is in, not the vault.
fn resource(host: &str) -> &'static str {
    let known = [
        (".vault.azure.cn", "https://vault.azure.cn"),
        (".vault.usgovcloudapi.net", "https://vault.usgovcloudapi.net"),
        (".managedhsm.azure.net", "https://managedhsm.azure.net"),
    ];
    let found = known.iter().find(|(ending, _)| host.ends_with(ending));
    found.map_or("https://vault.azure.net", |(_, resource)| resource)
}

/// What asks for a token, as <https://learn.microsoft.com/azure/developer/intro/azure-identity-environment-variables> tells who
/// we are.
fn token(surroundings: &Surroundings, resource: &str) -> Result<Request, KmsError> {
    let text = |name| surroundings.text(&[name]);
    let client = text("AZURE_CLIENT_ID");
    if let (Some(tenant), Some(client)) = (text("AZURE_TENANT_ID"), &client) {
        let authority = text("AZURE_AUTHORITY_HOST").unwrap_or_else(|| AUTHORITY.to_owned());
        let url = wire::below(&wire::address(&authority)?, &[&tenant, "oauth2", "v2.0", "token"])?;
        let scope = format!("{resource}/.default");
        let common =
            [("client_id", client.as_str()), ("scope", &scope), ("grant_type", "client_credentials")];
        if let Some(secret) = text("AZURE_CLIENT_SECRET") {
            return Ok(Request::form(url, &[&common[..], &[("client_secret", &secret)]].concat()));
        }
        if let Some(path) = text("AZURE_FEDERATED_TOKEN_FILE") {
            let read = bounded::read_file(path.as_ref(), TOKEN_LIMIT).map_err(|error| error.to_string());
            let bytes = read.map_err(|why| KmsError::File { path, why })?;
            let assertion = String::from_utf8_lossy(&bytes).trim().to_owned();
            let own = [("client_assertion_type", ASSERTION), ("client_assertion", &assertion)];
            return Ok(Request::form(url, &[&common[..], &own].concat()));
        }
    }
    let (address, header, version) = match (text("IDENTITY_ENDPOINT"), text("IDENTITY_HEADER")) {
        (Some(address), Some(secret)) => (address, ("x-identity-header", secret), "2019-08-01"),
        _ => (MACHINE.to_owned(), ("metadata", "true".to_owned()), "2018-02-01"),
    };
    let mut url = Url::parse(&address).map_err(|_| KmsError::Address(address))?;
    url.query_pairs_mut().append_pair("api-version", version).append_pair("resource", resource);
    if let Some(client) = client {
        url.query_pairs_mut().append_pair("client_id", &client);
    }
    Ok(Request::get(url).with(header.0, header.1))
}

impl Key {
    fn ask<T: serde::de::DeserializeOwned>(&self, mut request: Request) -> Result<T, KmsError> {
        request.url.query_pairs_mut().append_pair(VERSION.0, VERSION.1);
        self.wire.json(request.with("authorization", format!("Bearer {}", self.token.reveal())))
    }

    fn of_version(&self, further: &[&str]) -> Result<Url, KmsError> {
        let version = self.version.borrow();
        let segments: Vec<&str> = version.as_deref().into_iter().chain(further.iter().copied()).collect();
        wire::below(&self.url, &segments)
    }
}

impl Service for Key {
    fn public_key(&self) -> Result<PublicKey, KmsError> {
        let Bundle { key } = self.ask(Request::get(self.of_version(&[])?))?;
        let host = host(&self.url);
        // Its address is the service's word, of which only the version counts: the token goes to no other host.
        let version = key.kid.rsplit('/').next().map(str::to_owned);
        let is_plain = |text: &String| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric());
        let version = version.filter(is_plain);
        if version.is_none() {
            return Err(KmsError::Malformed { host, what: "the key has no version" });
        }
        self.version.replace(version);
        let number = |text: &Option<String>| {
            URL_SAFE_NO_PAD
                .decode(text.as_deref().unwrap_or_default().trim_end_matches('='))
                .unwrap_or_default()
        };
        let made = match (key.kty.trim_end_matches("-HSM"), key.crv.as_deref()) {
            ("RSA", _) => encoding::rsa_key(&number(&key.n), &number(&key.e)),
            ("EC", Some(curve @ ("P-256" | "P-384" | "P-521"))) => {
                let curve = match curve {
                    "P-256" => Algorithm::EcdsaP256,
                    "P-384" => Algorithm::EcdsaP384,
                    _ => Algorithm::EcdsaP521,
                };
                encoding::ecdsa_key(curve, &number(&key.x), &number(&key.y))
            }
            (kind, curve) => {
                return Err(KmsError::Algorithm(format!("{kind} {}", curve.unwrap_or_default())));
            }
        };
        made.map_err(|source| KmsError::Key { host, source })
    }

    fn sign(&self, key: &PublicKey, order: &Order<'_>) -> Result<Vec<u8>, KmsError> {
        let (hash, digest) = order.hashed()?;
        let is_rsa = key.algorithm() == Algorithm::Rsa;
        let family = match (is_rsa, order.padding) {
            (true, Padding::Pkcs1) => "RS",
            (true, Padding::Pss) => "PS",
            (false, _) => "ES",
        };
        let body = json!({
            "alg": format!("{family}{}", hash.bits()),
            "value": URL_SAFE_NO_PAD.encode(digest),
        });
        let Signature { value } = self.ask(Request::json(self.of_version(&["sign"])?, &body))?;
        let raw = URL_SAFE_NO_PAD.decode(value.trim_end_matches('=')).ok();
        let signature = if is_rsa { raw } else { raw.and_then(|raw| encoding::ecdsa_signature(&raw)) };
        signature.ok_or_else(|| KmsError::Malformed { host: host(&self.url), what: "the signature is none" })
    }
}
