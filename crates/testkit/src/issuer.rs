//! An issuer of identity tokens (OpenID Connect) on the loopback interface: discovery, keys, the ways to log in, and what a job of
//! GitHub Actions asks. Whoever logs in is always the same person.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::http::{Connection, HttpServer, Request};

/// Who logs in.
pub const EMAIL: &str = "dev@acme.example";
/// What a job shows to get a token.
pub const REQUEST_TOKEN: &str = "the-right-to-ask";

/// How it misbehaves.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Misbehaviour {
    /// Tokens are for another login.
    pub wrong_nonce: bool,
    /// Tokens have ended.
    pub expired: bool,
    /// Whoever logs in is turned away.
    pub denies: bool,
}

/// The issuer.
pub struct Issuer {
    server: HttpServer,
    key: Arc<EcdsaKeyPair>,
    misbehaviour: Misbehaviour,
}

/// Logins that were begun, by code: nonce and challenge.
type Logins = Mutex<HashMap<String, (String, String)>>;

impl Issuer {
    /// Starts one that does what it should.
    #[must_use]
    pub fn start() -> Self {
        Self::misbehaving(Misbehaviour::default())
    }

    /// Starts one that does not.
    #[must_use]
    pub fn misbehaving(misbehaviour: Misbehaviour) -> Self {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
        let key = Arc::new(EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref()).unwrap());
        let (logins, polls) = (Logins::default(), Mutex::new(0_u32));
        let signer = Arc::clone(&key);
        let server = HttpServer::start(move |request, connection| {
            answer(request, connection, (&signer, misbehaviour), &logins, &polls);
        });
        Self { server, key, misbehaviour }
    }

    /// Its name.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// All requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }

    /// A token for the person.
    #[must_use]
    pub fn token(&self) -> String {
        token(&self.key, &self.url(), "", self.misbehaviour)
    }
}

fn answer(
    request: &Request,
    connection: &mut Connection<'_>,
    (key, misbehaviour): (&EcdsaKeyPair, Misbehaviour),
    logins: &Logins,
    polls: &Mutex<u32>,
) {
    let own = format!("http://{}", request.header("host").unwrap_or_default());
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let form = pairs(&String::from_utf8_lossy(&request.body));
    let mut json = |status: u16, value: Value| {
        connection.answer(status, &[("content-type", "application/json")], value.to_string().as_bytes());
    };
    let id_token = |nonce: &str| json!({ "id_token": token(key, &own, nonce, misbehaviour) });
    match path {
        "/.well-known/openid-configuration" => json(200, configuration(&own)),
        "/keys" => json(200, keys(key)),
        "/auth" => {
            let query = pairs(query);
            let code = format!("code-{}", logins.lock().unwrap().len());
            let begun = (query["nonce"].clone(), query["code_challenge"].clone());
            logins.lock().unwrap().insert(code.clone(), begun);
            let way =
                if misbehaviour.denies { "error=access_denied".to_owned() } else { format!("code={code}") };
            let to = format!("{}?{way}&state={}", query["redirect_uri"], query["state"]);
            connection.answer(302, &[("location", &to)], b"");
        }
        "/device" => json(
            200,
            json!({
                "device_code": "d", "user_code": "ABCD-EFGH", "verification_uri": format!("{own}/type"),
                "expires_in": 60, "interval": 1,
            }),
        ),
        "/token" if form.contains_key("device_code") => {
            let mut polls = polls.lock().unwrap();
            *polls += 1;
            match (misbehaviour.denies, *polls) {
                (true, _) => json(400, json!({ "error": "access_denied" })),
                (false, 1) => json(400, json!({ "error": "authorization_pending" })),
                _ => json(200, id_token("")),
            }
        }
        "/token" => {
            let begun = logins.lock().unwrap().remove(&form["code"]);
            let proof = digest::digest(&digest::SHA256, form["code_verifier"].as_bytes());
            match begun {
                Some((nonce, challenge)) if challenge == URL_SAFE_NO_PAD.encode(proof) => {
                    json(200, id_token(if misbehaviour.wrong_nonce { "another" } else { &nonce }));
                }
                _ => json(400, json!({ "error": "invalid_grant" })),
            }
        }
        "/github" if request.header("authorization") == Some(&format!("Bearer {REQUEST_TOKEN}")) => {
            json(200, json!({ "value": token(key, &own, "", misbehaviour) }));
        }
        _ => json(404, json!({ "error": "not_found" })),
    }
}

fn configuration(own: &str) -> Value {
    json!({
        "issuer": own, "authorization_endpoint": format!("{own}/auth"), "token_endpoint": format!("{own}/token"),
        "device_authorization_endpoint": format!("{own}/device"), "jwks_uri": format!("{own}/keys"),
        "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    })
}

fn keys(key: &EcdsaKeyPair) -> Value {
    let (x, y) = key.public_key().as_ref()[1..].split_at(32);
    let [x, y] = [x, y].map(|part| URL_SAFE_NO_PAD.encode(part));
    json!({ "keys": [{ "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "k", "x": x, "y": y }] })
}

#[expect(clippy::disallowed_methods, reason = "whoever reads the token reads the clock, too")]
fn token(key: &EcdsaKeyPair, issuer: &str, nonce: &str, misbehaviour: Misbehaviour) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let end = if misbehaviour.expired { now - 10 } else { now + 600 };
    let mut claims = json!({
        "iss": issuer, "sub": "4711", "aud": "sigstore", "iat": now - 20, "exp": end, "email": EMAIL,
        "email_verified": true,
    });
    if !nonce.is_empty() {
        claims["nonce"] = nonce.into();
    }
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(json!({ "alg": "ES256", "kid": "k", "typ": "JWT" })), part(claims));
    let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The values of a form or a query.
fn pairs(text: &str) -> HashMap<String, String> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), decoded(value))).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let hex: String = rest.by_ref().take(2).map(char::from).collect();
                u8::from_str_radix(&hex, 16).unwrap()
            }
            b'+' => b' ',
            byte => byte,
        });
    }
    String::from_utf8(bytes).unwrap()
}
