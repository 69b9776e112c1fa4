//! A body as it arrives, written to disk under limits of size and time.

use std::fs::File;
use std::io::Write;
use std::sync::atomic::Ordering;

use plimsoll_http::{Retry, problem};
use reqwest::Response;
use reqwest::header::CONTENT_LENGTH;
use tokio::time::Instant;

use super::error::FetchError;
use super::{Session, Stage};

/// How many bytes within the stall time are progress; a server that sends one each does not hold us for ever.
const PROGRESS: u64 = 4 << 10;

/// A failed try: the error, and whether another try makes sense.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: FetchError,
    pub(super) retry: Retry,
}

impl Failure {
    pub(super) const fn soon(error: FetchError) -> Self {
        Self { error, retry: Retry::Soon }
    }

    pub(super) const fn final_(error: FetchError) -> Self {
        Self { error, retry: Retry::Never }
    }

    /// What an error of the HTTP layer means. Its address is dropped: it may hold a token.
    pub(super) fn of(host: &str, error: reqwest::Error) -> Self {
        let (error, host) = (error.without_url(), host.to_owned());
        match problem(&error) {
            Some(problem) => Self::final_(FetchError::Tls { host, problem }),
            None => Self::soon(FetchError::Unreachable { host, source: Box::new(error) }),
        }
    }
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        Self::final_(error)
    }
}

/// Where a body goes.
pub(super) struct Place {
    pub(super) file: File,
    /// How much is there already.
    pub(super) from: u64,
    /// How much there is in all, if that was told.
    pub(super) size: Option<u64>,
}

/// The length that the head announces.
pub(super) fn announced(response: &Response) -> Option<u64> {
    response.headers().get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

/// Writes the body behind what is there, to its end.
pub(super) async fn receive(
    session: &Session,
    feed: &str,
    mut response: Response,
    place: Place,
) -> Result<File, Failure> {
    let Place { mut file, from, size } = place;
    let host = plimsoll_http::host(response.url());
    let (limits, stall) = (session.options.limits, session.options.timeouts.stall);
    if size.is_some_and(|size| size > limits.feed) {
        return Err(FetchError::TooLarge { limit: limits.feed }.into());
    }
    let (mut received, mut progress) = (from, 0_u64);
    let mut deadline = Instant::now() + stall;
    loop {
        let piece = match tokio::time::timeout_at(deadline, response.chunk()).await {
            Ok(piece) => piece.map_err(|error| Failure::of(&host, error))?,
            Err(_) => return Err(Failure::soon(FetchError::TimedOut { host, after: stall })),
        };
        let Some(piece) = piece else { break };
        let more = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        received = received.saturating_add(more);
        if received > limits.feed {
            return Err(FetchError::TooLarge { limit: limits.feed }.into());
        }
        if session.taken.fetch_add(more, Ordering::Relaxed).saturating_add(more) > limits.total {
            return Err(FetchError::TotalTooLarge { limit: limits.total }.into());
        }
        file.write_all(&piece)
            .map_err(|source| FetchError::File { doing: format!("writing {feed}"), source })?;
        session.tell(feed, Stage::Received(more));
        progress = progress.saturating_add(more);
        if progress >= PROGRESS {
            progress = 0;
            deadline = Instant::now() + stall;
        }
    }
    if size.is_some_and(|size| size != received) {
        let why = format!("it ends after {received} bytes");
        return Err(Failure::soon(FetchError::Content { host, why }));
    }
    Ok(file)
}
