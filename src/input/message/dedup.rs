//! Deduplication across inputs: several inputs may overlap, `kernel.log` and a copy of it, a journal and its export.
//!
//! Within one input no record is a repeat: the n-th record of one identity in an input counts unless another input
//! contained n of it before. Inputs may come one after the other, or in turns.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, RandomState};

use crate::input::event::DropLine;
use crate::time::{DAY, SECOND};

/// Upper bound on the identities remembered: as many as a table of 2^19 places holds, which takes 13 MiB, less one: a full
/// table grows when it is asked.
const REMEMBERED: usize = (1 << 19) / 8 * 7 - 1;
/// Upper bound on those of inputs that go on, twice.
const REMEMBERED_LATELY: usize = 1 << 18;

/// Numbers of two inputs, and how many times each had a record: no other had it more often.
#[derive(Debug, Clone, Copy, Default)]
struct Seen([(u32, u32); 2]);

impl Seen {
    /// Returns the place of an input, or one that is not taken.
    fn place(&self, input: u32) -> Option<usize> {
        let own = (self.0.iter()).position(|(other, count)| *other == input && *count > 0);
        own.or_else(|| self.0.iter().position(|(_, count)| *count == 0))
    }

    /// Returns the place of the input that had it less often.
    fn least(&self) -> usize {
        usize::from(self.0[1].1 <= self.0[0].1)
    }

    fn most(&self) -> u32 {
        self.0[0].1.max(self.0[1].1)
    }
}

/// What is remembered of records.
#[derive(Debug, Default)]
struct Memory {
    seen: HashMap<u64, Seen>,
    /// How many times a record was in inputs beyond those two, of inputs that go on.
    others: HashMap<(u64, u32), u32>,
}

/// Detects the records of an input that another one contained.
#[derive(Debug)]
pub struct Dedup {
    memory: Memory,
    /// Of inputs that go on, the records before those.
    before: Memory,
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
            memory: Memory::default(),
            before: Memory::default(),
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
            ..Self::remembering(REMEMBERED_LATELY)
        }
    }

    /// Goes on with the input of this number.
    pub const fn select(&mut self, input: u32) {
        self.input = input;
    }

    /// Frees the memory behind the last input; the counts stay.
    pub fn end(&mut self) {
        (self.memory, self.before) = Default::default();
    }

    /// Begins the next input.
    pub fn begin_input(&mut self) {
        self.input += 1;
    }

    /// Returns the identity of a record: a hash of its node, its time, and its text. The year is left out, since it may
    /// have been guessed. A journal's cursor adds nothing: records with the same cursor agree in all three. Where the node
    /// is known, its whole second counts, since another form of the same log may tell no more: the text has the packet's own
    /// number, and an input that contains it once more than the earlier ones keeps that. Where it is not, and for an
    /// uptime, the fraction is needed: `None` where there is none.
    pub fn identity(&self, line: &DropLine<'_>) -> Option<u64> {
        let has_node = line.time.is_dated() && line.host.is_some();
        (line.time.is_known() && (line.fine || has_node)).then(|| {
            let (_, month, day) = line.time.date();
            let clock = line.time.0.rem_euclid(DAY);
            let unit = if has_node { SECOND } else { 1 };
            let text = line.message.trim_ascii_end();
            (self.keys).hash_one((line.host, month, day, clock / unit, unit, text))
        })
    }

    /// Returns the number of new records among `copies` equal ones.
    ///
    /// Records without an identity, and those beyond the upper bound, count as new.
    pub fn fresh(&mut self, identity: Option<u64>, copies: u32) -> u32 {
        let Some(identity) = identity else {
            return copies;
        };
        let memory = &mut self.memory;
        let is_full = memory.seen.len().max(memory.others.len()) >= self.capacity;
        if self.forgets && is_full {
            self.before = std::mem::take(memory);
        }
        let room = memory.seen.len() < self.capacity;
        let seen = match memory.seen.entry(identity) {
            Entry::Occupied(seen) => seen.into_mut(),
            Entry::Vacant(place) if room => {
                place.insert(self.before.seen.remove(&identity).unwrap_or_default())
            }
            Entry::Vacant(_) => {
                // In the first input, no record is a repeat.
                self.untold += u64::from(copies) * u64::from(self.input > 1);
                return copies;
            }
        };
        let most = seen.most();
        let count = match seen.place(self.input) {
            Some(own) => {
                let count = seen.0[own].1.saturating_add(copies);
                seen.0[own] = (self.input, count);
                count
            }
            // Of inputs that come one after the other, the earlier ones do not come again.
            None if !self.forgets => {
                seen.0[seen.least()] = (self.input, copies);
                copies
            }
            None => {
                let own = (identity, self.input);
                let before =
                    (memory.others.remove(&own)).or_else(|| self.before.others.remove(&own));
                let count = before.unwrap_or(0).saturating_add(copies);
                let least = seen.least();
                if count > seen.0[least].1 {
                    let (other, less) = std::mem::replace(&mut seen.0[least], (self.input, count));
                    memory.others.insert((identity, other), less);
                } else {
                    memory.others.insert(own, count);
                }
                count
            }
        };
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
    use proptest::prelude::*;

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

    /// Returns how many records there are: of each, as many as the input has that has it most often.
    fn expected(read: &[(u32, u64)]) -> u32 {
        let mut counts: HashMap<(u64, u32), u32> = HashMap::new();
        let mut most: HashMap<u64, u32> = HashMap::new();
        for &(input, identity) in read {
            let count = counts.entry((identity, input)).or_default();
            *count += 1;
            let most = most.entry(identity).or_default();
            *most = (*most).max(*count);
        }
        most.values().sum()
    }

    proptest! {
        #[test]
        fn a_record_counts_as_often_as_the_input_has_it_that_has_it_most(
            read in prop::collection::vec((1_u32..5, 1_u64..4), 0..60),
        ) {
            let sum = |mut repeats: Dedup, read: &[(u32, u64)]| -> u32 {
                let fresh = read.iter().map(|&(input, identity)| {
                    repeats.select(input);
                    repeats.fresh(Some(identity), 1)
                });
                fresh.sum()
            };
            // After each record, whatever comes then.
            for end in 0..=read.len() {
                prop_assert_eq!(sum(Dedup::forgetting(), &read[..end]), expected(&read[..end]));
            }
            let mut in_order = read.clone();
            in_order.sort_by_key(|(input, _)| *input);
            prop_assert_eq!(sum(Dedup::default(), &in_order), expected(&read));
        }
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
    fn a_form_that_tells_less_of_the_time_has_the_same_records() {
        let repeats = Dedup::default();
        let identity = |time, fine, host| {
            repeats.identity(&DropLine {
                time,
                fine,
                host,
                message: b"HARVESTER_DROP_IN=mgmt-br ",
                packet: Err(crate::packet::Unparsed::NoSource),
                repeats: 1,
                monotonic: None,
            })
        };
        let (second, micro) = (Time(1_776_852_001_000_000), Time(1_776_852_001_123_456));
        let node = Some("harvester1");
        assert!(identity(micro, true, node).is_some());
        assert_eq!(identity(micro, true, node), identity(second, false, node));
        assert_ne!(
            identity(micro, true, node),
            identity(micro, true, Some("harvester2"))
        );
        // Without a node, or a date, nothing less than the microsecond tells two records apart.
        assert!(identity(micro, true, None).is_some());
        assert_ne!(identity(micro, true, None), identity(second, true, None));
        assert_eq!(identity(second, false, None), None);
        assert!(identity(Time::uptime(5), true, None).is_some());
        assert_eq!(identity(Time::uptime(5), false, node), None);
        assert_eq!(identity(Time::UNKNOWN, true, node), None);
    }
}
