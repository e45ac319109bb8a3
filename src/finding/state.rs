//! Whether the lines of a finding go on at the end of the log.

use crate::cause::group::Group;
use crate::cause::scene::Scene;
use crate::saturation::Stretch;
use crate::time::{MINUTE, Time};

/// State of a flow at the end of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Lines still arrive, at the flow's own pace.
    Ongoing,
    /// Quiet for the settling time, while the log went on.
    Settled,
    /// The log is too short to say whether it stopped.
    Unproven,
}

impl State {
    pub const ALL: [Self; 3] = [Self::Ongoing, Self::Settled, Self::Unproven];

    /// Returns the state as reports write it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Ongoing => "ongoing",
            Self::Settled => "settled",
            Self::Unproven => "unproven",
        }
    }
}

/// Silence that every flow's pace allows, in microseconds, unless a shorter one settles it.
const PACE: i64 = MINUTE;

pub(super) fn state(group: &Group<'_>, scene: &Scene<'_>) -> State {
    let Some(end) = scene.end() else {
        return State::Unproven;
    };
    if !group.last.is_known() || group.last.is_dated() != end.is_dated() {
        return State::Unproven;
    }
    let (silent, unlogged) = scene.quiet(group);
    let is_at_pace = silent <= PACE && silent < scene.site.settle || paused(group, silent);
    // What it did between two logs is not known.
    if is_at_pace && (unlogged <= PACE || paused(group, silent.saturating_add(unlogged))) {
        return State::Ongoing;
    }
    let node = scene.nodes.get(&group.key.node);
    let lost: i64 = node
        .and_then(|node| node.saturated.as_ref())
        .into_iter()
        .flatten()
        .map(|stretch: &Stretch| stretch.overlap(group.last, end))
        .sum();
    if silent - lost >= scene.site.settle {
        State::Settled
    } else {
        State::Unproven
    }
}

/// Whether two lines of the group, one after the other, lie `silent` microseconds or more apart.
fn paused(group: &Group<'_>, silent: i64) -> bool {
    let ends = |(first, last, lines): (Time, Time, i64), time: Time| {
        (first.min(time), last.max(time), lines + 1)
    };
    let times = || group.marks().map(|mark| mark.time);
    let (first, last, lines) = times().fold((Time(i64::MAX), Time::UNKNOWN, 0), ends);
    // The longest gap is at most the whole time and at least the mean gap: mostly that decides.
    let all = last.since(first);
    if lines < 2 || all < silent {
        return false;
    }
    if all / (lines - 1) >= silent {
        return true;
    }
    let mut times: Vec<Time> = times().collect();
    times.sort_unstable();
    times.windows(2).any(|two| two[1].since(two[0]) >= silent)
}
