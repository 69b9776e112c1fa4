//! Time zones for [`chrono`] by their names in the IANA database, for the languages of conditions: CEL and Rego.
//!
//! Stands in for the crate of the same name (`[patch.crates-io]`), of which it has what those languages' crates use. That one writes each change of each zone
//! into a table full of addresses, which the loader puts right at every start of the program, at the price of a quarter of its time, whether a zone is
//! ever named or not. Here the same database is bytes, and a zone is read when it is named.
#![forbid(unsafe_code)]

use std::fmt;
use std::str::FromStr;

use chrono::{
    Datelike, FixedOffset, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Timelike,
};
use jiff::civil;
use jiff::tz::{self, AmbiguousOffset};

/// Coordinated Universal Time.
pub const UTC: Tz = Tz(tz::TimeZone::UTC);

/// A time zone of the database that comes with the program; names in any case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tz(tz::TimeZone);

/// A name that the database does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseError;

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no time zone of this name")
    }
}

impl std::error::Error for ParseError {}

impl FromStr for Tz {
    type Err = ParseError;

    fn from_str(name: &str) -> Result<Self, ParseError> {
        tz::TimeZone::get(name).map(Tz).map_err(|_| ParseError)
    }
}

/// What a zone is away from UTC at some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TzOffset {
    zone: Tz,
    east: FixedOffset,
}

impl fmt::Display for TzOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.east, f)
    }
}

impl Offset for TzOffset {
    fn fix(&self) -> FixedOffset {
        self.east
    }
}

impl Tz {
    fn offset(&self, east: tz::Offset) -> TzOffset {
        let utc = FixedOffset::east_opt(0).unwrap_or_else(|| chrono::Utc.fix());
        TzOffset { zone: self.clone(), east: FixedOffset::east_opt(east.seconds()).unwrap_or(utc) }
    }
}

/// The same time of the wall clock; the last second of year 9999 for later years, and the like for earlier ones.
fn civil_of(time: &NaiveDateTime) -> civil::DateTime {
    let out_of_range = if time.year() < 0 { civil::DateTime::MIN } else { civil::DateTime::MAX };
    let (Ok(year), Ok(month), Ok(day)) =
        (i16::try_from(time.year()), i8::try_from(time.month()), i8::try_from(time.day()))
    else {
        return out_of_range;
    };
    let (Ok(hour), Ok(minute), Ok(second)) =
        (i8::try_from(time.hour()), i8::try_from(time.minute()), i8::try_from(time.second()))
    else {
        return out_of_range;
    };
    civil::DateTime::new(year, month, day, hour, minute, second, 0).unwrap_or(out_of_range)
}

impl TimeZone for Tz {
    type Offset = TzOffset;

    fn from_offset(offset: &TzOffset) -> Self {
        offset.zone.clone()
    }

    fn offset_from_local_date(&self, local: &NaiveDate) -> MappedLocalTime<TzOffset> {
        self.offset_from_local_datetime(&local.and_time(NaiveTime::MIN))
    }

    fn offset_from_local_datetime(&self, local: &NaiveDateTime) -> MappedLocalTime<TzOffset> {
        match self.0.to_ambiguous_timestamp(civil_of(local)).offset() {
            AmbiguousOffset::Unambiguous { offset } => MappedLocalTime::Single(self.offset(offset)),
            AmbiguousOffset::Gap { .. } => MappedLocalTime::None,
            AmbiguousOffset::Fold { before, after } => {
                MappedLocalTime::Ambiguous(self.offset(before), self.offset(after))
            }
        }
    }

    fn offset_from_utc_date(&self, utc: &NaiveDate) -> TzOffset {
        self.offset_from_utc_datetime(&utc.and_time(NaiveTime::MIN))
    }

    fn offset_from_utc_datetime(&self, utc: &NaiveDateTime) -> TzOffset {
        let end = if utc.year() < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        let time = jiff::Timestamp::from_second(utc.and_utc().timestamp()).unwrap_or(end);
        self.offset(self.0.to_offset(time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap()
    }

    /// What the zone is away from UTC, in seconds.
    fn away(zone: &str, time: &str) -> i32 {
        zone.parse::<Tz>().unwrap().offset_from_utc_datetime(&utc(time)).fix().local_minus_utc()
    }

    #[test]
    fn a_zone_is_away_from_utc_by_what_it_was_at_that_time() {
        for (zone, time, seconds) in [
            ("Europe/Berlin", "2026-01-01 12:00:00", 3600),
            ("Europe/Berlin", "2026-07-01 12:00:00", 7200),
            ("Europe/Berlin", "2026-03-29 00:59:59", 3600),
            ("Europe/Berlin", "2026-03-29 01:00:00", 7200),
            ("America/New_York", "1945-08-01 00:00:00", -4 * 3600),
            ("Asia/Kathmandu", "2026-01-01 00:00:00", 20_700),
            ("America/St_Johns", "2026-01-01 00:00:00", -12_600),
            ("PST8PDT", "2040-07-01 00:00:00", -7 * 3600),
            ("UTC", "2026-01-01 00:00:00", 0),
            ("Europe/Berlin", "-9000-01-01 00:00:00", 3208),
        ] {
            assert_eq!(away(zone, time), seconds, "{zone} at {time}");
        }
        let far = NaiveDate::from_ymd_opt(200_000, 1, 1).unwrap();
        assert_eq!(
            "Europe/Berlin".parse::<Tz>().unwrap().offset_from_utc_date(&far).fix().local_minus_utc(),
            3600
        );
    }

    #[test]
    fn a_local_time_is_none_one_or_two() {
        let zone: Tz = "Europe/Berlin".parse().unwrap();
        assert!(matches!(
            zone.offset_from_local_datetime(&utc("2026-03-29 02:30:00")),
            MappedLocalTime::None
        ));
        assert!(matches!(
            zone.offset_from_local_datetime(&utc("2026-10-25 02:30:00")),
            MappedLocalTime::Ambiguous(_, _)
        ));
        let one = zone.offset_from_local_datetime(&utc("2026-10-25 03:30:00")).single().unwrap();
        assert_eq!(one.to_string(), "+01:00");
        assert_eq!(Tz::from_offset(&one), zone);
    }

    #[test]
    fn names_that_nobody_gave_are_refused() {
        for name in ["Europe/Nowhere", "", "../../etc/passwd", "Europe/Berlin\0"] {
            assert_eq!(name.parse::<Tz>(), Err(ParseError), "{name:?}");
        }
    }
}
