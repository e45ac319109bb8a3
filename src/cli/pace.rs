//! Pace of the reports of a live run: soon enough to be news, seldom enough to leave the processor to the lines.

use std::time::{Duration, Instant};

/// Upper bound on the cost of reports before time has to pass, in flows that are judged: each line of a small log is
/// judged separately, so that no event depends on how lines were batched.
const MAX_CREDIT: u64 = 1_000;
/// Pause after a report, as a multiple of its own duration, unless [`SOON`] requires less.
const REST: u32 = 4;
/// Delay of a line while reports are cheap: at most 0.2 s are promised for busy streams, and writing takes time too.
const SOON: Duration = Duration::from_millis(180);

/// Rate limiter for reports. Credit is refilled with time, whether lines come or not.
pub(super) struct Pace {
    credit: u64,
    /// Time since which credit has been refilled.
    earned: Instant,
    /// Cost of the last report, in flows, and the time in which the credit for it is refilled.
    last: (u64, Duration),
    /// Time of the next report, independent of the credit.
    due: Instant,
}

impl Pace {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            credit: MAX_CREDIT,
            earned: now,
            last: (MAX_CREDIT, Duration::from_millis(1)),
            due: now,
        }
    }

    /// Returns the latest time of the next report.
    pub(super) const fn due(&self) -> Instant {
        self.due
    }

    /// Whether a report on `flows` flows may be made now; deducts its cost.
    pub(super) fn allows(&mut self, now: Instant, flows: usize) -> bool {
        let (last, earning) = self.last;
        let rested = now.saturating_duration_since(self.earned).as_nanos();
        let units = rested * u128::from(last) / earning.as_nanos().max(1);
        if units > 0 {
            let units = u64::try_from(units).unwrap_or(MAX_CREDIT);
            self.credit = self.credit.saturating_add(units).min(MAX_CREDIT);
            self.earned = now;
        }
        let cost = flows as u64 + 1;
        let allowed = self.credit >= cost || now >= self.due;
        if allowed {
            self.credit = self.credit.saturating_sub(cost);
            self.last.0 = cost;
        }
        allowed
    }

    /// Records that a report was made. The next is due after a rest of [`REST`] times its length, or earlier where both
    /// would take longer than [`SOON`], but never before as much time has passed as it took: at most half of the time is
    /// spent on reports.
    pub(super) fn note(&mut self, began: Instant, ended: Instant) {
        let took = ended - began;
        let rest = (took * REST).min(SOON.saturating_sub(took)).max(took);
        self.due = ended + rest;
        self.earned = ended;
        self.last.1 = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the longest wait of a line, and the share of the time spent on reports, while lines never stop.
    fn run(took: Duration, flows: usize) -> (Duration, f64) {
        let start = Instant::now();
        let (mut now, mut pace, mut busy) = (start, Pace::new(start), Duration::ZERO);
        let (mut asked, mut longest) = (now, Duration::ZERO);
        while now - start < Duration::from_secs(60) {
            if pace.allows(now, flows) {
                pace.note(now, now + took);
                now += took;
                busy += took;
                longest = longest.max(now - asked);
                asked = now - took;
            }
            now += Duration::from_micros(500);
        }
        (longest, busy.as_secs_f64() / 60.0)
    }

    #[test]
    fn a_line_is_told_in_time_and_lines_are_read_in_between() {
        for (millis, flows, soon, share) in [
            (1, 100, 10, 0.25),
            (1, 5_000, 10, 0.25),
            (20, 5_000, 130, 0.25),
            (60, 50_000, 250, 0.4),
            (300, 70_000, 1_000, 0.51),
        ] {
            let (longest, busy) = run(Duration::from_millis(millis), flows);
            assert!(
                longest <= Duration::from_millis(soon),
                "{millis} ms: {longest:?}"
            );
            assert!(busy <= share, "{millis} ms: {busy}");
        }
    }

    #[test]
    fn a_small_log_is_judged_line_by_line() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        pace.note(now, now + Duration::from_secs(1));
        let allowed = (0..100)
            .filter(|flows| pace.allows(now, *flows / 10))
            .count();
        assert_eq!(allowed, 100);
    }

    #[test]
    fn credit_comes_back_with_time_alone() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        assert!(pace.allows(now, 999));
        let ended = now + Duration::from_millis(10);
        pace.note(now, ended);
        assert!(!pace.allows(ended, 500));
        // A rest of 40 ms earns the cost of the report.
        assert!(!pace.allows(ended + Duration::from_millis(15), 500));
        assert!(pace.allows(ended + Duration::from_millis(21), 500));
    }
}
