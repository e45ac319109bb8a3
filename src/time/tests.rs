//! Tests of stamps, years and moments.

use super::*;

fn time(text: &str) -> Time {
    parse_rfc3339(text).unwrap()
}

fn yearless(month: u8, day: u8) -> Stamp {
    Stamp::Yearless {
        month,
        day,
        day_micros: 12 * 3600 * SECOND,
        fine: false,
    }
}

fn years(reading: Reading, days: &[(u8, u8)]) -> (Vec<String>, i32) {
    let mut clock = YearClock::new(reading);
    let times: Vec<Time> = days
        .iter()
        .map(|&(m, d)| clock.resolve(yearless(m, d)))
        .collect();
    let off = clock.correction();
    let shown = times
        .iter()
        .map(|t| t.add_years(off).to_string()[..10].to_owned());
    (shown.collect(), off)
}

fn until(reference: &str) -> Reading {
    Reading {
        year: None,
        reference: time(reference),
        offset: 0,
    }
}

#[test]
fn prints_as_chrono_does() {
    for t in [
        0,
        1_776_852_001_123_456,
        951_782_400_000_000,
        4_107_542_399_000_000,
    ] {
        let expected = chrono::DateTime::from_timestamp_micros(t)
            .unwrap()
            .to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
        assert_eq!(Time(t).to_string(), expected);
    }
}

#[test]
fn a_stamp_takes_the_latest_year_that_is_not_in_the_future() {
    assert_eq!(
        years(until("2026-01-02T00:00:00Z"), &[(12, 31), (1, 1)]).0,
        ["2025-12-31", "2026-01-01"]
    );
}

#[test]
fn a_log_of_more_than_a_year_ends_before_the_reference() {
    assert_eq!(
        years(
            until("2026-03-02T00:00:00Z"),
            &[(11, 1), (1, 5), (6, 1), (11, 1), (1, 5), (3, 1)]
        )
        .0,
        [
            "2024-11-01",
            "2025-01-05",
            "2025-06-01",
            "2025-11-01",
            "2026-01-05",
            "2026-03-01"
        ]
    );
}

#[test]
fn the_told_year_is_that_of_the_newest_line() {
    let told = Reading {
        year: Some(2026),
        ..until("2030-01-01T00:00:00Z")
    };
    assert_eq!(
        years(told, &[(12, 31), (1, 1)]).0,
        ["2025-12-31", "2026-01-01"]
    );
    assert_eq!(
        years(told, &[(1, 1), (12, 31)]).0,
        ["2026-01-01", "2025-12-31"],
        "a reversed log"
    );
}

#[test]
fn the_first_line_of_a_log_that_crosses_new_year_is_of_the_year_before() {
    let told = Reading {
        year: Some(2026),
        ..until("2026-11-23T00:00:00Z")
    };
    assert_eq!(
        years(told, &[(12, 31), (1, 1)]),
        (vec!["2025-12-31".to_owned(), "2026-01-01".to_owned()], 0)
    );
}

#[test]
fn a_moment_without_a_year_is_the_nearest() {
    let new_year = Moment::Yearless {
        month: 1,
        day: 1,
        day_micros: 0,
    };
    assert_eq!(
        new_year.near(time("2025-12-31T23:50:00Z")),
        time("2026-01-01T00:00:00Z")
    );
    assert_eq!(
        new_year.near(time("2026-01-01T00:05:00Z")),
        time("2026-01-01T00:00:00Z")
    );
}

#[test]
fn a_leap_day_needs_a_leap_year() {
    assert_eq!(
        years(until("2026-05-01T00:00:00Z"), &[(2, 29)]).0,
        ["2024-02-29"]
    );
}
