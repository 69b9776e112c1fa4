//! The KMS of Google Cloud (<https://cloud.google.com/kms/docs/reference/rest/v1/projects.locations.keyRings.cryptoKeys.cryptoKeyVersions>):
//! `getPublicKey` and `asymmetricSign`.

mod credentials;

use std::cell::RefCell;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_http::{Secret, host};
use plimsoll_trust::key::PublicKey;
use reqwest::Url;
use serde::Deserialize;
use serde_json::json;

use super::wire::{self, Request, Wire};
use super::{KmsError, Order, Padding, Service, Surroundings};

const EXPECTED: &str =
    "gcpkms://projects/PROJECT/locations/PLACE/keyRings/RING/cryptoKeys/KEY[/cryptoKeyVersions/VERSION]";
const ADDRESS: &str = "https://cloudkms.googleapis.com/";
/// More versions of a key are not looked at; the newest come first.
const VERSIONS: &str = "100";

struct Key {
    wire: Wire,
    /// The version of the key.
    url: Url,
    token: Secret,
    algorithm: RefCell<String>,
}

#[derive(Deserialize)]
struct Public {
    pem: String,
    algorithm: String,
}

#[derive(Deserialize)]
struct Signature {
    signature: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Versions {
    #[serde(default)]
    crypto_key_versions: Vec<Version>,
}

#[derive(Deserialize)]
struct Version {
    name: String,
}

pub(super) fn open(uri: &str, surroundings: &Surroundings, wire: Wire) -> Result<Box<dyn Service>, KmsError> {
    let wrong = || KmsError::Uri { uri: uri.to_owned(), expected: EXPECTED };
    let rest = uri.strip_prefix("gcpkms://").ok_or_else(wrong)?;
    let parts: Vec<&str> = rest.split('/').collect();
    let (key, version) = parts.split_at_checked(8).ok_or_else(wrong)?;
    let words = ["projects", "locations", "keyRings", "cryptoKeys"];
    if !key.iter().step_by(2).eq(words.iter()) {
        return Err(wrong());
    }
    let address = surroundings.text(&["CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS"]);
    let base = wire::address(address.as_deref().unwrap_or(ADDRESS))?;
    let key = wire::below(&wire::below(&base, &["v1"])?, key)?;
    let version = match version {
        [] => None,
        ["cryptoKeyVersions" | "versions", version] => Some((*version).to_owned()),
        _ => return Err(wrong()),
    };
    let token = credentials::token(surroundings, &wire)?;
    let version = match version {
        Some(version) => version,
        None => newest(&wire, &key, &token)?,
    };
    let url = wire::below(&key, &["cryptoKeyVersions", &version])?;
    Ok(Box::new(Key { wire, url, token, algorithm: RefCell::default() }))
}

fn bearing(request: Request, token: &Secret) -> Request {
    request.with("authorization", format!("Bearer {}", token.reveal()))
}

/// The number of the newest version that can sign.
fn newest(wire: &Wire, key: &Url, token: &Secret) -> Result<String, KmsError> {
    let mut url = wire::below(key, &["cryptoKeyVersions"])?;
    url.query_pairs_mut().append_pair("filter", "state=ENABLED").append_pair("pageSize", VERSIONS);
    url.query_pairs_mut().append_pair("orderBy", "name desc");
    let versions: Versions = wire.json(bearing(Request::get(url), token))?;
    let numbers = versions.crypto_key_versions.iter();
    let numbers = numbers.filter_map(|version| version.name.rsplit('/').next()?.parse::<u64>().ok());
    let newest = numbers.max();
    newest
        .map(|number| number.to_string())
        .ok_or_else(|| KmsError::Malformed { host: host(key), what: "no version of the key is enabled" })
}

impl Service for Key {
    fn public_key(&self) -> Result<PublicKey, KmsError> {
        let url = wire::below(&self.url, &["publicKey"])?;
        let host = host(&url);
        let public: Public = self.wire.json(bearing(Request::get(url), &self.token))?;
        self.algorithm.replace(public.algorithm);
        PublicKey::from_pem(&public.pem).map_err(|source| KmsError::Key { host, source })
    }

    fn sign(&self, _key: &PublicKey, order: &Order<'_>) -> Result<Vec<u8>, KmsError> {
        // Here it is the key that has the algorithm, hash and padding included.
        let algorithm = self.algorithm.borrow().clone();
        let family = if order.padding == Padding::Pss { "RSA_SIGN_PSS_" } else { "RSA_SIGN_PKCS1_" };
        let hash = order.hash.map_or_else(|| "ED25519".to_owned(), |hash| format!("SHA{}", hash.bits()));
        if !(algorithm.starts_with(family) || algorithm.starts_with("EC_SIGN_"))
            || !algorithm.ends_with(&hash)
        {
            return Err(KmsError::Algorithm(algorithm));
        }
        let body = match order.hash {
            Some(hash) => {
                let name = format!("sha{}", hash.bits());
                json!({ "digest": { name: STANDARD.encode(hash.digest(order.message)) } })
            }
            None => json!({ "data": STANDARD.encode(order.message) }),
        };
        let mut url = self.url.clone();
        url.set_path(&format!("{}:asymmetricSign", self.url.path()));
        let Signature { signature } = self.wire.json(bearing(Request::json(url, &body), &self.token))?;
        let malformed = |_| KmsError::Malformed { host: host(&self.url), what: "the signature is none" };
        STANDARD.decode(signature).map_err(malformed)
    }
}
