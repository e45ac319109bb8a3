//! What the lines of a flow add up to, whatever their order.

use super::Flow;
use crate::input::Entry;
use crate::time::Time;

/// So many lines of one flow are kept one by one.
pub(super) const MOST_MARKS: usize = 4_096;

impl Flow {
    pub(super) fn begin(entry: &Entry<'_>) -> Self {
        Self {
            logged: 0,
            flags: Vec::new(),
            icmp_types: Vec::new(),
            first: entry.time,
            last: entry.time,
            marks: Vec::new(),
            sample: entry.message.trim_end().into(),
            sample_time: entry.time,
            folded: false,
            fates: None,
        }
    }

    /// Keeps the earliest line; of lines at one time, the first by its text, so that no order matters.
    pub(super) fn consider_sample(&mut self, time: Time, message: &str) {
        let message = message.trim_end();
        if (time, message) < (self.sample_time, &*self.sample) {
            self.sample_time = time;
            self.sample = message.into();
        }
    }

    /// The same without a line.
    pub(super) fn bare(&self) -> Self {
        Self {
            logged: 0,
            flags: Vec::new(),
            icmp_types: Vec::new(),
            marks: Vec::new(),
            sample: self.sample.clone(),
            fates: None,
            ..*self
        }
    }

    /// Adds what another log shows, with at most `room` of its lines one by one: how many those were.
    pub(super) fn absorb(&mut self, other: Self, room: usize) -> usize {
        self.logged += other.logged;
        for (flags, lines) in other.flags {
            count(&mut self.flags, flags, lines);
        }
        for (icmp_type, lines) in other.icmp_types {
            count(&mut self.icmp_types, icmp_type, lines);
        }
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.consider_sample(other.sample_time, &other.sample);
        let room = room.min(MOST_MARKS.saturating_sub(self.marks.len()));
        let taken = room.min(other.marks.len());
        if self.marks.is_empty() && taken == other.marks.len() {
            self.marks = other.marks;
        } else {
            self.marks.extend(other.marks.into_iter().take(taken));
        }
        self.folded |= other.folded;
        if let Some(theirs) = other.fates {
            self.fates.get_or_insert_default().absorb(&theirs);
        }

        taken
    }
}

pub(super) fn count<T: Copy + Ord>(table: &mut Vec<(T, u64)>, of: T, lines: u64) {
    match table.binary_search_by_key(&of, |(key, _)| *key) {
        Ok(at) => table[at].1 += lines,
        Err(at) => table.insert(at, (of, lines)),
    }
}
