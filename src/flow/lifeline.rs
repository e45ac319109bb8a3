//! Times covered by the log of one node, by lines of any kind, and its clock's offset from its monotonic time.

use smallvec::SmallVec;

use crate::saturation::{Stretch, union};
use crate::time::{SECOND, Time};

/// Upper bound on the clock offsets of a node, from steps or boots, that are told apart.
const MAX_CLOCKS: usize = 64;
/// Largest drift of a clock between two lines that is no step, in microseconds.
const DRIFT: i64 = 2 * SECOND;

/// How far a monotonic time may go back from one line to the next in one boot: two CPUs, or two senders.
const DISORDER: i64 = 10 * SECOND;

/// Times covered by one node's log.
#[derive(Debug, Clone, Default)]
pub(super) struct Lifeline {
    /// The first and the last line of the log that is being read.
    current: Option<(Time, Time)>,
    /// Covered times of the logs that have ended, joined where they touch.
    ended: Vec<Stretch>,
    /// The runs of its clock, in the order in which they were met.
    clocks: SmallVec<[Clock; 1]>,
    /// The monotonic time of the line before, where it had one.
    before: Option<i64>,
    /// How many more lines of a run went on in monotonic time than back: a reversed log goes back.
    rises: i64,
    /// A start was told that no line of a known uptime has followed yet.
    started: bool,
    /// Times at which the node started, as many as are kept.
    starts: Vec<Time>,
}

/// A time in which the clock ran without a step: its offset from the monotonic time, and its span.
#[derive(Debug, Clone, Copy)]
struct Clock {
    low: i64,
    high: i64,
    first: Time,
    last: Time,
    /// Its first and its last monotonic time.
    from: i64,
    to: i64,
    /// The monotonic times of the line before it and of the line that it began with.
    met: Option<(i64, i64)>,
}

impl Clock {
    fn join(&mut self, other: Self) {
        self.low = self.low.min(other.low);
        self.high = self.high.max(other.high);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.from = self.from.min(other.from);
        self.to = self.to.max(other.to);
    }

    fn is_near(&self, other: &Self) -> bool {
        self.low.saturating_sub(DRIFT) <= other.high && other.low <= self.high.saturating_add(DRIFT)
    }

    /// The latest monotonic time that `time` can have been in this run.
    const fn monotonic(&self, time: Time) -> i64 {
        time.0.saturating_sub(self.low)
    }

    /// How far from this run `time` lies; 0 inside.
    fn away(&self, time: Time) -> i64 {
        let before = self.first.since(time);
        before.max(time.since(self.last)).max(0)
    }
}

impl Lifeline {
    /// Records a line.
    #[inline]
    pub(super) fn note(&mut self, time: Time, monotonic: Option<i64>) {
        let (first, last) = self.current.unwrap_or((time, time));
        self.current = Some((first.min(time), last.max(time)));
        match monotonic {
            Some(monotonic) if time.is_dated() => self.run(time, monotonic),
            // The stamp of a log without dates is a monotonic time.
            _ if !time.is_dated() => self.run(time, time.since(Time::uptime(0))),
            _ => self.go_on(time),
        }
    }

    /// Takes a line that tells no monotonic time for one of the run before it: the clock is believed.
    fn go_on(&mut self, time: Time) {
        if let Some(clock) = self.clocks.last_mut()
            && time > clock.last
        {
            clock.last = time;
            clock.to = clock.to.max(time.0.saturating_sub(clock.high));
        }
    }

    fn run(&mut self, time: Time, monotonic: i64) {
        let ahead = time.0.saturating_sub(monotonic);
        let started = !time.is_dated() && std::mem::take(&mut self.started);
        let met = (self.before.filter(|_| !started)).map(|before| (before, monotonic));
        self.before = Some(monotonic);
        let clock = Clock {
            low: ahead,
            high: ahead,
            first: time,
            last: time,
            from: monotonic,
            to: monotonic,
            met,
        };
        let is_full = self.clocks.len() == MAX_CLOCKS;
        // Without dates all boots are equally far ahead: the last one goes on.
        let mut known = self.clocks.iter_mut().rev();
        match known.find(|known| !started && known.is_near(&clock)) {
            Some(known) => {
                known.join(clock);
                self.rises += met.map_or(0, |(before, now)| now.saturating_sub(before).signum());
            }
            None if is_full => {}
            None => self.clocks.push(clock),
        }
    }

    /// Notes that the node started at `time`, which may be unknown: what lies between that and the line before shows nothing.
    pub(super) fn start(&mut self, time: Time) {
        if time.is_known() {
            self.keep_start(time);
        }
        if self.clocks.is_empty() {
            self.end(None);
        }
        if time.is_dated() {
            match self.clocks.is_empty() {
                true => self.note(time, None),
                false => self.note(time, Some(0)),
            }
        } else {
            self.started = true;
            if time.is_known() {
                self.note(time, None);
            }
        }
    }

    fn keep_start(&mut self, time: Time) {
        if self.starts.len() < MAX_CLOCKS
            && let Err(at) = self.starts.binary_search(&time)
        {
            self.starts.insert(at, time);
        }
    }

    /// Returns the times at which the node started, in order.
    pub(super) fn starts(&self) -> &[Time] {
        &self.starts
    }

    /// Ends the current log. The span of lines that name no node, `whole`, counts for this node as well.
    pub(super) fn end(&mut self, whole: Option<(Time, Time)>) {
        for (first, last) in whole
            .into_iter()
            .flat_map(|(first, last)| [(first, first), (last, last)])
        {
            let (from, to) = self.current.unwrap_or((first, last));
            self.current = Some((from.min(first), to.max(last)));
            if self.started && !last.is_dated() {
                self.note(last, None);
            } else {
                self.go_on(last);
            }
        }
        if let Some((from, to)) = self.current.take() {
            let mut all = std::mem::take(&mut self.ended);
            all.push(Stretch { from, to });
            self.ended = union(all);
        }
    }

    /// Adds what another log of the node shows, which has ended.
    pub(super) fn absorb(&mut self, mut other: Self) {
        let ours = std::mem::take(&mut self.ended);
        self.ended = union([ours, std::mem::take(&mut other.ended)].concat());
        self.rises += other.rises;
        for start in std::mem::take(&mut other.starts) {
            self.keep_start(start);
        }
        let begin = |clocks: &[Clock]| clocks.iter().map(|clock| clock.first).min();
        if begin(&other.clocks) < begin(&self.clocks) {
            std::mem::swap(&mut self.clocks, &mut other.clocks);
        }
        let reached = self.clocks.iter().map(|clock| clock.to).next_back();
        for (at, mut clock) in other.clocks.into_iter().enumerate() {
            if at == 0 {
                clock.met = reached.map(|reached| (reached, clock.from));
            }
            let is_full = self.clocks.len() == MAX_CLOCKS;
            let mut known = self.clocks.iter_mut();
            match known.find(|known| clock.first.is_dated() && known.is_near(&clock)) {
                Some(known) => known.join(clock),
                None if is_full => {}
                None => self.clocks.push(clock),
            }
        }
        self.before = None;
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
        for start in &mut self.starts {
            *start = start.add_years(years);
        }
        for clock in &mut self.clocks {
            let moved = clock.first.add_years(years).since(clock.first);
            clock.first = Time(clock.first.0.saturating_add(moved));
            clock.last = Time(clock.last.0.saturating_add(moved));
            clock.low = clock.low.saturating_add(moved);
            clock.high = clock.high.saturating_add(moved);
        }
    }

    /// The time of its last line.
    #[cfg(test)]
    #[cfg(test)]
    fn last(&self) -> Option<Time> {
        let ended = self.ended.iter().map(|stretch| stretch.to);
        ended.chain(self.current.map(|(_, last)| last)).max()
    }

    /// Microseconds for which the log went on after the last of the lines at `times`, of which `last` is the latest by the
    /// clock. Where lines tell monotonic times, those count; else the clock is believed.
    pub(super) fn quiet(&self, last: Time, times: impl Iterator<Item = Time>) -> i64 {
        let current = self.current.map(|(from, to)| Stretch { from, to });
        let stretches = || self.ended.iter().copied().chain(current);
        let Some(end) = stretches().map(|stretch| stretch.to).max() else {
            return 0;
        };
        let covered: i64 = stretches().map(|s| s.overlap(last, end)).sum();
        if self.clocks.is_empty() {
            return covered;
        }
        let runs = self.in_order();
        // A damaged journal tells any time.
        let reached = (runs.iter())
            .map(|(base, run)| base.saturating_add(run.to))
            .max();
        let since = |time: Time| {
            let away = runs.iter().map(|(_, run)| run.away(time)).min();
            let near = (runs.iter()).filter(|(_, run)| Some(run.away(time)) == away);
            near.map(|(base, run)| base.saturating_add(run.monotonic(time).clamp(0, run.to.max(0))))
                .max()
        };
        // A line of an earlier time by the clock may be the later one only where the clock was set.
        let times = times.filter(|_| runs.len() > 1);
        let at = times.chain(std::iter::once(last)).filter_map(since).max();
        let quiet = reached
            .zip(at)
            .map_or(0, |(reached, at): (i64, i64)| reached.saturating_sub(at));
        quiet.saturating_sub(self.unlogged(last)).max(0)
    }

    /// Microseconds between two logs after `last`: nothing shows that the node went on, or what it logged.
    pub(super) fn unlogged(&self, last: Time) -> i64 {
        let gaps = self.ended.windows(2).map(|two| Stretch {
            from: two[0].to,
            to: two[1].from,
        });
        gaps.fold(0, |sum: i64, gap| {
            sum.saturating_add(gap.overlap(last, Time(i64::MAX)))
        })
    }

    /// The runs of the clock in their order, each with the monotonic time of the boots before it.
    fn in_order(&self) -> Vec<(i64, Clock)> {
        let is_reversed = self.rises < 0;
        let mut runs: Vec<Clock> = self.clocks.to_vec();
        // Whether a run is of another boot than the one before it: its monotonic time begins anew.
        let mut anew: Vec<bool> = (runs.iter())
            .map(|run| match run.met {
                Some((before, now)) if is_reversed => now > before.saturating_add(DISORDER),
                Some((before, now)) => now.saturating_add(DISORDER) < before,
                None => true,
            })
            .collect();
        if is_reversed {
            runs.reverse();
            anew.reverse();
            anew.rotate_right(1);
        }
        let (mut base, mut reached) = (0_i64, 0);
        let mut ordered = Vec::with_capacity(runs.len());
        for (at, (run, anew)) in runs.into_iter().zip(anew).enumerate() {
            if at > 0 && anew {
                base = base.saturating_add(reached);
                reached = 0;
            }
            reached = reached.max(run.to);
            ordered.push((base, run));
        }
        ordered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Time {
        Time(second * SECOND)
    }

    fn quiet(life: &Lifeline, second: i64) -> i64 {
        life.quiet(at(second), std::iter::once(at(second)))
    }

    fn life(lines: &[(i64, i64)]) -> Lifeline {
        let mut life = Lifeline::default();
        for (second, monotonic) in lines {
            life.note(at(*second), Some(monotonic * SECOND));
        }
        life
    }

    #[test]
    fn a_boot_begins_anew() {
        let rebooted = life(&[(0, 100_000), (400, 100_400), (500, 5), (36_000, 35_505)]);
        assert_eq!(quiet(&rebooted, 0), (400 + 35_505) * SECOND);
        assert_eq!(quiet(&rebooted, 500), 35_500 * SECOND);
        assert_eq!(quiet(&rebooted, 36_000), 0);
        let reversed = life(&[
            (36_000, 35_505),
            (510, 15),
            (505, 10),
            (500, 5),
            (400, 100_400),
            (399, 100_399),
        ]);
        assert_eq!(quiet(&reversed, 399), (1 + 35_505) * SECOND);
        assert_eq!(quiet(&reversed, 36_000), 0);
    }

    #[test]
    fn a_clock_that_was_set_back_hides_no_time() {
        let back = life(&[(3600, 1000), (0, 1310)]);
        assert_eq!(quiet(&back, 3600), 310 * SECOND);
        assert_eq!(quiet(&back, 0), 0);
        // The flow came again after the step: its latest stamp is not its last line.
        let lines = [at(3600), at(0)];
        assert_eq!(back.quiet(at(3600), lines.into_iter()), 0);
    }

    #[test]
    fn a_start_parts_two_boots_that_have_no_dates() {
        let mut life = Lifeline::default();
        let up = |second: i64| Time::uptime(second * SECOND);
        life.note(up(100_000), None);
        life.note(up(100_400), None);
        life.start(Time::UNKNOWN);
        life.start(up(0));
        life.note(up(3600), None);
        let quiet = |second| life.quiet(up(second), std::iter::once(up(second)));
        assert_eq!(quiet(100_000), 4000 * SECOND);
        assert_eq!(quiet(3590), 10 * SECOND);
    }

    #[test]
    fn a_line_without_a_monotonic_time_goes_on_with_the_run_before_it() {
        let mut mixed = life(&[(0, 100_000)]);
        mixed.note(at(400), None);
        assert_eq!(quiet(&mixed, 0), 400 * SECOND);
        mixed.start(at(500));
        mixed.note(at(900), None);
        assert_eq!(quiet(&mixed, 0), 800 * SECOND);
    }

    #[test]
    fn lines_of_no_node_go_on_with_a_log_without_dates() {
        let up = |second: i64| Time::uptime(second * SECOND);
        let mut life = Lifeline::default();
        life.note(up(100), None);
        life.end(Some((up(10), up(900))));
        assert_eq!(life.quiet(up(100), std::iter::once(up(100))), 800 * SECOND);
    }

    #[test]
    fn what_one_log_and_the_next_show_adds_up() {
        let mut first = life(&[(0, 100_000)]);
        first.end(None);
        let mut second = life(&[(500, 5), (900, 405)]);
        second.end(None);
        let mut sum = second.clone();
        sum.absorb(first.clone());
        first.absorb(second);
        // Nothing shows that the node went on between the two.
        assert_eq!((quiet(&sum, 0), quiet(&first, 0)), (0, 0));
        assert_eq!(
            (quiet(&sum, 500), quiet(&first, 500)),
            (400 * SECOND, 400 * SECOND)
        );
    }

    #[test]
    fn a_step_of_the_clock_is_no_quiet_time() {
        let mut life = Lifeline::default();
        for (second, monotonic) in [(0, 100), (10, 110), (3620, 120), (3650, 150)] {
            life.note(at(second), Some(monotonic * SECOND));
        }
        assert_eq!(quiet(&life, 10), 40 * SECOND);
        assert_eq!(quiet(&life, 3620), 30 * SECOND);
    }

    #[test]
    fn without_monotonic_times_the_clock_is_believed() {
        let mut life = Lifeline::default();
        life.note(at(10), None);
        life.note(at(3650), None);
        assert_eq!(quiet(&life, 10), 3640 * SECOND);
    }

    #[test]
    fn a_clock_may_drift() {
        let mut life = Lifeline::default();
        for second in (0..7200).step_by(60) {
            life.note(at(second + second / 600), Some(second * SECOND));
        }
        // By the monotonic time: the clock ran 11 s ahead meanwhile.
        assert_eq!(quiet(&life, 0), 7140 * SECOND);
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
        assert_eq!(quiet(&life, 0), 40 * SECOND);
        let unlogged = |second| life.unlogged(at(second));
        assert_eq!((unlogged(0), unlogged(95)), (80 * SECOND, 0));
        assert_eq!(life.last(), Some(at(120)));
    }

    /// What a damaged journal tells: uptimes that add up to more than a number holds.
    #[test]
    fn uptimes_without_end_are_added_up() {
        let mut life = Lifeline::default();
        for (second, monotonic) in [(0, i64::MAX), (1, 5), (2, i64::MAX), (3, 7), (4, i64::MAX)] {
            life.note(at(second), Some(monotonic));
        }
        life.end(None);
        assert!(life.quiet(at(0), std::iter::once(at(0))) >= 0);
    }
}
