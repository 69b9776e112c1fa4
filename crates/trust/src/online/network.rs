//! Requests to services: bounded, in time, repeated where that makes sense, and never led elsewhere with a token.

use std::collections::HashMap;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_http::{
    Backoff, Clients, HostSettings, ProxySettings, Retry, RetryPolicy, Secret, Trail, chain, clipped,
    is_redirect, retry_after,
};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use reqwest::{Client, Method, RequestBuilder, Response, Url};
use tokio::runtime::{Builder, Runtime};

use super::error::{Problem, Service, ServiceError};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(15);
/// How long an answer may take; logs answer when the entry is in the tree.
const ANSWER: Duration = Duration::from_secs(60);
/// No answer of a service that signs is larger.
pub(crate) const ANSWER_LIMIT: u64 = 4 << 20;

/// The way to services.
#[derive(Debug)]
pub struct Network {
    runtime: Runtime,
    wire: Arc<Wire>,
}

/// The part of it that can be shared with what is asynchronous.
#[derive(Debug)]
pub(crate) struct Wire {
    clients: Clients,
    retry: RetryPolicy,
}

/// A request.
pub(crate) struct Ask<'a> {
    pub(crate) service: Service,
    pub(crate) method: Method,
    pub(crate) url: &'a str,
    pub(crate) accept: &'static str,
    pub(crate) body: Option<Body<'a>>,
    /// Who asks. A request with it is led nowhere else, nor is one with a body.
    pub(crate) bearer: Option<&'a Secret>,
    /// A header of the service's own.
    pub(crate) header: Option<(&'static str, &'static str)>,
    pub(crate) attempts: Attempts,
    pub(crate) limit: u64,
}

/// What is sent.
pub(crate) enum Body<'a> {
    Bytes(&'static str, Vec<u8>),
    Form(Vec<(&'a str, &'a str)>),
}

/// Whether a request may be repeated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Attempts {
    /// It does no harm.
    Several,
    /// What it carries counts once.
    One,
}

/// An answer of any status that was not repeated.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Network {
    /// Makes no connection yet.
    ///
    /// # Errors
    /// If no runtime can be started, as where no thread can.
    pub fn new(
        proxy: ProxySettings,
        ca_files: Vec<PathBuf>,
        hosts: HashMap<String, HostSettings>,
    ) -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let clients = Clients::new(proxy, ca_files, hosts, CONNECT);
        Ok(Self { runtime, wire: Arc::new(Wire { clients, retry: RetryPolicy::default() }) })
    }

    pub(crate) fn send(&self, ask: &Ask<'_>) -> Result<Answer, ServiceError> {
        self.runtime.block_on(self.wire.send(ask))
    }

    /// The body of an answer that must be one of success.
    pub(crate) fn fetch(&self, ask: &Ask<'_>) -> Result<Vec<u8>, ServiceError> {
        self.send(ask).and_then(|answer| answer.success(ask))
    }

    pub(crate) fn wait(&self, time: Duration) {
        // Made inside of the runtime, whose clock it needs.
        self.runtime.block_on(async { tokio::time::sleep(time).await });
    }

    pub(crate) fn wire(&self) -> Arc<Wire> {
        Arc::clone(&self.wire)
    }

    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }
}

impl Wire {
    /// Asks, and again where that makes sense.
    pub(crate) async fn send(&self, ask: &Ask<'_>) -> Result<Answer, ServiceError> {
        let failed = |problem| ask.failed(problem);
        let url = Url::parse(ask.url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let url = url.ok_or_else(|| failed(Problem::Address))?;
        if (ask.bearer.is_some() || ask.body.is_some()) && !self.may_be_plain(&url) {
            let why = "what is sent would be in the clear: ask it by https, or set plain-http for it in the configuration";
            return Err(failed(Problem::Setting(why.to_owned())));
        }
        let attempts = if ask.attempts == Attempts::One { 1 } else { self.retry.attempts };
        let mut backoff = Backoff::new(&self.retry, attempts);
        loop {
            let result = match tokio::time::timeout(ANSWER, self.once(ask, &url)).await {
                Err(_) => Err(Problem::Slow(ANSWER.as_secs())),
                Ok(result) => result,
            };
            let retry = match &result {
                Ok(answer) if matches!(answer.status, 429 | 500 | 502..=504) => {
                    retry_after(&answer.headers).map_or(Retry::Soon, Retry::After)
                }
                Ok(_) => Retry::Never,
                Err(Problem::Unreachable(_) | Problem::Slow(_)) => Retry::Soon,
                Err(_) => Retry::Never,
            };
            let is_again = !matches!(retry, Retry::Never);
            match backoff.wait_after(retry).filter(|_| is_again) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return result.map_err(failed),
            }
        }
    }

    /// Whether what is secret may go there: over TLS, to this very machine, or where the configuration says so.
    fn may_be_plain(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let is_loopback = host == "localhost"
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        url.scheme() == "https"
            || is_loopback
            || self.clients.settings(url).is_some_and(|settings| settings.is_plain)
    }

    async fn once(&self, ask: &Ask<'_>, url: &Url) -> Result<Answer, Problem> {
        let mut trail = Trail::new(url.clone());
        loop {
            let client = self.clients.of(trail.at()).map_err(|error| Problem::Setting(error.to_string()))?;
            let request = ask.request(&client, trail.at().clone());
            let broken = |error: reqwest::Error| Problem::Unreachable(chain(&error.without_url()));
            let response = request.send().await.map_err(broken)?;
            let may_follow = ask.method == Method::GET && ask.bearer.is_none() && ask.header.is_none();
            if is_redirect(response.status()) && may_follow {
                let headers = response.headers().clone();
                let told = |problem| Problem::Answer(format!("it leads elsewhere {problem}"));
                trail.follow(&headers).map_err(told)?;
                continue;
            }
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let body = body(response, ask.limit).await?;
            return Ok(Answer { status, headers, body });
        }
    }
}

async fn body(mut response: Response, limit: u64) -> Result<Vec<u8>, Problem> {
    let mut body = Vec::new();
    let broken = |error: reqwest::Error| Problem::Unreachable(chain(&error.without_url()));
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        body.extend_from_slice(&chunk);
        if body.len() as u64 > limit {
            return Err(Problem::TooLarge(limit));
        }
    }
    Ok(body)
}

impl<'a> Ask<'a> {
    /// A question that changes nothing.
    pub(crate) const fn get(service: Service, url: &'a str) -> Self {
        Self {
            service,
            method: Method::GET,
            url,
            accept: "application/json",
            body: None,
            bearer: None,
            header: None,
            attempts: Attempts::Several,
            limit: ANSWER_LIMIT,
        }
    }

    /// One that carries a body.
    pub(crate) fn post(service: Service, url: &'a str, body: Body<'a>) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::get(service, url) }
    }

    fn request(&self, client: &Client, url: Url) -> RequestBuilder {
        let mut request = client.request(self.method.clone(), url).header(ACCEPT, self.accept);
        if let Some(bearer) = self.bearer {
            request = request.header(AUTHORIZATION, format!("Bearer {}", bearer.reveal()));
        }
        if let Some((name, value)) = self.header {
            request = request.header(name, value);
        }
        match &self.body {
            None => request,
            Some(Body::Bytes(kind, bytes)) => request.header(CONTENT_TYPE, *kind).body(bytes.clone()),
            Some(Body::Form(pairs)) => request.form(pairs),
        }
    }

    pub(crate) fn failed(&self, problem: Problem) -> ServiceError {
        ServiceError { service: self.service, url: shown(self.url), problem }
    }

    /// The answer is not what it must be.
    pub(crate) fn unusable(&self, why: impl ToString) -> ServiceError {
        self.failed(Problem::Answer(clipped(&why.to_string())))
    }
}

impl Answer {
    /// The body, if the status is one of success.
    pub(crate) fn success(self, ask: &Ask<'_>) -> Result<Vec<u8>, ServiceError> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        Err(ask.failed(Problem::Status(self.status, words(&self.body))))
    }
}

/// What an answer of no success says: the message of its JSON, else its text.
pub(crate) fn words(body: &[u8]) -> String {
    let document: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let told = document.as_ref().and_then(|document| {
        ["error_description", "message", "error"]
            .into_iter()
            .find_map(|name| document.get(name).and_then(serde_json::Value::as_str))
    });
    clipped(told.map_or_else(|| String::from_utf8_lossy(body), Into::into).as_ref())
}

/// An address as it may be shown: a login in it, a query and a fragment are left out.
fn shown(url: &str) -> String {
    let Ok(mut url) = Url::parse(url) else { return clipped(url) };
    url.set_query(None);
    url.set_fragment(None);
    if url.set_username("").is_err() || url.set_password(None).is_err() {
        return format!("{}:…", url.scheme());
    }
    clipped(url.as_str().trim_end_matches('/'))
}
