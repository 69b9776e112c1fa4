//! As much of HTTP/1.1 (RFC 9112) as one GET to a local daemon needs.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// Status line and headers together are at most this long.
const HEAD_LIMIT: u64 = 64 << 10;

/// An answer whose body is still to be read.
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) body: Body,
}

/// A body; it ends with an error if the connection does before it.
pub(super) struct Body {
    stream: BufReader<UnixStream>,
    framing: Framing,
}

enum Framing {
    /// So many bytes are left.
    Length(u64),
    /// So many bytes are left of a chunk; the first chunk has not begun.
    Chunked { left: u64, first: bool, ended: bool },
    /// All until the connection ends.
    Close,
}

/// Asks for `path`, which must be encoded; no read or write may take longer than `silence`.
pub(super) fn get(mut stream: UnixStream, path: &str, silence: Duration) -> io::Result<Response> {
    stream.set_read_timeout(Some(silence))?;
    stream.set_write_timeout(Some(silence))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: plimsoll\r\nConnection: close\r\n\r\n"
    )?;
    let mut stream = BufReader::with_capacity(64 << 10, stream);
    let mut room = HEAD_LIMIT;
    let status = status(&line(&mut stream, &mut room)?)?;
    let mut framing = Framing::Close;
    loop {
        let header = line(&mut stream, &mut room)?;
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(':').ok_or_else(|| malformed("a header has no colon"))?;
        if name.eq_ignore_ascii_case("transfer-encoding") {
            if !value.trim().eq_ignore_ascii_case("chunked") {
                return Err(malformed("the transfer encoding is unknown"));
            }
            framing = Framing::Chunked { left: 0, first: true, ended: false };
        } else if name.eq_ignore_ascii_case("content-length") && matches!(framing, Framing::Close) {
            framing =
                Framing::Length(value.trim().parse().map_err(|_| malformed("the length is no number"))?);
        }
    }
    Ok(Response { status, body: Body { stream, framing } })
}

fn status(line: &str) -> io::Result<u16> {
    let mut parts = line.split(' ');
    let version = parts.next().filter(|version| version.starts_with("HTTP/1."));
    let status = parts.next().and_then(|status| status.parse().ok());
    version.and(status).ok_or_else(|| malformed("the first line is no status line"))
}

/// A line without its end; `room` is what all lines may take.
fn line(stream: &mut impl BufRead, room: &mut u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    stream.take(*room).read_until(b'\n', &mut bytes)?;
    *room = room.saturating_sub(bytes.len() as u64);
    let line = bytes.strip_suffix(b"\n").ok_or_else(|| malformed("a line is cut off or too long"))?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    String::from_utf8(line.to_vec()).map_err(|_| malformed("a line is not UTF-8"))
}

fn malformed(problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("this is no HTTP answer: {problem}"))
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        self.next_chunk()?;
        let left = match &mut self.framing {
            Framing::Close => return self.stream.read(buffer),
            Framing::Length(left) | Framing::Chunked { left, .. } => left,
        };
        if *left == 0 {
            return Ok(0);
        }
        let room = buffer.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
        let count = self.stream.read(buffer.get_mut(..room).unwrap_or_default())?;
        if count == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the answer ends early"));
        }
        *left = left.saturating_sub(count as u64);
        Ok(count)
    }
}

impl Body {
    /// Reads the size of the next chunk once the one before is used up.
    fn next_chunk(&mut self) -> io::Result<()> {
        let Framing::Chunked { left: left @ 0, first, ended: ended @ false } = &mut self.framing else {
            return Ok(());
        };
        let mut room = 1024;
        if !*first && !line(&mut self.stream, &mut room)?.is_empty() {
            return Err(malformed("a chunk is longer than it says"));
        }
        *first = false;
        let size = line(&mut self.stream, &mut room)?;
        let digits = size.split(';').next().unwrap_or_default().trim();
        let is_hex = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let size = if is_hex { u64::from_str_radix(digits, 16).ok() } else { None };
        *left = size.ok_or_else(|| malformed("the size of a chunk is no number"))?;
        *ended = *left == 0;
        Ok(())
    }
}
