//! What can be set about registries: values only, handed in. Nothing here reads a file, the environment or a
//! clock; [`RegistrySettings`] is the part that a person writes in a configuration file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use plimsoll_http::{HostSettings, ProxySettings, RetryPolicy};
use serde::Deserialize;

use super::blob::Observer;
use super::credentials::CredentialSources;

/// Everything that a client is made from.
#[derive(Clone, Default)]
pub struct RegistryOptions {
    /// What the configuration says.
    pub settings: RegistrySettings,
    /// Where logins come from.
    pub credentials: CredentialSources,
    /// How large answers may be.
    pub limits: Limits,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// How often and after which wait a request is repeated.
    pub retry: RetryPolicy,
    /// Who is told how blobs arrive.
    pub observer: Option<Observer>,
}

/// The registries' part of the configuration file.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RegistrySettings {
    /// PEM files with authorities to trust beside the system's, for every registry.
    pub ca_files: Vec<PathBuf>,
    /// The proxies to go through.
    pub proxy: ProxySettings,
    /// What differs for one registry, by `HOST` or `HOST:PORT`; Docker Hub is `docker.io`.
    pub registry: BTreeMap<String, SettingsOfRegistry>,
}

/// What differs for one registry.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SettingsOfRegistry {
    /// Registries to ask first, in this order: `HOST[:PORT][/PREFIX]`, with `http://` before it for a plain one.
    pub mirrors: Vec<String>,
    /// Speak http, not https.
    pub plain_http: bool,
    /// Take any certificate.
    pub skip_verification: bool,
    /// PEM files with authorities to trust beside the system's.
    pub ca_files: Vec<PathBuf>,
    /// A PEM file with the certificate to show.
    pub client_certificate: Option<PathBuf>,
    /// A PEM file with that certificate's private key; without it the key is in the certificate's file.
    pub client_key: Option<PathBuf>,
}

impl SettingsOfRegistry {
    /// What it means for connections.
    #[must_use]
    pub fn of_host(&self) -> HostSettings {
        HostSettings {
            is_plain: self.plain_http,
            skip_verification: self.skip_verification,
            ca_files: self.ca_files.clone(),
            client_certificate: self.client_certificate.clone(),
            client_key: self.client_key.clone(),
        }
    }
}

/// How large answers may be, in bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// For a manifest or an index; the specification asks registries for this much.
    pub manifest: u64,
    /// For an image's configuration.
    pub config: u64,
    /// For the answer of a token service.
    pub token: u64,
    /// For the words beside an error status.
    pub error: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { manifest: 4 << 20, config: 4 << 20, token: 1 << 20, error: 16 << 10 }
    }
}

/// How long things may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Timeouts {
    /// Until a connection stands, TLS included.
    pub connect: Duration,
    /// From the request to the head of its answer; a pull-through cache fetches in this time.
    pub answer: Duration,
    /// Without noteworthy progress inside a blob.
    pub stall: Duration,
    /// For the whole body of a manifest, a configuration or a token.
    pub document: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(30),
            stall: Duration::from_secs(30),
            document: Duration::from_secs(60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_form_is_kebab_case_and_strict() {
        let text = r#"{"ca-files": ["a.pem"], "proxy": {"https": "http://u:p@proxy:3128", "no-proxy": "localhost"},
            "registry": {"docker.io": {"mirrors": ["mirror.example/hub"]}, "r:5000": {"plain-http": true}}}"#;
        let settings: RegistrySettings = serde_json::from_str(text).unwrap();
        assert_eq!(settings.registry["docker.io"].mirrors, ["mirror.example/hub"]);
        assert!(settings.registry["r:5000"].plain_http);
        assert!(!format!("{settings:?}").contains("u:p"));
        assert!(
            serde_json::from_str::<RegistrySettings>(r#"{"registry": {"x": {"insecure": true}}}"#).is_err()
        );
    }
}
