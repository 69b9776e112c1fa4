//! Times as documents have them.

use jiff::Timestamp;

/// The time in whole seconds, UTC, as RFC 3339 and most documents of the field write it.
#[must_use]
pub fn in_seconds(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}
