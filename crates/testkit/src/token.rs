//! A token service that a real registry trusts
//! (<https://distribution.github.io/distribution/spec/auth/jwt/>): it signs with a certificate of its own.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::http::{Connection, HttpServer, Request};
use crate::registry::TokenAuth;
use crate::tls::pem;

const ISSUER: &str = "plimsoll-test";
const SERVICE: &str = "test registry";

/// Who gets what from a token service.
#[derive(Clone, Copy, Debug)]
pub struct TokenRules {
    /// The user, who may push and pull.
    pub user: &'static str,
    /// The user's password.
    pub password: &'static str,
    /// A refresh token that stands for the user.
    pub refresh_token: &'static str,
    /// The prefix of repositories that anyone may pull.
    pub public: &'static str,
}

/// A running token service.
#[derive(Debug)]
pub struct TokenServer {
    server: HttpServer,
    certificate_pem: String,
}

struct Signer {
    key: EcdsaKeyPair,
    certificate: String,
    rules: TokenRules,
}

impl TokenServer {
    /// Starts the service.
    #[must_use]
    pub fn start(rules: TokenRules) -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate =
            rcgen::CertificateParams::new(vec!["token".to_owned()]).unwrap().self_signed(&key).unwrap();
        let signer = Signer {
            key: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.serialized_der()).unwrap(),
            certificate: STANDARD.encode(certificate.der()),
            rules,
        };
        let server = HttpServer::start(move |request, connection| signer.answer(request, connection));
        Self { server, certificate_pem: pem("CERTIFICATE", certificate.der()) }
    }

    /// What a registry needs to trust this service.
    #[must_use]
    pub fn auth(&self) -> TokenAuth {
        TokenAuth {
            realm: format!("{}/token", self.server.url()),
            service: SERVICE.to_owned(),
            issuer: ISSUER.to_owned(),
            certificate_pem: self.certificate_pem.clone(),
        }
    }

    /// All requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }
}

impl Signer {
    fn answer(&self, request: &Request, connection: &mut Connection<'_>) {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let is_post = request.method == "POST";
        let text = if is_post {
            body.as_str()
        } else {
            request.target.split_once('?').map_or("", |(_, query)| query)
        };
        let fields = fields(text);
        let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let login = STANDARD.encode(format!("{}:{}", self.rules.user, self.rules.password));
        let is_user = if is_post {
            field("refresh_token") == Some(self.rules.refresh_token)
        } else {
            request.header("authorization") == Some(format!("Basic {login}").as_str())
        };
        let claims_user = is_post || request.header("authorization").is_some();
        if field("service") != Some(SERVICE) || (claims_user && !is_user) {
            connection.answer(401, &[("Content-Type", "application/json")], br#"{"details":"wrong login"}"#);
            return;
        }
        let scopes = fields.iter().filter(|(key, _)| key == "scope").flat_map(|(_, value)| value.split(' '));
        let access: Vec<Value> = scopes.filter_map(|scope| self.access(scope, is_user)).collect();
        let token = self.token(&access);
        let name = if is_post { "access_token" } else { "token" };
        connection.answer(
            200,
            &[("Content-Type", "application/json")],
            json!({ name: token }).to_string().as_bytes(),
        );
    }

    /// What of `repository:NAME:ACTIONS` is granted.
    fn access(&self, scope: &str, is_user: bool) -> Option<Value> {
        let mut parts = scope.split(':');
        let (kind, name, actions) = (parts.next()?, parts.next()?, parts.next()?);
        let may = |action: &&str| is_user || (*action == "pull" && name.starts_with(self.rules.public));
        let actions: Vec<&str> = actions.split(',').filter(may).collect();
        Some(json!({ "type": kind, "name": name, "actions": actions }))
    }

    #[expect(clippy::disallowed_methods, reason = "the registry compares with the clock")]
    fn token(&self, access: &[Value]) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let head = json!({ "typ": "JWT", "alg": "ES256", "x5c": [self.certificate] });
        let claims = json!({
            "iss": ISSUER, "sub": "", "aud": SERVICE, "exp": now + 300, "nbf": now - 10, "iat": now,
            "jti": "1", "access": access,
        });
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(head), part(claims));
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// Reads a form or a query.
fn fields(text: &str) -> Vec<(String, String)> {
    text.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (decoded(k), decoded(v))).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                let digits = String::from_utf8_lossy(&digits).into_owned();
                bytes.extend(u8::from_str_radix(&digits, 16));
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
