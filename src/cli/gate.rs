//! Detection whether the standard input goes on: until then it may be a saved log in a pipe, for which only the report
//! is wanted.

use std::time::{Duration, Instant};

use crate::time::{SECOND, Time};

/// Pause that shows that the writer waits for new lines.
const PAUSE: Duration = Duration::from_secs(1);
/// Largest distance from the clock, in microseconds, of a fresh line.
const FRESH: i64 = 10 * SECOND;
/// Time for which the input must stay open after a fresh line: a log that is read to its end at present ends in one too.
const PATIENCE: Duration = Duration::from_millis(200);
/// Time for which the log's time is compared with the clock, where the log's clock differs.
const COMPARED: Duration = Duration::from_secs(5);

/// Gate that holds events back until the input is known to be live.
pub(super) struct Gate {
    open: bool,
    /// Time of the last bytes; `None` before the first: the writer may have to log in first.
    heard: Option<Instant>,
    /// Time of the first fresh line.
    fresh: Option<Instant>,
    /// A moment, and the log's time then.
    compared: Option<(Instant, Time)>,
}

impl Gate {
    /// Creates a gate; an `open` one holds nothing back.
    pub(super) const fn new(open: bool) -> Self {
        Self {
            open,
            heard: None,
            fresh: None,
            compared: None,
        }
    }

    pub(super) const fn is_open(&self) -> bool {
        self.open
    }

    /// Whether any bytes came.
    pub(super) const fn has_heard(&self) -> bool {
        self.heard.is_some()
    }

    /// Records that bytes came. `last` is the log's time with them, `clock` the machine's.
    pub(super) fn hear(&mut self, now: Instant, last: Option<Time>, clock: Time) {
        self.heard = Some(now);
        let Some(last) = last.filter(|_| !self.open) else {
            return;
        };
        if last.is_dated() && clock.since(last).abs() <= FRESH {
            self.fresh.get_or_insert(now);
        }
        let (began, then) = *self.compared.get_or_insert((now, last));
        let (real, told) = (now - began, last.since(then));
        if real >= COMPARED {
            // A saved log covers hours in a moment.
            let real = real.as_micros() as i64;
            self.open |= (real / 2..=real * 2).contains(&told);
            self.compared = Some((now, last));
        }
    }

    /// Opens the gate: what went before is read.
    pub(super) const fn open(&mut self) {
        self.open = true;
    }

    /// Opens the gate if the time has come. Returns whether it opened now.
    pub(super) fn try_open(&mut self, now: Instant) -> bool {
        let due = self.due().is_some_and(|due| due <= now);
        self.open |= due;
        due
    }

    /// Returns the time at which the gate opens unless more bytes come; `None` where it is open, or no bytes have come
    /// yet.
    pub(super) fn due(&self) -> Option<Instant> {
        let fresh = self.fresh.map(|fresh| fresh + PATIENCE);
        let pause = self.heard.map(|heard| heard + PAUSE);
        (fresh.into_iter().chain(pause))
            .min()
            .filter(|_| !self.open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row: when bytes come, in milliseconds, how many seconds each is behind the clock, and when the gate opens.
    type Case = (&'static str, &'static [(u64, i64)], Option<u64>);

    const CASES: [Case; 7] = [
        ("nothing came", &[], None),
        ("a pause", &[(0, 86_400), (900, 86_400)], Some(1_900)),
        ("a fresh line", &[(0, 86_400), (50, 3), (500, 3)], Some(250)),
        ("a clock that is ahead", &[(0, -8)], Some(200)),
        ("a log of the future", &[(0, -7_200)], Some(1_000)),
        (
            "an old log in a slow pipe",
            &[
                (0, 9_000),
                (900, 8_000),
                (1_800, 7_000),
                (2_700, 6_000),
                (3_600, 5_000),
                (4_500, 4_000),
                (5_400, 3_000),
            ],
            Some(6_400),
        ),
        (
            "a clock that is wrong, and lines without a pause",
            &[
                (0, 900),
                (900, 900),
                (1_800, 900),
                (2_700, 900),
                (3_600, 900),
                (4_500, 900),
                (5_400, 900),
            ],
            Some(5_400),
        ),
    ];

    #[test]
    fn the_gate_opens_for_what_goes_on() {
        let start = Instant::now();
        for (name, steps, opens) in CASES {
            let mut gate = Gate::new(false);
            let mut steps = steps.iter().peekable();
            let opened = (0..10_000).step_by(10).find(|&millis| {
                let now = start + Duration::from_millis(millis);
                while let Some((_, behind)) = steps.next_if(|(at, _)| *at <= millis) {
                    let clock = Time(1_776_852_000_000_000 + millis as i64 * 1_000);
                    gate.hear(now, Some(Time(clock.0 - behind * SECOND)), clock);
                }
                gate.try_open(now) || gate.is_open()
            });
            assert_eq!(opened, opens, "{name}");
        }
    }
}
