//! Points in time as logs write them: [`Stamp`], as a line prints it; [`Time`], its value; [`YearClock`] between them.
//!
//! A line is dated by hand-written arithmetic: a calendar library costs more than the parsing of the rest of the line.

use std::fmt;

/// One second, in the microseconds of [`Time`].
pub const SECOND: i64 = 1_000_000;
/// One minute, in the microseconds of [`Time`].
pub const MINUTE: i64 = 60 * SECOND;
/// One day, in the microseconds of [`Time`].
pub const DAY: i64 = 86_400 * SECOND;

/// Origin of the axis of uptimes, so far before any date that the two never meet.
const UPTIME_ORIGIN: i64 = i64::MIN / 2;

/// A point in time: microseconds since 1970-01-01T00:00:00Z.
///
/// An uptime whose date is not known lies on an axis of its own, before all dates: order and distance still hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

impl Time {
    /// Time of a line without a time stamp.
    pub const UNKNOWN: Self = Self(i64::MIN);

    /// Creates the time of an uptime, in microseconds, whose boot has no known date.
    pub const fn uptime(micros: i64) -> Self {
        Self(UPTIME_ORIGIN + micros)
    }

    /// Whether it is known at all, as a date or as an uptime.
    pub fn is_known(self) -> bool {
        self != Self::UNKNOWN
    }

    /// Whether it is a date.
    pub const fn is_dated(self) -> bool {
        self.0 > UPTIME_ORIGIN / 2
    }

    /// Microseconds from `earlier` to `self`.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// `self` as the same month, day and time of day, `years` later.
    pub fn add_years(self, years: i32) -> Self {
        if years == 0 || !self.is_dated() {
            return self;
        }
        let days = self.0.div_euclid(DAY);
        let (year, month, day) = civil_of_days(days);
        Self(days_of_civil(year + years, month, day) * DAY + self.0.rem_euclid(DAY))
    }

    /// Returns the date: year, month and day.
    pub fn date(self) -> (i32, u8, u8) {
        civil_of_days(self.0.div_euclid(DAY))
    }

    /// Returns the time of day, `10:04:47`.
    pub fn clock(self) -> String {
        let s = self.0.rem_euclid(DAY) / SECOND;
        format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
    }

    /// RFC 3339 in UTC; `None` where no date is known.
    pub fn rfc3339(self) -> Option<String> {
        self.is_dated().then(|| self.to_string())
    }
}

/// RFC 3339 in UTC, with a fraction only where there is one; an uptime as the kernel prints it.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_known() {
            return f.write_str("at an unknown time");
        }
        if !self.is_dated() {
            let up = self.0 - UPTIME_ORIGIN;
            return write!(f, "[{:5}.{:06}]", up / SECOND, up % SECOND);
        }
        let (year, month, day) = self.date();
        write!(f, "{year:04}-{month:02}-{day:02}T{}", self.clock())?;
        let micros = self.0.rem_euclid(SECOND);
        if micros != 0 {
            write!(f, ".{micros:06}")?;
        }
        f.write_str("Z")
    }
}

/// Time stamp of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamp {
    /// A date with its zone. `fine` where the form prints fractions of a second.
    Dated { at: Time, fine: bool },
    /// A date that is UTC only if the log's zone is.
    Zoneless { at: Time, fine: bool },
    /// A date without its year: `day_micros` is the time of day in microseconds.
    Yearless {
        month: u8,
        day: u8,
        day_micros: i64,
        fine: bool,
    },
    /// Microseconds since boot.
    Uptime { micros: i64 },
    /// A date that no calendar has, such as 29 February 2026.
    NoSuchDay,
    /// No time that is understood, in a form whose records have one.
    Unread,
    /// No time stamp.
    None,
}

impl Stamp {
    /// Whether the stamp resolves fractions of a second.
    pub const fn is_fine(self) -> bool {
        match self {
            Self::Dated { fine, .. }
            | Self::Zoneless { fine, .. }
            | Self::Yearless { fine, .. } => fine,
            Self::Uptime { .. } => true,
            Self::NoSuchDay | Self::Unread | Self::None => false,
        }
    }

    /// Whether there is no stamp, or none that is understood.
    pub const fn is_none(self) -> bool {
        matches!(self, Self::Unread | Self::None)
    }
}

/// A point in time that the user gave: with its year, or as a log without years writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    At(Time),
    /// `day_micros` is the time of day in microseconds.
    Yearless {
        month: u8,
        day: u8,
        day_micros: i64,
    },
    /// A time of day alone, in microseconds of a clock that is `offset` microseconds ahead of UTC.
    Daytime {
        day_micros: i64,
        offset: i64,
    },
}

impl Moment {
    /// Moves a time of day to the day of `day`; a time with a date is unchanged.
    pub fn on_day_of(self, day: Self) -> Self {
        let Self::Daytime { day_micros, offset } = self else {
            return self;
        };
        match day {
            Self::Daytime { .. } => self,
            Self::At(at) => Self::At(Time(day_begin(at, offset) + day_micros)),
            Self::Yearless {
                month,
                day,
                day_micros: begun,
            } => {
                // The day in that zone may be the day after or before the one in UTC.
                let days = (begun + offset).div_euclid(DAY);
                Self::Yearless {
                    month,
                    day,
                    day_micros: days * DAY + day_micros - offset,
                }
            }
        }
    }

    /// Whether `self` is earlier than `other`, which is in the same notation.
    pub fn is_before(self, other: Self) -> bool {
        let beside = match (self, other) {
            (Self::At(at), _) | (_, Self::At(at)) => at,
            _ => Time(0),
        };
        let other = other.near(beside);
        self.near(other) < other
    }

    /// `self` a day later.
    pub const fn next_day(self) -> Self {
        match self {
            Self::At(at) => Self::At(Time(at.0.saturating_add(DAY))),
            Self::Yearless {
                month,
                day,
                day_micros,
            } => Self::Yearless {
                month,
                day,
                day_micros: day_micros + DAY,
            },
            Self::Daytime { day_micros, offset } => Self::Daytime {
                day_micros: day_micros + DAY,
                offset,
            },
        }
    }

    /// Returns the time that is meant near `time`: a date without a year is that day of the nearest year.
    pub fn near(self, time: Time) -> Time {
        match self {
            Self::At(at) => at,
            Self::Yearless {
                month,
                day,
                day_micros,
            } => {
                let at = |year| Time(days_of_civil(year, month, day) * DAY + day_micros);
                let (year, ..) = time.date();
                let nearest = (year - 1..=year + 1)
                    .map(at)
                    .min_by_key(|at| at.since(time).abs());
                nearest.unwrap_or(time)
            }
            Self::Daytime { day_micros, offset } => Time(day_begin(time, offset) + day_micros),
        }
    }
}

/// Returns the start of the day of `time`, for a clock that is `offset` microseconds ahead of UTC.
const fn day_begin(time: Time, offset: i64) -> i64 {
    time.0.saturating_add(offset).div_euclid(DAY) * DAY - offset
}

/// Interpretation of the stamps of a log, by `--year`, `--utc-offset` and the file's own time.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// Year of the newest line, where the user gave it.
    pub year: Option<i32>,
    /// Latest possible time of a stamp without a year: the file's time, or now.
    pub reference: Time,
    /// Offset from UTC of stamps without a zone, in microseconds; positive where they are ahead.
    pub offset: i64,
}

/// Tolerance for the clocks of two machines, and for an unknown time zone.
const SLACK: i64 = DAY;
/// Half a year: a jump of more between two lines is a change of year.
const HALF_YEAR: i64 = 183 * DAY;

/// Assigns years to the stamps of one log, line by line.
///
/// The first stamp takes the latest year that is not in the future of the reference. A jump back of more than half a
/// year starts a new year, a jump ahead of as much undoes it. Years that prove wrong at the end of the log are corrected
/// by [`YearClock::correction`].
#[derive(Debug, Clone)]
pub struct YearClock {
    reading: Reading,
    /// The day of the last stamp; most lines are of the same.
    today: Option<Day>,
    newest: Option<(i32, Time)>,
}

#[derive(Debug, Clone, Copy)]
struct Day {
    year: i32,
    month: u8,
    day: u8,
    /// Start of the day in the log's zone, in the microseconds of [`Time`].
    begin: i64,
    /// The time of the last stamp.
    last: Time,
}

impl YearClock {
    /// Creates a clock for one log.
    pub const fn new(reading: Reading) -> Self {
        Self {
            reading,
            today: None,
            newest: None,
        }
    }

    /// Returns the time that `stamp` means.
    pub fn resolve(&mut self, stamp: Stamp) -> Time {
        match stamp {
            Stamp::Dated { at, .. } => at,
            Stamp::Zoneless { at, .. } => Time(at.0 - self.reading.offset),
            Stamp::Uptime { micros } => Time::uptime(micros),
            Stamp::NoSuchDay | Stamp::Unread | Stamp::None => Time::UNKNOWN,
            Stamp::Yearless {
                month,
                day,
                day_micros,
                ..
            } => self.yearless(month, day, day_micros),
        }
    }

    /// Returns the time that a [`Stamp::Yearless`] means; unknown where its year does not have the day.
    #[inline]
    pub fn yearless(&mut self, month: u8, day: u8, day_micros: i64) -> Time {
        let is_today = |today: Day| (today.month, today.day) == (month, day);
        if !self.today.is_some_and(is_today) {
            let turned = self.turn(month, day, day_micros);
            if day > days_of_month(turned.year, month) {
                return Time::UNKNOWN;
            }
            self.today = Some(turned);
        }
        let Some(today) = &mut self.today else {
            return Time::UNKNOWN;
        };
        let time = Time(today.begin + day_micros);
        today.last = time;
        if self.newest.is_none_or(|(_, newest)| time > newest) {
            self.newest = Some((today.year, time));
        }
        time
    }

    /// Returns the day of a stamp whose date differs from the last stamp's.
    #[cold]
    fn turn(&self, month: u8, day: u8, day_micros: i64) -> Day {
        let begin = |year| days_of_civil(year, month, day) * DAY - self.reading.offset;
        let at = |year| Time(begin(year) + day_micros);
        let mut year = match self.today {
            Some(today) => today.year,
            None => self.first_year(month, day, &at),
        };
        if let Some(Day { last, .. }) = self.today {
            let time = at(year);
            if last.since(time) > HALF_YEAR {
                year += 1;
            } else if time.since(last) > HALF_YEAR {
                year -= 1;
            }
        }
        Day {
            year,
            month,
            day,
            begin: begin(year),
            last: at(year),
        }
    }

    fn first_year(&self, month: u8, day: u8, at: &impl Fn(i32) -> Time) -> i32 {
        let limit = Time(self.reading.reference.0.saturating_add(SLACK));
        let (latest, ..) = limit.date();
        if let Some(year) = self.reading.year {
            // The user's year is that of the newest line: a stamp that would lie in the future is of the year before.
            return if year == latest && at(year) > limit {
                year - 1
            } else {
                year
            };
        }
        // Eight years contain a leap day, even across the turn of a century.
        (latest - 8..=latest)
            .rev()
            .find(|&year| at(year) <= limit && (month != 2 || day != 29 || is_leap(year)))
            .unwrap_or(latest)
    }

    /// Corrects the years as at the end of the log, with the machine's clock as its end, and continues. Returns
    /// [`Self::correction`], by which the times that were assigned must be moved.
    pub fn settle(&mut self, now: Time) -> i32 {
        self.reading.reference = self.reading.reference.max(now);
        let years = self.correction();
        if years != 0 {
            self.newest = (self.newest).map(|(year, at)| (year + years, at.add_years(years)));
            let (day, offset) = (self.today, self.reading.offset);
            self.today = day.map(|day| Day {
                year: day.year + years,
                begin: days_of_civil(day.year + years, day.month, day.day) * DAY - offset,
                last: day.last.add_years(years),
                ..day
            });
        }
        years
    }

    /// Returns the error, in years, of all times that this clock assigned; known at the end of the log.
    pub fn correction(&self) -> i32 {
        let Some((year, mut newest)) = self.newest else {
            return 0;
        };
        if let Some(told) = self.reading.year {
            return told - year;
        }
        let mut years = 0;
        while newest.0 > self.reading.reference.0.saturating_add(SLACK) {
            newest = newest.add_years(-1);
            years -= 1;
        }
        years
    }
}

/// Returns the number of days in a month.
const fn days_of_month(year: i32, month: u8) -> u8 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Returns the days since 1970-01-01 of a date; `None` where the calendar does not have it.
pub const fn day_of_civil(year: i32, month: u8, day: u8) -> Option<i64> {
    if month == 0 || month > 12 || day == 0 || day > days_of_month(year, month) {
        return None;
    }
    Some(days_of_civil(year, month, day))
}

const fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days since 1970-01-01 of a proleptic Gregorian date; after Howard Hinnant, "chrono-compatible low-level date
/// algorithms".
pub const fn days_of_civil(year: i32, month: u8, day: u8) -> i64 {
    let y = year as i64 - (month <= 2) as i64;
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let month_from_march = (month as i64 + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day as i64 - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Returns year, month and day of a number of days since 1970-01-01: the inverse of [`days_of_civil`].
pub const fn civil_of_days(days: i64) -> (i32, u8, u8) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = (doy - (153 * mp + 2) / 5 + 1) as u8;
    let month = (if mp < 10 { mp + 3 } else { mp - 9 }) as u8;
    let year = yoe + era * 400 + (month <= 2) as i64;
    (year as i32, month, day)
}

/// Reads a date with its zone as RFC 3339 has it; for options, not for lines.
pub fn parse_rfc3339(text: &str) -> Option<Time> {
    chrono::DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|t| Time(t.timestamp_micros()))
}

#[cfg(test)]
mod tests;
