//! The logs of an analysis: those that have ended, and those that are read, one after the other or in turns.

use std::borrow::Cow;

use super::Analysis;
use crate::flow::Flows;
use crate::input::Dedup;
use crate::time::Time;

impl Analysis {
    /// Begins another input; records that earlier inputs contain as well count once.
    pub fn begin_input(&mut self) {
        self.dedup.get_or_insert_default().begin_input();
    }

    /// Begins inputs that are read in turns; records that another of them contains as well count once.
    pub fn begin_turns(&mut self) {
        self.dedup = Some(Dedup::forgetting());
    }

    /// Goes on with the input of this number.
    pub fn select(&mut self, input: u32) {
        if input == self.input {
            return;
        }
        let other = self.beside.remove(&input).unwrap_or_default();
        let current = std::mem::replace(&mut self.current, other);
        self.beside.insert(self.input, current);
        self.input = input;
        if let Some(dedup) = &mut self.dedup {
            dedup.select(input);
        }
    }

    /// Returns the last time that the log shows.
    pub fn last(&self) -> Option<Time> {
        let last = |flows: &Flows| flows.span().map(|(_, last)| last);
        self.logs().filter_map(last).max()
    }

    /// Returns the cost of a report, in flows that are judged.
    pub fn cost(&self) -> usize {
        self.logs().map(Flows::cost).sum()
    }

    /// Returns the flows of the logs that have ended and of those that are being read.
    fn logs(&self) -> impl Iterator<Item = &Flows> {
        [&self.flows, &self.current]
            .into_iter()
            .chain(self.beside.values())
    }

    /// Returns the flows that a report judges: those of all logs together.
    pub(super) fn judged(&self) -> Cow<'_, Flows> {
        let mut logs = self
            .logs()
            .filter(|flows| flows.span().is_some() || flows.logged() > 0);
        let (Some(first), second) = (logs.next(), logs.next()) else {
            return Cow::Borrowed(&self.current);
        };
        let Some(second) = second else {
            return Cow::Borrowed(first);
        };
        let mut all = first.clone();
        for other in std::iter::once(second).chain(logs) {
            all.absorb(&self.site, other.clone());
        }
        Cow::Owned(all)
    }
}
