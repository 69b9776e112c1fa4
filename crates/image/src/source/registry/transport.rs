//! HTTP as registries need it: redirects followed by hand, so that a login never leaves its host; nothing decoded;
//! bodies read under a limit and a deadline; failures sorted into those worth another try and the others.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_http::{Clients, RedirectProblem, Retry, Trail, clipped, host, is_redirect, retry_after};
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_RANGE, CONTENT_TYPE, HeaderValue, IF_MATCH,
    IF_NONE_MATCH, RANGE, WWW_AUTHENTICATE,
};
use reqwest::{Request, Response, StatusCode, Url};
use serde::Deserialize;
use tokio::time::Instant;

use super::challenge::{Challenge, challenges};
use super::config::{Limits, RegistrySettings, Timeouts};
use super::endpoint;
use super::error::{Login, RegistryError};
use super::push::Version;

/// How long the words beside an error status may take; the status alone tells enough.
const PATIENCE_FOR_WORDS: Duration = Duration::from_secs(5);

/// A failed try: the error, and whether another try makes sense.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: RegistryError,
    pub(super) retry: Retry,
}

impl Failure {
    pub(super) const fn new(error: RegistryError, retry: Retry) -> Self {
        Self { error, retry }
    }
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        Self::new(error, Retry::Never)
    }
}

/// What to get.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) url: Url,
    /// In words, for errors: `manifest latest of localhost:5000/x`.
    pub(super) what: String,
    pub(super) accept: Option<&'static str>,
    /// The first byte wanted, if not the very first.
    pub(super) from: u64,
    /// What to send, if it is a request that changes something.
    pub(super) upload: Option<Upload>,
}

/// What to send.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    pub(super) method: reqwest::Method,
    pub(super) content_type: &'static str,
    pub(super) bytes: Arc<Vec<u8>>,
    /// Where these bytes begin in what is uploaded piece by piece.
    pub(super) at: Option<u64>,
    /// What they are to take the place of.
    pub(super) replaces: Version,
}

/// An upload may take longer than any other request, by its length at this many bytes a second.
const SLOWEST_UPLOAD: u64 = 32 << 10;

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
    pub(super) limits: Limits,
    pub(super) timeouts: Timeouts,
    clients: Clients,
}

impl Transport {
    pub(super) fn new(
        settings: RegistrySettings,
        limits: Limits,
        timeouts: Timeouts,
    ) -> Result<Self, RegistryError> {
        let hosts = settings
            .registry
            .iter()
            .map(|(registry, own)| Ok((host(&endpoint::root(registry, &settings)?), own.of_host())))
            .collect::<Result<_, RegistryError>>()?;
        let clients =
            Clients::new(settings.proxy.clone(), settings.ca_files.clone(), hosts, timeouts.connect);
        Ok(Self { settings, limits, timeouts, clients })
    }

    /// What the configuration says about registries.
    pub(super) const fn settings(&self) -> &RegistrySettings {
        &self.settings
    }

    /// Tells whether the configuration allows `url` to be spoken to without TLS.
    pub(super) fn may_be_plain(&self, url: &Url) -> bool {
        self.clients.settings(url).is_some_and(|own| own.is_plain)
    }

    /// Gets what `ask` says, through redirects; `authorization` goes to the first host only.
    pub(super) async fn get(
        &self,
        ask: &Ask,
        authorization: Option<&HeaderValue>,
    ) -> Result<Answer, Failure> {
        let mut trail = Trail::new(ask.url.clone());
        loop {
            let authorization = authorization.filter(|_| !trail.is_foreign());
            let response = self.execute(ask.request(trail.at(), authorization), &ask.what).await?;
            let (host, foreign, what) = (host(trail.at()), trail.is_foreign(), ask.what.clone());
            if !is_redirect(response.status()) {
                return Ok(Answer { response, host, foreign, what });
            }
            if ask.upload.is_some() {
                return Err(RegistryError::Redirect { host, what, problem: RedirectProblem::Upload }.into());
            }
            let followed = trail.follow(response.headers());
            followed.map_err(|problem| RegistryError::Redirect { host, what, problem })?;
        }
    }

    /// Posts a form; redirects are refused, since the form holds a secret.
    pub(super) async fn post(&self, url: &Url, what: &str, form: &[(&str, &str)]) -> Result<Answer, Failure> {
        let client = self.clients.of(url).map_err(RegistryError::from)?;
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
        let length = request.body().and_then(|body| body.as_bytes()).map_or(0, <[u8]>::len);
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        let patience = self.timeouts.answer.saturating_add(Duration::from_secs(length / SLOWEST_UPLOAD));
        let sent = self.clients.of(&url).map_err(RegistryError::from)?.execute(request);
        match tokio::time::timeout(patience, sent).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.is_timeout() => {
                Err(timed_out(&url, "connecting".to_owned(), self.timeouts.connect))
            }
            Ok(Err(error)) => Err(sorted(&url, error)),
            Err(_) => Err(timed_out(&url, format!("asked for {what}"), patience)),
        }
    }
}

/// As the distribution specification has it: without a unit, both ends included.
fn range(at: u64, length: usize) -> Option<HeaderValue> {
    let last = at.checked_add(u64::try_from(length).ok()?)?.checked_sub(1)?;
    HeaderValue::try_from(format!("{at}-{last}")).ok()
}

impl Ask {
    fn request(&self, url: &Url, authorization: Option<&HeaderValue>) -> Request {
        let method = self.upload.as_ref().map_or(reqwest::Method::GET, |upload| upload.method.clone());
        let mut request = Request::new(method, url.clone());
        if let Some(upload) = &self.upload {
            *request.body_mut() = Some(upload.bytes.as_ref().clone().into());
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(upload.content_type));
            if let Some(range) = upload.at.and_then(|at| range(at, upload.bytes.len())) {
                request.headers_mut().insert(CONTENT_RANGE, range);
            }
            let condition = match &upload.replaces {
                Version::Any => None,
                Version::None => Some((IF_NONE_MATCH, HeaderValue::from_static("*"))),
                Version::Tag(tag) => HeaderValue::try_from(tag).ok().map(|tag| (IF_MATCH, tag)),
            };
            request.headers_mut().extend(condition);
        }
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

    /// Where a list goes on: the address of `Link: <ADDRESS>; rel="next"` (RFC 8288).
    pub(super) fn next_page(&self) -> Option<Url> {
        let (address, rest) = self.header("link")?.strip_prefix('<')?.split_once('>')?;
        let is_next = rest.split(';').any(|part| matches!(part.trim(), "rel=\"next\"" | "rel=next"));
        is_next.then(|| self.response.url().join(address).ok()).flatten()
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

/// What an error of the HTTP layer means. Its address is dropped: that of a storage host holds a signature.
fn sorted(url: &Url, error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let host = host(url);
    match plimsoll_http::problem(&error) {
        Some(problem) => RegistryError::Tls { host, problem }.into(),
        None => Failure::new(RegistryError::Unreachable { host, source: Box::new(error) }, Retry::Soon),
    }
}
