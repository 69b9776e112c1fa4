//! Sends documents to a collector of OpenTelemetry (<https://opentelemetry.io/docs/specs/otlp/#otlphttp>): over HTTP, again where the
//! specification says so, without following redirects, since headers may hold a secret.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use plimsoll_http::{
    Backoff, Clients, ProxySettings, Retry, RetryPolicy, Secret, chain, clipped, retry_after,
};
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Response, Url};
use tokio::runtime::{Builder, Runtime};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(30);
/// The most bytes of an answer that are looked at.
const BODY: usize = 64 << 10;
/// Where logs go, below the collector's address.
const LOGS: &str = "v1/logs";

/// A collector.
pub struct Collector {
    runtime: Runtime,
    clients: Clients,
    url: Url,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collector").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

/// Why a collector has not taken something.
#[derive(Debug, thiserror::Error)]
pub enum CollectorError {
    /// Its address is none.
    #[error("{0:?} is no http or https address of a collector")]
    Address(String),
    /// A header is malformed.
    #[error("the header {0:?} is malformed: NAME=VALUE is expected")]
    Header(String),
    /// The client could not be made.
    #[error(transparent)]
    Client(#[from] io::Error),
    /// No answer.
    #[error("the collector does not answer: {0}")]
    Unreachable(String),
    /// An answer that is no success.
    #[error("the collector answers with status {status}: {words}")]
    Status {
        /// Which.
        status: u16,
        /// What else it says.
        words: String,
    },
}

impl Collector {
    /// The collector at an address: that of OTLP over HTTP, below which logs have their path, or that of the logs itself.
    ///
    /// # Errors
    /// See [`CollectorError`].
    pub fn new(
        address: &str,
        headers: &[(String, Secret)],
        proxy: ProxySettings,
    ) -> Result<Self, CollectorError> {
        let wrong = || CollectorError::Address(clipped(address));
        let mut url: Url = address.parse().map_err(|_| wrong())?;
        let has_secret = !url.username().is_empty() || url.password().is_some();
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() || has_secret {
            return Err(wrong());
        }
        if !url.path().ends_with(LOGS) {
            let path = format!("{}/{LOGS}", url.path().trim_end_matches('/'));
            url.set_path(&path);
        }
        let header = |(name, value): &(String, Secret)| {
            let malformed = || CollectorError::Header(clipped(name));
            let mut value = HeaderValue::try_from(value.reveal()).map_err(|_| malformed())?;
            value.set_sensitive(true);
            Ok((HeaderName::try_from(name.as_str()).map_err(|_| malformed())?, value))
        };
        Ok(Self {
            runtime: Builder::new_current_thread().enable_all().build()?,
            clients: Clients::new(proxy, Vec::new(), HashMap::new(), CONNECT),
            headers: headers.iter().map(header).collect::<Result<_, CollectorError>>()?,
            url,
        })
    }

    /// Sends a document of JSON, and gives the answer.
    ///
    /// # Errors
    /// See [`CollectorError`].
    pub fn send(&self, document: &[u8]) -> Result<Vec<u8>, CollectorError> {
        let client =
            self.clients.of(&self.url).map_err(|error| CollectorError::Unreachable(error.to_string()))?;
        let policy = RetryPolicy::default();
        let mut backoff = Backoff::new(&policy, policy.attempts);
        self.runtime.block_on(async {
            loop {
                let mut request = client.post(self.url.clone()).body(document.to_vec());
                request = request.header(CONTENT_TYPE, "application/json");
                for (name, value) in &self.headers {
                    request = request.header(name.clone(), value.clone());
                }
                let (error, retry) = match tokio::time::timeout(ANSWER, answer(request)).await {
                    Ok(Ok(answer)) => return Ok(answer),
                    Ok(Err(failure)) => failure,
                    Err(_) => {
                        let told = format!("nothing came within {} s", ANSWER.as_secs());
                        (CollectorError::Unreachable(told), Retry::Soon)
                    }
                };
                match backoff.wait_after(retry) {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => return Err(error),
                }
            }
        })
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Result<Vec<u8>, (CollectorError, Retry)> {
    let unreachable =
        |error: reqwest::Error| (CollectorError::Unreachable(chain(&error.without_url())), Retry::Soon);
    let response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    // Which failures are worth another try is the specification's choice.
    let retry = match status.as_u16() {
        429 | 502 | 503 | 504 => retry_after(response.headers()).map_or(Retry::Soon, Retry::After),
        _ => Retry::Never,
    };
    let body = body(response).await.map_err(unreachable)?;
    if status.is_success() {
        return Ok(body);
    }
    let words = clipped(&String::from_utf8_lossy(&body));
    Err((CollectorError::Status { status: status.as_u16(), words }, retry))
}

async fn body(mut response: Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await? {
        body.extend_from_slice(&piece);
        if body.len() > BODY {
            body.truncate(BODY);
            break;
        }
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_get_the_path_of_logs_and_odd_ones_are_refused() {
        let at = |address: &str| {
            Collector::new(address, &[], ProxySettings::default()).map(|collector| collector.url.to_string())
        };
        assert_eq!(at("http://127.0.0.1:4318").unwrap(), "http://127.0.0.1:4318/v1/logs");
        assert_eq!(at("https://otel.example/team/").unwrap(), "https://otel.example/team/v1/logs");
        assert_eq!(at("https://otel.example/v1/logs").unwrap(), "https://otel.example/v1/logs");
        for odd in ["", "otel.example", "ftp://x", "https://u:p@x/", "file:///etc/passwd"] {
            assert!(matches!(at(odd), Err(CollectorError::Address(_))), "{odd}");
        }
        let header = [("a\nb".to_owned(), Secret::new("c"))];
        assert!(Collector::new("http://x", &header, ProxySettings::default()).is_err());
    }
}
