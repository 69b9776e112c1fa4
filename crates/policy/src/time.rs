//! When exceptions end, and when mercy does.

use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::Deserialize;

/// Until when an exception counts: its last instant still does.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub(crate) struct Expiry {
    written: String,
    end: End,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    /// All of the day counts, in UTC.
    Day(Date),
    Instant(Timestamp),
}

/// Why a text is no end.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is neither a day, as 2026-12-31, nor a time with its zone, as 2026-12-31T18:00:00Z")]
pub(crate) struct ExpiryError(String);

impl TryFrom<String> for Expiry {
    type Error = ExpiryError;

    fn try_from(written: String) -> Result<Self, Self::Error> {
        let is_day = written.len() == 10;
        let end =
            if is_day { written.parse().map(End::Day).ok() } else { written.parse().map(End::Instant).ok() };
        match end {
            Some(end) => Ok(Self { written, end }),
            None => Err(ExpiryError(written.chars().take(40).collect())),
        }
    }
}

impl Expiry {
    /// An end that another tool's file writes as `written`, whose last instant is `last`.
    pub(crate) const fn at(written: String, last: Timestamp) -> Self {
        Self { written, end: End::Instant(last) }
    }

    /// The end as written.
    pub(crate) fn as_str(&self) -> &str {
        &self.written
    }

    /// Tells whether it is over at `now`.
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        match self.end {
            End::Day(day) => day_of(now) > day,
            End::Instant(instant) => now > instant,
        }
    }
}

/// The day of an instant, in UTC.
pub(crate) fn day_of(now: Timestamp) -> Date {
    now.to_zoned_datetime(TimeZone::UTC).date()
}

/// The day that comes `days` after `day`.
pub(crate) fn later(day: Date, days: Days) -> Date {
    day.checked_add(i64::from(days.0).days()).unwrap_or(day)
}

/// `30d`, `2w`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub(crate) struct Days(pub(crate) u16);

/// Why a text is no number of days.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no number of days or weeks, as 14d or 2w")]
pub(crate) struct DaysError(String);

impl FromStr for Days {
    type Err = DaysError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || DaysError(text.chars().take(40).collect());
        let (number, factor) = match (text.strip_suffix('d'), text.strip_suffix('w')) {
            (Some(number), _) => (number, 1),
            (None, Some(number)) => (number, 7),
            (None, None) => return Err(error()),
        };
        let number: u16 = number.parse().map_err(|_| error())?;
        number.checked_mul(factor).filter(|days| *days <= 3660).map(Self).ok_or_else(error)
    }
}

impl TryFrom<String> for Days {
    type Error = DaysError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// `14d since published`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub(crate) struct Grace {
    pub(crate) days: Days,
    pub(crate) since: Since,
}

/// What a time of grace is counted from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Since {
    /// The day that a look at the image first had it.
    Found,
    /// The day that the vulnerability was published.
    Published,
    /// The day that it was listed as exploited.
    KnownExploited,
}

/// Why a text is no time of grace.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GraceError {
    #[error(transparent)]
    Days(#[from] DaysError),
    #[error("{0:?} is no time of grace, as 14d since published")]
    Form(String),
    #[error("no feed tells the day of {0:?}: grace is since found, since published or since known-exploited")]
    Since(String),
}

impl TryFrom<String> for Grace {
    type Error = GraceError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let short = || text.chars().take(40).collect();
        let words: Vec<&str> = text.split_whitespace().collect();
        let [days, "since", since] = words.as_slice() else { return Err(GraceError::Form(short())) };
        let since = match *since {
            "found" => Since::Found,
            "published" => Since::Published,
            "known-exploited" => Since::KnownExploited,
            other => return Err(GraceError::Since(other.chars().take(40).collect())),
        };
        Ok(Self { days: days.parse()?, since })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over(end: &str, now: &str) -> bool {
        Expiry::try_from(end.to_owned()).unwrap().is_over(now.parse().unwrap())
    }

    #[test]
    fn the_last_instant_counts_and_the_next_second_does_not() {
        assert!(!over("2026-12-31", "2026-12-31T23:59:59Z"));
        assert!(over("2026-12-31", "2027-01-01T00:00:00Z"));
        assert!(!over("2026-12-31T18:00:00Z", "2026-12-31T18:00:00Z"));
        assert!(over("2026-12-31T18:00:00Z", "2026-12-31T18:00:01Z"));
        assert!(!over("2026-12-31T18:00:00+01:00", "2026-12-31T17:00:00Z"));
        for wrong in ["", "soon", "2026-13-01", "2026-12-31T18:00:00", "31.12.2026"] {
            assert!(Expiry::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn grace_is_days_or_weeks_since_a_day_that_is_known() {
        let grace = |text: &str| Grace::try_from(text.to_owned());
        let expected = Grace { days: Days(14), since: Since::Published };
        assert_eq!(grace("14d since published").unwrap(), expected);
        assert_eq!(grace("2w since  published").unwrap(), expected);
        assert_eq!(grace("7d since found").unwrap(), Grace { days: Days(7), since: Since::Found });
        for wrong in
            ["14", "14d", "-1d since published", "99999d since published", "14d since fixed", "1d 2d"]
        {
            assert!(grace(wrong).is_err(), "{wrong}");
        }
        assert!(grace("14d since fixed").unwrap_err().to_string().contains("no feed tells"));
    }
}
