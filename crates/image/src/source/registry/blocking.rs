//! The same client for synchronous code: a small runtime of its own, and blobs as [`std::io::Read`].

use std::fmt;
use std::future::Future;
use std::io::{self, Read};
use std::sync::{Arc, mpsc};

use plimsoll_model::digest::BlobDigest;
use plimsoll_model::reference::Reference;
use tokio::runtime::{Builder, Runtime};

use super::blob::BlobStream;
use super::client::AsyncRegistryClient;
use super::config::{Limits, RegistryOptions};
use super::error::RegistryError;
use super::manifest::FetchedManifest;
use crate::mutate::Blob;
use crate::source::referrers::Listing;
use crate::source::referrers::attach::Packed;

/// Threads that move bytes and do TLS; more than two would wait for the network.
const THREADS: usize = 2;

/// A client of all registries for synchronous code, cheap to clone and usable from any number of threads.
#[derive(Clone, Debug)]
pub struct RegistryClient {
    pub(super) client: AsyncRegistryClient,
    runtime: Arc<OwnRuntime>,
}

impl RegistryClient {
    /// Makes a client and starts its threads.
    ///
    /// # Errors
    /// If the name of a registry in the settings is malformed or no thread can be started.
    pub fn new(options: RegistryOptions) -> Result<Self, RegistryError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("registry")
            .enable_all()
            .build()
            .map_err(|error| RegistryError::Settings {
                what: "threads of the registry client".to_owned(),
                why: error.to_string(),
            })?;
        let runtime = Arc::new(OwnRuntime(Some(runtime)));
        Ok(Self { client: AsyncRegistryClient::new(options)?, runtime })
    }

    /// Gets the manifest or index that `reference` names, verified against its digest.
    ///
    /// # Errors
    /// As [`RegistryError`] tells.
    pub fn manifest(&self, reference: &Reference) -> Result<FetchedManifest, RegistryError> {
        let (client, reference) = (self.client.clone(), reference.clone());
        self.wait_for(async move { client.manifest(&reference).await })
    }

    /// Gets a small blob whole (a configuration, say), of at most `limit` bytes, verified.
    ///
    /// # Errors
    /// As [`RegistryError`] tells.
    pub fn blob_bytes(
        &self,
        reference: &Reference,
        digest: BlobDigest,
        limit: u64,
    ) -> Result<Vec<u8>, RegistryError> {
        let (client, reference) = (self.client.clone(), reference.clone());
        self.wait_for(async move { client.blob_bytes(&reference, digest, limit).await })
    }

    /// Starts to get a blob of `size` bytes. The bytes are *not* verified: who reads them digests them anyway.
    #[must_use]
    pub fn open_blob(&self, reference: &Reference, digest: BlobDigest, size: u64) -> BlobReader {
        let stream = {
            let _entered = self.runtime.0.as_ref().map(Runtime::enter);
            self.client.open_blob(reference, digest, size)
        };
        BlobReader { stream, piece: io::Cursor::default(), _runtime: Arc::clone(&self.runtime) }
    }

    /// Lists what refers to the manifest of this digest in the repository of `reference`.
    ///
    /// # Errors
    /// As [`RegistryError`] tells.
    pub fn referrers(&self, reference: &Reference, subject: BlobDigest) -> Result<Listing, RegistryError> {
        let (client, reference) = (self.client.clone(), reference.clone());
        self.wait_for(async move { client.referrers(&reference, subject).await })
    }

    /// Lists all tags of the repository of `reference`, sorted.
    ///
    /// # Errors
    /// As [`RegistryError`] tells.
    pub fn tags(&self, reference: &Reference) -> Result<Vec<String>, RegistryError> {
        let (client, reference) = (self.client.clone(), reference.clone());
        self.wait_for(async move { client.tags(&reference).await })
    }

    /// Removes the manifest of the digest of `reference`, and with it all tags that mean it; tells whether it was there.
    ///
    /// # Errors
    /// As [`RegistryError`] tells; a registry that removes nothing answers with status 405.
    pub fn delete_manifest(&self, reference: &Reference) -> Result<bool, RegistryError> {
        let (client, reference) = (self.client.clone(), reference.clone());
        self.wait_for(async move { client.delete_manifest(&reference).await })
    }

    /// Sends a blob, unless the repository has it.
    ///
    /// # Errors
    /// As [`RegistryError`] tells.
    pub fn push_blob(&self, reference: &Reference, bytes: Vec<u8>) -> Result<BlobDigest, RegistryError> {
        let (client, reference) = (self.client.clone(), reference.clone());
        self.wait_for(async move { client.push_blob(&reference, bytes).await })
    }

    /// Sends an OCI manifest under the tag of `reference`; the blobs that it names must be there.
    ///
    /// # Errors
    /// As [`RegistryError`] tells.
    pub fn push_manifest(&self, reference: &Reference, bytes: Vec<u8>) -> Result<BlobDigest, RegistryError> {
        let (client, reference) = (self.client.clone(), reference.clone());
        self.wait_for(async move { client.push_manifest(&reference, bytes).await })
    }

    /// Sends a blob of any size, unless the repository has it.
    ///
    /// # Errors
    /// As [`RegistryError`] tells.
    pub fn push_large_blob(&self, reference: &Reference, blob: &Blob) -> Result<(), RegistryError> {
        let (client, reference, blob) = (self.client.clone(), reference.clone(), blob.clone());
        self.wait_for(async move { client.push_large_blob(&reference, &blob).await })
    }

    /// Sends a manifest or index of any known media type under the tag or digest of `reference`.
    ///
    /// # Errors
    /// As [`RegistryError`] tells.
    pub fn push_document(
        &self,
        reference: &Reference,
        document: &Blob,
        media_type: &str,
    ) -> Result<(), RegistryError> {
        let (client, reference, document) = (self.client.clone(), reference.clone(), document.clone());
        let media_type = media_type.to_owned();
        self.wait_for(async move { client.push_document(&reference, &document, &media_type).await })
    }

    /// Sends a document that refers to a manifest of the repository of `reference`.
    ///
    /// # Errors
    /// As [`RegistryError`] tells.
    pub fn push_referrer(&self, reference: &Reference, packed: Packed) -> Result<(), RegistryError> {
        let (client, reference) = (self.client.clone(), reference.clone());
        self.wait_for(async move { client.push_referrer(&reference, packed).await })
    }

    /// The limits that this client was made with.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.client.limits()
    }

    /// Runs `work` on our threads and waits; so it works, too, where the caller has a runtime of its own.
    pub(super) fn wait_for<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, RegistryError>> + Send + 'static,
    ) -> Result<T, RegistryError> {
        self.start(work).wait()
    }

    /// Runs `work` on our threads, beside what else runs there.
    pub(super) fn start<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, RegistryError>> + Send + 'static,
    ) -> Started<T> {
        let (sender, receiver) = mpsc::sync_channel(1);
        if let Some(runtime) = &self.runtime.0 {
            drop(runtime.spawn(async move {
                // Nobody listens only if the waiting thread is gone.
                drop(sender.send(work.await));
            }));
        }
        Started(receiver)
    }
}

/// Work that runs.
pub(super) struct Started<T>(mpsc::Receiver<Result<T, RegistryError>>);

impl<T> Started<T> {
    /// Waits for its end.
    pub(super) fn wait(self) -> Result<T, RegistryError> {
        self.0.recv().unwrap_or(Err(RegistryError::Stopped))
    }
}

/// The bytes of a blob: exactly as many as its descriptor says, or an error.
///
/// Reading blocks, so it must not be done inside an async task. Dropping the reader ends the transfer.
#[derive(Debug)]
pub struct BlobReader {
    stream: BlobStream,
    piece: io::Cursor<Vec<u8>>,
    /// Keeps the threads alive that fetch the rest.
    _runtime: Arc<OwnRuntime>,
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.piece.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            match self.stream.blocking_next() {
                Some(Ok(piece)) => self.piece = io::Cursor::new(piece),
                Some(Err(error)) => return Err(io::Error::new(kind(&error), error)),
                None => return Ok(0),
            }
        }
    }
}

const fn kind(error: &RegistryError) -> io::ErrorKind {
    match error {
        RegistryError::TimedOut { .. } => io::ErrorKind::TimedOut,
        RegistryError::NotFound { .. } => io::ErrorKind::NotFound,
        RegistryError::AuthRefused { .. } => io::ErrorKind::PermissionDenied,
        RegistryError::Shorter { .. } => io::ErrorKind::UnexpectedEof,
        RegistryError::Longer { .. } | RegistryError::Malformed { .. } => io::ErrorKind::InvalidData,
        _ => io::ErrorKind::Other,
    }
}

/// A runtime that may be dropped anywhere, also inside another one.
struct OwnRuntime(Option<Runtime>);

impl fmt::Debug for OwnRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnRuntime")
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
