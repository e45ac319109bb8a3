//! Sums over the lines of a flow, independent of their order.

use std::borrow::Cow;
use std::sync::Arc;

use smallvec::SmallVec;

use super::flags::FlagCounts;
use super::{Counts, Detail, Flow, Folded};
use crate::time::Time;

impl Flow {
    /// Creates a flow without lines, with the time and the message of its first.
    pub(super) fn begin(time: Time, message: &[u8]) -> Self {
        Self {
            logged: 0,
            flags: FlagCounts::default(),
            first: time,
            last: time,
            folded: Folded::No,
            marks: 0,
            detail: Box::new(Detail {
                flags: Counts::new(),
                icmp_types: Counts::new(),
                destinations: SmallVec::new(),
                sample: text(message).trim_end().into(),
                outcomes: None,
            }),
        }
    }

    /// Adds the time of a line, and keeps the earliest line; of lines at one time the first by its text, so that the
    /// order of arrival does not matter.
    #[inline]
    pub(super) fn date<'m>(&mut self, time: Time, message: impl FnOnce() -> &'m [u8]) {
        if time > self.last {
            self.last = time;
        }
        if time <= self.first {
            self.show(time, message());
        }
    }

    #[inline(never)]
    fn show(&mut self, time: Time, message: &[u8]) {
        let message = text(message);
        let message = message.trim_end();
        if (time, message) < (self.first, &*self.detail.sample) {
            self.first = time;
            self.detail.sample = message.into();
        }
    }

    /// Returns the flow with its names and no line.
    pub(super) fn bare(&self) -> Self {
        Self {
            logged: 0,
            flags: FlagCounts::default(),
            marks: 0,
            detail: Box::new(Detail {
                flags: Counts::new(),
                icmp_types: Counts::new(),
                destinations: SmallVec::new(),
                sample: self.detail.sample.clone(),
                outcomes: None,
            }),
            ..*self
        }
    }

    /// Adds the sums of another log, without the lines one by one.
    pub(super) fn absorb(&mut self, other: Self) {
        self.logged += other.logged;
        for (flags, lines) in other.flags() {
            self.count_flags(flags, lines);
        }
        self.last = self.last.max(other.last);
        self.date(other.first, || other.detail.sample.as_bytes());
        self.folded = self.folded.max(other.folded);
        for (icmp_type, lines) in other.detail.icmp_types {
            count(&mut self.detail.icmp_types, icmp_type, lines);
        }
        for address in &other.detail.destinations {
            self.note_destination(*address);
        }
        if let Some(theirs) = other.detail.outcomes {
            Arc::make_mut(self.detail.outcomes.get_or_insert_default()).absorb(&theirs);
        }
    }
}

/// Upper bound on the bytes kept of a message: the kernel's buffer for one line of the LOG target (`struct nf_log_buf`,
/// net/netfilter/nf_log.c) has no more, so a line of the kernel is never cut.
const MESSAGE: usize = 1_024;

fn text(message: &[u8]) -> Cow<'_, str> {
    let mut end = message.len().min(MESSAGE);
    // A character is never cut.
    if end < message.len() {
        let begin = (end - 3..=end).rfind(|&at| message[at] & 0xc0 != 0x80);
        end = begin.unwrap_or(end);
    }
    let message = &message[..end];
    match std::str::from_utf8(message) {
        Ok(text) => text.into(),
        Err(_) => String::from_utf8_lossy(message),
    }
}

pub(super) fn count<T: Copy + Ord>(table: &mut Counts<T>, of: T, lines: u64) {
    match table.binary_search_by_key(&of, |(key, _)| *key) {
        Ok(at) => table[at].1 += lines,
        Err(at) => table.insert(at, (of, lines)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_cannot_print_is_not_kept() {
        let kept = |message: &[u8]| Flow::begin(Time(0), message).detail.sample;
        assert_eq!(kept(&[b'x'; 60_000]).len(), MESSAGE);
        assert_eq!(kept(&[b'x'; MESSAGE]).len(), MESSAGE);
        // The bound falls into a character.
        let text = "x".repeat(MESSAGE - 1) + "\u{20ac}\u{20ac}";
        assert_eq!(&*kept(text.as_bytes()), "x".repeat(MESSAGE - 1));
        assert!(kept(&[0x80; 2 * MESSAGE]).len() <= 3 * MESSAGE);
        let mut flow = Flow::begin(Time(2), b"HARVESTER_DROP_IN=later");
        flow.date(Time(1), || &[b'y'; 60_000]);
        assert_eq!((flow.first, flow.detail.sample.len()), (Time(1), MESSAGE));
    }
}
