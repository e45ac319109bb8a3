//! A day of the calendar in UTC, as acceptances end on one.

use std::fmt;

use crate::time::{DAY, Time, civil_of_days, days_of_civil};

/// A day in UTC: days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i64);

impl Date {
    /// Creates the day in which `time` lies.
    pub const fn of(time: Time) -> Self {
        Self(time.0.div_euclid(DAY))
    }

    /// Creates the day of a year, month and day; `None` where the calendar has none.
    pub fn new(year: i32, month: u8, day: u8) -> Option<Self> {
        let date = Self(days_of_civil(year, month, day));
        let is_real = (1..=12).contains(&month) && civil_of_days(date.0) == (year, month, day);
        is_real.then_some(date)
    }

    /// Parses `2027-03-31`; `None` where it is no such day.
    pub fn parse(text: &str) -> Option<Self> {
        let is_of_form = text.len() == 10
            && (text.bytes().enumerate()).all(|(at, byte)| {
                matches!(at, 4 | 7) == (byte == b'-') && (byte == b'-' || byte.is_ascii_digit())
            });
        if !is_of_form {
            return None;
        }
        Self::new(
            text[..4].parse().ok()?,
            text[5..7].parse().ok()?,
            text[8..].parse().ok()?,
        )
    }

    /// Returns the number of days from `earlier` to `self`.
    pub const fn days_since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }

    /// Returns the date `days` later.
    pub const fn plus(self, days: i64) -> Self {
        Self(self.0 + days)
    }
}

/// Formats the date as RFC 3339 does: `2027-03-31`.
impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_of_days(self.0);
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::Date;
    use crate::time::{Time, parse_rfc3339};

    #[test]
    fn days_are_those_of_the_calendar() {
        for text in ["2027-03-31", "2028-02-29", "1970-01-01", "9999-12-31"] {
            assert_eq!(Date::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "2027-02-29",
            "2027-13-01",
            "2027-00-10",
            "2027-1-01",
            "27-01-01",
            "2027-01-01 ",
            "+027-01-01",
            "",
            "2027/01/01",
            "2027-01-32",
            "2027-01-00",
        ] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_day_ends_at_midnight_in_utc() {
        let day = |text: &str| Date::of(parse_rfc3339(text).unwrap());
        assert_eq!(day("2027-03-31T23:59:59.999999Z").to_string(), "2027-03-31");
        assert_eq!(day("2027-04-01T00:00:00Z").to_string(), "2027-04-01");
        assert_eq!(day("2027-04-01T01:00:00+02:00").to_string(), "2027-03-31");
        assert_eq!(Date::of(Time(-1)).to_string(), "1969-12-31");
    }
}
