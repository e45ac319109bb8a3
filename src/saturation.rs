//! Detection of an empty token bucket in the LOG rule: the times of one node's drop lines in, saturated stretches out.
//!
//! Follows `net/netfilter/xt_limit.c`: a bucket of `burst` tokens, one refilled each `refill`; a line takes one.

use crate::site::Limit;
use crate::time::{SECOND, Time};

/// A line that comes within this many microseconds of the refill had waited for it.
const WAITED: i64 = SECOND;
/// Tolerance for stamps of whole seconds, in microseconds.
const COARSE: i64 = SECOND;
/// Tolerance for finer stamps, in microseconds.
const FINE: i64 = SECOND / 20;
/// Number of lines at the refill's pace that make a stretch at the start of a log, where the bucket's fill is unknown.
const AT_PACE: usize = 3;

/// The bucket that the split LOG rules give a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    Syn,
    OtherTcp,
    NotTcp,
}

impl Class {
    const ALL: [Self; 3] = [Self::Syn, Self::OtherTcp, Self::NotTcp];
}

/// One drop line on the timeline of a node: half a million are kept, in 12 bytes each. In order of time, then of class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tick {
    /// Halves of the time.
    high: i32,
    low: u32,
    class: Class,
    is_fine: bool,
}

const _: () = assert!(size_of::<Tick>() == 12);

impl Tick {
    /// Creates the tick of a line; `is_fine` states that its log's times resolve fractions of a second.
    pub const fn new(time: Time, class: Class, is_fine: bool) -> Self {
        let Time(micros) = time;
        Self {
            high: (micros >> 32) as i32,
            low: micros as u32,
            class,
            is_fine,
        }
    }

    /// Returns the time of the line.
    pub fn time(self) -> Time {
        Time(i64::from(self.high) << 32 | i64::from(self.low))
    }

    /// Returns it, moved by whole years.
    pub fn add_years(self, years: i32) -> Self {
        Self::new(self.time().add_years(years), self.class, self.is_fine)
    }
}

/// A stretch of time, from its first line to its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stretch {
    pub from: Time,
    pub to: Time,
}

impl Stretch {
    /// Microseconds of the stretch that lie between `from` and `to`.
    pub fn overlap(&self, from: Time, to: Time) -> i64 {
        self.to.min(to).since(self.from.max(from)).max(0)
    }
}

/// Whether most of `times` lie in `stretches`, which are in order: what came then elsewhere would have left no line here.
pub fn hide(stretches: &[Stretch], times: impl Iterator<Item = Time>) -> bool {
    let is_within = |time: &Time| {
        let next = stretches.partition_point(|stretch| stretch.to < *time);
        (stretches.get(next)).is_some_and(|stretch| stretch.from <= *time)
    };
    if stretches.is_empty() {
        return false;
    }
    let (within, outside): (Vec<Time>, Vec<Time>) = times.partition(is_within);
    within.len() > outside.len()
}

/// Returns the stretches of `ticks`, which are in time order, in which the bucket was empty; `None` where the lines
/// cannot have passed `limit`, neither all through one bucket nor each class through its own, and where lines without a time
/// leave open what they would show.
///
/// The LOG rule may have been replaced once, by itself or by the split rules: new rules begin with full buckets, which
/// the lines before them would not have allowed.
pub fn judge(ticks: &[Tick], limit: Limit) -> Option<Vec<Stretch>> {
    // Those come first.
    let is_dated = ticks.first().is_some_and(|tick| tick.time().is_known());
    if let Some(stretches) = under_one_set(ticks, limit) {
        return Some(stretches).filter(|found| is_dated || !found.is_empty());
    }
    let (before, misfit) = stretches(ticks.iter(), limit).err()?;
    let earliest = misfit.saturating_sub(limit.burst as usize);
    // A burst that runs on shows no moment, unless lines were hidden before it: that is why rules are replaced.
    let is_moment = |at: &usize| {
        let gap = (at.checked_sub(1)).map(|last| ticks[*at].time().since(ticks[last].time()));
        !before.is_empty() || gap.is_some_and(|gap| gap > WAITED)
    };
    let mut moments = (earliest..=misfit).filter(is_moment);
    let after = moments.find_map(|at| under_one_set(&ticks[at..], limit))?;
    Some(union([before, after].concat()))
}

/// Returns the stretches under one LOG rule, or under the three split ones.
fn under_one_set(ticks: &[Tick], limit: Limit) -> Option<Vec<Stretch>> {
    if let Ok(stretches) = stretches(ticks.iter(), limit) {
        return Some(stretches);
    }
    let mut all = Vec::new();
    for class in Class::ALL {
        let own = ticks.iter().filter(|tick| tick.class == class);
        all.extend(stretches(own, limit).ok()?);
    }
    Some(union(all))
}

/// Joins stretches that touch.
pub fn union(mut stretches: Vec<Stretch>) -> Vec<Stretch> {
    stretches.sort_unstable();
    let mut joined: Vec<Stretch> = Vec::new();
    for stretch in stretches {
        match joined.last_mut() {
            Some(last) if stretch.from <= last.to => last.to = last.to.max(stretch.to),
            _ => joined.push(stretch),
        }
    }
    joined
}

/// Returns the stretches under one bucket. The error, where more lines passed than one bucket allows, has the stretches
/// before, and the index of the line that did not fit.
fn stretches<'t>(
    ticks: impl Iterator<Item = &'t Tick>,
    limit: Limit,
) -> Result<Vec<Stretch>, (Vec<Stretch>, usize)> {
    let full = i64::from(limit.burst) * limit.refill;
    // Fill of the bucket, in microseconds of refilling: `most` and `least` are its bounds. A line needs `refill` of it.
    let (mut most, mut least) = (full, limit.refill);
    let mut found = Vec::new();
    // Start of the unbroken run of lines that waited for a token, by the lower bound of the fill, and their number.
    let mut pace: Option<(Time, usize)> = None;
    let mut last: Option<Time> = None;
    for (at, tick) in ticks.enumerate().filter(|(_, t)| t.time().is_known()) {
        let slack = if tick.is_fine { FINE } else { COARSE };
        if let Some(last) = last {
            let gap = tick.time().since(last).max(0);
            let waited = |fill: i64| {
                let refilled = limit.refill - fill;
                refilled > 0 && gap <= refilled + WAITED && gap + slack >= refilled
            };
            let (surely, perhaps) = (waited(most), waited(least));
            if surely {
                found.push(Stretch {
                    from: last,
                    to: tick.time(),
                });
            }
            pace = match pace {
                _ if !perhaps => None,
                None => Some((last, 2)),
                Some((from, lines)) => Some((from, lines + 1)),
            };
            if let Some((from, lines)) = pace
                && lines >= AT_PACE
            {
                found.push(Stretch {
                    from,
                    to: tick.time(),
                });
            }
            most = full.min(most.saturating_add(gap));
            least = full.min(least.saturating_add(gap));
            if most + slack < limit.refill {
                return Err((union(found), at));
            }
        }
        // The line passed, so there was a token.
        most = most.max(limit.refill) - limit.refill;
        least = least.max(limit.refill) - limit.refill;
        last = Some(tick.time());
    }
    Ok(union(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(seconds: &[f64]) -> Vec<Tick> {
        seconds
            .iter()
            .map(|s| Tick::new(Time((s * 1e6) as i64), Class::OtherTcp, true))
            .collect()
    }

    fn found(seconds: &[f64]) -> Option<Vec<(i64, i64)>> {
        let stretches = judge(&ticks(seconds), Limit::DOCUMENTED)?;
        Some(
            stretches
                .iter()
                .map(|s| (s.from.0 / SECOND, s.to.0 / SECOND))
                .collect(),
        )
    }

    #[test]
    fn a_burst_and_a_line_at_each_refill_is_a_stretch() {
        assert_eq!(
            found(&[100.0, 100.1, 100.2, 100.3, 100.4, 106.1, 112.1, 118.1]),
            Some(vec![(100, 118)])
        );
    }

    #[test]
    fn a_lone_burst_is_none() {
        assert_eq!(found(&[100.0, 100.1, 100.2, 100.3, 100.4]), Some(vec![]));
        assert_eq!(
            found(&[100.0, 100.1, 100.2, 100.3, 100.4, 115.0]),
            Some(vec![])
        );
    }

    #[test]
    fn a_line_a_minute_is_none() {
        assert_eq!(found(&[0.0, 60.0, 120.0, 180.0]), Some(vec![]));
    }

    #[test]
    fn three_lines_at_the_refill_are_a_stretch_from_the_start() {
        assert_eq!(found(&[0.0, 6.02, 12.04]), Some(vec![(0, 12)]));
        assert_eq!(found(&[0.0, 6.02]), Some(vec![]));
    }

    #[test]
    fn a_retransmitted_syn_each_half_minute_is_none() {
        // Five lines in 30 s are as many as the bucket is refilled with: it is never empty. Stamps of whole seconds.
        let seconds: Vec<f64> = (0..20)
            .flat_map(|n| [0.0, 1.0, 3.0, 7.0, 15.0].map(|s| s + f64::from(n) * 30.0))
            .collect();
        let coarse: Vec<Tick> = ticks(&seconds)
            .into_iter()
            .map(|tick| Tick {
                is_fine: false,
                ..tick
            })
            .collect();
        assert_eq!(judge(&coarse, Limit::DOCUMENTED), Some(vec![]));
    }

    #[test]
    fn a_line_each_seven_seconds_is_none() {
        let seconds: Vec<f64> = (0..20).map(|n| f64::from(n) * 7.0).collect();
        let coarse: Vec<Tick> = ticks(&seconds)
            .into_iter()
            .map(|tick| Tick {
                is_fine: false,
                ..tick
            })
            .collect();
        assert_eq!(judge(&coarse, Limit::DOCUMENTED), Some(vec![]));
    }

    #[test]
    fn more_than_a_bucket_lets_through_is_not_judged() {
        assert_eq!(found(&[0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]), None);
    }

    #[test]
    fn a_rule_that_was_replaced_begins_with_a_full_bucket() {
        // Logged in the lab: saturated, then the LOG rule replaced by three, each with a burst of its own.
        let mut all = ticks(&[
            57.908, 57.960, 58.012, 58.060, 58.112, 63.936, 69.960, 75.944,
        ]);
        all.extend(ticks(&[79.668, 79.720, 79.768, 79.820, 79.868]));
        all.extend(
            ticks(&[82.168, 85.172, 88.172])
                .into_iter()
                .map(|tick| Tick {
                    class: Class::Syn,
                    ..tick
                }),
        );
        let stretches = judge(&all, Limit::DOCUMENTED).unwrap();
        assert_eq!(stretches.len(), 1);
        assert_eq!(
            (stretches[0].from.0, stretches[0].to.0),
            (58_112_000, 75_944_000)
        );
    }

    #[test]
    fn two_bursts_are_of_a_rule_that_was_replaced() {
        let bursts = [0.0, 0.1, 0.2, 0.3, 0.4, 10.0, 10.1, 10.2, 10.3, 10.4];
        assert_eq!(found(&bursts), Some(vec![]));
        let three = [&bursts[..], &[20.0, 20.1, 20.2, 20.3, 20.4]].concat();
        assert_eq!(found(&three), None);
    }

    #[test]
    fn split_rules_have_a_bucket_each() {
        let mut all = ticks(&[100.0, 100.1, 100.2, 100.3, 100.4, 106.05]);
        for tick in ticks(&[100.0, 100.1, 100.2, 100.3, 100.4, 200.0]) {
            all.push(Tick {
                class: Class::Syn,
                ..tick
            });
        }
        all.sort_unstable();
        let stretches = judge(&all, Limit::DOCUMENTED).unwrap();
        assert_eq!(
            stretches,
            [Stretch {
                from: Time(100_400_000),
                to: Time(106_050_000)
            }]
        );
    }

    #[test]
    fn times_in_stretches_are_hidden() {
        let stretch = |from, to| Stretch {
            from: Time(from),
            to: Time(to),
        };
        let stretches = [stretch(10, 20), stretch(40, 50)];
        for (times, hidden) in [
            (&[10, 15, 30][..], true),
            (&[10, 30], false),
            (&[20, 40, 50, 51, 9], true),
            (&[21, 39, 60], false),
            (&[], false),
        ] {
            let told = hide(&stretches, times.iter().copied().map(Time));
            assert_eq!(told, hidden, "{times:?}");
            assert!(!hide(&[], times.iter().copied().map(Time)));
        }
    }

    #[test]
    fn lines_without_a_time_leave_it_open() {
        let untimed = |time| Tick::new(time, Class::Syn, true);
        assert_eq!(judge(&[untimed(Time::UNKNOWN)], Limit::DOCUMENTED), None);
        let mixed = [untimed(Time::UNKNOWN), untimed(Time(1_000_000))];
        assert_eq!(judge(&mixed, Limit::DOCUMENTED), None);
        assert_eq!(judge(&mixed[1..], Limit::DOCUMENTED), Some(vec![]));
    }
}
