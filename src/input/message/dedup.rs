//! Deduplication across inputs: several inputs may overlap, `kernel.log` and a copy of it, a journal and its export.
//!
//! Within one input no record is a repeat: the n-th record of one identity in an input counts unless another input
//! contained n of it before. Inputs may come one after the other, or in turns.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, RandomState};

use crate::input::event::DropLine;
use crate::time::DAY;

/// Upper bound on the identities remembered: 16 MiB of them.
const REMEMBERED: usize = 1 << 19;

/// Number of times that a record was seen in the two inputs, by their numbers, that had it most often.
#[derive(Debug, Clone, Copy, Default)]
struct Seen([(u32, u32); 2]);

/// Detects the records of an input that another one contained.
#[derive(Debug)]
pub struct Dedup {
    seen: HashMap<u64, Seen>,
    /// Of inputs that go on, the records before those.
    before: HashMap<u64, Seen>,
    keys: RandomState,
    capacity: usize,
    /// Whether the oldest records are forgotten, and not the newest left out.
    forgets: bool,
    input: u32,
    repeated: u64,
    untold: u64,
}

impl Default for Dedup {
    fn default() -> Self {
        Self::remembering(REMEMBERED)
    }
}

impl Dedup {
    /// Creates a memory for up to `capacity` identities.
    pub fn remembering(capacity: usize) -> Self {
        Self {
            seen: HashMap::new(),
            before: HashMap::new(),
            keys: RandomState::new(),
            capacity,
            forgets: false,
            input: 0,
            repeated: 0,
            untold: 0,
        }
    }

    /// Creates a memory for inputs that go on: what one has, another has soon or never.
    pub fn forgetting() -> Self {
        Self {
            forgets: true,
            ..Self::remembering(REMEMBERED / 2)
        }
    }

    /// Goes on with the input of this number.
    pub const fn select(&mut self, input: u32) {
        self.input = input;
    }

    /// Begins the next input.
    pub fn begin_input(&mut self) {
        self.input += 1;
    }

    /// Returns the identity of a record: a hash of its node, its time, and its text. The year is left out, since it may
    /// have been guessed. A journal's cursor adds nothing: records with the same cursor agree in all three. A whole
    /// second counts where the node is known: the text has the packet's own number, and an input that contains it once
    /// more than the earlier ones keeps that. `None` where there is no date: uptimes of two nodes cannot be compared.
    pub fn identity(&self, line: &DropLine<'_>) -> Option<u64> {
        let is_known = line.time.is_dated() && (line.fine || line.host.is_some());
        is_known.then(|| {
            let (_, month, day) = line.time.date();
            let clock = line.time.0.rem_euclid(DAY);
            self.keys
                .hash_one((line.host, month, day, clock, line.message.trim_ascii_end()))
        })
    }

    /// Returns the number of new records among `copies` equal ones.
    ///
    /// Records without an identity, and those beyond the upper bound, count as new.
    pub fn fresh(&mut self, identity: Option<u64>, copies: u32) -> u32 {
        let Some(identity) = identity else {
            return copies;
        };
        if self.forgets && self.seen.len() == self.capacity {
            self.before = std::mem::take(&mut self.seen);
        }
        let room = self.seen.len() < self.capacity;
        let seen = match self.seen.entry(identity) {
            Entry::Occupied(seen) => seen.into_mut(),
            Entry::Vacant(place) if room => {
                place.insert(self.before.remove(&identity).unwrap_or_default())
            }
            Entry::Vacant(_) => {
                // In the first input, no record is a repeat.
                self.untold += u64::from(copies) * u64::from(self.input > 1);
                return copies;
            }
        };
        let most = seen.0.iter().map(|(_, count)| *count).max().unwrap_or(0);
        let own = match seen
            .0
            .iter()
            .position(|(input, count)| *input == self.input && *count > 0)
        {
            Some(own) => own,
            None => usize::from(seen.0[1].1 <= seen.0[0].1),
        };
        let (input, count) = &mut seen.0[own];
        if *input != self.input {
            (*input, *count) = (self.input, 0);
        }
        *count = count.saturating_add(copies);
        let fresh = count.saturating_sub(most).min(copies);
        self.repeated += u64::from(copies - fresh);
        fresh
    }

    /// Returns the number of repeated records.
    pub const fn repeated(&self) -> u64 {
        self.repeated
    }

    /// Returns the number of records that could not be compared, because of the upper bound.
    pub const fn untold(&self) -> u64 {
        self.untold
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Time;

    fn counted(inputs: &[&[u64]]) -> Vec<usize> {
        let mut repeats = Dedup::default();
        let count = |input: &&[u64]| {
            repeats.begin_input();
            let fresh = |&id: &u64| repeats.fresh((id != 0).then_some(id), 1) as usize;
            input.iter().map(fresh).sum()
        };
        inputs.iter().map(count).collect()
    }

    #[test]
    fn the_nth_of_an_identity_counts_if_no_earlier_input_had_n() {
        assert_eq!(counted(&[&[1, 1, 1]]), [3], "one input repeats nothing");
        assert_eq!(counted(&[&[1, 2], &[1, 2, 3]]), [2, 1]);
        assert_eq!(counted(&[&[1, 1], &[1], &[1, 1, 1]]), [2, 0, 1]);
        assert_eq!(counted(&[&[1], &[1, 1], &[1, 1]]), [1, 1, 0]);
        assert_eq!(counted(&[&[0, 0], &[0]]), [2, 1], "no identity, no repeat");
    }

    #[test]
    fn inputs_that_come_in_turns_repeat_what_another_had() {
        let mut repeats = Dedup::forgetting();
        // Two of the same in each, in turns.
        let fresh = [1, 2, 1, 2, 2, 1].map(|input| {
            repeats.select(input);
            repeats.fresh(Some(9), 1)
        });
        assert_eq!(fresh, [1, 0, 1, 0, 1, 0]);
        // What was forgotten counts anew, and nothing is left out.
        repeats.capacity = 2;
        for identity in 10..20 {
            assert_eq!(repeats.fresh(Some(identity), 1), 1);
        }
        repeats.select(2);
        assert_eq!(
            (repeats.fresh(Some(19), 1), repeats.fresh(Some(11), 1)),
            (0, 1)
        );
        assert_eq!(repeats.untold(), 0);
    }

    #[test]
    fn what_is_too_much_to_remember_counts() {
        let mut repeats = Dedup::remembering(1);
        repeats.begin_input();
        assert_eq!(
            (repeats.fresh(Some(1), 1), repeats.fresh(Some(2), 1)),
            (1, 1)
        );
        repeats.begin_input();
        assert_eq!(
            (repeats.fresh(Some(1), 1), repeats.fresh(Some(2), 1)),
            (0, 1)
        );
        assert_eq!((repeats.repeated(), repeats.untold()), (1, 1));
    }

    #[test]
    fn a_whole_second_is_an_identity_on_a_known_node() {
        let line = |time, fine, host| DropLine {
            time,
            fine,
            host,
            message: b"HARVESTER_DROP_IN=mgmt-br ",
            packet: Err(crate::packet::Unparsed::NoSource),
            repeats: 1,
            monotonic: None,
        };
        let repeats = Dedup::default();
        let at = Time(1_776_852_001_123_456);
        let node = Some("harvester1");
        assert!(repeats.identity(&line(at, true, node)).is_some());
        assert!(repeats.identity(&line(at, true, None)).is_some());
        assert!(repeats.identity(&line(at, false, node)).is_some());
        assert!(repeats.identity(&line(at, false, None)).is_none());
        assert!(
            repeats
                .identity(&line(Time::uptime(5), true, node))
                .is_none()
        );
    }
}
