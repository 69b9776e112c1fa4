//! Layers of an image that is being made: copied as they are stored, or edited and compressed again as they were.

use std::io::{self, Read, Write};
use std::path::Path;

use plimsoll_formats::compression::Compression;
use plimsoll_formats::tar;
use plimsoll_formats::tar::edit::{EditError, Editor, edit};
use plimsoll_model::digest::{DiffId, Hasher};

use super::MutateError;
use super::blob::{Blob, BlobWriter};
use crate::layer::{Expected, LayerError, LayerLimits, LayerStream};
use crate::source::{Layer, LayerContent, OpenLayer};

/// A layer of an image that is being made.
#[derive(Clone, Debug)]
pub struct NewLayer {
    /// As it is stored.
    pub blob: Blob,
    /// The digest of its tar.
    pub diff_id: DiffId,
    /// How many bytes that is.
    pub plain: u64,
    /// How it is compressed.
    pub compression: Compression,
    /// Whether it is another one than before.
    pub is_edited: bool,
}

/// Bounds of making an image, and where its large blobs lie meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Workshop<'a> {
    /// The folder of the files without names; best on the file system where the image will be.
    pub folder: &'a Path,
    /// Bounds of one layer's bytes.
    pub layer: LayerLimits,
    /// Bounds of one layer's tar.
    pub tar: tar::Limits,
}

impl Workshop<'_> {
    /// Copies a layer as it is stored, and verifies it.
    ///
    /// # Errors
    /// If the layer is not what the image says, or cannot be read or written.
    pub fn copy(
        &self,
        layer: &Layer,
        progress: impl Fn(u64) + Send + 'static,
    ) -> Result<NewLayer, MutateError> {
        let (compression, source) = open(layer)?;
        let mut writer = self.writer()?;
        let tee = Tee { reader: source, writer: writer.clone() };
        let expected = expected(layer);
        let stream = LayerStream::new(Box::new(tee), expected, self.layer, progress)?;
        let digests = stream.finish(expected)?;
        writer.flush().map_err(MutateError::Write)?;
        let blob = writer.finish().map_err(MutateError::Write)?;
        Ok(NewLayer { blob, diff_id: digests.diff_id, plain: digests.plain, compression, is_edited: false })
    }

    /// Makes a layer of another one as `editor` wants, and verifies that one.
    ///
    /// # Errors
    /// If the layer is not what the image says, or cannot be read, edited or written.
    pub fn edit(
        &self,
        layer: &Layer,
        editor: &mut dyn Editor,
        progress: impl Fn(u64) + Send + 'static,
    ) -> Result<NewLayer, MutateError> {
        let (compression, source) = open(layer)?;
        let expected = expected(layer);
        let mut stream = LayerStream::new(source, expected, self.layer, progress)?;
        let encoder = compression.encode(self.writer()?).map_err(MutateError::Write)?;
        let mut plain = Digesting { writer: encoder, hasher: Hasher::default(), size: 0 };
        match edit(&mut stream, &mut plain, editor, self.tar, self.folder) {
            Ok(()) => drop(stream.finish(expected)?),
            // That the layer is corrupt explains more than that its tar is.
            Err(error @ EditError::Tar(_)) => {
                stream.finish(expected)?;
                return Err(error.into());
            }
            Err(error) => return Err(error.into()),
        }
        let blob = plain.writer.finish().and_then(BlobWriter::finish).map_err(MutateError::Write)?;
        let diff_id = DiffId(plain.hasher.finish());
        Ok(NewLayer { blob, diff_id, plain: plain.size, compression, is_edited: true })
    }

    /// Makes a new layer of the tar that `write` writes.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn create(
        &self,
        compression: Compression,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<NewLayer, MutateError> {
        let encoder = compression.encode(self.writer()?).map_err(MutateError::Write)?;
        let mut plain = Digesting { writer: encoder, hasher: Hasher::default(), size: 0 };
        write(&mut plain).map_err(MutateError::Write)?;
        let blob = plain.writer.finish().and_then(BlobWriter::finish).map_err(MutateError::Write)?;
        let diff_id = DiffId(plain.hasher.finish());
        Ok(NewLayer { blob, diff_id, plain: plain.size, compression, is_edited: true })
    }

    fn writer(&self) -> Result<BlobWriter, MutateError> {
        BlobWriter::new_in(self.folder).map_err(MutateError::Write)
    }
}

fn expected(layer: &Layer) -> Expected {
    Expected { blob: layer.blob.as_ref().map(|blob| (blob.digest, blob.size)), diff_id: layer.diff_id }
}

/// The stored bytes of a layer, and how they are compressed.
fn open(layer: &Layer) -> Result<(Compression, Box<dyn Read + Send>), MutateError> {
    let opener: &dyn OpenLayer = match &layer.content {
        LayerContent::Tar(opener) => opener.as_ref(),
        LayerContent::Directory(_) => return Err(MutateError::NoLayer),
        LayerContent::Unreadable(reason) => return Err(MutateError::Unreadable(reason.clone())),
    };
    let mut source = opener.open().map_err(LayerError::Read)?;
    let mut head = Vec::new();
    #[expect(clippy::disallowed_methods, reason = "bounded by take")]
    source.by_ref().take(4).read_to_end(&mut head).map_err(LayerError::Read)?;
    Ok((Compression::of(&head), Box::new(io::Cursor::new(head).chain(source))))
}

/// Writes what is read.
struct Tee {
    reader: Box<dyn Read + Send>,
    writer: BlobWriter,
}

impl Read for Tee {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.writer.write_all(buffer.get(..count).unwrap_or_default())?;
        Ok(count)
    }
}

/// Digests what is written.
struct Digesting<W> {
    writer: W,
    hasher: Hasher,
    size: u64,
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.writer.write(bytes)?;
        self.hasher.update(bytes.get(..count).unwrap_or_default());
        self.size = self.size.saturating_add(count as u64);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
