//! Times and durations of options, in the words of journalctl (systemd.time(7)), of RFC 3339 and of logs.

use std::str::FromStr;

use chrono::{FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

use crate::error::Error;
use crate::input::short_stamp;
use crate::site::{Window, WindowOrigin};
use crate::time::{DAY, Moment, Reading, SECOND, Stamp, Time, parse_rfc3339};

/// Days of the week that may precede a date; journalctl prints them in its list of boots.
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Parses a duration, in microseconds.
///
/// # Errors
/// If it is malformed, is zero, or has `M`, which means a month and is mostly meant as a minute.
pub(super) fn duration(text: &str) -> Result<i64, Error> {
    let refused = |why: &str| Error::Usage(format!("`{text}` is no duration: {why}"));
    let mut units = text.split(|c: char| !c.is_alphabetic());
    if units.any(|unit| unit == "M") {
        return Err(refused("M would be months; write minutes as 5min or 5m"));
    }
    match humantime::parse_duration(text) {
        Ok(length) if length.as_micros() == 0 => {
            Err(refused("it lasts no time; write 5min or 90s"))
        }
        Ok(length) => Ok(length.as_micros().min(i64::MAX as u128) as i64),
        Err(_) => Err(refused("write a number and a unit, as 5min or 90s")),
    }
}

/// Parses a point in time. A time without a date belongs to the log's own day; a relative time counts from the reference
/// of `reading`.
///
/// # Errors
/// If it is malformed.
pub(super) fn moment(text: &str, reading: &Reading) -> Result<Moment, Error> {
    let text = text.trim();
    if let Some(time) = relative(text, reading)? {
        return Ok(Moment::At(time));
    }
    absolute(text, reading.offset).ok_or_else(|| {
        Error::Usage(format!(
            "`{text}` is no time; write it as `2026-05-05 04:30`, `04:30`, `yesterday` or `-1h`, or as the log does: \
             `May 05 04:30:00`"
        ))
    })
}

/// Returns a time, or a span of times, so that it means the same whenever it is read: what counts from the clock becomes
/// a time in UTC.
pub(super) fn fixed(text: &str, reading: &Reading) -> String {
    if let Some((from, to)) = text.split_once("..") {
        return format!("{}..{}", fixed(from, reading), fixed(to, reading));
    }
    match relative(text.trim(), reading) {
        Ok(Some(time)) if !text.trim().starts_with('@') => time.to_string(),
        _ => text.to_owned(),
    }
}

/// Parses a span of time: `START..END`. An end without a date is on the day of the start; either end may be left out.
///
/// # Errors
/// If it is malformed, or ends before it begins.
pub(super) fn window(text: &str, reading: &Reading) -> Result<Window, Error> {
    let refused = |why: &str| Err(Error::Usage(format!("`{text}` is no span of time: {why}")));
    let Some((from, to)) = text.split_once("..") else {
        return refused("write it as `2026-05-05 04:30..06:00`, or `now..` for one that goes on");
    };
    let (from, to) = (from.trim(), to.trim());
    let end = |text: &str, open| match text {
        "" => Ok(Moment::At(open)),
        text => moment(text, reading),
    };
    if from.is_empty() && to.is_empty() {
        return refused("it has neither start nor end; give one of them");
    }
    let window = Window {
        origin: WindowOrigin::Told,
        from: end(from, Time(0))?,
        to: end(to, Time(i64::MAX))?,
    };
    let day = match (window.from, window.to) {
        // Both belong to the log's day, which is not known yet.
        (Moment::Daytime { .. }, Moment::Daytime { .. }) => return Ok(window),
        (Moment::Daytime { .. }, _) if to.is_empty() => return Ok(window),
        (_, Moment::Daytime { .. }) if from.is_empty() => return Ok(window),
        (Moment::Daytime { .. }, day) | (day, _) => day,
    };
    let window = window.on_day_of(day);
    if window.is_forward() {
        Ok(window)
    } else {
        refused("it ends before it begins; swap its ends")
    }
}

/// Parses a relative time: `now`, `today`, `-1h`, `5 minutes ago`, `5m`, and `@EPOCH`, which counts from 1970.
fn relative(text: &str, reading: &Reading) -> Result<Option<Time>, Error> {
    let now = reading.reference;
    let midnight = |days: i64| {
        let local = now.0.saturating_add(reading.offset).div_euclid(DAY) + days;
        Time(local * DAY - reading.offset)
    };
    let shifted = |length: &str, sign: i64| {
        let length = duration(length.trim())?;
        Ok(Some(Time(now.0.saturating_add(sign * length))))
    };
    let words = text.to_lowercase();
    match words.as_str() {
        "now" => return Ok(Some(now)),
        "today" => return Ok(Some(midnight(0))),
        "yesterday" => return Ok(Some(midnight(-1))),
        "tomorrow" => return Ok(Some(midnight(1))),
        _ => {}
    }
    if let Some(seconds) = text.strip_prefix('@') {
        return Ok(epoch(seconds));
    }
    if let Some(length) = text.strip_prefix('-') {
        return shifted(length, -1);
    }
    if let Some(length) = text.strip_prefix('+') {
        return shifted(length, 1);
    }
    if let Some(length) = text.strip_suffix(" ago") {
        return shifted(length, -1);
    }
    // `5m` is 5 minutes ago, as `kubectl logs --since` has it.
    let is_duration = text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(char::is_alphabetic)
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ');
    if is_duration {
        return shifted(text, -1);
    }
    Ok(None)
}

/// Reads seconds since 1970, with a fraction or without.
fn epoch(text: &str) -> Option<Time> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: i64 = whole.parse().ok().filter(|seconds| *seconds >= 0)?;
    let micros = match fraction {
        "" => 0,
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => {
            format!("{digits:0<6}")[..6].parse().ok()?
        }
        _ => return None,
    };
    Some(Time(whole.checked_mul(SECOND)?.checked_add(micros)?))
}

/// Parses a date and a time, or one of them. `offset` is the offset of the log's clock from UTC, in microseconds.
fn absolute(text: &str, offset: i64) -> Option<Moment> {
    if let Some(time) = parse_rfc3339(text) {
        return Some(Moment::At(time));
    }
    let text = match text.split_once(' ') {
        Some((day, rest)) if is_weekday(day) => rest.trim_start(),
        _ => text,
    };
    let (text, offset) = zone(text).unwrap_or((text, offset));
    let at = |local: NaiveDateTime| Moment::At(Time(local.and_utc().timestamp_micros() - offset));
    for form in [
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M",
    ] {
        if let Ok(local) = NaiveDateTime::parse_from_str(text, form) {
            return Some(at(local));
        }
    }
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(at(date.and_time(NaiveTime::MIN)));
    }
    for form in ["%H:%M:%S%.f", "%H:%M"] {
        if let Ok(time) = NaiveTime::parse_from_str(text, form) {
            let seconds = i64::from(time.num_seconds_from_midnight());
            let day_micros =
                seconds * SECOND + i64::from(time.nanosecond() % 1_000_000_000 / 1_000);
            return Some(Moment::Daytime { day_micros, offset });
        }
    }
    yearless(text, offset)
}

/// Whether `word` is a day of the week, or its first letters.
fn is_weekday(word: &str) -> bool {
    let word = word.to_lowercase();
    word.is_ascii() && word.len() >= 3 && WEEKDAYS.contains(&&word[..3])
}

/// Splits off the zone at the end of `text`. Returns the text before it and its offset from UTC, in microseconds.
fn zone(text: &str) -> Option<(&str, i64)> {
    let (before, zone) = match text.strip_suffix('Z') {
        Some(before) => (before, "UTC"),
        None => text.rsplit_once(' ')?,
    };
    if zone == "UTC" {
        return Some((before.trim_end(), 0));
    }
    let offset = FixedOffset::from_str(zone).ok()?;
    Some((before, i64::from(offset.local_minus_utc()) * SECOND))
}

/// Reads a date as logs without years write it: `May 05 04:30:00`, `May 05 04:30`, `May 05`.
fn yearless(text: &str, offset: i64) -> Option<Moment> {
    let whole = [
        text.to_owned(),
        format!("{text}:00"),
        format!("{text} 00:00:00"),
    ];
    whole.iter().find_map(|text| match short_stamp(text) {
        Some(Stamp::Yearless {
            month,
            day,
            day_micros,
            ..
        }) => Some(Moment::Yearless {
            month,
            day,
            day_micros: day_micros - offset,
        }),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading() -> Reading {
        Reading {
            year: None,
            reference: parse_rfc3339("2026-05-05T12:00:00Z").unwrap(),
            offset: 2 * 3600 * SECOND,
        }
    }

    #[test]
    fn times_are_read_in_journalctls_words() {
        // A row: a time as typed in a zone two hours ahead of UTC, and the time that `date -u` prints for it.
        for (text, at) in [
            ("2026-05-05T04:30:00Z", "2026-05-05T04:30:00Z"),
            ("2026-05-05T04:30:00+01:00", "2026-05-05T03:30:00Z"),
            ("2026-05-05 04:30:00", "2026-05-05T02:30:00Z"),
            ("2026-05-05 04:30:00.25", "2026-05-05T02:30:00.250000Z"),
            ("2026-05-05 04:30", "2026-05-05T02:30:00Z"),
            ("2026-05-05T04:30", "2026-05-05T02:30:00Z"),
            ("2026-05-05 04:30 UTC", "2026-05-05T04:30:00Z"),
            ("2026-05-05 04:30:00 +01:00", "2026-05-05T03:30:00Z"),
            ("Tue 2026-05-05 04:30:00 UTC", "2026-05-05T04:30:00Z"),
            ("2026-05-05", "2026-05-04T22:00:00Z"),
            ("@1777955400", "2026-05-05T04:30:00Z"),
            ("@1777955400.5", "2026-05-05T04:30:00.500000Z"),
            ("now", "2026-05-05T12:00:00Z"),
            ("today", "2026-05-04T22:00:00Z"),
            ("yesterday", "2026-05-03T22:00:00Z"),
            ("tomorrow", "2026-05-05T22:00:00Z"),
            ("-1h", "2026-05-05T11:00:00Z"),
            ("+30min", "2026-05-05T12:30:00Z"),
            ("-1h 30min", "2026-05-05T10:30:00Z"),
            ("5 minutes ago", "2026-05-05T11:55:00Z"),
            ("5m", "2026-05-05T11:55:00Z"),
            ("2 days", "2026-05-03T12:00:00Z"),
        ] {
            match moment(text, &reading()) {
                Ok(Moment::At(time)) => assert_eq!(time.to_string(), at, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_has_no_date_is_of_the_logs_day() {
        let day = parse_rfc3339("2026-04-21T23:30:00Z").unwrap();
        for (text, at) in [
            ("04:30", "2026-04-22T02:30:00Z"),
            ("04:30:15", "2026-04-22T02:30:15Z"),
            ("04:30 UTC", "2026-04-21T04:30:00Z"),
            ("May 05 04:30:00", "2026-05-05T02:30:00Z"),
            ("May  5 04:30", "2026-05-05T02:30:00Z"),
            ("May 05", "2026-05-04T22:00:00Z"),
        ] {
            let told = moment(text, &reading()).unwrap().on_day_of(Moment::At(day));
            assert_eq!(told.near(day).to_string(), at, "{text}");
        }
    }

    #[test]
    fn a_window_may_lack_an_end_and_may_cross_midnight() {
        let at = |text| parse_rfc3339(text).unwrap();
        let day = at("2026-05-05T00:00:00Z");
        for (text, inside, outside) in [
            (
                "2026-05-05 04:30..06:00",
                "2026-05-05T03:00:00Z",
                "2026-05-05T05:00:00Z",
            ),
            (
                "2026-05-05 23:30..00:30",
                "2026-05-05T22:00:00Z",
                "2026-05-05T21:00:00Z",
            ),
            ("now..", "2026-05-05T12:00:01Z", "2026-05-05T11:59:59Z"),
            ("..-1h", "2026-05-05T10:59:59Z", "2026-05-05T11:00:01Z"),
            (
                "23:30..00:30",
                "2026-05-05T22:15:00Z",
                "2026-05-05T12:00:00Z",
            ),
        ] {
            let window = window(text, &reading()).unwrap().on_day_of(Moment::At(day));
            assert!(window.contains(at(inside)), "{text}: {window:?}");
            assert!(!window.contains(at(outside)), "{text}: {window:?}");
        }
    }

    #[test]
    fn what_is_not_meant_is_refused() {
        for text in [
            "",
            "nonsense",
            "5M",
            "-5M",
            "5",
            "-",
            "25:00",
            "2026-13-01",
            "@",
            "@x",
            "2026-05-05 25:00",
            "-1h ago",
            "ago",
            "May 99 04:30:00",
        ] {
            assert!(moment(text, &reading()).is_err(), "{text}");
        }
        for text in ["5M", "1h 5M", "5", "0s", "", "-5min", "five", "5 M"] {
            assert!(duration(text).is_err(), "{text}");
        }
        for text in [
            "",
            "..",
            "now",
            "06:00 to 07:00",
            "2026-05-05..2026-05-04",
            "now..x",
        ] {
            assert!(window(text, &reading()).is_err(), "{text}");
        }
        assert_eq!(duration("1min 30s").unwrap(), 90 * SECOND);
    }
}
