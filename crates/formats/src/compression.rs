//! The compressions of layers: gzip (RFC 1952), zstd (RFC 8878; zstd:chunked is plain zstd with skippable
//! frames), or none. Told from the first bytes, because media types are often wrong.
//!
//! Gzip is inflated by zlib-rs, or, with the `isal` feature, by ISA-L. Both read all members of a
//! multi-member file (eStargz, pigz) and verify each member's CRC.

use std::io::{self, BufRead, Read, Write};

/// How a stream is compressed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Compression {
    /// Not at all.
    None,
    /// Gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

/// A zstd frame may ask for a window of 2^27 bytes at most (the zstd tool's own default limit).
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

impl Compression {
    /// Tells the compression from the first bytes; four suffice.
    #[must_use]
    pub fn of(first_bytes: &[u8]) -> Self {
        match first_bytes {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            // A skippable frame, with which zstd:chunked and seekable files may start.
            [low, 0x2a, 0x4d, 0x18, ..] if (0x50..=0x5f).contains(low) => Self::Zstd,
            _ => Self::None,
        }
    }

    /// The name in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// As [`Compression::decode`], for a reader that moves between threads: ISA-L's cannot.
    ///
    /// # Errors
    /// If the decoder cannot be made.
    pub fn decode_send<'a>(self, reader: impl BufRead + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
        Ok(match self {
            Self::None => Box::new(reader),
            Self::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(reader)),
            Self::Zstd => Box::new(zstd_decoder(reader)?),
        })
    }

    /// Wraps `reader` so that plain bytes come out.
    ///
    /// # Errors
    /// If the decoder cannot be made.
    pub fn decode<'a>(self, reader: impl BufRead + 'a) -> io::Result<Box<dyn Read + 'a>> {
        Ok(match self {
            Self::None => Box::new(reader),
            Self::Gzip => gzip(reader),
            Self::Zstd => Box::new(zstd_decoder(reader)?),
        })
    }

    /// Wraps `writer` so that plain bytes can be written to it. The same bytes always give the same bytes: no name and
    /// no time is stored.
    ///
    /// # Errors
    /// If the encoder cannot be made.
    pub fn encode<W: Write>(self, writer: W) -> io::Result<Encoder<W>> {
        Ok(match self {
            Self::None => Encoder::None(writer),
            Self::Gzip => {
                let level = flate2::Compression::default();
                Encoder::Gzip(Box::new(flate2::write::GzEncoder::new(writer, level)))
            }
            Self::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(writer, ZSTD_LEVEL)?;
                encoder.include_checksum(true)?;
                Encoder::Zstd(Box::new(encoder))
            }
        })
    }
}

/// The zstd tool's own default.
const ZSTD_LEVEL: i32 = 3;

/// A stream being compressed. It must be finished.
pub enum Encoder<W: Write> {
    /// Not at all.
    None(W),
    /// With gzip.
    Gzip(Box<flate2::write::GzEncoder<W>>),
    /// With zstd.
    Zstd(Box<zstd::stream::write::Encoder<'static, W>>),
}

impl<W: Write> std::fmt::Debug for Encoder<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Encoder")
    }
}

impl<W: Write> Encoder<W> {
    /// Writes what is left, and gives the writer below.
    ///
    /// # Errors
    /// If that fails.
    pub fn finish(self) -> io::Result<W> {
        match self {
            Self::None(mut writer) => writer.flush().map(|()| writer),
            Self::Gzip(encoder) => encoder.finish(),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::None(writer) => writer.write(bytes),
            Self::Gzip(encoder) => encoder.write(bytes),
            Self::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::None(writer) => writer.flush(),
            Self::Gzip(encoder) => encoder.flush(),
            Self::Zstd(encoder) => encoder.flush(),
        }
    }
}

/// Inflates a zlib stream (RFC 1950) and ignores what follows it.
///
/// # Errors
/// If it is corrupt, or of kind [`io::ErrorKind::FileTooLarge`] if it yields more than `limit` bytes.
pub fn inflate_zlib(bytes: &[u8], limit: u64) -> io::Result<Vec<u8>> {
    crate::bounded::read(flate2::bufread::ZlibDecoder::new(bytes), limit)
}

fn zstd_decoder<'a, R: BufRead>(reader: R) -> io::Result<zstd::stream::read::Decoder<'a, R>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(reader)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
    Ok(decoder)
}

#[cfg(not(feature = "isal"))]
fn gzip<'a>(reader: impl BufRead + 'a) -> Box<dyn Read + 'a> {
    Box::new(flate2::bufread::MultiGzDecoder::new(reader))
}

#[cfg(feature = "isal")]
fn gzip<'a>(reader: impl BufRead + 'a) -> Box<dyn Read + 'a> {
    // Boxed before its first read: the decoder keeps pointers into itself.
    Box::new(isa_l::Gzip::new(reader))
}

#[cfg(feature = "isal")]
mod isa_l {
    //! What the `isal-rs` decoder needs around it: full reads, because it takes two reads without output for
    //! corruption, and an error where the input ends inside of a member.

    use std::io::{self, BufRead, Read};

    /// A gzip stream inflated by ISA-L.
    pub(super) struct Gzip<R: BufRead>(Box<isal::read::GzipDecoder<FullReads<R>>>);

    impl<R: BufRead> Gzip<R> {
        pub(super) fn new(reader: R) -> Self {
            Self(Box::new(isal::read::GzipDecoder::new(FullReads(reader))))
        }
    }

    impl<R: BufRead> Read for Gzip<R> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(buffer).map_err(|error| {
                // Errors of the reader below pass through; those of the decoder mean corrupt bytes.
                if error.kind() == io::ErrorKind::Other
                    && error.get_ref().is_some_and(|e| e.is::<isal::error::Error>())
                {
                    io::Error::new(io::ErrorKind::InvalidData, "corrupt or truncated gzip stream")
                } else {
                    error
                }
            })
        }
    }

    /// Fills the buffer of each read unless the input ends.
    struct FullReads<R>(R);

    impl<R: Read> Read for FullReads<R> {
        fn read(&mut self, mut buffer: &mut [u8]) -> io::Result<usize> {
            let mut filled: usize = 0;
            while !buffer.is_empty() {
                match self.0.read(buffer) {
                    Ok(0) => break,
                    Ok(count) => {
                        filled = filled.saturating_add(count);
                        buffer = buffer.get_mut(count..).unwrap_or_default();
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(filled)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzipped(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn plain(compressed: &[u8]) -> io::Result<Vec<u8>> {
        let decoder = Compression::of(compressed).decode(compressed)?;
        crate::bounded::read(decoder, 1 << 30)
    }

    fn noise(len: usize) -> Vec<u8> {
        let mut state = 7_u32;
        let mut next = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0] & 0x3f
        };
        (0..len).map(|_| next()).collect()
    }

    #[test]
    fn what_is_encoded_comes_back_and_is_the_same_each_time() {
        let bytes = noise(200_000);
        for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
            let encoded = || {
                let mut encoder = compression.encode(Vec::new()).unwrap();
                encoder.write_all(&bytes).unwrap();
                encoder.finish().unwrap()
            };
            assert_eq!(encoded(), encoded());
            assert_eq!(Compression::of(&encoded()), compression);
            assert_eq!(plain(&encoded()).unwrap(), bytes);
        }
    }

    #[test]
    fn gzip_of_all_sizes_and_members_comes_back() {
        for len in [0, 1, 511, 16_384, 65_537, 3_000_000] {
            let bytes = noise(len);
            assert_eq!(plain(&gzipped(&bytes)).unwrap(), bytes, "{len}");
        }
        let mut two = gzipped(b"first ");
        two.extend(gzipped(b"second"));
        assert_eq!(plain(&two).unwrap(), b"first second");
    }

    #[test]
    fn zstd_frames_and_skippable_frames_come_back() {
        let bytes = noise(300_000);
        let mut frames = zstd::encode_all(&bytes[..1000], 3).unwrap();
        frames.extend([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);
        frames.extend(zstd::encode_all(&bytes[1000..], 3).unwrap());
        assert_eq!(plain(&frames).unwrap(), bytes);
    }

    #[test]
    fn truncated_and_corrupt_streams_are_errors() {
        let bytes = noise(200_000);
        for whole in [gzipped(&bytes), zstd::encode_all(&bytes[..], 3).unwrap()] {
            for cut in [whole.len() / 3, whole.len() - 9, whole.len() - 1] {
                assert!(plain(&whole[..cut]).is_err(), "{cut} of {}", whole.len());
            }
        }
        let mut flipped = gzipped(&bytes);
        let middle = flipped.len() / 2;
        flipped[middle] ^= 0x10;
        assert!(plain(&flipped).is_err());
    }
}
