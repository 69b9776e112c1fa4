//! One request to a service and its answer: over TLS or on this machine, bounded in time and size, without redirects.

use std::collections::HashMap;
use std::time::Duration;

use plimsoll_http::{Clients, HostSettings, ProxySettings, Secret, chain, clipped, host};
use reqwest::{Method, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use zeroize::Zeroizing;

use super::{KmsError, Surroundings};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(30);
/// A longer answer is refused.
const BODY: usize = 256 << 10;
/// Where machines are told of themselves; a proxy would have another machine told.
const LINK_LOCAL: &str = "169.254.0.0/16,metadata.google.internal";

/// The connections to a service.
pub(crate) struct Wire {
    runtime: Runtime,
    clients: Clients,
}

/// What is sent.
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: Vec<(&'static str, Secret)>,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

impl Request {
    /// A question without a body.
    pub(crate) fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: Vec::new(), body: Zeroizing::default() }
    }

    /// Sends JSON.
    pub(crate) fn json(url: Url, body: &Value) -> Self {
        let body = Zeroizing::new(body.to_string().into_bytes());
        let headers = vec![("content-type", Secret::new("application/json"))];
        Self { method: Method::POST, url, headers, body }
    }

    /// Sends a form.
    pub(crate) fn form(url: Url, fields: &[(&str, &str)]) -> Self {
        let mut form = url.clone();
        form.set_query(None);
        form.query_pairs_mut().extend_pairs(fields);
        let body = Zeroizing::new(form.query().unwrap_or_default().as_bytes().to_vec());
        let headers = vec![("content-type", Secret::new("application/x-www-form-urlencoded"))];
        Self { method: Method::POST, url, headers, body }
    }

    /// With a header, whose value is shown nowhere.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, Secret::new(value)));
        self
    }
}

impl Wire {
    pub(crate) fn new(surroundings: &Surroundings) -> Result<Self, KmsError> {
        Self::trusting(&[], surroundings)
    }

    /// Trusts the authorities of the file, too, that the first of these variables names.
    pub(crate) fn trusting(variables: &[&str], surroundings: &Surroundings) -> Result<Self, KmsError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| KmsError::Unreachable {
            host: "the network".to_owned(),
            why: error.to_string(),
        })?;
        let except = surroundings.proxy.no_proxy.clone().unwrap_or_default();
        let proxy =
            ProxySettings { no_proxy: Some(format!("{LINK_LOCAL},{except}")), ..surroundings.proxy.clone() };
        let mut ca_files = surroundings.ca_files.clone();
        ca_files.extend(surroundings.text(variables).map(Into::into));
        let hosts: HashMap<String, HostSettings> = HashMap::new();
        Ok(Self { runtime, clients: Clients::new(proxy, ca_files, hosts, CONNECT) })
    }

    /// The body of an answer that says yes.
    pub(crate) fn bytes(&self, request: Request) -> Result<Zeroizing<Vec<u8>>, KmsError> {
        let host = host(&request.url);
        let unreachable = |why: String| KmsError::Unreachable { host: host.clone(), why };
        let client = self.clients.of(&request.url).map_err(|error| unreachable(error.to_string()))?;
        let mut sent = client.request(request.method, request.url).body(request.body.to_vec());
        for (name, value) in &request.headers {
            sent = sent.header(*name, value.reveal());
        }
        let read = async {
            let mut response = sent.send().await?;
            let status = response.status().as_u16();
            let mut body = Zeroizing::new(Vec::new());
            while let Some(chunk) = response.chunk().await? {
                body.extend_from_slice(&chunk);
                if body.len() > BODY {
                    break;
                }
            }
            Ok::<_, reqwest::Error>((status, body))
        };
        let answered = self.runtime.block_on(async { tokio::time::timeout(ANSWER, read).await });
        match answered {
            Err(_) => Err(unreachable(format!("no answer within {} s", ANSWER.as_secs()))),
            Ok(Err(error)) => Err(unreachable(chain(&error.without_url()))),
            Ok(Ok((_, body))) if body.len() > BODY => {
                Err(KmsError::Malformed { host, what: "it is too long" })
            }
            Ok(Ok((200..=299, body))) => Ok(body),
            Ok(Ok((status, body))) => {
                let words = clipped(&String::from_utf8_lossy(&body));
                Err(KmsError::Refused { host, status, words })
            }
        }
    }

    /// The same, as JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self, request: Request) -> Result<T, KmsError> {
        let host = host(&request.url);
        let bytes = self.bytes(request)?;
        // The parser's own error could quote a secret.
        serde_json::from_slice(&bytes).map_err(|_| KmsError::Malformed { host, what: "it is no such JSON" })
    }
}

/// An address that secrets may go to.
pub(super) fn address(text: &str) -> Result<Url, KmsError> {
    let refused = || KmsError::Address(clipped(text));
    let url = Url::parse(text).map_err(|_| refused())?;
    let name = url.host_str().unwrap_or_default();
    let is_here = name == "localhost"
        || name.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let is_plain = url.scheme() == "http" && is_here;
    if !(url.scheme() == "https" || is_plain) || !url.username().is_empty() || url.password().is_some() {
        return Err(refused());
    }
    Ok(url)
}

/// `base` with these segments behind its path; none of them can lead elsewhere.
pub(super) fn below(base: &Url, segments: &[&str]) -> Result<Url, KmsError> {
    let refused = || KmsError::Address(clipped(base.as_str()));
    if segments.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
        return Err(refused());
    }
    let mut url = base.clone();
    url.path_segments_mut().map_err(|()| refused())?.pop_if_empty().extend(segments);
    Ok(url)
}
