//! One feed from the first of its addresses that gives it.

use std::fs::File;
use std::io;

use plimsoll_http::{Backoff, Retry, Trail, content_range, host, is_redirect, retry_after};
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE,
};
use reqwest::{Response, StatusCode};

use super::address::Address;
use super::body::{self, Failure};
use super::error::FetchError;
use super::store::{self, Copy, Meta, Part, Slot, Version};
use super::{Session, Source, Stage, plausible};

/// How many bytes between two failures make the first one forgotten.
const RECOVERED: u64 = 256 << 10;

/// Brings the copy of `source` up to date.
pub(super) async fn refresh(
    session: &Session,
    source: &Source,
    slot: &Slot,
    copy: Option<&Copy>,
) -> Result<Copy, FetchError> {
    let part = slot.part()?;
    let policy = &session.options.retry;
    let mut last = FetchError::NoAddress;
    for (index, address) in source.addresses.iter().enumerate() {
        let is_last = index.saturating_add(1) == source.addresses.len();
        let attempts = if is_last { policy.attempts } else { policy.attempts_at_mirror };
        let mut backoff = Backoff::new(policy, attempts);
        let download = Download { session, source, address, slot, part: &part, copy };
        loop {
            let before = part.state().map_or(0, |(size, _)| size);
            let failure = match download.once().await {
                Ok(copy) => return Ok(copy),
                Err(failure) => failure,
            };
            let now = part.state().map_or(0, |(size, _)| size);
            if now.saturating_sub(before) >= RECOVERED {
                backoff.progressed();
            }
            last = failure.error;
            let Some(wait) = backoff.wait_after(failure.retry) else { break };
            session.tell(&source.name, Stage::Waiting(wait));
            tokio::time::sleep(wait).await;
        }
    }
    Err(last)
}

/// What the download of one feed from one address needs.
#[derive(Clone, Copy)]
struct Download<'a> {
    session: &'a Session,
    source: &'a Source,
    address: &'a Address,
    slot: &'a Slot,
    part: &'a Part,
    copy: Option<&'a Copy>,
}

/// What is asked.
enum Ask {
    /// All of it.
    Whole,
    /// All of it, if it is not this copy.
    IfNot(Copy),
    /// What follows on the first bytes, if they are still of this version; else all of it.
    Rest(u64, Version),
}

impl Download<'_> {
    async fn once(self) -> Result<Copy, Failure> {
        let ask = self.ask();
        let (response, host) = self.send(&ask).await?;
        let content = |why: &str| FetchError::Content { host: host.clone(), why: why.to_owned() };
        let unusable = |why: &str| {
            self.part.discard();
            Failure::soon(content(why))
        };
        let version = self.version(response.headers());
        let (file, from, size) = match (response.status().as_u16(), ask) {
            (304, Ask::IfNot(copy)) => return Ok(self.slot.confirm(copy, self.session.options.now)?),
            (200, _) => {
                let file = self.part.begin(&version).map_err(|error| self.failed(error))?;
                (file, 0, body::announced(&response))
            }
            (206, Ask::Rest(from, wanted)) => {
                let range = header(response.headers(), CONTENT_RANGE);
                let Some((start, size)) = range.as_deref().and_then(content_range) else {
                    return Err(unusable("its range is malformed"));
                };
                if start != from || (version.etag.is_some() && version.etag != wanted.etag) {
                    return Err(unusable("it is not the part asked for"));
                }
                (self.part.go_on().map_err(|error| self.failed(error))?, from, size)
            }
            (416, Ask::Rest(..)) => return Err(unusable("the part asked for is not there")),
            (status, _) => return Err(refused(host, status, response.headers())),
        };
        self.session.tell(&self.source.name, Stage::Begun { from, size });
        let file = body::receive(self.session, &self.source.name, response, body::Place { file, from, size });
        self.finish(file.await.inspect_err(|failure| self.forget_if_too_large(failure))?, &host)
    }

    /// Too much is not worth keeping.
    fn forget_if_too_large(self, failure: &Failure) {
        if matches!(failure.error, FetchError::TooLarge { .. } | FetchError::TotalTooLarge { .. }) {
            self.part.discard();
        }
    }

    fn ask(self) -> Ask {
        let ours = Some(self.address.digest());
        if let Some((size, version)) = self.part.state()
            && version.address_digest == ours
            && validator(&version).is_some()
        {
            return Ask::Rest(size, version);
        }
        let known = |copy: &&Copy| {
            Some(copy.meta.address_digest) == ours
                && (copy.meta.etag.is_some() || copy.meta.last_modified.is_some())
        };
        self.copy.filter(known).map_or(Ask::Whole, |copy| Ask::IfNot(copy.clone()))
    }

    /// Sends the request, through redirects; tells who answered.
    async fn send(self, ask: &Ask) -> Result<(Response, String), Failure> {
        let mut trail = Trail::new(self.address.url().clone());
        let headers = headers(ask);
        let wait = self.session.options.timeouts.answer;
        loop {
            let host = host(trail.at());
            let client = self.session.clients.of(trail.at()).map_err(FetchError::from)?;
            let sent = client.get(trail.at().clone()).headers(headers.clone()).send();
            let response = match tokio::time::timeout(wait, sent).await {
                Ok(sent) => sent.map_err(|error| Failure::of(&host, error))?,
                Err(_) => return Err(Failure::soon(FetchError::TimedOut { host, after: wait })),
            };
            if !is_redirect(response.status()) {
                return Ok((response, host));
            }
            trail.follow(response.headers()).map_err(|problem| FetchError::Redirect { host, problem })?;
        }
    }

    fn version(self, headers: &HeaderMap) -> Version {
        Version {
            address_digest: Some(self.address.digest()),
            etag: header(headers, ETAG),
            last_modified: header(headers, LAST_MODIFIED),
        }
    }

    /// Looks at the whole file once more and makes it the copy.
    fn finish(self, mut file: File, host: &str) -> Result<Copy, Failure> {
        tokio::task::block_in_place(|| {
            let complaint = plausible::complaint(&mut file, self.source.file.as_str());
            if let Some(why) = complaint.map_err(|error| self.failed(error))? {
                self.part.discard();
                return Err(Failure::final_(FetchError::Content { host: host.to_owned(), why }));
            }
            let (sha256, size) = store::digest_of(&mut file).map_err(|error| self.failed(error))?;
            file.sync_all().map_err(|error| self.failed(error))?;
            let (_, version) = self.part.state().unwrap_or_default();
            let now = self.session.options.now;
            let meta = Meta {
                address: self.address.to_string(),
                address_digest: self.address.digest(),
                etag: version.etag,
                last_modified: version.last_modified,
                fetched: now,
                checked: now,
                size,
                sha256,
            };
            Ok(self.slot.publish(self.part, meta)?)
        })
    }

    fn failed(self, source: io::Error) -> FetchError {
        FetchError::File { doing: format!("writing {}", self.part.body().display()), source }
    }
}

fn refused(host: String, status: u16, headers: &HeaderMap) -> Failure {
    let wait = retry_after(headers);
    let is_passing = matches!(status, 408 | 429)
        || StatusCode::from_u16(status).is_ok_and(|status| status.is_server_error());
    let retry = if is_passing { wait.map_or(Retry::Soon, Retry::After) } else { Retry::Never };
    let wait = if is_passing { wait } else { None };
    Failure { error: FetchError::Status { host, status, wait }, retry }
}

fn headers(ask: &Ask) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let mut insert = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    };
    match ask {
        Ask::Whole => {}
        Ask::IfNot(Copy { meta, .. }) => {
            for (name, value) in [(IF_NONE_MATCH, &meta.etag), (IF_MODIFIED_SINCE, &meta.last_modified)] {
                if let Some(value) = value {
                    insert(name, value);
                }
            }
        }
        Ask::Rest(from, version) => {
            insert(RANGE, &format!("bytes={from}-"));
            if let Some(validator) = validator(version) {
                insert(IF_RANGE, validator);
            }
        }
    }
    headers
}

/// What tells a server of which version our part is (RFC 9110, section 13.1.5: no weak `ETag`).
fn validator(version: &Version) -> Option<&str> {
    let strong = version.etag.as_deref().filter(|etag| !etag.starts_with("W/"));
    match (strong, &version.etag) {
        (Some(etag), _) => Some(etag),
        (None, Some(_)) => None,
        (None, None) => version.last_modified.as_deref(),
    }
}

fn header(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    (!text.is_empty() && text.len() <= 1_000).then(|| text.to_owned())
}
