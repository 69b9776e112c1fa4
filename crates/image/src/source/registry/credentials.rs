//! Where logins come from: docker's `config.json`, podman's `auth.json`
//! (<https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md>) and credential helpers.
//!
//! A file that cannot be read is no error in itself, since most images need no login; the trouble is kept and told
//! when a registry refuses us.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use plimsoll_model::reference::DOCKER_HUB;
use serde::Deserialize;

use super::helper;
use plimsoll_http::Secret;

/// The most bytes of a credentials file.
const LARGEST_FILE: u64 = 4 << 20;
/// The name under which docker keeps the login at Docker Hub.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";
/// Docker pads what it writes, other tools do not always.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A login.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Credential {
    /// A name and a password.
    Password {
        /// The name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// A token that the token service exchanges (`identitytoken`, an OAuth 2 refresh token).
    IdentityToken(Secret),
}

/// Where logins come from.
#[derive(Clone)]
pub struct CredentialSources {
    /// Logins given by the user, by registry; they decide.
    pub given: BTreeMap<String, Credential>,
    /// Files in the form of docker's `config.json` or podman's `auth.json`; the first with an answer decides.
    pub files: Vec<PathBuf>,
    /// The environment of credential helpers; they are looked up in its `PATH`.
    pub helper_environment: BTreeMap<OsString, OsString>,
    /// How long a helper may take.
    pub helper_timeout: Duration,
}

impl Default for CredentialSources {
    fn default() -> Self {
        Self {
            given: BTreeMap::new(),
            files: Vec::new(),
            helper_environment: BTreeMap::new(),
            helper_timeout: Duration::from_secs(30),
        }
    }
}

impl fmt::Debug for CredentialSources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The environment is full of secrets.
        f.debug_struct("CredentialSources").field("given", &self.given).field("files", &self.files).finish()
    }
}

/// What was found for one repository, and what went wrong on the way.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Found {
    pub(super) credential: Option<Credential>,
    pub(super) trouble: Vec<String>,
}

impl CredentialSources {
    /// The files that podman and docker would look into under this environment, in podman's order:
    /// `$REGISTRY_AUTH_FILE`, `$XDG_RUNTIME_DIR/containers/auth.json`, `~/.config/containers/auth.json`,
    /// `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`.
    #[must_use]
    pub fn of_environment(environment: BTreeMap<OsString, OsString>) -> Self {
        let variable = |name: &str| {
            environment.get(OsStr::new(name)).filter(|value| !value.is_empty()).map(PathBuf::from)
        };
        let home = variable("HOME");
        let below_home = |folder: &str| home.as_ref().map(|home| home.join(folder));
        let files = [
            variable("REGISTRY_AUTH_FILE"),
            variable("XDG_RUNTIME_DIR").map(|folder| folder.join("containers/auth.json")),
            variable("XDG_CONFIG_HOME")
                .or_else(|| below_home(".config"))
                .map(|folder| folder.join("containers/auth.json")),
            variable("DOCKER_CONFIG")
                .or_else(|| below_home(".docker"))
                .map(|folder| folder.join("config.json")),
        ];
        Self {
            files: files.into_iter().flatten().collect(),
            helper_environment: environment,
            ..Self::default()
        }
    }

    /// Looks for the login at `repository` of `registry`; reads files and may run a helper, so it blocks.
    pub(super) fn find(&self, registry: &str, repository: &str) -> Found {
        let mut found = Found { credential: self.given.get(registry).cloned(), trouble: Vec::new() };
        for path in &self.files {
            if found.credential.is_some() {
                break;
            }
            match AuthFile::read(path) {
                Ok(Some(file)) => {
                    found.credential = self.find_in(&file, registry, repository, &mut found.trouble)
                }
                Ok(None) => {}
                Err(error) => found.trouble.push(format!("{}: {error}", path.display())),
            }
        }
        found
    }

    fn find_in(
        &self,
        file: &AuthFile,
        registry: &str,
        repository: &str,
        trouble: &mut Vec<String>,
    ) -> Option<Credential> {
        let default_server = if registry == DOCKER_HUB { DOCKER_HUB_KEY } else { registry };
        let helper = best(file.cred_helpers.as_ref(), registry, repository)
            .map(|(key, name)| (name.as_str(), if registry == DOCKER_HUB { DOCKER_HUB_KEY } else { key }))
            .or_else(|| file.creds_store.as_deref().map(|name| (name, default_server)))
            .filter(|(name, _)| !name.is_empty());
        if let Some((name, server)) = helper {
            match helper::ask(name, server, &self.helper_environment, self.helper_timeout) {
                Ok(Some(credential)) => return Some(credential),
                Ok(None) => {}
                Err(error) => trouble.push(error),
            }
        }
        best(file.auths.as_ref(), registry, repository).and_then(|(key, entry)| {
            entry.credential().unwrap_or_else(|why| {
                trouble.push(format!("the entry {key:?} of a credentials file {why}"));
                None
            })
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct AuthFile {
    /// Docker writes `null` for an empty one.
    auths: Option<BTreeMap<String, AuthEntry>>,
    cred_helpers: Option<BTreeMap<String, String>>,
    creds_store: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AuthEntry {
    auth: Option<Secret>,
    username: Option<String>,
    password: Option<Secret>,
    identitytoken: Option<Secret>,
}

impl AuthFile {
    fn read(path: &Path) -> Result<Option<Self>, String> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(error.to_string()),
        };
        let mut bytes = Vec::new();
        io::copy(&mut file.take(LARGEST_FILE + 1), &mut bytes).map_err(|error| error.to_string())?;
        if bytes.len() as u64 > LARGEST_FILE {
            return Err(format!("larger than {LARGEST_FILE} bytes"));
        }
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        // The parser's own words could quote a secret; its place cannot.
        serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            format!("no credentials file: malformed at line {}, column {}", error.line(), error.column())
        })
    }
}

impl AuthEntry {
    fn credential(&self) -> Result<Option<Credential>, &'static str> {
        let present = |secret: &&Secret| !secret.is_empty();
        if let Some(token) = self.identitytoken.as_ref().filter(present) {
            return Ok(Some(Credential::IdentityToken(token.clone())));
        }
        if let Some(auth) = self.auth.as_ref().filter(present) {
            let bytes = BASE64.decode(auth.reveal().trim()).map_err(|_| "is not base64")?;
            let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8")?;
            let (username, password) = text.split_once(':').ok_or("lacks the colon after the name")?;
            let password = Secret::new(password.trim_matches('\0'));
            let credential = Credential::Password { username: username.to_owned(), password };
            return Ok(Some(credential).filter(|_| !username.is_empty()));
        }
        Ok(match (&self.username, &self.password) {
            (Some(username), Some(password)) if !username.is_empty() => {
                Some(Credential::Password { username: username.clone(), password: password.clone() })
            }
            _ => None,
        })
    }
}

/// The entry whose key names `repository` of `registry`, or most of it.
fn best<'a, T>(
    entries: Option<&'a BTreeMap<String, T>>,
    registry: &str,
    repository: &str,
) -> Option<(&'a str, &'a T)> {
    entries?
        .iter()
        .filter_map(|(key, entry)| {
            let scope = scope(key);
            let below = scope.strip_prefix(registry)?;
            let applies = below.is_empty()
                || below
                    .strip_prefix('/')
                    .and_then(|prefix| repository.strip_prefix(prefix))
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            applies.then_some((scope.len(), key.as_str(), entry))
        })
        .max_by_key(|(length, ..)| *length)
        .map(|(_, key, entry)| (key, entry))
}

/// What a key stands for: `HOST` or `HOST/REPOSITORY`. Docker writes addresses (`https://HOST/v1/`), of which only
/// the host counts; podman's keys without a scheme may name a repository or its beginning.
fn scope(key: &str) -> String {
    let (address, is_address) = match key.split_once("://") {
        Some(("https" | "http", address)) => (address, true),
        _ => (key, false),
    };
    let (host, path) = address.split_once('/').unwrap_or((address, ""));
    let path = path.trim_end_matches('/');
    let host = match host {
        "index.docker.io" | "registry-1.docker.io" => DOCKER_HUB,
        host => host,
    };
    if is_address || matches!(path, "" | "v1" | "v2") { host.to_owned() } else { format!("{host}/{path}") }
}

#[cfg(test)]
#[path = "credentials_tests.rs"]
mod tests;
