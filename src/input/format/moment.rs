//! Times as collectors, exports and databases write them into a field of their own.

use chrono::NaiveDateTime;

use super::header::{
    ZONES, clock, day, digits, fraction, iso, literal, month, spaces, stamp_of, word, zone,
};
use crate::time::{SECOND, Stamp, Time, day_of_civil};

/// 2001-09-09, in seconds since 1970.
const CENTURY: i64 = 1_000_000_000;

/// Notations that one reading alone makes sense of, in the directives of strftime(3). Days and months as numbers with the
/// year behind them are none: `05/04/2026` is another day in Boston than in Berlin.
///
/// From: the Common Log Format of web servers, RFC 5322, ISO 8601 (basic), RFC 3164 with a year, Go's and Java's loggers,
/// Oracle and PostgreSQL, AWS CloudWatch, Microsoft's Event Viewer, date(1).
const NOTATIONS: &[&str] = &[
    "%d/%b/%Y:%H:%M:%S%.f",
    "%d/%b/%Y %H:%M:%S%.f",
    "%d-%b-%Y %H:%M:%S%.f",
    "%d %b %Y %H:%M:%S%.f",
    "%a, %d %b %Y %H:%M:%S%.f",
    "%Y/%m/%d %H:%M:%S%.f",
    "%Y-%m-%d %I:%M:%S%.f %p",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
    "%Y%m%dT%H%M%S%.f",
    "%Y%m%d %H:%M:%S%.f",
    "%Y %b %d %H:%M:%S%.f",
    "%b %d, %Y %I:%M:%S%.f %p",
    "%b %d, %Y, %I:%M:%S%.f %p",
    "%b %d, %Y %H:%M:%S%.f",
    "%b %d, %Y, %H:%M:%S%.f",
    "%a %b %d %H:%M:%S UTC %Y",
    "%a %b %d %H:%M:%S GMT %Y",
];

/// A time that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) stamp: Stamp,
    /// Whether the time has the name of a zone that is not UTC.
    pub(super) zone_name: bool,
}

impl From<Stamp> for Moment {
    fn from(stamp: Stamp) -> Self {
        Self {
            stamp,
            zone_name: false,
        }
    }
}

/// Parses a time of a collector: RFC 3339, a stamp of syslog, Kibana's or ctime's, a number since 1970 in seconds or a
/// finer unit, which its size shows, or one of [`NOTATIONS`]. A number of seconds too small for this century is an uptime.
pub(super) fn moment(text: &[u8]) -> Option<Moment> {
    let text = text.trim_ascii();
    let mut rest = text;
    if let Some(stamp) = iso(&mut rest) {
        return zoned(stamp, rest).or_else(|| noted(text));
    }
    number(text)
        .or_else(|| calendar(text))
        .map(Moment::from)
        .or_else(|| noted(text))
}

/// Parses a number: since 1970, or since boot.
fn number(text: &[u8]) -> Option<Stamp> {
    let mut rest = text;
    let whole = digits(&mut rest, 1, 19)?;
    let has_point = matches!(rest, [b'.', ..]);
    let micros = if has_point { fraction(&mut rest)? } else { 0 };
    if !rest.is_empty() || !has_point && is_civil(text) {
        return None;
    }
    if has_point || whole < CENTURY {
        let micros = whole.checked_mul(SECOND)?.checked_add(micros)?;
        return Some(if whole < CENTURY {
            Stamp::Uptime { micros }
        } else {
            let at = Time(micros);
            Stamp::Dated { at, fine: true }
        });
    }
    let (at, fine) = match whole {
        CENTURY..100_000_000_000 => (whole * SECOND, false),
        100_000_000_000..100_000_000_000_000 => (whole * 1000, true),
        100_000_000_000_000..100_000_000_000_000_000 => (whole, true),
        _ => (whole / 1000, true),
    };
    let at = Time(at);
    Some(Stamp::Dated { at, fine })
}

/// Whether the digits are those of a date, `20260504` or `20260504100000`, which are no number of seconds.
fn is_civil(text: &[u8]) -> bool {
    matches!(text.len(), 8 | 14) && text.starts_with(b"20") && day_of(text).is_some()
}

/// Returns the day that the eight digits name that `text` begins with.
fn day_of(mut text: &[u8]) -> Option<i64> {
    let year = digits(&mut text, 4, 4)?;
    let (month, day) = (digits(&mut text, 2, 2)?, digits(&mut text, 2, 2)?);
    day_of_civil(year as i32, month as u8, day as u8)
}

/// Parses a time that begins with a word: `May  4 09:58:10`, `Mon May  4 09:58:10 2026`, `May 4, 2026 @ 09:58:10.000`.
fn calendar(text: &[u8]) -> Option<Stamp> {
    let mut rest = text;
    let named = month(&mut rest).or_else(|| {
        // The weekday is redundant with the date.
        rest = text;
        word(&mut rest).filter(|weekday| !weekday[0].is_ascii_digit())?;
        spaces(&mut rest);
        month(&mut rest)
    })?;
    spaces(&mut rest);
    let day = day(&mut rest)?;
    let _ = literal(&mut rest, b",");
    spaces(&mut rest);
    let is_year = rest.get(4) == Some(&b' ');
    let mut year = if is_year {
        Some(digits(&mut rest, 4, 4)?)
    } else {
        None
    };
    spaces(&mut rest);
    let _ = literal(&mut rest, b"@ ");
    let (day_micros, fine) = clock(&mut rest)?;
    spaces(&mut rest);
    if year.is_none() && !rest.is_empty() {
        year = Some(digits(&mut rest, 4, 4)?);
    }
    let stamp = match year {
        Some(year) => stamp_of(
            day_of_civil(year as i32, named, day),
            day_micros,
            None,
            fine,
        ),
        None => Stamp::Yearless {
            month: named,
            day,
            day_micros,
            fine,
        },
    };
    rest.is_empty().then_some(stamp)
}

/// Parses a time in one of [`NOTATIONS`].
fn noted(text: &[u8]) -> Option<Moment> {
    /// Longer than any time.
    const MAX_TIME: usize = 64;
    let text = str::from_utf8(text.get(..text.len().min(MAX_TIME + 1))?).ok()?;
    if text.len() > MAX_TIME {
        return None;
    }
    if text.len() == 14 && is_civil(text.as_bytes()) {
        return noted(format!("{}T{}", &text[..8], &text[8..]).as_bytes());
    }
    NOTATIONS.iter().find_map(|notation| {
        let (local, zone) = NaiveDateTime::parse_and_remainder(text, notation).ok()?;
        let utc = local.and_utc();
        let stamp = Stamp::Zoneless {
            at: Time(utc.timestamp_micros()),
            fine: notation.ends_with("%.f") && text.contains('.'),
        };
        let is_utc = notation.contains("UTC") || notation.contains("GMT");
        zoned(stamp, if is_utc { b"UTC" } else { zone.as_bytes() })
    })
}

/// Adds the zone that stands behind a time; `None` where that is no zone.
fn zoned(stamp: Stamp, zone_text: &[u8]) -> Option<Moment> {
    let mut rest = zone_text.trim_ascii();
    if rest.is_empty() {
        return Some(stamp.into());
    }
    let ahead = zone(&mut rest);
    // Go repeats the zone by its name, and Java puts that into brackets.
    let name = rest.trim_ascii();
    let name = name.strip_prefix(b"[").unwrap_or(name);
    let name = name.strip_suffix(b"]").unwrap_or(name);
    let is_name = name.iter().all(|b| b.is_ascii_alphabetic() || *b == b'/');
    let (at, fine) = match stamp {
        Stamp::Zoneless { at, fine } => (at, fine),
        dated => return is_name.then(|| dated.into()),
    };
    match (ahead, name) {
        (Some(ahead), _) if is_name => {
            let at = Time(at.0 - ahead);
            Some(Stamp::Dated { at, fine }.into())
        }
        (None, b"UTC" | b"GMT") => Some(Stamp::Dated { at, fine }.into()),
        (None, name) if ZONES.contains(&name) => Some(Moment {
            stamp,
            zone_name: true,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_where_one_reading_alone_makes_sense() {
        // 2026-05-04T10:00:00Z
        const AT: i64 = 1_777_888_800 * SECOND;
        for text in [
            "2026-05-04T10:00:00Z",
            "2026-05-04T10:00:00.000000000Z",
            "2026-05-04T12:00:00+02:00",
            "2026-05-04 10:00:00 UTC",
            "2026-05-04 12:00:00 +0200",
            "2026-05-04 10:00:00.000000 +0000 UTC",
            "2026-05-04T12:00:00+02:00[Europe/Berlin]",
            "2026-05-04 10:00Z",
            "2026-05-04 10:00:00 AM UTC",
            "2026/05/04 10:00:00 +0000",
            "04/May/2026:10:00:00 +0000",
            "04/May/2026:12:00:00.000 +0200",
            "04-May-2026 10:00:00 UTC",
            "4 May 2026 10:00:00 GMT",
            "Mon, 04 May 2026 10:00:00 GMT",
            "Mon, 4 May 2026 12:00:00 +0200",
            "Mon May  4 10:00:00 UTC 2026",
            "May 4, 2026 10:00:00 AM UTC",
            "May 4, 2026, 10:00:00.000 AM GMT",
            "20260504T100000Z",
            "1777888800",
            "1777888800.000",
            "1777888800000",
            "1777888800000000",
            "1777888800000000000",
        ] {
            let read = moment(text.as_bytes());
            let Some(Moment {
                stamp: Stamp::Dated { at, .. },
                zone_name: false,
            }) = read
            else {
                panic!("{text}: {read:?}");
            };
            assert_eq!(at, Time(AT), "{text}");
        }
        for text in [
            "2026-05-04T10:00:00",
            "2026-05-04 10:00",
            "2026/05/04 10:00:00.000",
            "04/May/2026:10:00:00",
            "04/May/2026 10:00:00",
            "May 4, 2026 @ 10:00:00.000",
            "May 4, 2026 10:00:00 AM",
            "Mon May  4 10:00:00 2026",
            "2026 May 04 10:00:00",
            "20260504100000",
            "20260504 10:00:00",
        ] {
            let read = moment(text.as_bytes()).map(|read| read.stamp);
            let Some(Stamp::Zoneless { at, .. }) = read else {
                panic!("{text}: {read:?}");
            };
            assert_eq!(at, Time(AT), "{text}");
        }
        let named = moment(b"2026-05-04 12:00:00 CEST").unwrap();
        assert!(named.zone_name);
        let boot = moment(b"12345.677901").unwrap().stamp;
        let micros = 12_345_677_901;
        assert_eq!(boot, Stamp::Uptime { micros });
        assert_eq!(
            moment(b"2026-02-29T10:00:00Z").map(|read| read.stamp),
            Some(Stamp::NoSuchDay)
        );
    }

    #[test]
    fn a_time_with_two_readings_or_none_is_not_read() {
        for text in [
            "",
            "-",
            "now",
            "05/04/2026 10:00:00 AM",
            "5/4/2026, 10:00:00.000 AM",
            "04.05.2026 10:00:00",
            "20260504",
            "10:00:00",
            "2026-05-04",
            "2026-05-04T25:00:00Z",
            "1.777E+12",
            "4 minutes ago",
            "2026-05-04 10:00:00 harvester1",
            "2026-05-04T10:00:00Z 2026-05-04T10:00:00Z",
        ] {
            assert_eq!(moment(text.as_bytes()), None, "{text}");
        }
    }
}
