//! Reading with a bound: nothing from outside is read whole without one.

use std::io::{self, Read};

/// Reads `reader` whole, or fails once it has yielded more than `limit` bytes.
#[expect(clippy::disallowed_methods, reason = "this is the bound")]
pub(crate) fn read(reader: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
        Ok(bytes)
    } else {
        Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {limit} bytes")))
    }
}
