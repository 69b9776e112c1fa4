//! A blob as it arrives: a task fetches and a bounded channel hands over, so that a slow reader slows the transfer
//! and memory stays bounded. A broken or stalled transfer goes on where it stopped, if need be at the next server.
//!
//! The stream yields exactly as many bytes as the descriptor says or an error, and does not verify the digest.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_http::{Retry, content_range};
use plimsoll_model::digest::BlobDigest;
use plimsoll_model::reference::Reference;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::client::{Core, blob_named};
use super::endpoint::Endpoint;
use super::error::RegistryError;
use super::transport::{Answer, Ask, Failure};

/// How many bytes are handed over at once.
const CHUNK: usize = 256 << 10;
/// How many chunks wait for the reader.
const WAITING: usize = 4;
/// How many bytes within the stall time are progress; a server that sends one each does not hold us for ever.
const PROGRESS: u64 = 4 << 10;
/// How many bytes between two failures make the first one forgotten.
const RECOVERED: u64 = 256 << 10;

/// Is told how blobs arrive, from any thread.
pub type Observer = Arc<dyn Fn(BlobProgress) + Send + Sync>;

/// How far one blob has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BlobProgress {
    /// Which blob.
    pub digest: BlobDigest,
    /// How many bytes have come.
    pub received: u64,
    /// How many there are.
    pub size: u64,
    /// What goes on.
    pub stage: BlobStage,
}

/// What goes on with a blob.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BlobStage {
    /// It is asked for, for the first time or again.
    Asking,
    /// Bytes arrive.
    Receiving,
    /// The transfer broke; it goes on after this wait.
    Waiting(Duration),
    /// All bytes have come.
    Complete,
    /// It was given up.
    Failed,
}

/// The bytes of a blob, in pieces.
pub struct BlobStream {
    pieces: mpsc::Receiver<Result<Vec<u8>, RegistryError>>,
    task: Option<AbortHandle>,
    /// How many bytes are still to come.
    missing: u64,
    ended: bool,
}

impl fmt::Debug for BlobStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobStream").field("missing", &self.missing).finish_non_exhaustive()
    }
}

impl BlobStream {
    pub(super) fn start(core: Arc<Core>, reference: Reference, digest: BlobDigest, size: u64) -> Self {
        let (sender, pieces) = mpsc::channel(WAITING);
        let transfer = Transfer {
            what: blob_named(&reference, digest),
            core,
            reference,
            digest,
            size,
            received: 0,
            chunk: Vec::new(),
            sender,
        };
        // Without a runtime the sender is dropped here, and the reader learns of it.
        let task = Handle::try_current().ok().map(|runtime| runtime.spawn(transfer.run()).abort_handle());
        Self { pieces, task, missing: size, ended: false }
    }

    /// The next bytes, none after the last.
    pub async fn next(&mut self) -> Option<Result<Vec<u8>, RegistryError>> {
        if self.ended {
            return None;
        }
        let piece = self.pieces.recv().await;
        self.counted(piece)
    }

    /// The same for a thread outside of any runtime.
    pub(super) fn blocking_next(&mut self) -> Option<Result<Vec<u8>, RegistryError>> {
        if self.ended {
            return None;
        }
        let piece = self.pieces.blocking_recv();
        self.counted(piece)
    }

    /// A channel that ends early means that the task is gone: that must not look like the end of the blob.
    fn counted(
        &mut self,
        piece: Option<Result<Vec<u8>, RegistryError>>,
    ) -> Option<Result<Vec<u8>, RegistryError>> {
        match &piece {
            Some(Ok(bytes)) => self.missing = self.missing.saturating_sub(bytes.len() as u64),
            Some(Err(_)) => self.ended = true,
            None => {
                self.ended = true;
                return (self.missing > 0).then_some(Err(RegistryError::Stopped));
            }
        }
        piece
    }
}

impl Drop for BlobStream {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// The task behind a stream.
struct Transfer {
    core: Arc<Core>,
    reference: Reference,
    digest: BlobDigest,
    size: u64,
    what: String,
    /// How many bytes have come, those in `chunk` included.
    received: u64,
    /// What is not yet handed over.
    chunk: Vec<u8>,
    sender: mpsc::Sender<Result<Vec<u8>, RegistryError>>,
}

impl Transfer {
    async fn run(mut self) {
        match self.ask_all().await {
            Ok(()) => self.observe(BlobStage::Complete),
            Err(error) => {
                self.observe(BlobStage::Failed);
                // A reader that has gone away needs no error.
                self.sender.send(Err(error)).await.unwrap_or_default();
            }
        }
    }

    /// Asks each server in turn, each as often as makes sense.
    async fn ask_all(&mut self) -> Result<(), RegistryError> {
        let core = Arc::clone(&self.core);
        let mut last = RegistryError::Stopped;
        for endpoint in core.endpoints(&self.reference)? {
            let mut backoff = core.backoff(&endpoint);
            loop {
                let before = self.received;
                let failure = match self.ask_one(&endpoint).await {
                    Ok(()) => return Ok(()),
                    Err(failure) => failure,
                };
                if self.sender.is_closed() {
                    return Err(RegistryError::Stopped);
                }
                if self.received - before >= RECOVERED {
                    backoff.progressed();
                }
                let Some(wait) = backoff.wait_after(failure.retry) else {
                    last = failure.error;
                    break;
                };
                self.observe(BlobStage::Waiting(wait));
                tokio::time::sleep(wait).await;
            }
        }
        Err(last)
    }

    /// Asks one server for what is still missing, and hands it over.
    async fn ask_one(&mut self, endpoint: &Endpoint) -> Result<(), Failure> {
        self.observe(BlobStage::Asking);
        let url = endpoint.address("blobs", &self.digest.to_string())?;
        let mut ask = Ask { url, what: self.what.clone(), accept: None, from: self.received, upload: None };
        let mut answer = match self.core.send(endpoint, &ask).await {
            // 416: a server that cannot give a part gives the whole.
            Err(Failure { error: RegistryError::Status { status: 416, .. }, .. }) if ask.from > 0 => {
                ask.from = 0;
                self.core.send(endpoint, &ask).await?
            }
            sent => sent?,
        };
        let mut known = self.known_bytes(&answer)?;
        let stall = self.core.transport.timeouts.stall;
        let mut deadline = Instant::now() + stall;
        let mut progress = 0_u64;
        while self.received < self.size {
            let Some(piece) = answer.piece(deadline, stall).await? else {
                let (expected, offered) = (self.size, self.received);
                let error = RegistryError::Shorter { what: self.what.clone(), expected, offered };
                return Err(Failure::new(error, Retry::Soon));
            };
            let piece = piece.as_ref();
            progress += piece.len() as u64;
            if progress >= PROGRESS {
                progress = 0;
                deadline = Instant::now() + stall;
            }
            let skipped = usize::try_from(known).unwrap_or(usize::MAX).min(piece.len());
            known -= skipped as u64;
            let before = Instant::now();
            self.take(piece.get(skipped..).unwrap_or_default()).await?;
            // While the reader is busy the server is not to blame.
            deadline += before.elapsed();
        }
        self.end(&mut answer, deadline).await
    }

    /// How many bytes at the beginning of the answer we have already; fails if it is not the blob that we know.
    fn known_bytes(&self, answer: &Answer) -> Result<u64, Failure> {
        let announced = answer.announced();
        let (start, length) = match answer.status().as_u16() {
            200 => (0, announced),
            206 => {
                let range = answer.header("content-range").and_then(content_range);
                let Some((start, total)) = range.filter(|(start, _)| *start <= self.received) else {
                    return Err(self.malformed(answer, "it is not the range asked for"));
                };
                (start, total.or_else(|| announced.and_then(|length| start.checked_add(length))))
            }
            _ => return Err(self.malformed(answer, "its status has no meaning for a blob")),
        };
        let (what, expected) = (self.what.clone(), self.size);
        match length {
            Some(offered) if offered > expected => {
                Err(RegistryError::Longer { what, expected, offered }.into())
            }
            Some(offered) if offered < expected => {
                Err(RegistryError::Shorter { what, expected, offered }.into())
            }
            _ => Ok(self.received - start),
        }
    }

    fn malformed(&self, answer: &Answer, why: &str) -> Failure {
        let (host, what) = (answer.host.clone(), self.what.clone());
        RegistryError::Malformed { host, what, why: why.to_owned() }.into()
    }

    /// Takes new bytes, and hands over each full chunk.
    async fn take(&mut self, mut bytes: &[u8]) -> Result<(), Failure> {
        let offered = self.received + bytes.len() as u64;
        if offered > self.size {
            return Err(
                RegistryError::Longer { what: self.what.clone(), expected: self.size, offered }.into()
            );
        }
        while !bytes.is_empty() {
            if self.chunk.capacity() == 0 {
                let missing = usize::try_from(self.size - self.received).unwrap_or(CHUNK);
                self.chunk = Vec::with_capacity(missing.min(CHUNK));
            }
            let room = CHUNK.saturating_sub(self.chunk.len());
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.chunk.extend_from_slice(now);
            self.received += now.len() as u64;
            bytes = later;
            if self.chunk.len() >= CHUNK || self.received == self.size {
                self.hand_over().await?;
            }
        }
        Ok(())
    }

    async fn hand_over(&mut self) -> Result<(), Failure> {
        self.observe(BlobStage::Receiving);
        let chunk = std::mem::take(&mut self.chunk);
        self.sender.send(Ok(chunk)).await.map_err(|_| RegistryError::Stopped.into())
    }

    /// After the last byte nothing may follow. A connection that breaks now does no harm.
    async fn end(&self, answer: &mut Answer, deadline: Instant) -> Result<(), Failure> {
        let stall = self.core.transport.timeouts.stall;
        match answer.piece(deadline, stall).await {
            Ok(Some(piece)) if !piece.as_ref().is_empty() => {
                let offered = self.size + piece.as_ref().len() as u64;
                Err(RegistryError::Longer { what: self.what.clone(), expected: self.size, offered }.into())
            }
            _ => Ok(()),
        }
    }

    fn observe(&self, stage: BlobStage) {
        if let Some(observer) = &self.core.observer {
            let Self { digest, received, size, .. } = *self;
            observer(BlobProgress { digest, received, size, stage });
        }
    }
}
