//! Dates as feeds write them.

use jiff::civil::Date;

/// The day of an ISO 8601 time. A year before 1990 is a placeholder (Go's database writes year one), not a date.
pub(crate) fn day(text: &str) -> Option<Date> {
    let date: Date = text.get(..10)?.parse().ok()?;
    (1990..=2200).contains(&date.year()).then_some(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_no_dates() {
        assert_eq!(day("2023-07-13T00:00:00Z"), Some(jiff::civil::date(2023, 7, 13)));
        for text in ["0001-01-01T00:00:00Z", "", "2023", "2023-13-01", "yesterday, all my"] {
            assert_eq!(day(text), None, "{text}");
        }
    }
}
