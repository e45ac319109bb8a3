//! Times covered by the log of one node, by lines of any kind, and its clock's offset from its monotonic time.

use smallvec::SmallVec;

use crate::saturation::{Stretch, union};
use crate::time::{SECOND, Time};

/// Upper bound on the clock offsets of a node, from steps or boots, that are told apart.
const MAX_CLOCKS: usize = 64;
/// Largest drift of a clock between two lines that is no step, in microseconds.
const DRIFT: i64 = 2 * SECOND;

/// Times covered by one node's log.
#[derive(Debug, Clone, Default)]
pub(super) struct Lifeline {
    /// The first and the last line of the log that is being read.
    current: Option<(Time, Time)>,
    /// Covered times of the logs that have ended, joined where they touch.
    ended: Vec<Stretch>,
    clocks: SmallVec<[Clock; 1]>,
}

/// A time in which the clock ran without a step: its offset from the monotonic time, and its span.
#[derive(Debug, Clone, Copy)]
struct Clock {
    low: i64,
    high: i64,
    first: Time,
    last: Time,
}

impl Clock {
    fn join(&mut self, other: Self) {
        self.low = self.low.min(other.low);
        self.high = self.high.max(other.high);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

impl Lifeline {
    /// Records a line.
    #[inline]
    pub(super) fn note(&mut self, time: Time, monotonic: Option<i64>) {
        let (first, last) = self.current.unwrap_or((time, time));
        self.current = Some((first.min(time), last.max(time)));
        if let Some(monotonic) = monotonic
            && time.is_dated()
        {
            let ahead = time.0.saturating_sub(monotonic);
            self.run(Clock {
                low: ahead,
                high: ahead,
                first: time,
                last: time,
            });
        }
    }

    fn run(&mut self, clock: Clock) {
        let near = |known: &&mut Clock| {
            known.low.saturating_sub(DRIFT) <= clock.high
                && clock.low <= known.high.saturating_add(DRIFT)
        };
        let full = self.clocks.len() == MAX_CLOCKS;
        match self.clocks.iter_mut().find(near) {
            Some(known) => known.join(clock),
            None if full => {}
            None => self.clocks.push(clock),
        }
    }

    /// Ends the current log. The span of lines that name no node, `whole`, counts for this node as well.
    pub(super) fn end(&mut self, whole: Option<(Time, Time)>) {
        for (first, last) in whole
            .into_iter()
            .flat_map(|(first, last)| [(first, first), (last, last)])
        {
            let (from, to) = self.current.unwrap_or((first, last));
            self.current = Some((from.min(first), to.max(last)));
        }
        if let Some((from, to)) = self.current.take() {
            let mut all = std::mem::take(&mut self.ended);
            all.push(Stretch { from, to });
            self.ended = union(all);
        }
    }

    /// Adds the times of another log of the node, which has ended.
    pub(super) fn absorb(&mut self, other: Self) {
        if !other.ended.is_empty() {
            let ours = std::mem::take(&mut self.ended);
            self.ended = union([ours, other.ended].concat());
        }
        for clock in other.clocks {
            self.run(clock);
        }
    }

    /// Moves all times by whole years.
    pub(super) fn add_years(&mut self, years: i32) {
        if let Some((first, last)) = &mut self.current {
            (*first, *last) = (first.add_years(years), last.add_years(years));
        }
        for stretch in &mut self.ended {
            (stretch.from, stretch.to) =
                (stretch.from.add_years(years), stretch.to.add_years(years));
        }
    }

    /// Returns the time of its last line.
    pub(super) fn last(&self) -> Option<Time> {
        let ended = self.ended.iter().map(|stretch| stretch.to);
        ended.chain(self.current.map(|(_, last)| last)).max()
    }

    /// Returns the microseconds between `from` and `to` that the log covers, without the steps of the clock.
    pub(super) fn covered(&self, from: Time, to: Time) -> i64 {
        let current = self.current.map(|(from, to)| Stretch { from, to });
        let stretches = self.ended.iter().chain(&current);
        let covered: i64 = stretches.map(|stretch| stretch.overlap(from, to)).sum();
        (covered - self.step(from, to)).max(0)
    }

    /// Returns the microseconds by which the clock was set ahead between two times.
    fn step(&self, from: Time, to: Time) -> i64 {
        match (self.clock_at(from), self.clock_at(to)) {
            (Some(earlier), Some(later)) => later.low.saturating_sub(earlier.high).max(0),
            _ => 0,
        }
    }

    /// Returns the clock offset that applies at a time, or the nearest one.
    fn clock_at(&self, time: Time) -> Option<&Clock> {
        let away = |clock: &&Clock| {
            let before = clock.first.since(time);
            before.max(time.since(clock.last)).max(0)
        };
        self.clocks.iter().min_by_key(away)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Time {
        Time(second * SECOND)
    }

    #[test]
    fn a_step_of_the_clock_is_no_quiet_time() {
        let mut life = Lifeline::default();
        for (second, monotonic) in [(0, 100), (10, 110), (3620, 120), (3650, 150)] {
            life.note(at(second), Some(monotonic * SECOND));
        }
        assert_eq!(life.covered(at(10), at(3650)), 40 * SECOND);
        assert_eq!(life.covered(at(3620), at(3650)), 30 * SECOND);
    }

    #[test]
    fn without_monotonic_times_the_clock_is_believed() {
        let mut life = Lifeline::default();
        life.note(at(10), None);
        life.note(at(3650), None);
        assert_eq!(life.covered(at(10), at(3650)), 3640 * SECOND);
    }

    #[test]
    fn a_clock_may_drift() {
        let mut life = Lifeline::default();
        for second in (0..7200).step_by(60) {
            life.note(at(second + second / 600), Some(second * SECOND));
        }
        assert_eq!(life.covered(at(0), at(7200)), 7151 * SECOND);
    }

    #[test]
    fn nothing_is_covered_between_two_logs() {
        let mut life = Lifeline::default();
        life.note(at(0), None);
        life.note(at(10), None);
        life.end(None);
        let mut later = Lifeline::default();
        later.note(at(100), None);
        later.end(Some((at(90), at(120))));
        life.absorb(later);
        assert_eq!(life.covered(at(0), at(200)), 40 * SECOND);
        assert_eq!(life.last(), Some(at(120)));
    }
}
