//! Times of a finding's lines, as many as a timeline shows.

use crate::time::Time;

/// The most times that are kept of one finding.
pub const MAX_TIMES: usize = 120;

/// Returns the known times among those of `all`, in order and each once. Of more than [`MAX_TIMES`], the first of each
/// equal part of the span, and the last: they do not depend on the order in which they come.
pub fn times<I: Iterator<Item = Time>>(all: impl Fn() -> I) -> Vec<Time> {
    let all = || all().filter(|time| time.is_known());
    let mut kept: Vec<Time> = all().take(MAX_TIMES + 1).collect();
    if kept.len() > MAX_TIMES {
        kept = thinned(all);
    }
    kept.sort_unstable();
    kept.dedup();
    kept.shrink_to_fit();
    kept
}

fn thinned<I: Iterator<Item = Time>>(all: impl Fn() -> I) -> Vec<Time> {
    let ends = |(first, last): (Time, Time), time: Time| (first.min(time), last.max(time));
    let (first, last) = all().fold((Time(i64::MAX), Time::UNKNOWN), ends);
    let parts = MAX_TIMES - 1;
    let mut earliest = vec![None; parts];
    for time in all() {
        let since = i128::from(time.since(first)) * parts as i128;
        let part = since / i128::from(last.since(first).max(1));
        let part = usize::try_from(part).unwrap_or(0).min(parts - 1);
        let kept = earliest[part].get_or_insert(time);
        *kept = time.min(*kept);
    }
    earliest.into_iter().flatten().chain([last]).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{MAX_TIMES, times};
    use crate::time::Time;

    proptest! {
        #[test]
        fn they_are_in_order_bounded_and_some_of_all(seconds in prop::collection::vec(0..100_000_i64, 1..400)) {
            let all = || seconds.iter().map(|second| Time(*second));
            let kept = times(all);
            prop_assert!(kept.len() <= MAX_TIMES && kept.is_sorted_by(|a, b| a < b));
            prop_assert!(kept.iter().all(|time| all().any(|one| one == *time)));
            prop_assert_eq!(kept.first().copied(), all().min());
            prop_assert_eq!(kept.last().copied(), all().max());
            prop_assert_eq!(&kept, &times(|| all().rev()));
            prop_assert_eq!(&kept, &times(|| kept.iter().copied()));
        }
    }
}
