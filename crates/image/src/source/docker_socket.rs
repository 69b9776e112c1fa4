//! Images from a running daemon by the Engine API (<https://docs.docker.com/reference/api/engine/>): the last resort,
//! where its files cannot be read. Docker and podman answer it.
//!
//! The archive that `docker save` would write is spooled into an anonymous temporary file and read from there.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use plimsoll_formats::bounded;
use plimsoll_model::digest::BlobDigest;
use serde::Deserialize;

use super::archive::{ArchiveOptions, images_in};
use super::layout::Selector;
use super::{Image, PlatformChoice, SourceError, of_platform};

mod http;

use http::Response;

/// What the daemon says of an image is a few kilobytes.
const ANSWER_LIMIT: u64 = 8 << 20;
const HINT: &str = "be a member of the group of the socket, or use sudo";

/// How the daemon is asked.
#[derive(Clone, Debug)]
pub struct SocketOptions {
    /// The directory for the anonymous temporary file.
    pub spool: PathBuf,
    /// The most bytes that an archive may have.
    pub archive: u64,
    /// How long the daemon may say nothing; it needs a while before the first byte of a large image.
    pub silence: Duration,
}

/// Asks the daemon at `socket` for `wanted`, by any name that the daemon understands.
///
/// `None` if there is no socket, nobody listens, or the daemon has no such image.
///
/// # Errors
/// See [`SourceError`].
pub fn images(
    socket: &Path,
    wanted: &str,
    choice: &PlatformChoice,
    options: &SocketOptions,
) -> Result<Option<Vec<Image>>, SourceError> {
    if wanted.split('/').any(|part| matches!(part, "" | "." | "..")) {
        // No image is called so, but it could be the path of another question.
        return Ok(None);
    }
    let daemon = Daemon { socket, silence: options.silence };
    let name = percent_encoded(wanted);
    let Some(id) = daemon.id_of(&name)? else { return Ok(None) };
    let Some(spool) = daemon.archive(&name, options)? else { return Ok(None) };
    let archive = ArchiveOptions { spool: options.spool.clone(), inflated: options.archive };
    let mut images = images_in(spool, &PathBuf::from(wanted), &Selector::Only, choice, &archive)?;
    for image in &mut images {
        // The name may have moved between the two questions. Where a manifest comes along, the ID may be an index's.
        if image.manifest_digest.is_none() && image.config_digest != Some(id) {
            return Err(daemon.error(format!("it sent another image than {id}")));
        }
        wanted.clone_into(&mut image.name);
    }
    of_platform(images, choice).map(Some)
}

struct Daemon<'a> {
    socket: &'a Path,
    silence: Duration,
}

impl Daemon<'_> {
    fn error(&self, problem: String) -> SourceError {
        SourceError::Daemon { place: self.socket.display().to_string(), problem }
    }

    fn failed(&self, source: io::Error) -> SourceError {
        if matches!(source.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) {
            return self.error(format!("the daemon said nothing for {} seconds", self.silence.as_secs()));
        }
        SourceError::reading(self.socket.to_owned(), HINT, source)
    }

    /// The ID of the image called `name`.
    fn id_of(&self, name: &str) -> Result<Option<BlobDigest>, SourceError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Inspected {
            id: BlobDigest,
        }
        let Some(response) = self.get(&format!("/images/{name}/json"))? else { return Ok(None) };
        let body = bounded::read(response.body, ANSWER_LIMIT).map_err(|source| self.failed(source))?;
        let inspected: Inspected = serde_json::from_slice(&body)
            .map_err(|error| self.error(format!("its answer is malformed: {error}")))?;
        Ok(Some(inspected.id))
    }

    /// The archive of the image called `name`, in a temporary file.
    fn archive(&self, name: &str, options: &SocketOptions) -> Result<Option<std::fs::File>, SourceError> {
        let Some(response) = self.get(&format!("/images/{name}/get"))? else { return Ok(None) };
        let spool_error = |source| SourceError::Read { path: options.spool.clone(), source };
        let mut spool = tempfile::tempfile_in(&options.spool).map_err(spool_error)?;
        let mut body = response.body.take(options.archive.saturating_add(1));
        let mut buffer = vec![0; 128 << 10];
        let mut copied = 0;
        loop {
            let count = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.failed(error)),
            };
            copied += count as u64;
            if copied > options.archive {
                return Err(self.error(format!("the image is larger than {} bytes", options.archive)));
            }
            spool.write_all(buffer.get(..count).unwrap_or_default()).map_err(spool_error)?;
        }
        spool.seek(SeekFrom::Start(0)).map_err(spool_error)?;
        Ok(Some(spool))
    }

    /// Asks for `path`; `None` if nobody is there or the answer is 404.
    fn get(&self, path: &str) -> Result<Option<Response>, SourceError> {
        let stream = match UnixStream::connect(self.socket) {
            Ok(stream) => stream,
            Err(error)
                if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(self.failed(error)),
        };
        let response = http::get(stream, path, self.silence).map_err(|source| self.failed(source))?;
        match response.status {
            200 => Ok(Some(response)),
            404 => Ok(None),
            status => Err(self.refused(status, response)),
        }
    }

    /// The daemon's own words are in `message`.
    fn refused(&self, status: u16, response: Response) -> SourceError {
        #[derive(Deserialize)]
        struct Words {
            message: String,
        }
        let words = bounded::read(response.body, 64 << 10).ok();
        let words =
            words.and_then(|body| serde_json::from_slice::<Words>(&body).ok()).map(|words| words.message);
        let words: String = words.unwrap_or_default().chars().take(500).collect();
        self.error(format!("the daemon answered {status} {words:?}"))
    }
}

/// A name as part of a path; the API wants the slashes of a name as they are.
fn percent_encoded(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/:@-._".contains(&byte);
    let parts = name.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") });
    parts.collect()
}

#[cfg(test)]
mod tests;
