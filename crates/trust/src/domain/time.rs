//! Times in a trust file: lengths, and when keys begin and cease to count.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Reads `90d`, `12h` or `2w`.
///
/// # Errors
/// If it is no such length, or a very long one.
pub fn length(text: &str) -> Result<SignedDuration, String> {
    let wrong = || format!("{text:?} is no length of time, as 12h, 90d or 2w");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let hours = match unit {
        'h' => 1,
        'd' => 24,
        'w' => 7 * 24,
        _ => return Err(wrong()),
    };
    let digits = text.strip_suffix(unit).unwrap_or_default();
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let count: i64 = digits.parse().ok().filter(|_| is_number).ok_or_else(wrong)?;
    let in_range = (1..=24 * 365 * 100).contains(&count.saturating_mul(hours));
    if in_range { Ok(SignedDuration::from_hours(count.saturating_mul(hours))) } else { Err(wrong()) }
}

/// Which end of a time a text is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Edge {
    /// A day is its first instant.
    From,
    /// A day is its last instant.
    Until,
}

/// Reads a day (in UTC) or an instant.
pub(super) fn edge(text: &str, edge: Edge) -> Result<Timestamp, String> {
    let wrong = || format!("{text:?} is neither a day, as 2026-12-31, nor a time with its zone");
    if text.len() > 10 {
        return text.parse().map_err(|_| wrong());
    }
    let day: Date = text.parse().map_err(|_| wrong())?;
    let time = if edge == Edge::From { Time::midnight() } else { Time::MAX };
    TimeZone::UTC.to_timestamp(day.to_datetime(time)).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_edges_are_read_and_mistakes_are_told() {
        assert_eq!(length("2w"), length("14d"));
        assert_eq!(length("48h"), length("2d"));
        for wrong in ["", "d", "1", "0d", "-1d", "+1d", "1m", "99999999999999999999d", "999999w"] {
            assert!(length(wrong).is_err(), "{wrong}");
        }
        let day = "2026-12-31";
        assert_eq!(edge(day, Edge::From).unwrap().to_string(), "2026-12-31T00:00:00Z");
        assert!(edge(day, Edge::Until).unwrap() > "2026-12-31T23:59:59Z".parse().unwrap());
        assert!(edge("2026-13-01", Edge::From).is_err() && edge("2026-12-31T00:00:00", Edge::From).is_err());
    }
}
