//! Sends blobs and manifests to the registry itself, never to a mirror
//! (<https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#push>).

use std::io::Read as _;
use std::sync::Arc;

use plimsoll_formats::bounded;
use plimsoll_http::{clipped, host};
use plimsoll_model::digest::{BlobDigest, Digest};
use plimsoll_model::reference::Reference;
use reqwest::{Method, Url};

use super::client::{AsyncRegistryClient, Core, blob_named};
use super::endpoint::{Endpoint, Role};
use super::error::RegistryError;
use super::manifest::{self, OCI_MANIFEST};
use super::transport::{Answer, Ask, Failure, Upload};
use crate::manifest::MANIFEST_LIMIT;
use crate::mutate::Blob;

/// Blobs longer than this are sent in pieces of it.
pub(super) const PIECE: u64 = 16 << 20;

pub(super) const BYTES: &str = "application/octet-stream";

impl AsyncRegistryClient {
    /// Sends a blob, unless the repository has it.
    ///
    /// # Errors
    /// As [`RegistryError`] tells.
    pub async fn push_blob(
        &self,
        reference: &Reference,
        bytes: Vec<u8>,
    ) -> Result<BlobDigest, RegistryError> {
        let digest = BlobDigest(Digest::of(&bytes));
        let what = blob_named(reference, digest);
        let endpoint = self.core().origin(reference)?;
        if self.has_blob(&endpoint, digest, &what).await? {
            return Ok(digest);
        }
        let mut url = self.start_upload(&endpoint, &what).await?;
        url.query_pairs_mut().append_pair("digest", &digest.to_string());
        let put = Ask { upload: Some(upload(Method::PUT, Arc::new(bytes), BYTES)), ..ask(url, &what) };
        // A second try would need a new upload: who pushes starts over, and what is there is not sent again.
        self.core().send(&endpoint, &put).await.map_err(|failure| failure.error)?;
        Ok(digest)
    }

    /// Sends a blob of any size, unless the repository has it; a large one in pieces, so that memory stays bounded
    /// (<https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks>).
    ///
    /// # Errors
    /// As [`RegistryError`] tells.
    pub async fn push_large_blob(&self, reference: &Reference, blob: &Blob) -> Result<(), RegistryError> {
        let what = blob_named(reference, blob.digest);
        let local = |source| RegistryError::Local { what: what.clone(), source };
        let mut reader = blob.reader();
        if blob.size <= PIECE {
            let bytes = bounded::read(&mut reader, PIECE).map_err(local)?;
            return self.push_blob(reference, bytes).await.map(drop);
        }
        let endpoint = self.core().origin(reference)?;
        if self.has_blob(&endpoint, blob.digest, &what).await? {
            return Ok(());
        }
        let mut url = self.start_upload(&endpoint, &what).await?;
        let mut at = 0;
        while at < blob.size {
            let bytes = bounded::read((&mut reader).take(PIECE), PIECE).map_err(local)?;
            let length = bytes.len() as u64;
            let piece = Upload { at: Some(at), ..upload(Method::PATCH, Arc::new(bytes), BYTES) };
            let patch = Ask { upload: Some(piece), ..ask(url, &what) };
            let taken = self.core().send(&endpoint, &patch).await.map_err(|failure| failure.error)?;
            url = location(&endpoint, &taken, &what)?;
            at = at.saturating_add(length);
            if length == 0 {
                return Err(local(std::io::ErrorKind::UnexpectedEof.into()));
            }
        }
        url.query_pairs_mut().append_pair("digest", &blob.digest.to_string());
        let put = Ask { upload: Some(upload(Method::PUT, Arc::default(), BYTES)), ..ask(url, &what) };
        self.core().send(&endpoint, &put).await.map_err(|failure| failure.error)?;
        Ok(())
    }

    pub(super) async fn has_blob(
        &self,
        endpoint: &Endpoint,
        digest: BlobDigest,
        what: &str,
    ) -> Result<bool, RegistryError> {
        Ok(self.head(endpoint, "blobs", &digest.to_string(), what).await?.is_some())
    }

    /// The answer without its body; none where there is no such thing.
    pub(super) async fn head(
        &self,
        endpoint: &Endpoint,
        kind: &str,
        id: &str,
        what: &str,
    ) -> Result<Option<Answer>, RegistryError> {
        let there = Ask {
            upload: Some(upload(Method::HEAD, Arc::default(), BYTES)),
            accept: (kind == "manifests").then_some(manifest::ACCEPT),
            ..ask(endpoint.address(kind, id)?, what)
        };
        match self.core().persistently(endpoint, &there).await {
            Ok(answer) => Ok(Some(answer)),
            Err(RegistryError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Where the registry takes a new blob.
    pub(super) async fn start_upload(&self, endpoint: &Endpoint, what: &str) -> Result<Url, RegistryError> {
        let start = Ask {
            upload: Some(upload(Method::POST, Arc::default(), BYTES)),
            ..ask(endpoint.address("blobs", "uploads/")?, what)
        };
        let started = self.core().persistently(endpoint, &start).await?;
        location(endpoint, &started, what)
    }

    /// Sends a manifest or index of any known media type under the tag or digest of `reference`.
    ///
    /// # Errors
    /// As [`RegistryError`] tells.
    pub async fn push_document(
        &self,
        reference: &Reference,
        document: &Blob,
        media_type: &str,
    ) -> Result<(), RegistryError> {
        let what = manifest::named(reference);
        let unknown = || RegistryError::MediaType { what: what.clone(), found: clipped(media_type) };
        let media_type = manifest::known(media_type).ok_or_else(unknown)?;
        let bytes = bounded::read(document.reader(), MANIFEST_LIMIT)
            .map_err(|source| RegistryError::Local { what: what.clone(), source })?;
        self.put_manifest(reference, bytes, media_type).await.map(drop)
    }

    /// Sends an OCI manifest under the tag of `reference`; the blobs that it names must be there.
    ///
    /// # Errors
    /// As [`RegistryError`] tells.
    pub async fn push_manifest(
        &self,
        reference: &Reference,
        bytes: Vec<u8>,
    ) -> Result<BlobDigest, RegistryError> {
        let digest = BlobDigest(Digest::of(&bytes));
        self.put_manifest(reference, bytes, OCI_MANIFEST).await?;
        Ok(digest)
    }

    /// Sends what lies beside manifests: such itself, or an index.
    pub(super) async fn put_manifest(
        &self,
        reference: &Reference,
        bytes: Vec<u8>,
        media_type: &'static str,
    ) -> Result<Answer, RegistryError> {
        self.put_version(reference, bytes, media_type, Version::Any).await
    }

    /// The same, if what is there has a version; registries that know none send it anyway.
    pub(super) async fn put_version(
        &self,
        reference: &Reference,
        bytes: Vec<u8>,
        media_type: &'static str,
        replaces: Version,
    ) -> Result<Answer, RegistryError> {
        let core = self.core();
        let endpoint = core.origin(reference)?;
        let url = endpoint.address("manifests", &reference.wanted())?;
        let put = Ask {
            upload: Some(Upload { replaces, ..upload(Method::PUT, Arc::new(bytes), media_type) }),
            ..ask(url, &manifest::named(reference))
        };
        core.persistently(&endpoint, &put).await
    }

    /// Removes the manifest of the digest of `reference`, and with it all tags that mean it; tells whether it was there.
    ///
    /// # Errors
    /// As [`RegistryError`] tells; a registry that removes nothing answers with status 405.
    pub async fn delete_manifest(&self, reference: &Reference) -> Result<bool, RegistryError> {
        let core = self.core();
        let endpoint = core.origin(reference)?;
        let url = endpoint.address("manifests", &reference.wanted())?;
        let delete = Ask {
            upload: Some(upload(Method::DELETE, Arc::default(), BYTES)),
            ..ask(url, &manifest::named(reference))
        };
        match core.persistently(&endpoint, &delete).await {
            Ok(_) => Ok(true),
            Err(RegistryError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Core {
    pub(super) fn origin(&self, reference: &Reference) -> Result<Endpoint, RegistryError> {
        let all = self.endpoints(reference)?;
        all.into_iter().find(|endpoint| endpoint.role == Role::Origin).ok_or(RegistryError::Stopped)
    }

    /// Sends one request as often as makes sense.
    pub(super) async fn persistently(&self, endpoint: &Endpoint, ask: &Ask) -> Result<Answer, RegistryError> {
        let mut backoff = self.backoff(endpoint);
        loop {
            let Failure { error, retry } = match self.send(endpoint, ask).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            match backoff.wait_after(retry) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(error),
            }
        }
    }
}

pub(super) fn ask(url: Url, what: &str) -> Ask {
    Ask { url, what: what.to_owned(), accept: None, from: 0, upload: None }
}

pub(super) fn upload(method: Method, bytes: Arc<Vec<u8>>, content_type: &'static str) -> Upload {
    Upload { method, content_type, bytes, at: None, replaces: Version::Any }
}

/// What must be there for what is sent to take its place (<https://www.rfc-editor.org/rfc/rfc9110#section-13.1>).
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Version {
    /// Whatever is there.
    Any,
    /// Nothing.
    None,
    /// What has this entity tag.
    Tag(String),
}

impl From<Option<String>> for Version {
    /// Of something that is there; without an entity tag, or with a weak one, nobody can tell.
    fn from(tag: Option<String>) -> Self {
        tag.filter(|tag| !tag.starts_with("W/")).map_or(Self::Any, Self::Tag)
    }
}

/// Where the registry wants the bytes; a login goes there, so it must be the registry itself.
pub(super) fn location(endpoint: &Endpoint, started: &Answer, what: &str) -> Result<Url, RegistryError> {
    let malformed = |why: &str| RegistryError::Malformed {
        host: endpoint.host(),
        what: what.to_owned(),
        why: why.to_owned(),
    };
    let text = started.header("location").ok_or_else(|| malformed("it says not where to upload to"))?;
    let url =
        started.response.url().join(text).map_err(|_| malformed("the place to upload to is no address"))?;
    if url.scheme() == endpoint.root.scheme() && host(&url) == endpoint.host() {
        Ok(url)
    } else {
        Err(malformed("it wants the upload to go to another server"))
    }
}
