//! Times of one log, record by record: years for stamps without, dates for uptimes where the log has one, and the sum of
//! the distances in logs with distances alone.

use crate::input::format::header::{digits, fraction};
use crate::input::format::{Origin, Record};
use crate::time::{Reading, SECOND, Stamp, Time, YearClock};

/// Messages of the kernel that contain a date for their own uptime; Linux, drivers/rtc/class.c and kernel/audit.c.
pub(in crate::input) const DATES: &[&str] =
    &["setting system clock to ", "audit: type=2000 audit("];

/// Largest disorder of messages from two CPUs, in microseconds; an uptime that goes back by more belongs to another
/// boot.
const DISORDER: i64 = 10 * SECOND;

/// The clock of one log.
#[derive(Debug, Clone)]
pub(in crate::input) struct Clock {
    years: YearClock,
    /// The date of the boot, where it is known.
    boot: Option<Time>,
    uptime: i64,
    /// The time of the record before.
    last: Time,
}

impl Clock {
    pub(in crate::input) const fn new(reading: Reading) -> Self {
        Self {
            years: YearClock::new(reading),
            boot: None,
            uptime: 0,
            last: Time::uptime(0),
        }
    }

    /// Returns the time at which `record` was received.
    pub(in crate::input) fn resolve(&mut self, record: &Record<'_>) -> Time {
        self.resolve_stamp(record.stamp, record.after)
    }

    #[inline]
    fn resolve_stamp(&mut self, stamp: Stamp, after: Option<i64>) -> Time {
        let time = match (after, stamp) {
            // Fast path for the stamp of most lines.
            (
                None,
                Stamp::Yearless {
                    month,
                    day,
                    day_micros,
                    ..
                },
            ) => self.years.yearless(month, day, day_micros),
            _ => self.resolve_other(stamp, after),
        };
        if time.is_known() {
            self.last = time;
        }
        time
    }

    #[inline(never)]
    fn resolve_other(&mut self, stamp: Stamp, after: Option<i64>) -> Time {
        match (after, stamp) {
            (Some(after), _) => Time(self.last.0.saturating_add(after)),
            (None, Stamp::Uptime { micros }) => self.uptime(micros),
            (None, stamp) => self.years.resolve(stamp),
        }
    }

    /// Dates a record by its `stamp`, or by the time `after` the record before; its message may contain an `uptime`.
    #[inline]
    pub(in crate::input) fn resolve_at(
        &mut self,
        stamp: Stamp,
        after: Option<i64>,
        uptime: Option<i64>,
    ) -> Time {
        let time = self.resolve_stamp(stamp, after);
        if let Some(uptime) = uptime
            && time.is_dated()
        {
            self.boot = Some(Time(time.0.saturating_sub(uptime)));
            self.uptime = uptime;
        }
        time
    }

    fn uptime(&mut self, micros: i64) -> Time {
        if self.is_of_another_boot(micros) {
            self.boot = None;
        }
        self.uptime = micros;
        self.at_uptime(micros)
    }

    /// Returns the time of a line with an uptime that says nothing of the lines behind it: which lines without a hit are looked
    /// at depends on how the bytes come.
    pub(super) fn at_uptime(&self, micros: i64) -> Time {
        let boot = self.boot.filter(|_| !self.is_of_another_boot(micros));
        boot.map_or(Time::uptime(micros), |boot| {
            Time(boot.0.saturating_add(micros))
        })
    }

    const fn is_of_another_boot(&self, micros: i64) -> bool {
        micros.saturating_add(DISORDER) < self.uptime
    }

    /// Returns the time that is `after` microseconds later than the record before.
    pub(in crate::input) fn go_on(&mut self, after: i64) -> Time {
        self.resolve_stamp(Stamp::None, Some(after))
    }

    /// Returns the time from which the next record may count.
    pub(super) const fn last(&self) -> Time {
        self.last
    }

    /// Goes back to a time of [`Self::last`]: a record was looked at before its turn.
    pub(super) const fn go_back_to(&mut self, last: Time) {
        self.last = last;
    }

    /// Derives the date of the boot from a message of the kernel that contains a date.
    pub(in crate::input) fn learn(&mut self, record: &Record<'_>, message: &[u8]) {
        if let (Origin::Kernel, Stamp::Uptime { micros }, Some(date)) =
            (record.origin, record.stamp, told_date(message))
        {
            self.boot = Some(Time(date.0.saturating_sub(micros)));
            self.uptime = micros;
        }
    }

    /// Discards the state of the boot before.
    pub(in crate::input) const fn begin_boot(&mut self) {
        self.boot = None;
        self.uptime = 0;
    }

    /// Dates the log as if it ended now. Returns the error, in years, of the times assigned so far; later times are
    /// consistent with the corrected ones.
    pub(super) fn settle_years(&mut self, now: Time) -> i32 {
        let years = self.years.settle(now);
        self.boot = self.boot.map(|boot| boot.add_years(years));
        self.last = self.last.add_years(years);
        years
    }

    /// Returns the error of all times, in years; known at the end of the log.
    pub(in crate::input) fn correction(&self) -> i32 {
        self.years.correction()
    }
}

/// Parses the date in `… setting system clock to 2026-04-22T10:00:01 UTC (1776852001)` or `audit: type=2000
/// audit(1776852001.123:1)`.
fn told_date(message: &[u8]) -> Option<Time> {
    let at = memchr::memrchr(b'(', message)?;
    let mut rest = &message[at + 1..];
    let seconds = digits(&mut rest, 9, 11)?;
    let micros = fraction(&mut rest).unwrap_or(0);
    matches!(rest.first(), Some(b')' | b':')).then_some(Time(seconds * SECOND + micros))
}
