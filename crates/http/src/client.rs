//! Connections: made when first needed, shared by all hosts without settings of their own.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Client, NoProxy, Proxy, Url};
use serde::Deserialize;

use super::redirect::host;
use super::secret::Secret;
use super::tls;
use super::words::chain;

const USER_AGENT: &str = concat!("plimsoll/", env!("CARGO_PKG_VERSION"));

/// The proxies to go through, as `http_proxy`, `https_proxy` and `no_proxy` name them.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProxySettings {
    /// For http; secret, since it may hold a password.
    pub http: Option<Secret>,
    /// For https.
    pub https: Option<Secret>,
    /// Hosts, domains and networks to reach directly, separated by commas.
    pub no_proxy: Option<String>,
}

/// What differs for one host.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct HostSettings {
    /// It may be spoken to without TLS.
    pub is_plain: bool,
    /// Take any certificate.
    pub skip_verification: bool,
    /// PEM files with authorities to trust beside the system's.
    pub ca_files: Vec<PathBuf>,
    /// A PEM file with the certificate to show.
    pub client_certificate: Option<PathBuf>,
    /// A PEM file with that certificate's private key; without it the key is in the certificate's file.
    pub client_key: Option<PathBuf>,
}

/// A setting, or a file that it names, cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("setting {what} cannot be used: {why}")]
pub struct Unusable {
    /// The setting.
    pub what: String,
    /// What is wrong with it.
    pub why: String,
}

impl Unusable {
    pub(super) fn new(what: &str, why: &str) -> Self {
        Self { what: what.to_owned(), why: why.to_owned() }
    }
}

/// Whether TLS is spoken.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Speech {
    Plain,
    Tls,
}

/// The connections to all hosts; those with settings of their own share none.
#[derive(Debug)]
pub struct Clients {
    proxy: ProxySettings,
    ca_files: Vec<PathBuf>,
    hosts: HashMap<String, HostSettings>,
    connect: Duration,
    /// By host, where it has settings of its own, and by whether TLS is spoken.
    made: Mutex<HashMap<(Option<String>, Speech), Client>>,
}

impl Clients {
    /// Makes no connection and reads no file yet. `hosts` are named as [`host`] names them; `connect` is how long it
    /// may take until a connection stands, TLS included.
    #[must_use]
    pub fn new(
        proxy: ProxySettings,
        ca_files: Vec<PathBuf>,
        hosts: HashMap<String, HostSettings>,
        connect: Duration,
    ) -> Self {
        Self { proxy, ca_files, hosts, connect, made: Mutex::default() }
    }

    /// What differs for `url`'s host, if anything.
    #[must_use]
    pub fn settings(&self, url: &Url) -> Option<&HostSettings> {
        self.hosts.get(&host(url))
    }

    /// The client for `url`'s host, made when first needed: the system's authorities take a while to load. It follows
    /// no redirects, repeats nothing and decodes nothing.
    ///
    /// # Errors
    /// If a setting cannot be used.
    pub fn of(&self, url: &Url) -> Result<Client, Unusable> {
        let own = self.settings(url);
        let speech = if url.scheme() == "http" { Speech::Plain } else { Speech::Tls };
        let key = (own.map(|_| host(url)), speech);
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = made.get(&key) {
            return Ok(client.clone());
        }
        let client = self.build(own.unwrap_or(&HostSettings::default()), speech)?;
        made.insert(key, client.clone());
        Ok(client)
    }

    fn build(&self, own: &HostSettings, speech: Speech) -> Result<Client, Unusable> {
        let mut builder = Client::builder()
            .user_agent(USER_AGENT)
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(self.connect)
            // Also forgets the proxies of the environment, which only cli may read.
            .no_proxy();
        for (what, proxy, make) in [
            ("proxy.http", &self.proxy.http, (|to| Proxy::http(to)) as fn(&str) -> _),
            ("proxy.https", &self.proxy.https, |to| Proxy::https(to)),
        ] {
            let Some(proxy) = proxy.as_ref().filter(|proxy| !proxy.is_empty()) else { continue };
            let proxy = make(proxy.reveal())
                .map_err(|_| Unusable::new(what, "expected an address, as http://HOST:PORT"))?;
            let except = self.proxy.no_proxy.as_deref().and_then(NoProxy::from_string);
            builder = builder.proxy(proxy.no_proxy(except));
        }
        builder = if speech == Speech::Plain {
            // Needs no authorities, and must work where there are none.
            builder.tls_certs_only([])
        } else {
            let files = self.ca_files.iter().chain(&own.ca_files);
            let certificates = files.map(|path| tls::authorities(path)).collect::<Result<Vec<_>, _>>()?;
            builder.tls_certs_merge(certificates.into_iter().flatten())
        };
        builder = builder.tls_danger_accept_invalid_certs(own.skip_verification);
        tls::with_identity(builder, own)?.build().map_err(|error| Unusable::new("TLS", &chain(&error)))
    }
}
