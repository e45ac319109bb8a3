//! The lines of flows one by one, as many as are kept: appended in the order of arrival, and sorted by flow for a
//! report. So a line touches only the end of one table, wherever its flow is stored.

use crate::beside::{WORTH_A_THREAD, beside};
use crate::time::Time;

/// Upper bound on the lines kept of one flow.
pub(super) const MAX_OF_A_FLOW: u16 = 4_096;
/// Upper bound on the lines kept of all flows.
const MAX_LINES: usize = 1 << 18;

/// One line of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// Port that is not the service's; of a pair, SPT.
    pub port: u16,
    pub time: Time,
    /// Whether it opens a connection: SYN without ACK.
    pub opens: bool,
    /// Whether it ends a connection: FIN or RST.
    pub teardown: bool,
    /// Whether it belongs to a connection: it carries data, or has PSH or FIN.
    pub data: bool,
}

impl Mark {
    fn shown(self) -> u8 {
        u8::from(self.opens) | u8::from(self.teardown) << 1 | u8::from(self.data) << 2
    }
}

/// Lines, each with the index of its flow.
#[derive(Debug, Clone, Default)]
pub(super) struct Marks(Vec<Marked>);

#[derive(Debug, Clone, Copy)]
struct Marked {
    time: Time,
    flow: u32,
    port: u16,
    /// Bits of the mark, as [`Mark::shown`] defines them.
    shown: u8,
}

const _: () = assert!(size_of::<Marked>() == 16);

impl From<Marked> for Mark {
    fn from(mark: Marked) -> Self {
        Self {
            port: mark.port,
            time: mark.time,
            opens: mark.shown & 1 != 0,
            teardown: mark.shown & 2 != 0,
            data: mark.shown & 4 != 0,
        }
    }
}

impl Marks {
    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the number of further marks that can be kept.
    pub(super) const fn room(&self) -> usize {
        MAX_LINES.saturating_sub(self.0.len())
    }

    /// Adds a line of the flow with an index.
    #[inline]
    pub(super) fn push(&mut self, flow: usize, mark: Mark) {
        self.0.push(Marked {
            time: mark.time,
            flow: flow as u32,
            port: mark.port,
            shown: mark.shown(),
        });
    }

    /// Moves all times by whole years.
    pub(super) fn add_years(&mut self, years: i32) {
        for mark in &mut self.0 {
            mark.time = mark.time.add_years(years);
        }
    }

    /// Sorts the marks by flow, of which there are `flows`; the lines of each stay in the order of arrival.
    pub(super) fn by_flow(&self, flows: usize) -> MarksByFlow {
        let mut ends = vec![0_u32; flows];
        for mark in &self.0 {
            ends[mark.flow as usize] += 1;
        }
        let mut sum = 0;
        for end in &mut ends {
            (*end, sum) = (sum, sum + *end);
        }
        let nothing = Mark {
            port: 0,
            time: Time::UNKNOWN,
            opens: false,
            teardown: false,
            data: false,
        };
        let mut marks = vec![nothing; self.0.len()];
        // Two threads pass over all lines, and each writes those of half of the flows.
        let half = flows / 2;
        let middle = ends.get(half).map_or(marks.len(), |begin| *begin as usize);
        let (one, other) = marks.split_at_mut(middle);
        let (ends_of_one, ends_of_other) = ends.split_at_mut(half);
        beside(
            self.0.len() / 16 >= WORTH_A_THREAD,
            || self.put(ends_of_one, 0, one, 0),
            || self.put(ends_of_other, half, other, middle),
        );
        MarksByFlow { marks, ends }
    }

    /// Writes the lines of the flows from `first` on to a table that begins at `begin`. Each line takes the next slot of
    /// its flow, after which all `ends` are correct.
    fn put(&self, ends: &mut [u32], first: usize, marks: &mut [Mark], begin: usize) {
        for mark in &self.0 {
            let place = (mark.flow as usize).checked_sub(first);
            let Some(end) = place.and_then(|place| ends.get_mut(place)) else {
                continue;
            };
            marks[*end as usize - begin] = (*mark).into();
            *end += 1;
        }
    }
}

/// The lines of flows one by one, flow by flow.
#[derive(Debug)]
pub struct MarksByFlow {
    marks: Vec<Mark>,
    /// End index of the marks of each flow.
    ends: Vec<u32>,
}

impl MarksByFlow {
    /// Returns the marks of a flow by its index.
    pub(super) fn of(&self, flow: usize) -> &[Mark] {
        let end = |flow: usize| self.ends.get(flow).map_or(0, |end| *end as usize);
        &self.marks[flow.checked_sub(1).map_or(0, end)..end(flow)]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::{Mark, Marks};
    use crate::time::Time;

    proptest! {
        #[test]
        fn each_flow_gets_its_lines_in_their_order(flows in proptest::collection::vec(0..6_usize, 0..40)) {
            let mark = |at: usize| Mark { port: at as u16, time: Time(at as i64), opens: at.is_multiple_of(2), teardown: at.is_multiple_of(3), data: at.is_multiple_of(5) };
            let mut marks = Marks::default();
            for (at, flow) in flows.iter().enumerate() {
                marks.push(*flow, mark(at));
            }
            let sorted = marks.by_flow(6);
            for flow in 0..6 {
                let own: Vec<Mark> = (0..flows.len()).filter(|at| flows[*at] == flow).map(mark).collect();
                prop_assert_eq!(sorted.of(flow), own);
            }
        }
    }
}
