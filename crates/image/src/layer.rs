//! A layer's blob to plain tar bytes, both digests verified.
//!
//! Three stages overlap: one thread reads and inflates, one digests the stored and the plain bytes, and the
//! caller parses. They share chunks from a fixed set of buffers, so that memory is bounded and a slow stage holds
//! the others back. A small layer does all of it in the caller's thread.

use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use plimsoll_formats::compression::Compression;
use plimsoll_model::digest::{BlobDigest, DiffId, Digest, Hasher};

/// Bounds of reading one layer.
#[derive(Clone, Copy, Debug)]
pub struct LayerLimits {
    /// The most plain bytes.
    pub plain: u64,
    /// The most plain bytes for one stored byte, once [`LayerLimits::ratio_from`] are passed.
    pub ratio: u64,
    /// Plain bytes below which the ratio does not matter.
    pub ratio_from: u64,
}

impl Default for LayerLimits {
    fn default() -> Self {
        Self { plain: 64 << 30, ratio: 400, ratio_from: 1 << 30 }
    }
}

/// What a layer must turn out to be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expected {
    /// The stored blob's digest and size.
    pub blob: Option<(BlobDigest, u64)>,
    /// The plain tar's digest.
    pub diff_id: Option<DiffId>,
}

/// Why a layer could not be read whole and verified.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// The source failed, or the compressed bytes are corrupt.
    #[error("reading the layer")]
    Read(#[source] io::Error),
    /// The stored bytes are not those of the descriptor.
    #[error("the layer is corrupt: its stored bytes have digest {actual}, the manifest says {expected}")]
    BlobDigest {
        /// By the manifest.
        expected: BlobDigest,
        /// In truth.
        actual: BlobDigest,
    },
    /// The stored bytes are more or fewer than the descriptor says.
    #[error("the layer is {actual} bytes long, the manifest says {expected}")]
    Size {
        /// By the manifest.
        expected: u64,
        /// In truth; one more than expected if reading stopped there.
        actual: u64,
    },
    /// The plain bytes are not those of the configuration.
    #[error(
        "the layer is not the one that the image was made of: its tar has digest {actual}, the configuration says {expected}"
    )]
    DiffId {
        /// By the configuration.
        expected: DiffId,
        /// In truth.
        actual: DiffId,
    },
}

/// The message inside of the [`io::Error`] that reading past a limit gives.
#[derive(Debug, thiserror::Error)]
pub enum LayerLimit {
    /// Too many plain bytes.
    #[error("the layer inflates to more than {0} bytes")]
    Plain(u64),
    /// A bomb.
    #[error("the layer inflates to more than {0} times its size")]
    Ratio(u64),
}

/// What reading a layer to its end proved.
#[derive(Clone, Copy, Debug)]
pub struct LayerDigests {
    /// Of the stored bytes.
    pub blob: BlobDigest,
    /// How many those are.
    pub stored: u64,
    /// Of the plain bytes.
    pub diff_id: DiffId,
    /// How many those are.
    pub plain: u64,
}

const PLAIN_CHUNK: usize = 256 << 10;
const PLAIN_CHUNKS: usize = 8;
const STORED_CHUNK: usize = 128 << 10;
const STORED_CHUNKS: usize = 6;

/// Layers below this stored size are not worth three threads.
const SMALL: u64 = 256 << 10;

/// A layer being read: a [`BufRead`] of its plain bytes.
pub struct LayerStream(Stage);

enum Stage {
    Threaded(Box<Threaded>),
    Inline(Box<Inline>),
}

impl std::fmt::Debug for LayerStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LayerStream")
    }
}

impl LayerStream {
    /// Starts reading `source`; `progress` is told how many stored bytes were read, now and then.
    ///
    /// # Errors
    /// If the first bytes cannot be read.
    pub fn new(
        source: Box<dyn Read + Send>,
        expected: Expected,
        limits: LayerLimits,
        progress: impl Fn(u64) + Send + 'static,
    ) -> Result<Self, LayerError> {
        let size = expected.blob.map(|(_, size)| size).filter(|size| *size > 0);
        let small = size.is_some_and(|size| size < SMALL);
        let stored =
            Stored { source, expected_size: size, read: Arc::default(), progress: Box::new(progress) };
        if small {
            Inline::start(stored, limits).map(Stage::Inline)
        } else {
            Ok(Stage::Threaded(Threaded::start(stored, limits)))
        }
        .map(Self)
    }

    /// Reads on to the end and verifies what was read against `expected`.
    ///
    /// # Errors
    /// If reading fails or a digest or size differs.
    pub fn finish(mut self, expected: Expected) -> Result<LayerDigests, LayerError> {
        loop {
            let len = self.fill_buf().map_err(LayerError::Read)?.len();
            if len == 0 {
                break;
            }
            self.consume(len);
        }
        let digests = match self.0 {
            Stage::Threaded(threaded) => threaded.finish()?,
            Stage::Inline(inline) => inline.finish()?,
        };
        digests.check(expected)?;
        Ok(digests)
    }
}

impl LayerDigests {
    fn check(&self, expected: Expected) -> Result<(), LayerError> {
        if let Some((digest, size)) = expected.blob {
            if size != 0 && size != self.stored {
                return Err(LayerError::Size { expected: size, actual: self.stored });
            }
            if digest != self.blob {
                return Err(LayerError::BlobDigest { expected: digest, actual: self.blob });
            }
        }
        match expected.diff_id {
            Some(diff_id) if diff_id != self.diff_id => {
                Err(LayerError::DiffId { expected: diff_id, actual: self.diff_id })
            }
            _ => Ok(()),
        }
    }
}

impl BufRead for LayerStream {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match &mut self.0 {
            Stage::Threaded(threaded) => threaded.fill_buf(),
            Stage::Inline(inline) => inline.fill_buf(),
        }
    }

    fn consume(&mut self, count: usize) {
        match &mut self.0 {
            Stage::Threaded(threaded) => threaded.position += count,
            Stage::Inline(inline) => inline.position += count,
        }
    }
}

impl Read for LayerStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let count = available.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

/// The stored bytes: counted, and no more of them read than the descriptor says.
struct Stored {
    source: Box<dyn Read + Send>,
    expected_size: Option<u64>,
    read: Arc<std::sync::atomic::AtomicU64>,
    progress: Box<dyn Fn(u64) + Send>,
}

impl Stored {
    fn count(&self) -> u64 {
        self.read.load(std::sync::atomic::Ordering::Relaxed)
    }
}

impl Read for Stored {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = loop {
            match self.source.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        let total = self.count() + count as u64;
        self.read.store(total, std::sync::atomic::Ordering::Relaxed);
        match self.expected_size {
            Some(expected) if total > expected => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                LayerError::Size { expected, actual: total }.to_string(),
            )),
            _ => {
                (self.progress)(total);
                Ok(count)
            }
        }
    }
}

/// Counts plain bytes and ends where a limit is passed.
struct Meter {
    limits: LayerLimits,
    plain: u64,
}

impl Meter {
    fn add(&mut self, count: usize, stored: u64) -> io::Result<()> {
        self.plain += count as u64;
        if self.plain > self.limits.plain {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, LayerLimit::Plain(self.limits.plain)));
        }
        if self.plain > self.limits.ratio_from && self.plain / stored.max(1) > self.limits.ratio {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, LayerLimit::Ratio(self.limits.ratio)));
        }
        Ok(())
    }
}

// ---- small layers ----

struct Inline {
    decoder: Box<dyn Read>,
    stored: Arc<std::sync::atomic::AtomicU64>,
    stored_hasher: Arc<Mutex<Hasher>>,
    plain_hasher: Hasher,
    meter: Meter,
    buffer: Vec<u8>,
    len: usize,
    position: usize,
}

impl Inline {
    fn start(stored: Stored, limits: LayerLimits) -> Result<Box<Self>, LayerError> {
        let count = Arc::clone(&stored.read);
        let hasher = Arc::new(Mutex::new(Hasher::default()));
        let tee = Tee { reader: stored, hasher: Arc::clone(&hasher) };
        let mut reader = io::BufReader::with_capacity(32 << 10, tee);
        let compression = Compression::of(reader.fill_buf().map_err(LayerError::Read)?);
        Ok(Box::new(Self {
            decoder: compression.decode(reader).map_err(LayerError::Read)?,
            stored: count,
            stored_hasher: hasher,
            plain_hasher: Hasher::default(),
            meter: Meter { limits, plain: 0 },
            buffer: vec![0; 64 << 10],
            len: 0,
            position: 0,
        }))
    }

    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.position >= self.len {
            self.len = read_full(&mut *self.decoder, &mut self.buffer)?;
            self.position = 0;
            self.meter.add(self.len, self.stored.load(std::sync::atomic::Ordering::Relaxed))?;
            self.plain_hasher.update(self.buffer.get(..self.len).unwrap_or_default());
        }
        Ok(self.buffer.get(self.position..self.len).unwrap_or_default())
    }

    fn finish(self) -> Result<LayerDigests, LayerError> {
        let Self { mut decoder, stored, stored_hasher, plain_hasher, meter, .. } = self;
        drain(&mut *decoder).map_err(LayerError::Read)?;
        drop(decoder);
        let stored_hasher = Arc::into_inner(stored_hasher).and_then(|mutex| mutex.into_inner().ok());
        Ok(LayerDigests {
            blob: BlobDigest(stored_hasher.unwrap_or_default().finish()),
            stored: stored.load(std::sync::atomic::Ordering::Relaxed),
            diff_id: DiffId(plain_hasher.finish()),
            plain: meter.plain,
        })
    }
}

/// Digests what passes.
struct Tee<R> {
    reader: R,
    hasher: Arc<Mutex<Hasher>>,
}

impl<R: Read> Read for Tee<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        if let Ok(mut hasher) = self.hasher.lock() {
            hasher.update(buffer.get(..count).unwrap_or_default());
        }
        Ok(count)
    }
}

// ---- large layers ----

/// A filled buffer that several stages read; it goes home when the last of them is done with it.
struct Chunk {
    bytes: Vec<u8>,
    len: usize,
    home: Sender<Vec<u8>>,
}

impl Chunk {
    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        // The pool is gone once the reading stage has ended; the buffer is freed then.
        drop(self.home.send(std::mem::take(&mut self.bytes)));
    }
}

/// A fixed set of buffers; taking one waits until one is free.
struct Pool {
    home: Sender<Vec<u8>>,
    free: Receiver<Vec<u8>>,
}

impl Pool {
    fn new(buffers: usize, size: usize) -> Self {
        let (home, free) = channel();
        for _ in 0..buffers {
            // Sending to a receiver that is alive cannot fail.
            drop(home.send(vec![0; size]));
        }
        Self { home, free }
    }

    fn filled(&self, reader: &mut dyn Read) -> io::Result<Arc<Chunk>> {
        let mut bytes = self.free.recv().map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        let result = read_full(reader, &mut bytes);
        let chunk = Chunk { len: *result.as_ref().unwrap_or(&0), bytes, home: self.home.clone() };
        result.map(|_| Arc::new(chunk))
    }
}

enum ToDigest {
    Stored(Arc<Chunk>),
    Plain(Arc<Chunk>),
}

struct Threaded {
    plain: Receiver<io::Result<Arc<Chunk>>>,
    current: Option<Arc<Chunk>>,
    position: usize,
    ended: bool,
    inflating: JoinHandle<(u64, u64)>,
    digesting: JoinHandle<(Digest, Digest)>,
}

impl Threaded {
    fn start(stored: Stored, limits: LayerLimits) -> Box<Self> {
        let (to_digest, digest_queue) = channel();
        let (to_parser, plain) = channel();
        let digesting = std::thread::spawn(move || digest_all(&digest_queue));
        let inflating = std::thread::spawn(move || inflate_all(stored, limits, &to_digest, &to_parser));
        Box::new(Self { plain, current: None, position: 0, ended: false, inflating, digesting })
    }

    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let used_up = self.current.as_ref().is_none_or(|chunk| self.position >= chunk.len);
        if used_up && !self.ended {
            self.current = None;
            self.position = 0;
            match self.plain.recv() {
                Ok(chunk) => self.current = Some(chunk?),
                Err(_) => self.ended = true,
            }
        }
        Ok(self.current.as_ref().and_then(|chunk| chunk.bytes().get(self.position..)).unwrap_or_default())
    }

    fn finish(mut self) -> Result<LayerDigests, LayerError> {
        self.current = None;
        let died = |_| LayerError::Read(io::Error::other("a worker thread died"));
        let (stored, plain) = self.inflating.join().map_err(died)?;
        let (blob, diff_id) = self.digesting.join().map_err(died)?;
        Ok(LayerDigests { blob: BlobDigest(blob), stored, diff_id: DiffId(diff_id), plain })
    }
}

fn digest_all(queue: &Receiver<ToDigest>) -> (Digest, Digest) {
    let (mut stored, mut plain) = (Hasher::default(), Hasher::default());
    for piece in queue {
        match piece {
            ToDigest::Stored(chunk) => stored.update(chunk.bytes()),
            ToDigest::Plain(chunk) => plain.update(chunk.bytes()),
        }
    }
    (stored.finish(), plain.finish())
}

/// Reads and inflates to the end; returns how many stored and plain bytes there were.
fn inflate_all(
    stored: Stored,
    limits: LayerLimits,
    to_digest: &Sender<ToDigest>,
    to_parser: &Sender<io::Result<Arc<Chunk>>>,
) -> (u64, u64) {
    let count = Arc::clone(&stored.read);
    let stored_bytes = || count.load(std::sync::atomic::Ordering::Relaxed);
    let mut meter = Meter { limits, plain: 0 };
    let result = (|| -> io::Result<()> {
        let pool = Pool::new(PLAIN_CHUNKS, PLAIN_CHUNK);
        let mut reader = StoredReader {
            stored,
            pool: Pool::new(STORED_CHUNKS, STORED_CHUNK),
            to_digest: to_digest.clone(),
            current: None,
            position: 0,
        };
        let compression = Compression::of(reader.fill_buf()?);
        let mut decoder = compression.decode(reader)?;
        loop {
            let chunk = pool.filled(&mut *decoder)?;
            if chunk.len == 0 {
                return drain(&mut *decoder);
            }
            meter.add(chunk.len, stored_bytes())?;
            // A parser that stopped listening has failed or gone; the bytes after that do not matter.
            if to_digest.send(ToDigest::Plain(Arc::clone(&chunk))).is_err()
                || to_parser.send(Ok(chunk)).is_err()
            {
                return Ok(());
            }
        }
    })();
    if let Err(error) = result {
        drop(to_parser.send(Err(error)));
    }
    (stored_bytes(), meter.plain)
}

/// The stored bytes in chunks that are digested as well.
struct StoredReader {
    stored: Stored,
    pool: Pool,
    to_digest: Sender<ToDigest>,
    current: Option<Arc<Chunk>>,
    position: usize,
}

impl BufRead for StoredReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.current.as_ref().is_none_or(|chunk| self.position >= chunk.len) {
            self.current = None;
            self.position = 0;
            let chunk = self.pool.filled(&mut self.stored)?;
            if chunk.len > 0 {
                drop(self.to_digest.send(ToDigest::Stored(Arc::clone(&chunk))));
            }
            self.current = Some(chunk);
        }
        Ok(self.current.as_ref().and_then(|chunk| chunk.bytes().get(self.position..)).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.position += count;
    }
}

impl Read for StoredReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let count = available.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

/// A decoder that is done may have left bytes behind it in the stored stream; they belong to its digest.
fn drain(decoder: &mut dyn Read) -> io::Result<()> {
    let mut scrap = [0_u8; 512];
    while read_full(decoder, &mut scrap)? > 0 {}
    Ok(())
}

fn read_full(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
        match reader.read(room) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests;
