//! Sends a blob that comes as a stream: piece by piece, its digest verified on the way and before it is taken for whole. What
//! the repository has is not sent; what another repository of the registry has is mounted
//! (<https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#mounting-a-blob-from-another-repository>). A broken
//! upload goes on where the registry says that it stopped, or else from its start.

use std::io::Read;
use std::sync::Arc;

use plimsoll_formats::bounded;
use plimsoll_http::{Retry, clipped};
use plimsoll_model::digest::{BlobDigest, Hasher};
use plimsoll_model::reference::Reference;
use reqwest::{Method, Url};
use serde_json::Value;

use super::RegistryClient;
use super::client::{AsyncRegistryClient, blob_named};
use super::endpoint::Endpoint;
use super::error::RegistryError;
use super::manifest;
use super::push::{BYTES, PIECE, ask, location, upload};
use super::transport::{Answer, Ask, Failure, Upload};
use crate::manifest::Descriptor;
use crate::source::OpenLayer;

/// What became of a blob.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sent {
    /// It was there.
    There,
    /// It was in another repository of the registry, and was mounted.
    Mounted,
    /// Its bytes were sent.
    Bytes,
}

/// Where the next piece of an upload goes.
#[derive(Clone)]
struct Begun {
    endpoint: Endpoint,
    url: Url,
    what: String,
    /// How many bytes are there.
    at: u64,
}

impl AsyncRegistryClient {
    /// Begins an upload; none if the blob could be mounted.
    async fn begin(
        &self,
        reference: &Reference,
        digest: BlobDigest,
        mount: Option<&Reference>,
    ) -> Result<Option<Begun>, RegistryError> {
        let what = blob_named(reference, digest);
        let endpoint = self.core().origin(reference)?;
        if let Some(from) = mount {
            let mut url = endpoint.address("blobs", "uploads/")?;
            url.query_pairs_mut()
                .append_pair("mount", &digest.to_string())
                .append_pair("from", from.repository());
            let post = Ask { upload: Some(upload(Method::POST, Arc::default(), BYTES)), ..ask(url, &what) };
            match self.core().send(&endpoint, &post).await {
                Ok(answer) if answer.status().as_u16() == 201 => return Ok(None),
                Ok(answer) => {
                    let url = location(&endpoint, &answer, &what)?;
                    return Ok(Some(Begun { endpoint, url, what, at: 0 }));
                }
                // Whoever may not mount may still send.
                Err(_) => {}
            }
        }
        let url = self.start_upload(&endpoint, &what).await?;
        Ok(Some(Begun { endpoint, url, what, at: 0 }))
    }

    /// Sends a piece that is not the last.
    async fn piece(&self, mut begun: Begun, bytes: Vec<u8>) -> Result<Begun, RegistryError> {
        let core = self.core();
        let (start, end) = (begun.at, begun.at.saturating_add(bytes.len() as u64));
        let mut backoff = core.backoff(&begun.endpoint);
        while begun.at < end {
            let sent = usize::try_from(begun.at.saturating_sub(start)).unwrap_or(usize::MAX);
            let rest = bytes.get(sent..).unwrap_or_default().to_vec();
            let piece = Upload { at: Some(begun.at), ..upload(Method::PATCH, Arc::new(rest), BYTES) };
            let patch = Ask { upload: Some(piece), ..ask(begun.url.clone(), &begun.what) };
            match core.send(&begun.endpoint, &patch).await {
                Ok(answer) => {
                    begun.url = location(&begun.endpoint, &answer, &begun.what)?;
                    begun.at = end;
                }
                Err(Failure { error, retry }) => {
                    let Some(wait) = backoff.wait_after(retry) else { return Err(error) };
                    tokio::time::sleep(wait).await;
                    let came = self.came(&begun).await.ok().flatten();
                    match came.filter(|(at, _)| (start..=end).contains(at)) {
                        Some((at, url)) => (begun.at, begun.url) = (at, url),
                        None => return Err(error),
                    }
                }
            }
        }
        Ok(begun)
    }

    /// How many bytes of an upload the registry has, and where it goes on.
    async fn came(&self, begun: &Begun) -> Result<Option<(u64, Url)>, RegistryError> {
        let asked = ask(begun.url.clone(), &begun.what);
        let answer = self.core().send(&begun.endpoint, &asked).await.map_err(|failure| failure.error)?;
        let range = answer.header("range").and_then(|range| range.rsplit_once('-'));
        let last: Option<u64> = range.and_then(|(_, last)| last.parse().ok());
        let url = match answer.header("location") {
            Some(_) => location(&begun.endpoint, &answer, &begun.what)?,
            None => begun.url.clone(),
        };
        // `0-0` is told of an upload without any byte, too.
        let at = last.map(|last| if last == 0 { 0 } else { last.saturating_add(1) });
        Ok(at.map(|at| (at, url)))
    }

    /// Sends the last piece, and has the blob taken for whole.
    async fn end(
        &self,
        mut begun: Begun,
        digest: BlobDigest,
        mut bytes: Vec<u8>,
    ) -> Result<(), RegistryError> {
        if begun.at > 0 && !bytes.is_empty() {
            begun = self.piece(begun, std::mem::take(&mut bytes)).await?;
        }
        let mut url = begun.url;
        url.query_pairs_mut().append_pair("digest", &digest.to_string());
        let put = Ask { upload: Some(upload(Method::PUT, Arc::new(bytes), BYTES)), ..ask(url, &begun.what) };
        self.core().send(&begun.endpoint, &put).await.map(drop).map_err(|failure| failure.error)
    }

    async fn head_of(
        &self,
        reference: &Reference,
        kind: &'static str,
        what: String,
    ) -> Result<Option<Answer>, RegistryError> {
        let endpoint = self.core().origin(reference)?;
        self.head(&endpoint, kind, &reference.wanted(), &what).await
    }
}

impl RegistryClient {
    /// Whether the repository of `reference` has a blob, of the size that its descriptor says.
    ///
    /// # Errors
    /// As [`RegistryError`] tells.
    pub fn has_blob(&self, reference: &Reference, blob: &Descriptor) -> Result<bool, RegistryError> {
        let (client, reference) = (self.client.clone(), reference.at(blob.digest));
        let (what, size) = (blob_named(&reference, blob.digest), blob.size);
        let found = self.wait_for(async move {
            let answer = client.head_of(&reference, "blobs", what).await?;
            Ok(answer.map(|answer| answer.announced()))
        })?;
        Ok(found.is_some_and(|length| length.is_none_or(|length| length == size)))
    }

    /// Whether the repository of `reference` has the manifest of this digest.
    ///
    /// # Errors
    /// As [`RegistryError`] tells.
    pub fn has_manifest(&self, reference: &Reference, digest: BlobDigest) -> Result<bool, RegistryError> {
        let (client, reference) = (self.client.clone(), reference.at(digest));
        let what = manifest::named(&reference);
        self.wait_for(async move { Ok(client.head_of(&reference, "manifests", what).await?.is_some()) })
    }

    /// Sends a manifest of any known media type, as it is, under the tag or digest of `reference`.
    ///
    /// # Errors
    /// As [`RegistryError`] tells.
    pub fn put(&self, reference: &Reference, bytes: &[u8], media_type: &str) -> Result<(), RegistryError> {
        let media_type = known(reference, media_type)?;
        let (client, reference, bytes) = (self.client.clone(), reference.clone(), bytes.to_vec());
        self.wait_for(async move { client.put_manifest(&reference, bytes, media_type).await.map(drop) })
    }

    /// The same for a manifest that refers to another; a registry that does not list it by itself has it listed by the tag that
    /// takes the place of the API, beside what is listed there.
    ///
    /// # Errors
    /// As [`RegistryError`] tells.
    pub fn put_referrer(
        &self,
        reference: &Reference,
        subject: BlobDigest,
        (digest, bytes, media_type): (BlobDigest, &[u8], &str),
        entry: Value,
    ) -> Result<(), RegistryError> {
        let media_type = known(reference, media_type)?;
        let (client, reference, bytes) = (self.client.clone(), reference.clone(), bytes.to_vec());
        self.wait_for(async move {
            client.put_referrer(&reference, subject, (digest, bytes, media_type), entry).await
        })
    }

    /// Sends a blob that is read as it goes, unless it is there or in the repository of `mount`, which is at the same registry.
    /// `told` is told of bytes that were sent.
    ///
    /// # Errors
    /// As [`RegistryError`] tells.
    pub fn send(
        &self,
        reference: &Reference,
        blob: &Descriptor,
        content: &dyn OpenLayer,
        mount: Option<&Reference>,
        told: &dyn Fn(u64),
    ) -> Result<Sent, RegistryError> {
        let core = self.client.core();
        let endpoint = core.origin(reference)?;
        let mut backoff = core.backoff(&endpoint);
        loop {
            if self.has_blob(reference, blob)? {
                return Ok(Sent::There);
            }
            let failed = match self.send_once(reference, blob, content, mount, told) {
                Ok(sent) => return Ok(sent),
                Err(error) => error,
            };
            let retry = if may_pass(&failed) { Retry::Soon } else { Retry::Never };
            match backoff.wait_after(retry) {
                Some(wait) => std::thread::sleep(wait),
                None => return Err(failed),
            }
        }
    }

    fn send_once(
        &self,
        reference: &Reference,
        blob: &Descriptor,
        content: &dyn OpenLayer,
        mount: Option<&Reference>,
        told: &dyn Fn(u64),
    ) -> Result<Sent, RegistryError> {
        let Descriptor { digest: expected, size, .. } = *blob;
        let what = blob_named(reference, expected);
        let local = |source| RegistryError::Local { what: what.clone(), source };
        let (client, name, mount) = (self.client.clone(), reference.clone(), mount.cloned());
        let begun = self.wait_for(async move { client.begin(&name, expected, mount.as_ref()).await })?;
        let Some(mut begun) = begun else { return Ok(Sent::Mounted) };
        let mut reader = content.open().map_err(local)?;
        let (mut hasher, mut read) = (Hasher::default(), 0_u64);
        loop {
            let bytes = bounded::read((&mut reader).take(PIECE), PIECE).map_err(local)?;
            hasher.update(&bytes);
            let length = bytes.len() as u64;
            read = read.saturating_add(length);
            if read > size {
                return Err(RegistryError::Longer { what, expected: size, offered: read });
            }
            let client = self.client.clone();
            if length == PIECE && read < size {
                begun = self.wait_for(async move { client.piece(begun, bytes).await })?;
                told(length);
                continue;
            }
            if read < size {
                return Err(RegistryError::Shorter { what, expected: size, offered: read });
            }
            let actual = BlobDigest(hasher.finish());
            if actual != expected {
                return Err(RegistryError::Digest { what, expected, actual });
            }
            self.wait_for(async move { client.end(begun, expected, bytes).await })?;
            told(length);
            return Ok(Sent::Bytes);
        }
    }
}

fn known(reference: &Reference, media_type: &str) -> Result<&'static str, RegistryError> {
    manifest::known(media_type).ok_or_else(|| RegistryError::MediaType {
        what: manifest::named(reference),
        found: clipped(media_type),
    })
}

/// Whether an upload that broke so is worth another try from its start.
const fn may_pass(error: &RegistryError) -> bool {
    match error {
        RegistryError::Unreachable { .. }
        | RegistryError::TimedOut { .. }
        | RegistryError::RateLimited { .. }
        // An upload that the registry has forgotten.
        | RegistryError::NotFound { .. } => true,
        RegistryError::Status { status, .. } => *status >= 500 || *status == 416,
        _ => false,
    }
}
