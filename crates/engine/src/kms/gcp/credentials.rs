//! Who we are to Google Cloud (<https://cloud.google.com/docs/authentication/application-default-credentials>): a token in the
//! environment, a file of credentials, or the account of this machine.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use plimsoll_formats::bounded;
use plimsoll_http::Secret;
use plimsoll_trust::signing::Signer as _;
use plimsoll_trust::signing::key_file;
use reqwest::Url;
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::super::wire::{self, Request, Wire};
use super::super::{KmsError, Surroundings};

const SCOPE: &str = "https://www.googleapis.com/auth/cloudkms";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const TOKEN_ADDRESS: &str = "https://oauth2.googleapis.com/token";
const WHAT: &str = "who we are to Google Cloud";
const HOW: &str = "set GOOGLE_APPLICATION_CREDENTIALS or CLOUDSDK_AUTH_ACCESS_TOKEN, or log in with `gcloud auth application-default login`";
const FILE_LIMIT: u64 = 1 << 16;
/// How many seconds a claim is good for.
const GOOD_FOR: i64 = 600;

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum File {
    ServiceAccount {
        client_email: String,
        private_key: Secret,
        private_key_id: Option<String>,
        token_uri: Option<String>,
    },
    AuthorizedUser {
        client_id: String,
        client_secret: Secret,
        refresh_token: Secret,
    },
}

#[derive(Deserialize)]
struct Answer {
    access_token: Secret,
}

pub(super) fn token(surroundings: &Surroundings, wire: &Wire) -> Result<Secret, KmsError> {
    if let Some(token) = surroundings.text(&["CLOUDSDK_AUTH_ACCESS_TOKEN", "GOOGLE_OAUTH_ACCESS_TOKEN"]) {
        return Ok(Secret::new(token));
    }
    let named = surroundings.text(&["GOOGLE_APPLICATION_CREDENTIALS"]).map(PathBuf::from);
    let usual = || surroundings.at_home(".config/gcloud/application_default_credentials.json");
    let request = match named.or_else(|| usual().filter(|path| path.is_file())) {
        Some(path) => of_file(&path, surroundings.now.as_second())?,
        None => {
            let host = surroundings.text(&["GCE_METADATA_HOST"]);
            let host = host.as_deref().unwrap_or("metadata.google.internal");
            let text = format!("http://{host}/computeMetadata/v1/instance/service-accounts/default/token");
            let url = Url::parse(&text).map_err(|_| KmsError::Address(text))?;
            let request = Request::get(url).with("metadata-flavor", "Google");
            let answer = wire.json::<Answer>(request).map_err(|error| error.of_machine(WHAT, HOW))?;
            return Ok(answer.access_token);
        }
    };
    wire.json::<Answer>(request).map(|answer| answer.access_token)
}

fn of_file(path: &Path, now: i64) -> Result<Request, KmsError> {
    let wrong = |why: &str| KmsError::File { path: path.display().to_string(), why: why.to_owned() };
    let bytes = bounded::read_file(path, FILE_LIMIT).map_err(|error| wrong(&error.to_string()))?;
    let bytes = Zeroizing::new(bytes);
    let file = serde_json::from_slice(&bytes)
        .map_err(|_| wrong("it has no credentials of a service account or a user"))?;
    match file {
        File::AuthorizedUser { client_id, client_secret, refresh_token } => {
            let fields = [
                ("grant_type", "refresh_token"),
                ("client_id", &client_id),
                ("client_secret", client_secret.reveal()),
                ("refresh_token", refresh_token.reveal()),
            ];
            Ok(Request::form(wire::address(TOKEN_ADDRESS)?, &fields))
        }
        File::ServiceAccount { client_email, private_key, private_key_id, token_uri } => {
            let address = token_uri.as_deref().unwrap_or(TOKEN_ADDRESS);
            let key =
                key_file::read(private_key.reveal(), None).map_err(|error| wrong(&error.to_string()))?;
            let head = json!({ "alg": "RS256", "typ": "JWT", "kid": private_key_id });
            let claims = json!({
                "iss": client_email, "scope": SCOPE, "aud": address, "iat": now, "exp": now.saturating_add(GOOD_FOR),
            });
            let [head, claims] = [head, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
            let text = format!("{head}.{claims}");
            let signature = key.sign(text.as_bytes()).map_err(|error| wrong(&error.to_string()))?;
            let assertion = Zeroizing::new(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)));
            let fields = [("grant_type", GRANT), ("assertion", assertion.as_str())];
            Ok(Request::form(wire::address(address)?, &fields))
        }
    }
}
