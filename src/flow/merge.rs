//! Logs added up: the flows of one log into those of another.

use super::collect::{Flows, MAX_OTHERS, MAX_TICKS_IN_ALL};
use super::evidence::NodeEvidence;
use super::marks::MAX_OF_A_FLOW;
use std::sync::Arc;

use super::quota::Admitted;
use super::{FlowKey, Folded};
use crate::site::Site;

impl Flows {
    /// Adds the flows of another log.
    pub fn absorb(&mut self, site: &Site, mut other: Self) {
        other.end_log();
        if self.logged == 0 && self.span.is_none() && self.others.is_empty() {
            *self = other;
            return;
        }
        let nodes = self.nodes.numbers(&other.nodes);
        let interfaces = self.interfaces.numbers(&other.interfaces);
        for (number, theirs) in nodes.iter().copied().map(usize::from).zip(other.evidence) {
            let room = MAX_TICKS_IN_ALL.saturating_sub(self.ticks);
            if number == self.evidence.len() {
                self.evidence.push(NodeEvidence::new(theirs.role));
            }
            self.ticks += self.evidence[number].absorb(theirs, room);
        }
        let their_marks = other.marks.by_flow(other.flows.len());
        // The bounds favour flows that come first: sorting makes the result independent of the order of lines.
        let flows = other.flows.into_iter().enumerate();
        let mut flows: Vec<_> = flows
            .map(|(place, (key, flow))| (key, place, flow))
            .collect();
        flows.sort_unstable_by_key(|(key, ..)| *key);
        for (key, their_place, theirs) in flows {
            let key = FlowKey {
                node: nodes[usize::from(key.node)],
                interface: interfaces[usize::from(key.interface)],
                ..key
            };
            let (admitted, folded) = match self.place(key) {
                Some(place) => (Admitted::Place(place), Folded::No),
                None => self.admit(key, site.role(self.nodes.name(key.node)), None),
            };
            self.folded += u64::from(folded != Folded::No) * theirs.logged;
            let place = self.open(admitted, || theirs.bare());
            let ours = &mut self.flows[place];
            ours.absorb(theirs);
            ours.folded = ours.folded.max(folded);
            let room = self
                .marks
                .room()
                .min(usize::from(MAX_OF_A_FLOW - ours.marks));
            for mark in their_marks.of(their_place).iter().take(room) {
                ours.marks += 1;
                self.marks.push(place, *mark);
            }
        }
        for (host, life) in other.others {
            if self.others.contains_key(&host) || self.others.len() < MAX_OTHERS {
                self.others.entry(host).or_default().absorb(life);
            }
        }
        if let Some((first, last)) = other.span {
            self.reaches(first);
            self.reaches(last);
        }
        self.logged += other.logged;
        self.folded += other.folded;
    }

    /// Moves all times by whole years, where the end of a log shows that its stamps without a year were dated wrongly.
    pub fn add_years(&mut self, years: i32) {
        if years == 0 {
            return;
        }
        self.span = self
            .span
            .map(|(first, last)| (first.add_years(years), last.add_years(years)));
        if let Some((first, last)) = &mut self.hostless {
            (*first, *last) = (first.add_years(years), last.add_years(years));
        }
        let nodes = self.evidence.iter_mut().map(|seen| &mut seen.life);
        for life in nodes.chain(self.others.values_mut()) {
            life.add_years(years);
        }
        for flow in self.flows.values_mut() {
            for time in [&mut flow.first, &mut flow.last] {
                *time = time.add_years(years);
            }
            if let Some(outcomes) = &mut flow.detail.outcomes {
                Arc::make_mut(outcomes).add_years(years);
            }
        }
        self.marks.add_years(years);
        for node in &mut self.evidence {
            for tick in node.ticks.iter_mut().flatten() {
                *tick = tick.add_years(years);
            }
        }
    }
}
