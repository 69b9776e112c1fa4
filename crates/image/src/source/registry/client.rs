//! The asynchronous client: which server is asked, with which login, how often. It runs on the caller's tokio
//! runtime; [`super::blocking`] brings one along for synchronous code.
//!
//! Whatever is asked for is asked of each mirror and then of the registry itself; the registry's error is the one
//! that is told.

use std::sync::Arc;

use plimsoll_http::{Backoff, RetryPolicy};
use plimsoll_model::digest::{BlobDigest, Digest};
use plimsoll_model::reference::Reference;

use super::auth::{Authenticator, noted};
use super::blob::{BlobStream, Observer};
use super::config::RegistryOptions;
use super::endpoint::{Endpoint, Role, endpoints};
use super::error::{Login, RegistryError};
use super::manifest::{self, FetchedManifest};
use super::transport::{Answer, Ask, Failure, Transport};

/// A client of all registries, cheap to clone; clones share connections and logins.
#[derive(Clone)]
pub struct AsyncRegistryClient(Arc<Core>);

/// What the clones of a client share.
pub(super) struct Core {
    pub(super) transport: Transport,
    authenticator: Authenticator,
    pub(super) retry: RetryPolicy,
    pub(super) observer: Option<Observer>,
}

impl AsyncRegistryClient {
    /// Makes a client; no connection is made and no file read before the first request.
    ///
    /// # Errors
    /// If the name of a registry in the settings is malformed.
    pub fn new(options: RegistryOptions) -> Result<Self, RegistryError> {
        let RegistryOptions { settings, credentials, limits, timeouts, retry, observer } = options;
        Ok(Self(Arc::new(Core {
            transport: Transport::new(settings, limits, timeouts)?,
            authenticator: Authenticator::new(credentials),
            retry,
            observer,
        })))
    }

    /// Gets the manifest or index that `reference` names, verified against its digest.
    ///
    /// # Errors
    /// As [`RegistryError`] tells.
    pub async fn manifest(&self, reference: &Reference) -> Result<FetchedManifest, RegistryError> {
        let limit = self.0.transport.limits.manifest;
        let wanted =
            Wanted { kind: "manifests", id: reference.wanted(), what: manifest::named(reference), limit };
        self.0.document(reference, &wanted, |document| manifest::verified(reference, document)).await
    }

    /// Gets a small blob whole (a configuration, say), of at most `limit` bytes, verified.
    ///
    /// # Errors
    /// As [`RegistryError`] tells.
    pub async fn blob_bytes(
        &self,
        reference: &Reference,
        digest: BlobDigest,
        limit: u64,
    ) -> Result<Vec<u8>, RegistryError> {
        let what = blob_named(reference, digest);
        let wanted = Wanted { kind: "blobs", id: digest.to_string(), what: what.clone(), limit };
        let verified = |document: Document| {
            let actual = BlobDigest(Digest::of(&document.bytes));
            if actual == digest {
                Ok(document.bytes)
            } else {
                Err(RegistryError::Digest { what: what.clone(), expected: digest, actual })
            }
        };
        self.0.document(reference, &wanted, verified).await
    }

    /// Starts to get a blob of `size` bytes. The bytes are *not* verified: who reads them digests them anyway.
    ///
    /// Outside of a tokio runtime the stream yields an error; dropping it ends the transfer.
    #[must_use]
    pub fn open_blob(&self, reference: &Reference, digest: BlobDigest, size: u64) -> BlobStream {
        BlobStream::start(Arc::clone(&self.0), reference.clone(), digest, size)
    }

    pub(super) fn core(&self) -> &Core {
        &self.0
    }

    /// The limits that this client was made with.
    #[must_use]
    pub fn limits(&self) -> super::config::Limits {
        self.0.transport.limits
    }
}

impl std::fmt::Debug for AsyncRegistryClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AsyncRegistryClient")
    }
}

/// What to get whole.
struct Wanted {
    kind: &'static str,
    id: String,
    what: String,
    limit: u64,
}

/// Something small, as it came.
pub(super) struct Document {
    pub(super) host: String,
    pub(super) content_type: Option<String>,
    /// The digest that the registry tells.
    pub(super) digest: Option<String>,
    /// The entity tag, by which the registry knows this state of it.
    pub(super) version: Option<String>,
    /// Where the list goes on, if it is one of several pages.
    pub(super) next: Option<reqwest::Url>,
    pub(super) bytes: Vec<u8>,
}

/// `blob DIGEST of REGISTRY/REPOSITORY`.
pub(super) fn blob_named(reference: &Reference, digest: BlobDigest) -> String {
    format!("blob {digest} of {}/{}", reference.registry(), reference.repository())
}

impl Core {
    /// The servers to ask for `reference`, in order.
    pub(super) fn endpoints(&self, reference: &Reference) -> Result<Vec<Endpoint>, RegistryError> {
        endpoints(reference, self.transport.settings())
    }

    /// A count of failures for one server.
    pub(super) fn backoff(&self, endpoint: &Endpoint) -> Backoff<'_> {
        let attempts = match endpoint.role {
            Role::Mirror => self.retry.attempts_at_mirror,
            Role::Origin => self.retry.attempts,
        };
        Backoff::new(&self.retry, attempts)
    }

    /// Asks each server in turn, and each as often as makes sense, until `read` takes an answer.
    async fn document<T>(
        &self,
        reference: &Reference,
        wanted: &Wanted,
        read: impl Fn(Document) -> Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        let mut last = RegistryError::Stopped;
        for endpoint in self.endpoints(reference)? {
            let url = endpoint.address(wanted.kind, &wanted.id)?;
            let accept = (wanted.kind == "manifests").then_some(manifest::ACCEPT);
            let ask = Ask { url, what: wanted.what.clone(), accept, from: 0, upload: None };
            let mut backoff = self.backoff(&endpoint);
            loop {
                let failure = match self.whole(&endpoint, &ask, wanted.limit).await {
                    Ok(document) => match read(document) {
                        Ok(value) => return Ok(value),
                        Err(error) => error.into(),
                    },
                    Err(failure) => failure,
                };
                match backoff.wait_after(failure.retry) {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => {
                        last = failure.error;
                        break;
                    }
                }
            }
        }
        Err(last)
    }

    pub(super) async fn whole(
        &self,
        endpoint: &Endpoint,
        ask: &Ask,
        limit: u64,
    ) -> Result<Document, Failure> {
        let answer = self.send(endpoint, ask).await?;
        if answer.status().as_u16() != 200 {
            let why = format!("status {} has no meaning here", answer.status().as_u16());
            return Err(RegistryError::Malformed { host: answer.host, what: ask.what.clone(), why }.into());
        }
        Ok(Document {
            host: answer.host.clone(),
            content_type: answer.header("content-type").map(str::to_owned),
            digest: answer.header("docker-content-digest").map(str::to_owned),
            version: answer.header("etag").map(str::to_owned),
            next: answer.next_page(),
            bytes: answer.body(limit, self.transport.timeouts.document).await?,
        })
    }

    /// Sends one request, with the login that the registry wants; a login that it no longer takes is renewed once.
    pub(super) async fn send(&self, endpoint: &Endpoint, ask: &Ask) -> Result<Answer, Failure> {
        let known = self.authenticator.known(endpoint);
        let answer = self.transport.get(ask, known.as_ref().map(|grant| &grant.header)).await?;
        let Some(challenges) = answer.wants_login() else {
            let login = known.map_or(Login::Anonymous, |grant| grant.login);
            return answer.accepted(&self.transport, login).await;
        };
        let refused = known.as_ref().map(|grant| &grant.header);
        let asked = (challenges.as_slice(), refused);
        let grant = self.authenticator.renewed(&self.transport, endpoint, asked, &ask.what).await?;
        let answer = self.transport.get(ask, Some(&grant.header)).await?;
        if answer.wants_login().is_some() {
            self.authenticator.forget(endpoint);
        }
        answer.accepted(&self.transport, grant.login).await.map_err(|failure| noted(failure, grant.trouble))
    }
}
