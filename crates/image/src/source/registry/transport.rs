//! HTTP as registries need it: redirects followed by hand, so that a login never leaves its host; nothing decoded;
//! bodies read under a limit and a deadline; failures sorted into those worth another try and the others.

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, HeaderValue, LOCATION, RANGE, WWW_AUTHENTICATE,
};
use reqwest::{Client, NoProxy, Proxy, Request, Response, StatusCode, Url};
use serde::Deserialize;
use tokio::time::Instant;

use super::challenge::{Challenge, challenges};
use super::config::{Limits, RegistrySettings, SettingsOfRegistry, Timeouts};
use super::endpoint::{self, host};
use super::error::{Login, RedirectProblem, RegistryError, chain, clipped};
use super::retry::{Failure, Retry, retry_after};
use super::tls;

/// How many redirects are followed.
const MOST_REDIRECTS: usize = 10;
/// How long the words beside an error status may take; the status alone tells enough.
const PATIENCE_FOR_WORDS: Duration = Duration::from_secs(5);
const USER_AGENT: &str = concat!("plimsoll/", env!("CARGO_PKG_VERSION"));

/// What to get.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) url: Url,
    /// In words, for errors: `manifest latest of localhost:5000/x`.
    pub(super) what: String,
    pub(super) accept: Option<&'static str>,
    /// The first byte wanted, if not the very first.
    pub(super) from: u64,
}

/// An answer that is no redirect.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) response: Response,
    /// Who gave it, perhaps after redirects.
    pub(super) host: String,
    /// Whether redirects led to another host than the one asked.
    foreign: bool,
    what: String,
}

/// The connections to all registries; those with settings of their own share none.
pub(super) struct Transport {
    settings: RegistrySettings,
    own: HashMap<String, SettingsOfRegistry>,
    pub(super) limits: Limits,
    pub(super) timeouts: Timeouts,
    clients: Mutex<HashMap<Option<String>, Client>>,
}

impl Transport {
    pub(super) fn new(
        settings: RegistrySettings,
        limits: Limits,
        timeouts: Timeouts,
    ) -> Result<Self, RegistryError> {
        let own = settings
            .registry
            .iter()
            .map(|(registry, own)| Ok((host(&endpoint::root(registry, &settings)?), own.clone())))
            .collect::<Result<_, RegistryError>>()?;
        Ok(Self { settings, own, limits, timeouts, clients: Mutex::default() })
    }

    /// What the configuration says about registries.
    pub(super) const fn settings(&self) -> &RegistrySettings {
        &self.settings
    }

    /// Tells whether the configuration allows `url` to be spoken to without TLS.
    pub(super) fn may_be_plain(&self, url: &Url) -> bool {
        self.own.get(&host(url)).is_some_and(|own| own.plain_http)
    }

    /// Gets what `ask` says, through redirects; `authorization` goes to the first host only.
    pub(super) async fn get(
        &self,
        ask: &Ask,
        authorization: Option<&HeaderValue>,
    ) -> Result<Answer, Failure> {
        let mut url = ask.url.clone();
        let mut authorization = authorization;
        let mut foreign = false;
        let mut visited = BTreeSet::from([url.to_string()]);
        for _ in 0..=MOST_REDIRECTS {
            let response = self.execute(ask.request(&url, authorization), &ask.what).await?;
            if !is_redirect(response.status()) {
                return Ok(Answer { response, host: host(&url), foreign, what: ask.what.clone() });
            }
            let refused =
                |problem| RegistryError::Redirect { host: host(&url), what: ask.what.clone(), problem };
            let target = target(&url, &response).ok_or_else(|| refused(RedirectProblem::Target))?;
            if url.scheme() == "https" && target.scheme() != "https" {
                return Err(refused(RedirectProblem::Downgrade).into());
            }
            if !visited.insert(target.to_string()) {
                return Err(refused(RedirectProblem::Circle).into());
            }
            if target.origin() != ask.url.origin() {
                // For good: a way back to the first host is not trusted with the login either.
                foreign = true;
                authorization = None;
            }
            url = target;
        }
        let host = host(&url);
        Err(RegistryError::Redirect { host, what: ask.what.clone(), problem: RedirectProblem::TooMany }
            .into())
    }

    /// Posts a form; redirects are refused, since the form holds a secret.
    pub(super) async fn post(&self, url: &Url, what: &str, form: &[(&str, &str)]) -> Result<Answer, Failure> {
        let client = self.client(url)?;
        let request = client.post(url.clone()).form(form).build().map_err(|error| sorted(url, error))?;
        let response = self.execute(request, what).await?;
        if is_redirect(response.status()) {
            let (host, problem) = (host(url), RedirectProblem::Post);
            return Err(RegistryError::Redirect { host, what: what.to_owned(), problem }.into());
        }
        Ok(Answer { response, host: host(url), foreign: false, what: what.to_owned() })
    }

    async fn execute(&self, request: Request, what: &str) -> Result<Response, Failure> {
        let url = request.url().clone();
        let sent = self.client(&url)?.execute(request);
        match tokio::time::timeout(self.timeouts.answer, sent).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.is_timeout() => {
                Err(timed_out(&url, "connecting".to_owned(), self.timeouts.connect))
            }
            Ok(Err(error)) => Err(sorted(&url, error)),
            Err(_) => Err(timed_out(&url, format!("asked for {what}"), self.timeouts.answer)),
        }
    }

    /// The client for `url`'s host, made when first needed: the system's authorities take a while to load.
    fn client(&self, url: &Url) -> Result<Client, RegistryError> {
        let host = host(url);
        let own = self.own.get(&host);
        let key = own.map(|_| host);
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&key) {
            return Ok(client.clone());
        }
        let client = self.build(own.unwrap_or(&SettingsOfRegistry::default()))?;
        clients.insert(key, client.clone());
        Ok(client)
    }

    fn build(&self, own: &SettingsOfRegistry) -> Result<Client, RegistryError> {
        let mut builder = Client::builder()
            .user_agent(USER_AGENT)
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(self.timeouts.connect)
            // Also forgets the proxies of the environment, which only cli may read.
            .no_proxy();
        for (what, proxy, make) in [
            ("proxy.http", &self.settings.proxy.http, (|to| Proxy::http(to)) as fn(&str) -> _),
            ("proxy.https", &self.settings.proxy.https, |to| Proxy::https(to)),
        ] {
            let Some(proxy) = proxy.as_ref().filter(|proxy| !proxy.is_empty()) else { continue };
            let proxy = make(proxy.reveal())
                .map_err(|_| unusable(what, "expected an address, as http://HOST:PORT"))?;
            let except = self.settings.proxy.no_proxy.as_deref().and_then(NoProxy::from_string);
            builder = builder.proxy(proxy.no_proxy(except));
        }
        builder = if own.plain_http {
            // Needs no authorities, and must work where there are none.
            builder.tls_certs_only([])
        } else {
            let files = self.settings.ca_files.iter().chain(&own.ca_files);
            let certificates = files.map(|path| tls::authorities(path)).collect::<Result<Vec<_>, _>>()?;
            builder.tls_certs_merge(certificates.into_iter().flatten())
        };
        builder = builder.tls_danger_accept_invalid_certs(own.skip_verification);
        tls::with_identity(builder, own)?.build().map_err(|error| unusable("TLS", &chain(&error)))
    }
}

impl Ask {
    fn request(&self, url: &Url, authorization: Option<&HeaderValue>) -> Request {
        let mut request = Request::new(reqwest::Method::GET, url.clone());
        let headers = request.headers_mut();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(accept) = self.accept {
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
        }
        if self.from > 0
            && let Ok(range) = HeaderValue::try_from(format!("bytes={}-", self.from))
        {
            headers.insert(RANGE, range);
        }
        if let Some(authorization) = authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        request
    }
}

impl Answer {
    pub(super) fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The header `name`, if it is there and readable.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::trim)
    }

    /// The length that the head announces.
    pub(super) fn announced(&self) -> Option<u64> {
        self.header("content-length").and_then(|length| length.parse().ok())
    }

    /// How the registry itself wants us to log in, if it does; a host that it led us to has no say.
    pub(super) fn wants_login(&self) -> Option<Vec<Challenge>> {
        (self.status() == StatusCode::UNAUTHORIZED && !self.foreign).then(|| {
            let headers = self.response.headers().get_all(WWW_AUTHENTICATE);
            challenges(headers.iter().filter_map(|value| value.to_str().ok()))
        })
    }

    /// The answer itself if its status is one of success, else what that status means.
    pub(super) async fn accepted(self, transport: &Transport, login: Login) -> Result<Self, Failure> {
        let status = self.status();
        if status.is_success() {
            return Ok(self);
        }
        let wait = retry_after(self.response.headers());
        let retry = wait.map_or(Retry::Soon, Retry::After);
        let (host, what, foreign) = (self.host.clone(), self.what.clone(), self.foreign);
        let message = self.words(transport).await;
        Err(match status {
            StatusCode::NOT_FOUND => RegistryError::NotFound { host, what }.into(),
            // Another host, to which we were led, refuses the registry's signature and not our login.
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if !foreign => {
                RegistryError::AuthRefused { host, what, login, note: message }.into()
            }
            StatusCode::TOO_MANY_REQUESTS => Failure::new(RegistryError::RateLimited { host, wait }, retry),
            _ => {
                let retry = if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
                    retry
                } else {
                    Retry::Never
                };
                Failure::new(RegistryError::Status { host, what, status: status.as_u16(), message }, retry)
            }
        })
    }

    /// What the body of an error says, in the specification's form or, if short, as it is.
    async fn words(self, transport: &Transport) -> Option<String> {
        let limit = transport.limits.error;
        let is_text = self.header("content-type").is_none_or(|kind| kind.starts_with("text/plain"));
        let body = self.body(limit, transport.timeouts.document.min(PATIENCE_FOR_WORDS)).await.ok()?;
        let words = match serde_json::from_slice::<ErrorBody>(&body) {
            Ok(body) => body.words(),
            Err(_) if is_text => String::from_utf8_lossy(&body).into_owned(),
            Err(_) => String::new(),
        };
        Some(clipped(&words)).filter(|words| !words.is_empty())
    }

    /// Reads the whole body, of at most `limit` bytes.
    pub(super) async fn body(mut self, limit: u64, deadline: Duration) -> Result<Vec<u8>, Failure> {
        let url = self.response.url().clone();
        let doing = format!("sending {}", self.what);
        within(deadline, &url, doing, async {
            let too_large = || RegistryError::TooLarge { what: self.what.clone(), limit };
            if self.announced().is_some_and(|length| length > limit) {
                return Err(too_large().into());
            }
            let mut body = Vec::new();
            while let Some(piece) = self.response.chunk().await.map_err(|error| sorted(&url, error))? {
                if (body.len() + piece.len()) as u64 > limit {
                    return Err(too_large().into());
                }
                body.extend_from_slice(&piece);
            }
            Ok(body)
        })
        .await
    }

    /// The next piece of the body, as it arrives.
    pub(super) async fn piece(
        &mut self,
        until: Instant,
        stall: Duration,
    ) -> Result<Option<impl AsRef<[u8]> + use<>>, Failure> {
        let url = self.response.url().clone();
        match tokio::time::timeout_at(until, self.response.chunk()).await {
            Ok(Ok(piece)) => Ok(piece),
            Ok(Err(error)) => Err(sorted(&url, error)),
            Err(_) => Err(timed_out(&url, format!("sending {}", self.what), stall)),
        }
    }
}

/// The body of an error, by the specification's section "Error Codes".
#[derive(Deserialize)]
struct ErrorBody {
    #[serde(default)]
    errors: Vec<ErrorEntry>,
    /// What token services say.
    #[serde(default)]
    details: String,
}

#[derive(Deserialize)]
struct ErrorEntry {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

impl ErrorBody {
    fn words(self) -> String {
        self.errors
            .into_iter()
            .next()
            .map_or(self.details, |entry| if entry.message.is_empty() { entry.code } else { entry.message })
    }
}

async fn within<T>(
    limit: Duration,
    url: &Url,
    doing: String,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(timed_out(url, doing, limit)))
}

fn timed_out(url: &Url, doing: String, after: Duration) -> Failure {
    Failure::new(RegistryError::TimedOut { host: host(url), doing, after }, Retry::Soon)
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn target(from: &Url, response: &Response) -> Option<Url> {
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    let mut target = from.join(location).ok()?;
    target.set_fragment(None);
    (matches!(target.scheme(), "http" | "https") && target.host_str().is_some()).then_some(target)
}

/// What an error of the HTTP layer means. Its address is dropped: that of a storage host holds a signature.
fn sorted(url: &Url, error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let host = host(url);
    match tls::problem(&error) {
        Some(problem) => RegistryError::Tls { host, problem }.into(),
        None => Failure::new(RegistryError::Unreachable { host, source: Box::new(error) }, Retry::Soon),
    }
}

pub(super) fn unusable(what: &str, why: &str) -> RegistryError {
    RegistryError::Settings { what: what.to_owned(), why: why.to_owned() }
}
