//! A blob as it is read from where it lies: its digest and its size are verified when it has passed.

use std::io::{self, Read};

use plimsoll_model::digest::{BlobDigest, Hasher};

use super::CarryError;
use crate::manifest::Descriptor;
use crate::source::OpenLayer;

pub(super) struct Checked<'a> {
    blob: &'a Descriptor,
    reader: io::Take<Box<dyn Read + Send>>,
    hasher: Hasher,
    length: u64,
    told: &'a dyn Fn(u64),
    trouble: bool,
}

impl<'a> Checked<'a> {
    pub(super) fn open(
        content: &dyn OpenLayer,
        blob: &'a Descriptor,
        told: &'a dyn Fn(u64),
    ) -> Result<Self, CarryError> {
        let reader = content.open().map_err(|source| CarryError::Read { digest: blob.digest, source })?;
        // One byte more tells that there is more.
        let reader = reader.take(blob.size.saturating_add(1));
        Ok(Self { blob, reader, hasher: Hasher::default(), length: 0, told, trouble: false })
    }

    /// What came of reading it to its end; `otherwise` is whose fault an error is that is not the blob's.
    pub(super) fn end(
        self,
        copied: io::Result<()>,
        otherwise: impl FnOnce(io::Error) -> CarryError,
    ) -> Result<(), CarryError> {
        let Descriptor { digest: expected, size, .. } = *self.blob;
        match copied {
            Err(source) if self.trouble => Err(CarryError::Read { digest: expected, source }),
            Err(source) => Err(otherwise(source)),
            Ok(()) => {
                let (actual, length) = (BlobDigest(self.hasher.finish()), self.length);
                let is_right = actual == expected && length == size;
                if is_right { Ok(()) } else { Err(CarryError::Digest { expected, actual, length }) }
            }
        }
    }
}

impl Read for Checked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer).inspect_err(|error| {
            self.trouble = error.kind() != io::ErrorKind::Interrupted;
        })?;
        self.hasher.update(buffer.get(..count).unwrap_or_default());
        self.length = self.length.saturating_add(count as u64);
        (self.told)(count as u64);
        Ok(count)
    }
}
